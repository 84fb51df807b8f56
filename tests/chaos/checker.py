# SPDX-License-Identifier: Apache-2.0
"""Recounts tests/playbooks/chaos from the input topic and compares everything that Segue wrote. Shares no code with Segue.

Oracles: outputs (lost, doubled, differing), views, record bytes and due buckets (against an application left in peace over the
same topic), the journal's chain of cuts, and what a reader saw in Redis while it happened (always the state after one cut).
"""
import bisect
import collections
import copy
import io
import struct

import fastavro
import xxhash

import murmur2

DAY_MS = 86400000
QUIET_DAYS = 7
CUT_SALT = 0x5e60e
FIELDS = ('f.events', 'f.total', 'f.offset')


class Reader:
    """Varints, words and slices of the journal's and the head's binary form (processor/runtime/cut.h, head.h)."""

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


def read_journal(stack):
    """task -> its cuts in the order of the log; parts are put together, a cut in pieces that never became whole is an error."""
    cuts, parts, errors = collections.defaultdict(list), {}, []
    for _, value, _, _, _ in stack.read_raw('journal'):
        magic, version, task, seq, owner, count, size = struct.unpack_from('<IIIQQII', value)
        assert magic == 0x43474553, 'not a journal record'
        parts.setdefault((task, seq), []).append((version >> 8, owner, count, value[36:36 + size]))
        held = parts[task, seq]
        if len(held) == count:
            if [p[0] for p in held] != list(range(count)) or len({p[1] for p in held}) != 1:
                errors.append(f'task {task} cut {seq}: parts out of order')
            cuts[task].append(parse_cut(b''.join(p[3] for p in held)))
            del parts[task, seq]
    errors += [f'task {task} cut {seq}: not whole' for task, seq in parts]
    return cuts, errors


def check_journal(cuts, end_offsets):
    """I1, I5: cuts are contiguous, each begins where the one before ended, and together they are the input."""
    errors = []
    for task, chain in cuts.items():
        for before, cut in zip(chain, chain[1:]):
            if cut.seq != before.seq + 1 or cut.previous_hash != before.hash:
                errors.append(f'task {task}: cut {cut.seq} follows {before.seq}')
            elif cut.start >= 0 and cut.start != before.to:
                errors.append(f'task {task}: cut {cut.seq} begins at {cut.start}, the one before ended at {before.to}')
    for task, end in end_offsets.items():
        if end > 0 and (not cuts.get(task) or cuts[task][-1].to != end):
            errors.append(f'task {task}: the last cut ends at {cuts[task][-1].to if cuts.get(task) else None}, the input at {end}')
    return errors


Output = collections.namedtuple('Output', 'segment transition at seq cause total')


class Recount:
    """The playbook's meaning, by hand, over the input topic."""

    def __init__(self, stack):
        schema = stack.schema_of('in-transactions')
        self.outputs, self.history = collections.defaultdict(list), collections.defaultdict(list)
        self.ends, last_day, counts, quiet = collections.defaultdict(int), {}, collections.Counter(), set()
        for key, value, _, partition, offset in stack.read_raw('in-transactions'):
            event = fastavro.schemaless_reader(io.BytesIO(value[5:]), schema)
            customer, at = key.decode(), int(event['booked_at'].timestamp() * 1000)
            assert murmur2.partition(customer, stack.tasks) == partition
            self.ends[partition] = max(self.ends[partition], offset + 1)
            past, out, day = self.history[customer], self.outputs[customer], at // DAY_MS
            number, total = len(past) + 1, (past[-1][2] if past else 0) + event['amount_minor']
            if customer in last_day and day - last_day[customer] >= QUIET_DAYS:
                counts[customer] += 1
                quiet.add(customer)
                out.append(Output('quiet', 'ENTERED', (last_day[customer] + QUIET_DAYS) * DAY_MS, counts[customer], None, None))
            out.append(Output('odd', 'ENTERED' if number % 2 else 'EXITED', at, number, offset, str(total)))
            if customer in quiet:
                counts[customer] += 1
                quiet.discard(customer)
                out.append(Output('quiet', 'EXITED', at, counts[customer], offset, None))
            past.append((offset, number, total))
            last_day[customer] = day

    def view(self, customer):
        offset, number, total = self.history[customer][-1]
        return {'f.events': str(number), 'f.total': str(total), 'f.offset': str(offset)}

    def view_at(self, customer, end_offset):
        """After all inputs below end_offset."""
        past = self.history[customer]
        found = bisect.bisect_left(past, (end_offset,)) - 1
        if found < 0:
            return {}
        offset, number, total = past[found]
        return {'f.events': str(number), 'f.total': str(total), 'f.offset': str(offset)}


def read_outputs(stack):
    """customer -> outputs in the order of the topic; and every id with its count."""
    out, ids = collections.defaultdict(list), collections.Counter()
    for key, value, headers, _, _ in stack.read('segment-changes'):
        cause = value['cause']
        total = [leaf['value'] for leaf in value['proof'] if 'total' in leaf['expr']]
        out[key].append(Output(value['segment_id'], value['transition'], int(value['effective_at'].timestamp() * 1000),
                               value['membership_seq'], cause and cause['offset'], total[0] if total else None))
        ids[headers['ce_id']] += 1
    return out, ids


def check_outputs(wanted, outputs, ids):
    """(lost, doubled, differing, errors)"""
    lost = doubled = differing = 0
    errors = []
    for customer in sorted(set(wanted) | set(outputs)):
        a, b = wanted.get(customer, []), outputs.get(customer, [])
        if a == b:
            continue
        want, have = collections.Counter(a), collections.Counter(b)
        missing, extra = want - have, have - want
        again = sum(n for o, n in extra.items() if o in want)
        lost += max(missing.total() - (extra.total() - again), 0)
        doubled += again
        differing += max(extra.total() - again, 1 if not missing and not extra else 0)
        errors.append(f'{customer}: missing {list(missing)[:2]}, extra {list(extra)[:2]}')
    same_id = sum(n - 1 for n in ids.values())
    if same_id and not doubled:
        errors.append(f'{same_id} ids were used more than once')
    return lost, doubled, differing, errors


def plain_view(view):
    return {name: text for name, text in view.items() if name.startswith('f.')}


def values_of(view):
    """The view of one read, small: there are many."""
    return tuple(view.get(name) for name in FIELDS)


def check_views(recount, views):
    return [f'view of {c}: {plain_view(views.get(c, {}))}, should be {recount.view(c)}'
            for c in recount.history if plain_view(views.get(c, {})) != recount.view(c)]


def check_state(calm, storm):
    """Record, view and due keys byte for byte; the head is each application's own."""
    def ours(state, name):
        prefix = b'{%s.' % name.encode()
        return {key[len(prefix):]: value for key, value in state.items() if not key.endswith(b'}head')}
    a, b = ours(*calm), ours(*storm)
    return [f'{key}: {b.get(key)}, undisturbed {a.get(key)}'[:600] for key in sorted(set(a) | set(b)) if a.get(key) != b.get(key)]


def check_seen(seen, cuts, recount):
    """I3: whenever the head said READY, Redis was the state after exactly that cut. (errors, samples that could be judged)"""
    ends = {task: {cut.seq: cut.to for cut in chain} for task, chain in cuts.items()}
    errors, judged = [], 0
    for task, seq, customer, values in seen:
        end = ends.get(task, {}).get(seq)
        if end is None:
            if cuts.get(task) and seq >= cuts[task][0].seq:
                errors.append(f'task {task}: the head said cut {seq}, which was never committed')
            continue
        judged += 1
        if values != values_of(recount.view_at(customer, end)):
            errors.append(f'task {task} cut {seq}: {customer} was {values}, should be {recount.view_at(customer, end)}')
    return errors, judged


class Evidence:
    """All that is compared, in memory, so that it can be damaged on purpose."""

    def __init__(self, stack, calm, seen):
        self.recount = Recount(stack)
        self.cuts, self.journal_errors = read_journal(stack)
        self.outputs, self.ids = read_outputs(stack)
        self.views = stack.views()
        self.calm, self.storm, self.seen = (calm.state(), calm.name), (stack.state(), stack.name), seen

    def judge(self):
        """figure -> value; and what is wrong."""
        lost, doubled, differing, errors = check_outputs(self.recount.outputs, self.outputs, self.ids)
        views = check_views(self.recount, self.views)
        state = check_state(self.calm, self.storm)
        journal = self.journal_errors + check_journal(self.cuts, self.recount.ends)
        seen, judged = check_seen(self.seen, self.cuts, self.recount)
        figures = {'outputs': sum(map(len, self.outputs.values())), 'outputs_lost': lost, 'outputs_doubled': doubled,
                   'outputs_differing': differing, 'views': len(self.views), 'views_differing': len(views),
                   'keys': len(self.storm[0]), 'keys_differing': len(state), 'cuts': sum(map(len, self.cuts.values())),
                   'cuts_wrong': len(journal), 'live_reads': judged, 'live_reads_wrong': len(seen)}
        return figures, errors + views + state + journal + seen

    def canaries(self):
        """Each damage must be noticed. (noticed, all)"""
        damages = (lose_output, double_output, swap_outputs, change_total, change_view, drop_record, change_due, lose_cut,
                   double_cut, torn_read, uncommitted_read)
        missed = []
        for damage in damages:
            hurt = copy.copy(self)
            hurt.outputs, hurt.views, hurt.cuts = dict(self.outputs), dict(self.views), dict(self.cuts)
            hurt.storm, hurt.seen = (dict(self.storm[0]), self.storm[1]), list(self.seen)
            damage(hurt)
            if not hurt.judge()[1]:
                missed.append(damage.__name__)
        return missed, len(damages)


def some_customer(hurt):
    return max(hurt.outputs, key=lambda customer: len(hurt.outputs[customer]))


def lose_output(hurt):
    customer = some_customer(hurt)
    hurt.outputs[customer] = hurt.outputs[customer][:3] + hurt.outputs[customer][4:]


def double_output(hurt):
    customer = some_customer(hurt)
    hurt.outputs[customer] = hurt.outputs[customer][:3] + hurt.outputs[customer][2:]


def swap_outputs(hurt):
    customer = some_customer(hurt)
    first, second, *rest = hurt.outputs[customer]
    hurt.outputs[customer] = [second, first, *rest]


def change_total(hurt):
    customer = some_customer(hurt)
    hurt.outputs[customer] = [o._replace(total='1') if i == 0 else o for i, o in enumerate(hurt.outputs[customer])]


def change_view(hurt):
    customer = some_customer(hurt)
    hurt.views[customer] = {**hurt.views[customer], 'f.events': '0'}


def drop_record(hurt):
    del hurt.storm[0][next(key for key in hurt.storm[0] if b'}c:' in key)]


def change_due(hurt):
    key = next(key for key in hurt.storm[0] if b'}due:' in key)
    hurt.storm[0][key] = hurt.storm[0][key][1:]


def lose_cut(hurt):
    task = next(iter(hurt.cuts))
    hurt.cuts[task] = hurt.cuts[task][:2] + hurt.cuts[task][3:]


def double_cut(hurt):
    task = next(iter(hurt.cuts))
    hurt.cuts[task] = hurt.cuts[task][:2] + hurt.cuts[task][1:]


def torn_read(hurt):
    """The customer's view of one cut beside the head of another."""
    for place, (task, _, customer, values) in enumerate(hurt.seen):
        for cut in hurt.cuts.get(task, []):
            if values != values_of(hurt.recount.view_at(customer, cut.to)):
                hurt.seen[place] = (task, cut.seq, customer, values)
                return


def uncommitted_read(hurt):
    task = next(iter(hurt.cuts))
    hurt.seen.append((task, hurt.cuts[task][-1].seq + 1, some_customer(hurt), ()))
