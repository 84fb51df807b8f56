/* SPDX-License-Identifier: Apache-2.0 */
/* `segments:` -> struct segment_def, sorted so that a segment comes after those it reads. */
#include "playbook/loader.h"
#include "playbook/reach.h"

static const int64_t long_ms = INT64_C(3660) * 86400000;

static uint32_t load_characteristics(struct loader *loader, const struct yaml_node *node,
                                     const char *key, const struct condition **out,
                                     struct reads *reads)
{
    uint32_t count = 0;
    if (node == NULL || !yaml_is_mapping(node, loader->diagnostics)) {
        return 0;
    }
    bool excluding = strcmp(key, "excluding") == 0;
    struct condition *conditions = loader_take(loader, (node->count + 2) * sizeof(*conditions));
    canon_integer(loader, key, node->count);
    for (const struct yaml_node *item = node->first; conditions != NULL && item != NULL;
         item = item->next) {
        struct reads own = {0};
        if (loader_condition(loader, item, (const char *)item->key->text.data, PLAYBOOK_SEGMENT,
                             EXPRESSION_BOOL, &conditions[count], &own)) {
            bool plain = loader_is_plain(item->text);
            loader_merge_reads(reads, &own,
                               !plain      ? READ_ANYHOW
                               : excluding ? READ_GUARD
                                           : READ_STRAIGHT);
            count++;
        }
    }
    *out = conditions;
    return count;
}

/* `exit_when` and the longest stay may stand in `stay:` or beside it; twice would hide one. */
static void refuse_two(struct loader *loader, const struct yaml_node *beside,
                       const struct yaml_node *inside)
{
    if (beside != NULL && inside != NULL) {
        yaml_error(beside->key, loader->diagnostics, "keep the one inside `stay`",
                   "`%.*s` and `stay.%.*s` say the same thing", SLICE_ARG(beside->key->text),
                   SLICE_ARG(inside->key->text));
    }
}

static void load_stay(struct loader *loader, const struct yaml_node *node, struct segment_def *def,
                      struct reads *reads)
{
    const struct yaml_node *stay = yaml_get(node, "stay"), *exit = yaml_get(node, "exit_when");
    struct diagnostics *diagnostics = loader->diagnostics;
    if (yaml_is_mapping(stay, diagnostics)) {
        keys_refuse_unknown(stay, KEYS_STAY, diagnostics);
        (void)yaml_duration_ms(yaml_get(stay, "min"), diagnostics, 0, long_ms, &def->min_stay_ms);
        (void)yaml_duration_ms(yaml_get(stay, "max"), diagnostics, 0, long_ms, &def->expires_ms);
        refuse_two(loader, exit, yaml_get(stay, "exit_when"));
        refuse_two(loader, yaml_get(node, "expires"), yaml_get(stay, "max"));
        exit = yaml_get(stay, "exit_when") != NULL ? yaml_get(stay, "exit_when") : exit;
    }
    (void)loader_condition(loader, exit, "exit_when", PLAYBOOK_SEGMENT, EXPRESSION_BOOL,
                           &def->exit_when, reads);
    (void)yaml_duration_ms(yaml_get(node, "dwell"), diagnostics, 0, long_ms, &def->dwell_ms);
    (void)yaml_duration_ms(yaml_get(node, "cool_down"), diagnostics, 0, long_ms,
                           &def->cool_down_ms);
    (void)yaml_duration_ms(yaml_get(node, "expires"), diagnostics, 0, long_ms, &def->expires_ms);
    if (def->expires_ms > 0 && def->min_stay_ms > def->expires_ms) {
        yaml_error(yaml_get(stay, "min"), diagnostics,
                   "shorten `min`, or lengthen the longest stay",
                   "the shortest stay is longer than the longest");
    }
    canon_integer(loader, "min_stay", def->min_stay_ms);
    canon_integer(loader, "dwell", def->dwell_ms);
    canon_integer(loader, "cool_down", def->cool_down_ms);
    canon_integer(loader, "expires", def->expires_ms);
}

/* `basis: CONSENT`: who has not consented, or no longer does, is excluded; room for it was left. */
static void load_consent(struct loader *loader, struct segment_def *def)
{
    static const char form[] = "!c.explicit_consent.%s";
    char text[64];
    (void)snprintf(text, sizeof(text), form, (const char *)def->purpose.data);
    struct condition *last = (struct condition *)&def->excluding[def->excluding_count];
    if (def->excluding == NULL) {
        last = loader_take(loader, sizeof(*last));
        def->excluding = last;
    }
    struct slice copy = arena_copy(loader->arena, slice_text(text));
    if (last == NULL || copy.data == NULL) {
        (void)loader_take(loader, SIZE_MAX / 2); /* says that the arena is full */
        return;
    }
    *last = (struct condition){slice_text("no_consent"), copy,
                               cel_compile(loader->playbook->environment, copy,
                                           (struct source_span){NULL, 1, 1, 0}, loader->arena,
                                           loader->diagnostics)};
    def->excluding_count++;
}

/* The lawful basis: what the firewall asks for, and what is then asked of every customer. */
static void load_basis(struct loader *loader, const struct yaml_node *node, struct segment_def *def)
{
    uint8_t basis = BASIS_NONE;
    const struct yaml_node *said = yaml_get(node, "basis");
    (void)yaml_code(said, loader->diagnostics, &codes_lawful_basis, &basis);
    canon_integer(loader, "basis", basis);
    if (basis == BASIS_CONSENT && def->purpose.size == 0) {
        yaml_error(said->key, loader->diagnostics, "purpose: MARKETING",
                   "consent to what? segment `%.*s` has no purpose", SLICE_ARG(def->id));
    } else if (basis == BASIS_CONSENT) {
        load_consent(loader, def);
    }
}

static void load_words(struct loader *loader, const struct yaml_node *node, struct segment_def *def)
{
    struct diagnostics *diagnostics = loader->diagnostics;
    int64_t min_size = 0;
    uint32_t evaluate = 0;
    uint8_t purpose;
    def->need = def->disclosure = def->data_category = slice_of(NULL, 0);
    (void)yaml_text(yaml_get(node, "need"), diagnostics, &def->need);
    (void)yaml_text(yaml_get(node, "disclosure"), diagnostics, &def->disclosure);
    (void)yaml_text(yaml_get(node, "data_category"), diagnostics, &def->data_category);
    if (yaml_code(yaml_get(node, "purpose"), diagnostics, &codes_purpose, &purpose)) {
        def->purpose = slice_text(codes_text(&codes_purpose, purpose));
    }
    (void)yaml_integer(yaml_get(node, "min_size"), diagnostics, 0, 1000000, &min_size);
    def->min_size = (uint32_t)min_size;
    (void)keys_word(node, KEYS_SEGMENT, "evaluate", diagnostics, &evaluate);
    def->on_event = evaluate == 1;
    def->publish = load_publish(loader, node);
    canon_text(loader, "purpose", def->purpose);
    canon_text(loader, "data_category", def->data_category);
    canon_integer(loader, "min_size", min_size);
    canon_integer(loader, "on_event", def->on_event);
}

static uint32_t add_parts(const struct yaml_node *node, const struct condition *conditions,
                          uint32_t count, bool wanted, struct reach_part *parts)
{
    const struct yaml_node *item = node->first;
    for (uint32_t i = 0; i < count && item != NULL; i++, item = item->next) {
        parts[i] = (struct reach_part){&conditions[i], item, wanted};
    }
    return count < node->count ? count : node->count;
}

/* Can anybody be in, and stay? The conditions are compiled without an error. */
static void check_reach(struct loader *loader, const struct yaml_node *node,
                        const struct segment_def *def)
{
    struct reach_part parts[REACH_PARTS_MAX];
    const struct yaml_node *excluding = yaml_get(node, "excluding");
    uint32_t count =
        add_parts(yaml_get(node, "including"), def->including, def->including_count, true, parts);
    if (excluding != NULL && excluding->count > 0) {
        count += add_parts(excluding, def->excluding, def->excluding_count, false, parts + count);
    }
    const struct yaml_node *stay = yaml_get(node, "stay"), *exit = yaml_get(stay, "exit_when");
    struct reach_part leave = {&def->exit_when, exit != NULL ? exit : yaml_get(node, "exit_when"),
                               true};
    if (reach_check(loader, loader->playbook->environment, parts, count) &&
        def->exit_when.program != NULL &&
        reach_check(loader, loader->playbook->environment, &leave, 1)) {
        reach_exit(loader, parts, count, &leave);
    }
}

static void load_one(struct loader *loader, struct definition *definition, struct segment_def *def)
{
    const struct yaml_node *node = definition->node;
    struct reads *reads = &definition->reads;
    uint32_t errors = loader->diagnostics->error_count;
    keys_refuse_unknown(node, KEYS_SEGMENT, loader->diagnostics);
    canon_begin(loader, "segment");
    *def = (struct segment_def){.id = definition->id, .version = load_version(loader, node)};
    const struct yaml_node *including = yaml_get(node, "including");
    (void)yaml_bool(yaml_get(node, "retired"), loader->diagnostics, &def->retired);
    if (def->retired && including != NULL) {
        yaml_error(including->key, loader->diagnostics,
                   "keep `retired: true` and the version, or take `retired` away",
                   "segment `%.*s` is retired: it has no rules", SLICE_ARG(def->id));
    }
    canon_integer(loader, "retired", def->retired);
    if (def->retired) {
        definition->hash = canon_end(loader);
        return;
    }
    if (loader->diagnostics->error_count == errors &&
        (including == NULL || (including->kind == YAML_MAPPING && including->count == 0))) {
        yaml_error(node->key, loader->diagnostics, "including: {adult: 'c.age >= 18'}",
                   "segment `%.*s` includes nobody", SLICE_ARG(def->id));
    }
    def->including_count =
        load_characteristics(loader, including, "including", &def->including, reads);
    def->excluding_count = load_characteristics(loader, yaml_get(node, "excluding"), "excluding",
                                                &def->excluding, reads);
    load_stay(loader, node, def, reads);
    load_words(loader, node, def);
    load_basis(loader, node, def);
    if (loader->diagnostics->error_count == errors &&
        def->including_count + def->excluding_count <= SEGMENT_CHARACTERISTICS_MAX) {
        check_reach(loader, node, def);
    }
    if (def->including_count + def->excluding_count > SEGMENT_CHARACTERISTICS_MAX) {
        yaml_error(node->key, loader->diagnostics, NULL, "more than %d characteristics",
                   SEGMENT_CHARACTERISTICS_MAX);
    }
    for (uint32_t i = 0; !def->on_event && i < def->including_count + def->excluding_count; i++) {
        loader_arm(loader, i < def->including_count ? &def->including[i]
                                                    : &def->excluding[i - def->including_count]);
    }
    if (!def->on_event) {
        loader_arm(loader, &def->exit_when);
    }
    definition->hash = canon_end(loader); /* its own; loader_finish adds what it reads */
}

/* ---- order ---- */

static bool bit_of(const uint64_t *bits, uint32_t index)
{
    return (bits[index / 64] >> index % 64 & 1) != 0;
}

static bool reads_segment(const struct definition *definition, uint32_t other)
{
    return bit_of(definition->reads.segments, other);
}

/* The circle that `start` is part of: "a -> b -> a". */
static void say_cycle(struct loader *loader, const bool *done, uint32_t start)
{
    const struct section *section = &loader->sections[PLAYBOOK_SEGMENT];
    char text[DIAGNOSTIC_TEXT_SIZE];
    bool seen[SEGMENTS_MAX] = {false};
    uint32_t at = start;
    while (!seen[at]) { /* whoever is not done reads somebody who is not done: walk until one comes
                           twice */
        seen[at] = true;
        for (uint32_t i = 0; i < section->count; i++) {
            if (!done[i] && reads_segment(&section->list[at], i)) {
                at = i;
                break;
            }
        }
    }
    uint32_t first = at;
    size_t size = 0;
    do {
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%.*s -> ",
                                 SLICE_ARG(section->list[at].id));
        for (uint32_t i = 0; i < section->count; i++) {
            if (!done[i] && reads_segment(&section->list[at], i)) {
                at = i;
                break;
            }
        }
    } while (at != first && size < sizeof(text) - 80);
    (void)snprintf(text + size, sizeof(text) - size, "%.*s", SLICE_ARG(section->list[first].id));
    yaml_error(section->list[first].node->key, loader->diagnostics, "break it at one of them",
               "segments read each other in a circle: %s", text);
}

/* Kahn's algorithm; of those that are free the first by id comes first. `order[new] = old`. */
static bool sort_segments(struct loader *loader, uint32_t *order)
{
    const struct section *section = &loader->sections[PLAYBOOK_SEGMENT];
    bool done[SEGMENTS_MAX] = {false};
    for (uint32_t placed = 0; placed < section->count; placed++) {
        uint32_t pick = section->count, waiting = section->count;
        for (uint32_t i = 0; i < section->count && pick == section->count; i++) {
            bool is_free = !done[i];
            for (uint32_t j = 0; is_free && j < section->count; j++) {
                is_free = done[j] || !reads_segment(&section->list[i], j);
            }
            pick = is_free ? i : pick;
            waiting = !done[i] && waiting == section->count ? i : waiting;
        }
        if (pick == section->count) {
            say_cycle(loader, done, waiting);
            return false;
        }
        done[pick] = true;
        order[placed] = pick;
    }
    return true;
}

static bool asks_consent(const struct segment_def *def)
{
    return def->excluding_count > 0 &&
           slice_is(def->excluding[def->excluding_count - 1].name, "no_consent") &&
           slice_is(def->excluding[def->excluding_count - 1].text, "!c.explicit_consent.MARKETING");
}

/* Bit i of `from` becomes bit place[i]. */
static void move_bits(const uint64_t *from, const uint32_t *place, uint32_t count, uint64_t *out)
{
    memset(out, 0, SEGMENT_WORDS * sizeof(*out));
    for (uint32_t i = 0; i < count; i++) {
        out[place[i] / 64] |= bit_of(from, i) ? UINT64_C(1) << place[i] % 64 : 0;
    }
}

/* Put definitions into their order and rename what they read. */
static void apply_order(struct loader *loader, struct segment_def *defs, const uint32_t *order)
{
    struct section *section = &loader->sections[PLAYBOOK_SEGMENT];
    struct definition *sorted = loader_take(loader, section->max * sizeof(*sorted));
    struct segment_def *sorted_defs =
        loader_take(loader, (section->count + 1) * sizeof(*sorted_defs));
    uint32_t place[SEGMENTS_MAX] = {0};
    if (sorted == NULL || sorted_defs == NULL) {
        return;
    }
    for (uint32_t i = 0; i < section->count; i++) {
        place[order[i]] = i;
    }
    for (uint32_t i = 0; i < section->count; i++) {
        sorted[i] = section->list[order[i]];
        sorted_defs[i] = defs[order[i]];
        const struct reads *old = &section->list[order[i]].reads;
        move_bits(old->segments, place, section->count, sorted[i].reads.segments);
        move_bits(old->tainting_segments, place, section->count, sorted[i].reads.tainting_segments);
        move_bits(old->turning_segments, place, section->count, sorted[i].reads.turning_segments);
        move_bits(old->guard_segments, place, section->count, sorted[i].reads.guard_segments);
    }
    section->list = sorted;
    loader->playbook->segments = (struct segments){sorted_defs, section->count};
    for (uint32_t i = 0; i < section->count; i++) {
        loader_finish(loader, PLAYBOOK_SEGMENT, i);
        sorted_defs[i].hash = sorted[i].hash;
        if (sorted_defs[i].data_category.size == 0) {
            sorted_defs[i].data_category = sorted[i].taint.category;
        }
        if (taint_is(&sorted[i].taint) && !asks_consent(&sorted_defs[i]) &&
            slice_is(sorted_defs[i].purpose, codes_text(&codes_purpose, PURPOSE_MARKETING))) {
            firewall_refuse(loader, PLAYBOOK_SEGMENT, i,
                            "do not read it, or say basis: CONSENT: only who consented is then in");
        }
        firewall_publish_named(loader, PLAYBOOK_SEGMENT, i, sorted_defs[i].publish);
        load_tests(loader, PLAYBOOK_SEGMENT, i);
    }
}

void load_segments(struct loader *loader)
{
    struct section *section = &loader->sections[PLAYBOOK_SEGMENT];
    struct segment_def *defs = loader_take(loader, (section->count + 1) * sizeof(*defs));
    uint32_t order[SEGMENTS_MAX] = {0};
    for (uint32_t i = 0; defs != NULL && i < section->count; i++) {
        load_one(loader, &section->list[i], &defs[i]);
    }
    if (defs != NULL && sort_segments(loader, order)) {
        apply_order(loader, defs, order);
    }
}
