/* SPDX-License-Identifier: Apache-2.0 */
/* segue erase C: forget a customer everywhere Segue writes, and say by when the last copy is gone.
 *
 * The erasure itself is an event: a tombstone in the profile topic, which the customer's task takes
 * in order with everything else. It ends memberships and life events, deletes record, view and
 * deadline in the same cut, and the customer's checkpoint and compacted outputs follow as
 * tombstones. */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/show.h"
#include "commands/all.h"
#include "commands/connect.h"
#include "commands/erase_dates.h"
#include "io/clock.h"
#include "io/kafka_admin.h"
#include "io/kafka_feeder.h"
#include "runtime/head.h"

enum {
    TIMEOUT_MS = 10000,
    WAIT_MS = 60000,
    POLL_US = 200000,
    KEY_SIZE = 256,
};

static const char help[] =
    "usage: segue erase [--dry-run] [--config FILE] CUSTOMER\n\n"
    "Erases a customer: record, view, checkpoints and compacted outputs, by "
    "a tombstone in the profile\n"
    "topic. Waits until Redis has forgotten, and prints by when the last "
    "copy is gone from each topic.\n"
    "--dry-run: only print that, and whether anything is known of the customer.\n";

struct erase {
    struct connect connect;
    struct slice id;
    bool dry_run;
    struct erase_topics topics;
};

static enum status send_tombstone(struct erase *erase, struct status_text *out_text)
{
    struct kafka_feeder *feeder = NULL;
    const struct settings_source *profiles =
        &erase->connect.settings.sources[SOURCE_CUSTOMER_PROFILES];
    /* Where profiles have another key, a tombstone under this one says nothing: straight to the tasks. */
    bool straight = profiles->repartition == REPARTITION_KEY;
    struct log_write write = {.topic = straight ? profiles->task_topic : profiles->topic,
                              .partition = -1,
                              .key = erase->id,
                              .has_key = true};
    enum status status = kafka_feeder_open(&erase->connect.kafka, TIMEOUT_MS, &feeder, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    status = kafka_feeder_put(feeder, &write, out_text);
    if (status == STATUS_OK) {
        status = kafka_feeder_flush(feeder, TIMEOUT_MS, out_text);
    }
    struct kafka_feeder_counts counts = kafka_feeder_counts(feeder);
    if (status == STATUS_OK && counts.failed > 0) {
        status = status_fail(out_text, STATUS_AWAY, "%s", counts.first_failure.text);
    }
    kafka_feeder_close(feeder);
    return status;
}

/* Are record and view there? */
static enum status look(struct erase *erase, struct redis_store *redis, uint32_t task,
                        bool *out_there, struct status_text *out_text)
{
    uint8_t block[1024];
    char keys[2][KEY_SIZE];
    struct store_pipeline pipeline = {.data = block, .limit = sizeof(block)};
    struct store_answer answer;
    static const char *const kinds[2] = {"c:", "v:"};
    for (int i = 0; i < 2; i++) {
        size_t size =
            key_prefix(keys[i], KEY_PREFIX_SIZE_MAX, erase->connect.settings.application, task);
        int more =
            snprintf(keys[i] + size, KEY_SIZE - size, "%s%.*s", kinds[i], SLICE_ARG(erase->id));
        store_command(&pipeline, 2);
        store_argument_text(&pipeline, i == 0 ? "GET" : "HGETALL");
        store_argument(&pipeline, slice_of(keys[i], size + (size_t)more));
    }
    enum status status =
        redis_store_call(redis, STORE_CONNECTION_READ, &pipeline, TIMEOUT_MS, &answer, out_text);
    if (status == STATUS_OK) {
        *out_there = answer.replies[0].kind == STORE_BULK || answer.replies[1].count > 0;
    }
    return status;
}

static enum status open_redis(struct erase *erase, struct redis_store **out_redis,
                              struct status_text *out_text)
{
    struct redis_settings settings = connect_redis(&erase->connect, 1);
    enum status status = redis_store_open(out_redis, &settings, clock_system(), out_text);
    return status == STATUS_OK
               ? redis_store_wait_ready(*out_redis, STORE_CONNECTION_READ, TIMEOUT_MS, out_text)
               : status;
}

/* A name that was typed wrong must not look like a customer who can be erased. */
static void tell_known(struct erase *erase, uint32_t task_count)
{
    struct redis_store *redis = NULL;
    struct status_text text = {""};
    bool there = false;
    enum status status = open_redis(erase, &redis, &text);
    if (status == STATUS_OK) {
        status = look(erase, redis, hash_partition(erase->id, task_count), &there, &text);
    }
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "segue erase: nobody knows whether there is such a customer: ");
        show_text(slice_text(text.text), stderr);
        (void)fputc('\n', stderr);
    } else if (!there) {
        (void)printf("Nothing is known of ");
        show_text(erase->id, stdout);
        (void)puts(": there is no record and no view in Redis.");
    }
}

static enum status await_forgotten(struct erase *erase, uint32_t task_count,
                                   struct status_text *out_text)
{
    struct redis_store *redis = NULL;
    uint32_t task = hash_partition(erase->id, task_count);
    bool there = true;
    enum status status = open_redis(erase, &redis, out_text);
    for (int64_t waited_us = 0; status == STATUS_OK && there; waited_us += POLL_US) {
        status = look(erase, redis, task, &there, out_text);
        if (status == STATUS_OK && there && waited_us > WAIT_MS * INT64_C(1000)) {
            status = status_fail(
                out_text, STATUS_AWAY,
                "the tombstone is written, but after %d s the record is still in Redis (task %u): "
                "is `segue run` running?",
                WAIT_MS / 1000, task);
        }
        if (status == STATUS_OK && there) {
            (void)usleep(POLL_US);
        }
    }
    return status;
}

static int run(struct erase *erase)
{
    struct status_text text = {""};
    struct kafka_admin *admin = NULL;
    uint32_t task_count = 0;
    erase->topics.now_ms = clock_system()->ops->wall_ms(clock_system());
    erase_topics_fill(&erase->topics, &erase->connect.settings);
    enum status status = kafka_admin_open(&erase->connect.kafka, TIMEOUT_MS, &admin, &text);
    if (status == STATUS_OK) {
        status = kafka_admin_describe(admin, erase->topics.wants, erase->topics.count,
                                      erase->topics.states, TIMEOUT_MS, &text);
        kafka_admin_close(admin);
    }
    for (uint32_t i = 0; i < erase->topics.count && status == STATUS_OK; i++) {
        bool read =
            strcmp(erase->topics.wants[i].name,
                   erase->connect.settings.sources[SOURCE_CUSTOMER_PROFILES].task_topic) == 0;
        task_count = read ? erase->topics.states[i].partition_count : task_count;
    }
    if (status == STATUS_OK && task_count == 0) {
        status = status_fail(&text, STATUS_INVALID, "the profile topic does not exist");
    }
    if (status == STATUS_OK && !erase->dry_run) {
        status = send_tombstone(erase, &text);
        if (status == STATUS_OK) {
            status = await_forgotten(erase, task_count, &text);
        }
    }
    if (status != STATUS_OK) {
        return connect_fail("erase", status, &text);
    }
    if (erase->dry_run) {
        tell_known(erase, task_count);
    }
    printf("%s. From the topics by:\n",
           erase->dry_run ? "Nothing was erased" : "Erased from Redis: record, view, deadline");
    erase_dates_print(&erase->topics, stdout);
    return EXIT_GOOD;
}

int erase_run(int argument_count, char **arguments)
{
    static const struct option known[] = {{"config", required_argument, NULL, 'c'},
                                          {"dry-run", no_argument, NULL, 'n'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    static struct erase erase;
    const char *config = connect_config_default;
    int option;
    optind = 1;
    while ((option = getopt_long(argument_count, arguments, "", known, NULL)) != -1) {
        if (option == 'c') {
            config = optarg;
        } else if (option == 'n') {
            erase.dry_run = true;
        } else {
            (void)fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? EXIT_GOOD : EXIT_USAGE;
        }
    }
    if (argument_count - optind != 1) {
        (void)fputs(help, stderr);
        return EXIT_USAGE;
    }
    erase.id = slice_text(arguments[optind]);
    if (erase.id.size == 0 || erase.id.size > CUSTOMER_ID_SIZE_MAX) {
        (void)fprintf(stderr, "segue erase: a customer's id has 1 to %d bytes\n",
                      CUSTOMER_ID_SIZE_MAX);
        return EXIT_USAGE;
    }
    if (!connect_load(config, &erase.connect)) {
        return EXIT_CONFIG;
    }
    if (!erase.connect.settings.sources[SOURCE_CUSTOMER_PROFILES].used) {
        (void)fprintf(
            stderr, "segue erase: sources: has no customer-profiles, which carries the tombstone: "
                    "add it and restart `segue run`\n");
        return EXIT_CONFIG;
    }
    return run(&erase);
}
