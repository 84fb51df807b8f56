/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_replay.h"

#include "base/invariant.h"
#include "base/memory.h"
#include "io/kafka_record.h"

#include <librdkafka/rdkafka.h>

enum { JOURNAL, CHECKPOINTS };

uint32_t kafka_shared_partition(uint32_t task, uint32_t task_count, uint32_t partition_count)
{
    return (uint32_t)((uint64_t)task * partition_count / task_count);
}

/* Partitions of both topics in one number, for questions. */
static uint32_t mark_of(uint32_t which, uint32_t partition)
{
    return partition * 2 + which;
}

static struct kafka_replay_partition *partition_of(const struct kafka_replay *replay,
                                                   uint32_t which, uint32_t task)
{
    const struct kafka_replay_topic *topic = &replay->topics[which];
    return &topic->partitions[kafka_shared_partition(task, replay->task_count,
                                                     topic->partition_count)];
}

enum status kafka_replay_open(struct kafka_replay *replay,
                              const struct kafka_log_settings *settings, uint32_t worker,
                              uint32_t task_count, const uint32_t partition_counts[2],
                              struct kafka_inbox *inbox, struct status_text *out_text)
{
    memset(replay, 0, sizeof(*replay));
    replay->settings = settings;
    replay->worker = worker;
    replay->task_count = task_count;
    replay->inbox = inbox;
    replay->callbacks.connection = &settings->connection;
    replay->callbacks.owner = replay;
    rd_kafka_conf_t *conf = kafka_conf_new(&replay->callbacks, KAFKA_ROLE_READER, worker, out_text);
    replay->client = conf == NULL ? NULL : kafka_client_new(conf, KAFKA_ROLE_READER, out_text);
    if (replay->client == NULL) {
        return STATUS_INVALID;
    }
    for (uint32_t which = JOURNAL; which <= CHECKPOINTS; which++) {
        struct kafka_replay_topic *topic = &replay->topics[which];
        topic->name = which == JOURNAL ? settings->journal_topic : settings->checkpoint_topic;
        topic->partition_count = partition_counts[which];
        topic->tasks = memory_take(task_count * sizeof(*topic->tasks), "kafka: readers");
        if (topic->name == NULL) {
            continue;
        }
        topic->topic = rd_kafka_topic_new(replay->client, topic->name, NULL);
        if (topic->topic == NULL) {
            return status_fail(out_text, STATUS_INVALID, "kafka: topic %s: %s", topic->name,
                               rd_kafka_err2str(rd_kafka_last_error()));
        }
        topic->partitions =
            memory_take(topic->partition_count * sizeof(*topic->partitions), "kafka: readers");
        for (uint32_t p = 0; p < topic->partition_count; p++) {
            topic->partitions[p].queue = rd_kafka_queue_new(replay->client);
            kafka_inbox_watch(inbox, topic->partitions[p].queue);
        }
    }
    return STATUS_OK;
}

static void drop_retired(struct kafka_replay_partition *part)
{
    if (part->retired != NULL) {
        rd_kafka_message_destroy(part->retired);
        part->retired = NULL;
    }
}

static void partition_stop(struct kafka_replay *replay, uint32_t which, uint32_t partition)
{
    struct kafka_replay_topic *topic = &replay->topics[which];
    struct kafka_replay_partition *part = &topic->partitions[partition];
    if (part->message != NULL) {
        drop_retired(part);
        part->retired = part->message;
        part->message = NULL;
    }
    part->end_known = false;
    part->at_end = false;
    if (part->running) {
        (void)rd_kafka_consume_stop(topic->topic, (int32_t)partition);
        part->running = false;
    }
}

static void partition_start(struct kafka_replay *replay, uint32_t which, uint32_t partition,
                            int64_t offset)
{
    struct kafka_replay_topic *topic = &replay->topics[which];
    struct kafka_replay_partition *part = &topic->partitions[partition];
    partition_stop(replay, which, partition);
    part->next = offset < 0 ? 0 : offset;
    part->target = -1;
    if (rd_kafka_consume_start_queue(topic->topic, (int32_t)partition,
                                     offset < 0 ? RD_KAFKA_OFFSET_BEGINNING : offset,
                                     part->queue) != 0) {
        kafka_say(&replay->settings->connection, LOG_ERROR, "READER", "%s [%u]: %s", topic->name,
                  partition, rd_kafka_err2str(rd_kafka_last_error()));
        return;
    }
    part->running = true;
}

static void ask_marks(struct kafka_replay *replay, uint32_t which, uint32_t partition)
{
    struct kafka_question question = {.kind = KAFKA_ASK_MARKS,
                                      .task = mark_of(which, partition),
                                      .topic = replay->topics[which].name,
                                      .partition = (int32_t)partition};
    replay->topics[which].partitions[partition].asking = true;
    INVARIANT(kafka_asker_put(replay->asker, &question));
}

void kafka_replay_hold(struct kafka_replay *replay, bool checkpoints, uint32_t task, bool hold)
{
    uint32_t which = checkpoints ? CHECKPOINTS : JOURNAL;
    struct kafka_replay_task *of = &replay->topics[which].tasks[task];
    if (of->held != hold && of->active) {
        of->held = hold;
        partition_of(replay, which, task)->held_count += hold ? 1U : -1U;
    }
}

void kafka_replay_start(struct kafka_replay *replay, bool checkpoints, uint32_t task,
                        int64_t offset)
{
    uint32_t which = checkpoints ? CHECKPOINTS : JOURNAL;
    struct kafka_replay_topic *topic = &replay->topics[which];
    struct kafka_replay_task *want = &topic->tasks[task];
    uint32_t partition = kafka_shared_partition(task, replay->task_count, topic->partition_count);
    struct kafka_replay_partition *part = &topic->partitions[partition];
    replay->active_count += want->active ? 0 : 1;
    kafka_replay_hold(replay, checkpoints, task, false);
    *want =
        (struct kafka_replay_task){.active = true, .next = offset < 0 ? 0 : offset, .ended_at = -1};
    if (checkpoints || !part->running || want->next < part->next) {
        partition_start(replay, which, partition, offset);
    } else if (part->at_end) {
        partition_start(replay, which, partition, part->next); /* so that the end is told again */
    }
}

void kafka_replay_stop(struct kafka_replay *replay, bool checkpoints, uint32_t task)
{
    uint32_t which = checkpoints ? CHECKPOINTS : JOURNAL;
    struct kafka_replay_topic *topic = &replay->topics[which];
    if (!topic->tasks[task].active) {
        return;
    }
    kafka_replay_hold(replay, checkpoints, task, false);
    topic->tasks[task].active = false;
    replay->active_count--;
    uint32_t partition = kafka_shared_partition(task, replay->task_count, topic->partition_count);
    for (uint32_t t = 0; t < replay->task_count; t++) {
        if (topic->tasks[t].active &&
            kafka_shared_partition(t, replay->task_count, topic->partition_count) == partition) {
            return; /* somebody still reads it */
        }
    }
    partition_stop(replay, which, partition);
}

void kafka_replay_marks(struct kafka_replay *replay, const struct kafka_note *note)
{
    uint32_t which = note->task % 2;
    struct kafka_replay_partition *part = &replay->topics[which].partitions[note->task / 2];
    part->asking = false;
    part->low = note->low;
}

/* One message of the queue: a record to hand around, or the end, or trouble. */
static void take_message(struct kafka_replay *replay, uint32_t which, uint32_t partition,
                         rd_kafka_message_t *message)
{
    struct kafka_replay_topic *topic = &replay->topics[which];
    struct kafka_replay_partition *part = &topic->partitions[partition];
    part->tell = 0;
    if (part->target < 0) {
        /* This came from a fetch after the begin, so the watermark it brought is late enough:
         * everything that was committed before the question lies below it. (Asking the broker would
         * give the last stable offset.) */
        int64_t low = -1;
        (void)rd_kafka_get_watermark_offsets(replay->client, topic->name, (int32_t)partition, &low,
                                             &part->target);
    }
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        part->message = message;
        part->next = message->offset + 1;
        part->at_end = false;
        return;
    }
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        part->end = message->offset;
        part->next = message->offset > part->next ? message->offset : part->next;
        part->end_known = true;
        part->at_end = true;
        ask_marks(replay, which, partition);
    } else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
               message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        /* The offset is no longer there, or not yet: read what there is. The claim sees the gap. */
        partition_start(replay, which, partition, -2);
    } else {
        kafka_say(&replay->settings->connection, LOG_WARN, "READER", "%s [%u]: %s", topic->name,
                  partition, rd_kafka_message_errstr(message));
    }
    rd_kafka_message_destroy(message);
}

/* The next task from part->tell on that the message or the end is for; task_count: none. */
static uint32_t next_listener(struct kafka_replay *replay, uint32_t which, uint32_t partition)
{
    struct kafka_replay_topic *topic = &replay->topics[which];
    struct kafka_replay_partition *part = &topic->partitions[partition];
    for (uint32_t task = part->tell; task < replay->task_count; task++) {
        struct kafka_replay_task *want = &topic->tasks[task];
        if (!want->active || partition_of(replay, which, task) != part) {
            continue;
        }
        if (part->message != NULL ? want->next <= part->message->offset
                                  : want->ended_at != part->end) {
            return task;
        }
    }
    return replay->task_count;
}

static void tell_record(struct kafka_replay *replay, uint32_t which, uint32_t partition,
                        uint32_t task, struct log_event *out_event)
{
    struct kafka_replay_topic *topic = &replay->topics[which];
    struct kafka_replay_partition *part = &topic->partitions[partition];
    out_event->kind = LOG_JOURNAL_RECORD;
    out_event->task = which == CHECKPOINTS ? task | LOG_CHECKPOINT_READER : task;
    kafka_record_of(part->message, SOURCE_COUNT, &out_event->record);
    out_event->record.header_count = kafka_record_headers(part->message, replay->headers);
    out_event->record.headers = replay->headers;
    topic->tasks[task].next = part->message->offset + 1;
}

static void tell_end(struct kafka_replay *replay, uint32_t which, uint32_t partition, uint32_t task,
                     struct log_event *out_event)
{
    struct kafka_replay_topic *topic = &replay->topics[which];
    struct kafka_replay_partition *part = &topic->partitions[partition];
    out_event->kind = LOG_JOURNAL_END;
    out_event->task = which == CHECKPOINTS ? task | LOG_CHECKPOINT_READER : task;
    out_event->journal_end = part->end;
    out_event->journal_start = part->low;
    topic->tasks[task].ended_at = part->end;
    if (which == CHECKPOINTS) {
        kafka_replay_stop(replay, true, task); /* it has an end */
    }
}

static bool next_of(struct kafka_replay *replay, uint32_t which, uint32_t partition,
                    struct log_event *out_event)
{
    struct kafka_replay_topic *topic = &replay->topics[which];
    struct kafka_replay_partition *part = &topic->partitions[partition];
    drop_retired(part);
    while (part->running && part->held_count == 0) {
        if (part->message != NULL) {
            uint32_t task = next_listener(replay, which, partition);
            if (task < replay->task_count) {
                part->tell = task + 1;
                tell_record(replay, which, partition, task, out_event);
                return true;
            }
            rd_kafka_message_destroy(part->message);
            part->message = NULL;
        }
        if (part->asking) {
            return false; /* the answer wakes us */
        }
        if (part->end_known) {
            bool whole = which != CHECKPOINTS || (part->target >= 0 && part->end >= part->target);
            uint32_t task = whole ? next_listener(replay, which, partition) : replay->task_count;
            if (task < replay->task_count) {
                part->tell = task + 1;
                tell_end(replay, which, partition, task, out_event);
                return true;
            }
            part->end_known = false;
        }
        rd_kafka_message_t *message = rd_kafka_consume_queue(part->queue, 0);
        if (message == NULL) {
            return false;
        }
        take_message(replay, which, partition, message);
    }
    return false;
}

bool kafka_replay_next(struct kafka_replay *replay, struct log_event *out_event)
{
    if (replay->active_count == 0) {
        return false;
    }
    for (uint32_t which = JOURNAL; which <= CHECKPOINTS; which++) {
        for (uint32_t p = 0; p < replay->topics[which].partition_count; p++) {
            if (next_of(replay, which, p, out_event)) {
                return true;
            }
        }
    }
    return false;
}

void kafka_replay_close(struct kafka_replay *replay)
{
    if (replay->client == NULL) {
        return;
    }
    for (uint32_t which = JOURNAL; which <= CHECKPOINTS; which++) {
        struct kafka_replay_topic *topic = &replay->topics[which];
        for (uint32_t p = 0; topic->topic != NULL && p < topic->partition_count; p++) {
            partition_stop(replay, which, p);
            drop_retired(&topic->partitions[p]);
            rd_kafka_queue_destroy(topic->partitions[p].queue);
        }
        if (topic->topic != NULL) {
            rd_kafka_topic_destroy(topic->topic);
        }
    }
    rd_kafka_destroy(replay->client);
    replay->client = NULL;
}
