/* SPDX-License-Identifier: Apache-2.0 */
/* A programmer's mistake stops the process, in release builds too: wrong state must not reach Kafka. */
#ifndef BASE_INVARIANT_H
#define BASE_INVARIANT_H

#include "base/attributes.h"

/* Print file, line and text to stderr, then abort. */
NORETURN void invariant_failed(const char *file, int line, const char *text);

#define INVARIANT(condition)                                                                       \
    do {                                                                                           \
        if (UNLIKELY(!(condition))) {                                                              \
            invariant_failed(__FILE__, __LINE__, #condition);                                      \
        }                                                                                          \
    } while (0)

#endif
