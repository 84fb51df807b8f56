/* SPDX-License-Identifier: Apache-2.0 */
/* matches(): the common subset of RE2, by Thompson's simulation (Cox, "Regular Expression Matching
 * Can Be Simple And Fast"): a set of states moves through the text once, so no pattern can hang the
 * stream.
 *
 * Understood: literals, ., [a-z], [^..], \d \w \s \D \W \S, \b \B, ^ $, ( ), (?: ), (?i), |, * + ?
 * {n,m} and their lazy forms (which match the same texts). */
#include "cel/pattern.h"

enum { PATTERN_DEPTH_MAX = 100, RANGES_MAX = 2000, REPEAT_MAX = 1000 };

struct builder {
    struct slice text;
    size_t at;
    struct pattern_state *states;
    struct pattern_range *ranges;
    uint32_t state_count, range_count, depth;
    bool fold;
    const char *error;
};

static bool parse_alternation(struct builder *b);

static bool fail(struct builder *b, const char *what)
{
    b->error = b->error == NULL ? what : b->error;
    return false;
}

static bool add(struct builder *b, enum pattern_state_kind kind, uint32_t x, uint32_t y)
{
    if (b->state_count == PATTERN_STATES_MAX) {
        return fail(b, "the pattern is too large");
    }
    b->states[b->state_count++] =
        (struct pattern_state){(uint8_t)kind, false, (uint16_t)x, (uint16_t)y};
    return true;
}

static bool add_range(struct builder *b, uint32_t low, uint32_t high)
{
    if (b->range_count + 2 > RANGES_MAX) {
        return fail(b, "the pattern is too large");
    }
    b->ranges[b->range_count++] = (struct pattern_range){low, high};
    for (uint32_t base = 'A'; b->fold && base <= 'a'; base += 'a' - 'A') {
        /* The part of the range that is letters, in the other case. */
        uint32_t from = low > base ? low : base, to = high < base + 25 ? high : base + 25;
        if (from <= to && b->range_count < RANGES_MAX) {
            b->ranges[b->range_count++] = (struct pattern_range){from ^ 0x20, to ^ 0x20};
        }
    }
    return true;
}

static int peek(const struct builder *b)
{
    return b->at < b->text.size ? b->text.data[b->at] : -1;
}

static bool take(struct builder *b, int c)
{
    bool yes = peek(b) == c;
    b->at += yes;
    return yes;
}

static const struct pattern_range digit_ranges[] = {{'0', '9'}};
static const struct pattern_range word_ranges[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const struct pattern_range space_ranges[] = {{9, 10}, {12, 13}, {' ', ' '}};

/* \d and its like into the ranges; a negated one is written as the gaps between. */
static bool add_named(struct builder *b, int name, bool *out_known)
{
    int lower = name | 0x20;
    const struct pattern_range *list = lower == 'd'   ? digit_ranges
                                       : lower == 'w' ? word_ranges
                                                      : space_ranges;
    size_t count = lower == 'd'   ? ARRAY_COUNT(digit_ranges)
                   : lower == 'w' ? ARRAY_COUNT(word_ranges)
                                  : ARRAY_COUNT(space_ranges);
    *out_known = lower == 'd' || lower == 'w' || lower == 's';
    uint32_t next = 0;
    bool good = true;
    for (size_t i = 0; *out_known && good && i < count; i++) {
        good = name == lower ? add_range(b, list[i].low, list[i].high)
                             : add_range(b, next, list[i].low - 1);
        next = list[i].high + 1;
    }
    return good && (!*out_known || name == lower || add_range(b, next, 0x10ffff));
}

/* The character that an escape stands for; the backslash and `c` are taken. */
static bool escaped(struct builder *b, int c, uint32_t *out)
{
    static const char from[] = "nrtfvae", to[] = "\n\r\t\f\v\a\033";
    const char *special = strchr(from, c);
    if (special != NULL) {
        *out = (uint8_t)to[special - from];
        return true;
    }
    if (c == 'x') {
        uint32_t value = 0;
        bool braces = take(b, '{');
        for (int n = 0; n < (braces ? 6 : 2); n++) {
            int d = peek(b), digit = d >= '0' && d <= '9'                 ? d - '0'
                                     : (d | 32) >= 'a' && (d | 32) <= 'f' ? (d | 32) - 87
                                                                          : -1;
            if (digit < 0) {
                break;
            }
            value = value * 16 + (uint32_t)digit;
            b->at++;
        }
        *out = value;
        return (!braces || take(b, '}')) ? true : fail(b, "the pattern has a bad escape");
    }
    bool letter =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
    *out = (uint32_t)c;
    return letter ? fail(b, "the pattern has an escape that is not supported") : true;
}

static bool class_item(struct builder *b)
{
    uint32_t low = cel_utf8_next(b->text, &b->at), high = 0;
    if (low == '[' && peek(b) == ':') {
        return fail(b, "[:name:] classes are not supported: write the ranges");
    }
    if (low == '\\') {
        int c = peek(b);
        bool known = false;
        if (c < 0) {
            return fail(b, "the pattern ends in a backslash");
        }
        b->at++;
        if (!add_named(b, c, &known) || known) {
            return known && b->error == NULL;
        }
        if (!escaped(b, c, &low)) {
            return false;
        }
    }
    high = low;
    if (peek(b) == '-' && b->at + 1 < b->text.size && b->text.data[b->at + 1] != ']') {
        b->at++;
        high = cel_utf8_next(b->text, &b->at);
        if (high == '\\' && b->at < b->text.size && !escaped(b, b->text.data[b->at++], &high)) {
            return false;
        }
    }
    return high < low ? fail(b, "the pattern has a range that runs backwards")
                      : add_range(b, low, high);
}

static bool parse_class(struct builder *b)
{
    uint32_t first = b->range_count;
    bool negated = take(b, '^');
    for (bool start = true; start || peek(b) != ']'; start = false) {
        if (b->at >= b->text.size) {
            return fail(b, "the pattern has a [ without ]");
        }
        if (!class_item(b)) {
            return false;
        }
    }
    b->at++;
    if (!add(b, STATE_CLASS, first, b->range_count - first)) {
        return false;
    }
    b->states[b->state_count - 1].negated = negated;
    return true;
}

static bool add_character(struct builder *b, uint32_t low, uint32_t high)
{
    uint32_t first = b->range_count;
    return add_range(b, low, high) && add(b, STATE_CLASS, first, b->range_count - first);
}

static bool parse_escape(struct builder *b)
{
    int c = peek(b);
    uint32_t first = b->range_count, code = 0;
    bool known = false;
    if (c < 0) {
        return fail(b, "the pattern ends in a backslash");
    }
    b->at++;
    if (c == 'b' || c == 'B') {
        return add(b, c == 'b' ? STATE_WORD : STATE_NOT_WORD, 0, 0);
    }
    if (c == 'A' || c == 'z') {
        return add(b, c == 'A' ? STATE_BEGIN : STATE_END, 0, 0);
    }
    if (!add_named(b, c, &known)) {
        return false;
    }
    if (known) {
        return add(b, STATE_CLASS, first, b->range_count - first);
    }
    return escaped(b, c, &code) && add_character(b, code, code);
}

static bool parse_group(struct builder *b)
{
    bool fold = b->fold;
    if (take(b, '?')) {
        if (take(b, 'i')) {
            b->fold = true;
            if (take(b, ')')) {
                return true; /* to the end of the enclosing group */
            }
        }
        if (!take(b, ':')) {
            return fail(b, "the pattern has a group that is not supported");
        }
    }
    if (++b->depth > PATTERN_DEPTH_MAX) {
        return fail(b, "the pattern is nested too deeply");
    }
    bool good = parse_alternation(b) && (take(b, ')') || fail(b, "the pattern has a ( without )"));
    b->depth--;
    b->fold = fold;
    return good;
}

static bool parse_atom(struct builder *b)
{
    int c = peek(b);
    uint32_t code = cel_utf8_next(b->text, &b->at);
    switch (c) {
    case '(':
        return parse_group(b);
    case '[':
        return parse_class(b);
    case '\\':
        return parse_escape(b);
    case '.':
        return add_character(b, '\n', '\n') && (b->states[b->state_count - 1].negated = true);
    case '^':
        return add(b, STATE_BEGIN, 0, 0);
    case '$':
        return add(b, STATE_END, 0, 0);
    case '*':
    case '+':
    case '?':
        return fail(b, "the pattern repeats nothing");
    default:
        return add_character(b, code, code);
    }
}

/* Room for `count` states at `from`: what follows moves up with its jumps. */
static bool open_gap(struct builder *b, uint32_t from, uint32_t count)
{
    if (b->state_count + count > PATTERN_STATES_MAX) {
        return fail(b, "the pattern is too large");
    }
    memmove(&b->states[from + count], &b->states[from],
            (b->state_count - from) * sizeof(*b->states));
    b->state_count += count;
    for (uint32_t i = from + count; i < b->state_count; i++) {
        if (b->states[i].kind == STATE_SPLIT || b->states[i].kind == STATE_JUMP) {
            b->states[i].x = (uint16_t)(b->states[i].x + count);
            b->states[i].y = (uint16_t)(b->states[i].y + count);
        }
    }
    return true;
}

static void set_split(struct builder *b, uint32_t at, uint32_t x, uint32_t y)
{
    b->states[at] = (struct pattern_state){STATE_SPLIT, false, (uint16_t)x, (uint16_t)y};
}

static bool make_star(struct builder *b, uint32_t from)
{
    if (!open_gap(b, from, 1) || !add(b, STATE_JUMP, from, from)) {
        return false;
    }
    set_split(b, from, from + 1, b->state_count);
    return true;
}

static bool make_optional(struct builder *b, uint32_t from)
{
    if (!open_gap(b, from, 1)) {
        return false;
    }
    set_split(b, from, from + 1, b->state_count);
    return true;
}

/* A copy of states first .. first + count - 1 at the end. */
static bool copy_states(struct builder *b, uint32_t first, uint32_t count)
{
    uint32_t shift = b->state_count - first;
    if (b->state_count + count > PATTERN_STATES_MAX) {
        return fail(b, "the pattern is too large");
    }
    for (uint32_t i = 0; i < count; i++) {
        struct pattern_state state = b->states[first + i];
        if (state.kind == STATE_SPLIT || state.kind == STATE_JUMP) {
            state.x = (uint16_t)(state.x + shift);
            state.y = (uint16_t)(state.y + shift);
        }
        b->states[b->state_count++] = state;
    }
    return true;
}

/* x{low,high}: low copies, then optional ones or a star. high < 0: no limit. */
static bool make_repeat(struct builder *b, uint32_t from, int32_t low, int32_t high)
{
    uint32_t count = b->state_count - from;
    struct pattern_state saved[PATTERN_STATES_MAX];
    memcpy(saved, &b->states[from], count * sizeof(*saved));
    bool good = true;
    b->state_count = from;
    for (int32_t i = 0; good && (i < low || i < high || (high < 0 && i == low)); i++) {
        /* Each copy is the saved piece laid at the end, then wrapped. */
        uint32_t start = b->state_count;
        if (start + count > PATTERN_STATES_MAX) {
            return fail(b, "the pattern is too large");
        }
        for (uint32_t k = 0; k < count; k++) {
            struct pattern_state state = saved[k];
            if (state.kind == STATE_SPLIT || state.kind == STATE_JUMP) {
                state.x = (uint16_t)(state.x - from + start);
                state.y = (uint16_t)(state.y - from + start);
            }
            b->states[b->state_count++] = state;
        }
        good = i < low ? true : high < 0 ? make_star(b, start) : make_optional(b, start);
    }
    return good;
}

/* {n}, {n,}, {n,m}; anything else is a literal brace. */
static bool parse_counts(struct builder *b, int32_t *low, int32_t *high)
{
    size_t at = b->at + 1;
    int32_t values[2] = {-1, -1};
    int which = 0;
    for (; at < b->text.size && b->text.data[at] != '}'; at++) {
        int c = b->text.data[at];
        if (c == ',' && which == 0 && values[0] >= 0) {
            which = 1;
        } else if (c >= '0' && c <= '9') {
            values[which] = (values[which] < 0 ? 0 : values[which]) * 10 + c - '0';
            values[which] = values[which] > REPEAT_MAX ? REPEAT_MAX + 1 : values[which];
        } else {
            return false;
        }
    }
    if (at >= b->text.size || values[0] < 0) {
        return false;
    }
    *low = values[0];
    *high = which == 0 ? values[0] : values[1];
    b->at = at + 1;
    return true;
}

static bool parse_repeat(struct builder *b)
{
    uint32_t from = b->state_count;
    if (!parse_atom(b)) {
        return false;
    }
    for (int rounds = 0; rounds < 2; rounds++) {
        int32_t low = 0, high = 0;
        bool good = true;
        if (take(b, '*')) {
            good = make_star(b, from);
        } else if (take(b, '+')) {
            uint32_t count = b->state_count - from, second = b->state_count;
            good = copy_states(b, from, count) && make_star(b, second);
        } else if (take(b, '?')) {
            good = make_optional(b, from);
        } else if (peek(b) == '{' && parse_counts(b, &low, &high)) {
            bool sane = low <= REPEAT_MAX && high <= REPEAT_MAX && (high < 0 || low <= high);
            good =
                sane ? make_repeat(b, from, low, high) : fail(b, "the pattern repeats too often");
        } else {
            return true;
        }
        (void)take(b, '?'); /* lazy: the same texts match */
        if (!good) {
            return false;
        }
    }
    return true;
}

static bool parse_alternation(struct builder *b)
{
    uint32_t from = b->state_count;
    while (peek(b) != -1 && peek(b) != '|' && peek(b) != ')') {
        if (!parse_repeat(b)) {
            return false;
        }
    }
    if (!take(b, '|')) {
        return true;
    }
    if (!open_gap(b, from, 1) || !add(b, STATE_JUMP, 0, 0)) {
        return false;
    }
    uint32_t jump = b->state_count - 1;
    set_split(b, from, from + 1, b->state_count);
    bool good = ++b->depth <= PATTERN_DEPTH_MAX ? parse_alternation(b)
                                                : fail(b, "the pattern has too many branches");
    b->depth--;
    b->states[jump].x = b->states[jump].y = (uint16_t)b->state_count;
    return good;
}

const struct cel_pattern *cel_pattern_compile(struct slice text, struct arena *arena,
                                              const char **out_error)
{
    struct pattern_state states[PATTERN_STATES_MAX];
    struct pattern_range ranges[RANGES_MAX];
    struct builder b = {.text = text, .states = states, .ranges = ranges};
    bool good =
        parse_alternation(&b) && (b.at == text.size || fail(&b, "the pattern has a ) without ("));
    if (!good || !add(&b, STATE_MATCH, 0, 0)) {
        *out_error = b.error;
        return NULL;
    }
    struct cel_pattern *pattern = arena_take(arena, sizeof(*pattern));
    struct pattern_state *kept = arena_take(arena, b.state_count * sizeof(*kept));
    struct pattern_range *kept_ranges =
        arena_take(arena, (b.range_count + 1) * sizeof(*kept_ranges));
    if (pattern == NULL || kept == NULL || kept_ranges == NULL) {
        *out_error = "out of scratch memory";
        return NULL;
    }
    memcpy(kept, states, b.state_count * sizeof(*kept));
    memcpy(kept_ranges, ranges, b.range_count * sizeof(*kept_ranges));
    *pattern = (struct cel_pattern){kept, kept_ranges, b.state_count, b.range_count};
    return pattern;
}

/* ---- matching ---- */

struct set {
    uint16_t list[PATTERN_STATES_MAX];
    uint32_t count;
};

struct matcher {
    const struct cel_pattern *pattern;
    uint32_t *mark; /* the step in which a state was added */
    uint32_t step;
    struct slice text;
    size_t at;
    bool matched;
};

static bool is_word(const struct matcher *m, size_t at)
{
    uint8_t c = at < m->text.size ? m->text.data[at] : 0;
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';
}

static bool condition_holds(const struct matcher *m, enum pattern_state_kind kind)
{
    bool edge = (m->at > 0 && is_word(m, m->at - 1)) != is_word(m, m->at);
    return kind == STATE_BEGIN  ? m->at == 0
           : kind == STATE_END  ? m->at == m->text.size
           : kind == STATE_WORD ? edge
                                : !edge;
}

/* Add a state and all that it reaches without a character, by a stack of our own. */
static void follow(struct matcher *m, struct set *set, uint32_t start)
{
    uint16_t stack[PATTERN_STATES_MAX + 2];
    uint32_t depth = 0;
    stack[depth++] = (uint16_t)start;
    while (depth > 0) {
        uint32_t i = stack[--depth];
        if (m->mark[i] == m->step) {
            continue;
        }
        m->mark[i] = m->step;
        const struct pattern_state *state = &m->pattern->states[i];
        uint32_t next[2] = {i + 1, i + 1};
        if (state->kind == STATE_MATCH || state->kind == STATE_CLASS) {
            m->matched = m->matched || state->kind == STATE_MATCH;
            set->list[set->count++] = (uint16_t)i;
            continue;
        }
        if (state->kind == STATE_SPLIT || state->kind == STATE_JUMP) {
            next[0] = state->x;
            next[1] = state->y;
        } else if (!condition_holds(m, (enum pattern_state_kind)state->kind)) {
            continue;
        }
        for (int k = 0; k < (next[0] == next[1] ? 1 : 2); k++) {
            if (m->mark[next[k]] != m->step && depth < PATTERN_STATES_MAX + 2) {
                stack[depth++] = (uint16_t)next[k];
            }
        }
    }
}

struct cel_value cel_pattern_match(const struct cel_pattern *pattern, struct slice text,
                                   struct arena *scratch)
{
    uint32_t mark[PATTERN_STATES_MAX];
    struct set sets[2];
    (void)scratch;
    memset(mark, 0, pattern->state_count * sizeof(*mark));
    sets[0].count = 0;
    struct matcher m = {.pattern = pattern, .mark = mark, .step = 1, .text = text};
    follow(&m, &sets[0], 0);
    for (unsigned now = 0; !m.matched && m.at < text.size; now ^= 1) {
        uint32_t code = cel_utf8_next(text, &m.at);
        struct set *next = &sets[now ^ 1];
        next->count = 0;
        m.step++;
        for (uint32_t i = 0; i < sets[now].count; i++) {
            uint32_t at = sets[now].list[i];
            if (pattern->states[at].kind == STATE_CLASS &&
                pattern_accepts(pattern, &pattern->states[at], code)) {
                follow(&m, next, at + 1);
            }
        }
        follow(&m, next, 0); /* a match may begin anywhere */
    }
    return cel_bool(m.matched);
}
