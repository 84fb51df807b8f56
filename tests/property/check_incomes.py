#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every income has one class. usage: check_incomes.py SEGUE

The retail pack's classes (salary, pension, benefit, student_loan, own_transfer, interest, gig) over incomes of several
countries, one customer each. Law: of each the class that is expected is found, and no other; whatever rhythm a salary has, and
with no words at all, it is a salary. Prints one line a class; exits 1 and names the income when the law is broken.
"""
import collections
import datetime
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLASSES = {'salary': 'hits >= 3', 'pension': 'hits >= 3', 'benefit': 'hits >= 3', 'own_transfer': 'hits >= 3', 'interest': 'hits >= 3',
           'gig': None, 'student_loan': None}
# class -> (name, reference, kind)
INCOMES = {
    'salary': [('ACME LTD', 'SALARY', 'TRANSFER'), ('ACME LTD', None, 'TRANSFER'), ('NHS TRUST', 'WAGES', 'TRANSFER'),
               ('WERBEAGENTUR HUBER GMBH', 'LOHN GEHALT 07', 'TRANSFER'), (None, None, 'TRANSFER'), ('SOCIETE X', 'SALAIRE', 'OTHER')],
    'pension': [('DWP STATE PENSION', 'SP', 'TRANSFER'), ('RENTENVERSICHERUNG BUND', 'RENTE', 'TRANSFER'), ('FUND', 'ANNUITY', 'OTHER'),
                (None, 'DUCHOD', 'TRANSFER'), ('NRA SUPERANN', '00812 PEN', 'TRANSFER'), ('PENSIONSKASSE', 'BETRIEBSRENTE', 'TRANSFER')],
    'benefit': [('DWP JSA', 'BENEFIT', 'TRANSFER'), ('DWP', 'UNIVERSAL CREDIT', 'TRANSFER'), ('DEPT SOC PROT', 'JSB 0092213', 'TRANSFER'), ('HMRC', 'CHILD BENEFIT', 'TRANSFER'),
                ('BUNDESAGENTUR FUER ARBEIT', 'ALG I', 'TRANSFER'), ('FAMILIENKASSE', 'KINDERGELD', 'TRANSFER')],
    'student_loan': [('STUDENT LOANS CO', 'SLC', 'TRANSFER'), ('BAFOEG AMT', 'BAFOEG', 'TRANSFER'), ('STUDENT FINANCE', None, 'TRANSFER')],
    'own_transfer': [('OWN SAVINGS 3', 'SAVINGS', 'STANDING_ORDER'), ('EIGENES SPARKONTO', 'UMBUCHUNG', 'TRANSFER'),
                     ('A SMITH', 'FROM MYSELF', 'TRANSFER'), ('ME RAISIN SAVE', None, 'TRANSFER')],
    'interest': [(None, None, 'INTEREST'), ('THE BANK', 'INTEREST', 'OTHER'), ('BANK', 'ZINSEN', 'TRANSFER')],
    'gig': [('UBER', 'WEEKLY PAYOUT', 'TRANSFER'), ('DELIVEROO', None, 'TRANSFER'), ('KLEINMARKT', 'AUSZAHLUNG', 'TRANSFER')],
}
START = datetime.date(2025, 1, 6)


def days_of(kind):
    if kind == 'student_loan':
        return [START + datetime.timedelta(n) for n in (0, 110, 250)]
    if kind == 'gig':  # no rhythm
        return [START + datetime.timedelta(n) for n in (0, 5, 9, 17, 30, 41, 44, 58, 63, 80)]
    return [datetime.date(2025, month, 24) for month in range(1, 9)]


def events():
    """(customer, class, its income) and the transactions."""
    who, out = {}, []
    for kind, incomes in INCOMES.items():
        for place, (name, reference, form) in enumerate(incomes):
            customer = f'{kind}-{place}'
            who[customer] = kind
            for i, day in enumerate(days_of(kind)):
                amount = 4100 + (i * 7919) % 9000 if kind == 'gig' else 190037 + (i % 2) * 1300
                event = {'event_id': f'{customer}-{i}', 'customer_id': customer, 'account_id': customer, 'account_type': 'CURRENT',
                         'booked_at': f'{day}T08:00:00Z', 'amount_minor': amount, 'currency': 'GBP', 'direction': 'CREDIT',
                         'status': 'POSTED', 'kind': form, 'counterparty_id': f'payer-{customer}', 'channel': 'AUTOMATIC'}
                event.update({key: value for key, value in (('counterparty_name', name), ('reference', reference)) if value})
                out.append((event['booked_at'], event))
    return who, [event for _, event in sorted(out, key=lambda pair: pair[0])]


def playbook(folder):
    shutil.copy(ROOT / 'config/playbooks/retail/life/features.yaml', folder / 'pack.yaml')
    (folder / 'playbook.yaml').write_text('currency: GBP\nzone: Europe/London\n', encoding='utf-8')
    when = {name: f'f.{name}.{condition}' for name, condition in CLASSES.items() if condition}
    when['gig'], when['student_loan'] = 'f.gig_90d >= 3', 'f.student_loan > 0'
    (folder / 'found.yaml').write_text('life_events:\n' + ''.join(f"  found.{name}: {{when: '{text}'}}\n" for name, text in when.items()),
                                       encoding='utf-8')


def main():
    who, stream = events()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / 'playbook').mkdir()
        playbook(folder / 'playbook')
        path = folder / 'events.ndjson'
        path.write_text(''.join(json.dumps({'source': 'transactions', 'event': event}) + '\n' for event in stream), encoding='utf-8')
        run = subprocess.run([sys.argv[1], 'backtest', '--playbook', folder / 'playbook', '--events', path], check=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found = collections.defaultdict(set)
    for line in run.stdout.splitlines():
        value = json.loads(line)['value']
        if value.get('state') == 'CONFIRMED':
            found[value['customer_id']].add(value['life_event'].removeprefix('found.'))
    bad = [f'{customer} {INCOMES[kind][int(customer.rsplit("-", 1)[1])]}: {sorted(found[customer])}'
           for customer, kind in who.items() if found[customer] != {kind}]
    for kind, incomes in INCOMES.items():
        print(f'income_{kind}: {len(incomes)} incomes')
    for line in bad:
        print('not of its class alone:', line)
    sys.exit(1 if bad else 0)


main()
