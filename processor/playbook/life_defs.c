/* SPDX-License-Identifier: Apache-2.0 */
/* `life_events:` -> struct life_def. */
#include "playbook/loader.h"
#include "playbook/reach.h"

static const int64_t year_ms = INT64_C(366) * 86400000;

static void load_absent(struct loader *loader, const struct yaml_node *node,
                        struct life_absent *absent, struct reads *reads)
{
    const struct playbook *playbook = loader->playbook;
    struct slice name, bare;
    if (!yaml_is_mapping(node, loader->diagnostics)) {
        return;
    }
    keys_refuse_unknown(node, KEYS_ABSENT, loader->diagnostics);
    const struct yaml_node *feature = yaml_get(node, "feature"), *for_node = yaml_get(node, "for");
    if (feature == NULL || for_node == NULL) {
        yaml_error(node->key, loader->diagnostics, "absent: {feature: f.salary.last_at, for: 45d}",
                   "`absent` needs `feature` and `for`");
        return;
    }
    if (!yaml_text(feature, loader->diagnostics, &name) ||
        !yaml_duration_ms(for_node, loader->diagnostics, 60000, 20 * year_ms, &absent->for_ms)) {
        return;
    }
    load_kept(loader, for_node, absent->for_ms);
    bare = name.size > 2 && memcmp(name.data, "f.", 2) == 0 ? slice_of(name.data + 2, name.size - 2)
                                                            : name;
    for (uint32_t i = 0; i < playbook->name_count; i++) {
        if (slice_equal(loader->facts[i].name, bare)) {
            if (playbook->names[i].type != FEATURE_TIME) {
                yaml_error(feature, loader->diagnostics,
                           "use {last: event.time} or a series' last_at", "`%.*s` is no moment",
                           SLICE_ARG(name));
            }
            absent->used = true;
            absent->feature = i;
            absent->source = loader->facts[i].series
                                 ? SOURCE_TRANSACTIONS
                                 : (uint8_t)playbook->feature_defs[loader->facts[i].def].source;
            absent->name = name;
            absent->text = for_node->text;
            reads->features[i / 64] |= UINT64_C(1) << i % 64;
            canon_text(loader, "absent", name);
            canon_integer(loader, "for", absent->for_ms);
            return;
        }
    }
    loader_unknown(loader, PLAYBOOK_FEATURE, feature, bare, (struct source_span){0});
}

static void load_signal(struct loader *loader, const struct yaml_node *node,
                        struct life_signal *signal, struct reads *reads)
{
    struct slice id;
    if (!yaml_is_mapping(node, loader->diagnostics)) {
        return;
    }
    keys_refuse_unknown(node, KEYS_EVIDENCE, loader->diagnostics);
    const struct yaml_node *condition = yaml_get(node, "if"), *weight = yaml_get(node, "weight");
    const struct yaml_node *absent = yaml_get(node, "absent");
    if ((condition == NULL && absent == NULL) || weight == NULL) {
        yaml_error(node, loader->diagnostics,
                   "- {id: benefit, weight: 0.3, if: 'f.benefit_60d > 0'}",
                   "a piece of evidence needs `if` or `absent`, and `weight`");
        return;
    }
    (void)loader_condition(loader, condition, "evidence", PLAYBOOK_LIFE_EVENT, EXPRESSION_BOOL,
                           &signal->condition, reads);
    load_absent(loader, absent, &signal->absent, reads);
    signal->condition.name = condition != NULL ? condition->text : signal->absent.name;
    if (yaml_text(yaml_get(node, "id"), loader->diagnostics, &id)) {
        signal->condition.name = id;
    }
    (void)yaml_text(yaml_get(node, "about"), loader->diagnostics, &signal->about);
    (void)yaml_number(weight, loader->diagnostics, -1, 1, &signal->weight);
    (void)yaml_duration_ms(yaml_get(node, "half_life"), loader->diagnostics, 3600000, 20 * year_ms,
                           &signal->half_life_ms);
    canon_text(loader, "signal", signal->condition.name);
    canon_number(loader, "weight", signal->weight);
    canon_integer(loader, "half_life", signal->half_life_ms);
}

static void load_evidence(struct loader *loader, const struct yaml_node *node, struct life_def *def,
                          struct reads *reads)
{
    if (!yaml_is_sequence(node, loader->diagnostics)) {
        return;
    }
    if (node->count > LIFE_SIGNALS_MAX) {
        yaml_error(node->key, loader->diagnostics, NULL, "more than %d pieces of evidence",
                   LIFE_SIGNALS_MAX);
        return;
    }
    struct life_signal *signals = loader_take(loader, (node->count + 1) * sizeof(*signals));
    uint32_t count = 0;
    for (const struct yaml_node *item = node->first; signals != NULL && item != NULL;
         item = item->next) {
        load_signal(loader, item, &signals[count++], reads);
    }
    def->signals = signals;
    def->signal_count = count;
}

static void load_policy(struct loader *loader, const struct yaml_node *node, struct life_def *def)
{
    if (yaml_is_mapping(node, loader->diagnostics)) {
        keys_refuse_unknown(node, KEYS_LIFE_POLICY, loader->diagnostics);
        (void)yaml_bool(yaml_get(node, "vulnerable"), loader->diagnostics, &def->vulnerable);
        (void)yaml_text(yaml_get(node, "route"), loader->diagnostics, &def->route);
        canon_text(loader, "route", def->route);
    }
}

/* One point of `calibration`: [evidence, confidence], both above those of the point before. */
static bool load_point(struct loader *loader, const struct yaml_node *node, struct life_def *def)
{
    if (!yaml_is_sequence(node, loader->diagnostics)) {
        return false;
    }
    const struct life_calibration *before =
        def->calibration_count == 0 ? NULL : &def->calibration[def->calibration_count - 1];
    struct life_calibration point = {0, 0};
    if (node->count != 2 || !yaml_number(node->first, loader->diagnostics, 0, 1, &point.evidence) ||
        !yaml_number(node->first->next, loader->diagnostics, 0, 1, &point.confidence) ||
        (before != NULL &&
         (point.evidence <= before->evidence || point.confidence < before->confidence))) {
        yaml_error(node, loader->diagnostics, "calibration: [[0.4, 0.1], [0.7, 0.8], [1, 0.95]]",
                   "a point is [evidence, confidence], and both rise from one to the next");
        return false;
    }
    def->calibration[def->calibration_count++] = point;
    canon_number(loader, "evidence", point.evidence);
    canon_number(loader, "confidence", point.confidence);
    return true;
}

static void load_calibration(struct loader *loader, const struct yaml_node *node,
                             struct life_def *def)
{
    if (!yaml_is_sequence(node, loader->diagnostics)) {
        return;
    }
    if (node->count > LIFE_CALIBRATION_MAX) {
        yaml_error(node->key, loader->diagnostics, NULL, "more than %d points",
                   LIFE_CALIBRATION_MAX);
        return;
    }
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        if (!load_point(loader, item, def)) {
            return;
        }
    }
}

/* `errors`: how many there were before this definition; what follows from them is not said. */
static void load_numbers(struct loader *loader, const struct yaml_node *node, struct life_def *def,
                         uint32_t errors)
{
    struct diagnostics *diagnostics = loader->diagnostics;
    bool primary = def->when.program != NULL || def->absent.used;
    def->weight = !primary ? 0 : def->signal_count == 0 ? 1.0 : 0.7;
    def->suspect_at = 0.3;
    def->confirm_at = 0.7;
    (void)yaml_number(yaml_get(node, "weight"), diagnostics, 0, 1, &def->weight);
    (void)yaml_number(yaml_get(node, "suspect_at"), diagnostics, 0.01, 1, &def->suspect_at);
    (void)yaml_number(yaml_get(node, "confirm_at"), diagnostics, 0.01, 1, &def->confirm_at);
    (void)yaml_duration_ms(yaml_get(node, "expires"), diagnostics, 0, 20 * year_ms,
                           &def->expires_ms);
    (void)yaml_duration_ms(yaml_get(node, "window"), diagnostics, 0, 20 * year_ms, &def->window_ms);
    if (def->suspect_at > def->confirm_at) {
        yaml_error(node->key, diagnostics, NULL, "suspect_at is above confirm_at");
    }
    double reach = def->weight;
    for (uint32_t i = 0; i < def->signal_count; i++) {
        reach += def->signals[i].weight > 0 ? def->signals[i].weight : 0;
    }
    if (reach + 1e-9 < def->confirm_at && loader->diagnostics->error_count == errors) {
        yaml_error(node->key, diagnostics, "raise a weight or lower confirm_at",
                   "`%.*s` can never be confirmed: all weights together are %g", SLICE_ARG(def->id),
                   reach);
    }
    canon_number(loader, "weight", def->weight);
    canon_number(loader, "suspect_at", def->suspect_at);
    canon_number(loader, "confirm_at", def->confirm_at);
    canon_integer(loader, "expires", def->expires_ms);
    canon_integer(loader, "window", def->window_ms);
    canon_integer(loader, "vulnerable", def->vulnerable);
}

static void load_one(struct loader *loader, uint32_t index, struct life_def *def)
{
    struct definition *definition = &loader->sections[PLAYBOOK_LIFE_EVENT].list[index];
    const struct yaml_node *node = definition->node;
    struct reads *reads = &definition->reads;
    uint32_t errors = loader->diagnostics->error_count;
    keys_refuse_unknown(node, KEYS_LIFE, loader->diagnostics);
    canon_begin(loader, "life_event");
    *def = (struct life_def){.id = definition->id, .version = load_version(loader, node)};
    const struct {
        const char *key;
        struct condition *out;
    } conditions[] = {{"when", &def->when}, {"unless", &def->unless}, {"ends", &def->ends}};
    for (size_t i = 0; i < 3; i++) {
        (void)loader_condition(loader, yaml_get(node, conditions[i].key), conditions[i].key,
                               PLAYBOOK_LIFE_EVENT, EXPRESSION_BOOL, conditions[i].out, reads);
        loader_arm(loader, conditions[i].out);
    }
    if (loader->diagnostics->error_count == errors && def->when.program != NULL) {
        const struct reach_part parts[] = {{&def->when, yaml_get(node, "when"), true},
                                           {&def->unless, yaml_get(node, "unless"), false}};
        (void)reach_check(loader, loader->playbook->environment, parts,
                          def->unless.program != NULL ? 2 : 1);
    }
    load_absent(loader, yaml_get(node, "absent"), &def->absent, reads);
    load_evidence(loader, yaml_get(node, "evidence"), def, reads);
    for (uint32_t i = 0; i < def->signal_count; i++) {
        loader_arm(loader, &def->signals[i].condition);
    }
    load_policy(loader, yaml_get(node, "policy"), def);
    load_calibration(loader, yaml_get(node, "calibration"), def);
    load_numbers(loader, node, def, errors);
    (void)yaml_text(yaml_get(node, "data_category"), loader->diagnostics, &def->data_category);
    (void)yaml_text(yaml_get(node, "about"), loader->diagnostics, &def->about);
    def->publish = load_publish(loader, node);
    canon_text(loader, "data_category", def->data_category);
    definition->hash = canon_end(loader);
    loader_finish(loader, PLAYBOOK_LIFE_EVENT, index);
    if (def->data_category.size == 0) {
        def->data_category = definition->taint.category;
    }
    def->hash = definition->hash;
    firewall_publish_named(loader, PLAYBOOK_LIFE_EVENT, index, def->publish);
    load_tests(loader, PLAYBOOK_LIFE_EVENT, index);
}

void load_life(struct loader *loader)
{
    struct section *section = &loader->sections[PLAYBOOK_LIFE_EVENT];
    struct life_def *defs = loader_take(loader, (section->count + 1) * sizeof(*defs));
    for (uint32_t i = 0; defs != NULL && i < section->count; i++) {
        load_one(loader, i, &defs[i]);
    }
    loader->playbook->life = (struct life_events){defs, defs == NULL ? 0 : section->count};
}
