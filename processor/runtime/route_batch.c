/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/hash.h"
#include "base/invariant.h"
#include "runtime/cut.h"
#include "runtime/dead_letter.h"
#include "runtime/route_inside.h"

static const char origin_name[] = "segue_origin";

void route_lane_release(struct route *route, struct route_partition *partition)
{
    struct log *log = route->options.log;
    if (partition->at < partition->count) {
        log->ops->release(log, &partition->records[partition->at],
                          partition->count - partition->at);
    }
    partition->at = 0;
    partition->count = 0;
    partition->known = false;
}

void route_batch_release(struct route *route, struct route_batch *batch)
{
    struct log *log = route->options.log;
    if (batch->count > 0) {
        log->ops->release(log, batch->records, batch->count);
    }
    arena_reset(&batch->arena);
    batch->count = 0;
    batch->write_count = 0;
    batch->offset_count = 0;
    batch->bytes = 0;
    batch->written = 0;
    batch->written_bytes = 0;
    batch->began_us = 0;
    memset(batch->rejects, 0, sizeof(batch->rejects));
}

static size_t headers_size(const struct log_record *record)
{
    size_t size = record->key.size;
    for (uint32_t i = 0; i < record->header_count; i++) {
        size += record->headers[i].name.size + record->headers[i].value.size;
    }
    return size;
}

/* Whose is it? `partition->event`, or `partition->reject` says why nobody's. */
static enum worker_decode whose(const struct route *route, struct route_partition *partition,
                                const struct log_record *record)
{
    const struct worker_codec *codec = &route->options.codec;
    struct reject *reject = &partition->reject;
    *reject = (struct reject){0};
    if (!record->has_value && !route->options.by_customer) {
        reject->reason = REJECT_EMPTY; /* its key is no customer */
        return WORKER_REJECTED;
    }
    partition->event.present = 0;
    enum worker_decode decoded = codec->decode(codec->context, record, &partition->event, reject);
    if (decoded != WORKER_DECODED) {
        return decoded;
    }
    struct slice id = partition->event.customer_id;
    if (id.size == 0) {
        reject->reason = REJECT_MISSING_FIELD;
    } else if (id.size > CUSTOMER_ID_SIZE_MAX || headers_size(record) > ROUTE_HEADERS_SIZE_MAX) {
        reject->reason = REJECT_TOO_LARGE;
    } else if (route->options.by_customer && record->has_key && !slice_equal(record->key, id)) {
        reject->reason = REJECT_KEY_MISMATCH;
    }
    return reject->reason == REJECT_NONE ? WORKER_DECODED : WORKER_REJECTED;
}

/* The record's own headers, and where it lay. NULL: no room. */
static struct header *headers_of(struct route *route, struct route_batch *batch,
                                 const struct log_record *record)
{
    char text[320];
    int size = snprintf(text, sizeof(text), "%s/%u/%lld", route->options.source_topic,
                        record->partition, (long long)record->offset);
    INVARIANT(size > 0 && (size_t)size < sizeof(text)); /* a topic's name has at most 249 bytes */
    struct header *headers =
        arena_take(&batch->arena, (record->header_count + 1) * sizeof(*headers));
    struct slice origin = arena_copy(&batch->arena, slice_of(text, (size_t)size));
    if (headers == NULL || origin.size == 0) {
        return NULL;
    }
    if (record->header_count > 0) {
        memcpy(headers, record->headers, record->header_count * sizeof(*headers));
    }
    headers[record->header_count] = (struct header){slice_text(origin_name), origin};
    return headers;
}

/* False: the arena is full. */
static bool write_record(struct route *route, struct route_batch *batch,
                         const struct route_partition *partition, const struct log_record *record)
{
    struct slice id = partition->event.customer_id;
    struct header *headers = headers_of(route, batch, record);
    struct slice key = arena_copy(&batch->arena, id); /* a mapping's constant is nobody's record */
    if (headers == NULL || key.size == 0) {
        return false;
    }
    /* A time that lies ahead would be refused by brokers from 4.0 on, and says nothing. */
    int64_t time_ms = record->append_ms < route->wall_ms ? record->append_ms : route->wall_ms;
    batch->writes[batch->write_count++] =
        (struct log_write){.topic = route->options.topic,
                           .partition = (int32_t)hash_partition(id, route->options.task_count),
                           .key = key,
                           .has_key = true,
                           .value = record->value,
                           .has_value = record->has_value,
                           .timestamp_ms = time_ms > 0 ? time_ms : 0,
                           .headers = headers,
                           .header_count = record->header_count + 1};
    batch->written++;
    batch->written_bytes += key.size + record->value.size + headers_size(record);
    return true;
}

static bool write_reject(struct route *route, struct route_batch *batch,
                         const struct log_record *record, const struct reject *reject)
{
    struct output output = {.kind = OUTPUT_DEAD_LETTER};
    struct log_write *write = &batch->writes[batch->write_count];
    dead_letter_fill(&output, route->options.source_topic, record, reject,
                     hash64(slice_text(route->options.source_topic), 0));
    if (route->options.codec.encode(route->options.codec.context, &output, route->wall_ms,
                                    &batch->arena, write) != STATUS_OK) {
        return false;
    }
    write->timestamp_ms = 0;
    batch->write_count++;
    batch->rejects[reject->reason]++;
    return true;
}

/* The record before the committed offset must still be the same: else somebody replaced the topic. */
static bool verify(struct route *route, struct route_partition *partition,
                   const struct log_record *record)
{
    uint64_t wanted = partition->verify;
    if (wanted == 0 || record->offset != partition->position - 1) {
        return true;
    }
    partition->verify = 0;
    if (cut_fingerprint(record->has_value ? record->value : record->key) == wanted) {
        return true;
    }
    route_halt(
        route, partition, HALT_INPUT_REPLACED,
        "offset %lld of %s is another record than the one that was read: the topic was replaced or "
        "lost data; "
        "when the new one is wanted, move the group's offset of partition %u and start again",
        (long long)record->offset, route->options.source_topic, partition->number);
    return false;
}

static bool has_room(const struct route *route)
{
    const struct route_batch *batch = &route->batches[route->building];
    return batch->count < route->options.records_max &&
           batch->bytes < route->options.input_bytes_max;
}

/* The record in hand goes into the batch. False: it does not fit. */
static bool take_record(struct route *route, struct route_partition *partition)
{
    struct route_batch *batch = &route->batches[route->building];
    struct log_record *record = &partition->records[partition->at];
    bool written = partition->decoded == WORKER_DECODED
                       ? write_record(route, batch, partition, record)
                       : write_reject(route, batch, record, &partition->reject);
    if (!written) {
        INVARIANT(batch->count > 0); /* one always fits into an empty batch */
        batch->bytes = route->options.input_bytes_max;
        return false;
    }
    if (batch->began_us == 0) {
        batch->began_us = route->now_us;
    }
    batch->bytes += record->key.size + record->value.size;
    batch->records[batch->count++] = *record; /* ours until the transaction has ended */
    partition->touched = true;
    partition->verify = 0; /* compacted away, if it did not come */
    partition->position = record->offset + 1;
    partition->fingerprint = cut_fingerprint(record->has_value ? record->value : record->key);
    partition->known = false;
    partition->at++;
    return true;
}

/* Nothing of it is here: has it records that have not come yet? */
static bool is_coming(struct route *route, const struct route_partition *partition)
{
    struct log *log = route->options.log;
    bool empty = false;
    int64_t end = log->ops->high_watermark(log, partition->number, route->options.source, &empty);
    return !empty && (end < 0 || partition->position < 0 || partition->position < end);
}

/* Have a record of this partition in hand, decoded. False: there is none that may be taken. */
static bool look(struct route *route, struct route_partition *partition)
{
    struct log *log = route->options.log;
    while (!partition->known) {
        if (partition->empty_in == route->fills || route->now_us < partition->retry_us) {
            return false;
        }
        if (partition->at == partition->count) {
            partition->at = 0;
            partition->count = log->ops->fetch(log, partition->number, SOURCE_COUNT,
                                               partition->records, ROUTE_LANE);
        }
        if (partition->at == partition->count) {
            partition->empty_in = route->fills;
            partition->coming = is_coming(route, partition);
            return false;
        }
        struct log_record *record = &partition->records[partition->at];
        if (!verify(route, partition, record)) {
            return false;
        }
        if (partition->position >= 0 && record->offset < partition->position) {
            log->ops->release(log, record, 1); /* read once more to verify it */
            partition->at++;
            continue;
        }
        partition->decoded = whose(route, partition, record);
        if (partition->decoded == WORKER_WAIT) {
            partition->retry_us = route->now_us + ROUTE_RETRY_US;
            return false;
        }
        partition->known = true;
        partition->given_up = false;
    }
    return true;
}

/* Garbage has no time. Neither has what the tasks will refuse: by its time it would be the last of all, and hold
 * back whatever comes after it in its partition. */
static bool goes_at_once(const struct route *route, const struct route_partition *partition)
{
    const char *field;
    return partition->decoded == WORKER_REJECTED ||
           event_is_beyond(&partition->event, route->wall_ms + WORKER_STREAM_FUTURE_MS_MAX, &field);
}

/* The partition whose event is the earliest. NULL: none, or one must be waited for: a task's now follows its
 * events, and what comes far ahead of its neighbours would move it. */
static struct route_partition *earliest(struct route *route)
{
    struct route_partition *first = NULL;
    bool coming = false;
    for (uint32_t i = 0; i < route->options.partition_count; i++) {
        struct route_partition *partition = &route->partitions[i];
        if (partition->state == TASK_LIVE && look(route, partition)) {
            if (goes_at_once(route, partition)) {
                return partition;
            }
            if (first == NULL || partition->event.time_ms < first->event.time_ms) {
                first = partition;
            }
        } else if (!partition
                        ->given_up) { /* a schema that is not known yet is waited for as well */
            coming = coming || partition->state == TASK_CLAIMING ||
                     (partition->state == TASK_LIVE &&
                      (partition->coming || partition->at < partition->count));
        }
    }
    if (!coming || first == NULL) {
        route->held_us = 0;
        return first;
    }
    route->held_us = route->held_us == 0 ? route->now_us : route->held_us;
    if ((route->now_us - route->held_us) / 1000 < route->options.merge_wait_ms) {
        return NULL;
    }
    for (uint32_t i = 0; i < route->options.partition_count; i++) {
        route->partitions[i].given_up = !route->partitions[i].known;
    }
    return first;
}

bool route_fill(struct route *route)
{
    route->fills++;
    for (uint32_t i = 0; i < ROUTE_LANE; i++) {
        struct route_partition *partition = has_room(route) ? earliest(route) : NULL;
        if (partition == NULL || !take_record(route, partition)) {
            return false;
        }
    }
    return true;
}
