/* SPDX-License-Identifier: Apache-2.0 */
/* `contact_policy:`, and caps, which offers have too. */
#include "playbook/loader.h"

static const char *const keys[] = {"top",     "caps",          "quiet_hours", "max_age",
                                   "holdout", "holdout_layer", "prior",       "publish_no_offer",
                                   "about"};

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
    static const char *const known[] = {"cap", "scope", "channel"};
    static const char *const scopes[] = {"offer", "group", "channel", "all"};
    const struct yaml_node *cap = node->kind == YAML_SCALAR ? node : yaml_get(node, "cap");
    uint32_t scope = policy ? CAP_ALL : CAP_OFFER;
    *out = (struct offer_cap){.channel = CHANNEL_COUNT};
    if (node->kind == YAML_MAPPING) {
        yaml_refuse_unknown(node, known, 3, loader->diagnostics);
        if (yaml_code(yaml_get(node, "channel"), loader->diagnostics, &codes_channel,
                      &out->channel)) {
            scope = CAP_CHANNEL;
        }
        (void)yaml_word(yaml_get(node, "scope"), loader->diagnostics, scopes, 4, &scope);
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
    static const char *const known[] = {"from", "to", "channels"};
    policy->quiet_from_minute = -1;
    policy->quiet_channels =
        1U << CHANNEL_PUSH | 1U << CHANNEL_SMS | 1U << CHANNEL_PHONE | 1U << CHANNEL_IN_APP;
    if (!yaml_is_mapping(node, loader->diagnostics)) {
        return;
    }
    yaml_refuse_unknown(node, known, 3, loader->diagnostics);
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
    loader->playbook->hash = canon_end(loader); /* hash_whole takes it in */
}

void load_contact_policy(struct loader *loader)
{
    static const char *const priors[] = {"accepted", "presented"};
    struct offers_policy *policy = &loader->playbook->offers.policy;
    struct diagnostics *diagnostics = loader->diagnostics;
    const struct yaml_node *node = NULL;
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
                                     .publish_no_offer = true};
    if (node != NULL && !yaml_is_mapping(node, diagnostics)) {
        node = NULL;
    }
    yaml_refuse_unknown(node, keys, sizeof(keys) / sizeof(keys[0]), diagnostics);
    (void)yaml_integer(yaml_get(node, "top"), diagnostics, 1, OFFERS_TOP_MAX, &top);
    policy->top = (uint32_t)top;
    (void)load_caps(loader, yaml_get(node, "caps"), true, &policy->caps, &policy->cap_count);
    load_quiet_hours(loader, yaml_get(node, "quiet_hours"), policy);
    (void)yaml_duration_ms(yaml_get(node, "max_age"), diagnostics, 1000, INT64_C(366) * 86400000,
                           &policy->max_age_ms);
    (void)yaml_percent(yaml_get(node, "holdout"), diagnostics, &policy->holdout);
    (void)yaml_text(yaml_get(node, "holdout_layer"), diagnostics, &policy->holdout_layer);
    (void)yaml_bool(yaml_get(node, "publish_no_offer"), diagnostics, &policy->publish_no_offer);
    const struct yaml_node *prior = yaml_get(node, "prior");
    if (yaml_is_mapping(prior, diagnostics)) {
        yaml_refuse_unknown(prior, priors, 2, diagnostics);
        (void)yaml_number(yaml_get(prior, "accepted"), diagnostics, 0.01, 1e6,
                          &policy->prior_accepted);
        (void)yaml_number(yaml_get(prior, "presented"), diagnostics, 0.01, 1e6,
                          &policy->prior_presented);
        if (policy->prior_accepted > policy->prior_presented) {
            yaml_error(prior->key, diagnostics, NULL, "more accepted than presented");
        }
    }
    hash_policy(loader, policy);
}
