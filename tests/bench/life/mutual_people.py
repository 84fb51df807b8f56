# SPDX-License-Identifier: Apache-2.0
"""Customers of an Irish mutual: who they are, what they earn, owe and buy when nothing happens to them.

A person is a set of flows (what recurs: pay, rent, bills; each with its calendar and its end) and of single bookings. The life events of
mutual_lives.py and the look-alikes of mutual_decoys.py only end flows, begin others and add bookings; nothing is written before all is planned.
"""
import datetime
import hashlib
import random

import mutual_calendar as calendar
from mutual_calendar import DAY

DAYS = 600
START = datetime.date(2024, 1, 1)
END = START + (DAYS - 1) * DAY
TOWNS = ('GALWAY', 'CORK', 'DUBLIN 8', 'ATHLONE', 'SLIGO', 'TRALEE', 'NAAS', 'ENNIS', 'DUNDALK', 'WEXFORD')
FIRST = ('Aoife', 'Sean', 'Niamh', 'Conor', 'Ciara', 'Padraig', 'Orla', 'Declan', 'Sinead', 'Eoin', 'Marta', 'Piotr', 'Fatima', 'Joao',
         'Grainne', 'Cathal', 'Deirdre', 'Liam', 'Roisin', 'Tadhg')
LAST = ('Murphy', 'Kelly', 'Byrne', 'Walsh', 'Doyle', 'Nolan', 'Brennan', 'Kavanagh', 'Nowak', 'Silva', 'Quinn', 'Moran', 'Lynch',
        'Foley', 'Hayes', 'Keane', 'Dunne', 'Casey', 'Healy', 'Burke')
HEADS = ('CORRIB', 'SHANNON', 'BOYNE', 'LIFFEY', 'BURREN', 'SLIEVE', 'ATLANTIC', 'MUNSTER', 'OAKWOOD', 'KILBRIDE', 'HARBOUR', 'CELTIC',
         'EMERALD', 'NORTHSIDE', 'LOUGH REE')
TRADES = ('PRECISION ENG', 'FOODS', 'LOGISTICS', 'HOTELS', 'PHARMA', 'SOFTWARE', 'RETAIL', 'NURSING HOMES', 'CONSTRUCTION', 'MEDICAL DEVICES',
          'DAIRIES', 'SECURITY', 'CATERING', 'ETB', 'ACCOUNTING SERVICES')
SUFFIX = (' LTD', ' LTD', ' IRL LTD', ' DAC', ' GROUP', ' TEORANTA', '')
PUBLIC = ('HSE WEST PAYROLL', 'DEPT EDUCATION NSSO', 'COUNTY COUNCIL WAGES', 'AN GARDA NSSO', 'UNIVERSITY HOSPITAL')
SHOPS = (   # mcc, names, weight, from, to in cents
    (5411, ('SUPERVALU', 'TESCO STORES', 'DUNNES STORES', 'LIDL', 'ALDI STORES', 'CENTRA', 'SPAR'), 34, 600, 9500),
    (5541, ('CIRCLE K', 'APPLEGREEN', 'MAXOL'), 8, 2500, 8000),
    (5812, ('THE KINGS HEAD', 'BOMBAY PALACE', 'LA BODEGA', 'NANDOS'), 8, 1800, 8500),
    (5814, ('MCDONALDS', 'SUPERMACS', 'INSOMNIA', 'STARBUCKS', 'ZAMBRERO'), 14, 380, 1900),
    (5813, ('MURPHYS BAR', 'THE LOCAL', 'ONEILLS PUB'), 6, 600, 6000),
    (5651, ('PENNEYS', 'H&M', 'ZARA', 'RIVER ISLAND'), 4, 1500, 12000),
    (5912, ('BOOTS', 'MCCAULEY PHARMACY', 'LLOYDS PHARMACY'), 4, 500, 4500),
    (8011, ('DR O SHEA SURGERY', 'MEDICAL CENTRE'), 0.7, 5000, 7000),
    (8021, ('SMILES DENTAL',), 0.4, 5000, 18000),
    (4111, ('LEAP TOP UP', 'IRISH RAIL', 'BUS EIREANN'), 5, 500, 3000),
    (4121, ('FREE NOW', 'BOLT.EU'), 3, 800, 3000),
    (7832, ('OMNIPLEX', 'ODEON'), 1.5, 1100, 4000),
    (7230, ('PETER MARK', 'THE BARBER'), 1.2, 1500, 9000),
    (5200, ('WOODIES', 'B&Q'), 1.2, 1200, 12000),
    (5942, ('EASONS', 'DUBRAY BOOKS'), 1, 900, 4000),
    (5732, ('HARVEY NORMAN', 'CURRYS', 'DID ELECTRICAL'), 0.7, 3000, 60000),
    (5999, ('AMAZON.IE', 'TEMU.COM', 'ETSY'), 4, 900, 9000),
    (5995, ('PETMANIA', 'MAXI ZOO'), 0.8, 1200, 6000),
    (5944, ('FIELDS JEWELLERS', 'PANDORA'), 0.12, 4000, 18000),
    (5712, ('IKEA', 'EZ LIVING'), 0.25, 4000, 40000),
    (5641, ('SMYTHS BABY', 'MOTHERCARE'), 0.12, 1500, 6000),
    (5992, ('FLORIST ON THE SQUARE',), 0.3, 2500, 7000),
    (7995, ('PADDY POWER', 'LOTTO.IE'), 1.0, 500, 3000),
    (5533, ('HALFORDS', 'ADVANCE PITSTOP'), 0.5, 3000, 30000),
    (7299, ('POST OFFICE', 'CREDIT UNION HALL'), 0.6, 1000, 9000))
WEIGHTS = [shop[2] for shop in SHOPS]


def stable(text):
    """A counterparty's id at this bank: a hash of its account."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Flow:
    """What recurs: amount in cents on a calendar, between two days."""

    def __init__(self, pay, due, amount, **fields):
        self.pay, self.due, self.amount = pay, due, amount       # pay: does it come in?
        self.start, self.end = START, END
        self.jitter, self.steps, self.skip, self.only = 0.0, [], set(), None
        self.fields = fields
        self.xmas = False                                        # is December's pay early?

    def between(self, start, end):
        """Limit it to [start, end]."""
        self.start, self.end = start, end
        return self

    def monthly(self):
        """Its monthly amount, without steps."""
        return self.amount * calendar.PER_MONTH[self.due[0]]

    def level(self, day):
        """Its amount on that day, before noise."""
        amount = self.amount
        for since, factor in self.steps:
            if day >= since:
                amount = self.amount * factor
        return amount

    def dates(self):
        """The days on which it is booked."""
        found = calendar.days(self.due, self.start, self.end, -1 if self.pay else 1)
        return [datetime.date(day.year, 12, 19) if self.xmas and day.month == 12 and day.day > 19 and self.due[0] not in calendar.STRIDE
                else day for day in found if day not in self.skip]

    def after(self, day, count=1):
        """The `count`th due day after `day`, whether or not the flow has ended."""
        return calendar.days(self.due, day + DAY, day + 200 * DAY, -1 if self.pay else 1)[count - 1]


class Person:
    """One customer; the world's truth about him in `truths` and `decoys`."""

    def __init__(self, seed, number, role):
        self.rng = random.Random(f'mutual {seed} {number}')
        rng = self.rng
        self.cid = f'M{seed:03d}{number:05d}'
        self.role = role
        self.first, self.last = rng.choice(FIRST), rng.choice(LAST)
        self.town = rng.choice(TOWNS)
        self.age = rng.randrange(23, 60)
        self.flows, self.bookings, self.truths, self.decoys = {}, [], [], []
        self.quiet = []                              # [(from, to)]: no purchase, no login
        self.thrift = []                             # [(from, to, factor)] of what is spent
        self.region = []                             # [(day, town)] as told to the bank
        self.flags = []                              # [(day, vulnerability)]
        self.app = rng.choice((0, 0, 2, 5, 9, 16))   # logins a month
        self.card_share = rng.choice((0, 0, 0.25, 0.5))
        self.has_car = rng.random() < 0.6
        self.away = []
        self.sinking = None                          # (from, to): lives on the overdraft
        self.drain = []                              # [(day, share of the balance, text, in own name?)]
        self.savings = rng.choice((0, 0.2, 0.5, 1, 2, 4)) * 255000
        self.screens = []                            # [(day, event, product)] in the app

    # -- what happened, by the world's own book
    def truth(self, kind, happened, known, implied=False):
        """Something happened to this customer."""
        self.truths.append((kind, happened, max(known, happened), implied))

    def decoy(self, name, looks_like, start, end):
        """Something that only looks like an event."""
        self.decoys.append((name, looks_like, start, end))

    # -- single bookings
    def book(self, day, amount, direction, **fields):
        """One booking of `amount` cents on `day`; days outside the world are dropped."""
        if START <= day <= END and amount >= 1:
            account = fields.pop('account', 'C')
            self.bookings.append([day, self.rng.randrange(6 * 3600, 22 * 3600), int(amount), direction, account, fields])

    def card(self, day, mcc, name, amount, country='IE', credit=False):
        """A card payment, on the current account or the credit card."""
        account = 'V' if self.rng.random() < self.card_share else 'C'
        self.book(day, amount, 'CREDIT' if credit else 'DEBIT', account=account, kind='CARD', mcc=mcc, merchant_country=country,
                  merchant_name=f'{name} {self.town}'[:25] if country == 'IE' else name, channel='POS')

    def send(self, day, name, amount, reference=None, kind='TRANSFER'):
        """A payment to somebody's account."""
        self.book(calendar.settle(day, 1), amount, 'DEBIT', kind=kind, counterparty_name=name[:27], counterparty_id=stable(name),
                  reference=reference, channel='MOBILE' if self.app else 'ONLINE')

    def receive(self, day, name, amount, reference=None, kind='TRANSFER'):
        """A payment from somebody's account."""
        self.book(calendar.settle(day, 1), amount, 'CREDIT', kind=kind, counterparty_name=name[:27], counterparty_id=stable(name),
                  reference=reference, channel='AUTOMATIC')

    def own_move(self, day, amount, source, target):
        """Money between two accounts of this customer here: both sides are booked."""
        day = calendar.settle(day, 1)
        for account, direction, other in ((source, 'DEBIT', target), (target, 'CREDIT', source)):
            self.book(day, amount, direction, account=account, kind='TRANSFER', counterparty_name=self.other_self(),
                      counterparty_id=f'{self.cid}-{other}', reference='OWN ACCOUNT', channel='MOBILE' if self.app else 'ONLINE')

    def bill(self, key, name, amount, due=None, jitter=0.0, kind='DIRECT_DEBIT', reference=None):
        """A bill that recurs."""
        flow = Flow(False, due or ('dom', self.rng.randrange(1, 28)), amount, kind=kind, counterparty_name=name[:27],
                    counterparty_id=stable(name), reference=reference, channel='AUTOMATIC')
        flow.jitter = jitter
        self.flows[key] = flow
        return flow

    def income(self, key, name, amount, due, reference=None, jitter=0.0):
        """An income that recurs."""
        fields = {'kind': 'TRANSFER', 'counterparty_name': name[:27], 'reference': reference, 'channel': 'AUTOMATIC'}
        if self.rng.random() < 0.8:                  # the old core hands on no account of the payer
            fields['counterparty_id'] = stable(name)
        flow = Flow(True, due, amount, **fields)
        flow.jitter = jitter
        self.flows[key] = flow
        return flow

    # -- people's usual things
    def employer(self):
        """A payer's name and the text that it sends."""
        rng = self.rng
        name = rng.choice(PUBLIC) if rng.random() < 0.15 else f'{rng.choice(HEADS)} {rng.choice(TRADES)}{rng.choice(SUFFIX)}'
        text = rng.choice(('SALARY', 'WAGES', 'PAY', f'PAYROLL {rng.randrange(1000, 9999)}', f'EMP {rng.randrange(100, 9999)}', None, 'SAL',
                           f'{self.last.upper()} {self.first[0].upper()}', 'NET PAY'))
        return name, text

    def job(self, key, monthly, start=START, end=END, due=None):
        """A job: `monthly` net cents, paid on the employer's calendar."""
        rng = self.rng
        name, text = self.employer()
        due = due or calendar.pay_calendar(rng)
        shift = due[0] in calendar.STRIDE and rng.random() < 0.6
        flow = self.income(key, name, monthly / calendar.PER_MONTH[due[0]], due, text, rng.uniform(0.05, 0.14) if shift else
                           rng.choice((0, 0, 0.004, 0.02)))
        flow.xmas = rng.random() < 0.4
        flow.start, flow.end = start, end
        if start == START and rng.random() < 0.5:                # the yearly increment, in its first pay of a year
            flow.steps.append((datetime.date(2025, 1, 1), rng.uniform(1.01, 1.035)))
        return flow

    def other_self(self):
        """The customer's own name, as another bank sends it."""
        return f'{self.first} {self.last}'.upper()

    def stranger(self):
        """Somebody else's name."""
        return f'{self.rng.choice(FIRST)} {self.rng.choice(LAST)}'


def settle_in(person):
    """The usual flows of somebody with a home: rent or mortgage, bills, saving."""
    rng = person.rng
    net = person.net
    if rng.random() < 0.5 or person.role in ('home.purchase', 'home.moving'):
        person.bill('home', rng.choice((person.stranger(), 'CORRIB LETTINGS', 'HAVEN PROPERTY MGMT')), rng.uniform(0.2, 0.34) * net,
                    ('dom', rng.choice((1, 1, 2, 5, 28))), kind='STANDING_ORDER', reference=rng.choice(('RENT', None, 'APT 4')))
        person.renting = True
    else:
        person.bill('home', rng.choice(('MUTUAL HOME LOANS', 'EBS MORTGAGE', 'HAVEN MORTGAGES')), rng.uniform(0.2, 0.32) * net,
                    reference=f'MTG {rng.randrange(10**6, 10**7)}')
        person.renting = False
    person.bill('power', rng.choice(('ELECTRIC IRELAND', 'BORD GAIS ENERGY', 'SSE AIRTRICITY')), rng.uniform(6000, 18000), jitter=0.15)
    person.bill('net', rng.choice(('EIR', 'VIRGIN MEDIA IRL', 'SKY IRELAND')), rng.uniform(3500, 8000))
    person.bill('phone', rng.choice(('VODAFONE IRL', 'THREE IRELAND', 'TESCO MOBILE')), rng.uniform(1500, 4500))
    if rng.random() < 0.7:
        person.bill('bins', rng.choice(('PANDA WASTE', 'GREYHOUND')), rng.uniform(1800, 3200))
    if rng.random() < 0.5:
        person.bill('health', rng.choice(('VHI HEALTHCARE', 'LAYA HEALTHCARE')), rng.uniform(7000, 20000))
    if person.has_car:
        person.bill('motor', rng.choice(('AXA INSURANCE', 'FBD INSURANCE', 'AVIVA DIRECT')), rng.uniform(4000, 9000))
    if rng.random() < 0.4:
        person.bill('gym', rng.choice(('FLYEFIT', 'WESTWOOD CLUB')), rng.uniform(2500, 5000))
    if rng.random() < 0.6:
        save = person.bill('save', person.other_self(), rng.uniform(0.04, 0.12) * net, kind='STANDING_ORDER', reference='SAVINGS')
        save.fields['counterparty_id'] = f'{person.cid}-S'
        save.fields['own'] = 'S'


def worker(person, monthly=None):
    """An adult with a job and a household's bills: the ground on which most events happen."""
    person.net = monthly or person.rng.lognormvariate(12.45, 0.33)        # about 2,550 euro a month
    person.job('job', person.net)
    settle_in(person)
    rng = person.rng
    if 28 <= person.age <= 48 and rng.random() < 0.25 and person.role not in ('baby', 'childcare.started', 'separation'):
        person.income('chb', 'DEPT SOCIAL PROTECTION', 14000 * rng.choice((1, 2, 2, 3)), ('nth', 1, 1), rng.choice(('CHILD BENEFIT', 'CHB')))
    if rng.random() < 0.12:                                               # a partner's share, as long as the world lasts
        person.income('share', person.stranger(), rng.uniform(0.1, 0.25) * person.net, ('dom', rng.randrange(1, 28)), 'HOUSE')


def expected(person, day):
    """Income of a month as it stands on that day: what the household thinks it can spend."""
    total = 0
    for flow in person.flows.values():
        if flow.pay and flow.start <= day <= flow.end:
            total += flow.level(day) * calendar.PER_MONTH[flow.due[0]]
    return total


def fixed(person, day):
    """What leaves each month by itself on that day."""
    return sum(flow.level(day) * calendar.PER_MONTH[flow.due[0]] for flow in person.flows.values()
               if not flow.pay and flow.start <= day <= flow.end)


def shop_for_a_day(person, day, budget):
    """Purchases of one day with `budget` cents a day on average."""
    rng = person.rng
    abroad = any(start <= day <= end for start, end in person.away)
    count = int(rng.random() + (1.45 if day.weekday() < 4 else 1.9))
    if rng.random() < 0.28:
        count = 0
    scale = budget / 3700
    for _ in range(count):
        mcc, names, _, low, high = rng.choices(SHOPS, WEIGHTS)[0]
        if mcc == 5541 and not person.has_car:
            continue
        amount = rng.triangular(low, high, low + (high - low) * 0.2) * min(max(scale, 0.35), 2.2)
        if abroad:
            person.card(day, rng.choice((5812, 5411, 5814, 5813, 7991)), f'{rng.choice(("CAFE", "MERCADO", "BAR", "RESTAURANTE"))} '
                        f'{rng.choice(("SOL", "DEL MAR", "CENTRAL", "LUNA"))}', amount, rng.choice(('ES', 'PT')))
            continue
        name = rng.choice(names)
        person.card(day, mcc, name, amount)
        if mcc in (5651, 5999, 5732, 5712) and rng.random() < 0.09:
            person.card(day + rng.randrange(3, 14) * DAY, mcc, name, amount * rng.choice((1, 1, 0.5)), credit=True)


def spend(person):
    """Everyday life: shops, cash, people, holidays, the season."""
    rng = person.rng
    season = {12: 1.35, 1: 0.82, 7: 1.1, 8: 1.1}
    if rng.random() < 0.55 and not person.quiet:
        leave = datetime.date(2024, rng.choice((6, 7, 8)), rng.randrange(1, 28))
        person.away.append((leave, leave + rng.randrange(6, 15) * DAY))
        person.card(leave - rng.randrange(30, 120) * DAY, 4511, rng.choice(('RYANAIR', 'AER LINGUS')), rng.uniform(12000, 60000))
        person.card(leave, 7011, 'HOTEL PLAYA', rng.uniform(30000, 90000), 'ES')
    friends = [person.stranger() for _ in range(3)]
    day, last, planned = START, 0, len(person.bookings)
    while day <= END:
        if not any(start <= day <= end for start, end in person.quiet):
            if day.day == 1 or day == START:
                now = expected(person, day)
                last = max(now, last * 0.86)                     # habits fall slower than income
            thrift = 1.0
            for start, end, factor in person.thrift:
                thrift *= factor if start <= day <= end else 1
            budget = max((last * 0.93 - fixed(person, day)) / 30.4, 900) * season.get(day.month, 1) * thrift
            shop_for_a_day(person, day, min(budget, 14000))
            if rng.random() < 0.06:
                person.book(day, rng.choice((2000, 5000, 5000, 10000, 20000)), 'DEBIT', kind='ATM', channel='ATM', mcc=6011,
                            merchant_name=f'ATM {person.town}', merchant_country='IE')
            if rng.random() < 0.03:
                person.send(day, rng.choice(friends), rng.uniform(1000, 12000), rng.choice((None, 'Dinner', 'thanks', 'Tickets')))
            if rng.random() < 0.025:
                person.receive(day, rng.choice(friends), rng.uniform(1000, 12000), rng.choice((None, 'Dinner', 'split')))
        day += DAY
    for booking in person.bookings[planned:]:
        booking[5]['everyday'] = booking[3] == 'DEBIT'
