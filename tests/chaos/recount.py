# SPDX-License-Identifier: Apache-2.0
"""What tests/playbooks/chaos means, by hand, over the input topic; and what came out. Small in memory: millions of events."""
import array
import bisect
import collections
import io
import json
import struct
import urllib.request

import fastavro
import xxhash

import murmur2

DAY_MS = 86400000
QUIET_DAYS = 7
FIELDS = ('f.events', 'f.total', 'f.offset')

Output = collections.namedtuple('Output', 'segment transition at seq cause total')


def digest(output):
    return xxhash.xxh3_64_intdigest(repr(tuple(output)))


class Schemas:
    """Reads a record with the schema that it names; times stay numbers."""

    def __init__(self, registry):
        self.registry, self.known = registry, {}

    def read(self, value):
        magic, number = struct.unpack_from('>bI', value)
        assert magic == 0, 'Confluent framing expected'
        if number not in self.known:
            with urllib.request.urlopen(f'{self.registry}/schemas/ids/{number}', timeout=30) as answer:
                schema = json.loads(json.load(answer)['schema'], object_hook=lambda o: {k: v for k, v in o.items() if k != 'logicalType'})
            self.known[number] = fastavro.parse_schema(schema)
        return fastavro.schemaless_reader(io.BytesIO(value[5:]), self.known[number])


class Past:
    """One customer's inputs: offset and running total of each."""

    def __init__(self):
        self.offsets, self.totals, self.last_day, self.seq, self.quiet = array.array('q'), array.array('q'), None, 0, False

    def view_at(self, place):
        return (place + 1, self.totals[place], self.offsets[place]) if place >= 0 else None


class Texts:
    """Digests of outputs by customer; of some customers also what they stand for."""

    def __init__(self, explain=()):
        self.digests, self.texts = {}, {customer: [] for customer in explain}

    def add(self, customer, output):
        if customer not in self.digests:
            self.digests[customer] = array.array('Q')
        self.digests[customer].append(digest(output))
        if customer in self.texts:
            self.texts[customer].append(output)


class Recount:
    """Takes the input topic's records."""

    def __init__(self, stack, explain=()):
        self.schemas, self.tasks, self.outputs = Schemas(stack.registry), stack.tasks, Texts(explain)
        self.past, self.ends, self.events = {}, collections.defaultdict(int), 0

    def take(self, message):
        event, customer = self.schemas.read(message.value()), message.key().decode()
        offset, partition = message.offset(), message.partition()
        past = self.past.get(customer)
        if past is None:
            past = self.past[customer] = Past()
            assert murmur2.partition(customer, self.tasks) == partition
        self.events += 1
        self.ends[partition] = max(self.ends[partition], offset + 1)
        at, out = event['booked_at'], self.outputs
        day, number = at // DAY_MS, len(past.offsets) + 1
        total = (past.totals[-1] if past.totals else 0) + event['amount_minor']
        if past.last_day is not None and day - past.last_day >= QUIET_DAYS:
            past.seq, past.quiet = past.seq + 1, True
            out.add(customer, Output('quiet', 'ENTERED', (past.last_day + QUIET_DAYS) * DAY_MS, past.seq, None, None))
        out.add(customer, Output('odd', 'ENTERED' if number % 2 else 'EXITED', at, number, offset, str(total)))
        if past.quiet:
            past.seq, past.quiet = past.seq + 1, False
            out.add(customer, Output('quiet', 'EXITED', at, past.seq, offset, None))
        past.offsets.append(offset)
        past.totals.append(total)
        past.last_day = day

    def view(self, customer):
        return self.past[customer].view_at(len(self.past[customer].offsets) - 1)

    def view_at(self, customer, end_offset):
        """After all inputs below end_offset; None: there was nothing yet."""
        past = self.past.get(customer)
        return past and past.view_at(bisect.bisect_left(past.offsets, end_offset) - 1)


class Outputs:
    """Takes the output topic's records; `skip`: segments that the recount knows nothing of, only counted."""

    def __init__(self, stack, skip=(), explain=()):
        self.schemas, self.outputs, self.ids, self.skip, self.skipped = Schemas(stack.registry), Texts(explain), array.array('Q'), skip, 0

    def take(self, message):
        value = self.schemas.read(message.value())
        if value['segment_id'] in self.skip:
            self.skipped += 1
            return
        cause = value['cause']
        total = [leaf['value'] for leaf in value['proof'] if 'total' in leaf['expr']]
        self.outputs.add(message.key().decode(), Output(value['segment_id'], value['transition'], value['effective_at'],
                                                        value['membership_seq'], cause and cause['offset'], total[0] if total else None))
        self.ids.append(xxhash.xxh3_64_intdigest(next(text for name, text in message.headers() if name == 'ce_id')))

    def ids_used_again(self):
        return len(self.ids) - len(set(self.ids))


def number_of(text):
    """Of a view's field; what is no number is -1, which no field ever is."""
    return int(text) if text is not None and text.isdigit() else -1


def values_of(view):
    """The three fields of a view as numbers; None: there is no view."""
    return tuple(number_of(view.get(name)) for name in FIELDS) if view else None
