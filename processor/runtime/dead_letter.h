/* SPDX-License-Identifier: Apache-2.0 */
/* A dead letter: where a record lies and why it is bad, never what it says. */
#ifndef RUNTIME_DEAD_LETTER_H
#define RUNTIME_DEAD_LETTER_H

#include "io/log.h"
#include "model/output.h"

/* Fill an output of kind OUTPUT_DEAD_LETTER. `topic` (static) is where `record` was read; the reject's field is
 * borrowed. The id depends on nothing but the record's place: the same record gives the same id in every run.
 *
 * `salt`: 0 for a task. A source's repartition topic has the same source, partitions and offsets as the bank's: the
 * step that reads the latter passes another number, the same in every run. */
void dead_letter_fill(struct output *output, const char *topic, const struct log_record *record,
                      const struct reject *reject, uint64_t salt);

#endif
