/* SPDX-License-Identifier: Apache-2.0 */
/* The connections between processes and the model of Redis: they break before or after a pipeline ran, what was
 * on its way may arrive late, answers are lost or slow. */
#include "sim/sim_store.h"

#include "base/invariant.h"
#include "sim/sim.h"

enum {
    LOOK_COMMANDS = 2, /* WATCH and GET of a head */
    SCAN_BREAKS = 30,  /* times as often: a cursor is of one connection */
};

static void answer_arrives(void *data, uint32_t process)
{
    struct sim_op *op = data;
    struct sim_process *of = &sim->processes[process];
    if (!of->alive || of->life != op->life) {
        return;
    }
    if (of->connections[op->connection].epoch != op->epoch) {
        op->status = STATUS_AWAY;
    }
    INVARIANT(of->answer_count < SIM_QUEUE);
    of->answers[of->answer_count++].op = op;
    sim_wake(process);
}

static void op_is_lost(struct sim_op *op)
{
    sim->counts.breaks++;
    sim->processes[op->process].connections[op->connection].epoch = 0;
    op->status = STATUS_AWAY;
}

/* What was on its way when its connection broke arrives after all, some time later or just before the next
 * transaction, which had its look at Redis before; nobody hears the answer. */
struct late {
    bool ran;
    struct sim_op op;
    struct sim_connection connection; /* as it was */
};

static void late_runs(void *data, uint32_t process)
{
    struct late *late = data;
    struct sim_connection *of = &sim->processes[process].connections[late->op.connection];
    struct sim_connection now = *of;
    if (late->ran) {
        return;
    }
    late->ran = true;
    *of = late->connection;
    sim_redis_run(&late->op);
    *of = now;
}

static void op_is_late(const struct sim_op *op)
{
    struct late *late = sim_take(sizeof(*late));
    *late = (struct late){false, *op, sim->processes[op->process].connections[op->connection]};
    late->op.late = true;
    sim->processes[op->process].connections[op->connection].late = late;
    sim_later(sim_between(500, 60000), op->process, UINT32_MAX, late_runs, late);
}

static void connection_breaks(void *data, uint32_t process)
{
    const struct sim_op *op = data;
    struct sim_connection *connection = &sim->processes[process].connections[op->connection];
    if (connection->epoch == op->epoch) {
        sim->counts.breaks++;
        connection->epoch = 0;
    }
}

static void op_runs(void *data, uint32_t process)
{
    struct sim_op *op = data;
    struct sim_process *of = &sim->processes[process];
    int64_t delay = sim_between(50, 600);
    if (of->life != op->life || of->connections[op->connection].epoch != op->epoch) {
        op->status = STATUS_AWAY;
    } else if (sim_chance(sim->faults.redis_break)) {
        if (sim_chance(.4)) {
            sim_redis_run(op);
        } else if (sim_chance(.8)) {
            op_is_late(op);
        }
        op_is_lost(op);
    } else {
        struct late *late = of->connections[op->connection].late;
        if (late != NULL && op->count > LOOK_COMMANDS) {
            of->connections[op->connection].late = NULL;
            late_runs(late, process);
        }
        sim_redis_run(op);
        if (op->partial && sim_chance(.3)) {
            op_is_lost(op);
        } else if (op->partial && sim_chance(.8)) {
            delay = sim_between(20000, 400000);
        }
        if (op->scans_on && sim_chance(sim->faults.redis_break * SCAN_BREAKS)) {
            sim_later(delay + 1, process, op->life, connection_breaks, op);
        }
    }
    sim_later(delay, process, UINT32_MAX, answer_arrives, op);
}

static enum status store_submit(struct store *store, uint32_t connection,
                                const struct store_pipeline *pipeline, uint64_t token)
{
    uint32_t index = ((struct sim_store *)store)->process;
    struct sim_process *process = &sim->processes[index];
    if (process->connections[connection].epoch == 0) {
        return STATUS_AWAY;
    }
    struct sim_op *op = sim_take(sizeof(*op));
    *op = (struct sim_op){.process = index,
                          .life = process->life,
                          .connection = connection,
                          .epoch = process->connections[connection].epoch,
                          .token = token,
                          .size = pipeline->size,
                          .count = pipeline->command_count,
                          .status = STATUS_OK};
    op->data = sim_take_raw(pipeline->size + 1);
    memcpy(op->data, pipeline->data, pipeline->size);
    int64_t delay =
        sim_chance(sim->faults.redis_slow) ? sim_between(1000, 300000) : sim_between(50, 900);
    int64_t *last = &process->connections[connection].last_us;
    *last = sim->now_us + delay > *last ? sim->now_us + delay : *last + 1;
    sim_later(*last - sim->now_us, index, UINT32_MAX, op_runs, op);
    return STATUS_OK;
}

static bool store_next_answer(struct store *store, struct store_answer *out_answer)
{
    struct sim_process *process = &sim->processes[((struct sim_store *)store)->process];
    if (process->answers_taken < process->answer_count) {
        struct sim_op *op = process->answers[process->answers_taken++].op;
        *out_answer = (struct store_answer){.token = op->token,
                                            .connection = op->connection,
                                            .status = op->status,
                                            .replies = op->replies,
                                            .connection_epoch = op->epoch};
        out_answer->reply_count = op->status == STATUS_OK ? op->count : 0;
        return true;
    }
    process->answer_count = 0;
    process->answers_taken = 0;
    return false;
}

static void connect_arrives(void *data, uint32_t process)
{
    uint32_t connection = *(uint32_t *)data;
    struct sim_process *of = &sim->processes[process];
    if (of->connections[connection].epoch == 0) {
        of->connections[connection].epoch = ++of->connections[connection].counter;
        of->connections[connection].watched_count = 0;
        of->connections[connection].last_us = sim->now_us;
        sim_wake(process);
    }
}

static uint64_t store_epoch(struct store *store, uint32_t connection)
{
    uint32_t index = ((struct sim_store *)store)->process;
    return sim->processes[index].connections[connection].epoch;
}

static void store_reset(struct store *store, uint32_t connection)
{
    sim->processes[((struct sim_store *)store)->process].connections[connection].epoch = 0;
}

static int store_descriptor(struct store *store)
{
    (void)store;
    return -1;
}

static void store_counters(struct store *store, struct store_counters *out_counters)
{
    (void)store;
    *out_counters = (struct store_counters){0};
}

static const struct store_ops ops = {.submit = store_submit,
                                     .next_answer = store_next_answer,
                                     .epoch = store_epoch,
                                     .counters = store_counters,
                                     .reset = store_reset,
                                     .descriptor = store_descriptor};

/* Connections that are down come back by themselves. */
static void reconnect(void *data, uint32_t process)
{
    for (uint32_t c = 0; c < SIM_CONNECTIONS; c++) {
        if (sim->processes[process].connections[c].epoch == 0) {
            uint32_t *connection = sim_take(sizeof(*connection));
            *connection = c;
            sim_later(sim_between(100, 20000), process, sim->processes[process].life,
                      connect_arrives, connection);
        }
    }
    sim_later(50000, process, sim->processes[process].life, reconnect, data);
}

void sim_store_open(struct sim_process *process, uint32_t index)
{
    process->store = (struct sim_store){{&ops}, index};
    for (uint32_t i = 0; i < SIM_CONNECTIONS; i++) {
        process->connections[i].epoch = 0;
    }
    process->answer_count = 0;
    process->answers_taken = 0;
    reconnect(NULL, index);
}
