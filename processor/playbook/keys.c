/* SPDX-License-Identifier: Apache-2.0 */
#include "playbook/keys.h"

#include <string.h>

#include "base/attributes.h"
#include "base/invariant.h"
#include "features/features.h"
#include "model/codes.h"
#include "model/fields.h"
#include "playbook/keys_table.h"

enum { WORDS_MAX = 32, WORD_SIZE = 32, KNOWN_MAX = 96 };

/* ---- for the loader ---- */

void keys_refuse_unknown(const struct yaml_node *mapping, enum keys_section section,
                         struct diagnostics *diagnostics)
{
    const char *known[KNOWN_MAX];
    size_t count = 0;
    for (size_t i = 0; i < keys_tables[section].count; i++) {
        known[count++] = keys_tables[section].list[i].name;
    }
    for (int kind = 0; section == KEYS_FEATURE && kind < FEATURE_KIND_COUNT; kind++) {
        known[count++] = features_kind((enum feature_kind)kind)->key;
    }
    if (section == KEYS_FEATURE) {
        known[count++] = "series";
    }
    yaml_refuse_unknown(mapping, known, count, diagnostics);
}

bool keys_are_of_playbook(const struct yaml_node *mapping)
{
    const char *known[KNOWN_MAX];
    size_t count = 0;
    for (; count < keys_tables[KEYS_TOP].count; count++) {
        known[count] = keys_tables[KEYS_TOP].list[count].name;
    }
    const struct yaml_node *value = mapping->kind == YAML_MAPPING ? mapping->first : NULL;
    while (value != NULL && diagnostic_nearest(value->key->text, known, count) == NULL) {
        value = value->next;
    }
    return value != NULL;
}

static size_t split(const char *text, char words[WORDS_MAX][WORD_SIZE])
{
    size_t count = 0;
    while (*text != '\0') {
        size_t size = strcspn(text, " ");
        INVARIANT(count < WORDS_MAX && size < WORD_SIZE);
        memcpy(words[count], text, size);
        words[count++][size] = '\0';
        text += size + (text[size] == ' ');
    }
    return count;
}

bool keys_word(const struct yaml_node *mapping, enum keys_section section, const char *name,
               struct diagnostics *diagnostics, uint32_t *out_index)
{
    char words[WORDS_MAX][WORD_SIZE];
    const char *list[WORDS_MAX];
    for (size_t i = 0; i < keys_tables[section].count; i++) {
        const struct key *key = &keys_tables[section].list[i];
        if (strcmp(key->name, name) == 0) {
            INVARIANT(key->form == KEY_WORD);
            size_t count = split(key->words, words);
            for (size_t j = 0; j < count; j++) {
                list[j] = words[j];
            }
            return yaml_word(yaml_get(mapping, name), diagnostics, list, count, out_index);
        }
    }
    INVARIANT(false); /* the loader asks for keys of the table only */
    return false;
}

/* ---- JSON Schema ---- */

static void put_words(const char *words, FILE *out)
{
    char list[WORDS_MAX][WORD_SIZE];
    size_t count = split(words, list);
    (void)fputs("{\"enum\":[", out);
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(out, "%s\"%s\"", i == 0 ? "" : ",", list[i]);
    }
    (void)fputs("]}", out);
}

static void put_form(const struct key *key, FILE *out)
{
    static const char *const plain[] = {
        [KEY_TEXT] = "{\"type\":[\"string\",\"number\"]}",
        [KEY_BOOL] = "{\"type\":\"boolean\"}",
        [KEY_INTEGER] = "{\"type\":\"integer\"}",
        [KEY_NUMBER] = "{\"type\":\"number\"}",
        [KEY_SHARE] = "{\"type\":\"string\",\"pattern\":\"^[0-9]+(\\\\.[0-9]+)?%$\"}",
        [KEY_DURATION] = "{\"type\":\"string\",\"pattern\":\"^([0-9]+(ms|s|m|h|d|w|mo|y))+$\"}",
        [KEY_TIME] = "{\"type\":\"string\",\"pattern\":\"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T.*)?$\"}",
        [KEY_CEL] = "{\"type\":[\"string\",\"number\",\"boolean\"]}",
        [KEY_IDS] = "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}",
        [KEY_RULES] =
            "{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"boolean\"]}}",
        [KEY_NUMBERS] = "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}",
        [KEY_TIMES] = "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}",
        [KEY_ANY] = "{}",
    };
    const char *name = key->section < KEYS_SECTION_COUNT ? keys_tables[key->section].name : "";
    switch (key->form) {
    case KEY_WORD:
        put_words(key->words, out);
        return;
    case KEY_WORDS:
        (void)fputs("{\"type\":\"array\",\"items\":", out);
        put_words(key->words, out);
        (void)fputc('}', out);
        return;
    case KEY_INSIDE:
        (void)fprintf(out, "{\"$ref\":\"#/$defs/%s\"}", name);
        return;
    case KEY_LIST:
        (void)fprintf(out, "{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/%s\"}}", name);
        return;
    case KEY_NAMED:
        (void)fprintf(
            out, "{\"type\":\"object\",\"additionalProperties\":{\"$ref\":\"#/$defs/%s\"}}", name);
        return;
    case KEY_TEXT:
    case KEY_BOOL:
    case KEY_INTEGER:
    case KEY_NUMBER:
    case KEY_SHARE:
    case KEY_DURATION:
    case KEY_TIME:
    case KEY_CEL:
    case KEY_IDS:
    case KEY_RULES:
    case KEY_NUMBERS:
    case KEY_TIMES:
    case KEY_ANY:
        (void)fputs(plain[key->form], out);
        return;
    }
}

/* A value for JSON, from text with quotes and backquotes in it. */
static void put_text(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            (void)fputc('\\', out);
        }
        (void)fputc(*text, out);
    }
}

static void put_property(const char *name, const char *meaning, const struct key *key, bool first,
                         FILE *out)
{
    (void)fprintf(out, "%s\n   \"%s\":{\"description\":\"", first ? "" : ",", name);
    put_text(meaning, out);
    (void)fputs("\",\"allOf\":[", out);
    put_form(key, out);
    (void)fputs("]}", out);
}

static void put_object(enum keys_section section, FILE *out)
{
    static const struct key any = {"", KEY_ANY, NULL, KEYS_SECTION_COUNT, "", ""};
    (void)fputs("{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{", out);
    for (size_t i = 0; i < keys_tables[section].count; i++) {
        const struct key *key = &keys_tables[section].list[i];
        put_property(key->name, key->meaning, key, i == 0, out);
    }
    for (int kind = 0; section == KEYS_FEATURE && kind < FEATURE_KIND_COUNT; kind++) {
        const struct feature_kind_info *info = features_kind((enum feature_kind)kind);
        put_property(info->key, info->text, &any, false, out);
    }
    (void)fputs("}}", out);
}

void keys_print_schema(FILE *out)
{
    (void)fputs("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\n"
                " \"title\":\"Segue playbook\",\n \"$ref\":\"#/$defs/top\",\n \"$defs\":{\n",
                out);
    for (int section = 0; section < KEYS_SECTION_COUNT; section++) {
        (void)fprintf(out, "%s  \"%s\":", section == 0 ? "" : ",\n", keys_tables[section].name);
        if (section == KEYS_FEATURE) { /* a series is a feature with keys of its own */
            (void)fputs("{\"if\":{\"required\":[\"series\"]},\"then\":{\"$ref\":\"#/$defs/"
                        "series\"},\"else\":",
                        out);
        }
        put_object((enum keys_section)section, out);
        (void)fputs(section == KEYS_FEATURE ? "}" : "", out);
    }
    (void)fputs("\n }\n}\n", out);
}

/* ---- the reference ---- */

static void put_meaning(const struct key *key, FILE *out)
{
    char words[WORDS_MAX][WORD_SIZE];
    (void)fputs(key->meaning, out);
    if (key->form == KEY_WORD || key->form == KEY_WORDS) {
        size_t count = split(key->words, words);
        (void)fputs(key->form == KEY_WORDS ? "; any of" : ":", out);
        for (size_t i = 0; i < count; i++) {
            (void)fprintf(out, " `%s`", words[i]);
        }
    }
    if (key->form == KEY_INSIDE || key->form == KEY_LIST) {
        (void)fprintf(out, ". Keys%s:", key->form == KEY_LIST ? " of each" : "");
        for (size_t i = 0; i < keys_tables[key->section].count; i++) {
            const struct key *inner = &keys_tables[key->section].list[i];
            (void)fprintf(out, "%s `%s` %s%s%s%s", i == 0 ? "" : ";", inner->name, inner->meaning,
                          inner->otherwise[0] != '\0' ? " (" : "", inner->otherwise,
                          inner->otherwise[0] != '\0' ? ")" : "");
        }
    }
}

/* What an expression sees of a field of that type. */
static const char *field_type_words(enum field_type type)
{
    static const char *const words[FIELD_TYPE_COUNT] = {[FIELD_STRING] = "text",
                                                        [FIELD_INT64] = "whole number",
                                                        [FIELD_INT32] = "whole number",
                                                        [FIELD_DOUBLE] = "number",
                                                        [FIELD_BOOL] = "true or false",
                                                        [FIELD_TIME] = "moment",
                                                        [FIELD_DATE] =
                                                            "moment, the start of that day",
                                                        [FIELD_CODE] = "one of",
                                                        [FIELD_CODE_SET] = "list of",
                                                        [FIELD_MAP] = "map of texts",
                                                        [FIELD_CONSENTS] = "true or false, by"};
    return words[type];
}

static bool has_codes(const struct field *field)
{
    return field->type == FIELD_CODE || field->type == FIELD_CODE_SET;
}

static void put_codes(const struct codes *codes, FILE *out)
{
    for (uint32_t i = 0; i < codes->count; i++) {
        (void)fprintf(out, " `%s`", codes_text(codes, i));
    }
}

/* One row: a field with codes of its own, or all fields of that type from `first` on. */
static void put_fields(const struct field_table *table, uint32_t first, FILE *out)
{
    const struct field *field = &table->fields[first];
    uint32_t last = has_codes(field) ? first : table->count - 1;
    const char *words = field_type_words(field->type);
    (void)fputc('|', out);
    for (uint32_t i = first; i <= last; i++) {
        if (strcmp(field_type_words(table->fields[i].type), words) == 0) {
            (void)fprintf(out, " `%s.%s`", table->prefix, table->fields[i].name);
        }
    }
    (void)fprintf(out, " | %s", words);
    if (has_codes(field)) {
        put_codes(field->codes, out);
    } else if (field->type == FIELD_CONSENTS) {
        put_codes(&codes_purpose, out);
        (void)fputs(" and", out);
        put_codes(&codes_channel, out);
        (void)fprintf(out, ": `%s.%s.MARKETING.EMAIL`", table->prefix, field->name);
    }
    (void)fputs(" |\n", out);
}

static bool is_shown_before(const struct field_table *table, uint32_t index)
{
    for (uint32_t i = 0; i < index && !has_codes(&table->fields[index]); i++) {
        if (strcmp(field_type_words(table->fields[i].type),
                   field_type_words(table->fields[index].type)) == 0) {
            return true;
        }
    }
    return false;
}

/* The names that expressions may read of records, from the table that decoders fill. */
static void print_names(FILE *out)
{
    (void)fputs("<!-- keys: names -->\n| names | what |\n|---|---|\n", out);
    for (int source = 0; source < SOURCE_COUNT; source++) {
        const struct field_table *table = fields_of((enum source)source);
        for (uint32_t i = 0; i < table->count; i++) {
            if (!is_shown_before(table, i)) {
                put_fields(table, i, out);
            }
        }
    }
    (void)fputs("<!-- end -->\n", out);
}

void keys_print_reference(FILE *out)
{
    static const enum keys_section shown[] = {KEYS_TOP,  KEYS_CALENDAR, KEYS_FEATURE, KEYS_SERIES,
                                              KEYS_LIFE, KEYS_SEGMENT,  KEYS_OFFER,   KEYS_POLICY};
    for (size_t i = 0; i < ARRAY_COUNT(shown); i++) {
        (void)fprintf(out, "<!-- keys: %s -->\n| key | meaning | otherwise |\n|---|---|---|\n",
                      keys_tables[shown[i]].name);
        for (size_t j = 0; j < keys_tables[shown[i]].count; j++) {
            const struct key *key = &keys_tables[shown[i]].list[j];
            if (key->section == KEYS_TEST || key->section == KEYS_POLICY) {
                continue; /* they have sections of their own */
            }
            (void)fprintf(out, "| `%s` | ", key->name);
            put_meaning(key, out);
            (void)fprintf(out, " | %s |\n", key->otherwise);
        }
        (void)fputs("<!-- end -->\n", out);
    }
    print_names(out);
}
