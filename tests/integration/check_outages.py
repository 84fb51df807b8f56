#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Redis stopped for 20 s, the broker restarted, the registry away: it waits, says so in readiness and metrics, goes on by itself,
nothing lost or doubled. usage: check_outages.py SEGUE WORK_DIR

A synthetic bank of four sources is fed while the outages happen; afterwards the outputs, and the views and records in Redis, equal those of an
application that had none. Nothing in the bank is late: the pauses here are longer than any merge_wait (check_stream.py has late events).
"""
import datetime
import io
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import time

import confluent_kafka
import fastavro

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
import murmur2  # noqa: E402
from services import services  # noqa: E402
from stack import Process, Stack, normal  # noqa: E402
from wait import until  # noqa: E402

SOURCES = ('transactions', 'app-engagement', 'customer-profiles', 'offer-outcomes')
OUTPUTS = ('segment-changes', 'life-events', 'offers')
PLAYBOOK = ROOT / 'config/playbooks/retail'


def simulate(segue, folder, customers, days):
    path = folder / 'bank.ndjson'
    subprocess.run([segue, 'simulate', '--customers', str(customers), '--days', str(days), '--late', '0', '--duplicates', '0',
                    '--out', path], check=True, stderr=subprocess.DEVNULL)
    lines = path.read_text().splitlines(keepends=True)
    parts = []
    for i in range(4):
        part = folder / f'bank-{i}.ndjson'
        part.write_text(''.join(lines[len(lines) * i // 4:len(lines) * (i + 1) // 4]))
        parts.append(part)
    return parts, len(lines)


def says(process, name, there):
    """Readiness and metrics of one of kafka, redis, registry agree that it is there, or is not."""
    status, text = process.get('/readyz')
    lines = dict(line.partition(': ')[::2] for line in text.splitlines())
    up = process.metric(f'segue_dependency_up{{name="{name}"}}')
    return (lines.get(name) == 'ok') == there and (there or status == 503) and up == (1 if there else 0)


def waits(process, name, seconds=60):
    until(f'readiness and metrics say that {name} is away', lambda: says(process, name, False), seconds)
    assert process.get('/healthz')[0] == 200, 'who waits is alive'
    assert process.running(), f'segue run must wait for {name}, not end: {process.child.returncode}\n{process.tail_of_log()}'
    print(f'{name}_away_seen: 1')


def goes_on(process, name):
    until(f'ready again after {name}', lambda: process.get('/readyz')[0] == 200 and says(process, name, True))


def next_version(stack):
    """The id of a schema that nobody has used yet: the contract's and one field more."""
    schema = json.loads((ROOT / 'schemas/transaction/1.avsc').read_text())
    schema['fields'].append({'name': 'branch_code', 'type': ['null', 'string'], 'default': None})
    return stack.register('outages-next-value', schema), fastavro.parse_schema(schema)


def send_newer(stack, version, after_file):
    """One transaction under it, of a customer of its own, at the time of that file's first."""
    number, schema = version
    with open(after_file, encoding='utf-8') as lines:
        event = next(e['event'] for e in map(json.loads, lines) if e['source'] == 'transactions')
    event = {f['name']: event.get(f['name']) for f in schema['fields']} | {
        'event_id': 'newer', 'customer_id': 'N0000001', 'branch_code': '20-00-00',
        'booked_at': datetime.datetime.fromisoformat(event['booked_at'])}
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, event)
    producer = confluent_kafka.Producer({'bootstrap.servers': stack.brokers})
    producer.produce(stack.topic('in-transactions'), struct.pack('>bI', 0, number) + out.getvalue(), 'N0000001',
                     murmur2.partition('N0000001', stack.tasks))
    assert producer.flush(30) == 0


def per_customer(stack, name):
    """Outputs of each customer in order: what may differ between runs (when decided, which offsets) left out."""
    out = {}
    for key, value, _, _, _ in stack.read(name):
        value = normal(value)
        if value.get('cause'):         # its topic bears the application's name
            value['cause']['topic'] = value['cause']['topic'].partition('.')[2]
        out.setdefault(key, []).append(json.dumps(value, sort_keys=True))
    return out


def compare(name, a, b):
    differ = [k for k in sorted(set(a) | set(b)) if a.get(k) != b.get(k)]
    if differ and os.environ.get('SEGUE_SHOW'):
        print(differ[0], a.get(differ[0]), b.get(differ[0]))
    print(f'{name}: {sum(map(len, a.values()))} customers_that_differ: {len(differ)}')
    assert a and not differ, f'{name}: {len(differ)} customers differ, e.g. {differ[:3]}'


def main():
    segue, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder = work / 'outages'
    folder.mkdir(exist_ok=True)
    parts, events = simulate(segue, folder, 300, 120)

    calm = Stack(segue, work, 'calm', PLAYBOOK, topics=SOURCES)
    calm.create_topics()
    version = next_version(calm)
    for part in parts[:3]:
        calm.feed(part)
    send_newer(calm, version, parts[3])
    calm.feed(parts[3])
    process = Process(calm).start()
    calm.wait_done(process, events + 1)
    process.kill(15)

    storm = Stack(segue, work, 'outages', PLAYBOOK, topics=SOURCES)
    # So little that all customers' midnights do not fit into one: how they are divided changes nothing.
    storm.extra_config = 'limits:\n  commit: 1MiB\n'
    storm.create_topics()
    process = Process(storm).start()
    process.wait_ready('at first')

    storm.feed(parts[0])
    redis_port = os.environ['SEGUE_TEST_REDIS'].rpartition(':')[2]
    client = storm.redis_client()
    client.execute_command('SAVE')
    services('stop_service "$W/redis.pid"', work)
    waits(process, 'redis')
    storm.feed(parts[1])
    time.sleep(20)
    waits(process, 'redis')
    services(f'start_redis "$W" {redis_port}', work)
    goes_on(process, 'redis')

    kafka_port = os.environ['SEGUE_TEST_BROKERS'].rpartition(':')[2]
    services('stop_service "$W/kafka.pid"', work)
    waits(process, 'kafka')
    services(f'start_kafka "$W" {kafka_port}', work)
    storm.feed(parts[2])
    if not process.running():      # fatal is crash-only: a supervisor starts it again
        assert process.child.returncode == 75, f'ended with {process.child.returncode}\n{process.tail_of_log()}'
        print('left_for_restart: 1')
        process.start()
    goes_on(process, 'kafka')

    # A schema that nobody has read under yet has no copy on disk: it would rightly be waited for.
    storm.wait_done(process, sum(len(part.read_text().splitlines()) for part in parts[:3]))
    # Frozen, not ended: this registry keeps its schemas in memory only and would give other ids after a restart.
    registry = int((work / 'registry.pid').read_text())
    os.kill(registry, signal.SIGSTOP)
    try:
        process.kill(9)
        process.start()                # the disk copies of the schemas must be enough
        process.wait_ready('with the registry away')
        print('ready_without_registry: 1')
        send_newer(storm, version, parts[3])
        waits(process, 'registry')     # for the one that it has never seen
        until('that schema is waited for', lambda: process.metric('segue_schemas_waiting') == 1, 60)
    finally:
        os.kill(registry, signal.SIGCONT)   # the other checks need it, however this one ends
    goes_on(process, 'registry')
    storm.feed(parts[3])
    storm.wait_done(process, events + 1, 180)
    process.kill(15)

    # Whatever went wrong, no line of the log names a customer.
    named = re.findall(r'^.*\b[LN]\d{7,8}\b.*$', process.log_path.read_text(), re.M)
    assert not named, f'customer data in the log: {named[:2]}'

    for name in OUTPUTS:
        a, b = per_customer(calm, name), per_customer(storm, name)
        compare(name.replace('-', '_'), a, b)
    compare('views', calm.views(), storm.views())
    compare('records', calm.records(), storm.records())


main()
