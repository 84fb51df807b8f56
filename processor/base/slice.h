/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that somebody else owns. A slice never owns; its lifetime is that of what it points into. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *data; /* borrowed; NULL only when size is 0 */
    size_t size;         /* bytes */
};

/* A slice over a C string, without its NUL. Borrows `text`. */
static inline struct slice slice_text(const char *text)
{
    return (struct slice){(const uint8_t *)text, strlen(text)};
}

static inline struct slice slice_of(const void *data, size_t size)
{
    return (struct slice){(const uint8_t *)data, size};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool slice_is(struct slice a, const char *text)
{
    return slice_equal(a, slice_text(text));
}

/* Bytewise order, shorter first among equal prefixes: <0, 0, >0 like memcmp. */
static inline int slice_compare(struct slice a, struct slice b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) {
        return order;
    }
    return a.size < b.size ? -1 : a.size > b.size;
}

/* For printf: "%.*s", SLICE_ARG(s). */
#define SLICE_ARG(s) (int)(s).size, (const char *)(s).data

#endif
