/* SPDX-License-Identifier: Apache-2.0 */
#include "support/codec_samples.h"

#include <stdio.h>

#include "codec/shape.h"

static struct slice text(struct random *random, struct arena *arena, size_t size_max)
{
    static const char *const pieces[] = {
        "a", "Z", "0", "\"", "\\", "\n", "\xc3\xa9", "\xf0\x9f\x98\x80", " "};
    char out[256];
    size_t size = 0, pick = 1 + random_below(random, 12);
    for (size_t i = 0; i < pick; i++) {
        const char *piece = pieces[random_below(random, sizeof pieces / sizeof pieces[0])];
        if (size + strlen(piece) <= size_max) {
            memcpy(out + size, piece, strlen(piece));
            size += strlen(piece);
        }
    }
    return size == 0 ? arena_copy(arena, slice_text("x")) : arena_copy(arena, slice_of(out, size));
}

static int64_t moment(struct random *random)
{
    return random_between(random, INT64_C(-2000000000000), INT64_C(4000000000000));
}

static void consents(struct random *random, struct profile_update *profile)
{
    profile->consent_count = (uint8_t)random_below(random, 4);
    for (uint8_t i = 0; i < profile->consent_count; i++) {
        profile->consents[i] =
            (struct consent){moment(random), (uint8_t)random_below(random, PURPOSE_COUNT),
                             (uint8_t)random_below(random, CHANNEL_COUNT),
                             (uint8_t)random_between(random, 1, CONSENT_STATUS_COUNT - 1),
                             (uint8_t)random_below(random, LAWFUL_BASIS_COUNT)};
    }
}

static void sample_field(struct random *random, const struct field *field, struct arena *arena,
                         struct event *out)
{
    void *place = (uint8_t *)out + field->offset;
    bool amount = strcmp(field->name, "amount_minor") == 0;
    switch (field->type) {
    case FIELD_STRING:
        *(struct slice *)place = strcmp(field->name, "currency") == 0
                                     ? arena_copy(arena, slice_text("GBP"))
                                     : text(random, arena, CUSTOMER_ID_SIZE_MAX);
        break;
    case FIELD_INT64:
        *(int64_t *)place = amount ? random_between(random, 1, EVENT_AMOUNT_MINOR_MAX)
                                   : (int64_t)random_next(random);
        break;
    case FIELD_INT32:
        *(int32_t *)place = (int32_t)random_between(random, 1, 7);
        break;
    case FIELD_DOUBLE:
        *(double *)place = random_unit(random) * 1000 - 500;
        break;
    case FIELD_BOOL:
        *(bool *)place = random_chance(random, 0.5);
        break;
    case FIELD_TIME:
        *(int64_t *)place = moment(random);
        break;
    case FIELD_DATE:
        *(int32_t *)place = (int32_t)random_between(random, -20000, 20000);
        break;
    case FIELD_CODE:
        *(uint8_t *)place = (uint8_t)random_below(random, field->codes->count);
        break;
    case FIELD_CODE_SET:
        *(uint32_t *)place = (uint32_t)random_below(random, UINT64_C(1) << field->codes->count);
        *(uint32_t *)place = random_chance(random, 0.3) ? 1 : *(uint32_t *)place;
        break;
    case FIELD_MAP:
        out->app.attribute_count = (uint8_t)random_below(random, 4);
        for (uint8_t i = 0; i < out->app.attribute_count; i++) {
            static const char *const names[] = {"a", "b", "c"};
            out->app.attributes[i] =
                (struct attribute){slice_text(names[i]), text(random, arena, 40)};
        }
        break;
    case FIELD_CONSENTS:
        consents(random, &out->profile);
        break;
    case FIELD_TYPE_COUNT:
        break;
    }
}

void sample_event(struct random *random, enum source source, struct arena *arena, struct event *out)
{
    const struct field_table *table = fields_of(source);
    *out = (struct event){.source = (uint8_t)source};
    for (uint32_t i = 0; i < table->count; i++) {
        bool has_default = source == SOURCE_TRANSACTIONS && table->fields[i].type == FIELD_CODE &&
                           strcmp(table->fields[i].name, "channel") != 0;
        if (table->fields[i].required || has_default || random_chance(random, 0.7)) {
            sample_field(random, &table->fields[i], arena, out);
            out->present |= UINT64_C(1) << i;
        }
    }
}

static void sample_shape(struct random *random, const struct shape *shape, struct arena *arena,
                         uint8_t *base);

static void sample_list(struct random *random, const struct shape_field *field, struct arena *arena,
                        uint8_t *base)
{
    uint32_t count = (uint32_t)random_below(random, 4);
    bool texts = field->type == SHAPE_TEXTS;
    size_t size = texts ? sizeof(struct slice) : field->items->size;
    uint8_t *items = arena_take(arena, count * size + 1);
    for (uint32_t i = 0; i < count; i++) {
        if (texts) {
            ((struct slice *)(void *)items)[i] = text(random, arena, 40);
        } else {
            sample_shape(random, field->items, arena, items + i * size);
        }
    }
    memcpy(base + field->offset, &items, sizeof items);
    memcpy(base + field->count_offset, &count, sizeof count);
}

static void sample_shape_field(struct random *random, const struct shape_field *field,
                               struct arena *arena, uint8_t *base)
{
    uint8_t *place = base + field->offset;
    bool null = field->nullable && random_chance(random, 0.4);
    int64_t number = random_between(random, 1, 1000000);
    struct slice string;
    double real = random_unit(random);
    switch (field->type) {
    case SHAPE_STRING:
        string = null ? slice_text("") : text(random, arena, 60);
        memcpy(place, &string, sizeof string);
        break;
    case SHAPE_BOOL:
        *place = number % 2 != 0;
        break;
    case SHAPE_INT32:
    case SHAPE_UINT32:
    case SHAPE_DATE:
    case SHAPE_CODE_SET:
        memcpy(place, &number, 4);
        break;
    case SHAPE_TIME:
        number = null ? (number % 2 != 0 ? 0 : INT64_MAX) : number;
        memcpy(place, &number, 8);
        break;
    case SHAPE_INT64:
    case SHAPE_UINT64:
    case SHAPE_HASH:
        memcpy(place, &number, 8);
        break;
    case SHAPE_DOUBLE:
        memcpy(place, &real, sizeof real);
        break;
    case SHAPE_CODE:
    case SHAPE_CODE_OR_NULL:
        *place = (uint8_t)random_below(random, field->codes->count);
        break;
    case SHAPE_TOPIC:
        *place = (uint8_t)random_below(random, SOURCE_COUNT);
        break;
    case SHAPE_REASON:
        *place = (uint8_t)random_below(random, REJECT_REASON_COUNT);
        break;
    case SHAPE_CAUSE:
        ((struct cause *)(void *)place)->source = SOURCE_COUNT;
        if (!null) {
            sample_shape(random, field->items, arena, place);
        }
        break;
    case SHAPE_RECORD:
        sample_shape(random, field->items, arena, place);
        break;
    case SHAPE_LIST:
    case SHAPE_TEXTS:
        sample_list(random, field, arena, base);
        break;
    case SHAPE_PROCESSED_AT:
    case SHAPE_INLINE_LIST:
    case SHAPE_MAP:
    case SHAPE_TYPE_COUNT:
        break;
    }
}

static void sample_shape(struct random *random, const struct shape *shape, struct arena *arena,
                         uint8_t *base)
{
    for (uint32_t i = 0; i < shape->count; i++) {
        sample_shape_field(random, &shape->fields[i], arena, base);
    }
}

void sample_output(struct random *random, enum output_kind kind, struct arena *arena,
                   struct output *out)
{
    *out = (struct output){.kind = kind,
                           .key = text(random, arena, 60),
                           .customer_id = text(random, arena, 60),
                           .id = {random_next(random), random_next(random)},
                           .sequence = random_below(random, 1000),
                           .effective_at_ms = moment(random)};
    sample_shape(random, shape_of_output(kind), arena, (uint8_t *)out);
}

const struct encode_facts *sample_facts(void)
{
    static struct encode_facts facts;
    facts.processed_at_ms = INT64_C(1795600800123);
    facts.application = slice_text("retail");
    for (int i = 0; i < SOURCE_COUNT; i++) {
        facts.topics[i] = slice_text("bank.topic");
    }
    return &facts;
}

static bool attributes_equal(const struct engagement *a, const struct engagement *b)
{
    bool same = a->attribute_count == b->attribute_count;
    for (uint8_t i = 0; same && i < a->attribute_count; i++) {
        same = slice_equal(a->attributes[i].name, b->attributes[i].name) &&
               slice_equal(a->attributes[i].value, b->attributes[i].value);
    }
    return same;
}

static bool consents_equal(const struct profile_update *a, const struct profile_update *b)
{
    bool same = a->consent_count == b->consent_count;
    for (uint8_t i = 0; same && i < a->consent_count; i++) {
        const struct consent *x = &a->consents[i], *y = &b->consents[i];
        same = x->updated_at_ms == y->updated_at_ms && x->purpose == y->purpose &&
               x->channel == y->channel && x->status == y->status && x->basis == y->basis;
    }
    return same;
}

bool events_equal(const struct event *a, const struct event *b)
{
    static const size_t sizes[] = {0, 8, 4, sizeof(double), 1, 8, 4, 1, 4, 0, 0};
    const struct field_table *table = fields_of((enum source)a->source);
    bool same = a->source == b->source && a->present == b->present;
    for (uint32_t i = 0; same && i < table->count; i++) {
        const struct field *field = &table->fields[i];
        const uint8_t *x = (const uint8_t *)a + field->offset,
                      *y = (const uint8_t *)b + field->offset;
        if (!event_has(a, i)) {
            continue;
        }
        if (field->type == FIELD_STRING) {
            same = slice_equal(*(const struct slice *)(const void *)x,
                               *(const struct slice *)(const void *)y);
        } else if (field->type == FIELD_MAP) {
            same = attributes_equal(&a->app, &b->app);
        } else if (field->type == FIELD_CONSENTS) {
            same = consents_equal(&a->profile, &b->profile);
        } else {
            same = memcmp(x, y, sizes[field->type]) == 0;
        }
        if (!same) {
            (void)printf("# %s differs\n", field->name);
        }
    }
    return same;
}
