/* SPDX-License-Identifier: Apache-2.0 */
/* Reads Segue's segment changes as a read_committed consumer, writes them as the reference's lines, and samples
 * the CPU of processes: what the benchmark's observe.c does for the peers, for our records.
 *
 * usage: watch_changes BROKERS TOPIC EXPECT EVENTS OUT TIMEOUT_S NAME=PID..
 * Ends GRACE_MS after the EXPECT-th output (so that a duplicate shows), or after TIMEOUT_S. One JSON line:
 * throughput and CPU between two commits as the consumer saw them, the first at >= 50 % of the EVENTS and the last
 * at <= 98 %. PID 0: all that the machine did. */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/attributes.h"
#include "bench/change_record.h"

enum {
    POLL_MS = 20,
    SAMPLE_US = 50000,
    GRACE_US = 1500000,
    PROCESSES_MAX = 8,
    PARTITIONS_MAX = 256,
    SAMPLES_MAX = 65536,
    METADATA_MS = 20000,
};

struct sample {
    int64_t at_us;
    int64_t progress; /* events before the newest output of each cause partition */
    double cpu_s[PROCESSES_MAX];
};

struct watch {
    const char *topic;
    int64_t expect, events, timeout_us;
    FILE *out;
    const char *names[PROCESSES_MAX];
    long pids[PROCESSES_MAX];
    int process_count;
    int64_t newest[PARTITIONS_MAX]; /* cause offset per cause partition; -1: none */
    int64_t progress, outputs, first_us, last_us;
    struct sample samples[SAMPLES_MAX];
    uint32_t sample_count;
};

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t number(const char *text)
{
    char *end;
    int64_t value = strtoll(text, &end, 10);
    if (end == text || *end != '\0') {
        (void)fprintf(stderr, "watch_changes: `%s` is no number\n", text);
        exit(2);
    }
    return value;
}

/* User and system time of a process, or of the whole machine. 0: it is gone. */
static double cpu_of(long pid)
{
    char path[64], line[1024];
    unsigned long parts[7] = {0};
    (void)snprintf(path, sizeof(path), pid == 0 ? "/proc/stat" : "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return 0;
    }
    size_t size = fread(line, 1, sizeof(line) - 1, file);
    (void)fclose(file);
    line[size] = '\0';
    if (pid == 0) { /* user nice system idle iowait irq softirq */
        (void)sscanf(line, "cpu %lu %lu %lu %lu %lu %lu %lu", &parts[0], &parts[1], &parts[2],
                     &parts[3], &parts[4], &parts[5], &parts[6]);
        parts[0] += parts[1] + parts[2] + parts[5] + parts[6];
        parts[1] = 0;
    } else {
        const char *after = strrchr(line, ')');
        if (after == NULL ||
            sscanf(after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &parts[0],
                   &parts[1]) != 2) {
            return 0;
        }
    }
    return (double)(parts[0] + parts[1]) / (double)sysconf(_SC_CLK_TCK);
}

static double peak_mb(long pid)
{
    char path[64], line[256];
    long kb = 0;
    (void)snprintf(path, sizeof(path), "/proc/%ld/status", pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL &&
           sscanf(line, "VmHWM: %ld", &kb) != 1) {
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return (double)kb / 1024.0;
}

static void take_sample(struct watch *watch, int64_t at_us)
{
    if (watch->sample_count == SAMPLES_MAX) {
        return;
    }
    struct sample *sample = &watch->samples[watch->sample_count++];
    sample->at_us = at_us;
    sample->progress = watch->progress;
    for (int i = 0; i < watch->process_count; i++) {
        sample->cpu_s[i] = cpu_of(watch->pids[i]);
    }
}

static void take_message(struct watch *watch, const rd_kafka_message_t *message, int64_t at_us)
{
    struct change change;
    struct slice key = slice_of(message->key, message->key_len);
    if (!change_read(slice_of(message->payload, message->len), &change) ||
        !slice_equal(key, change.customer) || change.cause_partition < 0 ||
        change.cause_partition >= PARTITIONS_MAX) {
        (void)fprintf(stderr,
                      "watch_changes: offset %" PRId64
                      " is no segment change with its key and proof\n",
                      message->offset);
        exit(1);
    }
    change_print(&change, watch->out);
    int64_t *newest = &watch->newest[change.cause_partition];
    if (change.cause_offset > *newest) {
        watch->progress += change.cause_offset - *newest;
        *newest = change.cause_offset;
    }
    watch->outputs++;
    watch->last_us = at_us;
    watch->first_us = watch->first_us == 0 ? at_us : watch->first_us;
}

static rd_kafka_t *open_consumer(const char *brokers, const char *topic)
{
    static const char *const settings[][2] = {{"group.id", "segue-bench-watch"},
                                              {"enable.auto.commit", "false"},
                                              {"isolation.level", "read_committed"},
                                              {"fetch.wait.max.ms", "100"}};
    char text[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool good = rd_kafka_conf_set(conf, "bootstrap.servers", brokers, text, sizeof(text)) ==
                RD_KAFKA_CONF_OK;
    for (size_t i = 0; good && i < ARRAY_COUNT(settings); i++) {
        good = rd_kafka_conf_set(conf, settings[i][0], settings[i][1], text, sizeof(text)) ==
               RD_KAFKA_CONF_OK;
    }
    rd_kafka_t *client = good ? rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text)) : NULL;
    const struct rd_kafka_metadata *metadata;
    if (client == NULL) {
        (void)fprintf(stderr, "watch_changes: %s\n", text);
        exit(1);
    }
    (void)rd_kafka_poll_set_consumer(client);
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    if (rd_kafka_metadata(client, 0, handle, &metadata, METADATA_MS) !=
        RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)fprintf(stderr, "watch_changes: no broker at %s\n", brokers);
        exit(1);
    }
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    for (int p = 0; p < metadata->topics[0].partition_cnt; p++) {
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
    rd_kafka_metadata_destroy(metadata);
    (void)rd_kafka_assign(client, list);
    rd_kafka_topic_partition_list_destroy(list);
    return client;
}

static void follow(struct watch *watch, rd_kafka_t *client)
{
    int64_t begin_us = now_us(), next_us = 0, complete_us = 0;
    for (;;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, POLL_MS);
        int64_t at_us = now_us();
        bool quiet = message == NULL;
        if (message != NULL && message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            take_message(watch, message, at_us);
        }
        if (message != NULL) {
            rd_kafka_message_destroy(message);
        }
        if (watch->outputs >= watch->expect && complete_us == 0) {
            complete_us = at_us;
        }
        if ((quiet && at_us >= next_us) || at_us >= next_us + 2 * SAMPLE_US ||
            complete_us == at_us) {
            take_sample(watch, at_us);
            next_us = at_us + SAMPLE_US;
        }
        if ((complete_us != 0 && at_us - complete_us > GRACE_US) ||
            at_us - begin_us > watch->timeout_us) {
            return;
        }
    }
}

/* The samples between which the second half is measured: instants at which a commit was first seen. */
static void second_half(const struct watch *watch, const struct sample **out_from,
                        const struct sample **out_to)
{
    uint32_t from = 0, to = 0;
    for (uint32_t i = 0; i < watch->sample_count; i++) {
        if (from == 0 && watch->samples[i].progress >= watch->events / 2) {
            from = i;
        }
        if (watch->samples[i].progress <= watch->events * 98 / 100) {
            to = i;
        }
    }
    while (to > from && watch->samples[to - 1].progress == watch->samples[to].progress) {
        to--;
    }
    *out_from = &watch->samples[from];
    *out_to = &watch->samples[to];
}

static void print(const struct watch *watch)
{
    const struct sample *from, *to;
    second_half(watch, &from, &to);
    double seconds = (double)(to->at_us - from->at_us) / 1e6;
    double events = (double)(to->progress - from->progress);
    double whole_s = (double)(watch->last_us - watch->first_us) / 1e6;
    (void)printf("{\"outputs\": %" PRId64 ", \"first_to_last_ev_s\": %.0f, \"half2_s\": %.3f, "
                 "\"half2_events\": %.0f, \"half2_ev_s\": %.0f",
                 watch->outputs, whole_s > 0 ? (double)watch->progress / whole_s : 0, seconds,
                 events, seconds > 0 ? events / seconds : 0);
    for (int i = 0; i < watch->process_count; i++) {
        double cpu_s = to->cpu_s[i] - from->cpu_s[i];
        (void)printf(", \"cpu_%s_half2_s_per_M\": %.3f", watch->names[i],
                     events > 0 ? cpu_s / (events / 1e6) : 0);
        if (watch->pids[i] != 0) {
            (void)printf(", \"rss_mb_%s\": %.0f", watch->names[i], peak_mb(watch->pids[i]));
        }
    }
    (void)printf("}\n");
}

int main(int argument_count, char **arguments)
{
    static struct watch watch;
    if (argument_count < 7 || argument_count > 7 + PROCESSES_MAX) {
        (void)fputs("usage: watch_changes BROKERS TOPIC EXPECT EVENTS OUT TIMEOUT_S NAME=PID..\n",
                    stderr);
        return 2;
    }
    watch.topic = arguments[2];
    watch.expect = number(arguments[3]);
    watch.events = number(arguments[4]);
    watch.out = fopen(arguments[5], "w");
    watch.timeout_us = number(arguments[6]) * 1000000;
    for (int i = 7; i < argument_count; i++) {
        char *equals = strchr(arguments[i], '=');
        if (equals == NULL) {
            return 2;
        }
        *equals = '\0';
        watch.names[watch.process_count] = arguments[i];
        watch.pids[watch.process_count++] = (long)number(equals + 1);
    }
    for (int i = 0; i < PARTITIONS_MAX; i++) {
        watch.newest[i] = -1;
    }
    if (watch.out == NULL) {
        perror(arguments[5]);
        return 1;
    }
    follow(&watch, open_consumer(arguments[1], watch.topic));
    print(&watch);
    return fclose(watch.out) == 0 && watch.outputs == watch.expect ? 0 : 1;
}
