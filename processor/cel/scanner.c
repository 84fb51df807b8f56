/* SPDX-License-Identifier: Apache-2.0 */
/* Many patterns over one text in one pass: their automata are joined and made deterministic when built (subset
 * construction; of plain words that is Aho and Corasick's automaton). A state says what could have begun before and
 * where the last character stood:
 *
 *   { begin | behind a word's character | behind another }  x  { states of the patterns }  x  { just matched }
 *
 * A pattern that has matched is noted and forgotten; were it kept in the state, n patterns would need 2^n of
 * them. So words make about as many states as they have letters. \b, ^ and $ look at the next character, so the
 * empty steps before it are taken when it is known. */
#include "cel/pattern.h"

#include <stdlib.h>

#include "base/hash.h"

enum {
    STATES_MAX = 16384,
    CLASSES_MAX = 250,
    WORDS = CEL_SCANNER_PATTERNS_MAX / 64,
    TABLE_SIZE = 4 * STATES_MAX, /* of the hash table in which states are found again */
    SAYS = 0x8000,               /* in a step: something matches on the way */
    JOINED_MAX = 60000,          /* states of all patterns together */
};

enum before { BEFORE_BEGIN, BEFORE_WORD, BEFORE_OTHER, BEFORE_COUNT };
enum after { AFTER_WORD, AFTER_OTHER, AFTER_END, AFTER_COUNT };

struct said {
    uint64_t bits[WORDS];
};

struct cel_scanner {
    uint8_t ascii[128];        /* the class of a character */
    const uint32_t *first;     /* by class: its first character; classes are ranges */
    const uint16_t *steps;     /* by state and class: the next state, and SAYS */
    const struct said *said;   /* by state: what matched on the way into it */
    const struct said *at_end; /* by state: what matches if the text ends here */
    uint32_t class_count;
};

/* A set of joined states, in order. */
struct set {
    const uint32_t *list;
    uint32_t count;
};

struct state {
    struct set set;
    struct said said;
    enum before before;
    uint16_t *steps;
    struct said at_end;
};

/* What the empty steps lead to: states that take a character, and matches. */
struct reach {
    struct set takers;
    struct said said;
};

struct builder {
    struct arena *arena; /* working memory */
    const struct cel_pattern *const *patterns;
    uint32_t pattern_count;
    uint32_t *offsets;   /* by pattern: number of its first state among all */
    uint8_t *pattern_of; /* by joined state */
    uint32_t joined_count;
    uint32_t *mark; /* by joined state: the round in which it was seen */
    uint32_t round;
    uint32_t *list, *stack; /* working room, joined_count each */
    uint32_t first[CLASSES_MAX + 1];
    bool is_word[CLASSES_MAX];
    uint32_t class_count;
    struct reach starts[BEFORE_COUNT][AFTER_COUNT];
    struct set *begun[BEFORE_COUNT]; /* by class: where a pattern is that begins with it */
    uint16_t *plain[BEFORE_COUNT];   /* by class: the step when nothing has begun */
    struct state *states;
    uint32_t state_count;
    uint16_t *table; /* number of a state + 1 */
    bool full;
};

static bool is_word(uint32_t code)
{
    return (code >= '0' && code <= '9') || (code >= 'a' && code <= 'z') ||
           (code >= 'A' && code <= 'Z') || code == '_';
}

static void *take(struct builder *b, size_t count, size_t size)
{
    void *room = arena_take(b->arena, count * size + 1);
    b->full = b->full || room == NULL;
    return room;
}

/* ---- classes of characters: the ranges between all edges that a pattern knows ---- */

static void add_edge(struct builder *b, uint32_t code)
{
    uint32_t at = b->class_count;
    for (uint32_t i = 0; i < b->class_count; i++) {
        if (b->first[i] == code) {
            return;
        }
    }
    if (at == CLASSES_MAX) {
        b->full = true;
        return;
    }
    for (; at > 0 && b->first[at - 1] > code; at--) {
        b->first[at] = b->first[at - 1];
    }
    b->first[at] = code;
    b->class_count++;
}

static void find_classes(struct builder *b)
{
    static const uint32_t word_edges[] = {0,   '0',     '9' + 1, 'A',    'Z' + 1,
                                          '_', '_' + 1, 'a',     'z' + 1};
    for (size_t i = 0; i < ARRAY_COUNT(word_edges); i++) {
        add_edge(b, word_edges[i]);
    }
    for (uint32_t p = 0; p < b->pattern_count; p++) {
        for (uint32_t i = 0; i < b->patterns[p]->range_count; i++) {
            add_edge(b, b->patterns[p]->ranges[i].low);
            add_edge(b, b->patterns[p]->ranges[i].high + 1);
        }
    }
    for (uint32_t i = 0; i < b->class_count; i++) {
        b->is_word[i] = is_word(b->first[i]);
    }
}

/* ---- empty steps ---- */

static const struct pattern_state *joined(const struct builder *b, uint32_t number)
{
    uint32_t pattern = b->pattern_of[number];
    return &b->patterns[pattern]->states[number - b->offsets[pattern]];
}

static bool holds(enum pattern_state_kind kind, enum before before, enum after after)
{
    bool edge = (before == BEFORE_WORD) != (after == AFTER_WORD);
    return kind == STATE_BEGIN  ? before == BEFORE_BEGIN
           : kind == STATE_END  ? after == AFTER_END
           : kind == STATE_WORD ? edge
                                : !edge;
}

/* From these states, by steps that take no character. The list is in the builder's working room. */
static struct reach follow(struct builder *b, struct set from, enum before before, enum after after)
{
    struct reach reach = {.takers = {b->list, 0}};
    uint32_t depth = 0;
    b->round++;
    for (uint32_t i = 0; i < from.count; i++) {
        b->stack[depth++] = from.list[i];
        b->mark[from.list[i]] = b->round;
    }
    while (depth > 0) {
        uint32_t number = b->stack[--depth];
        uint32_t pattern = b->pattern_of[number], offset = b->offsets[pattern];
        const struct pattern_state *state = joined(b, number);
        uint32_t next[2] = {number + 1, number + 1};
        if (state->kind == STATE_MATCH) {
            reach.said.bits[pattern / 64] |= UINT64_C(1) << pattern % 64;
            continue;
        }
        if (state->kind == STATE_CLASS) {
            b->list[reach.takers.count++] = number;
            continue;
        }
        if (state->kind == STATE_SPLIT || state->kind == STATE_JUMP) {
            next[0] = offset + state->x;
            next[1] = offset + state->y;
        } else if (!holds((enum pattern_state_kind)state->kind, before, after)) {
            continue;
        }
        for (int k = 0; k < 2; k++) {
            if (b->mark[next[k]] != b->round) { /* each once, so there is room for all */
                b->mark[next[k]] = b->round;
                b->stack[depth++] = next[k];
            }
        }
    }
    return reach;
}

static struct set keep_set(struct builder *b, struct set set)
{
    uint32_t *kept = take(b, set.count, sizeof(*kept));
    if (kept == NULL) {
        return (struct set){NULL, 0};
    }
    if (set.count > 0) {
        memcpy(kept, set.list, set.count * sizeof(*kept));
    }
    return (struct set){kept, set.count};
}

/* ---- states ---- */

static int by_number(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

static uint64_t hash_of(enum before before, struct set set, const struct said *said)
{
    uint64_t hash = hash64(slice_of(said, sizeof(*said)), (uint64_t)before);
    return hash64(slice_of(set.list, set.count * sizeof(uint32_t)), hash);
}

static bool is_state(const struct state *state, enum before before, struct set set,
                     const struct said *said)
{
    return state->before == before && state->set.count == set.count &&
           memcmp(&state->said, said, sizeof(*said)) == 0 &&
           (set.count == 0 || memcmp(state->set.list, set.list, set.count * sizeof(uint32_t)) == 0);
}

/* The step to the state that is this, which is new or was found before. */
static uint16_t find_state(struct builder *b, enum before before, struct set set,
                           const struct said *said)
{
    uint32_t at = (uint32_t)hash_of(before, set, said) % TABLE_SIZE;
    while (b->table[at] != 0 && !is_state(&b->states[b->table[at] - 1U], before, set, said)) {
        at = (at + 1) % TABLE_SIZE;
    }
    if (b->table[at] == 0) {
        if (b->state_count == STATES_MAX) {
            b->full = true;
            return 0;
        }
        b->states[b->state_count++] =
            (struct state){.set = keep_set(b, set), .said = *said, .before = before};
        b->table[at] = (uint16_t)b->state_count;
    }
    bool says = false;
    for (uint32_t i = 0; i < WORDS; i++) {
        says = says || said->bits[i] != 0;
    }
    return (uint16_t)((b->table[at] - 1U) | (says ? SAYS : 0U));
}

/* Add a state to the working list, once in this round. */
static uint32_t put(struct builder *b, uint32_t number, uint32_t count)
{
    if (b->mark[number] != b->round) {
        b->mark[number] = b->round;
        b->stack[count++] = number;
    }
    return count;
}

/* Add where these go by a character of the class. */
static uint32_t step_over(struct builder *b, struct set takers, uint32_t class, uint32_t count)
{
    for (uint32_t i = 0; i < takers.count; i++) {
        uint32_t number = takers.list[i];
        const struct cel_pattern *pattern = b->patterns[b->pattern_of[number]];
        if (pattern_accepts(pattern, joined(b, number), b->first[class])) {
            count = put(b, number + 1, count);
        }
    }
    return count;
}

static uint16_t make_step(struct builder *b, const struct state *state, const struct reach *own,
                          uint32_t class)
{
    enum after after = b->is_word[class] ? AFTER_WORD : AFTER_OTHER;
    enum before before = b->is_word[class] ? BEFORE_WORD : BEFORE_OTHER;
    const struct reach *starts = &b->starts[state->before][after];
    struct said said = starts->said;
    bool says = false;
    b->round++;
    uint32_t count = step_over(b, own->takers, class, 0);
    for (uint32_t i = 0; i < WORDS; i++) {
        says = says || own->said.bits[i] != 0;
        said.bits[i] |= own->said.bits[i];
    }
    uint16_t *plain = &b->plain[state->before][class];
    bool is_plain = count == 0 && !says; /* only what may begin anywhere */
    if (is_plain && *plain != UINT16_MAX) {
        return *plain;
    }
    struct set begun = b->begun[state->before][class];
    for (uint32_t i = 0; i < begun.count; i++) {
        count = put(b, begun.list[i], count);
    }
    qsort(b->stack, count, sizeof(*b->stack), by_number);
    uint16_t step = find_state(b, before, (struct set){b->stack, count}, &said);
    if (is_plain) {
        *plain = step;
    }
    return step;
}

static void make_steps(struct builder *b, uint32_t number)
{
    struct state *state = &b->states[number];
    state->steps = take(b, b->class_count, sizeof(uint16_t));
    for (int after = AFTER_WORD; after <= AFTER_OTHER && !b->full; after++) {
        struct reach own = follow(b, state->set, state->before, (enum after)after);
        for (uint32_t class = 0; class < b->class_count && !b->full; class ++) {
            if (b->is_word[class] == (after == AFTER_WORD)) {
                state->steps[class] = make_step(b, state, &own, class);
            }
        }
    }
    struct reach end = follow(b, state->set, state->before, AFTER_END);
    state->at_end = b->starts[state->before][AFTER_END].said;
    for (uint32_t i = 0; i < WORDS; i++) {
        state->at_end.bits[i] |= end.said.bits[i];
    }
}

/* ---- all of it ---- */

static bool join(struct builder *b)
{
    b->offsets = take(b, b->pattern_count, sizeof(*b->offsets));
    for (uint32_t p = 0; !b->full && p < b->pattern_count; p++) {
        b->offsets[p] = b->joined_count;
        b->joined_count += b->patterns[p]->state_count;
        b->full = b->joined_count > JOINED_MAX;
    }
    if (b->full) {
        return false;
    }
    size_t room = b->joined_count + 1;
    b->pattern_of = take(b, room, 1);
    b->mark = take(b, room, sizeof(*b->mark));
    b->list = take(b, room, sizeof(*b->list));
    b->stack = take(b, room, sizeof(*b->stack));
    b->states = take(b, STATES_MAX, sizeof(*b->states));
    b->table = take(b, TABLE_SIZE, sizeof(*b->table));
    for (uint32_t i = 0; i < BEFORE_COUNT; i++) {
        b->plain[i] = take(b, CLASSES_MAX, sizeof(uint16_t));
        b->begun[i] = take(b, CLASSES_MAX, sizeof(struct set));
    }
    if (b->full) {
        return false;
    }
    for (uint32_t i = 0; i < BEFORE_COUNT; i++) {
        memset(b->plain[i], 0xff, CLASSES_MAX * sizeof(uint16_t));
    }
    for (uint32_t p = 0; p < b->pattern_count; p++) {
        memset(b->pattern_of + b->offsets[p], (int)p, b->patterns[p]->state_count);
    }
    return true;
}

static void find_starts(struct builder *b)
{
    struct set all = {b->offsets, b->pattern_count}; /* a pattern begins at its first state */
    for (int before = 0; before < BEFORE_COUNT; before++) {
        for (int after = 0; after < AFTER_COUNT; after++) {
            struct reach reach = follow(b, all, (enum before)before, (enum after)after);
            reach.takers = keep_set(b, reach.takers);
            b->starts[before][after] = reach;
        }
        for (uint32_t class = 0; class < b->class_count && !b->full; class ++) {
            enum after after = b->is_word[class] ? AFTER_WORD : AFTER_OTHER;
            b->round++;
            uint32_t count = step_over(b, b->starts[before][after].takers, class, 0);
            b->begun[before][class] = keep_set(b, (struct set){b->stack, count});
        }
    }
}

static const struct cel_scanner *finish(struct builder *b, struct arena *arena)
{
    b->arena = arena;
    struct cel_scanner *scanner = take(b, 1, sizeof(*scanner));
    uint32_t *first = take(b, b->class_count, sizeof(*first));
    uint16_t *steps = take(b, (size_t)b->state_count * b->class_count, sizeof(*steps));
    struct said *said = take(b, b->state_count, sizeof(*said));
    struct said *at_end = take(b, b->state_count, sizeof(*at_end));
    if (b->full) {
        return NULL;
    }
    memcpy(first, b->first, b->class_count * sizeof(*first));
    for (uint32_t i = 0; i < b->state_count; i++) {
        memcpy(steps + (size_t)i * b->class_count, b->states[i].steps,
               b->class_count * sizeof(*steps));
        said[i] = b->states[i].said;
        at_end[i] = b->states[i].at_end;
    }
    *scanner = (struct cel_scanner){.first = first,
                                    .steps = steps,
                                    .said = said,
                                    .at_end = at_end,
                                    .class_count = b->class_count};
    for (uint32_t code = 0, class = 0; code < 128; code++) {
        class += class + 1 < b->class_count && first[class + 1] <= code;
        scanner->ascii[code] = (uint8_t) class;
    }
    return scanner;
}

/* The automaton in working memory. */
static void make_states(struct builder *b)
{
    struct said nothing = {{0}};
    find_classes(b);
    if (!b->full) {
        find_starts(b);
        (void)find_state(b, BEFORE_BEGIN, (struct set){b->list, 0}, &nothing);
    }
    for (uint32_t i = 0; i < b->state_count && !b->full; i++) {
        make_steps(b, i);
    }
}

const struct cel_scanner *cel_scanner_build(const struct cel_pattern *const *patterns,
                                            uint32_t count, struct arena *arena, struct arena *work)
{
    struct builder b = {.arena = work, .patterns = patterns, .pattern_count = count};
    const struct cel_scanner *scanner = NULL;
    size_t used = arena->used, work_used = work->used;
    if (count > 0 && count <= CEL_SCANNER_PATTERNS_MAX && join(&b)) {
        make_states(&b);
        scanner = b.full ? NULL : finish(&b, arena);
    }
    work->used = work_used;
    arena->used = scanner == NULL ? used : arena->used;
    return scanner;
}

static uint32_t class_of(const struct cel_scanner *scanner, uint32_t code)
{
    uint32_t low = 0, high = scanner->class_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (scanner->first[middle] <= code) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

void cel_scanner_scan(const struct cel_scanner *scanner, struct slice text,
                      uint64_t out_bits[CEL_SCANNER_PATTERNS_MAX / 64])
{
    struct said all = {{0}};
    uint32_t state = 0;
    for (size_t at = 0; at < text.size;) {
        uint8_t byte = text.data[at];
        uint32_t class = 0;
        if (LIKELY(byte < 128)) {
            class = scanner->ascii[byte];
            at++;
        } else {
            class = class_of(scanner, cel_utf8_next(text, &at));
        }
        uint32_t step = scanner->steps[(size_t)state * scanner->class_count + class];
        state = step & (SAYS - 1U);
        for (uint32_t i = 0; (step & SAYS) != 0 && i < WORDS; i++) {
            all.bits[i] |= scanner->said[state].bits[i];
        }
    }
    for (uint32_t i = 0; i < WORDS; i++) {
        out_bits[i] = all.bits[i] | scanner->at_end[state].bits[i];
    }
}
