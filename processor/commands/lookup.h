/* SPDX-License-Identifier: Apache-2.0 */
/* One customer, read from Redis without touching it: for get and why. */
#ifndef COMMANDS_LOOKUP_H
#define COMMANDS_LOOKUP_H

#include "commands/connect.h"
#include "commands/opened.h"

struct lookup {
    struct connect connect;
    struct opened opened;
    struct customer *customer; /* as after its newest applied cut */
    void *task;                /* its task's record */
    uint32_t task_number;
    uint32_t task_count;
    bool ready; /* the head says READY; otherwise the task is being rebuilt */
};

/* Configuration, playbook, engine, Redis, then the customer. EXIT_GOOD; EXIT_NO: there is no such
 * customer; otherwise the exit code after a message. Once per process; `out_lookup` is big: static.
 */
int lookup_customer(const char *command, const char *config, struct slice id,
                    struct lookup *out_lookup);

/* A text as a JSON string, quotes included. */
void lookup_json_text(struct slice text, FILE *out);

#endif
