#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole job of the benchmark: Segue, the floor and the peers, one after the other on the same servers, each checked.

usage: whole_job.py SEGUE WATCH_CHANGES WORK_DIR [--runs N] [--events N] [--peers LIST] [--live LIST] [--warm-up N]
       [--cache DIR]

tests/bench/whole_job starts the servers and calls this. The benchmark (SEGUE_SHARED/bench: its README is the specification) brings
the load, the reference, the floor in C and the peers; its run-peer measures those. Segue is measured here in the same way: drain
between two commits as a read_committed consumer sees them; live at 10,000 events/s with a kill -9 at 72 s. Every output and every
customer is compared with the reference, always. Prints figures as `name: value`, then the table, which is also written to
WORK_DIR/table.md. Exit 1 when anything differs from the reference.
"""
import argparse
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BENCH = pathlib.Path(os.environ.get('SEGUE_SHARED', ROOT / '../shared')).resolve() / 'bench'
TICKS = os.sysconf('SC_CLK_TCK')
SCHEMA_ID, TASKS, LIVE_FIRST, LIVE_RATE = 7, 8, 600_000, 10_000
FLOOR = 'floor {brokers} {in} {out} {app} {redis} {redis_port} journal=value commit_ms=50'
KNOWN = {2_000_000: ('affcf178', '8be5c276'), 1_600_000: ('3a56dcb8', 'fe9e7159')}  # the benchmark's README

CONFIG = """\
application: {name}
instance: {name}-0
playbook: {playbook}
listen: 127.0.0.1:{port}
clock: stream
workers: 1
cache:
  size: 512MiB
kafka:
  brokers: {brokers}
registry:
  url: http://127.0.0.1:{registry}
  base_path: /apis/ccompat/v7
  auto_register: true
  cache_dir: {folder}/schemas
redis:
  address: 127.0.0.1:{redis}
journal:
  partitions: 1
topics:
  prefix: "{name}."
sources:
  transactions:
    topic: {topic}
    start: earliest
    fields:
      booked_at: ts
      amount_minor: amount
      account_type: {{constant: CURRENT}}
      status: {{constant: POSTED}}
      kind: {{constant: CARD}}
      channel: {{values: {{'*': ONLINE}}}}
      balance_after_minor: balance_after
      counterparty_id: counterparty
      reference: description
"""


def cpu_s(pid):
    fields = open(f'/proc/{pid}/stat', encoding='ascii').read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def busy_s():
    """User and system time of the whole machine."""
    value = [int(x) / TICKS for x in open('/proc/stat', encoding='ascii').readline().split()[1:8]]
    return value[0] + value[1] + value[2] + value[5] + value[6]


class Bench:
    """The benchmark's own tools on our servers."""

    def __init__(self, arguments):
        self.a, self.scratch = arguments, pathlib.Path(arguments.cache)
        self.brokers, self.redis = os.environ['SEGUE_TEST_BROKERS'], os.environ['SEGUE_TEST_REDIS'].rpartition(':')[2]
        self.registry = os.environ['SEGUE_BENCH_REGISTRY_PORT']
        self.environment = dict(os.environ, BENCH_SCRATCH=str(self.scratch), BROKERS=self.brokers, REDIS_PORT=self.redis)
        self.pids = {name: int((self.a.work / f'{name}.pid').read_text()) for name in ('kafka', 'redis')}
        for name, pid in (('broker', self.pids['kafka']), ('redis', self.pids['redis'])):
            (self.scratch / f'{name}.pid').write_text(str(pid))  # where run-peer looks
        (self.scratch / 'log4j.properties').write_text((ROOT / 'deploy/kafka/log4j.properties').read_text())

    def tool(self, name, *arguments, check=True):
        return subprocess.run([self.scratch / 'bin' / name, *map(str, arguments)], check=check, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True).stdout

    def generate(self, *arguments):
        return self.tool('generate', '--brokers', self.brokers, *arguments)

    def reference(self, topic, events, folder):
        """Made once and kept: the load is a pure function of its arguments. Minutes of Python for some million events."""
        summary = folder / 'summary.json'
        if not summary.exists():
            dump = self.scratch / 'dump'
            self.tool('dump', self.brokers, topic, dump)
            subprocess.run([sys.executable, BENCH / 'reference.py', dump, folder], check=True, stdout=subprocess.DEVNULL)
            dump.unlink()
        value = json.loads(summary.read_text())
        for known, name in zip(KNOWN.get(events, ()), ('outputs_sha256', 'state_sha256')):
            if not value[name].startswith(known):
                raise SystemExit(f'{folder}: {name} is not the one that the benchmark names: remove the folder')
        return folder, value

    def prepare(self):
        events = self.a.events
        self.generate('--create', '--n', events)
        self.drain_reference = self.reference('bench.transactions', events, self.scratch / f'ref-{events}')
        if self.a.live:
            total = LIVE_FIRST + 100 * LIVE_RATE
            folder = self.scratch / f'ref-live-{total}'
            if not folder.exists():
                self.generate('--topic', 'bench.tmp', '--create', '--n', total)
            self.live_reference = self.reference('bench.tmp', total, folder)
            self.generate('--delete-only', 'bench.tmp')

    def peer(self, name, mode):
        reference = (self.live_reference if mode == 'live' else self.drain_reference)[0]
        words = [sys.executable, BENCH / 'run-peer', name, '--mode', mode, '--redis', 'on', '--ref', reference, '--timeout', '400']
        if name == 'floor':
            self.generate('--recreate-only', 'bench.journal')
            words += ['--cmd', str(self.scratch / 'bin') + '/' + FLOOR]
        run = subprocess.run(list(map(str, words)), env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             check=False)
        if not run.stdout.strip():
            return {'check': {'outputs_ok': False}, 'error': run.stderr[-300:]}
        return json.loads(run.stdout.splitlines()[-1])


class Segue:
    """One application of Segue over the benchmark's topic."""

    def __init__(self, bench, topic):
        self.bench, self.topic = bench, topic
        self.name = f'bench{int(time.time() * 1000)}'
        self.folder = bench.a.work / self.name
        self.folder.mkdir()
        self.port = int(os.environ['SEGUE_BENCH_HTTP_PORT'])
        self.config = self.folder / 'segue.yaml'
        self.config.write_text(CONFIG.format(name=self.name, playbook=ROOT / 'tests/playbooks/bench', port=self.port, folder=bench.a.work,
                                             brokers=bench.brokers, registry=bench.registry, redis=bench.redis, topic=topic))
        self.changes = f'{self.name}.segment-changes'
        subprocess.run([bench.a.segue, 'topics', '--create', '--config', self.config], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(['redis-cli', '-p', bench.redis, 'flushall'], check=True, stdout=subprocess.DEVNULL)
        self.child = None

    def start(self):
        with open(self.folder / 'run.log', 'ab') as log:
            self.child = subprocess.Popen([*self.bench.a.wrap, self.bench.a.segue, 'run', '--config', self.config], stdout=log, stderr=log)
        return self.child.pid

    def end(self, how):
        self.child.send_signal(how)
        return self.child.wait(timeout=60)

    def watch(self, events, outputs, timeout_s):
        pids = [f'segue={self.child.pid}', f'broker={self.bench.pids["kafka"]}', f'redis={self.bench.pids["redis"]}', 'all=0']
        run = subprocess.run([self.bench.a.watch_changes, self.bench.brokers, self.changes, str(outputs), str(events),
                              self.folder / 'outputs.txt', str(timeout_s), *pids], stdout=subprocess.PIPE, text=True, check=False)
        return json.loads(run.stdout or '{}')

    def metric(self, name):
        try:
            with urllib.request.urlopen(f'http://127.0.0.1:{self.port}/metrics', timeout=2) as answer:
                return sum(float(line.rpartition(' ')[2]) for line in answer.read().decode().splitlines()
                           if re.match(rf'{name}(\{{.*\}})? ', line))
        except OSError:
            return -1

    def wait_events(self, events, seconds=120):
        end = time.time() + seconds
        while self.metric('segue_events_total') < events or self.metric('segue_unapplied_cuts') != 0:
            if time.time() > end or self.child.poll() is not None:
                raise SystemExit(f'segue: {events} events are not done; see {self.folder}/run.log')
            time.sleep(0.1)

    def compare(self, reference):
        """Outputs as a multiset, and every customer's values from Redis."""
        outputs = subprocess.run([sys.executable, BENCH / 'check.py', reference, self.folder / 'outputs.txt'], stdout=subprocess.PIPE,
                                 text=True, check=False)
        values = subprocess.run([sys.executable, HERE / 'customer_values.py', self.bench.a.segue, self.config, reference],
                                stdout=subprocess.PIPE, text=True, check=False)
        result = json.loads(outputs.stdout or '{"outputs_ok": false}')
        result.update(redis_ok=values.returncode == 0, redis=json.loads(values.stdout or '{}'))
        return result

    def remove(self):
        if self.child and self.child.poll() is None:
            self.end(signal.SIGKILL)
        for name in ('segment-changes', 'segment-state', 'life-events', 'offers', 'exposures', 'offer-stats', 'control', 'dead-letters',
                     'journal', 'checkpoints', 'playbook'):
            self.bench.generate('--delete-only', f'{self.name}.{name}')


def segue_drain(bench):
    reference, summary = bench.drain_reference
    segue = Segue(bench, 'bench.transactions')
    try:
        segue.start()
        result = segue.watch(summary['events'], summary['outputs'], 600)
        segue.wait_events(summary['events'])
        segue.end(signal.SIGTERM)
        result['check'] = segue.compare(reference)
        return result
    finally:
        segue.remove()


def until(at_ms):
    time.sleep(max(0, at_ms / 1e3 - time.time()))


def segue_live(bench):
    """The same phases as run-peer: catch up, 10 s warm-up, 60 s of latency, kill -9 at 72 s, restart, all to the end."""
    reference, summary = bench.live_reference
    topic = f'bench.live.segue{int(time.time())}'
    bench.generate('--topic', topic, '--create', '--n', LIVE_FIRST)
    segue, load = Segue(bench, topic), None
    observe = [bench.scratch / 'bin/observe', '--brokers', bench.brokers, '--topic', segue.changes]
    try:
        segue.start()
        segue.wait_events(LIVE_FIRST)
        t0 = int(time.time() * 1000) + 500
        load = subprocess.Popen([bench.scratch / 'bin/generate', '--brokers', bench.brokers, '--topic', topic, '--start', str(LIVE_FIRST),
                                 '--n', str(100 * LIVE_RATE), '--rate', str(LIVE_RATE), '--t0-ms', str(t0)], stdout=subprocess.DEVNULL)
        observer = subprocess.Popen([*observe, '--latency', '--t0-ms', str(t0 + 10000), '--t1-ms', str(t0 + 70000), '--duration-s',
                                     str((t0 + 72000) / 1e3 - time.time())], stdout=subprocess.PIPE, text=True)
        until(t0 + 10000)
        spent, busy = cpu_s(segue.child.pid), busy_s()
        until(t0 + 70000)
        spent, busy = cpu_s(segue.child.pid) - spent, busy_s() - busy
        result = json.loads(observer.communicate()[0])
        result['cpu_segue_s_per_M'] = round(spent / (LIVE_RATE * 60 / 1e6), 3)
        result['busy_cores'] = round(busy / 60, 2)
        killed = int(time.time() * 1000)
        segue.end(signal.SIGKILL)
        observer = subprocess.Popen([*observe, '--first-after-ms', str(killed), '--timeout-s', '90'], stdout=subprocess.PIPE, text=True)
        segue.start()
        result.update(json.loads(observer.communicate()[0]))
        load.wait()
        result['outputs'] = segue.watch(summary['events'], summary['outputs'], 120).get('outputs')
        segue.end(signal.SIGTERM)
        result['check'] = segue.compare(reference)
        return result
    finally:
        if load and load.poll() is None:
            load.kill()
        segue.remove()
        bench.generate('--delete-only', topic)


def good(result):
    return bool(result['check'].get('outputs_ok') and result['check'].get('redis_ok', True))


def median(values):
    return statistics.median(values) if values else None


def text(value, form='{:.1f}'):
    return '-' if value is None else form.format(value)


def table(names, drains, lives):
    """One row per program: medians over the runs."""
    rows = ['| program | events/s | CPU us/event | + broker | + Redis | peak MiB | p50 ms | p99 ms | CPU us/event at 10 k/s | kill -9 to first '
            'output s | equal |', '|---|---|---|---|---|---|---|---|---|---|---|']
    for name in names:
        runs, live = [r for r in drains.get(name, []) if 'half2_ev_s' in r], lives.get(name)
        own = 'segue' if name == 'segue' else 'peer'
        cpu = [median([r[f'cpu_{who}_half2_s_per_M'] for r in runs]) for who in (own, 'broker', 'redis')]
        checked = drains.get(name, []) + ([live] if live else [])
        rows.append('| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |'.format(
            name, text(median([r['half2_ev_s'] for r in runs]), '{:,.0f}'), *(text(c, '{:.2f}') for c in cpu),
            text(median([r[f'rss_mb_{own}'] for r in runs]), '{:.0f}'),
            *(text(live.get(k) if live else None) for k in ('p50_ms', 'p99_ms')),
            text(live.get(f'cpu_{own}_s_per_M') if live else None, '{:.2f}'),
            text(live.get('first_output_after_kill_s') if live else None),
            'yes' if checked and all(map(good, checked)) else 'NO'))
    return rows


def machine():
    model = next((line.partition(':')[2].strip() for line in open('/proc/cpuinfo', encoding='utf-8') if line.startswith('model name')), '?')
    return f'{os.cpu_count()} x {model}, Linux {os.uname().release}'


def say(name, mode, result):
    figures = {'half2_ev_s': 'events_per_s', 'first_to_last_ev_s': 'whole_events_per_s', 'cpu_segue_half2_s_per_M': 'cpu_us_per_event',
               'cpu_peer_half2_s_per_M': 'cpu_us_per_event', 'p50_ms': 'p50_ms', 'p99_ms': 'p99_ms', 'max_ms': 'max_ms',
               'cpu_segue_s_per_M': 'cpu_us_per_event', 'cpu_peer_s_per_M': 'cpu_us_per_event', 'busy_cores': 'busy_cores',
               'first_output_after_kill_s': 'kill_to_first_output_s'}
    for key, what in figures.items():
        if result.get(key) is not None:
            print(f'{name}_{mode}_{what}: {result[key]}')
    print(f'{name}_{mode}_equals_reference: {"yes" if good(result) else "NO " + json.dumps(result["check"]) + result.get("error", "")}', flush=True)


def main():
    parser = argparse.ArgumentParser()
    for name in ('segue', 'watch_changes', 'work'):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument('--runs', type=int, default=2)
    parser.add_argument('--events', type=int, default=2_000_000)
    parser.add_argument('--peers', default='floor,flink-heap,ks-hash,ks-rocksdb', help='beside segue; "" for none')
    parser.add_argument('--live', default='segue,ks-hash', help='programs of the live mode; "" for none')
    parser.add_argument('--warm-up', type=int, default=1, help='drains of Segue that nobody counts, for the broker: half of what a new one uses '
                        'is its compiler')
    parser.add_argument('--cache', default=os.path.expanduser('~/.cache/segue/bench'))
    parser.add_argument('--wrap', default='', help='before `segue run`, e.g. "perf record -g"')
    a = parser.parse_args()
    a.wrap = a.wrap.split()
    names = ['segue'] + [p for p in a.peers.split(',') if p]
    bench = Bench(a)
    print(f'machine: {machine()}\nbench_events: {a.events}', flush=True)
    bench.prepare()
    drains, lives = {}, {}
    for _ in range(a.warm_up):
        say('segue', 'warm_up', segue_drain(bench))
    for run in range(a.runs):
        for name in names if run == 0 else [n for n in names if n in ('segue', 'floor')]:
            result = segue_drain(bench) if name == 'segue' else bench.peer(name, 'drain')
            drains.setdefault(name, []).append(result)
            say(name, 'drain', result)
    for name in [n for n in a.live.split(',') if n]:
        lives[name] = segue_live(bench) if name == 'segue' else bench.peer(name, 'live')
        say(name, 'live', lives[name])
    rows = table(names + [n for n in lives if n not in names], drains, lives)
    print('\n'.join(rows))
    (a.work / 'table.md').write_text('\n'.join(rows) + '\n')
    (a.work / 'results.json').write_text(json.dumps({'drain': drains, 'live': lives}, indent=1))
    sys.exit(0 if all(good(r) for runs in drains.values() for r in runs) and all(map(good, lives.values())) else 1)


if __name__ == '__main__':
    main()
