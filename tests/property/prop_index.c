/* SPDX-License-Identifier: Apache-2.0 */
/* Asking all conditions at once says what asking each says: rules_index_match, and rules_index_holds of what
 * the event leaves open, against rules_holds on random events with fields missing, and the joined automaton
 * against each pattern's own on random texts. Conditions: those of the retail playbook, hand-written ones of
 * every form, and random ones. SEED=n repeats one. */
#include <stdlib.h>

#include "cel/pattern.h"
#include "engine/layout.h"
#include "model/fields.h"
#include "rules/index.h"
#include "support/engine_kit.h"
#include "support/suite.h"

enum {
    PROGRAMS_MAX = RULES_INDEX_CONDITIONS_MAX,
    EVENTS = 4000,
    ARENA_SIZE = 24 << 20,
    SCRATCH_SIZE = 64 << 10, /* as the engine has */
    LONG_TEXT = 2000,
};

struct law {
    struct kit kit;
    struct random random;
    struct arena arena, work, scratch;
    const struct cel_environment *environment;
    const struct cel_program *programs[PROGRAMS_MAX];
    const struct rules_index *indexes[SOURCE_COUNT];
    uint32_t count;
    uint32_t waiting; /* from this program on */
    struct feature_value values[RULES_FEATURES_MAX];
    uint32_t value_count;
    char text[512];
    char long_text[LONG_TEXT];
    bool speaks_long; /* every word of this event is that text */
    char why[256];    /* the first condition that was said wrongly */
};

static int64_t below(struct law *law, uint32_t limit)
{
    return (int64_t)random_below(&law->random, limit);
}

static void open_law(struct law *law)
{
    kit_open(&law->kit);
    random_init(&law->random, kit_seed(20261130));
    arena_init(&law->arena, malloc(ARENA_SIZE), ARENA_SIZE);
    arena_init(&law->work, malloc(RULES_INDEX_WORK_SIZE), RULES_INDEX_WORK_SIZE);
    arena_init(&law->scratch, malloc(SCRATCH_SIZE), SCRATCH_SIZE);
    law->waiting = PROGRAMS_MAX;
    memset(law->long_text, 'z', sizeof(law->long_text));
    memcpy(law->long_text + LONG_TEXT - 4, "loan", 4);
    law->environment = law->kit.playbook.environment;
    law->value_count = law->kit.playbook.name_count;
}

static void add_text(struct law *law, const char *text)
{
    struct diagnostic list[DIAGNOSTICS_MAX];
    struct diagnostics diagnostics;
    struct source_span span = {.line = 1, .column = 1};
    diagnostics_init(&diagnostics, list);
    const struct cel_program *program =
        cel_compile(law->environment, slice_text(text), span, &law->arena, &diagnostics);
    if (program == NULL) {
        (void)fprintf(stderr, "%s\n", text);
        diagnostics_print(&diagnostics, stderr, false);
    }
    ck_assert(program != NULL && law->count < PROGRAMS_MAX);
    law->programs[law->count++] = program;
}

static void build(struct law *law)
{
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        law->indexes[i] = rules_index_build((enum source)i, law->programs, law->count, law->waiting,
                                            &law->arena, &law->work);
        ck_assert(law->indexes[i] != NULL);
    }
}

/* ---- events ---- */

static const char *const words[] = {"",
                                    "a",
                                    "ab",
                                    "salary",
                                    "SALARY",
                                    "rent",
                                    "Pension",
                                    "GBP",
                                    "EUR",
                                    "GB",
                                    "login",
                                    "address",
                                    "view",
                                    "MORTGAGE",
                                    "b c",
                                    "child care",
                                    "\xc3\xa9t\xc3\xa9",
                                    "caf\xc3",
                                    "x_1",
                                    "loan",
                                    "own acc",
                                    "student",
                                    "interest",
                                    "quick loan",
                                    "estate of",
                                    "address_change"};

static struct slice word(struct law *law)
{
    if (law->speaks_long) {
        return slice_of(law->long_text, LONG_TEXT);
    }
    return slice_text(words[below(law, ARRAY_COUNT(words))]);
}

static int64_t number(struct law *law)
{
    static const int64_t some[] = {0,    1,    -1,  5411, 5412,      5410,      7995,     6513,
                                   1000, 1001, 999, 4214, INT64_MAX, INT64_MIN, 25000000, 8351};
    return random_chance(&law->random, 0.7) ? some[below(law, ARRAY_COUNT(some))]
                                            : below(law, 10000);
}

/* Every field has some value or is not there; the texts of one in a hundred are long. */
static struct event random_event(struct law *law, enum source source)
{
    const struct field_table *table = fields_of(source);
    struct event event = {.source = (uint8_t)source, .time_ms = KIT_START_MS};
    law->speaks_long = random_chance(&law->random, 0.01);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        void *at = (char *)&event + field->offset;
        event.present |= (uint64_t)random_chance(&law->random, 0.85) << i;
        switch ((int)field->type) {
        case FIELD_STRING:
            *(struct slice *)at = word(law);
            break;
        case FIELD_INT64:
            *(int64_t *)at = number(law);
            break;
        case FIELD_TIME:
            *(int64_t *)at = KIT_START_MS + below(law, 1000000);
            break;
        case FIELD_INT32:
            *(int32_t *)at = (int32_t)number(law);
            break;
        case FIELD_BOOL:
            *(bool *)at = below(law, 2) != 0;
            break;
        case FIELD_CODE:
            *(uint8_t *)at = (uint8_t)below(law, field->codes->count);
            break;
        case FIELD_DOUBLE:
            *(double *)at = (double)below(law, 100) / 10;
            break;
        default:
            event.present &= ~(UINT64_C(1) << i);
            break;
        }
    }
    return event;
}

static void random_values(struct law *law)
{
    for (uint32_t i = 0; i < law->value_count; i++) {
        struct feature_value *value = &law->values[i];
        *value = (struct feature_value){.type = law->kit.playbook.names[i].type,
                                        .present = random_chance(&law->random, 0.8)};
        if (value->type == FEATURE_DOUBLE) {
            value->d = (double)below(law, 100);
        } else if (value->type == FEATURE_STRING) {
            value->text = word(law);
        } else {
            value->i = value->type == FEATURE_BOOL   ? below(law, 2)
                       : value->type == FEATURE_TIME ? KIT_START_MS - below(law, 100000000)
                                                     : below(law, 100000);
        }
    }
}

/* In a third of the cases there is none. */
static void random_profile(struct law *law, struct profile *profile)
{
    static const char country[] = "GB";
    profile->updated_at_ms = random_chance(&law->random, 0.7) ? KIT_START_MS : INT64_MIN;
    profile->present = random_next(&law->random);
    profile->vulnerability = (uint32_t)random_next(&law->random);
    profile->products_held = (uint32_t)random_next(&law->random);
    profile->country_size = sizeof(country) - 1;
    memcpy(profile->country, country, sizeof(country) - 1);
}

static bool reads_later(const struct cel_program *program)
{
    uint32_t count = 0;
    const uint32_t *slots = program == NULL ? NULL : cel_program_slots(program, &count);
    for (uint32_t i = 0; i < count; i++) {
        enum scope_space space = SCOPE_SLOT_SPACE(slots[i]);
        if (space == SCOPE_FEATURE || space == SCOPE_LIFE || space == SCOPE_SEGMENT) {
            return true;
        }
    }
    return false;
}

struct compared {
    uint64_t said;  /* how many conditions hold of all events */
    uint64_t later; /* how many did not although the event spoke against nothing */
    uint64_t
        wrong; /* of how many the index says otherwise than evaluating; law->why tells the first */
};

static void compare_one(struct law *law, const struct scope *scope, uint32_t event,
                        struct compared *compared)
{
    const struct rules_index *index = law->indexes[scope->event->source];
    struct rules_found found;
    arena_reset(&law->scratch);
    rules_index_match(index, scope, &law->scratch, &found);
    for (uint32_t i = 0; i < law->count; i++) {
        arena_reset(&law->scratch);
        bool may = (found.may_hold[i / 64] >> i % 64 & 1) != 0;
        const struct condition condition = {.program = law->programs[i]};
        struct step step = {.scope = (struct scope *)scope, .scratch = &law->scratch};
        bool said = may && rules_index_holds(index, &found, i, &condition, &step) == RULES_YES;
        arena_reset(&law->scratch);
        bool holds = law->programs[i] == NULL ||
                     rules_holds(law->programs[i], scope, &law->scratch, NULL) == RULES_YES;
        bool right =
            said == holds && (may == holds || i >= law->waiting || reads_later(law->programs[i]));
        compared->said += said;
        compared->later += may && !holds;
        if (!right && compared->wrong++ == 0) {
            (void)snprintf(law->why, sizeof(law->why),
                           "condition %u of event %u: %s, but the index says %s; SEED=%llu", i,
                           event, holds ? "holds" : "does not hold", said ? "yes" : "no",
                           (unsigned long long)kit_seed(20261130));
        }
    }
}

static struct compared compare(struct law *law)
{
    struct customer *customer = calloc(1, engine_customer_size(law->kit.engine));
    struct compared compared = {0, 0, 0};
    engine_customer_init(law->kit.engine, customer, slice_text("c"));
    for (uint32_t n = 0; n < EVENTS; n++) {
        enum source source = n % 4 != 3 ? SOURCE_TRANSACTIONS : (enum source)(n / 4 % SOURCE_COUNT);
        struct event event = random_event(law, source);
        struct scope scope = {.now_ms = KIT_START_MS + below(law, 1000000),
                              .event = &event,
                              .customer = customer,
                              .features = law->values,
                              .feature_count = law->value_count,
                              .zones = law->kit.zones};
        law->speaks_long = false;
        random_values(law);
        random_profile(law, &customer->profile);
        compare_one(law, &scope, n, &compared);
    }
    free(customer);
    return compared;
}

/* Both say the same of all, and not because nothing ever holds. */
static struct compared expect_same(struct law *law)
{
    struct compared compared = compare(law);
    ck_assert_msg(compared.wrong == 0, "%llu times, first %s", (unsigned long long)compared.wrong,
                  law->why);
    ck_assert_uint_gt(compared.said, EVENTS);
    return compared;
}

/* ---- conditions ---- */

static const char eight_terms[] =
    "(tx.mcc == 5411 || tx.mcc == 1) && (tx.kind == \"CARD\" || tx.currency == \"GBP\") && "
    "(tx.direction == \"CREDIT\" || tx.channel == \"ONLINE\")";
static const char thirty_terms[] = /* more than a condition may have: it is asked as a whole */
    "(tx.mcc == 1 || tx.mcc == 2 || tx.mcc == 3 || tx.mcc == 4 || tx.mcc == 5) && (tx.currency == "
    "\"a\" || tx.currency == \"ab\" || tx.currency == \"GBP\" || tx.currency == \"EUR\" || "
    "tx.currency == \"\" || tx.currency == \"rent\")";

/* More of features than a term may ask: the whole is asked when the event leaves it open. */
#define OVER(amount) "f.spend > " #amount " && "
static const char seventeen_later[] =
    OVER(1) OVER(2) OVER(3) OVER(4) OVER(5) OVER(6) OVER(7) OVER(8) OVER(9) OVER(10) OVER(11)
        OVER(12) OVER(13) OVER(14) OVER(15) OVER(16) OVER(50000) "tx.mcc == 5411";
#undef OVER

static const char *const hand_written[] = {
    "tx.direction == \"CREDIT\"",
    "tx.direction != \"CREDIT\"",
    "!(tx.direction == \"CREDIT\")",
    "tx.kind in [\"CARD\", \"FEE\"]",
    "!(tx.kind in [\"CARD\", \"FEE\"]) && tx.account_type != \"SAVINGS\"",
    "tx.mcc == 5411",
    "tx.mcc != 5411",
    "tx.mcc in [5411, 7995, 6513]",
    "!(tx.mcc in [5411, 7995, 6513])",
    "tx.mcc >= 5411 && tx.mcc < 5413",
    "tx.mcc > 5411 || tx.mcc <= 1",
    "5411 < tx.mcc",
    "tx.mcc > 5411.5",
    "tx.mcc % 10 == 1",
    "has(tx.mcc)",
    "!has(tx.mcc) || tx.mcc == 1",
    "has(tx.merchant_country) && tx.merchant_country != \"GB\"",
    "tx.merchant_country < \"GB\"",
    "tx.merchant_country != c.country",
    "tx.merchant_country == c.country && c.country != tx.currency",
    "tx.currency == tx.merchant_country || app.event == app.screen",
    "tx.currency in [\"GBP\", \"EUR\"]",
    "tx.currency == \"\"",
    "tx.amount_minor > 9223372036854775806",
    "tx.amount_minor < -9223372036854775807",
    "tx.amount_minor <= 1000 && tx.amount_minor >= 999",
    "tx.balance_after_minor < 0",
    "tx.amount_minor > tx.balance_after_minor",
    "tx.text.matches(\"salary|\\\\bpay\\\\b\")",
    "!tx.text.matches(\"salary|\\\\bpay\\\\b\")",
    "tx.text.matches(\"^a\")",
    "tx.text.matches(\"loan$\")",
    "tx.text.contains(\"loan\")",
    "tx.text == \"\"",
    "tx.reference.matches(\"(?i)salary\")",
    "app.screen.matches(\"addr|view\") || app.event.matches(\"log\")",
    "tx.direction == \"DEBIT\" && (tx.mcc == 7261 || tx.text.matches(\"estate\"))",
    "tx.direction == \"DEBIT\" || app.event == \"login\"",
    "!(tx.direction == \"DEBIT\" || app.event == \"login\")",
    "app.success == false",
    "!app.success",
    "app.success ? tx.mcc == 1 : app.event == \"view\"",
    "tx.direction == \"CREDIT\" ? tx.mcc == 5411 : tx.mcc == 7995",
    "[tx.mcc, 1].exists(m, m == 5411)",
    "tx.mcc == 5411 && tx.mcc == 7995",
    eight_terms,
    thirty_terms,
    seventeen_later,
    "1 / tx.mcc > 0 || tx.kind == \"CARD\"",
    "tx.kind == \"CARD\" || 1 / tx.mcc > 0",
    "true",
    "false",
    "has(c.birth_date)",
    "has(f.spend) && has(c.country) && tx.mcc == 5411",
    "\"BEREAVEMENT\" in c.vulnerability || tx.mcc == 5411",
    "!(\"BEREAVEMENT\" in c.vulnerability) && \"MORTGAGE\" in c.products_held",
    "c.age < 25 || tx.mcc == 5411",
    "now > tx.booked_at",
    "f.spend > 500 && tx.mcc == 5411",
    "f.spend > 500 || tx.mcc == 5411",
    "!(f.spend > 500 && tx.mcc == 5411)",
    "\"windfall\" in life || tx.kind == \"FEE\"",
    "feedback.is_true && feedback.life_event == \"a\"",
    "score.value > 2.5 || score.name == \"ab\"",
    "outcome.revenue_minor > 1000",
    "app.?event.orValue(\"\") + \"x\" == \"x\"", /* true of a transaction, and needs memory to say so */
    "\"x\" + score.?name.orValue(\"y\") != \"xy\" || tx.mcc == 5411",
};

/* Each takes the transaction's text into scratch memory, where it is up to 6 KB here; all of them need more than
 * there is. */
static const char *const text_words[] = {"salary", "rent", "gbp",   "eur",   "login", "view",
                                         "child",  "own",  "quick", "est",   "add",   "x_",
                                         "mort",   "pens", "stud",  "inter", "b c",   "zzl"};

/* A random tree over leaves of every kind. */
static size_t random_tree(struct law *law, char *out, size_t size, int depth)
{
    static const char *const leaves[] = {
        "tx.direction == \"CREDIT\"",
        "tx.mcc in [5411, 5412, 1]",
        "tx.mcc > 5411",
        "tx.text.matches(\"sal.*y|rent\")",
        "tx.kind != \"CARD\"",
        "tx.currency == \"GBP\"",
        "app.event == \"login\"",
        "has(tx.reference)",
        "tx.amount_minor > tx.balance_after_minor",
        "f.spend > 500",
        "1 / tx.mcc == 0",
        "tx.text.matches(\"\\\\bloan\\\\b|child\")",
    };
    uint64_t kind = depth == 0 ? 0 : (uint64_t)below(law, 4);
    if (kind == 0) {
        return (size_t)snprintf(out, size, "%s", leaves[below(law, ARRAY_COUNT(leaves))]);
    }
    size_t at = (size_t)snprintf(out, size, kind == 1 ? "!(" : "(");
    at += random_tree(law, out + at, size - at, depth - 1);
    if (kind > 1) {
        at += (size_t)snprintf(out + at, size - at, kind == 2 ? " && " : " || ");
        at += random_tree(law, out + at, size - at, depth - 1);
    }
    return at + (size_t)snprintf(out + at, size - at, ")");
}

START_TEST(every_form_of_condition_is_said_as_if_evaluated)
{
    static struct law law;
    char text[8192];
    open_law(&law);
    for (size_t i = 0; i < ARRAY_COUNT(hand_written); i++) {
        add_text(&law, hand_written[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(text_words); i++) {
        (void)snprintf(text, sizeof(text), "tx.text.contains(\"%s\")", text_words[i]);
        add_text(&law, text);
    }
    law.programs[law.count++] = NULL;
    for (int i = 0; i < 200; i++) {
        (void)random_tree(&law, text, sizeof(text), 3);
        add_text(&law, text);
    }
    build(&law);
    struct compared compared = expect_same(&law);
    ck_assert_uint_gt(compared.later, EVENTS);
    ck_assert_uint_gt(rules_index_size(law.indexes[SOURCE_TRANSACTIONS]).tabulated, 20);
    ck_assert_uint_gt(rules_index_size(law.indexes[SOURCE_TRANSACTIONS]).patterns, 5);
    law.waiting = 0;
    build(&law);
    ck_assert_uint_gt(expect_same(&law).later, compared.later);
    kit_close(&law.kit);
}
END_TEST

START_TEST(canary_a_condition_that_the_index_forgets_is_seen)
{
    static struct law law;
    open_law(&law);
    for (size_t i = 0; i < ARRAY_COUNT(hand_written); i++) {
        add_text(&law, hand_written[i]);
    }
    const struct cel_program *first = law.programs[0];
    add_text(&law, "false");
    law.programs[0] = law.programs[law.count - 1]; /* as if its bit in every row were cleared */
    build(&law);
    law.programs[0] = first;
    ck_assert_uint_gt(compare(&law).wrong, EVENTS / 10);
    kit_close(&law.kit);
}
END_TEST

START_TEST(what_building_needs_is_given_back)
{
    static struct law law;
    static const char *const names[] = {
        "text",          "reference",        "counterparty_name", "counterparty_id",
        "merchant_name", "merchant_country", "account_id",        "event_id"};
    char text[128];
    open_law(&law);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        for (int k = 0; k < 2; k++) {
            (void)snprintf(text, sizeof(text), "tx.%s.matches(\"%s\")", names[i],
                           k == 0 ? "salary|rent" : "\\\\bloan\\\\b");
            add_text(&law, text);
        }
    }
    law.arena.size = law.arena.used + (1 << 20); /* one automaton is built in more */
    build(&law);
    ck_assert_uint_eq(law.work.used, 0);
    ck_assert_uint_eq(rules_index_size(law.indexes[SOURCE_TRANSACTIONS]).patterns,
                      2 * ARRAY_COUNT(names));
    expect_same(&law);
    kit_close(&law.kit);
}
END_TEST

START_TEST(the_retail_playbook_is_said_as_if_evaluated)
{
    static struct law law;
    static struct diagnostic list[DIAGNOSTICS_MAX];
    static uint8_t block[PLAYBOOK_ARENA_SIZE];
    struct arena arena;
    struct diagnostics diagnostics;
    const struct playbook *playbook;
    open_law(&law);
    arena_init(&arena, block, sizeof(block));
    diagnostics_init(&diagnostics, list);
    ck_assert(playbook_load(PLAYBOOK, law.kit.zones, &arena, &diagnostics, &playbook));
    law.kit.playbook.names = playbook->names;
    law.value_count = playbook->name_count;
    for (uint32_t i = 0; i < features_predicate_count(playbook->features, SOURCE_TRANSACTIONS);
         i++) {
        law.programs[law.count++] = features_predicate(playbook->features, SOURCE_TRANSACTIONS, i);
    }
    for (uint32_t i = 0; i < playbook->series_count; i++) {
        law.programs[law.count++] = playbook->series[i].where;
    }
    for (uint32_t i = 0; i < playbook->life.count; i++) {
        for (uint32_t k = 0; k < playbook->life.defs[i].signal_count; k++) {
            law.programs[law.count++] = playbook->life.defs[i].signals[k].condition.program;
        }
    }
    build(&law);
    struct rules_index_size size = rules_index_size(law.indexes[SOURCE_TRANSACTIONS]);
    (void)fprintf(stderr, "# retail: %u terms, %u atoms tabulated, %u asked, %u of them patterns\n",
                  size.terms, size.tabulated, size.tested, size.patterns);
    ck_assert_uint_gt(expect_same(&law).later, EVENTS);
    kit_close(&law.kit);
}
END_TEST

/* ---- patterns ---- */

static void random_pattern(struct law *law, char *out, size_t size)
{
    static const char *const parts[] = {
        "a",      "b",     "ab",    " ",   ".", "\\b", "\\w",  "a*",       "b+",
        "[ab]",   "(a|b)", "|",     "^",   "$", "\\B", "[^a]", "\xc3\xa9", ".*",
        "a{2,3}", "c",     "(?i)A", "\\d", "_", "\\s", "b?"};
    size_t at = 0;
    out[0] = 0;
    for (int64_t i = below(law, 6) + 1; i > 0; i--) {
        at += (size_t)snprintf(out + at, size - at, "%s", parts[below(law, ARRAY_COUNT(parts))]);
    }
}

static struct slice random_text(struct law *law)
{
    static const char *const parts[] = {"a",        "b",    "c", " ",  "_", "1",
                                        "\xc3\xa9", "\xc3", "A", "ab", "",  "\xf0\x9f\x98\x80"};
    size_t at = 0;
    for (int64_t i = below(law, 12); i > 0; i--) {
        at += (size_t)snprintf(law->text + at, sizeof(law->text) - at, "%s",
                               parts[below(law, ARRAY_COUNT(parts))]);
    }
    return slice_of(law->text, at);
}

START_TEST(a_joined_automaton_finds_what_each_pattern_finds)
{
    static struct law law;
    char text[128];
    uint64_t found = 0, texts = 0;
    open_law(&law);
    for (int round = 0; round < 60; round++) {
        const struct cel_pattern *patterns[CEL_SCANNER_PATTERNS_MAX];
        uint32_t count = 0;
        arena_reset(&law.arena);
        while (count < (round == 0 ? CEL_SCANNER_PATTERNS_MAX : 1U + (uint32_t)round / 4)) {
            const char *error = NULL;
            random_pattern(&law, text, sizeof(text));
            patterns[count] = cel_pattern_compile(slice_text(text), &law.arena, &error);
            count += patterns[count] != NULL;
        }
        const struct cel_scanner *scanner =
            cel_scanner_build(patterns, count, &law.arena, &law.work);
        for (int n = 0; scanner != NULL && n < 500; n++, texts++) {
            uint64_t bits[CEL_SCANNER_PATTERNS_MAX / 64];
            struct slice in = random_text(&law);
            cel_scanner_scan(scanner, in, bits);
            for (uint32_t i = 0; i < count; i++) {
                bool there = cel_pattern_match(patterns[i], in, &law.scratch).b;
                found += there;
                ck_assert_msg(there == ((bits[i / 64] >> i % 64 & 1) != 0),
                              "round %d, pattern %u of %u, text `%.*s`", round, i, count,
                              SLICE_ARG(in));
            }
        }
    }
    ck_assert_uint_gt(texts, 20000);
    ck_assert_uint_gt(found, texts);
    kit_close(&law.kit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prop_index");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    tcase_add_test(all, every_form_of_condition_is_said_as_if_evaluated);
    tcase_add_test(all, canary_a_condition_that_the_index_forgets_is_seen);
    tcase_add_test(all, what_building_needs_is_given_back);
    tcase_add_test(all, the_retail_playbook_is_said_as_if_evaluated);
    tcase_add_test(all, a_joined_automaton_finds_what_each_pattern_finds);
    suite_add_tcase(suite, all);
    return suite_run_all(suite);
}
