/* SPDX-License-Identifier: Apache-2.0 */
/* segue rebuild: ask for a task's Redis to be written anew from Kafka, and watch it happen.
 *
 * The command does not rebuild: only whoever owns the task may write. It sets the task's head to
 * REBUILDING with owner 0, which the owner notices within seconds, live or halted, and whoever
 * claims the task next notices too. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/show.h"
#include "commands/all.h"
#include "commands/connect.h"
#include "io/clock.h"
#include "io/store.h"
#include "runtime/head.h"

enum {
    TIMEOUT_MS = 5000,
    POLL_US = 500000,
    STUCK_MS = 90000,
    TASKS_MAX = 4096,
    KEY_SIZE = 128,
    TRIES = 100
};

static const char help[] = "usage: segue rebuild (--task N | --all) [--no-wait] [--config FILE]\n\n"
                           "Has the Redis of one task, or of all, written anew from checkpoints "
                           "and journal by the process\n"
                           "that owns it, halted tasks too, and shows how it goes. What Kafka has "
                           "committed is taken for the\n"
                           "truth, an input topic that was replaced as it is now.\n";

struct rebuild {
    struct connect connect;
    struct redis_store *redis;
    bool wait;
    int64_t only; /* -1: all */
    uint32_t task_count;
    struct progress {
        bool done;
        uint64_t customers;
    } tasks[TASKS_MAX];
};

static struct slice head_key(const struct rebuild *rebuild, uint32_t task, char out[KEY_SIZE])
{
    size_t size = key_prefix(out, KEY_SIZE - 8, rebuild->connect.settings.application, task);
    memcpy(out + size, "head", 4);
    return slice_of(out, size + 4);
}

/* WATCH and GET, or only GET. `out_found`: there is one. */
static enum status read_head(struct rebuild *rebuild, uint32_t task, bool watch,
                             struct head *out_head, bool *out_found, struct status_text *out_text)
{
    uint8_t block[1024];
    char text[KEY_SIZE];
    struct slice key = head_key(rebuild, task, text);
    struct store_pipeline pipeline = {.data = block, .limit = sizeof(block)};
    struct store_answer answer;
    static const char *const commands[] = {"WATCH", "GET"};
    for (int i = watch ? 0 : 1; i < 2; i++) {
        store_command(&pipeline, 2);
        store_argument_text(&pipeline, commands[i]);
        store_argument(&pipeline, key);
    }
    enum status status = redis_store_call(rebuild->redis, STORE_CONNECTION_READ, &pipeline,
                                          TIMEOUT_MS, &answer, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    const struct store_reply *reply = &answer.replies[answer.reply_count - 1];
    *out_found = reply->kind == STORE_BULK;
    if (reply->kind == STORE_ERROR) {
        return status_fail(out_text, STATUS_INVALID, "Redis: %.*s", SLICE_ARG(reply->text));
    }
    if (*out_found && head_parse(reply->text, out_head) != STATUS_OK) {
        return status_fail(out_text, STATUS_INVALID, "%.*s is no head that this version knows",
                           SLICE_ARG(key));
    }
    return STATUS_OK;
}

/* Compare and set. `out_done` false: somebody wrote the head between. */
static enum status try_ask(struct rebuild *rebuild, uint32_t task, bool *out_done,
                           struct status_text *out_text)
{
    struct head head;
    bool found = false;
    enum status status = read_head(rebuild, task, true, &head, &found, out_text);
    *out_done = true;
    if (status != STATUS_OK || !found) {
        return status; /* an emptied Redis is rebuilt without being asked */
    }
    uint8_t block[2048];
    uint8_t bytes[HEAD_SIZE_MAX];
    char text[KEY_SIZE];
    struct store_pipeline pipeline = {.data = block, .limit = sizeof(block)};
    struct store_answer answer;
    head.state = HEAD_REBUILDING;
    head.owner = 0;
    head.seq = 0;
    head.customer_count = 0;
    store_command(&pipeline, 1);
    store_argument_text(&pipeline, "MULTI");
    store_command(&pipeline, 3);
    store_argument_text(&pipeline, "SET");
    store_argument(&pipeline, head_key(rebuild, task, text));
    store_argument(&pipeline, slice_of(bytes, head_write(&head, bytes)));
    store_command(&pipeline, 1);
    store_argument_text(&pipeline, "EXEC");
    status = redis_store_call(rebuild->redis, STORE_CONNECTION_READ, &pipeline, TIMEOUT_MS, &answer,
                              out_text);
    if (status == STATUS_OK && answer.replies[2].kind == STORE_ERROR) {
        return status_fail(out_text, STATUS_INVALID, "Redis: %.*s",
                           SLICE_ARG(answer.replies[2].text));
    }
    *out_done = status != STATUS_OK || answer.replies[2].kind == STORE_ARRAY;
    return status;
}

/* A live task writes its head all the time. */
static enum status ask_for(struct rebuild *rebuild, uint32_t task, struct status_text *out_text)
{
    for (uint32_t i = 0; i < TRIES; i++) {
        bool done = false;
        enum status status = try_ask(rebuild, task, &done, out_text);
        if (status != STATUS_OK || done) {
            return status;
        }
    }
    return status_fail(out_text, STATUS_RETRY, "task %u: its head never stands still; try again",
                       task);
}

/* One look at every task. Returns how many are not done; `out_customers`: written so far, all. */
static uint32_t look(struct rebuild *rebuild, uint64_t *out_customers)
{
    uint32_t left = 0;
    *out_customers = 0;
    for (uint32_t t = 0; t < rebuild->task_count; t++) {
        struct progress *progress = &rebuild->tasks[t];
        struct head head = {0};
        struct status_text text;
        bool found = false;
        if (rebuild->only >= 0 && t != (uint32_t)rebuild->only) {
            continue;
        }
        if (!progress->done && read_head(rebuild, t, false, &head, &found, &text) == STATUS_OK &&
            found) {
            progress->done = head.state == HEAD_READY;
            progress->customers = head.customer_count;
        }
        left += !progress->done;
        *out_customers += progress->customers;
    }
    return left;
}

static int watch(struct rebuild *rebuild)
{
    struct clock *clock = clock_system();
    int64_t began_us = clock->ops->monotonic_us(clock);
    int64_t moved_us = began_us;
    uint64_t customers = 0, before = UINT64_MAX;
    uint32_t left, left_before = 0;
    bool terminal = isatty(STDERR_FILENO) != 0;
    while ((left = look(rebuild, &customers)) > 0) {
        int64_t now_us = clock->ops->monotonic_us(clock);
        double seconds = (double)(now_us - began_us) / 1e6;
        if (customers != before || left != left_before) {
            moved_us = now_us;
            before = customers;
            left_before = left;
        }
        if (terminal) {
            (void)fprintf(stderr, "\r%u task%s to go, %" PRIu64 " customer%s, %.0f a second ", left,
                          show_s(left), customers, show_s(customers),
                          (double)customers / (seconds > 0 ? seconds : 1));
        }
        if (now_us - moved_us > STUCK_MS * INT64_C(1000)) {
            (void)fprintf(
                stderr,
                "%ssegue rebuild: nothing moves: is `segue run` running, and what does its "
                "/readyz say of the task?\n",
                terminal ? "\n" : "");
            return EXIT_AWAY;
        }
        (void)usleep(POLL_US);
    }
    double seconds = (double)(clock->ops->monotonic_us(clock) - began_us) / 1e6;
    (void)fprintf(stderr, "%s", terminal ? "\n" : "");
    printf("rebuilt: %" PRIu64 " customer%s in %.1f s, %.0f a second\n", customers,
           show_s(customers), seconds, (double)customers / (seconds > 0 ? seconds : 1));
    return EXIT_GOOD;
}

/* How many tasks there are, from the first head that is there. */
static enum status count_tasks(struct rebuild *rebuild, struct status_text *out_text)
{
    for (uint32_t t = 0; t < TASKS_MAX && rebuild->task_count == 0; t++) {
        struct head head;
        bool found = false;
        enum status status = read_head(rebuild, t, false, &head, &found, out_text);
        if (status != STATUS_OK) {
            return status;
        }
        rebuild->task_count = found ? head.task_count : 0;
    }
    if (rebuild->task_count == 0 || rebuild->task_count > TASKS_MAX) {
        return status_fail(
            out_text, STATUS_INVALID,
            "Redis has no head of application %s: `segue run` writes it anew by itself",
            rebuild->connect.settings.application);
    }
    if (rebuild->only >= (int64_t)rebuild->task_count) {
        return status_fail(out_text, STATUS_INVALID, "there are tasks 0 to %u only",
                           rebuild->task_count - 1);
    }
    return STATUS_OK;
}

static int run(struct rebuild *rebuild)
{
    struct status_text text = {""};
    struct redis_settings settings = connect_redis(&rebuild->connect, 1);
    enum status status = redis_store_open(&rebuild->redis, &settings, clock_system(), &text);
    if (status == STATUS_OK) {
        status = redis_store_wait_ready(rebuild->redis, STORE_CONNECTION_READ, TIMEOUT_MS, &text);
    }
    if (status == STATUS_OK) {
        status = count_tasks(rebuild, &text);
    }
    for (uint32_t t = 0; t < rebuild->task_count && status == STATUS_OK; t++) {
        if (rebuild->only < 0 || t == (uint32_t)rebuild->only) {
            status = ask_for(rebuild, t, &text);
        }
    }
    if (status != STATUS_OK) {
        return connect_fail("rebuild", status, &text);
    }
    return rebuild->wait ? watch(rebuild) : EXIT_GOOD;
}

int rebuild_run(int argument_count, char **arguments)
{
    static const struct option known[] = {
        {"task", required_argument, NULL, 't'}, {"all", no_argument, NULL, 'a'},
        {"no-wait", no_argument, NULL, 'n'},    {"config", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0}};
    static struct rebuild rebuild;
    const char *config = connect_config_default;
    char *end = NULL;
    bool chosen = false;
    int option;
    rebuild.wait = true;
    rebuild.only = -1;
    optind = 1;
    while ((option = getopt_long(argument_count, arguments, "c:", known, NULL)) != -1) {
        if (option == 't') {
            rebuild.only = strtoll(optarg, &end, 10);
            chosen = *optarg != '\0' && *end == '\0' && rebuild.only >= 0;
        } else if (option == 'a') {
            chosen = true;
        } else if (option == 'n') {
            rebuild.wait = false;
        } else if (option == 'c') {
            config = optarg;
        } else {
            (void)fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? EXIT_GOOD : EXIT_USAGE;
        }
    }
    if (!chosen || optind != argument_count) {
        (void)fputs(help, stderr);
        return EXIT_USAGE;
    }
    return connect_load(config, &rebuild.connect) ? run(&rebuild) : EXIT_CONFIG;
}
