/* SPDX-License-Identifier: Apache-2.0 */
/* Outside trouble, named by what the caller must do. Bad records are `struct reject` (model/reject.h);
 * programmer's mistakes are INVARIANT. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include "base/attributes.h"

enum status {
    STATUS_OK,
    STATUS_RETRY,   /* nothing happened; the same call again, later */
    STATUS_FULL,    /* a limit is reached; drain first */
    STATUS_INVALID, /* the input is wrong; it will be wrong again */
    STATUS_AWAY,    /* a dependency cannot be reached */
    STATUS_FATAL,   /* stop; leave everything as it is */
    STATUS_COUNT
};

enum { STATUS_TEXT_SIZE = 512 };

/* Why a call did not return STATUS_OK, for people. Empty after STATUS_OK, where its header does not say
 * otherwise. */
struct status_text {
    char text[STATUS_TEXT_SIZE];
};

/* Write a message into `out_text` (may be NULL) and return `status`: `return status_fail(...)`.
 * A message longer than STATUS_TEXT_SIZE - 1 bytes is cut. */
enum status status_fail(struct status_text *out_text, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* What the caller must do about an `errno` of a start: STATUS_AWAY when the machine lacks something at the moment
 * (descriptors, memory, threads), so that whoever supervises starts it again; else STATUS_INVALID.
 * The configuration and the playbook are not asked about: whatever keeps them from being read ends a start as
 * STATUS_INVALID, for a person reads the message then. */
enum status status_of_errno(int error);

/* The name of a status in lower case: "ok", "retry", ... Static. */
const char *status_name(enum status status);

#endif
