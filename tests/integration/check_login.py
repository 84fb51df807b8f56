#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A login leads to an offer on the topic, now. usage: check_login.py SEGUE WORK_DIR [LOGINS]

The retail playbook as it is, live clock. Customers with a salary who asked last week what a loan costs; then each logs in, some a second. A read_committed
consumer follows `segue.offers` all the while: every login whose customer no control group holds out must lead to the offer of a loan, caused
by that login, and every customer held out must be told so. Printed: the time from the login's append (stamped by the broker) until the consumer has the
offer in hand, and how many of the channels' views in Redis show the offer.
"""
import collections
import io
import json
import pathlib
import re
import struct
import sys
import threading
import time

import confluent_kafka
import confluent_kafka.admin
import fastavro

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
from stack import Process, Stack  # noqa: E402

DAY, EVERY_S, OFFER = 86_400_000, 0.01, 'personal_loan'


def history(count, now_ms):
    """Events older than a day: they make the customers, and no offer comes from them."""
    consents = [{'purpose': 'MARKETING', 'channel': c, 'status': 'GRANTED', 'lawful_basis': 'CONSENT', 'updated_at': now_ms - 90 * DAY}
                for c in ('IN_APP', 'EMAIL')]
    for number in range(count):
        ident = {'customer_id': f'c{number}'}
        yield 'customer-profiles', {**ident, 'updated_at': now_ms - 90 * DAY, 'birth_date': '1985-05-01', 'complaint_open': False,
                                    'vulnerability': [], 'products_held': ['CURRENT'], 'preferred_channel': 'IN_APP', 'consents': consents}
        for month in (80, 50, 20):
            yield 'transactions', {**ident, 'event_id': f'pay{number}-{month}', 'account_id': f'a{number}', 'account_type': 'CURRENT',
                                   'booked_at': now_ms - month * DAY, 'amount_minor': 250_000, 'currency': 'GBP', 'direction': 'CREDIT',
                                   'status': 'POSTED', 'kind': 'TRANSFER', 'counterparty_id': 'acme', 'channel': 'ONLINE'}
        yield 'app-engagement', {**ident, 'event_id': f'sum{number}', 'event': 'calculator_used', 'product': 'LOAN', 'channel': 'MOBILE_APP',
                                 'occurred_at': now_ms - 5 * DAY}


class Watcher(threading.Thread):
    """Follows the offers as a channel would, and notes when each decision was in its hands."""

    def __init__(self, stack):
        super().__init__(daemon=True)
        self.stack, self.seen, self.ready, self.stop = stack, {}, threading.Event(), False
        self.consumer = confluent_kafka.Consumer({'bootstrap.servers': stack.brokers, 'group.id': 'watcher', 'enable.auto.commit': False,
                                                  'isolation.level': 'read_committed', 'enable.partition.eof': True})
        topic = stack.topic('offers')
        self.partitions = list(self.consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        self.consumer.assign([confluent_kafka.TopicPartition(topic, p, 0) for p in self.partitions])

    def run(self):
        ended = set()
        while not self.stop:
            message = self.consumer.poll(0.2)
            at_ms = time.time() * 1000
            if message is None:
                continue
            if message.error():
                ended.add(message.partition())
                if len(ended) == len(self.partitions):
                    self.ready.set()
                continue
            number, = struct.unpack('>I', message.value()[1:5])
            value = fastavro.schemaless_reader(io.BytesIO(message.value()[5:]), self.stack.schema(number))
            if value['cause'] and value['cause']['type'] == 'app.login':
                self.seen[value['cause']['event_id']] = (at_ms, value)
        self.consumer.close()


def log_in(stack, count):
    """One login each, at a steady rate. event_id -> when the broker appended it."""
    topic, appended = f'{stack.name}.in-app-engagement', {}
    schema_id = stack.schema_id('in-app-engagement')
    schema = stack.schema(schema_id)
    producer = confluent_kafka.Producer({'bootstrap.servers': stack.brokers, 'partitioner': 'murmur2_random', 'linger.ms': 0})

    def delivered(event_id):
        def note(error, message):
            assert error is None and message.timestamp()[0] == confluent_kafka.TIMESTAMP_LOG_APPEND_TIME, (error, message.timestamp())
            appended[event_id] = message.timestamp()[1]
        return note

    begin = time.time()
    for number in range(count):
        time.sleep(max(0.0, begin + number * EVERY_S - time.time()))
        event_id, out = f'login{number}', io.BytesIO()
        fastavro.schemaless_writer(out, schema, {'event_id': event_id, 'customer_id': f'c{number}', 'occurred_at': int(time.time() * 1000),
                                                 'event': 'login', 'channel': 'MOBILE_APP'})
        producer.produce(topic, key=f'c{number}', value=struct.pack('>bI', 0, schema_id) + out.getvalue(), on_delivery=delivered(event_id))
        producer.poll(0)
    producer.flush(30)
    return appended


def stamp_by_the_broker(stack):
    admin = confluent_kafka.admin.AdminClient({'bootstrap.servers': stack.brokers})
    entry = confluent_kafka.admin.ConfigEntry('message.timestamp.type', 'LogAppendTime',
                                              incremental_operation=confluent_kafka.admin.AlterConfigOpType.SET)
    resource = confluent_kafka.admin.ConfigResource('topic', f'{stack.name}.in-app-engagement', incremental_configs=[entry])
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(10)


def main():
    segue, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 500
    stack = Stack(segue, folder, f'login{int(time.time())}', ROOT / 'config/playbooks/retail', tasks=4, clock='live',
                  topics=('transactions', 'app-engagement', 'customer-profiles', 'offer-outcomes'))
    stack.create_topics()
    events = list(history(count, int(time.time() * 1000)))
    path = stack.folder / 'history.ndjson'
    path.write_text(''.join(json.dumps({'source': s, 'event': e}) + '\n' for s, e in events))
    process = Process(stack).start()
    try:
        stack.feed(path)
        stack.wait_done(process, len(events))
        stamp_by_the_broker(stack)
        watcher = Watcher(stack)
        watcher.start()
        assert watcher.ready.wait(30), 'the consumer never reached the end of the offers'
        appended = log_in(stack, count)
        stack.wait_done(process, len(events) + count)
        end = time.time() + 30
        while len(watcher.seen) < count and time.time() < end:
            time.sleep(0.1)
        watcher.stop = True
        watcher.join()
        judge(stack, count, appended, watcher.seen)
        judge_metrics(stack, process)
        assert process.kill(15) == 0
    finally:
        if process.running():
            process.kill()


def judge_metrics(stack, process):
    """What /metrics counts of decisions and gates is what the topic has."""
    told = {name: float(value) for name, value in re.findall(r'^(segue_(?:offer_decisions|no_offers|offers_blocked)_total\S*) (\S+)$',
                                                             process.get('/metrics')[1], re.M) if float(value)}
    counted = collections.Counter()
    for _, value, _, _, _ in stack.read('offers'):
        if value is None or value['withdrawn']:
            continue
        made = bool(value['offers'] or value['for_review'])
        counted['segue_offer_decisions_total' if made else 'segue_no_offers_total'] += 1
        for blocked in value['blocked']:
            counted[f'segue_offers_blocked_total{{gate="{blocked["gate"]}"}}'] += 1
    assert told == counted, f'/metrics says {told}, the topic {dict(counted)}'


def judge(stack, count, appended, seen):
    offered, held_out, wrong = {}, 0, []
    for event_id in appended:
        at_ms, value = seen.get(event_id, (0, None))
        if value is None:
            wrong.append(f'{event_id} led to no decision')
        elif [o['offer_id'] for o in value['offers']] == [OFFER]:
            offered[value['customer_id']] = at_ms - appended[event_id]
        elif [(b['offer_id'], b['gate']) for b in value['blocked']] == [(OFFER, 'holdout')] and value['holdout']:
            held_out += 1
        else:
            wrong.append(f'{event_id}: {json.dumps(value, default=str)[:500]}')
    if wrong:
        raise SystemExit('\n'.join(wrong[:5]) + f'\n{len(wrong)} of {count} logins led to something else')
    assert 0.02 * count < held_out < 0.3 * count, f'{held_out} of {count} held out, planned 12 %'
    views = stack.views()
    shown = sum(1 for customer in offered if OFFER in views[customer].get('offer', ''))
    assert shown == len(offered), f'{shown} of {len(offered)} views show the offer'
    late = sorted(offered.values())
    print(f'login_to_offer_p50_ms: {late[len(late) // 2]:.0f}')
    print(f'login_to_offer_p99_ms: {late[int(len(late) * 0.99)]:.0f}')
    print(f'logins: {count}\nlogins_offered: {len(offered)}\nlogins_held_out: {held_out}\nviews_that_show_it: {shown}')


main()
