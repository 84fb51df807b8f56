/* SPDX-License-Identifier: Apache-2.0 */
/* get's and why's way to a customer in a real Redis. */
#include "support/redis_server.h"
#include "support/suite.h"

#include "base/hash.h"
#include "base/memory.h"
#include "commands/commands.h"
#include "commands/lookup.h"
#include "io/clock.h"
#include "io/store.h"
#include "runtime/head.h"

enum { TASKS = 7 };

static struct redis_server server;
static struct lookup lookup;
static char config[256];

static void set(struct store_pipeline *pipeline, uint32_t task, const char *kind, const char *id,
                struct slice value)
{
    char key[200];
    size_t size = key_prefix(key, sizeof(key), "bank", task);
    (void)snprintf(key + size, sizeof(key) - size, "%s%s", kind, id);
    store_command(pipeline, 3);
    store_argument_text(pipeline, "SET");
    store_argument_text(pipeline, key);
    store_argument(pipeline, value);
}

/* Heads of tasks 0 and the customer's, and an empty record of the customer that seen_ms knows. */
static void fill(const struct engine *engine, const char *id)
{
    static uint8_t block[1 << 20], record[ENGINE_RECORD_SIZE_MAX + 64], head_bytes[HEAD_SIZE_MAX];
    struct redis_settings settings = {.transport = {.address = server.tcp_address},
                                      .connection_count = 1};
    struct store_pipeline pipeline = {.data = block, .limit = sizeof(block)};
    struct customer *customer = memory_take(engine_customer_size(engine), "test");
    struct head head = {.state = HEAD_READY,
                        .seq = 3,
                        .task_count = TASKS,
                        .journal_offset = 9,
                        .playbook_hash = engine_playbook_hash(engine)};
    struct store_answer answer;
    struct status_text text;
    struct redis_store *redis;
    uint32_t task = hash_partition(slice_text(id), TASKS);
    engine_customer_init(engine, customer, slice_text(id));
    customer->changes = 42;
    struct bytes_writer writer = bytes_writer(record, sizeof(record));
    record_begin(&writer, 5);
    writer.size += engine_customer_pack(engine, customer, record + writer.size);
    size_t head_size = head_write(&head, head_bytes);
    set(&pipeline, 0, "head", "", slice_of(head_bytes, head_size));
    set(&pipeline, task, "head", "", slice_of(head_bytes, head_size));
    set(&pipeline, task, "c:", id, slice_of(record, writer.size));
    ck_assert(!pipeline.full);
    ck_assert_int_eq(redis_store_open(&redis, &settings, clock_system(), &text), STATUS_OK);
    ck_assert_int_eq(redis_store_wait_ready(redis, 0, 5000, &text), STATUS_OK);
    ck_assert_int_eq(redis_store_call(redis, 0, &pipeline, 5000, &answer, &text), STATUS_OK);
    redis_store_close(redis);
}

static void start(void)
{
    static const char *const options[] = {"--maxmemory-policy", "noeviction", NULL};
    redis_server_prepare(&server);
    redis_server_start(&server, options);
    (void)snprintf(config, sizeof(config), "%s/segue.yaml", server.folder);
    FILE *out = fopen(config, "w");
    ck_assert_ptr_nonnull(out);
    (void)fprintf(out, "application: bank\nplaybook: %s\nredis: {address: '%s'}\n", RETAIL,
                  server.tcp_address);
    ck_assert_int_eq(fclose(out), 0);
}

START_TEST(lookup_finds_a_customer_in_its_task)
{
    static struct opened opened;
    start();
    ck_assert_int_eq(opened_playbook("test", RETAIL, false, &opened), 0);
    struct engine_options engine = {ENGINE_CLOCK_LIVE, INT64_MIN, 1, TASKS};
    ck_assert_int_eq(opened_engine("test", engine, &opened), 0);
    fill(opened.engine, "c-17");
    ck_assert_int_eq(lookup_open("get", config, &lookup), 0);
    ck_assert_int_eq(lookup_customer(&lookup, slice_text("c-17")), 0);
    ck_assert_uint_eq(lookup.task_count, TASKS);
    ck_assert_uint_eq(lookup.task_number, hash_partition(slice_text("c-17"), TASKS));
    ck_assert(lookup.ready);
    ck_assert_uint_eq(lookup.customer->changes, 42);
    ck_assert(slice_is(customer_id(lookup.customer), "c-17"));
    ck_assert_int_eq(lookup_customer(&lookup, slice_text("c-17")), 0);
    ck_assert_uint_eq(lookup.customer->changes, 42);
    char other[] =
        "c-17\0?"; /* of the same task; cut at its NUL, it would be answered with c-17's record */
    for (other[5] = 1; hash_partition(slice_of(other, 6), TASKS) != lookup.task_number;) {
        other[5]++;
    }
    ck_assert_int_eq(lookup_customer(&lookup, slice_of(other, 6)), EXIT_NO);
}
END_TEST

START_TEST(lookup_says_when_nothing_was_processed)
{
    start();
    ck_assert_int_eq(lookup_open("get", config, &lookup), 78);
}
END_TEST

int main(void)
{
    if (!redis_server_installed()) {
        (void)puts("1..0 # SKIP no redis-server");
        return 0;
    }
    Suite *suite = suite_create("lookup");
    TCase *tc = tcase_create("lookup");
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, lookup_finds_a_customer_in_its_task);
    tcase_add_test(tc, lookup_says_when_nothing_was_processed);
    suite_add_tcase(suite, tc);
    return suite_run_all(suite);
}
