/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis store against a redis-server of its own: how fast cuts are applied and records are
 * read.
 *
 *   write: MULTI, MSET head + 100 records, SADD due, EXEC, WATCH head, GET head    (DESIGN 5.2)
 *   read:  MGET head + 100 records
 *
 * usage: bench_store [seconds per case]; one figure a line. Client and server share the machine's
 * cores. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "io/redis_store.h"
#include "support/redis_server.h"

enum { RECORDS = 100, RECORD_SIZE = 600, KEYS = 100000, DEPTH_MAX = 8, PIPELINE_SIZE = 128 * 1024 };

static uint8_t blocks[DEPTH_MAX][PIPELINE_SIZE];
static uint8_t record[RECORD_SIZE];

static double cpu_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double wall_seconds(void)
{
    return (double)clock_system()->ops->monotonic_us(clock_system()) / 1e6;
}

static void add_key(struct store_pipeline *pipeline, uint64_t number)
{
    char id[24];
    int size = snprintf(id, sizeof(id), "customer-%06llu", (unsigned long long)(number % KEYS));
    store_argument_pair(pipeline, slice_text("{bank.0}c:"), slice_of(id, (size_t)size));
}

static struct store_pipeline write_cut(uint8_t *block, uint64_t first)
{
    struct store_pipeline pipeline = {.data = block, .limit = PIPELINE_SIZE};
    store_command(&pipeline, 1);
    store_argument_text(&pipeline, "MULTI");
    store_command(&pipeline, 1 + 2 * (RECORDS + 1));
    store_argument_text(&pipeline, "MSET");
    store_argument_text(&pipeline, "{bank.0}head");
    store_argument(&pipeline, slice_of(record, 100));
    for (uint64_t i = 0; i < RECORDS; i++) {
        add_key(&pipeline, (first + i) * 7919);
        store_argument(&pipeline, slice_of(record, sizeof(record)));
    }
    store_command(&pipeline, 3);
    store_argument_text(&pipeline, "SADD");
    store_argument_text(&pipeline, "{bank.0}due:1");
    store_argument_text(&pipeline, "customer-1");
    static const char *const tail[] = {"EXEC",         NULL,  "WATCH",
                                       "{bank.0}head", "GET", "{bank.0}head"};
    store_command(&pipeline, 1);
    store_argument_text(&pipeline, tail[0]);
    for (size_t i = 2; i < 6; i += 2) {
        store_command(&pipeline, 2);
        store_argument_text(&pipeline, tail[i]);
        store_argument_text(&pipeline, tail[i + 1]);
    }
    return pipeline;
}

static struct store_pipeline read_records(uint8_t *block, uint64_t first)
{
    struct store_pipeline pipeline = {.data = block, .limit = PIPELINE_SIZE};
    store_command(&pipeline, 2 + RECORDS);
    store_argument_text(&pipeline, "MGET");
    store_argument_text(&pipeline, "{bank.0}head");
    for (uint64_t i = 0; i < RECORDS; i++) {
        add_key(&pipeline, (first + i) * 7919);
    }
    return pipeline;
}

static void run(const char *name, struct store *store, bool writes, uint32_t depth, double seconds)
{
    struct store_pipeline pipelines[DEPTH_MAX];
    uint64_t sent = 0, answered = 0;
    uint32_t connection = writes ? STORE_CONNECTION_WRITE_FIRST : STORE_CONNECTION_READ;
    double begun = wall_seconds(), cpu = cpu_seconds();
    while (wall_seconds() - begun < seconds || answered < sent) {
        struct store_answer answer;
        while (sent - answered < depth && wall_seconds() - begun < seconds) {
            uint32_t slot = (uint32_t)(sent % depth);
            pipelines[slot] = writes ? write_cut(blocks[slot], sent * RECORDS)
                                     : read_records(blocks[slot], sent * RECORDS);
            if (pipelines[slot].full ||
                store->ops->submit(store, connection, &pipelines[slot], sent) != STATUS_OK) {
                exit(EXIT_FAILURE);
            }
            sent++;
        }
        if (store->ops->next_answer(store, &answer)) {
            if (answer.status != STATUS_OK || answer.token != answered) {
                exit(EXIT_FAILURE);
            }
            answered++;
        } else {
            struct pollfd ready = {store->ops->descriptor(store), POLLIN, 0};
            (void)poll(&ready, 1, 1000);
        }
    }
    double wall = wall_seconds() - begun, used = cpu_seconds() - cpu;
    (void)printf("%s depth %u pipelines/s: %.0f\n%s depth %u records/s: %.0f\n%s depth %u client "
                 "CPU us/pipeline: %.1f\n",
                 name, depth, (double)answered / wall, name, depth,
                 (double)answered * RECORDS / wall, name, depth, used * 1e6 / (double)answered);
}

int main(int argument_count, char **arguments)
{
    double seconds = argument_count > 1 ? strtod(arguments[1], NULL) : 2;
    if (!redis_server_installed()) {
        (void)puts("redis-server is not installed");
        return 77;
    }
    struct redis_server server;
    redis_server_prepare(&server);
    redis_server_start(&server, NULL);
    memset(record, 'r', sizeof(record));
    const char *const addresses[] = {server.unix_address, server.tcp_address};
    for (size_t i = 0; i < 2; i++) {
        struct redis_settings settings = {.transport.address = addresses[i], .connection_count = 2};
        struct redis_store *redis;
        struct status_text text;
        if (redis_store_open(&redis, &settings, clock_system(), &text) != STATUS_OK ||
            redis_store_wait_ready(redis, 0, 5000, &text) != STATUS_OK ||
            redis_store_wait_ready(redis, 1, 5000, &text) != STATUS_OK) {
            (void)fprintf(stderr, "%s\n", text.text);
            return EXIT_FAILURE;
        }
        for (uint32_t depth = 1; depth <= 4; depth *= 4) {
            char name[64];
            (void)snprintf(name, sizeof(name), "%s write", i == 0 ? "unix" : "tcp");
            run(name, redis_store_interface(redis), true, depth, seconds);
            (void)snprintf(name, sizeof(name), "%s read", i == 0 ? "unix" : "tcp");
            run(name, redis_store_interface(redis), false, depth, seconds);
        }
        redis_store_close(redis);
    }
    redis_server_finish(&server);
    return EXIT_SUCCESS;
}
