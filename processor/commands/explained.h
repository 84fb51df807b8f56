/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a customer, as text or JSON. Pure: a working block in, words out. */
#ifndef COMMANDS_EXPLAINED_H
#define COMMANDS_EXPLAINED_H

#include <stdio.h>

#include "engine/explain.h"
#include "playbook/playbook.h"

/* For people: what was decided, then the figures behind it; those that say nothing (unknown, or as of a customer
 * with no events: a count of 0) only when all are asked for. A 0 that an event wrote is said. For programs: always
 * all. */
enum explained_form { EXPLAINED_SHORT, EXPLAINED_ALL, EXPLAINED_JSON };

/* The profile's moment, life events, segments, offers, features. STATUS_FULL: `arena` (EXPLAIN_ARENA_SIZE) is too
 * small. */
enum status explained_customer(const struct engine *engine, const struct playbook *playbook,
                               const void *task, const struct customer *customer, int64_t now_ms,
                               enum explained_form form, struct arena *arena, FILE *out);

/* One explanation, leaf by leaf:
 *   IN since 2026-03-02T08:14:07Z (v8)
 *     + high_cash  f.cash_min_90d 1421000 > 1098000   yes */
void explained_print(const struct explanation *explanation, bool json, FILE *out);

/* Only what keeps the customer out, or the offer back: the leaves, gates and missing values that would have to
 * be otherwise, and what is waited for. Says so when nothing does. */
void explained_in_the_way(const struct explanation *explanation, FILE *out);

#endif
