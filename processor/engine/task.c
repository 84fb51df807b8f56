/* SPDX-License-Identifier: Apache-2.0 */
/* A task's record: segment sizes, offer counters, stock given out. Parts are named like a customer's. */
#include "base/hash.h"
#include "base/invariant.h"
#include "engine/counters.h"
#include "engine/layout.h"

/* Format 4 named an experiment by its plan alone, format 3 had no sides of experiments; both are still read. */
enum {
    TASK_FORMAT = 5,
    TASK_FORMAT_PLANS = 4,
    TASK_FORMAT_OLDEST = 3,
    ARM_NUMBERS = 7,
    ARM_OWN = 1,
    ARM_OTHERS = 2
};
enum { SIDE_COUNT = 2 * OFFER_LAYER_COUNT };

/* An arm by the names of its variant and context, so that a changed playbook finds what is still there. */
struct arm_name {
    uint32_t variant, context;
    uint8_t channel;
};

static uint32_t name_of(struct slice id)
{
    return (uint32_t)hash64(id, 0);
}

static bool is_counted(const struct offer_counts *counts)
{
    static const struct offer_counts none;
    return memcmp(counts, &none, sizeof(none)) != 0;
}

static void pack_own(const struct offer_counts *counts, struct bytes_writer *writer)
{
    const int64_t numbers[ARM_NUMBERS] = {
        counts->presented,  counts->clicked,   counts->accepted,     counts->rejected,
        counts->complained, counts->opted_out, counts->revenue_minor};
    for (uint32_t i = 0; i < ARM_NUMBERS; i++) {
        bytes_put_varint(writer, numbers[i]);
    }
}

static void unpack_own(struct offer_counts *counts, struct bytes_reader *reader)
{
    counts->presented = bytes_take_varint(reader);
    counts->clicked = bytes_take_varint(reader);
    counts->accepted = bytes_take_varint(reader);
    counts->rejected = bytes_take_varint(reader);
    counts->complained = bytes_take_varint(reader);
    counts->opted_out = bytes_take_varint(reader);
    counts->revenue_minor = bytes_take_varint(reader);
}

static void pack_arm(const struct offer_counts *own, const struct offer_counts *others,
                     struct arm_name name, struct bytes_writer *writer)
{
    bytes_put_u8(
        writer, (uint8_t)((is_counted(own) ? ARM_OWN : 0) | (is_counted(others) ? ARM_OTHERS : 0)));
    bytes_put_u32(writer, name.variant);
    bytes_put_u32(writer, name.context);
    bytes_put_u8(writer, name.channel);
    if (is_counted(own)) {
        pack_own(own, writer);
    }
    if (is_counted(others)) {
        bytes_put_varint(writer, others->presented);
        bytes_put_varint(writer, others->accepted);
    }
}

static void pack_counts(const struct offers *offers, const struct offers_task *task, uint32_t offer,
                        struct bytes_writer *writer)
{
    const struct offer_def *def = &offers->defs[offer];
    size_t others_at = offers_arms_before(offers, offers->count);
    uint32_t first = offers_arms_before(offers, offer);
    uint32_t contexts = offers_context_count(offers);
    uint32_t count = 0;
    for (uint32_t turn = 0; turn < 2; turn++) { /* count, then write */
        if (turn == 1) {
            bytes_put_varuint(writer, count);
        }
        for (uint32_t i = 0; i < offers_arms_before(offers, offer + 1) - first; i++) {
            const struct offer_counts *own = &task->counts[first + i];
            if (!is_counted(own) && !is_counted(own + others_at)) {
                continue;
            }
            count += turn == 0;
            if (turn == 1) {
                uint32_t variant = i / (CHANNEL_COUNT * contexts);
                uint32_t channel = i / contexts % CHANNEL_COUNT;
                struct slice context = offers_context_id(offers, i % contexts);
                struct arm_name name = {name_of(offer_variant_id(def, variant)), name_of(context),
                                        (uint8_t)channel};
                pack_arm(own, own + others_at, name, writer);
            }
        }
    }
}

/* The arm of that name; NULL: the playbook has it no more. A context that is gone counts as "other". */
static struct offer_counts *arm_find(const struct offers *offers, struct offers_task *task,
                                     uint32_t offer, struct arm_name name)
{
    const struct offer_def *def = &offers->defs[offer];
    uint32_t context = 0;
    for (uint32_t i = 1; i < offers->policy.context_count; i++) {
        context = name_of(offers_context_id(offers, i)) == name.context ? i : context;
    }
    for (uint32_t i = 0; i < offer_variant_count(def); i++) {
        if (name_of(offer_variant_id(def, i)) == name.variant) {
            return &task->counts[offers_arm(offers, offer, i, name.channel, context)];
        }
    }
    return NULL;
}

static void add_counts(struct offer_counts *to, const struct offer_counts *from)
{
    to->presented += from->presented;
    to->clicked += from->clicked;
    to->accepted += from->accepted;
    to->rejected += from->rejected;
    to->complained += from->complained;
    to->opted_out += from->opted_out;
    to->revenue_minor += from->revenue_minor;
}

/* `offer` < 0: read and forget. */
static void unpack_counts(const struct offers *offers, struct offers_task *task, int32_t offer,
                          struct bytes_reader *reader)
{
    size_t others_at = offers_arms_before(offers, offers->count);
    uint64_t count = bytes_take_varuint(reader);
    for (uint64_t i = 0; i < count && !reader->bad; i++) {
        struct offer_counts own = {0};
        struct offer_counts others = {0};
        uint8_t parts = bytes_take_u8(reader);
        struct arm_name name = {.variant = bytes_take_u32(reader)};
        name.context = bytes_take_u32(reader);
        name.channel = bytes_take_u8(reader);
        if ((parts & ARM_OWN) != 0) {
            unpack_own(&own, reader);
        }
        if ((parts & ARM_OTHERS) != 0) {
            others.presented = bytes_take_varint(reader);
            others.accepted = bytes_take_varint(reader);
        }
        reader->bad =
            reader->bad || parts > (ARM_OWN | ARM_OTHERS) || name.channel >= CHANNEL_COUNT;
        struct offer_counts *arm =
            offer < 0 || reader->bad ? NULL : arm_find(offers, task, (uint32_t)offer, name);
        if (arm != NULL) {
            add_counts(arm, &own);
            add_counts(arm + others_at, &others);
        }
    }
}

/* A bit per side that somebody is on; their plan's name, their experiment's, and counters. */
static void pack_sides(const struct offers *offers, const struct offers_task *task, uint32_t offer,
                       struct bytes_writer *writer)
{
    uint8_t known = 0;
    for (uint32_t i = 0; i < SIDE_COUNT; i++) {
        known |= (uint8_t)((task->sides[offer][i / 2][i % 2].customers > 0) << i);
    }
    bytes_put_u8(writer, known);
    if (known != 0) {
        bytes_put_u32(writer, offers_experiment(offers, offer));
        bytes_put_u32(writer, task->experiments[offer]);
    }
    for (uint32_t i = 0; i < SIDE_COUNT; i++) {
        const struct offer_side *side = &task->sides[offer][i / 2][i % 2];
        if ((known >> i & 1) != 0) {
            bytes_put_varint(writer, side->customers);
            bytes_put_varint(writer, side->converted);
            bytes_put_varint(writer, side->revenue_minor);
            bytes_put(writer, &side->revenue_squares, sizeof(side->revenue_squares));
        }
    }
}

/* `offer` < 0, or split by another plan: read and forget. */
static void unpack_sides(const struct offers *offers, struct offers_task *task, int32_t offer,
                         uint8_t format, struct bytes_reader *reader)
{
    uint8_t known = bytes_take_u8(reader);
    uint32_t plan = known != 0 ? bytes_take_u32(reader) : 0;
    uint32_t name = known != 0 && format > TASK_FORMAT_PLANS ? bytes_take_u32(reader) : plan;
    bool ours = offer >= 0 && known != 0 && plan == offers_experiment(offers, (uint32_t)offer);
    reader->bad = reader->bad || known >> SIDE_COUNT != 0;
    if (ours) {
        task->experiments[offer] = name;
    }
    for (uint32_t i = 0; i < SIDE_COUNT && !reader->bad; i++) {
        struct offer_side side = {0};
        if ((known >> i & 1) == 0) {
            continue;
        }
        side.customers = bytes_take_varint(reader);
        side.converted = bytes_take_varint(reader);
        side.revenue_minor = bytes_take_varint(reader);
        struct slice squares = bytes_take(reader, sizeof(side.revenue_squares));
        if (squares.size == sizeof(side.revenue_squares)) {
            memcpy(&side.revenue_squares, squares.data, squares.size);
        }
        if (ours) {
            task->sides[offer][i / 2][i % 2] = side;
        }
    }
}

size_t engine_task_pack(const struct engine *engine, const void *task, uint8_t *out)
{
    const struct playbook *playbook = engine->playbook;
    const struct task_head *head = task;
    const uint64_t *sizes = part_of(task, engine->sizes);
    const uint64_t *swept = part_of(task, engine->segments_swept);
    const struct offers_task *offers = part_of(task, engine->offers_task);
    struct bytes_writer writer = bytes_writer(out, ENGINE_RECORD_SIZE_MAX);
    bytes_put_u8(&writer, TASK_FORMAT);
    bytes_put_u64(&writer, head->swept_hash);
    bytes_put_u64(&writer, head->begun_hash);
    bytes_put_varuint(&writer, offers->decisions);
    bytes_put_varuint(&writer, offers->no_offers);
    bytes_put_varuint(&writer, offers->unknown_outcomes);
    bytes_put_u8(&writer, OFFER_GATE_COUNT);
    for (uint32_t i = 0; i < OFFER_GATE_COUNT; i++) {
        bytes_put_varuint(&writer, offers->blocked[i]);
    }
    bytes_put_u8(&writer, OUTCOME_COUNT);
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++) {
        bytes_put_varuint(&writer, offers->outcomes[i]);
    }
    bytes_put_varuint(&writer, playbook->segments.count);
    for (uint32_t i = 0; i < playbook->segments.count; i++) {
        bytes_put_u32(&writer, engine->keys.segments[i]);
        bytes_put_varuint(&writer, sizes[i]);
        bytes_put_u64(&writer, swept[i]);
    }
    bytes_put_varuint(&writer, playbook->offers.count);
    for (uint32_t i = 0; i < playbook->offers.count; i++) {
        bytes_put_u32(&writer, engine->keys.offers[i]);
        bytes_put_varint(&writer, offers->made[i]);
        pack_counts(&playbook->offers, offers, i, &writer);
        pack_sides(&playbook->offers, offers, i, &writer);
    }
    INVARIANT(!writer.full); /* engine_open compared the worst case with the limit */
    return writer.size;
}

static void take_sizes(const struct engine *engine, void *task, struct bytes_reader *reader)
{
    uint64_t *sizes = part(task, engine->sizes);
    uint64_t *swept = part(task, engine->segments_swept);
    memset(swept, 0, engine->playbook->segments.count * sizeof(*swept));
    uint64_t count = bytes_take_varuint(reader);
    for (uint64_t i = 0; i < count && !reader->bad; i++) {
        uint32_t key = bytes_take_u32(reader);
        uint64_t size = bytes_take_varuint(reader);
        uint64_t hash = bytes_take_u64(reader);
        for (uint32_t k = 0; k < engine->playbook->segments.count; k++) {
            sizes[k] = engine->keys.segments[k] == key ? size : sizes[k];
            swept[k] = engine->keys.segments[k] == key ? hash : swept[k];
        }
    }
}

static void take_offers(const struct engine *engine, struct offers_task *offers, uint8_t format,
                        struct bytes_reader *reader)
{
    uint64_t count = bytes_take_varuint(reader);
    for (uint64_t i = 0; i < count && !reader->bad; i++) {
        uint32_t key = bytes_take_u32(reader);
        int64_t made = bytes_take_varint(reader);
        int32_t at = -1;
        for (uint32_t k = 0; k < engine->playbook->offers.count && !reader->bad; k++) {
            at = engine->keys.offers[k] == key ? (int32_t)k : at;
        }
        if (at >= 0) {
            offers->made[at] = made;
        }
        unpack_counts(&engine->playbook->offers, offers, at, reader);
        if (format >= TASK_FORMAT_PLANS) {
            unpack_sides(&engine->playbook->offers, offers, at, format, reader);
        }
    }
}

enum status engine_task_unpack(const struct engine *engine, void *task, uint32_t task_number,
                               struct slice packed, struct status_text *out_text)
{
    engine_task_init(engine, task, task_number);
    struct offers_task *offers = part(task, engine->offers_task);
    struct bytes_reader reader = bytes_reader(packed);
    uint8_t format = bytes_take_u8(&reader);
    bool known = format >= TASK_FORMAT_OLDEST && format <= TASK_FORMAT;
    struct task_head *head = task;
    head->swept_hash = bytes_take_u64(&reader);
    head->begun_hash = bytes_take_u64(&reader);
    offers->decisions = bytes_take_varuint(&reader);
    offers->no_offers = bytes_take_varuint(&reader);
    offers->unknown_outcomes = bytes_take_varuint(&reader);
    uint8_t gates = bytes_take_u8(&reader);
    for (uint32_t i = 0; i < gates; i++) {
        uint64_t blocked = bytes_take_varuint(&reader);
        if (i < OFFER_GATE_COUNT) {
            offers->blocked[i] = blocked;
        }
    }
    uint8_t outcomes = bytes_take_u8(&reader);
    for (uint32_t i = 0; i < outcomes; i++) {
        uint64_t seen = bytes_take_varuint(&reader);
        if (i < OUTCOME_COUNT) {
            offers->outcomes[i] = seen;
        }
    }
    take_sizes(engine, task, &reader);
    take_offers(engine, offers, format, &reader);
    if (!known || reader.bad || bytes_left(&reader) != 0) {
        engine_task_init(engine, task, task_number);
        return status_fail(out_text, STATUS_INVALID, "a task record that is cut short or hostile");
    }
    return STATUS_OK;
}

uint32_t engine_arm_count(const struct engine *engine)
{
    return offers_arms_before(&engine->playbook->offers, engine->playbook->offers.count);
}

uint32_t engine_arm_find(const struct engine *engine, struct slice offer, struct slice variant,
                         uint8_t channel, struct slice context)
{
    const struct offers *offers = &engine->playbook->offers;
    uint32_t at = 0;
    while (at < offers_context_count(offers) &&
           !slice_equal(offers_context_id(offers, at), context)) {
        at++;
    }
    at = at < offers_context_count(offers) ? at : 0; /* a context that is gone counts as "other" */
    for (uint32_t i = 0; i < offers->count && channel < CHANNEL_COUNT; i++) {
        for (uint32_t k = 0; k < offer_variant_count(&offers->defs[i]); k++) {
            if (slice_equal(offers->defs[i].id, offer) &&
                slice_equal(offer_variant_id(&offers->defs[i], k), variant)) {
                return offers_arm(offers, i, k, channel, at);
            }
        }
    }
    return UINT32_MAX;
}

void engine_task_learn(const struct engine *engine, void *task, const struct engine_trials *others)
{
    struct offers_task *offers = part(task, engine->offers_task);
    uint32_t count = engine_arm_count(engine);
    for (uint32_t i = 0; i < count; i++) {
        offers->counts[count + i].presented = others[i].presented;
        offers->counts[count + i].accepted = others[i].accepted;
    }
}

void engine_counters(const struct engine *engine, const void *task,
                     struct engine_counters *out_counters)
{
    const struct offers_task *offers = part_of(task, engine->offers_task);
    *out_counters = (struct engine_counters){
        .rules_unknown = ((const struct task_head *)task)->unknowns,
        .decisions = offers->decisions,
        .no_offers = offers->no_offers,
        .unknown_outcomes = offers->unknown_outcomes,
        .blocked = offers->blocked,
        .gate_count = OFFER_GATE_COUNT,
        .outcomes = offers->outcomes,
        .outcome_count = OUTCOME_COUNT,
        .segment_sizes = part_of(task, engine->sizes),
        .segment_count = engine->playbook->segments.count,
    };
    memcpy(out_counters->unsure, ((const struct task_head *)task)->unsure,
           sizeof(out_counters->unsure));
}

uint32_t engine_gate_count(void)
{
    return OFFER_GATE_COUNT;
}

const char *engine_gate_name(uint32_t gate)
{
    return offer_gate_name((enum offer_gate)gate);
}

struct slice engine_segment_id(const struct engine *engine, uint32_t segment)
{
    return engine->playbook->segments.defs[segment].id;
}
