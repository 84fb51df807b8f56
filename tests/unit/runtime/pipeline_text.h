/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_RUNTIME_PIPELINE_TEXT_H
#define UNIT_RUNTIME_PIPELINE_TEXT_H

#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "io/store.h"
#include "support/suite.h"

/* The commands with spaces between their words, one a line; lives until the next call. */
static inline const char *pipeline_text(const struct store_pipeline *pipeline)
{
    static char text[4096];
    size_t size = 0;
    const uint8_t *end = pipeline->data + pipeline->size;
    for (const uint8_t *line = pipeline->data; line < end;) {
        const uint8_t *stop = memchr(line, '\r', (size_t)(end - line));
        ck_assert_ptr_nonnull(stop);
        if (line[0] == '*' && size > 0) {
            text[size++] = '\n';
        } else if (line[0] != '*' && line[0] != '$') {
            const char *space = size > 0 && text[size - 1] != '\n' ? " " : "";
            size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%.*s", space,
                                     (int)(stop - line), (const char *)line);
        }
        line = stop + 2;
    }
    text[size] = 0;
    return text;
}

#endif
