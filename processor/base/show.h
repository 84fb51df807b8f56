/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that others wrote (a customer's occupation, a record's key, a line of a file), for people's eyes.
 *
 * A terminal obeys control characters: an ESC in a merchant's name could hide lines, or rewrite what stands above.
 * So those of C0, DEL and C1 (U+0080 to U+009F, which terminals obey in UTF-8 too), and bytes that are no UTF-8,
 * are shown as escapes. */
#ifndef BASE_SHOW_H
#define BASE_SHOW_H

#include <stdio.h>

#include "base/slice.h"

/* Bytes of the character at `at`, of which `left` are there; 0 when it is none (RFC 3629). */
size_t utf8_size(const uint8_t *at, size_t left);

/* On one line: \n, \x1b, \x9b; a tab stays. A backslash stays one: this is to be read, not parsed. */
void show_text(struct slice text, FILE *out);

/* In place: what a terminal would obey, and each byte that is no UTF-8, becomes a space. */
void show_blank(char *text, size_t size);

/* A JSON string, quotes included, as JSON asks and as above; a byte that is no UTF-8 becomes U+FFFD. */
void show_json(struct slice text, FILE *out);

/* "%u warning%s": one has no s. */
static inline const char *show_s(uint64_t count)
{
    return count == 1 ? "" : "s";
}

#endif
