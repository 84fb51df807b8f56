/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/merge.h"

#include <string.h>

void merge_init(struct merge *merge)
{
    memset(merge, 0, sizeof(*merge));
}

/* From now on, what exists is waiting. */
static void note(struct merge *merge, int64_t now_us)
{
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        const struct merge_head *head = &merge->heads[i];
        int64_t in_hand = head->state == MERGE_READY ? head->offset + 1 : 0;
        merge->noted[i] = head->end > in_hand ? head->end : in_hand;
    }
    merge->noted_us = now_us;
    merge->waiting = true;
    merge->asked = false;
    merge->confirmed = false;
}

enum merge_next merge_next(struct merge *merge, int64_t now_us, int64_t wait_us,
                           uint32_t *out_source)
{
    const struct merge_head *best = NULL;
    bool coming = false;
    bool ended = false;
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        const struct merge_head *head = &merge->heads[i];
        coming = coming || head->state == MERGE_COMING;
        ended = ended || head->state == MERGE_ENDED;
        if (head->state == MERGE_READY &&
            (best == NULL || merge_before(head->time_ms, i, best->time_ms, *out_source))) {
            best = head;
            *out_source = i;
        }
    }
    if (best == NULL) {
        return MERGE_WAIT;
    }
    if (best->time_ms == MERGE_AT_ONCE || (!coming && !ended)) {
        return MERGE_TAKE;
    }
    if (coming) {
        return MERGE_WAIT;
    }
    if (merge->confirmed) {
        memcpy(merge->released, merge->noted, sizeof(merge->released));
        note(merge, now_us);
    }
    if (best->offset < merge->released[*out_source]) {
        return MERGE_TAKE;
    }
    if (!merge->waiting) {
        note(merge, now_us);
    }
    if (merge->asked || now_us - merge->noted_us < wait_us) {
        return MERGE_WAIT;
    }
    merge->asked = true;
    return MERGE_ASK;
}

void merge_confirm(struct merge *merge)
{
    merge->confirmed = merge->asked;
}
