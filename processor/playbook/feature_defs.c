/* SPDX-License-Identifier: Apache-2.0 */
/* `features:` -> struct feature_def. One key says the kind and of what: {sum: tx.amount_minor,
 * window: 90d}. */
#include <stdlib.h>

#include "playbook/loader.h"
#include "playbook/reach.h"

bool load_publish(struct loader *loader, const struct yaml_node *node)
{
    bool publish = false;
    (void)yaml_bool(yaml_get(node, "publish"), loader->diagnostics, &publish);
    return publish;
}

struct feature_facts *load_name(struct loader *loader, uint32_t definition, struct slice name,
                                enum feature_value_type type)
{
    struct playbook *playbook = loader->playbook;
    const struct yaml_node *node = loader->sections[PLAYBOOK_FEATURE].list[definition].node;
    if (playbook->name_count == RULES_FEATURES_MAX) {
        yaml_error(node->key, loader->diagnostics, "a series counts as 11", "more than %d features",
                   RULES_FEATURES_MAX);
        return NULL;
    }
    struct rules_feature *names =
        (struct rules_feature *)playbook->names; /* ours until the end of loading */
    names[playbook->name_count] = (struct rules_feature){(const char *)name.data, type};
    struct feature_facts *facts = &loader->facts[playbook->name_count++];
    *facts = (struct feature_facts){.name = name, .node = node, .definition = definition};
    return facts;
}

/* ---- of what ---- */

/* tx, app, ... at the start of `text`, or -1. */
static int32_t source_of_prefix(struct slice text)
{
    for (int32_t i = 0; i < SOURCE_COUNT; i++) {
        const char *prefix = fields_of((enum source)i)->prefix;
        size_t size = strlen(prefix);
        if (text.size >= size && memcmp(text.data, prefix, size) == 0 &&
            (text.size == size || text.data[size] == '.')) {
            return i;
        }
    }
    return -1;
}

/* The source that an expression is about: the first prefix followed by a dot. */
static int32_t source_of_expression(struct slice text)
{
    for (size_t at = 0; at < text.size; at++) {
        bool starts = at == 0 || memchr(" (!+-*/<>=&|?:,[", text.data[at - 1], 16) != NULL;
        int32_t source = starts ? source_of_prefix(slice_of(text.data + at, text.size - at)) : -1;
        if (source >= 0 && at + strlen(fields_of((enum source)source)->prefix) < text.size) {
            return source;
        }
    }
    return -1;
}

static void load_source(struct loader *loader, const struct yaml_node *node,
                        const struct yaml_node *what, struct feature_def *def)
{
    const char *names[SOURCE_COUNT];
    uint32_t given;
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        names[i] = source_name((enum source)i);
    }
    int32_t source = source_of_prefix(what->text);
    source = source < 0 ? source_of_expression(what->text) : source;
    if (yaml_word(yaml_get(node, "source"), loader->diagnostics, names, SOURCE_COUNT, &given)) {
        source = (int32_t)given;
    }
    if (source == SOURCE_CUSTOMER_PROFILES) {
        yaml_error(what, loader->diagnostics, "rules read it as c.NAME",
                   "a profile is no event to count");
        source = SOURCE_TRANSACTIONS;
    }
    def->source = source < 0 ? SOURCE_TRANSACTIONS : (enum source)source;
}

/* `event.time` and the like. */
static bool load_fact(struct slice text, struct feature_def *def)
{
    static const struct {
        const char *name;
        enum feature_value_from from;
    } facts[] = {{"event.time", FEATURE_FROM_TIME},
                 {"event.day", FEATURE_FROM_DAY},
                 {"event.partition", FEATURE_FROM_PARTITION},
                 {"event.offset", FEATURE_FROM_OFFSET}};
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        if (slice_is(text, facts[i].name)) {
            def->from = facts[i].from;
            return true;
        }
    }
    return false;
}

static void load_value(struct loader *loader, const struct yaml_node *what, struct feature_def *def,
                       enum feature_needs needs)
{
    struct slice text = what->text;
    const struct field_table *table = fields_of(def->source);
    size_t prefix = strlen(table->prefix);
    def->value_text = calendars_text(loader, what);
    canon_text(loader, "value", def->value_text);
    if (load_fact(text, def)) {
        return;
    }
    int32_t field =
        source_of_prefix(text) == (int32_t)def->source && text.size > prefix + 1
            ? fields_find(def->source, slice_of(text.data + prefix + 1, text.size - prefix - 1))
            : -1;
    enum field_type type = field < 0 ? FIELD_TYPE_COUNT : table->fields[field].type;
    if (field >= 0 && type != FIELD_CODE_SET && type != FIELD_MAP && type != FIELD_CONSENTS) {
        def->from = FEATURE_FROM_FIELD;
        def->value_field = (uint8_t)field;
        if (needs == FEATURE_NEEDS_NUMBER && (type == FIELD_STRING || type == FIELD_CODE)) {
            yaml_error(what, loader->diagnostics, "use distinct, last, first or top",
                       "`%s` needs a number; `%.*s` is text", features_kind(def->kind)->key,
                       SLICE_ARG(text));
        }
        return;
    }
    if (loader_compile(loader, what, features_kind(def->kind)->key, loader->of_source[def->source],
                       needs == FEATURE_NEEDS_NUMBER ? EXPRESSION_NUMBER : EXPRESSION_VALUE,
                       &def->value)) {
        def->from = FEATURE_FROM_PROGRAM;
    }
}

static void load_operands(struct loader *loader, const struct yaml_node *what,
                          struct feature_def *def)
{
    uint32_t wanted = def->kind == FEATURE_RATIO ? 2 : 3, count = 0;
    if (!yaml_is_sequence(what, loader->diagnostics)) {
        return;
    }
    if (what->count != wanted) {
        yaml_error(what->key, loader->diagnostics, NULL, "`%s` takes %u features",
                   features_kind(def->kind)->key, wanted);
        return;
    }
    for (const struct yaml_node *item = what->first; item != NULL; item = item->next) {
        struct slice name;
        bool found = false;
        if (!yaml_text(item, loader->diagnostics, &name)) {
            return;
        }
        if (name.size > 2 && memcmp(name.data, "f.", 2) == 0) {
            name = slice_of(name.data + 2, name.size - 2);
        }
        for (uint32_t i = 0; i < loader->playbook->name_count && !found; i++) {
            found = slice_equal(loader->facts[i].name, name);
            if (found) {
                def->operands[count++] = i;
                canon_hash(loader, "operand", loader->facts[i].hash);
                loader->facts[i].is_read = true;
            }
        }
        if (!found) {
            loader_unknown(loader, PLAYBOOK_FEATURE, item, name, (struct source_span){0});
        }
    }
}

/* ---- over what ---- */

static void load_window(struct loader *loader, const struct yaml_node *node,
                        struct feature_def *def)
{
    struct slice text;
    struct duration duration;
    unsigned events;
    char word[8] = "";
    if (!yaml_text(node, loader->diagnostics, &text) || slice_is(text, "all")) {
        return;
    }
    if (sscanf((const char *)text.data, "last %u event%7[s]", &events, word) >= 1 && events > 0 &&
        events <= FEATURES_EVENTS_MAX) {
        def->unit = FEATURE_EVENTS;
        def->length = events;
        return;
    }
    if (!duration_parse(text, &duration)) {
        yaml_error(node, loader->diagnostics,
                   "write 90d, 15m, 13mo, all, or last N events (N up to 64)",
                   "`%.*s` is no window", SLICE_ARG(text));
        return;
    }
    int64_t days = load_length_ms(&duration) / 86400000;
    int64_t minutes = duration.ms / 60000;
    def->unit = duration.whole_days ? FEATURE_DAYS : FEATURE_MINUTES;
    def->length = (uint32_t)(duration.whole_days ? days : minutes);
    uint32_t max = duration.whole_days ? FEATURES_DAYS_MAX : FEATURES_MINUTES_MAX;
    if (def->length == 0 || def->length > max ||
        (!duration.whole_days && duration.ms % 60000 != 0)) {
        yaml_error(node, loader->diagnostics, "1 minute to 48 hours, or 1 day to 13 months",
                   "`%.*s` is no window that can be kept", SLICE_ARG(text));
    }
    load_kept(loader, node, days * INT64_C(86400000));
}

/* The windows that a kind takes; the plan checks it too, but does not know the place. */
static void check_window(struct loader *loader, const struct yaml_node *node,
                         const struct yaml_node *what, const struct feature_def *def)
{
    static const struct {
        enum feature_unit unit;
        uint8_t bit;
        const char *words;
    } units[] = {{FEATURE_ALL, FEATURE_WINDOW_ALL, "no window"},
                 {FEATURE_DAYS, FEATURE_WINDOW_DAYS, "a window of days (30d)"},
                 {FEATURE_MINUTES, FEATURE_WINDOW_MINUTES, "a window of minutes (15m, 24h)"},
                 {FEATURE_EVENTS, FEATURE_WINDOW_EVENTS, "a window of events (last 20 events)"}};
    const struct feature_kind_info *kind = features_kind(def->kind);
    char takes[160] = "";
    size_t size = 0;
    bool good = false;
    for (size_t i = 0; i < 4; i++) {
        if ((kind->windows & units[i].bit) != 0) {
            good = good || units[i].unit == def->unit;
            size += (size_t)snprintf(takes + size, sizeof(takes) - size, "%s%s",
                                     size > 0 ? ", or " : "", units[i].words);
        }
    }
    if (!good) {
        yaml_error(node != NULL ? node : what->key, loader->diagnostics, NULL, "`%s` takes %s",
                   kind->key, takes);
    }
}

static const char three_cuts[] =
    "cuts: [[7, 30, 90, 180], [2, 5, 10, 20], [1000, 5000, 20000, 50000]]";
static const char no_cuts[] = "`cuts` takes three lists of four rising limits";

static void load_cuts(struct loader *loader, const struct yaml_node *node, struct feature_def *def)
{
    uint32_t row = 0;
    if (!yaml_is_sequence(node, loader->diagnostics)) {
        return;
    }
    for (const struct yaml_node *list = node->first; list != NULL; list = list->next, row++) {
        if (!yaml_is_sequence(list, loader->diagnostics)) {
            return;
        }
        if (row >= 3 || list->count != 4) {
            yaml_error(list, loader->diagnostics, three_cuts, "%s", no_cuts);
            return;
        }
        uint32_t column = 0;
        for (const struct yaml_node *cut = list->first; cut != NULL; cut = cut->next) {
            (void)yaml_integer(cut, loader->diagnostics, INT64_MIN / 2, INT64_MAX / 2,
                               &def->cuts[row][column]);
            if (column > 0 && def->cuts[row][column] <= def->cuts[row][column - 1]) {
                yaml_new_rule(cut, loader->diagnostics, three_cuts, "%s", no_cuts);
            }
            canon_integer(loader, "cut", def->cuts[row][column++]);
        }
    }
    if (row < 3) {
        yaml_new_rule(node, loader->diagnostics, three_cuts, "%s", no_cuts);
    }
}

static void load_words(struct loader *loader, const struct yaml_node *node, struct feature_def *def)
{
    struct diagnostics *diagnostics = loader->diagnostics;
    uint32_t word;
    if (keys_word(node, KEYS_FEATURE, "anchor", diagnostics, &word)) {
        def->anchor = (enum feature_anchor)word;
    }
    if (keys_word(node, KEYS_FEATURE, "late", diagnostics, &word)) {
        def->late = (enum feature_late)word;
    }
    if (keys_word(node, KEYS_FEATURE, "pending", diagnostics, &word)) {
        def->pending = (enum feature_pending)word;
    }
    if (keys_word(node, KEYS_FEATURE, "order", diagnostics, &word)) {
        def->order = (enum feature_order)word;
    }
}

static void load_numbers(struct loader *loader, const struct yaml_node *node,
                         struct feature_def *def)
{
    struct diagnostics *diagnostics = loader->diagnostics;
    int64_t number, half_life_ms;
    /* The kind `nth` has its key already: {nth: tx.mcc, place: 2}. */
    const char *place =
        def->kind == FEATURE_NTH || yaml_get(node, "place") != NULL ? "place" : "nth";
    if (yaml_integer(yaml_get(node, place), diagnostics, 1, FEATURES_EVENTS_MAX, &number)) {
        def->nth = (uint32_t)number;
    }
    if (yaml_integer(yaml_get(node, "capacity"), diagnostics, 1, 256, &number)) {
        def->capacity = (uint32_t)number;
    }
    (void)yaml_number(yaml_get(node, "q"), diagnostics, 0, 1, &def->quantile);
    if (yaml_duration_ms(yaml_get(node, "half_life"), diagnostics, 3600000,
                         INT64_C(4000) * 86400000, &half_life_ms)) {
        def->half_life_days = (double)half_life_ms / 86400000.0;
    }
    (void)yaml_duration_ms(yaml_get(node, "within"), diagnostics, 1, INT64_C(400) * 86400000,
                           &def->within_ms);
    load_kept(loader, yaml_get(node, "within"), def->within_ms);
}

static void load_currency(struct loader *loader, const struct yaml_node *node,
                          struct feature_def *def)
{
    struct slice text;
    bool money = def->source == SOURCE_TRANSACTIONS && def->value_text.size > 0 &&
                 strstr((const char *)def->value_text.data, "_minor") != NULL;
    if (money) {
        def->currency = loader->playbook->currency;
    }
    if (yaml_text(node, loader->diagnostics, &text)) {
        bool any = slice_is(text, "any");
        def->currency = any ? slice_of(NULL, 0) : text;
        if (!any) {
            loader_check_currency(loader, node, text, "three capital letters, or any");
        }
    }
}

static void hash_feature(struct loader *loader, struct feature_def *def, struct taint taint)
{
    canon_text(loader, "where", def->where_text);
    canon_text(loader, "then", def->then_text);
    canon_text(loader, "currency", def->currency);
    canon_integer(loader, "source", (int64_t)def->source);
    canon_integer(loader, "unit", (int64_t)def->unit);
    canon_integer(loader, "length", def->length);
    canon_integer(loader, "anchor", (int64_t)def->anchor);
    canon_integer(loader, "late", (int64_t)def->late);
    canon_integer(loader, "pending", (int64_t)def->pending);
    canon_integer(loader, "order", (int64_t)def->order);
    canon_integer(loader, "nth", def->nth);
    canon_number(loader, "q", def->quantile);
    canon_number(loader, "half_life", def->half_life_days);
    canon_integer(loader, "within", def->within_ms);
    canon_integer(loader, "capacity", def->capacity);
    canon_text(loader, "sensitive", taint.category);
    def->hash = canon_end(loader);
}

/* ---- the section ---- */

/* The kind key of a definition and its value; -1: none or two. */
static int32_t kind_of(struct loader *loader, const struct yaml_node *node,
                       const struct yaml_node **out_what)
{
    int32_t kind = -1;
    for (uint32_t i = 0; i < FEATURE_KIND_COUNT; i++) {
        const char *key = features_kind((enum feature_kind)i)->key;
        const struct yaml_node *what = yaml_get(node, key);
        if (what != NULL && kind >= 0) {
            yaml_error(what->key, loader->diagnostics, "make two features of it",
                       "a feature has one kind: `%s` or `%s`",
                       features_kind((enum feature_kind)kind)->key, key);
            return -1;
        }
        if (what != NULL) {
            kind = (int32_t)i;
            *out_what = what;
        }
    }
    uint32_t before = loader->diagnostics->error_count;
    keys_refuse_unknown(node, KEYS_FEATURE, loader->diagnostics);
    if (kind < 0 && loader->diagnostics->error_count == before) {
        yaml_error(node->key, loader->diagnostics,
                   "say what it is: count, sum, last, days_since, distinct, ratio, ...",
                   "feature `%.*s` has no kind", SLICE_ARG(node->key->text));
    }
    return kind;
}

/* `where`, `then`: which events. `out_text` has no needless blanks, so that equal ones are evaluated once. */
static void load_predicate(struct loader *loader, const struct yaml_node *node,
                           const struct cel_environment *environment,
                           const struct cel_program **out, struct slice *out_text)
{
    uint32_t errors = loader->diagnostics->error_count;
    if (node == NULL || !loader_compile(loader, node, (const char *)node->key->text.data,
                                        environment, EXPRESSION_BOOL, out)) {
        return;
    }
    *out_text = calendars_text(loader, node);
    const struct condition condition = {node->key->text, node->text, *out};
    const struct reach_part part = {&condition, node, true};
    if (loader->diagnostics->error_count == errors) {
        (void)reach_check(loader, environment, &part, 1);
    }
}

static void load_feature(struct loader *loader, uint32_t definition, int32_t kind,
                         const struct yaml_node *what)
{
    const struct yaml_node *node = loader->sections[PLAYBOOK_FEATURE].list[definition].node;
    struct feature_def *def =
        (struct feature_def *)&loader->playbook->feature_defs[loader->playbook->feature_count];
    enum feature_needs needs = features_kind((enum feature_kind)kind)->needs;
    *def = (struct feature_def){.name = (const char *)node->key->text.data,
                                .kind = (enum feature_kind)kind};
    canon_begin(loader, features_kind(def->kind)->key);
    def->version = (uint32_t)load_version(loader, node);
    (void)yaml_text(yaml_get(node, "about"), loader->diagnostics, &def->about);
    feature_refuse_unheard(loader, node, features_kind(def->kind));
    struct taint taint = {0};
    if (needs == FEATURE_NEEDS_OPERANDS) {
        load_operands(loader, what, def);
        for (uint32_t i = 0; i < (def->kind == FEATURE_RATIO ? 2U : 3U); i++) {
            struct taint from = firewall_through(loader, &loader->facts[def->operands[i]]);
            taint_add(&taint, &from);
        }
    } else {
        struct slice text;
        if (!yaml_text(what, loader->diagnostics, &text)) {
            return;
        }
        load_source(loader, node, what, def);
        const struct cel_environment *environment = loader->of_source[def->source];
        if (needs != FEATURE_NEEDS_NOTHING) {
            load_value(loader, what, def, needs);
        } else if (source_of_prefix(text) < 0 || memchr(text.data, '.', text.size) != NULL) {
            yaml_error(what, loader->diagnostics, "write tx, app, outcome, feedback or score",
                       "`%s` takes a source, not `%.*s`", features_kind(def->kind)->key,
                       SLICE_ARG(text));
        }
        load_predicate(loader, yaml_get(node, "where"), environment, &def->where, &def->where_text);
        load_predicate(loader, yaml_get(node, "then"), environment, &def->then, &def->then_text);
    }
    uint32_t errors = loader->diagnostics->error_count;
    load_window(loader, yaml_get(node, "window"), def);
    if (loader->diagnostics->error_count == errors) {
        check_window(loader, yaml_get(node, "window"), what, def);
    }
    load_words(loader, node, def);
    load_numbers(loader, node, def);
    load_cuts(loader, yaml_get(node, "cuts"), def);
    load_currency(loader, yaml_get(node, "currency"), def);
    feature_check_needs(loader, node, def);
    def->publish = load_publish(loader, node);
    struct taint seen = firewall_feature(loader, def);
    taint_add(&taint, &seen);
    taint = firewall_judge(loader, node, taint);
    firewall_publish(loader, node, def->publish, &taint);
    hash_feature(loader, def, taint);
    struct feature_facts *facts =
        load_name(loader, definition, node->key->text, features_type(def));
    if (facts != NULL) {
        facts->hash = def->hash;
        facts->taint = taint;
        facts->def = loader->playbook->feature_count++;
        facts->is_read = def->publish;
        loader->sections[PLAYBOOK_FEATURE].list[definition].hash = def->hash;
    }
}

static bool load_environments(struct loader *loader)
{
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        loader->of_source[i] = rules_environment_with_calendars(
            rules_environment(RULES_EVENT, (enum source)i, NULL, 0, loader->zones, loader->arena),
            loader->calendars, loader->calendar_count, loader->arena);
    }
    loader->playbook->names =
        loader_take(loader, RULES_FEATURES_MAX * sizeof(struct rules_feature));
    loader->playbook->feature_defs =
        loader_take(loader, RULES_FEATURES_MAX * sizeof(struct feature_def));
    loader->playbook->series = loader_take(loader, SERIES_DEFS_MAX * sizeof(struct series_def));
    return !loader->full && loader->of_source[SOURCE_COUNT - 1] != NULL;
}

void load_features(struct loader *loader)
{
    struct section *section = &loader->sections[PLAYBOOK_FEATURE];
    struct playbook *playbook = loader->playbook;
    if (!load_environments(loader)) {
        return;
    }
    /* First what reads events, then what reads features, then series: f.* of the plan come first.
     */
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < section->count; i++) {
            const struct yaml_node *what = NULL, *node = section->list[i].node;
            bool reads_features = yaml_get(node, "ratio") != NULL || yaml_get(node, "rfm") != NULL;
            if (yaml_get(node, "series") != NULL || reads_features != (round == 1)) {
                continue;
            }
            int32_t kind = kind_of(loader, node, &what);
            if (kind >= 0) {
                load_feature(loader, i, kind, what);
            }
        }
    }
    for (uint32_t i = 0; i < section->count; i++) {
        const struct yaml_node *series = yaml_get(section->list[i].node, "series");
        if (series != NULL && playbook->series_count == SERIES_DEFS_MAX) {
            yaml_error(series, loader->diagnostics, NULL, "more than %d series", SERIES_DEFS_MAX);
        } else if (series != NULL) {
            load_series(loader, i, (struct series_def *)&playbook->series[playbook->series_count]);
        }
    }
    playbook->environment = rules_environment_with_calendars(
        rules_environment(RULES_CUSTOMER, SOURCE_TRANSACTIONS, playbook->names,
                          playbook->name_count, loader->zones, loader->arena),
        loader->calendars, loader->calendar_count, loader->arena);
    if (playbook->environment == NULL) {
        (void)loader_take(loader, SIZE_MAX / 2); /* says that the arena is full */
    }
}

void load_feature_plan(struct loader *loader)
{
    struct playbook *playbook = loader->playbook;
    struct features_problem problem = {0};
    for (uint32_t i = playbook->feature_count;
         i-- > 0;) { /* readers first: they arm what they read */
        struct feature_def *def = (struct feature_def *)&playbook->feature_defs[i];
        struct feature_facts *facts = &loader->facts[i];
        def->armed = facts->armed || def->publish;
        /* What channels read must be right at every midnight, not only where a rule turns. */
        if (!facts->any_threshold && !def->publish) {
            memcpy(def->thresholds, facts->thresholds, sizeof(def->thresholds));
            def->threshold_count = facts->threshold_count;
        }
        bool operands = features_kind(def->kind)->needs == FEATURE_NEEDS_OPERANDS;
        for (uint32_t j = 0; operands && def->armed && j < (def->kind == FEATURE_RATIO ? 2U : 3U);
             j++) {
            loader->facts[def->operands[j]].armed = true;
            loader->facts[def->operands[j]].any_threshold = true;
        }
    }
    /* An outcome that comes twice is one, whether features read outcomes or not. */
    playbook->feature_options.follow[SOURCE_OFFER_OUTCOMES] =
        loader->sections[PLAYBOOK_OFFER].count > 0;
    enum status status = features_plan_build(playbook->feature_defs, playbook->feature_count,
                                             &playbook->feature_options, loader->arena,
                                             &playbook->features, &problem);
    if (status != STATUS_OK && playbook->feature_count > 0) {
        uint32_t index = problem.index < playbook->feature_count ? problem.index : 0;
        yaml_error(loader->facts[index].node->key, loader->diagnostics, NULL, "%s",
                   problem.text.text);
    }
}
