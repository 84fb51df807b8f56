/* SPDX-License-Identifier: Apache-2.0 */
/* Would a task halt, or has one? (runtime/halt.h; deploy/README.md says what to do then.) */
#ifndef COMMANDS_DOCTOR_HALTS_H
#define COMMANDS_DOCTOR_HALTS_H

#include "commands/doctor_checks.h"

/* Ask the process at `listen`, when one answers, which of its tasks have halted; and look at the
 * servers as a claim does, for every task: committed offsets, journal, head in Redis, and whether
 * the inputs still are what was read. A line per reason. Changes nothing. Only as far as brokers and
 * Redis answer: that they are away is said elsewhere. */
void doctor_check_halts(const struct connect *connect, struct doctor_report *report);

#endif
