# SPDX-License-Identifier: Apache-2.0
"""The account of one member of the credit union of prairie.py: pay, bills, daily life, and the statement in the order of
booking with its balance. Stories (prairie_lives.py, prairie_decoys.py) change the plan before it is written out."""
import dataclasses
import datetime

START = datetime.date(2025, 1, 1)
HOLIDAYS = {datetime.date.fromisoformat(text).toordinal() for text in (
    '2025-01-01 2025-02-17 2025-04-18 2025-05-19 2025-07-01 2025-08-04 2025-09-01 2025-09-30 2025-10-13 2025-11-11 '
    '2025-12-25 2025-12-26 2026-01-01 2026-02-16 2026-04-03 2026-05-18 2026-07-01 2026-08-03 2026-09-07').split()}
SHOPS = (  # name, category code, weight, middle of the amount in cents
    ('REAL CDN SUPERSTORE #1505', 5411, 9, 7200), ('SAFEWAY #4811', 5411, 7, 4600), ('SOBEYS EXTRA', 5411, 5, 5200),
    ('CO-OP GAS BAR', 5542, 6, 5400), ('PETRO-CANADA 06113', 5541, 5, 5800), ('TIM HORTONS #2381', 5814, 14, 720),
    ('A&W #0612', 5814, 4, 1650), ('SKIPTHEDISHES', 5812, 4, 3800), ('MLCC LIQUOR MART', 5921, 4, 3600),
    ('SHOPPERS DRUG MART #05', 5912, 5, 2800), ('DOLLARAMA # 911', 5331, 4, 1400), ('WAL-MART #3117', 5311, 5, 6100),
    ('AMZN MKTP CA*2K81', 5942, 6, 4100), ('CANADIAN TIRE #282', 5251, 3, 6300), ('CINEPLEX 8911', 7832, 2, 3300),
    ('WPG TRANSIT PEGGO', 4111, 3, 3000), ('IMPARK00310142U', 7523, 3, 900), ('WINNERS 228', 5651, 3, 5600),
    ('RONA #60870', 5200, 2, 6800), ('GREAT CLIPS', 7230, 1, 3200), ('PET VALU', 5995, 2, 5400),
    ('MB LOTTERIES PLAYNOW', 7995, 1, 2000), ('EXPEDIA 7271', 4722, 1, 31000), ('APPLE.COM/BILL', 5735, 4, 600))
WEIGHTS = [shop[2] for shop in SHOPS]
FIRST = 'J M R S D K A L T P C B'.split()
LAST = ('FRIESEN PENNER SINGH SANTOS REIMER KOWALCHUK SINCLAIR LAVALLEE DUECK NGUYEN THIESSEN MACKAY FONTAINE GILL BEAUDRY '
        'PETERS OLESON CHARTRAND ROMERO WIEBE').split()


def date(day):
    return START + datetime.timedelta(days=day)


def business(day, back=True):
    """The nearest day on which the bank books: before (pay) or after (debits)."""
    while date(day).weekday() > 4 or date(day).toordinal() in HOLIDAYS:
        day += -1 if back else 1
    return day


def month_days(start, end, dom):
    """The day numbers of that day of the month, the last where the month is shorter."""
    year, month = date(start).year, date(start).month
    while True:
        following = datetime.date(year + month // 12, month % 12 + 1, 1)
        last = (following - datetime.timedelta(days=1)).day
        day = (datetime.date(year, month, min(dom, last)) - START).days
        if day >= end:
            return
        if day >= start:
            yield day
        year, month = following.year, following.month


@dataclasses.dataclass
class Stream:
    """Money that comes or goes again and again; `change` is [(day, factor)], `name` may change with `renames`."""
    name: str
    minor: int            # each time
    cadence: str          # weekly biweekly semi monthly quarterly
    phase: int
    party: str
    kind: str = 'TRANSFER'
    credit: bool = False
    start: int = 0
    end: int = 10000
    spread: float = 0.0
    skips: float = 0.0
    reference: str = None
    change: list = dataclasses.field(default_factory=list)
    renames: list = dataclasses.field(default_factory=list)
    gaps: list = dataclasses.field(default_factory=list)

    def days(self, limit):
        end = min(self.end, limit)
        if self.cadence in ('weekly', 'biweekly'):
            step = 7 if self.cadence == 'weekly' else 14
            first = self.phase % step
            planned = range(first + max(0, -(-(self.start - first) // step)) * step, end, step)
        elif self.cadence == 'semi':
            planned = sorted([*month_days(self.start, end, 15), *month_days(self.start, end, 31)])
        elif self.cadence == 'quarterly':
            planned = [day for day in month_days(self.start, end, self.phase) if date(day).month % 3 == 1]
        else:
            planned = month_days(self.start, end, self.phase)
        return [max(0, business(day, self.credit)) for day in planned
                if not any(low <= day < high for low, high in self.gaps)]

    def amount(self, day, rng):
        factor = 1.0
        for since, change in self.change:
            factor = change if day >= since else factor
        return max(100, int(self.minor * factor * rng.lognormvariate(0, self.spread)))

    def called(self, day):
        name, party = self.name, self.party
        for since, new, other in self.renames:
            name, party = (new, other) if day >= since else (name, party)
        return name, party


class Person:
    """One member: who they are, what is planned, what is booked."""

    def __init__(self, rng, number, days):
        self.rng, self.id, self.days = rng, f'PCU{number:07d}', days
        self.born, self.status, self.dependants = 1985, 'EMPLOYED', 0
        self.streams, self.rows, self.apps, self.truths, self.silent = [], [], [], [], []
        self.budget, self.change, self.town, self.towns = 100000, [], 'WINNIPEG MB', []
        self.pay, self.rent, self.logins, self.broke = None, None, rng.choice((0.05, 0.15, 0.3, 0.5)), []
        self.opening, self.debts = 0, []  # debts: the days of signs of money that is short

    # What stories say ------------------------------------------------------------------------------------------------
    def truth(self, kind, day, known, decoy=None, implied=False):
        if known < self.days:
            self.truths.append((kind, day, known, decoy, implied))

    def stream(self, *args, **kwargs):
        self.streams.append(Stream(*args, **kwargs))
        return self.streams[-1]

    def row(self, day, minor, kind, **fields):
        """Books `minor` cents (credit above 0) at some hour of that day."""
        if 0 <= day < self.days:
            hour = 9 if kind in ('TRANSFER', 'DIRECT_DEBIT', 'FEE', 'INTEREST') else int(self.rng.gauss(15, 3)) % 24
            moment = datetime.datetime.combine(date(day), datetime.time(hour, self.rng.randrange(60), self.rng.randrange(60)))
            self.rows.append((moment, int(minor), {'kind': kind, **fields}))

    def card(self, day, name, mcc, minor, soft=False):
        code = {} if self.rng.random() < 0.06 else {'mcc': mcc}
        town = self.town
        for since, where in self.towns:
            town = where if day >= since else town
        self.row(day, -minor, 'CARD', merchant_name=f'{name} {town}'[:32], merchant_country='CA', soft=soft, **code)

    def send(self, day, who, minor, note=None):
        """An Interac e-transfer; out when below 0."""
        way = 'TO' if minor < 0 else 'FROM'
        self.row(day, minor, 'TRANSFER', counterparty_name=f'INTERAC E-TFR {way} {who}'[:30], counterparty_id=party(who),
                 **({'reference': note} if note else {}))

    def deposit(self, day, name, minor, reference=None):
        self.row(business(day, False), minor, 'TRANSFER', counterparty_name=name, counterparty_id=party(name),
                 **({'reference': reference} if reference else {}))

    def bill(self, day, name, minor, reference=None):
        """A bill paid in online banking."""
        self.row(day, -minor, 'TRANSFER', counterparty_name=name, counterparty_id=party(name),
                 **({'reference': reference} if reference else {}))

    def pad(self, name, minor, phase, start=0, end=10000, cadence='monthly', spread=0.0):
        return self.stream(name, minor, cadence, phase, party(name), 'DIRECT_DEBIT', start=start, end=end, spread=spread)

    def friend(self):
        return f'{self.rng.choice(FIRST)} {self.rng.choice(LAST)}'

    def view(self, day, event, screen, product=None):
        if 0 <= day < self.days and not self.away(day):
            self.apps.append((day, event, screen, product))

    def away(self, day):
        return any(low <= day < high for low, high in self.silent)

    # What follows of it ----------------------------------------------------------------------------------------------
    def live(self):
        for one in self.streams:
            for day in one.days(self.days):
                if self.rng.random() >= one.skips:
                    name, whose = one.called(day)
                    extra = {'reference': one.reference} if one.reference else {}
                    minor = one.amount(day, self.rng)
                    self.row(day, minor if one.credit else -minor, one.kind, counterparty_name=name, counterparty_id=whose, **extra)
        mean = sum(shop[2] * shop[3] for shop in SHOPS) * 1.15 / sum(WEIGHTS)
        for day in range(self.days):
            if self.away(day):
                continue
            factor = 1.25 if date(day).month == 12 else 1.0
            for since, change in self.change:
                factor = change if day >= since else factor
            count = self.budget / 30.4 / mean * factor
            for _ in range(int(count) + (self.rng.random() < count % 1)):
                shop = self.rng.choices(SHOPS, WEIGHTS)[0]
                self.card(day, shop[0], shop[1], int(shop[3] * self.rng.lognormvariate(0, 0.5)) + 50, soft=True)
            if self.rng.random() < 0.03:
                self.row(day, -self.rng.choice((4000, 6000, 10000)), 'ATM', merchant_name='PCU ABM 0417', soft=True)
            if self.rng.random() < 0.04:
                self.send(day, self.friend(), self.rng.choice((-1, -1, 1)) * self.rng.choice((1500, 2000, 4250, 6000)))
            if self.rng.random() < self.logins:
                self.view(day, 'login', 'accounts')

    def book(self):
        """The rows in order with the balance after each; what cannot be paid is declined, or returned where money is short."""
        balance, out, month = self.opening, [], None
        keep = max(30000, self.budget // 4)
        for moment, minor, fields in sorted(self.rows, key=lambda row: row[0]):
            day = (moment.date() - START).days
            soft = fields.pop('soft', False)
            short = any(low <= day < high for low, high in self.broke)
            floor = -60000 if short else keep
            if soft and balance + minor < floor:
                continue
            if month != moment.month and balance > 6 * self.budget and not short and not self.away(day):
                spare = (balance - 4 * self.budget) // 100 * 100
                balance -= spare
                out.append((moment, -spare, balance, {'kind': 'TRANSFER', 'counterparty_name': 'TRANSFER TO TFSA SAVINGS',
                                                      'counterparty_id': f'own-{self.id}'}))
            month = moment.month
            if not short and balance + minor < -20000 and minor < 0:
                saved = (-balance - minor) // 10000 * 10000 + 30000
                balance += saved
                out.append((moment - datetime.timedelta(minutes=4), saved, balance, {
                    'kind': 'TRANSFER', 'counterparty_name': 'TRANSFER FROM TFSA SAVINGS', 'counterparty_id': f'own-{self.id}'}))
            balance += minor
            out.append((moment, minor, balance, fields))
            if short and fields['kind'] == 'DIRECT_DEBIT' and balance < floor:
                balance -= minor
                out.append((moment + datetime.timedelta(hours=9), -minor, balance,
                            {**fields, 'kind': 'OTHER', 'reference': 'RETURNED ITEM NSF'}))
                self.debts.append(day)
                balance -= 4800
                out.append((moment + datetime.timedelta(hours=9, minutes=1), -4800, balance,
                            {'kind': 'FEE', 'reference': 'NSF SERVICE CHARGE'}))
        if self.broke and len(self.debts) > 2:
            self.truth('debt.stress', self.broke[0][0], sorted(self.debts)[2])
        return out


def party(name):
    """A stable id of the other side."""
    number = 7
    for letter in name:
        number = (number * 131 + ord(letter)) % 10 ** 11
    return f'CA{number:011d}'
