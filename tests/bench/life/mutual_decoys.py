# SPDX-License-Identifier: Apache-2.0
"""What looks like a life event at the mutual and is none, each with the event that it looks like and the days in which it does."""
import datetime

import mutual_people as people
from mutual_calendar import DAY
from mutual_lives import DSP, chance, usual, when
from mutual_people import END, START


def employer_renamed(person):
    """Pay goes on at the same day and level under another name and account."""
    people.worker(person)
    day = when(person)
    job = person.flows['job']
    job.end = day
    fresh = person.income('job2', 'KESTREL ' + person.rng.choice(people.TRADES) + ' LTD', job.amount, job.due, person.rng.choice((job.fields['reference'], 'SALARY', None)), job.jitter)
    fresh.start, fresh.steps = day + DAY, job.steps
    person.decoy('employer_renamed', 'job.changed job.lost', day, day + 120 * DAY)


def payroll_switch(person):
    """A bureau takes over the payroll: another payer and text, days that shift a little, the same money."""
    people.worker(person)
    rng = person.rng
    day = when(person)
    job = person.flows['job']
    job.end = day
    due = ('dom', rng.choice((26, 27, 28))) if job.due[0] in ('last', 'dom', 'nth') else job.due
    bureau = rng.choice(('PAYCHEX IRL', 'SD WORX PAYMENTS', 'ADP EMPLOYER SVCS', 'SAGE PAYROLL BUREAU'))
    fresh = person.income('job2', bureau, job.amount * rng.uniform(0.99, 1.01), due, job.fields['counterparty_name'][:18], job.jitter)
    fresh.start = max(day + DAY, job.dates()[-1] + 6 * DAY)
    person.decoy('payroll_switch', 'job.changed job.lost', day, day + 120 * DAY)


def unpaid_leave(person):
    """One or two pays are missing, then all goes on."""
    people.worker(person)
    day = when(person)
    job = person.flows['job']
    missing = job.after(day)
    job.skip = {each for each in job.dates() if missing <= each <= missing + (25 if job.due[0] in ('last', 'dom', 'nth') else 34) * DAY}
    person.decoy('unpaid_leave', 'job.lost income.drop', missing, missing + 100 * DAY)


def sabbatical(person):
    """Months abroad; half of them on half pay, the others on none; then back to the same desk."""
    people.worker(person)
    rng = person.rng
    day = when(person, 170, 320)
    back = day + rng.randrange(62, 95) * DAY
    job = person.flows['job']
    if chance(person, 0.5):
        job.steps += [(day, rng.uniform(0.4, 0.6)), (back, 1.0)]
    else:
        job.skip = {each for each in job.dates() if day <= each < back}
    person.savings = max(person.savings, person.net * 4)
    person.away.append((day + 4 * DAY, back - 4 * DAY))
    person.truth('income.drop', day, day + 60 * DAY, True)
    person.decoy('sabbatical', 'job.lost', day, back + 60 * DAY)


def early_christmas(person):
    """December's pay comes in the middle of the month, and January is long."""
    people.worker(person)
    job = person.flows['job']
    job.due, job.xmas, job.amount = ('last',), True, person.net
    person.decoy('early_christmas_pay', 'job.lost pay.rise', datetime.date(2024, 12, 10), datetime.date(2025, 2, 28))


def baby_gift(person):
    """Things for somebody else's baby."""
    people.worker(person)
    rng = person.rng
    day = datetime.date(2024, 12, rng.randrange(3, 22)) if chance(person, 0.4) else when(person)
    for _ in range(rng.choice((1, 1, 2))):
        person.card(day + rng.randrange(0, 4) * DAY, 5641, 'SMYTHS BABY', rng.uniform(3000, 15000))
    person.card(day + DAY, 5945, 'SMYTHS TOYS', rng.uniform(2000, 6000))
    person.decoy('baby_gift', 'baby', day, day + 120 * DAY)


def big_refund(person):
    """A kitchen is paid, cancelled and paid back."""
    people.worker(person)
    rng = person.rng
    day = when(person)
    amount = person.net * rng.uniform(1.5, 3.5)
    person.savings = max(person.savings, amount * 1.5)
    person.own_move(day - 2 * DAY, amount, 'S', 'C')
    shop = rng.choice(('KITCHENS BY CASH & CARRY', 'HARVEY NORMAN', 'DREAM HOLIDAYS'))
    person.card(day, 5712 if shop[0] != 'D' else 4722, shop, amount)
    person.card(day + rng.randrange(5, 40) * DAY, 5712 if shop[0] != 'D' else 4722, shop, amount, credit=True)
    person.decoy('big_refund', 'windfall', day, day + 80 * DAY)


def own_money(person):
    """A large sum from the customer's own savings, here or elsewhere, and back again later."""
    people.worker(person)
    rng = person.rng
    day = when(person)
    amount = person.net * rng.uniform(7, 15)
    if chance(person, 0.5):
        person.savings = max(person.savings, amount * 1.2)
        person.own_move(day, amount, 'S', 'C')
        person.own_move(day + rng.randrange(20, 60) * DAY, amount * 0.8, 'C', 'S')
    else:
        person.receive(day, person.other_self(), amount, rng.choice((None, 'savings', 'from AIB')))
        person.own_move(day + rng.randrange(4, 40) * DAY, amount * 0.9, 'C', 'S')
    person.decoy('own_money', 'windfall', day, day + 80 * DAY)


def bonus_month(person):
    """A yearly bonus in one pay."""
    people.worker(person)
    job = person.flows['job']
    job.due, job.jitter, job.amount = ('dom', 27), 0.0, person.net
    pay = job.after(when(person))
    factor = person.rng.uniform(1.5, 3.2)
    job.steps += [(pay, factor), (pay + DAY, 1.0)]
    person.decoy('bonus_month', 'pay.rise windfall', pay, pay + 130 * DAY)


def furniture_only(person):
    """New furniture in the old home."""
    people.worker(person)
    rng = person.rng
    day = when(person)
    for _ in range(rng.randrange(2, 5)):
        mcc, name = rng.choice(((5712, 'IKEA'), (5712, 'EZ LIVING'), (5719, 'HOME STORE & MORE'), (5722, 'POWER CITY')))
        person.card(day + rng.randrange(0, 25) * DAY, mcc, name, rng.uniform(8000, 120000))
    person.decoy('furniture_only', 'home.moving', day, day + 100 * DAY)


def deposit_in_transit(person):
    """The price of a house that was sold passes through within days."""
    people.worker(person)
    rng = person.rng
    day = when(person)
    amount = rng.uniform(60, 250) * 100000
    law = rng.choice(('KAVANAGH & LYNCH SOLICITORS', 'BURKE CONVEYANCING'))
    person.receive(day, law, amount, rng.choice(('Sale proceeds', None)))
    person.send(day + rng.randrange(1, 6) * DAY, rng.choice((law, 'CASEY SOLRS CLIENT AC')), amount * rng.uniform(0.95, 1), rng.choice(('Purchase', None)))
    person.truth('home.moving', day, day + 60 * DAY, True)
    person.truth('home.purchase', day, day + 60 * DAY, True)
    person.decoy('deposit_in_transit', 'windfall', day, day + 80 * DAY)


def seasonal_worker(person):
    """A hotel's season from spring to autumn, a benefit in the winter, the same hotel again."""
    rng = person.rng
    person.net = rng.uniform(150000, 230000)
    last = datetime.date(2024, 10, rng.randrange(5, 30))
    first = datetime.date(2024, 3, rng.randrange(1, 28))
    job = person.job('job', person.net, first, last, ('weekly', 3, 0))
    job.jitter = 0.12
    again = person.income('job2', job.fields['counterparty_name'], job.amount * 1.03, job.due, job.fields['reference'], 0.12)
    again.fields = job.fields
    again.start = datetime.date(2025, 3, rng.randrange(1, 28))
    people.settle_in(person)
    for number, (start, end) in enumerate(((START, first), (last + 14 * DAY, again.start))):
        person.income(f'jsb{number}', DSP, 23200, ('weekly', 1, 0), rng.choice(('JOBSEEKERS', 'JSB'))).between(start, end)
    person.truth('income.drop', last, last + 45 * DAY, True)
    person.decoy('seasonal_worker', 'job.lost', last - 30 * DAY, last + 120 * DAY)


def flatmate(person):
    """A lodger's rent."""
    people.worker(person)
    rng = person.rng
    person.flows.pop('share', None)
    day = when(person)
    person.income('lodger', person.stranger(), usual(person, 'home') * rng.uniform(0.3, 0.5), ('dom', rng.randrange(1, 28)), rng.choice(('rent room', 'Rent'))).start = day
    person.decoy('flatmate', 'household.joint', day, END)


def parent_pays(person):
    """A child goes to college: the fees and the room are paid by a parent."""
    people.worker(person)
    rng = person.rng
    person.age = rng.randrange(44, 60)
    day = datetime.date(2024, 9, rng.randrange(1, 25))
    person.card(day, 8220, 'UCD FEES', rng.uniform(100000, 300000))
    if chance(person, 0.5):
        person.send(day, 'CAMPUS ACCOMMODATION', rng.uniform(200000, 400000), 'room')
    person.bill('child', f'{person.stranger().split()[0]} {person.last}', rng.uniform(10000, 30000), ('dom', 2), kind='STANDING_ORDER', reference='allowance').start = day
    person.decoy('parent_pays', 'student.start', day, day + 130 * DAY)


def remortgage(person):
    """The mortgage moves to another lender."""
    people.worker(person)
    rng = person.rng
    home = person.flows['home']
    home.fields['counterparty_name'], home.fields['kind'], home.fields['reference'] = 'EBS MORTGAGE', 'DIRECT_DEBIT', 'MTG 552311'
    home.fields['counterparty_id'] = people.stable('EBS MORTGAGE')
    day = when(person)
    home.end = day
    fresh = person.bill('home2', 'AVANT MONEY', home.amount * rng.uniform(0.85, 0.98), home.due, reference='MTG 88112')
    fresh.start = day + DAY
    person.send(day - 5 * DAY, 'BURKE CONVEYANCING', rng.uniform(80000, 150000), 'Legal fees')
    person.decoy('remortgage', 'home.purchase', day, day + 130 * DAY)


def car_repair(person):
    """A service and a repair at a dealer's."""
    people.worker(person)
    person.has_car = True
    day = when(person)
    person.card(day, person.rng.choice((5511, 7538)), 'JOE DUFFY MOTORS', person.rng.uniform(25000, 120000))
    person.decoy('car_repair', 'car.purchase', day, day + 100 * DAY)


def long_holiday(person):
    """Five weeks away: few bookings, no login; the pay goes on."""
    people.worker(person)
    day = when(person)
    person.quiet.append((day, day + 37 * DAY))
    person.decoy('long_holiday', 'dormant leaving', day, day + 120 * DAY)


def anniversary(person):
    """A jewel, flowers and a dinner."""
    people.worker(person)
    rng = person.rng
    day = when(person)
    person.card(day, 5944, 'FIELDS JEWELLERS', rng.uniform(30000, 180000))
    person.card(day + 2 * DAY, 5992, 'BLOOM FLORIST', rng.uniform(4000, 9000))
    person.card(day + 3 * DAY, 5812, 'THE KINGS HEAD', rng.uniform(9000, 22000))
    person.decoy('anniversary', 'wedding.planned', day, day + 120 * DAY)


DECOYS = {function.__name__: function for function in (
    employer_renamed, payroll_switch, unpaid_leave, sabbatical, early_christmas, baby_gift, big_refund, own_money, bonus_month, furniture_only, deposit_in_transit,
    seasonal_worker, flatmate, parent_pays, remortgage, car_repair, long_holiday, anniversary)}
