# SPDX-License-Identifier: Apache-2.0
"""What happens to the mutual's customers: 22 life events, each with the part of its traces that a bank would see.

Each function takes a person whose ordinary life is not written yet, changes it from some day on, and notes the truth: the day it happened
and the day from which somebody who read all statements could know. A trace is left with a chance, never always.
"""
import datetime

import mutual_people as people
from mutual_calendar import DAY
from mutual_people import END, START

DSP = 'DEPT SOCIAL PROTECTION'


def when(person, low=170, high=400):
    """The day of an event: after months of habits, before the last months of the world."""
    return START + person.rng.randrange(low, high) * DAY


def chance(person, share):
    """Is this trace left?"""
    return person.rng.random() < share


def usual(person, key='job'):
    """The flow's amount for a month."""
    return person.flows[key].monthly()


def move_pay(person, old, new_key, day, pay, gap):
    """The old job's last pay before `day`, another's first after `gap` days more."""
    person.flows[old].end = day
    fresh = person.job(new_key, pay, day + gap * DAY, END)
    while fresh.fields['counterparty_name'] == person.flows[old].fields['counterparty_name']:
        fresh.fields['counterparty_name'] = person.employer()[0][:27]
    if 'counterparty_id' in fresh.fields:
        fresh.fields['counterparty_id'] = people.stable(fresh.fields['counterparty_name'])
    if fresh.dates() and chance(person, 0.3):                    # the first pay is of a part of a month
        fresh.steps += [(START, person.rng.uniform(0.3, 0.8)), (fresh.dates()[0] + DAY, 1.0)]
    return fresh


def second(flow):
    """The day of a flow's second booking."""
    return flow.dates()[1]


def salary_first(person):
    """A first job: before it, money from home, perhaps casual shifts."""
    rng = person.rng
    person.age = rng.randrange(18, 24)
    person.net = rng.uniform(140000, 240000)
    day = when(person)
    if chance(person, 0.6):
        person.income('home', f'{person.stranger().split()[0]} {person.last}', rng.uniform(8000, 40000), ('dom', rng.randrange(1, 28)), rng.choice(('Pocket', None, 'from mam')), 0.1).end = day + 20 * DAY
    if chance(person, 0.25):
        for _ in range(rng.randrange(2, 5)):
            person.receive(START + rng.randrange(20, 160) * DAY, 'THE KINGS HEAD', rng.uniform(6000, 25000), 'shifts')
    flow = person.job('job', person.net, day)
    person.bill('phone', 'THREE IRELAND', 2000)
    paid = flow.dates()
    person.truth('salary.first', paid[0], paid[1] if flow.monthly() == flow.amount else paid[3])


def job_changed(person):
    """Another employer, with or without weeks between."""
    people.worker(person)
    rng = person.rng
    day = when(person)
    better = rng.uniform(0.92, 1.3)
    fresh = move_pay(person, 'job', 'job2', day, usual(person) * better, rng.choice((0, 0, 5, 12, 25)))
    if chance(person, 0.35):                                     # holidays that were not taken
        final = person.flows['job'].dates()[-1]
        person.receive(final + rng.choice((0, 3, 7)) * DAY, person.flows['job'].fields['counterparty_name'], usual(person) * rng.uniform(0.1, 0.5), 'FINAL PAY')
    person.truth('job.changed', fresh.start, second(fresh))
    if better > 1.08:
        person.truth('pay.rise', fresh.start, second(fresh), True)


def job_lost(person):
    """The pay stops; perhaps a benefit, perhaps redundancy money, perhaps work again after months."""
    people.worker(person)
    rng = person.rng
    day = when(person)
    job = person.flows['job']
    job.end = day
    known = job.after(job.dates()[-1])
    if chance(person, 0.4):
        person.receive(day + rng.randrange(2, 30) * DAY, job.fields['counterparty_name'], usual(person) * rng.uniform(0.8, 5), rng.choice(('REDUNDANCY', 'FINAL', None)))
    back = day + rng.randrange(80, 250) * DAY
    if chance(person, 0.55):
        benefit = person.income('jsb', DSP, rng.choice((23200, 24400, 35000)), ('weekly', 1, 0), rng.choice(('JOBSEEKERS', 'JSB', 'JA', None)))
        benefit.between(day + rng.randrange(14, 45) * DAY, min(back, END))
    if chance(person, 0.15):
        for offset in range(30, 150, rng.randrange(11, 30)):
            person.receive(day + offset * DAY, rng.choice(('DELIVEROO IRL', 'TEMP STAFF SOLUTIONS')), rng.uniform(8000, 40000))
    person.thrift.append((day + 20 * DAY, back, rng.uniform(0.55, 0.9)))
    person.truth('job.lost', day, known)
    person.truth('income.drop', day, known, True)
    if chance(person, 0.5) and back < END - 70 * DAY:
        fresh = person.job('job2', usual(person) * rng.uniform(0.75, 1.1), back)
        person.truth('job.changed', back, second(fresh), True)


def income_drop(person):
    """Fewer hours at the same employer, or one of two jobs gone."""
    people.worker(person)
    rng = person.rng
    day = when(person)
    if chance(person, 0.7):
        job = person.flows['job']
        job.steps.append((day, rng.uniform(0.42, 0.62)))
        known = job.after(job.after(day))
    else:
        side = person.job('side', usual(person) * rng.uniform(0.7, 1.0), START, day)
        known = side.after(side.dates()[-1], 2)
        if chance(person, 0.5):
            person.thrift.append((day, END, 0.85))
    person.truth('income.drop', day, known)


def pay_rise(person):
    """More from the same employer, now and then with arrears in the first pay."""
    people.worker(person)
    rng = person.rng
    day = when(person)
    job = person.flows['job']
    first = job.after(day)
    factor = rng.uniform(1.1, 1.3)
    if chance(person, 0.3):
        job.steps += [(first, factor * rng.uniform(1.1, 1.4)), (first + DAY, factor)]
    else:
        job.steps.append((first, factor))
    job.jitter = min(job.jitter, 0.06)
    person.truth('pay.rise', first, job.after(first, 1 if job.monthly() == job.amount else 2))


def retirement_started(person):
    """Pay ends, an occupational pension or the state's or both begin; often with a lump sum."""
    rng = person.rng
    person.age = rng.randrange(59, 69)
    people.worker(person)
    day = when(person)
    job = person.flows['job']
    job.end = day
    missed = job.after(job.dates()[-1])
    begun = []
    both = rng.random()
    if both < 0.8:
        name = rng.choice(('IRISH LIFE PENSIONS', 'AON PENSION PAYROLL', 'MERCER ANNUITIES', job.fields['counterparty_name'][:18] + ' PENS', 'NSSO PENSIONER PAYROLL'))
        pension = person.income('pension', name, usual(person) * rng.uniform(0.3, 0.6), rng.choice((('last',), ('dom', 25), ('dom', 1), ('fortnight', 3, 1))), rng.choice(('PENSION', 'PEN', None, 'ANNUITY')))
        pension.start = day + rng.randrange(5, 50) * DAY
        begun.append(second(pension))
    if both > 0.45:
        state = person.income('state', DSP, rng.choice((26600, 27730)), ('weekly', 4, 0), rng.choice(('STATE PENSION', 'SPC', 'PENSION CONT')))
        state.start = day + rng.randrange(0, 90) * DAY
        begun.append(second(state))
    if chance(person, 0.5):
        on = day + rng.randrange(10, 60) * DAY
        person.receive(on, 'IRISH LIFE PENSIONS', usual(person) * rng.uniform(5, 25), rng.choice(('LUMP SUM', 'RET LUMP SUM', None)))
        person.truth('windfall', on, on, True)
    known = max(missed, min(begun))
    person.truth('retirement.started', day, known)
    person.truth('income.drop', day, known, True)


def baby(person):
    """Shops for babies, doctors, the hospital; child benefit and leave for some."""
    people.worker(person)
    rng = person.rng
    person.age = rng.randrange(24, 43)
    born = when(person, 190, 400)
    seen = []
    for _ in range(rng.randrange(4, 14)):
        day = born + rng.randrange(-110, 110) * DAY
        mcc, name = rng.choice(((5641, 'SMYTHS BABY'), (5641, 'MOTHERCARE'), (5641, 'MAMAS & PAPAS'), (5912, 'BOOTS BABY'), (5945, 'TONY KEALYS'), (5651, 'NEXT KIDS')))
        person.card(day, mcc, name, rng.uniform(2000, 28000))
        seen.append(day)
    for _ in range(rng.randrange(3, 12)):
        person.card(born + rng.randrange(-60, 150) * DAY, 5912, 'BOOTS', rng.uniform(1500, 6000))
    if chance(person, 0.5):
        for _ in range(rng.randrange(1, 4)):
            person.card(born + rng.randrange(-140, 10) * DAY, rng.choice((8062, 8011, 8099)), rng.choice(('COOMBE HOSPITAL', 'ROTUNDA PRIVATE', 'MATERNITY CLINIC')), rng.uniform(8000, 70000))
    known = sorted(seen)[2]
    if chance(person, 0.6):
        benefit = person.income('chb1', DSP, 14000, ('nth', 1, 1), rng.choice(('CHILD BENEFIT', 'CHB')))
        benefit.start = born + rng.randrange(30, 80) * DAY
        known = min(known, benefit.dates()[0])
    if chance(person, 0.35):
        away = born + rng.randrange(150, 190) * DAY
        job = person.flows['job']
        job.steps += [(born - 14 * DAY, rng.uniform(0.02, 0.5)), (away, 1.0)]
        person.income('matb', DSP, 27400, ('weekly', 0, 0), rng.choice(('MATERNITY BEN', 'MATB'))).between(born - 14 * DAY, away)
        person.truth('income.drop', born - 14 * DAY, job.after(born), True)
    person.truth('baby', born, known)


def childcare_started(person):
    """A creche, a montessori or a childminder, paid again and again."""
    people.worker(person)
    rng = person.rng
    person.age = rng.randrange(26, 44)
    day = when(person)
    fee = rng.uniform(35000, 110000)
    name = rng.choice(('LITTLE STARS CRECHE', 'HAPPY DAYS CHILDCARE', 'BUSY BEES MONTESSORI', 'GIRAFFE CHILDCARE', 'NAIONRA NA NOG', 'TINY TOTS NURSERY'))
    how = rng.random()
    if how < 0.3:
        due = people.calendar.days(('dom', rng.randrange(1, 28)), day, END, 1)
        for each in due:
            person.card(each, 8351, name, fee * rng.uniform(0.97, 1.03))
    elif how < 0.92:
        flow = person.bill('creche', name, fee, rng.choice((('dom', 1), ('dom', 28), ('last',))), kind=rng.choice(('DIRECT_DEBIT', 'STANDING_ORDER', 'TRANSFER')), reference=rng.choice((None, 'Fees', person.last)))
        flow.start, flow.jitter = day, rng.choice((0, 0.03))
        due = flow.dates()
    else:
        flow = person.bill('creche', person.stranger(), fee / 4, ('weekly', 4, 0), kind='TRANSFER', reference='minding')
        flow.start, due = day, [0, 0] + flow.dates()[3:]
        due = due[2:]
    person.truth('childcare.started', day, due[1])


def wedding_planned(person):
    """A ring, a venue's deposits, the dress, the band, the flowers: some of them, over months."""
    people.worker(person)
    rng = person.rng
    person.age = rng.randrange(24, 42)
    first = when(person, 170, 330)
    date = first + rng.randrange(110, 210) * DAY
    seen = []

    def trace(share, low, high, pay):
        """One thing that is paid for between two shares of the time to the wedding."""
        if chance(person, share):
            day = first + (date - first) * rng.uniform(low, high)
            day = datetime.date.fromordinal(day.toordinal())
            pay(day)
            seen.append(day)
    hotel = rng.choice(('KILRONAN CASTLE', 'BALLYNAHINCH HOTEL', 'TULFARRIS WEDDINGS'))
    trace(0.6, 0, 0.15, lambda day: person.card(day, 5944, 'FIELDS JEWELLERS', rng.uniform(70000, 450000)))
    trace(0.85, 0.02, 0.25, lambda day: person.send(day, hotel, rng.uniform(80000, 250000), rng.choice(('Deposit', 'Wedding deposit', None))))
    trace(0.7, 0.6, 1, lambda day: person.send(day, hotel, rng.uniform(300000, 1200000), rng.choice(('Balance', 'wedding', None))))
    trace(0.5, 0.1, 0.6, lambda day: person.card(day, rng.choice((5621, 5699)), 'THE BRIDAL CORNER', rng.uniform(60000, 220000)))
    trace(0.6, 0.2, 0.9, lambda day: person.card(day, 7221, 'LENS & LIGHT PHOTO', rng.uniform(30000, 180000)))
    trace(0.5, 0.4, 0.95, lambda day: person.card(day, 5992, 'BLOOM FLORIST', rng.uniform(20000, 90000)))
    trace(0.4, 0.3, 0.9, lambda day: person.card(day, 5811, 'FEAST CATERING', rng.uniform(50000, 200000)))
    trace(0.4, 0.2, 0.8, lambda day: person.send(day, rng.choice(('THE WEDDING BAND', person.stranger())), rng.uniform(30000, 150000), rng.choice(('band', 'Wedding'))))
    trace(0.4, 0.4, 0.9, lambda day: person.card(day, 7296, 'BLACK TIE HIRE', rng.uniform(15000, 60000)))
    trace(0.3, 0.2, 0.6, lambda day: person.card(day, 2741, 'INVITES BY EMMA', rng.uniform(10000, 40000)))
    seen = sorted(seen) or [first]
    person.truth('wedding.planned', first, seen[min(2, len(seen) - 1)])


def household_joint(person):
    """Two people under one roof: a share comes in each month, often a joint account."""
    people.worker(person)
    rng = person.rng
    person.flows.pop('share', None)
    day = when(person)
    partner = person.stranger()
    how = rng.random()
    if how < 0.55:                                               # the partner pays to this customer
        flow = person.income('share', partner, usual(person, 'home') * rng.uniform(0.45, 0.9), ('dom', rng.choice((1, 2, 27, 28))), rng.choice(('Rent', 'bills', 'house', None)))
        flow.start = day
        due = flow.dates()
    else:                                                        # both pay into an account that they share
        flow = person.bill('joint', f'{person.last} & {partner.split()[1]}'.upper(), usual(person) * rng.uniform(0.25, 0.45), ('dom', rng.choice((1, 26, 28))), kind='STANDING_ORDER', reference=rng.choice(('JOINT AC', 'house', 'bills')))
        flow.start = day
        due = flow.dates()
        if how > 0.75:
            flow.fields['own'] = 'J'
            other = person.income('shared', partner, flow.amount * rng.uniform(0.7, 1.2), ('dom', 27), 'joint')
            other.fields['account'], other.start = 'J', day
        person.flows['home'].end = max(due[0], day)
        for key in ('power', 'net'):
            person.flows[key].end = day + rng.randrange(0, 60) * DAY
    if chance(person, 0.4):
        person.card(day + rng.randrange(-20, 40) * DAY, 5712, 'IKEA', rng.uniform(20000, 120000))
    person.truth('household.joint', day, due[1])


def separation(person):
    """A shared life ends: the share stops, two rents, a lawyer, maintenance."""
    people.worker(person)
    rng = person.rng
    person.flows.pop('share', None)
    day = when(person)
    partner = person.stranger()
    signs = []
    if chance(person, 0.7):
        flow = person.income('share', partner, usual(person, 'home') * rng.uniform(0.4, 0.8), ('dom', rng.randrange(1, 28)), rng.choice(('house', 'bills', None)))
        flow.end = day
        signs.append(flow.after(flow.dates()[-1]))
    else:
        flow = person.bill('joint', f'{person.last} & {partner.split()[1]}'.upper(), usual(person) * 0.3, ('dom', 27), kind='STANDING_ORDER', reference='JOINT AC')
        flow.fields['own'] = 'J'
        flow.end = day
        signs.append(flow.after(flow.dates()[-1]))
    if chance(person, 0.55):
        for _ in range(rng.randrange(1, 4)):
            on = day + rng.randrange(5, 100) * DAY
            person.send(on, rng.choice(('BRENNAN FAMILY LAW', 'MORAN & CO SOLICITORS')), rng.uniform(30000, 250000), rng.choice(('Legal fees', None)))
            signs.append(on)
    if chance(person, 0.25):
        on = day + rng.randrange(10, 80) * DAY
        person.card(on, rng.choice((7277, 8111)), 'FAMILY MEDIATION SVC', rng.uniform(8000, 40000))
        signs.append(on)
    if chance(person, 0.5):
        rent = person.bill('home2', rng.choice((person.stranger(), 'HAVEN PROPERTY MGMT')), usual(person, 'home') * rng.uniform(0.7, 1.1), ('dom', 1), kind='STANDING_ORDER', reference=rng.choice(('RENT', None)))
        rent.start = day + rng.randrange(0, 40) * DAY
        signs.append(rent.dates()[0])
        if chance(person, 0.5):
            person.flows['home'].end = rent.start + 20 * DAY
    if chance(person, 0.4):
        pays = person.bill('maint', partner, rng.uniform(20000, 70000), ('dom', 28), kind='STANDING_ORDER', reference=rng.choice(('MAINTENANCE', 'kids', None)))
        pays.start = day + rng.randrange(20, 90) * DAY
        signs.append(pays.dates()[0])
    if chance(person, 0.4):
        person.region.append((day + rng.randrange(10, 60) * DAY, rng.choice(people.TOWNS)))
    signs.sort()
    person.truth('separation', day, signs[min(1, len(signs) - 1)])
    person.truth('home.moving', day + 20 * DAY, day + 60 * DAY, True)


def bereavement(person):
    """Somebody near died: the undertaker, flowers, a pension that ends, later the estate."""
    rng = person.rng
    people.worker(person)
    person.age = rng.randrange(38, 75)
    day = when(person)
    seen = []
    if chance(person, 0.85):
        on = day + rng.randrange(3, 40) * DAY
        undertaker = rng.choice(('FANAGANS FUNERAL DIR', 'MASSEY BROS FUNERALS', 'OCONNOR UNDERTAKERS'))
        if chance(person, 0.55):
            person.card(on, 7261, undertaker, rng.uniform(250000, 600000))
        else:
            person.send(on, undertaker, rng.uniform(250000, 600000), rng.choice(('Funeral', None, 'Invoice')))
        seen.append(on)
    if chance(person, 0.5) or not seen:
        on = day + rng.randrange(4, 30) * DAY
        person.flags.append((on, 'BEREAVEMENT'))
        seen.append(on)
    if chance(person, 0.6):
        person.card(day + rng.randrange(1, 5) * DAY, 5992, 'BLOOM FLORIST', rng.uniform(8000, 30000))
    if chance(person, 0.5):
        person.flows.pop('share', None)
        flow = person.income('share', person.stranger(), rng.uniform(30000, 90000), ('dom', rng.randrange(1, 28)), 'house')
        flow.end = day
    if chance(person, 0.3):
        person.income('widow', DSP, 23750, ('weekly', 4, 0), rng.choice(('WIDOWS PENSION', 'WCP'))).start = day + rng.randrange(30, 80) * DAY
    if chance(person, 0.35):
        person.receive(day + rng.randrange(70, 140) * DAY, rng.choice(('NOLAN PROBATE SOLICITORS', 'DOYLE & QUINN SOLRS')), usual(person) * rng.uniform(4, 20), rng.choice(('ESTATE', 'Est. late', None)))
        person.truth('windfall', day + 70 * DAY, day + 140 * DAY, True)
    person.truth('bereavement', day, min(seen))


def moved(person, day):
    """The traces of a house move around `day`; the days on which they show."""
    rng = person.rng
    seen = []
    if chance(person, 0.5):
        on = day + rng.randrange(-6, 6) * DAY
        person.card(on, 4214, rng.choice(('ABBEY REMOVALS', 'CRONIN MOVERS', 'VAN MAN')), rng.uniform(20000, 110000))
        seen.append(on)
    for _ in range(rng.choice((0, 1, 2, 3, 4, 5))):
        on = day + rng.randrange(-10, 50) * DAY
        mcc, name = rng.choice(((5712, 'IKEA'), (5712, 'EZ LIVING'), (5722, 'POWER CITY'), (5719, 'HOME STORE & MORE'), (5713, 'DES KELLY CARPETS'), (5200, 'WOODIES'), (5231, 'PAINT HUB')))
        person.card(on, mcc, name, rng.uniform(5000, 160000))
        seen.append(on)
    changes = 0
    for key, names in (('power', ('ENERGIA', 'FLOGAS', 'PINERGY')), ('net', ('PURE TELECOM', 'DIGIWEB', 'IMAGINE')), ('bins', ('CITY BIN CO', 'BARNA RECYCLING'))):
        if key in person.flows and chance(person, 0.45):
            person.flows[key].end = day + 10 * DAY
            fresh = person.bill(key + '2', rng.choice(names), person.flows[key].amount * rng.uniform(0.8, 1.3))
            fresh.start = day + rng.randrange(0, 40) * DAY
            seen.append(fresh.dates()[0])
            changes += 1
    if chance(person, 0.55):
        town = rng.choice([town for town in people.TOWNS if town != person.town])
        person.region.append((day + rng.randrange(-5, 45) * DAY, town))
        seen.append(person.region[-1][0])
    if chance(person, 0.3):
        person.card(day + rng.randrange(-10, 20) * DAY, 9402, 'AN POST MAIL REDIRECT', 9500)
    return sorted(seen)


def home_moving(person):
    """Another flat: another landlord, a deposit, a van, furniture, other utilities."""
    people.worker(person)
    rng = person.rng
    day = when(person)
    rent = person.flows['home']
    rent.end = day
    fresh = person.bill('home2', rng.choice((person.stranger(), 'NESTWELL LETTINGS', 'RIVERSIDE PROPERTY')), rent.amount * rng.uniform(0.85, 1.35), rent.due, kind='STANDING_ORDER', reference=rng.choice(('RENT', None)))
    fresh.start = day + DAY
    if chance(person, 0.7):
        person.send(day - rng.randrange(3, 20) * DAY, fresh.fields['counterparty_name'], fresh.amount * rng.choice((1, 1, 2)), rng.choice(('Deposit', 'deposit flat', None)))
    seen = sorted(moved(person, day) + [fresh.dates()[0]])
    person.truth('home.moving', day, seen[min(1, len(seen) - 1)])


def home_purchase(person):
    """The rent ends, a deposit goes to a solicitor, a mortgage begins."""
    people.worker(person, person.rng.uniform(260000, 520000))
    rng = person.rng
    person.age = rng.randrange(26, 45)
    day = when(person, 200, 390)
    rent = person.flows['home']
    rent.end = day + rng.randrange(0, 30) * DAY
    person.savings = rng.uniform(30, 60) * 100000
    law = rng.choice(('KAVANAGH & LYNCH SOLICITORS', 'HAYES LEGAL LLP', 'BURKE CONVEYANCING', 'CASEY SOLRS CLIENT AC'))
    deposit = person.savings * rng.uniform(0.6, 0.9)
    person.book(day - 50 * DAY, 50000, 'DEBIT', kind='TRANSFER', counterparty_name='SHERRY FITZ BOOKING', reference='Booking deposit', channel='ONLINE')
    on = day - rng.randrange(8, 45) * DAY
    person.own_move(on - 2 * DAY, deposit, 'S', 'C')
    person.send(on, law, deposit, rng.choice(('Deposit', 'house', None, 'File 2231')))
    if chance(person, 0.7):
        person.send(day + rng.randrange(-5, 30) * DAY, law, rng.uniform(200000, 700000), rng.choice(('Legal fees', 'Stamp duty', None)))
    if chance(person, 0.4):
        person.card(day - rng.randrange(50, 80) * DAY, 8911, 'VALUERS & SURVEYORS', rng.uniform(15000, 60000))
    loan = person.bill('mortgage', rng.choice(('MUTUAL HOME LOANS', 'EBS MORTGAGE', 'HAVEN MORTGAGES', 'AVANT MONEY')), rent.amount * rng.uniform(0.8, 1.25), reference=f'MTG {rng.randrange(10**6, 10**7)}')
    loan.start = day + rng.randrange(12, 45) * DAY
    if chance(person, 0.6):
        person.bill('house', rng.choice(('ZURICH HOME', 'ALLIANZ HOUSE INS', 'AXA INSURANCE')), rng.uniform(2500, 6000)).start = day
    for _ in range(rng.choice((0, 1, 3, 6)) if person.app else 0):
        person.screens.append((day - rng.randrange(30, 200) * DAY, 'calculator_used', 'MORTGAGE'))
    moved(person, day)
    person.truth('home.purchase', day, loan.dates()[0])
    person.truth('home.moving', day, day + 40 * DAY, True)
