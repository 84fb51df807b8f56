/* SPDX-License-Identifier: Apache-2.0 */
/* Protobuf's text format as a tree, as far as the cel-spec suite uses it (SimpleTestFile). No
 * schema: a field is a name with a scalar or with fields. */
#ifndef CEL_TEXTPROTO_H
#define CEL_TEXTPROTO_H

#include "base/slice.h"

struct textproto {
    struct slice name;   /* "test", "[type.googleapis.com/...]" with its brackets */
    struct slice text;   /* a scalar: quoted text with its escapes read, or the word or number */
    struct slice source; /* all of the field as written */
    bool quoted;
    struct textproto *first; /* fields of a message */
    struct textproto *next;  /* the next field of the same message */
};

/* The fields of the whole file, until exit; NULL with a line on stderr when it cannot be read. */
struct textproto *textproto_read(const char *path);

/* The first field of that name; NULL: none. */
const struct textproto *textproto_field(const struct textproto *message, const char *name);

/* Its scalar; empty when there is none. */
struct slice textproto_text(const struct textproto *message, const char *name);

#endif
