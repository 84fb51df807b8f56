#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A broker that gives Segue less room than it would take: a quota on what it writes. usage: long_throttled.py SEGUE WORK_DIR

A backlog waits whose journal and outputs are many times what the quota lets through in a transaction's 10 s. Commits must shrink until they
fit (decision 0016: a commit that took over a second halves the bytes of the next), the lag must reach zero, nothing lost or doubled.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'tests/support'), str(ROOT / 'tests/chaos')]
import checker  # noqa: E402
from bank import Feeder  # noqa: E402
from follow import read_all  # noqa: E402
from journal import Journal  # noqa: E402
from recount import Outputs, Recount  # noqa: E402
from stack import Process, Stack  # noqa: E402

TASKS, CUSTOMERS, EVENTS = 4, 5000, 5000
QUOTA = 48 * 1024
PATIENCE = 400
CACHE = pathlib.Path(os.environ.get('CACHE', pathlib.Path.home() / '.cache/segue'))


def set_quota(stack, change):
    """On every client id of this application's producer, and nobody else's."""
    jars = next(CACHE.glob('kafka-[0-9]*'))
    command = ['java', '-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', f'{jars}/*', 'kafka.admin.ConfigCommand', '--bootstrap-server',
               stack.brokers, '--alter', '--entity-type', 'clients', '--entity-name', f'{stack.name}-{stack.name}-0-p0', *change]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


class Sized(Journal):
    size = 0                            # of what was committed

    def take(self, message):
        self.size += len(message.value())
        super().take(message)


def main():
    segue, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    shutil.rmtree(work / 'throttled', ignore_errors=True)
    stack = Stack(segue, work, f'slow{int(time.time()) % 1000000}', ROOT / 'tests/playbooks/chaos', tasks=TASKS)
    stack.create_topics()
    feeder = Feeder(stack, 1, CUSTOMERS, 0)
    for number in range(EVENTS):
        feeder.put(f'C{number % CUSTOMERS:06d}')
        feeder.producer.poll(0)
    feeder.producer.flush(60)
    set_quota(stack, ['--add-config', f'producer_byte_rate={QUOTA}'])
    process, begin = Process(stack).start(), time.time()
    try:
        while (done := stack.committed()) < EVENTS:
            if not process.running() or time.time() > begin + PATIENCE:
                raise SystemExit(f'{done} of {EVENTS} within {time.time() - begin:.0f} s\n{process.tail_of_log()}')
            time.sleep(1)
        took = time.time() - begin
        failures = process.metrics()['segue_commit_failures_total']
        stack.wait_done(process, EVENTS)
    finally:
        set_quota(stack, ['--delete-config', 'producer_byte_rate'])
        if process.running():
            process.kill()
    recount = read_all(stack, 'in-transactions', Recount(stack))
    outputs = read_all(stack, 'segment-changes', Outputs(stack))
    lost, doubled, differing, wrong = checker.check_outputs(recount.outputs.digests, outputs.outputs.digests)
    journal = read_all(stack, 'journal', Sized())
    broken = journal.check(recount.ends) + checker.check_views(recount, checker.views_of(stack))
    cuts = sum(map(len, journal.cuts.values()))
    print(f'throttled_events: {EVENTS}\nthrottled_seconds: {took:.1f}\nthrottled_commits_failed: {failures:.0f}\nthrottled_cuts: {cuts}\n'
          f'throttled_journal_bytes: {journal.size}\n'
          f'throttled_outputs: {sum(map(len, outputs.outputs.digests.values()))}\nthrottled_outputs_lost: {lost}\n'
          f'throttled_outputs_doubled: {doubled}\nthrottled_outputs_differing: {differing}')
    assert not wrong + broken, (wrong + broken)[:5]
    # The outputs come on top of it, several times as much; compression takes some away.
    assert took > journal.size / QUOTA, f'{journal.size} bytes of journal in {took:.1f} s: the quota of {QUOTA} a second held nothing back'


main()
