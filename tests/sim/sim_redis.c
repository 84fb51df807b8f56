/* SPDX-License-Identifier: Apache-2.0 */
/* A model of Redis for the simulator: the commands of our ACL, WATCH / MULTI / EXEC per connection, a history of
 * steps so that it can fall back to any older prefix. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/invariant.h"
#include "sim/sim.h"
#include "sim/sim_map.h"
#include "sim/sim_redis_read.h"
#include "sim/sim_store.h"

struct undo {
    struct sim_node *node; /* NULL: a step ends here */
    struct slice name;
    struct slice old;
    bool had;
    uint32_t task; /* of a step's end: whose it was, and what was damaged before */
    uint64_t damaged;
};

enum { ARGUMENTS_MAX = 4096, UNDO_MAX = 1 << 20 };

static struct undo *undo;
static uint32_t undo_count;

static struct slice copy_of(struct slice bytes)
{
    uint8_t *copy = sim_take_raw(bytes.size + 1);
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return slice_of(copy, bytes.size);
}

struct sim_map *sim_map_open(void)
{
    return sim_take(sizeof(struct sim_map));
}

struct sim_node *sim_map_node(struct sim_map *map, struct slice key)
{
    struct sim_node **at = &map->buckets[hash64(key, 9) % SIM_MAP_BUCKETS];
    for (; *at != NULL; at = &(*at)->next) {
        if (slice_equal((*at)->key, key)) {
            return *at;
        }
    }
    *at = sim_take(sizeof(struct sim_node));
    (*at)->key = copy_of(key);
    return *at;
}

const struct slice *sim_node_get(const struct sim_node *node, struct slice name)
{
    for (uint32_t i = 0; i < node->count; i++) {
        if (slice_equal(node->fields[i].name, name)) {
            return &node->fields[i].value;
        }
    }
    return NULL;
}

void sim_node_put(struct sim_node *node, struct slice name, const struct slice *value)
{
    node->version++;
    for (uint32_t i = 0; i < node->count; i++) {
        if (slice_equal(node->fields[i].name, name)) {
            if (value != NULL) {
                node->fields[i].value = copy_of(*value);
            } else {
                node->fields[i] = node->fields[--node->count];
            }
            return;
        }
    }
    if (value == NULL) {
        return;
    }
    if (node->count == node->limit) {
        node->limit = node->limit == 0 ? 4 : 2 * node->limit;
        struct sim_field *more = sim_take(node->limit * sizeof(*more));
        if (node->count > 0) {
            memcpy(more, node->fields, node->count * sizeof(*more));
        }
        node->fields = more;
    }
    node->fields[node->count++] = (struct sim_field){copy_of(name), copy_of(*value)};
}

uint64_t sim_item_hash(char kind, struct slice key, struct slice name, struct slice value)
{
    uint64_t seed = hash64(key, (uint64_t)kind);
    return hash64(value, hash64(name, seed)) | 1;
}

/* "{app.3}c:k17" -> task 3, 'c', "k17". The head is not part of the state: kind 'h'. */
static uint32_t key_parts(struct slice key, char *out_kind, struct slice *out_rest)
{
    const uint8_t *close = memchr(key.data, '}', key.size);
    INVARIANT(close != NULL && close > key.data + 1);
    uint32_t task = (uint32_t)(close[-1] - '0');
    const uint8_t *kind = close + 1;
    const uint8_t *colon = memchr(kind, ':', (size_t)(key.data + key.size - kind));
    *out_kind = (char)*kind;
    *out_rest = colon == NULL ? (struct slice){NULL, 0}
                              : slice_of(colon + 1, (size_t)(key.data + key.size - colon - 1));
    INVARIANT(task < SIM_TASKS);
    return task;
}

static void put_raw(struct sim_node *node, struct slice name, const struct slice *value)
{
    char kind;
    struct slice rest;
    uint32_t task = key_parts(node->key, &kind, &rest);
    const struct slice *old = sim_node_get(node, name);
    if (kind != 'h') {
        sim->redis_hash[task] -= old == NULL ? 0 : sim_item_hash(kind, rest, name, *old);
        sim->redis_hash[task] += value == NULL ? 0 : sim_item_hash(kind, rest, name, *value);
    }
    sim_node_put(node, name, value);
}

static void put(struct slice key, struct slice name, const struct slice *value)
{
    struct sim_node *node = sim_map_node(sim->redis, key);
    const struct slice *old = sim_node_get(node, name);
    if (old == NULL && value == NULL) {
        return;
    }
    INVARIANT(undo_count < UNDO_MAX);
    undo[undo_count++] = (struct undo){.node = node,
                                       .name = copy_of(name),
                                       .old = old == NULL ? (struct slice){NULL, 0} : *old,
                                       .had = old != NULL};
    put_raw(node, name, value);
}

static uint32_t step_task = UINT32_MAX;
/* A step of `commands`, of which one may have failed, is over. What an EXEC left half done is allowed until
 * its cut is written again; to write an owner into the head is one command, and mends nothing. */
static void step_end(uint32_t commands, bool partial)
{
    uint32_t task = step_task;
    if (task == UINT32_MAX) {
        return;
    }
    step_task = UINT32_MAX;
    if (undo_count > 0 && undo[undo_count - 1].node != NULL) {
        undo[undo_count++] = (struct undo){.task = task, .damaged = sim->damaged[task]};
    }
    if (partial) {
        sim->damaged[task] = sim_check_ready(task);
        sim_trace("redis: an EXEC of task %u ran in part", task);
    } else if (commands > 1) {
        sim->damaged[task] = 0;
    }
    sim_check_redis(task);
}

void sim_redis_restart(void)
{
    for (uint32_t i = 0; i < SIM_PROCESSES; i++) {
        for (uint32_t c = 0; c < SIM_CONNECTIONS; c++) {
            sim->processes[i].connections[c].epoch = 0;
        }
    }
}

void sim_redis_back(uint32_t steps)
{
    sim->counts.backs++;
    sim_trace("redis: goes back %u steps", steps);
    for (uint32_t i = 0; i < steps && undo_count > 0; i++) {
        undo_count--;
        sim->damaged[undo[undo_count].task] = undo[undo_count].damaged;
        while (undo_count > 0 && undo[undo_count - 1].node != NULL) {
            const struct undo *last = &undo[--undo_count];
            put_raw(last->node, last->name, last->had ? &last->old : NULL);
        }
    }
    sim_redis_restart();
    for (uint32_t task = 0; task < SIM_TASKS; task++) {
        sim_check_redis(task);
    }
}

void sim_redis_flush(void)
{
    sim->counts.flushes++;
    sim_trace("redis: loses everything");
    for (uint32_t i = 0; i < SIM_MAP_BUCKETS; i++) {
        for (struct sim_node *node = sim->redis->buckets[i]; node != NULL; node = node->next) {
            while (node->count > 0) {
                put(node->key, node->fields[0].name, NULL);
            }
        }
    }
    undo_count = 0;
    memset(sim->damaged, 0, sizeof(sim->damaged)); /* nothing is left that could be wrong */
    sim_redis_restart();
}

struct slice sim_redis_get(struct slice key)
{
    const struct slice *value =
        sim_node_get(sim_map_node(sim->redis, key), (struct slice){NULL, 0});
    return value == NULL ? (struct slice){NULL, 0} : *value;
}

void sim_redis_due(struct sim_due *out_due)
{
    memset(out_due, 0, SIM_CUSTOMERS * sizeof(*out_due));
    for (uint32_t i = 0; i < SIM_MAP_BUCKETS; i++) {
        for (const struct sim_node *node = sim->redis->buckets[i]; node != NULL;
             node = node->next) {
            char kind;
            char text[24] = {0};
            struct slice rest;
            uint32_t task = key_parts(node->key, &kind, &rest);
            if (kind != 'd') {
                continue;
            }
            memcpy(text, rest.data, rest.size < 23 ? rest.size : 23);
            int64_t bucket = node->count > 0 ? strtoll(text, NULL, 10) : 0;
            for (uint32_t k = 0; k < node->count; k++) {
                int64_t customer = sim_customer_index(node->fields[k].name);
                if (customer >= 0 && sim_customer_task((uint32_t)customer) == task) {
                    out_due[customer].sets++;
                    out_due[customer].bucket = bucket;
                }
            }
        }
    }
}

/* ---- commands ---- */
static struct store_reply reply_text(enum store_reply_kind kind, const char *text)
{
    return (struct store_reply){.kind = kind, .text = slice_text(text)};
}

static struct store_reply run_write(const struct slice *arguments, uint32_t count)
{
    const struct slice none = {NULL, 0};
    char kind;
    struct slice rest;
    step_task = key_parts(arguments[1], &kind, &rest);
    if (slice_is(arguments[0], "SET") || slice_is(arguments[0], "MSET")) {
        for (uint32_t i = 1; i + 1 < count; i += 2) {
            put(arguments[i], none, &arguments[i + 1]);
        }
    } else if (slice_is(arguments[0], "DEL")) {
        for (uint32_t i = 1; i < count; i++) {
            struct sim_node *node = sim_map_node(sim->redis, arguments[i]);
            while (node->count > 0) {
                put(arguments[i], node->fields[0].name, NULL);
            }
        }
    } else if (slice_is(arguments[0], "SADD")) {
        for (uint32_t i = 2; i < count; i++) {
            put(arguments[1], arguments[i], &none);
        }
    } else if (slice_is(arguments[0], "SREM") || slice_is(arguments[0], "HDEL")) {
        for (uint32_t i = 2; i < count; i++) {
            put(arguments[1], arguments[i], NULL);
        }
    } else if (slice_is(arguments[0], "HSET")) {
        for (uint32_t i = 2; i + 1 < count; i += 2) {
            put(arguments[1], arguments[i], &arguments[i + 1]);
        }
    } else {
        sim_fail(ORACLE_COMMANDS, "a command that the ACL does not allow: %.*s",
                 SLICE_ARG(arguments[0]));
    }
    return reply_text(STORE_STATUS, "OK");
}

static struct store_reply run(struct sim_op *op, const struct slice *arguments, uint32_t count)
{
    if (sim_redis_is_read(arguments[0])) {
        return sim_redis_read(arguments, count, op);
    }
    return run_write(arguments, count);
}

/* The number after '*' or '$', and past its line's end. */
static uint32_t parse_number(const uint8_t **at, uint8_t sign)
{
    uint32_t number = 0;
    INVARIANT(**at == sign);
    for ((*at)++; **at >= '0' && **at <= '9'; (*at)++) {
        number = 10 * number + (uint32_t)(**at - '0');
    }
    *at += 2;
    return number;
}

/* One RESP command. Returns the number of arguments. */
static uint32_t parse(const uint8_t **at, struct slice *arguments)
{
    uint32_t count = parse_number(at, '*');
    INVARIANT(count <= ARGUMENTS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        size_t size = parse_number(at, '$');
        arguments[i] = slice_of(*at, size);
        *at += size + 2;
    }
    return count;
}

static struct store_reply exec(struct sim_op *op, const uint8_t *from, uint32_t queued)
{
    static struct slice arguments[ARGUMENTS_MAX];
    struct store_reply *list = sim_take_raw((queued + 1) * sizeof(*list));
    double chance = op->late && sim->faults.redis_partial > 0 ? .5 : sim->faults.redis_partial;
    uint32_t failing =
        queued > 1 && sim_chance(chance) ? (uint32_t)sim_between(1, queued - 1) : UINT32_MAX;
    for (uint32_t i = 0; i < queued; i++) {
        uint32_t count = parse(&from, arguments);
        list[i] = i == failing ? reply_text(STORE_ERROR, "WRONGTYPE") : run(op, arguments, count);
    }
    sim->counts.applies++;
    op->partial = failing != UINT32_MAX && step_task != UINT32_MAX;
    step_end(queued, op->partial);
    return (struct store_reply){.kind = STORE_ARRAY, .children = list, .count = queued};
}

static bool watch_fired(const struct sim_op *op)
{
    const struct sim_process *process = &sim->processes[op->process];
    bool fired = false;
    for (uint32_t i = 0; i < process->connections[op->connection].watched_count; i++) {
        fired = fired || process->connections[op->connection].watched[i].node->version !=
                             process->connections[op->connection].watched[i].version;
    }
    return fired;
}

static void watch(const struct sim_op *op, struct slice key)
{
    struct sim_process *process = &sim->processes[op->process];
    struct sim_node *node = sim_map_node(sim->redis, key);
    uint32_t *count = &process->connections[op->connection].watched_count;
    for (uint32_t i = 0; i < *count; i++) {
        if (process->connections[op->connection].watched[i].node == node) {
            return;
        }
    }
    INVARIANT(*count < SIM_TASKS);
    process->connections[op->connection].watched[*count].node = node;
    process->connections[op->connection].watched[(*count)++].version = node->version;
}

void sim_redis_run(struct sim_op *op)
{
    static struct slice arguments[ARGUMENTS_MAX];
    const uint8_t *at = op->data;
    const uint8_t *multi_at = NULL;
    uint32_t queued = 0;
    bool refuse = sim_chance(sim->faults.redis_error);
    op->replies = sim_take_raw(op->count * sizeof(struct store_reply));
    for (uint32_t i = 0; i < op->count; i++) {
        uint32_t count = parse(&at, arguments);
        struct store_reply *reply = &op->replies[i];
        if (slice_is(arguments[0], "MULTI")) {
            multi_at = at;
            queued = 0;
            *reply = reply_text(STORE_STATUS, "OK");
        } else if (slice_is(arguments[0], "EXEC")) {
            if (refuse && queued > 0) {
                *reply = reply_text(STORE_ERROR, "EXECABORT");
            } else if (watch_fired(op)) {
                *reply = (struct store_reply){.kind = STORE_NIL};
            } else {
                *reply = exec(op, multi_at, queued);
            }
            sim->processes[op->process].connections[op->connection].watched_count = 0;
            multi_at = NULL;
        } else if (multi_at != NULL) {
            *reply = refuse ? reply_text(STORE_ERROR, "OOM command not allowed")
                            : reply_text(STORE_STATUS, "QUEUED");
            queued++;
        } else if (slice_is(arguments[0], "WATCH")) {
            watch(op, arguments[1]);
            *reply = reply_text(STORE_STATUS, "OK");
        } else {
            *reply = refuse && !slice_is(arguments[0], "GET") ? reply_text(STORE_ERROR, "LOADING")
                                                              : run(op, arguments, count);
            step_end(1, false);
        }
    }
}

void sim_redis_init(void)
{
    sim->redis = sim_map_open();
    if (undo == NULL) {
        undo = calloc(UNDO_MAX, sizeof(*undo));
    }
    undo_count = 0;
}
