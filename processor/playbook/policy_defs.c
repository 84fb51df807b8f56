/* SPDX-License-Identifier: Apache-2.0 */
/* `contact_policy:`, and caps, which offers have too. */
#include "playbook/loader.h"

static const int64_t long_ms = INT64_C(3660) * 86400000;

/* "2/30d" */
static bool parse_cap(struct slice text, struct offer_cap *out)
{
    struct duration duration;
    uint32_t limit = 0;
    size_t at = 0;
    while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9' &&
           limit <= OFFER_LEDGER_MAX) {
        limit = limit * 10 + (uint32_t)(text.data[at++] - '0');
    }
    if (at == 0 || limit == 0 || limit > OFFER_LEDGER_MAX || at >= text.size ||
        text.data[at] != '/' ||
        !duration_parse(slice_of(text.data + at + 1, text.size - at - 1), &duration)) {
        return false;
    }
    out->limit = limit;
    out->window_ms = duration.ms + duration.months * INT64_C(30) * 86400000;
    return out->window_ms > 0;
}

static bool load_cap(struct loader *loader, const struct yaml_node *node, bool policy,
                     struct offer_cap *out)
{
    const struct yaml_node *cap = node->kind == YAML_SCALAR ? node : yaml_get(node, "cap");
    uint32_t scope = policy ? CAP_ALL : CAP_OFFER;
    *out = (struct offer_cap){.channel = CHANNEL_COUNT};
    if (node->kind == YAML_MAPPING) {
        keys_refuse_unknown(node, KEYS_CAP, loader->diagnostics);
        if (yaml_code(yaml_get(node, "channel"), loader->diagnostics, &codes_channel,
                      &out->channel)) {
            scope = CAP_CHANNEL;
        }
        (void)keys_word(node, KEYS_CAP, "scope", loader->diagnostics, &scope);
    }
    if (cap == NULL || cap->kind != YAML_SCALAR || !parse_cap(cap->text, out)) {
        yaml_error(cap == NULL ? node : cap, loader->diagnostics,
                   "write it as 2/30d; at most 24 contacts", "this is no cap");
        return false;
    }
    if (policy && scope < CAP_CHANNEL) {
        yaml_error(node, loader->diagnostics, "scope: all or channel",
                   "a cap of the policy holds for all offers");
        return false;
    }
    out->scope = (uint8_t)scope;
    canon_integer(loader, "cap", out->limit);
    canon_integer(loader, "cap", out->window_ms);
    canon_integer(loader, "cap", out->scope * 256 + out->channel);
    return true;
}

bool load_caps(struct loader *loader, const struct yaml_node *node, bool policy,
               const struct offer_cap **out, uint32_t *out_count)
{
    if (node == NULL) {
        return false;
    }
    uint32_t count = node->kind == YAML_SEQUENCE ? node->count : 1;
    if (count > OFFER_CAPS_MAX) {
        yaml_error(node->key, loader->diagnostics, NULL, "more than %d caps", OFFER_CAPS_MAX);
        return false;
    }
    struct offer_cap *caps = loader_take(loader, (count + 1) * sizeof(*caps));
    if (caps == NULL) {
        return false;
    }
    *out = caps;
    if (node->kind != YAML_SEQUENCE) {
        *out_count += load_cap(loader, node, policy, &caps[0]) ? 1 : 0;
        return true;
    }
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        *out_count += load_cap(loader, item, policy, &caps[*out_count]) ? 1 : 0;
    }
    return true;
}

/* "21:00" -> 1260 */
static void load_minute(struct loader *loader, const struct yaml_node *node, int32_t *out_minute)
{
    unsigned hour, minute;
    char rest;
    if (node == NULL) {
        return;
    }
    if (node->kind != YAML_SCALAR || node->text.size != 5 ||
        sscanf((const char *)node->text.data, "%2u:%2u%c", &hour, &minute, &rest) != 2 ||
        hour > 23 || minute > 59) {
        yaml_error(node, loader->diagnostics, "write it as '21:00'", "this is no time of day");
        return;
    }
    *out_minute = (int32_t)(hour * 60 + minute);
}

static void load_quiet_hours(struct loader *loader, const struct yaml_node *node,
                             struct offers_policy *policy)
{
    policy->quiet_from_minute = -1;
    policy->quiet_channels =
        1U << CHANNEL_PUSH | 1U << CHANNEL_SMS | 1U << CHANNEL_PHONE | 1U << CHANNEL_IN_APP;
    if (!yaml_is_mapping(node, loader->diagnostics)) {
        return;
    }
    keys_refuse_unknown(node, KEYS_QUIET, loader->diagnostics);
    policy->quiet_from_minute = 21 * 60;
    policy->quiet_to_minute = 8 * 60;
    load_minute(loader, yaml_get(node, "from"), &policy->quiet_from_minute);
    load_minute(loader, yaml_get(node, "to"), &policy->quiet_to_minute);
    const struct yaml_node *channels = yaml_get(node, "channels");
    if (yaml_is_sequence(channels, loader->diagnostics)) {
        policy->quiet_channels = 0;
        for (const struct yaml_node *item = channels->first; item != NULL; item = item->next) {
            uint8_t channel;
            if (yaml_code(item, loader->diagnostics, &codes_channel, &channel)) {
                policy->quiet_channels |= (uint8_t)(1U << channel);
            }
        }
    }
}

/* A stop protects whom it names. While a segment is smaller than its k nobody is told to be in: it would stop
 * nobody, and to stop in spite of k would tell who is in. So the two do not go together (decisions/0013). */
static void refuse_small_stops(struct loader *loader, const struct yaml_node *ids,
                               const struct offers_policy *policy)
{
    const struct segments *segments = &loader->playbook->segments;
    const struct yaml_node *item = ids != NULL ? ids->first : NULL;
    for (; item != NULL; item = item->next) {
        for (uint32_t i = 0; i < policy->stop_segments_count; i++) {
            uint32_t index = policy->stop_segments[i];
            if (index < segments->count && segments->defs[index].min_size > 0 &&
                slice_equal(segments->defs[index].id, item->text)) {
                yaml_error(item, loader->diagnostics, "take its `min_size` away",
                           "`%.*s` has a `min_size`: it would stop nobody while it is small",
                           SLICE_ARG(item->text));
            }
        }
    }
}

/* `stops: {segments: [in_arrears], life: [debt.stress]}`: no marketing at all. */
static void load_stops(struct loader *loader, const struct yaml_node *node,
                       struct offers_policy *policy, struct reads *reads)
{
    if (!yaml_is_mapping(node, loader->diagnostics)) {
        return;
    }
    keys_refuse_unknown(node, KEYS_STOPS, loader->diagnostics);
    policy->stop_segments_count =
        load_segment_ids(loader, yaml_get(node, "segments"), &policy->stop_segments, reads);
    refuse_small_stops(loader, yaml_get(node, "segments"), policy);
    policy->stop_life = load_life_ids(loader, yaml_get(node, "life"), reads);
}

/* `fatigue: {limit: 6, half_life: 14d, dismissed: 2}`: points by outcome, in lower case. */
static void load_fatigue(struct loader *loader, const struct yaml_node *node,
                         struct offer_fatigue *fatigue)
{
    static const char *const known[] = {"limit",   "half_life",  "presented",
                                        "clicked", "rejected",   "dismissed",
                                        "expired", "complained", "opted_out"};
    static const enum outcome outcomes[] = {OUTCOME_COUNT,   OUTCOME_COUNT,      OUTCOME_PRESENTED,
                                            OUTCOME_CLICKED, OUTCOME_REJECTED,   OUTCOME_DISMISSED,
                                            OUTCOME_EXPIRED, OUTCOME_COMPLAINED, OUTCOME_OPTED_OUT};
    static const double points[OUTCOME_COUNT] = {
        [OUTCOME_PRESENTED] = 1, [OUTCOME_CLICKED] = -1, [OUTCOME_REJECTED] = 2,
        [OUTCOME_DISMISSED] = 2, [OUTCOME_EXPIRED] = 1,  [OUTCOME_COMPLAINED] = 10,
        [OUTCOME_OPTED_OUT] = 10};
    struct diagnostics *diagnostics = loader->diagnostics;
    if (!yaml_is_mapping(node, diagnostics)) {
        return;
    }
    keys_refuse_unknown(node, KEYS_FATIGUE, diagnostics);
    memcpy(fatigue->points, points, sizeof(points));
    fatigue->limit = 6;
    fatigue->half_life_ms = INT64_C(14) * 86400000;
    (void)yaml_number(yaml_get(node, "limit"), diagnostics, 0.01, 1e6, &fatigue->limit);
    (void)yaml_duration_ms(yaml_get(node, "half_life"), diagnostics, 60000, long_ms,
                           &fatigue->half_life_ms);
    for (size_t i = 2; i < sizeof(known) / sizeof(known[0]); i++) {
        (void)yaml_number(yaml_get(node, known[i]), diagnostics, -1000, 1000,
                          &fatigue->points[outcomes[i]]);
    }
}

/* `contexts: {young: 'c.age < 30'}`: the first that holds; none: "other". */
static void load_contexts(struct loader *loader, const struct yaml_node *node,
                          struct offers_policy *policy, struct reads *reads)
{
    policy->contexts[0] = (struct condition){.name = slice_text("other")};
    policy->context_count = 1;
    if (!yaml_is_mapping(node, loader->diagnostics)) {
        return;
    }
    if (node->count >= OFFER_CONTEXTS_MAX) {
        yaml_error(node->key, loader->diagnostics, NULL, "more than %d contexts",
                   OFFER_CONTEXTS_MAX - 1);
        return;
    }
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        struct condition *context = &policy->contexts[policy->context_count];
        if (loader_condition(loader, item, (const char *)item->key->text.data, PLAYBOOK_OFFER,
                             EXPRESSION_BOOL, context, reads)) {
            context->name = item->key->text;
            policy->context_count++;
        }
    }
}

static void hash_stops(struct loader *loader, const struct offers_policy *policy)
{
    canon_number(loader, "fatigue", policy->fatigue.limit);
    canon_integer(loader, "half_life", policy->fatigue.half_life_ms);
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++) {
        canon_number(loader, "points", policy->fatigue.points[i]);
    }
    canon_integer(loader, "open_for", policy->open_ms);
    canon_integer(loader, "attribution", policy->attribution_ms);
    canon_integer(loader, "phone_from", policy->phone_from_minor);
    canon_number(loader, "explore", policy->floor);
    if (policy->explore_offers > 0) { /* a policy without keeps its hash */
        canon_number(loader, "explore_offers", policy->explore_offers);
    }
}

static void hash_policy(struct loader *loader, const struct offers_policy *policy)
{
    canon_integer(loader, "top", policy->top);
    canon_integer(loader, "quiet_from", policy->quiet_from_minute);
    canon_integer(loader, "quiet_to", policy->quiet_to_minute);
    canon_integer(loader, "quiet_channels", policy->quiet_channels);
    canon_integer(loader, "max_age", policy->max_age_ms);
    canon_integer(loader, "holdout", policy->holdout);
    canon_text(loader, "layer", policy->holdout_layer);
    canon_number(loader, "accepted", policy->prior_accepted);
    canon_number(loader, "presented", policy->prior_presented);
    canon_integer(loader, "publish_no_offer", policy->publish_no_offer);
    hash_stops(loader, policy);
    loader->playbook->hash = canon_end(loader); /* hash_whole takes it in */
}

/* What the policy reads is read, and counts in its hash. Contexts steer every offer, marketing too: they may
 * not read special-category data, and stops may not stop all but those who are left out because of it. */
static void finish_reads(struct loader *loader, const struct yaml_node *contexts,
                         const struct yaml_node *stops, const struct reads *reads)
{
    bool tainted = taint_is(&reads->taint), turned = false;
    for (uint32_t i = 0; i < loader->playbook->name_count; i++) {
        if ((reads->features[i / 64] >> i % 64 & 1) != 0) {
            canon_hash(loader, "reads", loader->facts[i].hash);
            loader->facts[i].is_read = true;
            tainted = tainted || taint_is(&loader->facts[i].taint);
        }
    }
    for (uint32_t i = 0; i < loader->sections[PLAYBOOK_SEGMENT].count; i++) {
        struct definition *segment = &loader->sections[PLAYBOOK_SEGMENT].list[i];
        if ((reads->segments[i / 64] >> i % 64 & 1) != 0) {
            canon_hash(loader, "reads", segment->hash);
            segment->is_read = true;
            bool context = (reads->tainting_segments[i / 64] >> i % 64 & 1) != 0;
            tainted =
                tainted || (context && (taint_is(&segment->taint) || taint_is(&segment->shadow)));
            turned = turned || (!context && taint_is(&segment->shadow));
        }
    }
    for (uint32_t i = 0; i < loader->sections[PLAYBOOK_LIFE_EVENT].count; i++) {
        if ((reads->life >> i & 1) != 0) {
            canon_hash(loader, "reads", loader->sections[PLAYBOOK_LIFE_EVENT].list[i].hash);
            loader->sections[PLAYBOOK_LIFE_EVENT].list[i].is_read = true;
            tainted = tainted || ((reads->tainting_life >> i & 1) != 0 &&
                                  taint_is(&loader->sections[PLAYBOOK_LIFE_EVENT].list[i].taint));
        }
    }
    if (turned) {
        yaml_error(stops->key, loader->diagnostics, "name those whom it leaves out instead",
                   "a stop is a segment that leaves people out by special-category data: only "
                   "they would hear of offers");
    }
    if (tainted) {
        yaml_error(contexts->key, loader->diagnostics, "keep contexts coarse: age, income, tenure",
                   "a context reads special-category data");
    }
}

/* Two holdouts in one layer are one: the smaller group lies whole in the larger, and compares with nobody. */
static void check_layers(struct loader *loader, const struct offers_policy *policy)
{
    const struct section *section = &loader->sections[PLAYBOOK_OFFER];
    for (uint32_t i = 0; i < loader->playbook->offers.count; i++) {
        const struct offer_def *def = &loader->playbook->offers.defs[i];
        const struct yaml_node *named = yaml_get(section->list[i].node, "holdout_layer");
        if (slice_equal(def->holdout_layer, policy->holdout_layer)) {
            yaml_error(named != NULL ? named : section->list[i].node->key, loader->diagnostics,
                       "leave it away: each offer has a layer of its own",
                       "offer `%.*s` has the layer of the policy's holdout, `%.*s`",
                       SLICE_ARG(def->id), SLICE_ARG(policy->holdout_layer));
        }
    }
}

static bool is_risky(const struct offer_def *def)
{
    return def->product == ACCOUNT_INVESTMENT || def->product == ACCOUNT_PENSION;
}

/* Of one group one is offered instead of the other, of one bundle one with the other. */
static bool stands_with(const struct offer_def *one, const struct offer_def *other)
{
    return (one->group.size > 0 && slice_equal(one->group, other->group)) ||
           (one->bundle.size > 0 && slice_equal(one->bundle, other->bundle));
}

/* What is offered instead of an investment, or with one, and says that it sells nothing would be the one of them
 * whose suitability is not asked. */
static void check_company(struct loader *loader)
{
    const struct section *section = &loader->sections[PLAYBOOK_OFFER];
    const struct offers *offers = &loader->playbook->offers;
    for (uint32_t i = 0; i < offers->count; i++) {
        const struct offer_def *def = &offers->defs[i];
        uint32_t with = 0;
        while (with < offers->count &&
               (!is_risky(&offers->defs[with]) || !stands_with(def, &offers->defs[with]))) {
            with++;
        }
        if (with < offers->count && def->product == ACCOUNT_UNKNOWN && offer_is_marketing(def)) {
            yaml_new_rule(section->list[i].node->key, loader->diagnostics,
                          "product: what it sells; or a group and bundle without investments",
                          "offer `%.*s` names no product and stands in a group or bundle with "
                          "`%.*s`, which is an investment: its suitability would not be asked",
                          SLICE_ARG(def->id), SLICE_ARG(offers->defs[with].id));
        }
    }
}

/* `explore: 5%` */
static void load_share(const struct yaml_node *node, struct diagnostics *diagnostics, double *out)
{
    uint32_t share = 0;
    if (yaml_percent(node, diagnostics, &share)) {
        *out = share / 10000.0;
    }
}

void load_contact_policy(struct loader *loader)
{
    struct offers_policy *policy = &loader->playbook->offers.policy;
    struct diagnostics *diagnostics = loader->diagnostics;
    const struct yaml_node *node = NULL;
    struct reads reads = {0};
    int64_t top = 3;
    for (uint32_t i = 0; i < loader->root_count; i++) {
        const struct yaml_node *found = yaml_get(loader->roots[i], "contact_policy");
        if (found != NULL && node != NULL) {
            yaml_error(found->key, diagnostics, "keep one", "`contact_policy` stands twice");
        }
        node = found != NULL ? found : node;
    }
    canon_begin(loader, "policy");
    *policy = (struct offers_policy){.max_age_ms = 86400000,
                                     .holdout_layer = slice_text("global"),
                                     .prior_accepted = 1,
                                     .prior_presented = 20,
                                     .publish_no_offer = true,
                                     .open_ms = INT64_C(7) * 86400000,
                                     .attribution_ms = INT64_C(30) * 86400000,
                                     .floor = 0.05};
    if (node != NULL && !yaml_is_mapping(node, diagnostics)) {
        node = NULL;
    }
    keys_refuse_unknown(node, KEYS_POLICY, diagnostics);
    (void)yaml_integer(yaml_get(node, "top"), diagnostics, 1, OFFERS_TOP_MAX, &top);
    policy->top = (uint32_t)top;
    (void)load_caps(loader, yaml_get(node, "caps"), true, &policy->caps, &policy->cap_count);
    load_quiet_hours(loader, yaml_get(node, "quiet_hours"), policy);
    (void)yaml_duration_ms(yaml_get(node, "max_age"), diagnostics, 1000, INT64_C(366) * 86400000,
                           &policy->max_age_ms);
    (void)yaml_percent(yaml_get(node, "holdout"), diagnostics, &policy->holdout);
    (void)yaml_text(yaml_get(node, "holdout_layer"), diagnostics, &policy->holdout_layer);
    (void)yaml_bool(yaml_get(node, "publish_no_offer"), diagnostics, &policy->publish_no_offer);
    load_stops(loader, yaml_get(node, "stops"), policy, &reads);
    load_fatigue(loader, yaml_get(node, "fatigue"), &policy->fatigue);
    load_contexts(loader, yaml_get(node, "contexts"), policy, &reads);
    (void)yaml_duration_ms(yaml_get(node, "open_for"), diagnostics, 60000, long_ms,
                           &policy->open_ms);
    (void)yaml_duration_ms(yaml_get(node, "attribution"), diagnostics, 60000, long_ms,
                           &policy->attribution_ms);
    (void)yaml_integer(yaml_get(node, "phone_from"), diagnostics, 0, INT64_C(1000000000000),
                       &policy->phone_from_minor);
    load_share(yaml_get(node, "explore"), diagnostics, &policy->floor);
    load_share(yaml_get(node, "explore_offers"), diagnostics, &policy->explore_offers);
    const struct yaml_node *prior = yaml_get(node, "prior");
    if (yaml_is_mapping(prior, diagnostics)) {
        keys_refuse_unknown(prior, KEYS_PRIOR, diagnostics);
        (void)yaml_number(yaml_get(prior, "accepted"), diagnostics, 0.01, 1e6,
                          &policy->prior_accepted);
        (void)yaml_number(yaml_get(prior, "presented"), diagnostics, 0.01, 1e6,
                          &policy->prior_presented);
        if (policy->prior_accepted > policy->prior_presented) {
            yaml_error(prior->key, diagnostics, NULL, "more accepted than presented");
        }
    }
    finish_reads(loader, yaml_get(node, "contexts"), yaml_get(node, "stops"), &reads);
    check_layers(loader, policy);
    check_company(loader);
    hash_policy(loader, policy);
}
