/* SPDX-License-Identifier: Apache-2.0 */
/* News for one worker from the other threads: a bounded queue behind a lock, and an eventfd that
 * ends the worker's sleep. librdkafka writes to the same eventfd when a queue that was empty gets
 * something. */
#ifndef IO_KAFKA_INBOX_H
#define IO_KAFKA_INBOX_H

#include <pthread.h>

#include "io/kafka_client.h"

struct rd_kafka_queue_s;
struct kafka_membership;

enum kafka_note_kind {
    KAFKA_NOTE_ASSIGNED,
    KAFKA_NOTE_REVOKED,
    KAFKA_NOTE_PRODUCER, /* result: PRODUCER_READY, PRODUCER_FAILED or FATAL */
    KAFKA_NOTE_COMMIT,   /* result: COMMIT_DONE, COMMIT_FAILED, COMMIT_FENCED or FATAL */
    KAFKA_NOTE_OFFSETS,  /* `offsets` of `task` have been filled */
    KAFKA_NOTE_ENDS,     /* `ends` of `task` have been filled */
    KAFKA_NOTE_DELETED,
    KAFKA_NOTE_MARKS, /* first and next offset of reader partition `task` */
    KAFKA_NOTE_GONE,  /* ticket: the source whose offset is not there */
    KAFKA_NOTE_FATAL,
};

struct kafka_note {
    enum kafka_note_kind kind;
    enum log_event_kind result;
    uint32_t task;                       /* MARKS: the reader's partition */
    uint32_t generation;                 /* COMMIT: of the membership it was sent with */
    uint32_t ticket;                     /* OFFSETS, ENDS: of the question; GONE: the source */
    bool reinit;                         /* COMMIT */
    struct kafka_membership *membership; /* ASSIGNED: counted reference, the reader's now */
    int64_t low;
    int64_t high;
};

struct kafka_inbox {
    /* private */
    pthread_mutex_t lock;
    struct kafka_note *notes;  /* ring of `capacity` */
    struct status_text *texts; /* beside it */
    uint32_t capacity;
    uint32_t first;
    uint32_t count;
    int descriptor;
};

/* `capacity` notes from memory_take. False when no eventfd could be made. */
bool kafka_inbox_init(struct kafka_inbox *inbox, uint32_t capacity);
void kafka_inbox_finish(struct kafka_inbox *inbox);

/* Add a note and wake the worker. `text` may be NULL. A full inbox waits for the worker, 1 ms at a
 * time: it has room for every task's notes of several rebalances. */
void kafka_inbox_put(struct kafka_inbox *inbox, const struct kafka_note *note,
                     const struct status_text *text);

/* The oldest note; `out_text` (not NULL) gets its text or "". False: none. */
bool kafka_inbox_take(struct kafka_inbox *inbox, struct kafka_note *out_note,
                      struct status_text *out_text);

void kafka_inbox_wake(struct kafka_inbox *inbox);

/* Let this queue wake the worker too. */
void kafka_inbox_watch(struct kafka_inbox *inbox, struct rd_kafka_queue_s *queue);

/* Sleep until woken, at most timeout_ms (0: only clear). */
void kafka_inbox_wait(struct kafka_inbox *inbox, int32_t timeout_ms);

#endif
