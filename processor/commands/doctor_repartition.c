/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/doctor_repartition.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/hash.h"
#include "io/clock.h"
#include "io/kafka_admin.h"
#include "io/kafka_look.h"
#include "runtime/live_codec.h"

enum { NAME_SIZE = 320, ORIGIN_SIZE = 24, SCHEMA_WAIT_US = 20000, ORIGIN_TEXT = 13 };

/* What was seen of one source. */
struct seen {
    uint32_t partitions;
    uint64_t records; /* sampled */
    uint64_t decoded, other_key, other_partition;
    uint64_t bytes; /* of what was decoded, as the step would write it */
    uint64_t held;  /* records in the whole topic */
    int64_t first_ms,
        last_ms; /* of the sampled partitions' oldest and newest record; 0: not known */
};

struct ask {
    const struct connect *connect;
    struct doctor_report *report;
    struct kafka_look *look;
    struct worker_codec codec;
    struct event event;
    uint32_t task_count; /* 0: not known */
    int64_t end_us;      /* of the monotonic clock: the partition's sample has had its time */
};

static bool is_over(const struct ask *ask)
{
    struct clock *clock = clock_system();
    return clock->ops->monotonic_us(clock) > ask->end_us;
}

/* Decode one, waiting for its schema as long as the partition's sample may take. */
static enum worker_decode decode(struct ask *ask, const struct log_record *record)
{
    struct reject reject = {0};
    for (;;) {
        ask->event.present = 0;
        enum worker_decode decoded =
            ask->codec.decode(ask->codec.context, record, &ask->event, &reject);
        if (decoded != WORKER_WAIT || is_over(ask)) {
            return decoded;
        }
        (void)usleep(SCHEMA_WAIT_US);
    }
}

static void see_record(struct ask *ask, const struct log_record *record, struct seen *seen)
{
    seen->records++;
    if (!record->has_value || decode(ask, record) != WORKER_DECODED) {
        return;
    }
    struct slice id = ask->event.customer_id;
    seen->decoded++;
    seen->other_key += record->has_key && !slice_equal(record->key, id);
    seen->other_partition += hash_partition(id, seen->partitions) != record->partition;
    seen->bytes += id.size + record->value.size + ORIGIN_SIZE + ORIGIN_TEXT;
    for (uint32_t i = 0; i < record->header_count; i++) {
        seen->bytes += record->headers[i].name.size + record->headers[i].value.size;
    }
}

/* The newest records of one partition, and the time of its oldest. False: it could not be read. */
static bool see_partition(struct ask *ask, enum source source, uint32_t partition,
                          struct seen *seen)
{
    const char *topic = ask->connect->settings.sources[source].topic;
    struct log_record record;
    struct status_text text;
    int64_t low = 0, high = 0;
    if (kafka_look_marks(ask->look, topic, partition, &low, &high, &text) != STATUS_OK) {
        return false;
    }
    seen->held += (uint64_t)(high - low);
    if (high == low || partition >= DOCTOR_SAMPLE_PARTITIONS) {
        return true;
    }
    if (kafka_look_at(ask->look, topic, partition, low, &text) == STATUS_OK &&
        kafka_look_next(ask->look, &record, &text) == STATUS_OK && record.append_ms > 0) {
        seen->first_ms = seen->first_ms == 0 || record.append_ms < seen->first_ms ? record.append_ms
                                                                                  : seen->first_ms;
    }
    int64_t from = high - DOCTOR_SAMPLE > low ? high - DOCTOR_SAMPLE : low;
    if (kafka_look_at(ask->look, topic, partition, from, &text) != STATUS_OK) {
        return false;
    }
    /* Others go on writing: the end of the topic is no end, the mark that was seen is, and the time. */
    struct clock *clock = clock_system();
    ask->end_us = clock->ops->monotonic_us(clock) + INT64_C(1000) * ask->report->timeout_ms;
    bool more = true;
    while (more && !is_over(ask) && kafka_look_next(ask->look, &record, &text) == STATUS_OK) {
        more = record.offset + 1 < high;
        record.source = (uint8_t)source;
        record.partition = partition;
        see_record(ask, &record, seen);
        seen->last_ms = record.append_ms > seen->last_ms ? record.append_ms : seen->last_ms;
    }
    return true;
}

/* "about 310 bytes and 50 ms more an event; 86 MiB a day" */
static void cost_text(const struct ask *ask, const struct seen *seen, char *out, size_t size)
{
    uint64_t bytes = seen->decoded == 0 ? 0 : seen->bytes / seen->decoded;
    int64_t span_ms = seen->last_ms - seen->first_ms;
    int used = snprintf(out, size, "an event costs ");
    used += bytes == 0
                ? snprintf(out + used, size - (size_t)used, "its own bytes once more")
                : snprintf(out + used, size - (size_t)used, "about %" PRIu64 " bytes", bytes);
    used += snprintf(out + used, size - (size_t)used,
                     " in Kafka until the tasks have read it, and comes up to %" PRId64 " ms later",
                     ask->connect->settings.commit_interval_ms);
    if (bytes > 0 && seen->first_ms > 0 && span_ms > MS_PER_MINUTE) {
        double a_day = (double)seen->held / ((double)span_ms / MS_PER_DAY);
        (void)snprintf(out + used, size - (size_t)used,
                       "; at %.0f events a day that is %.1f MiB a day", a_day,
                       a_day * (double)bytes / (1 << 20));
    }
}

/* How far is the step? */
static void judge_step(struct ask *ask, enum source source, uint32_t partitions, const char *cost)
{
    const struct settings *settings = &ask->connect->settings;
    const char *topics[SOURCE_COUNT] = {NULL};
    struct kafka_look *look = NULL;
    struct log_offset offsets[SOURCE_COUNT];
    struct status_text text = {""};
    char group[NAME_SIZE];
    int64_t waiting = 0;
    uint32_t untouched = 0;
    topics[source] = settings->sources[source].topic;
    (void)snprintf(group, sizeof(group), "%s.repartition.%s", settings->group, source_name(source));
    struct kafka_connection connection = ask->connect->kafka;
    connection.log_function = NULL;
    enum status status =
        kafka_look_open(&connection, group, false, ask->report->timeout_ms, &look, &text);
    for (uint32_t p = 0; p < partitions && status == STATUS_OK; p++) {
        int64_t low = 0, high = 0;
        status = kafka_look_committed(look, topics, p, offsets, &text);
        if (status == STATUS_OK) {
            status = kafka_look_marks(look, topics[source], p, &low, &high, &text);
        }
        if (status == STATUS_OK) {
            int64_t at = offsets[source].offset;
            if (at >= 0 && (at < low || at > high)) {
                doctor_add(
                    ask->report, "halt", DOCTOR_FAIL,
                    "restore it, or move the group's offset (deploy/README.md#repartition_halted)",
                    "input_gone: %s [%u] has offsets %" PRId64 " to %" PRId64 ", %" PRId64
                    " comes next for the group %s",
                    topics[source], p, low, high, at, group);
            }
            untouched += at < 0 && high > low;
            waiting += high - (at < low ? low : at);
        }
    }
    kafka_look_close(look);
    if (status != STATUS_OK) {
        doctor_add(ask->report, "repartition", DOCTOR_AWAY, "run segue doctor again", "%s",
                   text.text);
        return;
    }
    bool idle = untouched > 0 && untouched == partitions;
    doctor_add(ask->report, "repartition", idle ? DOCTOR_WARN : DOCTOR_OK,
               idle ? "start `segue repartition` with this configuration" : NULL,
               "%s -> %s: %s%" PRId64 " records wait; %s", topics[source],
               settings->sources[source].task_topic, idle ? "nothing was read yet, " : "", waiting,
               cost);
}

static void judge_source(struct ask *ask, enum source source, const struct seen *seen)
{
    const struct settings_source *of = &ask->connect->settings.sources[source];
    char cost[DOCTOR_TEXT_SIZE / 2], mend[DOCTOR_TEXT_SIZE];
    bool count_differs = ask->task_count != 0 && seen->partitions != ask->task_count;
    const char *how = seen->other_key > 0 ? "key" : "partitions";
    cost_text(ask, seen, cost, sizeof(cost));
    (void)snprintf(
        mend, sizeof(mend),
        "sources.%s.repartition: %s; segue topics --create; run `segue repartition` (%s)",
        source_name(source), how, cost);
    if (seen->other_key > 0 && of->repartition != REPARTITION_KEY) {
        doctor_add(ask->report, "repartition", DOCTOR_FAIL, mend,
                   "%s is not keyed by the customer: %" PRIu64 " of %" PRIu64
                   " sampled records have another key",
                   of->topic, seen->other_key, seen->decoded);
    } else if (of->repartition == REPARTITION_OFF && count_differs) {
        doctor_add(ask->report, "repartition", DOCTOR_FAIL, mend,
                   "%s has %u partitions, there are %u tasks", of->topic, seen->partitions,
                   ask->task_count);
    } else if (of->repartition == REPARTITION_OFF && seen->other_partition > 0) {
        doctor_add(ask->report, "repartition", DOCTOR_FAIL, mend,
                   "%s is keyed by the customer, but %" PRIu64 " of %" PRIu64
                   " sampled records lie where another partitioner, or another count, put them",
                   of->topic, seen->other_partition, seen->decoded);
    } else if (of->repartition != REPARTITION_OFF) {
        judge_step(ask, source, seen->partitions, cost);
        if (!count_differs && ask->task_count != 0 && seen->decoded > 0 && seen->other_key == 0 &&
            seen->other_partition == 0) {
            doctor_add(ask->report, "repartition", DOCTOR_WARN, NULL,
                       "%s is partitioned as the tasks are: a new application could do without "
                       "the step",
                       of->topic);
        }
    } else {
        doctor_add(ask->report, "repartition", DOCTOR_OK, NULL,
                   "%s needs none: %u partitions, %" PRIu64 " sampled keys are the customers",
                   of->topic, seen->partitions, seen->decoded);
    }
}

/* What the number of tasks is: said, or what the topics have that the tasks read. */
static enum status count(struct ask *ask, uint32_t out_partitions[SOURCE_COUNT],
                         struct status_text *out_text)
{
    const struct settings *settings = &ask->connect->settings;
    struct kafka_connection connection = ask->connect->kafka;
    struct kafka_topic_want wants[2 * SOURCE_COUNT] = {0};
    struct kafka_topic_state states[2 * SOURCE_COUNT] = {0};
    struct kafka_admin *admin = NULL;
    connection.log_function = NULL;
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        wants[s].name = settings->sources[s].topic;
        wants[SOURCE_COUNT + s].name = settings->sources[s].task_topic;
    }
    ask->task_count = (uint32_t)settings->tasks;
    enum status status = kafka_admin_open(&connection, ask->report->timeout_ms, &admin, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    status = kafka_admin_describe(admin, wants, ARRAY_COUNT(wants), states, ask->report->timeout_ms,
                                  out_text);
    for (uint32_t s = 0; s < SOURCE_COUNT && status == STATUS_OK; s++) {
        bool used = settings->sources[s].used;
        out_partitions[s] = used && states[s].exists ? states[s].partition_count : 0;
        if (ask->task_count == 0 && used && states[SOURCE_COUNT + s].exists) {
            ask->task_count = states[SOURCE_COUNT + s].partition_count;
        }
    }
    kafka_admin_close(admin);
    return status;
}

static enum status open_codec(struct ask *ask, struct registry **out_registry,
                              struct status_text *out_text)
{
    const struct settings *settings = &ask->connect->settings;
    struct registry_settings how = connect_registry(ask->connect);
    struct live_codec *codec = NULL;
    enum status status = registry_open(out_registry, &how, out_text);
    struct live_codec_options options = {.registry = *out_registry,
                                         .application = settings->application,
                                         .record_size_max = settings->record_size_max,
                                         .decode_only = true};
    for (int i = 0; i < SOURCE_COUNT; i++) {
        options.mappings[i] = &settings->sources[i].mapping;
    }
    if (status == STATUS_OK) {
        status = live_codec_open(&options, &codec, out_text);
    }
    if (status == STATUS_OK) {
        ask->codec = live_codec_interface(codec);
    }
    return status;
}

void doctor_check_repartition(const struct connect *connect, struct doctor_report *report)
{
    static struct ask ask;
    uint32_t partitions[SOURCE_COUNT] = {0};
    struct kafka_connection connection = connect->kafka;
    struct registry *registry = NULL;
    struct status_text text = {""};
    ask.connect = connect;
    ask.report = report;
    connection.log_function = NULL;
    for (uint32_t i = 0; i < report->count; i++) {
        const struct doctor_line *line = &report->lines[i];
        if (line->level == DOCTOR_AWAY &&
            (strcmp(line->name, "brokers") == 0 || strcmp(line->name, "registry") == 0)) {
            return; /* it is said; there is nobody to ask */
        }
    }
    enum status status = count(&ask, partitions, &text);
    if (status == STATUS_OK) {
        status = open_codec(&ask, &registry, &text);
    }
    if (status == STATUS_OK) {
        status = kafka_look_open(&connection, "segue-reader", true, report->timeout_ms, &ask.look,
                                 &text);
    }
    for (int s = 0; s < SOURCE_COUNT && status == STATUS_OK; s++) {
        struct seen seen = {.partitions = partitions[s]};
        bool good = partitions[s] > 0;
        for (uint32_t p = 0; p < partitions[s] && good; p++) {
            good = see_partition(&ask, (enum source)s, p, &seen);
        }
        if (good) {
            judge_source(&ask, (enum source)s, &seen);
        }
    }
    if (status != STATUS_OK) {
        doctor_add(report, "repartition", DOCTOR_AWAY, "run segue doctor again", "%s", text.text);
    }
    kafka_look_close(ask.look);
    if (registry != NULL) {
        registry_close(registry);
    }
}
