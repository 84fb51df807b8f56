#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A playbook that was applied before there was a rule goes on, with a warning for each place. usage: check_applied.py SEGUE WORK_DIR

Marketing without `product`: in a playbook's files it does not load (exit 78). The same in the record of `segue.playbook`, as a version
before that rule applied it: the process runs, its log names file, line and mend, decisions go on as before.
"""
import json
import pathlib
import re
import shutil
import sys
import time

import confluent_kafka

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'tests/support')]
from stack import Process, Stack  # noqa: E402
from verdict import check, failed  # noqa: E402
from wait import until  # noqa: E402

SAYS_NONE, LINE = ' product: NONE,', 5
PLAYBOOK = """currency: GBP
features:
  logins: {count: app, window: 30d}
offers:
  survey: {purpose: MARKETING, product: NONE, channels: [EMAIL], eligible: 'f.logins >= 1', on: {app: [login]}, value: 100}
"""


def login(stack, number):
    path = stack.folder / 'login.ndjson'
    path.write_text(json.dumps({'source': 'app-engagement', 'event': {
        'event_id': f'e{number}', 'customer_id': 'C1', 'occurred_at': int(time.time() * 1000), 'event': 'login'}}) + '\n')
    stack.feed(path)


def decided(stack):
    return [value for _, value, _, _, _ in stack.read('offers')]


def main():
    segue, work = sys.argv[1], pathlib.Path(sys.argv[2])
    shutil.rmtree(work / 'applied', ignore_errors=True)
    new, old = work / 'applied/new', work / 'applied/old'
    for folder, text in ((new, PLAYBOOK), (old, PLAYBOOK.replace(SAYS_NONE, ''))):
        folder.mkdir(parents=True)
        (folder / 'playbook.yaml').write_text(text)
    stack = Stack(segue, work, f'applied{int(time.time())}', new, tasks=2, clock='live', topics=('app-engagement',))
    stack.create_topics()
    process = Process(stack).start()
    try:
        login(stack, 1)
        until('a decision', lambda: len(decided(stack)) == 1)
        known = re.search(r'code=started .*playbook=(\w{16})', process.log_path.read_text())[1]
        check('SIGTERM', process.kill(15) == 0)

        # What it means is the same: only what must be said of it has become more.
        record = {'format': 1, 'application': stack.name, 'playbook_hash': known, 'replaces': '0' * 16, 'applied_at': 1767225600000,
                  'files': [{'path': 'playbook.yaml', 'text': (old / 'playbook.yaml').read_text()}]}
        producer = confluent_kafka.Producer({'bootstrap.servers': stack.brokers})
        producer.produce(stack.topic('playbook'), json.dumps(record), stack.name)
        producer.flush(20)
        process.start()
        login(stack, 2)
        until('a decision under what was applied', lambda: len(decided(stack)) == 2)
        log = process.log_path.read_text()
        warning = re.search(rf'level=warn code=playbook_warning msg="marketing `survey` does not say what it sells.*" '
                            rf'file=\S*playbook.yaml line={LINE} mend="product: INVESTMENT, or', log)
        check('the log names file, line and mend', warning is not None, log[-2000:])
        check('it is what was applied that runs', 'code=playbook ' in log and known in log.split('code=started')[-1], log[-2000:])
        first, second = decided(stack)
        check('the decision is as before', [b['gate'] for b in first['blocked']] == [b['gate'] for b in second['blocked']] == ['consent'],
              (first['blocked'], second['blocked']))
        check('SIGTERM', process.kill(15) == 0)
        run = stack.command('check', '--playbook', str(old), check=False)
        check('in files it does not load', run.returncode == 78 and 'does not say what it sells' in run.stderr, run.stderr)
    finally:
        if process.running():
            process.kill()
    print(f'applied_failed: {len(failed)}')
    sys.exit(1 if failed else 0)


main()
