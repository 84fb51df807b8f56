/* SPDX-License-Identifier: Apache-2.0 */
#include "io/resolver.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { ADDRESS_SIZE = TRANSPORT_HOST_SIZE + 16 }; /* "[host]:port" */

enum name_state { NAME_UNUSED, NAME_ASKED, NAME_ANSWERED };

struct name {
    char address[ADDRESS_SIZE];
    enum name_state state;
    enum status status; /* answered: STATUS_OK or not, with `why` */
    struct status_text why;
    struct transport_address addresses[TRANSPORT_ADDRESSES_MAX];
    uint32_t count;
    bool used;        /* the answer */
    int64_t until_us; /* it counts, by the owner's clock; 0: the owner has not seen it yet */
};

struct resolver {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool running; /* there is a thread */
    bool stop;    /* whoever of owner and thread leaves last frees */
    int descriptor;
    struct name names[RESOLVER_NAMES_MAX];
};

enum status resolver_open(struct resolver **out_resolver, struct status_text *out_text)
{
    int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (descriptor < 0) {
        return status_fail(out_text, status_of_errno(errno), "no descriptor to look up names: %s",
                           strerror(errno));
    }
    struct resolver *resolver = calloc(1, sizeof(*resolver));
    if (resolver == NULL) {
        (void)close(descriptor);
        return status_fail(out_text, STATUS_AWAY, "no memory to look up names");
    }
    (void)pthread_mutex_init(&resolver->lock, NULL);
    (void)pthread_cond_init(&resolver->changed, NULL);
    resolver->descriptor = descriptor;
    *out_resolver = resolver;
    return STATUS_OK;
}

static void release(struct resolver *resolver)
{
    (void)close(resolver->descriptor);
    (void)pthread_cond_destroy(&resolver->changed);
    (void)pthread_mutex_destroy(&resolver->lock);
    free(resolver);
}

void resolver_close(struct resolver *resolver)
{
    if (resolver == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&resolver->lock);
    bool running = resolver->running;
    resolver->stop = true;
    (void)pthread_cond_signal(&resolver->changed);
    (void)pthread_mutex_unlock(&resolver->lock);
    if (!running) {
        release(resolver);
    }
}

int resolver_descriptor(const struct resolver *resolver)
{
    return resolver->descriptor;
}

void resolver_clear(struct resolver *resolver, int64_t now_us)
{
    uint64_t count;
    ssize_t got = read(resolver->descriptor, &count, sizeof(count));
    (void)got; /* EAGAIN: it was clear */
    (void)pthread_mutex_lock(&resolver->lock);
    for (uint32_t i = 0; i < RESOLVER_NAMES_MAX; i++) {
        struct name *name = &resolver->names[i];
        if (name->state == NAME_ANSWERED && name->until_us == 0) {
            name->until_us = now_us + RESOLVER_KEPT_MS * INT64_C(1000);
        }
    }
    (void)pthread_mutex_unlock(&resolver->lock);
}

static struct name *next_asked(struct resolver *resolver)
{
    for (uint32_t i = 0; i < RESOLVER_NAMES_MAX; i++) {
        if (resolver->names[i].state == NAME_ASKED) {
            return &resolver->names[i];
        }
    }
    return NULL;
}

static void *look_up(void *argument)
{
    struct resolver *resolver = argument;
    (void)pthread_mutex_lock(&resolver->lock);
    while (!resolver->stop) {
        struct name *name = next_asked(resolver);
        if (name == NULL) {
            (void)pthread_cond_wait(&resolver->changed, &resolver->lock);
            continue;
        }
        struct name answer = *name; /* one that is asked for stays in its place */
        const struct transport_settings settings = {.address = answer.address};
        (void)pthread_mutex_unlock(&resolver->lock);
        answer.status = transport_find(&settings, answer.addresses, &answer.count, &answer.why);
        (void)pthread_mutex_lock(&resolver->lock);
        answer.state = NAME_ANSWERED;
        answer.used = false;
        answer.until_us = 0;
        *name = answer;
        ssize_t put = write(resolver->descriptor, &(uint64_t){1}, sizeof(uint64_t));
        (void)put; /* full is readable as well */
    }
    (void)pthread_mutex_unlock(&resolver->lock);
    release(resolver);
    return NULL;
}

/* The name's own place, or one for it. NULL: all are being looked up. */
static struct name *place_of(struct resolver *resolver, const char *address)
{
    struct name *place = NULL;
    for (uint32_t i = 0; i < RESOLVER_NAMES_MAX; i++) {
        struct name *name = &resolver->names[i];
        if (name->state != NAME_UNUSED && strcmp(name->address, address) == 0) {
            return name;
        }
        bool better = place == NULL || name->state == NAME_UNUSED ||
                      (place->state != NAME_UNUSED && name->until_us < place->until_us);
        place = name->state != NAME_ASKED && better ? name : place;
    }
    return place;
}

static enum status start_thread(struct resolver *resolver, struct status_text *out_text)
{
    pthread_t thread;
    int error = resolver->running ? 0 : pthread_create(&thread, NULL, look_up, resolver);
    if (error != 0) {
        return status_fail(out_text, STATUS_AWAY, "no thread for host names: %s", strerror(error));
    }
    if (!resolver->running) {
        (void)pthread_detach(thread);
        resolver->running = true;
    }
    return STATUS_OK;
}

/* Locked. */
static enum status ask(struct resolver *resolver, struct name *name, const char *address,
                       struct status_text *out_text)
{
    enum status status = start_thread(resolver, out_text);
    if (status == STATUS_OK) {
        (void)snprintf(name->address, sizeof(name->address), "%s", address);
        name->state = NAME_ASKED;
        (void)pthread_cond_signal(&resolver->changed);
        status = STATUS_RETRY;
    }
    return status;
}

enum status resolver_find(struct resolver *resolver, const struct transport_settings *settings,
                          int64_t now_us,
                          struct transport_address out_addresses[TRANSPORT_ADDRESSES_MAX],
                          uint32_t *out_count, struct status_text *out_text)
{
    enum status status = transport_check_address(settings, out_text);
    if (status != STATUS_OK || !transport_is_name(settings->address)) {
        return status != STATUS_OK ? status
                                   : transport_find(settings, out_addresses, out_count, out_text);
    }
    (void)pthread_mutex_lock(&resolver->lock);
    struct name *name = place_of(resolver, settings->address);
    if (name == NULL) {
        status = status_fail(out_text, STATUS_AWAY, "%s: too many names are being looked up",
                             settings->address);
    } else if (name->state == NAME_ASKED) {
        status = STATUS_RETRY;
    } else if (name->state == NAME_ANSWERED && strcmp(name->address, settings->address) == 0 &&
               (name->until_us == 0 || now_us < name->until_us)) {
        name->until_us = name->used ? name->until_us : now_us + RESOLVER_FRESH_MS * INT64_C(1000);
        name->used = true;
        status = status_fail(out_text, name->status, "%s", name->why.text);
        *out_count = name->count;
        memcpy(out_addresses, name->addresses, sizeof(name->addresses));
    } else {
        status = ask(resolver, name, settings->address, out_text);
    }
    (void)pthread_mutex_unlock(&resolver->lock);
    return status;
}
