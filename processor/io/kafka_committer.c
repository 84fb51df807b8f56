/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_committer.h"

#include "base/invariant.h"

enum { OPEN_TIMEOUT_MS = 15000 };

static struct kafka_note run_open(struct kafka_committer *committer, struct status_text *out_text)
{
    struct kafka_note note = {.kind = KAFKA_NOTE_PRODUCER, .result = LOG_PRODUCER_FAILED};
    enum status status = kafka_producer_open(&committer->producer, OPEN_TIMEOUT_MS, out_text);
    if (status == STATUS_OK) {
        note.result = LOG_PRODUCER_READY;
        out_text->text[0] = '\0'; /* of attempts on the way */
    } else if (status == STATUS_FATAL || status == STATUS_INVALID) {
        note.result = LOG_FATAL;
    }
    return note;
}

static struct kafka_note run_commit(struct kafka_committer *committer, struct status_text *out_text)
{
    struct kafka_membership *membership = committer->membership;
    struct kafka_note note = {.kind = KAFKA_NOTE_COMMIT};
    note.result = kafka_producer_commit(&committer->producer, committer->transaction,
                                        membership == NULL ? NULL : membership->metadata,
                                        &note.reinit, out_text);
    note.generation = membership == NULL ? 0 : membership->generation;
    kafka_membership_drop(membership);
    return note;
}

static void *work(void *argument)
{
    struct kafka_committer *committer = argument;
    (void)pthread_mutex_lock(&committer->lock);
    while (committer->order != KAFKA_ORDER_QUIT) {
        enum kafka_order order = committer->order;
        if (order == KAFKA_ORDER_NONE) {
            (void)pthread_cond_wait(&committer->changed, &committer->lock);
            continue;
        }
        (void)pthread_mutex_unlock(&committer->lock);
        struct status_text text = {""};
        struct kafka_note note =
            order == KAFKA_ORDER_OPEN ? run_open(committer, &text) : run_commit(committer, &text);
        (void)pthread_mutex_lock(&committer->lock);
        /* Idle before the answer is out: the worker may give the next order as soon as it reads it.
         */
        if (committer->order != KAFKA_ORDER_QUIT) {
            committer->order = KAFKA_ORDER_NONE;
        }
        (void)pthread_mutex_unlock(&committer->lock);
        kafka_inbox_put(committer->inbox, &note, &text);
        (void)pthread_mutex_lock(&committer->lock);
    }
    (void)pthread_mutex_unlock(&committer->lock);
    kafka_producer_close(&committer->producer);
    return NULL;
}

enum status kafka_committer_start(struct kafka_committer *committer,
                                  const struct kafka_log_settings *settings, uint32_t worker,
                                  struct kafka_inbox *inbox, struct status_text *out_text)
{
    memset(committer, 0, sizeof(*committer));
    kafka_producer_init(&committer->producer, settings, worker);
    committer->inbox = inbox;
    (void)pthread_mutex_init(&committer->lock, NULL);
    (void)pthread_cond_init(&committer->changed, NULL);
    if (pthread_create(&committer->thread, NULL, work, committer) != 0) {
        return status_fail(out_text, STATUS_AWAY, "kafka: no thread for commits");
    }
    committer->running = true;
    return STATUS_OK;
}

static void give(struct kafka_committer *committer, enum kafka_order order)
{
    (void)pthread_mutex_lock(&committer->lock);
    INVARIANT(committer->order == KAFKA_ORDER_NONE);
    committer->order = order;
    (void)pthread_cond_signal(&committer->changed);
    (void)pthread_mutex_unlock(&committer->lock);
}

void kafka_committer_open(struct kafka_committer *committer)
{
    give(committer, KAFKA_ORDER_OPEN);
}

void kafka_committer_commit(struct kafka_committer *committer,
                            const struct log_transaction *transaction,
                            struct kafka_membership *membership)
{
    committer->transaction = transaction;
    committer->membership = membership;
    if (membership != NULL) {
        kafka_membership_hold(membership);
    }
    give(committer, KAFKA_ORDER_COMMIT);
}

bool kafka_committer_is_idle(struct kafka_committer *committer)
{
    (void)pthread_mutex_lock(&committer->lock);
    bool idle = committer->order == KAFKA_ORDER_NONE;
    (void)pthread_mutex_unlock(&committer->lock);
    return idle;
}

void kafka_committer_stop(struct kafka_committer *committer)
{
    if (!committer->running) {
        return;
    }
    (void)pthread_mutex_lock(&committer->lock);
    committer->order = KAFKA_ORDER_QUIT;
    (void)pthread_cond_signal(&committer->changed);
    (void)pthread_mutex_unlock(&committer->lock);
    (void)pthread_join(committer->thread, NULL);
    committer->running = false;
}
