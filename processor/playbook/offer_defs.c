/* SPDX-License-Identifier: Apache-2.0 */
/* `offers:` -> struct offer_def. */
#include "base/attributes.h"
#include "playbook/loader.h"
#include "playbook/reach.h"

static const int64_t long_ms = INT64_C(3660) * 86400000;

/* Ids in a list -> indices in the arena. */
static uint32_t load_ids(struct loader *loader, const struct yaml_node *node,
                         enum playbook_kind kind, const uint32_t **out)
{
    uint32_t count = 0;
    if (!yaml_is_sequence(node, loader->diagnostics)) {
        return 0;
    }
    uint32_t *list = loader_take(loader, (node->count + 1) * sizeof(*list));
    for (const struct yaml_node *item = node->first; list != NULL && item != NULL;
         item = item->next) {
        struct slice id;
        if (!yaml_text(item, loader->diagnostics, &id)) {
            continue;
        }
        int32_t found = loader_find(loader, kind, id);
        if (found < 0) {
            loader_unknown(loader, kind, item, id, (struct source_span){0});
        } else {
            canon_text(loader, (const char *)node->key->text.data, id);
            list[count++] = (uint32_t)found;
        }
    }
    *out = list;
    return count;
}

uint32_t load_segment_ids(struct loader *loader, const struct yaml_node *node, const uint32_t **out,
                          struct reads *reads)
{
    uint32_t count = load_ids(loader, node, PLAYBOOK_SEGMENT, out);
    for (uint32_t i = 0; i < count; i++) {
        reads->segments[(*out)[i] / 64] |= UINT64_C(1) << (*out)[i] % 64;
    }
    return count;
}

uint64_t load_life_ids(struct loader *loader, const struct yaml_node *node, struct reads *reads)
{
    const uint32_t *list = NULL;
    uint64_t bits = 0;
    uint32_t count = load_ids(loader, node, PLAYBOOK_LIFE_EVENT, &list);
    for (uint32_t i = 0; i < count; i++) {
        bits |= UINT64_C(1) << list[i];
    }
    reads->life |= bits;
    return bits;
}

/* Segments that an offer goes to say something of whoever gets it; those that only stop it do not. */
static void taint_segments(const uint32_t *list, uint32_t count, struct reads *reads)
{
    for (uint32_t i = 0; i < count; i++) {
        reads->tainting_segments[list[i] / 64] |= UINT64_C(1) << list[i] % 64;
    }
}

static void load_trigger(struct loader *loader, const struct yaml_node *node, struct offer_def *def,
                         struct reads *reads)
{
    if (!yaml_is_mapping(node, loader->diagnostics)) {
        return;
    }
    keys_refuse_unknown(node, KEYS_ON, loader->diagnostics);
    def->on_segments_count =
        load_segment_ids(loader, yaml_get(node, "segments"), &def->on_segments, reads);
    taint_segments(def->on_segments, def->on_segments_count, reads);
    def->on_life = load_life_ids(loader, yaml_get(node, "life"), reads);
    reads->tainting_life |= def->on_life;
    const struct yaml_node *app = yaml_get(node, "app");
    if (!yaml_is_sequence(app, loader->diagnostics)) {
        return;
    }
    struct slice *names = loader_take(loader, (app->count + 1) * sizeof(*names));
    for (const struct yaml_node *item = app->first; names != NULL && item != NULL;
         item = item->next) {
        if (yaml_text(item, loader->diagnostics, &names[def->on_app_count])) {
            canon_text(loader, "app", names[def->on_app_count++]);
        }
    }
    def->on_app = names;
}

static void load_conditions(struct loader *loader, const struct yaml_node *node,
                            struct offer_def *def, struct reads *reads)
{
    const struct yaml_node *value = yaml_get(node, "value");
    (void)loader_condition(loader, yaml_get(node, "affordable"), "affordable", PLAYBOOK_OFFER,
                           EXPRESSION_BOOL, &def->affordable, reads);
    (void)loader_condition(loader, yaml_get(node, "propensity"), "propensity", PLAYBOOK_OFFER,
                           EXPRESSION_NUMBER, &def->propensity, reads);
    (void)loader_condition(loader, yaml_get(node, "propensity_while"), "propensity_while",
                           PLAYBOOK_OFFER, EXPRESSION_BOOL, &def->propensity_while, reads);
    if (def->propensity_while.program != NULL && def->propensity.program == NULL) {
        yaml_error(yaml_get(node, "propensity_while"), loader->diagnostics,
                   "say what P is: propensity: f.score", "`propensity_while` without `propensity`");
    }
    (void)loader_condition(loader, yaml_get(node, "eligible"), "eligible", PLAYBOOK_OFFER,
                           EXPRESSION_BOOL, &def->eligible, reads);
    (void)loader_condition(loader, yaml_get(node, "suitable"), "suitable", PLAYBOOK_OFFER,
                           EXPRESSION_BOOL, &def->suitable, reads);
    (void)loader_condition(loader, yaml_get(node, "context"), "context", PLAYBOOK_OFFER,
                           EXPRESSION_NUMBER, &def->context, reads);
    if (value == NULL) {
        yaml_error(node->key, loader->diagnostics, "value: 4200 (minor units) or an expression",
                   "offer `%.*s` has no value", SLICE_ARG(def->id));
    } else if (value->kind == YAML_SCALAR && !value->quoted) {
        (void)yaml_integer(value, loader->diagnostics, 0, INT64_C(1000000000000),
                           &def->value_minor);
        canon_integer(loader, "value", def->value_minor);
    } else {
        (void)loader_condition(loader, value, "value", PLAYBOOK_OFFER, EXPRESSION_NUMBER,
                               &def->value, reads);
    }
    def->priority = 1;
    (void)yaml_number(yaml_get(node, "priority"), loader->diagnostics, 0.01, 100, &def->priority);
    canon_number(loader, "priority", def->priority);
}

/* `cool_down: {rejected: 60d}`: outcomes in lower case. */
static void load_cool_down(struct loader *loader, const struct yaml_node *node,
                           struct offer_def *def)
{
    char names[OUTCOME_COUNT][24];
    const char *known[OUTCOME_COUNT];
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "%s", codes_text(&codes_outcome, i));
        for (char *c = names[i]; *c != '\0'; c++) {
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        }
        known[i] = names[i];
    }
    if (!yaml_is_mapping(node, loader->diagnostics)) {
        return;
    }
    yaml_refuse_unknown(node, known, OUTCOME_COUNT, loader->diagnostics);
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++) {
        (void)yaml_duration_ms(yaml_get(node, known[i]), loader->diagnostics, 0, long_ms,
                               &def->cool_down_ms[i]);
    }
}

static void load_contact(struct loader *loader, const struct yaml_node *node, struct offer_def *def)
{
    struct diagnostics *diagnostics = loader->diagnostics;
    if (yaml_is_mapping(node, diagnostics)) {
        keys_refuse_unknown(node, KEYS_CONTACT, diagnostics);
        (void)yaml_text(yaml_get(node, "group"), diagnostics, &def->group);
        const struct yaml_node *caps = yaml_get(node, "caps");
        (void)load_caps(loader, caps != NULL ? caps : yaml_get(node, "cap"), false, &def->caps,
                        &def->cap_count);
        load_cool_down(loader, yaml_get(node, "cool_down"), def);
        (void)yaml_duration_ms(yaml_get(node, "repeat_after"), diagnostics, 1, long_ms,
                               &def->repeat_after_ms);
    }
    canon_text(loader, "group", def->group);
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++) {
        canon_integer(loader, "cool_down", def->cool_down_ms[i]);
    }
    canon_integer(loader, "repeat_after", def->repeat_after_ms);
}

static uint32_t load_code_set(struct loader *loader, const struct yaml_node *node,
                              const struct codes *codes)
{
    uint32_t bits = 0;
    if (yaml_is_sequence(node, loader->diagnostics)) {
        for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
            uint8_t code;
            if (yaml_code(item, loader->diagnostics, codes, &code)) {
                bits |= UINT32_C(1) << code;
            }
        }
    }
    return bits;
}

static void load_codes(struct loader *loader, const struct yaml_node *node, struct offer_def *def)
{
    static const char *const classes[] = {"marketing", "transactional", "mandatory"};
    struct diagnostics *diagnostics = loader->diagnostics;
    uint32_t word = OFFER_MARKETING;
    const struct yaml_node *purpose = yaml_get(node, "purpose"),
                           *channels = yaml_get(node, "channels");
    if (purpose == NULL) {
        yaml_error(node->key, diagnostics, "purpose: MARKETING", "offer `%.*s` has no purpose",
                   SLICE_ARG(def->id));
    }
    (void)yaml_code(purpose, diagnostics, &codes_purpose, &def->purpose);
    (void)yaml_code(yaml_get(node, "basis"), diagnostics, &codes_lawful_basis, &def->basis);
    word = def->purpose == PURPOSE_MARKETING ? OFFER_MARKETING : OFFER_TRANSACTIONAL;
    (void)yaml_word(yaml_get(node, "class"), diagnostics, classes, 3, &word);
    if (def->purpose == PURPOSE_MARKETING && word != OFFER_MARKETING) {
        yaml_error(yaml_get(node, "class"), diagnostics, "leave class away, or change purpose",
                   "marketing that calls itself %s", classes[word]);
    }
    def->contact_class = (uint8_t)word;
    def->channels = (uint8_t)load_code_set(loader, channels, &codes_channel);
    if (channels == NULL || (channels->kind == YAML_SEQUENCE && channels->count == 0)) {
        yaml_error(node->key, diagnostics, "channels: [IN_APP, EMAIL]",
                   "offer `%.*s` has no channel", SLICE_ARG(def->id));
    }
    def->product_held = load_code_set(loader, yaml_get(node, "not_holding"), &codes_product);
    canon_integer(loader, "purpose", def->purpose);
    canon_integer(loader, "basis", def->basis);
    canon_integer(loader, "class", def->contact_class);
    canon_integer(loader, "channels", def->channels);
    canon_integer(loader, "not_holding", def->product_held);
}

/* What a bank owes somebody it lends to: a rule that says when it can be afforded (CONC 5). */
static void check_credit(struct loader *loader, const struct yaml_node *node,
                         const struct offer_def *def)
{
    const uint32_t credit = 1U << ACCOUNT_CREDIT_CARD | 1U << ACCOUNT_LOAN | 1U << ACCOUNT_MORTGAGE;
    if ((credit >> def->product & 1) != 0 && def->purpose == PURPOSE_MARKETING &&
        yaml_get(node, "affordable") == NULL) {
        yaml_error(node->key, loader->diagnostics, "affordable: 'f.income_90d >= 300000'",
                   "credit `%.*s` has no rule of affordability", SLICE_ARG(def->id));
    }
}

/* What carries a risk of loss must say so, or the gate of suitability does not know it: an offer of nothing in
 * particular that is judged by appetite for risk or by knowledge, or is for those without such a product. */
static void check_investment(struct loader *loader, const struct yaml_node *node,
                             const struct offer_def *def)
{
    const uint32_t risky = 1U << ACCOUNT_INVESTMENT | 1U << ACCOUNT_PENSION;
    const struct condition *rules[] = {&def->eligible, &def->suitable};
    bool meant = (def->product_held & risky) != 0;
    for (size_t i = 0; i < ARRAY_COUNT(rules); i++) {
        meant = meant || loader_reads_profile(rules[i], "risk_profile") ||
                loader_reads_profile(rules[i], "knowledge");
    }
    if (meant && def->product == ACCOUNT_UNKNOWN && offer_is_marketing(def)) {
        yaml_new_rule(node->key, loader->diagnostics, "product: INVESTMENT",
                      "offer `%.*s` looks like an investment and names no product: its suitability "
                      "would not be asked",
                      SLICE_ARG(def->id));
    }
}

/* What an offer sells decides whether suitability and affordability must be asked, so marketing cannot leave it
 * open: it names a product, or says that it sells none. Guessing from names would let some pass. */
static void load_product(struct loader *loader, const struct yaml_node *node, struct offer_def *def)
{
    const struct yaml_node *product = yaml_get(node, "product");
    bool said = true;
    if (product == NULL) {
        said = yaml_get(node, "purpose") == NULL || !offer_is_marketing(def);
        if (!said) {
            yaml_new_rule(node->key, loader->diagnostics,
                          "product: INVESTMENT, or what it is; product: NONE when it sells none",
                          "marketing `%.*s` does not say what it sells, so nobody knows whether "
                          "suitability or affordability must be asked",
                          SLICE_ARG(def->id));
        }
    } else if (product->kind != YAML_SCALAR || !slice_is(product->text, "NONE")) {
        said = !yaml_code(product, loader->diagnostics, &codes_product, &def->product) ||
               def->product != ACCOUNT_UNKNOWN;
        if (!said) {
            yaml_new_rule(product, loader->diagnostics, "product: NONE, or what it sells",
                          "offer `%.*s` sells what nobody knows", SLICE_ARG(def->id));
        }
    }
    canon_integer(loader, "product", def->product);
    check_credit(loader, node, def);
    if (said) {
        check_investment(loader, node, def);
    }
}

static void load_variants(struct loader *loader, const struct yaml_node *node,
                          struct offer_def *def)
{
    if (!yaml_is_mapping(node, loader->diagnostics)) {
        return;
    }
    if (node->count > OFFER_VARIANTS_MAX) {
        yaml_error(node->key, loader->diagnostics, NULL, "more than %d variants",
                   OFFER_VARIANTS_MAX);
        return;
    }
    struct offer_variant *variants = loader_take(loader, (node->count + 1) * sizeof(*variants));
    for (const struct yaml_node *item = node->first; variants != NULL && item != NULL;
         item = item->next) {
        int64_t weight;
        if (yaml_integer(item, loader->diagnostics, 1, 10000, &weight)) {
            variants[def->variant_count++] =
                (struct offer_variant){item->key->text, (uint32_t)weight};
            canon_text(loader, "variant", item->key->text);
            canon_integer(loader, "weight", weight);
        }
    }
    def->variants = variants;
}

static void load_supply(struct loader *loader, const struct yaml_node *node, struct offer_def *def)
{
    struct diagnostics *diagnostics = loader->diagnostics;
    const struct yaml_node *valid = yaml_get(node, "valid");
    char layer[96];
    def->valid_from_ms = INT64_MIN;
    def->valid_until_ms = INT64_MAX;
    if (yaml_is_mapping(valid, diagnostics)) {
        keys_refuse_unknown(valid, KEYS_VALID, diagnostics);
        (void)yaml_time(yaml_get(valid, "from"), diagnostics, &def->valid_from_ms);
        (void)yaml_time(yaml_get(valid, "until"), diagnostics, &def->valid_until_ms);
        if (def->valid_from_ms >= def->valid_until_ms) {
            yaml_error(valid->key, diagnostics, NULL, "`until` is not after `from`");
        }
    }
    (void)yaml_integer(yaml_get(node, "stock"), diagnostics, 0, INT64_C(1000000000), &def->stock);
    (void)yaml_percent(yaml_get(node, "holdout"), diagnostics, &def->holdout);
    (void)snprintf(layer, sizeof(layer), "offer:%.*s", SLICE_ARG(def->id));
    def->holdout_layer = arena_copy(loader->arena, slice_text(layer));
    (void)yaml_text(yaml_get(node, "holdout_layer"), diagnostics, &def->holdout_layer);
    canon_integer(loader, "from", def->valid_from_ms);
    canon_integer(loader, "until", def->valid_until_ms);
    canon_integer(loader, "stock", def->stock);
    canon_integer(loader, "holdout", def->holdout);
    canon_text(loader, "layer", def->holdout_layer);
}

/* Does any customer pass the gates that are expressions? */
static void check_reach(struct loader *loader, const struct yaml_node *node,
                        const struct offer_def *def)
{
    const struct condition *gates[] = {&def->eligible, &def->suitable, &def->affordable};
    struct reach_part parts[3];
    uint32_t count = 0;
    for (size_t i = 0; i < 3; i++) {
        if (gates[i]->program != NULL) {
            const char *key = (const char *)gates[i]->name.data;
            parts[count++] = (struct reach_part){gates[i], yaml_get(node, key), true};
        }
    }
    (void)reach_check(loader, loader->playbook->environment, parts, count);
    if ((def->on_life & def->not_life) != 0 && def->segments_any_count == 0 &&
        def->on_segments_count == 0 && def->on_app_count == 0 &&
        (def->on_life & ~def->not_life) == 0) {
        yaml_error(yaml_get(node, "not_life"), loader->diagnostics, "take it out of one of them",
                   "what triggers offer `%.*s` also blocks it", SLICE_ARG(def->id));
    }
}

static void check_triggered(struct loader *loader, const struct yaml_node *node,
                            const struct offer_def *def)
{
    if (def->segments_any_count == 0 && def->on_segments_count == 0 && def->on_life == 0 &&
        def->on_app_count == 0) {
        yaml_error(node->key, loader->diagnostics,
                   "segments_any: [SEGMENT], or on: {segments|life|app: [..]}",
                   "nothing ever triggers offer `%.*s`", SLICE_ARG(def->id));
    }
}

static void load_one(struct loader *loader, uint32_t index, struct offer_def *def)
{
    struct definition *definition = &loader->sections[PLAYBOOK_OFFER].list[index];
    const struct yaml_node *node = definition->node;
    struct reads *reads = &definition->reads;
    uint32_t errors = loader->diagnostics->error_count;
    keys_refuse_unknown(node, KEYS_OFFER, loader->diagnostics);
    canon_begin(loader, "offer");
    *def = (struct offer_def){.id = definition->id, .version = load_version(loader, node)};
    (void)yaml_text(yaml_get(node, "about"), loader->diagnostics, &def->about);
    load_codes(loader, node, def);
    load_conditions(loader, node, def, reads);
    def->segments_any_count =
        load_segment_ids(loader, yaml_get(node, "segments_any"), &def->segments_any, reads);
    taint_segments(def->segments_any, def->segments_any_count, reads);
    def->not_life = load_life_ids(loader, yaml_get(node, "not_life"), reads);
    load_trigger(loader, yaml_get(node, "on"), def, reads);
    load_contact(loader, yaml_get(node, "contact"), def);
    load_supply(loader, node, def);
    load_variants(loader, yaml_get(node, "variants"), def);
    (void)yaml_bool(yaml_get(node, "learn"), loader->diagnostics, &def->learn);
    canon_integer(loader, "learn", def->learn);
    load_product(loader, node, def);
    (void)yaml_text(yaml_get(node, "bundle"), loader->diagnostics, &def->bundle);
    (void)yaml_bool(yaml_get(node, "review"), loader->diagnostics, &def->review);
    canon_integer(loader, "review", def->review);
    canon_text(loader, "bundle", def->bundle);
    def->publish = load_publish(loader, node);
    definition->hash = canon_end(loader);
    loader_finish(loader, PLAYBOOK_OFFER, index);
    def->hash = definition->hash;
    def->sensitive = taint_is(&definition->taint);
    if (def->sensitive && def->purpose == PURPOSE_MARKETING && def->basis != BASIS_CONSENT) {
        firewall_refuse(loader, PLAYBOOK_OFFER, index, "do not read it, or say basis: CONSENT");
    }
    if (loader->diagnostics->error_count == errors) {
        check_triggered(loader, node, def);
        check_reach(loader, node, def);
    }
    load_tests(loader, PLAYBOOK_OFFER, index);
}

/* The names of a section, for reasons. */
static const struct slice *load_names(struct loader *loader, enum playbook_kind kind)
{
    const struct section *section = &loader->sections[kind];
    struct slice *names = loader_take(loader, (section->count + 1) * sizeof(*names));
    for (uint32_t i = 0; names != NULL && i < section->count; i++) {
        names[i] = section->list[i].id;
    }
    return names;
}

void load_offers(struct loader *loader)
{
    struct section *section = &loader->sections[PLAYBOOK_OFFER];
    struct offer_def *defs = loader_take(loader, (section->count + 1) * sizeof(*defs));
    for (uint32_t i = 0; defs != NULL && i < section->count; i++) {
        load_one(loader, i, &defs[i]);
    }
    loader->playbook->offers.segment_ids = load_names(loader, PLAYBOOK_SEGMENT);
    loader->playbook->offers.life_ids = load_names(loader, PLAYBOOK_LIFE_EVENT);
    loader->playbook->offers.defs = defs;
    loader->playbook->offers.count = defs == NULL ? 0 : section->count;
}
