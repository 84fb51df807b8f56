/* SPDX-License-Identifier: Apache-2.0 */
/* How much room an index of conditions takes; what it says is compared in prop_index. */
#include "rules/index.h"

#include <stdlib.h>

#include "support/suite.h"

enum { PROGRAMS = 2, ROOM = 1 << 19 };

static uint8_t block[4 << 20];
static struct arena arena, index_arena, work;
static const struct cel_program *programs[PROGRAMS];

static void compile_all(void)
{
    static const char *const texts[PROGRAMS] = {
        "tx.text.matches(\"salary|rent\") && tx.mcc == 5411",
        "tx.reference.matches(\"loan|quick\") && tx.mcc == 7995"};
    static struct diagnostic list[DIAGNOSTICS_MAX];
    struct diagnostics diagnostics;
    struct status_text text;
    const struct zones *zones;
    ck_assert_int_eq(zones_load(&zones, &text), STATUS_OK);
    arena_init(&arena, block, sizeof(block));
    const struct cel_environment *environment =
        rules_environment(RULES_CUSTOMER, SOURCE_TRANSACTIONS, NULL, 0, zones, &arena);
    diagnostics_init(&diagnostics, list);
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        programs[i] = cel_compile(environment, slice_text(texts[i]),
                                  (struct source_span){NULL, 1, 1, 0}, &arena, &diagnostics);
        ck_assert_ptr_nonnull(programs[i]);
    }
}

/* An automaton takes what is left; it takes nothing that the rest of the index needs. */
START_TEST(more_room_is_never_worse)
{
    uint32_t before = 0, grown = 0;
    compile_all();
    arena_init(&index_arena, malloc(ROOM), ROOM);
    arena_init(&work, malloc(RULES_INDEX_WORK_SIZE), RULES_INDEX_WORK_SIZE);
    for (size_t room = 0; room < ROOM; room += 64) {
        index_arena.size = room;
        index_arena.used = 0;
        const struct rules_index *index = rules_index_build(SOURCE_TRANSACTIONS, programs, PROGRAMS,
                                                            PROGRAMS, &index_arena, &work);
        uint32_t now = index == NULL ? 0 : 1 + rules_index_size(index).patterns;
        ck_assert_msg(now >= before, "%zu bytes: %u after %u", room, now, before);
        grown += now > before;
        before = now;
    }
    ck_assert_uint_eq(before, 3); /* nothing, then the index, then each of two automata */
    ck_assert_uint_ge(grown, 2);
    free(index_arena.block);
    free(work.block);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("index");
    TCase *tests = tcase_create("index");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, more_room_is_never_worse);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
