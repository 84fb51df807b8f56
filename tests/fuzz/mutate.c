/* SPDX-License-Identifier: Apache-2.0 */
#include "mutate.h"

#include <ctype.h>
#include <stdio.h>

enum { CHANGES_MAX = 8, TOKENS_MAX = 1 << 14, LINES_MAX = 2048, NESTING_MAX = 3000 };

struct text {
    uint8_t *data;
    size_t size;
};

struct token {
    uint32_t at, size;
};

/* What a loader may trip over, beside the words of the seeds. */
static const char *const extremes[] = {"0",
                                       "-1",
                                       "1",
                                       "9223372036854775807",
                                       "-9223372036854775808",
                                       "9223372036854775808",
                                       "99999999999999999999999",
                                       "1e999",
                                       "-0.0",
                                       ".nan",
                                       "NaN",
                                       "~",
                                       "null",
                                       "''",
                                       "\"\"",
                                       "[]",
                                       "{}",
                                       "[[]]",
                                       "{a: 1}",
                                       "true",
                                       "TRUE",
                                       "0d",
                                       "-5d",
                                       "13mo",
                                       "14mo",
                                       "400d",
                                       "9999999999d",
                                       "1ms",
                                       "1h30m",
                                       "last 1 events",
                                       "last 64 events",
                                       "last 65 events",
                                       "last 0 events",
                                       "all",
                                       "100%",
                                       "101%",
                                       "0.001%",
                                       "1/1d",
                                       "25/1d",
                                       "0/0d",
                                       "2026-02-30",
                                       "0001-01-01",
                                       "9999-12-31",
                                       "2026-03-29T01:30:00Z",
                                       "f",
                                       "f.",
                                       "f.f",
                                       "tx",
                                       "c.age",
                                       "c.products_held",
                                       "now",
                                       "life",
                                       "seg",
                                       "size",
                                       "has",
                                       "matches",
                                       "exists",
                                       "all(x, x)",
                                       "retired",
                                       "version",
                                       "\xc3\xa9",
                                       "\xf0\x9f\x98\x80",
                                       "\xef\xbb\xbf",
                                       "|",
                                       ">-",
                                       "&a",
                                       "*a",
                                       "!!str",
                                       "---",
                                       "...",
                                       "<<",
                                       "?",
                                       "%"};
static const char *const operators[] = {"==", "!=", "<", "<=",   ">", ">=", "&&", "||", "+", "-",
                                        "*",  "/",  "%", " in ", "!", "?",  ":",  ".",  ",", "(",
                                        ")",  "[",  "]", "{",    "}", "'",  "\"", "\n", "#", " "};
static const char *const wraps[][2] = {{"(", ")"},
                                       {"[", "]"},
                                       {"{a: ", "}"},
                                       {"'", "'"},
                                       {"\"", "\""},
                                       {"!(", ")"},
                                       {"has(", ")"},
                                       {"[1, 2].exists(x, ", ")"},
                                       {"[1].map(x, ", ").size() > 0"},
                                       {"true ? ", " : 1"},
                                       {"duration(", ")"},
                                       {"ratio(", ", 0)"},
                                       {"int(", ")"},
                                       {"string(", ")"},
                                       {"\"a\".matches(", ")"}};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_word(uint8_t c)
{
    return isalnum(c) != 0 || c == '_' || c == '.' || c >= 0x80;
}

/* Words, runs of blanks, a line break with its indentation, and single characters; operators of two are one. */
static uint32_t tokenize(struct slice text, struct token *out)
{
    uint32_t count = 0;
    for (size_t at = 0; at < text.size && count < TOKENS_MAX;) {
        size_t end = at + 1;
        uint8_t c = text.data[at];
        if (is_word(c)) {
            while (end < text.size && (is_word(text.data[end]) ||
                                       (text.data[end] == '-' && isdigit(c) != 0 &&
                                        end + 1 < text.size && isdigit(text.data[end + 1]) != 0))) {
                end++;
            }
        } else if (c == '\n' || c == ' ') {
            while (end < text.size && text.data[end] == ' ') {
                end++;
            }
        } else if (end < text.size && strchr("&|=", text.data[end]) != NULL &&
                   strchr("&|=!<>", c) != NULL) {
            end++;
        }
        out[count++] = (struct token){(uint32_t)at, (uint32_t)(end - at)};
        at = end;
    }
    return count;
}

void mutate_seed(struct mutate_seeds *seeds, struct slice text)
{
    static struct token tokens[TOKENS_MAX];
    if (text.size > MUTATE_SIZE_MAX / 2 || text.size == 0 ||
        seeds->text_count == MUTATE_SEEDS_MAX) {
        return;
    }
    seeds->texts[seeds->text_count++] = text;
    uint32_t count = tokenize(text, tokens);
    for (uint32_t i = 0; i < count; i++) {
        struct slice word = slice_of(text.data + tokens[i].at, tokens[i].size);
        bool known = !is_word(word.data[0]) || seeds->word_count == MUTATE_WORDS_MAX;
        for (uint32_t k = 0; k < seeds->word_count && !known; k++) {
            known = slice_equal(seeds->words[k], word);
        }
        if (!known) {
            seeds->words[seeds->word_count++] = word;
        }
    }
}

/* Bytes `at` to `at + size` become `by`; nothing when that does not fit. `by` lies elsewhere. */
static void replace(struct text *text, size_t at, size_t size, struct slice by)
{
    if (text->size - size + by.size > MUTATE_SIZE_MAX) {
        return;
    }
    memmove(text->data + at + by.size, text->data + at + size, text->size - at - size);
    if (by.size > 0) {
        memcpy(text->data + at, by.data, by.size);
    }
    text->size = text->size - size + by.size;
}

static struct slice any_word(const struct mutate_seeds *seeds, struct random *random)
{
    bool extreme = seeds->word_count == 0 || random_chance(random, 0.3);
    return extreme ? slice_text(extremes[random_below(random, COUNT(extremes))])
                   : seeds->words[random_below(random, seeds->word_count)];
}

/* A token that is a word, from a random place on; `count` when there is none. */
static uint32_t find_word(const struct text *text, const struct token *tokens, uint32_t count,
                          struct random *random)
{
    uint32_t from = (uint32_t)random_below(random, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t k = (from + i) % count;
        if (is_word(text->data[tokens[k].at])) {
            return k;
        }
    }
    return count;
}

static void change_word(const struct mutate_seeds *seeds, struct text *text,
                        const struct token *tokens, uint32_t count, struct random *random)
{
    uint32_t i = find_word(text, tokens, count, random);
    if (i < count) {
        replace(text, tokens[i].at, tokens[i].size, any_word(seeds, random));
    }
}

static void swap_words(struct text *text, const struct token *tokens, uint32_t count,
                       struct random *random)
{
    uint8_t copy[256];
    uint32_t a = find_word(text, tokens, count, random), b = find_word(text, tokens, count, random);
    uint32_t first = a < b ? a : b, second = a < b ? b : a;
    if (second >= count || first == second || tokens[first].size > sizeof(copy)) {
        return;
    }
    struct slice one = slice_of(copy, tokens[first].size);
    uint8_t other[256];
    if (tokens[second].size > sizeof(other)) {
        return;
    }
    memcpy(copy, text->data + tokens[first].at, tokens[first].size);
    memcpy(other, text->data + tokens[second].at, tokens[second].size);
    replace(text, tokens[second].at, tokens[second].size, one);
    replace(text, tokens[first].at, tokens[first].size, slice_of(other, tokens[second].size));
}

/* A few tokens of another place, or of another seed, in or instead of a few here. */
static void splice(const struct mutate_seeds *seeds, struct text *text, const struct token *tokens,
                   uint32_t count, struct random *random)
{
    static uint8_t copy[MUTATE_SIZE_MAX];
    static struct token others[TOKENS_MAX];
    struct slice from = random_chance(random, 0.5)
                            ? slice_of(text->data, text->size)
                            : seeds->texts[random_below(random, seeds->text_count)];
    uint32_t other_count = tokenize(from, others);
    uint32_t first = (uint32_t)random_below(random, other_count);
    uint32_t last = first + (uint32_t)random_below(random, 8);
    last = last < other_count ? last : other_count - 1;
    size_t size = others[last].at + others[last].size - others[first].at;
    memcpy(copy, from.data + others[first].at, size);
    uint32_t at = (uint32_t)random_below(random, count);
    uint32_t end = at + (uint32_t)random_below(random, 4);
    end = end < count ? end : count - 1;
    size_t gone =
        random_chance(random, 0.5) ? 0 : tokens[end].at + tokens[end].size - tokens[at].at;
    replace(text, tokens[at].at, gone, slice_of(copy, size));
}

static void wrap(struct text *text, const struct token *tokens, uint32_t count,
                 struct random *random)
{
    uint32_t at = (uint32_t)random_below(random, count),
             end = at + (uint32_t)random_below(random, 6);
    const char *const *both = wraps[random_below(random, COUNT(wraps))];
    end = end < count ? end : count - 1;
    replace(text, tokens[end].at + tokens[end].size, 0, slice_text(both[1]));
    replace(text, tokens[at].at, 0, slice_text(both[0]));
}

static void nest(struct text *text, const struct token *tokens, uint32_t count,
                 struct random *random)
{
    static uint8_t many[NESTING_MAX];
    static const char what[] = "([{!-'\"\\ .\t9az";
    size_t size = 1 + random_below(random, random_chance(random, 0.9) ? 40 : NESTING_MAX);
    memset(many, what[random_below(random, sizeof(what) - 1)], size);
    replace(text, tokens[random_below(random, count)].at, 0, slice_of(many, size));
}

/* Line starts; the one behind the last is the end. */
static uint32_t split(struct slice text, uint32_t *out_starts)
{
    uint32_t count = 0;
    out_starts[count++] = 0;
    for (size_t i = 0; i + 1 < text.size && count < LINES_MAX; i++) {
        if (text.data[i] == '\n') {
            out_starts[count++] = (uint32_t)i + 1;
        }
    }
    out_starts[count] = (uint32_t)text.size;
    return count;
}

static size_t indent_of(struct slice text, size_t at)
{
    size_t blanks = 0;
    while (at + blanks < text.size &&
           (text.data[at + blanks] == ' ' || text.data[at + blanks] == '-')) {
        blanks++;
    }
    return blanks;
}

/* A line and all that stands deeper below it. */
static struct slice block_at(struct slice text, const uint32_t *starts, uint32_t count,
                             uint32_t line)
{
    uint32_t end = line + 1;
    size_t indent = indent_of(text, starts[line]);
    while (end < count && indent_of(text, starts[end]) > indent) {
        end++;
    }
    return slice_of(text.data + starts[line], starts[end] - starts[line]);
}

/* A block goes, comes twice, changes places, or comes from another seed, deeper or less deep. */
static void move_block(const struct mutate_seeds *seeds, struct text *text, struct random *random)
{
    static uint32_t starts[LINES_MAX + 1], other_starts[LINES_MAX + 1];
    static uint8_t copy[MUTATE_SIZE_MAX];
    struct slice here = slice_of(text->data, text->size);
    struct slice from =
        random_chance(random, 0.5) ? here : seeds->texts[random_below(random, seeds->text_count)];
    uint32_t count = split(here, starts), other_count = split(from, other_starts);
    struct slice gone = block_at(here, starts, count, (uint32_t)random_below(random, count));
    struct slice block =
        block_at(from, other_starts, other_count, (uint32_t)random_below(random, other_count));
    size_t shift = random_below(random, 4) == 0 ? random_below(random, 5) : 0,
           size = shift + block.size;
    size_t at = (size_t)(gone.data - text->data);
    if (size > sizeof(copy)) {
        return;
    }
    memset(copy, ' ', shift);
    memcpy(copy + shift, block.data, block.size);
    switch (random_below(random, 3)) {
    case 0:
        replace(text, at, gone.size, slice_of(NULL, 0));
        break;
    case 1:
        replace(text, at, 0, slice_of(copy, size));
        break;
    default:
        replace(text, at, gone.size, slice_of(copy, size));
        break;
    }
}

static void change_byte(struct text *text, struct random *random)
{
    size_t at = random_below(random, text->size);
    uint8_t byte = (uint8_t)random_next(random);
    switch (random_below(random, 4)) {
    case 0:
        text->data[at] ^= (uint8_t)(1U << random_below(random, 8));
        break;
    case 1:
        replace(text, at, 0, slice_of(&byte, 1));
        break;
    case 2:
        replace(text, at, 1, slice_of(NULL, 0));
        break;
    default:
        text->size = random_chance(random, 0.1) ? at : text->size;
        break;
    }
}

/* One up, one down, another sign, more digits. */
static void change_number(struct text *text, const struct token *tokens, uint32_t count,
                          struct random *random)
{
    static const char *const by[] = {"9", "0", ".5", "e9", "u", "d", "000000000000000000"};
    uint32_t from = (uint32_t)random_below(random, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct token *token = &tokens[(from + i) % count];
        uint8_t *last = text->data + token->at + token->size - 1;
        if (isdigit(text->data[token->at]) == 0) {
            continue;
        }
        switch (random_below(random, 3)) {
        case 0:
            *last = isdigit(*last) != 0 ? (uint8_t)('0' + random_below(random, 10)) : *last;
            break;
        case 1:
            replace(text, token->at, 0, slice_text("-"));
            break;
        default:
            replace(text, token->at + token->size, 0,
                    slice_text(by[random_below(random, COUNT(by))]));
            break;
        }
        return;
    }
}

static void change(const struct mutate_seeds *seeds, struct text *text, struct random *random)
{
    static struct token tokens[TOKENS_MAX];
    uint32_t count = tokenize(slice_of(text->data, text->size), tokens);
    const struct token *any = &tokens[random_below(random, count)];
    switch (random_below(random, 10)) {
    case 0:
    case 1:
        change_word(seeds, text, tokens, count, random);
        break;
    case 2:
        swap_words(text, tokens, count, random);
        break;
    case 3:
        splice(seeds, text, tokens, count, random);
        break;
    case 4:
        replace(text, any->at, random_chance(random, 0.5) ? any->size : 0,
                slice_text(operators[random_below(random, COUNT(operators))]));
        break;
    case 5:
        wrap(text, tokens, count, random);
        break;
    case 6:
        move_block(seeds, text, random);
        break;
    case 7:
        change_number(text, tokens, count, random);
        break;
    case 8:
        change_byte(text, random);
        break;
    default:
        if (random_chance(random, 0.3)) {
            nest(text, tokens, count, random);
        } else {
            replace(text, any->at, any->size, slice_of(NULL, 0));
        }
        break;
    }
}

size_t mutate(const struct mutate_seeds *seeds, struct random *random, uint8_t *out)
{
    struct slice seed = seeds->texts[random_below(random, seeds->text_count)];
    struct text text = {out, seed.size};
    memcpy(out, seed.data, seed.size);
    uint64_t changes = 1 + (random_chance(random, 0.6) ? 0 : random_below(random, CHANGES_MAX));
    for (uint64_t i = 0; i < changes && text.size > 0; i++) {
        change(seeds, &text, random);
    }
    return text.size;
}
