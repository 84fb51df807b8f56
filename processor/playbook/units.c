/* SPDX-License-Identifier: Apache-2.0 */
/* The text is read once more, by precedence, with a unit instead of a value:
 *
 *   f.spend_30d + tx.amount_minor > f.days_quiet * 2      money + money > days      an error at `>`
 *   c.tenure_days > c.age * 365                           days > any                a number converts
 *   ratio(f.saved_90d, f.income_90d) > f.days_quiet       money / money > days      a share is no number of days
 *   f.balance / (f.spend_30d / 30) < f.days_quiet         money / (money / 30)      so much a day: nobody knows
 *
 * CEL has checked the text already, so what does not fit the little grammar here is something that has no unit.
 */
#include "playbook/units.h"

#include "playbook/tokens.h"

enum unit {
    UNIT_ANY,
    UNIT_MONEY,
    UNIT_DAYS,
    UNIT_MILLISECONDS,
    UNIT_YEARS,
    UNIT_PERCENT,
    UNIT_COUNT,
    UNIT_SHARE,
    UNIT_SCORE
};

static const char *const words[] = {
    "anything", "money in minor units", "days",    "milliseconds", "years",
    "percent",  "a number of things",   "a share", "an rfm score"};

enum { DEPTH_MAX = 40 };

/* What a part of the expression is, and the name that says so. */
struct quantity {
    enum unit unit;
    struct slice name;
    bool number; /* as written */
    bool scaled; /* by a number as written: it may be an amount of each day */
};

struct reader {
    struct loader *loader;
    const struct yaml_node *node;
    struct slice text;
    struct token token; /* the next one */
    uint32_t depth;
};

static const struct quantity anything = {UNIT_ANY, {NULL, 0}, false, false};

static struct quantity read_logic(struct reader *reader);

/* ---- names ---- */

static enum unit unit_of_value(const struct feature_def *def)
{
    static const char minor[] = "_minor";
    struct slice text = def->value_text;
    size_t size = sizeof(minor) - 1;
    if (text.size >= size && memcmp(text.data + text.size - size, minor, size) == 0) {
        return UNIT_MONEY;
    }
    return slice_is(text, "app.duration_ms") ? UNIT_MILLISECONDS : UNIT_ANY;
}

/* Of two alike a share; an amount for each of so many is an amount. */
static enum unit unit_of_quotient(enum unit above, enum unit below)
{
    if (above == UNIT_ANY || below == UNIT_ANY) {
        return UNIT_ANY;
    }
    bool each = above == UNIT_MONEY && (below == UNIT_COUNT || below == UNIT_SHARE);
    return above == below ? UNIT_SHARE : each ? UNIT_MONEY : UNIT_ANY;
}

/* An amount by one of each day is a number of days, by one of each month of months: only the playbook knows. */
static enum unit unit_divided(struct quantity above, struct quantity below)
{
    enum unit unit = unit_of_quotient(above.unit, below.unit);
    return unit == UNIT_SHARE && (above.scaled || below.scaled) ? UNIT_ANY : unit;
}

/* NOLINTNEXTLINE(misc-no-recursion): the operands of a feature stand before it */
static enum unit unit_of_feature(const struct feature_def *defs, const struct feature_def *def)
{
    switch (def->kind) {
    case FEATURE_SUM:
    case FEATURE_AVG:
    case FEATURE_MIN:
    case FEATURE_MAX:
    case FEATURE_FIRST:
    case FEATURE_LAST:
    case FEATURE_NTH:
    case FEATURE_TOP:
    case FEATURE_QUANTILE:
    case FEATURE_MAD:
    case FEATURE_DECAY:
        return unit_of_value(def);
    case FEATURE_ACTIVE_DAYS:
    case FEATURE_STREAK:
    case FEATURE_LONGEST_STREAK:
    case FEATURE_DAYS_SINCE:
    case FEATURE_DAYS_SINCE_FIRST:
        return UNIT_DAYS;
    case FEATURE_TIME_SINCE:
        return UNIT_MILLISECONDS;
    case FEATURE_COUNT:
    case FEATURE_DISTINCT:
    case FEATURE_TOP_COUNT:
    case FEATURE_SESSIONS:
        return UNIT_COUNT;
    case FEATURE_RATIO:
        return unit_of_quotient(unit_of_feature(defs, &defs[def->operands[0]]),
                                unit_of_feature(defs, &defs[def->operands[1]]));
    case FEATURE_RFM:
        return UNIT_SCORE;
    case FEATURE_TREND:
    case FEATURE_SEQUENCE:
    case FEATURE_ABSENCE:
    case FEATURE_KIND_COUNT:
        break;
    }
    return UNIT_ANY;
}

static enum unit unit_of_series(struct slice name)
{
    static const struct {
        const char *field;
        enum unit unit;
    } fields[] = {{".amount", UNIT_MONEY},          {".amount_before", UNIT_MONEY},
                  {".monthly", UNIT_MONEY},         {".total_monthly", UNIT_MONEY},
                  {".stopped_monthly", UNIT_MONEY}, {".period_days", UNIT_DAYS},
                  {".change_percent", UNIT_PERCENT}};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        size_t size = strlen(fields[i].field);
        if (name.size > size && memcmp(name.data + name.size - size, fields[i].field, size) == 0) {
            return fields[i].unit;
        }
    }
    return UNIT_COUNT; /* times are no numbers */
}

static enum unit unit_of_name(const struct loader *loader, struct slice name)
{
    static const struct {
        const char *name;
        enum unit unit;
    } known[] = {{"tx.amount_minor", UNIT_MONEY},        {"tx.balance_after_minor", UNIT_MONEY},
                 {"c.lifetime_value_minor", UNIT_MONEY}, {"outcome.revenue_minor", UNIT_MONEY},
                 {"app.duration_ms", UNIT_MILLISECONDS}, {"c.age", UNIT_YEARS},
                 {"c.tenure_days", UNIT_DAYS},           {"c.dependants", UNIT_COUNT}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (slice_is(name, known[i].name)) {
            return known[i].unit;
        }
    }
    if (name.size < 3 || memcmp(name.data, "f.", 2) != 0) {
        return UNIT_ANY;
    }
    for (uint32_t i = 0; i < loader->playbook->name_count; i++) {
        const struct feature_facts *facts = &loader->facts[i];
        if (slice_equal(facts->name, slice_of(name.data + 2, name.size - 2))) {
            const struct feature_def *defs = loader->playbook->feature_defs;
            return facts->series ? unit_of_series(name) : unit_of_feature(defs, &defs[facts->def]);
        }
    }
    return UNIT_ANY;
}

/* ---- the grammar ---- */

static void advance(struct reader *reader)
{
    reader->token = token_next(reader->text, reader->token.at + reader->token.size);
}

static bool at(const struct reader *reader, char c)
{
    return reader->token.kind == TOKEN_OTHER && reader->text.data[reader->token.at] == (uint8_t)c;
}

static bool follows(const struct reader *reader, char c)
{
    size_t next = reader->token.at + reader->token.size;
    return next < reader->text.size && reader->text.data[next] == (uint8_t)c;
}

/* Days are counted, and how many times one is the other is a number too. */
static bool is_counted(enum unit unit, enum unit other)
{
    return other == UNIT_COUNT && (unit == UNIT_DAYS || unit == UNIT_SHARE);
}

/* Do the two go together? If not, say so at the operator. */
static void meet(struct reader *reader, struct token operator, struct quantity left,
                 struct quantity right)
{
    if (left.unit == UNIT_ANY || right.unit == UNIT_ANY || left.unit == right.unit ||
        is_counted(left.unit, right.unit) || is_counted(right.unit, left.unit)) {
        return;
    }
    bool share = left.unit == UNIT_SHARE || right.unit == UNIT_SHARE;
    bool score = left.unit == UNIT_SCORE || right.unit == UNIT_SCORE;
    diagnostics_add(
        reader->loader->diagnostics, share || score ? DIAGNOSTIC_NEW_RULE : DIAGNOSTIC_ERROR,
        yaml_locate(reader->node, (uint32_t) operator.at, (uint32_t) operator.size),
        score   ? "compare it with a number as written, or with its like"
        : share ? "compare it with a number as written, or with its like; a factor converts: "
                  "f.balance / (f.spend_30d / 30), f.ratio * 1.0"
                : "compare like with like; a factor converts: c.age * 365",
        "`%.*s` is %s and `%.*s` is %s", SLICE_ARG(left.name), words[left.unit],
        SLICE_ARG(right.name), words[right.unit]);
}

/* The arguments behind a name; the first two, when `out` is given. */
static void read_arguments(struct reader *reader, struct quantity out[2])
{
    uint32_t count = 0;
    advance(reader);
    while (reader->token.kind != TOKEN_END && !at(reader, ')')) {
        struct quantity argument = read_logic(reader);
        if (count < 2 && out != NULL) {
            out[count++] = argument;
        }
        if (!at(reader, ',') && !at(reader, ')')) {
            advance(reader);
        } else if (at(reader, ',')) {
            advance(reader);
        }
    }
    advance(reader);
}

static struct quantity read_call(struct reader *reader, struct slice name)
{
    static const struct {
        const char *name;
        enum unit unit;
        bool first; /* the unit of its first argument */
    } known[] = {{"money", UNIT_MONEY, false},
                 {"days_between", UNIT_DAYS, false},
                 {"business_days", UNIT_DAYS, false},
                 {"age_years", UNIT_YEARS, false},
                 {"pct", UNIT_ANY, true},
                 {"int", UNIT_ANY, true},
                 {"uint", UNIT_ANY, true},
                 {"double", UNIT_ANY, true}};
    struct quantity arguments[2] = {anything, anything};
    read_arguments(reader, arguments);
    if (slice_is(name, "ratio")) {
        return (struct quantity){.unit = unit_divided(arguments[0], arguments[1]), .name = name};
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (slice_is(name, known[i].name)) {
            struct quantity out = {.unit = known[i].unit, .name = name};
            if (known[i].first) {
                out = arguments[0];
                out.number = false;
            }
            return out;
        }
    }
    return anything;
}

/* Names, calls, brackets; and what hangs behind them (.size(), [i]), of which nothing is known. */
static struct quantity read_primary(struct reader *reader)
{
    struct token begin = reader->token;
    struct quantity out = anything;
    if (at(reader, '(')) {
        advance(reader);
        out = read_logic(reader);
        advance(reader);
    } else if (at(reader, '[') || at(reader, '{')) {
        char close = at(reader, '[') ? ']' : '}';
        advance(reader);
        while (reader->token.kind != TOKEN_END && !at(reader, close)) {
            (void)read_logic(reader);
            if (!at(reader, close)) {
                advance(reader);
            }
        }
        advance(reader);
    } else if (reader->token.kind == TOKEN_NAME) {
        size_t end = begin.at + begin.size;
        advance(reader);
        while (at(reader, '.') &&
               token_next(reader->text, reader->token.at + 1).kind == TOKEN_NAME) {
            advance(reader);
            end = reader->token.at + reader->token.size;
            advance(reader);
        }
        struct slice name = slice_of(reader->text.data + begin.at, end - begin.at);
        out = at(reader, '(')
                  ? read_call(reader, name)
                  : (struct quantity){unit_of_name(reader->loader, name), name,
                                      name.data[0] >= '0' && name.data[0] <= '9', false};
    } else {
        advance(reader);
    }
    while (at(reader, '.') || at(reader, '[') || at(reader, '(')) {
        if (at(reader, '(')) {
            read_arguments(reader, NULL);
        } else {
            advance(reader);
        }
        out = anything;
    }
    return out;
}

/* What was read, without the spaces behind it. */
static struct slice text_since(const struct reader *reader, size_t begin)
{
    size_t end = reader->token.at;
    while (end > begin && reader->text.data[end - 1] == ' ') {
        end--;
    }
    return slice_of(reader->text.data + begin, end - begin);
}

static struct quantity read_product(struct reader *reader)
{
    while (at(reader, '-') || (at(reader, '!') && !follows(reader, '='))) {
        advance(reader);
    }
    size_t begin = reader->token.at;
    struct quantity out = read_primary(reader);
    while (at(reader, '*') || at(reader, '/') || at(reader, '%')) {
        bool rest = at(reader, '%'), quotient = at(reader, '/');
        advance(reader);
        struct quantity by = read_primary(reader);
        struct quantity named = out.number ? by : out;
        /* An amount stays one; days times a number may be hours. */
        bool same = (out.number || by.number) && (named.unit == UNIT_MONEY || rest);
        enum unit unit = quotient ? unit_divided(out, by) : UNIT_ANY;
        out = same ? (struct quantity){named.unit, named.name, false, !rest || named.scaled}
                   : (struct quantity){unit, text_since(reader, begin), false,
                                       out.scaled || by.scaled};
    }
    return out;
}

static struct quantity read_sum(struct reader *reader)
{
    struct quantity out = read_product(reader);
    while (at(reader, '+') || at(reader, '-')) {
        struct token operator= reader->token;
        advance(reader);
        struct quantity next = read_product(reader);
        meet(reader, operator, out, next);
        bool scaled = out.scaled || next.scaled;
        out = out.unit != UNIT_ANY ? out : next;
        out.number = false;
        out.scaled = scaled;
    }
    return out;
}

static bool at_relation(const struct reader *reader)
{
    return at(reader, '<') || at(reader, '>') || (at(reader, '=') && follows(reader, '=')) ||
           (at(reader, '!') && follows(reader, '='));
}

/* ||, &&, ?: and relations; a truth has no unit, a choice has that of its last part. */
static struct quantity read_logic(struct reader *reader)
{
    struct quantity out = anything;
    if (++reader->depth < DEPTH_MAX) {
        out = read_sum(reader);
        for (;;) {
            if (at_relation(reader)) {
                struct token operator= reader->token;
                operator.size += follows(reader, '=');
                reader->token.size = operator.size;
                advance(reader);
                struct quantity right = read_sum(reader);
                meet(reader, operator, out, right);
                out = anything;
            } else if (at(reader, '&') || at(reader, '|') || at(reader, '?') || at(reader, ':') ||
                       slice_is(token_text(reader->text, reader->token), "in")) {
                reader->token.size += follows(reader, '&') || follows(reader, '|');
                advance(reader);
                out = read_sum(reader);
            } else {
                break;
            }
        }
    } else {
        reader->token = (struct token){reader->text.size, 0, TOKEN_END};
    }
    reader->depth--;
    return out;
}

void units_check(struct loader *loader, const struct yaml_node *node)
{
    struct reader reader = {
        .loader = loader, .node = node, .text = node->text, .token = token_next(node->text, 0)};
    while (reader.token.kind != TOKEN_END) {
        (void)read_logic(&reader);
        if (reader.token.kind != TOKEN_END) {
            advance(&reader);
        }
    }
}
