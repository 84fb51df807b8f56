/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
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

enum status status_of_errno(int error)
{
    bool lacks = error == EMFILE || error == ENFILE || error == ENOMEM || error == EAGAIN;
    return lacks ? STATUS_AWAY : STATUS_INVALID;
}

const char *status_name(enum status status)
{
    return (unsigned)status < STATUS_COUNT ? names[status] : "unknown";
}
