# SPDX-License-Identifier: Apache-2.0
"""What looks like an event and is none. Each puts its traces and labels itself in the truth file as a decoy of the type(s) that it
resembles; NAME -> (what it does, who it happens to)."""
import coastal_calendar as calendar
import coastal_names as names
import coastal_people as people
from coastal_book import MAIN, SAVINGS
from coastal_home import NURSERY, some
from coastal_lives import ends, job
from coastal_living import afterpay, once

EARNERS = people.EARNERS
ANYBODY = (*EARNERS, people.part_time_parent, people.casual, people.sole_trader, people.self_funded)


def labelled(p, name, day, *kinds):
    for kind in kinds:
        p.truth(kind, day, day, name)


# ---- work

def payer_renamed(p, day):
    """Sold to another owner, or payroll goes through a provider: the same money on the same days."""
    old = job(p)
    first = old.next_due(day)
    old.end = first
    new = people.salary(p, 100, first, old.every, names.party(p.rng.choice(('EMPLOYMENT HERO', 'XERO PAYROLL',
                                                                            f'{p.rng.choice(names.LAST)} GROUP HOLDINGS'.upper(), 'KEYPAY PTY LTD'))))
    new.cents, new.anchor, new.noise, new.steps = old.cents, old.anchor, old.noise, list(old.steps)
    labelled(p, 'payer_renamed', first, 'job.changed', 'job.lost')


def unpaid_leave(p, day):
    step = calendar.STEP.get(job(p).every, 31)
    job(p).pauses.append((day, day + max(2 * step + 3, p.rng.randint(30, 58))))
    labelled(p, 'unpaid_leave', day, 'job.lost', 'income.drop')


def seasonal_work(p, day):
    """Berries from September to January: two packhouses, nothing in between but a little of the State's money."""
    p.flows = [flow for flow in p.flows if flow.role != 'salary']
    for year in (2024, 2025, 2026):
        begin = calendar.date(calendar.START).replace(year=year, month=9, day=1).toordinal() + p.rng.randrange(25)
        season = people.salary(p, p.rng.uniform(2400, 4200), begin, 'weekly', names.party(*p.rng.choice(names.FARMS)), 0.4)
        season.end = begin + p.rng.randint(120, 165)
        if begin > calendar.START:
            labelled(p, 'seasonal_work', begin, 'salary.first', 'job.changed')
    people.benefit(p, 'JOBSEEKER', 640, noise=0.4).skip = 0.35
    p.habit = 0.5
    for at in (calendar.START + 20, calendar.START + 385):
        labelled(p, 'seasonal_work', at, 'job.lost', 'income.drop')


def shutdown(p, day):
    """The builders close for the summer; the leave is paid before, or not at all."""
    begin = calendar.date(calendar.START).replace(month=12, day=19).toordinal()
    work = job(p)
    work.pauses.append((begin, begin + p.rng.choice((24, 31))))
    if p.chance(0.6):
        p.book.credit(begin - 1, work.party, work.cents * 1.8, 'HOLIDAY PAY')
    labelled(p, 'christmas_shutdown', begin, 'job.lost')


def bonus(p, day):
    at = calendar.date(calendar.START).replace(month=9, day=p.rng.randint(10, 28)).toordinal()
    p.book.credit(calendar.earlier(at), job(p).party, job(p).per_month() * p.rng.uniform(0.5, 3), p.rng.choice(('BONUS', 'STI PAYMENT', None)))
    labelled(p, 'annual_bonus', at, 'pay.rise', 'windfall')


def overtime(p, day):
    """Floods: five weeks of long shifts."""
    job(p).steps += [(day, 1.35), (day + p.rng.randint(15, 40), 1 / 1.35)]
    labelled(p, 'overtime_spell', day, 'pay.rise')


def indexation(p, day):
    """The Fair Work Commission's 3.5 %."""
    july = calendar.date(calendar.START).replace(month=7, day=3).toordinal()
    job(p).steps = [(july, 1.035)]
    labelled(p, 'award_indexation', july, 'pay.rise')


def second_job(p, day):
    new = people.salary(p, p.rng.uniform(500, 1300), day, 'weekly', names.employer(p.rng, names.CASUAL_EMPLOYERS), 0.3, 'salary2')
    new.end = day + p.rng.randint(60, 300)
    labelled(p, 'second_job', day, 'job.changed', 'salary.first', 'pay.rise')
    p.truth('job.lost', new.end, new.end + 17, implied=True)        # one of two: may be said or not


def slow_winter(p, day):
    """Tourists stay away from June to August."""
    for year in (2025, 2026):
        june = calendar.date(calendar.START).replace(year=year, month=6, day=8).toordinal()
        for flow in p.of('salary'):
            flow.steps += [(june, 0.68), (june + 85, 1 / 0.68)]
        labelled(p, 'slow_winter', june, 'income.drop')
        labelled(p, 'slow_winter', june + 85, 'pay.rise')


def scholarship(p, day):
    for number in range(2):
        p.book.credit(day + 120 * number, names.party('SOUTHERN CROSS UNI'), p.rng.uniform(800, 2500) * 100, 'SCHOLARSHIP')
    labelled(p, 'scholarship', day, 'salary.first', 'windfall')


def looks_at_super(p, day):
    """Thirty-five, has lost track of three old funds."""
    p.age = p.rng.randint(27, 45)
    for number in range(6):
        p.book.app(day + number * 5, 'view', 'super', 'PENSION')
    labelled(p, 'super_consolidated', day, 'retirement.approaching')


# ---- large sums

def in_transit(p, day):
    """A house is sold and another bought: the money is there for a few days."""
    cents = p.rng.uniform(250000, 700000) * 100
    day = calendar.later(day)
    p.book.credit(day, names.party('PEXA SETTLEMENT'), cents, f'SALE {p.rng.randrange(10 ** 6)}')
    p.book.sweep = None
    p.book.pay(day + p.rng.randint(1, 6), names.party('COAST CONVEYANCING TRUST'), cents * p.rng.uniform(0.97, 0.995), 'PURCHASE')
    labelled(p, 'house_sale_in_transit', day, 'windfall', 'home.purchase')


def term_deposit(p, day):
    """His own money: a term deposit at another bank has matured."""
    p.book.credit(calendar.later(day), names.party(f'{p.name(1)} {p.rng.choice(names.OWN_BANKS)}'), p.rng.uniform(20000, 90000) * 100,
                  p.rng.choice(('TERM DEP MATURED', 'TRANSFER', None)),
                  account=p.rng.choice((MAIN, SAVINGS)))
    labelled(p, 'term_deposit_matured', day, 'windfall')


def refund(p, day):
    """A cruise, cancelled: paid from savings in the winter and given back."""
    dollars = p.rng.uniform(5000, 14000)
    p.facts['saved'] = int(dollars * 110)
    once(p, day - p.rng.randint(20, 80), dollars, 'P&O CRUISES AUSTRALIA', 4411, False)
    p.book.plan(day, 400, int(dollars * 97), 0, MAIN, {'kind': 'CARD', 'merchant_name': 'P&O CRUISES AUSTRALIA', 'mcc': 4411,
                                                       'merchant_country': 'AU', 'channel': 'ONLINE'})
    labelled(p, 'large_refund', day, 'windfall')


def tax_refund(p, day):
    at = calendar.later(calendar.date(calendar.START).replace(month=8, day=p.rng.randint(1, 25)).toordinal())
    p.book.credit(at, names.party('ATO'), p.rng.uniform(6000, 12000) * 100, f'ATO{p.rng.randrange(10 ** 9):09d}')
    labelled(p, 'tax_refund', at, 'windfall')


# ---- family

def baby_gifts(p, day):
    some(p, day, p.rng.randint(1, 3), 12, 40, 190, NURSERY)
    labelled(p, 'baby_gift', day, 'baby')


def grandchildren(p, day):
    """Grandparents who spoil; they also fetch from the kindergarten and pay its raffle."""
    p.age = p.rng.randint(58, 74)
    for number in range(p.rng.randint(5, 9)):
        once(p, day + number * p.rng.randint(10, 30), p.rng.uniform(20, 140),
             *p.rng.choice((('TOYWORLD', 5945), ('BABY BUNTING', 5641), ('KMART BABY', 5311))))
    once(p, day + 50, p.rng.uniform(20, 60), p.rng.choice(names.CENTRES), 8351)
    labelled(p, 'grandchildren', day, 'baby', 'childcare.started')


def vacation_care(p, day):
    for begin, _ in calendar.school_holidays(calendar.START, p.end):
        for number in range(p.rng.randint(1, 3)):
            once(p, begin + 2 + number * 2, p.rng.uniform(60, 240), p.rng.choice(('COASTOSHCARE VACATION', 'YMCA HOLIDAY PROGRAM')),
                 p.rng.choice((8351, 7032)))
    labelled(p, 'vacation_care', day, 'childcare.started')


def wedding_guest(p, day):
    for at, low, high, name, mcc in ((day, 120, 420, 'FOREVER NEW', 5621), (day + 8, 80, 250, 'FERGUSONS FORMAL HIRE', 7296),
                                     (day + 15, 60, 150, 'FLOWERS BY BELINDA', 5992), (day + 16, 250, 700, 'OPAL COVE RESORT', 7011)):
        if p.chance(0.8):
            once(p, at, p.rng.uniform(low, high), name, mcc)
    labelled(p, 'wedding_guest', day, 'wedding.planned')


def anniversary(p, day):
    p.facts['saved'] = 600000
    once(p, day, p.rng.uniform(900, 5000), 'MICHAEL HILL JEWELLER', 5944)
    once(p, day + 1, p.rng.uniform(180, 420), 'FRIDAY HUT ROAD', 5812)
    labelled(p, 'anniversary', day, 'wedding.planned')


def flatmate(p, day):
    p.add('flatmate', names.party(f'{p.rng.choice(names.FIRST)} {p.rng.choice(names.LAST)}'), p.rng.uniform(150, 260) * 100, 'weekly',
          calendar.START + p.rng.randrange(14), day, day + p.rng.randint(150, 400),
          skip=0.08, reference=p.rng.choice(('rent', 'room', None)))
    labelled(p, 'flatmate', day, 'household.joint', 'business.started')


def will_made(p, day):
    once(p, day, p.rng.uniform(400, 1500), 'PARKER & KISSANE SOLICITORS', 8111)
    p.book.app(day - 10, 'view', 'profile/beneficiaries')
    labelled(p, 'will_made', day, 'separation', 'home.purchase', 'bereavement')


def partner_away(p, day):
    """Six weeks at the mine, and the share comes later in one sum."""
    for flow in p.of('partner') + p.of('in_joint'):
        flow.pauses.append((day, day + 45))
        p.book.credit(day + 47, flow.party, abs(flow.per_month()) * 1.4, flow.reference, account=flow.account)
    labelled(p, 'partner_away', day, 'separation')


def funeral_plan(p, day):
    people.bill(p, 'funeral_plan', p.rng.choice(('APIA FUNERAL PLAN', 'REAL FUNERAL COVER', 'COFFS COAST FUNERALS PREPAID')), p.rng.uniform(35, 120),
                begin=day)
    labelled(p, 'funeral_plan', day, 'bereavement')


def mourner(p, day):
    some(p, day, 2, 3, 60, 180, (('FLOWERS BY BELINDA', 5992), ('JETSTAR', 3169)))
    once(p, day + 3, p.rng.uniform(120, 300), 'PETS IN PEACE CREMATION', p.rng.choice((7261, 742)))
    labelled(p, 'pet_cremated', day, 'bereavement')


# ---- home, things

def new_furniture(p, day):
    p.facts['saved'] = 900000
    some(p, day, p.rng.randint(2, 6), 6, 250, 2400, (('FANTASTIC FURNITURE', 5712), ('HARVEY NORMAN', 5722), ('IKEA', 5712), ('ADAIRS', 5719)))
    labelled(p, 'new_furniture', day, 'home.moving', 'home.purchase')


def renovation(p, day):
    p.facts['saved'] = 2500000
    some(p, day, p.rng.randint(6, 14), 6, 60, 1900, (('BUNNINGS', 5200), ('REECE PLUMBING', 5074), ('BEAUMONT TILES', 5211),
                                                     ('KENNARDS SELF STORAGE', 4225), ('KENNARDS HIRE', 7394)))
    labelled(p, 'renovation', day, 'home.moving', 'home.purchase')


def refinanced(p, day):
    old = p.of('mortgage')[0]
    old.end = old.next_due(day)
    people.mortgage(p, old.per_month() / -100 * 0.94, old.end + 3)
    once(p, day - 10, 350, 'COAST CONVEYANCING', 8111)
    labelled(p, 'refinanced', day, 'home.purchase')


def other_agent(p, day):
    """The landlord has changed the managing agent: the same rent to another name."""
    old = p.of('rent')[0]
    old.end = old.next_due(day)
    p.add('rent', names.party(f'{p.rng.choice(names.AGENTS)} PROPERTY MGMT'), old.cents, old.every, old.anchor, old.end, kind=old.kind,
          reference='RENT')
    labelled(p, 'rent_agent_changed', old.end, 'home.moving', 'home.purchase')


def new_supplier(p, day):
    old = p.of('power')[0].party.name if p.of('power') else None
    ends(p, day + 10, 'power', 'internet')
    people.power(p, day, old)
    people.internet(p, day + 12)
    labelled(p, 'new_supplier', day, 'home.moving')


def car_repaired(p, day):
    p.facts['saved'] = 700000
    once(p, day, p.rng.uniform(1400, 5200), *p.rng.choice((('GEOFF KING MOTORS', 5511), ('ULTRA TUNE', 7538), ('BAYSIDE SMASH REPAIRS', 7531))))
    once(p, day + 9, p.rng.uniform(600, 900), 'SERVICE NSW', 9399, False)
    once(p, day + 2, p.rng.uniform(150, 500), 'HERTZ', 7512)
    labelled(p, 'car_repaired', day, 'car.purchase')


def other_insurer(p, day):
    ends(p, day + 5, 'car_insurance')
    people.bill(p, 'car_insurance', p.rng.choice(names.INSURERS), p.rng.uniform(60, 150), begin=day)
    labelled(p, 'insurer_changed', day, 'car.purchase')


def hobby_sales(p, day):
    for number in range(p.rng.randint(4, 9)):
        p.book.credit(day + number * p.rng.randint(5, 14), names.party(p.rng.choice(('EBAY COMMERCE AU', 'PAYPAL AUSTRALIA', 'DEPOP'))),
                      p.rng.lognormvariate(4, 0.6) * 100)
    labelled(p, 'hobby_sales', day, 'business.started')


def short_course(p, day):
    once(p, day, p.rng.uniform(120, 700), *p.rng.choice((('TAFE NSW SHORT COURSE', 8299), ('TAFE NSW', 8220), ('ST JOHN FIRST AID', 8299))), False)
    labelled(p, 'short_course', day, 'student.start')


def child_studies(p, day):
    p.age = p.rng.randint(44, 58)
    p.facts['saved'] = 500000
    once(p, day, 351, p.rng.choice(names.UNIS), 8220, False)
    p.add('child', names.party(f'{p.rng.choice(names.FIRST)} {p.last}'), -p.rng.uniform(100, 300) * 100, 'weekly', calendar.START, day,
          reference='for rent')
    labelled(p, 'child_at_university', day, 'student.start', 'household.joint')


# ---- the account

def long_holiday(p, day):
    """Around Australia with another bank's travel card; the debits go on."""
    away = p.rng.randint(45, 80)
    p.cuts.append((day, day + away, 0.03))
    labelled(p, 'long_holiday', day, 'dormant', 'leaving')


def better_rate(p, day):
    """The savings go where the bonus interest is; the pay stays."""
    p.facts['saved'], p.facts['saver'] = 3000000, True
    for number in range(p.rng.randint(1, 4)):
        p.book.pay(day + number * 9, names.party(f'{p.name(1)} {p.rng.choice(names.OWN_BANKS)}'), p.rng.uniform(4000, 12000) * 100, 'savings',
                   account=MAIN, mode=1)
    labelled(p, 'savings_elsewhere', day, 'leaving')


def card_expired(p, day):
    for number in range(2):
        p.book.fee_of(day + number * 6, 'DISHONOUR FEE', 900)
    p.book.app(day + 1, 'view', 'cards')
    labelled(p, 'single_dishonour', day, 'debt.stress')


def punter(p, day):
    """Every Saturday of the season, the same small stake."""
    for number in range(26):
        once(p, day + number * 7, p.rng.choice((10, 20, 30)), 'SPORTSBET', 7995, False, must=False)
    labelled(p, 'steady_punter', day, 'debt.stress')


def pays_in_four(p, day):
    for number in range(p.rng.randint(6, 12)):
        afterpay(p, day + number * 12, p.rng.uniform(50, 200))
    labelled(p, 'bnpl_by_habit', day, 'debt.stress')


def hardly_used(p, day):
    """A saver who comes by a few times in a year."""
    p.gaps += [(day - 90, day - 25), (day + 40, day + 100)]
    labelled(p, 'hardly_used', day, 'account.reactivated', 'dormant')


DECOYS = {one: EARNERS for one in (payer_renamed, unpaid_leave, shutdown, bonus, indexation, second_job, looks_at_super, better_rate)}
DECOYS |= {one: ANYBODY for one in (in_transit, term_deposit, refund, baby_gifts, grandchildren, wedding_guest, anniversary, flatmate, will_made,
                                    partner_away, funeral_plan, mourner, new_furniture,
                                    renovation, refinanced, other_agent, new_supplier, car_repaired, other_insurer, hobby_sales, short_course,
                                    child_studies, long_holiday, card_expired, punter,
                                    pays_in_four)}
DECOYS |= {seasonal_work: (people.casual,), overtime: (people.full_time, people.shift_worker), slow_winter: (people.casual,),
           scholarship: (people.student,), tax_refund: EARNERS,
           vacation_care: (people.part_time_parent, *EARNERS), hardly_used: (people.saver,)}
HOMES = {refinanced: 'mortgage', other_agent: 'rent', in_transit: 'own', renovation: 'mortgage', new_supplier: 'own', flatmate: 'rent'}
