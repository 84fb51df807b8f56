#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A bank that knows nothing of LifeSim: Irish customers, statements as a core banking system prints them, its own truth.

usage: foreign.py EVENTS TRUTH [--seed N] [--customers N] [--days N]

It shares no code, word list or habit with processor/lifesim and was written from how statements look, not from what the pack
reads: no category on most card payments, no payer's account id for a third of the payers, mixed-case names with shop and batch
numbers, pay on the last Thursday, twice a month, in two parts or through a payroll agency, cents that differ each time, a
second account, landlords who are people. Nine life events, each beside things that only look like it.
"""
import argparse
import datetime
import json
import random

FIRST = datetime.date(2025, 1, 1)
PEOPLE = 'A Murphy|Sinead Kelly|Mr P Byrne|T. Walsh|M Ryan|Aoife Doyle|C McCarthy|Mrs B Whelan|D Nolan|J & K Daly'.split('|')
FIRMS = ('Kerrigan Foods|St Brendans Hosp|Corrib Software Ltd|An Post|Lidl Irl GmbH|Dublin Bus|ETB Laois|Medtron Galway|Harte Peat Sols|'
         'Glanbia|Sweeney Haulage|Boylesports Hq|Dept of Education|Kilkenny Coop|Tara Mines|Brady Ham|HSE South|Ryan Air Crew|Avoca').split('|')
AGENCIES = 'CXC Payroll Irl|Icon Umbrella|Fenero Pay'.split('|')
SHOPS = 'Tesco Stores {}|Dunnes {} Cork|SuperValu {}|Centra #{}|Circle K {}|Boots {}|Penneys {}|Insomnia {}|Just Eat.ie|Amzn Mktp*{}|Apple.com/bill|TFI Leap {}'.split('|')
BILLS = 'Electric Ireland|Virgin Media Irl|Gas Networks|Eir|Bord Gais|Three Ireland|Vhi Hlthcare|Axa Ins|Netflix.com|Flyefit|Sky Irl|Irish Water'.split('|')
CRECHES = 'Little Acorns Montessori|Giraffe Early Yrs|Naionra na Coille|Mrs B Whelan minder|Kidz World Afterschool|Tigers Playgroup|Sunshine Creche'.split('|')
SCHEMES = 'Irish Life Corp Bus|Zurich Life Annuity|NRA Superann|Public Service Pensions|DSP State Pen Con|Mercer Trustees'.split('|')
# life event, its decoy's name (None: it happens), how often, who
STORIES = [('salary.first', None, 8, 'young'), ('job.changed', None, 9, 'worker'), ('job.lost', None, 9, 'worker'), ('retirement.started', None, 8, 'older'),
           ('pay.rise', None, 8, 'worker'), ('windfall', None, 7, 'worker'), ('dormant', None, 7, 'worker'), ('childcare.started', None, 8, 'worker'),
           ('home.moving', None, 8, 'tenant'), ('job.changed', 'payer renamed', 4, 'worker'), ('job.changed', 'second job', 3, 'worker'),
           ('job.lost', 'unpaid month', 4, 'worker'), ('job.lost', 'paid early', 3, 'worker'), ('pay.rise', 'bonus', 3, 'worker'),
           ('pay.rise', 'overtime month', 3, 'worker'), ('windfall', 'house sale in transit', 3, 'worker'), ('windfall', 'big refund', 3, 'worker'),
           ('salary.first', 'allowance', 4, 'young'), ('retirement.started', 'widows pension', 3, 'older'), ('childcare.started', 'summer camp', 3, 'worker'),
           ('home.moving', 'new sofa', 3, 'tenant'), ('home.moving', 'energy switch', 2, 'tenant'), ('dormant', 'long trip', 3, 'worker'), (None, None, 60, 'worker'),
           (None, None, 12, 'pensioner'), (None, None, 8, 'young')]


def working(day):
    while day.weekday() > 4:
        day -= datetime.timedelta(1)
    return day


def month_end(day):
    return (day.replace(day=28) + datetime.timedelta(4)).replace(day=1) - datetime.timedelta(1)


def pays_on(rhythm, day, shift):
    """Is `day` a payday? `shift` tells apart the people of one rhythm."""
    if rhythm == 'week':
        return day.weekday() == 3
    if rhythm == 'fortnight':
        return day.weekday() == 2 and day.toordinal() // 7 % 2 == shift % 2
    if rhythm == 'four weeks':
        return day.weekday() == 4 and day.toordinal() // 7 % 4 == shift % 4
    if rhythm == 'last thursday':
        return day.weekday() == 3 and day.month != (day + datetime.timedelta(7)).month
    if rhythm == 'twice a month':
        return day in (working(day.replace(day=15)), working(month_end(day)))
    return day == working(day.replace(day=min(20 + shift % 9, month_end(day).day)))


class Person:
    def __init__(self, seed, number, days):
        self.dice = dice = random.Random(f'{seed}:{number}')
        self.id = f'IE{number * 7919 % 10 ** 6:06d}'
        self.event, self.decoy, _, self.who = dice.choices(STORIES, [s[2] for s in STORIES])[0]
        self.age = {'young': dice.randint(17, 24), 'older': dice.randint(60, 67), 'pensioner': dice.randint(67, 85)}.get(self.who, dice.randint(24, 58))
        self.day = FIRST + datetime.timedelta(dice.randint(150, days - 150))
        rhythms = ['week', 'fortnight', 'four weeks', 'last thursday', 'twice a month', 'date', 'date', 'date']
        self.rhythm, self.shift = dice.choice(rhythms), dice.randint(0, 50)
        self.payer, self.month = self.new_payer(), dice.randint(1700, 5200) * 100
        self.parts, self.noise = dice.random() < 0.1, dice.choice([0, 0, 0.004, 0.015, 0.07])
        self.word = dice.choice(['Salary', 'Wages', 'PAY', 'Payroll', 'Sal', ''])
        self.scheme, self.pension = dice.choice(SCHEMES), self.month * dice.randint(35, 60) // 100
        self.landlord, self.rent = dice.choice(PEOPLE + ['Daft Lettings', 'Sherry Fitz Rents']), self.month * dice.randint(22, 35) // 100
        self.rents = self.who == 'tenant' or dice.random() < 0.35
        self.rent_day, self.bills = dice.randint(1, 27), dice.sample(BILLS, 6)
        self.bill_days, self.bill_minor = [dice.randint(1, 27) for _ in self.bills], [dice.randint(1500, 16000) for _ in self.bills]
        self.app, self.busy = dice.random() < 0.6, dice.uniform(0.5, 1.6)
        self.balance, self.rows = self.month * dice.randint(1, 4), []
        self.gap = dice.choice([0, 3, 12, 30])             # days between two jobs, or before the pension
        self.creche = dice.choice(CRECHES)
        self.weekly_creche, self.second_account = dice.random() < 0.3, dice.random() < 0.25
        self.known = None

    def new_payer(self):
        """(what the statement says, account id or None): a batch number in the name for some, an agency for others."""
        dice, name = self.dice, self.dice.choice(FIRMS)
        if dice.random() < 0.12:
            name = dice.choice(AGENCIES)
        return name, f'IE64BOFI{dice.randint(10 ** 7, 10 ** 8)}' if dice.random() < 0.65 else None, dice.random() < 0.12

    def put(self, day, minor, credit=False, name='', reference='', kind='OTHER', account='1', identity=None, mcc=None, hour=None):
        minor = int(minor)
        if minor <= 0:
            return
        self.balance += minor if credit else -minor
        row = {'customer_id': self.id, 'account_id': f'{self.id}-{account}', 'amount_minor': minor, 'currency': 'EUR', 'kind': kind,
               'direction': 'CREDIT' if credit else 'DEBIT', 'status': 'POSTED', 'reference': reference, 'account_type': 'CURRENT'}
        row['merchant_name' if kind == 'CARD' else 'counterparty_name'] = name
        row.update({'counterparty_id': identity} if identity else {})
        row.update({'mcc': mcc} if mcc else {})
        row.update({'balance_after_minor': self.balance} if account == '1' else {})
        self.rows.append((day, self.dice.randint(5, 21) if hour is None else hour, 'transactions', row))

    def look(self, day, event='login', screen='home'):
        self.rows.append((day, self.dice.randint(7, 22), 'app-engagement', {'customer_id': self.id, 'event': event, 'screen': screen}))

    def pay(self, day, payer, month, word):
        dice, (name, identity, batch) = self.dice, payer
        share = {'week': 12 / 52, 'fortnight': 12 / 26, 'four weeks': 12 / 13, 'twice a month': 0.5}.get(self.rhythm, 1)
        minor = month * share * (1 + dice.uniform(-self.noise, self.noise)) + (dice.randint(-40, 40) if self.noise else 0)
        name = f'{name} {day:%y%m}{dice.randint(10, 99)}' if batch else name.upper() if dice.random() < 0.04 else name
        parts = (0.7, 0.3) if self.parts else (1,)
        for part in parts:
            self.put(day, minor * part, True, name, f'{word} {day:%d%m} {dice.randint(1000, 9999)}'.strip(), 'TRANSFER', identity=identity, hour=4)
        if self.known is None and day > self.day:
            self.known = day

    def incomes(self, day):
        after = (day - self.day).days
        what, decoy, happens = self.event, self.decoy, self.decoy is None
        if self.who == 'young' and not (what == 'salary.first' and happens and after >= 0):
            if day.weekday() == 0 and self.dice.random() < 0.4 and decoy != 'allowance':
                self.put(day, self.dice.choice([2000, 3000, 5000, 7500]), True, 'Mam', 'pocket money', 'TRANSFER')
            if decoy == 'allowance' and after >= 0 and day.day == 3:
                self.put(day, 40000, True, 'Mr P Byrne', 'for digs', 'TRANSFER', identity='IE29AIBK001')
            return
        if self.who == 'pensioner' or (what == 'retirement.started' and after >= self.gap and (happens or after >= 30)):
            if pays_on('date', day, self.shift + 4):
                self.put(day, self.pension, True, self.scheme, f'{self.shift:05d} PEN' if self.shift % 2 else f'{self.shift:05d}', 'TRANSFER', identity='IE88PENS1')
            if happens:
                return
        if not pays_on(self.rhythm, day, self.shift) or (what == 'retirement.started' and happens and after >= 0):
            if decoy == 'paid early' and after in (0,):
                self.put(day, self.month, True, self.payer[0], f'{self.word} Xmas', 'TRANSFER', identity=self.payer[1])
            return
        if what == 'dormant' and happens and after >= 0:
            return
        payer, month = self.payer, self.month
        if what == 'job.changed' and happens and after >= 0:
            if after <= self.gap:
                return
            payer, month = self.next, self.month * (85 + self.shift) // 100
        if what == 'job.lost' and happens and after >= 0:
            self.known = self.known or day  # the first payday that does not come
            return
        if (decoy == 'unpaid month' and 0 <= after < 31) or (decoy == 'paid early' and 0 <= after < 12):
            return
        if decoy == 'payer renamed' and after >= 0:
            payer = (f'{self.payer[0]} Group plc', None, False)
        if what == 'pay.rise' and happens and after >= 0:
            month = month * (109 + self.shift % 11) // 100
        if decoy == 'bonus' and 0 <= after < 31:
            month *= 2
        if decoy == 'overtime month' and 0 <= after < 31:
            month = month * 118 // 100
        self.pay(day, payer, month, self.word)
        if decoy == 'second job' and after >= 0 and day.day < 16:
            self.put(day, self.month // 5, True, self.next[0], 'shifts', 'TRANSFER', identity=self.next[1])

    def story(self, day):
        """What a life event or its double leaves, beside what it does to the pay."""
        after, dice, month, what, decoy = (day - self.day).days, self.dice, self.month, self.event, self.decoy
        if decoy is None and what == 'job.lost':
            if after == 6 and self.shift % 3 == 0:
                self.put(day, month * 3, True, self.payer[0], 'Statutory redundancy', 'TRANSFER', identity=self.payer[1])
            if after > 25 and day.weekday() == 1 and self.shift % 5 < 2:
                self.put(day, 24400, True, 'Dept Soc Prot', 'JSB 0092213', 'TRANSFER')
        elif decoy is None and what == 'windfall' and after == 0:
            name, reference = dice.choice([('Hayes & Co Client A/c', 'Est late N Doyle'), ('Prize Bonds', 'PB 33812'), ('Zurich Claims', 'SET/0091'), ('Mam and Dad', '')])
            self.put(day, month * (8 + self.shift % 25), True, name, reference, 'TRANSFER')
        elif decoy in ('house sale in transit', 'big refund'):
            price = month * (9 + self.shift % 40)
            if after == (0 if decoy[0] == 'h' else -15):
                self.put(day, price, decoy[0] == 'h', 'Hayes & Co Client A/c', 'sale proceeds', 'TRANSFER')
            if after == (6 if decoy[0] == 'h' else 0):
                self.put(day, price, decoy[0] != 'h', 'Hayes & Co Client A/c', 'closing', 'TRANSFER')
            if decoy == 'big refund' and after in (-16, 3):
                self.put(day, price, after < 0, 'Me Raisin Save', '', 'TRANSFER')
        elif what == 'childcare.started':
            fee = month * 18 // 100
            if decoy is None and after >= 0 and (day.weekday() == 0 if self.weekly_creche else day.day == 2):
                self.put(day, fee * (0.25 if self.weekly_creche else 1) * dice.choice([1, 1, 1, 0.8]), name=self.creche, reference='fees', kind=dice.choice(['TRANSFER', 'OTHER']))
            if decoy and after == 0:
                self.put(day, fee, name='Lets Go Summer Camp', kind='CARD')
        elif what == 'home.moving':
            if decoy is None and after == -1:
                self.put(day, dice.randint(15000, 90000), name=dice.choice(['Byrne Bros Removals', 'Man with Van.ie', 'Oman Moving & Storage', 'Van Rental Naas']), kind='CARD')
            if -6 < after < 25 and dice.random() < 0.13 and (decoy is None or (decoy == 'new sofa' and after > 15)):
                self.put(day, dice.randint(4000, 80000), name=dice.choice(['Ikea Dublin', 'Harvey Norman 07', 'DID Electrical', 'Woodies 331', 'EZ Living Furn']), kind='CARD')
            if decoy is None and after == 4 and self.app and self.shift % 2:
                self.look(day, 'profile_updated', 'address')

    def spend(self, day):
        after, dice = (day - self.day).days, self.dice
        asleep = self.event == 'dormant' and 0 <= after < (50 if self.decoy else 9999)
        if asleep:
            return
        if self.app and dice.random() < 0.2:
            self.look(day)
        for _ in range(dice.choices([0, 1, 2, 3], [3, 4, 2, 1])[0]):
            if dice.random() < 0.55 * self.busy:
                shop = dice.choice(SHOPS).format(dice.randint(100, 999))
                self.put(day, min(dice.lognormvariate(7.6, 0.8), self.month / 8) * self.month / 300000, name=shop, kind='CARD', mcc=5411 if shop[0] in 'TD' and dice.random() < 0.5 else None)
        moved = self.event == 'home.moving' and self.decoy is None and after >= 0
        switched = self.decoy == 'energy switch' and after >= 0
        for place, (name, due, minor) in enumerate(zip(self.bills, self.bill_days, self.bill_minor)):
            if day.day == due:
                other = (moved and place < 2) or (switched and place == 0)
                self.put(day, minor * dice.uniform(0.9, 1.1), name=[b for b in BILLS if b not in self.bills][place] if other else name,
                         reference=f'SEPA DD {dice.randint(10 ** 5, 10 ** 6)}', kind='DIRECT_DEBIT', account='2' if self.second_account and place > 3 else '1', hour=3)
        if self.rents and day.day == self.rent_day and self.who not in ('young', 'pensioner'):
            name = 'O Gorman Property' if moved else self.landlord
            self.put(day, self.rent * (1.08 if moved else 1), name=name, reference=dice.choice(['', 'rent', 'Apt 4', 'rent ' + day.strftime('%b')]), kind='STANDING_ORDER', hour=3)
        if day.day == 28 and self.balance > self.month * 2:
            self.put(day, self.balance - self.month * 1.5, name='Me Raisin Save', reference='round up', kind='TRANSFER')
        if day.day == 1 and self.balance < 0 and dice.random() < 0.8:
            self.put(day, self.month // 2 - self.balance, True, 'Me Raisin Save', '', 'TRANSFER')

    def live(self, days):
        self.next = self.new_payer()
        while self.next[0] == self.payer[0]:
            self.next = self.new_payer()
        for number in range(days):
            day = FIRST + datetime.timedelta(number)
            self.incomes(day)
            self.story(day)
            self.spend(day)

    def truth(self):
        """What happened, and what may be said beside it without being wrong."""
        wait = {'retirement.started': 31, 'windfall': 10, 'dormant': 90, 'childcare.started': 30, 'home.moving': 5}
        known = self.day + datetime.timedelta(wait.get(self.event, 0) + (self.gap if self.event == 'retirement.started' else 0))
        if self.event in ('salary.first', 'job.changed', 'job.lost', 'pay.rise') and self.known and self.decoy is None:
            known = self.known
        told = [(self.event, self.day, known, self.decoy, False)]
        beside = {'job.lost': ['income.drop', 'leaving'], 'retirement.started': ['income.drop', 'job.lost'], 'job.changed': ['pay.rise', 'income.drop'],
                  'dormant': ['leaving', 'job.lost', 'income.drop']}
        told += [(kind, self.day, known, None, True) for kind in beside.get(self.event, []) if self.decoy is None]
        return [{'customer_id': self.id, 'life_event': kind, 'happened_at': str(day), 'knowable_at': str(at), 'decoy': decoy, 'implied': implied}
                for kind, day, at, decoy, implied in told if kind]


def write(events, truth, seed, customers, days):
    people = [Person(seed, number, days) for number in range(1, customers + 1)]
    rows = []
    with open(events, 'w', encoding='utf-8') as out, open(truth, 'w', encoding='utf-8') as told:
        for one in people:
            out.write(json.dumps({'source': 'customer-profiles', 'event': {'customer_id': one.id, 'updated_at': '2025-01-01T00:00:00Z',
                                  'birth_date': f'{2025 - one.age}-05-14', 'country': 'IE', 'timezone': 'Europe/Dublin'}}) + '\n')
            one.live(days)
            told.writelines(json.dumps(row) + '\n' for row in one.truth())
            rows += one.rows
            one.rows = None
        rows.sort(key=lambda row: row[:2])
        for number, (day, hour, source, row) in enumerate(rows):
            moment = f'{day}T{hour:02d}:{number % 60:02d}:00Z'
            row.update(event_id=f'e{number}', **{'booked_at' if source == 'transactions' else 'occurred_at': moment})
            out.write(json.dumps({'source': source, 'event': row}) + '\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('events')
    parser.add_argument('truth')
    parser.add_argument('--seed', default='1')
    parser.add_argument('--customers', type=int, default=400)
    parser.add_argument('--days', type=int, default=560)
    args = parser.parse_args()
    write(args.events, args.truth, args.seed, args.customers, args.days)


if __name__ == '__main__':
    main()
