/* SPDX-License-Identifier: Apache-2.0 */
/* Random but valid events and outputs, for laws that hold for all of them. Tests only. */
#ifndef SUPPORT_CODEC_SAMPLES_H
#define SUPPORT_CODEC_SAMPLES_H

#include "base/random.h"
#include "codec/encode.h"

/* Texts live in `arena`. Every field that may be null sometimes is. */
void sample_event(struct random *random, enum source source, struct arena *arena,
                  struct event *out);
void sample_output(struct random *random, enum output_kind kind, struct arena *arena,
                   struct output *out);

/* Facts with a topic for every source. Static. */
const struct encode_facts *sample_facts(void);

/* Are two events the same in every field that is present? Aborts never; prints the field that
 * differs. */
bool events_equal(const struct event *a, const struct event *b);

#endif
