/* SPDX-License-Identifier: Apache-2.0 */
/* The checkers. After every commit: cuts are contiguous, inputs are read once and in order, outputs
 * follow. After every step of Redis: while the head says READY, the task is exactly S_W. At the
 * end: an independent recount of the inputs, every output exactly once, every deadline fired, every
 * customer in one due set. */
#include <stdlib.h>

#include "base/digits.h"
#include "sim/sim_map.h"
#include "sim/sim_world.h"

void sim_checker_init(void)
{
    for (uint32_t task = 0; task < SIM_TASKS; task++) {
        sim->checker.model[task] = sim_map_open();
        for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
            sim->checker.position[task][i] = 0;
        }
    }
}

static void model_put(uint32_t task, char kind, struct slice key, struct slice name,
                      const struct slice *value)
{
    uint8_t full[CUSTOMER_ID_SIZE_MAX + 1];
    full[0] = (uint8_t)kind;
    memcpy(full + 1, key.data, key.size);
    struct sim_node *node = sim_map_node(sim->checker.model[task], slice_of(full, key.size + 1));
    const struct slice *old = sim_node_get(node, name);
    uint64_t *hash = &sim->checker.state_hash[task][sim->checker.seq[task]];
    *hash -= old == NULL ? 0 : sim_item_hash(kind, key, name, *old);
    *hash += value == NULL ? 0 : sim_item_hash(kind, key, name, *value);
    if (kind == 'c' && key.size > 0) {
        sim->checker.customers[task] += old == NULL;
        sim->checker.customers[task] -= value == NULL;
    }
    sim_node_put(node, name, value);
}

static void model_due(uint32_t task, int64_t bucket, struct slice id, bool add)
{
    char text[DIGITS_MAX];
    const struct slice none = {NULL, 0};
    model_put(task, 'd', digits_of(bucket, text), id, add ? &none : NULL);
}

static void model_entry(uint32_t task, const struct cut_entry *entry)
{
    const struct slice none = {NULL, 0};
    int64_t customer = sim_customer_index(entry->id);
    if (customer >= 0) {
        sim->checker.changed[customer] = sim->checker.seq[task];
    }
    if ((entry->flags & CUT_RECORD_SET) != 0) {
        model_put(task, 'c', entry->id, none, &entry->record);
    }
    if ((entry->flags & CUT_RECORD_DELETE) != 0) {
        model_put(task, 'c', entry->id, none, NULL);
    }
    if ((entry->flags & CUT_BUCKET_OLD) != 0) {
        model_due(task, entry->bucket_old, entry->id, false);
    }
    if ((entry->flags & CUT_BUCKET_NEW) != 0) {
        model_due(task, entry->bucket_new, entry->id, true);
    }
    struct bytes_reader reader = bytes_reader(entry->view);
    for (uint32_t i = 0; i < entry->view_count; i++) {
        struct cut_field field;
        if (cut_take_field(&reader, &field) != STATUS_OK) {
            sim_fail(ORACLE_READABLE, "a view field that cannot be read");
            return;
        }
        model_put(task, 'v', entry->id, field.name, field.remove ? NULL : &field.text);
    }
}

static void check_cut(const struct sim_txn *txn, struct slice payload)
{
    struct cut_header header;
    struct sim_checker *checker = &sim->checker;
    if (cut_check(payload, &header) != STATUS_OK || header.task >= SIM_TASKS) {
        sim_fail(ORACLE_READABLE, "a committed cut cannot be read");
        return;
    }
    uint32_t task = header.task;
    sim->counts.cuts++;
    if (header.seq != checker->seq[task] + 1 || header.seq >= SIM_CUTS_MAX) {
        sim_fail(ORACLE_CUTS, "task %u: cut %llu follows cut %llu", task,
                 (unsigned long long)header.seq, (unsigned long long)checker->seq[task]);
        return;
    }
    if (header.previous_hash != checker->hash[task]) {
        sim_fail(ORACLE_CUTS, "task %u: cut %llu does not name its predecessor's hash", task,
                 (unsigned long long)header.seq);
    }
    for (uint32_t i = 0; i < SIM_SOURCES; i++) {
        int64_t from = header.sources[i].from < 0 ? 0 : header.sources[i].from;
        int64_t to = header.sources[i].to < 0 ? 0 : header.sources[i].to;
        if (from != checker->position[task][i] || to < from) {
            sim_fail(ORACLE_INPUTS, "task %u: cut %llu reads %lld..%lld of source %u after %lld",
                     task, (unsigned long long)header.seq, (long long)from, (long long)to, i,
                     (long long)checker->position[task][i]);
        }
        checker->position[task][i] = to;
        bool named = to == 0;
        for (uint32_t k = 0; k < txn->offset_count; k++) {
            named = named || (txn->offsets[k].task == task && txn->offsets[k].source == i &&
                              txn->offsets[k].offset == to);
        }
        if (!named) {
            sim_fail(ORACLE_OFFSETS, "task %u: cut %llu is committed without its offsets (torn)",
                     task, (unsigned long long)header.seq);
        }
    }
    if (!sim->stream && header.now_ms > sim_wall_ms() + CLOCK_LEAD_MS) {
        sim_fail(ORACLE_CLOCK, "task %u: cut %llu is of %lld ms after the brokers' clock", task,
                 (unsigned long long)header.seq, (long long)(header.now_ms - sim_wall_ms()));
    }
    checker->seq[task] = header.seq;
    checker->hash[task] = cut_hash(payload);
    checker->state_hash[task][header.seq] = checker->state_hash[task][header.seq - 1];
    struct bytes_reader reader = bytes_reader(payload);
    struct cut_entry entry;
    if (cut_take_header(&reader, &header) != STATUS_OK) {
        return;
    }
    for (uint32_t i = 0; i < header.entry_count && cut_take_entry(&reader, &entry) == STATUS_OK;
         i++) {
        model_entry(task, &entry);
    }
    if (header.customer_count != sim->checker.customers[task]) {
        sim_fail(ORACLE_CUSTOMERS, "task %u: cut %llu says %llu customers, and there are %u", task,
                 (unsigned long long)header.seq, (unsigned long long)header.customer_count,
                 sim->checker.customers[task]);
    }
}

/* Clock stream: whatever arrived when, the events are those of all sources merged by time. */
static void check_order(uint32_t task, uint32_t source, uint32_t offset)
{
    uint32_t at = sim->checker.merged[task]++;
    const struct sim_place *expected = &sim->order[task][at];
    if (at >= sim->order_count[task] || expected->source != source || expected->offset != offset) {
        sim_fail(ORACLE_ORDER,
                 "task %u: event %u is %u of source %u, and merged by time it is %u of source %u",
                 task, at, offset, source, expected->offset, expected->source);
    }
}

/* A sweep begins once, and is complete once, after that. */
static void check_marker(uint32_t what, uint32_t version, uint32_t task)
{
    struct sim_checker *checker = &sim->checker;
    uint32_t *last = what == TOY_OUTPUT_BEGIN ? &checker->begun[task] : &checker->complete[task];
    if (*last == version || (what == TOY_OUTPUT_COMPLETE && checker->begun[task] != version)) {
        sim_fail(ORACLE_SWEEPS,
                 "task %u: a sweep for playbook %u %s, last begun %u, last complete %u", task,
                 version, what == TOY_OUTPUT_BEGIN ? "begins" : "is complete", checker->begun[task],
                 checker->complete[task]);
    }
    *last = version;
    checker->complete[task] = what == TOY_OUTPUT_BEGIN ? 0 : version;
    checker->completes[task] = checker->completes[task] || what == TOY_OUTPUT_COMPLETE;
}

/* Complete: nobody in the state after this transaction was last looked at under another playbook. */
static void check_swept(uint32_t task)
{
    for (uint32_t i = 0; i < SIM_MAP_BUCKETS; i++) {
        const struct sim_node *node = sim->checker.model[task]->buckets[i];
        for (; node != NULL; node = node->next) {
            struct toy_state state;
            int64_t bucket;
            struct slice packed;
            if (node->key.data[0] == 'c' && node->key.size > 1 && node->count > 0 &&
                record_open(node->fields[0].value, &bucket, &packed) && toy_read(packed, &state) &&
                state.version != sim->checker.complete[task]) {
                sim_fail(ORACLE_SWEEPS,
                         "task %u: the sweep for playbook %u is complete, and %.*s was left behind",
                         task, sim->checker.complete[task], (int)node->key.size - 1,
                         (const char *)node->key.data + 1);
            }
        }
    }
}

static void check_output(const struct sim_entry *entry)
{
    struct bytes_reader reader = bytes_reader(slice_of(entry->data, entry->size));
    uint8_t what = bytes_take_u8(&reader);
    uint64_t place = bytes_take_u64(&reader);
    uint32_t number = (uint32_t)(place >> 32);
    int64_t customer = sim_customer_index(bytes_take_slice(&reader));
    if (what == TOY_OUTPUT_DEAD) {
        sim->checker.dead_letters++;
        return;
    }
    if (what == TOY_OUTPUT_BEGIN || what == TOY_OUTPUT_COMPLETE) {
        check_marker(what, number, (uint32_t)place >> 24);
        return;
    }
    if (reader.bad || customer < 0) {
        sim_fail(ORACLE_READABLE, "an output that cannot be read");
        return;
    }
    uint32_t *last = what == TOY_OUTPUT_COUNT   ? &sim->checker.outputs_counts[customer]
                     : what == TOY_OUTPUT_SWEPT ? &sim->checker.outputs_swept[customer]
                                                : &sim->checker.outputs_fires[customer];
    if (number != *last + 1) {
        sim_fail(ORACLE_OUTPUTS, "output %u of k%lld follows output %u (%s)", number,
                 (long long)customer, *last,
                 what == TOY_OUTPUT_COUNT   ? "count"
                 : what == TOY_OUTPUT_SWEPT ? "swept"
                                            : "fire");
    }
    *last = number;
    uint32_t task = sim_customer_task((uint32_t)customer);
    if (what == TOY_OUTPUT_SWEPT && sim->checker.begun[task] != (uint32_t)place) {
        sim_fail(ORACLE_SWEEPS,
                 "task %u: k%lld was looked at under playbook %u before its sweep began", task,
                 (long long)customer, (uint32_t)place);
    }
    if (sim->stream && what == TOY_OUTPUT_COUNT) {
        check_order(task, (uint32_t)place >> 24 & 0xff, (uint32_t)place & 0xffffff);
    }
}

void sim_check_commit(const struct sim_txn *txn)
{
    static uint8_t whole[1 << 20];
    size_t size = 0;
    const struct sim_partition *out = &sim->partitions[SIM_PARTITION_OUT];
    bool any = (txn->partitions >> SIM_PARTITION_OUT & 1) != 0;
    for (uint32_t i = any ? txn->first[SIM_PARTITION_OUT] : out->count; i < out->count; i++) {
        if (out->entries[i].txn == txn) {
            check_output(&out->entries[i]);
        }
    }
    for (uint32_t p = 0; p < SIM_JOURNALS; p++) {
        const struct sim_partition *partition = &sim->partitions[p];
        any = (txn->partitions >> p & 1) != 0;
        for (uint32_t i = any ? txn->first[p] : partition->count; i < partition->count; i++) {
            struct cut_part part;
            if (partition->entries[i].txn != txn) {
                continue;
            }
            if (cut_part_parse(slice_of(partition->entries[i].data, partition->entries[i].size),
                               &part) != STATUS_OK) {
                sim_fail(ORACLE_READABLE, "a committed journal record cannot be read");
                return;
            }
            size = part.part == 0 ? 0 : size;
            memcpy(whole + size, part.piece.data, part.piece.size);
            size += part.piece.size;
            if (part.part + 1 == part.parts) {
                check_cut(txn, slice_of(whole, size));
            }
        }
    }
    sim_check_copies(txn);
    for (uint32_t task = 0; task < SIM_TASKS; task++) {
        if (sim->checker.completes[task]) {
            sim->checker.completes[task] = false;
            check_swept(task);
        }
    }
    for (uint32_t i = 0; i < txn->offset_count; i++) {
        if (txn->offsets[i].offset >
            sim->checker.position[txn->offsets[i].task][txn->offsets[i].source]) {
            sim_fail(ORACLE_OFFSETS, "task %u: offsets are committed without their cut (torn)",
                     txn->offsets[i].task);
        }
    }
}

/* What differs, into the trace; the model is S_C, so only when the head says C. */
static void explain(uint32_t task)
{
    for (uint32_t i = 0; i < SIM_MAP_BUCKETS; i++) {
        for (const struct sim_node *node = sim->checker.model[task]->buckets[i]; node != NULL;
             node = node->next) {
            char key[128];
            const char *kind = node->key.data[0] == 'd'   ? "due"
                               : node->key.data[0] == 'c' ? "c"
                                                          : "v";
            int size = snprintf(key, sizeof(key), "{app.%u}%s:%.*s", task, kind,
                                (int)node->key.size - 1, (const char *)node->key.data + 1);
            const struct sim_node *real = sim_map_node(sim->redis, slice_of(key, (size_t)size));
            for (uint32_t k = 0; k < node->count; k++) {
                const struct slice *value = sim_node_get(real, node->fields[k].name);
                if (value == NULL || !slice_equal(*value, node->fields[k].value)) {
                    sim_trace("%s %.*s: %s", key, SLICE_ARG(node->fields[k].name),
                              value == NULL ? "is missing" : "differs");
                }
            }
            for (uint32_t k = 0; k < real->count; k++) {
                if (sim_node_get(node, real->fields[k].name) == NULL) {
                    sim_trace("%s %.*s: is too much", key, SLICE_ARG(real->fields[k].name));
                }
            }
        }
    }
    for (uint32_t i = 0; i < SIM_MAP_BUCKETS; i++) {
        for (const struct sim_node *real = sim->redis->buckets[i]; real != NULL;
             real = real->next) {
            char key[128];
            const uint8_t *close = memchr(real->key.data, '}', real->key.size);
            const uint8_t *colon = memchr(real->key.data, ':', real->key.size);
            if (real->count == 0 || colon == NULL || (uint32_t)(close[-1] - '0') != task) {
                continue;
            }
            int size = snprintf(key, sizeof(key), "%c%.*s", close[1],
                                (int)(real->key.data + real->key.size - colon - 1), colon + 1);
            if (sim_map_node(sim->checker.model[task], slice_of(key, (size_t)size))->count == 0) {
                sim_trace("%.*s: all of it is too much", SLICE_ARG(real->key));
            }
        }
    }
}

static struct slice head_of(uint32_t task)
{
    static const char *const keys[] = {"{app.0}head", "{app.1}head", "{app.2}head", "{app.3}head"};
    _Static_assert(ARRAY_COUNT(keys) == SIM_TASKS, "a head per task");
    return sim_redis_get(slice_text(keys[task]));
}

uint64_t sim_check_ready(uint32_t task)
{
    struct head head;
    struct slice value = head_of(task);
    return value.size > 0 && head_parse(value, &head) == STATUS_OK && head.state == HEAD_READY
               ? head.seq
               : 0;
}

void sim_check_redis(uint32_t task)
{
    struct head head;
    struct slice value = head_of(task);
    if (value.size == 0) {
        return;
    }
    if (head_parse(value, &head) != STATUS_OK) {
        sim_fail(ORACLE_READABLE, "task %u: the head in Redis cannot be read", task);
        return;
    }
    if (head.state != HEAD_READY || head.seq == sim->damaged[task]) {
        return;
    }
    if (head.seq > sim->checker.seq[task]) {
        sim_fail(ORACLE_AHEAD, "task %u: Redis is at cut %llu but only %llu were committed", task,
                 (unsigned long long)head.seq, (unsigned long long)sim->checker.seq[task]);
    } else if (sim->redis_hash[task] != sim->checker.state_hash[task][head.seq]) {
        if (head.seq == sim->checker.seq[task] && !sim->checker.failed && !sim->checker.asking) {
            explain(task);
        }
        sim_fail(ORACLE_STATE, "task %u: Redis says cut %llu but is not the state after it", task,
                 (unsigned long long)head.seq);
    }
}

static struct slice record_of(uint32_t customer)
{
    char key[10 + CUSTOMER_ID_SIZE_MAX] = "{app.0}c:";
    const size_t prefix = 9;
    struct slice id = sim_customer_id(customer);
    key[5] = (char)('0' + sim_customer_task(customer));
    memcpy(key + prefix, id.data, id.size);
    return sim_redis_get(slice_of(key, prefix + id.size));
}

static void check_customer(uint32_t customer, const struct sim_due *due)
{
    struct toy_state state = {.version = sim->playbook, .deadline_ms = INT64_MAX};
    uint32_t task = sim_customer_task(customer);
    struct slice record = record_of(customer);
    int64_t bucket = 0;
    struct slice packed;
    if (record.size > 0 && (!record_open(record, &bucket, &packed) || !toy_read(packed, &state))) {
        sim_fail(ORACLE_READABLE, "the record of k%u cannot be read", customer);
    }
    if (state.count != sim->input_expected[customer]) {
        sim_fail(ORACLE_RECOUNT, "k%u has %u events in Redis, and %u were sent", customer,
                 state.count, sim->input_expected[customer]);
    }
    if (sim->checker.outputs_counts[customer] != state.count ||
        sim->checker.outputs_fires[customer] != state.fires) {
        sim_fail(ORACLE_RECOUNT, "k%u: outputs %u and %u, record %u and %u", customer,
                 sim->checker.outputs_counts[customer], sim->checker.outputs_fires[customer],
                 state.count, state.fires);
    }
    if (sim->checker.outputs_swept[customer] != state.swept) {
        sim_fail(ORACLE_RECOUNT, "k%u was swept %u times, and outputs tell of %u", customer,
                 state.swept, sim->checker.outputs_swept[customer]);
    }
    if (state.version != sim->playbook) {
        sim_fail(ORACLE_SWEEPS, "k%u was last looked at under playbook %u, and %u is live",
                 customer, state.version, sim->playbook);
    }
    /* What does not fit into memory is looked at when its minute is over. */
    if (sim->stream && state.deadline_ms < sim->order_now_ms[task] / 60000 * 60000) {
        sim_fail(ORACLE_DEADLINES, "k%u: its deadline %lld is not after its task's now %lld",
                 customer, (long long)state.deadline_ms, (long long)sim->order_now_ms[task]);
    }
    if (!sim->stream && state.deadline_ms < sim_wall_ms() - 5000) {
        sim_fail(ORACLE_DEADLINES, "k%u: its deadline %lld passed %lld ms ago", customer,
                 (long long)state.deadline_ms, (long long)(sim_wall_ms() - state.deadline_ms));
    }
    if (due->sets != (record.size > 0 ? 1 : 0) || (due->sets == 1 && due->bucket != bucket)) {
        sim_fail(ORACLE_DUE_SETS, "k%u is in %u due sets, the last %lld, and its record says %lld",
                 customer, due->sets, (long long)due->bucket, (long long)bucket);
    }
}

/* Has Redis every cut that was committed? Idle tasks commit one now and then. */
static bool is_settled(void)
{
    for (uint32_t task = 0; task < SIM_TASKS; task++) {
        struct head head = {0};
        struct slice value = head_of(task);
        if (value.size == 0 || head_parse(value, &head) != STATUS_OK ||
            head.seq != sim->checker.seq[task]) {
            return false;
        }
    }
    return true;
}

void sim_check_end(void)
{
    for (uint32_t task = 0; task < SIM_TASKS; task++) {
        struct head head = {0};
        struct slice value = head_of(task);
        if (value.size == 0 || head_parse(value, &head) != STATUS_OK ||
            head.seq != sim->checker.seq[task] || head.state != HEAD_READY) {
            sim_fail(ORACLE_LIVENESS, "task %u: Redis ends at cut %llu of %llu", task,
                     (unsigned long long)head.seq, (unsigned long long)sim->checker.seq[task]);
        }
        if (sim->playbook != 1 && sim->checker.complete[task] != sim->playbook &&
            sim->checker.begun[task] != 0) {
            sim_fail(ORACLE_LIVENESS, "task %u: the sweep for playbook %u is not complete", task,
                     sim->playbook);
        }
        if (sim->damaged[task] != 0) {
            sim_fail(ORACLE_MENDED, "task %u: an EXEC ran in part and nobody mended it", task);
        }
        sim_check_redis(task);
    }
    if (sim->checker.unmet) {
        return;
    }
    struct sim_due due[SIM_CUSTOMERS];
    sim_redis_due(due);
    for (uint32_t i = 0; i < SIM_CUSTOMERS && !sim->checker.failed && !sim->checker.unmet; i++) {
        check_customer(i, &due[i]);
    }
    if (sim->checker.dead_letters != sim->garbage_expected) {
        sim_fail(ORACLE_RECOUNT, "%u dead letters for %u bad records", sim->checker.dead_letters,
                 sim->garbage_expected);
    }
}

/* Clock live: the tail's leaps bring all of them about. Clock stream: what no event is later than stays. */
static bool is_armed(uint32_t customer)
{
    struct toy_state state;
    int64_t bucket;
    struct slice packed;
    struct slice record = record_of(customer);
    return record.size > 0 && record_open(record, &bucket, &packed) && toy_read(packed, &state) &&
           state.deadline_ms != INT64_MAX;
}

bool sim_check_is_over(void)
{
    uint32_t *fired = &sim->checker.fired;
    while (!sim->stream && *fired < SIM_CUSTOMERS && !is_armed(*fired)) {
        (*fired)++;
    }
    if ((!sim->stream && *fired < SIM_CUSTOMERS) || !is_settled()) {
        return false;
    }
    sim->checker.asking = true;
    sim->checker.unmet = false;
    sim_check_end();
    sim->checker.asking = false;
    bool met = !sim->checker.unmet;
    sim->checker.unmet = false;
    return met;
}
