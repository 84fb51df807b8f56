/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the configuration that are no plain keys: Kafka's pass-through, sources with their
 * mapping, names of topics. */
#include <stdlib.h>

#include "settings/parse.h"

static const char *const default_topics[SOURCE_COUNT] = {
    "bank.transactions",   "bank.app-engagement",      "bank.customer-profiles",
    "bank.offer-outcomes", "bank.life-event-feedback", "bank.scores"};

const char *settings_default_topic(enum source source)
{
    return (unsigned)source < SOURCE_COUNT ? default_topics[source] : "?";
}

const char *settings_start_name(enum settings_start start)
{
    static const char *const names[] = {"unset", "earliest", "latest", "time"};
    return (unsigned)start < 4 ? names[start] : "?";
}

/* A property that holds a secret must come from a file. */
static bool is_secret(struct slice name)
{
    static const char *const secrets[] = {"sasl.password", "ssl.key.password",
                                          "ssl.keystore.password", "sasl.oauthbearer.client.secret",
                                          "ssl.key.pem"};
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        if (slice_is(name, secrets[i])) {
            return true;
        }
    }
    return false;
}

static void parse_property(struct parse *parse, const struct yaml_node *node)
{
    struct settings *settings = parse->settings;
    struct slice name = node->key->text, value;
    if (settings->property_count == SETTINGS_PROPERTIES_MAX) {
        yaml_error(node, parse->diagnostics, NULL, "at most %d Kafka properties",
                   SETTINGS_PROPERTIES_MAX);
        return;
    }
    const char *text = NULL;
    if (name.size > 5 && memcmp(name.data + name.size - 5, "_file", 5) == 0) {
        name.size -= 5;
        text = parse_secret(parse, node);
    } else if (is_secret(name)) {
        char mend[200];
        (void)snprintf(mend, sizeof(mend), "write it into a file and name that: %.*s_file: PATH",
                       SLICE_ARG(name));
        diagnostics_add(parse->diagnostics, DIAGNOSTIC_ERROR, node->key->span, mend,
                        "a secret in the configuration");
        return;
    } else if (yaml_text(node, parse->diagnostics, &value)) {
        text = parse_copy(parse, value);
    }
    if (text != NULL) {
        settings->properties[settings->property_count++] =
            (struct settings_property){parse_copy(parse, name), text};
    }
}

void parse_kafka(struct parse *parse, const struct yaml_node *node)
{
    parse->settings->brokers = "127.0.0.1:9092";
    if (!yaml_is_mapping(node, parse->diagnostics)) {
        return;
    }
    for (const struct yaml_node *value = node->first; value != NULL; value = value->next) {
        struct slice text;
        if (slice_is(value->key->text, "brokers")) {
            if (yaml_text(value, parse->diagnostics, &text)) {
                parse->settings->brokers = parse_copy(parse, text);
            }
        } else if (slice_is(value->key->text, "bootstrap.servers")) {
            diagnostics_add(parse->diagnostics, DIAGNOSTIC_ERROR, value->key->span,
                            "call it `brokers`", "bootstrap.servers is not passed through");
        } else {
            parse_property(parse, value);
        }
    }
}

static void parse_values(struct parse *parse, const struct yaml_node *node,
                         const struct field *field, struct field_mapping *mapping)
{
    if (!yaml_is_mapping(node, parse->diagnostics)) {
        return;
    }
    if (field->codes == NULL) {
        diagnostics_add(parse->diagnostics, DIAGNOSTIC_ERROR, node->key->span, "leave it away",
                        "`%s` is no code: it has no values to map", field->name);
        return;
    }
    struct mapping_value *values = arena_take(parse->arena, (node->count + 1) * sizeof(*values));
    uint32_t count = 0;
    for (const struct yaml_node *value = node->first; values != NULL && value != NULL;
         value = value->next) {
        uint8_t code;
        if (yaml_code(value, parse->diagnostics, field->codes, &code)) {
            values[count].theirs = slice_text(parse_copy(parse, value->key->text));
            values[count++].ours = slice_text(codes_text(field->codes, code));
        }
    }
    mapping->values = values;
    mapping->value_count = count;
}

static void parse_field(struct parse *parse, const struct yaml_node *node,
                        const struct field *field, struct field_mapping *mapping)
{
    static const char *const known[] = {"path", "constant", "scale", "unit", "values"};
    static const char *const units[] = {"schema", "seconds", "millis", "micros"};
    struct slice text;
    int64_t scale;
    uint32_t unit;
    if (node->kind == YAML_SCALAR) {
        if (yaml_text(node, parse->diagnostics, &text)) {
            mapping->path = slice_text(parse_copy(parse, text));
        }
        return;
    }
    if (!yaml_is_mapping(node, parse->diagnostics)) {
        return;
    }
    yaml_refuse_unknown(node, known, 5, parse->diagnostics);
    if (yaml_text(yaml_get(node, "path"), parse->diagnostics, &text)) {
        mapping->path = slice_text(parse_copy(parse, text));
    }
    if (yaml_text(yaml_get(node, "constant"), parse->diagnostics, &text)) {
        mapping->constant = slice_text(parse_copy(parse, text));
        mapping->has_constant = true;
    }
    if (yaml_integer(yaml_get(node, "scale"), parse->diagnostics, 0, MAPPING_SCALE_MAX, &scale)) {
        mapping->scale = (uint8_t)scale;
        mapping->has_scale = true;
    }
    if (yaml_word(yaml_get(node, "unit"), parse->diagnostics, units, 4, &unit)) {
        mapping->unit = (enum mapping_unit)unit;
    }
    parse_values(parse, yaml_get(node, "values"), field, mapping);
}

static void parse_fields(struct parse *parse, const struct yaml_node *node,
                         struct source_mapping *mapping)
{
    const struct field_table *table = fields_of(mapping->source);
    const char *known[FIELDS_MAX];
    if (!yaml_is_mapping(node, parse->diagnostics)) {
        return;
    }
    for (uint32_t i = 0; i < table->count; i++) {
        const struct yaml_node *value = yaml_get(node, table->fields[i].name);
        known[i] = table->fields[i].name;
        if (value != NULL) {
            parse_field(parse, value, &table->fields[i], &mapping->fields[i]);
        }
    }
    yaml_refuse_unknown(node, known, table->count, parse->diagnostics);
}

static void parse_start(struct parse *parse, const struct yaml_node *node,
                        struct settings_source *source)
{
    if (node == NULL) {
        return;
    }
    if (node->kind == YAML_SCALAR && slice_is(node->text, "earliest")) {
        source->start = START_EARLIEST;
    } else if (node->kind == YAML_SCALAR && slice_is(node->text, "latest")) {
        source->start = START_LATEST;
    } else if (yaml_time(node, parse->diagnostics, &source->start_ms)) {
        source->start = START_TIME;
    } else {
        struct diagnostics *all = parse->diagnostics;
        if (all->count > 0) {
            struct diagnostic *last = &all->list[all->count - 1];
            (void)snprintf(last->mend, sizeof(last->mend),
                           "write earliest, latest, or a moment like 2026-11-25T10:00:00Z");
        }
    }
}

void parse_sources(struct parse *parse, const struct yaml_node *node)
{
    static const char *const known[] = {"topic", "start", "stale_after", "repartition", "fields"};
    static const char *const how[] = {"off", "partitions", "key"};
    const char *names[SOURCE_COUNT];
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        parse->settings->sources[i].mapping.source = (enum source)i;
        parse->settings->sources[i].topic = default_topics[i];
        names[i] = source_name((enum source)i);
    }
    if (!yaml_is_mapping(node, parse->diagnostics)) {
        return;
    }
    yaml_refuse_unknown(node, names, SOURCE_COUNT, parse->diagnostics);
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        struct settings_source *source = &parse->settings->sources[i];
        const struct yaml_node *value = yaml_get(node, names[i]);
        struct slice text;
        uint32_t word;
        if (value == NULL) {
            continue;
        }
        source->used = true;
        if (value->kind == YAML_SCALAR && value->text.size == 0) {
            continue; /* `transactions:` alone: every default */
        }
        if (!yaml_is_mapping(value, parse->diagnostics)) {
            continue;
        }
        yaml_refuse_unknown(value, known, 5, parse->diagnostics);
        if (yaml_text(yaml_get(value, "topic"), parse->diagnostics, &text)) {
            source->topic = parse_copy(parse, text);
        }
        if (yaml_word(yaml_get(value, "repartition"), parse->diagnostics, how, 3, &word)) {
            source->repartition = (enum settings_repartition)word;
        }
        parse_start(parse, yaml_get(value, "start"), source);
        (void)yaml_duration_ms(yaml_get(value, "stale_after"), parse->diagnostics, 0,
                               INT64_C(366) * 86400000, &source->stale_after_ms);
        parse_fields(parse, yaml_get(value, "fields"), &source->mapping);
    }
}

static const char *topic_name(struct parse *parse, const char *name)
{
    char whole[300];
    (void)snprintf(whole, sizeof(whole), "%s%s", parse->settings->topic_prefix, name);
    return parse_copy(parse, slice_text(whole));
}

void parse_topics(struct parse *parse, const struct yaml_node *node)
{
    struct settings *settings = parse->settings;
    const char *known[OUTPUT_KIND_COUNT + 4] = {"prefix", "journal", "checkpoints", "playbook"};
    struct slice text;
    settings->topic_prefix = "segue.";
    bool given = yaml_is_mapping(node, parse->diagnostics);
    if (given && yaml_text(yaml_get(node, "prefix"), parse->diagnostics, &text)) {
        settings->topic_prefix = parse_copy(parse, text);
    }
    const char **internal[] = {&settings->journal_topic, &settings->checkpoint_topic,
                               &settings->playbook_topic};
    for (uint32_t i = 0; i < OUTPUT_KIND_COUNT + 3; i++) {
        bool output = i < OUTPUT_KIND_COUNT;
        const char *name =
            output ? output_topic((enum output_kind)i) : known[1 + i - OUTPUT_KIND_COUNT];
        const char **at = output ? &settings->topics[i] : internal[i - OUTPUT_KIND_COUNT];
        *at = topic_name(parse, name);
        if (output) {
            known[4 + i] = name;
        }
        if (given && yaml_text(yaml_get(node, name), parse->diagnostics, &text)) {
            *at = parse_copy(parse, text);
        }
    }
    if (given) {
        yaml_refuse_unknown(node, known, OUTPUT_KIND_COUNT + 4, parse->diagnostics);
    }
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        struct settings_source *source = &settings->sources[i];
        char name[64];
        (void)snprintf(name, sizeof(name), "repartition.%s", source_name((enum source)i));
        source->task_topic =
            source->repartition == REPARTITION_OFF ? source->topic : topic_name(parse, name);
    }
}

bool settings_repartitions(const struct settings *settings)
{
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        if (settings->sources[i].used && settings->sources[i].repartition != REPARTITION_OFF) {
            return true;
        }
    }
    return false;
}

void sources_print_defaults(FILE *out)
{
    (void)fputs("kafka:\n  brokers: 127.0.0.1:9092           # and any librdkafka property; "
                "secrets as NAME_file\n"
                "sources:                              # those that are named are read\n",
                out);
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        (void)fprintf(out,
                      "  # %s: {topic: %s, start: earliest|latest|TIME, stale_after: 0s, "
                      "repartition: off|partitions|key, fields: {}}\n",
                      source_name((enum source)i), default_topics[i]);
    }
    (void)fputs("topics:\n  prefix: segue.                      # then:", out);
    for (uint32_t i = 0; i < OUTPUT_KIND_COUNT; i++) {
        (void)fprintf(out, " %s", output_topic((enum output_kind)i));
    }
    (void)fputs(" journal checkpoints playbook\n", out);
}
