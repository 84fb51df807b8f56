/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a task's cuts back from the journal: readers, and the parts of a cut put together. Used by a claim
 * (claim.c) and, while live, to find out who needs a checkpoint (checkpoint.c). */
#include "runtime/inside.h"

uint32_t journal_partition_of(const struct worker *worker, uint32_t task, uint32_t partitions)
{
    return (uint32_t)((uint64_t)task * partitions / worker->options.task_count);
}

bool journal_take_reader(struct worker *worker, struct task *task, uint32_t leave)
{
    uint32_t unused = 0;
    for (uint32_t i = 0; i < worker->reader_count; i++) {
        unused += worker->readers[i].slot == NO_INDEX;
    }
    for (uint32_t i = 0; i < worker->reader_count && task->reader == NO_INDEX && unused > leave;
         i++) {
        if (worker->readers[i].slot == NO_INDEX) {
            worker->readers[i].slot = task->slot;
            task->reader = i;
        }
    }
    return task->reader != NO_INDEX;
}

void journal_stop(struct worker *worker, struct task *task)
{
    if (task->reading) {
        worker->options.log->ops->stop_journal(worker->options.log, task->number);
    }
    task->reading = false;
    task->held = false;
}

void journal_release_reader(struct worker *worker, struct task *task)
{
    journal_stop(worker, task);
    if (task->reader != NO_INDEX) {
        worker->readers[task->reader].slot = NO_INDEX;
        task->reader = NO_INDEX;
    }
}

void journal_read(struct worker *worker, struct task *task, int64_t offset)
{
    struct reader *reader = &worker->readers[task->reader];
    reader->size = 0;
    reader->next_part = 0;
    reader->parts = 0;
    task->reading = true;
    task->held = false;
    worker->idle = false;
    worker->options.log->ops->read_journal(worker->options.log, task->number,
                                           offset < 0 ? -2 : offset);
}

void journal_hold(struct worker *worker, struct task *task, bool hold)
{
    if (task->held != hold) {
        task->held = hold;
        worker->idle = worker->idle && hold; /* what waits in the queue wakes nobody */
        worker->options.log->ops->hold_reader(worker->options.log, task->number, hold);
    }
}

enum assembled { ASSEMBLED_PART, ASSEMBLED_CUT, ASSEMBLED_TOO_MUCH };

/* Put a part behind the others, until a whole cut lies in the reader. */
static enum assembled assemble(struct reader *reader, const struct cut_part *part, int64_t offset)
{
    if (part->part == 0) {
        reader->size = 0;
        reader->seq = part->seq;
        reader->owner = part->owner;
        reader->parts = part->parts;
        reader->next_part = 0;
        reader->first_offset = offset;
    }
    if (part->seq != reader->seq || part->owner != reader->owner || part->parts != reader->parts ||
        part->part != reader->next_part) {
        reader->parts = 0;
        return ASSEMBLED_PART; /* the begin of this one was not read */
    }
    if (part->piece.size > reader->limit - reader->size) {
        return ASSEMBLED_TOO_MUCH;
    }
    memcpy(reader->buffer + reader->size, part->piece.data, part->piece.size);
    reader->size += part->piece.size;
    reader->next_part++;
    return reader->next_part == reader->parts ? ASSEMBLED_CUT : ASSEMBLED_PART;
}

enum journal_news journal_take(struct worker *worker, struct task *task,
                               const struct log_record *record, struct cut_header *out_header,
                               struct slice *out_payload)
{
    struct cut_part part;
    if (cut_part_parse(record->value, &part) != STATUS_OK) {
        task_halt(worker, task, HALT_JOURNAL_NOT_CUT,
                  "the journal record at offset %lld is not a cut: something else writes to %s",
                  (long long)record->offset, worker->options.journal_topic);
        return JOURNAL_BAD;
    }
    struct reader *reader = &worker->readers[task->reader];
    if (part.task != task->number) {
        return JOURNAL_NOTHING;
    }
    switch (assemble(reader, &part, record->offset)) {
    case ASSEMBLED_PART:
        return JOURNAL_NOTHING;
    case ASSEMBLED_TOO_MUCH:
        task_halt(worker, task, HALT_CUT_TOO_LARGE,
                  "cut %llu of task %u is larger than limits.commit: raise it to what it was when "
                  "that was written",
                  (unsigned long long)part.seq, task->number);
        return JOURNAL_BAD;
    case ASSEMBLED_CUT:
        break;
    }
    reader->parts = 0;
    *out_payload = slice_of(reader->buffer, reader->size);
    if (cut_check(*out_payload, out_header) != STATUS_OK || out_header->seq != part.seq ||
        out_header->task != part.task) {
        task_halt(worker, task, HALT_CUT_NEWER,
                  "cut %llu of task %u cannot be read: it was written by a newer version; upgrade",
                  (unsigned long long)part.seq, task->number);
        return JOURNAL_BAD;
    }
    return JOURNAL_CUT;
}
