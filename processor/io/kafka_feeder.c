/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_feeder.h"

#include "io/kafka_client.h"
#include "io/kafka_record.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>

struct kafka_feeder {
    struct kafka_callbacks callbacks;
    struct kafka_feeder_counts counts; /* written by the delivery callback, inside rd_kafka_poll */
    rd_kafka_t *client;
};

static void on_delivery(rd_kafka_t *client UNUSED, const rd_kafka_message_t *message, void *opaque)
{
    struct kafka_callbacks *callbacks = opaque;
    struct kafka_feeder_counts *counts = &((struct kafka_feeder *)callbacks->owner)->counts;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        counts->delivered++;
        return;
    }
    if (counts->failed++ == 0) {
        (void)status_fail(&counts->first_failure, STATUS_AWAY, "%s [%d]: %s",
                          rd_kafka_topic_name(message->rkt), message->partition,
                          rd_kafka_err2str(message->err));
    }
}

enum status kafka_feeder_open(const struct kafka_connection *connection, int32_t timeout_ms,
                              struct kafka_feeder **out_feeder, struct status_text *out_text)
{
    struct kafka_feeder *feeder = calloc(1, sizeof(*feeder));
    if (feeder == NULL) {
        return status_fail(out_text, STATUS_FULL, "kafka: out of memory");
    }
    feeder->callbacks.connection = connection;
    feeder->callbacks.owner = feeder;
    rd_kafka_conf_t *conf = kafka_conf_new(&feeder->callbacks, KAFKA_ROLE_FEED, 0, out_text);
    if (conf != NULL) {
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
        feeder->client = kafka_client_new(conf, KAFKA_ROLE_FEED, out_text);
    }
    if (feeder->client == NULL) {
        free(feeder);
        return STATUS_INVALID;
    }
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(feeder->client, 0, NULL, &metadata, timeout_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_feeder_close(feeder);
        return status_fail(out_text, STATUS_AWAY, "kafka: no broker of %s answers within %d ms: %s",
                           connection->brokers, timeout_ms, rd_kafka_err2str(code));
    }
    rd_kafka_metadata_destroy(metadata);
    *out_feeder = feeder;
    return STATUS_OK;
}

enum status kafka_feeder_put(struct kafka_feeder *feeder, const struct log_write *write,
                             struct status_text *out_text)
{
    for (;;) {
        int code = kafka_record_send(feeder->client, NULL, write, true, NULL);
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            (void)rd_kafka_poll(feeder->client, 10);
            continue;
        }
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            return STATUS_OK;
        }
        return status_fail(out_text,
                           code == RD_KAFKA_RESP_ERR__FATAL ? STATUS_FATAL : STATUS_INVALID,
                           "%s: %s", write->topic, rd_kafka_err2str((rd_kafka_resp_err_t)code));
    }
}

enum status kafka_feeder_flush(struct kafka_feeder *feeder, int32_t timeout_ms,
                               struct status_text *out_text)
{
    rd_kafka_resp_err_t code = rd_kafka_flush(feeder->client, timeout_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return status_fail(out_text, STATUS_AWAY,
                           "kafka: %d records are not delivered within %d ms",
                           rd_kafka_outq_len(feeder->client), timeout_ms);
    }
    return STATUS_OK;
}

struct kafka_feeder_counts kafka_feeder_counts(struct kafka_feeder *feeder)
{
    (void)rd_kafka_poll(feeder->client, 0);
    return feeder->counts;
}

void kafka_feeder_close(struct kafka_feeder *feeder)
{
    rd_kafka_destroy(feeder->client);
    free(feeder);
}
