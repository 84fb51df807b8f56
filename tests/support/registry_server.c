/* SPDX-License-Identifier: Apache-2.0 */
#include "support/registry_server.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OPTIONS_MAX = 24 };

static void give_up(const char *what)
{
    perror(what);
    abort();
}

static void run(int input, int output, uint16_t port, const char *const *options)
{
    char text[8];
    (void)snprintf(text, sizeof(text), "%u", port);
    char *arguments[OPTIONS_MAX] = {"python3", REGISTRY_STUB, "--port", text};
    for (size_t count = 4; options != NULL && *options != NULL && count < OPTIONS_MAX - 1;
         options++) {
        arguments[count++] = (char *)(uintptr_t)*options;
    }
    if (dup2(input, 0) == 0 && dup2(output, 1) == 1) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)execvp("python3", arguments);
    }
    _exit(127);
}

void registry_server_start(struct registry_server *server, uint16_t port,
                           const char *const *options)
{
    int input[2], output[2];
    unsigned chosen = 0;
    if (pipe(input) != 0 || pipe(output) != 0 || (server->pid = fork()) < 0) {
        give_up("registry_stub.py");
    }
    if (server->pid == 0) {
        (void)close(input[1]); /* else it would hold its own input open */
        run(input[0], output[1], port, options);
    }
    (void)close(input[0]);
    (void)close(output[1]);
    FILE *lines = fdopen(output[0], "r");
    if (lines == NULL || fscanf(lines, "listening on %u", &chosen) != 1) {
        give_up("registry_stub.py does not start");
    }
    (void)fclose(lines);
    server->input = input[1];
    server->port = (uint16_t)chosen;
    (void)snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u", chosen);
}

void registry_server_stop(struct registry_server *server)
{
    (void)close(server->input);
    (void)kill(server->pid, SIGKILL);
    (void)waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

void registry_server_tell(const struct registry_server *server, const char *what)
{
    char request[256];
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons(server->port)};
    int size = snprintf(request, sizeof(request),
                        "POST /stub/%s HTTP/1.1\r\nHost: stub\r\nConnection: close\r\n\r\n", what);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        write(fd, request, (size_t)size) != size || read(fd, request, sizeof(request)) <= 0 ||
        strstr(request, " 200 ") == NULL) {
        give_up("registry_stub.py does not listen");
    }
    (void)close(fd);
}
