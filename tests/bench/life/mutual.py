# SPDX-License-Identifier: Apache-2.0
"""A second bank that knows nothing of LifeSim nor of the detectors: an Irish mutual, in euro, as its own data engineer would export it.

    mutual.py BANK TRUTH SEED CUSTOMERS [DAYS]       writes two files: events in the order of arrival; what happened to whom

It was written from the input's schemas and the list of events alone, before anybody who wrote it had read a playbook, a detector, LifeSim or
foreign.py. What is particular to it: merchant codes on most card payments and no other category; statement names cut at 25 to 27
characters; payers without an account id for a fifth; state benefits all from one payer; fortnightly, four-weekly and weekly pay beside
monthly, shifts with overtime; a current account, savings and a credit card that is paid off by direct debit; bookings that come late,
twice, pending first or taken back. Deterministic by seed.
"""
import datetime
import json
import pathlib
import random
import sys

import mutual_calendar as calendar
import mutual_decoys as decoys
import mutual_money as money
import mutual_people as people
from mutual_calendar import DAY

LIFE_SHARE, DECOY_SHARE = 0.38, 0.20            # of all customers; the others only live
TYPES = {'C': 'CURRENT', 'S': 'SAVINGS', 'V': 'CREDIT_CARD', 'J': 'CURRENT'}
NOW = datetime.timezone.utc


def roles(seed, count):
    """What each customer is to live through: every event and decoy equally often, the order by the seed."""
    lives = round(count * LIFE_SHARE)
    looks = round(count * DECOY_SHARE)
    deck = [list(money.LIVES)[index % len(money.LIVES)] for index in range(lives)]
    deck += [list(decoys.DECOYS)[(index + seed) % len(decoys.DECOYS)] for index in range(looks)]
    deck += [None] * (count - len(deck))
    random.Random(f'mutual roles {seed}').shuffle(deck)
    return deck


def write_flows(person):
    """Book everything that recurs."""
    rng = person.rng
    for flow in person.flows.values():
        for day in flow.dates():
            amount = flow.level(day)
            if flow.jitter:
                amount *= max(0.4, rng.gauss(1, flow.jitter))
            fields = dict(flow.fields)
            own = fields.pop('own', None)
            account = fields.pop('account', 'C')
            if rng.random() < 0.004 and not flow.pay:            # not every bill is taken each time
                continue
            person.book(day, amount, 'CREDIT' if flow.pay else 'DEBIT', account=account, **fields)
            if own:                                              # the other side is here too
                person.book(day, amount, 'CREDIT' if not flow.pay else 'DEBIT', account=own, kind='TRANSFER',
                            counterparty_name=person.other_self(), counterparty_id=f'{person.cid}-C', channel='AUTOMATIC')


def drain(person, balance):
    """What somebody who leaves takes along that day."""
    today = [one for one in person.drain if one[0] == balance['day']]
    for _, share, text, own in today:
        if balance['C'] > 10000:
            amount = int(balance['C'] * share)
            yield [balance['day'], 80000, amount, 'DEBIT', 'C', {
                'kind': 'TRANSFER', 'counterparty_name': person.other_self() if own else text or 'REVOLUT', 'reference': text,
                'counterparty_id': people.stable(person.cid + 'elsewhere'), 'channel': 'ONLINE'}]


def sweep(person, balance, last):
    """Own money between current account, savings and credit card at the end of a day."""
    day = balance['day']
    sinking = person.sinking and person.sinking[0] <= day <= person.sinking[1]
    quiet = any(start <= day <= end for start, end in person.quiet)
    if day.day == 22 and balance['V'] < 0:
        due = -balance['V'] if not sinking else max(2500, int(-balance['V'] * 0.03))
        yield [day, 79000, due, 'DEBIT', 'C', {'kind': 'DIRECT_DEBIT', 'counterparty_name': 'MUTUAL VISA', 'counterparty_id': f'{person.cid}-V', 'channel': 'AUTOMATIC'}]
        yield [day, 79001, due, 'CREDIT', 'V', {'kind': 'TRANSFER', 'counterparty_name': 'PAYMENT THANK YOU', 'counterparty_id': f'{person.cid}-C', 'channel': 'AUTOMATIC'}]
    if quiet or (day - last['sweep']).days < 6:
        return
    amount, source, target = 0, 'S', 'C'
    if balance['C'] < 0 and not sinking and balance['S'] > 5000:
        amount = min(balance['S'], -balance['C'] + person.rng.randrange(2, 9) * 10000)
    elif balance['C'] > 2.6 * person.net and balance['C'] < 5 * person.net and day.day > 20:
        amount, source, target = int(balance['C'] * 0.35), 'C', 'S'
    if amount > 0:
        last['sweep'] = day
        for account, direction, other in ((source, 'DEBIT', target), (target, 'CREDIT', source)):
            yield [day, 80000, amount, direction, account, {
                'kind': 'TRANSFER', 'counterparty_name': person.other_self(), 'counterparty_id': f'{person.cid}-{other}',
                'reference': 'OWN ACCOUNT', 'channel': 'MOBILE' if person.app else 'ONLINE'}]


def goes_without(person, booking, balance):
    """Is this purchase not made because the account is too low? Nobody but the sinking buys on as before."""
    if not booking[5].pop('everyday', False) or person.sinking and person.sinking[0] <= booking[0] <= person.sinking[1]:
        return False
    left = (balance['C'] + balance['V']) / person.net
    return person.rng.random() < (0.92 if left < -0.35 else 0.7 if left < 0 else 0.35 if left < 0.25 else 0)


def keep_accounts(person):
    """Walk through the days, move own money where people do, and note every balance."""
    if person.sinking:                                           # money leaks until the overdraft is a habit
        start, end = person.sinking
        for day in calendar.days(('weekly', 5, 0), start, end):
            person.book(day, person.net * person.rng.uniform(0.05, 0.13), 'DEBIT', kind='ATM', channel='ATM', mcc=6011,
                        merchant_name=f'ATM {person.town}', merchant_country='IE')
    by_day = {}
    for booking in person.bookings:
        by_day.setdefault(booking[0], []).append(booking)
    balance = {'C': int(person.net * person.rng.uniform(0.15, 1.2)), 'S': int(person.savings), 'V': 0, 'J': 30000}
    last = {'sweep': people.START}
    kept, day = [], people.START
    while day <= people.END:
        balance['day'] = day
        todays = sorted(by_day.get(day, ()), key=lambda booking: booking[1])
        for batch in (lambda: todays, lambda: drain(person, balance), lambda: sweep(person, balance, last)):
            for booking in list(batch()):
                if goes_without(person, booking, balance):
                    continue
                balance[booking[4]] += booking[2] if booking[3] == 'CREDIT' else -booking[2]
                kept.append((booking, balance[booking[4]]))
        day += DAY
    person.bookings = kept


def stamp(day, second):
    """A moment in milliseconds since 1970."""
    return int(datetime.datetime(day.year, day.month, day.day, tzinfo=NOW).timestamp() + second) * 1000


def records(person):
    """The bank's export of a customer: [(arrival, line)]."""
    rng = person.rng
    for number, ((day, second, amount, direction, account, fields), balance) in enumerate(person.bookings):
        at = stamp(day, second)
        record = {'event_id': f'{person.cid}.{number}', 'customer_id': person.cid, 'account_id': f'{person.cid}-{account}', 'account_type': TYPES[account],
                  'booked_at': at, 'amount_minor': amount, 'currency': 'EUR', 'direction': direction, 'status': 'POSTED'}
        record.update({key: value for key, value in fields.items() if value is not None})
        if account != 'V':
            record['balance_after_minor'] = balance
        if record['kind'] == 'CARD' and rng.random() < 0.06:     # another processor hands on no code
            record.pop('mcc', None)
        arrival = at
        if rng.random() < 0.006:
            arrival += rng.randrange(1, 60) * 3600 * 1000        # a branch's batch came late
        if record['kind'] == 'CARD' and direction == 'DEBIT' and rng.random() < 0.3:
            hold = dict(record, event_id=record['event_id'] + 'p', status='PENDING', booked_at=at - 40000)
            hold.pop('balance_after_minor', None)
            yield at - 40000, 'transactions', hold
            record['reverses'] = hold['event_id']
        yield arrival, 'transactions', record
        if rng.random() < 0.004:
            yield arrival + rng.randrange(1, 7200) * 1000, 'transactions', record
        if record['kind'] in ('CARD', 'DIRECT_DEBIT') and direction == 'DEBIT' and rng.random() < 0.003:
            back = dict(record, event_id=record['event_id'] + 'r', status='REVERSED', reverses=record['event_id'], booked_at=at + 86400000)
            back.pop('balance_after_minor', None)
            yield arrival + 86400000, 'transactions', back


def profile(person, day, town, flags):
    """The customer's profile as the bank holds it on that day."""
    born = people.START.replace(year=people.START.year - person.age) - person.born * DAY
    record = {'customer_id': person.cid, 'updated_at': stamp(day, 3 * 3600), 'country': 'IE', 'region': town, 'timezone': 'Europe/Dublin',
              'relationship_since': str(people.START - person.since * DAY), 'products_held': ['CURRENT', 'SAVINGS'], 'vulnerability': flags}
    if person.dated:
        record['birth_date'] = str(born)
    return stamp(day, 3 * 3600), 'customer-profiles', record


def surroundings(person):
    """Profiles and what is done in the app."""
    rng = person.rng
    person.born, person.since, person.dated = rng.randrange(1, 364), rng.randrange(200, 6000), rng.random() < 0.9
    town, flags = person.town, []
    yield profile(person, people.START, town, flags)
    for day, kind, value in sorted([(day, 'region', value) for day, value in person.region] + [(day, 'flag', value) for day, value in person.flags]):
        town, flags = (value, flags) if kind == 'region' else (town, flags + [value])
        if day <= people.END:
            yield profile(person, day, town, flags)
    day, number = people.START, 0
    while day <= people.END and person.app:
        if rng.random() < person.app / 30.4 and not any(start <= day <= end for start, end in person.quiet):
            at = stamp(day, rng.randrange(7 * 3600, 23 * 3600))
            yield at, 'app-engagement', {'event_id': f'{person.cid}.a{number}', 'customer_id': person.cid, 'occurred_at': at, 'event': 'login', 'screen': 'home', 'channel': 'MOBILE_APP', 'success': True}
            number += 1
        day += DAY
    for index, (day, event, product) in enumerate(person.screens):
        at = stamp(day, 20 * 3600)
        if day >= people.START:
            yield at, 'app-engagement', {'event_id': f'{person.cid}.s{index}', 'customer_id': person.cid, 'occurred_at': at, 'event': event, 'screen': 'calculators', 'product': product, 'channel': 'MOBILE_APP'}


def live(seed, number, role):
    """One customer's whole life."""
    person = people.Person(seed, number, role)
    {**money.LIVES, **decoys.DECOYS}.get(role, people.worker)(person)
    people.spend(person)
    write_flows(person)
    keep_accounts(person)
    return person


def truth_lines(person, last):
    """The truth file's lines of a customer, of what could be known by `last`."""
    for kind, happened, known, implied in person.truths:
        if known <= last:
            yield truth_line(person, kind, happened, known, None, implied)
    for name, looks_like, start, end in person.decoys:
        for kind in looks_like.split():                          # a detection is judged until 120 days after it could be known
            yield truth_line(person, kind, start, max(start, end - 120 * DAY), name, False)


def truth_line(person, kind, happened, known, decoy, implied):
    """One line of the truth file."""
    return json.dumps({'customer_id': person.cid, 'life_event': kind, 'happened_at': str(happened), 'knowable_at': str(known),
                       'decoy': decoy, 'implied': implied})


def write(bank, truth, seed, customers, days=people.DAYS):
    """Write the bank of one seed: the first `days` of it, at most people.DAYS."""
    if not 0 < int(days) <= people.DAYS:
        raise ValueError(f'the mutual lives {people.DAYS} days, not {days}')
    last = people.START + (int(days) - 1) * DAY
    until, lines, truths = stamp(last + DAY, 0), [], []
    for number, role in enumerate(roles(int(seed), int(customers))):
        person = live(int(seed), number, role)
        truths += truth_lines(person, last)
        for source in (records(person), surroundings(person)):
            lines += [(at, person.cid, json.dumps({'source': name, 'event': event}, separators=(',', ':')))
                      for at, name, event in source if at < until]
    lines.sort(key=lambda line: line[:2])
    pathlib.Path(bank).write_text(''.join(line + '\n' for _, _, line in lines), encoding='utf-8')
    pathlib.Path(truth).write_text(''.join(line + '\n' for line in truths), encoding='utf-8')


if __name__ == '__main__':
    write(*sys.argv[1:])
