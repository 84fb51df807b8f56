/* SPDX-License-Identifier: Apache-2.0 */
/* Every command's entry, for the table in commands.c. Each has its file, NAME.c. */
#ifndef COMMANDS_ALL_H
#define COMMANDS_ALL_H

#include "commands/commands.h"

int apply_run(int argument_count, char **arguments);
int backtest_run(int argument_count, char **arguments);
int check_run(int argument_count, char **arguments);
int erase_run(int argument_count, char **arguments);
int feed_run(int argument_count, char **arguments);
int doctor_run(int argument_count, char **arguments);
int get_run(int argument_count, char **arguments);
int plan_run(int argument_count, char **arguments);
int report_run(int argument_count, char **arguments);
int repartition_run(int argument_count, char **arguments);
int rebuild_run(int argument_count, char **arguments);
int run_run(int argument_count, char **arguments);
int simulate_run(int argument_count, char **arguments);
int tail_run(int argument_count, char **arguments);
int test_run(int argument_count, char **arguments);
int topics_run(int argument_count, char **arguments);
int why_run(int argument_count, char **arguments);
int why_not_run(int argument_count, char **arguments);

#endif
