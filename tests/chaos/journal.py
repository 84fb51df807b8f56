# SPDX-License-Identifier: Apache-2.0
"""The journal as a stranger reads it: cuts out of records, and whether they make a chain (processor/runtime/cut.h, head.h)."""
import collections
import struct

import xxhash

CUT_SALT = 0x5e60e


class Reader:
    """Varints, words and slices of the journal's and the head's binary form."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def u8(self):
        self.at += 1
        return self.data[self.at - 1]

    def word(self, size):
        self.at += size
        return int.from_bytes(self.data[self.at - size:self.at], 'little')

    def varuint(self):
        value = shift = 0
        while True:
            byte = self.u8()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def varint(self):
        value = self.varuint()
        return value >> 1 ^ -(value & 1)

    def slice(self):
        size = self.varuint()
        self.at += size
        return self.data[self.at - size:self.at]


def parse_head(data):
    """(READY?, W)"""
    reader = Reader(data)
    assert reader.u8() == 2, 'a head of another version'
    state = reader.u8()
    reader.word(8)
    return state == 0, reader.varuint()


Cut = collections.namedtuple('Cut', 'task seq start to previous_hash hash events outputs')


def parse_cut(payload):
    reader = Reader(payload)
    assert reader.u8() == 2, 'a cut of another version'
    reader.slice(), reader.slice(), reader.varuint(), reader.varuint(), reader.word(8), reader.word(8)
    task, seq = reader.varuint(), reader.varuint()
    reader.word(8)
    sources = []
    for _ in range(reader.u8()):
        sources.append((reader.varint(), reader.varint()))
        reader.word(8)
    reader.varint(), reader.varint(), reader.varint()
    previous = reader.word(8)
    reader.varuint(), reader.varuint()
    events, outputs = reader.varuint(), reader.varuint()
    return Cut(task, seq, *sources[0], previous, xxhash.xxh3_64_intdigest(payload, CUT_SALT), events, outputs)


class Journal:
    """Takes the journal's records in the order of the log; parts are put together."""

    def __init__(self):
        self.cuts, self.parts, self.errors = collections.defaultdict(list), {}, []
        self.partition_of, self.unread, self.begins = {}, set(), set()

    def gap(self, partition):
        """The log's beginning was deleted before we read it: what comes next follows nothing that we know."""
        self.unread |= {task for task, its in self.partition_of.items() if its == partition}
        self.parts = {key: held for key, held in self.parts.items() if self.partition_of[key[0]] != partition}

    def take(self, message):
        value = message.value()
        magic, version, task, seq, owner, count, size = struct.unpack_from('<IIIQQII', value)
        assert magic == 0x43474553, 'not a journal record'
        self.partition_of[task] = message.partition()
        if task in self.unread:
            if version >> 8 != 0:
                return
            self.unread.discard(task)
            self.begins.add((task, seq))
        held = self.parts.setdefault((task, seq), [])
        held.append((version >> 8, owner, count, value[36:36 + size]))
        if len(held) == count:
            if [p[0] for p in held] != list(range(count)) or len({p[1] for p in held}) != 1:
                self.errors.append(f'task {task} cut {seq}: parts out of order')
            self.cuts[task].append(parse_cut(b''.join(p[3] for p in held)))
            del self.parts[task, seq]

    def check(self, end_offsets):
        """Cuts are whole and contiguous, each begins where the one before ended, and together they are the input."""
        errors = self.errors + [f'task {task} cut {seq}: not whole' for task, seq in self.parts]
        for task, chain in self.cuts.items():
            for before, cut in zip(chain, chain[1:]):
                if (task, cut.seq) in self.begins:
                    continue
                if cut.seq != before.seq + 1 or cut.previous_hash != before.hash:
                    errors.append(f'task {task}: cut {cut.seq} follows {before.seq}')
                elif cut.start >= 0 and cut.start != before.to:
                    errors.append(f'task {task}: cut {cut.seq} begins at {cut.start}, the one before ended at {before.to}')
        for task, end in end_offsets.items():
            chain = self.cuts.get(task)
            if end > 0 and (not chain or chain[-1].to != end):
                errors.append(f'task {task}: the last cut ends at {chain[-1].to if chain else None}, the input at {end}')
        return errors
