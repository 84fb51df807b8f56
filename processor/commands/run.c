/* SPDX-License-Identifier: Apache-2.0 */
/* segue run: wire everything, then wait to be told to stop. What is opened here is what the process
 * is. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/show.h"
#include "commands/all.h"
#include "commands/bundle.h"
#include "commands/connect.h"
#include "commands/kafka_acls.h"
#include "commands/learned.h"
#include "commands/redis_permissions.h"
#include "commands/service.h"
#include "engine/engine.h"
#include "io/http.h"
#include "io/kafka_admin.h"
#include "playbook/playbook.h"
#include "runtime/live_codec.h"
#include "runtime/monitor.h"
#include "runtime/threads.h"

static const char help[] =
    "usage: segue run [--config FILE]\n\n"
    "Processes until told to stop. SIGTERM or SIGINT: finish the cut, commit, apply, leave; a\n"
    "restart resumes. Exit 75 asks the supervisor for a restart.\n";

enum { START_TIMEOUT_MS = 30000, QUIET_MS = 3000, TICK_MS = 500, BUNDLES_SIZE = 16 << 20 };

struct run {
    struct connect connect;
    const struct zones *zones;
    const struct playbook *playbook;
    const struct engine *engine;
    struct registry *registry;
    struct kafka_log *kafka;
    struct live_codec *codec;
    struct redis_store *stores[THREADS_MAX];
    struct worker *workers[THREADS_MAX];
    struct thread_worker threads_of[THREADS_MAX];
    uint32_t worker_count;
    uint32_t tasks_per_worker;
    int64_t *start_offsets[SOURCE_COUNT]; /* of sources that start at a time or the end: per task */
    struct worker_heard heard;
    struct learned *learned; /* NULL: the playbook has no offers */
    struct kpis *kpis;       /* likewise */
    char currency[8];
    struct monitor *monitor;
    struct probe_check checks[3];
    struct http_server *http;
    struct threads *threads;
    struct kafka_reader *playbooks; /* at the end of segue.playbook */
    bool again;                     /* leave to run what was applied */
    uint64_t bundle_hash; /* of the playbook that was applied; 0: the configuration's files */
};

/* What runs does not stop for rules that came later; whoever reads the log knows of them before the next plan. */
static void say_new_rules(const struct diagnostics *diagnostics)
{
    for (uint32_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *said = &diagnostics->list[i];
        const struct source_file *file = said->span.file;
        log_warn("playbook_warning", said->text, "file=%s line=%u mend=\"%s\"",
                 file == NULL ? "" : file->path, said->span.line, said->mend);
    }
}

/* What was applied last; before the first `segue apply`, the files that the configuration names. */
static enum status open_playbook(struct run *run, struct status_text *out_text)
{
    const struct settings *settings = &run->connect.settings;
    struct arena arena, texts;
    struct bundle *bundle = memory_take(sizeof(*bundle), "playbook");
    struct diagnostics diagnostics;
    enum status status = zones_load(&run->zones, out_text);
    arena_init(&texts, memory_take(BUNDLES_SIZE, "playbook"), BUNDLES_SIZE);
    if (status == STATUS_OK) {
        status = bundle_live(&run->connect, &texts, bundle, &run->playbooks, out_text);
    }
    if (status != STATUS_OK) {
        return status;
    }
    bool applied = bundle->hash != 0;
    const char *path = applied ? settings->playbook_topic : settings->playbook;
    arena_init(&arena, memory_take(PLAYBOOK_ARENA_SIZE, "playbook"), PLAYBOOK_ARENA_SIZE);
    diagnostics_init(&diagnostics,
                     memory_take(DIAGNOSTICS_MAX * sizeof(struct diagnostic), "diagnostics"));
    diagnostics.applied = applied;
    bool good = applied ? playbook_load_texts(path, bundle->files, bundle->file_count, run->zones,
                                              &arena, &diagnostics, &run->playbook)
                        : playbook_load(path, run->zones, &arena, &diagnostics, &run->playbook);
    if (!good) {
        diagnostics_print(&diagnostics, stderr,
                          isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL);
        return status_fail(out_text, STATUS_INVALID,
                           applied
                               ? "the playbook that was applied (topic %s) does not load in this "
                                 "version: start the version that applied it, and apply there one "
                                 "that loads in both"
                               : "the playbook %s has errors",
                           path);
    }
    if (applied) {
        say_new_rules(&diagnostics);
    }
    run->bundle_hash = bundle->hash;
    log_info("playbook", applied ? "what was applied last" : "the configuration's files",
             "from=%s playbook=%016" PRIx64, path, run->playbook->hash);
    return STATUS_OK;
}

static enum status open_kafka(struct run *run, struct status_text *out_text)
{
    const struct settings *settings = &run->connect.settings;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t wanted = settings->workers > 0 ? settings->workers : cores > 2 ? cores - 1 : 1;
    struct kafka_log_settings kafka = kafka_acls_settings(&run->connect);
    kafka.worker_count = (uint32_t)(wanted < THREADS_MAX ? wanted : THREADS_MAX);
    uint32_t used = 0;
    for (int i = 0; i < SOURCE_COUNT; i++) {
        used += kafka.topics[i] != NULL;
    }
    kafka.sources_apart = settings->clock == CLOCK_STREAM && used > 1; /* they merge by time */
    run->worker_count = kafka.worker_count;
    enum status status = kafka_open(&kafka, &run->kafka, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    uint32_t tasks = kafka_task_count(run->kafka);
    if (settings->tasks > 0 && settings->tasks != tasks) {
        return status_fail(
            out_text, STATUS_INVALID,
            "tasks: %" PRId64
            " in the configuration, but the sources have %u partitions; make them equal",
            settings->tasks, tasks);
    }
    run->tasks_per_worker = (tasks + run->worker_count - 1) / run->worker_count;
    return STATUS_OK;
}

/* Sources that start at a time or at the end: from which offset on, per task. Of use only while nothing was
 * committed, and cheap enough to ask every time. The end is that before anything of ours is ready: whoever waits
 * for us to be ready loses nothing. */
static enum status open_starts(struct run *run, struct status_text *out_text)
{
    const struct settings *settings = &run->connect.settings;
    uint32_t tasks = kafka_task_count(run->kafka);
    struct kafka_admin *admin = NULL;
    enum status status = STATUS_OK;
    worker_heard_init(&run->heard);
    for (int i = 0; i < SOURCE_COUNT && status == STATUS_OK; i++) {
        const struct settings_source *source = &settings->sources[i];
        if (!source->used || (source->start != START_TIME && source->start != START_LATEST) ||
            source->repartition != REPARTITION_OFF) { /* the step began there */
            continue;
        }
        run->start_offsets[i] = memory_take(tasks * sizeof(int64_t), "start offsets");
        if (admin == NULL) {
            status = kafka_admin_open(&run->connect.kafka, START_TIMEOUT_MS, &admin, out_text);
        }
        if (status == STATUS_OK && source->start == START_TIME) {
            status = kafka_admin_offsets_at(admin, source->topic, tasks, source->start_ms,
                                            START_TIMEOUT_MS, run->start_offsets[i], out_text);
        }
        for (uint32_t t = 0; t < tasks && status == STATUS_OK && source->start == START_LATEST;
             t++) {
            int64_t low;
            status = kafka_admin_watermarks(admin, source->topic, t, START_TIMEOUT_MS, &low,
                                            &run->start_offsets[i][t], out_text);
        }
    }
    if (admin != NULL) {
        kafka_admin_close(admin);
    }
    return status;
}

static enum status open_engine(struct run *run, struct status_text *out_text)
{
    const struct settings *settings = &run->connect.settings;
    struct engine_options options = {.clock = settings->clock == CLOCK_STREAM ? ENGINE_CLOCK_STREAM
                                                                              : ENGINE_CLOCK_LIVE,
                                     .live_from_ms = settings->live_from_ms,
                                     .salt = settings->salt_hash,
                                     .task_count = kafka_task_count(run->kafka)};
    return engine_open(run->playbook, run->zones, options, &run->engine, out_text);
}

static enum status open_codec(struct run *run, struct status_text *out_text)
{
    const struct settings *settings = &run->connect.settings;
    struct registry_settings registry = connect_registry(&run->connect);
    enum status status = registry_open(&run->registry, &registry, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    struct live_codec_options options = {.registry = run->registry,
                                         .application = settings->application,
                                         .record_size_max = settings->record_size_max,
                                         .auto_register = settings->registry.auto_register};
    for (int i = 0; i < SOURCE_COUNT; i++) {
        options.input_topics[i] =
            settings->sources[i].used ? settings->sources[i].task_topic : NULL;
        options.mappings[i] = &settings->sources[i].mapping;
    }
    for (int i = 0; i < OUTPUT_KIND_COUNT; i++) {
        options.output_topics[i] = settings->topics[i];
    }
    return live_codec_open(&options, &run->codec, out_text);
}

/* Tasks do not share with clock stream: there is no order between them that a replay could repeat. */
static bool is_shared(const struct run *run)
{
    return run->connect.settings.clock != CLOCK_STREAM && kafka_task_count(run->kafka) > 1;
}

static enum status open_learned(struct run *run, struct status_text *out_text)
{
    const struct settings *settings = &run->connect.settings;
    struct learned_options options = {.engine = run->engine,
                                      .connection = run->connect.kafka,
                                      .registry = run->registry,
                                      .topic = settings->topics[OUTPUT_OFFER_STATS],
                                      .task_count = kafka_task_count(run->kafka)};
    if (run->playbook->offers.count == 0) {
        return STATUS_OK;
    }
    (void)snprintf(run->currency, sizeof(run->currency), "%.*s",
                   SLICE_ARG(run->playbook->currency));
    struct kpis_options kpis = {run->engine, &run->playbook->offers, run->currency,
                                options.task_count};
    options.kpis = run->kpis = kpis_open(&kpis);
    return learned_open(&options, &run->learned, out_text);
}

static struct worker_source worker_source_of(const struct run *run, int number)
{
    static const enum worker_start starts[] = {[START_UNSET] = WORKER_START_EARLIEST,
                                               [START_EARLIEST] = WORKER_START_EARLIEST,
                                               [START_LATEST] = WORKER_START_OFFSET,
                                               [START_TIME] = WORKER_START_OFFSET};
    const struct settings_source *source = &run->connect.settings.sources[number];
    bool whole = source->repartition != REPARTITION_OFF; /* what the step made, from its begin */
    return (struct worker_source){.used = source->used,
                                  .start = starts[whole ? START_EARLIEST : source->start],
                                  .start_offsets = run->start_offsets[number],
                                  .stale_after_ms = source->stale_after_ms != 0
                                                        ? source->stale_after_ms
                                                        : run->playbook->stale_after_ms,
                                  .topic = source->task_topic};
}

static struct worker_limits worker_limits_of(const struct run *run)
{
    const struct settings *settings = &run->connect.settings;
    struct worker_options options;
    worker_options_init(&options);
    options.limits.records_per_commit = (uint32_t)settings->batch_records_max;
    options.limits.input_bytes = settings->batch_size_max;
    options.limits.message_bytes = settings->cut_size_max;
    worker_limit_cuts(&options.limits, settings->commit_size_max);
    options.limits.cache_bytes = settings->cache_size / run->worker_count;
    return options.limits;
}

static struct worker_options worker_options_of(struct run *run, uint32_t number)
{
    const struct settings *settings = &run->connect.settings;
    struct worker_options options;
    worker_options_init(&options);
    options.engine = run->engine;
    options.log = kafka_worker_log(run->kafka, number);
    options.store = redis_store_interface(run->stores[number]);
    options.clock = clock_system();
    options.heard = &run->heard;
    options.learning =
        run->learned != NULL && is_shared(run) ? learned_interface(run->learned) : NULL;
    options.codec = live_codec_interface(run->codec);
    options.application = settings->application;
    options.cluster_id = kafka_cluster_id(run->kafka);
    options.journal_topic = settings->journal_topic;
    options.checkpoint_topic = settings->checkpoint_topic;
    options.task_count = kafka_task_count(run->kafka);
    options.journal_partitions = kafka_journal_count(run->kafka);
    options.checkpoint_partitions = kafka_checkpoint_count(run->kafka);
    options.tasks_max = run->tasks_per_worker;
    for (int i = 0; i < SOURCE_COUNT; i++) {
        options.sources[i] = worker_source_of(run, i);
    }
    options.clock_mode = settings->clock == CLOCK_STREAM ? ENGINE_CLOCK_STREAM : ENGINE_CLOCK_LIVE;
    options.commit_interval_ms = settings->commit_interval_ms;
    options.commit_catch_up_ms = settings->commit_catch_up_ms;
    options.checkpoint_interval_ms = settings->checkpoint_interval_ms;
    options.journal_keep_ms = settings->journal_keep_ms;
    options.merge_wait_ms = settings->merge_wait_ms;
    int64_t sweep_rate = settings->sweep_rate / run->worker_count;
    options.sweep_rate = (uint32_t)(sweep_rate > 0 ? sweep_rate : 1);
    options.future_ms_max = settings->future_max_ms;
    options.store_timeout_ms = settings->redis.timeout_ms;
    options.store_reads_per_task = settings->redis.cluster;
    options.clock_lead_ms_max = settings->clock_lead_max_ms;
    options.apply_queue_max = (uint32_t)settings->apply_queue_max;
    options.limits = worker_limits_of(run);
    return options;
}

/* A user who may only read would be found out at the first commit. */
static enum status ask_permissions(struct run *run, struct status_text *out_text)
{
    char mend[256];
    struct status_text why = {""};
    enum status status = redis_permissions_ask(&run->connect, run->stores[0], START_TIMEOUT_MS,
                                               mend, sizeof(mend), &why);
    if (status == STATUS_INVALID) {
        return status_fail(out_text, status, "%s; mend it: %s", why.text, mend);
    }
    if (status == STATUS_RETRY) { /* work waits for it, as it does when this comes later */
        log_warn("redis_refuses", "Redis is there but refuses", "why=\"%s\"", why.text);
        return STATUS_OK;
    }
    return status == STATUS_OK ? status : status_fail(out_text, status, "%s", why.text);
}

/* Somebody waits in front of it, so what it waits for is said, once, long before it is given up. */
static enum status wait_for_redis(struct run *run, uint32_t w, struct status_text *out_text)
{
    int32_t quiet_ms = w == 0 ? QUIET_MS : START_TIMEOUT_MS;
    enum status status = redis_store_wait_ready(run->stores[w], 0, quiet_ms, out_text);
    if (status == STATUS_OK || status == STATUS_INVALID || quiet_ms == START_TIMEOUT_MS) {
        return status;
    }
    log_warn("redis_awaited",
             "waiting for Redis; is it started, and is redis.address right? `segue doctor` says "
             "more",
             "for_ms=%d why=\"%s\"", START_TIMEOUT_MS - quiet_ms, out_text->text);
    return redis_store_wait_ready(run->stores[w], 0, START_TIMEOUT_MS - quiet_ms, out_text);
}

static enum status open_workers(struct run *run, struct status_text *out_text)
{
    struct worker_limits limits = worker_limits_of(run);
    for (uint32_t w = 0; w < run->worker_count; w++) {
        struct redis_settings redis = connect_redis(&run->connect, 1 + run->tasks_per_worker);
        if (redis.cluster) {
            redis.read_first = redis.connection_count;
            redis.connection_count += run->tasks_per_worker;
        }
        redis.write_reply_size_max = worker_reply_size(&limits);
        enum status status = redis_store_open(&run->stores[w], &redis, clock_system(), out_text);
        if (status == STATUS_OK) {
            status = wait_for_redis(run, w, out_text);
        }
        if (status != STATUS_OK) {
            return status;
        }
        if (w == 0) {
            status = ask_permissions(run, out_text);
        }
        if (status != STATUS_OK) {
            return status;
        }
        struct worker_options options = worker_options_of(run, w);
        status = worker_open(&run->workers[w], &options, out_text);
        if (status != STATUS_OK) {
            return status;
        }
        run->threads_of[w] = (struct thread_worker){run->workers[w], options.log, options.store,
                                                    kafka_descriptor(run->kafka, w)};
    }
    return STATUS_OK;
}

static enum status ask_kafka(void *context, struct status_text *out_text)
{
    return kafka_health(context, out_text);
}

static enum status ask_redis(void *context, struct status_text *out_text)
{
    return redis_store_health(context, out_text);
}

static enum status ask_registry(void *context, struct status_text *out_text)
{
    if (live_codec_full(context)) {
        return status_fail(out_text, STATUS_FULL,
                           "more schemas in use than there is room for: start again");
    }
    uint32_t waiting = live_codec_waiting(context);
    if (waiting > 0) {
        return status_fail(out_text, STATUS_AWAY, "waiting for %u schema%s; is the registry there?",
                           waiting, show_s(waiting));
    }
    return STATUS_OK;
}

static struct monitor_schemas ask_schemas(const void *context)
{
    const struct run *run = context;
    struct registry_counters counters = registry_counters(run->registry);
    return (struct monitor_schemas){.full = live_codec_full(run->codec),
                                    .waiting = counters.waiting,
                                    .failures = counters.failures};
}

static enum status open_monitor(struct run *run, struct status_text *out_text)
{
    const struct settings *settings = &run->connect.settings;
    struct http_handler handlers[3];
    run->checks[0] = (struct probe_check){"kafka", ask_kafka, run->kafka};
    run->checks[1] = (struct probe_check){"redis", ask_redis, run->stores[0]};
    run->checks[2] = (struct probe_check){"registry", ask_registry, run->codec};
    struct monitor_options options = {.workers = run->workers,
                                      .worker_count = run->worker_count,
                                      .task_count = kafka_task_count(run->kafka),
                                      .playbook_hash = engine_playbook_hash(run->engine),
                                      .ask_schemas = ask_schemas,
                                      .schemas = run,
                                      .stall_ms = settings->watchdog_ms,
                                      .clock = clock_system(),
                                      .checks = run->checks,
                                      .check_count = ARRAY_COUNT(run->checks)};
    for (int i = 0; i < SOURCE_COUNT; i++) {
        options.topics[i] = settings->sources[i].used ? settings->sources[i].task_topic : NULL;
    }
    if (run->kpis != NULL) {
        options.refresh_more = kpis_refresh;
        options.more = run->kpis;
        options.more_count = kpis_series(run->kpis);
    }
    run->monitor = monitor_open(&options);
    if (run->kpis != NULL) {
        kpis_register(run->kpis, monitor_metrics(run->monitor));
    }
    uint32_t count = monitor_handlers(run->monitor, handlers);
    if (settings->listen[0] == '\0') {
        return STATUS_OK;
    }
    return http_open(&run->http, settings->listen, handlers, count,
                     monitor_answer_size(options.task_count), out_text);
}

/* Asked since open_kafka; no worker may begin a transaction before. */
static enum status ask_permitted(struct run *run, struct status_text *out_text)
{
    return kafka_permitted(run->kafka, out_text);
}

/* Everything in the order in which one needs the other. */
static enum status open_all(struct run *run, struct status_text *out_text)
{
    static enum status (*const steps[])(struct run *, struct status_text *) = {
        open_playbook, open_kafka,   open_starts,  open_engine,  open_codec,
        open_learned,  open_workers, open_monitor, ask_permitted};
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
        enum status status = steps[i](run, out_text);
        if (status != STATUS_OK) {
            return status;
        }
    }
    service_started();
    enum status status = threads_start(run->threads_of, run->worker_count, &run->threads, out_text);
    memory_seal();
    return status == STATUS_OK ? kafka_join(run->kafka, out_text) : status;
}

/* Somebody applied another playbook: finish the cut, then start again. */
static void look_for_playbook(struct run *run)
{
    uint64_t hash;
    if (!service_stopping() && !run->again &&
        bundle_news(run->playbooks, run->connect.settings.application, &hash) &&
        hash != run->bundle_hash) {
        log_info("playbook_applied", "finishing the cut, then starting again under it",
                 "playbook=%016" PRIx64, hash);
        run->again = true;
    }
}

/* The same program with the same arguments in the same process: memory is laid out by the playbook,
 * so another one begins with an empty process. Static membership keeps our tasks meanwhile. */
static int start_again(char **arguments)
{
    (void)close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    (void)execv("/proc/self/exe", arguments);
    log_error("restart", "cannot start again; leaving for a restart", "errno=%d", errno);
    return EXIT_AGAIN;
}

/* Until told to stop and drained. The exit code. */
static int supervise(struct run *run)
{
    int64_t asked_us = 0;
    struct clock *clock = clock_system();
    while (!threads_drained(run->threads)) {
        (void)poll(NULL, 0, TICK_MS / 10);
        look_for_playbook(run);
        if ((service_stopping() || run->again) && asked_us == 0) {
            log_info("stop", "finishing the cut", "deadline_ms=%" PRId64,
                     run->connect.settings.shutdown_ms);
            asked_us = clock->ops->monotonic_us(clock);
            threads_stop(run->threads);
            for (uint32_t w = 0; w < run->worker_count; w++) {
                kafka_wake(run->kafka, w);
            }
        }
        if (asked_us != 0 &&
            clock->ops->monotonic_us(clock) - asked_us > run->connect.settings.shutdown_ms * 1000) {
            log_warn("stop_late",
                     "left before the last cut was applied; the next claim finishes it", "%s", "");
            return EXIT_GOOD;
        }
        if (!monitor_alive(run->monitor)) {
            log_error("watchdog", "a worker makes no progress; leaving for a restart", "%s", "");
            return EXIT_AGAIN;
        }
    }
    log_info("stopped", "everything is committed and applied", "%s", "");
    return EXIT_GOOD;
}

int run_run(int argument_count, char **arguments)
{
    static struct run run;
    const char *config;
    int answered = connect_options(argument_count, arguments, help, &config);
    if (answered != CONNECT_GO_ON) {
        return answered;
    }
    service_begin();
    struct status_text text = {""};
    if (!connect_load(config, &run.connect)) {
        return EXIT_CONFIG;
    }
    enum status status = open_all(&run, &text);
    if (status != STATUS_OK) {
        return connect_fail("run", status, &text);
    }
    log_info("started", "waiting for tasks",
             "application=%s workers=%u tasks=%u playbook=%016" PRIx64,
             run.connect.settings.application, run.worker_count, kafka_task_count(run.kafka),
             engine_playbook_hash(run.engine));
    int code = supervise(&run);
    if (run.again && !service_stopping() && code == EXIT_GOOD) {
        code = start_again(commands_arguments());
    }
    /* Crash-only: closing a consumer may hang while its coordinator is away, and there is nothing
     * left to do. */
    _exit(code);
}
