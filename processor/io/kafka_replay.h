/* SPDX-License-Identifier: Apache-2.0 */
/* Reading journal and checkpoints for one worker's claims. Several tasks may share a partition: it
 * is read once, from the lowest offset that anybody wants, and each record is handed to every task
 * that still needs it (what belongs to whom is the runtime's to tell).
 *
 * The end of a partition is where librdkafka's PARTITION_EOF says that the last stable offset is;
 * before it is passed on, the partition's first offset is asked for, so that a truncation during
 * the read is seen. */
#ifndef IO_KAFKA_REPLAY_H
#define IO_KAFKA_REPLAY_H

#include "io/kafka_asker.h"

struct rd_kafka_topic_s;
struct rd_kafka_message_s;

struct kafka_replay_task {
    bool active;
    bool held;        /* wants nothing for now */
    int64_t next;     /* offset of the next record wanted */
    int64_t ended_at; /* the end that was told last; -1: none */
};

struct kafka_replay_partition {
    bool running;
    bool asking;    /* a question about its marks is under way; nothing is read meanwhile */
    bool at_end;    /* PARTITION_EOF was the last that came */
    bool end_known; /* `end`, `low` are to be told to the tasks from `tell` on */
    int64_t next;   /* offset after the last record read */
    int64_t end;
    int64_t low;
    int64_t target;      /* checkpoints: the high watermark after the begin; -1: not known yet */
    uint32_t held_count; /* tasks that hold it */
    uint32_t tell;       /* next task to tell of `end` or to hand `message` */
    struct rd_kafka_message_s *message; /* being handed around */
    struct rd_kafka_message_s *retired; /* no longer, but the caller may still look at it */
    struct rd_kafka_queue_s *queue;
};

/* One topic: its partitions, and a reader per task. */
struct kafka_replay_topic {
    const char *name;
    uint32_t partition_count;
    struct rd_kafka_topic_s *topic;
    struct kafka_replay_partition *partitions;
    struct kafka_replay_task *tasks; /* task_count */
};

struct kafka_replay {
    /* private */
    const struct kafka_log_settings *settings;
    uint32_t worker;
    uint32_t task_count;
    struct kafka_callbacks callbacks;
    struct rd_kafka_s *client;
    struct kafka_inbox *inbox;
    struct kafka_asker *asker;
    struct kafka_replay_topic topics[2]; /* journal, checkpoints */
    struct header headers[LOG_HEADERS_MAX];
    uint32_t active_count;
};

/* The partition of `partition_count` that holds a task's cuts or checkpoints: floor(t * J / N). */
uint32_t kafka_shared_partition(uint32_t task, uint32_t task_count, uint32_t partition_count);

enum status kafka_replay_open(struct kafka_replay *replay,
                              const struct kafka_log_settings *settings, uint32_t worker,
                              uint32_t task_count, const uint32_t partition_counts[2],
                              struct kafka_inbox *inbox, struct status_text *out_text) MUST_USE;
void kafka_replay_close(struct kafka_replay *replay);

/* Begin, or begin anew, for one task. `offset` -2: from the first record. */
void kafka_replay_start(struct kafka_replay *replay, bool checkpoints, uint32_t task,
                        int64_t offset);
void kafka_replay_stop(struct kafka_replay *replay, bool checkpoints, uint32_t task);

/* Hand out nothing of the partition that this task reads until it is let go on. */
void kafka_replay_hold(struct kafka_replay *replay, bool checkpoints, uint32_t task, bool hold);

/* An answer of the asker (KAFKA_NOTE_MARKS). */
void kafka_replay_marks(struct kafka_replay *replay, const struct kafka_note *note);

/* The next LOG_JOURNAL_RECORD or LOG_JOURNAL_END; false: none now. A record is borrowed until the
 * next call. */
bool kafka_replay_next(struct kafka_replay *replay, struct log_event *out_event);

#endif
