/* SPDX-License-Identifier: Apache-2.0 */
/* registry_stub.py run by a test; it ends when the test process does. */
#ifndef SUPPORT_REGISTRY_SERVER_H
#define SUPPORT_REGISTRY_SERVER_H

#include <stdint.h>
#include <sys/types.h>

struct registry_server {
    char url[64]; /* "http://127.0.0.1:port" */
    uint16_t port;
    pid_t pid;
    int input; /* held open while it shall live */
};

/* Start with more options ("--user", "u:p", .., NULL), on `port` (0: any). Aborts the test when it
 * cannot. */
void registry_server_start(struct registry_server *server, uint16_t port,
                           const char *const *options);

/* End it and wait for that. */
void registry_server_stop(struct registry_server *server);

/* POST /stub/`what`: "fault?kind=status&status=500&count=2", "clear". */
void registry_server_tell(const struct registry_server *server, const char *what);

#endif
