/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/doctor_checks.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/show.h"
#include "base/zone.h"
#include "commands/erase_dates.h"
#include "commands/kafka_acls.h"
#include "commands/redis_permissions.h"
#include "commands/topic_list.h"
#include "io/kafka_permissions.h"

enum {
    REPLY_SIZE_MAX = 256 * 1024,
    SUBJECT_SIZE = 256,
    FILES_MIN = 4096,
    SKEW_WARN_MS = 1000,
    SKEW_FAIL_MS = 60000, /* DESIGN 6.6: the wall clock may lead by so much */
    MEMORY_WARN_PERCENT = 80,
    REDIS_MAJOR_MIN = 6, /* ACLs */
};

void doctor_add(struct doctor_report *report, const char *name, enum doctor_level level,
                const char *mend, const char *format, ...)
{
    if (report->count == DOCTOR_LINES_MAX) {
        return;
    }
    struct doctor_line *line = &report->lines[report->count++];
    *line = (struct doctor_line){.name = name, .level = level};
    (void)snprintf(line->mend, sizeof(line->mend), "%s", mend == NULL ? "" : mend);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line->text, sizeof(line->text), format, arguments);
    va_end(arguments);
}

static enum doctor_level level_of(enum status status)
{
    return status == STATUS_OK ? DOCTOR_OK : status == STATUS_AWAY ? DOCTOR_AWAY : DOCTOR_FAIL;
}

/* --- Kafka */

static void check_topic(const char *brokers, const struct kafka_topic_want *want,
                        const struct kafka_topic_state *state, struct doctor_report *report)
{
    char mend[DOCTOR_TEXT_SIZE];
    if (state->denied) {
        doctor_add(report, "kafka acl", DOCTOR_FAIL,
                   "segue topics --acls User:NAME prints all that are needed",
                   "%s may not be seen: neither Read nor Write of topic %s is permitted",
                   want->name, want->name);
        return;
    }
    if (!state->exists) {
        doctor_add(report, "topic", DOCTOR_FAIL, "segue topics --create", "%s does not exist",
                   want->name);
        return;
    }
    if (want->config_count > 0 && !state->values_known) {
        doctor_add(report, "topic", DOCTOR_WARN, "allow DescribeConfigs on the topic",
                   "%s: its configuration may not be read", want->name);
        return;
    }
    bool good = true;
    for (uint32_t i = 0; i < want->config_count; i++) {
        const struct kafka_property *config = &want->config[i];
        if (strcmp(state->values[i], config->value) == 0) {
            continue;
        }
        good = false;
        (void)snprintf(
            mend, sizeof(mend),
            "kafka-configs.sh --bootstrap-server %s --alter --topic %s --add-config %s=%s", brokers,
            want->name, config->name, config->value);
        doctor_add(report, "topic", DOCTOR_FAIL, mend, "%s: %s is %s, not %s", want->name,
                   config->name, state->values[i], config->value);
    }
    if (good) {
        doctor_add(report, "topic", DOCTOR_OK, NULL, "%s, %u partition%s", want->name,
                   state->partition_count, show_s(state->partition_count));
    }
}

/* Of what the tasks read. How a source gets there is doctor_repartition.c's. */
static void check_partitions(const struct settings *settings, const struct kafka_topic_want *wants,
                             const struct kafka_topic_state *states, uint32_t count,
                             struct doctor_report *report)
{
    uint32_t tasks = 0, first = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool read = false;
        for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
            read = read || (settings->sources[s].used &&
                            strcmp(settings->sources[s].task_topic, wants[i].name) == 0);
        }
        if (!read || !states[i].exists) {
            continue;
        }
        if (tasks == 0) {
            tasks = states[i].partition_count;
            first = i;
        }
        if (states[i].partition_count != tasks) {
            doctor_add(
                report, "tasks", DOCTOR_FAIL,
                "`repartition: partitions` for those that differ, or the same number for all",
                "%s has %u partitions, %s %u: a customer would be in two tasks", wants[i].name,
                states[i].partition_count, wants[first].name, tasks);
            return;
        }
    }
    if (settings->tasks > 0 && tasks > 0 && (int64_t)tasks != settings->tasks) {
        doctor_add(report, "tasks", DOCTOR_FAIL,
                   "set `tasks` to the sources' partition count; did they grow? "
                   "deploy/README.md#more-partitions",
                   "the sources have %u partitions, `tasks` says %lld", tasks,
                   (long long)settings->tasks);
    }
}

static void check_topics(const struct connect *connect, struct kafka_admin *admin,
                         struct doctor_report *report)
{
    const struct topic_sizes sizes = {.task_count = 1, .output_count = 1, .journal_count = 1};
    struct kafka_topic_want wants[TOPIC_LIST_MAX];
    struct kafka_topic_state states[TOPIC_LIST_MAX];
    struct status_text text = {""};
    uint32_t count = topic_list_fill(&connect->settings, &sizes, wants);
    enum status status =
        kafka_admin_describe(admin, wants, count, states, report->timeout_ms, &text);
    if (status != STATUS_OK) {
        doctor_add(report, "topics", level_of(status), "allow Describe on topics and groups", "%s",
                   text.text);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        check_topic(connect->settings.brokers, &wants[i], &states[i], report);
    }
    check_partitions(&connect->settings, wants, states, count, report);
}

/* A bank must be able to say by when an erased customer is gone, and finds out otherwise on the day it is asked. */
static void check_erasure(const struct connect *connect, struct kafka_admin *admin,
                          struct doctor_report *report)
{
    static struct erase_topics topics;
    char names[DOCTOR_TEXT_SIZE - 128] = "";
    struct status_text text = {""};
    size_t size = 0;
    uint32_t endless = 0;
    topics = (struct erase_topics){0};
    erase_topics_fill(&topics, &connect->settings);
    if (kafka_admin_describe(admin, topics.wants, topics.count, topics.states, report->timeout_ms,
                             &text) != STATUS_OK) {
        return; /* as check_topics has said */
    }
    bool all = true;
    for (uint32_t i = 0; i < topics.count; i++) {
        if (erase_topic_is_endless(&topics, i)) {
            const char *name = topics.wants[i].name;
            all = all && size + strlen(name) + 2 * sizeof(", ..") < sizeof(names);
            if (all) {
                size += (size_t)snprintf(names + size, sizeof(names) - size, "%s%s",
                                         endless == 0 ? "" : ", ", name);
            }
            endless++;
        }
    }
    (void)snprintf(names + size, sizeof(names) - size, "%s", all ? "" : ", ..");
    if (endless > 0) {
        doctor_add(
            report, "erasure", DOCTOR_WARN,
            "set retention.ms, of compacted ones max.compaction.lag.ms; `segue erase --dry-run "
            "CUSTOMER` says of each which: deploy/README.md#erasing-a-customer",
            "an erased customer is never gone for certain from %u topic%s: %s", endless,
            show_s(endless), names);
    }
}

/* Under a transactional id of its own: that of a running process would fence it. */
static void check_kafka_acls(const struct connect *connect, struct doctor_report *report)
{
    struct kafka_log_settings settings = kafka_acls_settings(connect);
    struct kafka_denial denials[KAFKA_DENIALS_MAX];
    char mend[DOCTOR_TEXT_SIZE];
    struct status_text text = {""};
    uint32_t count = 0;
    for (uint32_t i = 0; i < report->count; i++) {
        bool of_topic = strcmp(report->lines[i].name, "topic") == 0 ||
                        strcmp(report->lines[i].name, "kafka acl") == 0;
        if (of_topic && report->lines[i].level == DOCTOR_FAIL) {
            return; /* what does not exist cannot be asked about */
        }
    }
    settings.connection.instance = "doctor";
    settings.connection.log_function = NULL;
    enum status status =
        kafka_permissions_ask(&settings, report->timeout_ms, denials, &count, &text);
    if (status != STATUS_OK) {
        doctor_add(report, "kafka acl", level_of(status), "run segue doctor again", "%s",
                   text.text);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        kafka_permission_command(&denials[i], connect->settings.brokers, "User:NAME", mend,
                                 sizeof(mend));
        doctor_add(report, "kafka acl", DOCTOR_FAIL, mend, "%s of %s %s is not permitted",
                   denials[i].operation, denials[i].resource + 2, denials[i].name);
    }
    if (count == 0) {
        doctor_add(report, "kafka acl", DOCTOR_OK, NULL,
                   "the user may read and write what Segue does");
    }
}

void doctor_check_kafka(const struct connect *connect, struct doctor_report *report)
{
    struct kafka_admin *admin = NULL;
    struct status_text text = {""};
    struct kafka_connection connection = connect->kafka;
    connection.log_function = NULL; /* its words would stand between ours */
    enum status status = kafka_admin_open(&connection, report->timeout_ms, &admin, &text);
    if (status != STATUS_OK) {
        doctor_add(report, "brokers", level_of(status),
                   "start Kafka, or set `brokers` to where it is", "%s", text.text);
        return;
    }
    doctor_add(report, "brokers", DOCTOR_OK, NULL, "%s: %u, cluster %s", connect->settings.brokers,
               kafka_admin_broker_count(admin), kafka_admin_cluster_id(admin));
    check_topics(connect, admin, report);
    check_erasure(connect, admin, report);
    kafka_admin_close(admin);
    check_kafka_acls(connect, report);
}

/* --- the registry */

static void check_subject(struct registry *registry, const char *topic, enum doctor_level absent,
                          const char *mend, struct doctor_report *report)
{
    char subject[SUBJECT_SIZE];
    struct registry_version version;
    struct status_text text = {""};
    (void)snprintf(subject, sizeof(subject), "%s-value", topic);
    enum status status = registry_latest(registry, subject, &version, &text);
    if (status == STATUS_OK) {
        doctor_add(report, "schema", DOCTOR_OK, NULL, "%s: version %d, id %u", subject,
                   version.version, version.id);
    } else if (status == STATUS_AWAY) {
        doctor_add(report, "schema", DOCTOR_AWAY, "run segue doctor again", "%s", text.text);
    } else {
        doctor_add(report, "schema", absent, mend, "%s is not registered", subject);
    }
}

void doctor_check_registry(const struct connect *connect, struct doctor_report *report)
{
    const struct settings *settings = &connect->settings;
    struct registry_settings how = connect_registry(connect);
    struct registry *registry = NULL;
    struct status_text text = {""};
    how.attempts = 2;
    enum status status = registry_open(&registry, &how, &text);
    if (status != STATUS_OK) {
        doctor_add(report, "registry", DOCTOR_FAIL, "mend `registry` in the configuration", "%s",
                   text.text);
        return;
    }
    status = registry_ping(registry, &text);
    if (status != STATUS_OK) {
        doctor_add(report, "registry", level_of(status),
                   "start the registry, or set registry.url and registry.base_path", "%s",
                   text.text);
        registry_close(registry);
        return;
    }
    doctor_add(report, "registry", DOCTOR_OK, NULL, "%s%s answers", how.urls[0], how.base_path);
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        if (settings->sources[s].used) {
            check_subject(registry, settings->sources[s].topic, DOCTOR_WARN,
                          "the producer registers it; Segue needs only the ids in the records",
                          report);
        }
    }
    for (uint32_t k = 0; k < OUTPUT_KIND_COUNT; k++) {
        check_subject(registry, settings->topics[k],
                      settings->registry.auto_register ? DOCTOR_OK : DOCTOR_FAIL,
                      settings->registry.auto_register
                          ? NULL
                          : "register schemas/, or set registry.auto_register",
                      report);
    }
    registry_close(registry);
}

/* --- Redis */

static void check_permissions(const struct connect *connect, struct redis_store *redis,
                              struct doctor_report *report)
{
    char mend[DOCTOR_TEXT_SIZE];
    struct status_text text = {""};
    enum status status =
        redis_permissions_ask(connect, redis, report->timeout_ms, mend, sizeof(mend), &text);
    if (status == STATUS_OK) {
        doctor_add(report, "redis acl", DOCTOR_OK, NULL, "the user may do all that Segue does");
    } else {
        doctor_add(report, "redis acl", level_of(status),
                   status == STATUS_INVALID ? mend : "run segue doctor again", "%s", text.text);
    }
}

static void check_facts(const struct redis_facts *facts, struct doctor_report *report)
{
    bool old = strtol(facts->version, NULL, 10) < REDIS_MAJOR_MIN;
    doctor_add(report, "redis version", old ? DOCTOR_WARN : DOCTOR_OK,
               old ? "upgrade Redis to 6 or newer: older ones know no users" : NULL, "%s, %s",
               facts->version, facts->mode);
    uint64_t percent = facts->maxmemory == 0 ? 0 : facts->used_memory * 100 / facts->maxmemory;
    bool tight = percent >= MEMORY_WARN_PERCENT;
    char limit[40] = "no limit";
    if (facts->maxmemory > 0) {
        (void)snprintf(limit, sizeof(limit), "limit %llu MiB",
                       (unsigned long long)(facts->maxmemory >> 20));
    }
    doctor_add(report, "redis memory", tight ? DOCTOR_WARN : DOCTOR_OK,
               tight ? "redis-cli config set maxmemory MORE" : NULL, "%llu MiB used, %s",
               (unsigned long long)(facts->used_memory >> 20), limit);
    if (facts->server_time_ms == 0) {
        return; /* Redis before 7 does not tell */
    }
    int64_t skew_ms = facts->server_time_ms - facts->asked_ms;
    int64_t size_ms = skew_ms < 0 ? -skew_ms : skew_ms;
    enum doctor_level level = size_ms >= SKEW_FAIL_MS   ? DOCTOR_FAIL
                              : size_ms >= SKEW_WARN_MS ? DOCTOR_WARN
                                                        : DOCTOR_OK;
    doctor_add(report, "clock", level,
               level == DOCTOR_OK ? NULL : "timedatectl set-ntp true (on both machines)",
               "Redis' clock is %lld ms %s ours", (long long)size_ms,
               skew_ms < 0 ? "behind" : "ahead of");
}

void doctor_check_redis(const struct connect *connect, struct doctor_report *report)
{
    struct redis_settings settings = connect_redis(connect, 1);
    struct redis_store *redis = NULL;
    struct status_text text = {""};
    settings.read_reply_size_max = REPLY_SIZE_MAX;
    enum status status = redis_store_open(&redis, &settings, clock_system(), &text);
    if (status != STATUS_OK) {
        doctor_add(report, "redis", DOCTOR_FAIL, "mend `redis` in the configuration", "%s",
                   text.text);
        return;
    }
    status = redis_store_wait_ready(redis, 0, report->timeout_ms, &text);
    if (status == STATUS_OK) {
        doctor_add(report, "redis", DOCTOR_OK, NULL, "%s: primary, maxmemory-policy noeviction",
                   settings.transport.address);
        check_facts(redis_store_facts(redis), report);
        check_permissions(connect, redis, report);
    } else {
        /* The text may name the mend itself, behind "; mend: ". */
        char *mend = strstr(text.text, "; mend: ");
        const char *otherwise = status == STATUS_AWAY
                                    ? "start Redis, or set redis.address to where it is"
                                    : "mend `redis` in the configuration";
        if (mend != NULL) {
            *mend = '\0';
            otherwise = mend + strlen("; mend: ");
        }
        doctor_add(report, "redis", level_of(status), otherwise, "%s", text.text);
    }
    redis_store_close(redis);
}

/* --- this machine */

void doctor_check_machine(struct doctor_report *report)
{
    const struct zones *zones = NULL;
    struct status_text text = {""};
    bool there = zones_load(&zones, &text) == STATUS_OK;
    bool good = there && zones_find(zones, slice_text("Europe/London")) >= 0;
    doctor_add(report, "time zones", good ? DOCTOR_OK : DOCTOR_FAIL,
               good ? NULL : "apt-get install tzdata", "%s",
               good    ? "the system's zone data is complete"
               : there ? "Europe/London is missing"
                       : text.text);
    struct rlimit files = {0, 0};
    (void)getrlimit(RLIMIT_NOFILE, &files);
    bool few = files.rlim_cur < FILES_MIN;
    doctor_add(report, "files", few ? DOCTOR_WARN : DOCTOR_OK,
               few ? "ulimit -n 65536 (systemd: LimitNOFILE=65536)" : NULL,
               "%llu may be open at once", (unsigned long long)files.rlim_cur);
}
