/* SPDX-License-Identifier: Apache-2.0 */
#include "support/redis_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OPTIONS_MAX = 48, START_TRIES_MAX = 500 };

static void give_up(const char *what)
{
    (void)fprintf(stderr, "redis_server: %s: %s\n", what, strerror(errno));
    abort();
}

static void pause_ms(long ms)
{
    struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&wait, NULL);
}

bool redis_server_installed(void)
{
    return system("command -v redis-server >/dev/null 2>&1") == 0;
}

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        give_up("no free port");
    }
    (void)close(fd);
    return ntohs(address.sin_port);
}

void redis_server_prepare(struct redis_server *server)
{
    *server = (struct redis_server){.port = free_port()};
    (void)snprintf(server->folder, sizeof(server->folder), "/tmp/segue-redis-XXXXXX");
    if (mkdtemp(server->folder) == NULL) {
        give_up("no folder");
    }
    (void)snprintf(server->unix_address, sizeof(server->unix_address), "unix:%s/socket",
                   server->folder);
    (void)snprintf(server->tcp_address, sizeof(server->tcp_address), "127.0.0.1:%u", server->port);
}

void redis_server_certificates(struct redis_server *server)
{
    static const char script[] = "cd %s && exec 2>/dev/null && key='-newkey ec -pkeyopt "
                                 "ec_paramgen_curve:P-256 -nodes -batch' && "
                                 "for ca in ca other-ca; do openssl req -x509 $key -days 2 -subj "
                                 "/CN=$ca -keyout $ca.key -out $ca.pem; done && "
                                 "for who in server client; do openssl req $key -subj /CN=$who "
                                 "-keyout $who.key -out $who.csr && "
                                 "printf 'subjectAltName=DNS:localhost' > ext && openssl x509 -req "
                                 "-in $who.csr -CA ca.pem -CAkey ca.key "
                                 "-CAcreateserial -days 2 -extfile ext -out $who.pem; done";
    char command[1024];
    (void)snprintf(command, sizeof(command), script, server->folder);
    if (system(command) != 0) {
        give_up("openssl cannot make certificates");
    }
    server->tls_port = free_port();
    (void)snprintf(server->tls_address, sizeof(server->tls_address), "localhost:%u",
                   server->tls_port);
}

static bool accepts(const struct redis_server *server)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", server->folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bool good = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    (void)close(fd);
    return good;
}

static void run(const struct redis_server *server, const char *const *options)
{
    char port[8], tls_port[8];
    char *arguments[OPTIONS_MAX] = {"redis-server", "--dir",  (char *)server->folder,
                                    "--unixsocket", "socket", "--port",
                                    port,           "--bind", "127.0.0.1",
                                    "-::1",         "--save", "",
                                    "--loglevel",   "warning"};
    size_t count = 14;
    (void)snprintf(port, sizeof(port), "%u", server->port);
    (void)snprintf(tls_port, sizeof(tls_port), "%u", server->tls_port);
    if (server->tls_port != 0) {
        static const char *const tls[] = {"--tls-cert-file", "server.pem",         "--tls-key-file",
                                          "server.key",      "--tls-ca-cert-file", "ca.pem",
                                          "--tls-port"};
        for (size_t i = 0; i < sizeof(tls) / sizeof(tls[0]); i++) {
            arguments[count++] = (char *)(uintptr_t)tls[i];
        }
        arguments[count++] = tls_port;
    }
    for (; options != NULL && *options != NULL && count < OPTIONS_MAX - 1; options++) {
        arguments[count++] = (char *)(uintptr_t)*options;
    }
    int null = open("/dev/null", O_WRONLY);
    if (chdir(server->folder) == 0 && null >= 0 && dup2(null, 1) == 1) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)execvp("redis-server", arguments);
    }
    _exit(127);
}

void redis_server_start(struct redis_server *server, const char *const *options)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/socket", server->folder);
    (void)unlink(path); /* of the one that was killed */
    server->pid = fork();
    if (server->pid < 0) {
        give_up("fork");
    }
    if (server->pid == 0) {
        run(server, options);
    }
    for (int tries = 0; !accepts(server); tries++) {
        if (tries == START_TRIES_MAX || waitpid(server->pid, NULL, WNOHANG) != 0) {
            errno = 0;
            give_up("redis-server does not start");
        }
        pause_ms(10);
    }
}

void redis_server_kill(struct redis_server *server)
{
    if (server->pid > 0) {
        (void)kill(server->pid, SIGKILL);
        (void)waitpid(server->pid, NULL, 0);
    }
    server->pid = 0;
}

void redis_server_freeze(struct redis_server *server, bool frozen)
{
    (void)kill(server->pid, frozen ? SIGSTOP : SIGCONT);
}

void redis_server_finish(struct redis_server *server)
{
    char command[128];
    redis_server_kill(server);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", server->folder);
    if (system(command) != 0) {
        give_up(server->folder);
    }
}

const char *redis_server_file(const struct redis_server *server, const char *name, const char *text)
{
    static char path[160];
    (void)snprintf(path, sizeof(path), "%s/%s", server->folder, name);
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
        give_up(path);
    }
    return path;
}
