/* SPDX-License-Identifier: Apache-2.0 */
/* The language by a table of expressions; its errors by place and mend; its costs; its leaves. */
#include <stdio.h>

#include "base/random.h"
#include "cel/cel.h"
#include "support/suite.h"

enum { SLOT_SPEND, SLOT_AGE, SLOT_RISK, SLOT_STATUS, SLOT_NOW, SLOT_HELD, SLOT_RATE, SLOT_BIRTH };

static const struct cel_type string_type = {.kind = CEL_STRING};
static const struct cel_name names[] = {
    {"f.spend_90d", {.kind = CEL_INT}, SLOT_SPEND},
    {"c.age", {.kind = CEL_INT}, SLOT_AGE},
    {"c.risk_profile", {.kind = CEL_INT}, SLOT_RISK},
    {"c.employment_status", {.kind = CEL_STRING}, SLOT_STATUS},
    {"now", {.kind = CEL_TIMESTAMP}, SLOT_NOW},
    {"c.products_held", {.kind = CEL_LIST, .element = &string_type}, SLOT_HELD},
    {"f.rate", {.kind = CEL_DOUBLE}, SLOT_RATE},
    {"c.birth_date", {.kind = CEL_TIMESTAMP}, SLOT_BIRTH},
};
static struct cel_environment environment = {.names = names, .name_count = ARRAY_COUNT(names)};

static struct cel_value read_slot(const struct cel_activation *activation, uint32_t slot)
{
    static struct cel_value held[2];
    (void)activation;
    held[0] = cel_string(slice_text("CURRENT"));
    held[1] = cel_string(slice_text("MORTGAGE"));
    switch (slot) {
    case SLOT_SPEND:
        return cel_int(150000);
    case SLOT_AGE:
        return cel_int(42);
    case SLOT_STATUS:
        return cel_string(slice_text("EMPLOYED"));
    case SLOT_NOW:
        return cel_timestamp_ms(INT64_C(1795600800000)); /* 2026-11-25T10:00:00Z */
    case SLOT_HELD:
        return (struct cel_value){.kind = CEL_LIST, .list = {held, 2}};
    case SLOT_RATE:
        return cel_double(0.25);
    case SLOT_BIRTH:
        return cel_timestamp_ms(INT64_C(951782400000)); /* 2000-02-29 */
    default:
        return (struct cel_value){.kind = CEL_ABSENT};
    }
}

static uint8_t block[4 << 20];
static uint8_t scratch_block[1 << 20];
static struct diagnostic list[DIAGNOSTICS_MAX];
static struct diagnostics diagnostics;
static struct arena arena, scratch;
static const struct cel_activation activation = {.read = read_slot, .scratch = &scratch};

static const struct cel_program *compile(const char *text)
{
    static struct source_file file = {.path = "rule.yaml"};
    arena_init(&arena, block, sizeof(block));
    arena_init(&scratch, scratch_block, sizeof(scratch_block));
    diagnostics_init(&diagnostics, list);
    file.text = slice_text(text);
    return cel_compile(&environment, slice_text(text), (struct source_span){&file, 1, 1, 0}, &arena,
                       &diagnostics);
}

static const struct {
    const char *text;
    const char *expected; /* as cel_format writes it */
} values[] = {
    {"f.spend_90d > 100000 && c.age >= 18", "true"},
    {"f.spend_90d > 100000 ? 'high' : 'low'", "high"},
    {"1 + 2 * 3 - 4 / 2 % 3", "5"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"9223372036854775807 + c.age", "return error for overflow"},
    {"c.age / 0", "divide by zero"},
    {"c.risk_profile >= 3", "missing:c.risk_profile"},
    {"has(c.risk_profile)", "false"},
    {"has(c.age)", "true"},
    {"c.risk_profile >= 3 || c.age > 18", "true"},
    {"c.age > 18 || c.risk_profile >= 3", "true"},
    {"c.risk_profile >= 3 && c.age < 18", "false"},
    {"c.risk_profile >= 3 && c.age > 18", "missing:c.risk_profile"},
    {"c.?risk_profile.orValue(7)", "7"},
    {"c.?age.orValue(7)", "42"},
    {"'MORTGAGE' in c.products_held", "true"},
    {"!('LOAN' in c.products_held)", "true"},
    {"c.products_held.exists(p, p.startsWith('MORT'))", "true"},
    {"c.products_held.all(p, p != 'FX')", "true"},
    {"c.products_held.filter(p, p != 'CURRENT').map(p, p.size())", "[8]"},
    {"[1, 2, 3].exists_one(i, i > 2)", "true"},
    {"[1, 2, 3].map(i, i > 1, i * 10)", "[20, 30]"},
    {"['a', 'b'].transformMap(i, v, v + string(i))", "{0: a0, 1: b1}"},
    {"[0, 2].all(i, 4 / i > 1 || i == 0)", "true"},
    {"[0, 2].exists(i, 4 / i == 2)", "true"},
    {"[3, 0].all(i, 6 / i > 1)", "divide by zero"},
    {"{'a': 1, 'b': [2, 3]}", "{a: 1, b: [2, 3]}"},
    {"cel.bind(x, f.spend_90d / 2, x + x)", "150000"},
    {"money('250.00')", "25000"},
    {"money('-0.05')", "-5"},
    {"f.spend_90d >= money('1500')", "true"},
    {"ratio(f.spend_90d, 200000) > 0.7", "true"},
    {"ratio(1, 0) > 0.5 || c.age == 42", "true"},
    {"pct(f.spend_90d, 80)", "120000"},
    {"pct(-5, 50)", "-3"},
    {"days_between(timestamp('2026-11-01T23:00:00Z'), now)", "24"},
    {"age_years(c.birth_date, timestamp('2026-02-28T00:00:00Z'))", "25"},
    {"age_years(c.birth_date, timestamp('2026-03-01T00:00:00Z'))", "26"},
    {"business_days(timestamp('2026-12-24T09:00:00Z'), timestamp('2026-12-31T09:00:00Z'))", "3"},
    {"is_business_day(timestamp('2026-12-28T09:00:00Z'))", "false"},
    {"is_business_day(timestamp('2026-04-06T09:00:00Z'))", "false"},
    {"is_business_day(timestamp('2023-05-08T09:00:00Z'))", "false"},
    {"local_hour(now, '+05:30')", "15"},
    {"now - duration('36h')", "2026-11-23T22:00:00Z"},
    {"now.getFullYear()", "2026"},
    {"'ta\u00a9o'.size()", "4"},
    {"c.employment_status.matches('^(SELF_)?EMPL')", "true"},
    {"'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'.matches('(a*)*c')", "false"},
    {"'x1'.matches('^[a-z]\\\\d{1,3}$')", "true"},
    {"1 == dyn(1.0) && dyn(1u) < 2", "true"},
    {"f.rate * double(c.age)", "10.5"},
    {"type(f.rate) == double", "true"},
    {"int('12') + int(3.7)", "15"},
    {"[1, 2] + [3]", "[1, 2, 3]"},
    {"sets.intersects(c.products_held, ['LOAN', 'MORTGAGE'])", "true"},
    {"optional.of(3).optMap(x, x * 2).value()", "6"},
    {"'a,b,c'.split(',').join('-')", "a-b-c"},
    {"// a comment\n true", "true"},
};

START_TEST(an_expression_has_its_value)
{
    const struct cel_program *program = compile(values[_i].text);
    if (program == NULL) {
        diagnostics_print(&diagnostics, stderr, false);
    }
    ck_assert_msg(program != NULL, "%s", values[_i].text);
    struct cel_value value = cel_evaluate(program, &activation);
    char text[400];
    (void)cel_format(&value, text, sizeof(text));
    ck_assert_msg(strcmp(text, values[_i].expected) == 0, "%s: %s, not %s", values[_i].text, text,
                  values[_i].expected);
}
END_TEST

static const struct {
    const char *text;
    uint32_t line, column, length;
    const char *message;
    const char *mend;
} errors[] = {
    {"0.8 * f.spend_90d", 1, 5, 1, "no such overload: double * int",
     "write ratio(a, b), pct(x, n) or double(...)"},
    {"f.spend_9d > 1", 1, 1, 10, "unknown name `f.spend_9d`", "did you mean `f.spend_90d`?"},
    {"c.age > 18 &&\n  sixe('a') > 1", 2, 3, 4, "unknown function `sixe`", "did you mean `size`?"},
    {"c.age = 18", 1, 7, 1, "`=` is not an operator", "write =="},
    {"c.age > 18 & true", 1, 12, 1, "`&` is not an operator", "write &&"},
    {"c.age", 0, 0, 0, NULL, NULL},
    {"c.age && true", 1, 1, 5, "&& needs a condition, not int", "compare it: ... > 0"},
    {"c.employment_status == EMPLOYED", 1, 24, 8, "unknown name `EMPLOYED`", ""},
    {"c.age > '18'", 1, 7, 1, "no such overload: int > string",
     "write string(...) around the other side, or compare with a text in quotes"},
    {"(c.age > 18", 1, 12, 1, "`)` expected before the end", ""},
    {"c.age > ", 1, 9, 1, "a value is missing at the end", ""},
    {"c.age 18", 1, 7, 2, "an operator expected between two values", ""},
    {"'abc", 1, 1, 4, "text without an end", "close the quotes"},
    {"9223372036854775808", 1, 1, 19, "int overflow: outside -2^63 .. 2^63-1", ""},
    {"money('2.5')", 1, 1, 12, "not an amount: write it as 250 or 250.00", ""},
    {"'a'.matches('[')", 1, 1, 16, "the pattern has a [ without ]", ""},
    {"c.age ? 1 : 2", 1, 1, 5, "?: needs a condition, not int", "compare it: ... > 0"},
    {"has(c)", 1, 5, 1, "has() asks about a field: has(c.risk_profile)", ""},
    {"1.exists(x, x)", 1, 2, 1, NULL, NULL},
};

START_TEST(an_error_names_the_place_and_the_mend)
{
    const struct cel_program *program = compile(errors[_i].text);
    if (errors[_i].message == NULL) {
        return;
    }
    ck_assert_msg(program == NULL && diagnostics.count > 0, "%s", errors[_i].text);
    const struct diagnostic *d = &list[0];
    ck_assert_str_eq(d->text, errors[_i].message);
    ck_assert_str_eq(d->mend, errors[_i].mend);
    ck_assert_msg(d->span.line == errors[_i].line && d->span.column == errors[_i].column &&
                      d->span.length == errors[_i].length,
                  "%s: %u:%u+%u", errors[_i].text, d->span.line, d->span.column, d->span.length);
}
END_TEST

START_TEST(an_error_is_printed_with_a_caret)
{
    ck_assert_ptr_null(compile("c.age > 18 &&\n f.spend_9d > 1"));
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    diagnostics_print(&diagnostics, out, false);
    (void)fclose(out);
    ck_assert_str_eq(text, "error: unknown name `f.spend_9d`\n"
                           "  --> rule.yaml:2:2\n"
                           "  |\n"
                           "2 |  f.spend_9d > 1\n"
                           "  |  ^^^^^^^^^^ did you mean `f.spend_90d`?\n"
                           "1 error, 0 warnings\n");
    free(text);
}
END_TEST

START_TEST(too_costly_an_expression_is_refused)
{
    ck_assert_ptr_null(
        compile("c.products_held.all(a, c.products_held.all(b, c.products_held.all(d, a == b)))"));
    ck_assert_ptr_nonnull(strstr(list[0].text, "costs up to"));
    ck_assert_ptr_nonnull(compile("c.products_held.all(a, a != 'FX')"));
}
END_TEST

START_TEST(deep_nesting_is_refused)
{
    static char text[3000];
    memset(text, '(', 1000);
    text[1000] = '1';
    memset(text + 1001, ')', 1000);
    ck_assert_ptr_null(compile(text));
    memset(text, '-', 2000);
    ck_assert_ptr_null(compile(text));
}
END_TEST

START_TEST(slots_are_listed_once_in_order)
{
    const struct cel_program *program = compile("c.age > 1 && f.spend_90d > c.age");
    uint32_t count = 0;
    const uint32_t *slots = cel_program_slots(program, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(slots[0], SLOT_AGE);
    ck_assert_uint_eq(slots[1], SLOT_SPEND);
}
END_TEST

/* The text that a pattern is matched against may hold a pattern itself. */
START_TEST(patterns_nest)
{
    const struct cel_program *program =
        compile("(c.employment_status.matches('EMP.*') ? 'ab' : 'cd').matches('^c') ||"
                "(c.employment_status.matches('^X') ? 'ab' : 'cd').matches('^c')");
    ck_assert_ptr_nonnull(program);
    struct cel_value value = cel_evaluate(program, &activation);
    ck_assert(value.kind == CEL_BOOL && value.b);
    program = compile("(c.employment_status.matches('EMP.*') ? 'ab' : 'cd').matches('^c')");
    value = cel_evaluate(program, &activation);
    ck_assert(value.kind == CEL_BOOL && !value.b);
}
END_TEST

START_TEST(the_exact_overload_gives_the_type)
{
    ck_assert_int_eq(cel_program_type(compile("math.least(c.age, 3)")).kind, CEL_INT);
    ck_assert_ptr_null(compile("math.least(c.age, 3) || c.age > 1"));
}
END_TEST

/* Both found by tests/cel/differential.py. */
START_TEST(least_and_greatest_are_of_numbers)
{
    ck_assert_ptr_nonnull(compile("math.least(c.age, 2.5, 3u) > 1"));
    ck_assert_ptr_nonnull(compile("math.greatest([c.age, 2.5]) > 1"));
    ck_assert_ptr_null(compile("math.least(c.employment_status, c.age) > 1"));
    ck_assert_ptr_null(compile("math.greatest(c.age, true, 3) > 1"));
    ck_assert_ptr_null(compile("math.least({'x': c.age}, 3) > 1"));
}
END_TEST

START_TEST(an_element_of_the_empty_list_indexes_as_anything_does)
{
    ck_assert_ptr_nonnull(compile("[].map(v, [c.age, 1][v]) == []"));
}
END_TEST

START_TEST(leaves_explain_themselves)
{
    const struct cel_program *program =
        compile("f.spend_90d > 100000 && !(c.age < 18 || has(c.risk_profile))");
    ck_assert_uint_eq(cel_program_leaf_count(program), 3);
    const struct cel_leaf *leaf = cel_program_leaf(program, 0);
    ck_assert(slice_is(leaf->text, "f.spend_90d > 100000"));
    ck_assert(slice_is(leaf->left_text, "f.spend_90d"));
    ck_assert(slice_is(leaf->right_text, "100000"));
    ck_assert(leaf->comparison);
    ck_assert_uint_eq(leaf->first_slot, SLOT_SPEND);
    struct cel_leaf_result result = cel_explain_leaf(program, 1, &activation);
    ck_assert(result.holds.kind == CEL_BOOL && !result.holds.b);
    ck_assert_int_eq(result.left.i, 42);
    ck_assert_int_eq(result.right.i, 18);
    ck_assert(!cel_program_leaf(program, 2)->comparison);
    ck_assert(slice_is(cel_program_leaf(program, 2)->text, "has(c.risk_profile)"));
}
END_TEST

/* ---- whole numbers ---- */

static int64_t numbers[3]; /* of SPEND, AGE, RISK; INT64_MIN + 1: missing */
enum { PREDICATE_SIZE = 2000 };
static const int64_t missing = INT64_MIN + 1;

static int64_t moments[2]; /* of NOW, BIRTH, milliseconds; likewise */

static struct cel_value read_number(const struct cel_activation *unused, uint32_t slot)
{
    (void)unused;
    bool moment = slot == SLOT_NOW || slot == SLOT_BIRTH;
    if (!moment && slot > SLOT_RISK) {
        return read_slot(NULL, slot);
    }
    int64_t value = moment ? moments[slot == SLOT_BIRTH] : numbers[slot];
    return value == missing ? (struct cel_value){.kind = CEL_ABSENT}
           : moment         ? cel_timestamp_ms(value)
                            : cel_int(value);
}

static enum cel_found read_whole(const void *context, uint32_t slot, int64_t *out_value)
{
    struct cel_value value = read_number(context, slot);
    bool moment = value.kind == CEL_TIMESTAMP;
    *out_value = moment ? moments[slot == SLOT_BIRTH] : value.i;
    return value.kind == CEL_INT      ? CEL_WHOLE
           : moment                   ? CEL_MOMENT
           : value.kind == CEL_ABSENT ? CEL_MISSING
                                      : CEL_OTHER;
}

/* A comparison of moments or of distances. */
static size_t random_times(struct random *random, char *out, size_t limit)
{
    static const char *const plain[] = {
        "now < c.birth_date",
        "c.birth_date == now - duration('2h')",
        "c.birth_date > now - duration('1h')",
        "now - c.birth_date >= duration('2160h')",
        "now - c.birth_date < duration('0.002s')",
        "c.birth_date + duration('3h') - now != duration('1h') + duration('-1h')",
        "duration('1h') + c.birth_date <= now",
        "now - duration('2000000h') > c.birth_date - duration('300000h') - duration('300000h')",
        "now - c.birth_date - (c.birth_date - now) > duration('9000h')",
    };
    return (size_t)snprintf(out, limit, "%s", plain[random_below(random, ARRAY_COUNT(plain))]);
}

static size_t random_sum(struct random *random, char *out, size_t limit, int depth)
{
    static const char *const plain[] = {"f.spend_90d", "c.age", "c.risk_profile",
                                        "3",           "-7",    "9223372036854775807",
                                        "131072",      "524288"};
    static const char *const operators[] = {" + ", " - ", " * ", " / ", " % "};
    if (depth == 0 || random_chance(random, 0.4)) {
        return (size_t)snprintf(out, limit, "%s", plain[random_below(random, ARRAY_COUNT(plain))]);
    }
    size_t at = (size_t)snprintf(out, limit, "(");
    at += random_sum(random, out + at, limit - at, depth - 1);
    at += (size_t)snprintf(out + at, limit - at, "%s",
                           operators[random_below(random, ARRAY_COUNT(operators))]);
    at += random_sum(random, out + at, limit - at, depth - 1);
    return at + (size_t)snprintf(out + at, limit - at, ")");
}

static size_t random_predicate(struct random *random, char *out, size_t limit, int depth)
{
    static const char *const leaves[] = {"has(c.risk_profile)", "f.rate < 0.5",
                                         "c.employment_status == 'EMPLOYED'", "has(c.age)"};
    static const char *const relations[] = {" < ", " <= ", " > ", " >= ", " == ", " != "};
    if (depth > 0 && random_chance(random, 0.7)) {
        bool negated = random_chance(random, 0.3);
        size_t at = (size_t)snprintf(out, limit, negated ? "!(" : "(");
        at += random_predicate(random, out + at, limit - at, depth - 1);
        at += (size_t)snprintf(out + at, limit - at, random_chance(random, 0.5) ? " && " : " || ");
        at += random_predicate(random, out + at, limit - at, depth - 1);
        return at + (size_t)snprintf(out + at, limit - at, ")");
    }
    if (random_chance(random, 0.2)) {
        return (size_t)snprintf(out, limit, "%s",
                                leaves[random_below(random, ARRAY_COUNT(leaves))]);
    }
    if (random_chance(random, 0.4)) {
        return random_times(random, out, limit);
    }
    size_t at = random_sum(random, out, limit, 2);
    at += (size_t)snprintf(out + at, limit - at, "%s",
                           relations[random_below(random, ARRAY_COUNT(relations))]);
    return at + random_sum(random, out + at, limit - at, 1);
}

static int said_by(struct cel_value value)
{
    return value.kind != CEL_BOOL ? CEL_WHOLE_FAILS : value.b;
}

static void leaves_say_what_the_machine_says(const struct cel_program *program,
                                             const struct cel_activation *machine)
{
    for (uint32_t i = 0; i < cel_program_leaf_count(program); i++) {
        int whole = cel_evaluate_leaf_whole(program, i, read_whole, NULL);
        ck_assert(whole < 0 || whole == said_by(cel_evaluate_leaf(program, i, machine)));
    }
}

/* Overflows, divisions by nothing and missing values among them: whoever decides says what the machine says. */
START_TEST(whole_numbers_say_what_the_machine_says)
{
    static const int64_t some[] = {
        0, 1, -1, 3, 42, INT64_MAX, INT64_MIN, INT64_MAX / 2, INT64_C(1) << 44, missing};
    static const int64_t times[] = {0,
                                    1,
                                    -1,
                                    3600000,
                                    3600001,
                                    7200000,
                                    1700000000000,
                                    7889400000000,
                                    -62135596800000,
                                    253402300799999,
                                    253370764800000,
                                    INT64_MAX,
                                    INT64_MIN,
                                    missing};
    const struct cel_activation numbered = {.read = read_number, .scratch = &scratch};
    static char text[PREDICATE_SIZE];
    struct random random;
    uint32_t decided = 0, failed = 0, compiled = 0;
    random_init(&random, 7);
    for (uint32_t i = 0; i < 3000; i++) {
        (void)random_predicate(&random, text, sizeof(text), 3);
        const struct cel_program *program = compile(text);
        compiled += program != NULL;
        for (uint32_t k = 0; program != NULL && k < 12; k++) {
            for (uint32_t slot = 0; slot < ARRAY_COUNT(numbers); slot++) {
                numbers[slot] = some[random_below(&random, ARRAY_COUNT(some))];
            }
            moments[0] = times[random_below(&random, ARRAY_COUNT(times))];
            moments[1] = times[random_below(&random, ARRAY_COUNT(times))];
            int whole = cel_evaluate_whole(program, read_whole, NULL);
            struct cel_value value = cel_evaluate(program, &numbered);
            decided += whole >= 0;
            failed += whole == CEL_WHOLE_FAILS;
            ck_assert_msg(whole < 0 || said_by(value) == whole, "%s", text);
            leaves_say_what_the_machine_says(program, &numbered);
        }
    }
    ck_assert_uint_gt(compiled, 2000);
    ck_assert_uint_gt(decided, 12000);
    ck_assert_uint_gt(failed, 1000);
}
END_TEST

START_TEST(out_of_scratch_is_an_error_value)
{
    const struct cel_program *program = compile("c.products_held.map(p, p + p).size() > 1");
    uint8_t small[64];
    struct arena tiny;
    arena_init(&tiny, small, sizeof(small));
    const struct cel_activation narrow = {.read = read_slot, .scratch = &tiny};
    struct cel_value value = cel_evaluate(program, &narrow);
    ck_assert_int_eq((int)value.kind, CEL_ERROR);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cel");
    TCase *tests = tcase_create("cel");
    tcase_add_loop_test(tests, an_expression_has_its_value, 0, (int)ARRAY_COUNT(values));
    tcase_add_loop_test(tests, an_error_names_the_place_and_the_mend, 0, (int)ARRAY_COUNT(errors));
    tcase_add_test(tests, an_error_is_printed_with_a_caret);
    tcase_add_test(tests, too_costly_an_expression_is_refused);
    tcase_add_test(tests, deep_nesting_is_refused);
    tcase_add_test(tests, slots_are_listed_once_in_order);
    tcase_add_test(tests, patterns_nest);
    tcase_add_test(tests, the_exact_overload_gives_the_type);
    tcase_add_test(tests, least_and_greatest_are_of_numbers);
    tcase_add_test(tests, an_element_of_the_empty_list_indexes_as_anything_does);
    tcase_add_test(tests, leaves_explain_themselves);
    tcase_add_test(tests, whole_numbers_say_what_the_machine_says);
    tcase_add_test(tests, out_of_scratch_is_an_error_value);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
