/* SPDX-License-Identifier: Apache-2.0 */
/* get and why from a packed record, over the starter playbook. */
#include "support/suite.h"

#include <jansson.h>

#include "base/civil.h"
#include "base/memory.h"
#include "codec/ndjson.h"
#include "commands/explained.h"
#include "commands/opened.h"
#include "commands/plain_words.h"
#include "commands/subject_access.h"

#define CUSTOMER "c \"1\"\x1b[2J" /* who would clear an adviser's screen */

static struct opened opened;
static struct customer *customer;
static void *task;
static struct arena arena;
static uint8_t record[ENGINE_RECORD_SIZE_MAX];

/* Six card payments abroad, which empty a savings account, then the customer as it comes back from its record. */
static void live(void)
{
    static struct output outputs[256];
    static uint8_t lines[2 << 20], texts[2 << 20];
    struct effects effects = {.outputs = outputs, .capacity = 256};
    struct arena line_arena;
    struct status_text why;
    ck_assert_int_eq(opened_playbook("test", RETAIL, false, &opened), 0);
    struct engine_options options = {ENGINE_CLOCK_STREAM, INT64_MIN, 1, 1};
    ck_assert_int_eq(opened_engine("test", options, &opened), 0);
    customer = memory_take(engine_customer_size(opened.engine), "test");
    task = memory_take(engine_task_size(opened.engine), "test");
    arena_init(&arena, memory_take(EXPLAIN_ARENA_SIZE, "test"), EXPLAIN_ARENA_SIZE);
    arena_init(&effects.arena, texts, sizeof(texts));
    arena_init(&line_arena, lines, sizeof(lines));
    engine_task_init(opened.engine, task, 0);
    engine_customer_init(opened.engine, customer, slice_text(CUSTOMER));
    for (int day = 2; day < 8; day++) {
        char line[400];
        struct event event = {0};
        struct ndjson_error error;
        (void)snprintf(
            line, sizeof(line),
            "{\"source\":\"transactions\",\"event\":{\"event_id\":\"e%d\",\"customer_id\":\"c "
            "\\\"1\\\"\\u001b[2J\",\"booked_at\":\"2026-03-0%dT12:00:00Z\",\"currency\":\"GBP\","
            "\"amount_minor\":900,\"direction\":\"DEBIT\",\"kind\":\"CARD\","
            "\"merchant_country\":\"FR\",\"account_type\":\"SAVINGS\",\"balance_after_minor\":0}}",
            day, day);
        ck_assert_int_eq(ndjson_parse(slice_text(line), &line_arena, &event, &error), STATUS_OK);
        ck_assert_int_eq(
            engine_event(opened.engine, task, customer, &event, event.time_ms, &effects),
            ENGINE_DONE);
    }
    size_t size = engine_customer_pack(opened.engine, customer, record);
    ck_assert_int_eq(engine_customer_unpack(opened.engine, customer, slice_text(CUSTOMER),
                                            slice_of(record, size), &why),
                     STATUS_OK);
}

static char *printed_customer(enum explained_form form)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert_int_eq(explained_customer(opened.engine, opened.playbook, task, customer,
                                        customer->seen_ms, form, &arena, out),
                     STATUS_OK);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

static char *printed(bool json, const char *segment)
{
    char *text = NULL;
    size_t size = 0;
    uint32_t index;
    struct explanation explanation;
    FILE *out = open_memstream(&text, &size);
    arena_reset(&arena);
    ck_assert(engine_find(opened.engine, EXPLAIN_SEGMENT, slice_text(segment), &index));
    ck_assert_int_eq(engine_explain(opened.engine, task, customer, EXPLAIN_SEGMENT, index,
                                    customer->seen_ms, NULL, &arena, &explanation),
                     STATUS_OK);
    explained_print(&explanation, json, out);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

START_TEST(get_says_all_that_is_kept)
{
    live();
    char *text = printed_customer(EXPLAINED_JSON);
    json_t *root = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(root);
    ck_assert_str_eq(json_string_value(json_object_get(root, "customer")), CUSTOMER);
    json_t *features = json_object_get(root, "features");
    ck_assert_int_eq(json_integer_value(json_object_get(features, "travel_days_90d")), 6);
    ck_assert_int_eq(json_integer_value(json_object_get(features, "spend_30d")), 5400);
    ck_assert(json_is_null(json_object_get(features, "balance")));
    ck_assert_ptr_nonnull(json_object_get(json_object_get(root, "segments"), "frequent_traveller"));
    ck_assert_uint_eq(json_object_size(json_object_get(root, "segments")), 1);
    json_decref(root);
    free(text);
    text = printed_customer(EXPLAINED_SHORT);
    ck_assert_ptr_nonnull(strstr(text, "frequent_traveller"));
    ck_assert_ptr_nonnull(strstr(text, "customer c \"1\"\\x1b[2J at"));
    ck_assert_ptr_null(strchr(text, '\x1b'));
    free(text);
}
END_TEST

static uint32_t lines_of(const char *text)
{
    uint32_t count = 0;
    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

/* First what was decided, then the figures that say something: a 0 does that an event wrote. */
START_TEST(get_begins_with_what_was_decided)
{
    live();
    char *text = printed_customer(EXPLAINED_SHORT), *all = printed_customer(EXPLAINED_ALL);
    const char *life = strstr(text, "\nlife events\n  none\n");
    const char *segments = strstr(text, "\nsegments\n  frequent_traveller ");
    const char *features = strstr(text, "\nfeatures\n");
    ck_assert(life != NULL && segments > life && features > segments);
    ck_assert_ptr_nonnull(strstr(features, "\n  travel_days_90d                  6\n"));
    ck_assert_ptr_nonnull(strstr(features, "\n  savings_balance                  0.00 GBP\n"));
    ck_assert_ptr_nonnull(strstr(features, "\n  days_quiet                       0\n"));
    ck_assert(strstr(text, "\n  balance ") == NULL && strstr(text, "\n  logins_30d ") == NULL);
    ck_assert_ptr_nonnull(strstr(all, "\n  balance                          -\n"));
    unsigned left_out = 0;
    ck_assert_int_eq(sscanf(strstr(features, "\n  and "), "\n  and %u", &left_out), 1);
    ck_assert_uint_eq(lines_of(all), lines_of(text) + left_out - 1);
    ck_assert_ptr_null(strstr(all, "--all"));
    free(text);
    free(all);
}
END_TEST

static char *accessed(int64_t now_ms)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert_int_eq(
        subject_access_values(opened.engine, opened.playbook, task, customer, now_ms, &arena, out),
        STATUS_OK);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

START_TEST(subject_access_says_what_each_figure_means)
{
    live();
    char *text = accessed(customer->seen_ms);
    ck_assert_ptr_nonnull(strstr(text, "\n  spend_30d: 54.00 GBP\n      money paid out of your "
                                       "accounts in the last 30 days\n"));
    ck_assert_ptr_nonnull(strstr(
        text, "\n  frequent_traveller, since 2026-03-07T12:00:00Z, as you may need: paying "));
    ck_assert_ptr_null(strstr(text, "\n  balance")); /* not known: only counted */
    ck_assert_ptr_null(strstr(text, "\n  salary.")); /* zeros of what never came: too */
    ck_assert_ptr_nonnull(strstr(text, "\nWhat was proposed to you, or waits to be\n  none\n"));
    ck_assert_ptr_nonnull(strstr(text, " more nothing is known\n"));
    free(text);
}
END_TEST

static char *meaning(const struct playbook *playbook, uint32_t name)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    plain_meaning(playbook, name, out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_msg(size > 20 && strchr(text, ' ') != NULL && strstr(text, "  ") == NULL &&
                      strstr(text, "(null)") == NULL,
                  "f.%s: %s", playbook->names[name].name, text);
    return text;
}

START_TEST(each_figure_has_words_that_are_no_code)
{
    live();
    for (uint32_t i = 0; i < opened.playbook->name_count; i++) {
        char *text = meaning(opened.playbook, i);
        ck_assert_msg(strpbrk(text, "=&|\"_") == NULL && strstr(text, "tx.") == NULL, "f.%s: %s",
                      opened.playbook->names[i].name, text);
        free(text);
    }
}
END_TEST

START_TEST(each_figure_without_about_has_words_from_its_definition)
{
    live();
    struct playbook bare = *opened.playbook;
    struct feature_def *features = memory_take(bare.feature_count * sizeof(*features), "test");
    struct series_def *series = memory_take(bare.series_count * sizeof(*series), "test");
    for (uint32_t i = 0; i < bare.feature_count; i++) {
        features[i] = bare.feature_defs[i];
        features[i].about = (struct slice){0};
    }
    for (uint32_t i = 0; i < bare.series_count; i++) {
        series[i] = bare.series[i];
        series[i].about = (struct slice){0};
    }
    bare.feature_defs = features;
    bare.series = series;
    bool seen = false;
    for (uint32_t i = 0; i < bare.name_count; i++) {
        char *text = meaning(&bare, i);
        if (strcmp(bare.names[i].name, "spend_30d") == 0) {
            ck_assert_str_eq(text, "the sum of amount of your payments in the last 30 days, of "
                                   "those where tx.direction==\"DEBIT\"");
            seen = true;
        }
        free(text);
    }
    ck_assert(seen);
}
END_TEST

START_TEST(why_says_leaf_by_leaf)
{
    live();
    char *text = printed(false, "frequent_traveller");
    ck_assert_msg(strncmp(text, "IN since 2026-03-07T12:00:00Z", 29) == 0, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "f.travel_days_90d >= 6   6 against 6   yes"));
    free(text);
    text = printed(false, "digitally_active");
    ck_assert_ptr_nonnull(strstr(text, "\n  purpose: SERVICE\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n  to the customer: You use the app often"));
    free(text);
    text = printed(true, "digitally_active");
    json_t *root = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(root);
    ck_assert_str_eq(json_string_value(json_object_get(root, "purpose")), "SERVICE");
    ck_assert_ptr_nonnull(
        strstr(json_string_value(json_object_get(root, "disclosure")), "You use the app often"));
    ck_assert(json_is_false(json_object_get(root, "holds")));
    ck_assert_str_eq(json_string_value(json_object_get(root, "rule")), "no");
    json_decref(root);
    free(text);
}
END_TEST

static char *printed_offer(const char *id, int64_t offered_ms, int64_t heard_ms)
{
    struct explanation explanation;
    uint32_t index;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    arena_reset(&arena);
    ck_assert(engine_find(opened.engine, EXPLAIN_OFFER, slice_text(id), &index));
    ck_assert_int_eq(engine_explain(opened.engine, task, customer, EXPLAIN_OFFER, index,
                                    customer->seen_ms, NULL, &arena, &explanation),
                     STATUS_OK);
    ck_assert_int_eq(explanation.offered_ms, 0);
    if (offered_ms != 0) {
        explanation.offered_ms = offered_ms;
        explanation.decision_id = slice_text("d-1");
        explanation.channel = CHANNEL_IN_APP;
        explanation.heard_ms = heard_ms;
        explanation.heard = OUTCOME_REJECTED;
    }
    explained_print(&explanation, false, out);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

START_TEST(why_says_of_an_offer_whether_it_was_made_and_when_it_is_decided)
{
    live();
    char *text = printed_offer("premium_travel_card", 0, 0);
    ck_assert_ptr_eq(strstr(text, "BLOCKED NOW (v1, "), text);
    ck_assert_ptr_nonnull(strstr(text, "\n  Never offered.\n  Decided whenever the customer enters "
                                       "frequent_traveller, affluent_traveller.\n"));
    free(text);
    text = printed_offer("savings_boost", 0, 0);
    ck_assert_ptr_nonnull(strstr(text, "Decided whenever the customer enters growing_savings; or a "
                                       "life event is confirmed: windfall.\n"));
    free(text);
    text = printed_offer("personal_loan", INT64_C(1767225600000), 0);
    ck_assert_ptr_nonnull(strstr(
        text,
        "\n  Last offered 2026-01-01T00:00:00Z by IN_APP, decision d-1; nothing "
        "that counts was heard of it since.\n  Decided whenever the app says calculator_used, "
        "login.\n"));
    free(text);
    text = printed_offer("personal_loan", INT64_C(1767225600000), INT64_C(1767225600000) + 1000);
    ck_assert_ptr_nonnull(strstr(text, "decision d-1; REJECTED 2026-01-01T00:00:01Z.\n"));
    free(text);
}
END_TEST

START_TEST(why_not_says_what_is_in_the_way_and_nothing_else)
{
    static const struct {
        enum explain_kind kind;
        const char *id, *has, *has_not;
    } asked[] = {
        {EXPLAIN_SEGMENT, "digitally_active",
         "\n  in the way: logs_in not f.logins_30d >= 8 (it is 0)\n", "purpose"},
        {EXPLAIN_SEGMENT, "frequent_traveller", "\n  nothing is in the way\n",
         "in the way: travels"},
        {EXPLAIN_OFFER, "premium_travel_card",
         "\n  in the way: affordable not f.income_90d >= 300000 (it is 0)\n", "passed"},
        {EXPLAIN_OFFER, "premium_travel_card", "\n  blocks: consent: missing:c.consents\n",
         "blocks: catalogue"},
        {EXPLAIN_LIFE_EVENT, "job.lost", "Not seen, and would speak for it:\n    - ", "Care"},
        {EXPLAIN_LIFE_EVENT, "job.lost",
         "\n  in the way: this is not so at present: the salary has not come and no other took its "
         "place\n",
         "leave_or_season."},
        {EXPLAIN_SEGMENT, "excess_cash", "\n  in the way: unsure not has(c.risk_profile)",
         "overdrawn"}};
    live();
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        struct explanation explanation;
        uint32_t index;
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        arena_reset(&arena);
        ck_assert(engine_find(opened.engine, asked[i].kind, slice_text(asked[i].id), &index));
        ck_assert_int_eq(engine_explain(opened.engine, task, customer, asked[i].kind, index,
                                        customer->seen_ms, NULL, &arena, &explanation),
                         STATUS_OK);
        explained_in_the_way(&explanation, out);
        ck_assert_int_eq(fclose(out), 0);
        ck_assert_msg(strstr(text, asked[i].has) != NULL && strstr(text, asked[i].has_not) == NULL,
                      "%s", text);
        free(text);
    }
}
END_TEST

START_TEST(why_of_a_life_event_is_for_an_adviser)
{
    live();
    uint32_t index;
    struct explanation explanation;
    char *text = NULL;
    size_t size = 0;
    arena_reset(&arena);
    ck_assert(engine_find(opened.engine, EXPLAIN_LIFE_EVENT, slice_text("job.lost"), &index));
    ck_assert_int_eq(engine_explain(opened.engine, task, customer, EXPLAIN_LIFE_EVENT, index,
                                    customer->seen_ms, NULL, &arena, &explanation),
                     STATUS_OK);
    FILE *out = open_memstream(&text, &size);
    explained_print(&explanation, false, out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_msg(strncmp(text, "NO (v1, ", 8) == 0, "%s", text);
    ck_assert_ptr_nonnull(strstr(text,
                                 "It means: the salary has not come and no other took its place. "
                                 "That is not so at present.\n"));
    ck_assert_ptr_nonnull(strstr(text, "Not seen, and would speak for it:\n"
                                       "    - a second payday passed without the salary"));
    ck_assert_ptr_nonnull(
        strstr(text, "would speak against it:\n    - the customer is 58 or older"));
    ck_assert_ptr_nonnull(strstr(text, "The rule, condition by condition:\n  + when"));
    ck_assert_ptr_null(strstr(text, "Care, never marketing")); /* there is nothing to act on */
    free(text);
    explanation.rule = EXPLAIN_UNKNOWN;
    out = open_memstream(&text, &size);
    explained_print(&explanation, false, out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_ptr_nonnull(strstr(text, ". Whether that is so at present is not known.\n"));
    free(text);
}
END_TEST

/* ---- a salary that stops, in Berlin, where midnight is an hour before that of UTC ---- */

static struct effects effects;
static struct arena lines;

static void feed(const char *source, const char *event)
{
    char line[600];
    struct event taken = {0};
    struct ndjson_error error;
    (void)snprintf(line, sizeof(line), "{\"source\":\"%s\",\"event\":{\"customer_id\":\"b\",%s}}",
                   source, event);
    arena_reset(&lines);
    ck_assert_msg(ndjson_parse(slice_text(line), &lines, &taken, &error) == STATUS_OK, "%s",
                  error.text.text);
    do {
        effects.count = 0;
        arena_reset(&effects.arena);
    } while (engine_event(opened.engine, task, customer, &taken, taken.time_ms, &effects) ==
             ENGINE_MORE);
}

static int32_t month_of(const char *date)
{
    return (date[5] - '0') * 10 + date[6] - '0';
}

/* Who buys nothing for a month has gone to another bank: on the 5th and the 20th of each month before `month`. */
static int32_t bought; /* so many times since January */
static void buy_before(int32_t month)
{
    char event[300];
    for (; bought < (month - 1) * 2; bought++) {
        (void)snprintf(event, sizeof(event),
                       "\"event_id\":\"shop%d\",\"booked_at\":\"2025-%02d-%sT09:00:00Z\",\"amount_"
                       "minor\":4200,"
                       "\"currency\":\"EUR\",\"direction\":\"DEBIT\",\"kind\":\"CARD\","
                       "\"account_type\":\"CURRENT\",\"mcc\":5411",
                       bought, bought / 2 + 1, bought % 2 == 0 ? "05" : "20");
        feed("transactions", event);
    }
}

static void pay_in(const char *id, const char *day, const char *name)
{
    char event[400];
    buy_before(month_of(day) + 1);
    (void)snprintf(event, sizeof(event),
                   "\"event_id\":\"%s%s\",\"booked_at\":\"%sT08:00:00Z\",\"amount_minor\":250105,"
                   "\"currency\":\"EUR\",\"direction\":\"CREDIT\",\"kind\":\"TRANSFER\","
                   "\"account_type\":\"CURRENT\",\"counterparty_id\":\"%s\","
                   "\"counterparty_name\":\"%s\"",
                   id, day, day, id, name);
    feed("transactions", event);
}

/* Five times on the 24th; the sixth is due on Friday the 22nd of August, or two days later. */
static void earn(void)
{
    static uint8_t texts[2 << 20], bytes[2 << 20];
    static const char *const days[] = {"2025-03-24", "2025-04-24", "2025-05-26", "2025-06-24",
                                       "2025-07-24"};
    live();
    effects.outputs = memory_take(256 * sizeof(struct output), "test");
    effects.capacity = 256;
    arena_init(&effects.arena, texts, sizeof(texts));
    arena_init(&lines, bytes, sizeof(bytes));
    engine_task_init(opened.engine, task, 0);
    engine_customer_init(opened.engine, customer, slice_text("b"));
    bought = 0;
    feed("customer-profiles", "\"updated_at\":\"2025-01-01T00:00:00Z\",\"timezone\":"
                              "\"Europe/Berlin\",\"birth_date\":\"1980-05-01\"");
    for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
        pay_in("acme", days[i], "ACME GMBH");
    }
}

static char *lost(const char *at, bool json)
{
    struct explanation explanation;
    uint32_t index;
    int64_t now_ms;
    char *text = NULL;
    size_t size = 0;
    ck_assert(civil_parse_time(slice_text(at), &now_ms));
    buy_before(month_of(at));
    enum engine_result result = ENGINE_MORE;
    while (result == ENGINE_MORE) {
        effects.count = 0;
        arena_reset(&effects.arena);
        result = engine_advance(opened.engine, task, customer, now_ms, &effects);
    }
    arena_reset(&arena);
    ck_assert(engine_find(opened.engine, EXPLAIN_LIFE_EVENT, slice_text("job.lost"), &index));
    ck_assert_int_eq(engine_explain(opened.engine, task, customer, EXPLAIN_LIFE_EVENT, index,
                                    now_ms, NULL, &arena, &explanation),
                     STATUS_OK);
    FILE *out = open_memstream(&text, &size);
    explained_print(&explanation, json, out);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

#define HAS(text, part) ck_assert_msg(strstr(text, part) != NULL, "%s", text)

START_TEST(an_adviser_hears_which_payment_stopped_and_when)
{
    earn();
    char *text = lost("2025-08-01T00:00:00Z", false);
    HAS(text, "- salary (paid in): 5 payments since 2025-03-24, 2501.05 a month, the last on "
              "2025-07-24; the next is due on 2025-08-25\n");
    ck_assert_msg(strstr(text, "Who acts on it") == NULL, "%s", text); /* on nothing */
    free(text);
    text = lost("2025-12-01T00:00:00Z", false);
    HAS(text, "CONFIRMED since 2025-");
    HAS(text, "That is so at present.\n");
    HAS(text, "- salary (paid in): stopped after 5 payments from 2025-03-24 to 2025-07-24, 2501.05 "
              "in 30 days; one was due on 2025-08-25 and did not come\n");
    HAS(text, "Care, never marketing, while it is open.");
    HAS(text, "Who acts on it: care.");
    free(text);
}
END_TEST

START_TEST(an_adviser_hears_why_it_is_not_open_though_it_is_so)
{
    earn();
    pay_in("fund", "2025-08-29", "PENSIONSKASSE RENTE");
    char *text = lost("2025-12-01T00:00:00Z", false);
    ck_assert_msg(strncmp(text, "NO (v1, ", 8) == 0, "%s", text);
    HAS(text, "That is so at present, but it is ruled out.\n  What rules it out: "
              "has(f.pension_since) && ");
    free(text);
}
END_TEST

START_TEST(programs_get_the_evidence_too)
{
    earn();
    char *text = lost("2025-12-01T00:00:00Z", true);
    json_t *root = json_loads(text, 0, NULL);
    ck_assert_msg(root != NULL, "%s", text);
    ck_assert_double_gt(json_number_value(json_object_get(root, "confidence")), 0.5);
    ck_assert_str_eq(json_string_value(json_object_get(root, "route")), "care");
    const json_t *first = json_array_get(json_object_get(root, "evidence"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(first, "signal")), "second_payday_missed");
    ck_assert_double_gt(json_number_value(json_object_get(first, "weighs")), 0);
    ck_assert_str_eq(json_string_value(json_object_get(first, "about")),
                     "a second payday passed without the salary");
    json_decref(root);
    free(text);
}
END_TEST

START_TEST(what_was_over_says_when)
{
    earn();
    free(lost("2025-12-01T00:00:00Z", false));
    feed("life-event-feedback", "\"event_id\":\"f\",\"life_event\":\"job.lost\",\"is_true\":false,"
                                "\"occurred_at\":\"2025-12-01T23:30:00Z\"");
    char *text = lost("2025-12-05T00:00:00Z", false);
    ck_assert_msg(strncmp(text, "NO (v1, ", 8) == 0, "%s", text);
    HAS(text, "That is so at present, but it was judged before and nothing has changed since.\n"
              "  The last one was over on 2025-12-02.\n");
    free(text);
}
END_TEST

START_TEST(subject_access_says_of_a_series_no_currency)
{
    earn();
    char *text = accessed(customer->seen_ms);
    HAS(text, ": 2501.05\n");
    ck_assert_msg(strstr(text, ": 2501.05 ") == NULL, "%s", text);
    free(text);
}
END_TEST

START_TEST(subject_access_says_what_is_over_and_what_was_not_enough)
{
    int64_t now_ms;
    earn();
    free(lost("2025-12-01T00:00:00Z", false));
    char *text = accessed(customer->seen_ms);
    HAS(text, "\n  job.lost, taken as certain, since 2025-");
    free(text);
    feed("life-event-feedback", "\"event_id\":\"f\",\"life_event\":\"job.lost\",\"is_true\":false,"
                                "\"occurred_at\":\"2025-12-01T23:30:00Z\"");
    ck_assert(civil_parse_time(slice_text("2025-12-02T00:00:00Z"), &now_ms));
    text = accessed(now_ms);
    HAS(text,
        "\n  job.lost, no longer thought so, since 2025-12-01T23:30:00Z; signs of it are kept");
    HAS(text, ", not suspected; signs of it are kept");
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("explained");
    TCase *tc = tcase_create("explained");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, get_says_all_that_is_kept);
    tcase_add_test(tc, get_begins_with_what_was_decided);
    tcase_add_test(tc, subject_access_says_what_each_figure_means);
    tcase_add_test(tc, each_figure_has_words_that_are_no_code);
    tcase_add_test(tc, each_figure_without_about_has_words_from_its_definition);
    tcase_add_test(tc, why_says_leaf_by_leaf);
    tcase_add_test(tc, why_says_of_an_offer_whether_it_was_made_and_when_it_is_decided);
    tcase_add_test(tc, why_not_says_what_is_in_the_way_and_nothing_else);
    tcase_add_test(tc, why_of_a_life_event_is_for_an_adviser);
    tcase_add_test(tc, an_adviser_hears_which_payment_stopped_and_when);
    tcase_add_test(tc, an_adviser_hears_why_it_is_not_open_though_it_is_so);
    tcase_add_test(tc, programs_get_the_evidence_too);
    tcase_add_test(tc, what_was_over_says_when);
    tcase_add_test(tc, subject_access_says_of_a_series_no_currency);
    tcase_add_test(tc, subject_access_says_what_is_over_and_what_was_not_enough);
    suite_add_tcase(suite, tc);
    return suite_run_all(suite);
}
