#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real bank data as Segue's input: the Berka file (PKDD'99 Discovery Challenge) as NDJSON.

usage: berka.py BERKA_DIR OUT.ndjson [--cut-early TRUTH.json]

One account is one customer (`B` + account id, 8 digits). Every entry is a POSTED transaction at noon UTC of its day, in
the file's order within a day; event_id is the entry's trans_id. The last line of the sample is cut mid-row and dropped.
--cut-early: 50 regular incomes (chosen by a fixed seed) stop after some months while the account's other entries go on;
TRUTH.json then lists the customers whose income was cut and the day of its last credit.
Nothing of the data is kept in this repository.
"""
import argparse
import collections
import datetime
import json
import pathlib
import random

KIND = {'VKLAD': 'CASH', 'VYBER': 'CASH', 'VYBER KARTOU': 'CARD', 'PREVOD Z UCTU': 'TRANSFER',
        'PREVOD NA UCET': 'TRANSFER'}
CHANNEL = {'VKLAD': 'BRANCH', 'VYBER': 'BRANCH', 'VYBER KARTOU': 'ATM'}
INTEREST, FEES = 'UROK', ('SLUZBY', 'SANKC. UROK')


def rows(path):
    """Whole rows only, as dicts, ordered by day and then by place in the file."""
    lines = pathlib.Path(path, 'trans.asc').read_text(encoding='ascii').split('\n')[:-1]
    names = [name.strip('"') for name in lines[0].strip().split(';')]
    out = []
    for line in lines[1:]:
        fields = [field.strip('"') for field in line.rstrip('\r').split(';')]
        if len(fields) == len(names):
            out.append(dict(zip(names, fields)))
    out.sort(key=lambda row: row['date'])
    return out


def minor(text):
    """'700.00' -> 70000, exactly."""
    whole, _, part = text.partition('.')
    value = abs(int(whole)) * 100 + int((part + '00')[:2])
    return -value if text.startswith('-') else value


def kind_of(row):
    if row['k_symbol'] == INTEREST:
        return 'INTEREST'
    if row['k_symbol'] in FEES:
        return 'FEE'
    return KIND.get(row['operation'], 'OTHER')


def transaction(row):
    day = datetime.date(1900 + int(row['date'][:2]), int(row['date'][2:4]), int(row['date'][4:6]))
    event = {
        'event_id': row['trans_id'], 'customer_id': 'B%08d' % int(row['account_id']), 'account_id': row['account_id'],
        'account_type': 'CURRENT', 'booked_at': f'{day.isoformat()}T12:00:00Z', 'amount_minor': minor(row['amount']),
        'currency': 'CZK', 'direction': 'CREDIT' if row['type'] == 'PRIJEM' else 'DEBIT', 'status': 'POSTED',
        'kind': kind_of(row), 'balance_after_minor': minor(row['balance']),
        'channel': CHANNEL.get(row['operation'], 'AUTOMATIC'),
    }
    if row['bank'] or row['account'] not in ('', '0'):
        event['counterparty_id'] = f"{row['bank']}:{row['account']}"
    if row['k_symbol'].strip():
        event['reference'] = row['k_symbol']
    return event


def is_income(row):
    return row['operation'] == 'PREVOD Z UCTU' and row['type'] == 'PRIJEM'


def regular_incomes(all_rows):
    """(account, bank, counterparty account, amount) -> rows, of three or more equal credits from another bank."""
    groups = collections.defaultdict(list)
    for row in all_rows:
        if is_income(row):
            groups[row['account_id'], row['bank'], row['account'], row['amount']].append(row)
    return {key: group for key, group in groups.items() if len(group) >= 3}


def days(text):
    return datetime.date(1900 + int(text[:2]), int(text[2:4]), int(text[4:6])).toordinal()


def payer(row):
    return row['account_id'], row['bank'], row['account']


def cut_early(all_rows, count=50, seed=20261125):
    """Drop the tail of `count` regular incomes, everything from that payer, a bonus of 1.5 salaries too, so that the last
    credit lies more than 60 days before the account's end. An income that is cut keeps three equal credits or more."""
    end = {row['account_id']: days(row['date']) for row in all_rows}
    incomes = collections.Counter(key[0] for key in regular_incomes(all_rows))
    candidates = []
    for key, group in sorted(regular_incomes(all_rows).items()):
        keep = [row for row in group if end[key[0]] - days(row['date']) > 60]
        if len(keep) >= 3 and incomes[key[0]] == 1:
            candidates.append((key[:3], keep[-1]['date']))
    chosen = dict(random.Random(seed).sample(candidates, count))
    kept = [row for row in all_rows
            if not (is_income(row) and payer(row) in chosen and row['date'] > chosen[payer(row)])]
    return kept, {'B%08d' % int(key[0]): last for key, last in chosen.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder')
    parser.add_argument('out')
    parser.add_argument('--cut-early', metavar='TRUTH')
    args = parser.parse_args()
    data = rows(args.folder)
    if args.cut_early:
        data, truth = cut_early(data)
        pathlib.Path(args.cut_early).write_text(json.dumps(truth, indent=1))
    with open(args.out, 'w', encoding='utf-8') as out:
        for row in data:
            out.write(json.dumps({'source': 'transactions', 'event': transaction(row)}) + '\n')
    print(f'events: {len(data)}')


if __name__ == '__main__':
    main()
