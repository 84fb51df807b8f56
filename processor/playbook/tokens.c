/* SPDX-License-Identifier: Apache-2.0 */
#include "playbook/tokens.h"

bool token_is_word(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_';
}

struct token token_next(struct slice text, size_t at)
{
    while (at < text.size && memchr(" \t\n\r", text.data[at], 4) != NULL) {
        at++;
    }
    if (at >= text.size) {
        return (struct token){at, 0, TOKEN_END};
    }
    size_t end = at + 1;
    uint8_t first = text.data[at];
    if (token_is_word(first)) {
        while (end < text.size && token_is_word(text.data[end])) {
            end++;
        }
        return (struct token){at, end - at, TOKEN_NAME};
    }
    if (first == '"' || first == '\'') {
        while (end < text.size && text.data[end] != first) {
            end += text.data[end] == '\\' ? 2 : 1;
        }
        end = end < text.size ? end + 1 : text.size;
        return (struct token){at, end - at, TOKEN_STRING};
    }
    return (struct token){at, 1, TOKEN_OTHER};
}

struct slice token_text(struct slice text, struct token token)
{
    return slice_of(text.data + token.at, token.size);
}
