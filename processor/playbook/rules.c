/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions: compile them with their place in the file, check their type, and know what they
 * read. */
#include <stdlib.h>

#include "playbook/loader.h"
#include "playbook/reach.h"
#include "playbook/tokens.h"
#include "playbook/units.h"

static const char *type_name(enum cel_kind kind)
{
    static const char *const names[CEL_KIND_COUNT] = {
        "null",        "bool",     "int",      "uint",   "double",     "string",
        "bytes",       "a list",   "a map",    "a time", "a duration", "a type",
        "an optional", "anything", "an error", "nothing"};
    return (unsigned)kind < CEL_KIND_COUNT ? names[kind] : "?";
}

static bool type_fits(enum cel_kind kind, enum expression_type type)
{
    if (kind == CEL_DYN) {
        return true;
    }
    if (type == EXPRESSION_BOOL) {
        return kind == CEL_BOOL;
    }
    bool number = kind == CEL_INT || kind == CEL_DOUBLE || kind == CEL_UINT;
    return type == EXPRESSION_NUMBER
               ? number
               : number || kind == CEL_STRING || kind == CEL_BOOL || kind == CEL_TIMESTAMP;
}

bool loader_compile(struct loader *loader, const struct yaml_node *node, const char *name,
                    const struct cel_environment *environment, enum expression_type type,
                    const struct cel_program **out_program)
{
    static const char *const wanted[] = {"true or false", "a number", "a value"};
    struct slice text;
    if (!yaml_text(node, loader->diagnostics, &text) || environment == NULL) {
        return false;
    }
    canon_expression(loader, name, text);
    uint32_t before = loader->diagnostics->count;
    struct source_span origin = {node->span.file, 1, 1, 0};
    const struct cel_program *program =
        cel_compile(environment, text, origin, loader->arena, loader->diagnostics);
    yaml_relocate(node, loader->diagnostics, before);
    if (program == NULL) {
        return false;
    }
    enum cel_kind kind = cel_program_type(program).kind;
    if (!type_fits(kind, type)) {
        diagnostics_add(loader->diagnostics, DIAGNOSTIC_ERROR,
                        yaml_locate(node, 0, (uint32_t)text.size), NULL,
                        "`%s` must be %s; this is %s", name, wanted[type], type_name(kind));
        return false;
    }
    uint64_t calendars = calendars_use(loader, node, true);
    if (calendars != 0) {
        canon_hash(loader, "calendars", calendars);
    }
    reach_leaves(loader, node, program);
    units_check(loader, node);
    *out_program = program;
    return true;
}

struct probe {
    uint32_t slot;
    struct cel_value value, others;
};

static struct cel_value read_probe(const struct cel_activation *activation, uint32_t slot)
{
    const struct probe *probe = activation->context;
    return slot == probe->slot ? probe->value : probe->others;
}

bool loader_reads_profile(const struct condition *condition, const char *field)
{
    int32_t index = fields_find(SOURCE_CUSTOMER_PROFILES, slice_text(field));
    uint32_t count = 0;
    const uint32_t *slots =
        condition->program == NULL ? NULL : cel_program_slots(condition->program, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (slots[i] == SCOPE_SLOT(SCOPE_PROFILE, (uint32_t)index)) {
            return true;
        }
    }
    return false;
}

struct cel_value loader_probe(const struct cel_program *program, uint32_t slot,
                              struct cel_value value, struct cel_value others,
                              struct arena *scratch)
{
    const struct probe probe = {slot, value, others};
    const struct cel_activation activation = {
        .read = read_probe, .context = &probe, .scratch = scratch};
    return cel_evaluate(program, &activation);
}

/* ---- names of life events and segments inside expressions ---- */

static void read_one(enum playbook_kind kind, uint32_t index, struct reads *reads)
{
    uint64_t bit = UINT64_C(1) << index % 64;
    if (kind == PLAYBOOK_LIFE_EVENT) {
        reads->life |= bit;
        reads->tainting_life |= bit;
    } else {
        reads->segments[index / 64] |= bit;
        reads->tainting_segments[index / 64] |= bit;
        reads->turning_segments[index / 64] |= bit;
    }
}

static void read_all(struct loader *loader, enum playbook_kind kind, struct reads *reads)
{
    for (uint32_t i = 0; i < loader->sections[kind].count; i++) {
        read_one(kind, i, reads);
    }
}

static void read_named(struct loader *loader, enum playbook_kind kind, const struct yaml_node *node,
                       struct token literal, struct reads *reads)
{
    struct slice id =
        slice_of(node->text.data + literal.at + 1, literal.size < 2 ? 0 : literal.size - 2);
    int32_t found = loader_find(loader, kind, id);
    if (found < 0) {
        loader_unknown(loader, kind, node, id,
                       yaml_locate(node, literal.at + 1, (uint32_t)id.size));
    } else {
        read_one(kind, (uint32_t)found, reads);
    }
}

/* `"debt.stress" in life`, `"high_value" in seg`: names are checked. Any other use of the list
 * reads all. */
static void find_names(struct loader *loader, const struct yaml_node *node,
                       enum playbook_kind reader, struct reads *reads)
{
    struct slice text = node->text;
    struct token before[2] = {{0, 0, TOKEN_END}, {0, 0, TOKEN_END}};
    for (struct token token = token_next(text, 0); token.kind != TOKEN_END;
         token = token_next(text, token.at + token.size)) {
        bool life = slice_is(token_text(text, token), "life");
        bool member = before[1].size == 1 && text.data[before[1].at] == '.';
        if (token.kind == TOKEN_NAME && !member &&
            (life || slice_is(token_text(text, token), "seg"))) {
            enum playbook_kind kind = life ? PLAYBOOK_LIFE_EVENT : PLAYBOOK_SEGMENT;
            bool named =
                before[0].kind == TOKEN_STRING && slice_is(token_text(text, before[1]), "in");
            struct source_span span = yaml_locate(node, token.at, (uint32_t)token.size);
            if (reader == PLAYBOOK_LIFE_EVENT) {
                diagnostics_add(loader->diagnostics, DIAGNOSTIC_ERROR, span,
                                "put the condition into a segment or an offer",
                                "a life event reads features, the profile and the event only");
            } else if (named) {
                read_named(loader, kind, node, before[0], reads);
            } else if (reader == PLAYBOOK_SEGMENT && kind == PLAYBOOK_SEGMENT) {
                diagnostics_add(loader->diagnostics, DIAGNOSTIC_ERROR, span,
                                "name the segment: \"high_value\" in seg",
                                "a segment may not read all segments: it would read itself");
            } else {
                read_all(loader, kind, reads);
            }
        }
        before[0] = before[1];
        before[1] = token;
    }
}

void loader_merge_reads(struct reads *to, const struct reads *from, enum reading reading)
{
    bool guard = reading == READ_GUARD;
    for (uint32_t i = 0; i < RULES_FEATURES_MAX / 64; i++) {
        to->features[i] |= from->features[i];
    }
    for (uint32_t i = 0; i < SEGMENT_WORDS; i++) {
        to->segments[i] |= from->segments[i];
        to->tainting_segments[i] |= guard ? 0 : from->tainting_segments[i];
        to->turning_segments[i] |= reading == READ_ANYHOW ? from->turning_segments[i] : 0;
        to->guard_segments[i] |= guard ? from->segments[i] : 0;
    }
    to->life |= from->life;
    to->tainting_life |= guard ? 0 : from->tainting_life;
    to->guard_life |= guard ? from->life : 0;
    to->event = to->event || from->event;
    taint_add(guard ? &to->guard_taint : &to->taint, &from->taint);
}

bool loader_is_plain(struct slice text)
{
    for (struct token token = token_next(text, 0); token.kind != TOKEN_END;
         token = token_next(text, token.at + token.size)) {
        struct slice word = token_text(text, token);
        bool name = slice_is(word, "in") || slice_is(word, "life") || slice_is(word, "seg") ||
                    slice_is(word, "c") || slice_is(word, "vulnerability");
        bool joint = token.kind == TOKEN_OTHER && strchr("|().", text.data[token.at]) != NULL;
        if (token.kind != TOKEN_STRING && !name && !joint) {
            return false;
        }
    }
    return true;
}

bool loader_condition(struct loader *loader, const struct yaml_node *node, const char *name,
                      enum playbook_kind reader, enum expression_type type, struct condition *out,
                      struct reads *reads)
{
    const struct cel_program *program;
    if (!loader_compile(loader, node, name, loader->playbook->environment, type, &program)) {
        return false;
    }
    *out = (struct condition){slice_text(name), node->text, program};
    uint32_t count;
    const uint32_t *slots = cel_program_slots(program, &count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = SCOPE_SLOT_INDEX(slots[i]);
        enum scope_space space = SCOPE_SLOT_SPACE(slots[i]);
        if (space == SCOPE_FEATURE && index < loader->playbook->name_count) {
            reads->features[index / 64] |= UINT64_C(1) << index % 64;
        } else if (space == SCOPE_EVENT) {
            reads->event = true;
        }
    }
    struct taint taint = firewall_ask(loader, program);
    taint_add(&reads->taint, &taint);
    find_names(loader, node, reader, reads);
    return true;
}

/* ---- deadlines ---- */

static void add_threshold(struct feature_facts *facts, int64_t value)
{
    for (uint32_t i = 0; i < facts->threshold_count; i++) {
        if (facts->thresholds[i] == value) {
            return;
        }
    }
    if (facts->threshold_count == FEATURES_THRESHOLDS_MAX) {
        facts->any_threshold = true;
        return;
    }
    facts->thresholds[facts->threshold_count++] = value;
}

/* What is known about a name that changes as time passes; NULL: it does not, or all that matters is known. */
static struct feature_facts *facts_of(struct loader *loader, uint32_t slot)
{
    uint32_t index = SCOPE_SLOT_INDEX(slot);
    if (slot == RULES_SLOT_TENURE_DAYS) {
        return &loader->tenure;
    }
    bool feature = slot != UINT32_MAX && SCOPE_SLOT_SPACE(slot) == SCOPE_FEATURE;
    return feature && index < loader->playbook->name_count ? &loader->facts[index] : NULL;
}

/* Is the left side the bare name, as in `f.x >= 30`? */
static bool compares(const struct loader *loader, const struct cel_leaf *leaf, uint32_t slot)
{
    return leaf->comparison && leaf->first_slot == slot &&
           slice_is(leaf->left_text, rules_slot_name(loader->playbook->environment, slot));
}

/* `f.x >= 30` changes when x reaches 30, `f.x > 30` when it reaches 31: both are thresholds. False: the right
 * side is no whole number. */
static bool arm_leaf(const struct cel_leaf *leaf, struct feature_facts *facts)
{
    char digits[24] = "", *end = digits;
    if (leaf->right_text.size >= sizeof(digits)) {
        return false;
    }
    memcpy(digits, leaf->right_text.data, leaf->right_text.size);
    long long value = strtoll(digits, &end, 10);
    if (end == digits || *end != '\0' || value >= INT64_MAX - 1) {
        return false;
    }
    add_threshold(facts, value);
    add_threshold(facts, value + 1);
    return true;
}

/* How often the expression says the name. */
static uint32_t count_mentions(struct slice text, struct slice name)
{
    uint32_t count = 0;
    for (size_t at = 0; at + name.size <= text.size; at++) {
        size_t end = at + name.size;
        count += memcmp(text.data + at, name.data, name.size) == 0 &&
                 (at == 0 || !token_is_word(text.data[at - 1])) &&
                 (end == text.size || !token_is_word(text.data[end]));
    }
    return count;
}

static void arm_name(struct loader *loader, const struct condition *condition, uint32_t slot)
{
    struct feature_facts *facts = facts_of(loader, slot);
    const char *name = rules_slot_name(loader->playbook->environment, slot);
    uint32_t compared = 0;
    if (facts == NULL) {
        loader->playbook->watch.age |= slot == RULES_SLOT_AGE;
        return;
    }
    facts->armed = true;
    for (uint32_t i = 0; i < cel_program_leaf_count(condition->program); i++) {
        const struct cel_leaf *leaf = cel_program_leaf(condition->program, i);
        compared += compares(loader, leaf, slot) && arm_leaf(leaf, facts);
    }
    /* Read where it is not compared with a constant: nothing is known about when that matters. */
    if (count_mentions(condition->text, slice_text(name)) != compared) {
        facts->any_threshold = true;
    }
}

void loader_arm(struct loader *loader, const struct condition *condition)
{
    uint32_t count = 0;
    const uint32_t *slots =
        condition->program == NULL ? NULL : cel_program_slots(condition->program, &count);
    for (uint32_t i = 0; i < count; i++) {
        arm_name(loader, condition, slots[i]);
    }
    struct rules_watch *watch = &loader->playbook->watch;
    watch->tenure = loader->tenure.armed;
    watch->tenure_any = loader->tenure.any_threshold;
    watch->tenure_threshold_count = loader->tenure.threshold_count;
    memcpy(watch->tenure_thresholds, loader->tenure.thresholds,
           loader->tenure.threshold_count * sizeof(watch->tenure_thresholds[0]));
}

/* ---- edges, taint, hashes ---- */

static void add_edge(struct loader *loader, enum playbook_kind kind, uint32_t index,
                     enum playbook_kind reads_kind, uint32_t reads)
{
    if (loader->playbook->edge_count < EDGES_MAX) {
        loader->edges[loader->playbook->edge_count++] =
            (struct playbook_edge){(uint8_t)kind, (uint8_t)reads_kind, index, reads};
    }
}

/* Guards cast a shadow, straight reading hands it on, and who is turned round stands in it. */
static void finish_shadow(struct loader *loader, struct definition *reader)
{
    const struct section *life = &loader->sections[PLAYBOOK_LIFE_EVENT];
    const struct section *segments = &loader->sections[PLAYBOOK_SEGMENT];
    const struct reads *reads = &reader->reads;
    taint_add(&reader->shadow, &reads->guard_taint);
    for (uint32_t i = 0; i < life->count; i++) {
        if ((reads->guard_life >> i & 1) != 0) {
            taint_add(&reader->shadow, &life->list[i].taint);
        }
    }
    for (uint32_t i = 0; i < segments->count; i++) {
        const struct definition *read = &segments->list[i];
        uint64_t bit = UINT64_C(1) << i % 64;
        bool guarded = (reads->guard_segments[i / 64] & bit) != 0;
        bool turned = (reads->turning_segments[i / 64] & bit) != 0;
        if (guarded) {
            taint_add(&reader->shadow, &read->taint);
        } else if (!turned && (reads->tainting_segments[i / 64] & bit) != 0) {
            taint_add(&reader->shadow, &read->shadow);
        }
        if ((guarded || turned) && taint_is(&read->shadow)) {
            struct taint found = firewall_turned(loader, read);
            taint_add(&reader->reads.taint, &found);
        }
    }
}

static void finish_named(struct loader *loader, enum playbook_kind kind, uint32_t index,
                         enum playbook_kind reads_kind, const uint64_t *bits,
                         const uint64_t *tainting)
{
    struct definition *reader = &loader->sections[kind].list[index];
    for (uint32_t i = 0; i < loader->sections[reads_kind].count; i++) {
        struct definition *read = &loader->sections[reads_kind].list[i];
        if ((bits[i / 64] >> i % 64 & 1) != 0) {
            canon_hash(loader, "reads", read->hash);
            read->is_read = true;
            if ((tainting[i / 64] >> i % 64 & 1) != 0) {
                taint_add(&reader->taint, &read->taint);
            }
            add_edge(loader, kind, index, reads_kind, i);
        }
    }
}

void loader_finish(struct loader *loader, enum playbook_kind kind, uint32_t index)
{
    struct definition *definition = &loader->sections[kind].list[index];
    canon_begin(loader, loader->sections[kind].key);
    canon_hash(loader, "own", definition->hash);
    for (uint32_t i = 0; i < loader->playbook->name_count; i++) {
        struct feature_facts *facts = &loader->facts[i];
        if ((definition->reads.features[i / 64] >> i % 64 & 1) != 0) {
            canon_hash(loader, "reads", facts->hash);
            facts->is_read = true;
            taint_add(&definition->taint, &facts->taint);
            add_edge(loader, kind, index, PLAYBOOK_FEATURE, i);
        }
    }
    finish_shadow(loader, definition);
    taint_add(&definition->taint, &definition->reads.taint);
    finish_named(loader, kind, index, PLAYBOOK_LIFE_EVENT, &definition->reads.life,
                 &definition->reads.tainting_life);
    finish_named(loader, kind, index, PLAYBOOK_SEGMENT, definition->reads.segments,
                 definition->reads.tainting_segments);
    definition->hash = canon_end(loader);
}
