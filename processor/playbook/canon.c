/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical form of a definition: key, NUL, value, NUL, in the loader's order. It is hashed,
 * never read. */
#include "base/hash.h"
#include "playbook/loader.h"

void canon_begin(struct loader *loader, const char *what)
{
    loader->canon.size = 0;
    loader->canon.full = false;
    bytes_put(&loader->canon, what, strlen(what) + 1);
}

void canon_text(struct loader *loader, const char *key, struct slice text)
{
    bytes_put(&loader->canon, key, strlen(key) + 1);
    bytes_put_slice(&loader->canon, text);
}

void canon_integer(struct loader *loader, const char *key, int64_t value)
{
    bytes_put(&loader->canon, key, strlen(key) + 1);
    bytes_put_u64(&loader->canon, (uint64_t)value);
}

void canon_number(struct loader *loader, const char *key, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    canon_integer(loader, key, (int64_t)bits);
}

void canon_hash(struct loader *loader, const char *key, uint64_t hash)
{
    canon_integer(loader, key, (int64_t)hash);
}

uint64_t canon_end(struct loader *loader)
{
    return hash64(slice_of(loader->canon.data, loader->canon.size), 0);
}

static bool is_name(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte >= 128;
}

/* Bytes of the string literal at `at`, quotes included; CEL also has """ and r"". */
static size_t literal_size(struct slice text, size_t at)
{
    uint8_t quote = text.data[at];
    bool raw = at > 0 && (text.data[at - 1] == 'r' || text.data[at - 1] == 'R');
    size_t wide =
        at + 2 < text.size && text.data[at + 1] == quote && text.data[at + 2] == quote ? 3 : 1;
    for (size_t i = at + wide; i < text.size; i++) {
        if (text.data[i] == '\\' && !raw) {
            i++;
        } else if (text.data[i] == quote &&
                   (wide == 1 || (i + 2 < text.size && text.data[i + 1] == quote &&
                                  text.data[i + 2] == quote))) {
            return i + wide - at;
        }
    }
    return text.size - at;
}

struct slice canon_squeeze(struct loader *loader, struct slice text)
{
    uint8_t *out = loader_take(loader, text.size + 1);
    size_t size = 0, at = 0;
    while (out != NULL && at < text.size) {
        uint8_t byte = text.data[at];
        if (byte == '"' || byte == '\'') {
            size_t literal = literal_size(text, at);
            memcpy(out + size, text.data + at, literal);
            size += literal;
            at += literal;
        } else if (byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r') {
            while (at < text.size && memchr(" \t\n\r", text.data[at], 4) != NULL) {
                at++;
            }
            if (size > 0 && at < text.size && is_name(out[size - 1]) && is_name(text.data[at])) {
                out[size++] = ' ';
            }
        } else {
            out[size++] = byte;
            at++;
        }
    }
    return slice_of(out, out == NULL ? 0 : size);
}

void canon_expression(struct loader *loader, const char *key, struct slice text)
{
    canon_text(loader, key, canon_squeeze(loader, text));
}
