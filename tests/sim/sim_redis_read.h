/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the model of Redis that change nothing. */
#ifndef SIM_SIM_REDIS_READ_H
#define SIM_SIM_REDIS_READ_H

#include "io/store.h"

bool sim_redis_is_read(struct slice command);

/* Run one, given as its words. `epoch`, of the connection: a scan's cursor means nothing in another. */
struct store_reply sim_redis_read(const struct slice *arguments, uint32_t count, uint64_t epoch);

#endif
