# SPDX-License-Identifier: Apache-2.0
"""A British high-street bank as an outside examiner would simulate it: the held-out examination of the life event detectors.

Written from the input's schemas and the published list of signs (paydays, benefits, direct debits, merchant categories) by somebody who had
read no playbook, no detector and no other generator. No curve is learned on it, no threshold is chosen on it and no goal is held against it:
whoever tunes on it takes the examination away. Two thirds of the customers have nothing happening at all; an event leaves only some of its
traces, but never fewer than an attentive reader of the account would need. Made of highstreet_people.py and of the stories below.
"""
import json
import random

from highstreet_people import ALL, NEVER, TOWNS, Flow, Person, due

EVENTS = {}                             # id -> ('', of whom, how), as in DECOYS
QUIET, DECOY_SHARE = 0.66, 0.11         # nothing happens; something that looks like an event happens
TYPES = {'1': 'CURRENT', 'J': 'CURRENT', 'S': 'SAVINGS', 'B': 'BUSINESS'}
SHORTEST = 540                          # days; with fewer there is no room before and after an event
BABY = ((5641, 'MAMAS & PAPAS {T}'), (5641, 'JOJO MAMAN BEBE'), (5641, 'NEXT BABY {n}'), (5945, 'SMYTHS TOYS {T}'), (5912, 'BOOTS {n} BABY'))
HOUSE = ((5712, 'DFS {T}'), (5712, 'IKEA LTD {T}'), (5722, 'AO.COM'), (5719, 'DUNELM {T}'), (5713, 'CARPETRIGHT {n}'), (5200, 'B & Q {n}'))
SOLICITORS = ('IRVING & CO CLIENT AC', 'HARGREAVES LEGAL LLP', 'BRIDGE CONVEYANCING')


def event(**need):
    """It happens to somebody like that: the function of its name changes the person's life from a day on and writes the truth."""
    def register(function):
        EVENTS[function.__name__.replace('_', '.', 1)] = ('', need, function)
        return function
    return register


def true(p, kind, happened, knowable, implied=False, like=None):
    """Into the truth; what happens beside the stream's end is no examination."""
    if not implied and not (0 <= happened < p.days and knowable <= p.days - 14):
        raise ValueError(f'{kind} of {p.id} at {happened}, known at {knowable}: not within {p.days} days')
    p.truths.append({'customer_id': p.id, 'life_event': kind, 'happened_at': f'{p.date(happened)}', 'knowable_at': f'{p.date(knowable)}',
                     'decoy': like, 'implied': implied})


def some(p, day, least, traces):
    """Leave some of the traces, at least so many: their first days, in order. A trace is (share, how), which returns a day or what recurs, or
    (share, from, to, category, merchant, least, most): a card payment in that span of days, in pounds."""
    left = [trace for trace in traces if p.chance(trace[0])]
    rest = [trace for trace in traces if trace not in left]
    left += p.rng.sample(rest, max(0, least - len(left)))
    days = [how[0]() if len(how) == 1 else p.card(day + p.near(*how[:2]), *how[2:4], p.rng.uniform(*how[4:])) for _, *how in left]
    return sorted(min(one.days(), default=NEVER) if isinstance(one, Flow) else one for one in days)


def coming(flow, day, count=1):
    """The day on which what recurs would come for the n-th time from that day on, whether it does or not."""
    return [one for one in due(flow.rule, flow.person.days + 200) if one >= day][count - 1]


def often(flow, day=0):
    """From when one may believe in it: the second in a month or more, the fourth of a week's."""
    weekly = flow.rule[0] == 'every' and flow.rule[1] < 14
    return coming(flow, max(day, flow.start), 4 if weekly else 2)


def leave_job(p, day):
    last = p.job.nearest(day)
    p.job.end = last + 1
    return last


# -- work

@event(who='youth', age=(17, 22), kids=0)
def salary_first(p, day):
    job = p.wage(p.near(100000, 215000), day)
    p.spend.append((day + 30, NEVER, 2.5))
    true(p, 'salary.first', coming(job, day), often(job))


@event(who='wage', age=(21, 60))
def job_changed(p, day):
    last, pay, factor = leave_job(p, day), p.job.monthly(), p.rng.uniform(0.86, 1.38)
    begin = last + p.near(1, 12)
    job = p.wage(pay * factor, begin)
    if p.chance(0.4):
        p.job.once.append((last, p.rng.uniform(1.05, 1.4)))       # holiday not taken
    if p.chance(0.5):
        job.once.append((begin, p.rng.uniform(0.35, 0.9)))        # not a whole month yet
    true(p, 'job.changed', begin, often(job))
    if factor > 1.06:
        true(p, 'pay.rise', coming(job, begin), often(job), implied=True)


@event(who='wage', age=(22, 60))
def job_lost(p, day):
    last, pay = leave_job(p, day), p.job.monthly() / 100
    if p.chance(0.45):
        p.receive(last + p.near(0, 9), pay * p.rng.uniform(1.5, 5.5), p.job.other, p.job.reference and p.job.reference.replace('{m}', '99'), hour=2)
    p.spend.append((last + 20, NEVER, 0.72))
    begin = last + p.near(36, 60)
    found = some(p, day, 0, [
        (0.45, lambda: p.flow('DWP', p.rng.uniform(390, 900), ('paid', p.date(begin).day, 0), 'TRANSFER', reference='DWP UC', start=begin)),
        (0.2, lambda: p.benefit('DWP JSA', 184.2, 14, last + p.near(22, 40)))])
    if p.chance(0.15):
        p.card(last + p.near(10, 60), 7361, 'REED RECRUITMENT CV', 39, online=True)
    known = min([coming(p.job, last + 1, 7 if p.job.rule[0] == 'every' and p.job.rule[1] == 7 else 2)] + found)
    true(p, 'job.lost', last + 1, known)
    true(p, 'income.drop', last + 1, known, implied=True)
    if p.chance(0.35):
        again = p.wage(pay * p.rng.uniform(75, 115), last + p.near(150, 230))
        true(p, 'job.changed', again.start, often(again), implied=True)


@event(who='wage', age=(22, 60), partner=False)
def income_drop(p, day):
    first, factor = coming(p.job, day), p.rng.uniform(0.36, 0.58)
    p.job.steps.append((first, factor))
    if p.chance(0.35):                                            # sick pay, and back
        back = coming(p.job, first + p.near(120, 170))
        p.job.steps.append((back, 1 / factor))
        true(p, 'pay.rise', back, back, implied=True)
    true(p, 'income.drop', first, often(p.job, first))


@event(who='wage', age=(21, 58))
def pay_rise(p, day):
    first = coming(p.job, day)
    p.job.steps.append((first, p.rng.uniform(1.10, 1.32) if p.job.noise < 0.05 else p.rng.uniform(1.22, 1.42)))
    true(p, 'pay.rise', first, often(p.job, first))


@event(who='wage', age=(57, 65))
def retirement_approaching(p, day):
    own, provider = p.income / 100, p.rng.choice(('AVIVA PENSIONS', 'AJ BELL SIPP', 'SCOTTISH WIDOWS PENS', 'NEST'))
    pension = p.bill(provider, own * p.rng.uniform(0.02, 0.06)) if p.chance(0.5) else None
    step = coming(pension, day + p.near(0, 40)) if pension else 0

    def visits(event, screen):
        return min(p.tap(day + p.near(0, 120), event, screen, 'PENSION') for _ in range(p.near(3, 9)))

    def pay_more():
        if pension:
            pension.steps.append((step, p.rng.uniform(1.7, 3.2)))
        return step if pension else p.bill(provider, own * p.rng.uniform(0.08, 0.2), day + p.near(0, 40))
    days = some(p, day, 2, [
        (0.75, pay_more), (0.6, lambda: visits('view', 'pension')), (0.5, lambda: visits('calculator_used', 'retirement_calculator')),
        (0.35, 10, 90, 6211, 'LATER LIFE FINANCIAL PLANNING', 250, 1400)])
    true(p, 'retirement.approaching', days[0], days[1] + 30)


@event(who='wage', age=(60, 68))
def retirement_started(p, day):
    last, pay, found = leave_job(p, day), p.job.monthly() / 100, []
    payer = p.rng.choice(('TEACHERS PENSIONS', 'NHS PENSIONS', 'LGPS PENSION', 'AVIVA ANNUITY', 'PHOENIX LIFE'))
    occupational = p.chance(0.8) or p.age < 66
    if occupational:
        found.append(p.flow(payer, pay * p.rng.uniform(0.3, 0.65), ('paid', p.near(1, 28), 0), 'TRANSFER', reference='PENSION', start=last + p.near(8, 45)).days()[0])
        if p.chance(0.45):
            p.receive(last + p.near(12, 50), pay * p.rng.uniform(3, 14), payer, 'LUMP SUM', hour=2)
            true(p, 'windfall', last + 12, last + 50, implied=True)
    if p.age >= 66:
        found.append(p.benefit('DWP STATE PENSION', p.rng.uniform(700, 960), 28, last + p.near(5, 40)).days()[0])
    known = max(min(found), coming(p.job, last + 1))
    true(p, 'retirement.started', last + 1, known)
    for kind in ('retirement.approaching', 'income.drop'):
        true(p, kind, last + 1, known, implied=True)


# -- family

@event(who='wage', age=(23, 41), partner=True)
def baby(p, born):
    start, kids = born + p.near(35, 80), p.kids
    days = [p.card(born + p.near(-110, 130), *p.rng.choice(BABY), p.rng.lognormvariate(3.3, 0.6)) for _ in range(p.near(3, 12))]

    def child_benefit():
        if kids:
            p.child_benefit.steps.append((start, (104.2 + 69 * kids) / (35.2 + 69 * kids)))
        return coming(p.child_benefit, start) if kids else p.benefit('HMRC CHILD BENEFIT', 104.2, 28, start)

    def parental_pay():
        first = coming(p.job, born + p.near(10, 50))
        p.job.steps += [(first, p.rng.uniform(0.4, 0.65)), (first + p.near(150, 280), p.rng.uniform(1.3, 1.8))]
        true(p, 'income.drop', first, often(p.job, first), implied=True)
        true(p, 'pay.rise', first + 150, first + 280, implied=True)
        return first
    days += some(p, born, 1, [
        (0.62, child_benefit), (0.45, parental_pay), (0.3, -190, -80, 8062, 'WINDOW TO THE WOMB {T}', 69, 140),
        (0.45, -80, -10, 5641, 'JOHN LEWIS NURSERY', 280, 1100)])
    true(p, 'baby', born, max(sorted(days)[3], born - 90))


@event(who='wage', age=(24, 42), kids=1)
def childcare_started(p, day):
    pounds, friend = min(p.rng.uniform(420, 1250), p.income / 250), p.somebody()
    care = p.rng.choice((lambda: p.bill(p.rng.choice(('BUSY BEES NURSERIES', 'BRIGHT HORIZONS', 'LITTLE ACORNS NURSERY')), pounds, day, noise=0.05),
                         lambda: p.flow('HMRC TAX FREE CHILDCARE', -pounds * 0.8, ('debit', 1), 'TRANSFER', start=day, reference='NSI TFC NURSERY'),
                         lambda: p.flow(friend, -pounds / 4.3, ('every', 7, 4), 'STANDING_ORDER', start=day, reference='CHILDMINDER')))
    if p.chance(0.35):
        days = [one for one in due(('debit', p.near(1, 28)), p.days) if one >= day]
        for one in days:
            p.card(one, 8351, 'LITTLE ACORNS DAY NURSERY', pounds * p.rng.uniform(0.9, 1.1))
        true(p, 'childcare.started', days[0], days[1])
    else:
        paid = care()
        true(p, 'childcare.started', coming(paid, day), often(paid))


@event(who='wage', age=(23, 44), partner=True)
def wedding_planned(p, day):
    venue, at = p.rng.choice(('THE OLD BARN VENUE', 'RUSHTON HALL EVENTS', 'ORCHARD WEDDINGS LTD')), lambda low, high: day + p.near(low, high)
    days = some(p, day, 4, [
        (0.6, 0, 0, 5944, 'BEAVERBROOKS {T}', 750, 4200), (0.75, lambda: p.send(at(15, 70), p.near(500, 2500), venue, 'DEPOSIT')),
        (0.4, 40, 130, 7221, 'L MOORE PHOTOGRAPHY', 200, 1400), (0.35, 60, 150, 5992, 'BLOOM & WILD WEDDINGS', 120, 700),
        (0.45, 40, 140, 5621, 'CONFETTI BRIDAL {T}', 400, 1900), (0.3, 40, 150, 5811, 'COUNTY CATERERS', 300, 1800),
        (0.35, 50, 130, 9399, '{T} REGISTER OFFICE', 42, 600), (0.3, 50, 160, 7296, 'MOSS HIRE {T}', 90, 320)])
    true(p, 'wedding.planned', days[0], days[2])


@event(who='wage', age=(22, 55), home='rent', partner=False, kids=0)
def household_joint(p, day):
    friend, part, rule = p.somebody(), p.income / 100 * p.rng.uniform(0.2, 0.4), ('paid', p.near(1, 28), 0)
    if p.chance(0.5):                                             # a joint account, that the bills move to
        both = [p.flow(friend, part, rule, 'STANDING_ORDER', start=day, account='J', reference='JOINT'),
                p.flow(p.name, part * 1.1, rule, 'STANDING_ORDER', start=day, account='J', reference='JOINT', known=f'{p.id}-1'),
                p.flow(p.name, -part * 1.1, rule, 'STANDING_ORDER', start=day, reference='JOINT', known=f'{p.id}-J')]
        for flow in p.utilities:
            flow.move(day + p.near(20, 60), 'J')
        p.write_profile(day)
    else:
        sign = p.rng.choice((1, 1, -1))
        both = [p.flow(friend, sign * part, rule, 'STANDING_ORDER', start=day, reference=p.rng.choice(('BILLS', 'HOUSE', 'RENT AND BILLS')))]
    if p.chance(0.5):
        p.council.steps.append((day + 20, 4 / 3))                 # no single person's discount any more
    if p.chance(0.5):
        p.card(day + p.near(3, 40), *p.rng.choice(HOUSE), p.near(80, 600))
    true(p, 'household.joint', coming(both[0], day), often(both[0]))


@event(who='wage', age=(27, 58), home='rent', partner=True)
def separation(p, day):
    joint = p.partner_flow = p.partner_flow or p.flow(p.somebody(), p.income / 100 * p.rng.uniform(0.2, 0.4), ('paid', 3, 0), 'STANDING_ORDER', reference='BILLS')
    if p.chance(0.5):                                             # their account, closed and shared
        joint.account = 'J'
        for flow in p.utilities:
            flow.account = 'J'
            flow.move(day, '1')
        for account, sign, ident in (('J', 1, '1'), ('1', -1, 'J')):
            p.flow(p.name, sign * joint.pence / 100, ('paid', 4, 0), 'STANDING_ORDER', account=account, reference='JOINT', known=f'{p.id}-{ident}').end = day
        p.book(day + p.near(1, 9), ALL, 'TRANSFER', joint.other, 'CLOSING', account='J')
    joint.end = day
    days = some(p, day, 2, [
        (0.6, 10, 90, 8111, 'DIAL FAMILY LAW SOLICITORS', 180, 1900), (0.35, 25, 110, 9211, 'HMCTS DIVORCE', 593, 593),
        (0.25, -60, -10, 7277, 'RELATE COUNSELLING', 50, 90),
        (0.35, lambda: p.bill('CMS CHILD MAINTENANCE', p.near(90, 420), day + p.near(20, 60))),
        (0.5, lambda: p.send(day + p.near(1, 12), p.income / 300, '{} LETTINGS'.format(p.town[0]), 'DEPOSIT NEW FLAT'))])
    if p.chance(0.4):
        move(p, day + p.near(0, 20), 1)
        true(p, 'home.moving', day, day + 40, implied=True)
    true(p, 'separation', day, max(days[1], coming(joint, day)))
    true(p, 'income.drop', day, day + 60, implied=True)


@event(who='pension', partner=True)
def bereavement(p, day):
    pension = p.partner_flow or p.flow(p.somebody(), p.income / 300, ('paid', 20, 0), 'STANDING_ORDER', reference='HOUSEKEEPING')
    pension.end = day
    days = some(p, day, 2, [
        (0.6, 6, 30, 7261, 'CO-OP FUNERALCARE {n}', 1500, 4300),
        (0.5, lambda: p.write_profile(day + p.near(2, 35), vulnerability=['BEREAVEMENT'])), (0.3, 3, 20, 5992, '{T} FLORIST', 60, 240),
        (0.3, lambda: p.receive(day + p.near(25, 70), 2500, 'DWP', 'DWP BSP', hour=2)), (0.3, 30, 90, 9211, 'HMCTS PROBATE', 300, 300)])
    if p.chance(0.3):
        p.receive(day + p.near(110, 150), p.near(8000, 60000), p.rng.choice(SOLICITORS), 'ESTATE', hour=2)
        true(p, 'windfall', day + 110, day + 150, implied=True)
    true(p, 'bereavement', day, days[1])
    true(p, 'income.drop', day, day + 60, implied=True)


@event(who='youth', age=(18, 19), span=(199, 211), kids=0)
def student_start(p, day):
    hall, town = p.rng.choice(('UNITE STUDENTS', 'UNIVERSITY ACCOM OFFICE', 'IQ STUDENT ACCOM')), p.rng.choice(TOWNS)
    if p.chance(0.75):
        p.moves.append((day, town))
        true(p, 'home.moving', day, day + 20, implied=True)

    def loan():
        for at in (day + p.near(2, 12), 315 + p.near(0, 3), 420 + p.near(0, 3), 573):
            p.receive(at, p.near(1100, 3000), 'STUDENT LOANS COMPANY', 'SLC MAINTENANCE', hour=2)
        return day + 12

    def lodge():
        for at in (day - p.near(5, 25), 320 + p.near(0, 9), 425 + p.near(0, 9)):
            p.send(at, p.near(1300, 2300), hall, 'TERM RENT')
        return day

    def campus():
        return min(p.card(day + p.near(0, 90), 8220, '{T} UNIVERSITY', p.rng.lognormvariate(3.2, 0.9)) for _ in range(p.near(3, 9)))
    days = some(p, day, 2, [
        (0.8, loan), (0.65, lodge), (0.6, campus), (0.4, -90, -20, 8299, 'UCAS APPLICATION', 28.5, 28.5),
        (0.3, lambda: p.write_profile(day + p.near(0, 30), employment_status='STUDENT'))])
    true(p, 'student.start', day, max(day, days[1]))


# -- home, money, the bank

def move(p, day, least):
    """To another home: the first days of the traces."""
    rng, far = p.rng, p.chance(0.55)
    if far:
        p.moves.append((day, rng.choice(TOWNS)))
    for flow in [p.council] + p.utilities:
        flow.end = min(flow.end, day + p.near(0, 10))
    p.settle_bills(day + p.near(1, 12), 0.6 if p.partner else 1)
    return some(p, day, least, [
        (0.45, -4, 1, 4214, 'BRITANNIA REMOVALS {T}', 250, 1300), (0.3, 0, 0, 7513, 'ENTERPRISE VAN HIRE', 70, 160),
        (0.35, -20, 5, 9402, 'ROYAL MAIL REDIRECTION', 36, 80),
        (0.4, lambda: p.tap(day + p.near(-5, 25), 'view', 'change_address')),
        (0.65, lambda: min(p.card(day + p.near(-8, 35), *rng.choice(HOUSE), rng.lognormvariate(5.2, 0.8)) for _ in range(p.near(2, 6))))]
                + [(0.55, lambda: p.write_profile(day + p.near(-3, 40)))] * far)


@event(who='wage', age=(21, 60), home='rent')
def home_moving(p, day):
    p.rent.end, monthly = day, -p.rent.pence / 100 * p.rng.uniform(0.8, 1.35)
    rent = p.flow(f'{p.somebody()}' if p.chance(0.5) else 'KEYSTONE LETTINGS', -monthly, ('debit', p.date(day).day), 'STANDING_ORDER', reference='RENT', start=day)
    p.send(day - p.near(3, 20), monthly * 1.15, rent.other, 'DEPOSIT')
    true(p, 'home.moving', day, max(day, move(p, day, 3)[1]))


@event(who='wage', age=(25, 45), home='rent', monthly=265000)
def home_purchase(p, day):
    rng, solicitor, calm = p.rng, p.rng.choice(SOLICITORS), p.near(6, 16) * 1000
    p.nest, p.rent.end = calm * 200, day + p.near(-5, 28)
    mortgage = p.bill(rng.choice(('NATIONWIDE B.S.', 'HALIFAX MORTGAGE', 'LEEDS B.S.')), -p.rent.pence / 100 * rng.uniform(0.9, 1.3), day + p.near(18, 40))
    mortgage.once.append((0, rng.uniform(1.2, 1.7)))
    some(p, day, 2, [
        (0.6, lambda: min(p.tap(day - p.near(30, 170), 'calculator_used', 'mortgage_calculator', 'MORTGAGE') for _ in range(p.near(2, 7)))),
        (0.8, lambda: p.send(day - p.near(1, 8), calm, solicitor, 'COMPLETION')), (0.5, -90, -30, 8111, 'BRIDGE CONVEYANCING', 250, 900),
        (0.5, -100, -40, 8911, 'ALLCOTT SURVEYORS', 380, 850)])
    true(p, 'home.moving', day, max(day, move(p, day, 2)[1]))
    true(p, 'home.purchase', day, coming(mortgage, mortgage.start))


@event(who='wage wage pension benefits', age=(28, 80))
def windfall(p, day):
    payer = p.rng.choice(SOLICITORS + ('AVIVA CLAIMS', 'NS&I PREMIUM BONDS', 'NATIONAL LOTTERY', 'EXECUTORS OF ' + p.somebody()))
    p.keep()
    p.receive(day, p.income / 100 * p.rng.uniform(7.5, 26), payer, p.rng.choice(('ESTATE', 'SETTLEMENT', 'CLAIM', None)), hour=2)
    if p.chance(0.5):
        p.send(day + p.near(15, 50), p.income / 100 * p.rng.uniform(2, 5), 'VANGUARD ISA', 'ISA')
    true(p, 'windfall', day, day)


@event(who='wage', age=(21, 60), home='rent')
def debt_stress(p, day):
    p.reserve, p.cap = day, 1.4
    p.spend.append((day - 30, NEVER, 2.8))
    p.limits.append((day, -p.near(400, 1500) * 100))
    lender, rng = p.rng.choice(('LENDING STREAM', 'DROPPED LOANS LTD', 'MONEYBOAT')), p.rng

    def borrow():
        begin = day + p.near(0, 40)
        for at in (begin, begin + p.near(40, 70)):
            p.receive(at, p.near(200, 900), lender, 'LOAN')
            p.bill(lender, p.near(70, 240), at + 20).end = at + p.near(120, 200)
        return begin

    def gamble():
        return min(p.card(day + p.near(0, 200), 7995, rng.choice(('BET365', 'SKY BETTING')), rng.lognormvariate(3.3, 0.8), must=False, online=True)
                   for _ in range(p.near(20, 70)))
    days = some(p, day, 3, [
        (0.5, gamble),
        (0.55, borrow),
        (0.6, lambda: p.flow(None, -rng.uniform(8, 60), ('paid', 28, 0), 'FEE', start=day + 15, noise=0.3, reference='OVERDRAFT USAGE')),
        (0.45, lambda: p.bill('LOWELL FINANCIAL', p.near(20, 110), day + p.near(20, 70))),
        (0.3, lambda: p.bill('PAYPLAN LTD', p.near(60, 190), day + p.near(30, 70))),
        (0.35, 0, 50, 6011, 'QUICK CASH ADVANCE', 60, 200)])
    true(p, 'debt.stress', day, max(days[2], day + 30))


@event(who='wage', age=(20, 62), home='rent')
def leaving(p, day):
    last, swift, asked = leave_job(p, day), p.chance(0.5), []
    for flow in p.flows:
        flow.end = min(flow.end, day + (0 if swift or flow.pence > 0 else p.near(0, 60)))
        asked += [coming(flow, flow.end)] if flow.kind == 'DIRECT_DEBIT' else []
    p.book(day + p.near(1, 5), ALL, 'TRANSFER', p.name, p.rng.choice(('SWITCH', 'TO MONZO', 'CLOSE')))
    p.activity.append((day + 4, NEVER, 0 if swift else 0.1))
    true(p, 'leaving', day, max(coming(p.job, last + 1), sorted(asked)[:3][-1] if asked else day))
    for kind in ('dormant', 'income.drop'):
        true(p, kind, day, day + 90, implied=True)


@event(who='second')
def dormant(p, day):
    hush(p, day, NEVER)
    true(p, 'dormant', day, day + 90)


def hush(p, day, until):
    """Nothing of the customer's own from the one to the other day: no payment, no visit."""
    p.activity.append((day, until, 0))
    for flow in p.flows:
        flow.gaps.append((day, until))
    p.card(day - 1, 5499, 'CO-OP GROUP {n}', 6)


@event(who='second', span=(235, 400))
def account_reactivated(p, day):
    asleep = max(12, day - p.near(205, 330))
    hush(p, asleep, day)
    true(p, 'dormant', asleep, asleep + 90)
    true(p, 'account.reactivated', day, day)
    p.tap(day)
    p.receive(day, p.near(50, 900), p.name, 'TOP UP')
    p.card(day + 1, 5411, 'TESCO STORES {n}', p.near(8, 60))


@event(who='wage', age=(20, 66))
def car_purchase(p, day):
    pounds = p.near(2200, 15000)
    price = p.rng.choice((lambda: p.send(day, pounds, 'ARNOLD CLARK AUTOS', 'VEHICLE'), lambda: p.card(day, 5511, 'EVANS HALSHAW {T}', pounds),
                          lambda: p.card(day, 5521, '{T} CAR SUPERMARKET', pounds), lambda: p.send(day, pounds, p.somebody(), 'CAR')))
    finance = p.chance(0.45)
    if finance:
        p.bill(p.rng.choice(('BLACK HORSE LTD', 'VWFS UK', 'SANTANDER CONSUMER')), p.near(170, 390), day + p.near(15, 40))
        p.card(day - p.near(0, 3), 5511, 'EVANS HALSHAW {T}', p.near(99, 2500))
    else:
        price()
    days = some(p, day, 1, [
        (0.75, lambda: p.bill(p.rng.choice(('AVIVA MOTOR', 'LV INSURANCE', 'CHURCHILL INS')), p.near(35, 110), day + p.near(2, 30))),
        (0.7, lambda: p.bill('DVLA VEHICLE TAX', p.near(12, 30), day + p.near(1, 35))),
        (0.25, lambda: p.receive(day + p.near(-3, 14), p.near(600, 4000), 'WEBUYANYCAR', 'PURCHASE'))])
    true(p, 'car.purchase', day, max(day, days[0]))


@event(who='wage', age=(23, 60))
def business_started(p, day):
    clients = [p.employer() for _ in range(p.near(2, 5))]

    def trade(other=None, reference='INV{}', every=(0.8, 3.2)):
        at = [day + p.near(5, 30)]
        while at[-1] < p.days:
            p.receive(at[-1], p.rng.lognormvariate(5.4, 0.7), other or p.rng.choice(clients), reference.format(p.near(1, 60)), account=account)
            at.append(at[-1] + int(p.rng.uniform(*every) * 7) + 1)
        return at[2]
    account = 'B' if p.chance(0.35) else '1'
    if p.chance(0.6):
        income = trade()
    else:
        income = trade(p.rng.choice(('SUMUP PAYMENTS', 'STRIPE PAYMENTS UK', 'ZETTLE BY PAYPAL')), 'PAYOUT {}', (0.6, 1.4))
    days = some(p, day, 1, [
        (0.45, 0, 0, 9399, 'COMPANIES HOUSE', 50, 50), (0.4, lambda: p.bill('SIMPLY BUSINESS', p.near(9, 40), day + p.near(0, 40))),
        (0.5, lambda: p.bill(p.rng.choice(('XERO UK', 'FREEAGENT CENTRAL')), p.near(12, 33), day + p.near(5, 60))),
        (0.3, 40, 150, 9311, 'HMRC SELF ASSESSMENT', 150, 1900), (0.3, 20, 120, 7276, 'CROWE TAX ACCOUNTANTS', 150, 480)])
    true(p, 'business.started', day, max(income, days[0]))


# -- what looks like an event and is none: name -> (what it looks like, ~ what may be said of it or not; of whom; how)

DECOYS = {
    'employer_renamed': ('job.changed job.lost', {'who': 'wage'}, lambda p, day: p.wage(
        p.job.monthly() * 1.01, leave_job(p, day) + 1, p.job.rule, noise=p.job.noise, reference=p.chance(0.6) and p.job.reference)),
    'payroll_switched': ('job.changed job.lost', {'who': 'wage', 'rule': ('paid', 25, 0)}, lambda p, day: p.wage(
        p.job.monthly(), leave_job(p, day) + 3, ('paid', p.near(20, 31), 0), p.job.other + p.rng.choice(('', ' C/O ADP')), p.job.noise)),
    'unpaid_leave': ('job.lost ~income.drop', {'who': 'wage'}, lambda p, day: p.job.gaps.append(
        (coming(p.job, day), coming(p.job, day) + p.near(20, 27)))),
    'sabbatical': ('job.lost leaving ~income.drop', {'who': 'wage'}, lambda p, day: (
        p.job.gaps.append((day, day + p.near(65, 85))), p.trip(day + 5, 50))),
    'early_christmas_pay': ('job.lost job.changed income.drop', {'who': 'wage', 'span': (285, 286), 'rule': ('paid', 28, 0)},
                            lambda p, day: setattr(p.job, 'rule', ('paid', 31, p.near(12, 18)))),      # then nothing until the end of January
    'bonus': ('pay.rise windfall', {'who': 'wage'}, lambda p, day: p.job.once.append((day, p.rng.uniform(1.6, 4)))),
    'overtime_month': ('pay.rise', {'who': 'wage'}, lambda p, day: p.job.steps.extend([(day, 1.31), (day + 30, 1 / 1.31)])),
    'seasonal_worker': ('job.lost salary.first', {'who': 'youth', 'span': (130, 131)}, lambda p, day: [
        p.wage(p.near(90000, 150000), begin, ('every', 7, 6), 'WHARFE HOLIDAY PARKS', until=begin + weeks * 7)
        for begin, weeks in ((100, 10), (265, 7), (465, 10))]),
    'second_job_ended': ('job.lost income.drop', {'who': 'wage'}, lambda p, day: p.wage(p.income * p.rng.uniform(0.15, 0.28), until=day)),
    'works_beyond_pension_age': ('retirement.started', {'who': 'wage', 'age': (66, 68)}, lambda p, day: p.benefit(
        'DWP STATE PENSION', p.rng.uniform(700, 960), 28, day)),
    'baby_gifts': ('baby', {}, lambda p, day: [p.card(day + p.near(0, 6), *p.rng.choice(BABY), p.near(12, 90)) for _ in range(p.near(1, 3))]),
    'wedding_guest': ('wedding.planned', {}, lambda p, day: (
        p.card(day - p.near(8, 30), 7296, 'MOSS HIRE {T}', p.near(60, 120)), p.card(day, 7011, 'RUSHTON HALL HOTEL', p.near(110, 240)),
        p.card(day - 6, 5944, 'ERNEST JONES {T}', p.near(60, 220)))),
    'furniture_only': ('home.moving', {}, lambda p, day: [
        p.card(day + p.near(0, 25), *p.rng.choice(HOUSE), p.near(150, 1400)) for _ in range(p.near(2, 4))]),
    'big_refund': ('windfall', {'who': 'wage'}, lambda p, day: (
        p.card(day - p.near(15, 100), 4722, 'TRAILFINDERS', min(p.income / 25, 6500)), p.book(
            day, int(min(p.income * 4, 650000)), 'CARD', mcc=4722, merchant_name='TRAILFINDERS', merchant_country='GB', channel='ONLINE'))),
    'own_transfer': ('windfall salary.first', {}, lambda p, day: (
        p.keep(), p.receive(day, p.income / 100 * p.rng.uniform(7, 20), p.name, p.rng.choice(('FROM ISA', 'SAVINGS', None))))),
    'deposit_in_transit': ('windfall home.purchase', {'who': 'wage', 'age': (45, 64)}, lambda p, day: (
        p.keep(), p.receive(day, p.income / 4, p.rng.choice(SOLICITORS), 'SALE PROCEEDS', hour=2),
        p.send(day + p.near(1, 6), p.income / 4.1, p.rng.choice(SOLICITORS), 'DEPOSIT FOR SON'))),
    'child_at_university': ('student.start', {'who': 'wage', 'age': (44, 60), 'span': (199, 211)}, lambda p, day: (
        p.flow(p.somebody(), -p.near(150, 450), ('debit', 1), 'STANDING_ORDER', start=day, reference='UNI MONEY'),
        [p.send(at, p.near(1300, 2300), 'UNITE STUDENTS', 'TERM RENT') for at in (day - 9, 320, 425)])),
    'month_abroad': ('dormant leaving', {}, lambda p, day: p.activity.append((day, day + p.near(30, 42), 0))),
    'spends_elsewhere': ('leaving', {'who': 'wage'}, lambda p, day: (p.activity.append((day, NEVER, 0.3)), p.flow(
        p.name, -p.income / 300, ('debit', 28), 'STANDING_ORDER', start=day, reference='MONZO SPENDING'))),
    'remortgage': ('home.purchase', {'who': 'wage', 'home': 'mortgage'}, lambda p, day: (
        setattr(p.rent, 'end', day), p.bill('FIRST DIRECT MORTGAGE', -p.rent.pence / 100 * p.rng.uniform(0.85, 1.2), day + p.near(3, 25)),
        p.card(day - p.near(5, 40), 8111, 'BRIDGE CONVEYANCING', p.near(90, 400)))),
    'flatmate': ('household.joint', {'who': 'wage', 'age': (21, 40), 'home': 'rent', 'partner': False}, lambda p, day: p.flow(
        p.somebody(), -p.rent.pence / 200, ('paid', p.near(1, 28), 0), 'STANDING_ORDER', start=day, reference='ROOM RENT')),
    'car_repaired': ('car.purchase', {}, lambda p, day: (
        p.card(day, 7538, 'EVANS HALSHAW SERVICE {T}', p.near(500, 1900)), p.bill('LV INSURANCE', p.near(35, 90), day + p.near(1, 40)))),
    'holiday_club': ('childcare.started', {'who': 'wage', 'kids': 2, 'age': (28, 45)}, lambda p, day: [
        p.card(at, p.rng.choice((7032, 8351)), 'KINGS CAMPS HOLIDAY CLUB', p.near(90, 320)) for at in (day, day + p.near(3, 12))]),
    'sells_clothes': ('business.started', {}, lambda p, day: [
        p.receive(day + p.near(0, 60), p.near(4, 60), 'VINTED', 'PAYOUT') for _ in range(p.near(5, 18))]),
}


# -- the bank

def cast(rng, customers):
    """Customer -> what happens to them: every event equally often, so that rare ones are examined too, then the decoys; most: nothing."""
    numbers, casting = rng.sample(range(customers), customers), {}
    events, decoys = int(customers * (1 - QUIET - DECOY_SHARE)), int(customers * DECOY_SHARE)
    for place, number in enumerate(numbers[:events]):
        casting[number] = list(EVENTS)[place % len(EVENTS)]
    for place, number in enumerate(numbers[events:events + decoys]):
        casting[number] = list(DECOYS)[place % len(DECOYS)]
    return casting


def customer(seed, number, days, part):
    types, need, happen = EVENTS.get(part) or DECOYS.get(part) or ('', {}, None)
    low, high = need.get('span', (130, days - 185))
    p = Person(seed, number, days, **{key: value for key, value in need.items() if key != 'span'})
    if happen:
        day = p.near(low, high)
        happen(p, day)
        for kind in types.split():
            true(p, kind.lstrip('~'), day, day + 30, implied=kind[0] == '~', like=None if kind[0] == '~' else part)
    for flow in p.flows:
        flow.render()
    p.live()
    return p


def line(source, fields):
    return f'{{"source":"{source}","event":{fields}}}\n'


def lines(p, days):
    """(moment of arrival, line) of all that the bank knows of a customer: a little of it late, twice, pending first or taken back."""
    rng, moment = p.rng, [f'{p.date(day)}T' for day in range(days + 40)]

    def when(at):
        return f'{moment[at // 86400]}{at // 3600 % 24:02}:{at // 60 % 60:02}:{at % 60:02}Z'

    for count, (at, account, pence, kind, text, balance, returned) in enumerate(p.settle()):
        def said(ident, at, status='POSTED', more=''):
            left = '' if balance is None or status == 'PENDING' else f',"balance_after_minor":{balance}'
            return line('transactions', f'{{"event_id":"{ident}","customer_id":"{p.id}","account_id":"{p.id}-{account}","account_type":"{TYPES[account]}",'
                        f'"booked_at":"{when(at)}","amount_minor":{abs(pence)},"currency":"GBP","direction":"{"CREDIT" if pence > 0 else "DEBIT"}",'
                        f'"status":"{status}","kind":"{kind}"{text}{left}{more}}}')
        ident, chance = f'{p.id}-{count}', rng.random()
        arrival = at + rng.randint(3600, 4 * 86400) if chance < 0.01 else at
        if kind == 'CARD' and chance > 0.94:
            yield at - 7200, said(ident, at - 7200, 'PENDING')
        yield arrival, said(ident, at)
        if rng.random() < 0.004:
            yield arrival + rng.randint(1, 90000), said(ident, at)
        if returned or kind == 'CARD' and rng.random() < 0.003:
            balance = balance - pence if balance is not None else None
            yield arrival + 90000, said(ident + '-R', at + 90000, 'REVERSED', f',"reverses":"{ident}"')
    for count, (at, name, screen, product) in enumerate(p.engagement):
        more = ''.join(f',"{key}":"{value}"' for key, value in (('screen', screen), ('product', product)) if value)
        yield at, line('app-engagement', f'{{"event_id":"{p.id}-a{count}","customer_id":"{p.id}","occurred_at":"{when(at)}","event":"{name}"{more},'
                       f'"channel":"{"MOBILE_APP" if p.app else "WEB"}","success":true}}')
    for at, profile in p.profiles:
        yield at, line('customer-profiles', json.dumps(dict(profile, customer_id=p.id, updated_at=when(at))))


def write(bank, truth, seed, customers, days):
    """Write the events in the order in which they arrive, and the truth. ValueError when days are too few."""
    if days < SHORTEST:
        raise ValueError(f'{days} days: at least {SHORTEST}')
    casting, said, truths = cast(random.Random(f'highstreet {seed}'), customers), [], []
    for number in range(customers):
        p = customer(seed, number, days, casting.get(number))
        said += lines(p, days)
        truths += p.truths
    said.sort()
    with open(bank, 'w', encoding='utf-8') as out:
        out.writelines(text for _, text in said)
    with open(truth, 'w', encoding='utf-8') as out:
        out.writelines(json.dumps(row) + '\n' for row in truths)
