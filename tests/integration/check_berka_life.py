#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Life events and series on real bank data, without a server. usage: check_berka_life.py SEGUE WORK_DIR

In the Berka file nobody loses or changes a job: the retail pack must say so. Then the series of the pack, and one per label of
the bank's own list of standing orders (order.asc), against what that list and the incomes in the file say, account by account.
"""
import collections
import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
import berka  # noqa: E402

RETAIL = ROOT / 'config/playbooks/retail'
NEVER = ('job.lost', 'job.changed', 'retirement.started')
LABELS = {'SIPO': 'household', 'UVER': 'loan', 'POJISTNE': 'insurance', 'LEASING': 'leasing'}


def confirmed(segue, playbook, events):
    """life event -> customers."""
    run = subprocess.run([segue, 'backtest', '--playbook', playbook, '--events', events], check=True, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True)
    found = collections.defaultdict(set)
    for line in run.stdout.splitlines():
        record = json.loads(line)
        if record['topic'] == 'segue.life-events' and record['value']['state'] == 'CONFIRMED':
            found[record['value']['life_event']].add(record['value']['customer_id'])
    return found


def series_playbook(folder):
    """The pack's features, a series per label, and a life event that says of each that it was found."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(RETAIL / 'life/features.yaml', folder / 'pack.yaml')
    series = ''.join(f'  {name}:\n    series: tx.debit\n    where: \'tx.reference == "{label}"\'\n' for label, name in LABELS.items())
    found = ''.join(f'  found.{name}: {{when: f.{name}.hits >= 3}}\n' for name in [*LABELS.values(), 'salary', 'pension'])
    (folder / 'found.yaml').write_text(f'features:\n{series}life_events:\n{found}', encoding='utf-8')
    (folder / 'playbook.yaml').write_text('currency: CZK\nzone: Europe/Prague\n', encoding='utf-8')
    return folder


def customer(account):
    return 'B%08d' % int(account)


def report(name, found, truth, floor):
    hits = len(found & truth)
    precision, recall = hits / max(len(found), 1), hits / max(len(truth), 1)
    print(f'berka_{name}_truth: {len(truth)}\nberka_{name}_precision: {precision:.3f}\nberka_{name}_recall: {recall:.3f}')
    return [] if not truth or min(precision, recall) >= floor else [f'{name}: precision {precision:.3f}, recall {recall:.3f}, wanted {floor}']


def main():
    segue, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    data = pathlib.Path(os.environ.get('SEGUE_SHARED', ''), 'data/berka_pkdd99')
    if not data.is_dir():
        print('skipped: the Berka data is not here (SEGUE_SHARED names the folder with data/berka_pkdd99)')
        sys.exit(77)
    folder = work / 'berka-life'
    folder.mkdir(parents=True, exist_ok=True)
    events = folder / 'berka.ndjson'
    subprocess.run([sys.executable, ROOT / 'tests/support/berka.py', data, events], check=True, stdout=subprocess.DEVNULL)
    told, bad = confirmed(segue, RETAIL, events), []
    for kind in (*NEVER, 'salary.first'):
        print(f'berka_{kind}: {len(told[kind])}')
        if len(told[kind]) > (0 if kind in NEVER else 1):
            bad.append(f'{kind} fired for {sorted(told[kind])[:5]}')

    rows = berka.rows(data)
    found = confirmed(segue, series_playbook(folder / 'playbook'), events)
    paid = collections.Counter((row['account_id'], row['k_symbol']) for row in rows if row['type'] == 'VYDAJ')
    with open(data / 'order.asc', encoding='ascii', newline='') as lines:
        orders = list(csv.DictReader(lines, delimiter=';'))
    for label, name in LABELS.items():
        # Of the orders those of which three payments are in the sample: the file of payments is cut.
        truth = {customer(o['account_id']) for o in orders if o['k_symbol'] == label and paid[o['account_id'], label] >= 3}
        bad += report(name, found[f'found.{name}'], truth, 0.9)
    incomes = berka.regular_incomes(rows)
    for name, is_pension in (('salary', False), ('pension', True)):
        truth = {customer(key[0]) for key, group in incomes.items() if (group[0]['k_symbol'] == 'DUCHOD') == is_pension}
        bad += report(name, found[f'found.{name}'], truth, 0.9)
    for line in bad:
        print(line)
    sys.exit(1 if bad else 0)


main()
