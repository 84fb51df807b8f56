/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that asks blocking questions for one worker: stable committed offsets, the ends of
 * partitions, DeleteRecords. Each try is bounded; a question is asked again until it is answered or
 * its task has gone. A deletion, which a broker may take seconds for, goes on beside the others, one at a
 * time; it is begun when nothing else waits. So a claim never waits for a deletion's answer, at most for
 * the two tries in which one that is about to begin asks how far it may go. */
#ifndef IO_KAFKA_ASKER_H
#define IO_KAFKA_ASKER_H

#include "io/kafka_group.h"
#include "io/kafka_inbox.h"

enum kafka_question_kind { KAFKA_ASK_OFFSETS, KAFKA_ASK_ENDS, KAFKA_ASK_MARKS, KAFKA_ASK_DELETE };

struct kafka_question {
    enum kafka_question_kind kind;
    uint32_t task;              /* OFFSETS, ENDS, DELETE: the task; MARKS: goes back in the note */
    const char *topic;          /* MARKS, DELETE: borrowed, static */
    int32_t partition;          /* MARKS, DELETE */
    int64_t keep_ms;            /* DELETE: nothing younger */
    log_low_offset *low_offset; /* DELETE */
    uint32_t first_task, task_count; /* DELETE: those that share the partition */
    uint32_t ticket;                 /* OFFSETS, ENDS: goes back in the note */
};

struct kafka_asker {
    /* private */
    const struct kafka_log_settings *settings;
    struct kafka_group *group; /* its client asks for committed offsets */
    struct rd_kafka_s *client; /* the worker's reader: marks, DeleteRecords */
    struct kafka_inbox *inbox;
    /* task_count x SOURCE_COUNT, shared by all workers, each its own tasks */
    struct log_offset *answers;
    int64_t *ends;                     /* task_count x SOURCE_COUNT, likewise */
    struct rd_kafka_queue_s *deletion; /* where its answer comes; NULL: none is under way */
    uint32_t deletion_task;
    int64_t deletion_end_ms; /* kafka_now_ms */
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stop;
    struct kafka_question *questions; /* ring */
    uint32_t capacity;
    uint32_t first;
    uint32_t count;
};

/* Fields above `deletion` are set by the caller. Memory from memory_take. */
enum status kafka_asker_start(struct kafka_asker *asker, uint32_t capacity,
                              struct status_text *out_text) MUST_USE;

/* Put a question. One of the same kind about the same thing that still waits is replaced, so that
 * every task has at most one of each. False: too many wait already. */
bool kafka_asker_put(struct kafka_asker *asker, const struct kafka_question *question);

/* Copy the offsets of an answered KAFKA_ASK_OFFSETS: SOURCE_COUNT of them; those of a later answer,
 * if one has come meanwhile. */
void kafka_asker_offsets(struct kafka_asker *asker, uint32_t task, struct log_offset *out_offsets);

/* The same of a KAFKA_ASK_ENDS: next offsets to be written (stable: what an open transaction holds is
 * beyond the end); -1: a source that is not used. */
void kafka_asker_ends(struct kafka_asker *asker, uint32_t task, int64_t *out_ends);

void kafka_asker_stop(struct kafka_asker *asker);

#endif
