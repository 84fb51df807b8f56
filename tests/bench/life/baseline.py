# SPDX-License-Identifier: Apache-2.0
"""The naive detector: what a week of SQL would give. A salary is a credit that came twice from one payer on the same day of
the month, a life event is a merchant category seen often enough. One pass over the events in their order; no state expires."""
import collections
import datetime
import json

from score import Detection, day_of

SALARY_SHARE, SILENT_DAYS, STOP_DAYS = 0.4, 90, 45
CATEGORIES = {  # type: (codes, how many payments, smallest in months of income)
    'baby': ((5641,), 2, 0), 'childcare.started': ((8351,), 2, 0), 'wedding.planned': ((5944,), 1, 0.2),
    'separation': ((8111,), 1, 0), 'bereavement': ((7261,), 1, 0), 'home.moving': ((4214, 4225, 5712), 1, 0),
    'car.purchase': ((5511, 5521), 1, 0), 'student.start': ((8220,), 1, 0), 'debt.stress': ((7995, 6051, 5933), 3, 0)}


class Customer:
    def __init__(self):
        self.income = collections.defaultdict(list)  # payer -> [(day, minor)]
        self.seen = collections.Counter()
        self.credits, self.clients, self.persons = [], set(), collections.Counter()
        self.told, self.first, self.active, self.debit = set(), None, None, None
        self.payer, self.pay, self.birth = None, None, None

    def monthly(self, day):
        recent = [minor for at, minor in self.credits if day - 90 <= at < day]
        return sum(recent) / 3 if recent else 0


def same_date(a, b):
    a, b = datetime.date.fromordinal(a).day, datetime.date.fromordinal(b).day
    return min(abs(a - b), 30 - abs(a - b)) <= 3


def salary(one, tx, day, tell):
    payer = tx.get('counterparty_id')
    past = one.income[payer]
    if past and same_date(past[-1][0], day) and day - past[-1][0] > 20:
        if 'pension' in json.dumps(tx).lower() or 'rente' in json.dumps(tx).lower():
            tell('retirement.started', day)
        elif one.payer is None and day - one.first > 60:
            tell('salary.first', day)
        elif one.payer not in (None, payer):
            tell('job.changed', day)
        elif one.payer == payer and tx['amount_minor'] > past[-1][1] * 1.08:
            tell('pay.rise', day)
        elif one.payer == payer and tx['amount_minor'] < past[-1][1] * 0.7:
            tell('income.drop', day)
        if tx['amount_minor'] > SALARY_SHARE * one.monthly(day):
            one.payer, one.pay = payer, day
    past.append((day, tx['amount_minor']))


def transaction(one, tx, day, tell):
    minor, code = tx['amount_minor'], tx.get('mcc')
    if tx['direction'] == 'CREDIT':
        if minor > 6 * max(one.monthly(day), 1) and day - one.first > 60:
            tell('windfall', day)
        if tx.get('counterparty_id'):
            salary(one, tx, day, tell)
            one.persons[tx['counterparty_id']] += tx['kind'] == 'STANDING_ORDER'
            if one.persons[tx['counterparty_id']] == 2:
                tell('household.joint', day)
            one.clients.add(tx['counterparty_id'])
            if len(one.clients) == 5:
                tell('business.started', day)
        one.credits.append((day, minor))
    else:
        if tx['kind'] == 'DIRECT_DEBIT':
            if one.debit is not None and day - one.debit > STOP_DAYS:
                tell('leaving', day)
            one.debit = day
        if 'mortgage' in (tx.get('counterparty_name') or '').lower() and one.first and day - one.first > 60:
            tell('home.purchase', day)
        for kind, (codes, times, share) in CATEGORIES.items():
            if code in codes and minor >= share * one.monthly(day):
                one.seen[kind] += 1
                if one.seen[kind] == times:
                    tell(kind, day)


def detect(path):
    customers, out = collections.defaultdict(Customer), []
    ids = set()
    with open(path, encoding='utf-8') as lines:
        for line in lines:
            record = json.loads(line)
            event = record['event']
            one = customers[event['customer_id']]
            if record['source'] == 'customer-profiles':
                born = event.get('birth_date')      # not every bank knows it of everybody
                one.birth = day_of(born) if born else None
                continue

            def tell(kind, day):
                if kind not in one.told:
                    one.told.add(kind)
                    out.append(Detection(event['customer_id'], kind, day, 1.0))

            if record['source'] != 'transactions':
                day = day_of(event['occurred_at'])
                if event.get('screen') == 'pension' and one.birth is not None and day - one.birth > 55 * 365:
                    tell('retirement.approaching', day)
                one.active = day
                continue
            if event['status'] != 'POSTED' or event['event_id'] in ids:
                continue
            ids.add(event['event_id'])
            day = day_of(event['booked_at'])
            one.first = one.first or day
            if event['kind'] not in ('INTEREST', 'FEE'):
                if one.active and day - one.active > SILENT_DAYS:
                    tell('account.reactivated', day)
                one.active = day
            elif one.active and day - one.active > SILENT_DAYS:
                tell('dormant', day)
            if one.payer and day - one.pay > STOP_DAYS:
                tell('job.lost', day)
                one.payer = None
            transaction(one, event, day, tell)
    return out
