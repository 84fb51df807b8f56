/* SPDX-License-Identifier: Apache-2.0 */
#include "base/zone.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attributes.h"
#include "base/civil.h"
#include "base/hash.h"
#include "base/invariant.h"
#include "base/memory.h"

enum {
    FILE_SIZE_MAX = 65536,
    FOLDER_DEPTH_MAX = 3,  /* America/Argentina/Ushuaia */
    RULE_YEAR_LAST = 2100, /* transitions are written out until then */
    RULE_SIZE_MAX = 127,   /* of the footer; today's longest has 43 bytes */
};

/* A zone's offsets: offset_ms[0] until time_ms[0], offset_ms[i + 1] from time_ms[i]. */
struct zone {
    char name[ZONE_NAME_SIZE];
    uint64_t content; /* hash of the file: links share their tables */
    const int64_t *time_ms;
    const int32_t *offset_ms; /* count + 1 */
    uint32_t count;
};

struct zones {
    uint32_t count;
    struct zone zones[ZONES_MAX]; /* [0] UTC, then by name */
};

/* One zone being read. */
struct draft {
    int64_t time_ms[ZONE_TRANSITIONS_MAX];
    int32_t offset_ms[ZONE_TRANSITIONS_MAX + 1];
    uint32_t count;
    bool full; /* it has more transitions */
};

/* ---- TZif (RFC 8536) ---- */

static int64_t big_endian(const uint8_t *at, unsigned size)
{
    uint64_t value = (at[0] & 0x80) != 0 ? UINT64_MAX : 0;
    for (unsigned i = 0; i < size; i++) {
        value = value << 8 | at[i];
    }
    return (int64_t)value;
}

struct header {
    size_t utc_count, standard_count, leap_count, time_count, type_count, text_size;
};

static bool read_header(struct slice file, size_t at, struct header *out)
{
    if (at + 44 > file.size || memcmp(file.data + at, "TZif", 4) != 0) {
        return false;
    }
    const uint8_t *counts = file.data + at + 20;
    size_t *members[] = {&out->utc_count,  &out->standard_count, &out->leap_count,
                         &out->time_count, &out->type_count,     &out->text_size};
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        int64_t value = big_endian(counts + 4 * i, 4);
        if (value < 0 || value > FILE_SIZE_MAX) {
            return false;
        }
        *members[i] = (size_t)value;
    }
    return true;
}

static size_t body_size(const struct header *header, size_t word)
{
    return header->time_count * (word + 1) + header->type_count * 6 + header->text_size +
           header->leap_count * (word + 4) + header->standard_count + header->utc_count;
}

static const char not_whole[] = "it is no whole TZif file of version 2 or later";
static const char no_rule[] =
    "its last line, the rule for the years to come, is not understood; install tzdata again";

static void add_transition(struct draft *draft, int64_t time_ms, int32_t offset_ms)
{
    if (draft->offset_ms[draft->count] == offset_ms) {
        return;
    }
    if (draft->count == ZONE_TRANSITIONS_MAX) {
        draft->full = true;
        return;
    }
    draft->time_ms[draft->count++] = time_ms;
    draft->offset_ms[draft->count] = offset_ms;
}

/* ---- the footer: a POSIX TZ rule for the years after the last transition, "GMT0BST,M3.5.0/1,M10.5.0" ---- */

static bool skip_name(const char **at)
{
    const char *start = *at;
    if (**at == '<') {
        const char *close = strchr(*at, '>');
        if (close == NULL) {
            return false;
        }
        *at = close + 1;
        return true;
    }
    while ((**at >= 'A' && **at <= 'Z') || (**at >= 'a' && **at <= 'z')) {
        (*at)++;
    }
    return *at - start >= 3;
}

static bool read_number(const char **at, int32_t limit, int32_t *out)
{
    char *end = NULL;
    long value = strtol(*at, &end, 10);
    if (end == *at || value < 0 || value > limit || **at < '0' || **at > '9') {
        return false;
    }
    *at = end;
    *out = (int32_t)value;
    return true;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool read_clock(const char **at, int32_t *out_seconds)
{
    int32_t sign = **at == '-' ? -1 : 1;
    if (**at == '-' || **at == '+') {
        (*at)++;
    }
    int32_t part = 0;
    if (!read_number(at, 167, &part)) {
        return false;
    }
    int32_t seconds = part * 3600;
    for (int32_t unit = 60; unit >= 1 && **at == ':'; unit /= 60) {
        (*at)++;
        if (!read_number(at, 59, &part)) {
            return false;
        }
        seconds += part * unit;
    }
    *out_seconds = sign * seconds;
    return true;
}

/* When the clock changes, at local time: Mm.w.d, the w-th (5: last) weekday d of month m; Jn, day n of the
 * year, where the 29th of February has no number; or n, the day after n days of the year. */
struct change {
    char form; /* 'M', 'J' or 'n' */
    int32_t month, week, weekday, day, seconds;
};

static bool read_change(const char **at, struct change *out)
{
    bool good = false;
    out->seconds = 7200;
    if (**at != ',') {
        return false;
    }
    (*at)++;
    out->form = 'n';
    if (**at == 'M' || **at == 'J') {
        out->form = **at;
        (*at)++;
    }
    if (out->form == 'M') {
        good = read_number(at, 12, &out->month) && *(*at)++ == '.' &&
               read_number(at, 5, &out->week) && *(*at)++ == '.' &&
               read_number(at, 6, &out->weekday) && out->month >= 1 && out->week >= 1;
    } else {
        good = read_number(at, 365, &out->day) && (out->form == 'n' || out->day >= 1);
    }
    if (good && **at == '/') {
        (*at)++;
        return read_clock(at, &out->seconds);
    }
    return good;
}

static int32_t change_day(const struct change *change, int32_t year)
{
    int32_t first = civil_day((struct civil_date){year, 1, 1});
    if (change->form == 'J') { /* the 1st of March is J60 in every year */
        int32_t march = civil_day((struct civil_date){year, 3, 1});
        return change->day < 60 ? first + change->day - 1 : march + change->day - 60;
    }
    if (change->form == 'n') {
        return first + change->day;
    }
    int32_t day = civil_day((struct civil_date){year, change->month, 1});
    day += (change->weekday - civil_weekday(day) + 7) % 7 + 7 * (change->week - 1);
    struct civil_date date = civil_date(day);
    return date.month == change->month && date.year == year ? day : day - 7;
}

static int64_t change_ms(const struct change *change, int32_t year, int32_t offset_before_ms)
{
    return change_day(change, year) * MS_PER_DAY + change->seconds * MS_PER_SECOND -
           offset_before_ms;
}

/* False when the rule is not understood: without it every later year would silently have the last offset. */
static bool extend_by_rule(struct draft *draft, const char *rule)
{
    int32_t standard = 0;
    int32_t summer = 0;
    struct change begin, end;
    if (*rule == 0) {
        return true; /* nobody knows what comes: the last offset holds */
    }
    if (!skip_name(&rule) || !read_clock(&rule, &standard)) {
        return false;
    }
    if (*rule == 0) {
        return true; /* no summer time: the last offset holds */
    }
    standard = -standard * 1000;
    summer = standard + 3600000;
    if (!skip_name(&rule)) {
        return false;
    }
    if (*rule != ',') {
        if (!read_clock(&rule, &summer)) {
            return false;
        }
        summer = -summer * 1000;
    }
    if (!read_change(&rule, &begin) || !read_change(&rule, &end) || *rule != 0) {
        return false;
    }
    int64_t last_ms = draft->count == 0 ? 0 : draft->time_ms[draft->count - 1];
    int32_t year = civil_date((int32_t)civil_floor(last_ms, MS_PER_DAY)).year;
    for (; year <= RULE_YEAR_LAST; year++) {
        int64_t to_summer = change_ms(&begin, year, standard);
        int64_t to_standard = change_ms(&end, year, summer);
        bool summer_first = to_summer < to_standard; /* in the south the year starts in summer */
        int64_t first = summer_first ? to_summer : to_standard;
        int64_t second = summer_first ? to_standard : to_summer;
        if (first > last_ms) {
            add_transition(draft, first, summer_first ? summer : standard);
        }
        if (second > last_ms) {
            add_transition(draft, second, summer_first ? standard : summer);
        }
    }
    return true;
}

/* What comes after the data: a rule between two newlines. NULL, or why the zone cannot be used. */
static const char *read_footer(struct slice footer, struct draft *draft)
{
    char rule[RULE_SIZE_MAX + 1];
    if (footer.size < 2 || footer.data[0] != '\n' || footer.data[footer.size - 1] != '\n') {
        return not_whole;
    }
    size_t size = footer.size - 2;
    if (size > RULE_SIZE_MAX || memchr(footer.data + 1, 0, size) != NULL) {
        return no_rule;
    }
    memcpy(rule, footer.data + 1, size);
    rule[size] = 0;
    return extend_by_rule(draft, rule) ? NULL : no_rule;
}

/* NULL, or why the zone cannot be used. */
static const char *read_zone(struct slice file, struct draft *draft)
{
    struct header header;
    if (!read_header(file, 0, &header) || file.data[4] < '2') {
        return not_whole;
    }
    size_t at = 44 + body_size(&header, 4);
    if (!read_header(file, at, &header)) {
        return not_whole;
    }
    at += 44;
    size_t size = body_size(&header, 8);
    if (size > file.size - at || header.type_count == 0) {
        return not_whole;
    }
    const uint8_t *times = file.data + at;
    const uint8_t *types = times + header.time_count * 8;
    const uint8_t *infos = types + header.time_count;
    draft->count = 0;
    draft->full = false;
    draft->offset_ms[0] = (int32_t)big_endian(infos, 4) * 1000;
    for (size_t i = 0; i < header.time_count; i++) {
        int64_t seconds = big_endian(times + 8 * i, 8);
        if (types[i] >= header.type_count) {
            return not_whole;
        }
        int32_t offset_ms = (int32_t)big_endian(infos + 6 * types[i], 4) * 1000;
        if (seconds < 0) {
            draft->offset_ms[0] = offset_ms; /* before 1970 the offset of 1970 must do */
        } else if (seconds < INT64_MAX / 1000) {
            add_transition(draft, seconds * 1000, offset_ms);
        }
    }
    return read_footer(slice_of(times + size, file.size - at - size), draft);
}

/* ---- the folder ---- */

static enum status refuse(struct status_text *out_text, const char *path, const char *why)
{
    return status_fail(out_text, STATUS_INVALID, "time zone %s cannot be used: %s", path, why);
}

static enum status refuse_errno(struct status_text *out_text, const char *path, int error)
{
    return status_fail(out_text, status_of_errno(error), "time zone %s cannot be used: %s", path,
                       strerror(error));
}

/* What is no TZif at all is passed over: the folder has tables and texts too. */
static enum status add_zone(struct zones *zones, const char *path, const char *name,
                            struct slice file, struct status_text *out_text)
{
    static struct draft draft;
    if (file.size < 4 || memcmp(file.data, "TZif", 4) != 0) {
        return STATUS_OK;
    }
    if (file.size > FILE_SIZE_MAX) {
        return refuse(out_text, path, "it is larger than 64 KiB");
    }
    const char *why = read_zone(file, &draft);
    if (why != NULL) {
        return refuse(out_text, path, why);
    }
    if (zones->count == ZONES_MAX || strlen(name) >= ZONE_NAME_SIZE || draft.full) {
        return status_fail(out_text, STATUS_INVALID,
                           "%s does not fit: room is for %d time zones, names of %d "
                           "bytes, %d changes of the clock",
                           path, ZONES_MAX, ZONE_NAME_SIZE - 1, ZONE_TRANSITIONS_MAX);
    }
    struct zone *zone = &zones->zones[zones->count++];
    (void)snprintf(zone->name, sizeof(zone->name), "%s", name);
    zone->content = hash64(file, 0);
    zone->count = draft.count;
    for (uint32_t i = 0; i + 1 < zones->count; i++) {
        if (zones->zones[i].content == zone->content) {
            zone->time_ms = zones->zones[i].time_ms;
            zone->offset_ms = zones->zones[i].offset_ms;
            return STATUS_OK;
        }
    }
    size_t times_size = draft.count * sizeof(int64_t);
    size_t offsets_size = (draft.count + 1) * sizeof(int32_t);
    uint8_t *block = memory_take(times_size + offsets_size, "time zones");
    memcpy(block, draft.time_ms, times_size);
    memcpy(block + times_size, draft.offset_ms, offsets_size);
    zone->time_ms = (const int64_t *)(const void *)block;
    zone->offset_ms = (const int32_t *)(const void *)(block + times_size);
    return STATUS_OK;
}

static enum status read_file(struct zones *zones, const char *path, const char *name,
                             struct status_text *out_text)
{
    static uint8_t bytes[FILE_SIZE_MAX + 1];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        /* a link to a zone that is not installed is none */
        return errno == ENOENT ? STATUS_OK : refuse_errno(out_text, path, errno);
    }
    size_t size = fread(bytes, 1, sizeof(bytes), file);
    int error = ferror(file) != 0 ? errno : 0;
    (void)fclose(file);
    return error != 0 ? refuse_errno(out_text, path, error) /* EISDIR: a folder too deep */
                      : add_zone(zones, path, name, slice_of(bytes, size), out_text);
}

/* No name of a zone: folders with all of them again, and the machine's own choice. */
static bool is_no_zone(const char *leaf)
{
    static const char *const leaves[] = {"posix", "right", "localtime", "posixrules"};
    bool is = leaf[0] == '.';
    for (size_t i = 0; i < ARRAY_COUNT(leaves); i++) {
        is = is || strcmp(leaf, leaves[i]) == 0;
    }
    return is;
}

static enum status close_all(DIR **open, int depth, enum status status)
{
    for (; depth >= 0; depth--) {
        (void)closedir(open[depth]);
    }
    return status;
}

/* Depth-first through at most FOLDER_DEPTH_MAX open folders; no recursion. */
static enum status read_folder(struct zones *zones, const char *root, struct status_text *out_text)
{
    DIR *open[FOLDER_DEPTH_MAX];
    size_t name_size[FOLDER_DEPTH_MAX]; /* of `name` above each */
    char name[FOLDER_DEPTH_MAX * (NAME_MAX + 1)] = "";
    int depth = 0;
    open[0] = opendir(root);
    name_size[0] = 0;
    if (open[0] == NULL && errno != ENOENT) {
        return refuse_errno(out_text, root, errno);
    }
    while (open[0] != NULL && depth >= 0) {
        errno = 0;
        const struct dirent *entry = readdir(open[depth]);
        if (entry == NULL && errno != 0) {
            return close_all(open, depth, refuse_errno(out_text, root, errno));
        }
        if (entry == NULL) {
            (void)closedir(open[depth--]);
            continue;
        }
        size_t above = name_size[depth];
        const char *leaf = entry->d_name;
        if (is_no_zone(leaf)) {
            continue;
        }
        (void)snprintf(name + above, sizeof(name) - above, "%s", leaf);
        char path[2 * PATH_MAX];
        (void)snprintf(path, sizeof(path), "%s/%s", root, name);
        DIR *inner = depth + 1 < FOLDER_DEPTH_MAX ? opendir(path) : NULL;
        if (inner == NULL) {
            enum status status = read_file(zones, path, name, out_text);
            if (status != STATUS_OK) {
                return close_all(open, depth, status);
            }
            continue;
        }
        (void)snprintf(name + strlen(name), sizeof(name) - strlen(name), "/");
        open[++depth] = inner;
        name_size[depth] = strlen(name);
    }
    return zones->count > 1 ? STATUS_OK
                            : status_fail(out_text, STATUS_INVALID,
                                          "no time zones under %s: install tzdata", root);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct zone *)a)->name, ((const struct zone *)b)->name);
}

enum status zones_load(const struct zones **out_zones, struct status_text *out_text)
{
    static struct zones zones;
    if (zones.count == 0) {
        static const int32_t no_offset[1];
        const char *root = getenv("TZDIR");
        root = root != NULL ? root : "/usr/share/zoneinfo";
        zones.count = 1;
        (void)snprintf(zones.zones[0].name, ZONE_NAME_SIZE, "UTC");
        zones.zones[0].offset_ms = no_offset;
        enum status status = read_folder(&zones, root, out_text);
        if (status != STATUS_OK) {
            zones.count = 0;
            return status;
        }
        qsort(&zones.zones[1], zones.count - 1, sizeof(zones.zones[0]), by_name);
    }
    *out_zones = &zones;
    return STATUS_OK;
}

/* ---- questions ---- */

int32_t zones_find(const struct zones *zones, struct slice name)
{
    if (slice_is(name, "UTC")) {
        return 0;
    }
    uint32_t low = 1;
    uint32_t high = zones->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = slice_compare(slice_text(zones->zones[middle].name), name);
        if (order == 0) {
            return (int32_t)middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return -1;
}

static const struct zone *zone_of(const struct zones *zones, int32_t zone)
{
    return &zones->zones[zone > 0 && (uint32_t)zone < zones->count ? zone : 0];
}

const char *zones_name(const struct zones *zones, int32_t zone)
{
    return zone_of(zones, zone)->name;
}

/* How many transitions are <= time_ms: the index of the offset then. */
static uint32_t find_offset(const struct zone *zone, int64_t time_ms)
{
    uint32_t low = 0;
    uint32_t high = zone->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (zone->time_ms[middle] <= time_ms) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int64_t zones_offset_ms(const struct zones *zones, int32_t zone, int64_t time_ms)
{
    const struct zone *found = zone_of(zones, zone);
    return found->offset_ms[find_offset(found, time_ms)];
}

int32_t zones_local_day(const struct zones *zones, int32_t zone, int64_t time_ms)
{
    return (int32_t)civil_floor(time_ms + zones_offset_ms(zones, zone, time_ms), MS_PER_DAY);
}

int64_t zones_day_start_ms(const struct zones *zones, int32_t zone, int32_t local_day)
{
    return zones_from_local_ms(zones, zone, local_day * MS_PER_DAY);
}

int64_t zones_from_local_ms(const struct zones *zones, int32_t zone, int64_t local_ms)
{
    const struct zone *found = zone_of(zones, zone);
    /* No offset is more than 26 hours, so the first answer lies in or after this piece. */
    uint32_t piece = find_offset(found, local_ms - 26 * MS_PER_HOUR);
    for (;; piece++) {
        int64_t time_ms = local_ms - found->offset_ms[piece];
        if (piece > 0 && time_ms < found->time_ms[piece - 1]) {
            time_ms = found->time_ms[piece - 1]; /* the clock jumped over it */
        }
        if (piece == found->count || time_ms < found->time_ms[piece]) {
            return time_ms;
        }
    }
}
