#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A playbook may lack every part but one. usage: check_bare.py SEGUE

Of a bank of SEED's making: nothing but a currency says nothing; features alone say nothing; segments without a feature are those of whom
the profile says so until the last day, recounted here; life events without a feature are told for whoever had such a transaction, and for nobody else.
"""
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile

AGE, AMOUNT = 40, 100_000
BARE = {
    'nothing': 'currency: GBP\n',
    'features': 'features:\n  often: {count: tx, window: 7d}\n',
    'segments': f'segments:\n  older:\n    need: time\n    purpose: MARKETING\n    including: {{age: "c.age >= {AGE}"}}\n',
    'life': f'life_events:\n  big.sum:\n    about: a large one\n    suspect_at: 0.2\n    confirm_at: 0.6\n    expires: 400d\n'
            f'    evidence: [{{id: sum, if: "tx.amount_minor > {AMOUNT}", weight: 0.7}}]\n',
}


def age(event, day):
    born = datetime.date.fromisoformat(event['birth_date'])
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def main():
    segue, seed, wrong = sys.argv[1], os.environ.get('SEED', '3'), []
    with tempfile.TemporaryDirectory() as folder:
        bank = pathlib.Path(folder, 'bank.ndjson')
        subprocess.run([segue, 'simulate', '--customers', '40', '--days', '40', '--seed', seed, '--late', '0', '--out', bank], check=True, capture_output=True)
        events = [json.loads(line) for line in bank.read_text().splitlines()]
        of = lambda source: [e['event'] for e in events if e['source'] == source]  # noqa: E731
        last = datetime.datetime.fromisoformat(max(e.get('booked_at') or '' for e in of('transactions'))).date()
        wanted = {'nothing': set(), 'features': set(), 'segments': {e['customer_id'] for e in of('customer-profiles') if age(e, last) >= AGE},
                  'life': {e['customer_id'] for e in of('transactions') if e['amount_minor'] > AMOUNT}}
        for name, text in BARE.items():
            path = pathlib.Path(folder, f'{name}.yaml')
            path.write_text(text)
            run = subprocess.run([segue, 'backtest', '--playbook', path, bank], capture_output=True, text=True, check=False)
            said = {json.loads(line)['value']['customer_id'] for line in run.stdout.splitlines()}
            print(f'{name}: {len(said)} customers')
            if run.returncode != 0 or said != wanted[name]:
                wrong.append(f'{name}: exit {run.returncode}, more {sorted(said - wanted[name])}, less {sorted(wanted[name] - said)}\n{run.stderr[-800:]}')
    assert len(wanted['segments']) > 5 and len(wanted['life']) > 5, 'the bank shows nothing'
    print('\n'.join(wrong))
    sys.exit(1 if wrong else 0)


main()
