# SPDX-License-Identifier: Apache-2.0
"""A customer-owned bank on the New South Wales coast, as its own data engineer would export it: an examination.

Written from the input's schemas, the list of events and the published signs alone, by somebody who had read no playbook, no
detector and no other generator. Two of three customers have nothing happening to them: they are paid by the fortnight, by shifts,
by platforms, by Services Australia or elsewhere, and they shop, travel, get the tax back after June and pay in four parts. To a
quarter something happens (all 23 types; to some two things), and to one in thirteen something that only looks like it (decoys).

What counts. A sign of an event shows by chance, more at some customers than at others; nothing says which are plain and which hardly
to be seen. An event of which no sign came into the data is not in the truth file. `happened_at` is the day on which it happens
(a birth, an exchange of contracts, a last pay), `knowable_at` the day of the booking with which somebody who looks could have known
(mostly the second sign, the second pay, the second pay that did not come; half a year for dormancy). An event that could be known
only in the last 25 days is marked `implied`: it may be said or not. So are those that another brings with it (a lost job is a fallen
income, a bought house a move, a pay that went to another bank a fallen income and in the end silence). A rise begins at 8 %, as
published; the yearly 2 to 4 % of an award are none. A pay that merely moved to another bank is a decoy of job.lost.
"""
import json
import random

import coastal_calendar as calendar
import coastal_decoys as decoys
import coastal_home as home
import coastal_lives as lives
import coastal_people as people
from coastal_living import live

P = people
WORKERS = (*P.EARNERS, P.casual, P.two_jobs, P.part_time_parent)
# type -> (story, who it happens to, ages, where they live)
STORIES = {
    'salary.first': (lives.salary_first, (P.student,), (17, 25), None),
    'job.changed': (lives.job_changed, (*P.EARNERS, P.casual, P.two_jobs), (20, 58), None),
    'job.lost': (lives.job_lost, (*P.EARNERS, P.casual), (20, 60), None),
    'income.drop': (lives.income_drop, (*WORKERS, P.sole_trader), (22, 62), None),
    'pay.rise': (lives.pay_rise, (*P.EARNERS, P.part_time_parent), (21, 58), None),
    'retirement.approaching': (lives.retirement_approaching, P.EARNERS, (57, 66), 'own'),
    'retirement.started': (lives.retirement_started, (*P.EARNERS, P.two_jobs), (60, 70), 'own'),
    'baby': (home.baby, (*P.EARNERS, P.part_time_parent), (23, 41), None),
    'childcare.started': (home.childcare_started, WORKERS, (24, 42), None), 'wedding.planned': (home.wedding_planned, WORKERS, (22, 48), None),
    'household.joint': (home.household_joint, WORKERS, (20, 45), 'rent'), 'separation': (home.separation, WORKERS, (27, 62), None),
    'bereavement': (home.bereavement, (*WORKERS, P.age_pensioner, P.self_funded), (40, 85), None),
    'home.moving': (home.home_moving, WORKERS, (20, 60), 'rent'),
    'home.purchase': (home.home_purchase, P.EARNERS, (25, 48), 'rent'),
    'windfall': (lives.windfall, (*WORKERS, P.age_pensioner, P.jobseeker), (22, 80), None),
    'debt.stress': (lives.debt_stress, (*WORKERS, P.jobseeker, P.platform), (20, 60), 'rent'), 'leaving': (lives.leaving, P.EARNERS, (22, 65), None),
    'dormant': (lives.dormant, (P.moves_in, P.full_time, P.age_pensioner), (20, 85), None),
    'student.start': (home.student_start, (P.student, P.casual), (17, 26), 'family'),
    'car.purchase': (lives.car_purchase, (*WORKERS, P.self_funded), (19, 75), None),
    'business.started': (lives.business_started, WORKERS, (22, 60), None),
    'account.reactivated': (lives.account_reactivated, (P.moves_in, P.full_time, P.casual), (20, 75), None)}
FOLLOWS = {'job.changed': ('car.purchase', 'home.moving'), 'pay.rise': ('car.purchase', 'wedding.planned'),
           'baby': ('childcare.started', 'car.purchase'), 'wedding.planned': ('home.purchase', 'baby'),
           'windfall': ('car.purchase', 'business.started'), 'job.lost': ('debt.stress', 'business.started'), 'salary.first': ('car.purchase',),
           'separation': ('debt.stress', 'car.purchase'),
           'retirement.approaching': ('retirement.started',), 'household.joint': ('wedding.planned', 'baby'),
           'home.moving': ('household.joint', 'job.changed'), 'income.drop': ('debt.stress', 'separation'),
           'childcare.started': ('pay.rise', 'bereavement'), 'student.start': ('car.purchase',)}
SEMESTERS = [calendar.date(calendar.START).replace(year=y, month=m, day=d).toordinal() for y, m,
             d in ((2025, 7, 14), (2026, 2, 23), (2025, 7, 21), (2026, 3, 2), (2026, 2, 16))]


def when(rng, kind, days):
    if kind == 'student.start':
        fits = [day for day in SEMESTERS if day < calendar.START + days - 60]
        return rng.choice(fits or [calendar.START + days // 2])
    low = 100 if kind == 'salary.first' else 130
    return calendar.START + rng.randint(min(low, days // 4), max(days - 110, days // 2))


def cast(rng, number, seed, days, personas, ages, where):
    """A person of that kind, with a home and what it costs."""
    person = people.Person(rng, number, seed, days)
    persona = rng.choice(personas)
    persona(person)
    person.persona = persona.__name__
    if ages:
        person.age = rng.randint(*ages)
    if where or persona not in (people.age_pensioner, people.self_funded, people.student, people.jobseeker):
        person.home = where or rng.choices(('rent', 'mortgage', 'own', 'family'), (34, 36, 20, 10 if person.age < 30 else 1))[0]
    if persona is people.moves_in or rng.random() < 0.15:
        person.home = where or 'elsewhere'      # the other half of the couple, or the other bank, pays for the home
    people.household(person)
    return person


def with_story(rng, number, seed, days, kind):
    story, personas, ages, where = STORIES[kind]
    person = cast(rng, number, seed, days, personas, ages, where)
    day = when(rng, kind, days)
    if kind == 'separation' or (kind == 'bereavement' and person.chance(0.5)) or (kind in ('baby', 'childcare.started') and person.chance(0.6)):
        people.with_partner(person)
    story(person, day)
    after = rng.choice(FOLLOWS.get(kind, (None,)))
    second = day + rng.randint(100, 230)
    if after and rng.random() < 0.5 and second < calendar.START + days - 90:
        if after != 'separation' or person.of('partner'):
            STORIES[after][0](person, second) if person.of('salary', second) or after in ('car.purchase', 'debt.stress', 'business.started') else None
    return person


def with_decoy(rng, number, seed, days, decoy):
    person = cast(rng, number, seed, days, decoys.DECOYS[decoy], None, decoys.HOMES.get(decoy))
    if decoy is decoys.partner_away:
        people.with_partner(person)
    decoy(person, when(rng, None, days))
    return person


def ordinary(rng, number, seed, days):
    """Nothing happens; but some joined the bank later than the data begins."""
    persona = rng.choices(list(people.PERSONAS), list(people.PERSONAS.values()))[0]
    person = cast(rng, number, seed, days, (persona,), None, None)
    if 25 < person.age < 75 and persona is not people.saver and person.chance(0.3):
        people.with_partner(person)
    if person.chance(0.05):
        person.begin = calendar.START + rng.randint(30, days * 2 // 3)
        for kind in ('salary.first', 'account.reactivated'):
            person.truth(kind, person.begin, person.begin, 'new_customer')
    return person


def parts(rng, customers):
    """What becomes of each: a type, a decoy, or None. Of a hundred 27, 7 and the rest."""
    def taken(kinds, count):
        kinds = list(kinds)
        rng.shuffle(kinds)
        return [kinds[number % len(kinds)] for number in range(count)]

    busy = taken(STORIES, round(customers * 0.27)) + taken(decoys.DECOYS, round(customers * 0.075))
    busy += [None] * (customers - len(busy))
    rng.shuffle(busy)
    return busy


def person_of(rng, number, seed, days, part):
    if part is None:
        return ordinary(rng, number, seed, days)
    return with_story(rng, number, seed, days, part) if isinstance(part, str) else with_decoy(rng, number, seed, days, part)


def write(bank, truth, seed, customers, days):
    """The bank's events in the order in which they reach us, and the truth."""
    rng = random.Random(f'coastal {seed}')
    lines, truths = [], []
    end = calendar.midnight(calendar.START + days)
    for number, part in enumerate(parts(rng, customers)):
        person = person_of(random.Random(f'coastal {seed} {number}'), number, int(seed), days, part)
        person.book.open = (person.begin, calendar.START + days)
        live(person)
        lines += [(at, number, order, source, json.dumps(event, separators=(',', ':'))) for at, order, source,
                  event in person.book.render() if at < end]
        truths += [(person.id, *one) for one in person.truths]
    lines.sort(key=lambda line: line[:3])
    with open(bank, 'w', encoding='utf-8') as out:
        for *_, source, event in lines:
            out.write(f'{{"source":"{source}","event":{event}}}\n')
    with open(truth, 'w', encoding='utf-8') as out:
        for customer, kind, happened, known, decoy, implied in truths:
            out.write(json.dumps({'customer_id': customer, 'life_event': kind, 'happened_at': calendar.date(happened).isoformat(),
                                  'knowable_at': calendar.date(max(known, happened - 100)).isoformat(),
                                  'decoy': decoy, 'implied': implied}) + '\n')
