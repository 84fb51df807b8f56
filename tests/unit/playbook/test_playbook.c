/* SPDX-License-Identifier: Apache-2.0 */
#include "support/suite.h"

#include <stdlib.h>

#include "base/civil.h"
#include "base/hash.h"
#include "base/memory.h"
#include "playbook/playbook.h"
#include "playbook/tests.h"

static struct arena arena;
static struct diagnostic list[DIAGNOSTICS_MAX];
static struct diagnostics diagnostics;
static const struct zones *zones;
static const struct playbook *playbook;

static bool applied; /* it runs already */

static bool load(const char *text)
{
    struct status_text why;
    if (zones == NULL) {
        ck_assert_int_eq(zones_load(&zones, &why), STATUS_OK);
    }
    if (arena.block == NULL) {
        arena_init(&arena, malloc(PLAYBOOK_ARENA_SIZE), PLAYBOOK_ARENA_SIZE);
    }
    arena_reset(&arena);
    diagnostics_init(&diagnostics, list);
    diagnostics.applied = applied;
    playbook = NULL;
    bool good =
        playbook_load_text("t.yaml", slice_text(text), zones, &arena, &diagnostics, &playbook);
    if (!good && diagnostics.count == 0) {
        ck_abort_msg("refused without a word");
    }
    return good;
}

static const char *const plain =
    "features:\n"
    "  spend: {sum: tx.amount_minor, where: 'tx.direction == \"DEBIT\"', window: 90d}\n"
    "  quiet: {days_since: tx}\n"
    "  salary: {series: tx.credit}\n"
    "life_events:\n"
    "  gone: {absent: {feature: f.salary.last_at, for: 45d}}\n"
    "segments:\n"
    "  a: {including: {x: 'f.spend > 100'}, excluding: {y: '\"gone\" in life'}}\n"
    "  b: {including: {x: '\"a\" in seg && f.quiet >= 30'}, dwell: 2d}\n"
    "offers:\n"
    "  o: {purpose: SERVICE, channels: [EMAIL], segments_any: [b], value: 100, contact: {cap: "
    "2/30d}}\n";

/* The same, moved about and commented. */
static const char *const moved =
    "# a comment\n"
    "offers:\n"
    "  o:\n"
    "    contact: {cap: '2/30d'}\n"
    "    value: 100\n"
    "    segments_any:\n"
    "      - b\n"
    "    channels: [EMAIL]\n"
    "    purpose: SERVICE\n"
    "    version: 7\n"
    "segments:\n"
    "  b: {dwell: 48h, including: {x: '\"a\" in seg&&f.quiet>=30'}}\n"
    "  a: {excluding: {y: '\"gone\"   in life'}, including: {x: 'f.spend>100'}}\n"
    "life_events:\n"
    "  gone: {absent: {for: 45d, feature: f.salary.last_at}}\n"
    "features:\n"
    "  salary: {series: tx.credit}   # income\n"
    "  quiet: {days_since: tx}\n"
    "  spend:\n"
    "    window: 90d\n"
    "    where: >-\n"
    "      tx.direction ==\n"
    "      \"DEBIT\"\n"
    "    sum: tx.amount_minor\n";

START_TEST(playbook_hands_over_what_the_file_says)
{
    ck_assert(load(plain));
    ck_assert_uint_eq(playbook->feature_count, 2);
    ck_assert_uint_eq(playbook->name_count, 2 + SERIES_FIELD_COUNT);
    const struct feature_def *spend = &playbook->feature_defs[1];
    ck_assert_str_eq(spend->name, "spend");
    ck_assert(spend->kind == FEATURE_SUM && spend->unit == FEATURE_DAYS && spend->length == 90);
    ck_assert(slice_is(spend->currency, "GBP"));
    ck_assert_int_eq(playbook->life.defs[0].absent.for_ms, 45 * MS_PER_DAY);
    ck_assert_str_eq(playbook->names[playbook->life.defs[0].absent.feature].name, "salary.last_at");
    ck_assert_int_eq(playbook->segments.defs[1].dwell_ms, 2 * MS_PER_DAY);
    ck_assert_uint_eq(playbook->offers.defs[0].caps[0].limit, 2);
    ck_assert_uint_eq(diagnostics.count, 0);
}
END_TEST

START_TEST(playbook_hash_does_not_see_comments_order_or_version)
{
    ck_assert(load(plain));
    uint64_t whole = playbook->hash, offer = playbook->offers.defs[0].hash,
             spend = playbook->feature_defs[1].hash;
    ck_assert(load(moved));
    ck_assert_uint_eq(spend, playbook->feature_defs[1].hash);
    ck_assert_uint_eq(offer, playbook->offers.defs[0].hash);
    ck_assert_uint_eq(whole, playbook->hash);
    ck_assert_int_eq(playbook->offers.defs[0].version, 7);
}
END_TEST

START_TEST(the_hash_of_a_series_holds_the_version_of_its_tracks)
{
    ck_assert_int_eq(SERIES_TRACKS_VERSION, 3);
    ck_assert(load(plain));
    /* What records in use name its part with: with another hash its tracks start empty. */
    ck_assert_uint_eq(playbook->series[0].hash, UINT64_C(9238012293370890511));
}
END_TEST

/* One change of meaning each: all that read it change, others do not. */
static const struct {
    const char *from, *to;
    bool segment_a, segment_b, life;
} changes[] = {
    {"f.spend > 100", "f.spend > 101", true, true, false},
    {"window: 90d", "window: 60d", true, true, false},
    {"dwell: 2d", "dwell: 3d", false, true, false},
    {"for: 45d", "for: 46d", true, true, true},
    {"series: tx.credit", "series: tx.debit", true, true, true},
    {"2/30d", "3/30d", false, false, false},
};

START_TEST(playbook_hash_sees_every_change_of_meaning)
{
    char text[2000];
    const char *at = strstr(plain, changes[_i].from);
    ck_assert_ptr_nonnull(at);
    (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - plain), plain, changes[_i].to,
                   at + strlen(changes[_i].from));
    ck_assert(load(plain));
    uint64_t whole = playbook->hash, a = playbook->segments.defs[0].hash,
             b = playbook->segments.defs[1].hash;
    uint64_t life = playbook->life.defs[0].hash, offer = playbook->offers.defs[0].hash;
    ck_assert(load(text));
    ck_assert(whole != playbook->hash && offer != playbook->offers.defs[0].hash);
    ck_assert((a != playbook->segments.defs[0].hash) == changes[_i].segment_a);
    ck_assert((b != playbook->segments.defs[1].hash) == changes[_i].segment_b);
    ck_assert((life != playbook->life.defs[0].hash) == changes[_i].life);
}
END_TEST

START_TEST(playbook_evaluates_what_is_read_first)
{
    ck_assert(load(
        "segments:\n  a: {including: {x: '\"z\" in seg'}}\n  z: {including: {x: 'c.age > 1'}}\n"));
    ck_assert(slice_is(playbook->segments.defs[0].id, "z"));
    ck_assert(slice_is(playbook->segments.defs[1].id, "a"));
    ck_assert_uint_eq(playbook->edge_count, 1);
    ck_assert(playbook->edges[0].index == 1 && playbook->edges[0].reads == 0);
}
END_TEST

START_TEST(a_retired_segment_has_no_rules)
{
    ck_assert(load("segments:\n  old: {retired: true, version: 3}\n"));
    ck_assert(playbook->segments.defs[0].retired);
    ck_assert_int_eq(playbook->segments.defs[0].version, 3);
    ck_assert(!load("segments:\n  old: {retired: true, including: {x: 'c.age > 1'}}\n"));
    ck_assert_str_eq(diagnostics.list[0].text, "segment `old` is retired: it has no rules");
}
END_TEST

/* What each of these says loaded once, and may be live. */
static const char *const younger_rules[] = {
    "segments: {s: {including: {x: 'c.age > 1'}}}\n"
    "offers: {o: {purpose: MARKETING, channels: [EMAIL], segments_any: [s], value: 100}}\n",
    "segments: {s: {including: {x: 'c.age > 1'}}}\n"
    "offers: {o: {purpose: MARKETING, product: UNKNOWN, channels: [EMAIL], segments_any: [s], "
    "value: 100}}\n",
    "segments: {s: {including: {x: 'c.age > 1'}}}\n"
    "offers: {o: {purpose: MARKETING, product: NONE, channels: [EMAIL], segments_any: [s], value: "
    "100, suitable: 'c.risk_profile >= 2'}}\n",
    "features: {doctor: {count: tx, where: 'tx.mcc == 8011', window: 90d}}\n"
    "segments: {care: {purpose: SERVICE, including: {x: 'f.doctor >= 1'}, publish: true}}\n",
    "features: {quiet: {days_since: tx}, got: {sum: tx.amount_minor, where: 'tx.amount_minor > 0', "
    "window: 90d}, total: {sum: tx.amount_minor, window: 90d}}\n"
    "segments: {s: {including: {x: 'ratio(f.got, f.total) > f.quiet'}}}\n",
};

START_TEST(what_was_applied_loads_with_rules_that_came_later)
{
    ck_assert(!load(younger_rules[_i]));
    ck_assert_uint_eq(diagnostics.error_count, 1);
    char text[DIAGNOSTIC_TEXT_SIZE];
    (void)snprintf(text, sizeof(text), "%s", list[0].text);
    applied = true;
    ck_assert(load(younger_rules[_i]));
    ck_assert_uint_eq(diagnostics.error_count, 0);
    ck_assert_uint_eq(diagnostics.count, 1);
    ck_assert(list[0].level == DIAGNOSTIC_WARNING && list[0].span.line > 0);
    ck_assert_str_eq(list[0].text, text);
    ck_assert(list[0].mend[0] != '\0');
    ck_assert(!load("segments: {s: {including: {x: 'c.agee > 1'}}}\n")); /* no new rule */
    applied = false;
}
END_TEST

START_TEST(playbook_arms_what_rules_compare)
{
    ck_assert(load(plain));
    const struct feature_def *quiet = &playbook->feature_defs[0],
                             *spend = &playbook->feature_defs[1];
    ck_assert(quiet->armed && spend->armed);
    ck_assert_uint_eq(quiet->threshold_count, 2);
    ck_assert(quiet->thresholds[0] == 30 && quiet->thresholds[1] == 31);
    ck_assert(load("features: {quiet: {days_since: tx}}\n"
                   "segments: {a: {including: {x: 'f.quiet > 3 || f.quiet + 1 == 9'}}}\n"));
    ck_assert_uint_eq(playbook->feature_defs[0].threshold_count, 0);
    ck_assert(load("features: {quiet: {days_since: tx}}\n"
                   "segments: {a: {evaluate: on_event, including: {x: 'f.quiet > 3'}}}\n"));
    ck_assert(!playbook->feature_defs[0].armed);
    ck_assert(!playbook->watch.age && !playbook->watch.tenure);
    ck_assert(load("segments:\n"
                   "  a: {including: {x: 'c.age >= 18', y: 'c.tenure_days < 90'}}\n"
                   "  b: {including: {x: 'c.age >= 18'}}\n"));
    ck_assert(playbook->watch.age && playbook->watch.tenure && !playbook->watch.tenure_any);
    ck_assert_int_eq(playbook->watch.tenure_thresholds[0], 90);
    ck_assert(load("segments: {a: {including: {y: 'c.tenure_days / 365 >= 5'}}}\n"));
    ck_assert(playbook->watch.tenure_any);
}
END_TEST

START_TEST(playbook_warns_of_what_nobody_reads)
{
    ck_assert(load("features:\n  unused: {count: tx}\n  shown: {count: tx, publish: true}\n"));
    ck_assert_uint_eq(diagnostics.count, 1);
    ck_assert(diagnostics.list[0].level == DIAGNOSTIC_WARNING &&
              diagnostics.list[0].span.line == 2);
    ck_assert_str_eq(list[0].text, "nobody reads feature `unused`");
}
END_TEST

START_TEST(playbook_lets_consent_carry_sensitive_data)
{
    char text[600];
    static const char *const form =
        "features: {doctor: {count: tx, where: 'tx.mcc in [8011]'%s}}\n"
        "segments: {s: {including: {x: 'f.doctor > 2'}}}\n"
        "offers: {o: {purpose: MARKETING, product: NONE, %schannels: [EMAIL], segments_any: [s], "
        "value: 1}}\n";
    (void)snprintf(text, sizeof(text), form, "", "");
    ck_assert(!load(text));
    (void)snprintf(text, sizeof(text), form, "", "basis: CONSENT, ");
    ck_assert(load(text));
    ck_assert(playbook->offers.defs[0].sensitive);
    ck_assert(slice_is(playbook->segments.defs[0].data_category, "health"));
    (void)snprintf(text, sizeof(text), form, ", sensitivity: none", "");
    ck_assert(load(text));
    ck_assert(!playbook->offers.defs[0].sensitive);
}
END_TEST

/* What somebody can satisfy must load: these look like what is refused in tests/playbooks/broken. */
static const char *const satisfiable[] = {
    "{including: {x: 'f.n > 4 && f.n < 6'}}",
    "{including: {x: 'f.n > 10 || f.n < 5', y: 'f.n >= 12'}}",
    "{including: {x: 'f.n % 100 / 10 >= 4'}}",
    "{including: {x: 'f.r > 0.25 && f.r < 0.3'}}",
    "{including: {x: '!has(f.r) || f.r < 0.1'}}",
    "{including: {x: 'f.r < 0.1'}, excluding: {y: '!has(f.r)'}}",
    "{including: {x: 'f.n > 1 && !has(c.age)', y: 'has(f.r)'}}",
    "{including: {x: 'f.s < 0'}}",
    "{including: {x: '12 <= f.n'}, excluding: {y: 'f.n < 10'}}",
    ("{including: {x: 'c.employment_status != \"RETIRED\"'}, excluding: {y: 'c.employment_status "
     "== "
     "\"STUDENT\"'}}"),
    "{including: {x: 'f.t == \"FR\"'}, excluding: {y: 'f.t in [\"DE\", \"ES\"]'}}",
    "{including: {x: 'f.n >= 12'}, stay: {exit_when: 'f.n < 12'}}",
    "{including: {x: 'f.n >= 12 && f.s > 1'}, stay: {exit_when: 'f.s > 5'}}", /* f.n may keep them apart */
    "{including: {x: '-5 < f.s && f.s < -3'}}",
    "{including: {x: 'f.days == 30'}}",
    "{including: {x: '\"b\" in seg', y: '!(\"c\" in seg)'}}",
    "{including: {x: '\"b\" in seg || \"c\" in seg'}, excluding: {y: '\"b\" in seg'}}",
    "{including: {x: '\"b\" in seg'}, stay: {exit_when: '!(\"b\" in seg)'}}",
    "{including: {x: 'f.n > 4 && !(\"b\" in seg)'}, excluding: {y: '\"c\" in seg && f.n < 9'}}",
};

START_TEST(playbook_refuses_nothing_that_can_be)
{
    char text[1000];
    (void)snprintf(
        text, sizeof(text),
        "features:\n  n: {count: tx, publish: true}\n  s: {sum: tx.amount_minor, publish: true}\n"
        "  r: {ratio: [f.s, f.n], publish: true}\n  t: {last: tx.merchant_country, publish: true}\n"
        "  days: {active_days: tx, window: 30d, publish: true}\n"
        "segments: {a: %s, b: {including: {k: 'f.n > 1'}}, c: {including: {k: 'f.n > 2'}}}\n",
        satisfiable[_i]);
    ck_assert_msg(load(text), "%s: %s", satisfiable[_i], list[0].text);
    ck_assert_msg(diagnostics.count == 0, "%s: %s", satisfiable[_i], list[0].text);
}
END_TEST

/* What is kept, a window, and whether it may stand: both are measured alike. */
static const struct {
    const char *kept, *window;
    bool good;
} lengths[] = {{"13mo", "13mo", true},  {"1y", "12mo", true},   {"12mo", "1y", true},
               {"90d", "3mo", false},   {"92d", "3mo", true},   {"12mo", "13mo", false},
               {"395d", "13mo", false}, {"396d", "13mo", true}, {"1w", "7d", true},
               {"36h", "2d", false}};

START_TEST(playbook_keeps_a_window_as_long_as_data)
{
    char text[200];
    (void)snprintf(text, sizeof(text),
                   "data_kept: %s\nfeatures: {a: {count: tx, window: %s, publish: true}}\n",
                   lengths[_i].kept, lengths[_i].window);
    ck_assert_msg(load(text) == lengths[_i].good, "%s in %s", lengths[_i].window, lengths[_i].kept);
}
END_TEST

/* Whoever names a calendar is another definition when it changes; nobody else is. */
START_TEST(playbook_hash_sees_the_calendars_that_are_named)
{
    static const char *const form =
        "calendars: {north: {holidays: [%s]}}\n"
        "features:\n"
        "  a: {count: tx, where: 'is_business_day(tx.booked_at, \"north\")'}\n"
        "  b: {count: tx, where: 'is_business_day(tx.booked_at)'}\n"
        "segments: {s: {including: {x: 'f.a > 1 && f.b > 1'}}}\n";
    char text[600];
    uint64_t hashes[2][3];
    uint32_t names[2];
    for (int i = 0; i < 2; i++) {
        (void)snprintf(text, sizeof(text), form, i == 0 ? "01-02" : "01-02, 11-30");
        ck_assert(load(text));
        hashes[i][0] = playbook->feature_defs[0].hash;
        hashes[i][1] = playbook->feature_defs[1].hash;
        hashes[i][2] = playbook->segments.defs[0].hash;
        names[i] = (uint32_t)hash64(playbook->feature_defs[0].where_text,
                                    0); /* what its state is kept under */
    }
    ck_assert_uint_ne(hashes[0][0], hashes[1][0]);
    ck_assert_uint_eq(hashes[0][1], hashes[1][1]);
    ck_assert_uint_ne(hashes[0][2], hashes[1][2]);
    ck_assert_uint_ne(names[0], names[1]);
}
END_TEST

START_TEST(playbook_needs_no_feature)
{
    ck_assert(load("segments: {adult: {purpose: SERVICE, including: {a: 'c.age >= 18'}}}\n"));
    ck_assert_uint_eq(diagnostics.count, 0);
    ck_assert_uint_eq(playbook->feature_count, 0);
    ck_assert_ptr_nonnull(playbook->features);
    ck_assert(playbook->watch.age);
}
END_TEST

START_TEST(playbook_warns_of_an_exit_at_the_entrance)
{
    ck_assert(
        load("features: {n: {count: tx}}\n"
             "segments: {a: {including: {x: 'f.n >= 12'}, stay: {exit_when: 'f.n < 15'}}}\n"));
    ck_assert_uint_eq(diagnostics.count, 1);
    ck_assert_str_eq(list[0].text, "whoever comes in with f.n = 12 goes out again at once");
}
END_TEST

START_TEST(playbook_writes_tests_as_events_in_order_of_time)
{
    ck_assert(load("segments:\n"
                   "  a:\n"
                   "    including: {x: 'c.age > 1'}\n"
                   "    tests:\n"
                   "      - given:\n"
                   "          - {at: 2026-01-31, every: 1mo, times: 3, tx: {amount_minor: 5, "
                   "counterparty_id: 12}}\n"
                   "          - {at: 2026-01-01, profile: {birth_date: 1990-05-01}}\n"
                   "        expect: {entered: 2026-02-28}\n"));
    ck_assert_uint_eq(playbook->test_count, 1);
    const struct playbook_test *test = &playbook->tests[0];
    ck_assert_uint_eq(test->line_count, 4);
    ck_assert(strstr((const char *)test->lines[0].data, "\"birth_date\":\"1990-05-01\"") != NULL);
    ck_assert(strstr((const char *)test->lines[1].data, "\"counterparty_id\":\"12\"") != NULL);
    char february[40];
    int32_t day;
    ck_assert(civil_parse_date(slice_text("2026-02-28"), &day));
    (void)snprintf(february, sizeof(february), "\"booked_at\":%lld", (long long)(day * MS_PER_DAY));
    ck_assert(strstr((const char *)test->lines[2].data, february) != NULL);
    ck_assert(test->expect == EXPECT_ENTERED && test->expect_day == day);
}
END_TEST

START_TEST(playbook_finds_what_it_defines_and_names_what_is_near)
{
    const uint32_t rules = 1U << PLAYBOOK_LIFE_EVENT | 1U << PLAYBOOK_SEGMENT;
    ck_assert(load(plain));
    int32_t hits = playbook_find(playbook, PLAYBOOK_FEATURE, slice_text("salary.hits"));
    ck_assert(hits >= 0 && strcmp(playbook->names[hits].name, "salary.hits") == 0);
    ck_assert_int_eq(playbook_find(playbook, PLAYBOOK_LIFE_EVENT, slice_text("gone")), 0);
    ck_assert_int_eq(playbook_find(playbook, PLAYBOOK_SEGMENT, slice_text("b")), 1);
    ck_assert_int_eq(playbook_find(playbook, PLAYBOOK_OFFER, slice_text("o")), 0);
    ck_assert_int_eq(playbook_find(playbook, PLAYBOOK_OFFER, slice_text("b")), -1);
    ck_assert_str_eq(playbook_nearest(playbook, slice_text("gnoe"), rules), "gone");
    ck_assert_str_eq(playbook_nearest(playbook, slice_text("quite"), UINT32_MAX), "quiet");
    ck_assert_ptr_null(playbook_nearest(playbook, slice_text("quite"), rules));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("playbook");
    TCase *tc = tcase_create("playbook");
    tcase_add_test(tc, a_retired_segment_has_no_rules);
    tcase_add_test(tc, playbook_hands_over_what_the_file_says);
    tcase_add_test(tc, the_hash_of_a_series_holds_the_version_of_its_tracks);
    tcase_add_test(tc, playbook_hash_does_not_see_comments_order_or_version);
    tcase_add_loop_test(tc, playbook_hash_sees_every_change_of_meaning, 0,
                        sizeof(changes) / sizeof(changes[0]));
    tcase_add_test(tc, playbook_evaluates_what_is_read_first);
    tcase_add_loop_test(tc, what_was_applied_loads_with_rules_that_came_later, 0,
                        (int)(sizeof(younger_rules) / sizeof(younger_rules[0])));
    tcase_add_test(tc, playbook_arms_what_rules_compare);
    tcase_add_test(tc, playbook_warns_of_what_nobody_reads);
    tcase_add_test(tc, playbook_lets_consent_carry_sensitive_data);
    tcase_add_loop_test(tc, playbook_refuses_nothing_that_can_be, 0,
                        (int)(sizeof(satisfiable) / sizeof(satisfiable[0])));
    tcase_add_loop_test(tc, playbook_keeps_a_window_as_long_as_data, 0,
                        (int)(sizeof(lengths) / sizeof(lengths[0])));
    tcase_add_test(tc, playbook_hash_sees_the_calendars_that_are_named);
    tcase_add_test(tc, playbook_needs_no_feature);
    tcase_add_test(tc, playbook_warns_of_an_exit_at_the_entrance);
    tcase_add_test(tc, playbook_writes_tests_as_events_in_order_of_time);
    tcase_add_test(tc, playbook_finds_what_it_defines_and_names_what_is_near);
    suite_add_tcase(suite, tc);
    return suite_run_all(suite);
}
