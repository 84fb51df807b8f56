/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/index.h"

#include "rules/index_parts.h"

enum {
    GROUPS_MAX = 32,
    KEYS_MAX = 256, /* different constants that one field is compared with */
    TEXTS_MAX = 8,  /* names whose text is searched */
};

struct builder {
    struct arena *arena; /* of the index */
    struct arena *work;  /* of what only building needs */
    enum source source;
    struct rules_index *index;
    struct rules_terms *terms; /* conditions taken apart */
    struct group *groups;
    struct searched *searched;
    uint16_t *place; /* by atom: its group, or its number among the tested ones */
    bool full;
};

static void *take_from(struct builder *b, struct arena *arena, size_t count, size_t size)
{
    void *room = arena_take(arena, count * size + 1);
    b->full = b->full || room == NULL;
    return room;
}

static void *take(struct builder *b, size_t count, size_t size)
{
    return take_from(b, b->arena, count, size);
}

static const struct cel_leaf *leaf_of(const struct rules_atom *atom)
{
    return atom->leaf == UINT32_MAX ? NULL : cel_program_leaf(atom->program, atom->leaf);
}

/* The field of this source that the atom reads and nothing else; NULL: more, or something else. */
static const struct field *only_field(const struct builder *b, const struct rules_atom *atom,
                                      uint32_t *out_index)
{
    const struct cel_leaf *leaf = leaf_of(atom);
    if (leaf == NULL || leaf->slot_count != 1 || SCOPE_SLOT_SPACE(leaf->slots[0]) != SCOPE_EVENT) {
        return NULL;
    }
    const struct field_table *table = fields_of(b->source);
    uint32_t index = SCOPE_SLOT_INDEX(leaf->slots[0]);
    *out_index = index % RULES_EVENT_FIELDS_EACH;
    return index / RULES_EVENT_FIELDS_EACH == (uint32_t)b->source && *out_index < table->count
               ? &table->fields[*out_index]
               : NULL;
}

/* The constants that the leaf compares with, all of that kind. False: others. */
static bool constants_are(const struct cel_leaf *leaf, enum cel_kind kind)
{
    if (leaf->form == CEL_LEAF_HAS) {
        return true;
    }
    if (leaf->form != CEL_LEAF_COMPARES) {
        return false;
    }
    const struct cel_value *constant = leaf->constant;
    if (constant->kind != CEL_LIST) {
        return constant->kind == kind;
    }
    for (uint32_t i = 0; i < constant->list.count; i++) {
        if (constant->list.items[i].kind != kind) {
            return false;
        }
    }
    return true;
}

/* Can the atom be tabulated by the value of its field? */
static bool kind_of_group(const struct field *field, const struct cel_leaf *leaf,
                          enum group_kind *out_kind)
{
    switch ((int)field->type) {
    case FIELD_CODE:
    case FIELD_BOOL:
        *out_kind = BY_CODE;
        return true;
    case FIELD_INT32:
    case FIELD_INT64:
        *out_kind = BY_NUMBER;
        return constants_are(leaf, CEL_INT);
    case FIELD_STRING:
        *out_kind = BY_TEXT;
        return constants_are(leaf, CEL_STRING) && !leaf->ordered;
    default:
        return false;
    }
}

static uint32_t find_group(struct builder *b, const struct field *field, uint32_t index,
                           enum group_kind kind)
{
    uint32_t i = 0;
    while (i < b->index->group_count && b->groups[i].field != field) {
        i++;
    }
    if (i == b->index->group_count && i < GROUPS_MAX) {
        b->groups[i] = (struct group){.field = field, .index = index, .kind = kind};
        b->groups[i].numbers = take(b, KEYS_MAX, sizeof(int64_t));
        b->groups[i].texts = take(b, KEYS_MAX, sizeof(struct slice));
        b->index->group_count += !b->full;
    }
    return i;
}

static bool add_key(struct group *group, const struct cel_value *value)
{
    int64_t *numbers = (int64_t *)(uintptr_t)group->numbers;
    struct slice *texts = (struct slice *)(uintptr_t)group->texts;
    for (uint32_t i = 0; i < group->key_count; i++) {
        if (group->kind == BY_NUMBER ? numbers[i] == value->i
                                     : slice_equal(texts[i], value->text)) {
            return true;
        }
    }
    if (group->key_count == KEYS_MAX) {
        return false;
    }
    uint32_t at = group->key_count++;
    if (group->kind == BY_TEXT) {
        texts[at] = value->text;
        return true;
    }
    for (; at > 0 && numbers[at - 1] > value->i; at--) {
        numbers[at] = numbers[at - 1];
    }
    numbers[at] = value->i;
    return true;
}

static bool add_keys(struct group *group, const struct cel_leaf *leaf)
{
    if (group->kind == BY_CODE || leaf->form == CEL_LEAF_HAS) {
        return true;
    }
    if (leaf->constant->kind != CEL_LIST) {
        return add_key(group, leaf->constant);
    }
    bool good = true;
    for (uint32_t i = 0; i < leaf->constant->list.count && good; i++) {
        good = add_key(group, &leaf->constant->list.items[i]);
    }
    return good;
}

static uint32_t find_searched(struct builder *b, uint32_t slot)
{
    uint32_t i = 0;
    while (i < b->index->searched_count && b->searched[i].slot != slot) {
        i++;
    }
    if (i == b->index->searched_count && i < TEXTS_MAX) {
        b->searched[i] = (struct searched){.slot = slot};
        b->searched[i].atoms = take(b, CEL_SCANNER_PATTERNS_MAX, sizeof(uint16_t));
        b->index->searched_count += !b->full;
    }
    return i;
}

/* Is its pattern searched together with others? */
static void add_pattern(struct builder *b, struct tested *tested, uint16_t number)
{
    const struct cel_leaf *leaf = cel_program_leaf(tested->program, tested->leaf);
    uint32_t at = find_searched(b, leaf->first_slot);
    if (b->full || at == TEXTS_MAX || b->searched[at].pattern_count == CEL_SCANNER_PATTERNS_MAX) {
        return;
    }
    struct searched *searched = &b->searched[at];
    ((uint16_t *)(uintptr_t)searched->atoms)[searched->pattern_count++] = number;
    searched->all[number / 64] |= UINT64_C(1) << number % 64;
    tested->searched = at;
}

/* Where each atom is known from: a table, or a question of its own. */
static void place_atoms(struct builder *b, struct tested *tested)
{
    const struct rules_terms *terms = b->terms;
    for (uint32_t i = 0; i < terms->atom_count && !b->full; i++) {
        struct rules_atom *atom = &b->terms->atoms[i];
        const struct cel_leaf *leaf = leaf_of(atom);
        enum group_kind kind = BY_CODE;
        uint32_t index = 0, group = GROUPS_MAX;
        const struct field *field = only_field(b, atom, &index);
        if (field != NULL && kind_of_group(field, leaf, &kind)) {
            group = find_group(b, field, index, kind);
        }
        atom->tabulated = group < GROUPS_MAX && !b->full && add_keys(&b->groups[group], leaf);
        if (atom->tabulated) {
            b->place[i] = (uint16_t)group;
            b->index->tabulated_count++;
            continue;
        }
        b->place[i] = (uint16_t)b->index->tested_count;
        struct tested *last = &tested[b->index->tested_count++];
        *last = (struct tested){atom->program, atom->leaf, UINT32_MAX};
        if (leaf != NULL && leaf->form == CEL_LEAF_MATCHES) {
            add_pattern(b, last, b->place[i]);
        }
    }
}

/* Where a value stands that the tables are made with. */
struct supposed {
    uint32_t slot;
    struct cel_value value;
};

static struct cel_value read_supposed(const struct cel_activation *activation, uint32_t slot)
{
    const struct supposed *supposed = activation->context;
    return slot == supposed->slot ? supposed->value : (struct cel_value){.kind = CEL_ABSENT};
}

/* A value of the field that stands for all of the row. False: there is none, as between 3 and 4. */
static bool value_of_row(const struct group *group, uint32_t row, struct cel_value *out)
{
    static const char other[] = "\x01 a text that no rule names";
    uint32_t at = row - 1;
    if (row == 0) {
        *out = (struct cel_value){.kind = CEL_ABSENT};
        return true;
    }
    if (group->kind == BY_CODE) {
        *out = group->field->type == FIELD_BOOL
                   ? cel_bool(at != 0)
                   : cel_string(slice_text(codes_text(group->field->codes, at)));
        return true;
    }
    if (group->kind == BY_TEXT) {
        *out = cel_string(at == 0 ? slice_text(other) : group->texts[at - 1]);
        return true;
    }
    uint32_t key = at / 2;
    if (at % 2 != 0) {
        *out = cel_int(group->numbers[key]);
        return true;
    }
    if (key == group->key_count) { /* behind the last key; without keys any value */
        *out = cel_int(key == 0 ? 0 : group->numbers[key - 1]);
        return key == 0 || !__builtin_add_overflow(out->i, 1, &out->i);
    }
    *out = cel_int(group->numbers[key]);
    return !__builtin_sub_overflow(out->i, 1, &out->i) &&
           (key == 0 || out->i > group->numbers[key - 1]);
}

static bool literal_holds(const struct builder *b, uint16_t literal, struct supposed *supposed)
{
    const struct rules_atom *atom = &b->terms->atoms[literal / 2];
    const struct cel_activation activation = {
        .read = read_supposed, .context = supposed, .scratch = b->work};
    size_t used = b->work->used;
    supposed->slot = leaf_of(atom)->slots[0];
    struct cel_value value = cel_evaluate_leaf(atom->program, atom->leaf, &activation);
    b->work->used = used;
    return value.kind == CEL_BOOL && value.b == (literal % 2 != 0);
}

static void fill_row(struct builder *b, uint32_t number, uint32_t row, uint64_t *out)
{
    const struct group *group = &b->groups[number];
    struct supposed supposed;
    if (!value_of_row(group, row, &supposed.value)) {
        return;
    }
    for (uint32_t t = 0; t < b->terms->term_count; t++) {
        const struct rules_term *term = &b->terms->terms[t];
        bool holds = true;
        for (uint32_t i = 0; i < term->count && holds; i++) {
            uint32_t atom = term->literals[i] / 2U;
            bool here = b->terms->atoms[atom].tabulated && b->place[atom] == number;
            holds = !here || literal_holds(b, term->literals[i], &supposed);
        }
        out[t / 64] |= (uint64_t)holds << t % 64;
    }
}

static void fill_tables(struct builder *b)
{
    for (uint32_t g = 0; g < b->index->group_count && !b->full; g++) {
        struct group *group = &b->groups[g];
        uint32_t codes = group->field->codes != NULL ? group->field->codes->count : 2;
        group->row_count = 1 + (group->kind == BY_CODE     ? codes + 1 /* and no such code */
                                : group->kind == BY_NUMBER ? 2 * group->key_count + 1
                                                           : group->key_count + 1);
        uint64_t *rows = take(b, (size_t)group->row_count * b->index->words, sizeof(*rows));
        for (uint32_t row = 0; row < group->row_count && !b->full; row++) {
            fill_row(b, g, row, rows + (size_t)row * b->index->words);
        }
        group->rows = rows;
    }
}

/* Patterns first: by then they cost nothing. */
static void fill_terms(struct builder *b, struct term *terms, uint16_t *literals,
                       const struct tested *tested)
{
    uint32_t used = 0;
    for (uint32_t t = 0; t < b->terms->term_count; t++) {
        const struct rules_term *term = &b->terms->terms[t];
        terms[t] = (struct term){.condition = term->condition, .first = (uint16_t)used};
        for (uint32_t round = 0; round < 2; round++) {
            for (uint32_t i = 0; i < term->count; i++) {
                uint32_t atom = term->literals[i] / 2U;
                bool asked = !b->terms->atoms[atom].tabulated;
                bool searched = asked && tested[b->place[atom]].searched != UINT32_MAX;
                if (asked && searched == (round == 0)) {
                    literals[used++] = (uint16_t)(2 * b->place[atom] + term->literals[i] % 2U);
                }
            }
        }
        terms[t].count = (uint16_t)(used - terms[t].first);
        terms[t].later_count = term->later_count;
        memcpy(literals + used, term->later, term->later_count * sizeof(*literals));
        used += term->later_count;
    }
}

/* The first pattern of this text that the term must find; UINT32_MAX: none. */
static uint32_t pattern_wanted(const struct builder *b, const struct searched *searched,
                               const struct term *term, const uint16_t *literals)
{
    for (uint32_t i = 0; i < term->count; i++) {
        uint16_t literal = literals[term->first + i];
        for (uint32_t k = 0; literal % 2 != 0 && k < searched->pattern_count; k++) {
            if (searched->atoms[k] == literal / 2U &&
                b->index->tested[literal / 2U].searched != UINT32_MAX) {
                return k;
            }
        }
    }
    return UINT32_MAX;
}

static void take_wanting(struct builder *b)
{
    for (uint32_t s = 0; s < b->index->searched_count; s++) {
        struct searched *searched = &b->searched[s];
        searched->wanting =
            take(b, ((size_t)searched->pattern_count + 1) * b->index->words, sizeof(uint64_t));
    }
}

static void fill_wanting(struct builder *b, const struct term *terms, const uint16_t *literals)
{
    uint32_t words = b->index->words;
    for (uint32_t s = 0; s < b->index->searched_count; s++) {
        const struct searched *searched = &b->searched[s];
        uint64_t *rows = (uint64_t *)(uintptr_t)searched->wanting;
        for (uint32_t t = 0; t < b->terms->term_count; t++) {
            uint32_t pattern = pattern_wanted(b, searched, &terms[t], literals);
            if (pattern != UINT32_MAX) {
                rows[pattern * words + t / 64] |= UINT64_C(1) << t % 64;
                rows[searched->pattern_count * words + t / 64] |= UINT64_C(1) << t % 64;
            }
        }
    }
}

/* Terms stand in the order of their conditions. */
static void fill_conditions(const struct builder *b, uint16_t *first_terms,
                            const struct cel_program **kept,
                            const struct cel_program *const *programs, uint32_t count)
{
    uint32_t t = 0;
    for (uint32_t i = 0; i < count; i++) {
        kept[i] = programs[i];
        first_terms[i] = (uint16_t)t;
        while (t < b->terms->term_count && b->terms->terms[t].condition == i) {
            t++;
        }
    }
    first_terms[count] = (uint16_t)t;
}

/* One automaton per text, for a single pattern too: a pattern by itself follows all its states with each character.
 * Where it cannot be built, its patterns are evaluated like other atoms. */
static void build_scanners(struct builder *b, struct tested *tested)
{
    const struct cel_pattern *patterns[CEL_SCANNER_PATTERNS_MAX];
    for (uint32_t s = 0; s < b->index->searched_count; s++) {
        struct searched *searched = &b->searched[s];
        for (uint32_t i = 0; i < searched->pattern_count; i++) {
            const struct tested *atom = &tested[searched->atoms[i]];
            patterns[i] = cel_program_leaf(atom->program, atom->leaf)->pattern;
        }
        searched->scanner = cel_scanner_build(patterns, searched->pattern_count, b->arena, b->work);
        for (uint32_t i = 0; searched->scanner == NULL && i < searched->pattern_count; i++) {
            tested[searched->atoms[i]].searched = UINT32_MAX;
        }
    }
}

/* False: a limit. */
static bool build(struct builder *b, const struct cel_program *const *programs, uint32_t count,
                  uint32_t waiting)
{
    b->terms = take_from(b, b->work, 1, sizeof(*b->terms));
    b->place = take_from(b, b->work, RULES_ATOMS_MAX, sizeof(*b->place));
    b->index = take(b, 1, sizeof(*b->index));
    b->groups = take(b, GROUPS_MAX, sizeof(*b->groups));
    b->searched = take(b, TEXTS_MAX, sizeof(*b->searched));
    struct tested *tested = take(b, RULES_ATOMS_MAX, sizeof(*tested));
    if (b->full || count > RULES_INDEX_CONDITIONS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!rules_terms_add(b->terms, b->source, programs[i], i, i >= waiting, b->work)) {
            return false;
        }
    }
    place_atoms(b, tested);
    struct term *terms = take(b, b->terms->term_count, sizeof(*terms));
    uint16_t *literals = take(b, (size_t)b->terms->term_count * 2 * RULES_TERM_SIZE_MAX, 2);
    uint16_t *first_terms = take(b, count + (size_t)1, sizeof(*first_terms));
    const struct cel_program **kept = take(b, count + (size_t)1, sizeof(*kept));
    b->index->words = (b->terms->term_count + 63) / 64;
    if (b->full) {
        return false;
    }
    fill_tables(b);
    take_wanting(b);
    if (b->full) {
        return false;
    }
    build_scanners(b, tested); /* behind what there must be room for */
    fill_terms(b, terms, literals, tested);
    fill_conditions(b, first_terms, kept, programs, count);
    b->index->groups = b->groups;
    b->index->searched = b->searched;
    b->index->tested = tested;
    fill_wanting(b, terms, literals);
    b->index->terms = terms;
    b->index->first_terms = first_terms;
    b->index->literals = literals;
    b->index->programs = kept;
    b->index->term_count = b->terms->term_count;
    return true;
}

const struct rules_index *rules_index_build(enum source source,
                                            const struct cel_program *const *programs,
                                            uint32_t count, uint32_t waiting, struct arena *arena,
                                            struct arena *work)
{
    struct builder b = {.arena = arena, .work = work, .source = source};
    size_t used = arena->used, work_used = work->used;
    bool good = build(&b, programs, count, waiting);
    work->used = work_used;
    arena->used = good ? arena->used : used;
    return good ? b.index : NULL;
}
