/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/erase_dates.h"

#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/invariant.h"
#include "base/show.h"

/* log.retention.check.interval.ms as brokers have it; the cleaner looks oftener */
enum { BROKER_LOOKS_MS = 300000 };

#define NEVER INT64_MAX

/* What must be known of each topic; the order of `values`. */
enum { POLICY, RETENTION, COMPACTION_LAG, TOMBSTONES_KEPT, SEGMENT, FILE_DELAY, VALUES_COUNT };
static const char *const names[VALUES_COUNT] = {
    "cleanup.policy",      "retention.ms", "max.compaction.lag.ms",
    "delete.retention.ms", "segment.ms",   "file.delete.delay.ms"};
_Static_assert((int)VALUES_COUNT <= (int)KAFKA_TOPIC_CONFIG_MAX, "all are asked for at once");

void erase_topics_add(struct erase_topics *topics, const char *name, enum erase_fate fate)
{
    INVARIANT(topics->count < ERASE_TOPICS_MAX);
    struct kafka_topic_want *want = &topics->wants[topics->count];
    want->name = name;
    want->config_count = VALUES_COUNT;
    for (int i = 0; i < VALUES_COUNT; i++) {
        want->config[i] = (struct kafka_property){names[i], ""};
    }
    topics->fates[topics->count++] = fate;
}

void erase_topics_fill(struct erase_topics *topics, const struct settings *settings)
{
    topics->checkpoint_interval_ms = settings->checkpoint_interval_ms;
    topics->journal_keep_ms = settings->journal_keep_ms;
    for (int i = 0; i < SOURCE_COUNT; i++) {
        if (settings->sources[i].used) {
            erase_topics_add(topics, settings->sources[i].topic,
                             i == SOURCE_CUSTOMER_PROFILES ? ERASE_PROFILE : ERASE_INPUT);
        }
    }
    for (int i = 0; i < SOURCE_COUNT; i++) {
        if (settings->sources[i].used && settings->sources[i].repartition != REPARTITION_OFF) {
            erase_topics_add(topics, settings->sources[i].task_topic, ERASE_REPARTITION);
        }
    }
    for (int i = 0; i < OUTPUT_KIND_COUNT; i++) {
        erase_topics_add(topics, settings->topics[i], ERASE_OUTPUT);
    }
    erase_topics_add(topics, settings->journal_topic, ERASE_JOURNAL);
    erase_topics_add(topics, settings->checkpoint_topic, ERASE_CHECKPOINT);
}

/* Kafka's -1 and its largest number both mean for ever. */
static int64_t span_of(const struct kafka_topic_state *state, int value)
{
    char *end;
    const char *text = state->values[value];
    int64_t span = strtoll(text, &end, 10);
    return text[0] == '\0' || *end != '\0' || span < 0 || span > INT64_C(1000) * 366 * MS_PER_DAY
               ? NEVER
               : span;
}

static int64_t later(int64_t moment, int64_t span)
{
    return moment == NEVER || span == NEVER ? NEVER : moment + span;
}

static bool is_compacted(const struct kafka_topic_state *state)
{
    return strcmp(state->values[POLICY], "compact") == 0;
}

/* When the last record that names the customer may be deleted from the topic. */
static int64_t due_at(const struct erase_topics *topics, uint32_t i)
{
    const struct kafka_topic_state *state = &topics->states[i];
    int64_t begin = topics->now_ms;
    if (topics->fates[i] == ERASE_JOURNAL) {
        begin = later(begin, topics->checkpoint_interval_ms + topics->journal_keep_ms);
        return later(begin,
                     span_of(state, SEGMENT)); /* DeleteRecords hides at once, files go whole */
    }
    if (topics->fates[i] == ERASE_REPARTITION) { /* deleted when it was read; files go whole */
        return later(later(begin, MS_PER_MINUTE), span_of(state, SEGMENT));
    }
    if (topics->fates[i] == ERASE_CHECKPOINT) {
        begin = later(begin, topics->checkpoint_interval_ms);
    }
    if (is_compacted(state)) {
        /* First the values, then the tombstone, whose key names the customer. */
        int64_t lag = span_of(state, COMPACTION_LAG);
        return later(later(later(begin, lag), span_of(state, TOMBSTONES_KEPT)), lag);
    }
    return later(later(begin, span_of(state, RETENTION)), span_of(state, SEGMENT));
}

/* When the file with that record is gone from every disk. */
static int64_t gone_at(const struct erase_topics *topics, uint32_t i)
{
    return later(later(due_at(topics, i), BROKER_LOOKS_MS),
                 span_of(&topics->states[i], FILE_DELAY));
}

/* What the user may not do, so that nothing can be said of the topic; NULL: it is known. */
static const char *lacks(const struct kafka_topic_state *state)
{
    return state->denied                           ? "Describe"
           : state->exists && !state->values_known ? "DescribeConfigs"
                                                   : NULL;
}

static const char *remark(enum erase_fate fate, bool compacted, bool never)
{
    if (fate == ERASE_INPUT) {
        return "the bank's own record of what happened";
    }
    if (never) {
        return compacted ? "set max.compaction.lag.ms" : "set retention.ms";
    }
    return fate == ERASE_JOURNAL       ? "unreadable earlier: journal.keep after its checkpoint"
           : fate == ERASE_REPARTITION ? "unreadable as soon as it was read"
                                       : "";
}

/* The line of one topic; when it is gone from there, NEVER, or 0 where there is nothing to wait for or to know. */
static int64_t print_topic(const struct erase_topics *topics, uint32_t i, FILE *out)
{
    const struct kafka_topic_state *state = &topics->states[i];
    const char *name = topics->wants[i].name, *missing = lacks(state);
    char at[CIVIL_TEXT_SIZE] = "never";
    if (missing != NULL) {
        (void)fprintf(out, "  %-32s %-24s the permission %s on it is missing\n", name, "not known",
                      missing);
        return 0;
    }
    if (!state->exists) {
        (void)fprintf(out, "  %-32s %-24s there is no such topic\n", name, "nothing there");
        return 0;
    }
    int64_t gone_ms = gone_at(topics, i);
    if (gone_ms != NEVER) {
        civil_format_time(gone_ms, at);
    }
    (void)fprintf(out, "  %-32s %-24s %s\n", name, at,
                  remark(topics->fates[i], is_compacted(state), gone_ms == NEVER));
    return topics->fates[i] == ERASE_INPUT ? 0 : gone_ms;
}

bool erase_topic_is_endless(const struct erase_topics *topics, uint32_t i)
{
    return topics->fates[i] != ERASE_INPUT && topics->states[i].exists &&
           lacks(&topics->states[i]) == NULL && gone_at(topics, i) == NEVER;
}

void erase_dates_print(const struct erase_topics *topics, FILE *out)
{
    char at[CIVIL_TEXT_SIZE];
    uint32_t unknown = 0;
    int64_t last_ms = topics->now_ms;
    for (uint32_t i = 0; i < topics->count; i++) {
        int64_t gone_ms = print_topic(topics, i, out);
        last_ms = gone_ms > last_ms ? gone_ms : last_ms;
        unknown += topics->fates[i] != ERASE_INPUT && lacks(&topics->states[i]) != NULL;
    }
    if (unknown > 0) {
        (void)fprintf(out,
                      "By when the last copy is gone is not known: of %u topic%s that Segue writes "
                      "this user may not read the settings.\nGive it what is missing above "
                      "(`segue topics --acls User:NAME` prints the commands) and ask again with "
                      "--dry-run.\n",
                      unknown, show_s(unknown));
    }
    if (last_ms == NEVER) {
        (void)fprintf(out,
                      "The last copy is never gone for certain: bound the topics marked above.\n");
    } else if (unknown == 0) {
        civil_format_time(last_ms, at);
        (void)fprintf(out, "The last copy that Segue wrote is gone by %s.\n", at);
    }
}
