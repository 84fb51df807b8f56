/* SPDX-License-Identifier: Apache-2.0 */
/* An engine for the simulator: it counts a customer's events, tells of each, and fires deadlines. Not deterministic
 * on purpose (random bytes in every record): recovery copies bytes, it never recomputes. */
#include "base/digits.h"
#include "base/hash.h"
#include "engine/counters.h"
#include "engine/sweep.h"
#include "sim/sim.h"

struct engine {
    uint32_t version; /* of the playbook */
};

struct toy_customer {
    struct customer customer;
    uint32_t count;
    uint32_t fires;
    uint32_t shown;      /* what the view says */
    uint32_t version;    /* of the playbook that looked at him last */
    uint32_t swept;      /* how often another one did */
    int64_t deadline_ms; /* his own: one of another version is due at once */
    uint64_t noise;
};

struct toy_task {
    uint64_t events;
    uint32_t number;
    uint32_t begun, swept; /* the version of the last sweep */
};

static const struct engine engines[] = {{1}, {2}};

const struct engine *toy_engine(uint32_t version)
{
    return &engines[version - 1];
}

size_t engine_customer_size(const struct engine *engine)
{
    (void)engine;
    return sizeof(struct toy_customer);
}

size_t engine_task_size(const struct engine *engine)
{
    (void)engine;
    return sizeof(struct toy_task);
}

uint32_t engine_hot_lines(const struct engine *engine, uint16_t *out_lines, uint32_t limit)
{
    (void)engine;
    (void)out_lines;
    (void)limit;
    return 0;
}

uint64_t engine_layout_hash(const struct engine *engine)
{
    (void)engine;
    return 1;
}

uint64_t engine_playbook_hash(const struct engine *engine)
{
    return 2 + engine->version;
}

void engine_customer_init(const struct engine *engine, struct customer *customer, struct slice id)
{
    struct toy_customer *toy = (struct toy_customer *)customer;
    uint8_t copy[CUSTOMER_ID_SIZE_MAX];
    memcpy(copy, id.data, id.size);
    memset(toy, 0, sizeof(*toy));
    memcpy(customer->id, copy, id.size);
    customer->id_size = (uint8_t)id.size;
    customer->deadline_ms = INT64_MAX;
    toy->deadline_ms = INT64_MAX;
    toy->version = engine->version;
}

void engine_task_init(const struct engine *engine, void *task, uint32_t task_number)
{
    *(struct toy_task *)task = (struct toy_task){
        .number = task_number, .begun = engine->version, .swept = engine->version};
}

void engine_task_silent(const struct engine *engine, void *task, enum source source,
                        int64_t from_ms)
{
    (void)engine;
    (void)task;
    (void)source;
    (void)from_ms;
}

/* The toy makes no offers, and holds the worker to its word: the hour of the day is the brokers', however far ahead
 * this machine's clock is. */
void engine_task_acts(const struct engine *engine UNUSED, void *task UNUSED, int64_t act_ms,
                      int64_t heard_ms)
{
    if (act_ms > sim_wall_ms() + CLOCK_LEAD_MS || heard_ms < act_ms) {
        sim_fail(ORACLE_CLOCK, "quiet hours are asked %lld ms after the brokers' clock",
                 (long long)(act_ms - sim_wall_ms()));
    }
}

uint32_t engine_arm_count(const struct engine *engine UNUSED)
{
    return 0;
}

void engine_task_learn(const struct engine *engine UNUSED, void *task UNUSED,
                       const struct engine_trials *others UNUSED)
{
}

void engine_counters(const struct engine *engine UNUSED, const void *task UNUSED,
                     struct engine_counters *out_counters)
{
    *out_counters = (struct engine_counters){0};
}

uint32_t engine_gate_count(void)
{
    return 0;
}

const char *engine_gate_name(uint32_t gate UNUSED)
{
    return "";
}

size_t engine_customer_pack(const struct engine *engine, const struct customer *customer,
                            uint8_t *out)
{
    (void)engine;
    const struct toy_customer *toy = (const struct toy_customer *)customer;
    struct bytes_writer writer = bytes_writer(out, ENGINE_RECORD_SIZE_MAX);
    bytes_put_u32(&writer, toy->count);
    bytes_put_u32(&writer, toy->fires);
    bytes_put_u64(&writer, (uint64_t)toy->deadline_ms);
    bytes_put_u32(&writer, toy->version);
    bytes_put_u32(&writer, toy->swept);
    bytes_put_u32(&writer, toy->shown);
    bytes_put_u64(&writer, toy->noise);
    return writer.size;
}

bool toy_read(struct slice packed, struct toy_state *out)
{
    struct bytes_reader reader = bytes_reader(packed);
    out->count = bytes_take_u32(&reader);
    out->fires = bytes_take_u32(&reader);
    out->deadline_ms = (int64_t)bytes_take_u64(&reader);
    out->version = bytes_take_u32(&reader);
    out->swept = bytes_take_u32(&reader);
    return !reader.bad;
}

enum status engine_customer_unpack(const struct engine *engine, struct customer *customer,
                                   struct slice id, struct slice packed,
                                   struct status_text *out_text)
{
    struct toy_customer *toy = (struct toy_customer *)customer;
    struct bytes_reader reader = bytes_reader(packed);
    (void)out_text;
    engine_customer_init(engine, customer, id);
    toy->count = bytes_take_u32(&reader);
    toy->fires = bytes_take_u32(&reader);
    toy->deadline_ms = (int64_t)bytes_take_u64(&reader);
    toy->version = bytes_take_u32(&reader);
    toy->swept = bytes_take_u32(&reader);
    toy->shown = bytes_take_u32(&reader);
    customer->deadline_ms = toy->version == engine->version ? toy->deadline_ms : INT64_MIN;
    toy->noise = bytes_take_u64(&reader);
    return reader.bad ? STATUS_INVALID : STATUS_OK;
}

size_t engine_task_pack(const struct engine *engine, const void *task, uint8_t *out)
{
    (void)engine;
    memcpy(out, task, sizeof(struct toy_task));
    return sizeof(struct toy_task);
}

enum status engine_task_unpack(const struct engine *engine, void *task, uint32_t task_number,
                               struct slice packed, struct status_text *out_text)
{
    (void)engine;
    (void)task_number;
    (void)out_text;
    if (packed.size != sizeof(struct toy_task)) {
        return STATUS_INVALID;
    }
    memcpy(task, packed.data, packed.size);
    return STATUS_OK;
}

/* An output's second number: which one it is of its customer, and the event that it comes from. */
static uint64_t place_of(uint32_t number, uint32_t source, int64_t offset)
{
    return (uint64_t)number << 32 | (uint64_t)source << 24 | (uint64_t)offset;
}

static void toy_output(struct customer *customer, struct effects *effects, uint32_t what,
                       uint64_t number)
{
    struct output *output = effects_add(effects, OUTPUT_SEGMENT_CHANGED);
    output->customer_id = arena_copy(&effects->arena, customer_id(customer));
    output->key = output->customer_id;
    output->id[0] = what;
    output->id[1] = number;
}

bool engine_sweep_due(const struct engine *engine, const void *task)
{
    return ((const struct toy_task *)task)->swept != engine->version;
}

static void mark(const struct engine *engine, const struct toy_task *task, uint32_t what,
                 struct effects *effects)
{
    struct output *output = effects_add(effects, OUTPUT_CONTROL);
    output->id[0] = what;
    output->id[1] = place_of(engine->version, task->number, 0);
}

void engine_sweep_begin(const struct engine *engine, void *task, int64_t now_ms UNUSED,
                        struct effects *effects)
{
    struct toy_task *toy = task;
    if (toy->begun != engine->version) {
        toy->begun = engine->version;
        toy->swept = 0;
        mark(engine, toy, TOY_OUTPUT_BEGIN, effects);
    }
}

void engine_sweep_complete(const struct engine *engine, void *task, int64_t now_ms UNUSED,
                           struct effects *effects)
{
    ((struct toy_task *)task)->swept = engine->version;
    mark(engine, task, TOY_OUTPUT_COMPLETE, effects);
}

/* Under another playbook he has something to say, once. */
static void toy_sweep(const struct engine *engine, struct toy_customer *toy,
                      struct effects *effects)
{
    if (toy->version != engine->version) {
        toy->version = engine->version;
        toy->swept++;
        toy_output(&toy->customer, effects, TOY_OUTPUT_SWEPT,
                   place_of(toy->swept, 0, engine->version));
        toy->customer.deadline_ms = toy->deadline_ms;
    }
}

static void toy_arm(struct toy_customer *toy, int64_t deadline_ms)
{
    toy->deadline_ms = deadline_ms;
    toy->customer.deadline_ms = deadline_ms;
}

enum engine_result engine_advance(const struct engine *engine, void *task,
                                  struct customer *customer, int64_t now_ms,
                                  struct effects *effects)
{
    (void)task;
    struct toy_customer *toy = (struct toy_customer *)customer;
    toy_sweep(engine, toy, effects);
    if (customer->deadline_ms > now_ms) {
        return ENGINE_DONE;
    }
    toy->fires++;
    toy->noise = random_next(&sim->random);
    toy_output(customer, effects, TOY_OUTPUT_FIRE, place_of(toy->fires, 0, 0));
    /* Every second firing arms the next one at once. */
    toy_arm(toy, toy->fires % 2 == 1 ? customer->deadline_ms + 700 : INT64_MAX);
    return customer->deadline_ms <= now_ms ? ENGINE_MORE : ENGINE_DONE;
}

enum engine_result engine_event(const struct engine *engine, void *task, struct customer *customer,
                                const struct event *event, int64_t now_ms, struct effects *effects)
{
    struct toy_customer *toy = (struct toy_customer *)customer;
    if (engine_advance(engine, task, customer, now_ms, effects) == ENGINE_MORE) {
        return ENGINE_MORE;
    }
    ((struct toy_task *)task)->events++;
    toy->count++;
    toy->noise = random_next(&sim->random);
    toy_output(customer, effects, TOY_OUTPUT_COUNT,
               place_of(toy->count, event->source, event->offset));
    toy_arm(toy,
            event->offset % 4 == 3 ? INT64_MAX : event->time_ms + 1000 + (toy->count % 5) * 20000);
    return ENGINE_DONE;
}

uint32_t engine_view(const struct engine *engine, struct customer *customer, struct arena *arena,
                     struct view_change *out_changes)
{
    (void)engine;
    struct toy_customer *toy = (struct toy_customer *)customer;
    if (toy->shown == toy->count / 2) {
        return 0;
    }
    char text[DIGITS_MAX];
    toy->shown = toy->count / 2;
    out_changes[0] = (struct view_change){.name = slice_text("half"),
                                          .text = arena_copy(arena, digits_of(toy->shown, text))};
    out_changes[1] = (struct view_change){.name = slice_text("odd"), .text = slice_text("1")};
    out_changes[1].remove = toy->shown % 2 == 0;
    return 2;
}

/* ---- codec: the record's value is "garbage", or customer, number and time ---- */
static enum worker_decode decode(void *context, const struct log_record *record,
                                 struct event *out_event, struct reject *out_reject)
{
    (void)context;
    struct bytes_reader reader = bytes_reader(record->value);
    (void)bytes_take_u32(&reader);
    int64_t time_ms = (int64_t)bytes_take_u64(&reader);
    struct slice id = bytes_take_slice(&reader);
    if (reader.bad || bytes_left(&reader) != 0) {
        *out_reject = (struct reject){.reason = REJECT_TRUNCATED};
        return WORKER_REJECTED;
    }
    *out_event = (struct event){.customer_id = id, .time_ms = time_ms};
    return WORKER_DECODED;
}

static enum status encode(void *context, const struct output *output, int64_t processed_at_ms,
                          struct arena *arena, struct log_write *out_write)
{
    (void)context;
    (void)processed_at_ms;
    uint8_t *value = arena_take(arena, 96);
    if (value == NULL) {
        return STATUS_FULL;
    }
    struct bytes_writer writer = bytes_writer(value, 96);
    bytes_put_u8(&writer,
                 output->kind == OUTPUT_DEAD_LETTER ? TOY_OUTPUT_DEAD : (uint8_t)output->id[0]);
    bytes_put_u64(&writer, output->id[1]);
    bytes_put_slice(&writer, output->customer_id);
    *out_write = (struct log_write){
        .topic = "out", .partition = 0, .value = slice_of(value, writer.size), .has_value = true};
    return STATUS_OK;
}

const struct worker_codec toy_codec = {.decode = decode, .encode = encode};

/* Asked for with every record: made once. */
static struct {
    char text[DIGITS_MAX + 1];
    struct slice id;
    uint32_t task;
} known[SIM_CUSTOMERS];

static void know_customers(void)
{
    for (uint32_t i = 0; i < SIM_CUSTOMERS && known[i].id.size == 0; i++) {
        char number[DIGITS_MAX];
        struct slice digits = digits_of(i, number);
        known[i].text[0] = 'k';
        memcpy(known[i].text + 1, digits.data, digits.size);
        known[i].id = slice_of(known[i].text, digits.size + 1);
        known[i].task = hash_partition(known[i].id, SIM_TASKS);
    }
}

struct slice sim_customer_id(uint32_t customer)
{
    know_customers();
    return known[customer].id;
}

int64_t sim_customer_index(struct slice id)
{
    int64_t index = 0;
    if (id.size < 2 || id.size > 10) {
        return -1;
    }
    for (size_t i = 1; i < id.size; i++) {
        if (id.data[i] < '0' || id.data[i] > '9') {
            return -1;
        }
        index = 10 * index + (id.data[i] - '0');
    }
    return index < SIM_CUSTOMERS ? index : -1;
}

uint32_t sim_customer_task(uint32_t customer)
{
    know_customers();
    return known[customer].task;
}
