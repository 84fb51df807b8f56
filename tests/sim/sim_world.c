/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual time, memory, processes and their misfortunes. */
#include "sim/sim_world.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/invariant.h"
#include "base/log.h"
#include "sim/sim_heap.h"
#include "sim/sim_memory.h"

struct sim *sim;
uint32_t sim_process_now;

enum {
    PHASE_2_US = 90000000,
    TAIL_LEAPS = 40, /* until after the last deadline that is armed.. */
    TAIL_LEAP_MS = 2500,
    TAIL_LEAP_US = 100000,
    STEP_US = 50000,   /* then it is asked whether all is done */
    TAIL_US = 4000000, /* ..and everybody has heard of it */
    TAIL_SLOWER = 5,   /* nothing to read: who waits may wait longer, news wakes him at once */
    SLOWEST_PACE = 8,
    MISFORTUNE_US = 33333,
    MERGE_WAIT_MS = 700
};

/* ---- chance ---- */
bool sim_chance(double chance)
{
    return chance > 0 && !sim->quiet && random_chance(&sim->random, chance);
}

int64_t sim_between(int64_t low, int64_t high)
{
    return random_between(&sim->random, low, high);
}

void sim_trace(const char *format, ...)
{
    char line[600];
    if (!sim->traced) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    sim->trace_hash = hash64(slice_text(line), sim->trace_hash ^ (uint64_t)sim->now_us);
    if (sim->trace != NULL) {
        (void)fprintf(sim->trace, "%10.6f %s\n", (double)sim->now_us / 1e6, line);
    }
}

const char *sim_oracle_name(enum sim_oracle oracle)
{
    static const char *const names[] = {
#define ORACLE_NAME(id, name) name,
        SIM_ORACLES(ORACLE_NAME)
#undef ORACLE_NAME
    };
    return names[oracle];
}

void sim_fail(enum sim_oracle oracle, const char *format, ...)
{
    if (sim->checker.asking) {
        sim->checker.unmet = true;
        return;
    }
    if (sim->checker.failed) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sim->checker.text, sizeof(sim->checker.text), format, arguments);
    va_end(arguments);
    sim->checker.failed = true;
    sim->checker.oracle = oracle;
    sim_trace("VIOLATION %s", sim->checker.text);
}

/* What the runtime logs belongs into the trace. */
void log_set_level(enum log_level level)
{
    (void)level;
}

void log_line(enum log_level level, const char *code, const char *message, const char *format, ...)
{
    char line[500];
    if (!sim->traced) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    (void)level;
    (void)message;
    sim_trace("p%u %s %s", sim_process_now, code, line);
}

/* ---- clocks ---- */
int64_t sim_wall_ms(void)
{
    return SIM_WALL_MS + sim->now_us / 1000 + sim->leapt_ms;
}

static int64_t clock_wall(struct clock *clock)
{
    const struct sim_process *process = &sim->processes[((struct sim_clock *)clock)->process];
    return sim_wall_ms() + process->clock_skew_ms;
}

static int64_t clock_monotonic(struct clock *clock)
{
    (void)clock;
    return sim->now_us + 1000000;
}

static uint64_t clock_random(struct clock *clock)
{
    (void)clock;
    return random_next(&sim->random);
}

static const struct clock_ops clock_ops = {clock_wall, clock_monotonic, clock_random};

/* ---- processes ---- */
static void process_start(uint32_t index, bool restart);

static void restart_later(void *data, uint32_t index)
{
    (void)data;
    if (!sim->processes[index].alive) {
        process_start(index, true);
    }
}

static void process_kill(uint32_t index, const char *why)
{
    struct sim_process *process = &sim->processes[index];
    sim_trace("p%u dies: %s", index, why);
    sim_process_died(index);
    process->alive = false;
    process->frozen_until_us = 0;
    sim->counts.kills++;
    sim_later(sim_chance(.3) ? sim_between(1200000, 2000000) : sim_between(10000, 500000), index,
              UINT32_MAX, restart_later, NULL);
}

static void process_turn(void *data, uint32_t index)
{
    struct sim_process *process = &sim->processes[index];
    (void)data;
    if (!process->alive || process->turn_at_us != sim->now_us) {
        return;
    }
    process->turn_at_us = INT64_MAX;
    if (process->frozen_until_us > sim->now_us) {
        sim_wake(index);
        return;
    }
    int32_t wait_ms = 0;
    sim_process_now = index;
    sim->steps++;
    if (worker_turn(process->worker, &wait_ms) == WORKER_LEAVE) {
        process_kill(index, worker_reason(process->worker, UINT32_MAX));
        return;
    }
    int64_t at = sim->now_us +
                 (wait_ms < 1 ? 1 : wait_ms) * (sim->tail ? TAIL_SLOWER : 1) * sim->pace * 1000;
    if (at < process->turn_at_us) {
        process->turn_at_us = at;
        sim_later(at - sim->now_us, index, process->life, process_turn, NULL);
    }
}

void sim_wake(uint32_t index)
{
    struct sim_process *process = &sim->processes[index];
    int64_t at =
        sim->now_us > process->frozen_until_us ? sim->now_us + 20 : process->frozen_until_us;
    if (process->alive && at < process->turn_at_us) {
        process->turn_at_us = at;
        sim_later(at - sim->now_us, index, process->life, process_turn, NULL);
    }
}

static void join_later(void *data, uint32_t index)
{
    sim_group_join(index, data != NULL);
}

static struct worker_options sim_options(struct sim_process *process)
{
    struct worker_options options;
    worker_options_init(&options);
    options.engine = toy_engine(sim->playbook);
    options.log = &process->log.log;
    options.store = &process->store.store;
    options.clock = &process->clock.clock;
    options.codec = toy_codec;
    options.application = "app";
    options.cluster_id = "cluster";
    options.journal_topic = "journal";
    options.checkpoint_topic = "checkpoints";
    options.task_count = SIM_TASKS;
    options.journal_partitions = SIM_JOURNALS;
    options.checkpoint_partitions = SIM_JOURNALS;
    options.checkpoint_interval_ms =
        sim_chance(.5) ? sim_between(20, 200) : sim_between(1700, 7000);
    options.journal_keep_ms = sim_between(0, 700);
    options.tasks_max = SIM_TASKS;
    options.commit_interval_ms = sim_between(5, 50);
    options.commit_catch_up_ms = sim_chance(.5) ? 0 : sim_between(50, 400);
    options.apply_queue_max = (uint32_t)sim_between(1, 4);
    options.store_timeout_ms = 500;
    options.merge_wait_ms = MERGE_WAIT_MS;
    options.future_ms_max = 3 * 3600000; /* clocks jump here, and a false `future` would be right */
    for (uint32_t i = 0; i < SIM_SOURCES; i++) {
        options.sources[i] =
            (struct worker_source){.used = true, .start = WORKER_START_EARLIEST, .topic = "input"};
    }
    options.clock_mode = sim->stream ? ENGINE_CLOCK_STREAM : ENGINE_CLOCK_LIVE;
    options.limits = (struct worker_limits){.chunk_records = (uint32_t)sim_between(4, 48),
                                            .customers_per_cut = (uint32_t)sim_between(8, 64),
                                            .records_per_commit = (uint32_t)sim_between(4, 400),
                                            .input_bytes = (size_t)sim_between(64, 20000),
                                            .outputs_per_commit = 4 * ENGINE_OUTPUTS_PER_STEP_MAX,
                                            .due_entries = (uint32_t)sim_between(8, 64),
                                            .cut_bytes = 32768,
                                            .commit_bytes = 65536,
                                            .step_bytes = 16384,
                                            .message_bytes = (size_t)sim_between(256, 4000),
                                            .cache_bytes = 1};
    return options;
}

static void process_start(uint32_t index, bool restart)
{
    struct sim_process *process = &sim->processes[index];
    struct status_text text;
    process->life++;
    process->alive = true;
    process->frozen_until_us = 0;
    process->turn_at_us = INT64_MAX;
    process->clock = (struct sim_clock){{&clock_ops}, index};
    sim_memory_life(index);
    sim_log_open(process, index);
    sim_store_open(process, index);
    sim_process_now = index;
    struct worker_options options = sim_options(process);
    if (worker_open(&process->worker, &options, &text) != STATUS_OK) {
        (void)fprintf(stderr, "%s\n", text.text);
        abort();
    }
    sim_trace("p%u starts", index);
    sim_later(sim_between(1000, 30000), index, process->life, join_later, restart ? process : NULL);
    sim_wake(index);
}

static void thaw(void *data, uint32_t index)
{
    (void)data;
    if (sim->group.members[index] == 0) {
        sim_later(sim_between(1000, 100000), index, sim->processes[index].life, join_later, NULL);
    }
}

static void leave_and_join(uint32_t index)
{
    if (sim->group.members[index] != 0) {
        sim_group_leave(index);
        sim_later(sim_between(1000, 130000), index, sim->processes[index].life, join_later, NULL);
    }
}

/* Thirty times a second: what befalls whom. The rates are those of a third of a second: delays and patience are
 * shorter here than in the real world, so that a seed has more trouble in fewer turns. */
static void misfortune(void *data, uint32_t unused)
{
    const struct sim_faults *faults = &sim->faults;
    (void)unused;
    if (sim->quiet) {
        return;
    }
    for (uint32_t i = 0; i < SIM_PROCESSES; i++) {
        struct sim_process *process = &sim->processes[i];
        if (!process->alive) {
            continue;
        }
        if (sim_chance(faults->kill / 10)) {
            process_kill(i, "kill -9");
        } else if (sim_chance(faults->freeze / 10) && process->frozen_until_us <= sim->now_us) {
            int64_t length =
                sim_chance(.4) ? sim_between(1000000, 2000000) : sim_between(1000, 700000);
            process->frozen_until_us = sim->now_us + length;
            process->turn_at_us = INT64_MAX;
            sim->counts.freezes++;
            sim_trace("p%u freezes for %lld ms", i, (long long)length / 1000);
            sim_process_died(i);
            sim_later(length, i, process->life, thaw, NULL);
            sim_wake(i);
        } else if (sim_chance(faults->fetch_away / 10)) {
            process->fetch_away_until_us =
                sim->now_us +
                (sim_chance(.5) ? sim_between(700000, 2000000) : sim_between(1000, 300000));
        } else if (sim_chance(faults->rebalance / 10)) {
            leave_and_join(i);
        } else if (sim_chance(faults->clock_jump / 10)) {
            process->clock_skew_ms = sim_chance(.5) ? 0 : sim_between(-3600000, 3600000);
        }
    }
    if (sim_chance(faults->redis_back / 10)) {
        bool one = faults->redis_one_step > 0 && sim_chance(faults->redis_one_step);
        sim_redis_back(one ? 1 : (uint32_t)sim_between(1, sim_chance(.2) ? 200 : 12));
    }
    if (sim_chance(faults->redis_flush / 10)) {
        sim_redis_flush();
    }
    if (random_chance(&sim->elections, faults->leader / 10)) {
        sim_lose_leader((uint32_t)random_below(&sim->elections, SIM_PARTITIONS),
                        random_between(&sim->elections, 1000,
                                       random_chance(&sim->elections, .3) ? 1200000 : 200000));
    }
    if (sim_chance(faults->retention / 10)) {
        sim_intake_retention((uint32_t)sim_between(0, SIM_TASKS - 1));
    }
    sim_later(MISFORTUNE_US, 0, UINT32_MAX, misfortune, data);
}

/* Another playbook: one process after the other is restarted with it; kills in between start with it too. */
static void restart_with_playbook(void *data, uint32_t index)
{
    (void)data;
    if (sim->processes[index].alive) {
        process_kill(index, "restart with another playbook");
    }
}

static void change_playbook(void *data, uint32_t unused)
{
    (void)data;
    (void)unused;
    sim->playbook = 2;
    sim_trace("playbook 2 goes live");
    for (uint32_t i = 0; i < SIM_PROCESSES; i++) {
        sim_later(sim_between(0, 700000), i, sim->processes[i].life, restart_with_playbook, NULL);
    }
}

static double some(double chance_of_any, double value)
{
    return random_chance(&sim->random, chance_of_any) ? value * random_unit(&sim->random) : 0;
}

/* Elections have chances of their own: the runs of seeds without any stay what they were. */
static void choose_elections(void)
{
    random_init(&sim->elections, sim->seed ^ UINT64_C(0x6c6561646572));
    if (random_chance(&sim->elections, .3)) {
        sim->faults.leader = 2 * random_unit(&sim->elections);
    }
}

/* In some seeds Redis is in trouble for good: what needs several misfortunes of it within one claim is too rare
 * otherwise. Chances of their own here too. */
static void choose_trouble(void)
{
    struct sim_faults *faults = &sim->faults;
    struct random random;
    random_init(&random, sim->seed ^ UINT64_C(0x74726f75626c65));
    if (random_chance(&random, .06)) {
        faults->redis_partial = .05 + .25 * random_unit(&random);
        faults->redis_break = .2 * random_unit(&random);
        faults->redis_slow = .2 * random_unit(&random);
        faults->redis_back = 4 * random_unit(&random);
        faults->redis_one_step = random_unit(&random);
    }
}

static void choose_faults(void)
{
    sim->faults = (struct sim_faults){
        .kill = some(.5, 1),
        .freeze = some(.5, 1),
        .rebalance = some(.5, .8),
        .commit_lost = some(.5, .1),
        .commit_refused = some(.5, .1),
        .late_end = some(.5, .15),
        .late_offsets = some(.5, .15),
        .slow_marker = some(.4, .2),
        .redis_break = some(.5, .05),
        .redis_error = some(.5, .1),
        .redis_slow = some(.4, .1),
        .redis_back = some(.5, 1),
        .redis_flush = some(.2, .2),
        .redis_partial = some(.4, .2),
        .clock_jump = some(.2, .5),
        .fetch_away = some(.3, .5),
        .retention = some(.5, 1),
    };
}

static bool world_is_done(void)
{
    for (uint32_t source = 0; source < SIM_SOURCES; source++) {
        for (uint32_t task = 0; task < SIM_TASKS; task++) {
            if (sim->group.offsets[task][source] < sim->input_count[source][task]) {
                return false;
            }
        }
    }
    return true;
}

static void run_until(int64_t end_us)
{
    struct sim_item item;
    while (!sim->checker.failed && sim_heap_next(end_us, &item)) {
        if (item.life == UINT32_MAX || (sim->processes[item.process].life == item.life &&
                                        sim->processes[item.process].alive)) {
            item.fn(item.data, item.process);
        }
    }
    sim->now_us = sim->checker.failed ? sim->now_us : end_us;
}

/* One world after the other lives in the same memory; what a world has touched is given back at the next. */
static void world_begin(void)
{
    static struct sim *block;
    if (block == NULL) {
        block = calloc(1, sizeof(*block));
        for (uint32_t i = 0; i < SIM_PROCESSES; i++) {
            block->processes[i].events = calloc(SIM_QUEUE, sizeof(struct log_event));
            block->processes[i].answers = calloc(SIM_QUEUE, sizeof(struct sim_answer));
        }
    }
    sim = block;
    struct sim_process kept[SIM_PROCESSES];
    memcpy(kept, sim->processes, sizeof(kept));
    memset(sim, 0, sizeof(*sim));
    for (uint32_t i = 0; i < SIM_PROCESSES; i++) {
        sim->processes[i].events = kept[i].events;
        sim->processes[i].answers = kept[i].answers;
    }
    sim_memory_world();
    sim_heap_begin();
}

static bool is_going_on(void)
{
    return !sim->checker.failed && !sim_check_is_over();
}

void sim_run(uint64_t seed, bool faults, bool hashed, FILE *trace)
{
    world_begin();
    sim->seed = seed;
    sim->trace = trace;
    sim->traced = trace != NULL || hashed;
    random_init(&sim->random, seed);
    sim_kafka_init();
    sim_redis_init();
    sim_checker_init();
    sim_make_inputs();
    sim->stream = random_chance(&sim->random, .5);
    sim->pace = (int32_t)sim_between(1, SLOWEST_PACE);
    sim_merge_inputs();
    sim->playbook = 1;
    if (faults) {
        choose_faults();
        choose_trouble();
        choose_elections();
    }
    for (uint32_t i = 0; i < SIM_PROCESSES; i++) {
        process_start(i, false);
    }
    sim_later(MISFORTUNE_US, 0, UINT32_MAX, misfortune, NULL);
    sim->playbook = 1;
    if (random_chance(&sim->random, .5)) {
        sim_later(sim_between(1, SIM_PHASE_1_US), 0, UINT32_MAX, change_playbook, NULL);
    }
    run_until(SIM_PHASE_1_US);
    sim->quiet = true;
    sim_trace("---- no more faults ----");
    for (uint32_t i = 0; i < SIM_PROCESSES; i++) {
        sim->processes[i].clock_skew_ms = 0;
    }
    /* Until everything is read, then long enough for every deadline to fall due and reach Redis. */
    for (int64_t end = SIM_PHASE_1_US;
         end < PHASE_2_US && !sim->checker.failed && !world_is_done();) {
        end += STEP_US;
        run_until(end);
    }
    if (!world_is_done() && !sim->checker.failed) {
        sim_fail(ORACLE_LIVENESS, "with no more faults, the input is not all processed");
    }
    sim->tail = true;
    for (uint32_t i = 0; i < TAIL_LEAPS && is_going_on(); i++) {
        run_until(sim->now_us + TAIL_LEAP_US);
        sim->leapt_ms += TAIL_LEAP_MS;
    }
    for (uint32_t i = 0; i < TAIL_US / STEP_US && is_going_on(); i++) {
        run_until(sim->now_us + STEP_US);
    }
    sim->tail = false;
    for (uint32_t i = 0; i < 400 && is_going_on(); i++) {
        run_until(sim->now_us + 5000);
    }
    if (!sim->checker.failed) {
        sim_check_end();
    }
}
