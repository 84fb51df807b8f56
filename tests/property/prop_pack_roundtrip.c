/* SPDX-License-Identifier: Apache-2.0 */
/* A record read back is the record: pack, unpack, pack gives the same bytes; another layout keeps what is
 * unchanged; hostile bytes are refused or harmless, never a crash. */
#include "support/engine_kit.h"
#include "support/suite.h"

enum { EVENTS = 1500, CUSTOMERS = 4 };

static void grow(struct kit *kit, uint64_t seed)
{
    struct kit_stream stream;
    kit_reset(kit);
    kit_stream_init(&stream, seed, CUSTOMERS, true);
    for (uint32_t i = 0; i < EVENTS; i++) {
        uint32_t customer = 0;
        struct event event = kit_stream_next(&stream, &customer);
        kit_event(kit, customer, &event);
    }
}

static uint8_t one[ENGINE_RECORD_SIZE_MAX], two[ENGINE_RECORD_SIZE_MAX];

START_TEST(a_record_read_back_packs_to_the_same_bytes)
{
    struct kit kit;
    kit_open(&kit);
    grow(&kit, kit_seed(4000) + (uint64_t)_i);
    struct status_text text;
    for (uint32_t i = 0; i < CUSTOMERS; i++) {
        struct view_change changes[ENGINE_VIEW_FIELDS_MAX];
        (void)engine_view(kit.engine, kit.customers[i], &kit.effects.arena, changes);
        size_t size = engine_customer_pack(kit.engine, kit.customers[i], one);
        ck_assert(engine_customer_unpack(kit.engine, kit.customers[CUSTOMERS],
                                         customer_id(kit.customers[i]), slice_of(one, size),
                                         &text) == STATUS_OK);
        ck_assert_uint_eq(engine_customer_pack(kit.engine, kit.customers[CUSTOMERS], two), size);
        ck_assert_mem_eq(one, two, size);
        ck_assert_uint_eq(
            engine_view(kit.engine, kit.customers[CUSTOMERS], &kit.effects.arena, changes), 0);
        one[size / 2] ^= 1; /* the comparison sees a single bit */
        ck_assert(memcmp(one, two, size) != 0);
    }
    uint8_t *task = malloc(engine_task_size(kit.engine));
    memcpy(task, kit.task, engine_task_size(kit.engine));
    /* rules_unknown and unsure are metrics and not kept */
    memset(task, 0, (1 + SOURCE_COUNT) * sizeof(uint64_t));
    size_t size = engine_task_pack(kit.engine, kit.task, one);
    ck_assert(engine_task_unpack(kit.engine, kit.task, 0, slice_of(one, size), &text) == STATUS_OK);
    ck_assert_mem_eq(task, kit.task, engine_task_size(kit.engine));
    free(task);
    ck_assert_uint_eq(engine_task_pack(kit.engine, kit.task, two), size);
    ck_assert_mem_eq(one, two, size);
    kit_close(&kit);
}
END_TEST

START_TEST(hostile_bytes_never_crash)
{
    struct kit kit;
    kit_open(&kit);
    grow(&kit, kit_seed(4100));
    struct random random;
    struct status_text text;
    random_init(&random, kit_seed(4100));
    uint32_t refused = 0;
    for (uint32_t round = 0; round < 20000; round++) {
        struct customer *from = kit.customers[round % CUSTOMERS];
        size_t size = engine_customer_pack(kit.engine, from, one);
        for (uint64_t flips = random_below(&random, 4); flips > 0; flips--) {
            one[random_below(&random, size)] = (uint8_t)random_next(&random);
        }
        size = random_chance(&random, 0.5) ? random_below(&random, size + 1) : size;
        uint8_t *exact = malloc(size + 1); /* so that sanitizers see a read beyond the end */
        memcpy(exact, one, size);
        enum status status = engine_customer_unpack(kit.engine, kit.customers[CUSTOMERS],
                                                    slice_text("x"), slice_of(exact, size), &text);
        refused += status == STATUS_INVALID;
        if (status == STATUS_OK) {
            struct event event = kit_app(kit.now_ms, "view");
            (void)engine_customer_pack(kit.engine, kit.customers[CUSTOMERS], two);
            if (kit.customers[CUSTOMERS]->seen_ms < kit.now_ms &&
                kit.customers[CUSTOMERS]->seen_ms > 0 &&
                kit.customers[CUSTOMERS]->deadline_ms > kit.now_ms) {
                kit_event(&kit, CUSTOMERS, &event);
            }
        }
        free(exact);
    }
    ck_assert_uint_gt(refused, 5000);
    kit_close(&kit);
}
END_TEST

START_TEST(another_layout_keeps_what_is_unchanged)
{
    struct kit kit;
    struct status_text text;
    kit_open(&kit);
    for (uint32_t i = 0; i < 4; i++) {
        struct event event =
            kit_tx(KIT_START_MS + (int64_t)i * KIT_DAY_MS, DIRECTION_DEBIT, 9000, "shop");
        kit_event(&kit, 0, &event);
    }
    kit_advance(&kit, 0, KIT_START_MS + INT64_C(20) * KIT_DAY_MS);
    ck_assert_uint_eq(kit_count(&kit, "segment-changes"),
                      3); /* spender in, active in, spender out */
    const struct engine *other = kit_other_layout(&kit, false);
    ck_assert(engine_layout_hash(other) != engine_layout_hash(kit.engine));
    size_t size = engine_customer_pack(kit.engine, kit.customers[0], one);
    struct customer *customer = malloc(engine_customer_size(other));
    ck_assert(engine_customer_unpack(other, customer, slice_text("c-00"), slice_of(one, size),
                                     &text) == STATUS_OK);
    ck_assert_int_eq(customer->deadline_ms,
                     customer->seen_ms); /* looked at once, under the new rules */
    size_t back = engine_customer_pack(other, customer, two);
    ck_assert_uint_eq(
        back, size); /* memberships of a changed segment stay until its new rule has looked */
    ck_assert(engine_customer_unpack(kit.engine, kit.customers[1], slice_text("c-00"),
                                     slice_of(two, back), &text) == STATUS_OK);
    kit.now_ms += INT64_C(21) * KIT_DAY_MS;
    struct event event = kit_tx(kit.now_ms, DIRECTION_DEBIT, 1, "shop");
    kit.said_size = 0;
    kit.said[0] = 0;
    kit_event(&kit, 1, &event);
    ck_assert_uint_eq(kit_count(&kit, "active ENTERED"),
                      0); /* still a member, so not entered again */
    free(customer);
    kit_close(&kit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prop_pack_roundtrip");
    TCase *tests = tcase_create("pack_roundtrip");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_record_read_back_packs_to_the_same_bytes, 0, 4);
    tcase_add_test(tests, hostile_bytes_never_crash);
    tcase_add_test(tests, another_layout_keeps_what_is_unchanged);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
