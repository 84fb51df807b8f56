/* SPDX-License-Identifier: Apache-2.0 */
/* A playbook as one record: what is written is read again; what is none of ours is refused. */
#include "support/suite.h"

#include <stdlib.h>

#include "base/memory.h"
#include "commands/bundle.h"
#include "commands/opened.h"

static struct bundle bundle;
static struct arena arena;

static enum status read_json(const char *json, struct status_text *out_text)
{
    if (arena.size == 0) {
        arena_init(&arena, memory_take(1 << 22, "test"), 1 << 22);
    }
    return bundle_read(slice_text(json), &arena, &bundle, out_text);
}

START_TEST(bundle_written_is_read_again)
{
    static const char text[] =
        "features:\n  \"a\\u00e9\t\": {count: tx}   # caf\xc3\xa9 \"quoted\" \\ and a tab\n";
    struct bundle written = {
        .hash = UINT64_C(0x00000000000000ab),
        .replaces = UINT64_MAX,
        .applied_at_ms = INT64_C(1767225600123),
        .files = {{"a.yaml", slice_of(text, sizeof(text) - 1)}, {"deep/er/b.yaml", {NULL, 0}}},
        .file_count = 2};
    struct status_text why;
    char *json = bundle_write(&written, "bank");
    ck_assert_ptr_nonnull(json);
    ck_assert_int_eq(read_json(json, &why), STATUS_OK);
    ck_assert(bundle.hash == written.hash && bundle.replaces == written.replaces);
    ck_assert_int_eq(bundle.applied_at_ms, written.applied_at_ms);
    ck_assert_uint_eq(bundle.file_count, 2);
    ck_assert_str_eq(bundle.files[0].path, "a.yaml");
    ck_assert(slice_equal(bundle.files[0].text, written.files[0].text));
    ck_assert_str_eq(bundle.files[1].path, "deep/er/b.yaml");
    ck_assert_uint_eq(bundle.files[1].text.size, 0);
    free(json);
}
END_TEST

START_TEST(bundle_larger_than_a_record_is_not_written)
{
    char *big = malloc(BUNDLE_SIZE_MAX + 1);
    ck_assert_ptr_nonnull(big);
    memset(big, '#', BUNDLE_SIZE_MAX + 1);
    struct bundle written = {.files = {{"a.yaml", slice_of(big, BUNDLE_SIZE_MAX - 400)}},
                             .file_count = 1};
    char *json = bundle_write(&written, "bank");
    ck_assert_ptr_nonnull(json);
    free(json);
    written.files[0].text.size = BUNDLE_SIZE_MAX;
    ck_assert_ptr_null(bundle_write(&written, "bank"));
    free(big);
}
END_TEST

START_TEST(bundle_of_no_utf8_is_not_written)
{
    struct bundle written = {.files = {{"a.yaml", slice_text("about: \xff")}}, .file_count = 1};
    ck_assert_ptr_null(bundle_write(&written, "bank"));
}
END_TEST

static const struct {
    const char *json, *says;
} refused[] = {
    {"", "no JSON"},
    {"{\"format\":1", "no JSON"},
    {"[]", "missing or wrong fields"},
    {"{\"format\":2,\"playbook_hash\":\"00000000000000ab\",\"replaces\":\"00000000000000ab\","
     "\"files\":[{"
     "\"path\":\"a\",\"text\":\"\"}]}",
     "newer format"},
    {"{\"format\":1,\"playbook_hash\":\"ab\",\"replaces\":\"00000000000000ab\",\"files\":[{"
     "\"path\":\"a\","
     "\"text\":\"\"}]}",
     "missing or wrong fields"},
    {"{\"format\":1,\"playbook_hash\":\"000000000000000x\",\"replaces\":\"00000000000000ab\","
     "\"files\":[{"
     "\"path\":\"a\",\"text\":\"\"}]}",
     "missing or wrong fields"},
    {"{\"format\":1,\"playbook_hash\":\"00000000000000ab\",\"files\":[{\"path\":\"a\",\"text\":"
     "\"\"}]}",
     "missing or wrong fields"},
    {"{\"format\":1,\"playbook_hash\":\"00000000000000ab\",\"replaces\":\"00000000000000ab\","
     "\"files\":[]}",
     "missing or wrong fields"},
    {"{\"format\":1,\"playbook_hash\":\"00000000000000ab\",\"replaces\":\"00000000000000ab\","
     "\"files\":[{"
     "\"path\":\"a\"}]}",
     "missing or wrong fields"},
    {"{\"format\":1,\"playbook_hash\":\"00000000000000ab\",\"replaces\":\"00000000000000ab\","
     "\"files\":[{"
     "\"path\":1,\"text\":\"\"}]}",
     "missing or wrong fields"},
};

START_TEST(bundle_that_is_none_is_refused)
{
    struct status_text why;
    ck_assert_int_eq(read_json(refused[_i].json, &why), STATUS_INVALID);
    ck_assert_msg(strstr(why.text, refused[_i].says) != NULL, "%s", why.text);
}
END_TEST

START_TEST(bundle_of_more_files_than_a_playbook_has_is_refused)
{
    static char json[64 * (PLAYBOOK_FILES_MAX + 2)];
    struct status_text why;
    for (int files = PLAYBOOK_FILES_MAX; files <= PLAYBOOK_FILES_MAX + 1; files++) {
        size_t at = (size_t)snprintf(
            json, sizeof(json),
            "{\"format\":1,\"playbook_hash\":\"%016x\",\"replaces\":\"%016x\",\"files\":[", 1, 2);
        for (int i = 0; i < files; i++) {
            at += (size_t)snprintf(json + at, sizeof(json) - at,
                                   "%s{\"path\":\"%d\",\"text\":\"\"}", i == 0 ? "" : ",", i);
        }
        (void)snprintf(json + at, sizeof(json) - at, "]}");
        ck_assert_int_eq(read_json(json, &why),
                         files == PLAYBOOK_FILES_MAX ? STATUS_OK : STATUS_INVALID);
    }
}
END_TEST

START_TEST(bundle_of_a_playbook_loads_as_the_same_playbook)
{
    static struct opened files, again;
    struct status_text why;
    ck_assert_int_eq(opened_playbook("test", RETAIL, false, &files), 0);
    bundle_of(files.playbook, &bundle);
    ck_assert_uint_eq(bundle.file_count, files.playbook->file_count);
    for (uint32_t i = 0; i < bundle.file_count; i++) {
        ck_assert_msg(bundle.files[i].path[0] != '/', "%s", bundle.files[i].path);
    }
    char *json = bundle_write(&bundle, "bank");
    ck_assert_ptr_nonnull(json);
    ck_assert_int_eq(read_json(json, &why), STATUS_OK);
    free(json);
    again.zones = files.zones;
    ck_assert_int_eq(
        opened_texts("test", "segue.playbook", bundle.files, bundle.file_count, &again), 0);
    ck_assert(again.playbook->hash == files.playbook->hash && bundle.hash == files.playbook->hash);
}
END_TEST

START_TEST(a_bundle_that_runs_opens_where_files_would_not)
{
    static struct opened files, live;
    struct playbook_text old = {"old.yaml",
                                slice_text("segments: {s: {including: {x: 'c.age > 1'}}}\n"
                                           "offers: {o: {purpose: MARKETING, channels: [EMAIL], "
                                           "segments_any: [s], value: 100}}\n")};
    ck_assert_int_ne(opened_texts("test", "files", &old, 1, &files), 0);
    live.zones = files.zones;
    live.applied = true;
    ck_assert_int_eq(opened_texts("test", "segue.playbook", &old, 1, &live), 0);
    ck_assert_uint_eq(live.diagnostics.count, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bundle");
    TCase *tc = tcase_create("bundle");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, bundle_written_is_read_again);
    tcase_add_test(tc, bundle_larger_than_a_record_is_not_written);
    tcase_add_test(tc, bundle_of_no_utf8_is_not_written);
    tcase_add_loop_test(tc, bundle_that_is_none_is_refused, 0,
                        (int)(sizeof(refused) / sizeof(refused[0])));
    tcase_add_test(tc, bundle_of_more_files_than_a_playbook_has_is_refused);
    tcase_add_test(tc, bundle_of_a_playbook_loads_as_the_same_playbook);
    tcase_add_test(tc, a_bundle_that_runs_opens_where_files_would_not);
    suite_add_tcase(suite, tc);
    return suite_run_all(suite);
}
