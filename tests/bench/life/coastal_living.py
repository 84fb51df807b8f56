# SPDX-License-Identifier: Apache-2.0
"""What people buy and do between the events of their lives: shops, cash, friends, trips, the tax return, the app."""
import dataclasses
import math

import coastal_calendar as calendar
import coastal_names as names
from coastal_book import FREE, JOINT, MAIN, MUST, CARD, SAVINGS


@dataclasses.dataclass
class Habit:
    shops: list
    a_month: float
    dollars: float
    sigma: float = 0.6
    weekend: float = 1.0        # how much likelier on a Saturday or Sunday
    loyal: float = 0.7          # to the first two shops


HABITS = [Habit(names.GROCERIES, 9, 52, 0.7, 1.3), Habit(names.FUEL, 3, 68, 0.35), Habit(names.COFFEE, 6, 9.5, 0.5, 1.2),
          Habit(names.EATING, 5, 27, 0.6, 1.6),
          Habit(names.PUBS, 2.5, 41, 0.7, 2.0), Habit(names.GOODS, 3, 48, 0.9, 1.5, 0.3), Habit(names.CHEMIST, 1.4, 27, 0.7),
          Habit(names.CARE, 0.8, 75, 0.7, 1, 0.4),
          Habit(names.DOCTOR, 0.4, 82, 0.4, 0.3), Habit(names.MOVING_ABOUT, 1.2, 13, 0.8), Habit(names.FUN, 0.9, 29, 0.8, 1.3, 0.3),
          Habit(names.TRAVEL, 0.12, 340, 0.7, 1, 0.2)]


def cut(person, day):
    """How much less (or more) is bought then."""
    factor = math.prod(f for a, b, f in person.cuts if a <= day < b)
    return 0.0 if any(a <= day < b for a, b in person.gaps) else factor


def abroad(person, day):
    return next((country for a, b, country in person.trips if a <= day < b), None)


def wander(person, habit, rate, scale):
    """One habit over all the time, day by day at random."""
    rng, book, day = person.rng, person.book, float(person.begin)
    mine = {}
    account = JOINT if person.facts.get('joint') and habit.shops is names.GROCERIES else MAIN
    account = CARD if person.facts.get('credit_card') and rng.random() < 0.5 and account == MAIN else account
    most = 1.3 * max([1.0] + [f for _, _, f in person.cuts if f > 1])
    while True:
        day += rng.expovariate(rate * most / 30.4)
        if day >= person.end:
            return
        at = int(day)
        if habit.weekend != 1 and calendar.date(at).weekday() < 5 and rng.random() > 1 / habit.weekend:
            continue
        if rng.random() > cut(person, at) * calendar.season(at) / most:
            continue
        cents = habit.dollars * 100 * scale * math.exp(rng.gauss(0, habit.sigma))
        country = abroad(person, at)
        if country and country != 'AU':
            name, mcc = rng.choice(names.ABROAD[country])
            book.card(at, names.shop_named(name, mcc, country=country), cents, account=account)
            continue
        town = country and person.facts.get('trip_town') or person.town_at(at)
        known = mine.setdefault(town, [names.shop(rng, habit.shops, town) for _ in range(2)])
        shop = rng.choice(known) if rng.random() < habit.loyal else names.shop(rng, habit.shops, town)
        book.card(at, shop, max(150, cents), FREE, account if book.open[0] <= at else MAIN)
        if habit.shops is names.DOCTOR and rng.random() < 0.5:
            book.credit(at + 2, names.party('MEDICARE AUSTRALIA'), 4280, f'MCARE BENEFITS {rng.randrange(10 ** 8)}')


def shopping(person):
    """Spends about what comes in, less what is owed."""
    rng = person.rng
    income = max(person.income(), 60000)
    owed = -sum(f.per_month() for f in person.flows if f.cents < 0 and f.begin <= calendar.START + 60 < f.end and f.role != 'to_joint')
    left = max(income - owed, income * 0.22) * (1.05 if person.facts.get('broke') else rng.uniform(0.6, 0.95))
    usual = sum(h.a_month * h.dollars * 100 * math.exp(h.sigma ** 2 / 2) for h in HABITS) * person.habit
    scale = min(2.4, max(0.3, left / usual)) if not person.facts.get('few') else 0.6
    if person.facts.get('cash'):
        scale *= 0.6
    for habit in HABITS:
        if habit.shops is names.FUEL and not person.facts.get('car') and rng.random() < 0.8:
            continue
        taste = rng.lognormvariate(0, 0.35) if rng.random() > 0.12 else 0.0
        rate = habit.a_month * person.habit * taste * min(1.6, scale ** 0.5)
        if rate > 0.005:
            wander(person, habit, rate, scale ** 0.5)
    return scale


def cash(person):
    rng = person.rng
    rate, size = ((6.5, (100, 200, 300, 400)) if person.facts.get('cash') else (rng.choice((0, 0, 0.3, 0.8, 1.5)), (20, 50, 50, 100, 200)))
    day = float(person.begin)
    while rate:
        day += rng.expovariate(rate / 30.4)
        if day >= person.end:
            break
        if rng.random() < cut(person, int(day)):
            person.book.cash(int(day), rng.choice(size) * 100)
    if person.facts.get('cash_in'):
        for month in range(person.days // 30):
            if rng.random() < 0.6:
                person.book.cash_in(person.begin + month * 30 + rng.randrange(30), rng.randrange(2, 30) * 5000)


def friends(person):
    """Split bills, birthday money, things sold on Marketplace: PayID, mostly without a word."""
    rng, day = person.rng, float(person.begin)
    others = [names.party(f'{rng.choice(names.FIRST)} {rng.choice(names.LAST)}', None, rng.random() < 0.7) for _ in range(4)]
    rate = 0.0 if person.facts.get('few') else rng.choice((0.2, 0.6, 1.2, 2.5))
    while rate:
        day += rng.expovariate(rate / 30.4)
        if day >= person.end:
            return
        if rng.random() > cut(person, int(day)):
            continue
        cents = rng.lognormvariate(3.7, 0.8) * 100
        text = rng.choice((None, 'thanks', 'dinner', 'Marketplace', 'footy tix', 'bday', 'beers', 'camping'))
        if rng.random() < 0.5:
            person.book.credit(int(day), rng.choice(others), cents, text)
        else:
            person.book.pay(int(day), rng.choice(others), cents, text, mode=FREE)


def seasons(person):
    """The tax return after June, a trip in a year, Afterpay in four parts, swimming lessons."""
    rng, book = person.rng, person.book
    for year in (2025, 2026):
        if person.age < 75 and rng.random() < 0.6:
            day = calendar.date(calendar.START).replace(year=year, month=7, day=10).toordinal() + int(rng.expovariate(1 / 40))
            if cut(person, day):
                book.credit(calendar.later(day), names.party('ATO'), rng.lognormvariate(7.0, 0.7) * 100, f'ATO{rng.randrange(10 ** 9):09d}')
    for _ in range(rng.choice((0, 0, 1, 1, 2)) if not person.facts.get('few') else 0):
        begin = person.begin + rng.randrange(max(1, person.days - 30))
        country = rng.choice(('AU', 'AU', 'ID', 'NZ', 'JP', 'GB'))
        person.trips.append((begin, begin + rng.randint(4, 17), country))
        person.facts['trip_town'] = rng.choice(names.TOWNS)
        if country != 'AU' and cut(person, begin - 40):
            book.card(begin - rng.randint(20, 90), names.shop(rng, names.TRAVEL), rng.uniform(350, 1900) * 100)
    if rng.random() < 0.28:
        for _ in range(rng.randint(1, 6)):
            afterpay(person, person.begin + rng.randrange(person.days), rng.uniform(60, 400))


def afterpay(person, day, dollars):
    """Bought now, paid in four fortnights."""
    name = person.rng.choice(names.BNPL)
    for part in range(4):
        if cut(person, day + 14 * part) and day + 14 * part < person.end:
            person.book.card(day + 14 * part, names.shop_named(name, 5999 if name == 'AFTERPAY' else None), dollars * 25, hour=5)


def looks(person):
    rng, day = person.rng, float(person.begin)
    while person.logins:
        day += rng.expovariate(person.logins / 30.4)
        if day >= person.end:
            return
        if rng.random() < cut(person, int(day)):
            person.book.app(int(day))
            if rng.random() < 0.12:
                screen = rng.choice(('statements', 'payments', 'cards', 'savings', 'offers', 'homeloans', 'super', 'insurance', 'help'))
                person.book.app(int(day), 'view', screen, {'homeloans': 'MORTGAGE', 'super': 'PENSION', 'savings': 'SAVINGS'}.get(screen))


def birthday(person):
    year, month, day = 2025 - person.age, person.rng.randint(1, 12), person.rng.randint(1, 28)
    return f'{year:04d}-{month:02d}-{day:02d}'


def open_accounts(person, scale):
    """What was there when the data begins, and the profile as the bank knows it."""
    rng, book, income = person.rng, person.book, max(person.income(), 60000)
    book.balance[MAIN] = int(income * rng.lognormvariate(-0.4, 0.7)) + 5000
    book.balance[JOINT] = int(income * 0.2) if person.facts.get('joint') else 0
    if person.chance(0.62) or person.facts.get('saver'):
        book.balance[SAVINGS] = int(income * rng.lognormvariate(0.6, 1.1)) + person.facts.get('saved', 0)
        book.sweep = income * rng.uniform(1.2, 3.0) if rng.random() < 0.75 else None
    elif person.facts.get('saved'):
        book.balance[MAIN] += person.facts['saved']
    book.limit = rng.choice((0, 0, 0, 0, 0, 50000, 100000))
    book.helper = names.party(rng.choice((f'{person.name(1)} {rng.choice(names.OWN_BANKS)}', f'{rng.choice(names.FIRST)} {person.last}')))
    if person.facts.get('broke'):
        book.balance.update({MAIN: int(income * rng.uniform(0.05, 0.5)) + person.facts.get('saved', 0), SAVINGS: 0})
        book.sweep = None
        book.owes = (income * rng.uniform(0.3, 0.7) + person.facts.get('saved', 0),
                     names.party(rng.choice(('CBA CREDIT CARD', 'LATITUDE CARD', 'HUMM GROUP', f'{person.name(1)} COMMBANK'))))
    status = {'age_pensioner': 'RETIRED', 'self_funded': 'RETIRED', 'student': 'STUDENT', 'sole_trader': 'SELF_EMPLOYED',
              'jobseeker': 'UNEMPLOYED'}.get(person.persona, 'EMPLOYED')
    held = [MAIN] + ([SAVINGS] if book.balance[SAVINGS] else []) + (['MORTGAGE'] if any('COASTAL' in f.party.name for f in person.of('mortgage')) else [])
    profile = {'birth_date': birthday(person), 'country': 'AU', 'region': f'NSW-{person.town[:5].strip()}',
                               'timezone': 'Australia/Sydney', 'products_held': held,
                               'relationship_since': f'{rng.randint(2004, 2024)}-{rng.randint(1, 12):02d}-11', 'complaint_open': False}
    if person.begin > calendar.START:
        profile['relationship_since'] = calendar.date(person.begin).isoformat()
    if rng.random() < 0.7:
        profile['employment_status'] = status
    if rng.random() < 0.4:
        profile['dependants'] = person.children
    book.profile(person.begin, profile)


def live(person):
    """Everything that recurs and everything at random, for as long as they are with the bank."""
    person.facts['credit_card'] = person.chance(0.12)
    seasons(person)
    scale = shopping(person)
    for step in (cash, friends, looks):
        step(person)
    open_accounts(person, scale)
    for flow in person.flows:
        flow.pauses += person.gaps
        flow.render(person, min(person.end, calendar.START + person.days))
    for number in range(calendar.month_number(person.begin) + 1, calendar.month_number(calendar.START + person.days - 1) + 1):
        person.book.tick(calendar.of_month(number, 1))


def once(person, day, dollars, name, mcc=None, local=True, kind='card', reference=None, must=True):
    """One purchase of a story: a card, or a transfer to somebody."""
    if kind == 'card':
        shop = names.shop_named(name, mcc, person.town_at(day) if local else None)
        person.book.card(day, shop, dollars * 100, MUST if must else FREE)
    else:
        person.book.pay(day, names.party(name, None, person.chance(0.85)), dollars * 100, reference, kind)
