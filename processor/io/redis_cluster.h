/* SPDX-License-Identifier: Apache-2.0 */
/* Redis Cluster: which node a connection goes to. Only redis_*.c include this.
 *
 * All keys of a task lie in one slot (its hash tag), and a connection serves one task at a time: so
 * a connection simply goes where the last MOVED sent it, and no map of slots is kept. What has no
 * place to go yet starts at one of the seeds; a node that cannot be reached, or that has become a
 * replica, sends it back to the next seed. While a slot migrates, Redis answers ASK and TRYAGAIN to
 * keys that are on the way: the pipeline fails as a whole (none of its MULTI is carried out) and is
 * tried again, so a task waits for the end of the migration; the pauses between the tries grow to
 * transport's backoff_ms_max. */
#ifndef IO_REDIS_CLUSTER_H
#define IO_REDIS_CLUSTER_H

#include "io/store.h"
#include "io/transport.h"

enum { REDIS_NODE_SIZE = TRANSPORT_HOST_SIZE + 10 }; /* "[host]:port" */

/* The seed after `number` others, from "a:1,b:2,c:3", going round. False: it does not fit. */
bool redis_cluster_seed(const char *list, uint32_t number, char out_address[REDIS_NODE_SIZE]);

/* How many seeds a list names, at least 1. */
uint32_t redis_cluster_seed_count(const char *list);

enum redis_redirect {
    REDIRECT_NONE,
    REDIRECT_MOVED, /* go to out_address */
    REDIRECT_WAIT,  /* ask again a little later */
};

/* Do these replies tell that nothing was carried out here because the slot is elsewhere, moves, or
 * is served by nobody? `from`: the node that answered; a MOVED without a host means the same host.
 */
enum redis_redirect redis_cluster_redirect(const struct store_reply *replies, uint32_t count,
                                           const char *from, char out_address[REDIS_NODE_SIZE]);

#endif
