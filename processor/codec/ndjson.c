/* SPDX-License-Identifier: Apache-2.0 */
/* jansson reads the line (and refuses duplicate keys, bad UTF-8 and NUL); the texts we keep are
 * copied into the caller's arena. */
#include "codec/ndjson.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/civil.h"
#include "base/diagnostic.h"
#include "codec/decode.h"
#include "model/fields.h"

struct reader {
    struct slice line;
    struct arena *arena;
    struct ndjson_error *error;
    enum status status; /* of the first failure */
};

static uint32_t column_of(struct slice line, const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i + size + 2 <= line.size; i++) {
        if (line.data[i] == '"' && memcmp(line.data + i + 1, name, size) == 0 &&
            line.data[i + 1 + size] == '"') {
            return (uint32_t)i + 2;
        }
    }
    return 1;
}

/* Report once. `name`: the key that the column points at. */
PRINTF_LIKE(4, 5)
static bool fail(struct reader *reader, enum reject_reason reason, const char *name,
                 const char *format, ...)
{
    if (reader->status == STATUS_OK) {
        char text[STATUS_TEXT_SIZE];
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
        reader->status = status_fail(&reader->error->text, STATUS_INVALID, "%s", text);
        reader->error->reason = reason;
        reader->error->column = column_of(reader->line, name);
    }
    return false;
}

static bool keep(struct reader *reader, struct slice text, struct slice *out)
{
    *out = arena_copy(reader->arena, text);
    if (out->data == NULL && reader->status == STATUS_OK) {
        reader->status = status_fail(&reader->error->text, STATUS_FULL, "the arena is full");
    }
    return out->data != NULL;
}

static bool keep_text(struct reader *reader, const char *name, const json_t *json,
                      struct slice *out)
{
    if (!json_is_string(json)) {
        return fail(reader, REJECT_BAD_VALUE, name, "`%s` is a text", name);
    }
    size_t size = json_string_length(json);
    if (size > EVENT_STRING_SIZE_MAX) {
        return fail(reader, REJECT_TOO_LARGE, name, "`%s` is longer than %d bytes", name,
                    EVENT_STRING_SIZE_MAX);
    }
    return keep(reader, slice_of(json_string_value(json), size), out);
}

static bool read_code(struct reader *reader, const char *name, const struct codes *codes,
                      const json_t *json, uint8_t *out)
{
    const char *text = json_string_value(json);
    if (text == NULL) {
        return fail(reader, REJECT_BAD_VALUE, name, "`%s` is a code, written as text", name);
    }
    int32_t code = codes_find(codes, slice_text(text));
    if (code < 0) {
        const char *near = diagnostic_nearest(slice_text(text), codes->names, codes->count);
        return fail(reader, REJECT_BAD_VALUE, name, "`%s` has no code `%.60s`%s%s%s", name, text,
                    near == NULL ? "" : "; did you mean `", near == NULL ? "" : near,
                    near == NULL ? "" : "`?");
    }
    *out = (uint8_t)code;
    return true;
}

static bool read_time(struct reader *reader, const char *name, const json_t *json, int64_t *out)
{
    const char *text = json_string_value(json);
    if (json_is_integer(json)) {
        *out = json_integer_value(json);
        return true;
    }
    if (text == NULL || !civil_parse_time(slice_text(text), out)) {
        return fail(reader, REJECT_BAD_VALUE, name,
                    "`%s` is a time: \"2026-11-25T10:00:00Z\" or milliseconds since 1970", name);
    }
    return true;
}

static bool read_date(struct reader *reader, const char *name, const json_t *json, int32_t *out)
{
    const char *text = json_string_value(json);
    json_int_t day = json_integer_value(json);
    if (json_is_integer(json) && day >= INT32_MIN && day <= INT32_MAX) {
        *out = (int32_t)day;
        return true;
    }
    if (text == NULL || !civil_parse_date(slice_text(text), out)) {
        return fail(reader, REJECT_BAD_VALUE, name, "`%s` is a date: \"2026-11-25\"", name);
    }
    return true;
}

static bool read_code_set(struct reader *reader, const struct field *field, const json_t *json,
                          uint32_t *out)
{
    uint32_t set = 0;
    if (!json_is_array(json)) {
        return fail(reader, REJECT_BAD_VALUE, field->name, "`%s` is a list of codes", field->name);
    }
    for (size_t i = 0; i < json_array_size(json); i++) {
        uint8_t code;
        if (!read_code(reader, field->name, field->codes, json_array_get(json, i), &code)) {
            return false;
        }
        set |= UINT32_C(1) << code;
    }
    *out = set;
    return true;
}

static bool read_attributes(struct reader *reader, const char *name, json_t *json,
                            struct engagement *app)
{
    const char *key;
    json_t *value;
    if (!json_is_object(json)) {
        return fail(reader, REJECT_BAD_VALUE, name, "`%s` is an object of texts", name);
    }
    json_object_foreach(json, key, value)
    {
        struct attribute *attribute = &app->attributes[app->attribute_count];
        if (json_is_null(value)) {
            continue;
        }
        if (app->attribute_count == ATTRIBUTES_MAX) {
            return fail(reader, REJECT_TOO_LARGE, name, "`%s` has more than %d entries", name,
                        ATTRIBUTES_MAX);
        }
        if (!keep(reader, slice_text(key), &attribute->name) ||
            !keep_text(reader, key, value, &attribute->value)) {
            return false;
        }
        app->attribute_count++;
    }
    return true;
}

static bool read_consent(struct reader *reader, const json_t *json, struct consent *out)
{
    const json_t *basis = json_object_get(json, "lawful_basis");
    if (!json_is_object(json)) {
        return fail(reader, REJECT_BAD_VALUE, "consents", "`consents` is a list of objects");
    }
    *out = (struct consent){0};
    return read_code(reader, "purpose", &codes_purpose, json_object_get(json, "purpose"),
                     &out->purpose) &&
           read_code(reader, "channel", &codes_channel, json_object_get(json, "channel"),
                     &out->channel) &&
           read_code(reader, "status", &codes_consent_status, json_object_get(json, "status"),
                     &out->status) &&
           (basis == NULL || json_is_null(basis) ||
            read_code(reader, "lawful_basis", &codes_lawful_basis, basis, &out->basis)) &&
           read_time(reader, "updated_at", json_object_get(json, "updated_at"),
                     &out->updated_at_ms);
}

static bool read_consents(struct reader *reader, const json_t *json, struct profile_update *profile)
{
    size_t count = json_array_size(json);
    if (!json_is_array(json) || count > CONSENTS_MAX) {
        return fail(reader, REJECT_TOO_LARGE, "consents", "`consents` is a list of at most %d",
                    CONSENTS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (!read_consent(reader, json_array_get(json, i), &profile->consents[i])) {
            return false;
        }
    }
    profile->consent_count = (uint8_t)count;
    return true;
}

static bool read_number(struct reader *reader, const struct field *field, const json_t *json,
                        void *out)
{
    json_int_t value = json_integer_value(json);
    if (!json_is_integer(json)) {
        return fail(reader, REJECT_BAD_VALUE, field->name, "`%s` is a whole number", field->name);
    }
    if (field->type == FIELD_INT64) {
        *(int64_t *)out = value;
        return true;
    }
    if (value < INT32_MIN || value > INT32_MAX) {
        return fail(reader, REJECT_OUT_OF_RANGE, field->name, "`%s` does not fit 32 bits",
                    field->name);
    }
    *(int32_t *)out = (int32_t)value;
    return true;
}

static bool read_field(struct reader *reader, const struct field *field, json_t *json,
                       struct event *event)
{
    void *out = (uint8_t *)event + field->offset;
    switch (field->type) {
    case FIELD_STRING:
        return keep_text(reader, field->name, json, out);
    case FIELD_INT64:
    case FIELD_INT32:
        return read_number(reader, field, json, out);
    case FIELD_DOUBLE:
        *(double *)out = json_number_value(json);
        return json_is_number(json) ||
               fail(reader, REJECT_BAD_VALUE, field->name, "`%s` is a number", field->name);
    case FIELD_BOOL:
        *(bool *)out = json_is_true(json);
        return json_is_boolean(json) ||
               fail(reader, REJECT_BAD_VALUE, field->name, "`%s` is true or false", field->name);
    case FIELD_TIME:
        return read_time(reader, field->name, json, out);
    case FIELD_DATE:
        return read_date(reader, field->name, json, out);
    case FIELD_CODE:
        return read_code(reader, field->name, field->codes, json, out);
    case FIELD_CODE_SET:
        return read_code_set(reader, field, json, out);
    case FIELD_MAP:
        return read_attributes(reader, field->name, json, &event->app);
    case FIELD_CONSENTS:
        return read_consents(reader, json, &event->profile);
    case FIELD_TYPE_COUNT:
        break;
    }
    return false;
}

static bool fail_unknown(struct reader *reader, enum source source, const char *name)
{
    const struct field_table *table = fields_of(source);
    const char *names[FIELDS_MAX];
    for (uint32_t i = 0; i < table->count; i++) {
        names[i] = table->fields[i].name;
    }
    const char *near = diagnostic_nearest(slice_text(name), names, table->count);
    return fail(reader, REJECT_BAD_VALUE, name, "%s have no field `%.60s`%s%s%s",
                source_name(source), name, near == NULL ? "" : "; did you mean `",
                near == NULL ? "" : near, near == NULL ? "" : "`?");
}

/* The contract's defaults that are not null; each is code 0 (a test compares this with the
 * schemas). A line and the Avro record that `segue feed` makes of it must be the same event. */
static const char *const default_fields[] = {"account_type", "status", "kind"};

static void add_defaults(struct event *event)
{
    for (size_t i = 0; event->source == SOURCE_TRANSACTIONS && i < ARRAY_COUNT(default_fields);
         i++) {
        event->present |= UINT64_C(1)
                          << fields_find(SOURCE_TRANSACTIONS, slice_text(default_fields[i]));
    }
}

static bool read_event(struct reader *reader, enum source source, json_t *json, struct event *event)
{
    const struct field_table *table = fields_of(source);
    const char *name;
    json_t *value;
    if (!json_is_object(json)) {
        return fail(reader, REJECT_EMPTY, "event", "`event` is an object");
    }
    json_object_foreach(json, name, value)
    {
        int32_t index = fields_find(source, slice_text(name));
        if (index < 0) {
            return fail_unknown(reader, source, name);
        }
        if (json_is_null(value)) {
            continue;
        }
        if (!read_field(reader, &table->fields[index], value, event)) {
            return false;
        }
        event->present |= UINT64_C(1) << index;
    }
    add_defaults(event);
    for (uint32_t i = 0; i < table->count; i++) {
        if (table->fields[i].required && !event_has(event, i)) {
            return fail(reader, REJECT_MISSING_FIELD, "event", "%s need `%s`", source_name(source),
                        table->fields[i].name);
        }
    }
    return true;
}

static bool check(struct reader *reader, const struct event *event)
{
    struct reject reject;
    if (event_check(event, &reject)) {
        return true;
    }
    char key[64]; /* of the line: what lies inside it has names that others have too */
    (void)snprintf(key, sizeof key, "%.*s", (int)strcspn(reject.field, "."), reject.field);
    return fail(reader, reject.reason, key, "`%s` is not acceptable: %s", reject.field,
                reject_reason_text(reject.reason));
}

static bool read_erase(struct reader *reader, const json_t *root, struct event *event)
{
    event->profile.erase = true;
    if (!keep_text(reader, "key", json_object_get(root, "key"), &event->customer_id)) {
        return false;
    }
    return event->customer_id.size > 0 && event->customer_id.size <= CUSTOMER_ID_SIZE_MAX
               ? true
               : fail(reader, REJECT_OUT_OF_RANGE, "key",
                      "`key` is a customer id of 1 to 64 bytes");
}

static bool read_line(struct reader *reader, json_t *root, struct event *event)
{
    const char *name;
    json_t *value;
    const char *source_text = json_string_value(json_object_get(root, "source"));
    json_object_foreach(root, name, value)
    {
        if (strcmp(name, "source") != 0 && strcmp(name, "event") != 0 && strcmp(name, "key") != 0) {
            return fail(reader, REJECT_BAD_VALUE, name,
                        "a line has source, event and key, no `%.60s`", name);
        }
    }
    int32_t source = source_text == NULL ? -1 : source_find(slice_text(source_text));
    if (source < 0) {
        return fail(reader, REJECT_BAD_VALUE, "source",
                    "`source` is one of transactions, app-engagement, customer-profiles, "
                    "offer-outcomes, life-event-feedback, scores");
    }
    event->source = (uint8_t)source;
    value = json_object_get(root, "event");
    if (source == SOURCE_CUSTOMER_PROFILES && json_is_null(value)) {
        return read_erase(reader, root, event);
    }
    return read_event(reader, (enum source)source, value, event) && check(reader, event);
}

enum status ndjson_parse(struct slice line, struct arena *arena, struct event *out_event,
                         struct ndjson_error *out_error)
{
    struct reader reader = {line, arena, out_error, STATUS_OK};
    struct event event = {.offset = out_event->offset, .partition = out_event->partition};
    json_error_t error;
    *out_error = (struct ndjson_error){.column = 1};
    if (line.size > NDJSON_LINE_SIZE_MAX) {
        (void)fail(&reader, REJECT_TOO_LARGE, "", "the line is longer than 1 MiB");
        return reader.status;
    }
    json_t *root = json_loadb((const char *)line.data, line.size, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        (void)fail(&reader, REJECT_BAD_VALUE, "", "this is not JSON: %s", error.text);
        out_error->column = error.position > 0 ? (uint32_t)error.position : 1;
    } else if (!json_is_object(root)) {
        (void)fail(&reader, REJECT_BAD_VALUE, "", "a line is an object");
    } else if (read_line(&reader, root, &event)) {
        *out_event = event;
    }
    json_decref(root);
    return reader.status;
}
