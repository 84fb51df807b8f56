/* SPDX-License-Identifier: Apache-2.0 */
#include "support/suite.h"

#include "base/civil.h"
#include "text/yaml.h"

static uint8_t block[1 << 20];
static struct arena arena;
static struct diagnostic list[DIAGNOSTICS_MAX];
static struct diagnostics diagnostics;
static struct source_file file;

static const struct yaml_node *parse(const char *text)
{
    const struct yaml_node *root = NULL;
    arena_init(&arena, block, sizeof(block));
    diagnostics_init(&diagnostics, list);
    (void)snprintf(file.path, sizeof(file.path), "t.yaml");
    file.text = slice_text(text);
    return yaml_parse(&file, &arena, &diagnostics, &root) ? root : NULL;
}

START_TEST(yaml_knows_the_place_of_each_node)
{
    const struct yaml_node *root = parse("a: 1\nb:\n  - x\n  - {c: two}\n");
    ck_assert_ptr_nonnull(root);
    const struct yaml_node *b = yaml_get(root, "b");
    ck_assert_uint_eq(b->count, 2);
    ck_assert_uint_eq(b->first->span.line, 3);
    ck_assert_uint_eq(b->first->span.column, 5);
    const struct yaml_node *c = yaml_get(b->first->next, "c");
    ck_assert_uint_eq(c->span.line, 4);
    ck_assert_uint_eq(c->span.column, 9);
    ck_assert_uint_eq(c->key->span.column, 6);
}
END_TEST

/* Text, needle in the decoded scalar under `k`, its line and column in the file. */
static const struct {
    const char *text, *needle;
    uint32_t line, column;
} places[] = {
    {"k: abc def\n", "def", 1, 8},
    {"k: 'abc def'\n", "def", 1, 9},
    {"k: 'a ''b'' def'\n", "def", 1, 13},
    {"k: 'a ''b'' def'\n", "b", 1, 9},
    {"k: \"a\\tb \\u00e9 def\"\n", "def", 1, 17},
    {"k: \"a\\\\b\\\n   def\"\n", "def", 2, 4},
    {"k: >-\n  first line\n  def here\n", "def", 3, 3},
    {"k: |\n  first line\n    def here\n", "def", 3, 5},
    {"k: 'first\n\n\n    def'\n", "def", 4, 5},
    {"k: plain\n   def\n", "def", 2, 4},
    {"k\xc3\xa9: x\nk: '\xc3\xa9 def'\n", "def", 2, 8},
    {"\xef\xbb\xbfk: def\n", "def", 1, 7},
    {"k: 'a\r\n  def'\r\n", "def", 2, 3},
};

START_TEST(yaml_points_through_quotes_escapes_and_folds)
{
    const struct yaml_node *root = parse(places[_i].text);
    ck_assert_ptr_nonnull(root);
    const struct yaml_node *scalar = yaml_get(root, "k");
    const char *found = strstr((const char *)scalar->text.data, places[_i].needle);
    ck_assert_ptr_nonnull(found);
    struct source_span span =
        yaml_locate(scalar, (size_t)(found - (const char *)scalar->text.data), 3);
    ck_assert_uint_eq(span.line, places[_i].line);
    ck_assert_uint_eq(span.column, places[_i].column);
}
END_TEST

static const struct {
    const char *text, *error;
    uint32_t line, column;
} refused[] = {
    {"a: 1\nb: 2\na: 3\n", "key `a` stands twice", 3, 1},
    {"a: &x 1\n", "anchors (&) are not allowed", 1, 4},
    {"a: *x\n", "aliases (*) are not allowed", 1, 4},
    {"a: !!str 1\n", "tags (!) are not allowed", 1, 4},
    {"a: 1\n---\nb: 2\n", "a second document", 2, 1},
    {"a: [1, 2\nb: 3\n", "did not find expected ',' or ']'", 2, 2},
    {"[a, b]: 3\n", "a key must be plain text", 1, 1},
    {"a: 'x\n", "found unexpected end of stream", 2, 1},
    {"a: \xff\n", "invalid leading UTF-8 octet", 1, 4},
    {"a:\n\tb: 1\n", "found character that cannot start any token", 2, 1},
    {"a: b\n  c: 2\n", "mapping values are not allowed in this context", 2, 4},
};

START_TEST(yaml_refuses_what_hides_meaning)
{
    ck_assert_ptr_null(parse(refused[_i].text));
    ck_assert_uint_eq(diagnostics.error_count, 1);
    ck_assert_str_eq(list[0].text, refused[_i].error);
    ck_assert_uint_eq(list[0].span.line, refused[_i].line);
    ck_assert_uint_eq(list[0].span.column, refused[_i].column);
}
END_TEST

START_TEST(yaml_says_what_mends_the_commonest)
{
    ck_assert_ptr_null(parse("a:\n\tb: 1\n"));
    ck_assert_ptr_nonnull(strstr(list[0].mend, "write spaces"));
    ck_assert_ptr_null(parse("a: @b\n"));
    ck_assert_ptr_nonnull(strstr(list[0].mend, "needs quotes"));
    ck_assert_ptr_null(parse("a: b\n  c: 2\n"));
    ck_assert_ptr_nonnull(strstr(list[0].mend, "indent the lines"));
    ck_assert_ptr_null(parse("a: [1, 2\nb: 3\n")); /* others: what it was in the middle of */
    ck_assert_str_eq(list[0].mend, "while parsing a flow sequence at 1:4");
}
END_TEST

START_TEST(yaml_bounds_its_depth)
{
    char deep[200];
    memset(deep, '[', 100);
    memset(deep + 100, ']', 99);
    deep[199] = '\0';
    ck_assert_ptr_null(parse(deep));
    ck_assert_str_eq(list[0].text, "nested more than 32 deep");
}
END_TEST

START_TEST(yaml_refuses_unknown_keys_with_the_nearest)
{
    static const char *const known[] = {"window", "where"};
    const struct yaml_node *root = parse("windou: 1\nwhere: 2\n");
    yaml_refuse_unknown(root, known, 2, &diagnostics);
    ck_assert_uint_eq(diagnostics.count, 1);
    ck_assert_str_eq(list[0].mend, "did you mean `window`?");
}
END_TEST

START_TEST(yaml_getters_take_one_form_each)
{
    const struct yaml_node *root =
        parse("i: 1_000\nb: true\nq: 'true'\np: 0.5%\ns: 64MiB\nt: 2026-11-25\n"
              "n: -0.25\nbad: 5 %\nf: 1.5\n");
    int64_t i = 0, t = 0;
    bool b = false;
    uint32_t p = 0;
    uint64_t s = 0;
    double n = 0;
    ck_assert(yaml_integer(yaml_get(root, "i"), &diagnostics, 0, 2000, &i) && i == 1000);
    ck_assert(yaml_bool(yaml_get(root, "b"), &diagnostics, &b) && b);
    ck_assert(yaml_percent(yaml_get(root, "p"), &diagnostics, &p) && p == 50);
    ck_assert(yaml_size(yaml_get(root, "s"), &diagnostics, &s) && s == 64 << 20);
    ck_assert(yaml_time(yaml_get(root, "t"), &diagnostics, &t) && t % MS_PER_DAY == 0);
    ck_assert(yaml_number(yaml_get(root, "n"), &diagnostics, -1, 1, &n) && n < -0.24);
    ck_assert_uint_eq(diagnostics.count, 0);
    ck_assert(!yaml_bool(yaml_get(root, "q"), &diagnostics, &b));
    ck_assert(!yaml_percent(yaml_get(root, "bad"), &diagnostics, &p));
    ck_assert(!yaml_integer(yaml_get(root, "f"), &diagnostics, 0, 9, &i));
    ck_assert(!yaml_integer(yaml_get(root, "i"), &diagnostics, 0, 9, &i));
    ck_assert_uint_eq(diagnostics.error_count, 4);
    ck_assert(!yaml_integer(yaml_get(root, "absent"), &diagnostics, 0, 9, &i));
    ck_assert_uint_eq(diagnostics.error_count, 4);
}
END_TEST

static const struct {
    const char *text;
    bool good;
    int64_t ms;
    int32_t months;
    bool whole_days;
} durations[] = {
    {"45d", true, 45 * MS_PER_DAY, 0, true},
    {"15m", true, 15 * MS_PER_MINUTE, 0, false},
    {"13mo", true, 0, 13, true},
    {"1y", true, 0, 12, true},
    {"1h30m", true, 90 * MS_PER_MINUTE, 0, false},
    {"500ms", true, 500, 0, false},
    {"2w", true, 14 * MS_PER_DAY, 0, true},
    {"1d12h", true, 36 * MS_PER_HOUR, 0, false},
    {"", false, 0, 0, false},
    {"30", false, 0, 0, false},
    {"d", false, 0, 0, false},
    {"30m1h", false, 0, 0, false},
    {"1d1d", false, 0, 0, false},
    {"-3d", false, 0, 0, false},
    {"5 d", false, 0, 0, false},
    {"99999999999d", false, 0, 0, false},
};

START_TEST(durations_are_literal)
{
    struct duration d = {0};
    ck_assert(duration_parse(slice_text(durations[_i].text), &d) == durations[_i].good);
    if (durations[_i].good) {
        ck_assert_int_eq(d.ms, durations[_i].ms);
        ck_assert_int_eq(d.months, durations[_i].months);
        ck_assert(d.whole_days == durations[_i].whole_days);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("yaml");
    TCase *tc = tcase_create("yaml");
    tcase_add_test(tc, yaml_knows_the_place_of_each_node);
    tcase_add_loop_test(tc, yaml_points_through_quotes_escapes_and_folds, 0,
                        sizeof(places) / sizeof(places[0]));
    tcase_add_loop_test(tc, yaml_refuses_what_hides_meaning, 0,
                        sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(tc, yaml_says_what_mends_the_commonest);
    tcase_add_test(tc, yaml_bounds_its_depth);
    tcase_add_test(tc, yaml_refuses_unknown_keys_with_the_nearest);
    tcase_add_test(tc, yaml_getters_take_one_form_each);
    tcase_add_loop_test(tc, durations_are_literal, 0, sizeof(durations) / sizeof(durations[0]));
    suite_add_tcase(suite, tc);
    return suite_run_all(suite);
}
