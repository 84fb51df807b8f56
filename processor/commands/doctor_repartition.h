/* SPDX-License-Identifier: Apache-2.0 */
/* Which source needs `segue repartition`, what that costs, and how far it is (decisions/0011). */
#ifndef COMMANDS_DOCTOR_REPARTITION_H
#define COMMANDS_DOCTOR_REPARTITION_H

#include "commands/doctor_checks.h"

/* One line or more for each source in use: its partitions against the number of tasks, and the newest records' keys
 * against the customers in them. Reads at most DOCTOR_SAMPLE records of a partition, of at most
 * DOCTOR_SAMPLE_PARTITIONS; changes nothing. */
enum { DOCTOR_SAMPLE = 50, DOCTOR_SAMPLE_PARTITIONS = 4 };
void doctor_check_repartition(const struct connect *connect, struct doctor_report *report);

#endif
