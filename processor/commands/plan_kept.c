/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/plan_kept.h"

#include <jansson.h>

#include "base/civil.h"

/* A series is kept whole or not at all: its part is named by id and hash. */
static struct features_kept kept_series(const struct playbook *records,
                                        const struct series_def *series)
{
    for (uint32_t i = 0; i < records->series_count; i++) {
        if (slice_equal(records->series[i].id, series->id) &&
            records->series[i].hash == series->hash) {
            return (struct features_kept){.state = FEATURES_KEPT};
        }
    }
    return (struct features_kept){.state = FEATURES_EMPTY, .lacks_ms = INT64_MAX};
}

void plan_kept_find(const struct playbook *records, const struct playbook *next, int64_t applied_ms,
                    struct plan_kept *out)
{
    out->playbook = next;
    out->applied_ms = applied_ms;
    for (uint32_t i = 0; i < next->feature_count; i++) {
        out->all[i] = features_kept(next->features, i, records->features);
    }
    for (uint32_t i = 0; i < next->series_count; i++) {
        out->all[next->feature_count + i] = kept_series(records, &next->series[i]);
    }
}

void plan_kept_add(const struct plan_kept *kept, uint32_t index, json_t *row)
{
    static const char *const words[] = {
        [FEATURES_KEPT] = "kept", [FEATURES_KEPT_PARTLY] = "partly", [FEATURES_EMPTY] = "empty"};
    const struct features_kept *of = &kept->all[index];
    (void)json_object_set_new(row, "record", json_string(words[of->state]));
    if (of->lacks_ms > 0 && of->lacks_ms < INT64_MAX) {
        char text[CIVIL_TEXT_SIZE];
        bool within = of->lacks_ms % MS_PER_DAY != 0; /* some time that day */
        int64_t day = civil_floor(kept->applied_ms + of->lacks_ms, MS_PER_DAY) + within;
        civil_format_date((int32_t)day, text);
        (void)json_object_set_new(row, "complete_on", json_string(text));
    }
    if (of->lacks_events > 0) {
        (void)json_object_set_new(row, "lacks_events", json_integer(of->lacks_events));
    }
}

static uint32_t index_of_name(const struct playbook *playbook, uint32_t name)
{
    return name < playbook->feature_count
               ? name
               : playbook->feature_count +
                     (name - playbook->series[0].first_feature) / SERIES_FIELD_COUNT;
}

static void find_read(const struct playbook *playbook, enum playbook_kind kind, uint32_t index,
                      bool read[PLAN_KEPT_MAX])
{
    for (uint32_t i = 0; i < playbook->edge_count; i++) {
        const struct playbook_edge *edge = &playbook->edges[i];
        if (edge->kind != kind || edge->index != index) {
            continue;
        }
        if (edge->reads_kind == PLAYBOOK_FEATURE) {
            read[index_of_name(playbook, edge->reads)] = true;
        } else {
            find_read(playbook, (enum playbook_kind)edge->reads_kind, edge->reads, read);
        }
    }
}

json_t *plan_kept_lacks(const struct plan_kept *kept, enum playbook_kind kind, uint32_t index)
{
    const struct playbook *playbook = kept->playbook;
    bool read[PLAN_KEPT_MAX] = {false};
    json_t *lacks = json_array();
    find_read(playbook, kind, index, read);
    for (uint32_t i = 0; i < playbook->feature_count + playbook->series_count; i++) {
        if (read[i] && kept->all[i].state != FEATURES_KEPT) {
            struct slice id = i < playbook->feature_count
                                  ? slice_text(playbook->feature_defs[i].name)
                                  : playbook->series[i - playbook->feature_count].id;
            json_t *row = json_pack("{s:o}", "id", json_stringn((const char *)id.data, id.size));
            plan_kept_add(kept, i, row);
            (void)json_array_append_new(lacks, row);
        }
    }
    return lacks;
}
