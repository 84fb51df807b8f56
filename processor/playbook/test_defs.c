/* SPDX-License-Identifier: Apache-2.0 */
/* `tests:` of a definition -> events as NDJSON, a clock and an expectation. Runs them:
 * commands/test.c. */
#include <stdlib.h>

#include "base/civil.h"
#include "model/fields.h"
#include "playbook/loader.h"

static const struct {
    const char *key;
    enum source source;
} sources[] = {{"tx", SOURCE_TRANSACTIONS},
               {"app", SOURCE_APP_ENGAGEMENT},
               {"profile", SOURCE_CUSTOMER_PROFILES},
               {"outcome", SOURCE_OFFER_OUTCOMES},
               {"feedback", SOURCE_LIFE_EVENT_FEEDBACK},
               {"score", SOURCE_SCORES}};

static const char *const expects[] = {"never",   "entered", "exited",  "suspected", "confirmed",
                                      "expired", "refuted", "offered", "blocked"};

struct test_event {
    int64_t at_ms;
    uint32_t number; /* keeps the order of equal times */
    struct slice line;
};

struct test_reader {
    struct loader *loader;
    struct test_event *events;
    uint32_t count;
    struct bytes_writer json;
    int64_t at_ms; /* of the event being written */
};

const char *playbook_expect_name(enum playbook_expect expect)
{
    return expects[expect];
}

const struct playbook *playbook_for_tests(const struct playbook *playbook, struct arena *arena)
{
    uint32_t count = playbook->segments.count;
    struct playbook *copy = arena_take(arena, sizeof(*copy));
    struct segment_def *defs = arena_take(arena, (count + 1) * sizeof(*defs));
    if (copy == NULL || defs == NULL) {
        return NULL;
    }
    *copy = *playbook;
    for (uint32_t i = 0; i < count; i++) {
        defs[i] = playbook->segments.defs[i];
        defs[i].min_size = 0;
    }
    copy->segments.defs = defs;
    return copy;
}

/* ---- YAML -> JSON ---- */

static void put(struct test_reader *reader, const char *text)
{
    bytes_put(&reader->json, text, strlen(text));
}

static void put_string(struct test_reader *reader, struct slice text)
{
    put(reader, "\"");
    for (size_t i = 0; i < text.size; i++) {
        char escaped[8];
        uint8_t c = text.data[i];
        if (c == '"' || c == '\\' || c < 0x20) {
            (void)snprintf(escaped, sizeof(escaped), "\\u%04x", c);
            put(reader, escaped);
        } else {
            bytes_put_u8(&reader->json, c);
        }
    }
    put(reader, "\"");
}

static bool is_raw(const struct yaml_node *node)
{
    char *end = NULL;
    if (node->quoted || node->text.size == 0) {
        return node->text.size == 0 && !node->quoted;
    }
    if (slice_is(node->text, "true") || slice_is(node->text, "false") ||
        slice_is(node->text, "null")) {
        return true;
    }
    bool digits = node->text.size < 24 &&
                  strspn((const char *)node->text.data, "-0123456789.") == node->text.size;
    (void)strtod((const char *)node->text.data, &end);
    return digits && *end == '\0' && node->text.data[0] != '.';
}

static void put_value(struct test_reader *reader, const struct yaml_node *node, bool text);

/* What a consent says when the test does not. */
static void put_consent_defaults(struct test_reader *reader, const struct yaml_node *node)
{
    char number[64];
    (void)snprintf(number, sizeof(number), ",\"updated_at\":%lld", (long long)reader->at_ms);
    put(reader, yaml_get(node, "updated_at") == NULL ? number : "");
    put(reader, yaml_get(node, "status") == NULL ? ",\"status\":\"GRANTED\"" : "");
    put(reader, yaml_get(node, "lawful_basis") == NULL ? ",\"lawful_basis\":\"CONSENT\"" : "");
}

static void put_mapping(struct test_reader *reader, const struct yaml_node *node, bool text)
{
    put(reader, "{");
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        put(reader, item == node->first ? "" : ",");
        put_string(reader, item->key->text);
        put(reader, ":");
        put_value(reader, item, text);
    }
    if (yaml_get(node, "purpose") != NULL) {
        put_consent_defaults(reader, node);
    }
    put(reader, "}");
}

static void put_value(struct test_reader *reader, const struct yaml_node *node, bool text)
{
    if (node->kind == YAML_MAPPING) {
        put_mapping(reader, node, text);
    } else if (node->kind == YAML_SEQUENCE) {
        put(reader, "[");
        for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
            put(reader, item == node->first ? "" : ",");
            put_value(reader, item, text);
        }
        put(reader, "]");
    } else if (!text && is_raw(node)) {
        put(reader, node->text.size == 0 ? "null" : (const char *)node->text.data);
    } else {
        put_string(reader, node->text);
    }
}

static bool is_text_field(const struct field *field)
{
    return field->type == FIELD_STRING || field->type == FIELD_CODE ||
           field->type == FIELD_CODE_SET || field->type == FIELD_DATE || field->type == FIELD_MAP;
}

/* ,"NAME":VALUE when the test does not give the field. */
static void put_default(struct test_reader *reader, const struct yaml_node *node,
                        enum source source, const char *name, const char *value)
{
    if (fields_find(source, slice_text(name)) >= 0 && yaml_get(node, name) == NULL) {
        put(reader, ",\"");
        put(reader, name);
        put(reader, "\":");
        put(reader, value);
    }
}

static void write_event(struct test_reader *reader, const struct yaml_node *node,
                        enum source source)
{
    const struct field_table *table = fields_of(source);
    static const char *const times[] = {"booked_at", "occurred_at", "updated_at", "scored_at"};
    char number[64];
    reader->json.size = 0;
    reader->json.full = false;
    put(reader, "{\"source\":\"");
    put(reader, source_name(source));
    put(reader, "\",\"event\":{\"customer_id\":\"test\"");
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        int32_t field = fields_find(source, item->key->text);
        put(reader, ",");
        put_string(reader, item->key->text);
        put(reader, ":");
        put_value(reader, item, field >= 0 && is_text_field(&table->fields[field]));
    }
    (void)snprintf(number, sizeof(number), "\"e%u\"", reader->count + 1);
    put_default(reader, node, source, "event_id", number);
    (void)snprintf(number, sizeof(number), "%lld", (long long)reader->at_ms);
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        put_default(reader, node, source, times[i], number);
    }
    (void)snprintf(number, sizeof(number), "\"%.*s\"",
                   SLICE_ARG(reader->loader->playbook->currency));
    put_default(reader, node, source, "currency", number);
    put_default(reader, node, source, "direction", "\"DEBIT\"");
    put_default(reader, node, source, "decision_id", "\"d1\"");
    put_default(reader, node, source, "complaint_open", "false");
    put_default(reader, node, source, "vulnerability", "[]");
    put_default(reader, node, source, "products_held", "[]");
    put(reader, "}}");
    struct slice line =
        reader->json.full
            ? slice_of(NULL, 0)
            : arena_copy(reader->loader->arena, slice_of(reader->json.data, reader->json.size));
    reader->events[reader->count] = (struct test_event){reader->at_ms, reader->count, line};
    reader->count++;
}

/* ---- given ---- */

/* `from_ms` moved on by `count` times the duration; months keep the day of the month where there is
 * one. */
static int64_t repeat(int64_t from_ms, const struct duration *every, int64_t count)
{
    int64_t day = civil_floor(from_ms, MS_PER_DAY), rest = from_ms - day * MS_PER_DAY;
    struct civil_date date = civil_date((int32_t)day);
    int64_t months = date.year * INT64_C(12) + date.month - 1 + every->months * count;
    struct civil_date first = {(int32_t)(months / 12), (int32_t)(months % 12) + 1, 1};
    struct civil_date next = {(int32_t)((months + 1) / 12), (int32_t)((months + 1) % 12) + 1, 1};
    int32_t length = civil_day(next) - civil_day(first);
    int32_t wanted = date.day > length ? length : date.day;
    return (civil_day(first) + wanted - 1) * MS_PER_DAY + rest + every->ms * count;
}

/* An event that is none is a test that tries nothing; only `segue test` would tell. */
static void refuse_unknown_fields(const struct yaml_node *body, enum source source,
                                  struct diagnostics *diagnostics)
{
    const struct field_table *table = fields_of(source);
    const char *names[FIELDS_MAX];
    for (uint32_t i = 0; i < table->count; i++) {
        names[i] = table->fields[i].name;
    }
    for (const struct yaml_node *value = body->first; value != NULL; value = value->next) {
        char mend[DIAGNOSTIC_TEXT_SIZE] = "";
        if (fields_find(source, value->key->text) >= 0) {
            continue;
        }
        const char *near = diagnostic_nearest(value->key->text, names, table->count);
        if (near != NULL) {
            (void)snprintf(mend, sizeof(mend), "did you mean `%s`?", near);
        }
        yaml_new_rule(value->key, diagnostics, mend, "there is no field `%s.%.*s`", table->prefix,
                      SLICE_ARG(value->key->text));
    }
}

static void read_given(struct test_reader *reader, const struct yaml_node *node)
{
    struct diagnostics *diagnostics = reader->loader->diagnostics;
    struct duration every = {0};
    int64_t from_ms, times = 1;
    const struct yaml_node *body = NULL, *at = yaml_get(node, "at"),
                           *each = yaml_get(node, "every");
    enum source source = SOURCE_TRANSACTIONS;
    uint32_t bodies = 0;
    if (!yaml_is_mapping(node, diagnostics)) {
        return;
    }
    keys_refuse_unknown(node, KEYS_GIVEN, diagnostics);
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        const struct yaml_node *found = yaml_get(node, sources[i].key);
        if (found != NULL) {
            body = found;
            source = sources[i].source;
            bodies++;
        }
    }
    if (at == NULL || bodies != 1) {
        yaml_error(node, diagnostics, "- {at: 2026-01-05, tx: {amount_minor: 1000}}",
                   "an event needs `at` and one of tx, app, profile, outcome, feedback, score");
        return;
    }
    if (!yaml_time(at, diagnostics, &from_ms) || !yaml_is_mapping(body, diagnostics) ||
        (each != NULL && !yaml_duration(each, diagnostics, &every))) {
        return;
    }
    refuse_unknown_fields(body, source, diagnostics);
    (void)yaml_integer(yaml_get(node, "times"), diagnostics, 1, PLAYBOOK_TEST_EVENTS_MAX, &times);
    for (int64_t i = 0; i < times; i++) {
        if (reader->count == PLAYBOOK_TEST_EVENTS_MAX) {
            yaml_error(node, diagnostics, NULL, "more than %d events in one test",
                       PLAYBOOK_TEST_EVENTS_MAX);
            return;
        }
        reader->at_ms = repeat(from_ms, &every, i);
        write_event(reader, body, source);
    }
}

static int by_time(const void *a, const void *b)
{
    const struct test_event *x = a, *y = b;
    if (x->at_ms != y->at_ms) {
        return x->at_ms < y->at_ms ? -1 : 1;
    }
    return x->number < y->number ? -1 : x->number > y->number;
}

static void read_events(struct loader *loader, const struct yaml_node *node,
                        struct playbook_test *test)
{
    static struct test_event events[PLAYBOOK_TEST_EVENTS_MAX];
    static uint8_t json[65536];
    struct test_reader reader = {
        .loader = loader, .events = events, .json = bytes_writer(json, sizeof(json))};
    if (!yaml_is_sequence(node, loader->diagnostics)) {
        return;
    }
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        read_given(&reader, item);
    }
    qsort(events, reader.count, sizeof(events[0]), by_time);
    struct slice *lines = loader_take(loader, (reader.count + 1) * sizeof(*lines));
    for (uint32_t i = 0; lines != NULL && i < reader.count; i++) {
        lines[i] = events[i].line;
    }
    test->lines = lines;
    test->line_count = lines == NULL ? 0 : reader.count;
}

/* ---- expect ---- */

static const char *words_of(enum playbook_kind kind)
{
    return kind == PLAYBOOK_SEGMENT      ? "entered, exited or never"
           : kind == PLAYBOOK_LIFE_EVENT ? "suspected, confirmed, expired, refuted or never"
                                         : "offered, never or {blocked: GATE}";
}

static bool fits(enum playbook_kind kind, enum playbook_expect expect)
{
    switch (expect) {
    case EXPECT_NEVER:
        return true;
    case EXPECT_ENTERED:
    case EXPECT_EXITED:
        return kind == PLAYBOOK_SEGMENT;
    case EXPECT_SUSPECTED:
    case EXPECT_CONFIRMED:
    case EXPECT_EXPIRED:
    case EXPECT_REFUTED:
        return kind == PLAYBOOK_LIFE_EVENT;
    case EXPECT_OFFERED:
    case EXPECT_BLOCKED:
        return kind == PLAYBOOK_OFFER;
    }
    return false;
}

static void read_blocked(struct loader *loader, const struct yaml_node *node,
                         struct playbook_test *test)
{
    if (!yaml_text(node, loader->diagnostics, &test->gate)) {
        return;
    }
    const uint8_t *colon = memchr(test->gate.data, ':', test->gate.size);
    if (colon != NULL) {
        size_t size = (size_t)(colon - test->gate.data);
        test->reason = slice_of(colon + 1, test->gate.size - size - 1);
        test->gate.size = size;
    }
    for (uint32_t i = 0; i < OFFER_GATE_COUNT; i++) {
        if (slice_is(test->gate, offer_gate_name((enum offer_gate)i))) {
            return;
        }
    }
    yaml_error(
        node, loader->diagnostics,
        "time stock eligible segment consent sensitivity complaint stop vulnerable life suitable "
        "affordable applicable holdout contact_cap cool_down fatigue quiet_hours value "
        "arbitration",
        "there is no gate `%.*s`", SLICE_ARG(test->gate));
}

static void read_expect(struct loader *loader, const struct yaml_node *node,
                        enum playbook_kind kind, struct playbook_test *test)
{
    bool mapping = node->kind == YAML_MAPPING && node->count == 1;
    struct slice word = mapping ? node->first->key->text : node->text;
    for (uint32_t i = 0; i < sizeof(expects) / sizeof(expects[0]); i++) {
        if (!slice_is(word, expects[i]) || !fits(kind, (enum playbook_expect)i)) {
            continue;
        }
        test->expect = (enum playbook_expect)i;
        if (test->expect == EXPECT_BLOCKED) {
            read_blocked(loader, mapping ? node->first : NULL, test);
        } else if (mapping && (node->first->kind != YAML_SCALAR ||
                               !civil_parse_date(node->first->text, &test->expect_day))) {
            yaml_error(node->first, loader->diagnostics, "write it as 2026-11-25",
                       "this is no day");
        }
        return;
    }
    yaml_error(node, loader->diagnostics, NULL, "expect %s", words_of(kind));
}

void load_tests(struct loader *loader, enum playbook_kind kind, uint32_t index)
{
    const struct definition *definition = &loader->sections[kind].list[index];
    const struct yaml_node *list = yaml_get(definition->node, "tests");
    struct playbook *playbook = loader->playbook;
    if (!yaml_is_sequence(list, loader->diagnostics)) {
        return;
    }
    for (const struct yaml_node *node = list->first; node != NULL; node = node->next) {
        if (playbook->test_count == PLAYBOOK_TESTS_MAX) {
            yaml_error(node, loader->diagnostics, NULL, "more than %d tests", PLAYBOOK_TESTS_MAX);
            return;
        }
        const struct yaml_node *expect = yaml_get(node, "expect");
        struct playbook_test *test = &loader->tests[playbook->test_count];
        *test = (struct playbook_test){.kind = (uint8_t)kind,
                                       .index = index,
                                       .id = definition->id,
                                       .name = slice_text(""),
                                       .now_ms = INT64_MIN,
                                       .expect_day = INT32_MIN};
        if (!yaml_is_mapping(node, loader->diagnostics)) {
            continue;
        }
        keys_refuse_unknown(node, KEYS_TEST, loader->diagnostics);
        if (expect == NULL) {
            yaml_error(node, loader->diagnostics, words_of(kind), "a test without `expect`");
            continue;
        }
        test->span = expect->span;
        (void)yaml_text(yaml_get(node, "name"), loader->diagnostics, &test->name);
        (void)yaml_time(yaml_get(node, "now"), loader->diagnostics, &test->now_ms);
        read_events(loader, yaml_get(node, "given"), test);
        read_expect(loader, expect, kind, test);
        playbook->test_count++;
    }
}
