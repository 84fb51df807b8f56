/* SPDX-License-Identifier: Apache-2.0 */
/* Customers, read from Redis without touching it: for get and why. */
#ifndef COMMANDS_LOOKUP_H
#define COMMANDS_LOOKUP_H

#include "commands/connect.h"
#include "commands/opened.h"

struct redis_store;

struct lookup {
    const char *command; /* named in messages */
    struct connect connect;
    struct opened opened;
    bool applied;    /* its playbook came from the topic, not from the configuration's files */
    bool told_other; /* it was said that Redis was written under another one */
    uint64_t written_hash; /* of the playbook under which task 0 was written last */
    struct redis_store *redis;
    struct arena arena;        /* of one reading */
    struct customer *customer; /* as after its newest applied cut */
    void *task;                /* its task's record */
    uint32_t task_number;
    uint32_t task_count;
    bool ready; /* the head says READY; otherwise the task is being rebuilt */
};

/* Configuration, Redis, the number of tasks, playbook, engine. The playbook is the one under which Redis was
 * written: the files of the configuration when they are that (Kafka is not asked then), else what is live in
 * Kafka (commands/live.h). Should that be another one still (processes are changing over, or the files were
 * edited and nothing was applied), a line on stderr says which one answers. EXIT_GOOD, or the exit code after a
 * message. Once per process; `out_lookup` is big: static. */
int lookup_open(const char *command, const char *config, struct lookup *out_lookup);

/* Read a customer, as often as wanted. EXIT_GOOD; EXIT_NO: there is no such customer; otherwise the
 * exit code; always after a message. */
int lookup_customer(struct lookup *lookup, struct slice id);

/* The moment at which the customer read last is looked at: the wall clock, or the newest event in
 * stream clock, where the wall clock says nothing. */
int64_t lookup_now_ms(const struct lookup *lookup);

#endif
