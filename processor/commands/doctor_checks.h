/* SPDX-License-Identifier: Apache-2.0 */
/* What `segue doctor` looks at. Each check adds one line or more to a report; doctor.c prints it.
 */
#ifndef COMMANDS_DOCTOR_CHECKS_H
#define COMMANDS_DOCTOR_CHECKS_H

#include "commands/connect.h"

enum { DOCTOR_LINES_MAX = 128, DOCTOR_TEXT_SIZE = 512 };

enum doctor_level {
    DOCTOR_OK,
    DOCTOR_WARN, /* it works, but not as it should */
    DOCTOR_FAIL, /* `segue run` would stop or wait */
    DOCTOR_AWAY, /* cannot be reached: nothing more can be said of it */
    DOCTOR_LEVEL_COUNT
};

struct doctor_line {
    const char *name; /* "redis"; static */
    enum doctor_level level;
    char text[DOCTOR_TEXT_SIZE]; /* what was found */
    char mend[DOCTOR_TEXT_SIZE]; /* a command, or what to change; "" when all is well */
};

struct doctor_report {
    int32_t timeout_ms; /* how long to wait for brokers and for Redis */
    struct doctor_line lines[DOCTOR_LINES_MAX];
    uint32_t count;
};

/* Add a line; `mend` may be NULL. A line beyond DOCTOR_LINES_MAX is dropped. */
void doctor_add(struct doctor_report *report, const char *name, enum doctor_level level,
                const char *mend, const char *format, ...) PRINTF_LIKE(5, 6);

/* For a person, on stdout, with a last line of counts. */
void doctor_print(const struct doctor_report *report);

/* EXIT_GOOD; EXIT_NO: something fails; EXIT_AWAY: something cannot be reached. */
int doctor_code(const struct doctor_report *report);

/* Brokers, then topics: there, configured, sources partitioned alike. */
void doctor_check_kafka(const struct connect *connect, struct doctor_report *report);

/* The registry, and whether it knows a schema for each source and output. */
void doctor_check_registry(const struct connect *connect, struct doctor_report *report);

/* Reachable, primary, never evicting, recent, with memory left, its clock near ours, and the user
 * may do all that Segue does: each command is tried once on a key of our own, {app.doctor}probe,
 * which is deleted. */
void doctor_check_redis(const struct connect *connect, struct doctor_report *report);

/* Time zone data, file descriptors. */
void doctor_check_machine(struct doctor_report *report);

#endif
