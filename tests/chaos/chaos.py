#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Chaos on the real ones, from a seed: kills, freezes, lost and emptied Redis, broker restarts, while a bank is fed.
usage: chaos.py SEGUE WORK_DIR [--minutes N] [--seed N] [--processes N]

Rounds of one application each: a synthetic bank is fed in parts while faults strike two or three `segue run` processes; then faults
stop, the lag must reach zero, and every output and every view must equal an application that was left in peace. A round that differs
prints its seed. The comparison shares no code with Segue: it reads topics and Redis with other clients.
"""
import argparse
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
from stack import Process, Stack, normal  # noqa: E402

PLAYBOOK = ROOT / 'config/playbooks/retail'
SOURCES = ('transactions',)
OUTPUTS = ('segment-changes', 'life-events')


def services(words, work):
    script = f'. {ROOT}/deploy/lib/steps.sh; . {ROOT}/deploy/lib/services.sh; {words}'
    subprocess.run(['bash', '-c', script], check=True, stdout=subprocess.DEVNULL, env={**os.environ, 'W': str(work)})


class Round:
    def __init__(self, segue, work, number, seed, processes):
        self.segue, self.work, self.chance, self.seed = segue, work, random.Random(seed), seed
        self.folder = work / f'chaos-{number}'
        self.folder.mkdir(exist_ok=True)
        self.counts = {}
        self.name, self.process_count = f'chaos{number}', processes
        self.frozen = []

    def bank(self):
        """One bank for the round, in eight parts. Transactions only: their order per partition is the feeder's."""
        path = self.folder / 'bank.ndjson'
        subprocess.run([self.segue, 'simulate', '--seed', str(self.seed), '--customers', '200', '--days', '150', '--out', path],
                       check=True, stderr=subprocess.DEVNULL)
        lines = [line for line in path.read_text().splitlines(keepends=True) if '"transactions"' in line[:30]]
        self.parts = []
        for i in range(8):
            part = self.folder / f'part-{i}.ndjson'
            part.write_text(''.join(lines[len(lines) * i // 8:len(lines) * (i + 1) // 8]))
            self.parts.append(part)
        return len(lines)

    def fault(self, stack, processes):
        faults = [self.kill, self.kill, self.freeze, self.term, self.flush, self.redis_kill, self.broker_kill, self.double]
        what = self.chance.choice(faults)
        self.counts[what.__name__] = self.counts.get(what.__name__, 0) + 1
        what(stack, processes)

    def kill(self, _stack, processes):
        process = self.chance.choice(processes)
        if process.running():
            process.kill()

    def term(self, _stack, processes):
        process = self.chance.choice(processes)
        if process.running():
            process.child.send_signal(signal.SIGTERM)

    def freeze(self, _stack, processes):
        """SIGSTOP beyond the session time-out: a zombie that wakes later."""
        process = self.chance.choice(processes)
        if process.running():
            process.child.send_signal(signal.SIGSTOP)
            self.frozen.append((time.time() + 13, process.child.pid))

    def flush(self, stack, _processes):
        client = stack.redis_client()
        for key in client.scan_iter(f'{{{stack.name}.*}}*', count=5000):
            client.delete(key)

    def redis_kill(self, _stack, _processes):
        port = os.environ['SEGUE_TEST_REDIS'].rpartition(':')[2]
        services(f'stop_service "$W/redis.pid" KILL; start_redis "$W" {port}', self.work)

    def broker_kill(self, _stack, _processes):
        port = os.environ['SEGUE_TEST_BROKERS'].rpartition(':')[2]
        services(f'stop_service "$W/kafka.pid" KILL; start_kafka "$W" {port}', self.work)

    def double(self, stack, _processes):
        """A second process with the same identity, for a moment."""
        twin = Process(stack, '0').start()
        time.sleep(self.chance.uniform(1, 4))
        if twin.running():
            twin.kill()

    def keep_alive(self, processes):
        """What a supervisor does; and the frozen wake."""
        now = time.time()
        for wake in [f for f in self.frozen if f[0] <= now]:
            self.frozen.remove(wake)
            try:
                os.kill(wake[1], signal.SIGCONT)
            except ProcessLookupError:
                pass
        for process in processes:
            if not process.running():
                process.start()

    def outputs(self, stack):
        out = {}
        for name in OUTPUTS:
            for key, value, _, _, _ in stack.read(name):
                value = normal(value)
                out.setdefault((name, key), []).append(json.dumps(value, sort_keys=True))
        return out

    def run(self):
        events = self.bank()
        calm = Stack(self.segue, self.work, self.name + '-calm', PLAYBOOK, topics=SOURCES)
        calm.create_topics()
        for part in self.parts:
            calm.feed(part)
        process = Process(calm).start()
        calm.wait_done(process, events)
        process.kill(15)

        storm = Stack(self.segue, self.work, self.name, PLAYBOOK, topics=SOURCES)
        storm.create_topics()
        processes = [Process(storm, str(i)).start() for i in range(self.process_count)]
        for part in self.parts:
            storm.feed(part)
            end = time.time() + self.chance.uniform(2, 6)
            self.fault(storm, processes)
            while time.time() < end:
                self.keep_alive(processes)
                time.sleep(0.3)
        end = time.time() + 120
        while self.frozen or storm.committed() < events:
            self.keep_alive(processes)
            time.sleep(0.3)
            if time.time() > end:
                raise SystemExit(f'seed {self.seed}: {storm.committed()} of {events} after 120 s without faults\n'
                                 f'{processes[0].tail_of_log()}')
        while time.time() < end and any(p.metrics().get('segue_unapplied_cuts', 1) for p in processes):
            self.keep_alive(processes)
            time.sleep(0.3)
        for process in processes:
            if process.running():
                process.kill(15)
        a, b = self.outputs(calm), self.outputs(storm)
        differ = [key for key in sorted(set(a) | set(b)) if a.get(key) != b.get(key)]
        views = calm.views() == storm.views()
        if differ or not views:
            raise SystemExit(f'seed {self.seed}: {len(differ)} customers differ ({differ[:2]}), views equal: {views}\n'
                             f'{[(a.get(k), b.get(k)) for k in differ[:1]]}')
        return events


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('segue', type=pathlib.Path)
    parser.add_argument('work', type=pathlib.Path)
    parser.add_argument('--minutes', type=float, default=10)
    parser.add_argument('--seed', type=int, default=int(time.time()))
    parser.add_argument('--processes', type=int, default=2)
    args = parser.parse_args()
    end, number, events, counts = time.time() + args.minutes * 60, 0, 0, {}
    while number == 0 or time.time() < end:
        seed = args.seed + number
        print(f'chaos_seed: {seed}', flush=True)
        one = Round(args.segue, args.work, number, seed, args.processes)
        events += one.run()
        for name, count in one.counts.items():
            counts[name] = counts.get(name, 0) + count
        number += 1
    print(f'chaos_rounds: {number}\nchaos_events: {events}')
    print('\n'.join(f'chaos_{name}: {count}' for name, count in sorted(counts.items())))


main()
