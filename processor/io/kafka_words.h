/* SPDX-License-Identifier: Apache-2.0 */
/* What librdkafka last said of trouble: its calls that find no broker return "timed out", and the reason is only in
 * its log. Inside io/kafka_* only. */
#ifndef IO_KAFKA_WORDS_H
#define IO_KAFKA_WORDS_H

#include <pthread.h>

#include "io/kafka_log.h"

enum { KAFKA_WORDS_SIZE = STATUS_TEXT_SIZE / 2 };

/* Zeroed is one that listens to nobody. */
struct kafka_words {
    /* private */
    pthread_mutex_t lock; /* librdkafka speaks from its own threads */
    char text[KAFKA_WORDS_SIZE];
    kafka_log_function *next; /* NULL: silence */
    void *next_context;
};

/* Stand between a client and the log function of `connection`, which is the caller's own copy: warnings and errors
 * are remembered, everything goes on to where it went. `words` must outlive the client. */
void kafka_words_listen(struct kafka_words *words, struct kafka_connection *connection);

/* Remember this too. From any thread. */
void kafka_words_put(struct kafka_words *words, const char *text);

/* What was remembered last, "" when nothing since the last kafka_words_forget. */
void kafka_words_last(struct kafka_words *words, char out_text[KAFKA_WORDS_SIZE]);
void kafka_words_forget(struct kafka_words *words);

/* After the client has ended. */
void kafka_words_finish(struct kafka_words *words);

#endif
