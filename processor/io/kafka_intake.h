/* SPDX-License-Identifier: Apache-2.0 */
/* The sources' records: one client per process that fetches, one queue per task into which all its
 * sources go, or one per source (settings->sources_apart). Reading begins at the offset that the claim
 * names and ends with stop; there is no pause, no seek and no offset store. A worker that does not take
 * its records makes the queue fill up to queued.max.messages.kbytes, and fetching stops by itself. */
#ifndef IO_KAFKA_INTAKE_H
#define IO_KAFKA_INTAKE_H

#include "io/kafka_inbox.h"

struct rd_kafka_topic_s;
struct rd_kafka_queue_s;
struct kafka_header_block;

struct kafka_intake_source {
    bool running;
    bool handed_out; /* a record, since start */
    bool caught_up;  /* PARTITION_EOF came after the last record, and nothing tells of more */
    int64_t next;    /* offset after the last record handed out; -1: not known yet */
    int64_t eof;     /* where the last PARTITION_EOF was; markers make it more than `next` */
    int64_t end;     /* as the broker said when it was asked; -1: never */
};

struct kafka_intake_task {
    struct rd_kafka_queue_s *queues[SOURCE_COUNT]; /* the first stands for all, unless apart */
    struct kafka_inbox *inbox;                     /* its worker's */
    struct kafka_intake_source sources[SOURCE_COUNT];
};

struct kafka_intake {
    /* private */
    const struct kafka_log_settings *settings;
    struct kafka_callbacks callbacks;
    struct rd_kafka_s *client;
    struct rd_kafka_topic_s *topics[SOURCE_COUNT];
    struct kafka_intake_task *tasks;
    uint32_t task_count;
};

/* Headers of records handed out by one worker: blocks that go back to a list when released. Few
 * records have any, so the list grows to what was ever out at once. */
struct kafka_header_pool {
    struct kafka_header_block *free;
};

enum status kafka_intake_open(struct kafka_intake *intake,
                              const struct kafka_log_settings *settings, uint32_t task_count,
                              struct status_text *out_text) MUST_USE;
void kafka_intake_close(struct kafka_intake *intake);

/* Whose task it is: woken when its queue gets something, told when an offset is gone
 * (KAFKA_NOTE_GONE) and when its partition cannot be read (KAFKA_NOTE_FATAL). Once per task, before start. */
void kafka_intake_watch(struct kafka_intake *intake, uint32_t task, struct kafka_inbox *inbox);

/* struct log_ops' start, stop, fetch, release, high_watermark; and what ask_ends brought (SOURCE_COUNT
 * offsets, -1: not used). By the owner of the task only. */
void kafka_intake_start(struct kafka_intake *intake, uint32_t task, const int64_t *offsets);
void kafka_intake_stop(struct kafka_intake *intake, uint32_t task);
uint32_t kafka_intake_fetch(struct kafka_intake *intake, uint32_t task, uint32_t source,
                            struct kafka_header_pool *pool, struct log_record *out_records,
                            uint32_t max);
void kafka_intake_release(struct kafka_header_pool *pool, struct log_record *records,
                          uint32_t count);
int64_t kafka_intake_high_watermark(struct kafka_intake *intake, uint32_t task, enum source source,
                                    bool *out_empty);
void kafka_intake_ends(struct kafka_intake *intake, uint32_t task, const int64_t *ends);

/* Give the pool's memory back. */
void kafka_header_pool_finish(struct kafka_header_pool *pool);

#endif
