/* SPDX-License-Identifier: Apache-2.0 */
/* What a task has counted, for metrics and reports. */
#ifndef ENGINE_COUNTERS_H
#define ENGINE_COUNTERS_H

#include "engine/engine.h"

/* Arrays are borrowed from the task's block. */
struct engine_counters {
    uint64_t rules_unknown; /* predicates that could not be evaluated, since the task was loaded */
    /* Events taken though they may have come before: their customers have more within allowed_lateness than ids are
     * known. Since the task was loaded */
    uint64_t unsure[SOURCE_COUNT];
    uint64_t decisions; /* with at least one offer */
    uint64_t no_offers; /* without */
    /* outcomes of offers or variants that the playbook does not have, or of nobody knows which channel */
    uint64_t unknown_outcomes;
    const uint64_t *blocked; /* candidates stopped, per gate: engine_gate_name */
    uint32_t gate_count;
    const uint64_t *outcomes; /* per enum outcome */
    uint32_t outcome_count;
    const uint64_t *segment_sizes; /* members, per segment: engine_segment_id */
    uint32_t segment_count;
};

void engine_counters(const struct engine *engine, const void *task,
                     struct engine_counters *out_counters);

/* Gates there are; the same in every playbook. */
uint32_t engine_gate_count(void);
/* "consent", "contact_cap", ...; static. */
const char *engine_gate_name(uint32_t gate);
/* Borrowed from the playbook. */
struct slice engine_segment_id(const struct engine *engine, uint32_t segment);

#endif
