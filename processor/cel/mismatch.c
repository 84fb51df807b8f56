/* SPDX-License-Identifier: Apache-2.0 */
/* What to say about a call that no overload takes. */
#include <stdio.h>

#include "cel/types.h"

/* What to write instead, for the mistakes that people make. */
void cel_mend(const struct cel_node *node, const struct cel_type *types, uint32_t count, char *out,
              size_t size)
{
    out[0] = '\0';
    if (count != 2 || node->target != NULL) {
        return;
    }
    bool whole[2], fraction[2];
    for (int i = 0; i < 2; i++) {
        whole[i] = types[i].kind == CEL_INT || types[i].kind == CEL_UINT;
        fraction[i] = types[i].kind == CEL_DOUBLE;
    }
    if ((whole[0] && fraction[1]) || (whole[1] && fraction[0])) {
        bool compares = slice_is(node->name, "_==_") || slice_is(node->name, "_!=_");
        (void)snprintf(out, size,
                       compares ? "write double(...) around the whole number"
                                : "write ratio(a, b), pct(x, n) or double(...)");
    } else if (whole[0] && whole[1]) {
        (void)snprintf(out, size, "write int(...) or uint(...)");
    } else if (types[0].kind == CEL_STRING || types[1].kind == CEL_STRING) {
        (void)snprintf(out, size,
                       "write string(...) around the other side, or compare with a text in quotes");
    } else if (types[0].kind == CEL_TIMESTAMP && whole[1]) {
        (void)snprintf(out, size, "write duration(\"24h\") for a span of time");
    }
}

void cel_describe(const struct cel_node *node, const struct cel_type *types, uint32_t count,
                  char *out, size_t size)
{
    static const char *const two[] = {"+",  "-", "*",  "/",  "%",  "<",
                                      "<=", ">", ">=", "==", "!=", "in"};
    size_t used = 0;
    char text[120], operator[8] = "";
    if (node->name.size > 2 && node->name.data[0] == '_' && count == 2) {
        (void)snprintf(operator, sizeof(operator), "%.*s", (int)node->name.size - 2,
                       (const char *)node->name.data + 1);
    } else if (slice_is(node->name, "@in")) {
        (void)snprintf(operator, sizeof(operator), "in");
    }
    for (size_t i = 0; i < ARRAY_COUNT(two) && operator[0] != '\0'; i++) {
        if (strcmp(operator, two[i]) == 0) {
            char right[120];
            cel_type_text(&types[0], text, sizeof(text));
            cel_type_text(&types[1], right, sizeof(right));
            (void)snprintf(out, size, "%s %s %s", text, operator, right);
            return;
        }
    }
    uint32_t first = 0;
    if (node->target != NULL) {
        cel_type_text(&types[first++], text, sizeof(text));
        used += (size_t)snprintf(out, size, "%s.", text);
    }
    bool unary = slice_is(node->name, "!_") || slice_is(node->name, "-_");
    used += (size_t)snprintf(out + used, size - used, "%.*s(", (int)(unary ? 1 : node->name.size),
                             (const char *)node->name.data);
    for (uint32_t i = first; i < count && used + 1 < size; i++) {
        cel_type_text(&types[i], text, sizeof(text));
        used += (size_t)snprintf(out + used, size - used, "%s%s", i == first ? "" : ", ", text);
    }
    if (used + 1 < size) {
        (void)snprintf(out + used, size - used, ")");
    }
}
