#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Garbage among good records: dead letters with the right reason, no crash, memory flat, every good record processed.
usage: check_rejects.py SEGUE WORK_DIR
"""
import io
import json
import pathlib
import random
import struct
import sys

import confluent_kafka
import confluent_kafka.admin
import fastavro

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
import murmur2  # noqa: E402
from stack import Process, Stack  # noqa: E402

TASKS, GOOD, BUSY = 4, 40000, 300
NEST = {'type': 'record', 'name': 'Nest', 'fields': [{'name': 'next', 'type': ['null', 'Nest']}]}


def good_event(number):
    return {'event_id': f'e{number}', 'customer_id': f'R{number % 500:06}', 'account_id': 'a', 'account_type': 'CURRENT',
            'booked_at': 1767225600000 + number * 1000, 'amount_minor': 100 + number, 'currency': 'GBP', 'direction': 'DEBIT',
            'status': 'POSTED', 'reverses': None, 'kind': 'CARD', 'mcc': 5411, 'merchant_name': 'SHOP', 'merchant_country': 'GB',
            'counterparty_id': None, 'counterparty_name': None, 'reference': None, 'balance_after_minor': None, 'channel': 'POS'}


def frame(number, payload):
    return struct.pack('>bI', 0, number) + payload


def varint(value):
    value, out = (value << 1) ^ (value >> 63), b''
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def main():
    segue, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    stack = Stack(segue, work, 'rejects', ROOT / 'config/playbooks/retail', tasks=TASKS, missing_after='2s', topics=('transactions', 'customer-profiles'))
    stack.create_topics()
    topic = stack.topic('in-transactions')
    schema = json.loads((ROOT / 'schemas/transaction/1.avsc').read_text())
    number = stack.register(f'{topic}-value', schema)
    person = json.loads((ROOT / 'schemas/customer_profile/1.avsc').read_text())
    profiles = stack.register(f'{stack.topic("in-customer-profiles")}-value', person)
    nest = stack.register('nest-value', NEST)
    deep = stack.register('deep-value', {**schema, 'fields': schema['fields'] + [{'name': 'nest', 'type': ['null', NEST]}]})
    parsed = fastavro.parse_schema(schema)
    # A broker's default limit is 1 MiB; this topic takes 10.
    admin = confluent_kafka.admin.AdminClient({'bootstrap.servers': stack.brokers})
    resource = confluent_kafka.admin.ConfigResource('topic', topic, incremental_configs=[
        confluent_kafka.admin.ConfigEntry('max.message.bytes', '10485760', incremental_operation=confluent_kafka.admin.AlterConfigOpType.SET)])
    for future in admin.incremental_alter_configs([resource]).values():
        future.result()
    producer = confluent_kafka.Producer({'bootstrap.servers': stack.brokers, 'linger.ms': 20, 'message.max.bytes': 10000000})

    def encoded(event):
        out = io.BytesIO()
        fastavro.schemaless_writer(out, parsed, event)
        return out.getvalue()

    def send(value, key='R000001', partition=None, headers=None, topic=topic):
        producer.produce(topic, value, key, murmur2.partition(key, TASKS) if partition is None else partition, headers=headers)
        producer.poll(0)

    chance, expected = random.Random(7), {}

    def bad(reason, value, **where):
        expected[reason] = expected.get(reason, 0) + 1
        send(value, **where)

    def profile(consent_ms):
        out, empty = io.BytesIO(), {field['name']: field.get('default') for field in person['fields']}
        consent = {'purpose': 'MARKETING', 'channel': 'EMAIL', 'status': 'GRANTED', 'lawful_basis': 'CONSENT', 'updated_at': consent_ms}
        fastavro.schemaless_writer(out, fastavro.parse_schema(person), {**empty, 'customer_id': 'R000001', 'updated_at': 1767225600000, 'consents': [consent]})
        return frame(profiles, out.getvalue())

    # Of two consents the later holds: one dated far ahead, or in microseconds, would hold against every withdrawal to come.
    bad('future', profile(253402214400000), topic=stack.topic('in-customer-profiles'))
    bad('out_of_range', profile(1767225600000000), topic=stack.topic('in-customer-profiles'))
    one = encoded(good_event(1))
    bad('too_large', frame(number, b'x' * (8 << 20)))
    bomb = b'\x02' * 100000 + b'\x00'
    bad('bad_schema', frame(nest, bomb))                           # a nesting bomb, under a schema that is no transaction
    bad('too_deep', frame(deep, one + b'\x02' + bomb))             # and in a field that nobody reads
    for _ in range(20):
        bad('unknown_schema', frame(987654321, one))
    for i in range(GOOD):
        event = good_event(i)
        if i % 100 == 50:      # 1 % garbage
            which = chance.randrange(5)
            if which == 0:
                bad('truncated', frame(number, one[:chance.randrange(1, len(one) - 1)]))
            elif which == 1:
                bad('trailing_bytes', frame(number, one + b'\x00'))
            elif which == 2:
                bad('bad_framing', bytes([7]) + one)
            elif which == 3:   # a string that says it is 4 GiB long
                bad('truncated', frame(number, varint(4 << 30) + b'abc'))
            else:
                event['customer_id'] = 'R000001'
                bad('wrong_partition', frame(number, encoded(event)),
                    partition=(murmur2.partition('R000001', TASKS) + 1) % TASKS)
            event = good_event(i)
        if i % 10 == 7:            # the schema's id in a header, the payload without one; behind many, and behind that of a former writer
            before = [('__value_schema_id', b'\0\0\0\0\7')] + [(f'h{n}', b'x') for n in range(i % 30)]
            send(encoded(event), event['customer_id'], headers=before + [('__value_schema_id', struct.pack('>bI', 0, number))])
        elif i % 10 == 3:          # a header that is null is none
            send(frame(number, encoded(event)), event['customer_id'], headers=[('__value_schema_id', None)])
        else:
            send(frame(number, encoded(event)), event['customer_id'])
        if i % 10000 == 0:
            producer.flush()
    # More of one customer than ids are known of: the first comes again, and nobody can tell; the last does, and is a duplicate.
    for i in [*range(BUSY), 0, BUSY - 1]:
        send(frame(number, encoded(good_event(GOOD + i) | {'customer_id': 'BUSY'})), 'BUSY')
    producer.flush()

    process = Process(stack).start()
    good = GOOD + BUSY + 2
    records = good + sum(expected.values())
    stack.wait_done(process, records)
    sizes = [process.rss_bytes()]
    for _ in range(2):
        for _ in range(1000):
            bad('truncated', frame(number, varint(4 << 30) + b'abc'))
            bad('too_deep', frame(deep, one + b'\x02' + bomb[-1000:]))
        for _ in range(10):
            bad('too_large', frame(number, b'x' * (8 << 20)))
            producer.flush()
        records += 2010
        stack.wait_done(process, records)
        sizes.append(process.rss_bytes())
    # The first of them touches buffers that are taken at the start; the same once more must find room in what there is.
    grown = sizes[2] - sizes[1]
    totals = process.metrics()
    process.kill(15)
    seen, ahead = {}, []
    for _, value, _, _, _ in stack.read('dead-letters'):
        if value['topic'].endswith('in-customer-profiles'):
            ahead.append((value['reason'], value['field']))
        seen[value['reason']] = seen.get(value['reason'], 0) + 1
        assert 'payload' not in value
    print('\n'.join(f'dead_letters_{reason}: {count}' for reason, count in sorted(seen.items())))
    print(f'memory_first_touched_bytes: {sizes[1] - sizes[0]}\nmemory_grown_bytes: {grown}')
    # A cut at a random place may also end inside an enum or a union: then it is a bad value, and as right.
    for reasons in (seen, expected):
        reasons['broken'] = reasons.pop('truncated', 0) + reasons.pop('bad_value', 0) + reasons.pop('missing_field', 0) \
            + reasons.pop('out_of_range', 0)
    assert seen == expected, f'dead letters {seen}, expected {expected}'
    assert sorted(ahead) == [('future', 'consents.updated_at'), ('out_of_range', 'consents.updated_at')], f'{ahead}'
    rejected = sum(seen.values())
    for name, count in (('segue_events_total', good), ('segue_task_events_total', good), ('segue_events_unsure_total', 1), ('segue_rejects_total', rejected),
                        ('segue_task_rejects_total', rejected), ('segue_apply_seconds_count', totals['segue_applies_total'])):
        assert totals[name] == count, f'{name} is {totals[name]}, expected {count}'
    assert grown < 8 << 20, f'memory grew by {grown} bytes'


main()
