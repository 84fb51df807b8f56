#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real bank data through the real thing. usage: check_berka.py SEGUE WORK_DIR

Feeds the Berka file (49,102 transactions, 1,229 accounts) through Kafka, kills the processor five times at random moments, and
compares what it says and keeps with (1) an independent recount in Python, (2) `segue backtest` on the same file, (3) a second
application that was not killed. Then the same with 50 incomes cut early: salary.stopped must fire for exactly those.
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
import berka_recount  # noqa: E402
import murmur2  # noqa: E402
from stack import Process, Stack, normal  # noqa: E402

PLAYBOOK = ROOT / 'tests/playbooks/berka'
TASKS, KILLS, RATE = 8, 5, 6000
OUTPUTS = ('segment-changes', 'life-events')


def convert(data, folder):
    tool = ROOT / 'tests/support/berka.py'
    whole, cut, truth = folder / 'berka.ndjson', folder / 'berka-cut.ndjson', folder / 'truth.json'
    subprocess.run([sys.executable, tool, data, whole], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([sys.executable, tool, data, cut, '--cut-early', truth], check=True, stdout=subprocess.DEVNULL)
    return whole, cut, json.loads(truth.read_text())


def start_application(segue, work, name, events_file=None):
    stack = Stack(segue, work, name, PLAYBOOK, tasks=TASKS)
    stack.create_topics()
    if events_file:
        stack.feed(events_file)
    return stack


def events_in(path):
    with open(path, encoding='utf-8') as lines:
        return sum(1 for _ in lines)


def run_killed(stack, path, seed):
    """Fed in parts; kill -9 at a random moment of the work on each but the last, then let it finish. What was not fed yet cannot
    be done before the kill, however fast or slow the machine."""
    lines = path.read_text().splitlines(keepends=True)
    chance, process, killed_at = random.Random(seed), Process(stack), []
    bounds = [len(lines) * i // (KILLS + 1) for i in range(KILLS + 2)]
    for i, (begin, end) in enumerate(zip(bounds, bounds[1:])):
        part = stack.folder / f'part-{i}.ndjson'
        part.write_text(''.join(lines[begin:end]))
        process.start()
        feeder = subprocess.Popen([stack.segue, 'feed', '--config', stack.write_config('feed'), '--rate', str(RATE), str(part)],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if i < KILLS:
            moment, limit = begin + int((end - begin) * chance.uniform(0.05, 0.7)), time.time() + 300
            while stack.committed() < moment:
                assert process.running() and time.time() < limit, f'no {moment} committed within 300 s\n{process.tail_of_log()}'
                time.sleep(0.02)
            process.kill()
            killed_at.append(stack.committed())
        assert feeder.wait(timeout=300) == 0, 'feeding failed'
    print(f'killed_at_events: {" ".join(map(str, killed_at))} of {len(lines)}')
    stack.wait_done(process, len(lines))
    return process


def outputs_of(stack):
    out = {}
    for name in OUTPUTS:
        lines = sorted(json.dumps(normal(value), sort_keys=True) for _, value, _, _, _ in stack.read(name))
        assert len(lines) == len(set(lines)), f'{name}: an output came twice'
        out[name] = lines
    return out


def backtest(stack, path):
    run = stack.command('backtest', '--playbook', str(PLAYBOOK), '--tasks', str(TASKS), '--events', str(path))
    out = {name: [] for name in OUTPUTS}
    for line in run.stdout.splitlines():
        record = json.loads(line)
        name = record['topic'].partition('.')[2]
        if name in out:
            out[name].append(json.dumps(normal(record['value']), sort_keys=True))
    return {name: sorted(lines) for name, lines in out.items()}


def no_cause_topic(lines):
    """A cause names its topic, which differs between applications."""
    cleaned = []
    for line in lines:
        value = json.loads(line)
        if value.get('cause'):
            value['cause'].pop('topic', None)
        cleaned.append(json.dumps(value, sort_keys=True))
    return sorted(cleaned)


def compare(what, a, b):
    for name in OUTPUTS:
        left, right = no_cause_topic(a[name]), no_cause_topic(b[name])
        if left != right:
            only_left, only_right = sorted(set(left) - set(right)), sorted(set(right) - set(left))
            raise SystemExit(f'{what}: {name} differ: {len(left)} and {len(right)}\n  only here: {only_left[:2]}\n'
                             f'  only there: {only_right[:2]}')
        print(f'{what}_{name.replace("-", "_")}: {len(left)}')


def check_features(stack, path):
    customers = berka_recount.load(path)
    today, views = berka_recount.task_today(customers, TASKS), stack.views()
    wrong, compared = [], 0
    for customer, events in sorted(customers.items()):
        expected = berka_recount.features(events, today[murmur2.partition(customer, TASKS)])
        view = views.get(customer, {})
        for name, value in expected.items():
            compared += 1
            seen = view.get('f.' + name)
            if seen != (None if value is None else str(value)):
                wrong.append((customer, name, value, seen))
    if wrong:
        raise SystemExit(f'{len(wrong)} feature values differ, e.g. (customer, feature, recount, Redis) {wrong[:5]}')
    print(f'customers_compared: {len(customers)}\nfeature_values_compared: {compared}')


def stopped_salaries(outputs):
    return sorted(value['customer_id'] for value in map(json.loads, outputs['life-events'])
                  if value['life_event'] == 'salary.stopped' and value['state'] == 'CONFIRMED')


def main():
    segue, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    data = pathlib.Path(os.environ.get('SEGUE_SHARED', ''), 'data/berka_pkdd99')
    if not data.is_dir():
        print('skipped: the Berka data is not here (SEGUE_SHARED names the folder with data/berka_pkdd99)')
        sys.exit(77)
    folder = work / 'berka'
    folder.mkdir(exist_ok=True)
    whole, cut, truth = convert(data, folder)
    seed = int(os.environ.get('SEED', '1'))

    calm = start_application(segue, work, 'berka-calm', whole)
    process = Process(calm).start()
    calm.wait_done(process, events_in(whole))
    process.kill(15)
    calm_outputs = outputs_of(calm)
    check_features(calm, whole)
    compare('live_equals_backtest', calm_outputs, backtest(calm, whole))
    fired = stopped_salaries(calm_outputs)
    if fired:
        raise SystemExit(f'salary.stopped fired {len(fired)} times, never expected: {fired[:5]}')

    storm = start_application(segue, work, 'berka-killed')
    process = run_killed(storm, whole, seed)
    process.kill(15)
    check_features(storm, whole)
    compare('killed_equals_calm', outputs_of(storm), calm_outputs)
    if storm.views() != calm.views():
        raise SystemExit('killed_equals_calm: the views in Redis differ')

    early = start_application(segue, work, 'berka-early', cut)
    process = Process(early).start()
    early.wait_done(process, events_in(cut))
    process.kill(15)
    fired = stopped_salaries(outputs_of(early))
    if fired != sorted(truth):
        raise SystemExit(f'salary.stopped: missed {sorted(set(truth) - set(fired))[:5]}, '
                         f'too many {sorted(set(fired) - set(truth))[:5]}')
    print(f'salaries_stopped: {len(fired)} of {len(truth)}')


main()
