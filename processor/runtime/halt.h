/* SPDX-License-Identifier: Apache-2.0 */
/* Why a task halts: going on could lose or double something, so a person decides.
 *
 * Each reason has a code that never changes. The log line (code=task_halted halt=CODE), /readyz, the metric
 * segue_halted_tasks{reason=CODE}, an alert of its own in deploy/alerts.yml, the runbook's entry
 * (deploy/README.md#CODE) and `segue doctor` all name it; tests/lint/halts.py compares the lists. */
#ifndef RUNTIME_HALT_H
#define RUNTIME_HALT_H

enum halt {
    HALT_NONE,
    HALT_OFFSET_FOREIGN,
    HALT_OFFSET_DIFFERS,
    HALT_KAFKA_BEHIND,
    HALT_CUT_MISSING,
    HALT_JOURNAL_OF_ANOTHER,
    HALT_JOURNAL_NOT_CUT,
    HALT_JOURNAL_BEGINS_LATE,
    HALT_CUT_NEWER,
    HALT_CUT_TOO_LARGE,
    HALT_HEAD_OF_ANOTHER,
    HALT_TASK_RECORD,
    HALT_CUSTOMER_RECORD,
    HALT_CHECKPOINT_NEWER,
    HALT_CHECKPOINT_UNREADABLE,
    HALT_CHECKPOINT_TOO_LARGE,
    HALT_BATCH_TOO_LARGE,
    HALT_INPUT_REPLACED,
    HALT_INPUT_GONE,
    HALT_COUNT
};

/* "offset_foreign", ..; "none". Static. */
const char *halt_code(enum halt halt);

/* What happened, in a few words. Static. */
const char *halt_what(enum halt halt);

/* The first thing to do; the runbook has the rest. Static. */
const char *halt_mend(enum halt halt);

/* The reason with that code; HALT_NONE: none of ours. `code` needs no end. */
enum halt halt_find(const char *code, unsigned long size);

#endif
