/* SPDX-License-Identifier: Apache-2.0 */
/* Another playbook: every customer of a task is looked at again, and consumers are told when it begins
 * and when it is complete, so that they can mark and sweep.
 *
 * A customer's record names the layout it was written in. One of another layout is due at once
 * (engine_customer_unpack) and is evaluated with origin RULE_CHANGE; so a sweep only has to bring
 * every customer of the task by, in any order, as often as it likes. The task's record remembers which
 * playbook its customers were last swept under, and survives a crash in the middle.
 *
 * Markers: one pair per segment whose definition changed, was added or retired, then one pair named
 * "playbook" with the playbook's hash and version 0. */
#ifndef ENGINE_SWEEP_H
#define ENGINE_SWEEP_H

#include "engine/engine.h"

/* Are there customers that were last evaluated under another playbook? */
bool engine_sweep_due(const struct engine *engine, const void *task);

/* Say "begin" once per playbook; later calls, also after a restart, say nothing. */
void engine_sweep_begin(const struct engine *engine, void *task, int64_t now_ms,
                        struct effects *effects);

/* Every customer came by: say "complete"; engine_sweep_due is false from now on. */
void engine_sweep_complete(const struct engine *engine, void *task, int64_t now_ms,
                           struct effects *effects);

#endif
