/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/explained_leaves.h"

#include <inttypes.h>

#include "base/civil.h"
#include "base/show.h"
#include "model/codes.h"
#include "rules/blame.h"

/* What excludes from a segment also ends the stay in it, so it is in both lists: once is enough. */
static bool told(const struct explanation *e, uint32_t index)
{
    const struct proof_leaf *leaf = &e->leaves[index];
    for (uint32_t i = 0; i < index; i++) {
        const struct proof_leaf *before = &e->leaves[i];
        if (before->polarity == leaf->polarity && slice_equal(before->leaf_id, leaf->leaf_id) &&
            slice_equal(before->expr, leaf->expr)) {
            return true;
        }
    }
    return false;
}

/* "-7776060.5s", as CEL prints durations -> "-90d1m0.5s", as a playbook writes them. */
static void put_span(struct slice text, FILE *out)
{
    static const struct {
        char name;
        int64_t seconds;
    } units[] = {{'d', MS_PER_DAY / MS_PER_SECOND},
                 {'h', MS_PER_HOUR / MS_PER_SECOND},
                 {'m', MS_PER_MINUTE / MS_PER_SECOND}};
    bool negative = text.size > 0 && text.data[0] == '-';
    size_t at = negative, digits = at;
    int64_t left = 0;
    while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9' && at < digits + 18) {
        left = left * 10 + (text.data[at++] - '0');
    }
    bool fraction = at < text.size && text.data[at] == '.', any = false;
    (void)fputs(negative ? "-" : "", out);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (left >= units[i].seconds) {
            (void)fprintf(out, "%" PRId64 "%c", left / units[i].seconds, units[i].name);
            left %= units[i].seconds;
            any = true;
        }
    }
    if (left > 0 || fraction || !any) {
        (void)fprintf(out, "%" PRId64, left);
        show_text(slice_of(text.data + at, text.size - at), out);
    }
}

static void put_value(const struct proof_leaf *leaf, struct slice text, FILE *out)
{
    if (leaf->span && text.size > 0) {
        put_span(text, out);
    } else {
        show_text(text, out);
    }
}

/* "no" under `!` is a point for the rule: `+ .. no` alone would read as one against it. */
static void put_truth(const struct proof_leaf *leaf, FILE *out)
{
    if (!leaf->negated) {
        (void)fputs(leaf->holds ? "yes" : "no", out);
    } else if (leaf->unknown) {
        (void)fputs("not known", out);
    } else {
        bool for_it = leaf->holds == (leaf->polarity == POLARITY_EXCLUDING);
        (void)fprintf(out, "%s, which speaks %s it", leaf->holds ? "yes" : "no",
                      for_it ? "for" : "against");
    }
}

static void put_leaf(const struct proof_leaf *leaf, FILE *out)
{
    (void)fprintf(out, "  %c %-24.*s ", leaf->polarity == POLARITY_EXCLUDING ? '-' : '+',
                  SLICE_ARG(leaf->leaf_id));
    show_text(leaf->expr, out);
    if (leaf->value.size > 0 || leaf->threshold.size > 0) {
        (void)fputs("   ", out);
        if (leaf->value.size > 0) {
            put_value(leaf, leaf->value, out);
        } else {
            (void)fputs("not known", out);
        }
        (void)fputs(leaf->threshold.size > 0 ? " against " : "", out);
        put_value(leaf, leaf->threshold, out);
    }
    (void)fputs("   ", out);
    put_truth(leaf, out);
    (void)fputc('\n', out);
}

void explained_leaves(const struct explanation *e, FILE *out)
{
    for (uint32_t i = 0; i < e->leaf_count; i++) {
        if (!told(e, i)) {
            put_leaf(&e->leaves[i], out);
        }
    }
}

static void put_leaf_in_the_way(const struct proof_leaf *leaf, FILE *out)
{
    (void)fprintf(out, "  in the way: %.*s %s", SLICE_ARG(leaf->leaf_id),
                  leaf->blame == BLAME_OUGHT_TO_HOLD ? "not " : "");
    show_text(leaf->expr, out);
    if (leaf->value.size > 0) {
        (void)fputs(" (it is ", out);
        put_value(leaf, leaf->value, out);
        (void)fputc(')', out);
    }
    (void)fputc('\n', out);
}

void explained_leaves_in_the_way(const struct explanation *e, FILE *out)
{
    for (uint32_t i = 0; i < e->leaf_count; i++) {
        if (e->leaves[i].blame != BLAME_NONE && !told(e, i)) {
            put_leaf_in_the_way(&e->leaves[i], out);
        }
    }
}

void explained_json_leaf(const struct proof_leaf *leaf, FILE *out)
{
    (void)fputs("{\"leaf_id\":", out);
    show_json(leaf->leaf_id, out);
    (void)fputs(",\"expr\":", out);
    show_json(leaf->expr, out);
    (void)fputs(",\"value\":", out);
    show_json(leaf->value, out);
    (void)fputs(",\"threshold\":", out);
    show_json(leaf->threshold, out);
    (void)fprintf(out, ",\"polarity\":\"%s\",\"holds\":%s}",
                  codes_text(&codes_polarity, leaf->polarity), leaf->holds ? "true" : "false");
}
