#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Erasure. usage: check_erase.py SEGUE WORK_DIR

Two customers with memberships, checkpoints, views. One is erased: no key and no value in Redis may name it any more, the last
word about it in every compacted topic must be a tombstone, and `segue erase` must say by when the last copy is gone. The other one stays.
"""
import json
import pathlib
import re
import sys
import time

import confluent_kafka

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
from stack import Process, Stack  # noqa: E402

GONE, STAYS = 'customer-gone', 'customer-stays'


def last_words(stack, topic):
    """key -> value, as a compacted topic ends up."""
    consumer = confluent_kafka.Consumer({'bootstrap.servers': stack.brokers, 'group.id': 'checker', 'enable.auto.commit': False,
                                         'isolation.level': 'read_committed', 'auto.offset.reset': 'earliest',
                                         'enable.partition.eof': True})
    partitions = list(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
    consumer.assign([confluent_kafka.TopicPartition(topic, p, 0) for p in partitions])
    words, open_ends = {}, set(partitions)
    while open_ends:
        message = consumer.poll(10)
        if message.error():
            open_ends.discard(message.partition())
            continue
        headers = {k: v.decode() for k, v in message.headers() or []}
        words[(message.key() or b'').decode()] = (message.value(), headers)
    consumer.close()
    return words


def naming(stack, customer):
    """Keys and values in Redis that name the customer."""
    name = customer.encode()
    return [key for key, value in stack.state().items() if name in key or name in repr(value).encode()]


def until(what, condition, seconds=60):
    end = time.time() + seconds
    while not condition():
        if time.time() > end:
            raise SystemExit(f'not within {seconds} s: {what}')
        time.sleep(0.2)


def main():
    segue, work = sys.argv[1], pathlib.Path(sys.argv[2])
    stack = Stack(segue, work, f'erase{int(time.time())}', ROOT / 'tests/playbooks/chaos', tasks=2, clock='live',
                  topics=('transactions', 'customer-profiles'))
    stack.checkpoint_interval = '1s'
    stack.create_topics()
    events = stack.folder / 'events.ndjson'
    now_ms = int(time.time() * 1000) - 60000
    with open(events, 'w', encoding='utf-8') as out:
        for number in range(7):
            for customer in (GONE, STAYS):
                event = {'event_id': f'{customer}{number}', 'customer_id': customer, 'booked_at': now_ms + number * 1000,
                         'currency': 'GBP', 'amount_minor': 100, 'direction': 'DEBIT', 'status': 'POSTED', 'kind': 'CARD'}
                out.write(json.dumps({'source': 'transactions', 'event': event}) + '\n')
    stack.feed(events)
    process = Process(stack).start()
    try:
        stack.wait_done(process, 14)
        assert naming(stack, GONE) and naming(stack, STAYS)
        until('both have a checkpoint', lambda: {GONE, STAYS} <= {k.partition(':')[2] for k in
                                                                  last_words(stack, stack.topic('checkpoints'))})
        held = stack.command('get', '--subject-access', '--config', process.config, GONE).stdout
        assert GONE in held and 'erase' in held, held
        dry = stack.command('erase', '--dry-run', '--config', process.config, GONE).stdout
        assert naming(stack, GONE), 'a dry run erased'
        said = stack.command('erase', '--config', process.config, GONE).stdout
        assert 'Erased from Redis' in said and dry.splitlines()[1:4] != [], said
        assert re.search(r'The last copy .*(gone by \d{4}-\d\d-\d\d|never gone for certain)', said), said
        until('nothing in Redis names it', lambda: not naming(stack, GONE))
        until('its checkpoint is a tombstone', lambda: [v for k, (v, _) in last_words(stack, stack.topic('checkpoints')).items()
                                                        if k.endswith(':' + GONE)] == [None])
        words = last_words(stack, stack.topic('checkpoints'))
        assert all(h.get('seq', '').isdigit() for _, h in words.values()), 'a checkpoint without its cut'
        states = last_words(stack, stack.topic('segment-state'))
        assert any(k.startswith(GONE + '|') for k in states), 'it was in no segment: nothing was shown'
        assert all(v is None for k, (v, _) in states.items() if k.startswith(GONE + '|')), 'a membership outlives it'
        assert any(v is not None for k, (v, _) in states.items() if k.startswith(STAYS + '|')) or naming(stack, STAYS)
        assert stack.command('get', '--config', process.config, GONE, check=False).returncode == 1
        assert process.metrics()['segue_customers'] == 1
        print('erase_topics_dated:', len(re.findall(r'^  \S', said, re.M)))
        assert process.kill(15) == 0
    finally:
        if process.running():
            process.kill()


main()
