/* SPDX-License-Identifier: Apache-2.0 */
/* What a fuzz target gives: libFuzzer's own entry, so that one source serves the fuzzer and the replay. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Must accept any bytes and return 0. What it finds it reports by INVARIANT, abort or a sanitizer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
