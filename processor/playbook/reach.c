/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that cannot do what they say: conditions that nothing satisfies, characteristics that shut each other out,
 * exits that throw out whoever comes in, codes that do not exist.
 *
 * A name that is only compared with constants has finitely many cases: the constants, what lies between them, its
 * own bounds, and that it is not known. Of `seg` and `life` the cases are the sets of those ids that are asked for.
 * For each case all conditions are evaluated with every other name unknown
 * (as an error and as absent: has() tells them apart). Where some condition is against every case, no customer can
 * ever satisfy them together. What is found is true; not everything is found. */
#include <math.h>
#include <stdlib.h>

#include "playbook/loader.h"
#include "playbook/reach.h"
#include "playbook/tokens.h"

enum { CASES_MAX = 256, SCRATCH_SIZE = 16384, IDS_MAX = 6, SETS_MAX = 1 << IDS_MAX };

/* One name, and the values that make a difference. */
struct cases {
    uint32_t slot;
    enum cel_kind kind;
    struct cel_value values[CASES_MAX];
    uint32_t count;
    struct cel_value ids[SETS_MAX][IDS_MAX]; /* of `seg` and `life`: of each set */
    double low, high;                        /* that the name can have */
    bool full;
};

/* ---- what a name can be ---- */

static const struct codes *codes_of(struct slice name)
{
    for (int source = 0; source < SOURCE_COUNT; source++) {
        const struct field_table *table = fields_of((enum source)source);
        size_t prefix = strlen(table->prefix);
        if (name.size > prefix + 1 && memcmp(name.data, table->prefix, prefix) == 0 &&
            name.data[prefix] == '.') {
            int32_t field = fields_find((enum source)source,
                                        slice_of(name.data + prefix + 1, name.size - prefix - 1));
            return field < 0 ? NULL : table->fields[field].codes;
        }
    }
    return NULL;
}

static void bound_feature(const struct loader *loader, uint32_t index, struct cases *cases)
{
    if (index >= loader->playbook->feature_count) { /* a series' counts and amounts */
        cases->low = 0;
        return;
    }
    const struct feature_def *def = &loader->playbook->feature_defs[index];
    switch (def->kind) {
    case FEATURE_ACTIVE_DAYS:
    case FEATURE_STREAK:
    case FEATURE_LONGEST_STREAK:
        cases->high = def->unit == FEATURE_DAYS ? def->length : cases->high;
        cases->low = 0;
        break;
    case FEATURE_COUNT:
    case FEATURE_DISTINCT:
    case FEATURE_TOP_COUNT:
    case FEATURE_SESSIONS:
        cases->high = def->unit == FEATURE_EVENTS ? def->length : cases->high;
        cases->low = 0;
        break;
    case FEATURE_TIME_SINCE:
    case FEATURE_DAYS_SINCE:
    case FEATURE_DAYS_SINCE_FIRST:
    case FEATURE_MAD:
        cases->low = 0;
        break;
    case FEATURE_RFM:
        cases->low = 111;
        cases->high = 555;
        break;
    case FEATURE_SUM:
    case FEATURE_AVG:
    case FEATURE_MIN:
    case FEATURE_MAX:
    case FEATURE_TREND:
    case FEATURE_DECAY:
    case FEATURE_FIRST:
    case FEATURE_LAST:
    case FEATURE_NTH:
    case FEATURE_TOP:
    case FEATURE_QUANTILE:
    case FEATURE_SEQUENCE:
    case FEATURE_ABSENCE:
    case FEATURE_RATIO:
    case FEATURE_KIND_COUNT:
        break;
    }
}

static void bound_name(const struct loader *loader, const char *name, struct cases *cases)
{
    static const struct {
        const char *name;
        double low, high;
    } known[] = {{"c.age", 0, 130},       {"c.risk_profile", 1, 7},
                 {"c.dependants", 0, 50}, {"tx.amount_minor", 1, 9e18},
                 {"tx.mcc", 0, 9999},     {"app.duration_ms", 0, 9e18}};
    cases->low = -9e18;
    cases->high = 9e18;
    if (SCOPE_SLOT_SPACE(cases->slot) == SCOPE_FEATURE) {
        bound_feature(loader, SCOPE_SLOT_INDEX(cases->slot), cases);
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(name, known[i].name) == 0) {
            cases->low = known[i].low;
            cases->high = known[i].high;
        }
    }
}

/* ---- cases ---- */

static void add_case(struct cases *cases, struct cel_value value)
{
    if (cases->count == CASES_MAX) {
        cases->full = true;
        return;
    }
    cases->values[cases->count++] = value;
}

static void add_number(struct cases *cases, double number)
{
    if (number < cases->low || number > cases->high) {
        return;
    }
    add_case(cases, cases->kind == CEL_INT ? cel_int((int64_t)number) : cel_double(number));
}

/* The constant, and its neighbours. */
static void add_around(struct cases *cases, double number)
{
    bool whole = cases->kind == CEL_INT;
    add_number(cases, number);
    add_number(cases, whole ? number - 1 : nextafter(number, -INFINITY));
    add_number(cases, whole ? number + 1 : nextafter(number, INFINITY));
}

static void add_constants(struct cases *cases, struct slice text)
{
    for (struct token token = token_next(text, 0); token.kind != TOKEN_END;
         token = token_next(text, token.at + token.size)) {
        struct slice word = token_text(text, token);
        if (token.kind == TOKEN_STRING && cases->kind == CEL_STRING) {
            add_case(cases, cel_string(slice_of(word.data + 1, word.size < 2 ? 0 : word.size - 2)));
        } else if (token.kind == TOKEN_NAME && word.data[0] >= '0' && word.data[0] <= '9' &&
                   (cases->kind == CEL_INT || cases->kind == CEL_DOUBLE)) {
            double number = strtod((const char *)word.data, NULL); /* `12.5` as a whole */
            add_around(cases, number);
            add_around(cases, -number);
        }
    }
}

/* `seg` or `life`: always known, a list of ids. */
static bool is_set(uint32_t slot)
{
    return SCOPE_SLOT_SPACE(slot) == SCOPE_LIFE || SCOPE_SLOT_SPACE(slot) == SCOPE_SEGMENT;
}

/* Is the leaf `"ID" in NAME`? */
static bool is_member_leaf(const struct cel_leaf *leaf, const char *name, struct slice *out_id)
{
    struct token token = token_next(leaf->left_text, 0);
    struct slice word = token_text(leaf->left_text, token);
    bool one = token.kind == TOKEN_STRING &&
               token_next(leaf->left_text, token.at + token.size).kind == TOKEN_END;
    if (!one || word.size < 2 || !slice_is(leaf->right_text, name)) {
        return false;
    }
    *out_id = slice_of(word.data + 1, word.size - 2);
    return true;
}

/* How often the name stands in the text, and how often in a form whose cases are known: compared with
 * constants only, or asked for with has(). */
static bool is_simple(const struct condition *condition, const char *name)
{
    struct slice text = condition->text, word = slice_text(name);
    uint32_t mentions = 0, simple = 0;
    for (size_t at = 0; at + word.size <= text.size; at++) {
        size_t end = at + word.size;
        mentions += memcmp(text.data + at, word.data, word.size) == 0 &&
                    (at == 0 || (!token_is_word(text.data[at - 1]) && text.data[at - 1] != '.')) &&
                    (end == text.size || !token_is_word(text.data[end]));
    }
    for (uint32_t i = 0; i < cel_program_leaf_count(condition->program); i++) {
        const struct cel_leaf *leaf = cel_program_leaf(condition->program, i);
        bool constants = true;
        for (struct token token = token_next(leaf->right_text, 0); token.kind != TOKEN_END;
             token = token_next(leaf->right_text, token.at + token.size)) {
            uint8_t first = leaf->right_text.data[token.at];
            constants =
                constants && (token.kind == TOKEN_STRING || strchr("[],-.", first) != NULL ||
                              (first >= '0' && first <= '9') ||
                              slice_is(token_text(leaf->right_text, token), "true") ||
                              slice_is(token_text(leaf->right_text, token), "false"));
        }
        bool has = leaf->text.size == word.size + 5 && memcmp(leaf->text.data, "has(", 4) == 0 &&
                   memcmp(leaf->text.data + 4, word.data, word.size) == 0;
        bool bare = slice_is(leaf->left_text, name);
        struct slice id;
        simple += is_member_leaf(leaf, name, &id);
        simple += has || (bare && (!leaf->comparison || constants));
    }
    return mentions == simple;
}

static bool reads_slot(const struct condition *condition, uint32_t slot, uint32_t *out_count)
{
    const uint32_t *slots = cel_program_slots(condition->program, out_count);
    for (uint32_t i = 0; i < *out_count; i++) {
        if (slots[i] == slot) {
            return true;
        }
    }
    return false;
}

static enum cel_kind kind_of(const struct cel_environment *environment, uint32_t slot)
{
    for (uint32_t i = 0; i < environment->name_count; i++) {
        if (environment->names[i].slot == slot) {
            return environment->names[i].type.kind;
        }
    }
    return CEL_DYN;
}

static bool find_ids(const struct condition *condition, const char *name, struct slice *ids,
                     uint32_t *count)
{
    for (uint32_t i = 0; i < cel_program_leaf_count(condition->program); i++) {
        struct slice id;
        uint32_t at = 0;
        if (!is_member_leaf(cel_program_leaf(condition->program, i), name, &id)) {
            continue;
        }
        while (at < *count && !slice_equal(ids[at], id)) {
            at++;
        }
        if (at == IDS_MAX) {
            return false;
        }
        ids[at] = id;
        *count += at == *count;
    }
    return true;
}

/* Every set of the ids that are asked for; others make no difference. False: too many, or asked otherwise. */
static bool collect_sets(const struct reach_part *parts, uint32_t count, const char *name,
                         struct cases *out)
{
    struct slice ids[IDS_MAX];
    uint32_t id_count = 0;
    out->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slots;
        if (reads_slot(parts[i].condition, out->slot, &slots) &&
            (!is_simple(parts[i].condition, name) ||
             !find_ids(parts[i].condition, name, ids, &id_count))) {
            return false;
        }
    }
    for (uint32_t set = 0; set < UINT32_C(1) << id_count; set++) {
        struct cel_value *items = out->ids[set];
        uint32_t size = 0;
        for (uint32_t i = 0; i < id_count; i++) {
            if ((set >> i & 1) != 0) {
                items[size++] = cel_string(ids[i]);
            }
        }
        out->values[out->count++] = (struct cel_value){.kind = CEL_LIST, .list = {items, size}};
    }
    return true;
}

/* False: the name's cases are not known. */
static bool collect_cases(const struct loader *loader, const struct cel_environment *environment,
                          const struct reach_part *parts, uint32_t count, struct cases *out)
{
    const char *name = rules_slot_name(environment, out->slot);
    out->kind = kind_of(environment, out->slot);
    out->count = 0;
    out->full = false;
    if (is_set(out->slot)) {
        return collect_sets(parts, count, name, out);
    }
    bool number = out->kind == CEL_INT || out->kind == CEL_DOUBLE;
    if (!number && out->kind != CEL_STRING && out->kind != CEL_BOOL) {
        return false;
    }
    bound_name(loader, name, out);
    const struct codes *codes = codes_of(slice_text(name));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slots;
        if (!reads_slot(parts[i].condition, out->slot, &slots)) {
            continue;
        }
        if (!is_simple(parts[i].condition, name)) {
            return false;
        }
        if (codes == NULL) {
            add_constants(out, parts[i].condition->text);
        }
    }
    for (uint32_t i = 0; codes != NULL && i < codes->count; i++) {
        add_case(out, cel_string(slice_text(codes->names[i])));
    }
    if (out->kind == CEL_STRING && codes == NULL) {
        add_case(out, cel_string(slice_text("\x01 none of them")));
    } else if (out->kind == CEL_BOOL) {
        add_case(out, cel_bool(false));
        add_case(out, cel_bool(true));
    } else if (number) {
        add_number(out, 0);
        add_number(out, out->low);
        add_number(out, out->high);
    }
    add_case(out, (struct cel_value){.kind = CEL_ABSENT});
    return !out->full;
}

/* ---- judging ---- */

static bool says(const struct condition *condition, uint32_t slot, struct cel_value value,
                 struct cel_value others, bool what)
{
    uint8_t block[SCRATCH_SIZE];
    struct arena scratch;
    arena_init(&scratch, block, sizeof(block));
    struct cel_value said = loader_probe(condition->program, slot, value, others, &scratch);
    return said.kind == CEL_BOOL && said.b == what;
}

/* Whatever the other names are, the condition is `what` when this one has the value. */
static bool certain(const struct condition *condition, uint32_t slot, struct cel_value value,
                    bool what)
{
    uint32_t count;
    bool reads = reads_slot(condition, slot, &count);
    /* Two evaluations stand for one other name that has() asks for, not for two. */
    if (count > 2 && strstr((const char *)condition->text.data, "has(") != NULL) {
        return false;
    }
    struct cel_value unknown = {.kind = CEL_ERROR, .text = slice_text("?")};
    struct cel_value absent = {.kind = CEL_ABSENT};
    return (reads || count == 0) && says(condition, slot, value, unknown, what) &&
           (count < 2 || says(condition, slot, value, absent, what));
}

/* Can the condition be as wanted, with this value of the name? What is not known decides nothing, so a condition
 * about this name alone must say it. */
static bool allows(const struct reach_part *part, uint32_t slot, struct cel_value value)
{
    uint32_t count;
    if (!reads_slot(part->condition, slot, &count)) {
        return true;
    }
    return count == 1 ? certain(part->condition, slot, value, part->wanted)
                      : !certain(part->condition, slot, value, !part->wanted);
}

static bool possible(const struct reach_part *parts, uint32_t count, const struct cases *cases)
{
    for (uint32_t i = 0; i < cases->count; i++) {
        bool good = true;
        for (uint32_t j = 0; good && j < count; j++) {
            good = allows(&parts[j], cases->slot, cases->values[i]);
        }
        if (good) {
            return true;
        }
    }
    return false;
}

static void refuse_alone(struct loader *loader, const struct reach_part *part, const char *why)
{
    yaml_error(part->node, loader->diagnostics, NULL,
               part->wanted ? "`%.*s` can never be true: %s" : "`%.*s` is always true: %s",
               SLICE_ARG(part->condition->name), why);
}

/* Say which condition, or which two, shut everybody out. */
static void refuse(struct loader *loader, const struct cel_environment *environment,
                   const struct reach_part *parts, uint32_t count, const struct cases *cases)
{
    const char *name = rules_slot_name(environment, cases->slot);
    char why[160];
    (void)snprintf(why, sizeof(why), "no value of %s fits", name);
    for (uint32_t i = 0; i < count; i++) {
        if (!possible(&parts[i], 1, cases)) {
            refuse_alone(loader, &parts[i], why);
            return;
        }
        for (uint32_t j = 0; j < i; j++) {
            const struct reach_part pair[2] = {parts[j], parts[i]};
            if (!possible(pair, 2, cases)) {
                yaml_error(parts[i].node, loader->diagnostics, NULL,
                           "`%.*s` leaves nobody of `%.*s`: no value of %s fits both",
                           SLICE_ARG(parts[i].condition->name), SLICE_ARG(parts[j].condition->name),
                           name);
                return;
            }
        }
    }
    yaml_error(parts[0].node, loader->diagnostics, NULL,
               "these conditions can never hold together: no value of %s fits them", name);
}

bool reach_check(struct loader *loader, const struct cel_environment *environment,
                 const struct reach_part *parts, uint32_t count)
{
    struct cases *cases = loader_take(loader, sizeof(*cases));
    for (uint32_t i = 0; cases != NULL && i < count; i++) {
        uint32_t slot_count;
        const uint32_t *slots = cel_program_slots(parts[i].condition->program, &slot_count);
        struct cel_value none = {.kind = CEL_ABSENT};
        if (slot_count == 0 && certain(parts[i].condition, UINT32_MAX, none, !parts[i].wanted)) {
            refuse_alone(loader, &parts[i], "it reads nothing");
            return false;
        }
        for (uint32_t j = 0; j < slot_count; j++) {
            cases->slot = slots[j];
            if (collect_cases(loader, environment, parts, count, cases) &&
                !possible(parts, count, cases)) {
                refuse(loader, environment, parts, count, cases);
                return false;
            }
        }
    }
    return true;
}

void reach_exit(struct loader *loader, const struct reach_part *parts, uint32_t count,
                const struct reach_part *exit)
{
    const struct cel_environment *environment = loader->playbook->environment;
    struct cases *cases = loader_take(loader, sizeof(*cases));
    struct reach_part all[REACH_PARTS_MAX + 1];
    uint32_t slot_count;
    const uint32_t *slots = cel_program_slots(exit->condition->program, &slot_count);
    if (cases == NULL || slot_count != 1 || count > REACH_PARTS_MAX || is_set(slots[0])) {
        return; /* in and out by other segments or life events is no mistake */
    }
    cases->slot = slots[0];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t read;
        if (reads_slot(parts[i].condition, slots[0], &read) && read > 1) {
            return; /* another name may keep the two apart */
        }
        all[i] = parts[i];
    }
    all[count] = *exit;
    if (!collect_cases(loader, environment, all, count + 1, cases)) {
        return;
    }
    for (uint32_t i = 0; i < cases->count; i++) {
        bool both = true;
        for (uint32_t j = 0; both && j < count + 1; j++) {
            both = allows(&all[j], slots[0], cases->values[i]);
        }
        if (both) {
            char value[64];
            (void)cel_format(&cases->values[i], value, sizeof(value));
            yaml_warning(exit->node, loader->diagnostics,
                         "leave a gap between coming in and going out",
                         "whoever comes in with %s = %s goes out again at once",
                         rules_slot_name(environment, slots[0]), value);
            return;
        }
    }
}

/* ---- codes ---- */

/* The program keeps a text of its own: where a part of the leaf stands in the file's. */
static size_t place_of(const struct yaml_node *node, const struct cel_leaf *leaf, struct slice part)
{
    const uint8_t *at = memmem(node->text.data, node->text.size, leaf->text.data, leaf->text.size);
    return (at == NULL ? 0 : (size_t)(at - node->text.data)) +
           (size_t)(part.data - leaf->text.data);
}

static void check_literals(struct loader *loader, const struct yaml_node *node, size_t base,
                           struct slice literals, struct slice name, const struct codes *codes)
{
    for (struct token token = token_next(literals, 0); token.kind != TOKEN_END;
         token = token_next(literals, token.at + token.size)) {
        if (token.kind != TOKEN_STRING || token.size < 2) {
            continue;
        }
        struct slice word = slice_of(literals.data + token.at + 1, token.size - 2);
        if (codes_find(codes, word) >= 0) {
            continue;
        }
        char mend[DIAGNOSTIC_TEXT_SIZE] = "";
        const char *near = diagnostic_nearest(word, codes->names, codes->count);
        size_t size = 0;
        for (uint32_t i = 0; near == NULL && i < codes->count && size < sizeof(mend); i++) {
            size += (size_t)snprintf(mend + size, sizeof(mend) - size, "%s%s",
                                     i == 0 ? "one of " : " ", codes->names[i]);
        }
        if (near != NULL) {
            (void)snprintf(mend, sizeof(mend), "did you mean `%s`?", near);
        }
        diagnostics_add(loader->diagnostics, DIAGNOSTIC_ERROR,
                        yaml_locate(node, base + token.at + 1, (uint32_t)word.size), mend,
                        "`%.*s` is never \"%.*s\"", SLICE_ARG(name), SLICE_ARG(word));
    }
}

/* The same words on both sides, whatever stands between them. */
static bool same_words(struct slice left, struct slice right)
{
    struct token one = token_next(left, 0), two = token_next(right, 0);
    while (one.kind != TOKEN_END && slice_equal(token_text(left, one), token_text(right, two))) {
        one = token_next(left, one.at + one.size);
        two = token_next(right, two.at + two.size);
    }
    return one.kind == TOKEN_END && two.kind == TOKEN_END && left.size > 0;
}

void reach_leaves(struct loader *loader, const struct yaml_node *node,
                  const struct cel_program *program)
{
    for (uint32_t i = 0; i < cel_program_leaf_count(program); i++) {
        const struct cel_leaf *leaf = cel_program_leaf(program, i);
        if (leaf->comparison && same_words(leaf->left_text, leaf->right_text)) {
            diagnostics_add(
                loader->diagnostics, DIAGNOSTIC_ERROR,
                yaml_locate(node, place_of(node, leaf, leaf->text), (uint32_t)leaf->text.size),
                NULL, "`%.*s` compares something with itself", SLICE_ARG(leaf->text));
        }
        const struct codes *left = codes_of(leaf->left_text);
        const struct codes *right = codes_of(leaf->right_text);
        if (leaf->comparison && left != NULL) {
            check_literals(loader, node, place_of(node, leaf, leaf->right_text), leaf->right_text,
                           leaf->left_text, left);
        } else if (leaf->comparison && right != NULL) {
            check_literals(loader, node, place_of(node, leaf, leaf->left_text), leaf->left_text,
                           leaf->right_text, right);
        }
    }
}
