/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/explained_leaves.h"

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

static void put_leaf(const struct proof_leaf *leaf, FILE *out)
{
    (void)fprintf(out, "  %c %-24.*s ", leaf->polarity == POLARITY_EXCLUDING ? '-' : '+',
                  SLICE_ARG(leaf->leaf_id));
    show_text(leaf->expr, out);
    if (leaf->value.size > 0 || leaf->threshold.size > 0) {
        (void)fputs("   ", out);
        show_text(leaf->value.size > 0 ? leaf->value : slice_text("not known"), out);
        (void)fputs(leaf->threshold.size > 0 ? " against " : "", out);
        show_text(leaf->threshold, out);
    }
    (void)fprintf(out, "   %s\n", leaf->holds ? "yes" : "no");
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
        show_text(leaf->value, out);
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
