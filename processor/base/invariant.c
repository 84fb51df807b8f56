/* SPDX-License-Identifier: Apache-2.0 */
#include "base/invariant.h"

#include <stdio.h>
#include <stdlib.h>

void invariant_failed(const char *file, int line, const char *text)
{
    (void)fprintf(stderr, "segue: invariant failed at %s:%d: %s\n", file, line, text);
    abort();
}
