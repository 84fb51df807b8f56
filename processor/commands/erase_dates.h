/* SPDX-License-Identifier: Apache-2.0 */
/* By when the last copy of an erased customer is gone from each topic, as its settings promise; where nobody can
 * say, that it is not known, and which permission would tell. A date that rests on a guess is worse than none. */
#ifndef COMMANDS_ERASE_DATES_H
#define COMMANDS_ERASE_DATES_H

#include <stdio.h>

#include "io/kafka_admin.h"
#include "model/event.h"
#include "model/output.h"
#include "settings/settings.h"

/* Why a topic still has something, and for how long. */
enum erase_fate {
    ERASE_JOURNAL,
    ERASE_CHECKPOINT,
    ERASE_OUTPUT,
    ERASE_PROFILE,
    ERASE_INPUT, /* the bank's own: no promise of Segue's */
    ERASE_REPARTITION
};

enum { ERASE_TOPICS_MAX = 2 * SOURCE_COUNT + OUTPUT_KIND_COUNT + 2 };

struct erase_topics {
    int64_t now_ms, checkpoint_interval_ms, journal_keep_ms;
    struct kafka_topic_want wants[ERASE_TOPICS_MAX];
    struct kafka_topic_state states[ERASE_TOPICS_MAX]; /* from kafka_admin_describe */
    enum erase_fate fates[ERASE_TOPICS_MAX];
    uint32_t count;
};

/* One more, with the settings that must be asked for; at most ERASE_TOPICS_MAX. `name` is borrowed. */
void erase_topics_add(struct erase_topics *topics, const char *name, enum erase_fate fate);

/* All topics that may name a customer, and the spans that settings say; `topics` is zeroed but for now_ms.
 * `settings` outlives it. */
void erase_topics_fill(struct erase_topics *topics, const struct settings *settings);

/* Once `states` are there: is it a topic from which nobody is ever gone for certain? The bank's own are not. */
bool erase_topic_is_endless(const struct erase_topics *topics, uint32_t i);

/* A line a topic, then the last date, where it is known of all that Segue writes and none may keep it for ever.
 * Else what is missing: the permission, or the setting. */
void erase_dates_print(const struct erase_topics *topics, FILE *out);

#endif
