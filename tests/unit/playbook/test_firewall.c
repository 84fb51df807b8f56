/* SPDX-License-Identifier: Apache-2.0 */
/* What is special-category data is found by what a condition does, not by how it is written. */
#include "support/suite.h"

#include <stdlib.h>

#include "playbook/playbook.h"

static struct arena arena;
static struct diagnostic list[DIAGNOSTICS_MAX];
static struct diagnostics diagnostics;
static const struct zones *zones;
static const struct playbook *playbook;

static bool load(const char *text)
{
    struct status_text why;
    if (zones == NULL) {
        ck_assert_int_eq(zones_load(&zones, &why), STATUS_OK);
        arena_init(&arena, malloc(PLAYBOOK_ARENA_SIZE), PLAYBOOK_ARENA_SIZE);
    }
    arena_reset(&arena);
    diagnostics_init(&diagnostics, list);
    return playbook_load_text("t.yaml", slice_text(text), zones, &arena, &diagnostics, &playbook);
}

/* A feature, and the category that its segment's outputs carry; empty: none. */
static const struct {
    const char *feature, *category;
} cases[] = {
    {"{count: tx, where: 'tx.mcc in [8011]'}", "health"},
    {"{count: tx, where: 'tx.mcc == 8661'}", "religion"},
    {"{count: tx, where: 'tx.mcc >= 8000 && tx.mcc < 8100'}", "health"},
    {"{count: tx, where: 'tx.kind == \"CARD\" && 8050 == tx.mcc'}", "health"},
    {"{count: tx, where: 'tx.mcc / 100 == 80'}", "health"},
    {"{count: tx, where: 'string(tx.mcc).startsWith(\"866\")'}", "religion"},
    {"{count: tx, where: 'tx.mcc != 5912'}", "health"}, /* all but the pharmacy tells as much */
    {"{count: tx, where: 'tx.mcc in [5411, 5912]'}", "health"},
    {"{count: tx, where: 'tx.mcc in [8011, 8651]'}", DATA_CATEGORY_SPECIAL},
    {"{sum: 'tx.mcc == 8011 ? tx.amount_minor : 0'}", "health"},
    {"{top: tx.mcc, window: last 20 events}", DATA_CATEGORY_SPECIAL},
    {"{last: tx.mcc, where: 'tx.mcc in [5411, 5812]'}", ""},
    {"{distinct: tx.mcc, window: 30d}", ""},
    {"{count: tx, where: 'tx.mcc > 0'}", ""},
    {"{count: tx, where: 'tx.mcc != 5411'}", ""},
    {"{count: tx, where: 'tx.mcc >= 3000 && tx.mcc <= 3350'}", ""},
    {"{sum: tx.amount_minor, where: 'tx.amount_minor > 8011'}", ""},
    {"{count: tx, where: 'tx.counterparty_name == \"Unite the Union\"'}", "union"},
    {"{count: tx, where: 'tx.counterparty_name.matches(\"(?i).*union.*\")'}", "union"},
    {"{last: tx.counterparty_name}", "union"},
    {"{count: tx, where: 'tx.counterparty_name != \"landlord\"'}", ""},
    {"{count: tx, where: '\"HEARING\" in c.vulnerability'}", "health"},
    {"{count: tx, window: 30d, sensitivity: genetic}", "genetic"},
    {"{count: tx, where: 'tx.mcc == 5641', window: 30d}", "sex_life"}, /* the playbook's own list */
    /* What else the expression reads hides nothing, although its value is not known. */
    {"{count: tx, where: 'tx.amount_minor > 100 ? tx.mcc == 8011 : false'}", "health"},
    {"{count: tx, where: '(tx.amount_minor > 100) == (tx.mcc == 8011)'}", "health"},
    {"{sum: 'tx.amount_minor * (tx.mcc == 8011 ? 1 : 0)'}", "health"},
    {"{count: tx, where: '[tx.kind].exists(k, k == \"CARD\" && tx.mcc == 8011)'}", "health"},
    {"{count: tx, where: '[8011, 5411].exists(m, m == tx.mcc && tx.amount_minor > 1)'}",
     DATA_CATEGORY_SPECIAL},
    {"{count: tx, where: 'cel.bind(m, tx.mcc, m == 8011 && tx.amount_minor > 1)'}",
     DATA_CATEGORY_SPECIAL},
    {"{count: tx, where: 'tx.amount_minor == tx.mcc'}", DATA_CATEGORY_SPECIAL},
    {"{top: 'tx.kind == \"CARD\" ? string(tx.mcc) : \"none\"', window: last 20 events}",
     DATA_CATEGORY_SPECIAL},
    {"{count: tx, where: 'tx.amount_minor > 100 ? tx.mcc == 5411 : false'}", ""},
    {"{count: tx, where: 'tx.kind == \"CARD\" && tx.mcc != 5411'}", ""},
    /* Two different answers of one question are an answer. */
    {"{distinct: 'tx.mcc == 8011', window: 30d}", "health"},
    {"{distinct: 'tx.mcc == 8011 ? tx.amount_minor : 0', window: 30d}", "health"},
    {"{top_count: 'tx.mcc == 8011 ? 1 : 0', window: last 20 events}", "health"},
    {"{top_count: tx.mcc, window: last 20 events}", ""},
    {"{count: tx, where: 'tx.text.contains(\"unite the union\")'}", "union"},
    {"{count: tx, where: 'tx.amount_minor > 1 ? tx.text.matches(\".*union.*\") : true'}", "union"},
    {"{last: tx.text}", "union"},
    {"{last: tx.reference}", "union"},
    {"{count: tx, where: 'tx.text.contains(\"rent\")'}", ""},
    {"{sequence: tx, where: 'tx.mcc == 5411', then: 'tx.mcc == 8011', within: 7d}", "health"},
    {"{absence: tx, where: 'tx.mcc == 8661', then: 'tx.mcc == 5411', within: 7d}", "religion"},
    {"{nth: tx.mcc, place: 2, window: last 5 events}", DATA_CATEGORY_SPECIAL},
    {"{quantile: 'tx.mcc == 8011 ? tx.amount_minor : 0', q: 0.5, window: last 20 events}",
     "health"},
    {"{decay: 'tx.mcc == 8011 ? 1 : 0', half_life: 7d, window: 30d}", "health"},
};

START_TEST(firewall_sees_what_a_condition_singles_out)
{
    char text[1000];
    (void)snprintf(text, sizeof(text),
                   "sensitive: {mcc: {sex_life: [5641]}, payees: {union: [Unite the Union]}}\n"
                   "features: {x: %s}\n"
                   "segments: {s: {purpose: SERVICE, including: {a: 'has(f.x)'}}}\n",
                   cases[_i].feature);
    ck_assert_msg(load(text), "%s", list[0].text);
    struct slice category = playbook->segments.defs[0].data_category;
    ck_assert_msg(slice_is(category, cases[_i].category), "%s: %.*s", cases[_i].feature,
                  SLICE_ARG(category));
}
END_TEST

/* As many payees as may be, asked by as many conditions as a bank may have. */
START_TEST(payees_are_asked_about_however_many_there_are)
{
    enum { PAYEES = 1024, FEATURES = 50, SIZE = 400000 };
    char *text = malloc(SIZE);
    int at = snprintf(text, SIZE, "sensitive:\n  payees:\n    union:\n");
    for (int i = 0; i < PAYEES; i++) {
        at += snprintf(text + at, SIZE - (size_t)at, "      - Brotherhood %d %0150d\n", i, i);
    }
    at += snprintf(text + at, SIZE - (size_t)at, "features:\n");
    for (int i = 0; i < FEATURES; i++) {
        at +=
            snprintf(text + at, SIZE - (size_t)at, "  f%d: {count: tx, publish: true, where: '", i);
        for (int k = 0; k < 14; k++) {
            at += snprintf(text + at, SIZE - (size_t)at,
                           "tx.text.contains(\"x%dy%d\") && tx.amount_minor > %d || ", i, k, k);
        }
        at += snprintf(text + at, SIZE - (size_t)at, "tx.amount_minor < 0'}\n");
    }
    (void)snprintf(text + at, SIZE - (size_t)at,
                   "  z: {count: tx, where: 'tx.text.contains(\"brotherhood 7 \")'}\n"
                   "segments: {s: {purpose: SERVICE, including: {a: 'has(f.z)'}}}\n");
    ck_assert_msg(load(text), "%s", list[0].text);
    ck_assert(slice_is(playbook->segments.defs[0].data_category, "union"));
    free(text);
}
END_TEST

/* Through features that read features, series, and signals of life events. */
static const struct {
    const char *text, *path;
} through[] = {
    {"features: {doctor: {count: tx, where: 'tx.mcc == 8011'}, all: {count: tx}, share: {ratio: "
     "[f.doctor, f.all]}}\n"
     "segments: {s: {purpose: MARKETING, including: {a: 'f.share > 0.5'}}}\n",
     "segment s <- f.share <- f.doctor <- tx.mcc 8011 (health)"},
    {"features:\n"
     "  recent: {days_since: tx, where: 'tx.mcc == 8011'}\n  often: {count: tx}\n  much: {sum: "
     "tx.amount_minor}\n"
     "  rfm: {rfm: [f.recent, f.often, f.much], cuts: [[7, 30, 90, 180], [2, 5, 10, 20], [1000, "
     "5000, 20000, 50000]]}\n"
     "segments: {s: {purpose: MARKETING, including: {a: 'f.rfm > 300'}}}\n",
     "segment s <- f.rfm <- f.recent <- tx.mcc 8011 (health)"},
    {"features: {tithe: {series: tx.debit, where: 'tx.mcc == 8661'}}\n"
     "segments: {s: {purpose: MARKETING, including: {a: 'f.tithe.hits > 3'}}}\n",
     "segment s <- f.tithe.hits <- tx.mcc 8661 (religion)"},
    {"features: {doctor_at: {last: event.time, where: 'tx.mcc == 8011', source: transactions}}\n"
     "life_events: {well: {absent: {feature: f.doctor_at, for: 90d}}}\n"
     "segments: {s: {purpose: MARKETING, including: {a: '\"well\" in life'}}}\n",
     "segment s <- life event well <- f.doctor_at"},
    {"features: {doctor: {count: tx, where: 'tx.mcc == 8011'}, n: {count: tx}}\n"
     "life_events: {change: {when: 'f.n > 3', evidence: [{id: e, if: 'f.doctor > 1', weight: "
     "0.5}]}}\n"
     "segments: {s: {purpose: MARKETING, including: {a: '\"change\" in life'}}}\n",
     "segment s <- life event change <- f.doctor"},
    {"features: {doctor: {count: tx, where: 'tx.mcc == 8011'}, n: {count: tx}}\n"
     "life_events: {change: {when: 'f.n > 3', unless: 'f.doctor > 1'}}\n"
     "segments: {s: {purpose: MARKETING, including: {a: '\"change\" in life'}}}\n",
     "segment s <- life event change <- f.doctor"},
    {"features: {doctor: {count: tx, where: 'tx.mcc == 8011'}, n: {count: tx}}\n"
     "life_events: {change: {when: 'f.n > 3', ends: 'f.doctor > 1'}}\n"
     "offers: {o: {purpose: MARKETING, product: NONE, channels: [EMAIL], on: {life: [change]}, "
     "value: 1}}\n",
     "offer o <- life event change <- f.doctor"},
};

START_TEST(firewall_follows_what_features_and_life_events_read)
{
    ck_assert_msg(!load(through[_i].text), "%s", through[_i].text);
    ck_assert_msg(strstr(list[0].text, through[_i].path) != NULL, "%s", list[0].text);
}
END_TEST

static const char head[] = "features: {doctor: {count: tx, where: 'tx.mcc == 8011'}}\n"
                           "life_events: {ill: {when: 'f.doctor > 3'}}\n"
                           "segments:\n"
                           "  care: {purpose: SERVICE, including: {a: '\"ill\" in life'}}\n";

/* What is added to `head`, and the path in the error; NULL: it loads. */
static const struct {
    const char *text, *path;
} paths[] = {
    {"  s: {purpose: MARKETING, including: {a: 'f.doctor > 1'}}\n",
     "segment s <- f.doctor <- tx.mcc 8011 (health)"},
    {"  s: {purpose: MARKETING, including: {a: '\"care\" in seg'}}\n",
     "segment s <- segment care <- life event ill <- f.doctor <- tx.mcc 8011 (health)"},
    {"  s: {purpose: MARKETING, including: {a: 'c.age > 1'}, stay: {exit_when: 'f.doctor > 1 && "
     "c.age > 90'}}\n",
     "segment s <- f.doctor"},
    {"offers: {o: {purpose: MARKETING, product: NONE, channels: [EMAIL], segments_any: [care], "
     "value: 1}}\n",
     "offer o <- segment care <- life event ill"},
    {"offers: {o: {purpose: MARKETING, product: NONE, channels: [EMAIL], on: {life: [ill]}, value: "
     "1}}\n",
     "offer o <- life event ill"},
    {"  s: {purpose: MARKETING, including: {a: 'c.age > 1'}, excluding: {b: '!(\"care\" in "
     "seg)'}}\n",
     "segment s <- segment care"},
    /* Leaving people alone needs no consent. */
    {"  s: {purpose: MARKETING, including: {a: 'c.age > 1'}, excluding: {b: '\"ill\" in life'}}\n",
     NULL},
    {"  s: {purpose: MARKETING, including: {a: 'c.age > 1'}}\n"
     "offers: {o: {purpose: MARKETING, product: NONE, channels: [EMAIL], segments_any: [s], "
     "not_life: [ill], "
     "value: 1}}\n",
     NULL},
    /* .. until it is turned round: who is not well. */
    {"  well: {purpose: MARKETING, including: {a: 'c.age > 1'}, excluding: {b: '\"ill\" in "
     "life'}}\n"
     "  s: {purpose: MARKETING, including: {a: 'c.age > 1'}, excluding: {b: '\"well\" in seg'}}\n",
     "segment s <- whom it leaves out, segment well (health)"},
    {"  well: {purpose: MARKETING, including: {a: 'c.age > 1'}, excluding: {b: '\"care\" in "
     "seg'}}\n"
     "  s: {purpose: MARKETING, including: {a: '!(\"well\" in seg)'}}\n",
     "segment s <- whom it leaves out, segment well (health)"},
    {"  well: {purpose: MARKETING, including: {a: 'c.age > 1'}, excluding: {b: '\"care\" in "
     "seg'}}\n"
     "  fine: {purpose: MARKETING, including: {a: '\"well\" in seg'}}\n"
     "  s: {purpose: MARKETING, including: {a: 'c.age > 1'}, excluding: {b: '\"fine\" in seg'}}\n",
     "segment s <- whom it leaves out, segment fine (health)"},
    {"  well: {purpose: MARKETING, including: {a: 'c.age > 1'}, excluding: {b: '\"SIGHT\" in "
     "c.vulnerability'}}\n"
     "  s: {purpose: MARKETING, including: {a: 'c.age > 1'}, stay: {exit_when: '\"well\" in "
     "seg'}}\n",
     "segment s <- whom it leaves out, segment well (health)"},
    {"  well: {purpose: MARKETING, including: {a: 'c.age > 1'}, excluding: {b: '\"ill\" in "
     "life'}}\n"
     "offers: {o: {purpose: MARKETING, product: NONE, channels: [EMAIL], segments_any: [well], "
     "eligible: "
     "'!(\"well\" in "
     "seg)', value: 1}}\n",
     "offer o <- whom it leaves out, segment well (health)"},
    {"  well: {purpose: MARKETING, including: {a: 'c.age > 1'}, excluding: {b: '\"ill\" in "
     "life'}}\n"
     "  s: {purpose: MARKETING, including: {a: '\"well\" in seg'}}\n"
     "offers: {o: {purpose: MARKETING, product: NONE, channels: [EMAIL], segments_any: [s, well], "
     "value: 1}}\n",
     NULL},
    /* Every condition of an offer. */
    {"offers: {o: {purpose: MARKETING, product: NONE, channels: [EMAIL], on: {app: [login]}, "
     "eligible: 'f.doctor "
     "< 1', value: 1}}\n",
     "offer o <- f.doctor <- tx.mcc 8011 (health)"},
    {"offers: {o: {purpose: MARKETING, product: NONE, channels: [EMAIL], on: {app: [login]}, "
     "suitable: 'f.doctor "
     "< 1', value: 1}}\n",
     "offer o <- f.doctor"},
    {"offers: {o: {purpose: MARKETING, product: NONE, channels: [EMAIL], on: {app: [login]}, "
     "value: '100 * "
     "f.doctor'}}\n",
     "offer o <- f.doctor"},
    {"offers: {o: {purpose: MARKETING, product: NONE, channels: [EMAIL], on: {app: [login]}, "
     "value: 1, context: "
     "'1.0 / "
     "double(1 + f.doctor)'}}\n",
     "offer o <- f.doctor"},
    {"offers: {o: {purpose: MARKETING, product: NONE, channels: [EMAIL], on: {app: [login]}, "
     "value: 1, "
     "propensity: 'f.doctor > 1 ? "
     "0.9 : 0.1'}}\n",
     "offer o <- f.doctor"},
    {"offers: {o: {purpose: MARKETING, product: NONE, channels: [EMAIL], on: {app: [login]}, "
     "value: 1, "
     "propensity: '0.5', "
     "propensity_while: 'f.doctor > 1'}}\n",
     "offer o <- f.doctor"},
    {"offers: {o: {purpose: MARKETING, product: NONE, channels: [EMAIL], on: {app: [login]}, "
     "value: 1, eligible: "
     "'tx.mcc != 8011'}}\n",
     "offer o <- tx.mcc 8011 (health)"},
    {"offers: {o: {purpose: MARKETING, product: NONE, channels: [EMAIL], on: {segments: [care]}, "
     "value: 1}}\n",
     "offer o <- segment care"},
    /* What all offers share. */
    {"contact_policy: {contexts: {ill: 'f.doctor > 1'}}\n",
     "a context reads special-category data"},
    {"contact_policy: {contexts: {ill: '\"care\" in seg'}}\n",
     "a context reads special-category data"},
    {"contact_policy: {contexts: {ill: '\"ill\" in life'}}\n",
     "a context reads special-category data"},
    {"contact_policy: {contexts: {ill: '\"SIGHT\" in c.vulnerability'}}\n",
     "a context reads special-category data"},
    {"  well: {purpose: SERVICE, including: {a: 'c.age > 1'}, excluding: {b: '\"care\" in seg'}}\n"
     "contact_policy: {stops: {segments: [well]}}\n",
     "a stop is a segment that leaves people out"},
    {"contact_policy: {stops: {segments: [care], life: [ill]}}\n", NULL},
    {"  s: {purpose: MARKETING, basis: CONSENT, including: {a: 'f.doctor > 1'}}\n", NULL},
    {"  s: {purpose: SERVICE, including: {a: 'f.doctor > 1'}}\n", NULL},
};

START_TEST(firewall_shows_the_path)
{
    char text[2000];
    (void)snprintf(text, sizeof(text), "%s%s", head, paths[_i].text);
    bool good = load(text);
    ck_assert_msg(good == (paths[_i].path == NULL), "%s", text);
    if (!good) {
        ck_assert_msg(strstr(list[0].text, paths[_i].path) != NULL, "%s", list[0].text);
    }
}
END_TEST

START_TEST(firewall_asks_every_customer_for_consent)
{
    char text[2000];
    (void)snprintf(text, sizeof(text), "%s%s", head,
                   "  s: {purpose: MARKETING, basis: CONSENT, including: {a: 'f.doctor > 1'}}\n");
    ck_assert(load(text));
    const struct segment_def *def = &playbook->segments.defs[1];
    ck_assert_uint_eq(def->excluding_count, 1);
    ck_assert(slice_is(def->excluding[0].text, "!c.explicit_consent.MARKETING"));
    ck_assert(slice_is(def->data_category, "health"));
}
END_TEST

START_TEST(firewall_warns_of_a_word_against_the_facts)
{
    ck_assert(load("features: {x: {count: tx, where: 'tx.mcc == 8011', sensitivity: none}}\n"
                   "segments: {s: {purpose: MARKETING, including: {a: 'f.x > 1'}}}\n"));
    ck_assert_uint_eq(diagnostics.count, 1);
    ck_assert_str_eq(list[0].text,
                     "`x` says that it is not sensitive, and reads tx.mcc 8011 (health)");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("firewall");
    TCase *tests = tcase_create("firewall");
    tcase_add_test(tests, payees_are_asked_about_however_many_there_are);
    tcase_add_loop_test(tests, firewall_sees_what_a_condition_singles_out, 0,
                        (int)(sizeof(cases) / sizeof(cases[0])));
    tcase_add_loop_test(tests, firewall_shows_the_path, 0, (int)(sizeof(paths) / sizeof(paths[0])));
    tcase_add_loop_test(tests, firewall_follows_what_features_and_life_events_read, 0,
                        (int)(sizeof(through) / sizeof(through[0])));
    tcase_add_test(tests, firewall_asks_every_customer_for_consent);
    tcase_add_test(tests, firewall_warns_of_a_word_against_the_facts);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
