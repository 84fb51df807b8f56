#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clock stream through real Kafka equals `segue backtest` over the same events: every output of every customer, in its order, in
all but `processed_at`; and every view. usage: check_stream.py SEGUE WORK_DIR

A synthetic bank of four sources, with late and doubled events, is fed twice: once before the application starts, and once while it
runs, in pieces with pauses, so that the sources reach their ends at other places. Two workers, one killed on the way.
"""
import collections
import json
import pathlib
import subprocess
import sys
import time

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
    return path, path.read_text().splitlines(keepends=True)


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
            out[name][key].append((headers['ce_id'], comparable(value)))
    return out


def backtest_outputs(stack, path):
    state = stack.folder / 'state.ndjson'
    run = stack.command('backtest', '--playbook', str(PLAYBOOK), '--tasks', str(TASKS), '--application', stack.name, '--salt', stack.name,
                        '--state', str(state), '--events', str(path))
    out = {name: collections.defaultdict(list) for name in OUTPUTS}
    for line in run.stdout.splitlines():
        output = json.loads(line)
        name = output['topic'].partition('.')[2]
        if name in out:
            out[name][output['key']].append((output['headers']['ce_id'], output['value']))
    views = {}
    for line in state.read_text().splitlines():
        customer = json.loads(line)
        if customer['view']:
            views[customer['customer']] = customer['view']
    return out, views
