/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_intake.h"

#include "base/invariant.h"
#include "base/memory.h"
#include "io/kafka_record.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>

enum { FETCH_BATCH = 512, OFFSET_EARLIEST = -2 };

struct kafka_header_block {
    struct kafka_header_block *next;
    struct header headers[LOG_HEADERS_MAX];
};

enum status kafka_intake_open(struct kafka_intake *intake,
                              const struct kafka_log_settings *settings, uint32_t task_count,
                              struct status_text *out_text)
{
    memset(intake, 0, sizeof(*intake));
    intake->settings = settings;
    intake->task_count = task_count;
    intake->callbacks.connection = &settings->connection;
    intake->callbacks.owner = intake;
    rd_kafka_conf_t *conf = kafka_conf_new(&intake->callbacks, KAFKA_ROLE_DATA, 0, out_text);
    intake->client = conf == NULL ? NULL : kafka_client_new(conf, KAFKA_ROLE_DATA, out_text);
    if (intake->client == NULL) {
        return STATUS_INVALID;
    }
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        if (settings->topics[s] == NULL) {
            continue;
        }
        rd_kafka_topic_conf_t *topic_conf = rd_kafka_default_topic_conf_dup(intake->client);
        rd_kafka_topic_conf_set_opaque(topic_conf, &intake->topics[s]);
        intake->topics[s] = rd_kafka_topic_new(intake->client, settings->topics[s], topic_conf);
        if (intake->topics[s] == NULL) {
            return status_fail(out_text, STATUS_INVALID, "kafka: topic %s: %s", settings->topics[s],
                               rd_kafka_err2str(rd_kafka_last_error()));
        }
    }
    intake->tasks = memory_take(task_count * sizeof(*intake->tasks), "kafka: tasks");
    for (uint32_t t = 0; t < task_count; t++) {
        for (uint32_t q = 0; q < (settings->sources_apart ? SOURCE_COUNT : 1); q++) {
            intake->tasks[t].queues[q] = rd_kafka_queue_new(intake->client);
        }
    }
    return STATUS_OK;
}

void kafka_intake_watch(struct kafka_intake *intake, uint32_t task, struct kafka_inbox *inbox)
{
    intake->tasks[task].inbox = inbox;
    for (uint32_t q = 0; q < SOURCE_COUNT && intake->tasks[task].queues[q] != NULL; q++) {
        kafka_inbox_watch(inbox, intake->tasks[task].queues[q]);
    }
}

void kafka_intake_start(struct kafka_intake *intake, uint32_t task, const int64_t *offsets)
{
    kafka_intake_stop(intake, task);
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        struct kafka_intake_source *source = &intake->tasks[task].sources[s];
        if (offsets[s] == -1 || intake->topics[s] == NULL) {
            continue;
        }
        int64_t from = offsets[s] == OFFSET_EARLIEST ? RD_KAFKA_OFFSET_BEGINNING : offsets[s];
        *source = (struct kafka_intake_source){
            .next = offsets[s] >= 0 ? offsets[s] : -1, .eof = -1, .end = -1};
        if (rd_kafka_consume_start_queue(
                intake->topics[s], (int32_t)task, from,
                intake->tasks[task].queues[intake->settings->sources_apart ? s : 0]) == 0) {
            source->running = true;
        } else {
            kafka_say(&intake->settings->connection, LOG_ERROR, "FETCH", "%s [%u]: %s",
                      intake->settings->topics[s], task, rd_kafka_err2str(rd_kafka_last_error()));
        }
    }
}

void kafka_intake_stop(struct kafka_intake *intake, uint32_t task)
{
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        struct kafka_intake_source *source = &intake->tasks[task].sources[s];
        if (source->running) {
            /* Answered by librdkafka's own main thread, no broker is waited for. */
            (void)rd_kafka_consume_stop(intake->topics[s], (int32_t)task);
            source->running = false;
        }
    }
}

/* Give a record its headers, if any. False: no memory for them. */
static bool add_headers(struct kafka_header_pool *pool, rd_kafka_message_t *message,
                        struct log_record *record)
{
    if (!kafka_record_has_headers(message)) {
        return true;
    }
    struct kafka_header_block *block = pool->free;
    if (block != NULL) {
        pool->free = block->next;
    } else {
        block = malloc(sizeof(*block));
        if (block == NULL) {
            return false;
        }
    }
    record->header_count = kafka_record_headers(message, block->headers);
    record->headers = block->headers;
    return true;
}

static void tell(struct kafka_intake *intake, enum kafka_note_kind kind, uint32_t task,
                 uint32_t source, const char *reason)
{
    struct kafka_note note = {.kind = kind, .task = task, .ticket = source};
    struct status_text text;
    (void)status_fail(&text, STATUS_FATAL, "%s [%u]: %s", intake->settings->topics[source], task,
                      reason);
    kafka_inbox_put(intake->tasks[task].inbox, &note, &text);
}

/* Not a record: the end of a partition, or trouble. */
static void take_event(struct kafka_intake *intake, uint32_t task, uint32_t source,
                       rd_kafka_message_t *message)
{
    struct kafka_intake_source *state = &intake->tasks[task].sources[source];
    const char *topic = intake->settings->topics[source];
    switch ((int)message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        state->eof = message->offset;
        state->caught_up = state->eof >= state->end;
        if (state->next < 0) {
            state->next = message->offset;
        }
        break;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        tell(intake, KAFKA_NOTE_GONE, task, source, rd_kafka_err2str(message->err));
        break;
    case RD_KAFKA_RESP_ERR__BAD_MSG:
        tell(intake, KAFKA_NOTE_FATAL, task, source, "a record is damaged in the broker");
        break;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        tell(intake, KAFKA_NOTE_FATAL, task, source,
             "not authorised to read; segue topics --acls prints what is needed");
        break;
    default: /* librdkafka tries again by itself */
        kafka_say(&intake->settings->connection, LOG_WARN, "FETCH", "%s [%u]: %s", topic, task,
                  rd_kafka_message_errstr(message));
        break;
    }
}

/* A topic's opaque is its place in `topics`. */
static uint32_t source_of(const struct kafka_intake *intake, const rd_kafka_message_t *message)
{
    if (message->rkt == NULL) {
        return SOURCE_COUNT;
    }
    struct rd_kafka_topic_s *const *place = rd_kafka_topic_opaque(message->rkt);
    return (uint32_t)(place - intake->topics);
}

uint32_t kafka_intake_fetch(struct kafka_intake *intake, uint32_t task, uint32_t of_source,
                            struct kafka_header_pool *pool, struct log_record *out_records,
                            uint32_t max)
{
    struct kafka_intake_task *state = &intake->tasks[task];
    rd_kafka_message_t *messages[FETCH_BATCH];
    uint32_t count = 0;
    INVARIANT((of_source < SOURCE_COUNT) == intake->settings->sources_apart);
    rd_kafka_queue_t *queue = state->queues[of_source < SOURCE_COUNT ? of_source : 0];
    while (count < max) {
        size_t wanted = max - count < FETCH_BATCH ? max - count : FETCH_BATCH;
        ssize_t got = rd_kafka_consume_batch_queue(queue, 0, messages, wanted);
        for (ssize_t i = 0; i < got; i++) {
            rd_kafka_message_t *message = messages[i];
            uint32_t source = source_of(intake, message);
            if (source >= SOURCE_COUNT) {
                rd_kafka_message_destroy(message);
                continue;
            }
            struct kafka_intake_source *from = &state->sources[source];
            if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
                take_event(intake, task, source, message);
                rd_kafka_message_destroy(message);
                continue;
            }
            /* Of before a stop, or twice: never backwards. */
            if (!from->running || message->offset < from->next) {
                rd_kafka_message_destroy(message);
                continue;
            }
            struct log_record *record = &out_records[count];
            kafka_record_of(message, (uint8_t)source, record);
            /* Without memory librdkafka has ended the process before. */
            INVARIANT(add_headers(pool, message, record));
            from->next = message->offset + 1;
            from->caught_up = false;
            from->handed_out = true;
            count++;
        }
        if (got < (ssize_t)wanted) {
            break;
        }
    }
    return count;
}

/* The block that holds these headers; they are ours, the record only shows them. */
static struct kafka_header_block *block_of(const struct header *headers)
{
    char *at = (char *)headers;
    return (struct kafka_header_block *)(void *)(at - offsetof(struct kafka_header_block, headers));
}

void kafka_intake_release(struct kafka_header_pool *pool, struct log_record *records,
                          uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (records[i].headers != NULL) {
            struct kafka_header_block *block = block_of(records[i].headers);
            block->next = pool->free;
            pool->free = block;
        }
        rd_kafka_message_destroy(records[i].handle);
        records[i].handle = NULL;
    }
}

int64_t kafka_intake_high_watermark(struct kafka_intake *intake, uint32_t task, enum source source,
                                    bool *out_empty)
{
    struct kafka_intake_source *state = &intake->tasks[task].sources[source];
    *out_empty = state->running && state->caught_up && !state->handed_out;
    if (!state->running) {
        return -1;
    }
    if (state->caught_up) {
        /* Transactional inputs end in markers, which have offsets but are no records: with the
         * broker's high watermark a task that has read everything would look behind for ever. */
        return state->next;
    }
    int64_t low = -1;
    int64_t high = -1;
    if (rd_kafka_get_watermark_offsets(intake->client, intake->settings->topics[source],
                                       (int32_t)task, &low, &high) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        high < 0) {
        return -1;
    }
    high = high > state->end ? high : state->end;
    return high > state->next
               ? high
               : state->next; /* the cached one may be older than what was handed out */
}

void kafka_intake_ends(struct kafka_intake *intake, uint32_t task, const int64_t *ends)
{
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        struct kafka_intake_source *source = &intake->tasks[task].sources[s];
        if (source->running && ends[s] > source->end) {
            source->end = ends[s];
            source->caught_up = source->caught_up && source->eof >= source->end;
        }
    }
}

void kafka_intake_close(struct kafka_intake *intake)
{
    if (intake->client == NULL) {
        return;
    }
    for (uint32_t t = 0; intake->tasks != NULL && t < intake->task_count; t++) {
        kafka_intake_stop(intake, t);
        for (uint32_t q = 0; q < SOURCE_COUNT && intake->tasks[t].queues[q] != NULL; q++) {
            rd_kafka_queue_destroy(intake->tasks[t].queues[q]);
        }
    }
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        if (intake->topics[s] != NULL) {
            rd_kafka_topic_destroy(intake->topics[s]);
        }
    }
    rd_kafka_destroy(intake->client);
    intake->client = NULL;
}

void kafka_header_pool_finish(struct kafka_header_pool *pool)
{
    while (pool->free != NULL) {
        struct kafka_header_block *block = pool->free;
        pool->free = block->next;
        free(block);
    }
}
