/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/service.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/attributes.h"
#include "commands/all.h"

static volatile sig_atomic_t started;
static volatile sig_atomic_t stopping;

static void on_signal(int number UNUSED)
{
    if (!started) {
        _exit(EXIT_GOOD);
    }
    stopping = 1;
}

void service_begin(void)
{
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGTERM, on_signal);
    (void)signal(SIGINT, on_signal);
}

void service_started(void)
{
    started = 1;
}

bool service_stopping(void)
{
    return stopping != 0;
}
