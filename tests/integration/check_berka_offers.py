#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do offers come earlier to those who then took the product? usage: check_berka_offers.py SEGUE WORK_DIR

Real accounts (Berka, PKDD'99; the first 15 months, 1,229 accounts; loans and cards are known to 1998). For each account that took a loan (a card) within a year, the
engine decides on the day before, at the latest at the end of the data, from what the account had shown until then; and on the same day for an account that
never took one, opened in the same quarter and alive. Reported, whatever they are: how often the offer's place among four is earlier for the one who took it, and how
often its score is higher, with bootstrap intervals over the pairs. The rules were written before the outcomes were looked at. Nothing of the data is kept.
"""
import collections
import datetime
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
import berka  # noqa: E402

HORIZON, HISTORY, ALIVE, PLACES = 365, 60, 45, 5  # days; days; days; four offers, or none of them


def table(data, name):
    lines = pathlib.Path(data, name + '.asc').read_text(encoding='latin-1').split('\n')
    names = [field.strip('"') for field in lines[0].strip().split(';')]
    return [dict(zip(names, (field.strip('"') for field in line.strip().split(';')))) for line in lines[1:] if line.strip()]


def taken(data):
    """product -> account -> ordinal of the first day on which it was taken."""
    accounts = {row['disp_id']: row['account_id'] for row in table(data, 'disp')}
    out = {'loan': {}, 'card': {}}
    for product, account, date in ([('loan', r['account_id'], r['date']) for r in table(data, 'loan')] +
                                   [('card', accounts[r['disp_id']], r['issued'][:6]) for r in table(data, 'card')]):
        day = berka.days(date)
        out[product][account] = min(day, out[product].get(account, day))
    return out


def pairs_of(product, took, days_of, chance):
    """(taker, control, day of the decision): same quarter of opening, both alive, no control twice."""
    end = max(days[-1] for days in days_of.values())
    quarter = lambda account: (days_of[account][0] - datetime.date(1993, 1, 1).toordinal()) // 91  # noqa: E731
    shows = lambda account, day: days_of[account][0] <= day - HISTORY and any(day - ALIVE <= d < day for d in days_of[account])  # noqa: E731
    free = sorted(account for account in days_of if account not in took[product])
    chance.shuffle(free)
    out = []
    for account in sorted(set(took[product]) & set(days_of)):
        day = min(took[product][account], end)
        if took[product][account] > end + HORIZON or not shows(account, day):
            continue
        control = next((c for c in free if quarter(c) == quarter(account) and shows(c, day)), None)
        if control is not None:
            free.remove(control)
            out.append((account, control, day))
    return out


def events_of(pairs, rows_of):
    """What each of the two had shown before the day; then a login on it."""
    for number, pair in enumerate(pairs):
        for side, account in zip('tc', pair[:2]):
            name = f'{side}{number}'
            noon = datetime.datetime.combine(datetime.date.fromordinal(pair[2]), datetime.time(12), datetime.timezone.utc).isoformat()
            earlier = noon.replace('T12', 'T11')
            consent = {'purpose': 'MARKETING', 'channel': 'EMAIL', 'status': 'GRANTED', 'lawful_basis': 'CONSENT', 'updated_at': earlier}
            for row in rows_of[account]:
                if berka.days(row['date']) < pair[2]:
                    yield berka.days(row['date']), 0, 'transactions', {**berka.transaction(row), 'customer_id': name}
            yield pair[2], 1, 'customer-profiles', {'customer_id': name, 'updated_at': earlier, 'complaint_open': False, 'vulnerability': [], 'consents': [consent]}
            yield pair[2], 2, 'app-engagement', {'customer_id': name, 'event_id': name, 'event': 'login', 'occurred_at': noon}


def places(segue, product, events):
    """customer -> (place of the product's offer, its score)."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, 'events.ndjson')
        path.write_text(''.join(json.dumps({'source': s, 'event': e}) + '\n' for _, _, s, e in sorted(events, key=lambda e: e[:2])))
        run = subprocess.run([segue, 'backtest', '--quiet', '--playbook', ROOT / 'tests/playbooks/berka_offers', '--events', path], check=True,
                             capture_output=True, text=True)
    out = {}
    for line in run.stdout.splitlines():
        record = json.loads(line)
        if record['topic'] == 'segue.offers':
            ranked = [(place, o['score']) for place, o in enumerate(record['value']['offers'], 1) if o['offer_id'] == product]
            out[record['value']['customer_id']] = ranked[0] if ranked else (PLACES, 0.0)
    return out


def share(signs, chance):
    """Of pairs in which the taker comes first, ties half; and the middle 95 % of 2,000 bootstraps."""
    mean = lambda list_: sum((s + 1) / 2 for s in list_) / len(list_)  # noqa: E731
    means = sorted(mean(chance.choices(signs, k=len(signs))) for _ in range(2000))
    return f'{mean(signs):.3f} (95%: {means[50]:.3f} to {means[1949]:.3f})'


def main():
    segue = sys.argv[1]
    data = pathlib.Path(os.environ.get('SEGUE_SHARED', ROOT / '../shared'), 'data/berka_pkdd99')
    if not data.is_dir():
        print(f'skipped: no Berka data at {data}')
        raise SystemExit(77)
    rows_of, took = collections.defaultdict(list), taken(data)
    for row in berka.rows(data):
        rows_of[row['account_id']].append(row)
    days_of = {account: [berka.days(row['date']) for row in rows] for account, rows in rows_of.items()}
    for product in ('loan', 'card'):
        chance = random.Random(20261130)
        pairs = pairs_of(product, took, days_of, chance)
        found = places(segue, product, events_of(pairs, rows_of))
        assert len(found) == 2 * len(pairs) and len(pairs) >= 30, f'{product}: {len(found)} decisions for {len(pairs)} pairs'
        order = lambda a, b: (a < b) - (a > b)  # noqa: E731
        both = [(found[f't{n}'], found[f'c{n}']) for n in range(len(pairs))]
        print(f'berka_{product}_pairs: {len(pairs)}')
        print(f'berka_{product}_place: taker {sum(t[0] for t, _ in both) / len(both):.2f}, other {sum(c[0] for _, c in both) / len(both):.2f}')
        print(f'berka_{product}_earlier: {share([order(t[0], c[0]) for t, c in both], chance)}')
        print(f'berka_{product}_higher_score: {share([-order(t[1], c[1]) for t, c in both], chance)}')


main()
