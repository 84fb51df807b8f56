/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes: XXH3 for our own tables and ids, murmur2 for Kafka's partition of a key. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/slice.h"

/* XXH3 64 (xxHash), with a seed so that two uses of the same bytes can differ. */
uint64_t hash64(struct slice bytes, uint64_t seed);

/* Kafka's murmur2 as a signed 32-bit value (org.apache.kafka.common.utils.Utils.murmur2). */
int32_t hash_murmur2(struct slice key);

/* The partition that Kafka's default partitioner gives a non-null key: (murmur2 & 0x7fffffff) % count.
 * `partition_count` > 0. */
uint32_t hash_partition(struct slice key, uint32_t partition_count);

#endif
