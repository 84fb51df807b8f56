#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`segue check` says whose conditions are beyond what an index has room for. usage: index_limits.py SEGUE RETAIL

A playbook of 64 conditions with 16 terms each is at the limit of 1,024 terms, one term more is beyond it, and then the transactions'
alone; the retail pack is within. Nor do patterns whose automaton would be too large go unnoticed.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

CONDITIONS, TERMS = 64, 16


def playbook(more):
    text = 'currency: GBP\nfeatures:\n  logins: {count: app, window: 7d, where: \'app.event == "login"\'}\n'
    for i in range(CONDITIONS):
        parts = [f'tx.amount_minor > {i + 1}00'] + [f'tx.mcc == {5400 + k}' for k in range(TERMS - 1 + (more if i == 0 else 0))]
        text += f"  f{i}: {{count: tx, window: 7d, where: '{' || '.join(parts)}'}}\n"
    return text


def said(segue, path):
    run = [segue, 'check', '--playbook', path]
    plan = json.loads(subprocess.run([*run, '--json'], capture_output=True, text=True, check=True).stdout)['plan']
    lines = subprocess.run(run, capture_output=True, text=True, check=True).stdout.splitlines()
    return plan['one_by_one'], [line for line in lines if 'one by one' in line]


def main():
    segue, retail, wrong = sys.argv[1], sys.argv[2], []
    with tempfile.TemporaryDirectory() as folder:
        at_limit, beyond = pathlib.Path(folder, 'at_limit.yaml'), pathlib.Path(folder, 'beyond.yaml')
        at_limit.write_text(playbook(0))
        beyond.write_text(playbook(1))
        for path, sources in ((retail, []), (at_limit, []), (beyond, ['transactions'])):
            names, lines = said(segue, path)
            if names != sources or len(lines) != len(sources) or any(s not in line for s, line in zip(sources, lines)):
                wrong.append(f'{path}: wanted {sources}, got {names} and {lines}')
        wide = pathlib.Path(folder, 'wide.yaml')
        wide.write_text("features:\n  f: {count: tx, window: 7d, where: 'tx.text.matches(\"a[ab]{16}c\")'}\n")
        for path, count in ((retail, {}), (wide, {'transactions': 1})):
            run = [segue, 'check', '--playbook', path]
            plan = json.loads(subprocess.run([*run, '--json'], capture_output=True, text=True, check=True).stdout)['plan']
            lines = [line for line in subprocess.run(run, capture_output=True, text=True, check=True).stdout.splitlines() if 'match one by one' in line]
            if plan['patterns_alone'] != count or len(lines) != len(count) or any('a[ab]{16}c' not in line for line in lines):
                wrong.append(f"{path}: patterns {plan['patterns_alone']}, wanted {count}, and {lines}")
    print('\n'.join(wrong))
    sys.exit(1 if wrong else 0)


main()
