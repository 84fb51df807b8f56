/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into `segue run`, this takes Kafka's half of the protocol away: no transactions and no idempotence, no
 * journal, offsets committed after the outputs were acknowledged. With a build that lacks the fence in Redis
 * (MUTANT_NO_FENCE) what is left is at-least-once, of the same program over the same data: exactness.py measures
 * the difference. */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

enum { ARGUMENTS_MAX = 16 };

/* One producer (workers: 1) and its group's member. */
static rd_kafka_t *member;
static rd_kafka_topic_partition_list_t *offsets;

static void *real(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) {
        (void)fprintf(stderr, "at_least_once: no %s\n", name);
        abort();
    }
    return found;
}

rd_kafka_conf_res_t rd_kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value,
                                      char *text, size_t text_size)
{
    static rd_kafka_conf_res_t (*next)(rd_kafka_conf_t *, const char *, const char *, char *,
                                       size_t);
    if (next == NULL) {
        *(void **)&next = real("rd_kafka_conf_set");
    }
    if (strcmp(name, "transactional.id") == 0 || strcmp(name, "transaction.timeout.ms") == 0) {
        return RD_KAFKA_CONF_OK;
    }
    return next(conf, name, strcmp(name, "enable.idempotence") == 0 ? "false" : value, text,
                text_size);
}

rd_kafka_resp_err_t rd_kafka_subscribe(rd_kafka_t *client,
                                       const rd_kafka_topic_partition_list_t *topics)
{
    static rd_kafka_resp_err_t (*next)(rd_kafka_t *, const rd_kafka_topic_partition_list_t *);
    if (next == NULL) {
        *(void **)&next = real("rd_kafka_subscribe");
    }
    member = client;
    return next(client, topics);
}

rd_kafka_error_t *rd_kafka_init_transactions(rd_kafka_t *client, int timeout_ms)
{
    (void)client;
    (void)timeout_ms;
    return NULL;
}

rd_kafka_error_t *rd_kafka_begin_transaction(rd_kafka_t *client)
{
    (void)client;
    return NULL;
}

rd_kafka_error_t *rd_kafka_send_offsets_to_transaction(
    rd_kafka_t *client, const rd_kafka_topic_partition_list_t *list,
    const rd_kafka_consumer_group_metadata_t *metadata, int timeout_ms)
{
    (void)client;
    (void)metadata;
    (void)timeout_ms;
    offsets = rd_kafka_topic_partition_list_copy(list);
    return NULL;
}

rd_kafka_error_t *rd_kafka_commit_transaction(rd_kafka_t *client, int timeout_ms)
{
    rd_kafka_resp_err_t code = rd_kafka_flush(client, timeout_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && offsets != NULL) {
        code = rd_kafka_commit(member, offsets, 0);
        rd_kafka_topic_partition_list_destroy(offsets);
        offsets = NULL;
    }
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? NULL
               : rd_kafka_error_new(code, "%s", rd_kafka_err2str(code));
}

static bool is_journal(const rd_kafka_topic_t *topic)
{
    const char *name = rd_kafka_topic_name(topic);
    size_t size = strlen(name), end = strlen("journal");
    return size >= end && strcmp(name + size - end, "journal") == 0;
}

/* The journal's records, and those that no one is to see, count as delivered. */
rd_kafka_resp_err_t rd_kafka_producev(rd_kafka_t *client, ...)
{
    rd_kafka_vu_t arguments[ARGUMENTS_MAX];
    size_t count = 0;
    rd_kafka_topic_t *topic = NULL;
    rd_kafka_headers_t *headers = NULL;
    int64_t *written = NULL;
    bool dropped = false;
    va_list list;
    va_start(list, client);
    int type;
    while ((type = va_arg(list, int)) != RD_KAFKA_VTYPE_END && count < ARGUMENTS_MAX) {
        rd_kafka_vu_t *one = &arguments[count++];
        one->vtype = (rd_kafka_vtype_t)type;
        switch (type) {
        case RD_KAFKA_VTYPE_RKT:
            topic = one->u.rkt = va_arg(list, rd_kafka_topic_t *);
            break;
        case RD_KAFKA_VTYPE_TOPIC: /* the question of permissions, in a transaction that is aborted */
            one->u.cstr = va_arg(list, const char *);
            dropped = true;
            break;
        case RD_KAFKA_VTYPE_PARTITION:
            one->u.i32 = va_arg(list, int32_t);
            break;
        case RD_KAFKA_VTYPE_MSGFLAGS:
            one->u.i = va_arg(list, int);
            break;
        case RD_KAFKA_VTYPE_VALUE:
        case RD_KAFKA_VTYPE_KEY:
            one->u.mem.ptr = va_arg(list, void *);
            one->u.mem.size = va_arg(list, size_t);
            break;
        case RD_KAFKA_VTYPE_TIMESTAMP:
            one->u.i64 = va_arg(list, int64_t);
            break;
        case RD_KAFKA_VTYPE_HEADERS:
            headers = one->u.headers = va_arg(list, rd_kafka_headers_t *);
            break;
        case RD_KAFKA_VTYPE_OPAQUE:
            one->u.ptr = va_arg(list, void *);
            written = one->u.ptr;
            break;
        default:
            abort();
        }
    }
    va_end(list);
    if (dropped || (topic != NULL && is_journal(topic))) {
        if (headers != NULL) {
            rd_kafka_headers_destroy(headers);
        }
        if (written != NULL) {
            written[0] = 0; /* struct log_written: offset, append_ms */
        }
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    rd_kafka_error_t *error = rd_kafka_produceva(client, arguments, count);
    rd_kafka_resp_err_t code =
        error == NULL ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(error);
    if (error != NULL) {
        rd_kafka_error_destroy(error);
    }
    return code;
}
