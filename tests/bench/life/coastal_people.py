# SPDX-License-Identifier: Apache-2.0
"""The customers: who they are, what they earn and from whom, what they owe every month. What they buy: coastal_living.py."""
import dataclasses
import math

import coastal_calendar as calendar
import coastal_names as names
from coastal_book import JOINT, MAIN, SAVINGS, Book

ALWAYS = 10 ** 9


@dataclasses.dataclass
class Flow:
    """Something that recurs: a pay, a rent, a bill. cents above 0 comes in."""
    role: str
    party: names.Party
    cents: float
    every: str = 'monthly'
    anchor: int = 1
    begin: int = 0
    end: int = ALWAYS
    noise: float = 0.0              # sigma of the amount's logarithm
    kind: str = 'TRANSFER'
    reference: object = None        # a text, or what makes one of the day
    account: str = MAIN
    skip: float = 0.0
    shift: str = 'earlier'          # of a day on which no bank works: earlier, later, or paid all the same
    steps: list = dataclasses.field(default_factory=list)       # (day, factor): from then on
    pauses: list = dataclasses.field(default_factory=list)      # [from, to)
    shop: object = None             # a card that is charged

    def per_month(self):
        a_month = {'weekly': 4.345, 'fortnightly': 2.173, 'fourweekly': 1.086, 'quarterly': 1 / 3, 'yearly': 1 / 12}.get(self.every, 1)
        return self.cents * a_month * (1 - self.skip)

    def amount(self, rng, day):
        cents = self.cents * math.prod(factor for at, factor in self.steps if day >= at)
        return cents * math.exp(rng.gauss(-self.noise ** 2 / 2, self.noise)) if self.noise else cents

    def next_due(self, day, count=1):
        """The count-th day on or after `day` on which it falls due."""
        days = calendar.due(self.every, self.anchor, max(day, self.begin), day + 800)
        return next(due for number, due in enumerate(days, 1) if number == count)

    def render(self, person, last):
        """Puts all of it into the book."""
        rng, book = person.rng, person.book
        for day in calendar.due(self.every, self.anchor, max(self.begin, calendar.START), min(self.end, last)):
            if any(a <= day < b for a, b in self.pauses) or (self.skip and rng.random() < self.skip):
                continue
            cents = self.amount(rng, day)
            at = {'earlier': calendar.earlier, 'later': calendar.later}.get(self.shift, int)(day)
            reference = self.reference(day) if callable(self.reference) else self.reference
            if self.shop:
                book.card(at, self.shop, cents, account=self.account, hour=4)
            elif cents > 0:
                book.credit(at, self.party, cents, reference, self.kind, self.account)
            else:
                book.pay(at, self.party, cents, reference, self.kind, self.account)


class Person:
    def __init__(self, rng, number, seed, days):
        self.rng, self.days = rng, days
        self.id = f'CM{seed % 10000:04d}{number:06d}'
        self.first, self.last = rng.choice(names.FIRST), rng.choice(names.LAST)
        self.begin, self.end = calendar.START, calendar.START + days
        self.book = Book(rng, self.id, seed % 1000 * 10000 + number)
        self.town, self.age, self.persona, self.home = rng.choice(names.TOWNS), 40, '', 'own'
        self.partner = None
        self.flows, self.truths, self.facts = [], [], {}
        self.cuts, self.gaps, self.moves, self.trips, self.children = [], [], [], [], 0
        self.habit = 1.0                # how much of what is usual is bought
        self.logins = rng.choice((0, 0.5, 2, 4, 8, 12, 20))
        self.loud = rng.uniform(0.35, 1.0)          # how much of a life shows at this bank

    def name(self, style=None):
        style = self.rng.randrange(3) if style is None else style
        return (f'{self.first} {self.last}', f'{self.first[0]} {self.last}'.upper(), f'MR/S {self.first[0]} {self.last}')[style]

    def chance(self, share):
        return self.rng.random() < share

    def add(self, *arguments, **options):
        flow = Flow(*arguments, **options)
        self.flows.append(flow)
        return flow

    def of(self, role, day=None):
        """The flows of that role, those that run on that day."""
        return [f for f in self.flows if f.role == role and (day is None or f.begin <= day < f.end)]

    def town_at(self, day):
        return next((town for at, town in sorted(self.moves, reverse=True) if day >= at), self.town)

    def truth(self, kind, happened, known, decoy=None, implied=False):
        if not decoy and known > calendar.START + self.days - 25:
            implied = True      # hardly to be seen before the data ends: may be said or not
        self.truths.append((kind, happened, known, decoy, implied))

    def income(self):
        return sum(f.per_month() for f in self.flows if f.cents > 0 and f.begin <= calendar.START + 90 < f.end and f.account != SAVINGS)


# ---- incomes

def pay_reference(rng):
    """How that employer's payroll writes it; some tell nothing."""
    style = rng.randrange(8)
    number = rng.randrange(100, 999)
    return (lambda day: 'SALARY', lambda day: f'PAY {calendar.date(day):%d%m%y}', lambda day: f'WAGES {number:07d}', lambda day: None,
            lambda day: f'PR{number + day // 14} {calendar.date(day):%d/%m}', lambda day: 'DIRECT CREDIT', lambda day: 'Payroll',
            lambda day: f'NET PAY {number}')[style]


def salary(person, monthly, begin=0, every=None, payer=None, noise=None, role='salary'):
    """A job. Most are paid by the fortnight; an award is indexed in July."""
    rng = person.rng
    every = every or rng.choices(('fortnightly', 'weekly', 'monthly', 'lastday'), (56, 22, 15, 7))[0]
    anchor = rng.choice((12, 14, 15, 15, 15, 20, 28)) if every in ('monthly', 'lastday') else calendar.START + rng.choices(range(14),
            (2, 8, 9, 3, 1, 0, 2, 1, 7, 8, 3, 1, 0, 1))[0]
    share = {'fortnightly': 2.173, 'weekly': 4.345}.get(every, 1)
    noise = noise if noise is not None else rng.choice((0.0, 0.0, 0.004, 0.03, 0.09))
    job = person.add(role, payer or names.employer(rng), monthly * 100 / share, every, anchor, begin, noise=noise, reference=pay_reference(rng))
    if rng.random() < 0.5:
        for year in (2025, 2026):
            july = calendar.date(calendar.START).replace(year=year, month=7, day=1).toordinal() + rng.randrange(16)
            if july > job.begin + 120:
                job.steps.append((july, rng.uniform(1.02, 1.04)))
    return job


def benefit(person, text, fortnightly, begin=0, end=ALWAYS, noise=0.0):
    number = person.rng.randrange(200, 999)
    reference = f'{text} {number}{person.rng.randrange(10 ** 5):06d}{person.rng.choice("ABCHJKLST")}'
    payer = names.party(person.rng.choice(('SERVICES AUSTRALIA', 'CENTRELINK', 'CTRLINK')))
    return person.add('benefit', payer, fortnightly * 100, 'fortnightly', calendar.START + person.rng.randrange(14), begin, end, noise=noise,
                      reference=reference)


def full_time(p):
    p.age = p.rng.randint(23, 62)
    p.habit = p.rng.uniform(0.75, 1.35)
    salary(p, p.rng.lognormvariate(8.55, 0.33))


def shift_worker(p):
    """A nurse, a miner, a driver: penalty rates make every pay another."""
    p.age = p.rng.randint(22, 60)
    pool = p.rng.choice((None, names.MINES, names.EMPLOYERS))
    salary(p, p.rng.lognormvariate(8.65, 0.3), every=p.rng.choice(('fortnightly', 'weekly')), payer=names.employer(p.rng, pool),
           noise=p.rng.uniform(0.08, 0.2))


def casual(p):
    p.age = p.rng.randint(18, 55)
    p.habit = p.rng.uniform(0.5, 0.95)
    job = salary(p, p.rng.lognormvariate(7.75, 0.3), every='weekly', payer=names.employer(p.rng, names.CASUAL_EMPLOYERS),
                 noise=p.rng.uniform(0.22, 0.5))
    job.skip = p.rng.choice((0, 0.02, 0.06, 0.12))


def two_jobs(p):
    p.age = p.rng.randint(21, 58)
    salary(p, p.rng.lognormvariate(8.1, 0.25), every='fortnightly')
    salary(p, p.rng.lognormvariate(7.1, 0.3), every='weekly', payer=names.employer(p.rng, names.CASUAL_EMPLOYERS), noise=0.3,
           role='salary2').skip = 0.1


def platform(p):
    """Rides and errands; sometimes two platforms at once."""
    p.age = p.rng.randint(20, 50)
    for payer in p.rng.sample(names.PLATFORMS, p.rng.choice((1, 2))):
        salary(p, p.rng.lognormvariate(7.6, 0.4), every='weekly', payer=names.party(*payer), noise=0.45).skip = 0.1
    p.habit = 0.8


def sole_trader(p):
    """Customers pay when they pay, some in cash."""
    p.age = p.rng.randint(26, 63)
    for _ in range(p.rng.randint(3, 6)):
        client = names.party(p.rng.choice((f'{p.rng.choice(names.FIRST)} {p.rng.choice(names.LAST)}',
                                           f'{p.rng.choice(names.LAST)} {p.rng.choice(names.TRADES)}'.upper())))
        p.add('client', client, p.rng.uniform(600, 2400) * 100, 'monthly', p.rng.randint(1, 28), noise=0.5, skip=0.35,
              reference=lambda day: f'INV {day % 900 + 100}')
    p.book.limit = p.rng.choice((0, 100000, 300000))
    p.add('tax', names.party('ATO'), -p.income() * p.rng.uniform(0.2, 0.4), 'quarterly', p.rng.choice((21, 28)) + 100, noise=0.2,
          reference='ATO BAS PAYMENT')
    p.facts['cash_in'] = True


def part_time_parent(p):
    p.age, p.children = p.rng.randint(26, 46), p.rng.randint(1, 3)
    salary(p, p.rng.lognormvariate(7.8, 0.25), noise=0.12)
    benefit(p, 'FAMILY TAX BEN', p.rng.uniform(120, 420))
    p.partner = p.partner or p.rng.choice(names.FIRST)


def age_pensioner(p):
    p.age, p.home = p.rng.randint(67, 90), p.rng.choice(('own', 'own', 'own', 'rent'))
    benefit(p, 'AGE PENSION', p.rng.uniform(700, 1150))
    p.habit, p.logins = p.rng.uniform(0.4, 0.8), p.rng.choice((0, 0, 1, 3))
    if p.chance(0.5):
        super_pension(p, p.rng.uniform(500, 2200))


def super_pension(p, monthly, begin=0):
    every = p.rng.choice(('monthly', 'fortnightly'))
    share = 2.173 if every == 'fortnightly' else 1
    anchor = calendar.START + p.rng.randrange(14) if every == 'fortnightly' else p.rng.choice((5, 14, 15, 27))
    return p.add('pension', names.party(p.rng.choice(names.SUPERS), None, p.chance(0.8)), monthly * 100 / share, every, anchor, begin,
                 reference=p.rng.choice(('PENSION', 'INCOME STREAM', f'PEN {p.rng.randrange(10 ** 7)}', None)))


def self_funded(p):
    p.age, p.home = p.rng.randint(62, 85), 'own'
    super_pension(p, p.rng.uniform(3000, 7000))
    for fund in p.rng.sample(('TLS ITM DIV', 'WBC DIVIDEND', 'CBA ITM DIV', 'BHP GROUP DIV'), 2):
        p.add('dividend', names.party(fund), p.rng.uniform(200, 1500) * 100, 'quarterly', p.rng.randint(1, 28) + 100 * p.rng.randrange(3),
              noise=0.15, reference=f'{p.rng.randrange(10 ** 8)}')


def jobseeker(p):
    p.age, p.home = p.rng.randint(22, 62), p.rng.choice(('rent', 'family'))
    benefit(p, 'JOBSEEKER', p.rng.uniform(620, 820), noise=0.06)
    p.habit = 0.4


def student(p):
    p.age, p.home = p.rng.randint(17, 23), p.rng.choice(('family', 'rent', 'family'))
    p.add('parent', names.party(f'{p.rng.choice(names.FIRST)} {p.last}'), p.rng.uniform(50, 180) * 100, 'weekly',
          calendar.START + p.rng.randrange(7), noise=0.2, skip=0.15, reference=p.rng.choice(('money', 'rent', None)))
    if p.chance(0.4):
        benefit(p, 'YOUTH ALLOW', p.rng.uniform(280, 640))
    p.habit = 0.45


def moves_in(p):
    """Paid into another bank: what is needed here comes from the own account there."""
    p.age = p.rng.randint(24, 64)
    bank = p.rng.choice(names.OWN_BANKS)
    p.add('own', names.party(f'{p.name(1)} {bank}'), p.rng.uniform(500, 2600) * 100, p.rng.choice(('weekly', 'fortnightly', 'monthly')),
          p.rng.randint(1, 7), noise=p.rng.choice((0, 0, 0.3)),
          skip=0.05, reference=p.rng.choice(('bills', 'TRANSFER', 'spending', None)))
    p.habit = p.rng.uniform(0.3, 0.8)


def cash_user(p):
    full_time(p)
    p.facts['cash'] = True
    p.habit *= 0.4


def saver(p):
    """Hardly anything goes on: a deposit in a month, a look at the balance."""
    p.age = p.rng.randint(20, 80)
    p.add('own', names.party(f'{p.name(1)} {p.rng.choice(names.OWN_BANKS)}'), p.rng.uniform(50, 700) * 100, 'monthly', p.rng.randint(1, 28),
          reference='savings', kind='TRANSFER')
    p.habit, p.logins, p.facts['few'] = 0.08, p.rng.choice((1, 2, 3)), True


PERSONAS = {full_time: 36, shift_worker: 9, casual: 8, two_jobs: 5, platform: 3, sole_trader: 4, part_time_parent: 7, age_pensioner: 8,
            self_funded: 4,
            jobseeker: 3, student: 4, moves_in: 5, cash_user: 3, saver: 3}
EARNERS = (full_time, full_time, full_time, shift_worker, cash_user)


# ---- what is owed

def rent(p, weekly, begin=0):
    agent = p.rng.choice(names.AGENTS)
    every = p.rng.choice(('weekly', 'fortnightly', 'fortnightly'))
    cents = -weekly * 100 * (2 if every == 'fortnightly' else 1)
    party = names.party(f'{agent} {p.town_at(begin)}' if p.chance(0.8) else f'{p.rng.choice(names.FIRST)} {p.rng.choice(names.LAST)}')
    return p.add('rent', party, cents, every, calendar.START + p.rng.randrange(14), begin,
                 kind=p.rng.choice(('TRANSFER', 'DIRECT_DEBIT', 'STANDING_ORDER')),
                 reference=p.rng.choice(('RENT', f'RENT {p.rng.randrange(10 ** 5)}', f'{p.rng.randrange(1, 90)} {p.rng.choice(names.LAST)} ST',
                                         None)))


def mortgage(p, monthly, begin=0):
    here = p.chance(0.45)
    party = names.party('COASTAL MUTUAL LOAN' if here else p.rng.choice(names.HOME_LENDERS))
    every = p.rng.choice(('monthly', 'fortnightly'))
    cents = -monthly * 100 / (2.173 if every == 'fortnightly' else 1)
    flow = p.add('mortgage', party, cents, every, p.rng.randint(1, 28) if every == 'monthly' else calendar.START + p.rng.randrange(14), begin,
                 kind='STANDING_ORDER' if here else 'DIRECT_DEBIT', reference=f'LOAN {p.rng.randrange(10 ** 7)}', shift='later')
    if p.chance(0.6):
        flow.steps += [(calendar.START + 55, 0.985), (calendar.START + 145, 0.985), (calendar.START + 230, 0.985)]      # the Reserve Bank's cuts
    return flow


def bill(p, role, name, monthly, every='monthly', begin=0, kind='DIRECT_DEBIT', noise=0.0):
    """A direct debit or what is paid by BPAY with a reference."""
    share = {'fortnightly': 2.173, 'quarterly': 1 / 3, 'yearly': 1 / 12}.get(every, 1)
    anchor = calendar.START + p.rng.randrange(14) if every in calendar.STEP else p.rng.randint(1, 28) + 100 * p.rng.randrange(12)
    return p.add(role, names.party(name, None, p.chance(0.9)), -monthly * 100 / share, every, anchor, begin, noise=noise, kind=kind, shift='later',
                 reference=f'{p.rng.choice(("", "BPAY ", "REF "))}{p.rng.randrange(10 ** 8)}')


def power(p, begin=0, other_than=None):
    name = p.rng.choice([one for one in names.POWER if one != other_than])
    return bill(p, 'power', name, p.rng.uniform(70, 260), p.rng.choice(('monthly', 'quarterly', 'fortnightly')), begin, noise=0.15)


def internet(p, begin=0):
    return bill(p, 'internet', p.rng.choice(names.PHONE), p.rng.choice((59, 79, 89, 99)), begin=begin)


def household(p):
    """Where they live and what that costs; who has no home of their own pays little."""
    rng, income = p.rng, max(p.income() / 100, 1500)
    if p.persona in ('saver',):
        return
    if p.home == 'rent':
        rent(p, min(rng.uniform(0.18, 0.32) * income / 4.345, 750))
    elif p.home == 'mortgage':
        mortgage(p, rng.uniform(0.18, 0.34) * income)
    if p.home in ('own', 'mortgage'):
        bill(p, 'rates', f'{p.town} COUNCIL', rng.uniform(110, 210), 'quarterly', kind='TRANSFER')
        bill(p, 'home_insurance', rng.choice(names.INSURERS), rng.uniform(90, 240))
    if p.home != 'family':
        power(p)
        internet(p)
    if p.home == 'family' and p.chance(0.5):
        p.add('board', names.party(f'{rng.choice(names.FIRST)} {p.last}'), -rng.uniform(60, 160) * 100, 'weekly', calendar.START + rng.randrange(7),
              reference='board')
    bill(p, 'phone', rng.choice(names.PHONE), rng.choice((25, 35, 49, 65)) if income > 1600 else 20)
    if income < 1600 and p.chance(0.8):
        return
    if p.chance(0.75):
        bill(p, 'car_insurance', rng.choice(names.INSURERS), rng.uniform(55, 160), rng.choice(('monthly', 'monthly', 'yearly')))
        bill(p, 'rego', 'SERVICE NSW', rng.uniform(55, 85), 'yearly', kind='TRANSFER')
        p.facts['car'] = True
    if p.chance(0.4):
        bill(p, 'health', rng.choice(names.HEALTH), rng.uniform(110, 380), rng.choice(('monthly', 'fortnightly')))
    if p.chance(0.25):
        bill(p, 'gym', rng.choice(names.GYMS), rng.uniform(35, 85), 'fortnightly')
    for name, mcc in rng.sample(names.STREAMS, rng.choice((0, 1, 1, 2, 3))):
        p.add('stream', None, -rng.choice((1099, 1399, 1699, 2299)), 'monthly', rng.randint(1, 28), shift='', shop=names.shop_named(name, mcc))
    if p.chance(0.15):
        bill(p, 'card_elsewhere', rng.choice(('CBA CREDIT CARD', 'AMEX AU', 'LATITUDE CARD')), rng.uniform(150, 900), noise=0.5, kind='TRANSFER')
    if p.chance(0.12):
        bill(p, 'loan', rng.choice(('LATITUDE FINANCE', 'COASTAL MUTUAL LOAN', 'TOYOTA FINANCE')), rng.uniform(180, 520),
             rng.choice(('monthly', 'fortnightly')))


def with_partner(p):
    """Bills are shared: the partner sends a share, or both pay into a joint account from which the groceries go."""
    p.partner = p.partner or p.rng.choice(names.FIRST)
    party = names.party(f'{p.partner} {p.rng.choice((p.last, p.rng.choice(names.LAST)))}')
    every, anchor = p.rng.choice(('weekly', 'fortnightly', 'monthly')), calendar.START + p.rng.randrange(14)
    anchor = p.rng.randint(1, 28) if every == 'monthly' else anchor
    share = max(p.income(), 150000) * p.rng.uniform(0.08, 0.25) / {'weekly': 4.345, 'fortnightly': 2.173, 'monthly': 1}[every]
    if p.chance(0.5):
        p.facts['joint'] = True
        p.add('to_joint', names.party('JOINT ACCOUNT'), -share, every, anchor, kind='STANDING_ORDER', reference='TO JOINT')
        p.add('in_joint', names.party(f'{p.name(1)} JOINT'), share, every, anchor, account=JOINT, reference='FROM PERSONAL')
        p.add('partner', party, share * p.rng.uniform(0.6, 1.3), every, anchor, account=JOINT, reference=p.rng.choice(('joint', 'bills', None)))
    else:
        p.add('partner', party, share, every, anchor, noise=0.1, skip=0.05, reference=p.rng.choice(('bills', 'my half', 'groceries', None)))
