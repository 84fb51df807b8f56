/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <xxhash.h>

uint64_t hash64(struct slice bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.data, bytes.size, seed);
}

int32_t hash_murmur2(struct slice key)
{
    const uint32_t m = 0x5bd1e995;
    size_t size = key.size;
    const uint8_t *at = key.data;
    uint32_t h = 0x9747b28cU ^ (uint32_t)size;

    for (; size >= 4; size -= 4, at += 4) {
        uint32_t k;
        memcpy(&k, at, 4);
        k *= m;
        k ^= k >> 24;
        k *= m;
        h = (h * m) ^ k;
    }
    if (size >= 3) {
        h ^= (uint32_t)at[2] << 16;
    }
    if (size >= 2) {
        h ^= (uint32_t)at[1] << 8;
    }
    if (size >= 1) {
        h = (h ^ at[0]) * m;
    }
    h ^= h >> 13;
    h *= m;
    h ^= h >> 15;
    return (int32_t)h;
}

uint32_t hash_partition(struct slice key, uint32_t partition_count)
{
    return ((uint32_t)hash_murmur2(key) & 0x7fffffffU) % partition_count;
}
