/* SPDX-License-Identifier: Apache-2.0 */
/* One line of why for each part of a rule. */
#include "support/suite.h"

#include <stdlib.h>

#include "base/attributes.h"
#include "commands/explained_leaves.h"

#define T(text)                                                                                    \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

static const struct {
    struct proof_leaf leaf;
    const char *line, *in_the_way;
} parts[] = {
    {{.value = T("6"), .threshold = T("8")},
     "+ a                        E   6 against 8   no\n",
     "not E (it is 6)\n"},
    {{.value = T("9"), .threshold = T("8"), .holds = true},
     "+ a                        E   9 against 8   yes\n",
     NULL},
    {{.threshold = T("8"), .unknown = true},
     "+ a                        E   not known against 8   no\n",
     NULL},
    /* under `!` */
    {{.negated = true}, "+ a                        E   no, which speaks for it\n", NULL},
    {{.negated = true, .holds = true},
     "+ a                        E   yes, which speaks against it\n",
     NULL},
    {{.negated = true, .unknown = true}, "+ a                        E   not known\n", NULL},
    {{.negated = true, .polarity = POLARITY_EXCLUDING},
     "- a                        E   no, which speaks against it\n",
     NULL},
    {{.negated = true, .polarity = POLARITY_EXCLUDING, .holds = true},
     "- a                        E   yes, which speaks for it\n",
     NULL},
    /* durations; a text that looks like one is none */
    {{.value = T("7776000s"), .threshold = T("90061s"), .span = true},
     "+ a                        E   90d against 1d1h1m1s   no\n",
     "not E (it is 90d)\n"},
    {{.value = T("-7776060.5s"), .threshold = T("0s"), .span = true},
     "+ a                        E   -90d1m0.5s against 0s   no\n",
     NULL},
    {{.value = T("0.001s"), .threshold = T("3600s"), .span = true},
     "+ a                        E   0.001s against 1h   no\n",
     NULL},
    {{.threshold = T("3600s"), .span = true},
     "+ a                        E   not known against 1h   no\n",
     NULL},
    {{.value = T("7776000s"), .threshold = T("90s")},
     "+ a                        E   7776000s against 90s   no\n",
     NULL},
};

static char *printed(const struct proof_leaf *like, bool in_the_way)
{
    struct proof_leaf leaf = *like;
    struct explanation explanation = {.leaves = &leaf, .leaf_count = 1};
    char *text = NULL;
    size_t size = 0;
    leaf.leaf_id = slice_text("a");
    leaf.expr = slice_text("E");
    leaf.blame = in_the_way; /* BLAME_OUGHT_TO_HOLD */
    FILE *out = open_memstream(&text, &size);
    if (in_the_way) {
        explained_leaves_in_the_way(&explanation, out);
    } else {
        explained_leaves(&explanation, out);
    }
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

START_TEST(a_part_says_what_it_is_and_which_way_it_speaks)
{
    char *text = printed(&parts[_i].leaf, false);
    ck_assert(strlen(text) > 2);
    ck_assert_str_eq(text + 2, parts[_i].line);
    free(text);
    if (parts[_i].in_the_way != NULL) {
        text = printed(&parts[_i].leaf, true);
        ck_assert_ptr_nonnull(strstr(text, parts[_i].in_the_way));
        free(text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("explained_leaves");
    TCase *tc = tcase_create("explained_leaves");
    tcase_add_loop_test(tc, a_part_says_what_it_is_and_which_way_it_speaks, 0,
                        (int)ARRAY_COUNT(parts));
    suite_add_tcase(suite, tc);
    return suite_run_all(suite);
}
