/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_redis_read.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "sim/sim.h"
#include "sim/sim_map.h"

enum { SCAN_WHOLE_MAX = 3 };

static struct store_reply reply_value(const struct slice *value)
{
    return value == NULL ? (struct store_reply){.kind = STORE_NIL}
                         : (struct store_reply){.kind = STORE_BULK, .text = *value};
}

static uint64_t number_of(struct slice digits)
{
    char text[24] = {0};
    memcpy(text, digits.data, digits.size < 23 ? digits.size : 23);
    return strtoull(text, NULL, 10);
}

/* SRANDMEMBER: some members, each once. */
static struct store_reply run_some(const struct sim_node *node, uint64_t wanted)
{
    uint32_t count = wanted < node->count ? (uint32_t)wanted : node->count;
    struct store_reply *list = sim_take_raw((node->count + 1) * sizeof(*list));
    for (uint32_t i = 0; i < node->count; i++) {
        list[i] = reply_value(&node->fields[i].name);
    }
    for (uint32_t i = 0; i < count && count < node->count; i++) {
        uint32_t other = (uint32_t)sim_between(i, node->count - 1);
        struct store_reply swapped = list[i];
        list[i] = list[other];
        list[other] = swapped;
    }
    return (struct store_reply){.kind = STORE_ARRAY, .children = list, .count = count};
}

/* Redis keeps some sets in a compact form, of which a scan brings all, whatever was asked. */
static bool is_compact(const struct sim_node *node)
{
    return node->count <= SCAN_WHOLE_MAX || (hash64(node->key, 5) & 1) != 0;
}

/* SSCAN: members by places of a hash table that is as large as they are many, so that who is there all the time
 * is met however others come and go. The cursor is the next place, the same number whoever stands there: another
 * server, or this one after a restart, hashes otherwise. */
static struct store_reply run_scan(const struct sim_node *node, uint64_t cursor, uint64_t wanted,
                                   struct sim_op *op)
{
    /* Of short ids under neighbouring seeds the hashes coincide. */
    uint64_t seed = hash64(slice_of(&op->epoch, sizeof(op->epoch)), 5);
    uint32_t bits = 1;
    while (UINT64_C(1) << bits < node->count) {
        bits++;
    }
    bool whole = is_compact(node);
    uint64_t most = whole ? UINT64_MAX : wanted;
    uint64_t place = whole ? 0 : cursor >> (64 - bits);
    struct store_reply *list = sim_take_raw((node->count + 1) * sizeof(*list));
    uint32_t count = 0;
    for (; place < UINT64_C(1) << bits && count < most; place++) {
        for (uint32_t i = 0; i < node->count; i++) {
            if (hash64(node->fields[i].name, seed) >> (64 - bits) == place) {
                list[count++] = reply_value(&node->fields[i].name);
            }
        }
    }
    uint64_t next = place < UINT64_C(1) << bits ? place << (64 - bits) : 0;
    op->scans_on = next != 0;
    char *text = sim_take(24);
    struct store_reply *pair = sim_take(2 * sizeof(*pair));
    int size = snprintf(text, 24, "%llu", (unsigned long long)next);
    const struct slice digits = slice_of(text, (size_t)size);
    pair[0] = reply_value(&digits);
    pair[1] = (struct store_reply){.kind = STORE_ARRAY, .children = list, .count = count};
    return (struct store_reply){.kind = STORE_ARRAY, .children = pair, .count = 2};
}

bool sim_redis_is_read(struct slice command)
{
    static const char *const reads[] = {"GET", "MGET", "SRANDMEMBER", "SSCAN", "HGETALL"};
    for (uint32_t i = 0; i < ARRAY_COUNT(reads); i++) {
        if (slice_is(command, reads[i])) {
            return true;
        }
    }
    return false;
}

struct store_reply sim_redis_read(const struct slice *arguments, uint32_t count, struct sim_op *op)
{
    const struct slice none = {NULL, 0};
    struct sim_node *node = sim_map_node(sim->redis, arguments[1]);
    if (slice_is(arguments[0], "GET")) {
        return reply_value(sim_node_get(node, none));
    }
    if (slice_is(arguments[0], "SRANDMEMBER")) {
        return run_some(node, number_of(arguments[2]));
    }
    if (slice_is(arguments[0], "SSCAN")) {
        return run_scan(node, number_of(arguments[2]), number_of(arguments[4]), op);
    }
    bool pairs = slice_is(arguments[0], "HGETALL");
    uint32_t children = pairs ? 2 * node->count : count - 1;
    struct store_reply *list = sim_take_raw((children + 1) * sizeof(*list));
    for (uint32_t i = 0; i < children; i++) {
        if (pairs) {
            list[i] =
                reply_value(i % 2 == 0 ? &node->fields[i / 2].name : &node->fields[i / 2].value);
        } else {
            list[i] = reply_value(sim_node_get(sim_map_node(sim->redis, arguments[1 + i]), none));
        }
    }
    return (struct store_reply){.kind = STORE_ARRAY, .children = list, .count = children};
}
