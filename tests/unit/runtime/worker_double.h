/* SPDX-License-Identifier: Apache-2.0 */
/* A real worker with one slot and no world: a log that says what a test tells it, a Redis whose answers the test
 * plays, a clock that goes on by a millisecond whenever somebody looks. */
#ifndef UNIT_RUNTIME_WORKER_DOUBLE_H
#define UNIT_RUNTIME_WORKER_DOUBLE_H

#include "runtime/inside.h"

enum { DOUBLE_TASKS = 8, DOUBLE_CUT = 5 };

struct worker_double {
    struct worker *worker;
    int64_t started[SOURCE_COUNT];            /* where the log was last told to begin */
    const struct log_transaction *committing; /* what the log was last told to commit */
    bool feeding; /* each fetch brings the task's next record, of one customer */
    uint32_t feeding_source;
    uint32_t fed;                    /* records so far */
    bool refuses_outputs;            /* no output fits into a transaction */
    bool connected;                  /* Redis takes commands */
    uint32_t commands;               /* of the last pipeline that it took */
    struct store_pipeline pipeline;  /* that one; its bytes until the next is made */
    uint32_t breaks;                 /* connections that were broken on purpose */
    const struct log_record *record; /* what the log has, once */
    struct dead_letter dead_letter;  /* that was made last; its texts are static */
};

extern struct worker_double doubled;

/* Open the worker, with a heap of so many deadlines, two sources and task `number` assigned. */
void double_open(uint32_t due_entries, uint32_t number);
/* The same with other options than worker_options_init gives; what the double itself sets is overwritten. */
void double_open_as(struct worker_options options, uint32_t number);
/* One thing happens in the log, and the worker turns. */
void double_turn(enum log_event_kind kind, uint32_t task, uint32_t ticket);
/* The customer of the records that are fed is in memory from now on. */
void double_knows_fed(struct task *task);
/* The worker turns, and nothing happens but what is fed. */
void double_turn_quietly(void);
/* The head as the claimed task expects it, for an answer; lives until the next call. */
struct store_reply double_head(enum head_state state, uint64_t owner);
/* The end of a claim of whatever task has the slot: cut 5 ended before `next` of both sources. */
void double_become_live(int64_t next);
/* Another playbook: a sweep is due. */
void double_change_playbook(void);

#endif
