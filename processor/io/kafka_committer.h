/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that makes one worker's blocking transaction calls: one order at a time, its result
 * comes back through the worker's inbox. */
#ifndef IO_KAFKA_COMMITTER_H
#define IO_KAFKA_COMMITTER_H

#include "io/kafka_group.h"
#include "io/kafka_inbox.h"
#include "io/kafka_producer.h"

enum kafka_order { KAFKA_ORDER_NONE, KAFKA_ORDER_OPEN, KAFKA_ORDER_COMMIT, KAFKA_ORDER_QUIT };

struct kafka_committer {
    /* private */
    struct kafka_producer producer;
    struct kafka_inbox *inbox;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum kafka_order order;                    /* NONE: idle */
    const struct log_transaction *transaction; /* COMMIT: borrowed */
    struct kafka_membership *membership;       /* COMMIT: held */
};

enum status kafka_committer_start(struct kafka_committer *committer,
                                  const struct kafka_log_settings *settings, uint32_t worker,
                                  struct kafka_inbox *inbox, struct status_text *out_text) MUST_USE;

/* Answered by KAFKA_NOTE_PRODUCER. INVARIANT: idle. */
void kafka_committer_open(struct kafka_committer *committer);

/* Answered by KAFKA_NOTE_COMMIT. INVARIANT: idle. `membership` may be NULL when no offsets are
 * sent. */
void kafka_committer_commit(struct kafka_committer *committer,
                            const struct log_transaction *transaction,
                            struct kafka_membership *membership);

bool kafka_committer_is_idle(struct kafka_committer *committer);

/* End after the current order; closes the producer. */
void kafka_committer_stop(struct kafka_committer *committer);

#endif
