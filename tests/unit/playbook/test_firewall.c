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
    {"offers: {o: {purpose: MARKETING, channels: [EMAIL], segments_any: [care], value: 1}}\n",
     "offer o <- segment care <- life event ill"},
    {"offers: {o: {purpose: MARKETING, channels: [EMAIL], on: {life: [ill]}, value: 1}}\n",
     "offer o <- life event ill"},
    {"  s: {purpose: MARKETING, including: {a: 'c.age > 1'}, excluding: {b: '!(\"care\" in "
     "seg)'}}\n",
     "segment s <- segment care"},
    /* Leaving people alone needs no consent. */
    {"  s: {purpose: MARKETING, including: {a: 'c.age > 1'}, excluding: {b: '\"ill\" in life'}}\n",
     NULL},
    {"  s: {purpose: MARKETING, including: {a: 'c.age > 1'}}\n"
     "offers: {o: {purpose: MARKETING, channels: [EMAIL], segments_any: [s], not_life: [ill], "
     "value: 1}}\n",
     NULL},
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
    tcase_add_loop_test(tests, firewall_sees_what_a_condition_singles_out, 0,
                        (int)(sizeof(cases) / sizeof(cases[0])));
    tcase_add_loop_test(tests, firewall_shows_the_path, 0, (int)(sizeof(paths) / sizeof(paths[0])));
    tcase_add_test(tests, firewall_asks_every_customer_for_consent);
    tcase_add_test(tests, firewall_warns_of_a_word_against_the_facts);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
