/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/doctor_halts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/show.h"
#include "commands/topic_list.h"
#include "io/clock.h"
#include "io/http_ask.h"
#include "io/kafka_look.h"
#include "runtime/cut.h"
#include "runtime/halt.h"
#include "runtime/head.h"

enum {
    TASKS_NAMED_MAX = 8, /* the rest are counted */
    READY_SIZE = 256 * 1024,
    REPLY_SIZE_MAX = 2 << 20,
    BUDGET_FACTOR = 6, /* of the timeout, for all tasks together */
    KEY_SIZE = 128,
};

struct finding {
    uint32_t tasks[TASKS_NAMED_MAX];
    uint32_t count;
    char why[DOCTOR_TEXT_SIZE / 2];
};

struct look {
    const struct connect *connect;
    struct kafka_look *kafka;
    struct redis_store *redis; /* NULL: away */
    const char *topics[SOURCE_COUNT];
    char cluster_id[128];
    uint32_t task_count, journal_count, checkpoint_count;
    int32_t timeout_ms;
    bool halts; /* the task that is looked at: the first reason is the one that counts */
    struct finding findings[HALT_COUNT];
};

/* What is known of one task. */
struct facts {
    uint32_t task;
    struct log_offset offsets[SOURCE_COUNT];
    struct cut_metadata named;
    bool named_any;
    struct cut_header cut; /* C */
    bool cut_found;
    int64_t journal_low;
    struct head head;
    bool head_found;
};

static void PRINTF_LIKE(4, 5)
    found(struct look *look, enum halt halt, uint32_t task, const char *format, ...)
{
    struct finding *finding = &look->findings[halt];
    look->halts = true;
    for (uint32_t i = 0; i < finding->count && i < TASKS_NAMED_MAX; i++) {
        if (finding->tasks[i] == task) {
            return; /* the process said so already */
        }
    }
    if (finding->count < TASKS_NAMED_MAX) {
        finding->tasks[finding->count] = task;
    }
    finding->count++;
    if (finding->why[0] == '\0') {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(finding->why, sizeof(finding->why), format, arguments);
        va_end(arguments);
    }
}

/* --- what the process says */

/* "task 3: halted: offset_foreign: .." */
static void take_line(struct look *look, const char *line)
{
    unsigned task;
    int at = 0;
    if (sscanf(line, "task %u: halted: %n", &task, &at) != 1 || at == 0) {
        return;
    }
    enum halt halt = halt_find(line + at, strcspn(line + at, ":\n"));
    if (halt != HALT_NONE) {
        found(look, halt, task, "%s", halt_what(halt));
    }
}

static void ask_process(struct look *look, struct doctor_report *report)
{
    const char *listen = look->connect->settings.listen;
    struct status_text text;
    char *body = listen[0] == '\0' ? NULL : malloc(READY_SIZE);
    if (body != NULL &&
        http_ask(listen, "/readyz", look->timeout_ms, body, READY_SIZE, &text) == STATUS_OK) {
        uint32_t live = 0;
        for (char *line = body; line != NULL && *line != '\0';) {
            char *next = strchr(line, '\n');
            take_line(look, line);
            if (next != NULL) {
                *next++ = '\0';
            }
            live += strncmp(line, "task ", 5) == 0 && strstr(line, ": live") != NULL;
            line = next;
        }
        doctor_add(report, "process", DOCTOR_OK, NULL, "%s answers, %u tasks are live there",
                   listen, live);
    }
    free(body);
}

/* --- committed offsets and the journal */

static bool read_offsets(struct look *look, struct facts *facts)
{
    struct status_text text;
    if (kafka_look_committed(look->kafka, look->topics, facts->task, facts->offsets, &text) !=
        STATUS_OK) {
        return false;
    }
    facts->named_any = false;
    facts->named = (struct cut_metadata){.low_offset = -1, .previous_offset = -1};
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        struct cut_metadata metadata;
        if (facts->offsets[s].offset < 0) {
            continue;
        }
        if (!cut_metadata_parse(facts->offsets[s].metadata, &metadata)) {
            found(look, HALT_OFFSET_FOREIGN, facts->task, "offset %" PRId64 " of %s [%u]",
                  facts->offsets[s].offset, look->topics[s], facts->task);
            return false;
        }
        if (!facts->named_any || metadata.seq > facts->named.seq) {
            facts->named = metadata;
        }
        facts->named_any = true;
    }
    return true;
}

static void judge_cut(struct look *look, struct facts *facts)
{
    const struct cut_header *cut = &facts->cut;
    bool ours = slice_is(cut->application, look->connect->settings.application) &&
                slice_is(cut->cluster_id, look->cluster_id) &&
                cut->task_count == look->task_count &&
                cut->journal_partitions == look->journal_count;
    if (!ours) {
        found(look, HALT_JOURNAL_OF_ANOTHER, facts->task,
              "written for application %.*s, %u task%s, %u journal partition%s; now %s, %u, %u",
              SLICE_ARG(cut->application), cut->task_count, show_s(cut->task_count),
              cut->journal_partitions, show_s(cut->journal_partitions),
              look->connect->settings.application, look->task_count, look->journal_count);
        return;
    }
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        int64_t offset = facts->offsets[s].offset;
        if (offset >= 0 && cut->sources[s].to >= 0 && offset != cut->sources[s].to) {
            found(look, HALT_OFFSET_DIFFERS, facts->task,
                  "cut %" PRIu64 " ends at %" PRId64 " of %s, committed is %" PRId64, cut->seq,
                  cut->sources[s].to, look->topics[s], offset);
        }
    }
}

/* From the cut before C to the end, as far as it is of this task: the header is in the first part. Without
 * committed offsets (expired, or their topic was deleted) the last cut counts. */
static void read_journal(struct look *look, struct facts *facts)
{
    const char *topic = look->connect->settings.journal_topic;
    uint32_t partition = (uint32_t)((uint64_t)facts->task * look->journal_count / look->task_count);
    struct log_record record;
    struct status_text text;
    int64_t low, high;
    uint64_t beyond = 0;
    enum status status = kafka_look_marks(look->kafka, topic, partition, &low, &high, &text);
    if (status != STATUS_OK) {
        return;
    }
    facts->journal_low = low;
    int64_t from = facts->named.previous_offset;
    from = from < low || from > high ? low : from;
    status = kafka_look_at(look->kafka, topic, partition, from, &text);
    while (status == STATUS_OK &&
           (status = kafka_look_next(look->kafka, &record, &text)) == STATUS_OK) {
        struct cut_part part;
        if (cut_part_parse(record.value, &part) != STATUS_OK) {
            found(look, HALT_JOURNAL_NOT_CUT, facts->task, "%s [%u], offset %" PRId64, topic,
                  partition, record.offset);
            return;
        }
        struct bytes_reader reader = bytes_reader(part.piece);
        struct cut_header header;
        if (part.task != facts->task || part.part != 0) {
            continue;
        }
        if (cut_take_header(&reader, &header) != STATUS_OK) {
            found(look, HALT_CUT_NEWER, facts->task, "cut %" PRIu64 ", offset %" PRId64, part.seq,
                  record.offset);
            return;
        }
        if (!facts->named_any || (header.seq == facts->named.seq && !facts->cut_found)) {
            facts->cut = header;
            facts->cut_found = true;
            judge_cut(look, facts);
        }
        beyond = header.seq > facts->named.seq ? header.seq : beyond;
    }
    if (!facts->cut_found && status == STATUS_FULL && facts->named_any) {
        found(look, HALT_CUT_MISSING, facts->task,
              "%s [%u] has no cut %" PRIu64 " (newest seen: %" PRIu64
              "), it begins at offset %" PRId64,
              topic, partition, facts->named.seq, beyond, low);
    }
}

/* --- Redis */

/* GET of {app.NN}SUFFIX. `out_reply` borrows until the next question. */
static bool ask_redis(struct look *look, uint32_t task, const char *suffix,
                      struct store_reply *out_reply)
{
    uint8_t block[512];
    char key[KEY_SIZE];
    struct store_pipeline pipeline = {.data = block, .limit = sizeof(block)};
    struct store_answer answer;
    struct status_text text;
    size_t size = key_prefix(key, KEY_SIZE - 8, look->connect->settings.application, task);
    (void)snprintf(key + size, KEY_SIZE - size, "%s", suffix);
    store_command(&pipeline, 2);
    store_argument_text(&pipeline, "GET");
    store_argument_text(&pipeline, key);
    if (look->redis == NULL || redis_store_call(look->redis, STORE_CONNECTION_READ, &pipeline,
                                                look->timeout_ms, &answer, &text) != STATUS_OK) {
        return false;
    }
    *out_reply = answer.replies[0];
    return out_reply->kind == STORE_BULK || out_reply->kind == STORE_NIL;
}

static void read_redis(struct look *look, struct facts *facts)
{
    struct store_reply reply;
    if (!ask_redis(look, facts->task, "head", &reply)) {
        facts->head_found = true; /* not known: nothing is said of it */
        return;
    }
    facts->head_found = reply.kind == STORE_BULK;
    if (facts->head_found && (head_parse(reply.text, &facts->head) != STATUS_OK ||
                              facts->head.cluster_hash != hash64(slice_text(look->cluster_id), 3) ||
                              facts->head.task_count != look->task_count ||
                              facts->head.journal_partitions != look->journal_count)) {
        found(look, HALT_HEAD_OF_ANOTHER, facts->task,
              "{%s.%u}head is of another cluster, version or number of tasks",
              look->connect->settings.application, facts->task);
        return;
    }
    if (facts->head_found && facts->head.seq > facts->named.seq) {
        uint64_t seq =
            facts->head.seq; /* W may only be judged against a C that was read after it */
        if (read_offsets(look, facts) && facts->named_any && seq > facts->named.seq) {
            found(look, HALT_KAFKA_BEHIND, facts->task,
                  "Redis is at cut %" PRIu64 ", Kafka at %" PRIu64, seq, facts->named.seq);
        }
    }
    int64_t needed = facts->named.low_offset < 0 ? 0 : facts->named.low_offset;
    if (facts->journal_low > needed &&
        (!facts->head_found || facts->head.state == HEAD_REBUILDING)) {
        found(look, HALT_JOURNAL_BEGINS_LATE, facts->task,
              "the journal of the task begins at offset %" PRId64
              ", a rebuild needs it from %" PRId64,
              facts->journal_low, needed);
    }
    int64_t bucket;
    struct slice packed;
    if (ask_redis(look, facts->task, "c:", &reply) && reply.kind == STORE_BULK &&
        !record_open(reply.text, &bucket, &packed)) {
        found(look, HALT_TASK_RECORD, facts->task, "{%s.%u}c:", look->connect->settings.application,
              facts->task);
    }
}

/* Checkpoints are read only where a rebuild would. */
static void read_checkpoints(struct look *look, struct facts *facts)
{
    const char *topic = look->connect->settings.checkpoint_topic;
    uint32_t partition =
        (uint32_t)((uint64_t)facts->task * look->checkpoint_count / look->task_count);
    struct log_record record;
    struct status_text text;
    if ((facts->head_found && facts->head.state == HEAD_READY) ||
        kafka_look_at(look->kafka, topic, partition, -2, &text) != STATUS_OK) {
        return;
    }
    while (kafka_look_next(look->kafka, &record, &text) == STATUS_OK) {
        struct slice id;
        struct cut_entry entry;
        if (!cut_checkpoint_key(record.key, facts->task, &id)) {
            continue;
        }
        uint64_t seq = cut_checkpoint_seq(record.headers, record.header_count);
        if (seq > facts->named.seq) {
            found(look, HALT_CHECKPOINT_NEWER, facts->task,
                  "one of cut %" PRIu64 ", committed is %" PRIu64, seq, facts->named.seq);
        } else if (record.has_value && cut_take_checkpoint(record.value, &entry) != STATUS_OK) {
            found(look, HALT_CHECKPOINT_UNREADABLE, facts->task, "%s [%u], offset %" PRId64, topic,
                  partition, record.offset);
        }
    }
}

/* --- the inputs */

/* Is the record before the committed offset still the one that was read? */
static void judge_source(struct look *look, const struct facts *facts, uint32_t source)
{
    const char *topic = look->topics[source];
    int64_t offset = facts->offsets[source].offset;
    uint64_t fingerprint = facts->cut.sources[source].fingerprint;
    int64_t low, high;
    struct log_record record;
    struct status_text text;
    if (offset < 0 ||
        kafka_look_marks(look->kafka, topic, facts->task, &low, &high, &text) != STATUS_OK) {
        return;
    }
    if (offset < low || offset > high) {
        found(look, HALT_INPUT_GONE, facts->task,
              "%s [%u] has offsets %" PRId64 " to %" PRId64 ", %" PRId64 " comes next", topic,
              facts->task, low, high, offset);
        return;
    }
    if (fingerprint == 0 || facts->cut.sources[source].to != offset || offset - 1 < low ||
        kafka_look_at(look->kafka, topic, facts->task, offset - 1, &text) != STATUS_OK ||
        kafka_look_next(look->kafka, &record, &text) != STATUS_OK || record.offset != offset - 1) {
        return;
    }
    if (cut_fingerprint(record.has_value ? record.value : record.key) != fingerprint) {
        found(look, HALT_INPUT_REPLACED, facts->task, "%s [%u], offset %" PRId64, topic,
              facts->task, offset - 1);
    }
}

static void judge_task(struct look *look, uint32_t task)
{
    struct facts facts = {.task = task};
    look->halts = false;
    if (!read_offsets(look, &facts)) {
        return;
    }
    read_journal(look, &facts);
    if (look->halts || (!facts.named_any && !facts.cut_found)) {
        return; /* or nothing was ever done */
    }
    for (uint32_t s = 0; s < SOURCE_COUNT && !facts.named_any; s++) {
        facts.named.seq = facts.cut.seq;
        facts.offsets[s].offset = look->topics[s] == NULL ? -1 : facts.cut.sources[s].to;
    }
    read_redis(look, &facts);
    if (!look->halts) {
        read_checkpoints(look, &facts);
    }
    for (uint32_t s = 0; s < SOURCE_COUNT && !look->halts; s++) {
        judge_source(look, &facts, s);
    }
}

/* --- all of it */

/* Partitions as they are. False: topics are missing or brokers away, which is said elsewhere. */
static bool count_partitions(struct look *look)
{
    const struct settings *settings = &look->connect->settings;
    struct kafka_topic_want wants[SOURCE_COUNT + 2] = {{0}};
    struct kafka_topic_state states[SOURCE_COUNT + 2];
    struct kafka_connection connection = look->connect->kafka;
    struct kafka_admin *admin = NULL;
    struct status_text text;
    uint32_t count = 0;
    wants[count++].name = settings->journal_topic;
    wants[count++].name = settings->checkpoint_topic;
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        if (settings->sources[s].used) {
            look->topics[s] = settings->sources[s].task_topic;
            wants[count++].name = look->topics[s];
        }
    }
    connection.log_function = NULL;
    if (count < 3 || kafka_admin_open(&connection, look->timeout_ms, &admin, &text) != STATUS_OK) {
        return false;
    }
    bool good =
        kafka_admin_describe(admin, wants, count, states, look->timeout_ms, &text) == STATUS_OK &&
        states[0].exists && states[1].exists && states[2].exists;
    look->journal_count = states[0].partition_count;
    look->checkpoint_count = states[1].partition_count;
    look->task_count = states[2].partition_count;
    for (uint32_t i = 2; i < count; i++) {
        good = good && states[i].partition_count == look->task_count;
    }
    (void)snprintf(look->cluster_id, sizeof(look->cluster_id), "%s", kafka_admin_cluster_id(admin));
    kafka_admin_close(admin);
    return good && look->journal_count > 0 && look->checkpoint_count > 0;
}

static void open_redis(struct look *look)
{
    struct redis_settings settings = connect_redis(look->connect, 1);
    struct status_text text;
    settings.read_reply_size_max = REPLY_SIZE_MAX;
    if (redis_store_open(&look->redis, &settings, clock_system(), &text) != STATUS_OK) {
        look->redis = NULL;
    } else if (redis_store_wait_ready(look->redis, 0, look->timeout_ms, &text) != STATUS_OK) {
        redis_store_close(look->redis);
        look->redis = NULL;
    }
}

static void look_at_tasks(struct look *look, struct doctor_report *report)
{
    const struct settings *settings = &look->connect->settings;
    struct kafka_connection connection = look->connect->kafka;
    struct clock *clock = clock_system();
    struct status_text text;
    connection.log_function = NULL;
    if (!count_partitions(look) ||
        kafka_look_open(&connection,
                        settings->group[0] == '\0' ? settings->application : settings->group, true,
                        look->timeout_ms, &look->kafka, &text) != STATUS_OK) {
        return;
    }
    open_redis(look);
    int64_t end_us =
        clock->ops->monotonic_us(clock) + look->timeout_ms * INT64_C(1000) * BUDGET_FACTOR;
    uint32_t task = 0;
    while (task < look->task_count && clock->ops->monotonic_us(clock) < end_us) {
        judge_task(look, task++);
    }
    if (task < look->task_count) {
        doctor_add(report, "tasks seen", DOCTOR_WARN, "segue doctor --timeout MORE",
                   "%u of %u tasks were looked at in the time given", task, look->task_count);
    }
    if (look->redis != NULL) {
        redis_store_close(look->redis);
    }
    kafka_look_close(look->kafka);
}

static void say(const struct finding *finding, enum halt halt, struct doctor_report *report)
{
    char tasks[TASKS_NAMED_MAX * 12 + 32] = "";
    size_t size = 0;
    for (uint32_t i = 0; i < finding->count && i < TASKS_NAMED_MAX; i++) {
        size += (size_t)snprintf(tasks + size, sizeof(tasks) - size, "%s%u", i == 0 ? "" : ", ",
                                 finding->tasks[i]);
    }
    if (finding->count > TASKS_NAMED_MAX) {
        (void)snprintf(tasks + size, sizeof(tasks) - size, " and %u more",
                       finding->count - TASKS_NAMED_MAX);
    }
    doctor_add(report, "halt", DOCTOR_FAIL, halt_mend(halt),
               "%s: task %s: %s (%s); deploy/README.md#%s", halt_code(halt), tasks, halt_what(halt),
               finding->why, halt_code(halt));
}

void doctor_check_halts(const struct connect *connect, struct doctor_report *report)
{
    static struct look look;
    look = (struct look){.connect = connect, .timeout_ms = report->timeout_ms};
    ask_process(&look, report);
    look_at_tasks(&look, report);
    bool none = true;
    for (int i = HALT_NONE + 1; i < HALT_COUNT; i++) {
        if (look.findings[i].count > 0) {
            say(&look.findings[i], (enum halt)i, report);
            none = false;
        }
    }
    if (none && look.task_count > 0) {
        doctor_add(report, "halt", DOCTOR_OK, NULL, "no reason for a task to halt");
    }
}
