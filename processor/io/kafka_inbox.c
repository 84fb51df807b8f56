/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_inbox.h"

#include "base/memory.h"

#include <librdkafka/rdkafka.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static const uint64_t one = 1; /* what is added to an eventfd */

bool kafka_inbox_init(struct kafka_inbox *inbox, uint32_t capacity)
{
    memset(inbox, 0, sizeof(*inbox));
    inbox->notes = memory_take(capacity * sizeof(*inbox->notes), "kafka: news for workers");
    inbox->texts = memory_take(capacity * sizeof(*inbox->texts), "kafka: news for workers");
    inbox->capacity = capacity;
    (void)pthread_mutex_init(&inbox->lock, NULL);
    inbox->descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return inbox->descriptor >= 0;
}

void kafka_inbox_finish(struct kafka_inbox *inbox)
{
    (void)close(inbox->descriptor);
    (void)pthread_mutex_destroy(&inbox->lock);
}

void kafka_inbox_wake(struct kafka_inbox *inbox)
{
    /* Fails only when the counter is at its maximum: the worker is awake then. */
    ssize_t written = write(inbox->descriptor, &one, sizeof(one));
    (void)written;
}

void kafka_inbox_watch(struct kafka_inbox *inbox, struct rd_kafka_queue_s *queue)
{
    rd_kafka_queue_io_event_enable(queue, inbox->descriptor, &one, sizeof(one));
}

void kafka_inbox_put(struct kafka_inbox *inbox, const struct kafka_note *note,
                     const struct status_text *text)
{
    (void)pthread_mutex_lock(&inbox->lock);
    while (inbox->count == inbox->capacity) {
        (void)pthread_mutex_unlock(&inbox->lock);
        (void)usleep(1000);
        (void)pthread_mutex_lock(&inbox->lock);
    }
    uint32_t slot = (inbox->first + inbox->count) % inbox->capacity;
    inbox->notes[slot] = *note;
    if (text != NULL) {
        inbox->texts[slot] = *text;
    } else {
        inbox->texts[slot].text[0] = '\0';
    }
    inbox->count++;
    (void)pthread_mutex_unlock(&inbox->lock);
    kafka_inbox_wake(inbox);
}

bool kafka_inbox_take(struct kafka_inbox *inbox, struct kafka_note *out_note,
                      struct status_text *out_text)
{
    (void)pthread_mutex_lock(&inbox->lock);
    bool some = inbox->count > 0;
    if (some) {
        *out_note = inbox->notes[inbox->first];
        *out_text = inbox->texts[inbox->first];
        inbox->first = (inbox->first + 1) % inbox->capacity;
        inbox->count--;
    }
    (void)pthread_mutex_unlock(&inbox->lock);
    return some;
}

void kafka_inbox_wait(struct kafka_inbox *inbox, int32_t timeout_ms)
{
    struct pollfd waited = {.fd = inbox->descriptor, .events = POLLIN};
    if (timeout_ms > 0) {
        (void)poll(&waited, 1, timeout_ms);
    }
    uint64_t count;
    ssize_t got = read(inbox->descriptor, &count, sizeof(count)); /* nonblocking: clears it */
    (void)got;
}
