/* SPDX-License-Identifier: Apache-2.0 */
/* What `segue plan` says of a change, number by number: who enters, leaves and stays and why, what offers and
 * life events become, and what happens to the state of every feature; as JSON and as a table. */
#include "support/suite.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/memory.h"
#include "codec/ndjson.h"
#include "commands/plan_report.h"

/* Ten customers pay 1, 2, .. 10 times. Of these numbers everything below follows. */
enum { CUSTOMERS = 10 };

static const char before[] =
    "zone: UTC\n"
    "features:\n"
    "  n: {count: tx}\n"
    "  spent: {sum: tx.amount_minor, window: 30d}\n"
    "  dropped: {last: event.time}\n"
    "  paid: {count: tx, where: 'tx.kind == \"CARD\"'}\n"
    "life_events:\n"
    "  busy: {when: 'f.n >= 8', confirm_at: 0.9}\n"
    "segments:\n"
    "  same: {including: {pays: 'f.n >= 4'}}\n"
    "  wider: {including: {pays: 'f.n >= 7'}}\n"
    "  narrower: {including: {pays: 'f.n >= 2', adds: 'f.spent >= 300'}}\n"
    "  over: {including: {pays: 'f.n >= 9'}}\n"
    "  stale: {including: {last: 'has(f.dropped)'}}\n"
    "  payer: {including: {pays: 'f.paid >= 4'}}\n"
    "offers:\n"
    "  swap: {purpose: SERVICE, channels: [EMAIL], segments_any: [same], value: 1, "
    "eligible: 'c.dependants <= 7'}\n"
    "  card: {purpose: SERVICE, channels: [EMAIL], segments_any: [wider], value: 100, "
    "contact: {repeat_after: 365d}}\n";
static const char after[] =
    "zone: UTC\n"
    "features:\n"
    "  n: {count: tx}\n"
    "  spent: {sum: tx.amount_minor, window: 60d}\n"
    "  fresh: {days_since: tx}\n"
    "  week: {sum: tx.amount_minor, window: 7d, publish: true}\n"
    "  paid: {count: tx, where: 'tx.kind != \"FEE\"'}\n"
    "life_events:\n"
    "  busy: {when: 'f.n >= 6', confirm_at: 0.9}\n"
    "segments:\n"
    "  same: {including: {pays: 'f.n >= 4'}}\n"
    "  wider: {including: {pays: 'f.n >= 5'}}\n"
    "  narrower: {including: {pays: 'f.n >= 5', adds: 'f.spent >= 800'}}\n"
    "  over: {retired: true}\n"
    "  added: {including: {pays: 'f.n >= 10'}}\n"
    "  quiet: {including: {days: 'f.fresh >= 100'}}\n"
    "  payer: {including: {pays: 'f.paid >= 4'}}\n"
    "offers:\n"
    "  card: {purpose: SERVICE, channels: [EMAIL], segments_any: [wider], value: 100, contact: "
    "{repeat_after: "
    "365d}}\n"
    "  swap: {purpose: SERVICE, channels: [EMAIL], segments_any: [same], value: 1, "
    "eligible: 'c.dependants > 6'}\n"
    "  none: {purpose: SERVICE, channels: [EMAIL], segments_any: [quiet], value: 100}\n";

static struct plan plan;
static json_t *report;

static void open_side(struct plan_side *side, const char *text)
{
    struct playbook_text file = {"p.yaml", slice_text(text)};
    side->replay.opened.zones = plan.live.replay.opened.zones;
    ck_assert_int_eq(opened_texts("test", "p", &file, 1, &side->replay.opened), 0);
}

static void feed(const char *line)
{
    static uint8_t block[1 << 20];
    struct ndjson_error error;
    struct arena arena;
    struct event event = {0};
    arena_init(&arena, block, sizeof(block));
    ck_assert_msg(ndjson_parse(slice_text(line), &arena, &event, &error) == STATUS_OK, "%s",
                  error.text.text);
    ck_assert(plan_event(&plan, &event));
}

static void set_up(void)
{
    char line[600];
    open_side(&plan.live, before);
    open_side(&plan.filled, after);
    plan.ids = true;
    ck_assert_int_eq(plan_open(&plan, 2, "salt"), 0);
    for (int c = 1; c <= CUSTOMERS; c++) {
        (void)snprintf(
            line, sizeof(line),
            "{\"source\":\"customer-profiles\",\"event\":{\"customer_id\":\"c%d\",\"updated_at\":"
            "1767225600000,\"complaint_open\":false,\"dependants\":%d,"
            "\"vulnerability\":[],\"consents\":[{\"purpose\":\"SERVICE\",\"channel\":\"EMAIL\","
            "\"status\":\"GRANTED\","
            "\"lawful_basis\":\"CONTRACT\",\"updated_at\":1767225600000}]}}",
            c, c);
        feed(line);
    }
    for (int i = 0; i < CUSTOMERS; i++) {
        for (int c = i + 1; c <= CUSTOMERS; c++) {
            (void)snprintf(
                line, sizeof(line),
                "{\"source\":\"transactions\",\"event\":{\"event_id\":\"e%d-%d\",\"customer_id\":"
                "\"c%d\",\"account_id\":\"a\","
                "\"account_type\":\"CURRENT\",\"booked_at\":%lld,\"amount_minor\":100,\"currency\":"
                "\"GBP\",\"direction\":\"DEBIT\","
                "\"status\":\"POSTED\",\"kind\":\"CARD\",\"channel\":\"POS\"}}",
                c, i, c, 1767225600000LL + (i + 1) * 86400000LL);
            feed(line);
        }
    }
    report = plan_finish(&plan);
    ck_assert_ptr_nonnull(report);
}

static void tear_down(void)
{
    json_decref(report);
}

static json_t *row(const char *section, const char *id)
{
    size_t at;
    json_t *item;
    json_array_foreach(json_object_get(report, section), at, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "id")), id) == 0) {
            return item;
        }
    }
    ck_abort_msg("no %s in %s", id, section);
    return NULL;
}

static void check_segment(const char *id, const char *state, const int numbers[5])
{
    static const char *const keys[] = {"live", "new", "enter", "leave", "keep"};
    ck_assert_str_eq(json_string_value(json_object_get(row("segments", id), "state")), state);
    for (int i = 0; i < 5; i++) {
        json_int_t is = json_integer_value(json_object_get(row("segments", id), keys[i]));
        ck_assert_msg(is == numbers[i], "%s %s: %lld, not %d", id, keys[i], (long long)is,
                      numbers[i]);
    }
}

static void check_filled(const char *id, const int numbers[4])
{
    static const char *const keys[] = {"new", "enter", "leave", "keep"};
    for (int i = 0; i < 4; i++) {
        json_t *filled = json_object_get(row("segments", id), "filled");
        ck_assert_int_eq(json_integer_value(json_object_get(filled, keys[i])), numbers[i]);
    }
}

static void check_moves(const char *section, const char *id, const char *state,
                        const int numbers[5])
{
    static const char *const keys[] = {"live", "new", "gained", "lost", "kept"};
    json_t *item = row(section, id);
    ck_assert_str_eq(json_string_value(json_object_get(item, "state")), state);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(json_integer_value(json_object_get(item, keys[i])), numbers[i]);
    }
}

static void check_in_sample(const char *section, const char *id, int was, int is)
{
    json_t *counts = json_object_get(row(section, id), "in_sample");
    ck_assert_int_eq(json_integer_value(json_object_get(counts, "live")), was);
    ck_assert_int_eq(json_integer_value(json_object_get(counts, "new")), is);
}

static void check_movers(json_t *of, const char *way, const char *first, size_t count)
{
    json_t *movers = json_object_get(json_object_get(of, "customers"), way);
    json_t *ids = json_object_get(movers, "ids");
    ck_assert_uint_eq(json_array_size(ids), count);
    ck_assert_int_eq(json_integer_value(json_object_get(movers, "more")), 0);
    if (count > 0) {
        ck_assert_str_eq(json_string_value(json_array_get(ids, 0)), first);
    }
}

static void check_reason(const char *segment, size_t index, const char *text, int count)
{
    json_t *reason = json_array_get(json_object_get(row("segments", segment), "reasons"), index);
    ck_assert_ptr_nonnull(reason);
    ck_assert_str_eq(json_string_value(json_object_get(reason, "text")), text);
    ck_assert_int_eq(json_integer_value(json_object_get(reason, "count")), count);
}

START_TEST(plan_says_who_enters_leaves_and_stays)
{
    check_segment("same", "unchanged", (int[]){7, 7, 0, 0, 7});
    check_segment("wider", "changed", (int[]){4, 6, 2, 0, 4});    /* c5, c6 enter */
    check_segment("narrower", "changed", (int[]){8, 3, 0, 5, 3}); /* c3 .. c7 leave */
    check_segment("over", "retired", (int[]){2, 0, 0, 2, 0});
    check_segment("added", "new", (int[]){0, 1, 1, 0, 0});
    check_segment("stale", "dropped", (int[]){10, 0, 0, 10, 0});
    check_segment("quiet", "new", (int[]){0, 0, 0, 0, 0});
    ck_assert_int_eq(json_integer_value(json_object_get(report, "customers")), CUSTOMERS);
    ck_assert_int_eq(json_integer_value(json_object_get(report, "events")), CUSTOMERS + 55);
}
END_TEST

/* `paid` counts the same payments by another condition: its state is another's, as in the records. */
START_TEST(plan_takes_over_what_apply_takes_over)
{
    check_segment("payer", "changed", (int[]){7, 0, 0, 7, 0});
    check_filled("payer", (int[]){7, 0, 0, 7});
    check_reason("payer", 0, "pays: not f.paid >= 4", 7);
    check_filled("wider", (int[]){6, 2, 0, 4});
}
END_TEST

START_TEST(plan_gives_the_reasons_the_most_frequent_first)
{
    check_reason("wider", 0, "pays: not f.n >= 7", 2);
    check_reason("narrower", 0, "adds: not f.spent >= 800",
                 3); /* c5, c6, c7: the first leaf that holds them back */
    check_reason("narrower", 1, "pays: not f.n >= 5", 2); /* c3, c4 */
    check_reason("over", 0, "the segment is retired", 2);
    check_reason("added", 0, "the segment is new", 1);
}
END_TEST

START_TEST(plan_says_what_offers_and_life_events_become)
{
    /* by what it reads: its own text is the same */
    check_moves("offers", "card", "changed", (int[]){4, 6, 2, 0, 4});
    check_moves("offers", "none", "new", (int[]){0, 0, 0, 0, 0});
    check_moves("life_events", "busy", "changed", (int[]){3, 5, 2, 0, 3});
    check_in_sample("offers", "card", 4, 6);
    check_in_sample("life_events", "busy", 3, 5);
}
END_TEST

/* As many gain the offer as lose it. What was offered stays so when the plan is applied: nobody enters `same`. */
START_TEST(plan_does_not_net_out_who_swaps)
{
    json_t *filled = json_object_get(row("offers", "swap"), "filled");
    check_moves("offers", "swap", "changed", (int[]){4, 4, 0, 0, 4});
    check_in_sample("offers", "swap", 4, 4);
    ck_assert_int_eq(json_integer_value(json_object_get(filled, "gained")), 3);
    ck_assert_int_eq(json_integer_value(json_object_get(filled, "lost")), 3);
    ck_assert_int_eq(json_integer_value(json_object_get(filled, "kept")), 1); /* c7 */
    check_movers(filled, "gained", "c8", 3);
    check_movers(filled, "lost", "c4", 3);
}
END_TEST

START_TEST(plan_names_who_moves)
{
    check_movers(row("segments", "wider"), "enter", "c5", 2);
    check_movers(row("segments", "wider"), "leave", "", 0);
    check_movers(row("segments", "narrower"), "leave", "c3", 5);
    check_movers(row("offers", "card"), "gained", "c5", 2);
    check_movers(row("life_events", "busy"), "gained", "c6", 2);
}
END_TEST

static const char *word(json_t *item, const char *key)
{
    const char *value = json_string_value(json_object_get(item, key));
    return value == NULL ? "" : value;
}

static void check_feature(const char *id, const char *state, const char *record,
                          const char *complete_on, int lacks_events)
{
    json_t *item = row("features", id);
    ck_assert_str_eq(word(item, "state"), state);
    ck_assert_str_eq(word(item, "record"), record);
    ck_assert_str_eq(word(item, "complete_on"), complete_on);
    ck_assert_int_eq(json_integer_value(json_object_get(item, "lacks_events")), lacks_events);
}

/* The sample ends on 2026-01-11. */
START_TEST(plan_says_what_happens_to_state)
{
    check_feature("n", "unchanged", "kept", "", 0);
    check_feature("spent", "changed", "partly", "2026-02-10", 0); /* 30 days are kept of 60 */
    check_feature("week", "new", "kept", "", 0); /* the days are those of `spent` */
    check_feature("fresh", "new", "empty", "", 1);
    check_feature("paid", "changed", "empty", "", 0);
    check_feature("dropped", "dropped", "dropped", "", 0);
}
END_TEST

static void check_lacks(const char *section, const char *id, const char *feature)
{
    json_t *lacks = json_object_get(row(section, id), "sees_too_little");
    ck_assert_uint_eq(json_array_size(lacks), *feature == '\0' ? 0 : 1);
    ck_assert_str_eq(word(json_array_get(lacks, 0), "id"), feature);
}

START_TEST(plan_says_which_rules_see_too_little)
{
    check_lacks("segments", "narrower", "spent");
    check_lacks("segments", "payer", "paid");
    check_lacks("segments", "quiet", "fresh");
    check_lacks("segments", "wider", "");
    check_lacks("segments", "stale", "");
    check_lacks("offers", "none", "fresh"); /* by the segment that it asks for */
    check_lacks("offers", "card", "");
    check_lacks("life_events", "busy", "");
    json_t *lack =
        json_array_get(json_object_get(row("segments", "narrower"), "sees_too_little"), 0);
    ck_assert_str_eq(word(lack, "record"), "partly");
    ck_assert_str_eq(word(lack, "complete_on"), "2026-02-10");
}
END_TEST

static void print(bool all, char *out, size_t size)
{
    FILE *file = fmemopen(out, size, "w");
    ck_assert_ptr_nonnull(file);
    plan_print(report, all, file);
    (void)fclose(file);
}

START_TEST(plan_table_says_what_the_json_says)
{
    static char text[1 << 14];
    char line[200];
    print(false, text, sizeof(text));
    (void)snprintf(line, sizeof(line), "%-32s %-9s %8d %8d %8d %8d %8d %8d%s\n", "payer", "changed",
                   7, 0, 0, 7, 0, 7, "");
    ck_assert_msg(strstr(text, line) != NULL, "%s", text);
    ck_assert_msg(strstr(text, "    because       3  adds: not f.spent >= 800\n                  2 "
                               " pays: not f.n >= 5\n") != NULL,
                  "%s", text);
    (void)snprintf(line, sizeof(line), "%-32s %-9s %8d %8d %8d %8d %8d %8d%s\n", "card", "changed",
                   4, 6, 2, 0, 4, 6, "  +2 -0");
    ck_assert_msg(strstr(text, line) != NULL, "%s", text);
    static const char *const said[] = {
        "\n    1 keeps its state\n    1 keeps its state, though it is new or written other",
        "written otherwise:\n      f.week\n",
        "    1 keeps a part of its state and lacks the rest:\n      f.spent until 2026-02-10\n",
        "    2 start empty and lack what was before:\n      f.fresh until 1 more event\n",
        "      f.paid: what was before stays unknown\n    1 is dropped:\n      f.dropped\n",
        "    sees too little of f.spent until 2026-02-10\n",
    };
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        ck_assert_msg(strstr(text, said[i]) != NULL, "not said: %s in\n%s", said[i], text);
    }
    ck_assert_msg(strstr(text, "\nsame ") == NULL && strstr(text, "1 more stays as it is") != NULL,
                  "%s", text);
    print(true, text, sizeof(text));
    ck_assert_msg(strstr(text, "\nsame ") != NULL, "%s", text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan_report");
    TCase *tc = tcase_create("plan_report");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, plan_says_who_enters_leaves_and_stays);
    tcase_add_test(tc, plan_takes_over_what_apply_takes_over);
    tcase_add_test(tc, plan_gives_the_reasons_the_most_frequent_first);
    tcase_add_test(tc, plan_says_what_offers_and_life_events_become);
    tcase_add_test(tc, plan_does_not_net_out_who_swaps);
    tcase_add_test(tc, plan_names_who_moves);
    tcase_add_test(tc, plan_says_what_happens_to_state);
    tcase_add_test(tc, plan_says_which_rules_see_too_little);
    tcase_add_test(tc, plan_table_says_what_the_json_says);
    suite_add_tcase(suite, tc);
    return suite_run_all(suite);
}
