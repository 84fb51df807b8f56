#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast a lost Redis comes back. usage: rebuild.py SEGUE WORK_DIR [--customers N] [--tasks N] [--workers N] [--playbook DIR]

Makes N customers (a transaction each), waits until every one has its checkpoint, empties Redis under the running process and takes the
time until every task is live again. Nothing may be lost: Redis' own digest of the whole data set, without the heads, which name their
owner, must be what it was. Then one task alone is written anew (`segue rebuild --task 0`) while transactions keep arriving for all:
what the others get through meanwhile is told, and every record must be processed in the end.
Servers: SEGUE_TEST_BROKERS and SEGUE_TEST_REGISTRY, as for the integration checks. Redis: one of its own.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import redis

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
from stack import Process, Stack, free_port  # noqa: E402
from wait import until  # noqa: E402

START_MS = 1577836800000
ROUND = 50000                # transactions of one `segue feed` while one task is rebuilt


def say(name, value):
    print(f'rebuild_{name}: {value}', flush=True)


class OwnRedis:
    def __init__(self, folder):
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self.child = subprocess.Popen(['redis-server', '--port', str(self.port), '--bind', '127.0.0.1', '--save', '', '--dir', folder,
                                       '--enable-debug-command', 'local'], stdout=subprocess.DEVNULL)

    def client(self):
        return redis.Redis(port=self.port, socket_timeout=600)

    def cpu_seconds(self):
        return cpu_seconds(self.child.pid)

    def stop(self):
        self.child.terminate()
        self.child.wait(timeout=60)


def cpu_seconds(pid):
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text(encoding='ascii').rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def event(customer, number, at_ms):
    return ('{"source":"transactions","event":{"event_id":"e%d","customer_id":"C%07d","booked_at":%d,"currency":"GBP","amount_minor":%d,'
            '"direction":"DEBIT","status":"POSTED","kind":"CARD"}}\n' % (number, customer, at_ms, 100 + number % 9000))


def feed(stack, events):
    """Through `segue feed`: a million a few seconds."""
    feeder = subprocess.Popen([stack.segue, 'feed', '--config', stack.write_config('tool'), '-'], stdin=subprocess.PIPE, text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    feeder.stdin.writelines(events)
    feeder.stdin.close()
    if feeder.wait() != 0:
        raise SystemExit(f'segue feed: {feeder.stderr.read()}')


def digest(stack, client):
    """Of everything but the heads, which are taken away for that moment; the process is down."""
    heads = {key: client.get(key) for key in (f'{{{stack.name}.{task}}}head' for task in range(stack.tasks))}
    client.delete(*heads)
    found = client.execute_command('DEBUG', 'DIGEST')
    client.mset(heads)
    return found, client.dbsize()


def ready(process, stack):
    return process.metrics().get('segue_tasks_ready') == stack.tasks


def wait_checkpoints(process, customers):
    """Everybody has one, and nothing more comes."""
    until('a checkpoint of everybody', lambda: process.metrics().get('segue_checkpoints_total', 0) >= customers, 900)
    time.sleep(3)


def rebuild_all(stack, process, store, customers):
    client = store.client()
    cpu, redis_cpu = cpu_seconds(process.child.pid), store.cpu_seconds()
    before = process.metrics()['segue_rebuilds_total']
    begin = time.time()
    client.flushall()
    until('every task is rebuilt', lambda: process.metrics().get('segue_rebuilds_total', 0) - before >= stack.tasks and ready(process, stack), 900,
          pause=0.02)
    seconds = time.time() - begin
    say('seconds', f'{seconds:.1f}')
    say('customers_per_second', f'{customers / seconds:.0f}')
    say('cpu_seconds', f'{cpu_seconds(process.child.pid) - cpu:.1f}')
    say('redis_cpu_seconds', f'{store.cpu_seconds() - redis_cpu:.1f}')
    say('rss_mib', process.rss_bytes() >> 20)


def restart(process):
    assert process.kill(15) == 0
    return process.start()


def rebuild_one(stack, process, customers):
    """Task 0 is written anew while transactions arrive for all. Returns how many came."""
    count, at_ms, rounds = 0, START_MS + 86400000, []
    command = None
    while len(rounds) < 3 or command is None or command.poll() is None:
        begin, done = time.time(), process.metrics().get('segue_events_total', 0)
        feed(stack, (event((count + i) * 7919 % customers, customers + count + i, at_ms + i) for i in range(ROUND)))
        count, at_ms = count + ROUND, at_ms + ROUND
        rounds.append((command is not None, (process.metrics().get('segue_events_total', 0) - done) / (time.time() - begin)))
        if len(rounds) == 3:
            started = time.time()
            command = subprocess.Popen([stack.segue, 'rebuild', '--task', '0', '--config', process.config], stdout=subprocess.DEVNULL)
    say('one_task_seconds', f'{time.time() - started:.1f}')
    for what, during in (('before', False), ('during', True)):
        rates = [rate for flag, rate in rounds if flag == during]
        say(f'live_records_per_second_{what}', f'{sum(rates) / len(rates):.0f}')
    if command.returncode != 0:
        raise SystemExit('segue rebuild --task 0 failed')
    return count


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('segue')
    options.add_argument('work', type=pathlib.Path)
    options.add_argument('--customers', type=int, default=1000000)
    options.add_argument('--tasks', type=int, default=8)
    options.add_argument('--workers', type=int, default=1)
    options.add_argument('--playbook', default=ROOT / 'tests/playbooks/chaos')
    options = options.parse_args()
    store, process = OwnRedis(options.work / 'rebuild-redis'), None
    try:
        stack = Stack(options.segue, options.work, f'rebuild{int(time.time())}', options.playbook, tasks=options.tasks, workers=options.workers,
                      redis_address=f'127.0.0.1:{store.port}')
        stack.checkpoint_interval, stack.journal_keep = '1s', '5s'
        stack.create_topics()
        begin = time.time()
        feed(stack, (event(i, i, START_MS + i) for i in range(options.customers)))
        say('feed_seconds', f'{time.time() - begin:.1f}')
        process = Process(stack).start()
        stack.wait_done(process, options.customers, 900)
        say('first_run_seconds', f'{time.time() - begin:.1f}')
        wait_checkpoints(process, options.customers)
        say('checkpointed_seconds', f'{time.time() - begin:.1f}')
        assert process.kill(15) == 0
        before = digest(stack, store.client())
        say('keys', before[1])
        process.start()
        until('live', lambda: ready(process, stack), 120)
        rebuild_all(stack, process, store, options.customers)
        assert process.kill(15) == 0
        after = digest(stack, store.client())
        if before != after:
            raise SystemExit(f'Redis is not what it was: {before} and {after}')
        say('same', 'yes')
        process.start()
        until('live', lambda: ready(process, stack), 120)
        stack.wait_done(process, options.customers + rebuild_one(stack, process, options.customers), 900)
        assert process.metrics()['segue_customers'] == options.customers
        assert process.kill(15) == 0
    finally:
        if process is not None and process.running():
            process.kill()
        store.stop()


main()
