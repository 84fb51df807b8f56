#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tutorial of config/README.md, followed to its end by the page alone: a segment written, tested, planned against the starter pack, applied to a
bank that runs, and seen on the topic. usage: check_tutorial.py SEGUE WORK_DIR

The bank is what the demo leaves running, small: the retail playbook under the live clock. Its configuration lies where the page says that the demo's does.
"""
import pathlib
import shutil
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'tests/support'), str(ROOT / 'tests/config')]
from stack import Process, Stack  # noqa: E402
from tutorial import Reader, as_shape, tutorial_of  # noqa: E402

SWEPT_S = 60


def wait_until_applied(stack):
    """The page's own way to know: complete on the control topic, of every task."""
    end = time.time() + SWEPT_S
    while time.time() < end:
        done = sum(v['definition_id'] == 'playbook' and v['what'] == 'complete' for _, v, _, _, _ in stack.read('control'))
        if done >= stack.tasks:
            return
        time.sleep(0.2)
    raise SystemExit(f'no complete of every task within {SWEPT_S} s')


def entered(stack, segment):
    end = time.time() + SWEPT_S
    while time.time() < end:
        found = [(key, v['transition'], v['origin']) for key, v, _, _, _ in stack.read('segment-changes') if v['segment_id'] == segment]
        if found:
            return found
        time.sleep(0.2)
    return []


def main():
    segue = pathlib.Path(sys.argv[1]).resolve()
    stack = Stack(segue, sys.argv[2], f'tutorial{int(time.time())}', ROOT / 'config/playbooks/retail', tasks=4, clock='live',
                  topics=('transactions', 'app-engagement', 'customer-profiles', 'offer-outcomes'))
    stack.create_topics()
    process = Process(stack).start()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        demo = folder / 'home/.cache/segue/demo'
        demo.mkdir(parents=True)
        shutil.copy(process.config, demo / 'segue.yaml')
        reader = Reader(segue, ROOT, folder, home=folder / 'home')
        alone, live = tutorial_of(ROOT)
        reader.follow(alone)
        stack.wait_done(process, 0)
        apply, coffees = live[:live.index('`plan` compares')], live[live.index('`plan` compares'):]
        reader.follow(apply, as_shape)
        wait_until_applied(stack)
        reader.follow(coffees[:coffees.index("The demo's terminal")], as_shape)
        found = entered(stack, 'coffee_lover')
        if found != [('L00000042', 'ENTERED', 'LIVE')]:
            reader.wrong.append(f'on the topic: {found}')
        reader.follow(coffees[coffees.index("The demo's terminal"):], as_shape)
    process.kill(15)
    print('\n'.join(reader.wrong + [f'tutorial_commands: {reader.commands}', f'tutorial_failed: {len(reader.wrong)}']))
    sys.exit(len(reader.wrong) > 0 or reader.commands < 11)


main()
