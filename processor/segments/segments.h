/* SPDX-License-Identifier: Apache-2.0 */
/* Segments: who is in, since when, and why (DESIGN 6.4). The shape is FCA COBS 9B: a customer qualifies when
 * every `including` characteristic holds and no `excluding` one does.
 *
 *            entry holds          dwell served, cool-down over            exit holds and minimum stay served,
 *   OUT  ------------------> (waiting) ---------------------> IN  ------- an exclusion holds, or expiry ------> OUT
 *
 * Exit: `exit_when` where given (hysteresis) or an excluding characteristic; otherwise "entry no longer
 * holds". Where entry still holds at an exit, it must have been untrue once before the customer enters again
 * (no flapping). A predicate that cannot be evaluated leaves the membership as it is. Dwell, minimum stay,
 * cool-down and expiry are deadlines. A retired segment has no rules: it stays in the playbook so that its
 * members leave and consumers hear of it. A member of a segment that is smaller than its k is IN for its own
 * clocks only: nothing outside hears of it, not the change, not `seg`, not an offer (decisions/0013). Segments
 * may read `seg`: they are evaluated in the order of `defs`, which the loader sorts so that what is read comes
 * first.
 */
#ifndef SEGMENTS_SEGMENTS_H
#define SEGMENTS_SEGMENTS_H

#include "base/bytes.h"
#include "rules/step.h"

enum {
    SEGMENTS_MAX = 256,
    SEGMENT_CHARACTERISTICS_MAX = 16, /* including and excluding together */
};

/* One entry of `segments:`. Immutable. */
struct segment_def {
    struct slice id;
    int32_t version;
    uint64_t hash; /* of the definition and all that it reads */
    struct slice need;
    struct slice disclosure;
    struct slice purpose; /* as written: "MARKETING", ... */
    struct slice data_category;
    const struct condition *including;
    uint32_t including_count; /* at least 1 */
    const struct condition *excluding;
    uint32_t excluding_count;
    struct condition exit_when; /* name "exit_when"; program NULL: entry no longer holds */
    int64_t dwell_ms;           /* entry must hold for so long; 0: at once */
    int64_t min_stay_ms;
    int64_t cool_down_ms; /* after an exit */
    int64_t expires_ms;   /* longest stay; 0: none */
    /* k: nobody is told to be in (outputs, views, `seg`, offers) before this task has so many members */
    uint32_t min_size;
    bool on_event; /* `evaluate: on_event`: deadlines do not move it */
    bool publish;  /* in the view */
    bool retired;  /* nobody enters; members leave when next looked at and are forgotten */
};

struct segment_state {
    int64_t entered_ms;      /* while in */
    int64_t entry_since_ms;  /* while out: since when entry holds; 0: it does not */
    int64_t exited_ms;       /* the last exit; 0: none */
    uint64_t membership_seq; /* transitions ever */
    bool in;
    bool spent;     /* entry still held at the exit: it must be untrue once before a new entry */
    bool announced; /* ENTERED was published (not so while the segment is smaller than k) */
};

/* The customer is in, and whoever reads memberships may know. */
static inline bool segment_is_told(const struct segment_state *state)
{
    return state->in && state->announced;
}

struct segments {
    const struct segment_def *defs; /* in evaluation order */
    uint32_t count;                 /* at most SEGMENTS_MAX */
};

/* Transitions of one evaluation that were told, for offers: bit per definition. */
struct segments_result {
    uint64_t entered[SEGMENTS_MAX / 64];
    uint64_t exited[SEGMENTS_MAX / 64];
};

/* Evaluate at scope->now_ms all of which something may have changed (step->recall; NULL: all). Evaluating more
 * often than needed changes nothing. Outputs go to step->effects; the names of the segments that the
 * customer is told to be in go to `names` (room for `count`) and into step->scope->segments. `sizes`: members per
 * segment in this task, kept up to date. */
void segments_evaluate(const struct segments *segments, struct segment_state *states,
                       uint64_t *sizes, struct slice *names, struct step *step,
                       struct segments_result *out_result);

/* The first moment after now_ms at which segments_evaluate could decide otherwise with no event and
 * unchanged features. `recall`: only the definitions that were looked at are asked again; NULL: all. */
int64_t segments_next_change(const struct segments *segments, const struct segment_state *states,
                             const struct recall *recall, int64_t now_ms);

/* Leave every segment (EXITED, step->origin) and write tombstones of their states: the customer was erased. */
void segments_erase(const struct segments *segments, struct segment_state *states, uint64_t *sizes,
                    struct step *step);

bool segment_is_empty(const struct segment_state *state);
void segment_pack(const struct segment_state *state, struct bytes_writer *writer);
bool segment_unpack(struct segment_state *state, struct bytes_reader *reader);

/* Which characteristic decides, for `segue why` and for proofs: entry truth at this moment. */
enum rules_truth segment_entry(const struct segment_def *def, struct step *step,
                               struct proof *proof, struct arena *arena);
/* Exit truth for a member (minimum stay and expiry aside). */
enum rules_truth segment_exit(const struct segment_def *def, struct step *step, struct proof *proof,
                              struct arena *arena);

#endif
