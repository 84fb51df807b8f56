#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Absences fire with no traffic, on the real servers and the wall clock. usage: check_absence.py SEGUE WORK_DIR

Each customer pays once; a minute later nothing has come, and the playbook calls that an event of care. No record is fed after
that. A consumer that waits at the topic's end notes when it saw each: the lateness is printed, not asserted (machines differ).
Asserted: every absence is told once, none early, `effective_at` exact to the millisecond, all within a generous deadline, and
the header by which a care team takes them (`ce_route`). Then two answers come through Kafka (life-event-feedback): the customer
says no, an adviser says yes of somebody whom no rule had noticed; both go before all evidence and are told with their source.
At last a restart after a longer rest than the clock may be ahead: that is no clock to be warned of.
"""
import json
import pathlib
import sys
import time

import confluent_kafka

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
from stack import Process, Stack  # noqa: E402
from wait import until  # noqa: E402

CUSTOMERS, WAIT_S, LEAD_S, SPREAD_S, PATIENCE_S, REST_S = 300, 60, 12, 10, 180, 6
PLAYBOOK = """\
features:
  paid: {last: event.time}
life_events:
  gone.quiet:
    about: nothing has come for a minute
    absent: {feature: f.paid, for: 1m}
    policy: {vulnerable: true, route: care}
"""


def feed(stack, folder):
    """customer -> the millisecond at which its absence becomes true. They fall due one after the other, the first in LEAD_S."""
    now_ms, due = int(time.time() * 1000), {}
    with open(folder / 'events.ndjson', 'w', encoding='utf-8') as out:
        for i in range(CUSTOMERS):
            at = now_ms - (WAIT_S - LEAD_S) * 1000 + i * SPREAD_S * 1000 // CUSTOMERS
            due[f'c{i}'] = at + WAIT_S * 1000 + 1
            event = {'event_id': f'e{i}', 'customer_id': f'c{i}', 'account_id': f'a{i}', 'account_type': 'CURRENT', 'booked_at': at,
                     'amount_minor': 100, 'currency': 'GBP', 'direction': 'DEBIT', 'status': 'POSTED', 'kind': 'CARD', 'channel': 'POS'}
            out.write(json.dumps({'source': 'transactions', 'event': event}) + '\n')
    stack.feed(folder / 'events.ndjson')
    return due


def watch(stack, due):
    """customer -> (seen at, effective at, headers), in milliseconds, until all have come."""
    consumer = confluent_kafka.Consumer({'bootstrap.servers': stack.brokers, 'group.id': 'watcher', 'enable.auto.commit': False,
                                         'isolation.level': 'read_committed', 'auto.offset.reset': 'earliest',
                                         'fetch.wait.max.ms': 10})
    topic, seen, end = stack.topic('life-events'), {}, time.time() + PATIENCE_S
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign([confluent_kafka.TopicPartition(topic, p, 0) for p in partitions])
    while len(seen) < len(due) and time.time() < end:
        message = consumer.poll(0.2)
        if message is None or message.error():
            continue
        customer = message.key().decode()
        headers = {key: (value or b'').decode() for key, value in message.headers()}
        assert customer not in seen, f'{customer} was told twice'
        seen[customer] = time.time() * 1000, headers
    consumer.close()
    return seen


def answers(stack, process, folder):
    """What is told after a no and a yes: customer -> [(state, confidence, signals)]. c0 goes on being silent: it stays refuted."""
    given = [('c0', False, 'customer'), ('told', True, 'adviser'), ('c1', True, 'adviser')]
    with open(folder / 'feedback.ndjson', 'w', encoding='utf-8') as out:
        for customer, is_true, who in given:
            event = {'event_id': f'f-{customer}', 'customer_id': customer, 'life_event': 'gone.quiet', 'is_true': is_true,
                     'given_by': who, 'occurred_at': int(time.time() * 1000)}
            out.write(json.dumps({'source': 'life-event-feedback', 'event': event}) + '\n')
    stack.feed(folder / 'feedback.ndjson')
    stack.wait_done(process, CUSTOMERS + len(given))
    told = {customer: [] for customer, _, _ in given}
    for customer, value, _, _, _ in stack.read('life-events'):
        if customer in told:
            told[customer].append((value['state'], value['confidence'], [one['signal'] for one in value['evidence']]))
    return told


def starts_again(stack):
    """After a rest of more than `clock_lead_max`: what its log says."""
    stack.extra_config = f'clock_lead_max: {REST_S - 2}s\n'
    time.sleep(REST_S)
    process = Process(stack, label='rested').start()
    process.wait_ready('after a rest')
    until('its tasks are live', lambda: process.log_path.read_text(errors='replace').count('code=task_live') >= stack.tasks, 60)
    time.sleep(3)
    process.kill(15)
    return process.log_path.read_text(errors='replace')


def main():
    segue, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder = work / 'absence'
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'playbook.yaml').write_text(PLAYBOOK, encoding='utf-8')
    stack = Stack(segue, work, 'absence', folder / 'playbook.yaml', clock='live',
                  topics=('transactions', 'life-event-feedback'))
    stack.create_topics()
    process = Process(stack).start()
    due = feed(stack, folder)
    stack.wait_done(process, CUSTOMERS)
    caught_up = time.time() * 1000
    seen = watch(stack, due)
    values = {key: value for key, value, _, _, _ in stack.read('life-events')}
    told = answers(stack, process, folder)
    process.kill(15)
    assert 'clock_held' not in starts_again(stack), 'a rest is taken for a clock that runs ahead'
    assert len(seen) == len(due), f'{len(due) - len(seen)} of {len(due)} absences were not told within {PATIENCE_S} s'
    assert all(headers['ce_route'] == 'care' for _, headers in seen.values()), 'not routed to care'
    wrong = [c for c in due if int(values[c]['effective_at'].timestamp() * 1000 + 0.5) != due[c] or values[c]['state'] != 'CONFIRMED']
    assert not wrong, f'{wrong[:3]}: effective at {[values[c]["effective_at"] for c in wrong[:3]]}'
    early = [c for c in due if seen[c][0] < due[c]]
    assert not early, f'told before it was true: {early[:3]}'
    assert [state for state, _, _ in told['c0']] == ['CONFIRMED', 'REFUTED'] and told['c0'][1][1] == 0, f'a no: {told["c0"]}'
    assert told['told'] == [('CONFIRMED', 1.0, ['feedback'])], f'a yes: {told["told"]}'
    assert len(told['c1']) == 1, f'a yes to what is confirmed tells nothing new: {told["c1"]}'
    assert 'feedback' in told['c0'][1][2], f'not told who said so: {told["c0"]}'
    late = sorted(seen[c][0] - due[c] for c in due if due[c] > caught_up)
    print(f'absence_told: {len(seen)}\nabsence_judged: {len(late)}')
    for name, share in (('p50', 0.5), ('p99', 0.99), ('max', 1)):
        print(f'absence_late_{name}_ms: {late[min(len(late) - 1, int(len(late) * share))]:.0f}' if late else f'absence_late_{name}_ms: -')


main()
