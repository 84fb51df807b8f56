/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const names[] = {"ok", "retry", "full", "invalid", "away", "fatal"};
_Static_assert(ARRAY_COUNT(names) == STATUS_COUNT, "one name per status");

enum status status_fail(struct status_text *out_text, enum status status, const char *format, ...)
{
    if (out_text != NULL) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(out_text->text, sizeof(out_text->text), format, arguments);
        va_end(arguments);
    }
    return status;
}

const char *status_name(enum status status)
{
    return (unsigned)status < STATUS_COUNT ? names[status] : "unknown";
}
