#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""LifeSim beside a real bank. usage: realism.py SEGUE WORK_DIR [--page FOLDER] [--seed N]

Reads the Berka file (PKDD'99; SEGUE_SHARED names the folder with data/berka_pkdd99; without it: exit 77) and one bank of each
world of LifeSim, takes the same statistics of all three with the same code, and prints how far they lie apart: for a
distribution the Kolmogorov-Smirnov distance (0 the same, 1 disjoint). --page writes realism.md and one plot (SVG) for each
there. Only sums over a whole bank are written: no account, no row, no amount of the real file.
"""
import argparse
import collections
import datetime
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys

import plot

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / 'tests/support'))
import berka  # noqa: E402

WORLDS = ('uk', 'eu')
DAYS, CUSTOMERS = 455, 1200  # fifteen months, as the Berka sample; about as many accounts

# title, axis, edges of the bins, what the reader should know
DISTRIBUTIONS = {
    'debits': ('Size of a payment out', 'share of a month\'s income, log10', [x / 4 for x in range(-16, 9)]),
    'credits': ('Size of a payment in', 'share of a month\'s income, log10', [x / 4 for x in range(-16, 9)]),
    'per_month': ('Entries an account has in a month', 'entries', list(range(0, 101, 4))),
    'gap': ('Days from one entry to the next', 'days', list(range(0, 32))),
    'payday': ('Day of the month on which a regular income comes', 'day', list(range(1, 33))),
    'income_gap': ('Days from one payment of a regular income to the next', 'days', list(range(0, 64, 2))),
    'regular_share': ('How much of an account\'s income is regular', 'share', [x / 20 for x in range(22)]),
    'balance': ('Balance at the end of a month', 'months of income', [x / 2 for x in range(-4, 41)]),
}


class Entry:
    __slots__ = ('day', 'minor', 'credit', 'kind', 'payer', 'balance')

    def __init__(self, event):
        self.day = datetime.date.fromisoformat(event['booked_at'][:10]).toordinal()
        self.minor, self.credit, self.kind = event['amount_minor'], event['direction'] == 'CREDIT', event['kind']
        self.payer, self.balance = event.get('counterparty_id'), event.get('balance_after_minor')


def read_bank(events):
    """account -> its entries in order. What was booked twice (an id seen before) or not at all counts once or not."""
    accounts, seen = collections.defaultdict(list), set()
    for event in events:
        if event['status'] == 'POSTED' and event['account_type'] == 'CURRENT' and event['event_id'] not in seen:
            seen.add(event['event_id'])
            accounts[event['account_id']].append(Entry(event))
    for entries in accounts.values():
        entries.sort(key=lambda e: e.day)
    return accounts


def real_events(folder):
    return (berka.transaction(row) for row in berka.rows(folder))


def simulated_events(segue, world, seed, folder):
    path = folder / f'realism-{world}.ndjson'
    subprocess.run([segue, 'simulate', '--world', world, '--seed', str(seed), '--customers', str(CUSTOMERS), '--days', str(DAYS),
                    '--start', '2025-01-01', '--out', path, '--truth', folder / 'realism.truth'], check=True,
                   stderr=subprocess.DEVNULL)
    with open(path, encoding='utf-8') as lines:
        for line in lines:
            record = json.loads(line)
            if record['source'] == 'transactions':
                yield record['event']
    path.unlink()


def regular(entries):
    """Credits of one payer, three or more, within a tenth of their median, no two within six days: a regular income."""
    groups, out = collections.defaultdict(list), []
    for entry in entries:
        if entry.credit and entry.payer and entry.kind != 'CARD':
            groups[entry.payer].append(entry)
    for group in groups.values():
        middle = statistics.median(e.minor for e in group)
        like = [e for e in group if abs(e.minor - middle) * 10 <= middle]
        apart = [b.day - a.day for a, b in zip(like, like[1:])]
        if len(like) >= 3 and min(apart) >= 6:
            out.append(like)
    return out


def measure(accounts):
    """name -> values, and name -> one number, over accounts with ninety days of history and three credits."""
    found, kinds, steady = {name: [] for name in DISTRIBUTIONS}, collections.Counter(), 0
    judged = 0
    for entries in accounts.values():
        span = entries[-1].day - entries[0].day
        income = sum(e.minor for e in entries if e.credit)
        if span < 90 or income == 0 or sum(e.credit for e in entries) < 3:
            continue
        judged += 1
        month = income * 30.4 / span
        series = regular(entries)
        steady += bool(series)
        found['regular_share'].append(min(1.0, sum(e.minor for group in series for e in group) / income))
        for group in series:
            found['payday'] += [datetime.date.fromordinal(e.day).day for e in group]
            found['income_gap'] += [b.day - a.day for a, b in zip(group, group[1:])]
        found['gap'] += [b.day - a.day for a, b in zip(entries, entries[1:])]
        months = collections.defaultdict(list)
        for entry in entries:
            found['credits' if entry.credit else 'debits'].append(math.log10(max(entry.minor, 1) / month))
            kinds[entry.kind] += 1
            months[datetime.date.fromordinal(entry.day).replace(day=1)].append(entry)
        for _, group in sorted(months.items())[1:-1]:  # whole months
            found['per_month'].append(len(group))
            if group[-1].balance is not None:
                found['balance'].append(group[-1].balance / month)
    total = sum(kinds.values())
    numbers = {'accounts judged': judged, 'accounts with a regular income': steady / max(judged, 1)}
    numbers.update({f'entries of kind {kind}': kinds[kind] / max(total, 1)
                    for kind in ('CARD', 'CASH', 'TRANSFER', 'STANDING_ORDER', 'DIRECT_DEBIT', 'INTEREST', 'FEE', 'OTHER')})
    return found, numbers


def distance(a, b):
    """Kolmogorov-Smirnov: the widest gap between the two shares below a value."""
    a, b = sorted(a), sorted(b)
    i = k = 0
    widest = 0.0
    while i < len(a) and k < len(b):
        value = min(a[i], b[k])
        while i < len(a) and a[i] <= value:
            i += 1
        while k < len(b) and b[k] <= value:
            k += 1
        widest = max(widest, abs(i / len(a) - k / len(b)))
    return widest


def shares(values, edges):
    """Share of the values in each bin; what lies outside counts in the first or last."""
    counts = [0] * (len(edges) - 1)
    for value in values:
        place = sum(value >= edge for edge in edges[1:-1])
        counts[place] += 1
    return [count / max(len(values), 1) for count in counts]


def quantiles(values):
    values = sorted(values)
    return ' / '.join(f'{values[min(len(values) - 1, int(len(values) * q))]:.2f}' for q in (0.1, 0.5, 0.9)) if values else '-'


def table(banks, out):
    names = list(banks)
    out.write('| statistic | ' + ' | '.join(f'{n}: 10 % / median / 90 %' for n in names) +
              ' | ' + ' | '.join(f'distance of {n}' for n in names[1:]) + ' |\n|---' * 1 + '|---' * (2 * len(names) - 1) + '|\n')
    for name, (title, axis, _) in DISTRIBUTIONS.items():
        row = [quantiles(banks[n][0][name]) for n in names]
        row += [f'{distance(banks[names[0]][0][name], banks[n][0][name]):.2f}' for n in names[1:]]
        out.write(f'| {title} ({axis}) | ' + ' | '.join(row) + ' |\n')
    out.write('\n| share | ' + ' | '.join(names) + ' |\n|---' + '|---' * len(names) + '|\n')
    for name in banks[names[0]][1]:
        values = [banks[n][1][name] for n in names]
        out.write(f'| {name} | ' + ' | '.join(str(v) if isinstance(v, int) else f'{v:.3f}' for v in values) + ' |\n')


def write_page(folder, banks, seed):
    folder.mkdir(parents=True, exist_ok=True)
    words = (pathlib.Path(__file__).parent / 'realism.head.md').read_text(encoding='utf-8')
    with open(folder / 'realism.md', 'w', encoding='utf-8') as out:
        out.write(words.replace('SEED', str(seed)).replace('CUSTOMERS', str(CUSTOMERS)).replace('DAYS', str(DAYS)))
        table(banks, out)
        for name, (title, axis, edges) in DISTRIBUTIONS.items():
            curves = {bank: shares(found[name], edges) for bank, (found, _) in banks.items()}
            (folder / f'realism_{name}.svg').write_text(plot.steps(title, axis, edges, curves), encoding='utf-8')
            out.write(f'\n![{title}](realism_{name}.svg)\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('segue')
    parser.add_argument('work', type=pathlib.Path)
    parser.add_argument('--seed', type=int, default=7)
    parser.add_argument('--page', type=pathlib.Path, help='write realism.md and its plots into this folder')
    args = parser.parse_args()
    data = pathlib.Path(os.environ.get('SEGUE_SHARED', ''), 'data/berka_pkdd99')
    if not data.is_dir():
        print('skipped: the Berka data is not here (SEGUE_SHARED names the folder with data/berka_pkdd99)')
        sys.exit(77)
    args.work.mkdir(parents=True, exist_ok=True)
    banks = {'Berka': measure(read_bank(real_events(data)))}
    for world in WORLDS:
        banks[f'LifeSim {world}'] = measure(read_bank(simulated_events(args.segue, world, args.seed, args.work)))
        for name in DISTRIBUTIONS:
            print(f'realism_{name}_{world}: {distance(banks["Berka"][0][name], banks[f"LifeSim {world}"][0][name]):.3f}')
    if args.page:
        write_page(args.page, banks, args.seed)


if __name__ == '__main__':
    main()
