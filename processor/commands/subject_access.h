/* SPDX-License-Identifier: Apache-2.0 */
/* What is held about a customer, in plain words, as a person who asks has a right to. Pure. */
#ifndef COMMANDS_SUBJECT_ACCESS_H
#define COMMANDS_SUBJECT_ACCESS_H

#include <stdio.h>

#include "engine/explain.h"
#include "model/customer.h"
#include "playbook/playbook.h"
#include "settings/settings.h"

/* First: who, and the profile. */
void subject_access_begin(const struct settings *settings, const struct customer *customer,
                          FILE *out);

/* Then what was worked out, each with what it means (commands/plain_words.h), what is known alone: features, life
 * events, segments with what the customer may be told of them, offers that were made. STATUS_FULL: `arena`
 * (EXPLAIN_ARENA_SIZE) is too small. */
enum status subject_access_values(const struct engine *engine, const struct playbook *playbook,
                                  const void *task, const struct customer *customer, int64_t now_ms,
                                  struct arena *arena, FILE *out);

/* Last: where copies are, for how long, and what can be asked for. */
void subject_access_end(const struct settings *settings, FILE *out);

#endif
