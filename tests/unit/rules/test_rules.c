/* SPDX-License-Identifier: Apache-2.0 */
/* What rules see of customers, events and features; what they say when something is missing. */
#include "rules/rules.h"

#include "base/civil.h"
#include "base/memory.h"
#include "model/fields.h"
#include "rules/blame.h"
#include "rules/step.h"
#include "support/suite.h"

static uint8_t block[8 << 20];
static uint8_t scratch_block[1 << 16];
static struct diagnostic list[DIAGNOSTICS_MAX];
static struct diagnostics diagnostics;
static struct arena arena, scratch;
static const struct zones *zones;
static struct customer customer;
static struct event event;
static struct feature_value features[4];
static struct scope scope;
static const struct cel_environment *environment;

static const struct rules_feature feature_names[] = {{"spend_90d", FEATURE_INT},
                                                     {"rate", FEATURE_DOUBLE},
                                                     {"last_at", FEATURE_TIME},
                                                     {"top_mcc", FEATURE_STRING}};

static int32_t field_bit(const char *name)
{
    return fields_find(SOURCE_CUSTOMER_PROFILES, slice_text(name));
}

static void set_profile(void)
{
    struct profile *p = &customer.profile;
    memcpy(customer.id, "C-1", 3);
    customer.id_size = 3;
    p->updated_at_ms = INT64_C(1795000000000);
    const char *known[] = {"birth_date", "country", "employment_status", "products_held",
                           "complaint_open"};
    for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
        p->present |= UINT64_C(1) << field_bit(known[i]);
    }
    p->birth_day = civil_day((struct civil_date){2008, 11, 26});
    p->zone = zones_find(zones, slice_text("Pacific/Auckland"));
    memcpy(p->country, "GB", 2);
    p->country_size = 2;
    p->employment_status = EMPLOYMENT_EMPLOYED;
    p->products_held = 1U << ACCOUNT_MORTGAGE | 1U << PRODUCT_FX;
    p->consents[PURPOSE_MARKETING][CHANNEL_EMAIL].status = CONSENT_GRANTED;
    p->consents[PURPOSE_MARKETING][CHANNEL_SMS].status = CONSENT_WITHDRAWN;
}

static void setup(void)
{
    static const struct slice life[] = {{(const uint8_t *)"job.lost", 8}};
    struct status_text text;
    memory_unseal();
    ck_assert_int_eq(zones_load(&zones, &text), STATUS_OK);
    arena_init(&arena, block, sizeof(block));
    arena_init(&scratch, scratch_block, sizeof(scratch_block));
    diagnostics_init(&diagnostics, list);
    set_profile();
    event = (struct event){.source = SOURCE_TRANSACTIONS, .time_ms = 5};
    event.present = UINT64_C(1) << fields_find(SOURCE_TRANSACTIONS, slice_text("amount_minor")) |
                    UINT64_C(1) << fields_find(SOURCE_TRANSACTIONS, slice_text("kind"));
    event.tx.amount_minor = 2599;
    event.tx.kind = KIND_CARD;
    features[0] = (struct feature_value){.type = FEATURE_INT, .present = true, .i = 120000};
    features[1] = (struct feature_value){.type = FEATURE_DOUBLE, .present = true, .d = 0.5};
    /* 2026-11-25T12:00:00Z: already the 26th in Auckland. */
    scope = (struct scope){.now_ms = INT64_C(1795608000000),
                           .event = &event,
                           .customer = &customer,
                           .features = features,
                           .feature_count = 4,
                           .life = life,
                           .life_count = 1,
                           .zones = zones};
    environment =
        rules_environment(RULES_CUSTOMER, SOURCE_TRANSACTIONS, feature_names, 4, zones, &arena);
}

static const struct cel_program *compile(const struct cel_environment *with, const char *text)
{
    diagnostics_init(&diagnostics, list);
    return cel_compile(with, slice_text(text), (struct source_span){NULL, 1, 1, 0}, &arena,
                       &diagnostics);
}

static const struct {
    const char *text;
    enum rules_truth truth;
    const char *why;
} cases[] = {
    {"f.spend_90d > 100000 && c.age >= 18", RULES_YES, NULL}, /* by Auckland's date */
    {"c.age == 18", RULES_YES, NULL},
    {"c.risk_profile >= 3", RULES_UNKNOWN, "missing:c.risk_profile"},
    {"c.risk_profile >= 3 || f.rate > 0.1", RULES_YES, NULL},
    {"f.rate > 0", RULES_YES, NULL}, /* a half beside whole constants is no whole number */
    {"f.rate < 1", RULES_YES, NULL},
    {"has(c.risk_profile)", RULES_NO, NULL},
    {"f.last_at < now", RULES_UNKNOWN, "missing:f.last_at"},
    {"has(f.last_at) && f.last_at < now", RULES_NO, NULL},
    {"c.country == 'GB' && c.customer_id == 'C-1'", RULES_YES, NULL},
    {"c.employment_status in ['EMPLOYED', 'SELF_EMPLOYED']", RULES_YES, NULL},
    {"'MORTGAGE' in c.products_held && 'FX' in c.products_held && c.products_held.size() == 2",
     RULES_YES, NULL},
    {"c.complaint_open", RULES_NO, NULL},
    {"c.consents.MARKETING.EMAIL", RULES_YES, NULL},
    {"c.consents.MARKETING.SMS", RULES_NO, NULL},
    {"has(c.consents.MARKETING.POST)", RULES_NO, NULL},
    {"c.timezone == 'Pacific/Auckland'", RULES_YES, NULL},
    {"local_hour(now, c.timezone) == 1", RULES_YES, NULL},
    {"tx.amount_minor == money('25.99') && tx.kind == 'CARD'", RULES_YES, NULL},
    {"tx.mcc == 5411", RULES_UNKNOWN, "missing:tx.mcc"},
    {"app.event == 'login'", RULES_UNKNOWN, "missing:app.event"},
    {"'job.lost' in life && seg.size() == 0", RULES_YES, NULL},
    {"c.age / 0 == 1", RULES_UNKNOWN, "divide by zero"},
    {"c.birth_date == timestamp('2008-11-26T00:00:00Z')", RULES_YES, NULL},
};

START_TEST(a_rule_holds_or_not_or_says_why)
{
    const struct cel_program *program = compile(environment, cases[_i].text);
    struct slice why = {NULL, 0};
    ck_assert_msg(program != NULL, "%s: %s", cases[_i].text, list[0].text);
    enum rules_truth truth = rules_holds(program, &scope, &scratch, &why);
    ck_assert_msg(truth == cases[_i].truth, "%s: %d %.*s", cases[_i].text, (int)truth,
                  SLICE_ARG(why));
    if (cases[_i].why != NULL) {
        ck_assert_msg(slice_is(why, cases[_i].why), "%.*s", SLICE_ARG(why));
    }
}
END_TEST

START_TEST(a_deadline_has_no_event)
{
    const struct cel_program *program = compile(environment, "tx.amount_minor > 1");
    scope.event = NULL;
    ck_assert_int_eq((int)rules_holds(program, &scope, &scratch, NULL), RULES_UNKNOWN);
}
END_TEST

START_TEST(a_feature_condition_sees_its_source_only)
{
    const struct cel_environment *own =
        rules_environment(RULES_EVENT, SOURCE_TRANSACTIONS, NULL, 0, zones, &arena);
    ck_assert_ptr_nonnull(compile(own, "tx.mcc in [5411, 5499] && c.age > 17"));
    ck_assert_ptr_null(compile(own, "app.event == 'login'"));
    ck_assert_ptr_null(compile(own, "f.spend_90d > 1"));
}
END_TEST

START_TEST(attributes_are_a_map)
{
    const struct cel_program *program =
        compile(environment, "app.attributes.calculator == 'mortgage' && !has(app.attributes.x)");
    static struct event app = {.source = SOURCE_APP_ENGAGEMENT};
    ck_assert_ptr_nonnull(program);
    app.present = UINT64_C(1) << fields_find(SOURCE_APP_ENGAGEMENT, slice_text("attributes"));
    app.app.attribute_count = 1;
    app.app.attributes[0] = (struct attribute){slice_text("calculator"), slice_text("mortgage")};
    scope.event = &app;
    ck_assert_int_eq((int)rules_holds(program, &scope, &scratch, NULL), RULES_YES);
}
END_TEST

START_TEST(a_customer_with_no_profile_is_unknown)
{
    const struct cel_program *program = compile(environment, "c.age > 17 || c.complaint_open");
    struct slice why = {NULL, 0};
    customer.profile.updated_at_ms = INT64_MIN;
    ck_assert_int_eq((int)rules_holds(program, &scope, &scratch, &why), RULES_UNKNOWN);
    ck_assert(slice_is(why, "missing:c.age"));
}
END_TEST

START_TEST(slots_have_names)
{
    ck_assert_str_eq(rules_slot_name(environment, SCOPE_SLOT(SCOPE_FEATURE, 1)), "f.rate");
    ck_assert_str_eq(rules_slot_name(environment, SCOPE_SLOT(SCOPE_NOW, 0)), "now");
    ck_assert_str_eq(rules_slot_name(environment, UINT32_MAX), "?");
}
END_TEST

static int64_t midnight_ms(int32_t year, int32_t month, int32_t day)
{
    return zones_day_start_ms(zones, customer.profile.zone,
                              civil_day((struct civil_date){year, month, day}));
}

/* Birthdays and anniversaries fall on the customer's own days; nothing has to happen for them. */
START_TEST(age_and_tenure_change_with_no_event)
{
    struct rules_watch watch = {.age = true};
    scope.event = NULL;
    scope.now_ms = midnight_ms(2026, 11, 25);
    ck_assert_int_eq(rules_next_change(&(struct rules_watch){.age = false}, &scope), INT64_MAX);
    ck_assert_int_eq(rules_next_change(&watch, &scope), midnight_ms(2026, 11, 26));
    scope.now_ms = midnight_ms(2026, 11, 26); /* today is no future moment */
    ck_assert_int_eq(rules_next_change(&watch, &scope), midnight_ms(2027, 11, 26));
    customer.profile.birth_day = civil_day((struct civil_date){2008, 2, 29});
    ck_assert_int_eq(rules_next_change(&watch, &scope), midnight_ms(2027, 3, 1));

    watch = (struct rules_watch){.tenure = true};
    watch.tenure_thresholds[watch.tenure_threshold_count++] = 400;
    watch.tenure_thresholds[watch.tenure_threshold_count++] = 90;
    customer.profile.relationship_day = civil_day((struct civil_date){2026, 11, 1});
    ck_assert_int_eq(rules_next_change(&watch, &scope), INT64_MAX); /* not known */
    customer.profile.present |= UINT64_C(1) << field_bit("relationship_since");
    ck_assert_int_eq(rules_next_change(&watch, &scope), midnight_ms(2027, 1, 30));
    scope.now_ms = midnight_ms(2027, 1, 30);
    ck_assert_int_eq(rules_next_change(&watch, &scope), midnight_ms(2027, 12, 6));
    watch.tenure_any = true;
    ck_assert_int_eq(rules_next_change(&watch, &scope), midnight_ms(2027, 1, 31));
}
END_TEST

/* T holds, F does not, of U nobody knows, D is of durations. Of each leaf: + ought to hold and does not, - ought
 * not to and does, . neither. */
static const struct {
    const char *text;
    bool ought;
    const char *blames;
    const char *negated; /* ! it stands under one, or three; NULL: none does */
} blamed[] = {
    {"T", true, "."},
    {"F", true, "+"},
    {"T", false, "-"},
    {"!T", true, "-", "!"},
    {"!F", false, "+", "!"},
    {"!F", true, ".", "!"},
    {"!T", false, ".", "!"},
    {"U", true, "+"},
    {"!U", true, "-", "!"},
    {"T && F", true, ".+"},
    {"T && F", false, ".."},
    {"T && T", false, "--"},
    {"F || T", true, ".."},
    {"F || F", true, "++"},
    {"F || T", false, ".-"},
    {"T && (F || U)", true, ".++"},
    {"T || U", true, ".."},
    {"!(T && F)", false, ".+", "!!"},
    {"!(F || T)", true, ".-", "!!"},
    {"!(F || T) && T && !(T && T)", true, ".-.--", "!!.!!"},
    {"!(T && !(F || !T))", true, "-+-", "!.!"},
    {"D && U", true, "++", ".."},
    {"T ? F : T", true, ".+."},
    {"T ? T : F", true, "..."},
    {"T ? F : T", false, "..."},
};

START_TEST(what_is_in_the_way_is_blamed_and_nothing_else)
{
    static struct proof proof;
    char text[400] = "";
    for (const char *at = blamed[_i].text; *at != '\0'; at++) {
        const char *leaf = *at == 'T'   ? "(f.rate > 0.1)"
                           : *at == 'F' ? "(f.rate > 0.9)"
                           : *at == 'U' ? "(c.risk_profile >= 3)"
                           : *at == 'D' ? "(now - now > duration(\"24h\"))"
                                        : (const char[2]){*at, '\0'};
        (void)strncat(text, leaf, sizeof(text) - strlen(text) - 1);
    }
    struct condition condition = {.name = slice_text("x"), .program = compile(environment, text)};
    struct step step = {.scope = &scope, .scratch = &scratch, .environment = environment};
    ck_assert_msg(condition.program != NULL, "%s: %s", text, list[0].text);
    proof.count = 0;
    proof_add(&proof, &arena, &step, &condition,
              blamed[_i].ought ? POLARITY_INCLUDING : POLARITY_EXCLUDING);
    ck_assert_uint_eq(proof.count, strlen(blamed[_i].blames));
    for (uint32_t i = 0; i < proof.count; i++) {
        ck_assert_msg(".+-"[proof.leaves[i].blame] == blamed[_i].blames[i], "%s, leaf %u: %c",
                      blamed[_i].text, i + 1, ".+-"[proof.leaves[i].blame]);
        bool negated = blamed[_i].negated != NULL && blamed[_i].negated[i] == '!';
        ck_assert_msg(proof.leaves[i].negated == negated, "%s, leaf %u", blamed[_i].text, i + 1);
        struct slice expr = proof.leaves[i].expr;
        ck_assert(proof.leaves[i].span == (memchr(expr.data, 'd', expr.size) != NULL));
        ck_assert(proof.leaves[i].unknown == slice_is(expr, "c.risk_profile >= 3"));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rules");
    TCase *tests = tcase_create("rules");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_loop_test(tests, a_rule_holds_or_not_or_says_why, 0, (int)ARRAY_COUNT(cases));
    tcase_add_test(tests, a_deadline_has_no_event);
    tcase_add_test(tests, a_feature_condition_sees_its_source_only);
    tcase_add_test(tests, attributes_are_a_map);
    tcase_add_test(tests, a_customer_with_no_profile_is_unknown);
    tcase_add_test(tests, slots_have_names);
    tcase_add_test(tests, age_and_tenure_change_with_no_event);
    tcase_add_loop_test(tests, what_is_in_the_way_is_blamed_and_nothing_else, 0,
                        (int)ARRAY_COUNT(blamed));
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
