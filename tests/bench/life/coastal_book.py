# SPDX-License-Identifier: Apache-2.0
"""What one customer's accounts show. Plans are put in any order; lines() books them in order of time: keeps the balances, moves
savings to and fro, declines a card and dishonours a direct debit where there is no money, and adds what every export has
(pending, late, doubled and reversed bookings)."""
import coastal_calendar as calendar

MINUTE, DAY = 60000, 86400000
MUST, FREE, DEBIT = range(3)        # happens whatever the balance; a card that is declined; a direct debit that may be dishonoured
MAIN, SAVINGS, CARD, JOINT = 'CURRENT SAVINGS CREDIT_CARD JOINT'.split()


class Book:
    def __init__(self, rng, customer, number):
        self.rng, self.customer = rng, customer
        self.plans, self.others, self.count, self.lines = [], [], 0, []
        self.accounts = {kind: f'{prefix}{number:07d}' for kind, prefix in ((MAIN, 'S1-'), (SAVINGS, 'S8-'), (CARD, 'VC-'), (JOINT, 'J1-'))}
        self.balance = {MAIN: 0, SAVINGS: 0, CARD: 0, JOINT: 0}
        self.limit = 0                  # of the overdraft
        self.shows_balance = rng.random() < 0.9
        self.sweep = None               # the balance above which the customer moves money to savings
        self.helper = None              # the own account elsewhere that steps in, until the day on which there is nothing left there
        self.helps_until = 10 ** 15
        self.owes = None                # (above which balance, to whom) everything goes that is left
        self.fee = 500 if rng.random() < 0.15 else 0
        self.open = (0, 10 ** 9)        # the days between which the accounts exist

    # ---- plans

    def plan(self, day, minute, cents, mode, account, fields):
        """cents: above 0 comes in."""
        if self.open[0] <= day < self.open[1] and cents:
            self.plans.append((calendar.midnight(day) + minute * MINUTE + self.rng.randrange(MINUTE), len(self.plans), cents, mode, account, fields))

    def card(self, day, shop, cents, mode=FREE, account=MAIN, hour=None):
        minute = int((hour if hour is not None else min(22.5, max(6.5, self.rng.gauss(13.5, 3.5)))) * 60) + self.rng.randrange(60)
        fields = {'kind': 'CARD', 'merchant_name': shop.name, 'merchant_country': shop.country, 'channel': 'ONLINE' if shop.online else 'POS'}
        if shop.mcc is not None:
            fields['mcc'] = shop.mcc
        self.plan(day, minute, -abs(int(cents)), mode, account, fields)

    def _between(self, party, kind, reference, channel):
        name = party.other if party.other and self.rng.random() < 0.25 else party.name
        fields = {'kind': kind, 'counterparty_name': name, 'channel': channel}
        if party.id:
            fields['counterparty_id'] = party.id
        if reference:
            fields['reference'] = reference
        return fields

    def credit(self, day, party, cents, reference=None, kind='TRANSFER', account=MAIN):
        self.plan(day, 60 + self.rng.randrange(420), abs(int(cents)), MUST, account, self._between(party, kind, reference, 'AUTOMATIC'))

    def pay(self, day, party, cents, reference=None, kind='TRANSFER', account=MAIN, mode=MUST):
        automatic = kind in ('DIRECT_DEBIT', 'STANDING_ORDER')
        channel = 'AUTOMATIC' if automatic else self.rng.choice(('MOBILE', 'MOBILE', 'ONLINE'))
        minute = 120 + self.rng.randrange(300) if automatic else 480 + self.rng.randrange(780)
        self.plan(day, minute, -abs(int(cents)), DEBIT if automatic else mode, account, self._between(party, kind, reference, channel))

    def cash(self, day, cents):
        self.plan(day, 540 + self.rng.randrange(700), -abs(int(cents)), FREE, MAIN, {'kind': 'ATM', 'channel': 'ATM', 'merchant_country': 'AU'})

    def cash_in(self, day, cents):
        self.plan(day, 580 + self.rng.randrange(380), abs(int(cents)), MUST, MAIN, {'kind': 'CASH', 'channel': 'BRANCH', 'reference': 'CASH DEPOSIT'})

    def fee_of(self, day, name, cents, account=MAIN):
        self.plan(day, 1380, -cents, MUST, account, {'kind': 'FEE', 'reference': name, 'channel': 'AUTOMATIC'})

    def app(self, day, event='login', screen=None, product=None, **attributes):
        """Logins leave a session; nothing of the accounts."""
        if self.open[0] <= day < self.open[1]:
            at = calendar.midnight(day) + (420 + self.rng.randrange(900)) * MINUTE + self.rng.randrange(MINUTE)
            fields = {'occurred_at': at, 'event': event, 'channel': 'WEB' if self.rng.random() < 0.2 else 'MOBILE_APP'}
            fields.update({name: value for name, value in (('screen', screen), ('product', product)) if value})
            if attributes:
                fields['attributes'] = attributes
            self.others.append((at, 'app-engagement', fields))

    def profile(self, day, fields):
        """What is new of it; render() makes it whole."""
        at = calendar.midnight(day) + 600 * MINUTE + self.rng.randrange(300 * MINUTE)
        self.others.append((at, 'customer-profiles', {**fields, 'updated_at': at}))

    def tick(self, day):
        """A month begins: interest, fees, the card's bill, whether or not the customer does anything."""
        self.plans.append((calendar.midnight(day) + 30 * MINUTE, len(self.plans), 0, MUST, MAIN, None))

    # ---- bookings

    def book(self, at, cents, account, fields):
        """Now and for good. Returns the event, which carries the balance after it."""
        self.balance[account] += cents
        self.count += 1
        event = {'event_id': f'{self.customer}.{self.count:05d}', 'customer_id': self.customer, 'account_id': self.accounts[account],
                 'account_type': MAIN if account == JOINT else account, 'booked_at': at, 'amount_minor': abs(cents), 'currency': 'AUD',
                 'direction': 'CREDIT' if cents > 0 else 'DEBIT', 'status': 'POSTED', **fields}
        if self.shows_balance:
            event['balance_after_minor'] = self.balance[account]
        self.line(at, event)
        return event

    def line(self, arrival, event, source='transactions'):
        self.lines.append((arrival, len(self.lines), source, event))

    def own_move(self, at, cents, out, into):
        text = f'INTERNET TRANSFER {self.accounts[into][-4:]}'
        for account, sign in ((out, -1), (into, 1)):
            self.book(at, sign * cents, account, {'kind': 'TRANSFER', 'channel': 'MOBILE', 'reference': text})

    def month_begins(self, at):
        """The bank's own bookings, and the customer who looks at what is left."""
        if self.balance[SAVINGS] > 20000:
            self.book(at, max(1, int(self.balance[SAVINGS] * 0.038 / 12)), SAVINGS,
                      {'kind': 'INTEREST', 'reference': 'CREDIT INTEREST', 'channel': 'AUTOMATIC'})
        if self.fee:
            self.book(at + MINUTE, -self.fee, MAIN, {'kind': 'FEE', 'reference': 'MONTHLY ACCESS FEE', 'channel': 'AUTOMATIC'})
        owed = -self.balance[CARD]
        if owed > 2000 and self.balance[MAIN] > owed:
            self.own_move(at + 9 * 60 * MINUTE, owed, MAIN, CARD)

    def affordable(self, at, cents, mode, account):
        """Is it booked? Tops the account up from savings first where it can."""
        short = -(self.balance[account] + cents + (self.limit if account == MAIN else 0))
        if short <= 0 or cents > 0 or account in (SAVINGS, CARD):
            return True
        source = MAIN if account == JOINT else SAVINGS
        more = (short // 10000 + 1 + self.rng.randrange(4)) * 10000
        if self.balance[source] >= short:
            self.own_move(at - 20 * MINUTE, min(more, self.balance[source]), source, account)
            return True
        if mode == DEBIT and self.helper and at < self.helps_until and self.rng.random() < 0.95:
            self.book(at - 40 * MINUTE, more, account, self._between(self.helper, 'TRANSFER', None, 'MOBILE'))
            return True
        return mode == MUST or (mode == DEBIT and 'dishonour')

    def dishonour(self, at, cents, account, fields):
        event = self.book(at, cents, account, fields)
        if self.rng.random() < 0.45:
            return              # the bank pays it and the account is overdrawn
        self.take_back(event, at + 10 * 60 * MINUTE, -cents, account)
        if self.rng.random() < 0.6:
            self.book(at + 11 * 60 * MINUTE, -900, account, {'kind': 'FEE', 'reference': 'DISHONOUR FEE', 'channel': 'AUTOMATIC'})

    def take_back(self, event, at, cents, account):
        back = self.book(at, cents, account, {name: event[name] for name in event if name in (
            'kind', 'mcc', 'merchant_name', 'merchant_country', 'counterparty_id', 'counterparty_name', 'reference', 'channel')})
        back.update(status='REVERSED', reverses=event['event_id'], direction=event['direction'])

    def as_exported(self, event, at, cents, account):
        """Pending before, late, doubled, reversed or refunded after: seldom, as the core system does it."""
        chance = self.rng.random()
        card = event['kind'] == 'CARD'
        if card and event['direction'] == 'DEBIT':
            if chance < 0.12:
                later = at + int(self.rng.uniform(0.6, 2.6) * DAY)
                waits = {name: value for name, value in event.items() if name != 'balance_after_minor'}
                self.lines[-1] = (at, self.lines[-1][1], 'transactions', {**waits, 'status': 'PENDING'})
                event.update(booked_at=later, reverses=event['event_id'])
                self.line(later, event)
                return
            if chance < 0.122:
                self.take_back(event, at + int(self.rng.uniform(0.1, 3) * DAY), -cents, account)
                return
            if chance < 0.127:
                self.book(at + int(self.rng.uniform(2, 12) * DAY), -cents, account, {name: event[name] for name in event if name in (
                    'kind', 'mcc', 'merchant_name', 'merchant_country', 'channel')})
                return
        if chance > 0.994:
            self.lines[-1] = (at + int(self.rng.uniform(0.3, 5) * DAY), *self.lines[-1][1:])
        elif chance > 0.992:
            self.line(at + int(self.rng.uniform(0.01, 1.5) * DAY), dict(event))

    def leftover(self, at):
        """What is not needed: into savings, or to whom it is owed."""
        if self.owes and self.balance[MAIN] > self.owes[0]:
            cents = int((self.balance[MAIN] - self.owes[0] * 0.5) // 1000 * 1000)
            self.book(at + 5 * MINUTE, -cents, MAIN, self._between(self.owes[1], 'TRANSFER', None, 'MOBILE'))
        elif self.sweep and self.balance[MAIN] > self.sweep:
            self.own_move(at + 5 * MINUTE, int((self.balance[MAIN] - self.sweep * 0.5) // 5000 * 5000), MAIN, SAVINGS)

    def render(self):
        """Every line as (arrival, number, source, event)."""
        for at, _, cents, mode, account, fields in sorted(self.plans, key=lambda plan: plan[:2]):
            if fields is None:
                self.month_begins(at)
                continue
            booked = self.affordable(at, cents, mode, account)
            if booked == 'dishonour':
                self.dishonour(at, cents, account, fields)
            elif booked:
                self.as_exported(self.book(at, cents, account, fields), at, cents, account)
            if cents < 0 and self.rng.random() < 0.2:
                self.leftover(at)
        whole = {}
        for number, (at, source, fields) in enumerate(sorted(self.others, key=lambda other: other[0])):
            if source == 'customer-profiles':
                whole = fields = {**whole, **fields}
            name = {'event_id': f'{self.customer}.a{number:05d}'} if source == 'app-engagement' else {}
            self.line(at, {**name, 'customer_id': self.customer, **fields}, source)
        return self.lines
