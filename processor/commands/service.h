/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that go on until they are told to stop have in common (run, repartition). */
#ifndef COMMANDS_SERVICE_H
#define COMMANDS_SERVICE_H

#include <stdbool.h>

/* Once, before anything is opened. From here on a core file, which would hold customers' data, is never written,
 * and a connection that broke is no signal. Until service_started, SIGTERM and SIGINT end the process at once with
 * 0: there is nothing to finish, and a server that does not answer would be waited for. The probe of permissions
 * may be cut off by that: the broker ends its transaction within transaction.timeout.ms. */
void service_begin(void);

/* Records may be read from now on: leaving takes a commit, so a signal only asks for it. */
void service_started(void);

/* Somebody asked. Any thread. */
bool service_stopping(void);

#endif
