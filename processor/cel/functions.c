/* SPDX-License-Identifier: Apache-2.0 */
/* All tables of functions, as one. */
#include "cel/machine.h"

static const struct cel_function *const tables[] = {cel_operators, cel_conversions, cel_strings,
                                                    cel_formats,   cel_times,       cel_maths,
                                                    cel_networks,  cel_collections, cel_banking};

enum { FUNCTION_NAMES_MAX = 400 };

const struct cel_function *cel_function_find(struct slice name)
{
    for (size_t t = 0; t < ARRAY_COUNT(tables); t++) {
        for (const struct cel_function *f = tables[t]; f->name != NULL; f++) {
            if (slice_is(name, f->name)) {
                return f;
            }
        }
    }
    return NULL;
}

const char *cel_function_nearest(struct slice name)
{
    const char *names[FUNCTION_NAMES_MAX];
    size_t count = 0;
    for (size_t t = 0; t < ARRAY_COUNT(tables); t++) {
        for (const struct cel_function *f = tables[t];
             f->name != NULL && count < FUNCTION_NAMES_MAX; f++) {
            names[count++] = f->name;
        }
    }
    return diagnostic_nearest(name, names, count);
}
