# SPDX-License-Identifier: Apache-2.0
"""Who banks at the credit union of prairie.py, before anything happens to them."""
from prairie_book import Stream, party

EMPLOYERS = ('GOVT OF MANITOBA', 'WRHA SHARED HEALTH', 'WINNIPEG SCHOOL DIV', 'BOEING CDA OPS', 'PALLISER FURN', 'NEW FLYER IND',
             'MAPLE LEAF FOODS', 'CANADA LIFE ASSCE', 'RICHARDSON INTL', 'PRICE INDUSTRIES', 'BISON TRANSPORT', 'SOBEYS CAP INC',
             'PARRISH & HEIMBECKER', 'ST BONIFACE HOSP', 'UNIV OF WINNIPEG', 'CITY OF BRANDON', 'ARTIS PROPERTY MGMT', 'SKYVIEW DENTAL',
             '7104982 MB LTD', 'HYLIFE LTD', 'MTCC PLUMBING', 'J&D PENNER LTD', 'RED RIVER COOP LTD', 'GARDEWINE GROUP')
STYLES = ('{} PAY', 'PAYROLL DEP {}', '{}  PAY/PAY', 'DIRECT DEPOSIT {}', '{}', 'CERIDIAN {} PAYROLL')
TIMES = {'weekly': 12 / 52, 'biweekly': 12 / 26, 'semi': 0.5, 'monthly': 1.0}


def new_job(one, monthly, start=0, end=10000, cadence=None, other_than=None):
    """A stream of pay of that many cents a month; the payer is another than `other_than`'s."""
    rng = one.rng
    employer = rng.choice([name for name in EMPLOYERS if other_than is None or name not in other_than.name])
    cadence = cadence or rng.choices(tuple(TIMES), (15, 55, 20, 10))[0]
    phase = rng.choice((31, 25, 15)) if cadence == 'monthly' else rng.choice((1, 2, 8, 9))
    name = rng.choice(STYLES).format(employer)[:32]
    spread = 0.14 if cadence == 'weekly' else rng.choice((0.0, 0.0, 0.015, 0.05))
    job = Stream(name, int(monthly * TIMES[cadence]), cadence, phase, party(employer), credit=True, start=start, end=end, spread=spread,
                 reference=rng.choice((None, None, f'EMP {rng.randrange(10000, 99999)}')))
    one.streams.append(job)
    return job


def housing(one, income):
    rng = one.rng
    chance = rng.random()
    if chance < 0.45:
        name = rng.choice(('SHELTER CDN PROPERTIES', 'TIMBERCREEK COMMUN', 'EDISON PROPERTIES', 'GLOBE PROP MGMT'))
        if rng.random() < 0.4:
            landlord = one.friend()
            one.rent = one.stream(f'INTERAC E-TFR TO {landlord}', int(income * rng.uniform(0.25, 0.35)) // 2500 * 2500, 'monthly', 1,
                                  party(landlord), reference='rent')
        else:
            one.rent = one.pad(f'{name} RENT', int(income * rng.uniform(0.25, 0.35)) // 500 * 500, 1)
    elif chance < 0.8:
        one.pad('PCU MORTGAGE PYMT', int(income * rng.uniform(0.11, 0.15)), rng.choice((1, 2, 8)), cadence='biweekly')
        one.pad('CITY OF WPG TIPP TAX', int(income * 0.06), 1)
    if chance < 0.9:
        one.pad('MANITOBA HYDRO EPP', int(rng.uniform(9000, 21000)), rng.randrange(5, 25))
        one.pad(rng.choice(('BELL MTS', 'SHAW CABLE', 'TELUS COMM')), rng.randrange(7000, 14000), rng.randrange(3, 27))
    one.pad(rng.choice(('ROGERS WIRELESS', 'KOODO MOBILE', 'FREEDOM MOBILE')), rng.randrange(3500, 9500), rng.randrange(3, 27))
    if rng.random() < 0.6:
        one.pad('MPI AUTOPAC', rng.randrange(9000, 17000), rng.randrange(2, 28))


def extras(one, income):
    """What is neither pay nor rent and yet regular, or comes once a year."""
    rng = one.rng
    if income < 330000:
        one.stream('CANADA GST/HST', rng.randrange(9000, 14000), 'quarterly', 5, party('CANADA GST'), credit=True)
    if one.dependants:
        one.stream('CANADA CCB', 42000 * one.dependants, 'monthly', 20, party('CANADA CCB'), credit=True, change=[(181, 1.03)])
    for year in (0, 365):
        if rng.random() < 0.7:
            one.deposit(year + rng.randrange(75, 140), 'CANADA RIT/RIF', rng.randrange(20000, 260000))
    if rng.random() < 0.4:
        one.stream('TRANSFER TO TFSA SAVINGS', int(income * rng.uniform(0.04, 0.1)) // 1000 * 1000, rng.choice(('biweekly', 'monthly')),
                   rng.choice((2, 9)), f'own-{one.id}')
    if rng.random() < 0.25:
        one.stream('WEALTHSIMPLE INV', rng.choice((5000, 10000, 20000)), 'biweekly', 3, party('WEALTHSIMPLE'), 'DIRECT_DEBIT')
    if rng.random() < 0.6:
        one.stream(rng.choice(('PC FINANCIAL MC', 'TRIANGLE MASTERCARD', 'ROGERS BANK MC')), int(income * 0.15), 'monthly',
                   rng.randrange(4, 26), party('PC FIN'), spread=0.35)
    if rng.random() < 0.5:
        one.pad(rng.choice(('GOODLIFE CLUBS', 'NETFLIX.COM', 'SPOTIFY CDA', 'PLAN CANADA DON')), rng.randrange(1200, 5400), rng.randrange(1, 28))


def settle(one):
    """A member as they are on the first day."""
    rng = one.rng
    role = rng.choices(('worker', 'part', 'gig', 'student', 'retired', 'light'), (60, 10, 5, 8, 12, 5))[0]
    one.role = role
    income = int(rng.lognormvariate(12.75, 0.33))  # cents a month after tax, about 3,450 dollars
    one.born = 2025 - rng.randrange(23, 60)
    if role in ('worker', 'part'):
        income = income if role == 'worker' else int(income * 0.55)
        one.dependants = rng.choice((0, 0, 1, 2)) if one.born < 1998 else 0
        one.pay = new_job(one, income, cadence=None if role == 'worker' else 'weekly')
        if role == 'part':
            one.pay.spread, one.pay.skips = 0.2, 0.03
        elif rng.random() < 0.25:
            for year in (60, 425):
                one.row(year + rng.randrange(20), int(income * rng.uniform(0.4, 1.1)), 'TRANSFER', counterparty_name=one.pay.name,
                        counterparty_id=one.pay.party, reference=rng.choice((None, 'BONUS', 'VAC PAY')) or '')
    elif role == 'gig':
        income = int(income * 0.75)
        for name in rng.sample(('UBER BV PAYOUT', 'SKIP COURIER PAY', 'DOORDASH INC', 'STRIPE PAYMENTS', 'ETSY CANADA'), 2):
            one.stream(name, int(income / 2 * 12 / 52), 'weekly', 6, party(name), credit=True, spread=0.4, skips=0.15)
        one.status = 'SELF_EMPLOYED'
    elif role == 'student':
        one.born, one.status, income = 2025 - rng.randrange(17, 23), 'STUDENT', 90000
        one.send_home = one.friend()
        one.stream(f'INTERAC E-TFR FROM {one.send_home}', 45000, 'monthly', 3, party(one.send_home), credit=True, spread=0.3, skips=0.2)
        if rng.random() < 0.5:
            one.stream('TIM HORTONS 2381 PAY', 22000, 'biweekly', 2, party('TDL'), credit=True, spread=0.3, skips=0.1)
    elif role == 'retired':
        one.born, one.status, income = 2025 - rng.randrange(66, 88), 'RETIRED', int(income * 0.75)
        one.stream('CANADA CPP/RPC', int(income * 0.3), 'monthly', 27, party('CANADA CPP'), credit=True)
        one.stream('CANADA OAS/SV', 72700, 'monthly', 27, party('CANADA OAS'), credit=True)
        one.stream(rng.choice(('HEALTHCARE EMPLOYEES PENSION', 'TRAF PENSION', 'CSSB PENSION PMT')), max(20000, int(income * 0.7) - 72700),
                   'monthly', 1, party('PENSION FUND'), credit=True)
    else:  # light: the main bank is another
        income = 60000
        one.stream('TRANSFER FROM TANGERINE', income, 'monthly', 2, f'own-{one.id}-x', credit=True, spread=0.4)
    one.income = income
    if role in ('worker', 'part', 'gig', 'retired'):
        housing(one, income)
        extras(one, income)
    per = {'weekly': 52 / 12, 'biweekly': 26 / 12, 'semi': 2, 'monthly': 1, 'quarterly': 1 / 3}
    fixed = sum(s.minor * per[s.cadence] for s in one.streams if not s.credit)
    one.budget = int(max(income * 0.18, (income - fixed) * 0.9))
    one.opening = int(income * rng.uniform(0.4, 1.6))
