/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/learned.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/memory.h"
#include "commands/arm_stats.h"
#include "commands/avro_records.h"
#include "io/kafka_reader.h"

enum {
    OPEN_TIMEOUT_MS = 10000,
    AGAIN_S = 10,   /* after the topic could not be read */
    PUBLISH_S = 10, /* between two versions: each is written once into every task's next cut */
};

struct learned {
    struct learned_options options;
    struct worker_learning interface;
    struct avro_records records;
    pthread_mutex_t mutex;       /* of the counters */
    struct engine_trials *tasks; /* task_count x arm_count */
    struct engine_trials *all;   /* arm_count: their sums */
    uint32_t arm_count;
    bool changed; /* since the last version */
    pthread_t thread;
};

static const volatile sig_atomic_t never;

static void others(void *context, uint32_t task, struct engine_trials *out_others)
{
    struct learned *learned = context;
    const struct engine_trials *own = learned->tasks + (size_t)task * learned->arm_count;
    (void)pthread_mutex_lock(&learned->mutex);
    for (uint32_t i = 0; i < learned->arm_count; i++) {
        out_others[i].presented = learned->all[i].presented - own[i].presented;
        out_others[i].accepted = learned->all[i].accepted - own[i].accepted;
    }
    (void)pthread_mutex_unlock(&learned->mutex);
}

static bool take_arm(struct learned *learned, const json_t *record)
{
    struct arm_stats stats;
    if (!arm_stats_parse(record, learned->options.engine, learned->options.task_count, &stats)) {
        return false;
    }
    if (learned->options.kpis != NULL) {
        kpis_take(learned->options.kpis, &stats);
    }
    struct engine_trials *mine =
        &learned->tasks[(size_t)stats.task * learned->arm_count + stats.arm];
    struct engine_trials *all = &learned->all[stats.arm];
    struct engine_trials now = {stats.counts[ARM_STAT_PRESENTED], stats.counts[ARM_STAT_ACCEPTED]};
    (void)pthread_mutex_lock(&learned->mutex);
    all->presented += now.presented - mine->presented;
    all->accepted += now.accepted - mine->accepted;
    *mine = now;
    learned->changed = true;
    (void)pthread_mutex_unlock(&learned->mutex);
    return true;
}

bool learned_take(struct learned *learned, const char *json)
{
    json_t *record = json_loads(json, 0, NULL);
    bool experiment = json_is_string(json_object_get(record, "experiment"));
    bool known = experiment ? learned->options.kpis != NULL &&
                                  kpis_take_experiment(learned->options.kpis, record)
                            : take_arm(learned, record);
    json_decref(record);
    return known;
}

/* Until reading fails. */
static void follow(struct learned *learned, struct kafka_reader *reader)
{
    struct log_record record;
    struct status_text text;
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    time_t published = now.tv_sec;
    bool first = true; /* what has stood there for long is wanted at once */
    for (;;) {
        enum status status = kafka_reader_next(reader, 500, &record, &text);
        if (status != STATUS_OK && status != STATUS_RETRY) {
            log_warn("offer_stats", "cannot be read any more", "reason=\"%s\"", text.text);
            return;
        }
        if (status == STATUS_OK && record.has_value) {
            char *json = avro_records_text(&learned->records, &record);
            if (json != NULL) {
                (void)learned_take(learned, json);
            }
            free(json);
        }
        if (learned->options.kpis != NULL && status == STATUS_RETRY &&
            kafka_reader_at_end(reader)) {
            kpis_ready(learned->options.kpis);
        }
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        bool due = now.tv_sec - published >= PUBLISH_S || (first && status == STATUS_RETRY);
        if (learned->changed && due) {
            learned->changed = first = false;
            published = now.tv_sec;
            atomic_fetch_add_explicit(&learned->interface.version, 1, memory_order_release);
        }
    }
}

static void *run(void *argument)
{
    struct learned *learned = argument;
    while (!never) { /* the process leaves by _exit: there is nothing to finish here */
        struct kafka_reader *reader = NULL;
        struct status_text text;
        if (kafka_reader_open(&learned->options.connection, &learned->options.topic, 1,
                              KAFKA_READER_EARLIEST, OPEN_TIMEOUT_MS, &reader,
                              &text) == STATUS_OK) {
            follow(learned, reader);
            kafka_reader_close(reader);
        } else {
            log_warn("offer_stats", "each task learns from its own outcomes only",
                     "topic=%s reason=\"%s\"", learned->options.topic, text.text);
        }
        (void)nanosleep(&(struct timespec){AGAIN_S, 0}, NULL);
    }
    return NULL;
}

enum status learned_open(const struct learned_options *options, struct learned **out_learned,
                         struct status_text *out_text)
{
    struct learned *learned = memory_take(sizeof(*learned), "learned from all tasks");
    learned->options = *options;
    learned->arm_count = engine_arm_count(options->engine);
    learned->interface.context = learned;
    learned->interface.others = others;
    size_t row = learned->arm_count * sizeof(struct engine_trials);
    learned->tasks = memory_take(options->task_count * row + 1, "learned from all tasks");
    learned->all = memory_take(row + 1, "learned from all tasks");
    avro_records_init(&learned->records, options->registry, &never);
    (void)pthread_mutex_init(&learned->mutex, NULL);
    *out_learned = learned;
    if (options->topic != NULL && pthread_create(&learned->thread, NULL, run, learned) != 0) {
        return status_fail(out_text, STATUS_FATAL, "cannot start the thread that reads %s",
                           options->topic);
    }
    return STATUS_OK;
}

struct worker_learning *learned_interface(struct learned *learned)
{
    return &learned->interface;
}
