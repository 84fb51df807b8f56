/* SPDX-License-Identifier: Apache-2.0 */
/* Where a task that becomes live begins to read each of its sources, and what if nothing is there. */
#include "runtime/inside.h"

/* After a person accepted the input as it is: by then the log has said of every source what is gone. */
enum { ACCEPT_US = 60000000 };

/* Each source's loss is heard of by itself, and the first one halts the task: who then accepts the input as it is
 * means all of it, not a source a time. His word is not for losses of later days, and who asked for a rebuild of a
 * task that had lost nothing accepted nothing. */
static bool is_accepted(const struct worker *worker, const struct task *task, uint32_t bit)
{
    return (task->accepting & bit) != 0 && worker->now_us - task->live_since_us < ACCEPT_US;
}

/* A claim reads the record before the next one again. Retention may have deleted that one alone, of a task that was
 * quiet for so long: then nothing is lost. */
void start_input_gone(struct worker *worker, struct task *task, const struct log_event *event)
{
    uint32_t bit = 1U << event->ticket;
    if (task->sources[event->ticket].verify != 0) {
        uint32_t unverified = task->unverified | bit; /* for the next claim only */
        task_reclaim(worker, task, "%s: the record before the next one is gone and is not compared",
                     event->text.text);
        task->unverified = unverified;
        return;
    }
    if (is_accepted(worker, task, bit)) {
        task->gone = task->anew | bit;
        task->accept = true;
        task_reclaim(worker, task, "%s: what comes next is gone too, which was accepted",
                     event->text.text);
        return;
    }
    task->gone |= bit;
    task_halt(worker, task, HALT_INPUT_GONE,
              "%s: what comes next is not in the topic (retention, or the topic was made "
              "anew): restore it, or "
              "go on with the first record that is left, `segue rebuild --task %u`",
              event->text.text, task->number);
}

void start_offsets(const struct worker *worker, struct task *task, int64_t *offsets)
{
    bool accepted = task->accept && task->gone != 0;
    task->accepting = 0;
    task->anew = 0;
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        struct task_source *source = &task->sources[i];
        const struct worker_source *option = &worker->options.sources[i];
        source->position = task->committed[i];
        source->from = source->position;
        source->heard_us = worker->now_us;
        offsets[i] = -1;
        if (!option->used) {
            continue;
        }
        offsets[i] = -2;
        if (option->start == WORKER_START_OFFSET && source->position < 0) {
            source->position = option->start_offsets[task->number];
            source->from = source->position;
        }
        task->accepting |= accepted ? 1U << i : 0;
        if (task->accept && (task->gone & 1U << i) != 0) {
            task->anew |= 1U << i;
            source->position = -1; /* lost, and accepted: the first that is left */
            source->from = -1;
            source->verify = 0;
            offsets[i] = -2;
        }
        if (source->position >= 0) {
            offsets[i] = source->position;
            if (source->verify != 0 && !task->accept && (task->unverified & 1U << i) == 0 &&
                source->position == source->verify_offset + 1) {
                offsets[i] =
                    source->verify_offset; /* read the last record again: is it still the same? */
            } else {
                source->verify = 0;
            }
        }
    }
    task->gone = 0; /* accepted, or the log says it again */
    task->accept = false;
}

/* A first start, or all was lost, and a person accepted that. A sweep, a deadline, the first part of an event may
 * all need a cut before the first record is done with. */
void start_position(struct worker *worker, struct task *task)
{
    if (task_has_position(worker, task) || worker->stopping || worker->now_us < task->retry_us) {
        return;
    }
    take_begin(worker, task);
    const struct log_record *record = take_next(worker, task);
    if (record != NULL) {
        task->sources[record->source].position = record->offset;
        task->sources[record->source].fingerprint = 0; /* of no record that is left */
    }
}
