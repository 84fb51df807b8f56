/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_rejoin.h"

void kafka_rejoin_init(struct kafka_rejoin *rejoin)
{
    *rejoin = (struct kafka_rejoin){.wait_ms = KAFKA_REJOIN_FIRST_MS};
}

void kafka_rejoin_assigned(struct kafka_rejoin *rejoin, bool empty, int64_t now_ms)
{
    rejoin->empty = empty;
    rejoin->since_ms = now_ms;
    if (!empty) {
        rejoin->wait_ms = KAFKA_REJOIN_FIRST_MS;
    }
}

void kafka_rejoin_revoked(struct kafka_rejoin *rejoin)
{
    rejoin->empty = false;
}

bool kafka_rejoin_asks(struct kafka_rejoin *rejoin, int64_t now_ms)
{
    if (!rejoin->empty || now_ms - rejoin->since_ms < rejoin->wait_ms) {
        return false;
    }
    rejoin->since_ms = now_ms;
    return true;
}

bool kafka_rejoin_decide(struct kafka_rejoin *rejoin, int members, uint32_t task_count)
{
    if (members < 0 || (uint32_t)members > task_count) {
        return false;
    }
    if (rejoin->wait_ms < KAFKA_REJOIN_LAST_MS) {
        rejoin->wait_ms *= 2;
    }
    return true;
}
