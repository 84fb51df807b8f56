/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_words.h"

#include <stdio.h>

static void hear(void *context, enum log_level level, const char *facility, const char *text)
{
    struct kafka_words *words = context;
    if (level >= LOG_WARN) {
        kafka_words_put(words, text);
    }
    if (words->next != NULL) {
        words->next(words->next_context, level, facility, text);
    }
}

void kafka_words_listen(struct kafka_words *words, struct kafka_connection *connection)
{
    (void)pthread_mutex_init(&words->lock, NULL);
    words->text[0] = '\0';
    words->next = connection->log_function;
    words->next_context = connection->log_context;
    connection->log_function = hear;
    connection->log_context = words;
}

void kafka_words_put(struct kafka_words *words, const char *text)
{
    (void)pthread_mutex_lock(&words->lock);
    (void)snprintf(words->text, sizeof(words->text), "%s", text);
    (void)pthread_mutex_unlock(&words->lock);
}

void kafka_words_last(struct kafka_words *words, char out_text[KAFKA_WORDS_SIZE])
{
    (void)pthread_mutex_lock(&words->lock);
    memcpy(out_text, words->text, KAFKA_WORDS_SIZE);
    (void)pthread_mutex_unlock(&words->lock);
}

void kafka_words_forget(struct kafka_words *words)
{
    kafka_words_put(words, "");
}

void kafka_words_finish(struct kafka_words *words)
{
    (void)pthread_mutex_destroy(&words->lock);
}
