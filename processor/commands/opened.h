/* SPDX-License-Identifier: Apache-2.0 */
/* A playbook and its engine, opened without Kafka or Redis: for check, backtest, test, why, get. */
#ifndef COMMANDS_OPENED_H
#define COMMANDS_OPENED_H

#include "base/diagnostic.h"
#include "engine/engine.h"
#include "playbook/playbook.h"

struct opened {
    const struct zones *zones;
    const struct playbook *playbook;
    const struct engine *engine; /* NULL until opened_engine */
    struct diagnostics diagnostics;
    bool applied; /* set before opening: it runs already, so rules that came later only warn */
};

/* Zones and playbook. `quiet`: diagnostics are left to the caller, otherwise printed to stderr
 * (warnings too). EXIT_GOOD, or the exit code after a message. Takes memory: a few times per process;
 * zones that are set already are used. */
int opened_playbook(const char *command, const char *path, bool quiet, struct opened *out_opened);

/* The same from files in memory; they outlive the playbook. */
int opened_texts(const char *command, const char *name, const struct playbook_text *texts,
                 uint32_t count, struct opened *out_opened);

/* The engine over it; deadlines follow event time. EXIT_GOOD, or the exit code after a message. */
int opened_engine(const char *command, struct engine_options options, struct opened *opened);

/* stderr is a terminal and NO_COLOR is not set. */
bool opened_color(void);

#endif
