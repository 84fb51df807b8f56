/* SPDX-License-Identifier: Apache-2.0 */
/* The playbook that the processes of the application run: what was applied last (topic `playbook`), and
 * before the first `segue apply` the files that the configuration names. */
#ifndef COMMANDS_LIVE_H
#define COMMANDS_LIVE_H

#include "commands/connect.h"
#include "commands/opened.h"

/* Read and load it; `opened->zones` is used when it is set. `out_applied`: its hash as the topic has it, which
 * after an upgrade may not be opened->playbook->hash; 0: it came from the files. EXIT_GOOD, or the exit code after
 * a message: Kafka is away, the topic is not there, or what it holds does not load in this version. */
int live_open(const char *command, const struct connect *connect, struct opened *opened,
              uint64_t *out_applied);

#endif
