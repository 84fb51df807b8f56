/* SPDX-License-Identifier: Apache-2.0 */
/* Events through a playbook without Kafka or Redis: tasks as murmur2 deals them, the clock rule of
 * `clock: stream`, every customer in memory. For backtest and plan. */
#ifndef COMMANDS_REPLAY_H
#define COMMANDS_REPLAY_H

#include "commands/customers.h"
#include "commands/opened.h"

enum { REPLAY_TASKS_MAX = 100000 };

struct replay {
    /* set by the caller */
    struct opened opened; /* with its playbook */
    uint32_t task_count;  /* 1..REPLAY_TASKS_MAX */
    /* What was decided, in order; forgotten afterwards. `now_ms`: of the task. */
    void (*on_effects)(void *context, struct effects *effects, int64_t now_ms);
    void *context;
    /* read by the caller */
    struct customers *customers;
    uint64_t events;
    uint32_t customer; /* in on_effects: the number of the customer of whom it is */
    bool failed;       /* memory ended, or the caller says so: everything else does nothing */
    /* private */
    uint8_t *tasks; /* task_count blocks of task_size bytes */
    size_t task_size;
    int64_t *now_ms;  /* per task; INT64_MIN: no event yet */
    int64_t *offsets; /* per task and source: what the next event's offset would be in its topic */
    struct effects effects;
};

/* Open engine, tasks and customers over opened.playbook. `salt` as in the configuration;
 * `working_size`: bytes for unpacked customers. EXIT_GOOD, or the exit code after a message. */
int replay_open(const char *command, struct replay *replay, const char *salt, size_t working_size);

/* The next event, in order of time; its partition and offset are filled in. */
void replay_event(struct replay *replay, struct event *event);

/* Deadlines of everybody up to their task's last moment. */
void replay_finish(struct replay *replay);

/* What `segue apply` does to everybody: tasks and customers as `from` left them, through the record's bytes into
 * the playbook of `to` (open, as many tasks, no event yet), each looked at as the sweep does. Customers keep their
 * numbers. Of `to`, on_effects hears what the sweep says. */
void replay_take_over(struct replay *to, struct replay *from);

/* The task's block of a customer, for explanations. */
void *replay_task(struct replay *replay, struct slice customer_id);

#endif
