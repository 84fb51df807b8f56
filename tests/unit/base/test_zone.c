/* SPDX-License-Identifier: Apache-2.0 */
#include "base/zone.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/civil.h"
#include "support/suite.h"

static const struct zones *zones;

static int64_t at(const char *text)
{
    int64_t ms = 0;
    ck_assert(civil_parse_time(slice_text(text), &ms));
    return ms;
}

static int32_t find(const char *name)
{
    int32_t zone = zones_find(zones, slice_text(name));
    ck_assert_msg(zone >= 0, "%s", name);
    ck_assert_str_eq(zones_name(zones, zone), name);
    return zone;
}

static void load(void)
{
    struct status_text text;
    ck_assert_int_eq(zones_load(&zones, &text), STATUS_OK);
}

/* Published transitions: the moment before, the moment of the change, offsets in minutes. */
static const struct {
    const char *zone, *change;
    int64_t before, after;
} changes[] = {
    {"Europe/London", "2024-03-31T01:00:00Z", 0, 60},
    {"Europe/London", "2024-10-27T01:00:00Z", 60, 0},
    {"Europe/London", "2026-10-25T01:00:00Z", 60, 0},
    {"Europe/London", "2071-03-29T01:00:00Z", 0, 60}, /* from the rule in the footer */
    {"America/New_York", "2024-03-10T07:00:00Z", -300, -240},
    {"Australia/Lord_Howe", "2024-04-06T15:00:00Z", 660, 630}, /* half an hour of summer time */
    {"Australia/Sydney", "2060-04-03T16:00:00Z", 660,
     600}, /* Saturday 16:00 is Sunday 03:00 there */
    {"Asia/Kolkata", "2024-06-01T00:00:00Z", 330, 330},
    {"Asia/Kathmandu", "2024-06-01T00:00:00Z", 345, 345},
};

START_TEST(offsets_change_when_they_should)
{
    int32_t zone = find(changes[_i].zone);
    int64_t change = at(changes[_i].change);
    ck_assert_int_eq(zones_offset_ms(zones, zone, change - 1), changes[_i].before * MS_PER_MINUTE);
    ck_assert_int_eq(zones_offset_ms(zones, zone, change), changes[_i].after * MS_PER_MINUTE);
}
END_TEST

START_TEST(days_of_a_change_are_23_and_25_hours_long)
{
    int32_t london = find("Europe/London");
    int32_t spring = civil_day((struct civil_date){2024, 3, 31});
    int32_t autumn = civil_day((struct civil_date){2024, 10, 27});
    ck_assert_int_eq(zones_day_start_ms(zones, london, spring), at("2024-03-31T00:00:00Z"));
    ck_assert_int_eq(zones_day_start_ms(zones, london, spring + 1), at("2024-03-31T23:00:00Z"));
    ck_assert_int_eq(zones_day_start_ms(zones, london, autumn), at("2024-10-26T23:00:00Z"));
    ck_assert_int_eq(zones_day_start_ms(zones, london, autumn + 1), at("2024-10-28T00:00:00Z"));
    ck_assert_int_eq(zones_local_day(zones, london, at("2024-07-01T22:59:59Z")),
                     civil_day((struct civil_date){2024, 7, 1}));
    ck_assert_int_eq(zones_local_day(zones, london, at("2024-07-01T23:00:00Z")),
                     civil_day((struct civil_date){2024, 7, 2}));
}
END_TEST

START_TEST(a_midnight_that_does_not_exist_is_the_first_moment_that_does)
{
    int32_t beirut = find("Asia/Beirut"); /* its clocks go from 00:00 to 01:00 */
    int32_t day = civil_day((struct civil_date){2022, 3, 27});
    int64_t start = zones_day_start_ms(zones, beirut, day);
    ck_assert_int_eq(start, at("2022-03-26T22:00:00Z"));
    ck_assert_int_eq(zones_local_day(zones, beirut, start), day);
    ck_assert_int_eq(zones_local_day(zones, beirut, start - 1), day - 1);
}
END_TEST

START_TEST(every_day_starts_where_the_day_before_ends)
{
    static const char *const names[] = {"UTC", "Europe/London", "Asia/Kolkata", "Pacific/Apia",
                                        "America/Sao_Paulo"};
    int32_t zone = find(names[_i]);
    for (int32_t day = 14000; day < 30000; day++) {
        int64_t start = zones_day_start_ms(zones, zone, day);
        if (_i == 3 && day == civil_day((struct civil_date){2011, 12, 30})) {
            continue; /* Samoa left that day out */
        }
        ck_assert_int_eq(zones_local_day(zones, zone, start), day);
        ck_assert_int_lt(zones_local_day(zones, zone, start - 1), day);
    }
}
END_TEST

START_TEST(what_is_unknown_counts_as_utc)
{
    ck_assert_int_eq(zones_find(zones, slice_text("Europe/Atlantis")), -1);
    ck_assert_int_eq(zones_find(zones, slice_text("UTC")), 0);
    ck_assert_int_eq(zones_offset_ms(zones, -1, 0), 0);
    ck_assert_int_eq(zones_offset_ms(zones, 100000, 0), 0);
}
END_TEST

static const char *zoneinfo(void)
{
    const char *root = getenv("TZDIR");
    return root != NULL ? root : "/usr/share/zoneinfo";
}

/* The name on a line of tzdata.zi: "Z NAME offset .." is a zone, "L ZONE NAME" another name of one. */
static bool name_on(char *line, char **out_name)
{
    char *rest = NULL;
    const char *kind = strtok_r(line, " \n", &rest);
    if (kind == NULL || (strcmp(kind, "Z") != 0 && strcmp(kind, "L") != 0)) {
        return false;
    }
    *out_name = strtok_r(NULL, " \n", &rest);
    if (kind[0] == 'L') {
        *out_name = strtok_r(NULL, " \n", &rest);
    }
    return *out_name != NULL;
}

/* A zone that is left out would move its customers to another, on this machine only. */
START_TEST(every_name_of_tzdata_is_found)
{
    char path[512];
    char line[4096];
    char *name;
    (void)snprintf(path, sizeof(path), "%s/tzdata.zi", zoneinfo());
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s: tzdata's own list is not there", path);
    uint32_t count = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (!name_on(line, &name)) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%s", zoneinfo(), name);
        if (access(path, R_OK) ==
            0) { /* some distributions have the old names in a second package */
            (void)find(name);
            count++;
        }
    }
    (void)fclose(file);
    ck_assert_uint_gt(count, 400);
}
END_TEST

static uint8_t london[65536 + 1]; /* a zone, and zeros */

static size_t read_london(void)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/Europe/London", zoneinfo());
    FILE *from = fopen(path, "rb");
    ck_assert_ptr_nonnull(from);
    size_t size = fread(london, 1, sizeof(london), from);
    (void)fclose(from);
    return size;
}

static void write_zone(const char *path, size_t size)
{
    FILE *to = fopen(path, "wb");
    ck_assert_ptr_nonnull(to);
    ck_assert_uint_eq(fwrite(london, 1, size, to), size);
    (void)fclose(to);
}

START_TEST(more_zones_than_there_is_room_for_are_refused_not_dropped)
{
    char path[512];
    char folder[] = "/tmp/test_zone_XXXXXX";
    struct status_text text;
    size_t size = read_london();
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (int i = 0; i < ZONES_MAX; i++) { /* and UTC */
        (void)snprintf(path, sizeof(path), "%s/Z%d", folder, i);
        write_zone(path, size);
    }
    ck_assert_int_eq(setenv("TZDIR", folder, 1), 0);
    ck_assert_int_eq(zones_load(&zones, &text), STATUS_INVALID);
    ck_assert_ptr_nonnull(strstr(text.text, "1024 time zones"));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(zones_load(&zones, &text), STATUS_OK);
    for (int i = 0; i < ZONES_MAX - 1; i++) {
        (void)snprintf(path, sizeof(path), "Z%d", i);
        (void)find(path);
        (void)snprintf(path, sizeof(path), "%s/Z%d", folder, i);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}
END_TEST

/* How many descriptors there may be: for the folder that is read and for no file of it, or again all. */
static void limit_descriptors(bool tight)
{
    struct rlimit limit;
    int next = dup(0);
    ck_assert_int_ge(next, 0);
    ck_assert_int_eq(close(next), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = tight ? (rlim_t)next + 1 : limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

enum damage {
    DAMAGE_NONE,
    DAMAGE_CUT,
    DAMAGE_VERSION,
    DAMAGE_SIZE,
    DAMAGE_DEPTH,
    DAMAGE_OPEN,
    DAMAGES
};

START_TEST(a_zone_that_cannot_be_read_is_refused_not_dropped)
{
    static const char *const whys[DAMAGES] = {"",       "no whole TZif",  "no whole TZif",
                                              "64 KiB", "Is a directory", "Too many open files"};
    char good[64], bad[64], deep[64], command[64];
    char folder[] = "/tmp/test_zone_XXXXXX";
    struct status_text text;
    size_t size = read_london();
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(good, sizeof(good), "%s/Good", folder);
    (void)snprintf(bad, sizeof(bad), "%s/Bad", folder);
    (void)snprintf(deep, sizeof(deep), "mkdir -p %s/Bad/b/c", folder);
    (void)snprintf(command, sizeof(command), "rm -r %s", folder);
    write_zone(good, size);
    london[4] = _i == DAMAGE_VERSION ? 0 : london[4];
    if (_i == DAMAGE_NONE) { /* what is no zone */
        ck_assert_int_eq(symlink("nowhere", bad), 0);
    } else if (_i == DAMAGE_DEPTH) {
        ck_assert_int_eq(system(deep), 0);
    } else {
        write_zone(bad, _i == DAMAGE_CUT ? size / 2 : _i == DAMAGE_SIZE ? sizeof(london) : size);
    }
    ck_assert_int_eq(setenv("TZDIR", folder, 1), 0);
    if (_i == DAMAGE_OPEN) { /* not even the folder itself */
        struct rlimit limit;
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        limit.rlim_cur = 0;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        ck_assert_int_eq(zones_load(&zones, &text), STATUS_AWAY);
        limit.rlim_cur = limit.rlim_max;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
    limit_descriptors(_i == DAMAGE_OPEN);
    enum status status = zones_load(&zones, &text);
    limit_descriptors(false);
    enum status expected = _i == DAMAGE_NONE   ? STATUS_OK
                           : _i == DAMAGE_OPEN ? STATUS_AWAY
                                               : STATUS_INVALID;
    ck_assert_int_eq(status, expected);
    ck_assert_msg(_i == DAMAGE_NONE || strstr(text.text, whys[_i]) != NULL, "%s", text.text);
    ck_assert_msg(_i == DAMAGE_NONE || strstr(text.text, folder) != NULL, "%s", text.text);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

/* The last line of a file holds for all years that its table does not: instead of London's own, one that
 * means the same in another form, or another thing. */
static const struct {
    const char *rule;
    const char *summer, *winter; /* the first moments of both in 2040, a leap year; NULL: refused */
} rules[] = {
    {"GMT0BST,M3.5.0/1,M10.5.0", "2040-03-25T01:00:00Z", "2040-10-28T01:00:00Z"},
    {"GMT0BST,J84/1,J301", "2040-03-25T01:00:00Z", "2040-10-28T01:00:00Z"},
    {"GMT0BST,84/1,301/2:00:00", "2040-03-25T01:00:00Z", "2040-10-28T01:00:00Z"},
    {"GMT0BST,J59,J60", "2040-02-28T02:00:00Z", "2040-03-01T01:00:00Z"},
    {"<A-name-of-more-than-sixty-four-bytes-is-no-reason-to-have-no-summer>0BST,M3.5.0/1,M10.5.0",
     "2040-03-25T01:00:00Z", "2040-10-28T01:00:00Z"},
    {"GMT0BST", NULL, NULL},
    {"GMT0BST,J0,J299", NULL, NULL},
    {"GMT0BST,J88,J366", NULL, NULL},
    {"GMT0BST,M3.5.0/1", NULL, NULL},
    {"GMT0BST,M3.5.0/1,M10.5.0,", NULL, NULL},
    {"GMT0BST,X88,X299", NULL, NULL},
};

START_TEST(the_rule_of_the_years_to_come_is_followed_or_the_zone_is_refused)
{
    char path[64];
    char folder[] = "/tmp/test_zone_XXXXXX";
    struct status_text text;
    size_t size = read_london() - 1; /* its closing newline */
    while (london[size - 1] != '\n') {
        size--;
    }
    size += (size_t)snprintf((char *)london + size, sizeof(london) - size, "%s\n", rules[_i].rule);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/Town", folder);
    write_zone(path, size);
    ck_assert_int_eq(setenv("TZDIR", folder, 1), 0);
    enum status status = zones_load(&zones, &text);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    if (rules[_i].summer == NULL) {
        ck_assert_int_eq(status, STATUS_INVALID);
        ck_assert_msg(strstr(text.text, "the rule for the years to come") != NULL, "%s", text.text);
        return;
    }
    ck_assert_msg(status == STATUS_OK, "%s", text.text);
    int32_t town = find("Town");
    int64_t summer = at(rules[_i].summer);
    int64_t winter = at(rules[_i].winter);
    ck_assert_int_eq(zones_offset_ms(zones, town, summer - 1), 0);
    ck_assert_int_eq(zones_offset_ms(zones, town, summer), MS_PER_HOUR);
    ck_assert_int_eq(zones_offset_ms(zones, town, winter - 1), MS_PER_HOUR);
    ck_assert_int_eq(zones_offset_ms(zones, town, winter), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zone");
    TCase *tests = tcase_create("zone");
    tcase_add_checked_fixture(tests, load, NULL);
    tcase_add_loop_test(tests, offsets_change_when_they_should, 0,
                        sizeof(changes) / sizeof(changes[0]));
    tcase_add_test(tests, days_of_a_change_are_23_and_25_hours_long);
    tcase_add_test(tests, a_midnight_that_does_not_exist_is_the_first_moment_that_does);
    tcase_add_loop_test(tests, every_day_starts_where_the_day_before_ends, 0, 5);
    tcase_add_test(tests, what_is_unknown_counts_as_utc);
    tcase_add_test(tests, every_name_of_tzdata_is_found);
    suite_add_tcase(suite, tests);
    TCase *full = tcase_create("full");
    tcase_add_test(full, more_zones_than_there_is_room_for_are_refused_not_dropped);
    tcase_add_loop_test(full, a_zone_that_cannot_be_read_is_refused_not_dropped, 0, DAMAGES);
    tcase_add_loop_test(full, the_rule_of_the_years_to_come_is_followed_or_the_zone_is_refused, 0,
                        sizeof(rules) / sizeof(rules[0]));
    suite_add_tcase(suite, full);
    return suite_run_all(suite);
}
