/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the model of Redis that change nothing. */
#ifndef SIM_SIM_REDIS_READ_H
#define SIM_SIM_REDIS_READ_H

#include "sim/sim_store.h"

bool sim_redis_is_read(struct slice command);

/* Run one of op's, given as its words. A scan's cursor means nothing in another connection than op->epoch's; out:
 * op->scans_on. */
struct store_reply sim_redis_read(const struct slice *arguments, uint32_t count, struct sim_op *op);

#endif
