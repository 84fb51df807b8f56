/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_asker.h"

#include "base/memory.h"
#include "io/clock.h"
#include "io/kafka_client.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <unistd.h>

enum {
    TRY_TIMEOUT_MS = 1000, /* of one try; other questions get their turn in between */
    TRY_PAUSE_US = 20000,
    DELETE_REQUEST_MS = 5000,
    DELETE_TIMEOUT_MS = 10000,
    DELETE_STEP_MS =
        20, /* how late a question may be heard while nothing but a deletion is under way */
    TASKS_PER_REQUEST = LOG_TASKS_PER_WORKER_MAX,
};

static struct kafka_question take_first(struct kafka_asker *asker)
{
    struct kafka_question first = asker->questions[asker->first];
    asker->first = (asker->first + 1) % asker->capacity;
    asker->count--;
    return first;
}

static void put_last(struct kafka_asker *asker, const struct kafka_question *question)
{
    asker->questions[(asker->first + asker->count++) % asker->capacity] = *question;
}

bool kafka_asker_put(struct kafka_asker *asker, const struct kafka_question *question)
{
    (void)pthread_mutex_lock(&asker->lock);
    for (uint32_t i = 0; i < asker->count; i++) {
        struct kafka_question *waiting = &asker->questions[(asker->first + i) % asker->capacity];
        if (waiting->kind == question->kind && waiting->task == question->task) {
            *waiting = *question;
            (void)pthread_mutex_unlock(&asker->lock);
            return true;
        }
    }
    bool fits = asker->count < asker->capacity;
    if (fits) {
        put_last(asker, question);
        (void)pthread_cond_signal(&asker->changed);
    }
    (void)pthread_mutex_unlock(&asker->lock);
    return fits;
}

void kafka_asker_offsets(struct kafka_asker *asker, uint32_t task, struct log_offset *out_offsets)
{
    (void)pthread_mutex_lock(&asker->lock);
    memcpy(out_offsets, &asker->answers[(size_t)task * SOURCE_COUNT],
           SOURCE_COUNT * sizeof(*out_offsets));
    (void)pthread_mutex_unlock(&asker->lock);
}

void kafka_asker_ends(struct kafka_asker *asker, uint32_t task, int64_t *out_ends)
{
    (void)pthread_mutex_lock(&asker->lock);
    memcpy(out_ends, &asker->ends[(size_t)task * SOURCE_COUNT], SOURCE_COUNT * sizeof(*out_ends));
    (void)pthread_mutex_unlock(&asker->lock);
}

/* Copy a broker's answer for one task. False: a source's answer is an error. */
static bool take_offsets(struct kafka_asker *asker, uint32_t task,
                         rd_kafka_topic_partition_list_t *list)
{
    struct log_offset answers[SOURCE_COUNT];
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        struct log_offset answer = {.task = task, .source = (uint8_t)s, .offset = -1};
        const char *topic = asker->settings->topics[s];
        if (topic != NULL) {
            rd_kafka_topic_partition_t *entry =
                rd_kafka_topic_partition_list_find(list, topic, (int32_t)task);
            if (entry == NULL || entry->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
                return false;
            }
            answer.offset = entry->offset >= 0 ? entry->offset : -1;
            size_t size = entry->metadata == NULL ? 0 : entry->metadata_size;
            if (size >= sizeof(answer.metadata)) {
                size = sizeof(answer.metadata) -
                       1; /* not ours: the claim sees that it does not parse */
            }
            memcpy(answer.metadata, entry->metadata == NULL ? "" : entry->metadata, size);
        }
        answers[s] = answer;
    }
    (void)pthread_mutex_lock(&asker->lock);
    memcpy(&asker->answers[(size_t)task * SOURCE_COUNT], answers, sizeof(answers));
    (void)pthread_mutex_unlock(&asker->lock);
    return true;
}

/* The same for the ends of its sources. */
static bool take_ends(struct kafka_asker *asker, uint32_t task,
                      rd_kafka_topic_partition_list_t *list)
{
    int64_t ends[SOURCE_COUNT];
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        const char *topic = asker->settings->topics[s];
        ends[s] = -1;
        if (topic != NULL) {
            rd_kafka_topic_partition_t *entry =
                rd_kafka_topic_partition_list_find(list, topic, (int32_t)task);
            if (entry == NULL || entry->err != RD_KAFKA_RESP_ERR_NO_ERROR || entry->offset < 0) {
                return false;
            }
            ends[s] = entry->offset;
        }
    }
    (void)pthread_mutex_lock(&asker->lock);
    memcpy(&asker->ends[(size_t)task * SOURCE_COUNT], ends, sizeof(ends));
    (void)pthread_mutex_unlock(&asker->lock);
    return true;
}

/* Put a question back, unless a newer one of its kind waits: then that one stands for both. */
static void ask_again(struct kafka_asker *asker, const struct kafka_question *question)
{
    (void)pthread_mutex_lock(&asker->lock);
    bool waits = false;
    for (uint32_t i = 0; i < asker->count && !waits; i++) {
        const struct kafka_question *waiting =
            &asker->questions[(asker->first + i) % asker->capacity];
        waits = waiting->kind == question->kind && waiting->task == question->task;
    }
    (void)pthread_mutex_unlock(&asker->lock);
    if (!waits) {
        (void)kafka_asker_put(asker, question);
    }
}

/* Committed offsets, or ends. */
static rd_kafka_resp_err_t ask_broker(struct kafka_asker *asker, enum kafka_question_kind kind,
                                      rd_kafka_topic_partition_list_t *list)
{
    if (kind == KAFKA_ASK_OFFSETS) {
        return rd_kafka_committed(asker->group->client, list, TRY_TIMEOUT_MS);
    }
    for (int i = 0; i < list->cnt; i++) {
        list->elems[i].offset = RD_KAFKA_OFFSET_END; /* the "time" that means the end */
    }
    return rd_kafka_offsets_for_times(asker->client, list, TRY_TIMEOUT_MS);
}

/* One request for all tasks that wait: a claim of many tasks costs one round trip, and when a
 * transaction of somebody frozen holds the offsets back (unstable), it is waited for once. */
static void ask_about_sources(struct kafka_asker *asker, const struct kafka_question *questions,
                              uint32_t count)
{
    enum kafka_question_kind kind = questions[0].kind;
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)(count * SOURCE_COUNT));
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
            if (asker->settings->topics[s] != NULL) {
                (void)rd_kafka_topic_partition_list_add(list, asker->settings->topics[s],
                                                        (int32_t)questions[i].task);
            }
        }
    }
    rd_kafka_resp_err_t code = ask_broker(asker, kind, list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_say(&asker->settings->connection, LOG_INFO,
                  kind == KAFKA_ASK_OFFSETS ? "OFFSETS" : "ENDS", "%s; asking again",
                  rd_kafka_err2str(code));
        (void)usleep(TRY_PAUSE_US);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t task = questions[i].task;
        if (!atomic_load(&asker->group->ours[task])) {
            continue; /* revoked meanwhile: nobody wants to know */
        }
        bool good = code == RD_KAFKA_RESP_ERR_NO_ERROR &&
                    (kind == KAFKA_ASK_OFFSETS ? take_offsets(asker, task, list)
                                               : take_ends(asker, task, list));
        if (good) {
            struct kafka_note note = {.kind = kind == KAFKA_ASK_OFFSETS ? KAFKA_NOTE_OFFSETS
                                                                        : KAFKA_NOTE_ENDS,
                                      .task = task,
                                      .ticket = questions[i].ticket};
            kafka_inbox_put(asker->inbox, &note, NULL);
        } else {
            ask_again(asker, &questions[i]);
        }
    }
    rd_kafka_topic_partition_list_destroy(list);
}

static void ask_marks(struct kafka_asker *asker, const struct kafka_question *question)
{
    struct kafka_note note = {.kind = KAFKA_NOTE_MARKS, .task = question->task};
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
        asker->client, question->topic, question->partition, &note.low, &note.high, TRY_TIMEOUT_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_inbox_put(asker->inbox, &note, NULL);
        return;
    }
    kafka_say(&asker->settings->connection, LOG_INFO, "MARKS", "%s: %s; asking again",
              question->topic, rd_kafka_err2str(code));
    (void)usleep(TRY_PAUSE_US);
    ask_again(asker, question);
}

/* The least offset that any task of the partition still needs, by what is committed and stable.
 * False: not known (then nothing is deleted). */
static bool lowest_needed(struct kafka_asker *asker, const struct kafka_question *question,
                          int64_t *out_offset)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)(question->task_count * SOURCE_COUNT));
    for (uint32_t t = 0; t < question->task_count; t++) {
        for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
            if (asker->settings->topics[s] != NULL) {
                (void)rd_kafka_topic_partition_list_add(list, asker->settings->topics[s],
                                                        (int32_t)(question->first_task + t));
            }
        }
    }
    bool known = rd_kafka_committed(asker->group->client, list, TRY_TIMEOUT_MS) ==
                 RD_KAFKA_RESP_ERR_NO_ERROR;
    *out_offset = INT64_MAX;
    for (uint32_t t = 0; t < question->task_count && known; t++) {
        bool committed = false;
        for (int i = 0; i < list->cnt && known; i++) {
            const rd_kafka_topic_partition_t *entry = &list->elems[i];
            char text[LOG_METADATA_SIZE_MAX] = "";
            int64_t low = 0;
            if (entry->partition != (int32_t)(question->first_task + t) || entry->offset < 0) {
                continue;
            }
            if (entry->metadata != NULL && entry->metadata_size < sizeof(text)) {
                memcpy(text, entry->metadata, entry->metadata_size);
            }
            known = entry->err == RD_KAFKA_RESP_ERR_NO_ERROR && question->low_offset(text, &low);
            *out_offset = low < *out_offset ? low : *out_offset;
            committed = true;
        }
        known = known && committed;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return known && *out_offset > 0;
}

/* The first offset whose record is younger than `keep_ms`. */
static bool first_kept(struct kafka_asker *asker, const struct kafka_question *question,
                       int64_t *out_offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *entry =
        rd_kafka_topic_partition_list_add(list, question->topic, question->partition);
    entry->offset = clock_system()->ops->wall_ms(clock_system()) - question->keep_ms;
    bool known = rd_kafka_offsets_for_times(asker->client, list, TRY_TIMEOUT_MS) ==
                     RD_KAFKA_RESP_ERR_NO_ERROR &&
                 entry->err == RD_KAFKA_RESP_ERR_NO_ERROR;
    *out_offset = entry->offset >= 0 ? entry->offset : INT64_MAX; /* everything is older */
    rd_kafka_topic_partition_list_destroy(list);
    return known;
}

/* Ask for it, and do not wait: one deletion at a time is under way. */
static void begin_deletion(struct kafka_asker *asker, const struct kafka_question *question,
                           int64_t offset)
{
    rd_kafka_topic_partition_list_t *below = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(below, question->topic, question->partition)->offset = offset;
    rd_kafka_DeleteRecords_t *request = rd_kafka_DeleteRecords_new(below);
    rd_kafka_topic_partition_list_destroy(below);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(asker->client, RD_KAFKA_ADMIN_OP_DELETERECORDS);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, DELETE_REQUEST_MS, NULL, 0);
    asker->deletion = rd_kafka_queue_new(asker->client);
    asker->deletion_task = question->task;
    asker->deletion_end_ms = kafka_now_ms() + DELETE_TIMEOUT_MS;
    rd_kafka_DeleteRecords(asker->client, &request, 1, options, asker->deletion);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_DeleteRecords_destroy(request);
}

static void judge_deletion(rd_kafka_event_t *event, struct status_text *out_text)
{
    if (event == NULL) {
        (void)status_fail(out_text, STATUS_AWAY, "DeleteRecords: no answer");
    } else if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)status_fail(out_text, STATUS_AWAY, "DeleteRecords: %s",
                          rd_kafka_event_error_string(event));
    } else {
        const rd_kafka_DeleteRecords_result_t *result = rd_kafka_event_DeleteRecords_result(event);
        const rd_kafka_topic_partition_list_t *done = rd_kafka_DeleteRecords_result_offsets(result);
        if (done->cnt > 0 && done->elems[0].err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            (void)status_fail(out_text, STATUS_AWAY, "DeleteRecords: %s",
                              rd_kafka_err2str(done->elems[0].err));
        }
    }
}

static void tell_deleted(struct kafka_asker *asker, uint32_t task, const struct status_text *text)
{
    struct kafka_note note = {.kind = KAFKA_NOTE_DELETED, .task = task};
    kafka_inbox_put(asker->inbox, &note, text);
}

/* Wait that long for the deletion under way, if there is one; its end is told. */
static void look_for_deletion(struct kafka_asker *asker, int32_t timeout_ms)
{
    struct status_text text = {""};
    if (asker->deletion == NULL) {
        return;
    }
    rd_kafka_event_t *event = rd_kafka_queue_poll(asker->deletion, timeout_ms);
    if (event == NULL && kafka_now_ms() < asker->deletion_end_ms) {
        return;
    }
    judge_deletion(event, &text);
    if (event != NULL) {
        rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(asker->deletion);
    asker->deletion = NULL;
    tell_deleted(asker, asker->deletion_task, &text);
}

/* Not asked again when it fails: the next checkpoint asks for more. */
static void ask_delete(struct kafka_asker *asker, const struct kafka_question *question)
{
    const struct status_text nothing = {""};
    int64_t needed = 0;
    int64_t kept = 0;
    if (lowest_needed(asker, question, &needed) && first_kept(asker, question, &kept)) {
        begin_deletion(asker, question, needed < kept ? needed : kept);
    } else {
        tell_deleted(asker, question->task, &nothing);
    }
}

/* Bring to the front what may be asked now: deletions give way to all others, and the next one waits
 * for the one under way. False: nothing may. Locked. */
static bool bring_next(struct kafka_asker *asker)
{
    uint32_t left = asker->count;
    for (; left > 0 && asker->questions[asker->first].kind == KAFKA_ASK_DELETE; left--) {
        struct kafka_question deletion = take_first(asker);
        put_last(asker, &deletion);
    }
    return left > 0 || (asker->count > 0 && asker->deletion == NULL);
}

/* Take the next question; when it is about sources, all others of its kind with it. Returns how many;
 * 0: none may be asked now. Locked. */
static uint32_t take_questions(struct kafka_asker *asker, struct kafka_question *out_questions)
{
    if (!bring_next(asker)) {
        return 0;
    }
    out_questions[0] = take_first(asker);
    uint32_t count = 1;
    enum kafka_question_kind kind = out_questions[0].kind;
    if (kind != KAFKA_ASK_OFFSETS && kind != KAFKA_ASK_ENDS) {
        return count;
    }
    uint32_t left = asker->count;
    for (uint32_t i = 0; i < left;
         i++) { /* once around: what is not taken goes back to the end, in order */
        struct kafka_question next = take_first(asker);
        if (next.kind == kind && count < TASKS_PER_REQUEST) {
            out_questions[count++] = next;
        } else {
            put_last(asker, &next);
        }
    }
    return count;
}

static void answer(struct kafka_asker *asker, const struct kafka_question *questions,
                   uint32_t count)
{
    switch (questions[0].kind) {
    case KAFKA_ASK_OFFSETS:
    case KAFKA_ASK_ENDS:
        ask_about_sources(asker, questions, count);
        break;
    case KAFKA_ASK_MARKS:
        ask_marks(asker, &questions[0]);
        break;
    case KAFKA_ASK_DELETE:
        ask_delete(asker, &questions[0]);
        break;
    }
}

static void *ask(void *argument)
{
    struct kafka_asker *asker = argument;
    struct kafka_question questions[TASKS_PER_REQUEST];
    (void)pthread_mutex_lock(&asker->lock);
    while (!asker->stop) {
        if (asker->count == 0 && asker->deletion == NULL) {
            (void)pthread_cond_wait(&asker->changed, &asker->lock);
            continue;
        }
        uint32_t count = take_questions(asker, questions);
        (void)pthread_mutex_unlock(&asker->lock);
        look_for_deletion(asker, count == 0 ? DELETE_STEP_MS : 0);
        if (count > 0) {
            answer(asker, questions, count);
        }
        (void)pthread_mutex_lock(&asker->lock);
    }
    (void)pthread_mutex_unlock(&asker->lock);
    return NULL;
}

enum status kafka_asker_start(struct kafka_asker *asker, uint32_t capacity,
                              struct status_text *out_text)
{
    asker->questions = memory_take(capacity * sizeof(*asker->questions), "kafka: questions");
    asker->capacity = capacity;
    (void)pthread_mutex_init(&asker->lock, NULL);
    (void)pthread_cond_init(&asker->changed, NULL);
    if (pthread_create(&asker->thread, NULL, ask, asker) != 0) {
        return status_fail(out_text, STATUS_AWAY, "kafka: no thread for questions");
    }
    asker->running = true;
    return STATUS_OK;
}

void kafka_asker_stop(struct kafka_asker *asker)
{
    if (!asker->running) {
        return;
    }
    (void)pthread_mutex_lock(&asker->lock);
    asker->stop = true;
    (void)pthread_cond_signal(&asker->changed);
    (void)pthread_mutex_unlock(&asker->lock);
    (void)pthread_join(asker->thread, NULL);
    if (asker->deletion != NULL) {
        rd_kafka_queue_destroy(asker->deletion);
        asker->deletion = NULL;
    }
    asker->running = false;
}
