/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/show.h"

enum { LINE_SIZE = 2048 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};
_Static_assert(ARRAY_COUNT(level_names) == LOG_LEVEL_COUNT, "one name per level");

static atomic_int level_min = LOG_INFO;

void log_set_level(enum log_level level)
{
    atomic_store(&level_min, (int)level);
}

void log_line(enum log_level level, const char *code, const char *message, const char *format, ...)
{
    if ((int)level < atomic_load(&level_min)) {
        return;
    }
    struct timespec now;
    struct tm utc;
    char line[LINE_SIZE];
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    int used = snprintf(line, sizeof(line),
                        "ts=%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ level=%s code=%s msg=\"%s\" ",
                        utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                        utc.tm_sec, now.tv_nsec / 1000000, level_names[level], code, message);
    if (used < 0 || used > LINE_SIZE - 2) {
        used = LINE_SIZE - 2;
    }
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(line + used, (size_t)(LINE_SIZE - 1 - used), format, arguments);
    va_end(arguments);
    if (more > 0) {
        used = more > LINE_SIZE - 2 - used ? LINE_SIZE - 2 : used + more;
    }
    show_blank(line, (size_t)used); /* texts of brokers and servers may have line ends */
    line[used++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, (size_t)used);
    (void)written; /* nowhere left to complain */
}
