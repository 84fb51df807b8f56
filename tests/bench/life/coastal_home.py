# SPDX-License-Identifier: Apache-2.0
"""Family and home: a child, care for it, a wedding, a household shared and parted, a death, a move, a house, a course of study.
As in coastal_lives.py; that file tells what a story is."""
import coastal_calendar as calendar
import coastal_names as names
import coastal_people as people
from coastal_book import JOINT, MUST
from coastal_lives import ends, months_pay, signs
from coastal_living import once

NURSERY = [('BABY BUNTING', 5641), ('BABY KINGDOM', 5945), ('PURE BABY', 5641), ('THE MEMO', None), ('KMART BABY', 5311), ('TARGET BABY', 5311)]


def some(p, at, number, spread, low, high, shops):
    """A few purchases of a kind, as many days apart."""
    for one in range(number):
        name, mcc = p.rng.choice(shops)
        once(p, at + int(one * spread * p.rng.uniform(0.5, 1.5)), p.rng.uniform(low, high), name, mcc)


def baby(p, day):
    """`day`: the birth. A mother's account shows more than a father's."""
    rng, mother = p.rng, p.chance(0.6)

    def leave(at):
        for flow in p.of('salary', at):
            if p.chance(0.5):
                back = at + rng.randint(150, 280)
                flow.steps += [(at, 0.5), (back, rng.uniform(1.2, 2.0))]
                p.truth('pay.rise', back, back + 14, implied=True)
            else:
                flow.pauses.append((at, at + rng.randint(90, 300)))
            flow.noise = min(flow.noise, 0.1)
        p.truth('income.drop', at, at + 60, implied=True)
        return at + 30

    def parental_pay(at):
        people.benefit(p, rng.choice(('PARENTAL LVE PAY', 'PPL SCHEME')), 1830, at, at + 14 * rng.choice((2, 6, 10, 11)))

    def family_benefit(at):
        people.benefit(p, rng.choice(('FAMILY TAX BEN', 'NEWBORN SUPP')), rng.uniform(90, 290), at)

    def household(at):
        for number in range(rng.randint(4, 12)):
            once(p, at + number * 14, rng.uniform(18, 75), *rng.choice((('CHEMIST WAREHOUSE', 5912), ('BIG W', 5311), ('BABY BUNTING', 5641))))

    most = 1.0 if mother else 0.45
    signs(p, 'baby', day, [
        (day - rng.randint(100, 170), 0.6 * most, lambda at: some(p, at, rng.randint(1, 3), 25, 90, 420,
                                                                  (('COAST ULTRASOUND', 8071), ('DR P SHARMA OBSTETRICS', 8011),
                                                                   ('WOMENS IMAGING', None)))),
        (day - rng.randint(30, 100), 0.75, lambda at: some(p, at, rng.randint(1, 4), 15, 40, 650, NURSERY)),
        (day + rng.randint(0, 6), 0.4 * most, lambda at: once(p, at, rng.uniform(300, 900), 'BAYSIDE PRIVATE HOSPITAL', 8062)),
        (day - rng.randint(5, 30), 0.6 * most, leave),
        (day + rng.randint(14, 45), 0.65 * most, parental_pay),
        (day + rng.randint(20, 60), 0.45, family_benefit),
        (day + 5, 0.7, household),
        (day + rng.randint(5, 70), 0.35, lambda at: some(p, at, 2, 20, 40, 250, NURSERY)),
        (day + rng.randint(20, 80), 0.12, lambda at: p.book.profile(at, {'dependants': p.children + 1}))])
    p.children += 1


def childcare_started(p, day):
    rng = p.rng
    every = rng.choice(('weekly', 'fortnightly', 'weekly'))
    name = rng.choice(names.CENTRES)
    cents, noise = -rng.uniform(90, 380) * 100 * (2 if every == 'fortnightly' else 1), rng.choice((0, 0.05, 0.2))
    by_card = p.chance(0.35)
    anchor = calendar.START + rng.randrange(14)
    if by_card:
        flow = p.add('childcare', None, cents, every, anchor, day, noise=noise, shop=names.shop_named(name, rng.choice((8351, 8351, None)), p.town))
    else:
        payee = names.party(name if p.chance(0.7) else f'EZIDEBIT {rng.choice(("ELC", "CHILDCARE", "KIDS CTR"))}')
        flow = p.add('childcare', payee, cents, every, anchor, day, noise=noise, kind='DIRECT_DEBIT', shift='later',
                     reference=f'{rng.randrange(10 ** 7)}')
    flow.pauses += [holiday for holiday in calendar.school_holidays(calendar.START, p.end) if p.chance(0.15)]
    if p.chance(0.3):
        once(p, day - rng.randint(5, 30), rng.uniform(40, 400), name, 8351)
    p.truth('childcare.started', flow.next_due(day), flow.next_due(day, 2))


def wedding_planned(p, day):
    """`day`: the first of it. The rest comes over most of a year."""
    rng = p.rng
    venue = rng.choice(('OPAL COVE RESORT', 'FRIDAY HUT ROAD', 'THE LILY PAD BOATSHED', 'CASSEGRAIN WINES'))

    def paid_by(at, low, high, name, mcc):
        kind = rng.choice(('card', 'card', 'TRANSFER'))
        once(p, at, rng.uniform(low, high), name, mcc, kind=kind, reference=rng.choice(('deposit', 'wedding', f'INV {rng.randrange(999)}', None)))

    listed = [(day, 0.6, 1500, 9000, 'MICHAEL HILL JEWELLER', 5944),
              (day + rng.randint(10, 70), 0.75, 1000, 6000, venue, rng.choice((7011, 5812, None))),
              (day + rng.randint(40, 150), 0.5, 500, 2800, 'ALWAYS & FOREVER BRIDAL', rng.choice((5621, 5699))),
              (day + rng.randint(30, 150), 0.55, 400, 1800, 'SALT STUDIOS PHOTO', 7221),
              (day + rng.randint(80, 200), 0.45, 200, 1500, 'FLOWERS BY BELINDA', 5992),
              (day + rng.randint(60, 190), 0.4, 250, 900, 'COASTAL CELEBRANT', None),
              (day + rng.randint(90, 210), 0.4, 800, 7000, 'SPLENDID CATERING', 5811),
              (day + rng.randint(120, 220), 0.3, 150, 700, 'FERGUSONS FORMAL HIRE', 7296),
              (day + rng.randint(60, 170), 0.25, 80, 400, 'VISTAPRINT INVITATIONS', 2741),
              (day + rng.randint(150, 230), 0.4, 1200, 7000, 'FLIGHT CENTRE', 4722)]
    total = sum(high for _, _, _, high, _, _ in listed)
    p.facts['saved'] = p.facts.get('saved', 0) + total * 60
    signs(p, 'wedding.planned', day, [(at, weight, lambda then, rest=rest: paid_by(then, *rest)) for at, weight, *rest in listed])


def moves_house(p, day, far=0.3):
    """What any move may leave, as (day, weight, action)."""
    rng = p.rng

    def town(at):
        p.moves.append((at, rng.choice([t for t in names.TOWNS if t != p.town])))

    def region(at):
        p.book.profile(at, {'region': f'NSW-{p.town_at(at)[:5].strip()}'})
        if p.chance(0.6):
            p.book.app(at, 'view', 'profile/address')

    def utility(at):
        old = p.of('power', at)
        ends(p, at + rng.randint(0, 20), 'power')
        people.power(p, at, old[0].party.name if old and p.chance(0.6) else None)

    return [(day, far, town),
            (day + rng.randint(1, 40), 0.5, region),
            (day + rng.randint(0, 15), 0.6, utility),
            (day + rng.randint(-6, 2), 0.4, lambda at: once(p, at, rng.uniform(350, 2400),
                                                            *rng.choice((('GRACE REMOVALS', 4214), ('TWO MEN AND A TRUCK', 4214),
                                                                         ('BUDGET TRUCK RENTAL', 7513), ('MICKS REMOVALS', None))))),
            (day + rng.randint(-10, 8), 0.3, lambda at: once(p, at, rng.choice((33, 62, 99)), 'AUSPOST MAIL REDIRECT', 9402, False)),
            (day + rng.randint(-12, 12), 0.2, lambda at: some(p, at, rng.randint(1, 4), 30, 90, 250,
                                                              (('KENNARDS SELF STORAGE', 4225), ('NATIONAL STORAGE', 4225)))),
            (day + rng.randint(0, 25), 0.6, lambda at: some(p, at, rng.randint(2, 6), 5, 60, 900,
                                                            (('FANTASTIC FURNITURE', 5712), ('IKEA', 5712), ('HARVEY NORMAN', 5722),
                                                             ('THE GOOD GUYS', 5722), ('BUNNINGS', 5200), ('ADAIRS', 5719)))),
            (day + rng.randint(0, 20), 0.35, lambda at: (ends(p, at, 'internet'), people.internet(p, at)))]


def home_moving(p, day):
    """From one rented home to another."""
    rng = p.rng
    old = p.of('rent', day)
    weekly = max([-f.per_month() / 434.5 for f in old], default=320) * rng.uniform(0.8, 1.4)

    def other_rent(at):
        ends(p, at + rng.choice((0, 3, 10)), 'rent')
        people.rent(p, weekly, at)

    def bond(at):
        p.facts['saved'] = p.facts.get('saved', 0) + int(weekly * 450)
        once(p, at, weekly * 4, rng.choice(('NSW RENTAL BONDS ONLINE', 'FAIR TRADING NSW', f'{rng.choice(names.AGENTS)} TRUST')), kind='TRANSFER',
             reference=rng.choice(('BOND', f'RBO{rng.randrange(10 ** 6)}')))

    def bond_back(at):
        p.book.credit(at, names.party('NSW RENTAL BONDS ONLINE'), weekly * 350, 'BOND REFUND')

    signs(p, 'home.moving', day, moves_house(p, day) + [(day, 0.85, other_rent), (day - rng.randint(3, 14), 0.6, bond),
                                                        (day + rng.randint(10, 35), 0.4, bond_back)])


def home_purchase(p, day):
    """`day`: contracts are exchanged. Six weeks to the settlement, then the mortgage instead of the rent."""
    rng = p.rng
    settled = day + rng.choice((28, 42, 42, 60))
    price = months_pay(p) / 100 * rng.uniform(60, 90)
    p.facts['saver'] = True
    p.facts['saved'] = p.facts.get('saved', 0) + int(price * 14)

    def deposit(at):
        once(p, at, price * rng.choice((0.05, 0.1)), rng.choice((f'{rng.choice(names.AGENTS)} TRUST ACCOUNT', 'DEPOSIT POWER', 'PEXA KEY')),
             kind='TRANSFER', reference=rng.choice(('DEPOSIT', f'LOT {rng.randrange(99)}', None)))

    def settlement(at):
        once(p, at, price * rng.uniform(0.03, 0.1), rng.choice(('PEXA SETTLEMENT', 'MURPHY & VELLA LAWYERS TRUST')), kind='TRANSFER',
             reference=f'{rng.randrange(10 ** 7)}')

    def pays_off(at):
        people.mortgage(p, price * 0.0048, at)
        ends(p, at + rng.randint(0, 25), 'rent')
        people.bill(p, 'rates', f'{p.town} COUNCIL', rng.uniform(110, 210), 'quarterly', at + 60, kind='TRANSFER')
        return at + 30

    def looks(at):
        for number in range(rng.randint(2, 8)):
            p.book.app(at + number * rng.randint(2, 14), rng.choice(('view', 'calculator_used')), rng.choice(('homeloans', 'borrowing-power')),
                       'MORTGAGE')

    bought = signs(p, 'home.purchase', day, [
        (day, 0.7, deposit),
        (day + rng.randint(5, 20), 0.6, lambda at: once(p, at, rng.uniform(900, 2400), 'COAST CONVEYANCING', rng.choice((8111, 8111, None)))),
        (day + rng.randint(3, 12), 0.45, lambda at: once(p, at, rng.uniform(420, 750), 'JIMS BUILDING INSPECTIONS', rng.choice((7342, 8911, None)))),
        (settled, 0.6, settlement),
        (settled + 5, 0.9, pays_off),
        (settled - 3, 0.35, lambda at: once(p, at, price * 0.03, 'REVENUE NSW', kind='TRANSFER', reference='TRANSFER DUTY')),
        (day - rng.randint(30, 80), 0.5, looks),
        (settled, 0.55, lambda at: people.bill(p, 'home_insurance', rng.choice(names.INSURERS), rng.uniform(90, 240), begin=at))], need=3)
    if bought:
        shown = [at for at, weight, action in moves_house(p, settled + 7, 0.2) if p.chance(weight * p.loud) and (action(at) or True)]
        p.truth('home.moving', settled + 7, max([settled + 7, *shown]), implied=True)


def household_joint(p, day):
    """Two become one household: a joint account, or one of the two pays and the other sends a share."""
    rng = p.rng
    party = names.party(f'{rng.choice(names.FIRST)} {rng.choice(names.LAST)}')
    p.partner = party.name
    every, anchor = rng.choice(('weekly', 'fortnightly', 'monthly')), day + rng.randrange(7)
    anchor = rng.randint(1, 28) if every == 'monthly' else anchor
    share = months_pay(p) * rng.uniform(0.1, 0.3) / {'weekly': 4.345, 'fortnightly': 2.173, 'monthly': 1}[every]

    def joint(at):
        p.add('to_joint', names.party('JOINT ACCOUNT'), -share, every, anchor, at, kind='STANDING_ORDER',
              reference=rng.choice(('TO JOINT', 'house', None)))
        p.add('in_joint', names.party(f'{p.name(1)} JOINT'), share, every, anchor, at, account=JOINT, reference='FROM PERSONAL')
        p.add('partner', party, share * rng.uniform(0.7, 1.3), every, anchor, at, account=JOINT, reference=rng.choice(('joint', 'bills', None)))

    def sends(at):
        p.add('partner', party, share, every, anchor, at, noise=0.1, skip=0.05, reference=rng.choice(('rent and bills', 'groceries', 'half', None)))

    def receives(at):
        p.add('to_partner', party, -share, every, anchor, at, noise=rng.choice((0, 0.15)), reference=rng.choice(('rent', 'my share', 'house', None)))
        ends(p, at + 10, 'rent', 'power', 'board')

    rng.choice((joint, sends, receives))(day)
    if p.chance(0.3 * p.loud):
        once(p, day + rng.randint(5, 40), rng.uniform(200, 1500), 'IKEA', 5712)
    if p.chance(0.3):
        p.book.app(day + rng.randint(1, 20), 'view', 'open-joint-account')
    shared = next(flow for flow in reversed(p.flows) if flow.role in ('partner', 'to_partner'))
    p.truth('household.joint', shared.next_due(day), shared.next_due(day, 2))
    p.truth('home.moving', day, day + 20, implied=True)


def separation(p, day):
    """The partner's money stops; two homes to pay; a lawyer, perhaps a court, child support."""
    rng = p.rng
    lawyer = rng.choice(('VELLA FAMILY LAW', 'PARKER & KISSANE SOLICITORS', 'LEGAL AID NSW'))

    def parted(at):
        ends(p, at, 'partner', 'to_joint', 'in_joint')
        if p.facts.get('joint'):
            p.book.pay(at + rng.randint(1, 12), names.party(f'{p.partner} {p.last}'), months_pay(p) * 0.3, 'JOINT CLOSED', account=JOINT, mode=MUST)
        return at + 35

    def second_home(at):
        people.rent(p, rng.uniform(220, 480), at)
        for at_move, weight, action in moves_house(p, at, 0.25):
            if p.chance(weight * p.loud):
                action(at_move)
        p.truth('home.moving', at, at + 20, implied=True)

    def support(at):
        sign = rng.choice((-1, 1))
        p.add('support', names.party('SERVICES AUSTRALIA CSA'), sign * rng.uniform(120, 700) * 100, rng.choice(('monthly', 'fortnightly')),
              rng.randint(1, 28), at, reference='CHILD SUPPORT')

    signs(p, 'separation', day, [
        (day, 0.9, parted),
        (day + rng.randint(10, 60), 0.55, second_home),
        (day + rng.randint(5, 70), 0.55, lambda at: once(p, at, rng.uniform(350, 4500), lawyer, rng.choice((8111, 8111, None)))),
        (day + rng.randint(60, 115), 0.2, lambda at: once(p, at, rng.choice((205, 410, 1100)), 'FEDERAL CIRCUIT COURT', 9211, False)),
        (day - rng.randint(15, 60), 0.3, lambda at: some(p, at, rng.randint(2, 4), 14, 120, 220,
                                                         (('RELATIONSHIPS AUSTRALIA', 7277), ('COAST COUNSELLING', 8099)))),
        (day + rng.randint(40, 110), 0.35 if p.children else 0.1, support),
        (day + rng.randint(3, 50), 0.2, lambda at: p.book.app(at, 'view', 'help/separation'))])


def bereavement(p, day):
    rng = p.rng
    who = f'{rng.choice(names.FIRST)} {p.last}'.upper()
    p.facts['saved'] = p.facts.get('saved', 0) + 1200000

    def told(at):
        p.book.profile(at, {'vulnerability': ['BEREAVEMENT']})

    def estate(at):
        at = calendar.later(at)
        p.book.credit(at, names.party(f'ESTATE LATE {who}'), rng.uniform(8000, 160000) * 100, rng.choice(('DISTRIBUTION', None)))
        p.truth('windfall', at, at, implied=True)

    def spouse(at):
        ends(p, at, 'partner', 'to_joint', 'in_joint')
        people.benefit(p, 'BEREAVEMENT ALL', rng.uniform(600, 900), at + 20, at + 120)

    signs(p, 'bereavement', day, [
        (day + rng.randint(3, 12), 0.65, lambda at: once(p, at, rng.uniform(2800, 11000),
                                                         rng.choice(('KEITH LOGUE & SONS FUNERALS', 'COFFS COAST FUNERALS', 'WHITE LADY FUNERALS')),
                                                         7261, kind=rng.choice(('card', 'card', 'TRANSFER')),
                                                         reference=f'INV {rng.randrange(9999)}')),
        (day + rng.randint(2, 20), 0.4, lambda at: once(p, at, 65, 'BDM NSW CERTIFICATE', 9399, False)),
        (day + rng.randint(1, 9), 0.4, lambda at: once(p, at, rng.uniform(60, 260), 'FLOWERS BY BELINDA', 5992)),
        (day + rng.randint(4, 45), 0.4, told),
        (day + rng.randint(5, 14), 0.25, lambda at: once(p, at, rng.uniform(300, 1600), rng.choice(('C.EX CLUB WAKE', 'SURF CLUB FUNCTIONS')), 5811)),
        (day + rng.randint(3, 30), 0.3, lambda at: p.book.app(at, 'view', 'help/bereavement')),
        (day + rng.randint(60, 115), 0.35, estate),
        (day + 5, 0.6 if p.partner and p.age > 60 else 0.05, spouse)], need=1)


def student_start(p, day):
    """`day`: the term begins, in February or July."""
    rng, uni = p.rng, p.rng.choice(names.UNIS)

    def rents(at):
        p.add('rent', names.party(rng.choice(('UNILODGE', 'SCU RESIDENCES', 'IGLU STUDENT ACCOM', 'EVATT HOUSE'))), -rng.uniform(220, 420) * 200,
              'fortnightly', calendar.START + rng.randrange(14), at, day + 270, kind='DIRECT_DEBIT')
        p.moves.append((at, rng.choice(('LISMORE', 'NEWCASTLE'))))
        p.truth('home.moving', at, at + 20, implied=True)

    signs(p, 'student.start', day, [
        (day + rng.randint(-5, 25), 0.65, lambda at: once(p, at, rng.choice((176, 180, 351, 365)), uni, rng.choice((8220, 8220, None)), False)),
        (day + rng.randint(5, 40), 0.45, lambda at: people.benefit(p, rng.choice(('YOUTH ALLOW', 'AUSTUDY', 'ABSTUDY')), rng.uniform(300, 660), at)),
        (day + rng.randint(0, 30), 0.3, lambda at: p.book.credit(at, names.party('SERVICES AUSTRALIA'), 127300, 'STUDENT START UP LN')),
        (day + rng.randint(-25, 5), 0.35, rents),
        (day + rng.randint(-3, 30), 0.45, lambda at: some(p, at, rng.randint(1, 4), 6, 40, 190,
                                                          (('UNIVERSITY CO-OP BOOKS', 5942), ('BOOKTOPIA', 5942), ('OFFICEWORKS', 5943)))),
        (day + rng.randint(0, 60), 0.35, lambda at: some(p, at, rng.randint(3, 9), 8, 5, 22, ((f'{uni} CAFE', 5814), (f'{uni} PARKING', 7523)))),
        (day + rng.randint(-20, 10), 0.3, lambda at: once(p, at, rng.uniform(900, 2400), 'JB HI-FI', 5732))])
