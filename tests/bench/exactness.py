#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What exactness costs: the program over the same topic, whole and bare, by turns.
usage: exactness.py SEGUE BUILD_DIR AT_LEAST_ONCE.SO WORK_DIR [--events N] [--runs N] [--playbook DIR]

WORK_DIR is the folder that the broker was started in (its files are measured there).

Bare is at-least-once: Redis is written command by command, with no MULTI and nothing compared (a build without the rule FENCE, made in
BUILD_DIR), and Kafka with no transactions, no idempotence and no journal, offsets committed after the outputs (at_least_once.c, preloaded).
What bare still does: it puts cuts together and hashes them, and writes the head that a restart reads.

Prints of each turn events per second and CPU per event of Segue and of Redis; then medians, the ratio of both, and the bytes that land in
Kafka beyond the input.
"""
import argparse
import os
import pathlib
import random
import signal
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'tests/support'), str(ROOT / 'tests/chaos')]
from bank import Feeder  # noqa: E402
from stack import Process, Stack  # noqa: E402
from without import build_without  # noqa: E402

TASKS, CUSTOMERS = 8, 20000
WARM = 0.2                      # share of the events before the clock starts


def fill(stack, events):
    feeder, chance = Feeder(stack, 1, CUSTOMERS, 0), random.Random(1)
    for _ in range(events):
        while len(feeder.producer) > 200000:
            feeder.producer.poll(0.1)
        feeder.put(f'C{chance.randrange(CUSTOMERS):06d}')
    while feeder.producer.flush(60):
        pass


def log_bytes(work, topic):
    files = list((work / 'kafka/data').glob(f'{topic}-[0-9]*/*.log'))
    if not files:
        raise SystemExit(f'{work}/kafka/data holds nothing of {topic}: WORK_DIR must be the folder that the broker was started in')
    return sum(p.stat().st_size for p in files)


def cpu_seconds(pid):
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def redis_seconds(redis):
    cpu = redis.info('cpu')
    return cpu['used_cpu_user'] + cpu['used_cpu_sys']


def measure(stack, events, preload):
    """(events per second, CPU microseconds per event, of Redis too), from the time when WARM of them are done."""
    redis = stack.redis_client()
    if preload:
        os.environ['LD_PRELOAD'] = str(preload)
    process = Process(stack).start()
    os.environ.pop('LD_PRELOAD', None)
    began = None
    while True:
        done = process.metrics().get('segue_events_total', 0)
        now, cpu, redis_cpu = time.monotonic(), cpu_seconds(process.child.pid), redis_seconds(redis)
        if began is None and done >= events * WARM:
            began = (now, cpu, redis_cpu, done)
        if done >= events:
            break
        if not process.running():
            raise SystemExit(process.tail_of_log())
        time.sleep(0.02)
    stack.wait_done(process, events)
    process.kill(signal.SIGTERM)
    count = done - began[3]
    return count / (now - began[0]), (cpu - began[1]) * 1e6 / count, (redis_cpu - began[2]) * 1e6 / count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('segue', type=pathlib.Path)
    parser.add_argument('build', type=pathlib.Path)
    parser.add_argument('library', type=pathlib.Path)
    parser.add_argument('work', type=pathlib.Path)
    parser.add_argument('--events', type=int, default=4000000)
    parser.add_argument('--runs', type=int, default=3)
    parser.add_argument('--playbook', type=pathlib.Path, default=ROOT / 'tests/playbooks/bench')
    args = parser.parse_args()
    playbook, name = args.playbook, f'exactness{int(time.time())}'
    source = Stack(args.segue, args.work, name, playbook, tasks=TASKS)
    source.create_topics()
    fill(source, args.events)
    programs = {False: args.segue, True: build_without(args.build, 'NO_FENCE')}
    turns = {False: [], True: []}
    for run in range(args.runs):
        for bare in (False, True):
            stack = Stack(programs[bare], args.work, f'{name}-{run}-{"bare" if bare else "whole"}', playbook, tasks=TASKS)
            stack.input_of = name
            stack.create_topics()
            turns[bare].append(measure(stack, args.events, args.library if bare else None))
            rate, cost, redis_cost = turns[bare][-1]
            print(f'{"at_least_once" if bare else "exactly_once"}_events_per_second: {rate:.0f}  '
                  f'cpu_us_per_event: {cost:.2f}  redis_cpu_us_per_event: {redis_cost:.2f}', flush=True)
            if run == 0 and not bare:
                outputs = sum(log_bytes(args.work, stack.topic(t)) for t in ('segment-changes', 'segment-state'))
                journal = log_bytes(args.work, stack.topic('journal'))
    print(f'exactness_input_bytes_per_event: {log_bytes(args.work, source.topic("in-transactions")) / args.events:.0f}\n'
          f'exactness_output_bytes_per_event: {outputs / args.events:.1f}\n'
          f'exactness_journal_bytes_per_event: {journal / args.events:.0f}')
    whole, bare = ([statistics.median(column) for column in zip(*turns[kind])] for kind in (False, True))
    for number, what in enumerate(('throughput', 'cpu', 'redis_cpu')):
        print(f'exactness_{what}_whole: {whole[number]:.2f}\nexactness_{what}_bare: {bare[number]:.2f}\n'
              f'exactness_{what}_ratio: {whole[number] / bare[number]:.2f}')
    print(f'exactness_throughput_cost_percent: {100 * (1 - whole[0] / bare[0]):.1f}')


main()
