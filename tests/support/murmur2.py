# SPDX-License-Identifier: Apache-2.0
"""Kafka's default partition of a key, written from Kafka's own description, for checkers that share no code with Segue."""


def murmur2(data):
    m, mask = 0x5bd1e995, 0xffffffff
    h = (0x9747b28c ^ len(data)) & mask
    whole = len(data) // 4 * 4
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i:i + 4], 'little') * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    tail = data[whole:]
    if tail:
        h = (h ^ int.from_bytes(tail, 'little')) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def partition(key, count):
    return (murmur2(key.encode()) & 0x7fffffff) % count


assert murmur2(b'abc') == 479470107
