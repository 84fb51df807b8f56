# SPDX-License-Identifier: Apache-2.0
"""People of a British high-street bank with app-only customers among them: their calendar, money and habits; highstreet.py lets things happen to them.

A customer is a set of flows (a wage, a rent, a direct debit: what recurs) and of payments of their own, drawn over the days. A life
event edits flows and adds payments; settle() then walks the customer's bookings in order, so that nobody spends what is not there:
a card is declined, a bill is covered from own savings, and who has none goes overdrawn and sees direct debits returned.
Days are counted from START; money is in pence, negative when it leaves.
"""
import copy
import datetime
import functools
import itertools
import math
import random

START = datetime.date(2025, 3, 1)
NEVER, ALL = 10 ** 6, -10 ** 12         # a day that does not come; an amount: whatever is there
HOLIDAYS = {(datetime.date.fromisoformat(text) - START).days for text in (
    '2025-04-18 2025-04-21 2025-05-05 2025-05-26 2025-08-25 2025-12-25 2025-12-26 2026-01-01 2026-04-03 2026-04-06 2026-05-04 '
    '2026-05-25 2026-08-31 2026-12-25 2026-12-28 2027-01-01 2027-03-26 2027-03-29 2027-05-03 2027-05-31 2027-08-30').split()}
TOWNS = [('LEEDS', 'YKS'), ('BRADFORD', 'YKS'), ('YORK', 'YKS'), ('LEICESTER', 'EMD'), ('DERBY', 'EMD'), ('NOTTINGHAM', 'EMD'), ('BRISTOL', 'SWE'),
         ('EXETER', 'SWE'), ('SWINDON', 'SWE'), ('CROYDON', 'LDN'), ('LEWISHAM', 'LDN'), ('HACKNEY', 'LDN'), ('STOCKPORT', 'NWE'), ('PRESTON', 'NWE'),
         ('CHESTER', 'NWE'), ('CARDIFF', 'WAL'), ('SWANSEA', 'WAL'), ('DUNDEE', 'SCT'), ('GLASGOW', 'SCT'), ('NORWICH', 'EOE'), ('READING', 'SEE')]
SURNAMES = ('SMITH JONES TAYLOR BROWN WILLIAMS KHAN PATEL EVANS HUGHES WALKER GREEN HALL WOOD BEGUM HARRIS LEWIS CLARKE NOWAK MURPHY COOPER WARD MORRIS '
            'KING BAKER ALI CAMPBELL SINGH OKAFOR BELL KELLY').split()
FIRM = ('ASHWORTH BRAMLEY CALDER DENBY ELMET FAIRFAX GRANTHAM HOLLINS INGLEBY KESWICK LANGDALE MERIDIAN NORTHGATE OAKHAM PENNINE QUAYSIDE RIDGEWAY '
        'STANHOPE THORNTON UPTON VALE WHARFE').split()
TRADE = ('LOGISTICS|FOODS|ENGINEERING|CARE HOMES|SOLUTIONS|RETAIL|HOTELS|SECURITY|BUILDING SUPPLIES|PRINT|TEXTILES|CONSULTING|FACILITIES|SCHOOLS TRUST'
         '|HOUSING ASSOC').split('|')

# Merchant category, purchases a month, median in pounds, spread, online share, who: names as on a card statement ({n} a branch, {T} the town).
SHOPS = [line.split(maxsplit=6) for line in '''
5411 6.0 21 .75 .1 all TESCO STORES {n}|SAINSBURYS S/MKT {n}|ASDA SUPERSTORE {T}|ALDI {n} {T}|LIDL GB {T}|WM MORRISONS STORE|WAITROSE {n}
5499 3.5 6.5 .5 0 all CO-OP GROUP {n}|TESCO EXPRESS {n}|SPAR {T}|ONE STOP {n}
5814 3.5 7.5 .5 .2 young GREGGS PLC {n}|MCDONALDS {n}|COSTA COFFEE {n}|PRET A MANGER {T}|DELIVEROO|UBER *EATS
5812 1.6 32 .6 0 all NANDOS {T}|WAGAMAMA {T}|THE GOLDEN LION {T}|PIZZA EXPRESS {n}
5813 1.2 16 .6 0 young JD WETHERSPOON {T}|THE CROWN {T}|BREWDOG {T}
5541 2.0 46 .35 0 car SHELL {T}|BP {T} SF CONNECT|TESCO PAY AT PUMP {n}|ESSO {T}
4111 3.0 5.5 .7 .4 nocar TFL TRAVEL CH|TRAINLINE.COM|ARRIVA BUS {T}|FIRST BUS {T}
4121 .7 12 .5 1 young UBER *TRIP HELP.UBER|BOLT.EU /O/{n}|{T} CARS
5942 1.8 17 .8 1 all AMZNMKTPLACE|AMAZON.CO.UK*{n}
5311 .9 27 .8 .4 all MARKS&SPENCER PLC {T}|ARGOS {n}|JOHN LEWIS|TK MAXX {n}
5651 .9 34 .7 .5 all PRIMARK {T}|NEXT RETAIL|H & M {n}|ASOS.COM
5912 .9 11 .6 0 all BOOTS {n}|SUPERDRUG {T}|WELL PHARMACY {T}
5200 .5 28 .9 .1 all B & Q {n}|SCREWFIX DIR {n}|WICKES {T}
5815 .9 9 .3 1 all NETFLIX.COM|SPOTIFY UK|APPLE.COM/BILL|AMZN PRIME VIDEO
7523 .7 4.5 .6 .5 car RINGGO PARKING|NCP {T}|PAYBYPHONE
7230 .4 24 .5 0 all TONI & GUY {T}|KUTZ BARBERS {T}
7832 .3 18 .5 .5 young ODEON {T}|VUE CINEMAS
5947 .3 11 .7 0 all CARD FACTORY {T}|MOONPIG.COM
5992 .07 31 .5 .3 all INTERFLORA|{T} FLOWERS
5945 .10 22 .7 .2 all SMYTHS TOYS {T}|THE ENTERTAINER {T}
5641 .05 26 .6 .3 all MAMAS & PAPAS {T}|JOJO MAMAN BEBE
5641 .40 22 .6 .3 kids VERTBAUDET|NEXT KIDS {T}|POLARN O PYRET
5945 .35 19 .7 .2 kids SMYTHS TOYS {T}|THE WORKS {n}
5712 .06 180 .9 .2 all DFS {T}|IKEA LTD {T}|DUNELM {T}
5722 .05 160 .8 .5 all CURRYS ONLINE|AO.COM
5944 .04 70 .8 .2 all ERNEST JONES {n}|PANDORA {T}
7538 .12 170 .7 0 car KWIK FIT {n}|HALFORDS AUTOCENTRE|{T} MOT CENTRE
742 .12 65 .7 0 all VETS4PETS {T}|MEDIVET {T}
8021 .10 48 .7 0 all BUPA DENTAL {T}|MYDENTIST {T}
8011 .03 90 .6 0 all SPIRE {T}|{T} PRIVATE GP
8111 .004 240 .5 0 all IRVING & CO SOLICITORS
4214 .004 120 .5 0 all {T} MAN AND VAN
7995 .9 9 .9 1 punter BET365|SKY BETTING|WWW.PADDYPOWER.COM
7800 .6 6 .4 1 punter NATIONAL LOTTERY IL
8220 .25 14 .8 .3 student {T} UNIVERSITY|{T} STUDENTS UNION
7997 .3 26 .4 .3 all {T} LEISURE CENTRE|PUREGYM
'''.strip().splitlines()]
ABROAD = [(5812, 'RESTAURANTE LA PLAYA'), (5411, 'CARREFOUR MARKET'), (7011, 'HOTEL MIRAMAR'), (5814, 'CAFE CENTRAL'), (4121, 'TAXI'), (5947, 'SOUVENIRS')]


def working(day):
    return (day + START.weekday()) % 7 < 5 and day not in HOLIDAYS


def before(day):
    """The last working day on or before it: when Bacs credits an account."""
    while not working(day):
        day -= 1
    return day


def after(day):
    while not working(day):
        day += 1
    return day


@functools.lru_cache(maxsize=None)
def due(rule, days):
    """The days of a rule (kind, number): paid on a date or the last working day, taken by direct debit, every so many days."""
    kind, number = rule[:2]
    if kind == 'every':
        return tuple(before(day) for day in range(rule[2], days + 4, number) if 0 <= before(day) < days)
    out, first = [], START
    while (first - START).days < days:
        following = (first + datetime.timedelta(days=32)).replace(day=1)
        begin, length = (first - START).days, (following - first).days
        asked = begin + min(number, length) - 1
        if kind == 'paid':
            early = rule[2] if first.month == 12 else 0     # before Christmas, on this date instead
            out.append(before(begin + early - 1 if early else asked))
        elif kind == 'friday':
            out.append(before(next(day for day in range(begin + length - 1, 0, -1) if (day + START.weekday()) % 7 == 4)))
        elif kind == 'debit' or first.month not in (2, 3):  # 'council': ten instalments, none in February and March
            out.append(after(asked))
        first = following
    return tuple(day for day in out if 0 <= day < days)


def tail(**fields):
    """The rest of a transaction's JSON."""
    return ''.join(f',"{key}":{value}' if isinstance(value, int) else f',"{key}":"{value}"' for key, value in fields.items() if value is not None)


class Flow:
    """What recurs: a payment on the days of a rule, until it ends, with steps, single exceptions and gaps."""

    def __init__(self, person, other, pence, rule, kind, noise=0.0, reference=None, account='1', start=0, known=True):
        self.person, self.other, self.pence, self.rule, self.kind = person, other, pence, rule, kind
        self.noise, self.reference, self.account, self.start, self.end, self.known = noise, reference, account, start, NEVER, known
        self.steps, self.once, self.gaps = [], [], []

    def days(self):
        return [day for day in due(self.rule, self.person.days)
                if self.start <= day < self.end and not any(first <= day < last for first, last in self.gaps)]

    def monthly(self):
        return abs(self.pence) * (30.4 / self.rule[1] if self.rule[0] == 'every' else 1)

    def move(self, day, account):
        """From that day on it is booked on another account."""
        later = copy.copy(self)
        later.start, later.account, self.end = day, account, day
        self.person.flows.append(later)

    def nearest(self, day):
        """The last day on or before it on which it is paid."""
        return max((one for one in self.days() if one <= day), default=day)

    def render(self):
        person, once = self.person, sorted(self.once)
        for day in self.days():
            pence = self.pence
            for at, factor in self.steps:
                pence *= factor if day >= at else 1
            if once and day >= once[0][0]:
                pence *= once.pop(0)[1]
            if self.noise:
                pence *= max(0.3, person.rng.gauss(1, self.noise))
            reference = self.reference and self.reference.replace('{m}', f'{person.date(day):%m%y}')
            person.book(day, int(pence), self.kind, other=self.other, reference=reference, account=self.account,
                        channel='AUTOMATIC', hour=2 if pence > 0 else 4, known=self.known)


class Person:
    """One customer, made to what a story needs: who (wage gig self pension benefits student youth second), age, home, partner, kids."""

    def __init__(self, seed, number, days, who=None, age=None, home=None, partner=None, kids=None, monthly=None, rule=None):
        self.rng = rng = random.Random(f'highstreet {seed} {number}')
        self.id, self.days = f'UK{rng.randrange(10 ** 9):09}{number:05}', days
        self.who = rng.choice(who.split()) if who else rng.choices('wage gig self pension benefits student youth second'.split(), (60, 5, 4, 15, 5, 4, 2, 5))[0]
        self.age = rng.randint(*age) if age else {'pension': rng.randint(66, 88), 'student': rng.randint(19, 22), 'youth': rng.randint(17, 19)}.get(
            self.who, rng.randint(21, 64))
        adult = self.who not in ('student', 'youth')
        self.partner = rng.random() < 0.45 and self.age > 23 and adult if partner is None else partner
        self.kids = rng.choice((0, 0, 1, 2)) if kids is None and self.partner and self.age < 50 else kids or 0
        self.home = home or ('parents' if not adult else 'own' if self.age > 64 and rng.random() < 0.7 else
                             rng.choices(('rent', 'mortgage', 'parents'), (45, 42, 13 if self.age < 30 else 2))[0])
        self.car, self.punter, self.app = rng.random() < (0.75 if self.age > 25 else 0.3), rng.random() < 0.18, rng.random() < (0.93 if self.age < 60 else 0.55)
        self.name, self.town = self.somebody(), rng.choice(TOWNS)
        self.income = monthly or int(max(95000, rng.lognormvariate(math.log(205000), 0.36)))
        self.flows, self.events, self.engagement, self.truths, self.profiles = [], [], [], [], []
        self.activity, self.spend, self.moves, self.limits = [], [], [], [(0, 0)]
        self.savings = 'S' if rng.random() < 0.6 else ''      # else an account elsewhere
        self.reserve, self.cap = True, 3.5
        self.job = self.partner_flow = self.rent = self.child_benefit = None
        self.nest = self.income * rng.randint(3, 14)
        if self.chance(0.12):                                 # lives on an arranged overdraft, month for month
            self.limits, self.cap = [(0, -self.near(1, 8) * 10000)], 0.8
        self.earn(rule)
        if self.who != 'second':
            self.run_household()
        self.write_profile(0, products=['CURRENT'] + ['SAVINGS'] * bool(self.savings))

    # -- words

    def date(self, day):
        return START + datetime.timedelta(days=day)

    def somebody(self):
        return f'{self.rng.choice("ABCDEFGHJKLMNPRST")} {self.rng.choice(SURNAMES)}'

    def employer(self):
        rng = self.rng
        if rng.random() < 0.25:
            return rng.choice(('NHS {} PAYROLL', '{} CITY COUNCIL', 'UNIVERSITY OF {}', '{} ACADEMY TRUST')).format(self.town[0])
        return f'{rng.choice(FIRM)} {rng.choice(TRADE)} {rng.choice(("LTD", "LTD", "PLC", "LLP", ""))}'.strip()

    def chance(self, share):
        return self.rng.random() < share

    def near(self, low, high):
        return self.rng.randint(low, high)

    # -- bookings

    def book(self, day, pence, kind, other=None, reference=None, account='1', channel='MOBILE', hour=None, must=True, known=True, **more):
        """One booking; a counterparty has an id where the bank passes it on (known; of an account of their own here, that id)."""
        if not 0 <= day < self.days or not pence:
            return day
        at = day * 86400 + (self.rng.randint(7, 21) if hour is None else hour) * 3600 + self.rng.randrange(3600)
        ident = known if isinstance(known, str) else f'cp{hash_of(other):010}' if other and known else None
        self.events.append((at, account, pence, kind, tail(counterparty_id=ident, counterparty_name=other, reference=reference, **more, channel=channel), must))
        return day

    def card(self, day, mcc, merchant, pounds, must=True, online=False, country='GB'):
        return self.book(day, -int(pounds * 100), 'CARD', must=must, mcc=mcc, merchant_name=merchant.format(n=self.near(1000, 6999), T=self.town_at(day)),
                  merchant_country=country, channel='ONLINE' if online else 'POS')

    def send(self, day, pounds, other, reference=None, **more):
        return self.book(day, -int(pounds * 100), 'TRANSFER', other, reference, **more)

    def receive(self, day, pounds, other, reference=None, **more):
        return self.book(day, int(pounds * 100), 'TRANSFER', other, reference, channel='AUTOMATIC', **more)

    def tap(self, day, event='login', screen=None, product=None):
        if 0 <= day < self.days:
            self.engagement.append((day * 86400 + self.near(7, 22) * 3600 + self.near(0, 3599), event, screen, product))
        return day

    def flow(self, other, pounds, rule, kind='DIRECT_DEBIT', **more):
        self.flows.append(Flow(self, other, int(pounds * 100), rule, kind, **more))
        return self.flows[-1]

    def bill(self, other, pounds, start=0, day=None, **more):
        return self.flow(other, -pounds, ('debit', day or self.near(1, 28)), start=start, reference=f'{self.near(10 ** 7, 10 ** 8 - 1)}', **more)

    def wage(self, pence_a_month, start=0, rule=None, employer=None, noise=None, reference=None, until=NEVER):
        rng, early = self.rng, self.rng.choice((0, 0, 19, 22))
        rule = rule or rng.choices((('paid', 25, early), ('paid', 28, early), ('paid', 31, early), ('paid', 15, 0), ('friday', 0),
                                    ('every', 7, rng.choice((5, 6))), ('every', 28, self.near(0, 27))), (20, 22, 24, 6, 6, 14, 8))[0]
        part = pence_a_month * (rule[1] / 30.4 if rule[0] == 'every' else 1)
        noise = (rng.choice((0, 0.002, 0.002, 0.004, 0.004, 0.03, 0.08, 0.14)) if rule[0] != 'every' else rng.choice((0.01, 0.08, 0.15))) if noise is None else noise
        pay = self.flow(employer or self.employer(), part / 100, rule, 'TRANSFER', noise=noise, start=start, known=self.chance(0.8),
                        reference=reference or rng.choice(('SALARY', 'WAGES', f'PAY {self.near(1000, 99999)}', 'SAL {m}', 'BACS CREDIT', None)))
        pay.end = until
        if start == 0:
            pay.steps.append((self.near(31, 70), rng.uniform(1.0, 1.045)))      # the pay round of April
            pay.steps.append((self.near(396, 435), rng.uniform(1.0, 1.045)))
            if self.chance(0.1):
                pay.once.append((self.near(0, 330), rng.uniform(1.2, 2.2)))     # the year's bonus
        return pay

    def keep(self):
        """A large sum stays where it is: nothing is swept into savings."""
        self.cap = NEVER

    def benefit(self, reference, pounds, every=28, start=0):
        return self.flow(reference.split()[0], pounds, ('every', every, start % every), 'TRANSFER', start=start, reference=reference)

    # -- a life before anything happens

    def earn(self, rule):
        rng, who = self.rng, self.who
        if who == 'wage':
            self.job = self.wage(self.income, rule=rule)
            if self.chance(0.05):
                self.wage(self.income * 0.25, noise=0.1)
        elif who == 'gig':
            for name in rng.sample(('UBER BV', 'DELIVEROO UK', 'JUST EAT.CO.UK', 'STUART DELIVERY'), self.near(1, 2)):
                self.flow(name, self.income / 480, ('every', 7, rng.choice((3, 4))), 'TRANSFER', noise=0.4, reference='EARNINGS')
        elif who == 'self':
            clients = [self.employer() for _ in range(self.near(3, 7))]
            for day in sorted(rng.sample(range(self.days), int(self.days / 12))):
                self.receive(day, self.income / 250 * rng.lognormvariate(0, 0.5), rng.choice(clients), f'INV{self.near(100, 999)}')
            for day in (152, 336, 517):
                self.send(day, self.income / 100, 'HMRC SELF ASSESSMENT', f'{self.near(10 ** 9, 10 ** 10 - 1)}K')
        elif who == 'pension':
            self.benefit('DWP STATE PENSION', rng.uniform(640, 960), start=self.near(0, 27))
            if self.chance(0.7):
                self.flow(rng.choice(('TEACHERS PENSIONS', 'NHS PENSIONS', 'AVIVA ANNUITY', 'BT PENSION SCHEME')), self.income / 180,
                          ('paid', rng.choice((1, 15, 23, 28)), 0), 'TRANSFER', reference='PENSION').steps.append((self.near(31, 60), 1.03))
        elif who == 'benefits':
            self.flow('DWP', rng.uniform(620, 1350), ('paid', self.near(2, 28), 0), 'TRANSFER', noise=rng.choice((0, 0.12)), reference='DWP UC')
            if self.chance(0.45):
                self.benefit('DWP PIP', rng.choice((434.0, 441.6, 749.8)), start=self.near(0, 27))
        elif who == 'second':
            self.flow(self.name, self.income / 300, ('paid', self.near(1, 28), 0), 'STANDING_ORDER', reference='TOP UP')
        else:
            self.flow(f'M{self.name[1:]}', rng.uniform(80, 350), ('paid', self.near(1, 28), 0), 'STANDING_ORDER', reference='FROM MUM')
            if who == 'student':
                for day in (56, 208, 315, 420, 573):
                    self.receive(day + self.near(0, 3), self.income / 130, 'STUDENT LOANS COMPANY', 'SLC MAINTENANCE', hour=2)
        if self.kids:
            self.child_benefit = self.benefit('HMRC CHILD BENEFIT', 104.2 + 69 * (self.kids - 1), start=self.near(0, 27))
        self.income = int(sum(flow.monthly() for flow in self.flows)) or self.income

    def run_household(self):
        rng, income, mine = self.rng, self.income / 100, 0.6 if self.partner else 1
        if self.home == 'rent':
            self.rent = self.flow(rng.choice((f'{self.somebody()}', f'{self.town[0]} LETTINGS', 'HOME GROUP HOUSING')), -income * rng.uniform(0.24, 0.36),
                                  ('debit', self.near(1, 28)), 'STANDING_ORDER', reference='RENT')
        elif self.home == 'mortgage':
            self.rent = self.bill(rng.choice(('NATIONWIDE B.S.', 'SANTANDER MORTGAGES', 'HALIFAX MORTGAGE', 'SKIPTON B.S.')), income * rng.uniform(0.2, 0.32))
        if self.home in ('rent', 'mortgage', 'own'):
            self.settle_bills(0, mine)
        if self.partner and self.chance(0.55):
            self.partner_flow = self.flow(self.somebody(), income * rng.uniform(0.2, 0.4), ('paid', self.near(1, 28), 0), 'STANDING_ORDER',
                                          reference=rng.choice(('BILLS', 'HOUSE', None)))
        for share, names, low, high, noise in ((0.9, 'VODAFONE LTD|EE LIMITED|GIFFGAFF|O2', 8, 42, 0), (0.5, 'BARCLAYCARD|AMEX DD|CAPITAL ONE', 40, 420, 0.4),
                                               (0.25, 'PUREGYM LTD|DAVID LLOYD', 20, 60, 0), (0.2, 'OXFAM|RNLI|CANCER RESEARCH UK', 3, 15, 0),
                                               (0.25, 'LEGAL & GENERAL|AVIVA LIFE', 9, 45, 0), (0.13, 'ZOPA BANK|TESCO BANK LOAN', 90, 260, 0)):
            if self.chance(share):
                self.bill(rng.choice(names.split('|')), min(rng.uniform(low, high), income * 0.15), noise=noise)
        if self.car and self.chance(0.6):
            self.bill(rng.choice(('ADMIRAL INSURANCE', 'HASTINGS DIRECT', 'DIRECT LINE')), rng.uniform(28, 85)).steps.append((self.near(60, 300), rng.uniform(0.9, 1.25)))
        if self.savings and self.chance(0.65):
            amount, day = round(income * rng.uniform(0.03, 0.1), -1), ('debit', self.near(1, 28))
            for account, sign, ident in (('1', -1, 'S'), ('S', 1, '1')):
                self.flow(self.name, sign * amount, day, 'STANDING_ORDER', account=account, reference='SAVINGS', known=f'{self.id}-{ident}')
        fixed = sum(flow.monthly() for flow in self.flows if flow.pence < 0) / self.income
        for flow in self.flows if fixed > 0.68 else ():           # nobody signs for more than they earn
            flow.pence = int(flow.pence * (0.68 / fixed if flow.pence < 0 or flow.account == 'S' else 1))

    def settle_bills(self, start, mine=1.0):
        """Council tax and utilities of a home from a day on."""
        rng, town = self.rng, self.town_at(start)
        self.council = self.flow(f'{town} COUNCIL TAX', -rng.uniform(95, 210) * mine, ('council', self.near(1, 28)), start=start)
        self.utilities = [self.bill(rng.choice(names.split('|')), rng.uniform(low, high), start) for share, names, low, high in (
            (0.9, 'OCTOPUS ENERGY|BRITISH GAS|EON NEXT|EDF ENERGY', 70, 190), (0.8, f'{self.region_at(start)} WATER', 22, 52),
            (0.8, 'BT GROUP PLC|SKY DIGITAL|VIRGIN MEDIA PYMTS', 26, 68), (0.8, 'TV LICENCE MBP', 13, 15)) if self.chance(share * mine ** 0.4)]
        for flow in self.utilities:
            flow.steps.append((after(self.near(31, 60)), rng.uniform(1.0, 1.09)))

    def town_at(self, day):
        return next((town for at, town in reversed(self.moves) if day >= at), self.town)[0]

    def region_at(self, day):
        return next((town for at, town in reversed(self.moves) if day >= at), self.town)[1]

    def write_profile(self, day, products=None, **more):
        """What the bank holds of the customer from that day on. Employment is what they said when they joined, seldom brought up to date."""
        old = self.profiles[-1][1] if self.profiles else {
            'birth_date': f'{self.date(-self.age * 365 - self.near(40, 320))}' if self.chance(0.94) else None, 'country': 'GB', 'timezone': 'Europe/London',
            'employment_status': {'wage': 'EMPLOYED', 'gig': 'SELF_EMPLOYED', 'self': 'SELF_EMPLOYED', 'pension': 'RETIRED', 'student': 'STUDENT'}.get(self.who)
            if self.chance(0.5) else None, 'relationship_since': f'{self.date(-self.near(400, 5000))}'}
        new = dict(old, region=self.region_at(day), products_held=products or old['products_held'], **more)
        self.profiles.append((day * 86400 + self.near(9, 17) * 3600, {key: value for key, value in new.items() if value is not None}))
        return day

    # -- what they do of their own accord

    def weights(self, more=()):
        """How much they do on each day, accumulated, for random.choices."""
        week, out = (1, 0.95, 1, 1.05, 1.25, 1.4, 0.95), []
        for day in range(self.days):
            weight = week[(day + START.weekday()) % 7] * (1.3 if self.date(day).month == 12 else 1)
            for first, last, factor in itertools.chain(self.activity, more):
                weight *= factor if first <= day < last else 1
            out.append(weight)
        return list(itertools.accumulate(out))

    def live(self):
        """Cards, cash, friends and the app, on top of the flows."""
        rng, months = self.rng, self.days / 30.4
        tags = {'all'} | {tag for tag, on in (('young', self.age < 45), ('car', self.car), ('nocar', not self.car), ('kids', self.kids),
                                              ('punter', self.punter), ('student', self.who == 'student')) if on}
        shops = [(int(mcc), float(rate) * rng.lognormvariate(0, 0.45), float(median), float(sigma), float(online),
                  rng.sample(names.split('|'), min(2, len(names.split('|'))))) for mcc, rate, median, sigma, online, tag, names in SHOPS if tag in tags]
        expected = sum(one[1] * one[2] * math.exp(one[3] ** 2 / 2) for one in shops)
        free = self.income * 0.0080 - sum(flow.monthly() for flow in self.flows if flow.pence < 0 and flow.start == 0) / 100
        scale = math.sqrt(min(2.0, max(0.25, free / expected)))
        daily = self.weights(self.spend)
        plain = self.weights()
        level = plain[-1] / self.days / 1.09
        count = int(sum(one[1] for one in shops) * scale * months * daily[-1] / plain[-1] * level)
        for day, shop in zip(rng.choices(range(self.days), cum_weights=daily, k=count),
                             rng.choices(shops, cum_weights=list(itertools.accumulate(one[1] for one in shops)), k=count)):
            mcc, _, median, sigma, online, names = shop
            pounds, name = median * scale * rng.lognormvariate(0, sigma), rng.choice(names).format(n=1000 + hash_of(self.id) % 5000, T=self.town_at(day))
            self.card(day, mcc, name, pounds, must=False, online=rng.random() < online)
            if rng.random() < 0.015:
                self.book(day + self.near(2, 12), int(pounds * 100 * rng.choice((1, 1, 0.5))), 'CARD', mcc=mcc, merchant_name=name, merchant_country='GB', channel='POS')
        for day in rng.choices(range(self.days), cum_weights=daily, k=int(rng.choice((0, 0.5, 1.5, 4)) * months * level)):
            self.book(day, -1000 * self.near(1, 12), 'ATM', must=False, reference=f'CASH {self.town_at(day)}', channel='ATM')
        friends = [self.somebody() for _ in range(5)]
        for day in rng.choices(range(self.days), cum_weights=daily, k=int((1.6 if self.age < 45 else 0.5) * months * level)):
            give = self.send if rng.random() < 0.6 else self.receive
            give(day, rng.choice((5, 10, 12.5, 20, 25, 40, 60)), rng.choice(friends), rng.choice(('THX', 'PIZZA', 'TICKETS', 'BDAY', None)), must=False)
        for _ in range(rng.choice((0, 0, 1, 2, 3)) if level > 0.5 and self.income > 120000 else 0):
            self.trip(self.near(20, self.days - 30), self.near(5, 14))
        for day in rng.choices(range(self.days), cum_weights=plain, k=int((rng.lognormvariate(1.9, 0.6) if self.app else 0.1) * months * level)):
            self.tap(day)
            if rng.random() < 0.3:
                self.tap(day, *rng.choice((('view', 'statement'), ('view', 'card_settings'), ('search', 'payments'), ('view', 'savings', 'SAVINGS'), ('push_opened',))))
            elif rng.random() < 0.01:
                self.tap(day, 'calculator_used', 'calculator', rng.choice(('MORTGAGE', 'LOAN', 'SAVINGS')))

    def trip(self, day, nights):
        if any(first <= day + nights and day <= last and factor < 0.5 for first, last, factor in self.activity):
            return
        country = self.rng.choice(('ES', 'FR', 'PT', 'GR', 'IT', 'US'))
        self.card(day - self.near(5, 80), 4511, self.rng.choice(('RYANAIR', 'EASYJET', 'JET2.COM')), self.near(90, 600), must=False, online=True)
        for _ in range(nights + self.near(0, 6)):
            mcc, merchant = self.rng.choice(ABROAD)
            self.card(day + self.near(0, nights), mcc, merchant, self.rng.lognormvariate(3.1, 0.6), must=False, country=country)

    # -- the books

    def settle(self):
        """Walk the bookings in order: [(second, account, pence, kind, tail, balance, what the bank returned)]."""
        saved = {side: tail(counterparty_id=f'{self.id}-{side}' if self.savings else f'own{self.id}', counterparty_name=self.name,
                            reference='TRANSFER', channel='MOBILE') for side in '1S'}      # the id is the other account, or one elsewhere
        balances = {'1': int(self.income * self.rng.uniform(0.4, 1.6)), 'S': self.nest}
        out, limits = [], sorted(self.limits)

        def put(at, account, pence, kind, text, returned=False):
            balances[account] = balances.get(account, 0) + pence
            out.append((at, account, pence, kind, text, balances[account], returned))

        for at, account, pence, kind, text, must in sorted(self.events):
            if pence == ALL:
                pence = -balances.get(account, 0)
                if pence >= 0:
                    continue
            floor = [limit for day, limit in limits if at >= day * 86400][-1]
            if pence < 0 and account != 'S' and balances.get(account, 0) + pence < floor:
                if not must:
                    continue
                if self.reserve is True or at < self.reserve * 86400:
                    more = (-pence - balances.get(account, 0)) // 5000 * 5000 + int(self.income * self.rng.uniform(0.15, 0.5)) // 5000 * 5000 + 5000
                    put(at - 1, account, more, 'TRANSFER', saved['S'])
                    if self.savings:
                        put(at - 1, 'S', -more, 'TRANSFER', saved['1'])
                elif kind == 'DIRECT_DEBIT' and self.chance(0.3):
                    put(at, account, pence, kind, text, True)
                    balances[account] -= pence
                    continue
            put(at, account, pence, kind, text)
            more = balances['1'] // 2 // 10000 * 10000      # of little money nothing is put by
            if more > 0 and pence > 20000 and kind == 'TRANSFER' and account == '1' and balances['1'] > self.cap * self.income and (
                    self.reserve is True or at < self.reserve * 86400):
                put(at + 9000, '1', -more, 'TRANSFER', saved['S'])
                if self.savings:
                    put(at + 9000, 'S', more, 'TRANSFER', saved['1'])
        if self.savings:
            out += [(day * 86400 + 3600, 'S', self.near(50, 2500), 'INTEREST', tail(reference='GROSS INTEREST', channel='AUTOMATIC'), None, False)
                    for day in due(('paid', 31, 0), self.days)]
        return sorted(out, key=lambda one: one[0])


@functools.lru_cache(maxsize=None)
def hash_of(text):
    """Not hash(): that differs from run to run."""
    return functools.reduce(lambda value, letter: (value * 33 + ord(letter)) % 2 ** 31, text, 5381)
