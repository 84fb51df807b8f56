#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Chaos on the real ones, from a seed: two `segue run` share the tasks of one application while transactions arrive and faults
strike Segue, Redis, Kafka and the connections between. Afterwards an independent checker recounts everything.
usage: chaos.py SEGUE WORK_DIR [--minutes N] [--seed N] [--processes N] [--rate EVENTS_PER_SECOND] [--no-figures]
       [--faults NAME,..] [--long EVENTS] [--verbose]

First, with nothing else wrong, how long it takes until work goes on: after kill -9, when another process takes over, after a
graceful restart. The seed gives the same faults in the same order with the same pauses; what they hit depends on the machine.
--long: at least that many events and as many faults of each kind as faults.QUOTAS says for five millions, or the run fails.
"""
import argparse
import multiprocessing
import os
import pathlib
import random
import signal
import statistics
import sys
import threading
import time

import confluent_kafka
import redis

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'tests/support'), str(ROOT / 'tests/chaos')]
import checker  # noqa: E402
import murmur2  # noqa: E402
from bank import Feeder  # noqa: E402
from faults import QUOTA_EVENTS, QUOTAS, Faults  # noqa: E402
from follow import follow  # noqa: E402
from journal import Journal, parse_head  # noqa: E402
from recount import Outputs, Recount, values_of  # noqa: E402
from servers import Servers  # noqa: E402
from stack import WAITING, Process, Stack  # noqa: E402
from supervisor import Supervisor  # noqa: E402

TASKS, CUSTOMERS = 8, 5000
VIEWS_PER_READ = 4
STUCK_SECONDS = 150                 # with no new commit although faults have stopped; a claim whose cut is missing halts after 120
CHECK_SECONDS = 75                  # of the minutes, kept for calming down and the checker
CALM_SECONDS = 1800                 # at most, for the application left in peace
LATE = 2                            # a long run may take so many times its minutes until it has all that it must have


class Watch(threading.Thread):
    """Each committed output as another program sees it: when it was produced, and of which task."""

    def __init__(self, stack):
        super().__init__(daemon=True)
        self.stack, self.seen, self.stopping, self.ready = stack, [], threading.Event(), threading.Event()

    def run(self):
        consumer = confluent_kafka.Consumer({'bootstrap.servers': self.stack.brokers, 'group.id': f'{self.stack.name}-watch',
                                             'enable.auto.commit': False, 'isolation.level': 'read_committed',
                                             'fetch.wait.max.ms': 5})
        topic = self.stack.topic('segment-changes')
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        consumer.assign([confluent_kafka.TopicPartition(topic, p, confluent_kafka.OFFSET_END) for p in partitions])
        while not self.stopping.is_set():
            for message in consumer.consume(500, 0.02):
                if not message.error():
                    task = murmur2.partition(message.key().decode(), TASKS)
                    self.seen.append((time.time(), message.timestamp()[1] / 1000, task))
            self.ready.set()
        consumer.close()

    def first_after(self, moment, tasks, seconds):
        """How long after `moment` each of the tasks had an output that was produced after it: the first and the last task."""
        end, found, at = time.time() + seconds, {}, 0
        while time.time() < end and len(found) < len(tasks):
            for arrived, produced, task in self.seen[at:]:
                at += 1
                if produced > moment and task in tasks:
                    found.setdefault(task, arrived - moment)
            time.sleep(0.01)
        return (min(found.values()), max(found.values())) if len(found) == len(tasks) else (seconds, seconds)


class Witness(threading.Thread):
    """Reads a head and some of its task's views in one MULTI, fifty times a second, whatever happens."""

    def __init__(self, stack, seed):
        super().__init__(daemon=True)
        self.stack, self.chance, self.seen, self.stopping = stack, random.Random(seed), [], threading.Event()

    def run(self):
        client, members = self.stack.redis_client(), [[] for _ in range(TASKS)]
        for number in range(CUSTOMERS):
            members[murmur2.partition(f'C{number:06d}', TASKS)].append(f'C{number:06d}')
        while not self.stopping.wait(0.02):
            task = self.chance.randrange(TASKS)
            some = self.chance.sample(members[task], VIEWS_PER_READ)
            pipeline = client.pipeline(transaction=True)
            pipeline.get(f'{{{self.stack.name}.{task}}}head')
            for customer in some:
                pipeline.hgetall(f'{{{self.stack.name}.{task}}}v:{customer}')
            try:
                head, *views = pipeline.execute()
            except redis.RedisError:      # away, full, loading: that is the point
                continue
            if head is not None:
                ready, seq = parse_head(head)
                for customer, view in zip(some, views):
                    if ready:
                        self.seen.append((task, seq, customer, values_of({k.decode(): v.decode() for k, v in view.items()})))


def tasks_of(process):
    """The tasks that this process says are live."""
    out = set()
    for line in process.get('/metrics')[1].splitlines():
        if line.startswith('segue_task_state{') and line.endswith(' 2'):
            out.add(int(line.partition('task="')[2].partition('"')[0]))
    return out


def until_shared(supervisor, seconds=180):
    end = time.time() + seconds
    while time.time() < end:
        shares = [tasks_of(p) for p in supervisor.processes]
        if all(shares) and sum(map(len, shares)) == TASKS:
            return
        time.sleep(0.1)
    raise SystemExit(f'the tasks were not shared within {seconds} s\n{supervisor.processes[0].tail_of_log()}')


def recovery_figures(stack, supervisor, kills):
    """Nothing else is wrong; how long until the tasks of the process that ended have new committed outputs?"""
    watch = Watch(stack)
    watch.start()
    watch.ready.wait(30)
    figures = {}

    def measure(name, process, how, resting, seconds):
        tasks = tasks_of(process)
        child = process.child
        supervisor.rest(process, True)
        told = time.time()
        supervisor.signal(process, how)
        child.wait(60)
        ended = time.time()
        supervisor.rest(process, resting)
        first, last = (ended - told + passed for passed in watch.first_after(ended, tasks, seconds))
        figures.setdefault(name, []).append(first)
        figures.setdefault(name + '_all_tasks', []).append(last)
        supervisor.rest(process, False)
        until_shared(supervisor)
        time.sleep(0.5)

    until_shared(supervisor)
    for i in range(kills):
        measure('kill', supervisor.processes[i % len(supervisor.processes)], signal.SIGKILL, False, 30)
    for i in range(max(kills // 4, 1)):
        measure('graceful', supervisor.processes[i % len(supervisor.processes)], signal.SIGTERM, False, 30)
        measure('takeover', supervisor.processes[i % len(supervisor.processes)], signal.SIGKILL, True, 60)
    watch.stopping.set()
    watch.join()
    for name, times in figures.items():
        print(f'recovery_{name}_median_seconds: {statistics.median(times):.2f}\nrecovery_{name}_worst_seconds: {max(times):.2f}',
              flush=True)


def behind(args, faults, feeder):
    """What a long run has less of than the share of its time that has passed; all that is missing once the time is over."""
    if not args.long:
        return []
    share = min((time.time() - args.begin) / (args.minutes * 60 - CHECK_SECONDS), 1)
    have = {**faults.achieved(), 'events': feeder.count}
    wanted = {name: count * args.long / QUOTA_EVENTS for name, count in QUOTAS.items()}
    return [name for name, count in {**wanted, 'events': args.long}.items() if have[name] < count * share]


def storm(args, faults, supervisor, feeder):
    """One fault after another; a pause of chance between them."""
    chance, end = random.Random(args.seed + 1), args.begin + args.minutes * 60 - CHECK_SECONDS
    missing = []
    while time.time() < end or (missing and time.time() < args.begin + args.minutes * 60 * LATE):
        begin = time.time()
        name = faults.one([quota for quota in missing if quota != 'events'])
        if args.verbose:
            print(f'# {time.strftime("%H:%M:%S", time.gmtime(begin))} {name} {time.time() - begin:.1f} s', flush=True)
        time.sleep(chance.choice([0, 0.5, 1, 2, 4, 6]))
        missing = behind(args, faults, feeder)


def calm_down(args, stack, supervisor, events):
    """Faults have stopped: everything must come through."""
    moved, done = time.time(), 0
    while True:
        totals, before = [p.metrics() for p in supervisor.processes], done
        done = stack.committed()
        moved = time.time() if done > before else moved
        if done >= events and not supervisor.frozen and all(
                t and not any(t.get(name, 1) for name in WAITING) for t in totals):
            break
        if time.time() > moved + STUCK_SECONDS:
            raise SystemExit(f'chaos_seed {args.seed}: {done} of {events} committed, and no more for {STUCK_SECONDS} s\n' +
                             '\n'.join(p.get('/readyz')[1] + p.tail_of_log() for p in supervisor.processes))
        time.sleep(0.3)
    supervisor.stop()


def undisturbed(args, stack, events):
    """Another application over the same input topic, left in peace: its Redis is what ours must be."""
    calm = Stack(args.segue, args.work, stack.name + 'calm', stack.playbook, tasks=TASKS, redis_address=stack.redis_address)
    calm.input_of = stack.name
    calm.create_topics()
    process = Process(calm).start()
    calm.wait_done(process, events, CALM_SECONDS)
    process.kill(signal.SIGTERM)
    return calm


class Judge:
    """The checker, in a process of its own; it follows the topics from the beginning."""

    def __init__(self, stack):
        context = multiprocessing.get_context('spawn')
        self.pipe, other = context.Pipe()
        takers = list(zip(checker.TOPICS, (Recount(stack), Outputs(stack), Journal())))
        self.child = context.Process(target=follow, args=(other, stack, takers, checker.judge), daemon=True)
        self.child.start()
        other.close()

    def verdict(self, calm, seen):
        self.pipe.send((calm, seen))
        try:
            return self.pipe.recv()
        except EOFError:
            raise SystemExit('the checker itself ended; its words are above') from None


def print_counts(faults, supervisor, servers):
    print('\n'.join(f'chaos_fault_{name}: {count}' for name, count in sorted(faults.counts.items())))
    print('\n'.join(f'chaos_exit_{code}: {count}' for code, count in sorted(supervisor.exits.items())))
    said = servers.kafka_proxy.said
    for word in ('held', 'released after the next begin', 'lost'):
        print(f'chaos_proxy_{word.replace(" ", "_")}: {sum(line.startswith(word) for line in said)}')
    for name, count in faults.achieved().items():
        print(f'chaos_{name}: {count}')


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument('segue', type=pathlib.Path)
    parser.add_argument('work', type=pathlib.Path)
    parser.add_argument('--minutes', type=float, default=10)
    parser.add_argument('--seed', type=int, default=int(time.time()))
    parser.add_argument('--processes', type=int, default=2)
    parser.add_argument('--rate', type=int, default=1000)
    parser.add_argument('--faults', help='only these, with commas')
    parser.add_argument('--long', type=int, default=0, metavar='EVENTS')
    parser.add_argument('--no-figures', action='store_true')
    parser.add_argument('--verbose', action='store_true')
    args = parser.parse_args()
    if args.long:
        args.rate = int(args.long * 1.05 / (args.minutes * 60 - CHECK_SECONDS)) + 1
    return args


def strike(args, stack, supervisor, servers):
    """Figures, storm, quiet. (events, figures and what is wrong)"""
    judge = Judge(stack)
    feeder = Feeder(stack, args.seed, CUSTOMERS, args.rate, bursts=True)
    feeder.start()
    witness = Witness(stack, args.seed)
    witness.start()
    if not args.no_figures:
        recovery_figures(stack, supervisor, 8 if args.minutes < 10 else 40)
    faults = Faults(args.seed, servers, supervisor, stack)
    if args.faults:
        faults.schedule = [getattr(faults, name) for name in args.faults.split(',')]
    storm(args, faults, supervisor, feeder)
    missing = behind(args, faults, feeder)
    events = feeder.finish()
    quiet = time.time()
    calm_down(args, stack, supervisor, events)
    witness.stopping.set()
    witness.join()
    print(f'chaos_events: {events}\nchaos_seconds_to_quiet: {time.time() - quiet:.1f}')
    print_counts(faults, supervisor, servers)
    figures, errors, missed, damages = judge.verdict(undisturbed(args, stack, events), witness.seen)
    print('\n'.join(f'chaos_{name}: {value}' for name, value in figures.items()))
    print(f'chaos_canaries_noticed: {damages - len(missed)}\nchaos_canaries: {damages}', flush=True)
    if errors or missed or missing or supervisor.strange:
        raise SystemExit('\n'.join([f'chaos_seed {args.seed}: {len(errors)} errors; canaries missed: {missed}; too few: {missing}; '
                                    f'strange ends: {len(supervisor.strange)}', *errors[:10], *supervisor.strange[:3]]))


def main():
    args = parse_arguments()
    print(f'chaos_seed: {args.seed}', flush=True)
    args.begin = time.time()
    servers = Servers(args.work, os.environ['SEGUE_TEST_BROKERS'], os.environ['SEGUE_TEST_REDIS'])
    stack = Stack(args.segue, args.work, f'chaos{args.seed}-{int(args.begin)}', ROOT / 'tests/playbooks/chaos', tasks=TASKS,
                  redis_address=servers.redis_proxy.address)
    stack.journal_keep, stack.checkpoint_interval = '1m', '10s'     # rebuilds must need the checkpoints
    stack.create_topics()
    stack.segue_brokers = servers.kafka_proxy.address
    supervisor = Supervisor(stack, args.processes, args.segue.resolve().parents[1] / 'tests/chaos/libclock_jump.so')
    supervisor.start()
    try:
        strike(args, stack, supervisor, servers)
    finally:
        supervisor.stopping.set()
        for process in supervisor.processes:
            if process.running():
                process.kill()
        servers.stop()


if __name__ == '__main__':
    main()
