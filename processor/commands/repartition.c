/* SPDX-License-Identifier: Apache-2.0 */
/* segue repartition: the step before `segue run` for sources that are not partitioned as the tasks are
 * (decisions/0011). One thread, one producer and one consumer group a source. */
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/show.h"
#include "commands/all.h"
#include "commands/repartition_step.h"
#include "commands/service.h"
#include "io/clock.h"
#include "runtime/live_codec.h"
#include "runtime/route_monitor.h"

static const char help[] =
    "usage: segue repartition [--config FILE]\n\n"
    "Writes each record of the sources that say `repartition`, keyed by its customer, to the topic "
    "that `segue run` reads,\n"
    "exactly once and in order, until told to stop. SIGTERM or SIGINT: commit, leave. Exit 75 asks "
    "the supervisor for a\n"
    "restart. Run it beside `segue run`, with the same configuration; more of them (another "
    "`instance`) share the partitions.\n";

enum {
    START_TIMEOUT_MS = 30000,
    TICK_MS = 50,
    TRIM_FIRST_US = 5000000,
    TRIM_EVERY_US = 30000000,
    TRIM_TIMEOUT_MS = 2000
};

struct line {
    struct repartition_step step;
    struct kafka_log *kafka;
    struct route *route;
    pthread_t thread;
};

struct repartition {
    struct connect connect;
    struct registry *registry;
    struct live_codec *codec;
    struct line *lines[SOURCE_COUNT]; /* NULL: goes through no step */
    struct route_monitor *monitor;
    struct probe_check checks[2];
    struct http_server *http;
    atomic_uint running; /* threads */
    atomic_bool stop;
};

static enum status open_codec(struct repartition *all, struct status_text *out_text)
{
    const struct settings *settings = &all->connect.settings;
    struct registry_settings registry = connect_registry(&all->connect);
    enum status status = registry_open(&all->registry, &registry, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    struct live_codec_options options = {.registry = all->registry,
                                         .application = settings->application,
                                         .record_size_max = settings->record_size_max,
                                         .auto_register = settings->registry.auto_register};
    for (int i = 0; i < SOURCE_COUNT; i++) {
        options.input_topics[i] = settings->sources[i].used ? settings->sources[i].topic : NULL;
        options.mappings[i] = &settings->sources[i].mapping;
    }
    for (int i = 0; i < OUTPUT_KIND_COUNT; i++) {
        options.output_topics[i] = settings->topics[i];
    }
    return live_codec_open(&options, &all->codec, out_text);
}

static struct route_options route_options_of(const struct repartition *all, const struct line *line)
{
    const struct settings *settings = &all->connect.settings;
    const struct settings_source *source = &settings->sources[line->step.source];
    struct route_options options;
    route_options_init(&options);
    options.log = kafka_worker_log(line->kafka, 0);
    options.clock = clock_system();
    options.codec = live_codec_interface(all->codec);
    options.source = line->step.source;
    options.source_topic = source->topic;
    options.topic = source->task_topic;
    options.partition_count = kafka_task_count(line->kafka);
    options.task_count = line->step.task_count;
    options.by_customer = source->repartition == REPARTITION_PARTITIONS;
    options.start_offsets = line->step.start_offsets;
    options.commit_interval_ms = settings->commit_interval_ms;
    options.merge_wait_ms =
        settings->clock == CLOCK_STREAM ? INT64_MAX : settings->merge_wait_ms; /* as tasks do */
    options.records_max = (uint32_t)settings->batch_records_max;
    options.input_bytes_max = settings->batch_size_max;
    return options;
}

static enum status open_line(struct repartition *all, struct kafka_admin *admin, int source,
                             struct status_text *out_text)
{
    struct line *line = memory_take(sizeof(*line), "repartition");
    repartition_step_init(&line->step, &all->connect, (enum source)source);
    enum status status = repartition_step_look(&line->step, admin, START_TIMEOUT_MS, out_text);
    if (status == STATUS_OK) {
        status = kafka_open(&line->step.kafka, &line->kafka, out_text);
    }
    if (status == STATUS_OK && kafka_task_count(line->kafka) != line->step.source_partitions) {
        status = status_fail(out_text, STATUS_RETRY, "%s has just got more partitions",
                             all->connect.settings.sources[source].topic);
    }
    if (status == STATUS_OK) {
        struct route_options options = route_options_of(all, line);
        status = kafka_permitted(line->kafka, out_text);
        if (status == STATUS_OK) {
            status = route_open(&line->route, &options, out_text);
        }
    }
    all->lines[source] = line;
    return status;
}

static enum status open_lines(struct repartition *all, struct status_text *out_text)
{
    const struct settings *settings = &all->connect.settings;
    struct kafka_admin *admin = NULL;
    enum status status = kafka_admin_open(&all->connect.kafka, START_TIMEOUT_MS, &admin, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    for (int i = 0; i < SOURCE_COUNT && status == STATUS_OK; i++) {
        if (settings->sources[i].used && settings->sources[i].repartition != REPARTITION_OFF) {
            status = open_line(all, admin, i, out_text);
        }
    }
    kafka_admin_close(admin);
    return status;
}

/* Of any one: they talk to the same brokers. */
static enum status ask_kafka(void *context, struct status_text *out_text)
{
    const struct repartition *all = context;
    for (int i = 0; i < SOURCE_COUNT; i++) {
        if (all->lines[i] != NULL) {
            return kafka_health(all->lines[i]->kafka, out_text);
        }
    }
    return STATUS_OK;
}

static enum status ask_registry(void *context, struct status_text *out_text)
{
    const struct repartition *all = context;
    if (live_codec_full(all->codec)) {
        return status_fail(out_text, STATUS_FULL,
                           "more schemas in use than there is room for: start again");
    }
    uint32_t waiting = live_codec_waiting(all->codec);
    return waiting == 0 ? STATUS_OK
                        : status_fail(out_text, STATUS_AWAY,
                                      "waiting for %u schema%s; is the registry there?", waiting,
                                      show_s(waiting));
}

static enum status open_monitor(struct repartition *all, struct status_text *out_text)
{
    const struct settings *settings = &all->connect.settings;
    struct http_handler handlers[3];
    all->checks[0] = (struct probe_check){"kafka", ask_kafka, all};
    all->checks[1] = (struct probe_check){"registry", ask_registry, all};
    struct route_monitor_options options = {.checks = all->checks,
                                            .check_count = ARRAY_COUNT(all->checks),
                                            .clock = clock_system(),
                                            .stall_ms = settings->watchdog_ms};
    uint32_t partitions = 0;
    for (int i = 0; i < SOURCE_COUNT; i++) {
        if (all->lines[i] != NULL) {
            options.routes[i] = all->lines[i]->route;
            options.partition_counts[i] = kafka_task_count(all->lines[i]->kafka);
            partitions += options.partition_counts[i];
        }
    }
    all->monitor = route_monitor_open(&options);
    uint32_t count = route_monitor_handlers(all->monitor, handlers);
    if (settings->repartition_listen[0] == '\0') {
        return STATUS_OK;
    }
    return http_open(&all->http, settings->repartition_listen, handlers, count,
                     route_monitor_answer_size(partitions), out_text);
}

/* --- running */

struct thread_start {
    struct repartition *all;
    struct line *line;
};

static void *work(void *argument)
{
    struct thread_start *start = argument;
    struct line *line = start->line;
    struct log *log = kafka_worker_log(line->kafka, 0);
    bool told = false;
    (void)pthread_setname_np(pthread_self(), "repartition");
    for (;;) {
        int32_t wait_ms = 0;
        if (!told && atomic_load(&start->all->stop)) {
            route_stop(line->route);
            told = true;
        }
        enum worker_outcome outcome = route_turn(line->route, &wait_ms);
        if (outcome == WORKER_DRAINED) {
            (void)atomic_fetch_sub(&start->all->running, 1);
            return NULL;
        }
        if (outcome == WORKER_LEAVE) {
            log_error("leave", "this process must be started again", "source=%s reason=\"%s\"",
                      source_name(line->step.source), route_reason(line->route, UINT32_MAX));
            _exit(EXIT_AGAIN);
        }
        if (wait_ms > 0) {
            log->ops->wait(log, wait_ms);
        }
    }
}

static enum status start_threads(struct repartition *all, struct status_text *out_text)
{
    static struct thread_start starts[SOURCE_COUNT];
    enum status status = STATUS_OK;
    service_started();
    for (int i = 0; i < SOURCE_COUNT && status == STATUS_OK; i++) {
        struct line *line = all->lines[i];
        if (line == NULL) {
            continue;
        }
        starts[i] = (struct thread_start){all, line};
        (void)atomic_fetch_add(&all->running, 1);
        if (pthread_create(&line->thread, NULL, work, &starts[i]) != 0) {
            return status_fail(out_text, STATUS_FATAL, "cannot start the thread of %s",
                               source_name((enum source)i));
        }
        status = kafka_join(line->kafka, out_text);
    }
    return status;
}

static enum status open_all(struct repartition *all, struct status_text *out_text)
{
    static enum status (*const steps[])(struct repartition *, struct status_text *) = {
        open_codec, open_lines, open_monitor, start_threads};
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        enum status status = steps[i](all, out_text);
        if (status != STATUS_OK) {
            return status;
        }
    }
    memory_seal();
    return STATUS_OK;
}

/* What the tasks have read is of no use to anybody. Trouble is for the next time. */
static void trim(struct repartition *all)
{
    for (int i = 0; i < SOURCE_COUNT; i++) {
        struct status_text text = {""};
        if (all->lines[i] != NULL && !service_stopping() &&
            repartition_step_trim(&all->lines[i]->step, TRIM_TIMEOUT_MS, &text) != STATUS_OK) {
            log_warn("repartition_trim", "what the tasks have read was not deleted; again later",
                     "source=%s why=\"%s\"", source_name((enum source)i), text.text);
            return;
        }
    }
}

static void ask_to_stop(struct repartition *all)
{
    log_info("stop", "committing what was taken", "deadline_ms=%" PRId64,
             all->connect.settings.shutdown_ms);
    atomic_store(&all->stop, true);
    for (int i = 0; i < SOURCE_COUNT; i++) {
        if (all->lines[i] != NULL) {
            kafka_wake(all->lines[i]->kafka, 0);
        }
    }
}

static int supervise(struct repartition *all)
{
    struct clock *clock = clock_system();
    int64_t asked_us = 0;
    int64_t trim_us = clock->ops->monotonic_us(clock) + TRIM_FIRST_US;
    while (atomic_load(&all->running) > 0) {
        (void)poll(NULL, 0, TICK_MS);
        int64_t now_us = clock->ops->monotonic_us(clock);
        if (service_stopping() && asked_us == 0) {
            asked_us = now_us;
            ask_to_stop(all);
        }
        if (asked_us != 0 && now_us - asked_us > all->connect.settings.shutdown_ms * 1000) {
            log_warn("stop_late", "left before the last commit; a restart reads it again", "%s",
                     "");
            return EXIT_GOOD;
        }
        if (!route_monitor_alive(all->monitor)) {
            log_error("watchdog", "a source makes no progress; leaving for a restart", "%s", "");
            return EXIT_AGAIN;
        }
        if (now_us >= trim_us) {
            trim(all);
            trim_us = clock->ops->monotonic_us(clock) + TRIM_EVERY_US;
        }
    }
    log_info("stopped", "everything that was taken is committed", "%s", "");
    return EXIT_GOOD;
}

int repartition_run(int argument_count, char **arguments)
{
    static struct repartition all;
    const char *config;
    int answered = connect_options(argument_count, arguments, help, &config);
    if (answered != CONNECT_GO_ON) {
        return answered;
    }
    service_begin();
    struct status_text text = {""};
    if (!connect_load(config, &all.connect)) {
        return EXIT_CONFIG;
    }
    if (!settings_repartitions(&all.connect.settings)) {
        (void)fprintf(
            stderr,
            "segue repartition: no source of %s says `repartition`: there is nothing to do\n",
            config);
        return EXIT_CONFIG;
    }
    enum status status = open_all(&all, &text);
    if (status != STATUS_OK) {
        return connect_fail("repartition", status, &text);
    }
    log_info("started", "waiting for partitions", "application=%s",
             all.connect.settings.application);
    /* As `segue run`: closing may hang, and there is nothing left to do. */
    _exit(supervise(&all));
}
