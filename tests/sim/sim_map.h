/* SPDX-License-Identifier: Apache-2.0 */
/* Keys with fields: what both the model of Redis and the checkers keep. A string is a key with one
 * field of empty name; a set has members as names with empty values. */
#ifndef SIM_SIM_MAP_H
#define SIM_SIM_MAP_H

#include "base/slice.h"

struct sim_field {
    struct slice name;
    struct slice value;
};

struct sim_node {
    struct slice key;
    uint64_t version; /* counts changes, for WATCH */
    struct sim_field *fields;
    uint32_t count;
    uint32_t limit;
    struct sim_node *next;
};

enum { SIM_MAP_BUCKETS = 1024 };

struct sim_map {
    struct sim_node *buckets[SIM_MAP_BUCKETS];
};

/* The node of a key, made when it is not there. */
struct sim_node *sim_map_node(struct sim_map *map, struct slice key);
/* NULL: no such field. */
const struct slice *sim_node_get(const struct sim_node *node, struct slice name);
/* Copies. `value` NULL: remove. */
void sim_node_put(struct sim_node *node, struct slice name, const struct slice *value);

#endif
