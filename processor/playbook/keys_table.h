/* SPDX-License-Identifier: Apache-2.0 */
/* The tables behind keys.h. Private to keys*.c. */
#ifndef PLAYBOOK_KEYS_TABLE_H
#define PLAYBOOK_KEYS_TABLE_H

#include <stddef.h>

#include "playbook/keys.h"

struct keys_table {
    const char *name; /* in the reference */
    const struct key *list;
    size_t count;
};

/* By enum keys_section. */
extern const struct keys_table keys_tables[KEYS_SECTION_COUNT];

#endif
