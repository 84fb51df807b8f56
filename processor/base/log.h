/* SPDX-License-Identifier: Apache-2.0 */
/* logfmt lines on stderr. Only runtime/, commands/ and main.c log; nobody logs customer data. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/attributes.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_LEVEL_COUNT };

/* Lines below `level` are dropped. Default LOG_INFO. */
void log_set_level(enum log_level level);

/* One line: ts=.. level=.. code=CODE msg="..." then `format`'s own key=value pairs.
 * `code` is stable, lower_snake (runbooks refer to it); `message` is plain words.
 * Thread-safe: one write(2) per line; a line over 2,000 bytes is cut, a control character becomes a space. */
void log_line(enum log_level level, const char *code, const char *message, const char *format, ...)
    PRINTF_LIKE(4, 5);

#define log_info(code, message, ...)  log_line(LOG_INFO, code, message, __VA_ARGS__)
#define log_warn(code, message, ...)  log_line(LOG_WARN, code, message, __VA_ARGS__)
#define log_error(code, message, ...) log_line(LOG_ERROR, code, message, __VA_ARGS__)

#endif
