/* SPDX-License-Identifier: Apache-2.0 */
/* The words of an expression, for what must be seen in its text: which names stand where. Inside playbook/ only. */
#ifndef PLAYBOOK_TOKENS_H
#define PLAYBOOK_TOKENS_H

#include "base/slice.h"

enum token_kind { TOKEN_NAME, TOKEN_STRING, TOKEN_OTHER, TOKEN_END };

struct token {
    size_t at, size; /* in the text; a string with its quotes */
    enum token_kind kind;
};

/* The first token at or after `at`. Numbers are names too; whatever else is one byte long. */
struct token token_next(struct slice text, size_t at);
struct slice token_text(struct slice text, struct token token);
/* Letters, digits and _. */
bool token_is_word(uint8_t byte);

#endif
