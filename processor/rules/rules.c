/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"

#include <stddef.h>
#include <stdio.h>

#include "base/civil.h"
#include "base/invariant.h"
#include "model/fields.h"

/* Slots of SCOPE_PROFILE beyond the fields themselves. */
enum {
    PROFILE_AGE = SCOPE_SLOT_INDEX(RULES_SLOT_AGE),
    PROFILE_TENURE_DAYS = SCOPE_SLOT_INDEX(RULES_SLOT_TENURE_DAYS),
    PROFILE_CONSENT = 128,
    PROFILE_EXPLICIT = 192, /* by purpose */
};
_Static_assert((int)PROFILE_CONSENT + (int)PURPOSE_COUNT * (int)CHANNEL_COUNT <=
                   (int)PROFILE_EXPLICIT,
               "consents fit");
enum { EVENT_TEXT = RULES_EVENT_FIELDS_EACH - 1 }; /* tx.text: made of other fields */
_Static_assert(SOURCE_TRANSACTIONS == 0, "RULES_SLOT_TEXT is of the first source");

#define AT(member) offsetof(struct profile, member)

/* Where the newest profile keeps each field of its source: the order of model/fields.c, checked at
 * start. */
enum kept {
    KEPT_ID,
    KEPT_UPDATED,
    KEPT_TEXT,
    KEPT_ZONE,
    KEPT_CODE,
    KEPT_INT32,
    KEPT_INT64,
    KEPT_DATE,
    KEPT_SET,
    KEPT_BOOL,
    KEPT_CONSENTS
};
static const struct {
    const char *name;
    enum kept kept;
    size_t offset;
    size_t size_offset;
    const struct codes *codes;
} kept_fields[] = {
    {"customer_id", KEPT_ID, 0, 0, NULL},
    {"updated_at", KEPT_UPDATED, AT(updated_at_ms), 0, NULL},
    {"birth_date", KEPT_DATE, AT(birth_day), 0, NULL},
    {"country", KEPT_TEXT, AT(country), AT(country_size), NULL},
    {"region", KEPT_TEXT, AT(region), AT(region_size), NULL},
    {"timezone", KEPT_ZONE, AT(zone), 0, NULL},
    {"occupation", KEPT_TEXT, AT(occupation), AT(occupation_size), NULL},
    {"employment_status", KEPT_CODE, AT(employment_status), 0, &codes_employment_status},
    {"income_band", KEPT_CODE, AT(income_band), 0, &codes_income_band},
    {"dependants", KEPT_INT32, AT(dependants), 0, NULL},
    {"relationship_since", KEPT_DATE, AT(relationship_day), 0, NULL},
    {"risk_profile", KEPT_INT32, AT(risk_profile), 0, NULL},
    {"knowledge", KEPT_SET, AT(knowledge), 0, &codes_product},
    {"products_held", KEPT_SET, AT(products_held), 0, &codes_product},
    {"consents", KEPT_CONSENTS, 0, 0, NULL},
    {"preferred_channel", KEPT_CODE, AT(preferred_channel), 0, &codes_channel},
    {"vulnerability", KEPT_SET, AT(vulnerability), 0, &codes_vulnerability},
    {"complaint_open", KEPT_BOOL, AT(complaint_open), 0, NULL},
    {"lifetime_value_minor", KEPT_INT64, AT(lifetime_value_minor), 0, NULL},
};

static const struct cel_type string_type = {.kind = CEL_STRING};
/* ---- the environment ---- */

struct builder {
    struct arena *arena;
    struct cel_name *names;
    uint32_t count;
    bool full; /* the arena is */
};

static void add(struct builder *b, const char *prefix, const char *name, struct cel_type type,
                uint32_t slot)
{
    size_t size = strlen(prefix) + strlen(name) + 1;
    char *text = arena_take(b->arena, size);
    if (text == NULL) {
        b->full = true;
        return;
    }
    INVARIANT(b->count < RULES_NAMES_MAX);
    (void)snprintf(text, size, "%s%s", prefix, name);
    b->names[b->count++] = (struct cel_name){text, type, slot};
}

static struct cel_type field_type(const struct field *field)
{
    static const enum cel_kind kinds[] = {
        [FIELD_STRING] = CEL_STRING,  [FIELD_INT64] = CEL_INT,   [FIELD_INT32] = CEL_INT,
        [FIELD_DOUBLE] = CEL_DOUBLE,  [FIELD_BOOL] = CEL_BOOL,   [FIELD_TIME] = CEL_TIMESTAMP,
        [FIELD_DATE] = CEL_TIMESTAMP, [FIELD_CODE] = CEL_STRING, [FIELD_CODE_SET] = CEL_LIST,
        [FIELD_MAP] = CEL_MAP,        [FIELD_CONSENTS] = CEL_DYN};
    bool items = field->type == FIELD_CODE_SET || field->type == FIELD_MAP;
    return (struct cel_type){.kind = kinds[field->type],
                             .key = field->type == FIELD_MAP ? &string_type : NULL,
                             .element = items ? &string_type : NULL};
}

static void add_profile(struct builder *b)
{
    const struct field_table *table = fields_of(SOURCE_CUSTOMER_PROFILES);
    INVARIANT(table->count == ARRAY_COUNT(kept_fields));
    for (uint32_t i = 0; i < table->count; i++) {
        INVARIANT(strcmp(table->fields[i].name, kept_fields[i].name) == 0);
        if (kept_fields[i].kept != KEPT_CONSENTS) {
            add(b, "c.", table->fields[i].name, field_type(&table->fields[i]),
                SCOPE_SLOT(SCOPE_PROFILE, i));
        }
    }
    const struct cel_type whole = {.kind = CEL_INT}, yes_no = {.kind = CEL_BOOL};
    add(b, "c.", "age", whole, SCOPE_SLOT(SCOPE_PROFILE, PROFILE_AGE));
    add(b, "c.", "tenure_days", whole, SCOPE_SLOT(SCOPE_PROFILE, PROFILE_TENURE_DAYS));
    for (uint32_t i = 0; i < PURPOSE_COUNT * CHANNEL_COUNT; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%s.%s", codes_text(&codes_purpose, i / CHANNEL_COUNT),
                       codes_text(&codes_channel, i % CHANNEL_COUNT));
        add(b, "c.consents.", name, yes_no, SCOPE_SLOT(SCOPE_PROFILE, PROFILE_CONSENT + i));
    }
    for (uint32_t i = 0; i < PURPOSE_COUNT; i++) {
        add(b, "c.explicit_consent.", codes_text(&codes_purpose, i), yes_no,
            SCOPE_SLOT(SCOPE_PROFILE, PROFILE_EXPLICIT + i));
    }
}

static void add_source(struct builder *b, enum source source)
{
    const struct field_table *table = fields_of(source);
    char prefix[32];
    (void)snprintf(prefix, sizeof(prefix), "%s.", table->prefix);
    for (uint32_t i = 0; i < table->count && source != SOURCE_CUSTOMER_PROFILES; i++) {
        add(b, prefix, table->fields[i].name, field_type(&table->fields[i]),
            SCOPE_SLOT(SCOPE_EVENT, i + RULES_EVENT_FIELDS_EACH * source));
    }
    if (source == SOURCE_TRANSACTIONS) {
        add(b, prefix, "text", string_type, RULES_SLOT_TEXT);
    }
}

const struct cel_environment *rules_environment(enum rules_context context, enum source source,
                                                const struct rules_feature *features,
                                                uint32_t feature_count, const struct zones *zones,
                                                struct arena *arena)
{
    static const enum cel_kind kinds[] = {[FEATURE_INT] = CEL_INT,
                                          [FEATURE_DOUBLE] = CEL_DOUBLE,
                                          [FEATURE_STRING] = CEL_STRING,
                                          [FEATURE_BOOL] = CEL_BOOL,
                                          [FEATURE_TIME] = CEL_TIMESTAMP};
    struct cel_environment *environment = arena_take(arena, sizeof(*environment));
    struct builder b = {.arena = arena,
                        .names = arena_take(arena, RULES_NAMES_MAX * sizeof(*b.names))};
    INVARIANT(feature_count <= RULES_FEATURES_MAX);
    if (environment == NULL || b.names == NULL) {
        return NULL;
    }
    add(&b, "", "now", (struct cel_type){.kind = CEL_TIMESTAMP}, SCOPE_SLOT(SCOPE_NOW, 0));
    add_profile(&b);
    if (context == RULES_EVENT) {
        add_source(&b, source);
    } else {
        const struct cel_type names = {.kind = CEL_LIST, .element = &string_type};
        for (int i = 0; i < SOURCE_COUNT; i++) {
            add_source(&b, (enum source)i);
        }
        for (uint32_t i = 0; i < feature_count; i++) {
            add(&b, "f.", features[i].name, (struct cel_type){.kind = kinds[features[i].type]},
                SCOPE_SLOT(SCOPE_FEATURE, i));
        }
        add(&b, "", "life", names, SCOPE_SLOT(SCOPE_LIFE, 0));
        add(&b, "", "seg", names, SCOPE_SLOT(SCOPE_SEGMENT, 0));
    }
    environment->names = b.names;
    environment->name_count = b.count;
    environment->zones = zones;
    return b.full ? NULL : environment;
}

const struct cel_environment *
rules_environment_with_calendars(const struct cel_environment *environment,
                                 const struct cel_calendar *calendars, uint32_t count,
                                 struct arena *arena)
{
    struct cel_environment *copy = environment == NULL ? NULL : arena_take(arena, sizeof(*copy));
    if (copy != NULL) {
        *copy = *environment;
        copy->calendars = calendars;
        copy->calendar_count = count;
    }
    return copy;
}

const char *rules_slot_name(const struct cel_environment *environment, uint32_t slot)
{
    for (uint32_t i = 0; i < environment->name_count; i++) {
        if (environment->names[i].slot == slot) {
            return environment->names[i].name;
        }
    }
    return "?";
}

/* ---- reading ---- */

static struct cel_value absent(void)
{
    return (struct cel_value){.kind = CEL_ABSENT};
}

static struct cel_value day_value(int32_t day)
{
    return cel_timestamp_ms(day * MS_PER_DAY);
}

static struct cel_value full(void)
{
    return (struct cel_value){.kind = CEL_ERROR, .text = slice_text("out of scratch memory")};
}

static struct cel_value *take(const struct cel_activation *activation, size_t count)
{
    return activation->scratch == NULL
               ? NULL
               : arena_take(activation->scratch, (count + 1) * sizeof(struct cel_value));
}

static struct cel_value code_set(const struct cel_activation *activation, const struct codes *codes,
                                 uint32_t bits)
{
    struct cel_value *items = take(activation, codes->count);
    uint32_t count = 0;
    for (uint32_t i = 0; items != NULL && i < codes->count; i++) {
        if ((bits >> i & 1) != 0) {
            items[count++] = cel_string(slice_text(codes->names[i]));
        }
    }
    return items == NULL ? full() : (struct cel_value){.kind = CEL_LIST, .list = {items, count}};
}

static struct cel_value names_list(const struct cel_activation *activation,
                                   const struct slice *names, uint32_t count)
{
    struct cel_value *items = take(activation, count);
    for (uint32_t i = 0; items != NULL && i < count; i++) {
        items[i] = cel_string(names[i]);
    }
    return items == NULL ? full() : (struct cel_value){.kind = CEL_LIST, .list = {items, count}};
}

static struct cel_value attributes(const struct cel_activation *activation,
                                   const struct engagement *app)
{
    struct cel_value *items = take(activation, (size_t)2 * app->attribute_count);
    for (uint32_t i = 0; items != NULL && i < app->attribute_count; i++) {
        items[(size_t)2 * i] = cel_string(app->attributes[i].name);
        items[(size_t)2 * i + 1] = cel_string(app->attributes[i].value);
    }
    return items == NULL
               ? full()
               : (struct cel_value){.kind = CEL_MAP, .list = {items, app->attribute_count}};
}

static struct cel_value age(const struct scope *scope, const struct profile *profile)
{
    if (!profile_has(profile, PROFILE_BIRTH_DATE)) {
        return absent();
    }
    struct civil_date date =
        civil_date(zones_local_day(scope->zones, profile->zone, scope->now_ms));
    struct civil_date birth = civil_date(profile->birth_day);
    bool before = date.month < birth.month || (date.month == birth.month && date.day < birth.day);
    return cel_int((int64_t)date.year - birth.year - before);
}

/* A birthday on 29 February is kept on 1 March: civil_day moves a day that is not there to the next. */
static int32_t next_birthday(const struct profile *profile, int32_t today)
{
    struct civil_date next = civil_date(profile->birth_day);
    next.year = civil_date(today).year;
    if (civil_day(next) <= today) {
        next.year++;
    }
    return civil_day(next);
}

static int64_t next_birthday_ms(const struct scope *scope, const struct profile *profile)
{
    int32_t today = zones_local_day(scope->zones, profile->zone, scope->now_ms);
    return zones_day_start_ms(scope->zones, profile->zone, next_birthday(profile, today));
}

int32_t rules_age_until(const struct profile *profile, int32_t today)
{
    return profile_has(profile, PROFILE_BIRTH_DATE) ? next_birthday(profile, today) : INT32_MAX;
}

static int64_t tenure_reaches_ms(const struct rules_watch *watch, const struct scope *scope,
                                 const struct profile *profile)
{
    int64_t days = (int64_t)zones_local_day(scope->zones, profile->zone, scope->now_ms) -
                   profile->relationship_day;
    int64_t next = watch->tenure_any ? days + 1 : INT64_MAX;
    for (uint32_t i = 0; i < watch->tenure_threshold_count; i++) {
        int64_t threshold = watch->tenure_thresholds[i];
        next = threshold > days && threshold < next ? threshold : next;
    }
    /* A relationship that outlives the calendar needs no deadline. */
    return next > INT32_MAX / 4 ? INT64_MAX
                                : zones_day_start_ms(scope->zones, profile->zone,
                                                     (int32_t)next + profile->relationship_day);
}

int64_t rules_next_change(const struct rules_watch *watch, const struct scope *scope)
{
    const struct profile *profile = &scope->customer->profile;
    int64_t next_ms = INT64_MAX;
    if (watch->age && profile_has(profile, PROFILE_BIRTH_DATE)) {
        next_ms = next_birthday_ms(scope, profile);
    }
    if (watch->tenure && profile_has(profile, PROFILE_RELATIONSHIP_SINCE)) {
        int64_t tenure_ms = tenure_reaches_ms(watch, scope, profile);
        next_ms = tenure_ms < next_ms ? tenure_ms : next_ms;
    }
    return next_ms;
}

static struct cel_value consent(const struct profile *profile, uint32_t index)
{
    uint8_t status = profile->consents[index / CHANNEL_COUNT][index % CHANNEL_COUNT].status;
    return status == CONSENT_NONE ? absent() : cel_bool(status == CONSENT_GRANTED);
}

/* Granted, on some channel, with consent as its basis. Who was never asked has not consented. */
static struct cel_value explicit_consent(const struct profile *profile, uint32_t purpose)
{
    for (uint32_t i = 0; i < CHANNEL_COUNT; i++) {
        if (profile->consents[purpose][i].status == CONSENT_GRANTED &&
            profile->consents[purpose][i].basis == BASIS_CONSENT) {
            return cel_bool(true);
        }
    }
    return cel_bool(false);
}

static struct cel_value derived(const struct scope *scope, uint32_t index)
{
    const struct profile *profile = &scope->customer->profile;
    if (index >= PROFILE_EXPLICIT && index - PROFILE_EXPLICIT < PURPOSE_COUNT) {
        return explicit_consent(profile, index - PROFILE_EXPLICIT);
    }
    if (profile->updated_at_ms == INT64_MIN) {
        return absent();
    }
    if (index == PROFILE_AGE) {
        return age(scope, profile);
    }
    if (index == PROFILE_TENURE_DAYS) {
        return !profile_has(profile, PROFILE_RELATIONSHIP_SINCE)
                   ? absent()
                   : cel_int((int64_t)zones_local_day(scope->zones, profile->zone, scope->now_ms) -
                             profile->relationship_day);
    }
    bool known =
        index >= PROFILE_CONSENT && index - PROFILE_CONSENT < PURPOSE_COUNT * CHANNEL_COUNT;
    return known ? consent(profile, index - PROFILE_CONSENT) : absent();
}

static struct cel_value read_profile(const struct cel_activation *activation,
                                     const struct scope *scope, uint32_t index)
{
    const struct profile *profile = scope->customer == NULL ? NULL : &scope->customer->profile;
    if (profile == NULL || index >= ARRAY_COUNT(kept_fields)) {
        return profile == NULL ? absent() : derived(scope, index);
    }
    enum kept kept = kept_fields[index].kept;
    const void *at = (const char *)profile + kept_fields[index].offset;
    if (kept == KEPT_ID) {
        return cel_string(customer_id(scope->customer));
    }
    if (kept == KEPT_ZONE) {
        return scope->zones == NULL
                   ? absent()
                   : cel_string(slice_text(zones_name(scope->zones, profile->zone)));
    }
    if (profile->updated_at_ms == INT64_MIN ||
        (kept != KEPT_UPDATED && !profile_has(profile, index))) {
        return absent();
    }
    switch ((int)kept) {
    case KEPT_UPDATED:
        return cel_timestamp_ms(profile->updated_at_ms);
    case KEPT_TEXT:
        return cel_string(
            slice_of(at, *((const uint8_t *)profile + kept_fields[index].size_offset)));
    case KEPT_CODE:
        return cel_string(slice_text(codes_text(kept_fields[index].codes, *(const uint8_t *)at)));
    case KEPT_INT32:
        return cel_int(*(const int32_t *)at);
    case KEPT_INT64:
        return cel_int(*(const int64_t *)at);
    case KEPT_DATE:
        return day_value(*(const int32_t *)at);
    case KEPT_SET:
        return code_set(activation, kept_fields[index].codes, *(const uint32_t *)at);
    case KEPT_BOOL:
        return cel_bool(*(const bool *)at);
    default:
        return absent();
    }
}

/* What a transaction says in words, in lower case: "NAME MERCHANT REFERENCE". */
static struct cel_value transaction_text(const struct cel_activation *activation,
                                         const struct transaction *tx)
{
    const struct slice parts[] = {tx->counterparty_name, tx->merchant_name, tx->reference};
    size_t size = 0;
    char *text = activation->scratch == NULL
                     ? NULL
                     : arena_take(activation->scratch, parts[0].size + parts[1].size +
                                                           parts[2].size + ARRAY_COUNT(parts));
    if (text == NULL) {
        return full();
    }
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        if (parts[i].size > 0 && size > 0) {
            text[size++] = ' ';
        }
        for (size_t k = 0; k < parts[i].size; k++) {
            uint8_t c = parts[i].data[k];
            text[size++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        }
    }
    return cel_string(slice_of(text, size));
}

static struct cel_value read_event(const struct cel_activation *activation,
                                   const struct event *event, uint32_t index)
{
    uint32_t source = index / RULES_EVENT_FIELDS_EACH, at = index % RULES_EVENT_FIELDS_EACH;
    if (event == NULL || event->source != source) {
        return absent();
    }
    if (source == SOURCE_TRANSACTIONS && at == EVENT_TEXT) {
        return transaction_text(activation, &event->tx);
    }
    if (!event_has(event, at)) {
        return absent();
    }
    const struct field *field = &fields_of((enum source)source)->fields[at];
    const void *value = (const char *)event + field->offset;
    switch ((int)field->type) {
    case FIELD_STRING:
        return cel_string(*(const struct slice *)value);
    case FIELD_INT64:
        return cel_int(*(const int64_t *)value);
    case FIELD_INT32:
        return cel_int(*(const int32_t *)value);
    case FIELD_DOUBLE:
        return cel_double(*(const double *)value);
    case FIELD_BOOL:
        return cel_bool(*(const bool *)value);
    case FIELD_TIME:
        return cel_timestamp_ms(*(const int64_t *)value);
    case FIELD_DATE:
        return day_value(*(const int32_t *)value);
    case FIELD_CODE:
        return cel_string(slice_text(codes_text(field->codes, *(const uint8_t *)value)));
    case FIELD_CODE_SET:
        return code_set(activation, field->codes, *(const uint32_t *)value);
    case FIELD_MAP:
        return attributes(activation, &event->app);
    default:
        return absent();
    }
}

static struct cel_value read_feature(const struct scope *scope, uint32_t index)
{
    const struct feature_value *value = scope_feature(scope, index);
    if (value == NULL || !value->present) {
        return absent();
    }
    switch ((int)value->type) {
    case FEATURE_INT:
        return cel_int(value->i);
    case FEATURE_DOUBLE:
        return cel_double(value->d);
    case FEATURE_STRING:
        return cel_string(value->text);
    case FEATURE_BOOL:
        return cel_bool(value->i != 0);
    default:
        return cel_timestamp_ms(value->i);
    }
}

struct cel_value rules_read(const struct cel_activation *activation, uint32_t slot)
{
    const struct scope *scope = activation->context;
    uint32_t index = SCOPE_SLOT_INDEX(slot);
    switch ((int)SCOPE_SLOT_SPACE(slot)) {
    case SCOPE_FEATURE:
        return read_feature(scope, index);
    case SCOPE_NOW:
        scope_reads(scope, SCOPE_READ_CLOCK);
        return cel_timestamp_ms(scope->now_ms);
    case SCOPE_PROFILE:
        return read_profile(activation, scope, index);
    case SCOPE_EVENT:
        scope_reads(scope, SCOPE_READ_EVENT);
        return read_event(activation, scope->event, index);
    case SCOPE_LIFE:
        return names_list(activation, scope->life, scope->life_count);
    case SCOPE_SEGMENT:
        return names_list(activation, scope->segments, scope->segment_count);
    default:
        return absent();
    }
}
