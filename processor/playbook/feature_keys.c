/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys of a feature go with its kind and its source. */
#include <stdio.h>
#include <string.h>

#include "playbook/loader.h"

/* Keys that some kinds do not hear: there they would be a wish that nobody fulfils. */
static const struct {
    const char *key;
    const char *heard_by; /* NULL: all but ratio and rfm */
} not_for_all[] = {
    {"place", " nth top top_count "},
    {"q", " quantile "},
    {"half_life", " decay "},
    {"within", " sessions sequence absence "},
    {"then", " sequence absence "},
    {"capacity", " distinct "},
    {"cuts", " rfm "},
    {"where", NULL},
    {"currency", NULL},
    {"pending", NULL},
    {"late", NULL},
    {"anchor", NULL},
    {"order", NULL},
    {"source", NULL},
};

void feature_refuse_unheard(struct loader *loader, const struct yaml_node *node,
                            const struct feature_kind_info *kind)
{
    char word[32];
    (void)snprintf(word, sizeof(word), " %s ", kind->key);
    for (size_t i = 0; i < ARRAY_COUNT(not_for_all); i++) {
        const struct yaml_node *value = yaml_get(node, not_for_all[i].key);
        bool heard = not_for_all[i].heard_by == NULL
                         ? kind->needs != FEATURE_NEEDS_OPERANDS
                         : strstr(not_for_all[i].heard_by, word) != NULL;
        if (value != NULL && !heard) {
            yaml_new_rule(value->key, loader->diagnostics, "leave it away",
                          "`%s` says nothing to `%s`", not_for_all[i].key, kind->key);
        }
    }
}

void feature_check_needs(struct loader *loader, const struct yaml_node *node,
                         const struct feature_def *def)
{
    static const char *const of_transactions[] = {"currency", "pending"};
    if (def->kind == FEATURE_RFM && yaml_get(node, "cuts") == NULL) {
        yaml_new_rule(node->key, loader->diagnostics, "cuts: three lists of four rising limits",
                      "`rfm` needs `cuts`");
    }
    if (def->kind == FEATURE_QUANTILE && yaml_get(node, "q") == NULL) {
        yaml_new_rule(node->key, loader->diagnostics, "q: 0.5", "`quantile` needs `q`");
    }
    bool has_source = features_kind(def->kind)->needs != FEATURE_NEEDS_OPERANDS;
    for (size_t i = 0; i < ARRAY_COUNT(of_transactions); i++) {
        const struct yaml_node *value = yaml_get(node, of_transactions[i]);
        if (has_source && def->source != SOURCE_TRANSACTIONS && value != NULL) {
            yaml_new_rule(value->key, loader->diagnostics, "leave it away",
                          "`%s` is of transactions only", of_transactions[i]);
        }
    }
}
