#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A playbook is changed in mid-stream, process by process, and rolled back, with kills in between.
usage: check_upgrade.py SEGUE WORK_DIR [OLD_SEGUE]

The new playbook adds a feature and a segment, the rollback drops them, and they come once more. What both have must go on as if nothing
had happened: nothing lost or doubled, the same values. OLD_SEGUE: the program of another release, which runs wherever the old playbook
does, so that the binary is upgraded, rolled back and upgraded again with it.
"""
import pathlib
import shutil
import signal
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

TASKS, CUSTOMERS, RATE = 8, 500, 300
EXTRA = """
  dear: {max: tx.amount_minor, currency: any, window: all, publish: true}

segments:
  spender:
    purpose: SERVICE
    including: {dear: 'f.dear >= 50000'}
"""


def edited(folder):
    """The old one with a feature and a segment more."""
    text = (ROOT / 'tests/playbooks/chaos/chaos.yaml').read_text()
    head, segments = text.split('\nsegments:\n')
    old, new = folder / 'old', folder / 'new'
    for path in (old, new):
        path.mkdir(parents=True)
    (old / 'playbook.yaml').write_text(text)
    (new / 'playbook.yaml').write_text(head + EXTRA + segments)
    return old, new


class Roll:
    """Processes that are restarted one after the other under another playbook."""

    def __init__(self, stack, count):
        self.stack, self.count, self.processes = stack, count, []

    def to(self, playbook, how, segue):
        self.stack.playbook, self.stack.segue = playbook, str(segue)
        for i in range(self.count):
            if self.processes[i:]:
                self.processes[i].kill(how)
                self.processes[i] = Process(self.stack, str(i)).start()
            else:
                self.processes.append(Process(self.stack, str(i)).start())
            self.go_on(500)

    def go_on(self, more):
        """Work goes on with whatever is running now."""
        mark, end = self.stack.committed(), time.time() + 60
        while self.stack.committed() < mark + more:
            for process in self.processes:
                if not process.running():
                    raise SystemExit(f'ended with {process.child.returncode}: {process.tail_of_log()}')
            if time.time() > end:
                raise SystemExit(f'no progress within 60 s: {[p.get("/readyz")[1] for p in self.processes]}\n'
                                 f'{self.processes[-1].tail_of_log()}')
            time.sleep(0.1)


def main():
    segue, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    old_segue = pathlib.Path(sys.argv[3]) if sys.argv[3:] else segue
    folder = work / 'upgrade'
    shutil.rmtree(folder, ignore_errors=True)
    old, new = edited(folder)
    stack = Stack(segue, work, f'upgrade{int(time.time())}', old, tasks=TASKS)
    stack.create_topics()
    feeder = Feeder(stack, 1, CUSTOMERS, RATE)
    feeder.start()
    roll = Roll(stack, 2)
    try:
        roll.to(old, None, old_segue)
        roll.go_on(1500)
        roll.to(new, signal.SIGTERM, segue)
        roll.go_on(1500)
        roll.to(old, signal.SIGKILL, old_segue)
        roll.go_on(1500)
        roll.to(new, signal.SIGKILL, segue)
        events = feeder.finish()
        stack.wait_done(roll.processes[0], events)
    finally:
        for process in roll.processes:
            if process.running():
                process.kill()
    recount = read_all(stack, 'in-transactions', Recount(stack))
    outputs = read_all(stack, 'segment-changes', Outputs(stack, skip={'spender'}))
    both, spenders = outputs.outputs.digests, outputs.skipped
    lost, doubled, differing, wrong = checker.check_outputs(recount.outputs.digests, both)
    views = checker.check_views(recount, checker.views_of(stack))
    broken = read_all(stack, 'journal', Journal()).check(recount.ends)
    broken += [f'{n} ids were used more than once' for n in [outputs.ids_used_again()] if n]
    print(f'upgrade_events: {events}\nupgrade_outputs: {sum(map(len, both.values()))}\nupgrade_outputs_lost: {lost}\n'
          f'upgrade_outputs_doubled: {doubled}\nupgrade_outputs_differing: {differing}\nupgrade_views_differing: {len(views)}\n'
          f'upgrade_cuts_wrong: {len(broken)}\nupgrade_outputs_of_new_segment: {spenders}')
    assert spenders and not wrong + views + broken, (wrong + views + broken)[:5]


main()
