/* SPDX-License-Identifier: Apache-2.0 */
/* `series:` features: {series: tx.credit, where: '...', min_hits: 3, tolerance: 4d}. Rules read
 * f.ID.hits ... */
#include "playbook/loader.h"

static void load_names(struct loader *loader, uint32_t definition, struct series_def *def,
                       struct taint taint)
{
    for (uint32_t i = 0; i < SERIES_FIELD_COUNT; i++) {
        char name[128];
        int size = snprintf(name, sizeof(name), "%.*s.%s", SLICE_ARG(def->id),
                            series_field_name((enum series_field)i));
        struct slice copy = arena_copy(loader->arena, slice_of(name, (size_t)size));
        struct feature_facts *facts =
            copy.data == NULL
                ? NULL
                : load_name(loader, definition, copy, series_field_type((enum series_field)i));
        if (facts == NULL) {
            return;
        }
        facts->hash = def->hash;
        facts->taint = taint;
        facts->series = true;
        facts->def = loader->playbook->series_count;
        facts->is_read = def->publish;
    }
    loader->playbook->series_count++;
}

void load_series(struct loader *loader, uint32_t definition, struct series_def *def)
{
    struct diagnostics *diagnostics = loader->diagnostics;
    const struct yaml_node *node = loader->sections[PLAYBOOK_FEATURE].list[definition].node;
    int64_t hits = 3, tolerance_ms = 4 * INT64_C(86400000), recent_ms = 60 * INT64_C(86400000);
    uint32_t what = 0, period = 0, amount = 0;
    keys_refuse_unknown(node, KEYS_SERIES, diagnostics);
    *def = (struct series_def){.id = node->key->text,
                               .version = load_version(loader, node),
                               .first_feature = loader->playbook->name_count};
    (void)yaml_text(yaml_get(node, "about"), diagnostics, &def->about);
    canon_begin(loader, "series");
    (void)keys_word(node, KEYS_SERIES, "series", diagnostics, &what);
    (void)loader_compile(loader, yaml_get(node, "where"), "where",
                         loader->of_source[SOURCE_TRANSACTIONS], EXPRESSION_BOOL, &def->where);
    (void)yaml_integer(yaml_get(node, "min_hits"), diagnostics, 2, 100, &hits);
    (void)yaml_percent(yaml_get(node, "amount_tolerance"), diagnostics, &amount);
    (void)yaml_duration_ms(yaml_get(node, "tolerance"), diagnostics, 0, 60 * INT64_C(86400000),
                           &tolerance_ms);
    (void)yaml_duration_ms(yaml_get(node, "recent"), diagnostics, INT64_C(86400000),
                           400 * INT64_C(86400000), &recent_ms);
    (void)yaml_bool(yaml_get(node, "follow_renames"), diagnostics, &def->follow_renames);
    (void)keys_word(node, KEYS_SERIES, "period", diagnostics, &period);
    def->min_hits = (uint32_t)hits;
    def->amount_tolerance_permille = amount / 10;
    def->tolerance_days = (int32_t)(tolerance_ms / INT64_C(86400000));
    def->recent_days = (int32_t)(recent_ms / INT64_C(86400000));
    def->direction = what == 0 ? DIRECTION_CREDIT : DIRECTION_DEBIT;
    def->period = (uint8_t)period;
    def->publish = load_publish(loader, node);
    struct taint taint = firewall_judge(loader, node, firewall_ask(loader, def->where));
    firewall_publish(loader, node, def->publish, &taint);
    canon_integer(loader, "tracks", SERIES_TRACKS_VERSION);
    canon_integer(loader, "direction", def->direction);
    canon_integer(loader, "min_hits", def->min_hits);
    canon_integer(loader, "amount_tolerance", def->amount_tolerance_permille);
    canon_integer(loader, "tolerance", def->tolerance_days);
    canon_integer(loader, "period", def->period);
    canon_text(loader, "sensitive", taint.category);
    canon_integer(loader, "recent", def->recent_days);
    canon_integer(loader, "follow_renames", def->follow_renames);
    def->hash = canon_end(loader);
    loader->sections[PLAYBOOK_FEATURE].list[definition].hash = def->hash;
    load_names(loader, definition, def, taint);
}
