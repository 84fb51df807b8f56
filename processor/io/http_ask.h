/* SPDX-License-Identifier: Apache-2.0 */
/* One GET to a `segue run`, for commands that ask it how it is. */
#ifndef IO_HTTP_ASK_H
#define IO_HTTP_ASK_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* GET http://ADDRESS/PATH, whatever its code; the body, NUL-terminated, into `out` (cut at `size`).
 * STATUS_AWAY: nobody answers there within `timeout_ms`. */
MUST_USE enum status http_ask(const char *address, const char *path, int32_t timeout_ms, char *out,
                              size_t size, struct status_text *out_text);

#endif
