# SPDX-License-Identifier: Apache-2.0
"""A fourth bank, written blind: a credit union in Manitoba, as its own data engineer would export it.

Written from the input's schemas, the list of events and their published signs alone, by somebody who had read no rule, no page
and no feature of the pack, not the engine, not LifeSim and no other generator. What it draws is public knowledge: pay every
other Friday, on the 15th and the last, by the week, by platforms; the words of federal deposits on Canadian statements (CANADA
CCB, GST, CPP/RPC, OAS/SV, EI/AE, RIT/RIF), student loans (NSLSC), public car insurance, Interac e-transfers, mortgages by the
fortnight, property tax in June, the tax refund in spring, TFSA and RRSP, accounts elsewhere.

An event counts when it left a trace here from which it could be known; `knowable` is the day of the trace that tells it (the
second pay of a new employer, the second missed one of an old). What another event brings along is implied: it may be said or
not. Bookings are late, doubled, pending, refunded. Seeds: 921 to look at, 922 held out.
"""
import datetime
import json
import random

import prairie_decoys
import prairie_lives
from prairie_book import Person, date
from prairie_people import settle

TRAIN, HELD_OUT = 921, 922
EVENTS, DECOYS = 0.42, 0.3


def member(seed, number, days):
    rng = random.Random(f'prairie {seed} {number}')
    one = Person(rng, number, days)
    settle(one)
    chance = rng.random()
    if chance < EVENTS:
        kinds = [kind for kind in prairie_lives.STORIES if prairie_lives.fits(one, kind)]
        if kinds:
            prairie_lives.STORIES[rng.choice(kinds)](one, rng.randrange(170, days - 140))
    elif chance < EVENTS + DECOYS:
        kinds = [kind for kind in prairie_decoys.STORIES if prairie_decoys.fits(one, kind)]
        if kinds:
            prairie_decoys.STORIES[rng.choice(kinds)](one, rng.randrange(170, days - 120))
    one.live()
    return one


def stamp(moment):
    return moment.strftime('%Y-%m-%dT%H:%M:%S.000Z')


def profile(one):
    rng = one.rng
    said = '2025-01-01T06:00:00Z'
    consent = [{'purpose': 'MARKETING', 'channel': 'EMAIL', 'status': rng.choice(('GRANTED', 'GRANTED', 'DENIED')),
                'lawful_basis': 'CONSENT', 'updated_at': said}]
    return {'customer_id': one.id, 'updated_at': said, 'country': 'CA', 'region': 'MB', 'timezone': 'America/Winnipeg',
            'birth_date': f'{one.born}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 28):02d}', 'employment_status': one.status,
            'dependants': one.dependants, 'relationship_since': f'{max(one.born + 16, rng.randrange(1995, 2025))}-03-01',
            'products_held': ['CURRENT'], 'consents': consent}


def events(one):
    """(moment, source, event) of one member."""
    out, rng, number = [], one.rng, 0
    out.append((datetime.datetime(2025, 1, 1, 6), 'customer-profiles', profile(one)))
    for moment, minor, balance, fields in one.book():
        number += 1
        moment += datetime.timedelta(hours=6)
        event = {'event_id': f'{one.id}-{number}', 'customer_id': one.id, 'account_id': f'{one.id}-CHQ', 'account_type': 'CURRENT',
                 'booked_at': stamp(moment), 'amount_minor': abs(minor), 'currency': 'CAD',
                 'direction': 'CREDIT' if minor > 0 else 'DEBIT', 'status': 'POSTED', 'balance_after_minor': balance, **fields}
        if rng.random() < 0.02:
            event.pop('balance_after_minor')
        if fields['kind'] == 'CARD' and rng.random() < 0.05:
            early = moment - datetime.timedelta(hours=20)
            out.append((early, 'transactions', {**event, 'status': 'PENDING', 'booked_at': stamp(early)}))
        out.append((moment, 'transactions', event))
        if rng.random() < 0.003:
            out.append((moment + datetime.timedelta(minutes=3), 'transactions', event))
        if fields['kind'] == 'CARD' and rng.random() < 0.008:
            later = moment + datetime.timedelta(days=rng.randrange(2, 12))
            if (later.date() - date(0)).days < one.days:
                back = {**event, 'event_id': f'{one.id}-{number}r', 'direction': 'CREDIT', 'booked_at': stamp(later)}
                back.pop('balance_after_minor', None)
                out.append((later, 'transactions', back))
    for index, (day, name, screen, product) in enumerate(one.apps):
        moment = datetime.datetime.combine(date(day), datetime.time(rng.randrange(12, 23), rng.randrange(60)))
        event = {'event_id': f'{one.id}-a{index}', 'customer_id': one.id, 'occurred_at': stamp(moment), 'event': name, 'screen': screen,
                 'channel': 'MOBILE_APP', 'session_id': f'{one.id}-s{day}', 'success': True}
        out.append((moment, 'app-engagement', {**event, 'product': product} if product else event))
    return out


def write(bank, truth, seed, customers, days):
    """The events of all in the order of time, and the truth."""
    rows, told = [], []
    for number in range(1, customers + 1):
        one = member(int(seed), number, days)
        rows += events(one)
        told += [(one.id, *line) for line in one.truths]
    rows.sort(key=lambda row: row[0])
    with open(bank, 'w', encoding='utf-8') as out:
        for _, source, event in rows:
            out.write(json.dumps({'source': source, 'event': event}) + '\n')
    with open(truth, 'w', encoding='utf-8') as out:
        for who, kind, happened, known, decoy, implied in told:
            out.write(json.dumps({'customer_id': who, 'life_event': kind, 'happened_at': date(happened).isoformat(),
                                  'knowable_at': date(known).isoformat(), 'decoy': decoy, 'implied': implied}) + '\n')
