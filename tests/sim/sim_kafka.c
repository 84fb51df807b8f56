/* SPDX-License-Identifier: Apache-2.0 */
/* A model of Kafka for the simulator: producers with epochs, transactions, late markers, a group,
 * inputs. */
#include <stdlib.h>

#include "base/invariant.h"
#include "sim/sim_reader.h"

struct sim_commit {
    uint32_t life;
    uint32_t instance;
    uint32_t epoch;
    uint32_t generation;
    uint32_t member;
    const struct log_transaction *transaction; /* the worker's; only while it lives */
    uint32_t offset_count;
    struct sim_entry *entries; /* copies of what is written */
    uint32_t *partitions;
    int64_t *landed;
    uint32_t write_count;
    struct sim_txn *txn;
    bool replied;
    bool reinit;
    struct log_offset offsets[SIM_TASKS * SIM_SOURCES]; /* offset_count; the rest is not zeroed */
};

enum { TRANSACTION_US = 1700000 };

struct sim_process *sim_process_of(const struct log *log, uint32_t *out_index)
{
    *out_index = ((const struct sim_log *)log)->process;
    return &sim->processes[*out_index];
}

void sim_event_copy(struct log_event *to, const struct log_event *from)
{
    size_t before = offsetof(struct log_event, offsets);
    size_t behind = before + sizeof(from->offsets);
    size_t text = offsetof(struct log_event, text);
    bool whole = from->kind == LOG_COMMITTED_OFFSETS;
    memcpy(to, from, whole ? behind : before);
    memcpy((uint8_t *)to + behind, (const uint8_t *)from + behind, text - behind);
    memcpy(to->text.text, from->text.text, strlen(from->text.text) + 1);
}

void sim_push(uint32_t index, const struct log_event *event)
{
    struct sim_process *process = &sim->processes[index];
    INVARIANT(process->event_count < SIM_QUEUE);
    if (process->event_count == 0) {
        process->event_head = 0; /* the first few lie in the cache */
    }
    sim_event_copy(&process->events[(process->event_head + process->event_count++) % SIM_QUEUE],
                   event);
    sim_wake(index);
}

static void reply(struct sim_commit *commit, uint32_t process, enum log_event_kind kind,
                  const char *text)
{
    struct sim_process *of = &sim->processes[process];
    if (commit->replied || !of->alive || of->life != commit->life ||
        of->instance != commit->instance) {
        return;
    }
    commit->replied = true;
    struct log_event event = {.kind = kind, .reinit = commit->reinit};
    (void)snprintf(event.text.text, sizeof(event.text.text), "%s", text);
    if (kind == LOG_COMMIT_DONE && commit->transaction->written != NULL) {
        for (uint32_t i = 0; i < commit->write_count; i++) {
            commit->transaction->written[i] =
                (struct log_written){commit->landed[i], sim_wall_ms()};
        }
    }
    sim_trace("p%u commit: %s", process, text);
    sim_push(process, &event);
}

/* ---- transactions ---- */
static void marker_done(struct sim_txn *txn)
{
    if (--txn->markers_left == 0 && sim->producers[txn->producer].txn == txn) {
        sim->producers[txn->producer].txn = NULL;
    }
}

static void marker_offsets(void *data, uint32_t process)
{
    struct sim_txn *txn = data;
    (void)process;
    txn->offsets_final = true;
    for (uint32_t i = 0; i < txn->offset_count && txn->state == TXN_COMMITTED; i++) {
        const struct log_offset *offset = &txn->offsets[i];
        if (offset->offset < sim->group.offsets[offset->task][offset->source]) {
            sim_fail(ORACLE_OFFSETS, "the committed offset of task %u source %u went back",
                     offset->task, offset->source);
        }
        sim->group.offsets[offset->task][offset->source] = offset->offset;
        memcpy(sim->group.metadata[offset->task][offset->source], offset->metadata,
               sizeof(offset->metadata));
    }
    marker_done(txn);
}

struct marker {
    struct sim_txn *txn;
    uint32_t partition;
};

void sim_lose_leader(uint32_t partition, int64_t length_us)
{
    sim->counts.elections++;
    sim->partitions[partition].led_us = sim->now_us + length_us;
    sim_trace("partition %u has no leader for %lld ms", partition, (long long)length_us / 1000);
}

/* Whoever wants something of it tries again until it has one. */
static bool has_leader(uint32_t partition)
{
    return sim->partitions[partition].led_us <= sim->now_us;
}

static void marker_partition(void *data, uint32_t process)
{
    const struct marker *marker = data;
    struct sim_partition *partition = &sim->partitions[marker->partition];
    if (!has_leader(marker->partition)) {
        sim_later(partition->led_us - sim->now_us, process, UINT32_MAX, marker_partition, data);
        return;
    }
    for (uint32_t i = marker->txn->first[marker->partition]; i < partition->count; i++) {
        if (partition->entries[i].txn == marker->txn) {
            partition->entries[i].marked = true;
        }
    }
    marker_done(marker->txn);
}

static int64_t marker_delay(void)
{
    return sim_chance(sim->faults.slow_marker) ? sim_between(1000, 1000000)
                                               : sim_between(200, 4000);
}

static void decide(struct sim_txn *txn, bool commit)
{
    INVARIANT(txn->state == TXN_OPEN);
    txn->state = commit ? TXN_COMMITTED : TXN_ABORTED;
    sim_trace("broker: transaction of p%u epoch %u %s", txn->producer, txn->epoch,
              commit ? "committed" : "aborted");
    if (commit) {
        sim->counts.commits++;
        sim_check_commit(txn);
    } else {
        sim->counts.aborted++;
    }
    txn->markers_left = 1;
    sim_later(marker_delay(), 0, UINT32_MAX, marker_offsets, txn);
    for (uint32_t i = 0; i < SIM_PARTITIONS; i++) {
        if ((txn->partitions >> i & 1) != 0) {
            struct marker *marker = sim_take(sizeof(*marker));
            *marker = (struct marker){txn, i};
            txn->markers_left++;
            sim_later(marker_delay(), 0, UINT32_MAX, marker_partition, marker);
        }
    }
}

static void transaction_timeout(void *data, uint32_t process)
{
    struct sim_txn *txn = data;
    if (sim->producers[process].txn == txn && txn->state == TXN_OPEN) {
        sim->producers[process].epoch++;
        decide(txn, false);
    }
}

/* EndTxn as it arrives; it ends whatever is open for that producer and epoch. */
static bool end_transaction(uint32_t producer, uint32_t epoch, bool commit)
{
    struct sim_txn *txn = sim->producers[producer].txn;
    if (sim->producers[producer].epoch != epoch || txn == NULL || txn->state != TXN_OPEN) {
        return false;
    }
    decide(txn, commit);
    return true;
}

static bool add_offsets(const struct sim_commit *commit, uint32_t producer)
{
    struct sim_txn *txn = sim->producers[producer].txn;
    if (sim->producers[producer].epoch != commit->epoch || txn == NULL || txn->state != TXN_OPEN) {
        return false;
    }
    txn->has_offsets = true;
    for (uint32_t i = 0; i < commit->offset_count; i++) {
        uint32_t at = 0;
        while (at < txn->offset_count && (txn->offsets[at].task != commit->offsets[i].task ||
                                          txn->offsets[at].source != commit->offsets[i].source)) {
            at++;
        }
        if (at < SIM_TASKS * SIM_SOURCES) {
            txn->offsets[at] = commit->offsets[i];
            txn->offset_count = at == txn->offset_count ? at + 1 : txn->offset_count;
        }
    }
    return true;
}

static bool is_member(const struct sim_commit *commit, uint32_t process)
{
    return sim->group.generation == commit->generation &&
           sim->group.members[process] == commit->member;
}

static void late_end(void *data, uint32_t process)
{
    const struct sim_commit *commit = data;
    if (end_transaction(process, commit->epoch, true)) {
        sim->counts.late_ends++;
        sim_trace("broker: a late EndTxn of p%u ended another transaction", process);
    }
}

static void late_offsets(void *data, uint32_t process)
{
    const struct sim_commit *commit = data;
    if (is_member(commit, process) && add_offsets(commit, process)) {
        sim->counts.late_offsets++;
        sim_trace("broker: a late TxnOffsetCommit of p%u", process);
    }
}

static void step_end(void *data, uint32_t process)
{
    struct sim_commit *commit = data;
    bool refuse = sim_chance(sim->faults.commit_refused);
    bool mine = sim->producers[process].txn == commit->txn;
    if (!end_transaction(process, commit->epoch, !refuse)) {
        /* Fenced, or a late EndTxn was quicker: an answer about a transaction that is over. */
        if (sim->producers[process].epoch == commit->epoch && commit->txn->state == TXN_COMMITTED &&
            mine) {
            reply(commit, process, LOG_COMMIT_DONE, "done (by an earlier EndTxn)");
        } else {
            reply(commit, process, LOG_COMMIT_FAILED, "fenced at EndTxn");
        }
        return;
    }
    if (sim_chance(sim->faults.late_end)) {
        commit->reinit = true;
        sim_later(sim_between(100, 700000), process, UINT32_MAX, late_end, commit);
    }
    if (refuse) {
        reply(commit, process, LOG_COMMIT_FAILED, "refused");
    } else {
        reply(commit, process, LOG_COMMIT_DONE, "done");
    }
}

static void commit_timeout(void *data, uint32_t process)
{
    reply(data, process, LOG_COMMIT_FAILED, "no answer to EndTxn");
}

static void step_offsets(void *data, uint32_t process)
{
    struct sim_commit *commit = data;
    if (!is_member(commit, process)) {
        reply(commit, process, LOG_COMMIT_FENCED, "fenced by the group");
        return;
    }
    if (!add_offsets(commit, process)) {
        reply(commit, process, LOG_COMMIT_FAILED, "fenced at TxnOffsetCommit");
        return;
    }
    if (sim_chance(sim->faults.late_offsets)) {
        commit->reinit = true;
        sim_later(sim_between(100, 700000), process, UINT32_MAX, late_offsets, commit);
    }
    if (sim_chance(sim->faults.commit_lost)) {
        sim_later(sim_between(100, 130000), process, UINT32_MAX, commit_timeout, commit);
        sim_later(sim_between(100, 270000), process, UINT32_MAX, step_end, commit);
        return;
    }
    sim_later(sim_between(300, 2500), process, UINT32_MAX, step_end, commit);
}

static void append(uint32_t partition_index, const struct sim_entry *entry)
{
    struct sim_partition *partition = &sim->partitions[partition_index];
    if (partition->count == partition->limit) {
        uint32_t limit = partition->limit == 0 ? 256 : 2 * partition->limit;
        struct sim_entry *more = sim_take_raw(limit * sizeof(*more));
        if (partition->count > 0) {
            memcpy(more, partition->entries, partition->count * sizeof(*more));
        }
        partition->entries = more;
        partition->limit = limit;
    }
    partition->entries[partition->count++] = *entry;
}

static void step_produce(void *data, uint32_t process)
{
    struct sim_commit *commit = data;
    if (sim->producers[process].epoch != commit->epoch) {
        reply(commit, process, LOG_COMMIT_FAILED, "fenced at Produce");
        return;
    }
    if (sim->producers[process].txn != NULL) {
        sim_later(1000, process, UINT32_MAX, step_produce, commit); /* CONCURRENT_TRANSACTIONS */
        return;
    }
    for (uint32_t i = 0; i < commit->write_count; i++) {
        if (!has_leader(commit->partitions[i])) {
            sim_later(sim->partitions[commit->partitions[i]].led_us - sim->now_us, process,
                      UINT32_MAX, step_produce, commit);
            return;
        }
    }
    struct sim_txn *txn = sim_take_raw(sizeof(*txn));
    memset(txn, 0, offsetof(struct sim_txn, offsets));
    txn->producer = process;
    txn->epoch = commit->epoch;
    txn->began_us = sim->now_us;
    sim->producers[process].txn = txn;
    commit->txn = txn;
    for (uint32_t i = 0; i < commit->write_count; i++) {
        commit->entries[i].txn = txn;
        commit->entries[i].append_ms = sim_wall_ms();
        commit->landed[i] = sim->partitions[commit->partitions[i]].count;
        if ((txn->partitions >> commit->partitions[i] & 1) == 0) {
            txn->partitions |= UINT64_C(1) << commit->partitions[i];
            txn->first[commit->partitions[i]] = (uint32_t)commit->landed[i];
        }
        append(commit->partitions[i], &commit->entries[i]);
    }
    sim_later(TRANSACTION_US, process, UINT32_MAX, transaction_timeout, txn);
    sim_later(sim_between(200, 2000), process, UINT32_MAX, step_offsets, commit);
}

static struct slice copy_of(struct slice bytes)
{
    uint8_t *copy = sim_take_raw(bytes.size + 1);
    memcpy(copy, bytes.data, bytes.size);
    return slice_of(copy, bytes.size);
}

static void log_commit(struct log *log, const struct log_transaction *transaction)
{
    uint32_t index;
    struct sim_process *process = sim_process_of(log, &index);
    struct sim_commit *commit = sim_take_raw(sizeof(*commit));
    memset(commit, 0, offsetof(struct sim_commit, offsets));
    commit->life = process->life;
    commit->instance = process->instance;
    commit->epoch = process->epoch;
    commit->generation = process->metadata_generation;
    commit->member = process->metadata_member;
    commit->transaction = transaction;
    commit->offset_count = transaction->offset_count;
    memcpy(commit->offsets, transaction->offsets,
           transaction->offset_count * sizeof(struct log_offset));
    commit->write_count = transaction->write_count;
    commit->entries = sim_take_raw(transaction->write_count * sizeof(struct sim_entry));
    commit->partitions = sim_take_raw(transaction->write_count * sizeof(uint32_t));
    commit->landed = sim_take_raw(transaction->write_count * sizeof(int64_t));
    for (uint32_t i = 0; i < transaction->write_count; i++) {
        const struct log_write *write = &transaction->writes[i];
        uint8_t *copy = sim_take_raw(write->value.size + 1);
        memcpy(copy, write->value.data, write->value.size);
        commit->entries[i] = (struct sim_entry){.size = write->value.size, .data = copy};
        commit->partitions[i] =
            strcmp(write->topic, "journal") == 0 ? (uint32_t)write->partition : SIM_PARTITION_OUT;
        if (strcmp(write->topic, "checkpoints") == 0) {
            commit->partitions[i] = SIM_PARTITION_CHECKPOINTS + (uint32_t)write->partition;
            commit->entries[i].tombstone = !write->has_value;
            commit->entries[i].key = copy_of(write->key);
            commit->entries[i].header =
                (struct header){copy_of(write->headers[0].name), copy_of(write->headers[0].value)};
        }
    }
    sim_later(sim_between(200, 3000), index, UINT32_MAX, step_produce, commit);
}

/* ---- producers ---- */
struct opening {
    uint32_t life, instance, epoch;
};

static void open_wait(void *data, uint32_t process)
{
    struct opening *opening = data;
    struct sim_process *of = &sim->processes[process];
    if (sim->producers[process].txn != NULL) {
        sim_later(1000, process, UINT32_MAX, open_wait, opening);
        return;
    }
    if (of->alive && of->life == opening->life && of->instance == opening->instance) {
        struct log_event event = {.kind = LOG_PRODUCER_READY};
        of->epoch = opening->epoch;
        sim_push(process, &event);
    }
}

static void open_arrives(void *data, uint32_t process)
{
    struct opening *opening = data;
    struct sim_txn *txn = sim->producers[process].txn;
    opening->epoch = ++sim->producers[process].epoch;
    if (txn != NULL && txn->state == TXN_OPEN) {
        decide(txn, false);
    }
    open_wait(opening, process);
}

static void log_open_producer(struct log *log)
{
    uint32_t index;
    struct sim_process *process = sim_process_of(log, &index);
    struct opening *opening = sim_take(sizeof(*opening));
    *opening = (struct opening){process->life, ++process->instance, 0};
    sim_later(sim_between(500, 20000), index, UINT32_MAX, open_arrives, opening);
}

/* ---- reading ---- */
struct asking {
    uint32_t task, life;
};

static void committed_arrives(void *data, uint32_t process)
{
    const struct asking *asking = data;
    struct sim_process *of = &sim->processes[process];
    if (!of->alive || of->life != asking->life) {
        return;
    }
    for (uint32_t i = 0; i < SIM_PROCESSES; i++) {
        const struct sim_txn *txn = sim->producers[i].txn;
        for (uint32_t k = 0;
             txn != NULL && txn->has_offsets && !txn->offsets_final && k < txn->offset_count; k++) {
            if (txn->offsets[k].task == asking->task) {
                sim_later(5000, process, UINT32_MAX, committed_arrives,
                          data); /* UNSTABLE_OFFSET_COMMIT */
                return;
            }
        }
    }
    struct log_event event = {.kind = LOG_COMMITTED_OFFSETS, .task = asking->task};
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        event.offsets[i].offset = sim->group.offsets[asking->task][i];
        memcpy(event.offsets[i].metadata, sim->group.metadata[asking->task][i],
               LOG_METADATA_SIZE_MAX);
    }
    sim_push(process, &event);
}

static void log_ask_committed(struct log *log, uint32_t task)
{
    uint32_t index;
    struct sim_process *process = sim_process_of(log, &index);
    struct asking *asking = sim_take(sizeof(*asking));
    *asking = (struct asking){task, process->life};
    sim_later(sim_between(200, 5000), index, UINT32_MAX, committed_arrives, asking);
}

static const struct log_ops ops = {
    .next_event = sim_log_next_event,
    .fetch = sim_intake_fetch,
    .release = sim_intake_release,
    .start = sim_intake_start,
    .stop = sim_intake_stop,
    .high_watermark = sim_intake_high_watermark,
    .ask_ends = sim_intake_ask_ends,
    .ask_committed = log_ask_committed,
    .read_journal = sim_log_read_journal,
    .stop_journal = sim_log_stop_journal,
    .open_producer = log_open_producer,
    .commit = log_commit,
    .trim_journal = sim_log_trim_journal,
    .read_checkpoints = sim_log_read_checkpoints,
    .stop_checkpoints = sim_log_stop_checkpoints,
    .hold_reader = sim_log_hold_reader,
};

void sim_log_open(struct sim_process *process, uint32_t index)
{
    process->log = (struct sim_log){{&ops}, index};
    process->event_head = 0;
    process->event_count = 0;
    process->epoch = 0;
    process->instance = 0;
    process->metadata_generation = 0;
    process->metadata_member = 0;
    memset(process->journal, 0, sizeof(process->journal));
    memset(process->checkpoint, 0, sizeof(process->checkpoint));
    memset(process->fetch_at, 0xff, sizeof(process->fetch_at));
    memset(process->end_seen, 0xff, sizeof(process->end_seen));
}

void sim_kafka_init(void)
{
    for (uint32_t i = 0; i < SIM_TASKS; i++) {
        sim->group.owner[i] = UINT32_MAX;
        for (uint32_t k = 0; k < SOURCE_COUNT; k++) {
            sim->group.offsets[i][k] = -1;
        }
    }
}
