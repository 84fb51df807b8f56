#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Another playbook over live customers, forward and back, killed in the middle: who must leave leaves once, who may stay stays,
features keep their values, and the control topic says when it begins and when it is complete.
usage: check_change.py SEGUE WORK_DIR
"""
import collections
import json
import pathlib
import random
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
from stack import Process, Stack  # noqa: E402

TASKS, CUSTOMERS, START = 4, 6000, 1767225600000
BEFORE, AFTER = ROOT / 'tests/playbooks/change/before', ROOT / 'tests/playbooks/change/after'


def make_events(path):
    chance, events = random.Random(7), []
    for customer in range(CUSTOMERS):
        for _ in range(chance.randint(1, 30)):
            events.append((START + chance.randint(0, 28 * 86400000), customer, chance.randint(100, 12000)))
    events.sort()
    with open(path, 'w', encoding='utf-8') as out:
        for number, (at, customer, amount) in enumerate(events):
            out.write(json.dumps({'source': 'transactions', 'event': {
                'event_id': f'e{number}', 'customer_id': f'K{customer:06}', 'account_id': 'a', 'account_type': 'CURRENT', 'booked_at': at,
                'amount_minor': amount, 'currency': 'GBP', 'direction': 'DEBIT', 'status': 'POSTED', 'kind': 'CARD', 'channel': 'POS'}}) + '\n')
    return len(events)


def changes_after(stack, seen):
    """RULE_CHANGE transitions that came since: segment -> Counter of (customer, transition)."""
    out = collections.defaultdict(collections.Counter)
    for customer, value, _, partition, offset in stack.read('segment-changes'):
        if offset >= seen.get(partition, 0):
            if value['origin'] != 'RULE_CHANGE':
                raise SystemExit(f'a change of origin {value["origin"]} while nothing came in: {customer} {value}')
            out[value['segment_id']][customer, value['transition']] += 1
    return out


def positions(stack, topic):
    ends = {}
    for _, _, _, partition, offset in stack.read_raw(topic):
        ends[partition] = offset + 1
    return ends


def markers(stack):
    return [(v['definition_id'], v['task'], v['what'], v['definition_hash']) for _, v, _, _, _ in stack.read('control')]


def wait_complete(stack, process, count):
    end = time.time() + 90
    while time.time() < end:
        if sum(m[0] == 'playbook' and m[2] == 'complete' for m in markers(stack)) >= count:
            return
        if not process.running():
            raise SystemExit(f'segue run ended:\n{process.tail_of_log()}')
        time.sleep(0.3)
    raise SystemExit(f'no sweep was complete within 90 s: {markers(stack)}\n{process.get("/readyz")}\n{process.tail_of_log()}')


def expect(what, found, wanted):
    if found != wanted:
        both = (list((found - wanted).items())[:3], list((wanted - found).items())[:3])
        raise SystemExit(f'{what}: {sum(found.values())} found, {sum(wanted.values())} wanted; too many {both[0]}, missing {both[1]}')
    print(f'{what}: {sum(found.values())}')


def change(stack, playbook, kill):
    """Restart under another playbook; with `kill`, twice killed in the middle."""
    stack.playbook = playbook
    process = Process(stack)
    for _ in range(2 if kill else 0):
        process.start()
        end = time.time() + 60
        while process.metrics().get('segue_deadlines_total', 0) < 300 and time.time() < end:
            time.sleep(0.005)
        process.kill()
    return process.start()


def main():
    stack = Stack(sys.argv[1], sys.argv[2], 'change', BEFORE, tasks=TASKS)
    stack.create_topics()
    events = make_events(stack.folder / 'events.ndjson')
    stack.feed(stack.folder / 'events.ndjson')
    process = Process(stack).start()
    stack.wait_done(process, events)
    process.kill(15)
    before = stack.views()
    if markers(stack):
        raise SystemExit('a first start swept')
    members = {s: {c for c, v in before.items() if f'seg.{s}' in v} for s in ('spender', 'regular', 'leaving')}
    print(f'customers: {len(before)}\nmembers before: {({s: len(m) for s, m in members.items()})}')

    seen = positions(stack, 'segment-changes')
    process = change(stack, AFTER, kill=True)
    wait_complete(stack, process, TASKS)
    process.kill(15)
    after, said = stack.views(), changes_after(stack, seen)
    expect('left the retired segment', said['leaving'], collections.Counter((c, 'EXITED') for c in members['leaving']))
    expect('left the changed segment', said['spender'],
           collections.Counter((c, 'EXITED') for c in members['spender'] if int(before[c]['f.spend_30d']) < 90000))
    expect('entered the new segment', said['frequent'],
           collections.Counter((c, 'ENTERED') for c, v in before.items() if int(v['f.tx_count']) >= 20))
    expect('moved in the unchanged segment', said['regular'], collections.Counter())
    for customer, view in after.items():
        if {k: v for k, v in view.items() if k[:2] == 'f.'} != {k: v for k, v in before[customer].items() if k[:2] == 'f.'}:
            raise SystemExit(f'{customer}: features moved: {before[customer]} -> {view}')
        if 'seg.leaving' in view:
            raise SystemExit(f'{customer}: still shown in a retired segment: {view}')
    state = {}
    for key, value, _, _, _ in stack.read('segment-state'):
        state[key] = value
    left = [k for k, v in state.items() if k.endswith('|leaving') and v is not None]
    expect('states of the retired segment without tombstone', collections.Counter(left), collections.Counter())
    said_markers = collections.Counter((m[0], m[1], m[2]) for m in markers(stack))
    expect('markers', said_markers, collections.Counter((d, t, w) for d in ('spender', 'frequent', 'leaving', 'playbook')
                                                        for t in range(TASKS) for w in ('begin', 'complete')))

    seen = positions(stack, 'segment-changes')
    process = change(stack, BEFORE, kill=False)
    wait_complete(stack, process, 2 * TASKS)
    process.kill(15)
    said = changes_after(stack, seen)
    expect('back in the segment that was retired', said['leaving'], collections.Counter((c, 'ENTERED') for c in members['leaving']))
    expect('back in the segment that was changed', said['spender'],
           collections.Counter((c, 'ENTERED') for c in members['spender'] if int(before[c]['f.spend_30d']) < 90000))
    back = stack.views()
    since = {c for (c, _) in list(said['leaving']) + list(said['spender'])}   # in again, so since later

    def shown(customer, view):
        return {k: v if k[:2] == 'f.' or customer not in since else 'in' for k, v in view.items() if k != 'seg.frequent'}

    differ = [c for c in before if shown(c, back[c]) != shown(c, before[c])]
    if differ:
        raise SystemExit(f'{len(differ)} views are not what they were: {differ[0]}: {before[differ[0]]} -> {back[differ[0]]}')
    print('views after rolling back: as before')


main()
