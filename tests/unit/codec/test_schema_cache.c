/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/schema_cache.h"

#include <pthread.h>

#include "codec/schemas.h"
#include "support/suite.h"

static const struct source_mapping *const mappings[SOURCE_COUNT];
static const struct plan *plan;
static const char *why;
static struct status_text text;

static struct schema_cache *cache_open(void)
{
    static struct schema_cache *cache; /* static: memory_take'n, and for leak checkers in sight */
    ck_assert_int_eq(schema_cache_open(mappings, &cache, &text), STATUS_OK);
    return cache;
}

static enum status publish(struct schema_cache *cache, enum source source, uint32_t id,
                           const char *name)
{
    struct schema_key key = {.id = id};
    return schema_cache_publish(cache, source, &key, schemas_text(name), NULL, 0, &text);
}

static enum schema_cache_answer find(struct schema_cache *cache, enum source source, uint32_t id)
{
    struct schema_key key = {.id = id};
    return schema_cache_find(cache, source, &key, &plan, &why);
}

START_TEST(an_id_is_asked_for_once)
{
    struct schema_cache *cache = cache_open();
    ck_assert_int_eq(find(cache, SOURCE_SCORES, 7), SCHEMA_CACHE_ASK);
    ck_assert_int_eq(publish(cache, SOURCE_SCORES, 7, "score"), STATUS_OK);
    ck_assert_int_eq(find(cache, SOURCE_SCORES, 7), SCHEMA_CACHE_KNOWN);
    ck_assert_int_eq(plan_source(plan), SOURCE_SCORES);
    const struct plan *first = plan;
    ck_assert_int_eq(publish(cache, SOURCE_SCORES, 7, "score"), STATUS_OK);
    ck_assert_int_eq(find(cache, SOURCE_SCORES, 7), SCHEMA_CACHE_KNOWN);
    ck_assert_ptr_eq(plan, first);
    ck_assert_int_eq(find(cache, SOURCE_TRANSACTIONS, 7), SCHEMA_CACHE_ASK);
    struct schema_key guid = {.is_guid = true};
    ck_assert_int_eq(schema_cache_find(cache, SOURCE_SCORES, &guid, &plan, NULL), SCHEMA_CACHE_ASK);
}
END_TEST

START_TEST(a_schema_that_cannot_be_mapped_is_remembered_as_bad)
{
    struct schema_cache *cache = cache_open();
    ck_assert_int_eq(publish(cache, SOURCE_TRANSACTIONS, 1, "score"), STATUS_INVALID);
    ck_assert_int_eq(find(cache, SOURCE_TRANSACTIONS, 1), SCHEMA_CACHE_BAD);
    ck_assert_str_eq(why, "event_id: the schema has no `event_id` in record bank.v1.Score");
    ck_assert_int_eq(publish(cache, SOURCE_TRANSACTIONS, 1, "score"), STATUS_INVALID);
    ck_assert_int_eq(publish(cache, SOURCE_TRANSACTIONS, 2, "no such schema"), STATUS_INVALID);
}
END_TEST

START_TEST(a_full_cache_says_so_and_keeps_what_it_has)
{
    struct schema_cache *cache = cache_open();
    uint32_t id = 0;
    while (publish(cache, SOURCE_SCORES, id, "score") == STATUS_OK) {
        id++;
    }
    ck_assert_uint_eq(id, SCHEMA_CACHE_ENTRIES_MAX);
    ck_assert_int_eq(publish(cache, SOURCE_SCORES, id, "score"), STATUS_FULL);
    ck_assert_int_eq(find(cache, SOURCE_SCORES, id), SCHEMA_CACHE_ASK);
    for (uint32_t i = 0; i < id; i++) {
        ck_assert_int_eq(find(cache, SOURCE_SCORES, i), SCHEMA_CACHE_KNOWN);
    }
}
END_TEST

static void *read_while_published(void *argument)
{
    struct schema_cache *cache = argument;
    const struct plan *found;
    for (uint32_t id = 0; id < 200; id++) {
        struct schema_key key = {.id = id};
        while (schema_cache_find(cache, SOURCE_SCORES, &key, &found, NULL) == SCHEMA_CACHE_ASK) {
            (void)sched_yield();
        }
        if (plan_fields(found) != 15) {
            return argument;
        }
    }
    return NULL;
}

START_TEST(readers_see_whole_entries_only)
{
    struct schema_cache *cache = cache_open();
    pthread_t thread;
    void *wrong;
    ck_assert_int_eq(pthread_create(&thread, NULL, read_while_published, cache), 0);
    for (uint32_t id = 0; id < 200; id++) {
        ck_assert_int_eq(publish(cache, SOURCE_SCORES, id, "score"), STATUS_OK);
    }
    ck_assert_int_eq(pthread_join(thread, &wrong), 0);
    ck_assert_ptr_null(wrong);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schema_cache");
    TCase *tests = tcase_create("schema_cache");
    tcase_add_test(tests, an_id_is_asked_for_once);
    tcase_add_test(tests, a_schema_that_cannot_be_mapped_is_remembered_as_bad);
    tcase_add_test(tests, a_full_cache_says_so_and_keeps_what_it_has);
    tcase_add_test(tests, readers_see_whole_entries_only);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
