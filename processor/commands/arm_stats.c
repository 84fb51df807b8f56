/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/arm_stats.h"

#include <jansson.h>

#include "model/codes.h"

static const char *const fields[] = {"presented",  "clicked",   "accepted",     "rejected",
                                     "complained", "opted_out", "revenue_minor"};
_Static_assert(ARRAY_COUNT(fields) == ARM_STAT_COUNT, "one field per count");

static struct slice text_of(const json_t *object, const char *key, const char *missing)
{
    const char *text = json_string_value(json_object_get(object, key));
    return slice_text(text == NULL ? missing : text);
}

static uint32_t arm_of(const json_t *object, const struct engine *engine)
{
    int32_t channel = codes_find(&codes_channel, text_of(object, "channel", ""));
    return channel < 0 ? UINT32_MAX
                       : engine_arm_find(engine, text_of(object, "offer_id", ""),
                                         text_of(object, "variant", "default"), (uint8_t)channel,
                                         text_of(object, "context", "other"));
}

bool arm_stats_parse(const json_t *record, const struct engine *engine, uint32_t task_count,
                     struct arm_stats *out_stats)
{
    uint32_t arm = arm_of(record, engine);
    int64_t task = json_integer_value(json_object_get(record, "task"));
    bool known = arm != UINT32_MAX && task >= 0 && task < task_count;
    if (known) {
        *out_stats = (struct arm_stats){.task = (uint32_t)task, .arm = arm};
        for (int i = 0; i < ARM_STAT_COUNT; i++) {
            out_stats->counts[i] = json_integer_value(json_object_get(record, fields[i]));
        }
    }
    return known;
}
