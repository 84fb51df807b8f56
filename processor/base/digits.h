/* SPDX-License-Identifier: Apache-2.0 */
/* Whole numbers as decimal text, for keys and commands that are written by the hundred thousand. */
#ifndef BASE_DIGITS_H
#define BASE_DIGITS_H

#include "base/slice.h"

enum { DIGITS_MAX = 20 }; /* of any int64_t, with its sign */

/* As "%lld" says it; `out` has DIGITS_MAX bytes, no NUL is written. Returns the text, which lies in `out`. */
static inline struct slice digits_of(int64_t value, char *out)
{
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t at = DIGITS_MAX;
    do {
        out[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0) {
        out[--at] = '-';
    }
    return slice_of(out + at, DIGITS_MAX - at);
}

#endif
