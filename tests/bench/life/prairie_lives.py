# SPDX-License-Identifier: Apache-2.0
"""What happens to the members of prairie.py and what of it the credit union sees: each story plans, books and says the truth.
Of the signs of an event some are missing at random; the story counts from the sign that tells it."""
from prairie_book import START, party
from prairie_people import new_job

WORKING = 'job.changed job.lost income.drop pay.rise leaving'.split()


def fits(one, kind):
    age = 2025 - one.born
    if kind in WORKING:
        return one.role == 'worker' or (one.role == 'part' and kind == 'job.lost')
    if kind in ('salary.first', 'student.start'):
        return one.role == 'student'
    if kind in ('retirement.approaching', 'retirement.started'):
        return one.role == 'worker' and age > 35
    if kind in ('baby', 'childcare.started', 'wedding.planned'):
        return one.role in ('worker', 'gig') and age < 43
    if kind in ('home.moving', 'home.purchase'):
        return one.rent is not None and one.role != 'retired'
    if kind == 'bereavement':
        return one.role in ('retired', 'worker')
    return one.role in ('worker', 'part', 'gig', 'retired') and (kind != 'business.started' or one.role == 'worker')


def second(stream, day, days):
    """The day of the second payment from that day on."""
    coming = [at for at in stream.days(days) if at >= day]
    return coming[1] if len(coming) > 1 else days


def missed(stream, day):
    """When the second expected payment after that day has not come."""
    return day + {'weekly': 14, 'biweekly': 28, 'semi': 31, 'monthly': 62}[stream.cadence] + 3


def salary_first(one, day):
    job = new_job(one, one.rng.randrange(220000, 380000), start=day)
    for stream in one.streams:
        if stream is not job and stream.credit:
            stream.end = day + one.rng.randrange(0, 40)
    one.change.append((day + 20, 2.2))
    one.pay = job
    first = job.days(one.days)[0]
    one.truth('salary.first', first, second(job, day, one.days))


def job_changed(one, day):
    old, rng = one.pay, one.rng
    old.end = day
    start = day + rng.randrange(2, 35)
    factor = rng.choice((0.95, 1.0, 1.06, 1.12, 1.2))
    job = new_job(one, int(one.income * factor), start=start, other_than=old)
    if rng.random() < 0.5:
        one.row(day + 10, int(one.income * rng.uniform(0.1, 0.6)), 'TRANSFER', counterparty_name=old.name, counterparty_id=old.party)
    first = job.days(one.days)[0]
    one.truth('job.changed', first, second(job, start, one.days))
    if factor > 1.08:
        one.truth('pay.rise', first, second(job, start, one.days), implied=True)
    one.truth('job.lost', day, first, implied=True)


def job_lost(one, day):
    old, rng = one.pay, one.rng
    old.end = day
    known = missed(old, day)
    if rng.random() < 0.45:
        one.row(day + rng.randrange(3, 15), int(one.income * rng.uniform(0.8, 3)), 'TRANSFER', counterparty_name=old.name,
                counterparty_id=old.party, reference=rng.choice(('SEVERANCE', 'FINAL PAY', 'VAC PAYOUT')))
    if rng.random() < 0.55:
        one.stream('CANADA EI/AE', int(one.income * 0.27), 'biweekly', rng.choice((4, 5)), party('CANADA EI'), credit=True,
                   start=day + rng.randrange(25, 45), end=day + rng.randrange(130, 280))
    if rng.random() < 0.4:
        new_job(one, int(one.income * 0.95), start=day + rng.randrange(120, 200), other_than=old)
    one.change.append((day + 20, 0.6))
    one.truth('job.lost', day, known)
    one.truth('income.drop', day, known, implied=True)
    one.truth('job.changed', day + 150, day + 220, implied=True)


def income_drop(one, day):
    """Hours cut, sick pay, or leave at half pay: the payer stays."""
    factor = one.rng.uniform(0.45, 0.65)
    one.pay.change.append((day, factor))
    one.change.append((day + 30, 0.75))
    coming = [at for at in one.pay.days(one.days) if at >= day]
    one.truth('income.drop', coming[0], day + 60)


def pay_rise(one, day):
    factor = one.rng.choice((1.09, 1.1, 1.12, 1.15, 1.2, 1.28))
    one.pay.change.append((day, factor))
    coming = [at for at in one.pay.days(one.days) if at >= day]
    one.pay.spread = min(one.pay.spread, 0.05)
    one.truth('pay.rise', coming[0], coming[1])


def retirement_approaching(one, day):
    rng = one.rng
    one.born = 2025 - rng.randrange(58, 66)
    one.dependants = 0
    one.streams = [stream for stream in one.streams if stream.name != 'CANADA CCB']
    signs = 0
    for at in sorted(rng.sample(range(day, day + 70), rng.randrange(3, 7))):
        one.view(at, rng.choice(('view', 'view', 'calculator_used', 'search')), 'retirement', 'PENSION')
        signs += 1
    if rng.random() < 0.7:
        one.stream(rng.choice(('RRSP CONTRIB CREDENTIAL', 'IG WEALTH MGMT RRSP')), int(one.income * 0.12), 'biweekly', 3,
                   party('RRSP'), 'DIRECT_DEBIT', start=day)
        one.change.append((day, 0.8))
    if rng.random() < 0.4:
        one.bill(day + 40, 'PRAIRIE RETIREMENT ADVISORS', rng.randrange(25000, 90000), 'FEE')
    one.truth('retirement.approaching', day, day + 45)


def retirement_started(one, day):
    rng = one.rng
    one.born = 2025 - rng.randrange(60, 67)
    one.dependants = 0
    one.streams = [stream for stream in one.streams if stream.name != 'CANADA CCB']
    one.pay.end = day
    start = day + rng.randrange(0, 40)
    cpp = one.stream('CANADA CPP/RPC', rng.randrange(70000, 130000), 'monthly', 27, party('CANADA CPP'), credit=True, start=start)
    if rng.random() < 0.7:
        one.stream('CANADA OAS/SV', 72700, 'monthly', 27, party('CANADA OAS'), credit=True, start=start)
    if rng.random() < 0.65:
        one.stream(rng.choice(('HEALTHCARE EMPLOYEES PENSION', 'CSSB PENSION PMT', 'SUNLIFE PENSION BEN')), int(one.income * 0.4), 'monthly',
                   1, party('PENSION FUND'), credit=True, start=start)
    one.change.append((day + 30, 0.7))
    one.truth('retirement.started', day, second(cpp, start, one.days))
    one.truth('income.drop', day, start + 60, implied=True)
    one.truth('job.lost', day, start + 60, implied=True)
    one.truth('retirement.approaching', day, start + 60, implied=True)


def baby(one, day):
    """Day is the birth; some leave from work, the child benefit comes about two months after."""
    rng, count = one.rng, 0
    for at in sorted(rng.sample(range(-90, 120), rng.randrange(4, 14))):
        name, mcc, middle = rng.choice((('WEST COAST KIDS', 5641, 14000), ("CARTER'S OSHKOSH", 5641, 5200), ('BABIES R US CA', 5641, 9000),
                                        ('SHOPPERS DRUG MART #05', 5912, 4500), ('TOYS R US 3561', 5945, 5200)))
        one.card(day + at, name, mcc, int(middle * rng.lognormvariate(0, 0.4)))
        count += mcc == 5641
    child = day + rng.randrange(50, 100)
    benefit = one.stream('CANADA CCB', 56000, 'monthly', 20, party('CANADA CCB'), credit=True, start=child) if rng.random() < 0.75 else None
    if rng.random() < 0.5 and one.role == 'worker':
        one.pay.gaps.append((day - 10, day + 330))
        one.stream('CANADA EI/AE', int(one.income * 0.27), 'biweekly', 4, party('CANADA EI'), credit=True, start=day + 20, end=day + 340)
        one.change.append((day, 0.7))
        one.truth('income.drop', day, day + 60, implied=True)
        one.truth('job.lost', day, day + 60, implied=True)
    if benefit or count > 1:
        one.truth('baby', day, child + 20 if benefit else day + 60)


def childcare(one, day):
    rng = one.rng
    name = rng.choice(('SPLASH CHILD ENRICHMENT', 'KIDS & COMPANY LTD', 'YMCA EARLY LEARNING', 'LITTLE SAINTS DAYCARE INC'))
    monthly = rng.randrange(22000, 62000)
    if rng.random() < 0.5:
        stream = one.pad(name, monthly, rng.choice((1, 15)), start=day)
        known = second(stream, day, one.days)
    else:
        at = [day + 30 * index + rng.randrange(4) for index in range(20)]
        for when in at:
            one.card(when, name, 8351, monthly)
        known = at[1]
    one.truth('childcare.started', day, known)


def wedding(one, day):
    rng = one.rng
    things = [('FORT GARRY HOTEL DEP', 7011, 150000), ('BEN MOSS JEWELLERS', 5944, 240000), ('STELLA BRIDAL', 5621, 160000),
              ('PETALS WEST INC', 5992, 40000), ('MOORE PHOTOGRAPHY', 7221, 120000), ('PRAIRIE EVENT RENTALS', 7296, 60000),
              ('BERGMANN CATERING', 5811, 220000)]
    picked = sorted((rng.randrange(0, 150), thing) for thing in rng.sample(things, rng.randrange(3, 7)))
    for at, (name, mcc, middle) in picked:
        one.card(day + at, name, mcc, int(middle * rng.lognormvariate(0, 0.3)))
    one.row(day - 3, sum(middle for _, (_, _, middle) in picked), 'TRANSFER', counterparty_name='TRANSFER FROM TFSA SAVINGS',
            counterparty_id=f'own-{one.id}')
    one.truth('wedding.planned', day + picked[0][0], day + picked[2][0])


def household(one, day):
    rng, partner = one.rng, one.friend()
    share = int(one.income * rng.uniform(0.2, 0.35)) // 1000 * 1000
    if rng.random() < 0.6:
        stream = one.stream(f'INTERAC E-TFR FROM {partner}', share, rng.choice(('monthly', 'biweekly')), 1, party(partner), credit=True,
                            start=day, reference=rng.choice((None, 'rent', 'bills', 'house')))
    else:
        stream = one.stream(f'TRANSFER TO JOINT {partner}', share, rng.choice(('monthly', 'biweekly')), 2, party(partner), 'STANDING_ORDER',
                            start=day)
        if one.rent:
            one.rent.end = day + 30
    if rng.random() < 0.5:
        one.card(day + 8, 'IKEA WINNIPEG', 5712, rng.randrange(20000, 120000))
    days = stream.days(one.days)
    one.truth('household.joint', days[0], days[2] if len(days) > 2 else one.days)
    one.truth('home.moving', day, day + 60, implied=True)


def separation(one, day):
    """A shared household ends: the partner's share stops, a lawyer, another flat."""
    rng, partner = one.rng, one.friend()
    stream = one.stream(f'INTERAC E-TFR FROM {partner}', int(one.income * 0.25), 'monthly', 1, party(partner), credit=True, end=day)
    lawyer = rng.random() < 0.6
    if lawyer:
        for at in rng.sample(range(10, 90), rng.randrange(1, 4)):
            one.card(day + at, rng.choice(('PITBLADO LLP', 'FAMILY LAW GROUP MB')), 8111, rng.randrange(60000, 250000))
    if rng.random() < 0.5:
        one.pad('ASPEN HEIGHTS APTS RENT', 115000, 1, start=day + 15)
    if rng.random() < 0.4:
        one.stream('MB MAINTENANCE ENFORCEMENT', 60000, 'monthly', 4, party('MEP'), 'DIRECT_DEBIT', start=day + 60)
    if rng.random() < 0.3:
        one.card(day + 25, 'AURORA FAMILY THERAPY', 7277, 16000)
    one.truth('separation', stream.days(one.days)[-1], day + 65)
    one.truth('home.moving', day, day + 90, implied=True)
    one.truth('income.drop', day, day + 90, implied=True)


def bereavement(one, day):
    rng = one.rng
    signs = []
    if rng.random() < 0.75:
        signs.append(rng.randrange(3, 20))
        one.card(day + signs[-1], rng.choice(('CROPO FUNERAL CHAPEL', 'NEIL BARDAL INC', 'THOMSON IN THE PARK')), 7261,
                 rng.randrange(350000, 900000))
        one.row(day + signs[-1] - 1, 700000, 'TRANSFER', counterparty_name='TRANSFER FROM TFSA SAVINGS', counterparty_id=f'own-{one.id}')
    if rng.random() < 0.5:
        signs.append(rng.randrange(60, 100))
        one.deposit(day + signs[-1], 'CANADA CPP/RPC DEATH BENEFIT', 250000)
    if rng.random() < 0.4:
        one.deposit(day + 110, 'ESTATE OF R LAVALLEE IN TRUST', rng.randrange(400000, 6000000))
        one.truth('windfall', day + 110, day + 115, implied=True)
    if signs:
        one.card(day + signs[0] + 1, 'ORCHID FLORIST', 5992, 14000)
        one.truth('bereavement', day, day + signs[0])


def moving(one, day):
    rng = one.rng
    old = one.rent
    old.end = day
    rent = one.pad(rng.choice(('LAKEWOOD AGENCIES RENT', 'TOWERS REALTY', 'MAYFAIR PROP RENT')), int(old.minor * rng.uniform(0.9, 1.25)), 1,
                   start=day)
    signs = [10]
    if rng.random() < 0.5:
        one.card(day + rng.randrange(-3, 3), rng.choice(('U-HAUL PORTAGE AVE', 'TWO SMALL MEN BIG HEARTS')), rng.choice((7513, 4214)), 38000)
    for _ in range(rng.randrange(0, 4)):
        name, mcc = rng.choice((('IKEA WINNIPEG', 5712), ("THE BRICK #442", 5712), ('LEONS FURNITURE', 5712), ('HOME DEPOT #7074', 5200)))
        one.card(day + rng.randrange(-5, 30), name, mcc, rng.randrange(9000, 90000))
    if rng.random() < 0.4:
        one.bill(day - 10, 'CANADA POST MAIL FWD', 6200)
    if rng.random() < 0.35:
        one.towns.append((day, rng.choice(('BRANDON MB', 'STEINBACH MB', 'REGINA SK', 'CALGARY AB'))))
    if rng.random() < 0.4:
        one.deposit(day + 20, old.name.replace('INTERAC E-TFR TO', 'E-TFR FROM'), old.minor // 2, 'damage deposit')
    one.truth('home.moving', day, max([rent.days(one.days)[0], day + signs[0]]))


def purchase(one, day):
    rng = one.rng
    one.rent.end = day + 20
    for at in rng.sample(range(-80, 0), rng.randrange(0, 6)):
        one.view(day + at, 'calculator_used', 'mortgage', 'MORTGAGE')
    down = int(one.income * rng.uniform(5, 12))
    one.row(day - 6, down + 300000, 'TRANSFER', counterparty_name='TRANSFER FROM TFSA SAVINGS', counterparty_id=f'own-{one.id}')
    if rng.random() < 0.8:
        one.row(day - 3, -down, 'TRANSFER', counterparty_name='WIRE/DRAFT D LAW LLP IN TRUST', counterparty_id=party('D LAW'))
    if rng.random() < 0.5:
        one.card(day - 30, 'SQUARE ONE HOME INSPECT', 7399, 55000)
    loan = one.pad(rng.choice(('PCU MORTGAGE PYMT', 'RBC MTG PMT', 'MCAP MORTGAGE')), int(one.income * 0.15), 2, start=day + 14,
                   cadence=rng.choice(('biweekly', 'monthly')))
    if rng.random() < 0.6:
        one.pad('CITY OF WPG TIPP TAX', int(one.income * 0.07), 1, start=day + 40)
    one.truth('home.purchase', day, loan.days(one.days)[0])
    one.truth('home.moving', day, day + 40, implied=True)


def windfall(one, day):
    rng = one.rng
    name = rng.choice(('ESTATE OF M KOWALCHUK', 'WESTERN CANADA LOTTERY CORP', 'MANULIFE CLAIMS', 'TAYLOR MCCAFFREY TRUST', 'CLASS ACTION SETTL'))
    one.deposit(day, name, int(one.income * rng.uniform(7, 30)))
    one.truth('windfall', day, day + 3)


def debt_stress(one, day):
    rng = one.rng
    one.broke.append((day, one.days))
    one.change.append((day, 1.6))
    if rng.random() < 0.6:
        for at in range(0, 150, 14):
            if rng.random() < 0.7:
                one.debts.append(day + at)
                one.row(day + at, 40000, 'TRANSFER', counterparty_name=rng.choice(('MONEY MART ADV', 'CASH MONEY LOAN')), counterparty_id=party('MM'))
                one.pad('MONEY MART PAYMENT', 48000, 2, start=day + at + 10, end=day + at + 25, cadence='biweekly')
    if rng.random() < 0.4:
        for at in rng.sample(range(0, 150), 20):
            one.card(day + at, 'PLAYNOW MBLL', 7995, rng.randrange(2000, 20000))
    if rng.random() < 0.5:
        one.pad(rng.choice(('EASYFINANCIAL SERV', 'FAIRSTONE FIN', 'SPRING FIN LOAN')), int(one.income * 0.07), 5, start=day + 20, cadence='biweekly')


def leaving(one, day):
    rng = one.rng
    one.pay.end = day
    for stream in one.streams:
        if rng.random() < 0.8:
            stream.end = min(stream.end, day + rng.randrange(0, 45))
    one.stream('TRANSFER TO WEALTHSIMPLE CASH', int(one.income * 0.6), 'monthly', 3, f'own-{one.id}-w', start=day - 20, end=day + 45)
    one.silent.append((day + rng.randrange(20, 60), one.days))
    one.truth('leaving', day, day + 45)
    one.truth('income.drop', day, day + 45, implied=True)
    one.truth('dormant', day + 60, day + 150, implied=True)


def silence(one, day, end):
    for stream in one.streams:
        stream.gaps.append((day, end))
    one.silent.append((day, end))


def dormant(one, day):
    silence(one, day, one.days)
    for at in range(day + 20, one.days, 30):
        one.row(at, -500, 'FEE', reference='MTHLY ACCT FEE')
    one.rows = [row for row in one.rows if row[2]['kind'] == 'FEE' or (row[0].toordinal() - START.toordinal()) < day]
    one.truth('dormant', day, day + 90)
    one.truth('leaving', day, day + 60, implied=True)
    one.truth('job.lost', day, day + 60, implied=True)
    one.truth('income.drop', day, day + 60, implied=True)


def student(one, day):
    """September (or January): tuition, student loan, residence."""
    rng = one.rng
    one.born = 2025 - rng.randrange(17, 20)
    start = rng.choice((243, 246, 249, 369))
    signs = []
    if rng.random() < 0.7:
        signs.append(start + rng.randrange(0, 14))
        one.deposit(signs[-1], 'NSLSC STUDENT LOAN CANADA', rng.randrange(250000, 600000))
        one.deposit(signs[-1] + 120, 'NSLSC STUDENT LOAN CANADA', rng.randrange(250000, 400000))
    if rng.random() < 0.8:
        signs.append(start + rng.randrange(-20, 20))
        one.bill(signs[-1], 'UNIVERSITY OF MANITOBA TUITION', rng.randrange(220000, 380000))
        one.row(signs[-1] - 2, 300000, 'TRANSFER', counterparty_name='CST RESP EAP', counterparty_id=party('CST'))
    if rng.random() < 0.5 or not signs:
        signs.append(start + 3)
        one.card(signs[-1], 'U OF M BOOKSTORE', 8220, rng.randrange(20000, 70000))
    if rng.random() < 0.4:
        one.pad('U OF M RESIDENCE', 78000, 3, start=start, end=start + 240)
    one.truth('student.start', start, min(signs) + 5)
    one.truth('home.moving', start, start + 30, implied=True)


def car(one, day):
    rng = one.rng
    sign = []
    if rng.random() < 0.6:
        one.card(day, rng.choice(('BIRCHWOOD HONDA', 'MCPHILLIPS TOYOTA', 'RIDE TIME WPG')), rng.choice((5511, 5521)), rng.randrange(150000, 700000))
        one.row(day - 1, 500000, 'TRANSFER', counterparty_name='TRANSFER FROM TFSA SAVINGS', counterparty_id=f'own-{one.id}')
        sign.append(day)
    if rng.random() < 0.6 or not sign:
        loan = one.pad(rng.choice(('TD AUTO FINANCE', 'HONDA CANADA FIN', 'SCOTIA DEALER ADV')), rng.randrange(18000, 36000), 2, start=day + 10,
                       cadence='biweekly')
        sign.append(loan.days(one.days)[1])
    if not any(stream.name == 'MPI AUTOPAC' for stream in one.streams):
        one.pad('MPI AUTOPAC', rng.randrange(11000, 17000), 12, start=day)
    one.truth('car.purchase', day, min(sign))


def business(one, day):
    rng = one.rng
    first = day
    for index in range(30):
        who = rng.choice((one.friend(), one.friend(), 'SQUARE CANADA INC', f'{rng.choice(("LAKE", "OAK", "RIVER"))} HOLDINGS LTD'))
        at = first + index * rng.randrange(6, 9)
        one.send(at, who, rng.randrange(15000, 140000), f'INV {100 + index}') if 'LTD' not in who and 'INC' not in who else \
            one.deposit(at, who, rng.randrange(15000, 140000), f'INV {100 + index}')
    if rng.random() < 0.5:
        one.bill(day - 5, 'MB COMPANIES OFFICE', 35000)
    if rng.random() < 0.5:
        one.bill(day + 100, 'CRA GST REMIT', rng.randrange(20000, 90000))
    if rng.random() < 0.4:
        one.card(day + 10, 'VISTAPRINT CA', 2741, 12000)
    one.truth('business.started', day, day + 40)


def reactivated(one, day):
    begin = day - one.rng.randrange(120, 165)
    silence(one, begin, day)
    one.rows = [row for row in one.rows if not begin <= row[0].toordinal() - START.toordinal() < day]
    one.truth('account.reactivated', day, day + 14)
    for kind in ('dormant', 'job.lost', 'income.drop', 'leaving'):
        one.truth(kind, begin, begin + 90, implied=True)


STORIES = {'salary.first': salary_first, 'job.changed': job_changed, 'job.lost': job_lost, 'income.drop': income_drop, 'pay.rise': pay_rise,
           'retirement.approaching': retirement_approaching, 'retirement.started': retirement_started, 'baby': baby,
           'childcare.started': childcare, 'wedding.planned': wedding, 'household.joint': household, 'separation': separation,
           'bereavement': bereavement, 'home.moving': moving, 'home.purchase': purchase, 'windfall': windfall, 'debt.stress': debt_stress,
           'leaving': leaving, 'dormant': dormant, 'student.start': student, 'car.purchase': car, 'business.started': business,
           'account.reactivated': reactivated}
