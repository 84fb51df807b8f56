# SPDX-License-Identifier: Apache-2.0
"""Work and money: jobs found, changed, lost and left; rises, retirement, windfalls, debts, a car, a business, a bank that is left.

A story gets a person and the day on which it happens, changes what recurs and puts what is seldom into the book. Which signs show
is chance: signs() says which did, and from when on somebody who looks could have known."""
import coastal_calendar as calendar
import coastal_names as names
import coastal_people as people
from coastal_book import MAIN, MUST, SAVINGS
from coastal_living import afterpay, once


def signs(p, kind, happened, listed, need=2, implied=False):
    """listed: (day, weight, action). Each shows by chance; it could be known with the need-th that did. An event of which nothing
    shows is none of ours, and counts for nothing."""
    shown = []
    for day, weight, action in listed:
        if p.chance(min(0.97, weight * (0.4 + 0.7 * p.loud))):
            later = action(day)
            shown.append(later if isinstance(later, int) else day)
    if shown:
        shown.sort()
        p.truth(kind, happened, max(shown[min(need, len(shown)) - 1], happened - 100), implied=implied)
    return shown


def job(p):
    return p.of('salary')[0]


def months_pay(p):
    return max(p.income(), 100000)


def ends(p, day, *roles):
    for role in roles:
        for flow in p.of(role, day):
            flow.end = day


def last_pay(p, flow, day):
    """The last pay before that day, and the days of the next two that will not come."""
    flow.end = day
    step = calendar.STEP.get(flow.every, 31)
    last = max([due for due in calendar.due(flow.every, flow.anchor, day - 40, day)], default=day)
    return last, last + step, last + 2 * step


def leave_paid_out(p, flow, last, low, high):
    """Holidays that were not taken, notice, a redundancy: with the last pay or some days after it."""
    at = calendar.earlier(last + p.rng.choice((0, 0, 2, 7)))
    cents = flow.cents * p.rng.uniform(low, high)
    p.book.credit(at, flow.party, cents, flow.reference(last) if callable(flow.reference) else None)
    if cents > 4 * flow.per_month():
        p.truth('windfall', at, at, implied=True)


def next_pays(p, flow):
    first = flow.next_due(flow.begin)
    return first, flow.next_due(first + 1)


def salary_first(p, day):
    """From school, from the university, or back from having nothing: the first pay of their own."""
    rng = p.rng
    if p.chance(0.35):
        new = people.salary(p, rng.lognormvariate(6.9, 0.3), day, 'weekly', names.employer(rng, names.CASUAL_EMPLOYERS), rng.uniform(0.2, 0.45))
        new.skip = rng.choice((0, 0.05, 0.15))
    else:
        new = people.salary(p, rng.lognormvariate(8.2, 0.2), day)
        p.cuts.append((day + 14, people.ALWAYS, 1.5))
        ends(p, day + rng.randrange(60), 'parent')
    ends(p, day + rng.randrange(10, 50), 'benefit')
    p.truth('salary.first', *next_pays(p, new))


def job_changed(p, day):
    rng, old = p.rng, job(p)
    last, *_ = last_pay(p, old, day)
    if p.chance(0.4):
        leave_paid_out(p, old, last, 0.3, 1.8)
    gap = rng.choice((2, 5, 10, 14, 21, 35, 50))
    factor = rng.choice((0.7, 0.9, 1.0, 1.04, 1.12, 1.2, 1.35))
    new = people.salary(p, old.per_month() / 100 * factor, last + 7 + gap, old.every if p.chance(0.4) else None)
    first, second = next_pays(p, new)
    p.truth('job.changed', last, second)
    if factor > 1.05:
        p.truth('pay.rise', first, second, implied=True)
    if factor < 0.8:
        p.truth('income.drop', first, first + 60, implied=True)
    if first - last > 35:
        p.truth('job.lost', last, last + 35, implied=True)
        p.truth('income.drop', last, last + 35, implied=True)


def job_lost(p, day):
    rng, old = p.rng, job(p)
    last, _, second_miss = last_pay(p, old, day)
    if old.noise > 0.2 and p.chance(0.6):
        old.steps.append((day - 42, rng.uniform(0.5, 0.8)))         # fewer and fewer shifts first
    if p.chance(0.45):
        leave_paid_out(p, old, last, 0.8, 7)
    if p.chance(0.5):
        people.benefit(p, 'JOBSEEKER', rng.uniform(620, 800), last + rng.randint(18, 70), last + rng.randint(150, 600), 0.04)
    p.cuts.append((last + 20, people.ALWAYS, rng.uniform(0.55, 0.95)))
    if p.chance(0.3):
        ends(p, last + rng.randint(20, 90), 'gym', 'stream')
    p.truth('job.lost', last, second_miss + 3)
    p.truth('income.drop', last, last + 60, implied=True)
    if p.chance(0.4):
        new = people.salary(p, old.per_month() / 100 * rng.uniform(0.75, 1.1), last + rng.randint(90, 260))
        first, second = next_pays(p, new)
        p.truth('job.changed', last, second, implied=True)
        p.truth('salary.first', first, second, implied=True)


def income_drop(p, day):
    """Fewer hours, a sick leave on the insurer's money, care for a parent: the pay goes on, smaller."""
    rng = p.rng
    for flow in p.of('salary') + p.of('client'):
        first = flow.next_due(day)
        flow.steps.append((first, rng.uniform(0.4, 0.62)))
    if p.of('salary2', day):
        p.truth('job.lost', day, day + 17, implied=True)
    ends(p, day, 'salary2')
    p.cuts.append((day + 25, people.ALWAYS, rng.uniform(0.6, 0.95)))
    if p.chance(0.25):
        people.benefit(p, rng.choice(('CARER PAYMENT', 'CARER ALLOW', 'JOBSEEKER')), rng.uniform(100, 260), day + rng.randint(20, 60))
    p.truth('income.drop', day, day + 60)


def pay_rise(p, day):
    rng, work = p.rng, job(p)
    first = work.next_due(day)
    second = work.next_due(first + 1)
    work.steps = [step for step in work.steps if not -60 < step[0] - first < 60] + [(first, rng.choice((1.085, 1.1, 1.12, 1.15, 1.2, 1.3)))]
    if p.chance(0.2):
        p.book.credit(calendar.earlier(first), work.party, work.cents * rng.uniform(0.08, 0.4), 'BACK PAY')
    p.truth('pay.rise', first, second)


def retirement_approaching(p, day):
    """More into super, an adviser, the pages about it, the house paid off, four days a week."""
    rng = p.rng
    fund = rng.choice(names.SUPERS)

    def contributes(at):
        p.add('super', names.party(fund), -rng.uniform(300, 2200) * 100, rng.choice(('monthly', 'fortnightly')), rng.randint(1, 28), at,
              kind=rng.choice(('TRANSFER', 'DIRECT_DEBIT')), reference='MEMBER VOLUNTARY CONT')
        return at + 30

    def reads(at):
        for number in range(rng.randint(2, 7)):
            p.book.app(at + number * rng.randint(1, 12), *rng.choice((('view', 'super', 'PENSION'), ('view', 'retirement'),
                                                                      ('calculator_used', 'retirement-planner', 'PENSION'))))

    def works_less(at):
        job(p).steps.append((job(p).next_due(at), rng.choice((0.8, 0.6))))
        people.super_pension(p, rng.uniform(500, 1500), at + 20)        # a transition to retirement
        p.truth('income.drop', at, at + 60, implied=True)
        return at + 30

    signs(p, 'retirement.approaching', day, [
        (day, 0.75, contributes),
        (day + rng.randint(5, 90), 0.6, reads),
        (day + rng.randint(20, 120), 0.3, works_less),
        (day + rng.randint(10, 110), 0.5, lambda at: once(p, at, rng.uniform(900, 4400), 'BAYSIDE FINANCIAL PLANNING', 6282,
                                                          kind=rng.choice(('card', 'TRANSFER')))),
        (day + rng.randint(30, 130), 0.2, lambda at: once(p, at, 330, 'CENTRELINK FIS SEMINAR'))])


def retirement_started(p, day):
    rng, old = p.rng, job(p)
    last, _, second_miss = last_pay(p, old, day)
    ends(p, day, 'salary2')
    if p.chance(0.5):
        leave_paid_out(p, old, last, 1.0, 8)
    known = second_miss + 3
    first = last + rng.randint(12, 60)
    if p.chance(0.85):
        pension = people.super_pension(p, old.per_month() / 100 * rng.uniform(0.35, 0.8), first)
        known = max(last + 14, pension.next_due(first))
    if p.age >= 67 and p.chance(0.6):
        people.benefit(p, 'AGE PENSION', rng.uniform(300, 900), last + rng.randint(30, 120))
    if p.chance(0.35):
        at = calendar.earlier(last + rng.randint(10, 70))
        p.book.credit(at, names.party(rng.choice(names.SUPERS)), rng.uniform(40000, 260000) * 100, 'LUMP SUM BENEFIT')
        p.truth('windfall', at, at, implied=True)
    if p.chance(0.3):
        p.trips.append((last + 40, last + rng.randint(60, 110), rng.choice(('AU', 'GB', 'NZ'))))
    p.truth('retirement.started', last, known)
    p.truth('retirement.approaching', last - 60, last, implied=True)
    p.truth('income.drop', last, last + 60, implied=True)


def windfall(p, day):
    """Far more than what comes in else, and it stays for a while."""
    rng = p.rng
    dollars = max(months_pay(p) / 100 * 7, 18000) * rng.choice((1.0, 1.2, 1.6, 2.5, 5)) * rng.uniform(1, 1.3)
    payer, text = rng.choice((('ESTATE LATE {l} {l2}', 'DISTRIBUTION'), ('NSW LOTTERIES', 'PRIZE PAYMENT'),
                              ('{l2} LEGAL TRUST ACCOUNT', 'ESTATE {l}'), ('TAL LIFE LIMITED', 'CLAIM {n}'),
                              ('NRMA INSURANCE', 'SETTLEMENT {n}'), ('ICARE NSW', 'LUMP SUM'), ('PERPETUAL TRUSTEE', None),
                              ('SLATER GORDON TRUST', 'SETTLEMENT'), ('{f} {l}', 'gift')))
    facts = {'l': rng.choice(names.LAST), 'l2': rng.choice(names.LAST).upper(), 'f': rng.choice(names.FIRST), 'n': rng.randrange(10 ** 6)}
    at = calendar.later(day)
    p.book.credit(at, names.party(payer.format(**facts), None, p.chance(0.85)), dollars * 100, text and text.format(**facts),
                  account=SAVINGS if p.chance(0.12) else MAIN)
    if p.chance(0.4):
        p.cuts.append((at + 5, at + 120, rng.uniform(1.2, 1.9)))
    if p.chance(0.3):
        once(p, at + rng.randint(20, 100), dollars * rng.uniform(0.05, 0.3), rng.choice(('HARVEY NORMAN', 'FLIGHT CENTRE', 'JAYCO CARAVANS')),
             rng.choice((5712, 4722, 5561)))
    p.truth('windfall', at, at)


def debt_stress(p, day):
    """Small loans to pay small loans. Mostly over months; some hide it with another bank's card."""
    rng = p.rng
    p.facts['broke'] = True
    p.book.helps_until = calendar.midnight(day - 25)
    p.cuts.append((day - 20, people.ALWAYS, rng.uniform(1.1, 1.4)))

    def small_loan(at):
        lender, dollars = names.party(rng.choice(names.LENDERS)), rng.uniform(300, 2000)
        p.book.credit(at, lender, dollars * 100, rng.choice(('LOAN', f'{rng.randrange(10 ** 6)}', None)))
        p.add('small_loan', lender, -dollars * 13, 'fortnightly', at, at + 7, at + 7 + 14 * 9, kind='DIRECT_DEBIT', shift='later')

    def advances(at):
        name = names.party(rng.choice(names.ADVANCES))
        for number in range(rng.randint(3, 9)):
            dollars, then = rng.choice((50, 100, 150, 250)), at + number * rng.randint(9, 16)
            p.book.credit(then, name, dollars * 100)
            p.book.pay(then + rng.randint(6, 13), name, dollars * 105, kind='DIRECT_DEBIT')

    def bounced(at):
        flows = [f for f in p.flows if f.cents < 0 and f.party and f.kind == 'DIRECT_DEBIT']
        for number in range(rng.randint(2, 5)):
            party, then = (rng.choice(flows).party if flows else names.party('TELSTRA')), at + number * rng.randint(9, 30)
            p.book.fee_of(then + 1, 'DISHONOUR FEE', 900)
            p.book.pay(then + 2, party, rng.uniform(40, 160) * 100, 'RETRY', mode=MUST)

    def gambles(at):
        for number in range(rng.randint(10, 40)):
            once(p, at + int(number * rng.uniform(1, 4)), rng.choice((20, 50, 50, 100, 200)), rng.choice(names.GAMBLING[:3])[0], 7995, local=False,
                 must=False)

    def more_bnpl(at):
        for number in range(rng.randint(4, 10)):
            afterpay(p, at + number * 9, rng.uniform(60, 300))

    def pawns(at):
        once(p, at, rng.uniform(30, 120), 'CASH CONVERTERS', 5933)
        p.book.cash_in(at + 1, rng.randint(3, 9) * 5000)

    def hardship(at):
        p.book.app(at, 'view', 'help/hardship')
        p.book.app(at, 'search', None, None, query='hardship')

    signs(p, 'debt.stress', day, [
        (day, 0.7, small_loan),
        (day + rng.randint(15, 50), 0.45, small_loan),
        (day + rng.randint(5, 60), 0.45, advances),
        (day + rng.randint(10, 70), 0.6, bounced),
        (day - 15, 0.3, gambles),
        (day - 5, 0.45, more_bnpl),
        (day + rng.randint(10, 60), 0.25, pawns),
        (day + rng.randint(30, 90), 0.25, hardship),
        (day + rng.randint(10, 40), 0.3, lambda at: p.book.fee_of(at, 'OVERDRAWN FEE', 1500))], need=3)


def leaving(p, day):
    """The pay moves to another bank, the debits follow, the rest is carried over."""
    rng = p.rng
    bank = names.party(f'{p.name(1)} {rng.choice(names.OWN_BANKS)}')
    last = max(last_pay(p, flow, day)[0] for flow in p.of('salary'))
    ends(p, day, 'salary2', 'client', 'benefit')
    moved = last
    for flow in p.flows:
        if flow.cents < 0 and flow.end > day and p.chance(0.9):
            flow.end = last + rng.randint(5, 75)
            moved = max(moved, min(flow.end, last + 60))
    for _ in range(rng.randint(1, 5)):
        p.book.pay(last + rng.randint(0, 50), bank, months_pay(p) * rng.uniform(0.1, 0.6), rng.choice((None, 'transfer', 'closing')),
                   mode=0 if p.chance(0.5) else 1)
    p.cuts += [(last, last + 45, 0.5), (last + 45, people.ALWAYS, rng.choice((0.0, 0.0, 0.03)))]
    p.book.sweep, p.logins = None, min(p.logins, 6)
    if p.chance(0.3):
        p.book.app(last - 5, 'view', 'help/close-account')
    p.truth('leaving', last, max(last + 35, min(moved, last + 55)))
    p.truth('dormant', last + 60, last + 240, implied=True)
    p.truth('income.drop', last, last + 60, implied=True)
    p.truth('job.lost', last, last + 35, 'salary_paid_elsewhere')


def dormant(p, day):
    """A second account that nobody needs any more."""
    day = min(day, calendar.START + p.days - 215)
    p.end = day
    p.truth('dormant', day, day + 180)
    p.truth('income.drop', day, day + 60, implied=True)
    p.truth('leaving', day, day + 60, implied=True)


def account_reactivated(p, day):
    """Silent for most of a year, then used again."""
    silent = calendar.START + p.rng.randint(25, 75)
    back = silent + max(day - silent, int(p.days * 0.36) + p.rng.randrange(60))
    back = min(back, calendar.START + p.days - 60)
    p.gaps.append((silent, back))
    p.truth('dormant', silent, silent + 180, implied=back - silent < 200)
    p.truth('account.reactivated', back, back + 14)
    p.truth('income.drop', silent, silent + 60, implied=True)
    p.truth('leaving', silent, silent + 60, implied=True)


def car_purchase(p, day):
    rng = p.rng
    dollars = rng.lognormvariate(9.7, 0.5)
    dealer, mcc = rng.choice((('JOHN PATRICK TOYOTA', 5511), ('COFFS COAST HYUNDAI', 5511), ('GEOFF KING MOTORS', 5511), ('MR CARS USED', 5521),
                              ('BAYSIDE MAZDA', None)))
    financed = p.chance(0.4)
    p.facts['saved'] = p.facts.get('saved', 0) + int(dollars * 110)

    def pays(at):
        if p.chance(0.3):
            once(p, at, dollars, f'{rng.choice(names.FIRST)} {rng.choice(names.LAST)}', kind='TRANSFER', reference=rng.choice(('car', 'hilux', None)))
        elif financed:
            once(p, at, dollars * 0.15, dealer, mcc)
        elif p.chance(0.5):
            once(p, at, dollars, dealer, kind='TRANSFER', reference=f'STOCK {rng.randrange(9999)}')
        else:
            once(p, at, min(dollars, 25000), dealer, mcc)

    def borrows(at):
        people.bill(p, 'car_loan', rng.choice(('TOYOTA FINANCE', 'PEPPER MONEY', 'PLENTI', 'COASTAL MUTUAL LOAN')), dollars / 55,
                    rng.choice(('monthly', 'fortnightly')), at)

    def insures(at):
        ends(p, at, 'car_insurance')
        people.bill(p, 'car_insurance', rng.choice(names.INSURERS), rng.uniform(80, 190), begin=at)

    listed = [(day, 0.9, pays),
              (day + rng.randint(0, 12), 0.7, insures),
              (day + rng.randint(1, 20), 0.55, lambda at: once(p, at, rng.uniform(350, 1900), 'SERVICE NSW', 9399, False)),
              (day - rng.randint(3, 12), 0.35, lambda at: once(p, at, rng.choice((250, 500, 1000)), dealer, mcc)),
              (day + rng.randint(10, 60), 0.3, lambda at: once(p, at, rng.uniform(60, 400), 'SUPERCHEAP AUTO', 5533)),
              (day - 8, 0.25, lambda at: once(p, at, 295, 'NRMA VEHICLE INSPECT', 7549))]
    signs(p, 'car.purchase', day, listed + ([(day + 20, 0.95, borrows)] if financed else []))


def business_started(p, day):
    """An ABN, a register, the first clients; mostly beside the job."""
    rng = p.rng

    def clients(at):
        for number in range(rng.randint(2, 4)):
            who = f'{rng.choice(names.FIRST)} {rng.choice(names.LAST)}' if p.chance(0.5) else f'{rng.choice(names.LAST)} {rng.choice(names.TRADES)}'.upper()
            p.add('client', names.party(who), rng.uniform(250, 1900) * 100, 'monthly', rng.randint(1, 28), at + number * 25, noise=0.5, skip=0.35,
                  reference=lambda due: f'INV {due % 400 + 1}')

    def terminal(at):
        p.add('client', names.party('SQUARE AU PTY LTD'), rng.uniform(150, 700) * 100, 'weekly', at, at, noise=0.5, skip=0.1,
              reference=f'SQ {rng.randrange(10 ** 6)}')

    def subscribes(at):
        p.add('xero', None, -3500, 'monthly', rng.randint(1, 28), at, shift='',
              shop=names.shop_named(rng.choice(('XERO AU', 'MYOB AUSTRALIA', 'SHOPIFY')), 5734))

    signs(p, 'business.started', day, [
        (day, 0.65, lambda at: once(p, at, rng.choice((44, 102, 611)), 'ASIC', 9399, False)),
        (day + 10, 0.5, subscribes),
        (day + rng.randint(15, 45), 0.7, clients),
        (day + rng.randint(20, 60), 0.45, terminal),
        (day + rng.randint(5, 40), 0.4, lambda at: people.bill(p, 'liability', 'BIZCOVER', rng.uniform(45, 120), begin=at)),
        (day + rng.randint(0, 30), 0.4, lambda at: once(p, at, rng.uniform(200, 2500), rng.choice(('TOTAL TOOLS', 'VISTAPRINT', 'REECE PLUMBING')),
                                                        rng.choice((5251, 2741, 5074)))),
        (day + rng.randint(100, 150), 0.5, lambda at: p.add('tax', names.party('ATO'), -rng.uniform(300, 1500) * 100, 'quarterly', 128, at,
                                                            noise=0.3, reference='ATO BAS PAYMENT'))])
