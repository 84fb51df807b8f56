/* SPDX-License-Identifier: Apache-2.0 */
/* Changes to a text that is a playbook, made where a person or a merge makes them: a key, a value, an operator,
 * a part of an expression, a line with all that hangs below it. Bytes are changed too. Same random numbers,
 * same text. */
#ifndef FUZZ_MUTATE_H
#define FUZZ_MUTATE_H

#include "base/random.h"
#include "base/slice.h"

enum { MUTATE_SIZE_MAX = 1 << 15, MUTATE_SEEDS_MAX = 256, MUTATE_WORDS_MAX = 8192 };

/* What is valid, and every word of it. */
struct mutate_seeds {
    struct slice texts[MUTATE_SEEDS_MAX];
    uint32_t text_count;
    struct slice words[MUTATE_WORDS_MAX];
    uint32_t word_count;
};

/* Add a text; borrowed. Larger than half of MUTATE_SIZE_MAX, or too many: ignored. */
void mutate_seed(struct mutate_seeds *seeds, struct slice text);

/* One of the seeds, changed 1 to 8 times, into `out` (MUTATE_SIZE_MAX bytes). The size. */
size_t mutate(const struct mutate_seeds *seeds, struct random *random, uint8_t *out);

#endif
