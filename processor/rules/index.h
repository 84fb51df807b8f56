/* SPDX-License-Identifier: Apache-2.0 */
/* Many conditions over one event: which of them may hold, found without evaluating each.
 *
 * Conditions of a playbook share what they ask of an event (a direction, a merchant's category, a word of the
 * text). Each is taken apart into terms, of which one must hold, and a term into atoms, all of which must; atoms
 * over one field are tabulated by the field's value when the index is built:
 *
 *              terms   0 1 2 3 4 5
 *   direction CREDIT   1 1 0 1 0 1 ──┐
 *   kind      CARD     0 1 1 1 0 1 ──┼─ and ──> 0 1 0 0 0 1 ──> of these: words of the text (one
 *   mcc       5411     1 1 1 0 1 1 ──┘                          pass for all), then what is left, once
 *
 * The first part is the bit vectors of packet classification (Lakshman and Stiliadis, 1998), sharing atoms is the
 * alpha network of Rete (Forgy, 1982).
 *
 * An error (a field that is not there) is CEL's third truth, and && || ! over three truths distribute as over two
 * (a De Morgan lattice), so taking conditions apart changes no verdict: `prop_index` compares with evaluating
 * each. */
#ifndef RULES_INDEX_H
#define RULES_INDEX_H

#include "rules/step.h"

enum {
    RULES_INDEX_CONDITIONS_MAX = 704,
    RULES_INDEX_WORDS = RULES_INDEX_CONDITIONS_MAX / 64,
    RULES_INDEX_TERMS = 1024,        /* of all conditions */
    RULES_INDEX_WORK_SIZE = 8 << 20, /* bytes that building should have */
};

struct rules_index; /* immutable */

/* Over events of `source`. A NULL program always holds. Of the programs from `waiting` on, leaves that no table of
 * the event's values decides (over the profile alone, over two names or more) are asked only by rules_index_holds.
 * Lives in `arena`; `work`, another one, is left as it was, and how large it is bounds the automata (patterns of
 * one that does not fit are evaluated like other atoms). The programs outlive it. NULL: a limit (conditions,
 * RULES_INDEX_TERMS, RULES_ATOMS_MAX) or an arena, both of which are then as they were; evaluate each condition
 * instead. */
const struct rules_index *rules_index_build(enum source source,
                                            const struct cel_program *const *programs,
                                            uint32_t count, uint32_t waiting, struct arena *arena,
                                            struct arena *work);

/* What an event leaves of the conditions: a bit each. */
struct rules_found {
    /* Nothing in the event speaks against it; of a program before `waiting` that reads nothing but the event, the
     * profile and the clock: exactly when rules_holds says RULES_YES */
    uint64_t may_hold[RULES_INDEX_WORDS];
    uint64_t open[RULES_INDEX_WORDS];       /* of those: what else it reads decides */
    uint64_t terms[RULES_INDEX_TERMS / 64]; /* private: of those, what the event leaves */
};

/* For scope->event. `scratch` is left as it was; an atom may need all of it (rules_holds asks all of a
 * program's atoms on one: where that is too much, it does not know, while the index does). */
void rules_index_match(const struct rules_index *index, const struct scope *scope,
                       struct arena *scratch, struct rules_found *out_found);

/* Does the condition with the program that stands at `number`, and may hold for this event, do so, now that
 * step->scope has what it reads beside it? RULES_YES as rules_holds says it; RULES_UNKNOWN: what is not known of
 * features and names may decide. Only what the event has left of it is asked, each leaf by condition_leaf_holds.
 * step->scratch is left as it was. */
enum rules_truth rules_index_holds(const struct rules_index *index, const struct rules_found *found,
                                   uint32_t number, const struct condition *condition,
                                   struct step *step);

/* Patterns that no automaton finds: each follows the text by itself. Their leaves as written, the first `max`,
 * borrowed from the programs; how many there are. */
uint32_t rules_index_alone(const struct rules_index *index, struct slice *out_texts, uint32_t max);

/* For reports: how many terms there are, atoms by table, atoms that are asked, and patterns among these that an
 * automaton finds. */
struct rules_index_size {
    uint32_t terms, tabulated, tested, patterns;
};
struct rules_index_size rules_index_size(const struct rules_index *index);

#endif
