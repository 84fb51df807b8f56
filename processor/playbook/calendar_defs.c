/* SPDX-License-Identifier: Apache-2.0 */
/* `calendars:` -> struct cel_calendar, and the names of calendars inside expressions. */
#include <stdio.h>
#include <stdlib.h>

#include "base/civil.h"
#include "playbook/loader.h"
#include "playbook/tokens.h"

static const char *const weekdays[] = {"SUNDAY",   "MONDAY", "TUESDAY", "WEDNESDAY",
                                       "THURSDAY", "FRIDAY", "SATURDAY"};
enum { WEEKDAYS = 7, SATURDAY_SUNDAY = 1 << 6 | 1 << 0, EASTER_REACH = 200 };

/* `easter`, `easter+1`, `easter-2` */
static bool parse_easter(const char *text, int32_t *out)
{
    char *end = NULL;
    if (strncmp(text, "easter", 6) != 0 || (text[6] != '\0' && text[6] != '+' && text[6] != '-')) {
        return false;
    }
    long distance = text[6] == '\0' ? 0 : strtol(text + 6, &end, 10);
    *out = (int32_t)distance;
    return distance >= -EASTER_REACH && distance <= EASTER_REACH &&
           (text[6] == '\0' || (end != text + 7 && *end == '\0'));
}

static bool parse_holiday(struct slice text, struct cel_holiday *out)
{
    char whole[16];
    int32_t day;
    if (civil_parse_date(text, &out->value)) {
        out->kind = CEL_ONCE;
        return true;
    }
    if (parse_easter((const char *)text.data, &out->value)) { /* NUL-terminated: a scalar's text */
        out->kind = CEL_EASTER;
        return true;
    }
    /* of a leap year, so that 02-29 is a day */
    (void)snprintf(whole, sizeof(whole), "2024-%.*s", (int)(text.size < 8 ? text.size : 8),
                   (const char *)text.data);
    if (text.size != 5 || !civil_parse_date(slice_text(whole), &day)) {
        return false;
    }
    struct civil_date date = civil_date(day);
    *out = (struct cel_holiday){CEL_YEARLY, date.month * 32 + date.day};
    return true;
}

static uint32_t load_days(struct loader *loader, const struct yaml_node *node, const char *key,
                          const struct cel_holiday **out)
{
    uint32_t count = 0;
    if (!yaml_is_sequence(node, loader->diagnostics)) {
        return 0;
    }
    if (node->count > CALENDAR_DAYS_MAX) {
        yaml_error(node->key, loader->diagnostics, "name what recurs once: 12-25, easter-2",
                   "more than %d days", CALENDAR_DAYS_MAX);
        return 0;
    }
    struct cel_holiday *days = loader_take(loader, (node->count + 1) * sizeof(*days));
    for (const struct yaml_node *item = node->first; days != NULL && item != NULL;
         item = item->next) {
        struct slice text;
        if (!yaml_text(item, loader->diagnostics, &text)) {
            continue;
        }
        if (!parse_holiday(text, &days[count])) {
            yaml_error(item, loader->diagnostics, "write 2026-11-30, 12-25 or easter-2",
                       "`%.*s` is no day", SLICE_ARG(text));
            continue;
        }
        canon_integer(loader, key, days[count].kind);
        canon_integer(loader, key, days[count++].value);
    }
    *out = days;
    return count;
}

static void load_one(struct loader *loader, const struct yaml_node *node,
                     struct cel_calendar *calendar)
{
    const struct yaml_node *weekend = yaml_get(node, "weekend");
    uint32_t word;
    *calendar = (struct cel_calendar){.name = node->key->text, .weekend = SATURDAY_SUNDAY};
    if (slice_is(calendar->name, "england_wales")) {
        yaml_error(node->key, loader->diagnostics, "give it another name, with base: england_wales",
                   "calendar `england_wales` is always there");
    }
    keys_refuse_unknown(node, KEYS_CALENDAR, loader->diagnostics);
    canon_text(loader, "calendar", calendar->name);
    if (keys_word(node, KEYS_CALENDAR, "base", loader->diagnostics, &word)) {
        calendar->england_wales = word == 1;
    }
    if (weekend != NULL && yaml_is_sequence(weekend, loader->diagnostics)) {
        calendar->weekend = 0;
        for (const struct yaml_node *item = weekend->first; item != NULL; item = item->next) {
            if (yaml_word(item, loader->diagnostics, weekdays, WEEKDAYS, &word)) {
                calendar->weekend |= (uint8_t)(1U << word);
            }
        }
    }
    canon_integer(loader, "base", calendar->england_wales);
    canon_integer(loader, "weekend", calendar->weekend);
    calendar->holiday_count =
        load_days(loader, yaml_get(node, "holidays"), "holiday", &calendar->holidays);
    calendar->working_count =
        load_days(loader, yaml_get(node, "working"), "working", &calendar->working);
}

void load_calendars(struct loader *loader, const struct yaml_node *node)
{
    struct cel_calendar *list = loader_take(loader, CALENDARS_MAX * sizeof(*list));
    uint64_t *hashes = loader_take(loader, CALENDARS_MAX * sizeof(*hashes));
    uint32_t count = 0;
    if (list == NULL || hashes == NULL || !yaml_is_mapping(node, loader->diagnostics)) {
        return;
    }
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        if (count == CALENDARS_MAX) {
            yaml_error(item->key, loader->diagnostics, NULL, "more than %d calendars",
                       CALENDARS_MAX);
            break;
        }
        if (yaml_is_mapping(item, loader->diagnostics)) {
            canon_begin(loader, "calendar");
            load_one(loader, item, &list[count]);
            hashes[count++] = canon_end(loader);
        }
    }
    loader->calendars = list;
    loader->calendar_hashes = hashes;
    loader->calendar_count = count;
}

/* ---- in expressions ---- */

/* The last argument of a call whose `(` is at `open`, when it is a single text; `out_count`: of arguments. */
static struct token last_argument(struct slice text, struct token open, uint32_t *out_count)
{
    struct token last = {0, 0, TOKEN_END}, token = open;
    uint32_t depth = 0, in_argument = 0;
    *out_count = 1;
    do {
        uint8_t c = token.kind == TOKEN_OTHER ? text.data[token.at] : ' ';
        bool closes = c == ')' || c == ']' || c == '}';
        depth += c == '(' || c == '[' || c == '{';
        depth -= closes;
        if (depth == 1 && c == ',') {
            (*out_count)++;
            in_argument = 0;
        } else if (depth > 0 && token.at != open.at) {
            last = token;
            in_argument++;
        }
        token = token_next(text, token.at + token.size);
    } while (depth > 0 && token.kind != TOKEN_END);
    return last.kind == TOKEN_STRING && in_argument == 1 ? last : (struct token){0, 0, TOKEN_END};
}

/* The hash of the one that is named; 0: england_wales, or none. */
static uint64_t hash_of(const struct loader *loader, struct slice text, struct token literal)
{
    struct slice name =
        slice_of(text.data + literal.at + 1, literal.size < 2 ? 0 : literal.size - 2);
    for (uint32_t i = 0; i < loader->calendar_count; i++) {
        if (slice_equal(loader->calendars[i].name, name)) {
            return loader->calendar_hashes[i];
        }
    }
    return 0;
}

static void judge(struct loader *loader, const struct yaml_node *node, struct token call,
                  struct token literal)
{
    struct slice text = node->text;
    if (literal.kind == TOKEN_END) {
        diagnostics_add(
            loader->diagnostics, DIAGNOSTIC_ERROR, yaml_locate(node, call.at, (uint32_t)call.size),
            "write its name: business_days(t1, t2, \"scotland\")", "a calendar is named by a text");
        return;
    }
    struct slice name = slice_of(text.data + literal.at + 1, literal.size - 2);
    const char *names[CALENDARS_MAX + 1];
    uint32_t count = 0;
    for (uint32_t i = 0; i < loader->calendar_count; i++) {
        names[count++] = (const char *)loader->calendars[i].name.data;
    }
    names[count++] = "england_wales";
    if (hash_of(loader, text, literal) == 0 && !slice_is(name, "england_wales")) {
        char mend[DIAGNOSTIC_TEXT_SIZE] = "";
        const char *near = diagnostic_nearest(name, names, count);
        if (near != NULL) {
            (void)snprintf(mend, sizeof(mend), "did you mean `%s`?", near);
        }
        diagnostics_add(loader->diagnostics, DIAGNOSTIC_ERROR,
                        yaml_locate(node, literal.at + 1, (uint32_t)name.size), mend,
                        "there is no calendar `%.*s`", SLICE_ARG(name));
    }
}

uint64_t calendars_use(struct loader *loader, const struct yaml_node *node, bool judged)
{
    struct slice text = node->text;
    uint64_t hash = 0;
    for (struct token token = token_next(text, 0); token.kind != TOKEN_END;
         token = token_next(text, token.at + token.size)) {
        struct slice word = token_text(text, token);
        uint32_t own = slice_is(word, "is_business_day") ? 2
                       : slice_is(word, "business_days") ? 3
                                                         : 0;
        struct token open = token_next(text, token.at + token.size);
        uint32_t arguments = 0;
        if (token.kind != TOKEN_NAME || own == 0 || open.kind != TOKEN_OTHER ||
            text.data[open.at] != '(') {
            continue;
        }
        struct token literal = last_argument(text, open, &arguments);
        if (arguments == own) {
            hash = hash * 31 + hash_of(loader, text, literal);
            if (judged) {
                judge(loader, node, token, literal);
            }
        }
    }
    return hash;
}

struct slice calendars_text(struct loader *loader, const struct yaml_node *node)
{
    struct slice text = canon_squeeze(loader, node->text);
    uint64_t hash = calendars_use(loader, node, false);
    char suffix[24];
    int size = snprintf(suffix, sizeof(suffix), " @%016llx", (unsigned long long)hash);
    uint8_t *room = hash == 0 ? NULL : loader_take(loader, text.size + (size_t)size + 1);
    if (room == NULL) {
        return text;
    }
    memcpy(room, text.data, text.size);
    memcpy(room + text.size, suffix, (size_t)size);
    return slice_of(room, text.size + (size_t)size);
}
