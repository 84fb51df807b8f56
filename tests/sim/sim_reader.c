/* SPDX-License-Identifier: Apache-2.0 */
/* Reading journal and checkpoints, and the journal's end: read_committed, one reader per process and task. */
#include "sim/sim_reader.h"

void sim_log_read_journal(struct log *log, uint32_t task, int64_t offset)
{
    uint32_t index;
    struct sim_process *process = sim_process_of(log, &index);
    int64_t start = sim->partitions[task * SIM_JOURNALS / SIM_TASKS].start;
    process->journal[task] =
        (struct sim_reader){.active = true, .offset = offset < start ? start : offset};
    sim_wake(index);
}

void sim_log_stop_journal(struct log *log, uint32_t task)
{
    uint32_t index;
    sim_process_of(log, &index)->journal[task].active = false;
}

/* The next record that read_committed shows, or where it ends for now. */
static bool read_partition(struct sim_reader *reader, uint32_t partition_index, uint32_t task,
                           struct log_event *out_event)
{
    struct sim_partition *partition = &sim->partitions[partition_index];
    if (partition->led_us > sim->now_us) {
        return false;
    }
    while (partition->stable < partition->count && partition->entries[partition->stable].marked) {
        partition->stable++;
    }
    while (reader->offset < partition->stable) {
        const struct sim_entry *entry = &partition->entries[reader->offset++];
        reader->serial = 0;
        if (entry->txn->state != TXN_COMMITTED) {
            continue;
        }
        out_event->kind = LOG_JOURNAL_RECORD;
        out_event->task = task;
        out_event->text.text[0] = '\0';
        out_event->record = (struct log_record){.value = slice_of(entry->data, entry->size),
                                                .key = entry->key,
                                                .has_key = entry->key.size > 0,
                                                .has_value = !entry->tombstone,
                                                .headers = &entry->header,
                                                .header_count = entry->key.size > 0,
                                                .source = SOURCE_COUNT,
                                                .partition = partition_index,
                                                .offset = reader->offset - 1,
                                                .append_ms = entry->append_ms};
        return true;
    }
    if (reader->serial != 0 || reader->offset < reader->target) {
        return false; /* said once; or a marker is still on its way to what is committed already */
    }
    reader->serial = 1; /* said once until more comes */
    out_event->kind = LOG_JOURNAL_END;
    out_event->task = task;
    out_event->text.text[0] = '\0';
    out_event->journal_end = reader->offset;
    out_event->journal_start = partition->start;
    return true;
}

bool sim_log_next_event(struct log *log, struct log_event *out_event)
{
    uint32_t index;
    struct sim_process *process = sim_process_of(log, &index);
    if (process->event_count > 0) {
        sim_event_copy(out_event, &process->events[process->event_head]);
        process->event_head = (process->event_head + 1) % SIM_QUEUE;
        process->event_count--;
        return true;
    }
    for (uint32_t i = 0; i < SIM_TASKS; i++) {
        if (process->checkpoint[i].active && !process->checkpoint[i].held &&
            read_partition(&process->checkpoint[i],
                           SIM_PARTITION_CHECKPOINTS + i * SIM_JOURNALS / SIM_TASKS,
                           i | LOG_CHECKPOINT_READER, out_event)) {
            process->checkpoint[i].active = out_event->kind != LOG_JOURNAL_END;
            return true;
        }
        if (process->journal[i].active && !process->journal[i].held &&
            read_partition(&process->journal[i], i * SIM_JOURNALS / SIM_TASKS, i, out_event)) {
            return true;
        }
    }
    return false;
}

/* What nobody needs, by the stable offsets; the answer to DeleteRecords takes its time, and what it was
 * judged by may be old then. */
struct trimming {
    uint32_t partition;
    int64_t offset;
};

static void trim_arrives(void *data, uint32_t process)
{
    const struct trimming *trimming = data;
    struct sim_partition *partition = &sim->partitions[trimming->partition];
    (void)process;
    if (trimming->offset > partition->start) {
        partition->start = trimming->offset;
        sim->counts.trims++;
        sim_trace("journal %u now begins at %lld", trimming->partition,
                  (long long)partition->start);
    }
}

void sim_log_trim_journal(struct log *log, uint32_t task, int64_t keep_ms,
                          log_low_offset *low_offset)
{
    uint32_t index;
    struct trimming *trimming = sim_take(sizeof(*trimming));
    int64_t lowest = INT64_MAX;
    (void)sim_process_of(log, &index);
    trimming->partition = task * SIM_JOURNALS / SIM_TASKS;
    for (uint32_t t = 0; t < SIM_TASKS; t++) {
        int64_t low = 0;
        bool known = false;
        if (t * SIM_JOURNALS / SIM_TASKS != trimming->partition) {
            continue;
        }
        for (uint32_t i = 0; i < SIM_SOURCES; i++) {
            if (sim->group.offsets[t][i] >= 0) {
                known = low_offset(sim->group.metadata[t][i], &low);
                lowest = known && low < lowest ? low : lowest;
            }
        }
        lowest = known ? lowest : 0;
    }
    const struct sim_partition *partition = &sim->partitions[trimming->partition];
    while (lowest > 0 && lowest <= partition->count &&
           partition->entries[lowest - 1].append_ms > sim_wall_ms() - keep_ms) {
        lowest--;
    }
    trimming->offset = lowest < partition->count ? lowest : partition->count;
    sim_later(sim_between(300, 70000), index, UINT32_MAX, trim_arrives, trimming);
}

void sim_log_read_checkpoints(struct log *log, uint32_t task)
{
    uint32_t index;
    struct sim_process *process = sim_process_of(log, &index);
    const struct sim_partition *partition =
        &sim->partitions[SIM_PARTITION_CHECKPOINTS + task * SIM_JOURNALS / SIM_TASKS];
    process->checkpoint[task] = (struct sim_reader){.active = true, .target = partition->count};
    sim_wake(index);
}

void sim_log_stop_checkpoints(struct log *log, uint32_t task)
{
    uint32_t index;
    sim_process_of(log, &index)->checkpoint[task].active = false;
}

void sim_log_hold_reader(struct log *log, uint32_t task, bool hold)
{
    uint32_t index;
    struct sim_process *process = sim_process_of(log, &index);
    uint32_t number = task & ~LOG_CHECKPOINT_READER;
    struct sim_reader *reader = (task & LOG_CHECKPOINT_READER) != 0 ? &process->checkpoint[number]
                                                                    : &process->journal[number];
    reader->held = hold;
    sim_wake(index);
}
