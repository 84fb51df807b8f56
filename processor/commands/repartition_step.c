/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/repartition_step.h"

#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "io/kafka_look.h"
#include "runtime/route.h"

void repartition_step_init(struct repartition_step *step, const struct connect *connect,
                           enum source source)
{
    const struct settings *settings = &connect->settings;
    *step = (struct repartition_step){.connect = connect, .source = source};
    (void)snprintf(step->group, sizeof(step->group), "%s.repartition.%s", settings->group,
                   source_name(source));
    (void)snprintf(step->instance, sizeof(step->instance), "%s.repartition.%s", settings->instance,
                   source_name(source));
    bool sized = false;
    uint32_t count = connect->kafka.property_count;
    for (uint32_t i = 0; i < count; i++) {
        step->properties[i] = connect->kafka.properties[i];
        sized = sized || strcmp(step->properties[i].name, "message.max.bytes") == 0;
    }
    if (!sized) { /* librdkafka's own limit is lower than what a source may hold */
        step->properties[count++] =
            (struct kafka_property){"message.max.bytes", settings->repartition_message_size};
    }
    step->kafka =
        (struct kafka_log_settings){.connection = connect->kafka,
                                    .group = step->group,
                                    .output_topics = {settings->sources[source].task_topic,
                                                      settings->topics[OUTPUT_DEAD_LETTER]},
                                    .output_count = 2,
                                    .worker_count = 1};
    step->kafka.connection.instance = step->instance;
    step->kafka.connection.properties = step->properties;
    step->kafka.connection.property_count = count;
    step->kafka.topics[source] = settings->sources[source].topic;
}

/* Has the group a committed offset of any partition? Then nothing starts for the first time. */
static enum status ask_begun(const struct repartition_step *step, int32_t timeout_ms,
                             bool *out_begun, struct status_text *out_text)
{
    struct kafka_look *look = NULL;
    struct log_offset offsets[SOURCE_COUNT];
    enum status status =
        kafka_look_open(&step->kafka.connection, step->group, false, timeout_ms, &look, out_text);
    *out_begun = false;
    for (uint32_t p = 0; p < step->source_partitions && status == STATUS_OK && !*out_begun; p++) {
        status = kafka_look_committed(look, step->kafka.topics, p, offsets, out_text);
        *out_begun = status == STATUS_OK && offsets[step->source].offset >= 0;
    }
    kafka_look_close(look);
    return status;
}

/* A partition that nobody has committed begins at its first record when others have been: the topic has grown. */
static enum status find_starts(struct repartition_step *step, struct kafka_admin *admin,
                               int32_t timeout_ms, struct status_text *out_text)
{
    const struct settings_source *source = &step->connect->settings.sources[step->source];
    uint32_t count = step->source_partitions;
    enum status status = STATUS_OK;
    bool begun = true;
    for (uint32_t p = 0; p < count; p++) {
        step->start_offsets[p] = ROUTE_START_FIRST;
    }
    if (source->start == START_LATEST || source->start == START_TIME) {
        status = ask_begun(step, timeout_ms, &begun, out_text);
    }
    if (status != STATUS_OK || begun) {
        return status;
    }
    if (source->start == START_TIME) {
        return kafka_admin_offsets_at(admin, source->topic, count, source->start_ms, timeout_ms,
                                      step->start_offsets, out_text);
    }
    for (uint32_t p = 0; p < count && status == STATUS_OK; p++) {
        int64_t low;
        status = kafka_admin_watermarks(admin, source->topic, p, timeout_ms, &low,
                                        &step->start_offsets[p], out_text);
    }
    return status;
}

enum status repartition_step_look(struct repartition_step *step, struct kafka_admin *admin,
                                  int32_t timeout_ms, struct status_text *out_text)
{
    const struct settings *settings = &step->connect->settings;
    const struct settings_source *source = &settings->sources[step->source];
    const struct kafka_topic_want wants[2] = {{.name = source->topic},
                                              {.name = source->task_topic}};
    struct kafka_topic_state states[2];
    enum status status =
        kafka_admin_describe(admin, wants, ARRAY_COUNT(wants), states, timeout_ms, out_text);
    for (uint32_t i = 0; i < ARRAY_COUNT(wants) && status == STATUS_OK; i++) {
        if (!states[i].exists) {
            status = status_fail(out_text, STATUS_INVALID,
                                 "kafka: topics are missing: %s. Make them: segue topics --create",
                                 wants[i].name);
        }
    }
    if (status != STATUS_OK) {
        return status;
    }
    step->source_partitions = states[0].partition_count;
    step->task_count = states[1].partition_count;
    if (settings->tasks > 0 && settings->tasks != step->task_count) {
        return status_fail(
            out_text, STATUS_INVALID,
            "tasks: %" PRId64
            " in the configuration, but %s has %u partitions: it was made for another "
            "number of tasks, which cannot change (deploy/README.md#more-partitions)",
            settings->tasks, source->task_topic, step->task_count);
    }
    step->start_offsets =
        memory_take(step->source_partitions * sizeof(*step->start_offsets), "start offsets");
    step->deleted = memory_take(step->task_count * sizeof(*step->deleted), "repartition");
    step->below = memory_take(step->task_count * sizeof(*step->below), "repartition");
    return find_starts(step, admin, timeout_ms, out_text);
}

enum status repartition_step_trim(struct repartition_step *step, int32_t timeout_ms,
                                  struct status_text *out_text)
{
    const char *topics[SOURCE_COUNT] = {NULL};
    const struct settings *settings = &step->connect->settings;
    struct log_offset offsets[SOURCE_COUNT];
    struct kafka_look *look = NULL;
    struct kafka_admin *admin = NULL;
    uint32_t some = 0;
    topics[step->source] = settings->sources[step->source].task_topic;
    enum status status =
        kafka_look_open(&step->connect->kafka, settings->group, true, timeout_ms, &look, out_text);
    uint32_t count = step->task_count;
    for (uint32_t t = 0; t < count && status == STATUS_OK; t++) {
        step->below[t] = 0;
        status = kafka_look_committed(look, topics, t, offsets, out_text);
        int64_t read_to = offsets[step->source].offset;
        if (status == STATUS_OK && read_to > step->deleted[t]) {
            step->below[t] = read_to;
            some++;
        }
    }
    kafka_look_close(look);
    if (status != STATUS_OK || some == 0) {
        return status;
    }
    status = kafka_admin_open(&step->connect->kafka, timeout_ms, &admin, out_text);
    if (status == STATUS_OK) {
        status = kafka_admin_delete_before(admin, topics[step->source], count, step->below,
                                           timeout_ms, out_text);
        kafka_admin_close(admin);
    }
    for (uint32_t t = 0; t < count && status == STATUS_OK; t++) {
        step->deleted[t] = step->below[t] > 0 ? step->below[t] : step->deleted[t];
    }
    return status;
}
