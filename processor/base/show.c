/* SPDX-License-Identifier: Apache-2.0 */
#include "base/show.h"

#include <string.h>

size_t utf8_size(const uint8_t *at, size_t left)
{
    uint8_t first = at[0];
    size_t size = first < 0x80   ? 1
                  : first < 0xc2 ? 0
                  : first < 0xe0 ? 2
                  : first < 0xf0 ? 3
                  : first < 0xf5 ? 4
                                 : 0;
    if (size == 0 || size > left) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (first == 0xe0 && at[1] < 0xa0) || (first == 0xf0 && at[1] < 0x90);
    bool beyond = (first == 0xed && at[1] >= 0xa0) || (first == 0xf4 && at[1] >= 0x90);
    return overlong || beyond ? 0 : size;
}

/* The control character at `at`, or -1. */
static int control_of(const uint8_t *at, size_t size)
{
    if (size == 1 && (at[0] < 0x20 || at[0] == 0x7f)) {
        return at[0];
    }
    return size == 2 && at[0] == 0xc2 && at[1] < 0xa0 ? at[1] : -1;
}

void show_text(struct slice text, FILE *out)
{
    for (size_t i = 0, size; i < text.size; i += size == 0 ? 1 : size) {
        const uint8_t *at = text.data + i;
        size = utf8_size(at, text.size - i);
        int control = size == 0 ? at[0] : control_of(at, size);
        if (control < 0 || control == '\t') {
            (void)fwrite(at, 1, size, out);
        } else if (control == '\n') {
            (void)fputs("\\n", out);
        } else {
            (void)fprintf(out, "\\x%02x", (unsigned)control);
        }
    }
}

void show_blank(char *text, size_t size)
{
    uint8_t *bytes = (uint8_t *)text;
    for (size_t i = 0, step; i < size; i += step) {
        step = utf8_size(bytes + i, size - i);
        bool bad = step == 0 || control_of(bytes + i, step) >= 0;
        step = step == 0 ? 1 : step;
        if (bad) {
            memset(bytes + i, ' ', step);
        }
    }
}

void show_json(struct slice text, FILE *out)
{
    (void)fputc('"', out);
    for (size_t i = 0, size; i < text.size; i += size == 0 ? 1 : size) {
        const uint8_t *at = text.data + i;
        size = utf8_size(at, text.size - i);
        int control = control_of(at, size);
        if (size == 0) {
            (void)fputs("\\ufffd", out);
        } else if (control >= 0) {
            (void)fprintf(out, "\\u%04x", (unsigned)control);
        } else {
            if (at[0] == '"' || at[0] == '\\') {
                (void)fputc('\\', out);
            }
            (void)fwrite(at, 1, size, out);
        }
    }
    (void)fputc('"', out);
}
