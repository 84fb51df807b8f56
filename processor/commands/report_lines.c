/* SPDX-License-Identifier: Apache-2.0 */
/* The order of what is reported. Topics come one after the other, or mixed as partitions give them; a report must
 * not depend on that. So all that counts is kept, in few fields, and counted when it is in order of time: at one
 * moment memberships come before exposures and those before decisions, as in the engine. Withdrawals and
 * outcomes name their decision and come last of all. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "commands/report_reader.h"

/* What the report reads, at any depth. */
static const char *const fields[] = {
    "customer_id", "decision_id", "effective_at", "occurred_at", "event_id",
    "outcome",     "offer_id",    "variant",      "channel",     "revenue_minor",
    "layer",       "held_out",    "offers",       "for_review",  "withdrawn",
    "blocked",     "gate",        "segment_id",   "transition",  "membership_seq"};

/* The fields of one object that count and are no lists. */
static json_t *flat_copy(const json_t *object)
{
    json_t *copy = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        json_t *value = json_object_get(object, fields[i]);
        if (value != NULL && !json_is_array(value)) {
            (void)json_object_set(copy, fields[i], value);
        }
    }
    return copy;
}

static json_t *copy_of(const json_t *value)
{
    json_t *copy = flat_copy(value);
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        const json_t *list = json_object_get(value, fields[i]);
        json_t *items = json_is_array(list) ? json_array() : NULL;
        for (size_t k = 0; items != NULL && k < json_array_size(list); k++) {
            (void)json_array_append_new(items, flat_copy(json_array_get(list, k)));
        }
        if (items != NULL) {
            (void)json_object_set_new(copy, fields[i], items);
        }
    }
    return copy;
}

/* What it is shows in its fields; -1: nothing that counts. */
static int kind_of(const json_t *value)
{
    if (json_object_get(value, "outcome") != NULL) {
        return REPORT_OUTCOME;
    }
    if (json_object_get(value, "held_out") != NULL) {
        return REPORT_EXPOSURE;
    }
    if (json_object_get(value, "offers") != NULL) {
        return json_array_size(json_object_get(value, "withdrawn")) > 0 ? REPORT_WITHDRAWAL
                                                                        : REPORT_DECISION;
    }
    return json_object_get(value, "membership_seq") != NULL ? REPORT_MEMBERSHIP : -1;
}

void lines_keep(struct reader *reader, const json_t *value)
{
    int kind = kind_of(value);
    if (kind < 0) {
        return;
    }
    json_t *copy = copy_of(value);
    struct report_line *line =
        reader_grow((void **)&reader->lines, &reader->line_count, sizeof(*line));
    char *text = json_dumps(copy, JSON_COMPACT);
    json_decref(copy);
    if (line == NULL || text == NULL) {
        reader->failed = true;
        reader->line_count -= line != NULL;
        free(text);
        return;
    }
    *line = (struct report_line){
        .at_ms = reader_time(value, "effective_at"), .text = text, .rank = kind};
}

static int by_time(const void *a, const void *b)
{
    const struct report_line *x = a, *y = b;
    bool last_x = x->rank >= REPORT_WITHDRAWAL, last_y = y->rank >= REPORT_WITHDRAWAL;
    if (last_x != last_y) {
        return last_x ? 1 : -1;
    }
    if (!last_x && x->at_ms != y->at_ms) {
        return x->at_ms < y->at_ms ? -1 : 1;
    }
    if (x->rank != y->rank) {
        return x->rank < y->rank ? -1 : 1;
    }
    return strcmp(x->text, y->text);
}

/* A producer may have repeated itself. */
static bool came_before(struct reader *reader, const json_t *value)
{
    const char *id = reader_text(value, "event_id");
    char *key = reader_join(reader_text(value, "customer_id"), id, "");
    bool before = key != NULL && json_object_get(reader->outcomes, key) != NULL;
    reader->failed |= key == NULL;
    if (key != NULL && !before) {
        (void)json_object_set_new(reader->outcomes, key, json_true());
    }
    free(key);
    return before && id[0] != '\0';
}

void lines_replay(struct reader *reader,
                  void (*take)(struct reader *reader, enum report_kind kind, const json_t *value))
{
    if (reader->line_count > 0) {
        qsort(reader->lines, reader->line_count, sizeof(*reader->lines), by_time);
    }
    for (uint32_t i = 0; i < reader->line_count; i++) {
        struct report_line *line = &reader->lines[i];
        json_t *value = json_loads(line->text, 0, NULL);
        reader->failed |= value == NULL;
        if (value != NULL && (line->rank != REPORT_OUTCOME || !came_before(reader, value))) {
            take(reader, (enum report_kind)line->rank, value);
        }
        json_decref(value);
        free(line->text);
    }
    free(reader->lines);
    reader->lines = NULL;
    reader->line_count = 0;
}
