/* SPDX-License-Identifier: Apache-2.0 */
/* Who reads what: a row of bits per input, made once from the playbook. README.md says how it is used. */
#include "base/invariant.h"
#include "base/memory.h"
#include "engine/layout.h"

/* 512 bytes per customer; conditions beyond it are kept as a whole. */
enum { LEAVES_MAX = 2048 };

struct builder {
    struct engine *engine;
    uint64_t *rows;
    struct read_condition *conditions;
    uint32_t numbered; /* places given to conditions and leaves */
    uint32_t leaf_count;
    struct read_signal signals[LIFE_DEFS_MAX * LIFE_SIGNALS_MAX];
    struct condition *signal_conditions[LIFE_DEFS_MAX * LIFE_SIGNALS_MAX]; /* of each */
    uint32_t signal_count;
};

/* One definition while its conditions are added. */
struct reader {
    uint32_t settled; /* its bit in a row */
    bool armed;       /* what it reads arms deadlines */
};

static void *copy_of(const void *list, size_t size, const char *what)
{
    void *copy = memory_take(size > 0 ? size : 1, what);
    if (size > 0) {
        memcpy(copy, list, size);
    }
    return copy;
}

static void number(struct builder *builder, struct condition *condition)
{
    uint32_t leaves = condition_leaves(condition);
    condition->number = condition->program == NULL ? 0 : ++builder->numbered;
    condition->leaf_count = (uint8_t)(builder->leaf_count + leaves <= LEAVES_MAX ? leaves : 0);
    builder->leaf_count += condition->leaf_count;
    builder->numbered += condition->leaf_count;
    condition->reads_no_event = !condition_reads_event(condition);
    condition->clock = condition_clock(condition);
}

static bool reads_space(const uint32_t *slots, uint32_t count, enum scope_space space)
{
    bool reads = false;
    for (uint32_t i = 0; i < count; i++) {
        reads = reads || SCOPE_SLOT_SPACE(slots[i]) == space;
    }
    return reads;
}

static void add_signal(struct builder *builder, uint32_t life, struct life_signal *signal)
{
    uint32_t count = 0;
    struct condition *condition = &signal->condition;
    builder->signal_conditions[builder->signal_count] = condition;
    const uint32_t *slots = cel_program_slots(condition->program, &count);
    struct read_signal *read = &builder->signals[builder->signal_count++];
    *read = (struct read_signal){
        .condition = condition,
        .life = (uint8_t)life,
        .reads_names =
            reads_space(slots, count, SCOPE_LIFE) || reads_space(slots, count, SCOPE_SEGMENT),
    };
    signal->number = builder->signal_count;
    signal->decided = !read->reads_names;
}

static void number_life(struct builder *builder, struct life_events *out)
{
    const struct life_events *events = &builder->engine->playbook->life;
    struct life_def *defs = copy_of(events->defs, events->count * sizeof(*defs), "life events");
    for (uint32_t i = 0; i < events->count; i++) {
        struct life_signal *signals =
            copy_of(defs[i].signals, defs[i].signal_count * sizeof(*signals), "signals");
        number(builder, &defs[i].when);
        number(builder, &defs[i].unless);
        number(builder, &defs[i].ends);
        for (uint32_t k = 0; k < defs[i].signal_count; k++) {
            const struct condition *condition = &signals[k].condition;
            if (condition->program != NULL && condition_reads_event(condition)) {
                add_signal(builder, i, &signals[k]);
            }
            number(builder, &signals[k].condition);
        }
        defs[i].signals = signals;
    }
    *out = (struct life_events){defs, events->count};
}

/* Signals with leaves that stand from one event to the next, behind all others and in words of their own: when such
 * a leaf may have turned nobody is asked again before an event comes. */
static void number_mixed(struct builder *builder)
{
    builder->numbered = (builder->numbered / 32 + 1) * 32 - 1;
    builder->engine->reads.mixed_at = (builder->numbered + 1) / 32;
    for (uint32_t i = 0; i < builder->signal_count; i++) {
        struct condition *condition = builder->signal_conditions[i];
        uint32_t leaves = condition_mixed(condition);
        condition->mixed = leaves > 0 && builder->leaf_count + leaves <= LEAVES_MAX;
        if (condition->mixed) {
            condition->number = ++builder->numbered;
            builder->numbered += leaves;
            builder->leaf_count += leaves;
        }
    }
}

static const struct condition *number_all(struct builder *builder, const struct condition *list,
                                          uint32_t count)
{
    struct condition *copy = copy_of(list, count * sizeof(*copy), "characteristics");
    for (uint32_t i = 0; i < count; i++) {
        number(builder, &copy[i]);
    }
    return copy;
}

static void number_segments(struct builder *builder, struct segments *out)
{
    const struct segments *segments = &builder->engine->playbook->segments;
    struct segment_def *defs = copy_of(segments->defs, segments->count * sizeof(*defs), "segments");
    for (uint32_t i = 0; i < segments->count; i++) {
        number(builder, &defs[i].exit_when);
        defs[i].including = number_all(builder, defs[i].including, defs[i].including_count);
        defs[i].excluding = number_all(builder, defs[i].excluding, defs[i].excluding_count);
    }
    *out = (struct segments){defs, segments->count};
}

/* ---- rows ---- */

static void set(struct builder *builder, uint32_t row, uint32_t bit)
{
    builder->rows[(size_t)row * builder->engine->reads.width + bit / 64] |= UINT64_C(1) << bit % 64;
}

/* The condition or leaf that stands there, whose definition is looked at if it turns; or, without one (0), the
 * definition itself. */
static void add(struct builder *builder, uint32_t row, const struct reader *reader, uint32_t place)
{
    if (place == 0) {
        INVARIANT(reader != NULL);
        set(builder, row, reader->settled);
    } else {
        set(builder, row, 2 * place);
        set(builder, row, 2 * place + 1);
    }
}

/* Both: nobody can tell beforehand whether the condition turns. */
static void add_names(struct builder *builder, uint32_t row, const struct reader *reader,
                      uint32_t place)
{
    builder->conditions[place].reads_names = true;
    add(builder, row, reader, place);
    if (reader != NULL) {
        add(builder, row, reader, 0);
    }
}

static void add_feature(struct builder *builder, uint32_t index, const struct reader *reader,
                        uint32_t place)
{
    const struct playbook *playbook = builder->engine->playbook;
    const struct reads *reads = &builder->engine->reads;
    if (index >= playbook->feature_count) {
        INVARIANT(index < playbook->name_count);
        add(builder, index, reader, place);
        return;
    }
    add(builder, index, reader, place);
    enum feature_drift drift = features_drift(playbook->features, index);
    if (reader == NULL ? features_dues_tell_values(playbook->features, index)
                       : reader->armed && features_dues_tell(playbook->features, index)) {
        return; /* it is touched when its due comes */
    }
    if (drift == FEATURE_DRIFTS_DAILY) {
        add(builder, reads->input_rows + READS_DAY, reader, place);
    } else if (drift == FEATURE_DRIFTS) {
        add(builder, reads->input_rows + READS_ALWAYS, reader, place);
    }
}

/* What stands at `place`, the condition or a leaf of it, reads these. The event and the clock are noticed when they
 * are read (scope.restless); the other fields of the profile change with a profile event, after which nothing is
 * known. */
static void add_slots(struct builder *builder, const uint32_t *slots, uint32_t count,
                      const struct reader *reader, uint32_t place)
{
    const struct reads *reads = &builder->engine->reads;
    bool clock = builder->conditions[place].condition->clock.known;
    for (uint32_t i = 0; i < count; i++) {
        switch ((int)SCOPE_SLOT_SPACE(slots[i])) {
        case SCOPE_NOW:
            if (clock) {
                add(builder, reads->input_rows + READS_CLOCK, reader, place);
            }
            break;
        case SCOPE_FEATURE:
            add_feature(builder, SCOPE_SLOT_INDEX(slots[i]), reader, place);
            break;
        case SCOPE_LIFE:
            add_names(builder, reads->input_rows + READS_LIFE, reader, place);
            break;
        case SCOPE_SEGMENT:
            add_names(builder, reads->input_rows + READS_SEGMENTS, reader, place);
            break;
        default:
            if (slots[i] == RULES_SLOT_AGE || slots[i] == RULES_SLOT_TENURE_DAYS) {
                uint32_t input = slots[i] == RULES_SLOT_AGE ? READS_AGE : READS_DAY;
                add(builder, reads->input_rows + input, reader, place);
            }
            break;
        }
    }
}

/* `reader` NULL: the condition matters only when an event comes that may meet it, and its definition is looked at
 * then. */
static void add_condition(struct builder *builder, const struct condition *condition,
                          const struct reader *reader)
{
    uint32_t count = 0;
    const uint32_t *slots =
        condition->program == NULL ? NULL : cel_program_slots(condition->program, &count);
    struct read_condition *read = &builder->conditions[condition->number];
    *read = (struct read_condition){
        .condition = condition,
        .settled = reader == NULL ? READS_NOBODY : (uint16_t)reader->settled,
        .leaf = READS_WHOLE,
    };
    uint32_t leaves =
        condition->mixed ? cel_program_leaf_count(condition->program) : condition->leaf_count;
    for (uint32_t i = 0; i < leaves; i++) {
        const struct cel_leaf *leaf = cel_program_leaf(condition->program, i);
        uint32_t place = condition->number + 1 + i;
        builder->conditions[place] = *read;
        builder->conditions[place].leaf = (uint8_t)i;
        add_slots(builder, leaf->slots, leaf->slot_count, reader, place);
    }
    if (condition->leaf_count == 0) {
        add_slots(builder, slots, count, reader, condition->number);
    }
}

static void add_life(struct builder *builder)
{
    const struct reads *reads = &builder->engine->reads;
    for (uint32_t i = 0; i < reads->life.count; i++) {
        const struct life_def *def = &reads->life.defs[i];
        struct reader reader = {.settled = reads->life_at * 64 + i, .armed = true};
        set(builder, reads->input_rows + READS_FEEDBACK, reader.settled);
        if (def->absent.used) {
            add_feature(builder, def->absent.feature, &reader, 0);
        }
        add_condition(builder, &def->when, &reader);
        add_condition(builder, &def->unless, &reader);
        add_condition(builder, &def->ends, &reader);
        for (uint32_t k = 0; k < def->signal_count; k++) {
            const struct life_signal *signal = &def->signals[k];
            if (signal->absent.used) {
                add_feature(builder, signal->absent.feature, &reader, 0);
            }
            add_condition(builder, &signal->condition, signal->number != 0 ? NULL : &reader);
        }
    }
}

static void add_segments(struct builder *builder)
{
    const struct reads *reads = &builder->engine->reads;
    for (uint32_t i = 0; i < reads->segments.count; i++) {
        const struct segment_def *def = &reads->segments.defs[i];
        struct reader reader = {.settled = reads->segments_at * 64 + i, .armed = !def->on_event};
        for (uint32_t k = 0; k < def->including_count; k++) {
            add_condition(builder, &def->including[k], &reader);
        }
        for (uint32_t k = 0; k < def->excluding_count; k++) {
            add_condition(builder, &def->excluding[k], &reader);
        }
        add_condition(builder, &def->exit_when, &reader);
        /* No deadline tells when such a time is over. */
        if (def->on_event &&
            (def->dwell_ms | def->min_stay_ms | def->cool_down_ms | def->expires_ms) != 0) {
            set(builder, reads->input_rows + READS_EVENT, reader.settled);
        }
    }
}

static bool same_question(const struct read_condition *a, const struct read_condition *b)
{
    return a->condition != NULL && b->condition != NULL && a->condition != b->condition &&
           condition_asks_the_same(a->condition, a->leaf == READS_WHOLE ? UINT32_MAX : a->leaf,
                                   b->condition, b->leaf == READS_WHOLE ? UINT32_MAX : b->leaf);
}

/* A leaf that stands in several conditions is asked once a moment: places are cleared and asked in their order,
 * those of mixed conditions before the others. */
static void find_twins(struct builder *builder)
{
    struct reads *reads = &builder->engine->reads;
    size_t size = (builder->numbered + 1) * sizeof(*reads->twins);
    uint16_t *twins = memory_take(size, "twins");
    memset(twins, 0, size);
    for (uint32_t i = 1; i <= builder->numbered; i++) {
        uint32_t first_mixed = reads->mixed_at * 32;
        for (uint32_t k = i < first_mixed ? 1 : first_mixed; k < i && twins[i] == 0; k++) {
            bool same = same_question(&builder->conditions[k], &builder->conditions[i]);
            twins[i] = (uint16_t)(same ? k : 0);
        }
    }
    reads->twins = twins;
}

/* Most rows have few words that are not empty. */
static void list_words(struct reads *reads)
{
    uint32_t rows = reads->input_rows + READS_COUNT, count = 0, end = 0;
    for (size_t i = 0; i < (size_t)rows * reads->width; i++) {
        count += reads->rows[i] != 0;
    }
    INVARIANT(count <= UINT16_MAX);
    struct read_word *words = memory_take((count + 1) * sizeof(*words), "words of rows");
    uint16_t *ends = memory_take(rows * sizeof(*ends), "ends of rows");
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t first = end;
        for (uint32_t at = 0; at < reads->width; at++) {
            if (reads_row(reads, i)[at] != 0) {
                words[end++] = (struct read_word){reads_row(reads, i)[at], at};
            }
        }
        ends[i] = (uint16_t)end;
        if (i < reads->input_rows) {
            reads->asked_for[i / 64] |= (uint64_t)(end > first) << i % 64;
        }
    }
    reads->row_words = words;
    reads->row_ends = ends;
}

void reads_build(struct engine *engine)
{
    const struct playbook *playbook = engine->playbook;
    struct builder builder = {.engine = engine};
    struct reads *reads = &engine->reads;
    number_life(&builder, &reads->life);
    number_segments(&builder, &reads->segments);
    reads->signals = copy_of(builder.signals, builder.signal_count * sizeof(builder.signals[0]),
                             "signals of events");
    reads->signal_count = builder.signal_count;
    number_mixed(&builder);
    reads->life_at = (2 * (builder.numbered + 1) + 63) / 64;
    reads->segments_at = reads->life_at + 1;
    reads->width = reads->segments_at + (reads->segments.count + 63) / 64;
    reads->input_rows = playbook->name_count;
    size_t size = (size_t)(reads->input_rows + READS_COUNT) * reads->width * sizeof(uint64_t);
    builder.rows = memory_take(size, "who reads what");
    memset(builder.rows, 0, size);
    INVARIANT(reads->width <= READS_WIDTH_MAX && reads->width * 64 < READS_NOBODY);
    builder.conditions =
        memory_take((builder.numbered + 1) * sizeof(*builder.conditions), "conditions");
    memset(builder.conditions, 0, (builder.numbered + 1) * sizeof(*builder.conditions));
    add_life(&builder);
    add_segments(&builder);
    reads->rows = builder.rows;
    reads->conditions = builder.conditions;
    find_twins(&builder);
    list_words(reads);
    reads->offers = playbook->offers;
    if (!engine->options.look_at_all) {
        offers_triggers_build(&playbook->offers, &reads->offers_triggers);
        reads->offers.triggers = &reads->offers_triggers;
    }
    for (uint32_t i = 0; i < reads->life.count; i++) {
        reads->life_vulnerable |= (uint64_t)reads->life.defs[i].vulnerable << i;
    }
}
