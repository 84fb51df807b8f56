/* SPDX-License-Identifier: Apache-2.0 */
/* The playbook that the processes of the application run: what was applied last (topic `playbook`), and
 * before the first `segue apply` the files that the configuration names. */
#ifndef COMMANDS_LIVE_H
#define COMMANDS_LIVE_H

#include "commands/connect.h"
#include "commands/opened.h"

/* Read and load it; `opened->zones` is used when it is set. `out_applied`: it came from the topic. EXIT_GOOD,
 * or the exit code after a message: Kafka is away, the topic is not there, or what it holds does not load in
 * this version. */
int live_open(const char *command, const struct connect *connect, struct opened *opened,
              bool *out_applied);

#endif
