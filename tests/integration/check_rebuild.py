#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Redis is disposable. usage: check_rebuild.py SEGUE WORK_DIR

Two applications read the same topics. One is left alone. The other has a Redis of its own, checkpoints every second and keeps its
journal for seconds only: when the journal's begin is gone, somebody puts another type under keys of Segue's, so that a command fails
inside an EXEC that has moved the head, and then its Redis is emptied, all in the middle of the work. In the end both
must show the same views and have said the same. Then, at rest: emptied, and `segue rebuild`: every key must come back byte for byte.
SEGUE_REBUILD_CUSTOMERS: how many; the rate is printed.
"""
import os
import pathlib
import re
import subprocess
import sys
import time

import confluent_kafka

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
sys.path.insert(0, str(ROOT / 'tests/chaos'))
from bank import Feeder  # noqa: E402
from stack import Process, Stack, free_port, normal  # noqa: E402
from wait import until  # noqa: E402

PLAYBOOK = ROOT / 'tests/playbooks/chaos'
TASKS, CUSTOMERS, RATE = 4, int(os.environ.get('SEGUE_REBUILD_CUSTOMERS', '5000')), 4000
OUTPUTS = ('segment-changes',)


class OwnRedis:
    def __init__(self, folder):
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self.child = subprocess.Popen(['redis-server', '--port', str(self.port), '--bind', '127.0.0.1', '--save', '', '--dir', folder],
                                      stdout=subprocess.DEVNULL)

    def address(self):
        return f'127.0.0.1:{self.port}'

    def stop(self):
        self.child.terminate()
        self.child.wait(timeout=20)


def journal_starts(stack):
    """The first offset of both partitions; of one whose leader is being elected, or silent, 0."""
    consumer = confluent_kafka.Consumer({'bootstrap.servers': stack.brokers, 'group.id': 'checker'})
    topic = stack.topic('journal')
    try:
        return [consumer.get_watermark_offsets(confluent_kafka.TopicPartition(topic, p), timeout=10, cached=False)[0]
                for p in range(2)]
    except confluent_kafka.KafkaException:
        return [0, 0]
    finally:
        consumer.close()


def outputs_of(stack):
    return {name: sorted(repr(normal(value)) for _, value, _, _, _ in stack.read(name)) for name in OUTPUTS}


def keys_of(stack):
    """Everything but the heads, which name their owner."""
    return {k: v for k, v in stack.state().items() if not k.endswith(b'head')}


def same(what, left, right):
    if left == right:
        return
    keys = [k for k in left.keys() | right.keys() if left.get(k) != right.get(k)]
    print(f'{what}: {len(keys)} of {len(left)} differ, first {keys[0]}: {left.get(keys[0])} and {right.get(keys[0])}')
    raise SystemExit(1)


def spoil(client, process, match):
    """Until a task was written anew: some keys that are about to be written, or read, are strings."""
    before = process.metrics().get('segue_rebuilds_total', 0)

    def spoiled():
        for key in client.scan_iter(match=match, count=1000):
            client.set(key, 'of another type')
            if process.metrics().get('segue_rebuilds_total', 0) > before:
                return True
        return False
    until(f'a key {match} of another type is noticed', spoiled, 60)


def main():
    segue, work = sys.argv[1], pathlib.Path(sys.argv[2])
    own = OwnRedis(work / 'rebuild-redis')
    processes = []
    try:
        stamp = int(time.time())
        calm = Stack(segue, work, f'calm{stamp}', PLAYBOOK, tasks=TASKS)
        calm.redis_timeout = '2m'  # so that no connection breaks but by an answer, however busy the machine
        lossy = Stack(segue, work, f'lossy{stamp}', PLAYBOOK, tasks=TASKS, redis_address=own.address())
        lossy.input_of, lossy.journal_keep = calm.name, '5s'
        lossy.checkpoint_interval = '1s'
        calm.create_topics()
        lossy.create_topics()
        feeder = Feeder(calm, 7, CUSTOMERS, RATE)
        feeder.start()
        processes = [Process(calm).start(), Process(lossy).start()]
        until('the journal begins later on both partitions', lambda: min(journal_starts(lossy)) > 0, 300)
        client = lossy.redis_client()
        spoil(client, processes[1], b'*v:*')
        spoil(client, processes[1], b'*due:*')
        client.flushall()
        time.sleep(4)
        client.flushall()
        time.sleep(2)
        count = feeder.finish()
        print(f'rebuild_events: {count}')
        calm.wait_done(processes[0], count)
        lossy.wait_done(processes[1], count)
        rebuilds = processes[1].metrics().get('segue_rebuilds_total', 0)
        print(f'rebuild_rebuilds: {rebuilds:.0f}')
        assert rebuilds >= TASKS, 'the journal still had everything: nothing was shown'
        assert processes[0].metrics()['segue_redis_breaks_total'] == 0, 'an answer of Redis did not fit'
        same('views', calm.views(), lossy.views())
        same('outputs', outputs_of(calm), outputs_of(lossy))
        customers = processes[1].metrics()['segue_customers']
        assert customers == CUSTOMERS, f'segue_customers says {customers:.0f}'
        before = keys_of(lossy)
        client.flushall()
        until('an emptied Redis at rest comes back', lambda: processes[1].metrics().get('segue_tasks_ready') == TASKS and
              keys_of(lossy) == before, 90)
        done = lossy.command('rebuild', '--all', '--config', processes[1].config)
        print('rebuild_' + re.sub(r'^rebuilt: ', 'command: ', done.stdout.strip()))
        same('keys after segue rebuild', before, keys_of(lossy))
        for process in processes:
            assert process.kill(15) == 0
        print('rebuild_customers_per_second:', re.search(r'([\d]+) a second', done.stdout)[1])
    finally:
        for process in processes:
            if process.running():
                process.kill()
        own.stop()


main()
