# SPDX-License-Identifier: Apache-2.0
"""What looks like an event at the credit union of prairie.py and is none: each says of which type and why."""
from prairie_book import party


def fits(one, kind):
    if kind in ('employer renamed', 'payroll provider', 'strike', 'third pay', 'bonus', 'sick weeks', 'cadence changed'):
        return one.role == 'worker'
    if kind == 'new landlord':
        return one.rent is not None
    return one.role in ('worker', 'part', 'gig', 'retired')


def bought(kind, span, why, *cards):
    """A story of nothing but payments by card, each (days later, merchant, category, minor)."""
    def story(one, day):
        for later, merchant, mcc, minor in cards:
            one.card(day + later, merchant, mcc, minor)
        one.truth(kind, day, day + span, why)
    return story


def employer_renamed(one, day):
    one.pay.renames.append((day, 'TRUE NORTH HOLDINGS PAY', party('TRUE NORTH')))
    one.truth('job.changed', day, day + 30, 'employer renamed')
    one.truth('job.lost', day, day + 30, 'employer renamed')


def payroll_provider(one, day):
    one.pay.renames.append((day, f'ADP CANADA {one.pay.name[:14]}', party('ADP CANADA')))
    one.truth('job.changed', day, day + 30, 'payroll provider')


def strike(one, day):
    """Three to five weeks without pay, strike pay by the union, then the same employer."""
    one.pay.gaps.append((day, day + 33))
    for week in range(1, 5):
        one.deposit(day + 7 * week, 'UNIFOR STRIKE PAY', 30000)
    one.truth('job.lost', day, day + 30, 'strike')


def third_pay(one, day):
    """Overtime for one pay: no rise."""
    pays = [at for at in one.pay.days(one.days) if at >= day][:1]
    for at in pays:
        one.row(at, int(one.pay.minor * 0.3), 'TRANSFER', counterparty_name=one.pay.name, counterparty_id=one.pay.party, reference='RETRO PAY')
    one.truth('pay.rise', day, day + 14, 'overtime or retro pay')


def bonus(one, day):
    one.row(day, int(one.income * one.rng.uniform(1.0, 4)), 'TRANSFER', counterparty_name=one.pay.name, counterparty_id=one.pay.party,
            reference='BONUS')
    one.truth('windfall', day, day + 5, 'bonus')


def sick_weeks(one, day):
    one.pay.change += [(day, 0.55), (day + 28, 1.0)]
    one.truth('income.drop', day, day + 30, 'sick weeks')


def cadence_changed(one, day):
    """The employer pays by another calendar from now on; the year's pay is the same."""
    old = one.pay
    old.end = day
    new = 'semi' if old.cadence in ('weekly', 'biweekly') else 'biweekly'
    times = {'weekly': 52, 'biweekly': 26, 'semi': 24, 'monthly': 12}
    one.stream(old.name, int(old.minor * times[old.cadence] / times[new]), new, 2, old.party, credit=True, start=day)
    one.truth('pay.rise', day, day + 30, 'cadence changed')
    one.truth('job.lost', day, day + 30, 'cadence changed')


def summer_camp(one, day):
    for week in range(one.rng.randrange(2, 4)):
        one.card(day + 7 * week, 'YMCA SUMMER CAMP', 8351, 24000)
    one.truth('childcare.started', day, day + 20, 'day camp')


def roommate(one, day):
    who = one.friend()
    one.stream(f'INTERAC E-TFR FROM {who}', 55000, 'monthly', 1, party(who), credit=True, start=day, reference='rent room')
    one.truth('household.joint', day, day + 60, 'roommate')


def flowers(one, day):
    one.card(day, 'ORCHID FLORIST', 5992, 16000)
    one.send(day + 1, 'CANCERCARE MB FDN', -10000, 'IN MEMORY')
    one.truth('bereavement', day, day + 10, "a colleague's funeral")


def new_landlord(one, day):
    one.rent.renames.append((day, 'LAKEWOOD AGENCIES RENT', party('LAKEWOOD AGENCIES')))
    one.truth('home.moving', day, day + 30, 'the building was sold')


def house_money(one, day):
    """The proceeds of a sale pass through within a week."""
    minor = int(one.income * one.rng.uniform(20, 50))
    one.deposit(day, 'TAYLOR MCCAFFREY TRUST', minor, 'SALE PROCEEDS')
    one.row(day + 7, -minor, 'TRANSFER', counterparty_name='WIRE MLT AIKINS IN TRUST', counterparty_id=party('MLT'))
    one.truth('windfall', day, day + 7, 'money in transit')


def savings_back(one, day):
    one.row(day, int(one.income * 8), 'TRANSFER', counterparty_name='TRANSFER FROM EQ BANK', counterparty_id=f'own-{one.id}-e')
    one.truth('windfall', day, day + 5, 'own savings')


def vacation(one, day):
    length = one.rng.randrange(25, 50)
    one.silent.append((day, day + length))
    one.truth('dormant', day, day + 40, 'a long journey')
    one.truth('leaving', day, day + 40, 'a long journey')


def garage_sale(one, day):
    for _ in range(5):
        one.send(day + one.rng.randrange(20), one.friend(), one.rng.randrange(2000, 16000), one.rng.choice(('kijiji', 'couch', 'bike')))
    one.truth('business.started', day, day + 30, 'things sold')


def one_nsf(one, day):
    one.row(day, -4800, 'FEE', reference='NSF SERVICE CHARGE')
    one.truth('debt.stress', day, day + 20, 'one item returned')


STORIES = {'employer renamed': employer_renamed, 'payroll provider': payroll_provider, 'strike': strike, 'third pay': third_pay, 'bonus': bonus,
           'sick weeks': sick_weeks, 'cadence changed': cadence_changed,
           'shower': bought('baby', 10, 'gift for a shower', (0, 'WEST COAST KIDS', 5641, 8500), (2, 'TOYS R US 3561', 5945, 4000)),
           'camp': summer_camp,
           'anniversary': bought('wedding.planned', 5, 'anniversary', (0, 'BEN MOSS JEWELLERS', 5944, 130000), (1, 'PETALS WEST INC', 5992, 9000),
                                 (1, 'FORT GARRY HOTEL', 7011, 28000)),
           'roommate': roommate, 'will': bought('separation', 10, 'a will', (0, 'PITBLADO LLP', 8111, 90000)), 'flowers': flowers,
           'furniture': bought('home.moving', 10, 'new furniture', (0, 'THE BRICK #442', 5712, 180000), (9, 'IKEA WINNIPEG', 5712, 40000)),
           'new landlord': new_landlord, 'house money': house_money, 'savings back': savings_back, 'journey': vacation,
           'dealer': bought('car.purchase', 10, 'a repair at the dealer', (0, 'BIRCHWOOD HONDA SERVICE', 5511, 64000)),
           'sold': garage_sale, 'one nsf': one_nsf,
           'course': bought('student.start', 10, 'an evening course', (0, 'RRC POLYTECH CONT ED', 8220, 38000))}
