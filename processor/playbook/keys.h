/* SPDX-License-Identifier: Apache-2.0 */
/* Every key of a playbook, once: the loader refuses what is not here, editors get their JSON Schema
 * from here, the reference in config/README.md is printed from here. */
#ifndef PLAYBOOK_KEYS_H
#define PLAYBOOK_KEYS_H

#include <stdio.h>

#include "text/yaml.h"

enum keys_section {
    KEYS_TOP,
    KEYS_SENSITIVE,
    KEYS_CALENDAR,
    KEYS_FEATURE, /* and the kinds of model features_kind */
    KEYS_SERIES,
    KEYS_LIFE,
    KEYS_ABSENT,
    KEYS_EVIDENCE,
    KEYS_LIFE_POLICY,
    KEYS_SEGMENT,
    KEYS_STAY,
    KEYS_OFFER,
    KEYS_ON,
    KEYS_CONTACT,
    KEYS_CAP,
    KEYS_VALID,
    KEYS_POLICY,
    KEYS_QUIET,
    KEYS_STOPS,
    KEYS_FATIGUE,
    KEYS_PRIOR,
    KEYS_TEST,
    KEYS_GIVEN,
    KEYS_SECTION_COUNT
};

enum key_form {
    KEY_TEXT,
    KEY_BOOL,
    KEY_INTEGER,
    KEY_NUMBER,
    KEY_SHARE,    /* 5% */
    KEY_DURATION, /* 90d */
    KEY_TIME,     /* 2026-11-25, or with the time of day */
    KEY_CEL,      /* an expression, or a bare number */
    KEY_WORD,     /* one of `words` */
    KEY_WORDS,    /* a list of `words` */
    KEY_IDS,      /* a list of texts */
    KEY_RULES,    /* NAME: EXPRESSION */
    KEY_NUMBERS,  /* NAME: whole number */
    KEY_TIMES,    /* NAME: duration */
    KEY_INSIDE,   /* a mapping: the keys of `section` */
    KEY_LIST,     /* a list of them */
    KEY_NAMED,    /* ID: a mapping with the keys of `section` */
    KEY_ANY,      /* told in words */
};

struct key {
    const char *name;
    enum key_form form;
    const char *words; /* KEY_WORD, KEY_WORDS: separated by blanks */
    enum keys_section section;
    const char *meaning;   /* Markdown */
    const char *otherwise; /* what holds when it is not there; "" : nothing */
};

/* An error for each key of `mapping` that its section does not have, with the nearest one. */
void keys_refuse_unknown(const struct yaml_node *mapping, enum keys_section section,
                         struct diagnostics *diagnostics);

/* Is there a key in it that is of the top of a playbook, or nearly? */
bool keys_are_of_playbook(const struct yaml_node *mapping);

/* Which of the key's words a mapping says. False: the key is not there, or says none (one error).
 */
bool keys_word(const struct yaml_node *mapping, enum keys_section section, const char *name,
               struct diagnostics *diagnostics, uint32_t *out_index);

/* JSON Schema (2020-12) of a playbook's file. */
void keys_print_schema(FILE *out);

/* The tables of the reference, of keys and of the names that expressions read, each between
 * `<!-- keys: NAME -->` and `<!-- end -->`. */
void keys_print_reference(FILE *out);

#endif
