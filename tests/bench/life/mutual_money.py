# SPDX-License-Identifier: Apache-2.0
"""The mutual's life events of money and accounts: windfall, debt, leaving, silence and return, study, car, business."""
import mutual_lives as lives
import mutual_people as people
from mutual_calendar import DAY
from mutual_lives import DSP, chance, usual, when
from mutual_people import END, START


def windfall(person):
    """A large sum that is no income, and that stays or goes to the customer's own savings."""
    people.worker(person)
    rng = person.rng
    day = when(person)
    amount = usual(person) * rng.uniform(7, 60)
    name, text = rng.choice((('NOLAN PROBATE SOLICITORS', 'Estate'), ('DOYLE & QUINN SOLRS', None), ('PREMIER LOTTERIES IRL', 'PRIZE'), ('AVIVA LIFE CLAIMS', 'CLAIM'), ('PRIZE BOND COMPANY', None),
                             (f'{rng.choice(people.FIRST)} {person.last}', 'gift from dad'), ('ZURICH CLAIMS', 'SETTLEMENT'), ('COURTS SERVICE', 'AWARD')))
    person.receive(day, name, amount, text, 'CHEQUE' if chance(person, 0.12) else 'TRANSFER')
    if chance(person, 0.5):
        person.own_move(day + rng.randrange(3, 40) * DAY, amount * rng.uniform(0.5, 0.95), 'C', 'S')
    if chance(person, 0.3):
        person.send(day + rng.randrange(15, 70) * DAY, rng.choice(('DEGIRO', 'DAVY', 'ROOFING & WINDOWS LTD')), amount * rng.uniform(0.1, 0.4))
    person.truth('windfall', day, day)


def debt_stress(person):
    """The overdraft, returned direct debits, short loans, gambling: several of them, for months."""
    people.worker(person)
    rng = person.rng
    day = when(person, 170, 360)
    seen = []
    person.savings, person.sinking = 0, (day, day + 200 * DAY)
    if chance(person, 0.6):
        for _ in range(rng.randrange(8, 30)):
            on = day + rng.randrange(0, 170) * DAY
            person.card(on, 7995, rng.choice(('PADDY POWER', 'BET365', 'BOYLESPORTS')), rng.uniform(2000, 25000))
        seen.append(day + 20 * DAY)
    if chance(person, 0.6):
        for _ in range(rng.randrange(2, 7)):
            on = day + rng.randrange(10, 170) * DAY
            person.book(on, 1000, 'DEBIT', kind='FEE', counterparty_name=None, reference=rng.choice(('UNPAID DD FEE', 'REFERRAL FEE', 'RETURNED ITEM')), channel='AUTOMATIC')
            bounced = rng.choice(('ELECTRIC IRELAND', 'EIR', 'VODAFONE IRL', 'AXA INSURANCE'))
            person.book(on, 6000, 'CREDIT', kind='DIRECT_DEBIT', counterparty_name=bounced, counterparty_id=people.stable(bounced), reference='RETURNED UNPAID', channel='AUTOMATIC')
            person.book(on, 6000, 'DEBIT', kind='DIRECT_DEBIT', counterparty_name=bounced, counterparty_id=people.stable(bounced), channel='AUTOMATIC')
            seen.append(on)
    for name in rng.sample(('PROVIDENT PERSONAL CR', 'CASHFLOAT', 'AVANT FLEX LOAN', 'CREDIT UNION LOAN'), rng.choice((0, 1, 1, 2))):
        start = day + rng.randrange(0, 110) * DAY
        person.receive(start, name, rng.uniform(40000, 250000), 'LOAN')
        flow = person.bill(f'owe {name}', name, rng.uniform(6000, 26000), rng.choice((('weekly', 4, 0), ('dom', 28))), reference='REPAYMENT')
        flow.start = start + 7 * DAY
        seen += [start, flow.dates()[0]]
    if chance(person, 0.4):
        for _ in range(rng.randrange(2, 6)):
            person.card(day + rng.randrange(0, 150) * DAY, rng.choice((6010, 6051, 5933, 4829)), rng.choice(('CASH ADVANCE', 'PAWNBROKERS', 'WESTERN UNION')), rng.uniform(5000, 40000))
        seen.append(day + 40 * DAY)
    person.flows.pop('save', None)
    seen = sorted(seen) or [day + 40 * DAY]
    person.truth('debt.stress', day, max(seen[min(2, len(seen) - 1)], day + 20 * DAY))


def leaving(person):
    """Another bank takes over: pay and bills go there, what is left is drained."""
    people.worker(person)
    rng = person.rng
    day = when(person)
    job = person.flows['job']
    job.end = day
    moves = [job.after(job.dates()[-1])]
    for key in ('home', 'power', 'net', 'phone', 'bins', 'health', 'motor', 'gym', 'save'):
        if key in person.flows and chance(person, 0.85):
            person.flows[key].end = day + rng.randrange(0, 70) * DAY
            moves.append(person.flows[key].end + 31 * DAY)
    for _ in range(rng.randrange(1, 4)):
        person.drain.append((day + rng.randrange(2, 45) * DAY, rng.uniform(0.5, 0.95), rng.choice(('REVOLUT', None, 'to AIB')), chance(person, 0.7)))
    person.thrift.append((day + 10 * DAY, END, rng.uniform(0.05, 0.3)))
    if chance(person, 0.7):
        person.quiet.append((day + rng.randrange(40, 90) * DAY, END))
    moves.sort()
    person.truth('leaving', day, moves[min(2, len(moves) - 1)])


def silent(person, start, end):
    """Nothing that the customer does himself, only interest and fees."""
    person.quiet.append((start, end))
    for flow in person.flows.values():
        if flow.end > start:
            flow.end = start
    for on in people.calendar.days(('last',), start, end):
        if on.month % 3 == 0:
            person.book(on, person.rng.randrange(50, 900), 'DEBIT', kind='FEE', counterparty_name='MAINTENANCE FEE', channel='AUTOMATIC')


def second_account(person):
    """A customer whose main bank is another: money from his own name, some purchases."""
    rng = person.rng
    person.net = rng.uniform(40000, 130000)
    person.income('own', person.other_self(), person.net, ('dom', rng.choice((1, 28, 30))), rng.choice(('top up', None, 'from AIB')), 0.1)
    person.bill('phone', 'THREE IRELAND', 2000)


def dormant(person):
    """The account falls asleep."""
    second_account(person)
    day = when(person, 130, 270)
    silent(person, day, END)
    person.truth('dormant', day, day + 180 * DAY)


def account_reactivated(person):
    """Asleep for most of a year, then in use again, now and then with a salary."""
    second_account(person)
    rng = person.rng
    asleep = when(person, 35, 90)
    back = asleep + rng.randrange(215, 330) * DAY
    flows = list(person.flows.values())
    silent(person, asleep, back - DAY)
    for flow in flows:
        if chance(person, 0.6):
            fresh = person.income('own2', person.other_self(), person.net * rng.uniform(0.8, 1.5), flow.due, 'top up', 0.1) if flow.pay else person.bill('phone2', 'VODAFONE IRL', 2500)
            fresh.start = back
    if chance(person, 0.35):
        flow = person.job('job', rng.uniform(180000, 320000), back + rng.randrange(5, 40) * DAY)
        person.truth('salary.first', flow.dates()[0], flow.dates()[1], True)
    person.truth('dormant', asleep, asleep + 180 * DAY)
    person.truth('account.reactivated', back, back + 7 * DAY)


def student_start(person):
    """University or college: fees, a room, the grant, money from home."""
    rng = person.rng
    person.age = rng.choice((17, 18, 18, 18, 19, 19, 20, 22))
    person.net = rng.uniform(40000, 80000)
    start = people.datetime.date(2024, 9, rng.randrange(2, 25)) if chance(person, 0.85) else people.datetime.date(2025, 1, rng.randrange(10, 28))
    person.income('home', f'{person.stranger().split()[0]} {person.last}', rng.uniform(8000, 40000), ('dom', rng.randrange(1, 28)), rng.choice((None, 'from mam')), 0.1)
    person.bill('phone', 'THREE IRELAND', 1500)
    seen = []
    college = rng.choice(('UNIVERSITY OF GALWAY', 'UCD FEES', 'TU DUBLIN', 'UCC STUDENT FEES', 'MIC LIMERICK'))
    if chance(person, 0.65):
        for _ in range(rng.choice((1, 1, 2))):
            on = start + rng.randrange(-25, 40) * DAY
            if chance(person, 0.6):
                person.card(on, 8220, college, rng.uniform(30000, 180000))
            else:
                person.send(on, college, rng.uniform(30000, 180000), rng.choice(('Fees', 'Student 22334', None)))
            seen.append(on)
    if chance(person, 0.5):
        grant = person.income('grant', 'SUSI STUDENT GRANT', rng.uniform(15000, 75000), ('nth', 2, 4), rng.choice(('GRANT', 'SUSI')))
        grant.start = start + rng.randrange(10, 50) * DAY
        grant.skip = {day for day in grant.dates() if day.month in (6, 7, 8)}
        seen.append(grant.dates()[0])
    if chance(person, 0.6):
        room = person.bill('room', rng.choice(('CAMPUS ACCOMMODATION', 'UNINEST STUDENT RES', person.stranger(), 'YUGO STUDENT LIVING')), rng.uniform(45000, 90000), ('dom', 1), kind=rng.choice(('STANDING_ORDER', 'TRANSFER')), reference=rng.choice(('room', 'RENT', None)))
        room.start = start - rng.randrange(0, 15) * DAY
        seen.append(room.dates()[0])
        person.flows['home'].steps.append((start, rng.uniform(1.5, 3.5)))
    for _ in range(rng.randrange(0, 5)):
        person.card(start + rng.randrange(0, 50) * DAY, rng.choice((5942, 8220, 5943)), rng.choice(('OMAHONYS BOOKS', 'CAMPUS PRINT', 'STUDENT UNION SHOP')), rng.uniform(800, 12000))
    if chance(person, 0.3):
        flow = person.job('parttime', rng.uniform(30000, 70000), START + rng.randrange(0, 200) * DAY)
        person.truth('salary.first', flow.dates()[0], flow.dates()[1], True)
    if not seen:
        on = start + 3 * DAY
        person.card(on, 8220, college, rng.uniform(30000, 180000))
        seen.append(on)
    seen.sort()
    person.truth('student.start', start, seen[min(1, len(seen) - 1)])


def car_purchase(person):
    """A car from a dealer: paid at once or a deposit and then each month."""
    people.worker(person)
    rng = person.rng
    day = when(person)
    dealer = rng.choice(('JOE DUFFY MOTORS', 'WINDSOR AUTOS', 'CONNOLLY MOTOR GROUP', 'FRANK KEANE CARS', 'BRADLEYS GARAGE'))
    price = rng.uniform(400000, 1800000)
    if chance(person, 0.4):
        paid = rng.uniform(50000, 300000)
        loan = person.bill('finance', rng.choice(('BANK OF IRELAND FINANCE', 'VW FINANCIAL SVCS', 'FIRST CITIZEN FINANCE')), rng.uniform(18000, 45000), reference='HP AGREEMENT')
        loan.start = day + rng.randrange(20, 40) * DAY
    else:
        paid = price
        person.savings = max(person.savings, price * 1.1)
        if chance(person, 0.6):
            person.own_move(day - 2 * DAY, price * 0.9, 'S', 'C')
    if chance(person, 0.6):
        person.card(day, rng.choice((5511, 5511, 5521)), dealer, paid)
    else:
        person.send(day, dealer, paid, rng.choice(('CAR', None, 'Reg 191-G-2234', 'Invoice')))
    if chance(person, 0.35):
        person.card(day - rng.randrange(2, 9) * DAY, 5511, dealer, 50000)
    if chance(person, 0.6):
        if 'motor' in person.flows:
            person.flows['motor'].end = day + 10 * DAY
        person.bill('motor2', rng.choice(('ZURICH MOTOR', 'LIBERTY INSURANCE', '123.IE')), rng.uniform(4500, 13000)).start = day
    if chance(person, 0.5):
        person.card(day + rng.randrange(1, 20) * DAY, 9399, 'MOTORTAX.IE', rng.uniform(15000, 50000))
    person.has_car = True
    person.truth('car.purchase', day, day)


def business_started(person):
    """Clients pay invoices, a card terminal pays out, the Revenue asks for its share."""
    people.worker(person)
    rng = person.rng
    day = when(person, 170, 330)
    clients = [rng.choice(people.HEADS) + ' ' + rng.choice(people.TRADES) + ' ' + rng.choice(('LTD', 'LTD', 'DAC')) for _ in range(rng.randrange(3, 7))] + [person.stranger(), person.stranger()]
    seen = []
    on = day
    while on <= END:
        person.receive(on, rng.choice(clients), rng.uniform(20000, 220000), rng.choice((f'INV {rng.randrange(1, 60):03d}', 'Invoice', None, f'{person.last} design', 'inv')))
        seen.append(on)
        on += rng.randrange(5, 26) * DAY
    if chance(person, 0.4):
        payout = person.income('payout', rng.choice(('STRIPE PAYMENTS EUROPE', 'SUMUP', 'SQUARE INTL')), rng.uniform(10000, 60000), ('weekly', 2, 0), None, 0.5)
        payout.start = day + rng.randrange(0, 60) * DAY
    if chance(person, 0.6):
        for due in people.calendar.days(('dom', 19), day + 50 * DAY, END, 1)[::2]:
            if chance(person, 0.5):
                person.card(due, rng.choice((9311, 9311, 7276)), 'REVENUE COLL GENERAL', rng.uniform(20000, 180000))
            else:
                person.send(due, 'REVENUE COMMISSIONERS', rng.uniform(20000, 180000), rng.choice(('VAT3', 'PRELIM TAX', 'ROS')))
    for mcc, name in rng.sample(((7311, 'GOOGLE ADS'), (5734, 'QUICKBOOKS'), (7372, 'SHOPIFY'), (5111, 'VIKING STATIONERY'), (8931, 'KENNY ACCOUNTANTS'), (9399, 'CRO.IE COMPANY REG'), (4816, 'BLACKNIGHT HOSTING')), rng.randrange(0, 5)):
        person.card(day + rng.randrange(-20, 90) * DAY, mcc, name, rng.uniform(1500, 30000))
    if chance(person, 0.35):
        person.flows['job'].end = day + rng.randrange(0, 60) * DAY
        person.truth('job.lost', person.flows['job'].end, person.flows['job'].end + 35 * DAY, True)
        person.truth('income.drop', person.flows['job'].end, person.flows['job'].end + 60 * DAY, True)
    person.truth('business.started', day, seen[2])


LIVES = {
    'salary.first': lives.salary_first, 'job.changed': lives.job_changed, 'job.lost': lives.job_lost, 'income.drop': lives.income_drop, 'pay.rise': lives.pay_rise,
    'retirement.started': lives.retirement_started, 'baby': lives.baby, 'childcare.started': lives.childcare_started, 'wedding.planned': lives.wedding_planned,
    'household.joint': lives.household_joint, 'separation': lives.separation, 'bereavement': lives.bereavement, 'home.moving': lives.home_moving, 'home.purchase': lives.home_purchase,
    'windfall': windfall, 'debt.stress': debt_stress, 'leaving': leaving, 'dormant': dormant, 'student.start': student_start, 'car.purchase': car_purchase,
    'business.started': business_started, 'account.reactivated': account_reactivated}
