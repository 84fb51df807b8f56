#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clock stream through real Kafka equals `segue backtest` over the same events: every output of every customer, in its order, in
all but `processed_at`; and every view. usage: check_stream.py SEGUE WORK_DIR

A synthetic bank of four sources, with late and doubled events, is fed twice: once before the application starts, and once while it
runs, one source after the other, so that whoever does not wait is wrong; and it is killed on the way. One payment is dated
9999-12-31: it must not take the others' time with it.
"""
import collections
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
from stack import Process, Stack, normal  # noqa: E402

SOURCES = ('transactions', 'app-engagement', 'customer-profiles', 'offer-outcomes')
OUTPUTS = ('segment-changes', 'life-events', 'offers')
PLAYBOOK = ROOT / 'config/playbooks/retail'
TASKS = 8


def simulate(segue, folder):
    path = folder / 'bank.ndjson'
    subprocess.run([segue, 'simulate', '--customers', '200', '--days', '150', '--out', path], check=True, stderr=subprocess.DEVNULL)
    lines = path.read_text().splitlines(keepends=True)
    payment = next(line for line in lines if line.startswith('{"source":"transactions"'))
    # the last one: backtest does not count a place in the partition for what it refuses
    lines.append(re.sub(r'"booked_at":("[^"]*"|\d+)', '"booked_at":"9999-12-31T00:00:00Z"', payment))
    path.write_text(''.join(lines))
    return path, lines


def comparable(value):
    """As text, without when it was decided and without the application's name in the cause's topic."""
    value = normal(value)
    if value.get('cause'):
        value['cause']['topic'] = value['cause']['topic'].rpartition('.')[2].removeprefix('in-')
    return json.dumps(value, sort_keys=True)


def live_outputs(stack):
    out = {name: collections.defaultdict(list) for name in OUTPUTS}
    for name in OUTPUTS:
        for key, value, headers, _, _ in stack.read(name):
            out[name][key].append((headers['ce_id'], headers['ce_sequence'], comparable(value)))
    return out


def backtest_outputs(stack, path):
    state = stack.folder / 'state.ndjson'
    run = stack.command('backtest', '--playbook', str(PLAYBOOK), '--tasks', str(TASKS), '--application', stack.name,
                        '--state', str(state), '--events', str(path), check=False)
    assert run.returncode == 1 and 'no event, skipped: 1' in run.stderr, run.stderr   # the one of the year 9999
    out = {name: collections.defaultdict(list) for name in OUTPUTS}
    for line in run.stdout.splitlines():
        output = json.loads(line)
        name = output['topic'].partition('.')[2]
        if name in out:
            out[name][output['key']].append((output['headers']['ce_id'], output['headers']['ce_sequence'], comparable(output['value'])))
    views = {}
    for line in state.read_text().splitlines():
        customer = json.loads(line)
        if customer['view']:
            views[customer['customer']] = customer['view']
    return out, views


def compare(what, expected, found):
    for name in OUTPUTS:
        keys = sorted(set(expected[name]) | set(found[name]))
        differ = [k for k in keys if expected[name].get(k) != found[name].get(k)]
        print(f'{what}_{name.replace("-", "_")}: {sum(map(len, found[name].values()))} customers_that_differ: {len(differ)}')
        if differ:
            for pair in zip(expected[name].get(differ[0], []), found[name].get(differ[0], [])):
                if pair[0] != pair[1]:
                    print(f'{differ[0]}\n  {pair[0]}\n  {pair[1]}')
                    break
        assert not differ, f'{what}, {name}: {len(differ)} customers differ, e.g. {differ[:3]}'


def main():
    segue, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder = work / 'stream'
    folder.mkdir(exist_ok=True)
    path, lines = simulate(segue, folder)

    calm = Stack(segue, work, 'stream-calm', PLAYBOOK, tasks=TASKS, workers=2, topics=SOURCES)
    calm.create_topics()
    calm.feed(path)
    process = Process(calm).start()
    calm.wait_done(process, len(lines))
    process.kill(15)
    expected, views = backtest_outputs(calm, path)
    assert sum(len(v) for v in expected['segment-changes'].values()) > 500, 'the bank says too little'
    compare('calm', expected, live_outputs(calm))
    assert calm.views() == views, 'views differ from the backtest'

    storm = Stack(segue, work, 'stream-storm', PLAYBOOK, tasks=TASKS, workers=2, topics=SOURCES)
    storm.extra_config = 'merge_wait: 20s\n'     # longer than all the feeding takes
    storm.create_topics()
    process = Process(storm).start()
    for source in SOURCES:
        piece = folder / f'{source}.ndjson'
        piece.write_text(''.join(line for line in lines if line.startswith(f'{{"source":"{source}"')))
        storm.feed(piece)
        if source == SOURCES[1]:
            process.kill(9)
            process.start()
    storm.wait_done(process, len(lines), 180)
    process.kill(15)
    compare('storm', expected, live_outputs(storm))
    assert storm.views() == views, 'views differ after the storm'


main()
