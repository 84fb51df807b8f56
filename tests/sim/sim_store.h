/* SPDX-License-Identifier: Apache-2.0 */
/* What goes over a connection to the model of Redis. */
#ifndef SIM_SIM_STORE_H
#define SIM_SIM_STORE_H

#include "io/store.h"

/* A pipeline on its way, and its answer. */
struct sim_op {
    uint32_t process, life, connection;
    uint64_t epoch, token;
    uint8_t *data;
    size_t size;
    uint32_t count;
    struct store_reply *replies;
    enum status status;
    bool late;     /* of a connection that is lost */
    bool partial;  /* a command of its EXEC failed: often nobody hears of it, or late */
    bool scans_on; /* the step of a scan that it read is not the last */
};

/* Redis runs it now: the commands outside MULTI, and what a MULTI says to each. */
void sim_redis_run(struct sim_op *op);

#endif
