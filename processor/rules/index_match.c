/* SPDX-License-Identifier: Apache-2.0 */
/* One event against an index, and what is left of a condition then. */
#include "rules/index_parts.h"
#include "rules/leaf.h"

/* What the tested atoms have said for this event. */
struct answers {
    const struct cel_activation *activation;
    uint64_t known[TESTED_WORDS], yes[TESTED_WORDS], no[TESTED_WORDS];
};

static uint32_t row_of_number(const struct group *group, int64_t value)
{
    uint32_t low = 0, high = group->key_count; /* the first key that is not below */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (group->numbers[middle] < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return 1 + 2 * low + (low < group->key_count && group->numbers[low] == value);
}

static uint32_t row_of_text(const struct group *group, struct slice text)
{
    for (uint32_t i = 0; i < group->key_count; i++) {
        if (slice_equal(group->texts[i], text)) {
            return 2 + i;
        }
    }
    return 1;
}

static uint32_t row_of(const struct group *group, const struct event *event)
{
    const uint8_t *at = (const uint8_t *)event + group->field->offset;
    if (!event_has(event, group->index)) {
        return 0;
    }
    if (group->kind == BY_CODE) {
        return *at + 2U < group->row_count ? *at + 1U : group->row_count - 1;
    }
    if (group->kind == BY_TEXT) {
        return row_of_text(group, *(const struct slice *)(const void *)at);
    }
    return row_of_number(group, group->field->type == FIELD_INT32
                                    ? *(const int32_t *)(const void *)at
                                    : *(const int64_t *)(const void *)at);
}

static void answer(struct answers *answers, uint32_t number, bool yes, bool no)
{
    uint64_t bit = UINT64_C(1) << number % 64;
    answers->known[number / 64] |= bit;
    answers->yes[number / 64] |= yes ? bit : 0;
    answers->no[number / 64] |= no ? bit : 0;
}

static void search(const struct rules_index *index, const struct searched *searched,
                   struct answers *answers, uint64_t found[CEL_SCANNER_PATTERNS_MAX / 64])
{
    uint32_t words = (index->tested_count + 63) / 64;
    struct cel_value text = answers->activation->read(answers->activation, searched->slot);
    bool there = text.kind == CEL_STRING;
    for (uint32_t w = 0; w < words; w++) {
        answers->known[w] |= searched->all[w];
        answers->no[w] |= there ? searched->all[w] : 0;
    }
    memset(found, 0, CEL_SCANNER_PATTERNS_MAX / 64 * sizeof(*found));
    if (!there) {
        return;
    }
    cel_scanner_scan(searched->scanner, text.text, found);
    for (uint32_t w = 0; w < CEL_SCANNER_PATTERNS_MAX / 64; w++) {
        for (uint64_t rest = found[w]; rest != 0; rest &= rest - 1) {
            uint32_t atom = searched->atoms[w * 64 + (uint32_t)__builtin_ctzll(rest)];
            answers->yes[atom / 64] |= UINT64_C(1) << atom % 64;
            answers->no[atom / 64] &= ~(UINT64_C(1) << atom % 64);
        }
    }
}

static void ask(const struct rules_index *index, uint32_t number, struct answers *answers)
{
    const struct tested *tested = &index->tested[number];
    if (tested->searched != UINT32_MAX) {
        uint64_t found[CEL_SCANNER_PATTERNS_MAX / 64];
        search(index, &index->searched[tested->searched], answers, found);
        return;
    }
    const struct scope *scope = answers->activation->context;
    struct arena *scratch = answers->activation->scratch;
    enum rules_truth truth = tested->leaf == UINT32_MAX
                                 ? rules_holds(tested->program, scope, scratch, NULL)
                                 : rules_leaf_holds(tested->program, tested->leaf, scope, scratch);
    answer(answers, number, truth == RULES_YES, truth == RULES_NO);
}

static bool term_holds(const struct rules_index *index, const struct term *term,
                       struct answers *answers)
{
    struct arena *scratch = answers->activation->scratch;
    for (uint32_t i = 0; i < term->count; i++) {
        uint32_t literal = index->literals[term->first + i], number = literal / 2;
        if ((answers->known[number / 64] >> number % 64 & 1) == 0) {
            size_t used = scratch->used;
            ask(index, number, answers);
            scratch->used = used; /* only the answer outlives the question */
        }
        const uint64_t *wanted = literal % 2 != 0 ? answers->yes : answers->no;
        if ((wanted[number / 64] >> number % 64 & 1) == 0) {
            return false;
        }
    }
    return true;
}

static void add_row(const struct searched *searched, uint32_t pattern, uint32_t words,
                    uint64_t *terms)
{
    const uint64_t *row = searched->wanting + (size_t)pattern * words;
    for (uint32_t w = 0; w < words; w++) {
        terms[w] |= row[w];
    }
}

/* Of the terms that must find a pattern, those whose pattern is there: texts are a kind of table too. One that no
 * term is left for is not searched. */
static void narrow(const struct rules_index *index, struct answers *answers, uint64_t *alive)
{
    struct arena *scratch = answers->activation->scratch;
    for (uint32_t s = 0; s < index->searched_count; s++) {
        const struct searched *searched = &index->searched[s];
        const uint64_t *all = searched->wanting + (size_t)searched->pattern_count * index->words;
        uint64_t left = 0;
        for (uint32_t w = 0; w < index->words; w++) {
            left |= alive[w] & all[w];
        }
        if (left == 0) {
            continue;
        }
        uint64_t found[CEL_SCANNER_PATTERNS_MAX / 64], kept[TERM_WORDS] = {0};
        size_t used = scratch->used;
        search(index, searched, answers, found);
        scratch->used = used;
        for (uint32_t f = 0; f < ARRAY_COUNT(found); f++) {
            for (uint64_t rest = found[f]; rest != 0; rest &= rest - 1) {
                add_row(searched, f * 64 + (uint32_t)__builtin_ctzll(rest), index->words, kept);
            }
        }
        for (uint32_t w = 0; w < index->words; w++) {
            alive[w] &= ~all[w] | kept[w];
        }
    }
}

/* Behind what the event must be stands what else the term asks. */
static void found_term(struct rules_found *found, const struct term *term, uint32_t number)
{
    uint64_t bit = UINT64_C(1) << term->condition % 64;
    found->may_hold[term->condition / 64] |= bit;
    if (term->later_count == 0) {
        found->open[term->condition / 64] &= ~bit;
        return;
    }
    found->open[term->condition / 64] |= bit;
    found->terms[number / 64] |= UINT64_C(1) << number % 64;
}

static bool is_decided(const struct rules_found *found, uint32_t condition)
{
    uint64_t decided = found->may_hold[condition / 64] & ~found->open[condition / 64];
    return (decided >> condition % 64 & 1) != 0;
}

void rules_index_match(const struct rules_index *index, const struct scope *scope,
                       struct arena *scratch, struct rules_found *out_found)
{
    const struct cel_activation activation = {
        .read = rules_read, .context = scope, .scratch = scratch};
    struct answers answers = {.activation = &activation};
    uint64_t alive[TERM_WORDS];
    memset(out_found, 0, sizeof(*out_found));
    memset(alive, 0xff, index->words * sizeof(*alive));
    if (index->term_count % 64 != 0) {
        alive[index->words - 1] = (UINT64_C(1) << index->term_count % 64) - 1;
    }
    for (uint32_t g = 0; g < index->group_count; g++) {
        const struct group *group = &index->groups[g];
        const uint64_t *row = group->rows + (size_t)row_of(group, scope->event) * index->words;
        for (uint32_t w = 0; w < index->words; w++) {
            alive[w] &= row[w];
        }
    }
    narrow(index, &answers, alive);
    for (uint32_t w = 0; w < index->words; w++) {
        for (uint64_t rest = alive[w]; rest != 0; rest &= rest - 1) {
            uint32_t number = w * 64 + (uint32_t)__builtin_ctzll(rest);
            const struct term *term = &index->terms[number];
            if (!is_decided(out_found, term->condition) && term_holds(index, term, &answers)) {
                found_term(out_found, term, number);
            }
        }
    }
}

/* What the term asks of features and names. */
static enum rules_truth rest_holds(const struct rules_index *index, const struct term *term,
                                   const struct condition *condition, struct step *step)
{
    struct arena *scratch = step->scratch;
    const uint16_t *later = index->literals + term->first + term->count;
    enum rules_truth rest = RULES_YES;
    for (uint32_t i = 0; i < term->later_count; i++) {
        size_t used = scratch->used;
        enum rules_truth truth = later[i] == RULES_TERM_WHOLE
                                     ? rules_holds(condition->program, step->scope, scratch, NULL)
                                     : condition_leaf_holds(condition, later[i] / 2U, step);
        scratch->used = used;
        if (truth == (later[i] % 2 != 0 ? RULES_NO : RULES_YES)) {
            return RULES_NO;
        }
        rest = truth == RULES_UNKNOWN ? RULES_UNKNOWN : rest;
    }
    return rest;
}

enum rules_truth rules_index_holds(const struct rules_index *index, const struct rules_found *found,
                                   uint32_t number, const struct condition *condition,
                                   struct step *step)
{
    enum rules_truth most = RULES_NO;
    if (is_decided(found, number)) {
        return RULES_YES;
    }
    for (uint32_t t = index->first_terms[number]; t < index->first_terms[number + 1]; t++) {
        bool left = (found->terms[t / 64] >> t % 64 & 1) != 0;
        enum rules_truth rest =
            left ? rest_holds(index, &index->terms[t], condition, step) : RULES_NO;
        if (rest == RULES_YES) {
            return RULES_YES;
        }
        most = rest == RULES_UNKNOWN ? RULES_UNKNOWN : most;
    }
    return most;
}
