#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No decision ever breaks a gate. usage: check_offers.py SEGUE [SEED [CUSTOMERS]]

Generates customers whose profiles change all the time (consents per channel and basis, complaints, vulnerability, holdings, zones,
fields that are not known), logins at any hour and outcomes of every kind; runs `segue backtest` with tests/playbooks/offers; and asks
of every offer, every hold and every withdrawal whether it may be so. The policy stands here a second time, in Python; nothing is read from
the playbook and no code is shared. Memberships and life events are taken as the other topics tell them.

Then breaks the world in known ways (the canaries) and demands that each is found."""
import bisect
import collections
import datetime
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import zoneinfo

try:
    import xxhash
except ImportError:  # then holdouts are checked by what the exposures say
    xxhash = None

ROOT = pathlib.Path(__file__).resolve().parents[2]
START = int(datetime.datetime(2026, 1, 5, tzinfo=datetime.timezone.utc).timestamp() * 1000)
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
DAYS = 90
CHANNELS = ('EMAIL', 'PUSH', 'IN_APP', 'SMS', 'PHONE', 'POST')
ZONES = ('Europe/London', 'Pacific/Auckland', 'America/New_York', 'Asia/Kolkata')
CARE = {'MENTAL_HEALTH', 'BEREAVEMENT', 'FINANCIAL_DIFFICULTY', 'LOW_CAPABILITY', 'SCAM_VICTIM'}

# ---- the policy, said again -------------------------------------------------------------------------------------------------------------
Offer = collections.namedtuple('Offer', 'purpose kind channels group caps cool repeat value review extra')
OFFERS = {
    'card': Offer('MARKETING', 'marketing', {'PUSH', 'EMAIL', 'SMS'}, 'borrow', [(2, 20 * DAY, 'offer')],
                  {'REJECTED': 30 * DAY, 'DISMISSED': 5 * DAY}, 3 * DAY, 40.0, False,
                  {'age': 18, 'bands': 'CDEF', 'held': 'CREDIT_CARD', 'life': 'debt.stress', 'holdout': 1000, 'arms': 3}),
    'loan': Offer('MARKETING', 'marketing', {'EMAIL', 'PHONE'}, 'borrow', [(3, 30 * DAY, 'group'), (1, 5 * DAY, 'offer')], {}, DAY, 95.0, False,
                  {'age': 18, 'bands': 'DEF'}),
    'fund': Offer('MARKETING', 'marketing', {'EMAIL', 'IN_APP', 'POST'}, 'invest', [(2, 15 * DAY, 'offer')], {'REJECTED': 20 * DAY}, DAY, 80.0,
                  True, {'age': 18, 'risk': 4, 'knows': 'INVESTMENT', 'basis': 'CONSENT', 'priority': 1.5}),
    'saver': Offer('MARKETING', 'marketing', {'PUSH', 'EMAIL', 'IN_APP'}, 'save', [(3, 30 * DAY, 'offer')], {}, DAY, 15.0, False,
                   {'segment': 'spender', 'bundle': 'pair', 'arms': 2}),
    'round_up': Offer('MARKETING', 'marketing', {'PUSH', 'EMAIL', 'IN_APP'}, 'save', [(2, 30 * DAY, 'offer')], {}, DAY, 12.0, False,
                      {'bundle': 'pair', 'from': START + 5 * DAY, 'until': START + 51 * DAY + 12 * HOUR + 30 * MINUTE}),
    'statement': Offer('SERVICE', 'transactional', {'SMS', 'EMAIL'}, 'statement', [], {}, DAY, 1.0, False, {}),
    'fee_notice': Offer('SERVICE', 'mandatory', {'POST', 'EMAIL'}, 'fee_notice', [], {}, DAY, 1.0, False, {}),
}
POLICY_CAPS = [(4, 7 * DAY, None), (1, DAY, 'PUSH'), (3, 10 * DAY, 'EMAIL')]
QUIET = {'PUSH', 'SMS', 'PHONE'}
TIRED = {'PRESENTED': 1, 'CLICKED': -1, 'REJECTED': 2, 'DISMISSED': 2, 'EXPIRED': 1, 'COMPLAINED': 10, 'OPTED_OUT': 10}
TIRED_LIMIT, TIRED_HALF, TOP, OPEN, GLOBAL_HOLDOUT, ATTRIBUTION = 8, 7 * DAY, 2, 7 * DAY, 500, 30 * DAY


# ---- customers --------------------------------------------------------------------------------------------------------------------------
def profile(chance, customer, at_ms, before):
    """The newest profile: some fields change, some fall silent."""
    now = dict(before)
    now.setdefault('birth_date', f'{chance.randint(1945, 2012)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}')
    picks = {
        'timezone': lambda: chance.choice(ZONES),
        'income_band': lambda: chance.choice('ABCDEF'),
        'risk_profile': lambda: chance.randint(1, 7),
        'knowledge': lambda: [p for p in ('INVESTMENT', 'SAVINGS', 'FX') if chance.random() < 0.6],
        'products_held': lambda: [p for p in ('CURRENT', 'CREDIT_CARD', 'LOAN') if chance.random() < 0.3],
        'preferred_channel': lambda: chance.choice(CHANNELS),
        'vulnerability': lambda: [v for v in ('HEARING', 'SIGHT', 'BEREAVEMENT', 'SCAM_VICTIM') if chance.random() < 0.08],
        'complaint_open': lambda: chance.random() < 0.08,
    }
    for name, pick in picks.items():
        if name not in now or chance.random() < 0.3:
            now[name] = None if chance.random() < 0.05 else pick()
    consents = dict(before.get('consents', {}))
    for purpose in ('MARKETING', 'SERVICE'):
        for channel in CHANNELS:
            if chance.random() < (0.8 if not before else 0.15):
                consents[purpose, channel] = (chance.choices(('GRANTED', 'DENIED', 'WITHDRAWN'), (80, 10, 10))[0],
                                              chance.choices(('CONSENT', 'LEGITIMATE_INTEREST', None), (80, 15, 5))[0], at_ms)
    now['consents'] = consents
    event = {k: v for k, v in now.items() if k != 'consents' and v is not None}
    event.update(customer_id=customer, updated_at=at_ms)
    event['consents'] = [{'purpose': p, 'channel': c, 'status': s, 'lawful_basis': b, 'updated_at': t} for (p, c), (s, b, t) in consents.items()]
    return event, now


def generate(seed, count):
    """Events as (time, source, event), by time; no two of a customer at once."""
    events = []
    for number in range(count):
        chance = random.Random(f'{seed}/{number}')
        customer, known, at_ms = f'c{number}', {}, START + chance.randrange(DAY)
        serial = 0
        while at_ms < START + DAYS * DAY:
            roll, serial = chance.random(), serial + 1
            ident = {'event_id': f'{customer}-{serial}', 'customer_id': customer}
            if roll < 0.1 or (not known and roll < 0.7):
                event, known = profile(chance, customer, at_ms, known)
                events.append((at_ms, 'customer-profiles', event))
            elif roll < 0.13:
                tx = chance.choices(({'kind': 'FEE'}, {'kind': 'CARD', 'mcc': 7261}, {'kind': 'CHEQUE'}), (70, 10, 20))[0]
                events.append((at_ms, 'transactions', {**ident, **tx, 'account_id': 'a', 'account_type': 'CURRENT', 'booked_at': at_ms,
                                                       'amount_minor': 500, 'currency': 'GBP', 'direction': 'DEBIT', 'status': 'POSTED',
                                                       'channel': 'ONLINE'}))
            elif roll < 0.16:
                events.append((at_ms, 'offer-outcomes', {**ident, 'decision_id': 'x', 'offer_id': chance.choice(list(OFFERS)),
                                                         'channel': chance.choice(CHANNELS), 'occurred_at': at_ms,
                                                         'outcome': chance.choices(list(TIRED) + ['ACCEPTED'], (5, 3, 2, 3, 1, 1, 1, 2))[0]}))
            else:
                name = chance.choices(('login', 'loan', 'invest', 'statement'), (8, 1, 1, 1))[0]
                events.append((at_ms, 'app-engagement', {**ident, 'event': name, 'occurred_at': at_ms}))
            at_ms += chance.choice((chance.randrange(SECOND, HOUR), chance.randrange(HOUR, DAY), chance.randrange(DAY, 3 * DAY)))
    return sorted(events, key=lambda e: (e[0], e[2]['customer_id']))


def respond(seed, outputs):
    """What customers did with the decisions of a first run: the second run may decide otherwise, and then these are strays."""
    out = []
    for record in outputs:
        for offer in record['value'].get('offers', ()) if record['topic'] == 'segue.offers' else ():
            chance = random.Random(f"{seed}/{record['value']['decision_id']}/{offer['offer_id']}")
            at_ms, steps = offer['send_after'], []
            if chance.random() < 0.6:
                steps = ['PRESENTED'] + chance.choices((['DISMISSED'], ['CLICKED'], ['CLICKED', 'ACCEPTED'], ['REJECTED'], []), (4, 3, 2, 1, 3))[0]
            for number, step in enumerate(steps):
                at_ms += chance.randrange(SECOND, 2 * DAY)
                out.append((at_ms, 'offer-outcomes', {
                    'event_id': f"{record['value']['decision_id']}-{offer['offer_id']}-{number}", 'customer_id': record['key'],
                    'decision_id': record['value']['decision_id'], 'offer_id': offer['offer_id'], 'variant': offer['variant'],
                    'channel': offer['channel'], 'outcome': step, 'occurred_at': at_ms,
                    'revenue_minor': chance.randrange(50_000) if step in ('ACCEPTED', 'CLICKED') else 0}))
    return out


def backtest(segue, events, folder):
    path = pathlib.Path(folder) / 'events.ndjson'
    path.write_text(''.join(json.dumps({'source': s, 'event': e}) + '\n' for _, s, e in events))
    text = (ROOT / 'tests/playbooks/offers/offers.yaml').read_text()  # whose offers are always valid: others use it in other years
    limited = text.replace('  round_up:\n', '  round_up:\n    valid: {from: 2026-01-10, until: 2026-02-25T12:30:00Z}\n')
    assert limited != text
    playbook = pathlib.Path(folder) / 'playbook.yaml'
    playbook.write_text(limited)
    run = subprocess.run([segue, 'backtest', '--quiet', '--playbook', playbook, '--events', path], check=True, capture_output=True, text=True)
    assert not run.stderr, run.stderr[:500]
    return [json.loads(line) for line in run.stdout.splitlines()]


# ---- what is known of one customer ------------------------------------------------------------------------------------------------------
class Customer:
    def __init__(self, name):
        self.name, self.profile, self.profile_ms = name, None, None
        self.consents, self.segments, self.life = {}, set(), set()
        self.opted_out, self.complained, self.outcomes = {}, None, {}
        self.tired, self.tired_ms = 0.0, None
        self.contacts, self.decided, self.held, self.open = [], {}, {}, {}
        self.out_of = set()

    def take(self, source, event, at_ms):
        if source == 'customer-profiles':
            self.profile, self.profile_ms = event, at_ms
            self.consents = {(c['purpose'], c['channel']): c for c in event['consents']}
        elif source == 'offer-outcomes':
            kind, channel, offer = event['outcome'], event['channel'], event['offer_id']
            self.outcomes[offer, kind] = at_ms
            self.tired = max(0, self.tired_at(at_ms) + TIRED.get(kind, 0)) if kind != 'ACCEPTED' else 0
            self.tired_ms = at_ms
            if kind == 'OPTED_OUT':
                self.opted_out[channel] = at_ms
            if kind == 'COMPLAINED':
                self.complained = at_ms
            if self.open.get(offer, (None,))[0] == event['decision_id']:
                del self.open[offer]

    def tired_at(self, at_ms):
        return self.tired * 0.5 ** ((at_ms - self.tired_ms) / TIRED_HALF) if self.tired else 0.0

    def age(self, at_ms):
        born = datetime.date.fromisoformat(self.profile['birth_date'])
        day = self.local(at_ms).date()
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))

    def local(self, at_ms):
        zone = (self.profile or {}).get('timezone') or 'Europe/London'
        return datetime.datetime.fromtimestamp(at_ms // 1000, zoneinfo.ZoneInfo(zone))

    def is_quiet(self, at_ms):
        hour = self.local(at_ms).hour
        return hour >= 21 or hour < 8

    def may_speak(self, offer, channel):
        """None, or why this offer may not be said on this channel: who may be spoken to at all."""
        spec = OFFERS[offer]
        if channel not in spec.channels:
            return 'channel'
        if spec.kind == 'mandatory':
            return None
        consent = self.consents.get((spec.purpose, channel))
        if consent is None or consent['status'] != 'GRANTED' or consent['lawful_basis'] is None:
            return 'consent'
        if spec.extra.get('basis') not in (None, consent['lawful_basis']):
            return 'consent'
        if spec.purpose != 'MARKETING':
            return None
        if channel in self.opted_out and consent['updated_at'] <= self.opted_out[channel]:
            return 'consent'
        if self.profile.get('complaint_open') is not False or (self.complained or 0) >= self.profile_ms:
            return 'complaint'
        if 'in_arrears' in self.segments:
            return 'stop'
        if self.profile.get('vulnerability') is None or CARE & set(self.profile['vulnerability']) or 'bereavement' in self.life:
            return 'vulnerable'
        return 'life' if spec.extra.get('life') in self.life else None

    def unfit(self, offer, at_ms):
        """None, or why the offer is not for this customer at all."""
        extra, profile = OFFERS[offer].extra, self.profile or {}
        if not extra.get('from', 0) <= at_ms < extra.get('until', math.inf):
            return 'time'
        if 'age' in extra and (self.profile is None or self.age(at_ms) < extra['age']):
            return 'eligible'
        if 'segment' in extra and extra['segment'] not in self.segments:
            return 'segment'
        if 'knows' in extra and (profile.get('risk_profile') is None or extra['knows'] not in (profile.get('knowledge') or ())):
            return 'suitable'
        if 'risk' in extra and profile.get('risk_profile', 0) < extra['risk']:
            return 'suitable'
        if 'bands' in extra and (profile.get('income_band') or '-') not in extra['bands']:
            return 'affordable'
        if 'held' in extra and (profile.get('products_held') is None or extra['held'] in profile['products_held']):
            return 'applicable'
        return None

    def over_cap(self, offer, channel, at_ms):
        spec = OFFERS[offer]
        for limit, window, scope in spec.caps:
            same = [c for c in self.contacts if c[0] > at_ms - window and (c[1] == offer if scope == 'offer' else c[2] == spec.group)]
            if len(same) >= limit:
                return f'{limit}/{window // DAY}d {scope}'
        for limit, window, on in POLICY_CAPS:
            if on in (None, channel) and sum(1 for c in self.contacts if c[0] > at_ms - window and on in (None, c[3])) >= limit:
                return f'{limit}/{window // DAY}d {on or "all"}'
        return None


def bucket(layer, customer):
    salt = xxhash.xxh3_64_intdigest(b'segue', 0)
    return xxhash.xxh3_64_intdigest(layer.encode() + b'\0' + customer.encode(), salt) % 10000


# ---- the checks -------------------------------------------------------------------------------------------------------------------------
class Checker:
    def __init__(self):
        self.broken = collections.Counter()
        self.first = {}
        self.seen = collections.Counter()

    def claim(self, holds, what, customer, record):
        self.seen[what] += 1
        if not holds:
            self.broken[what] += 1
            self.first.setdefault(what, f"{customer.name} at {record.get('effective_at')}: {json.dumps(record)[:600]}")

    def offer(self, customer, offer, value):
        name, channel, at_ms = offer['offer_id'], offer['channel'], value['effective_at']
        spec = OFFERS[name]
        claim = lambda holds, what: self.claim(holds, what, customer, value)  # noqa: E731
        why = customer.may_speak(name, channel)
        claim(why is None, f'gate:{why or "permission"}')
        unfit = customer.unfit(name, at_ms)
        claim(unfit is None, f'gate:{unfit or "fitness"}')
        last = customer.decided.get(name)
        claim(last is None or at_ms >= last + spec.repeat, 'gate:repeat')
        claim(offer['send_after'] == at_ms, 'send_after is not the moment')
        if spec.kind != 'mandatory':
            claim(channel not in QUIET or not customer.is_quiet(at_ms), 'gate:quiet_hours')
            by_all = spec.kind == 'marketing'
            claim(not (by_all and 'global' in customer.out_of) and f'offer:{name}' not in customer.out_of, 'gate:holdout')
            if xxhash:
                held = by_all and bucket('global', customer.name) < GLOBAL_HOLDOUT or bucket(f'offer:{name}', customer.name) < spec.extra.get('holdout', 0)
                claim(not held, 'gate:holdout by hash')
        for kind, wait in spec.cool.items():
            claim(customer.outcomes.get((name, kind), -wait) + wait <= at_ms, 'gate:cool_down')
        if spec.kind == 'marketing':
            claim(customer.over_cap(name, channel, at_ms) is None, 'gate:contact_cap')
            claim(customer.tired_at(at_ms) < TIRED_LIMIT + 1e-9, 'gate:fatigue')
            customer.contacts.append((at_ms, name, spec.group, channel))
        terms = offer['terms']
        claim(math.isclose(offer['score'], terms['p'] * terms['c'] * terms['v'] * terms['l'], rel_tol=1e-12), 'score is not the product')
        claim(terms['v'] == spec.value and terms['l'] == spec.extra.get('priority', 1), 'terms')
        claim(0 < offer['selection_probability'] <= 1 and ('arms' in spec.extra or offer['selection_probability'] == 1), 'probability')
        customer.decided[name] = at_ms
        customer.open[name] = (value['decision_id'], channel, at_ms)

    def decision(self, customer, value):
        offers = value['offers'] + value['for_review']
        claim = lambda holds, what: self.claim(holds, what, customer, value)  # noqa: E731
        for gone in value['withdrawn']:
            name, at_ms = gone['offer_id'], value['effective_at']
            claim(gone['decision_id'] in (customer.open.get(name, (None,))[0], customer.held.get(name, (None,))[0]), 'withdrawn: no such decision')
            claim(gone['gate'] != 'time' or at_ms == OFFERS[name].extra['until'], 'withdrawn at another moment than the end of its time')
            if customer.open.get(name, (None,))[0] == gone['decision_id']:
                del customer.open[name]
            else:
                customer.held.pop(name, None)
        for name in [b['offer_id'] for b in value['blocked']] + [o['offer_id'] for o in offers]:
            customer.held.pop(name, None)
        claim(all(o['offer_id'] in OFFERS and OFFERS[o['offer_id']].review for o in value['for_review']) and
              not any(OFFERS[o['offer_id']].review for o in value['offers']), 'review queue')
        entries = {OFFERS[o['offer_id']].extra.get('bundle', o['offer_id']) for o in offers}
        claim(len(entries) <= TOP, 'more than top')
        groups = collections.defaultdict(set)
        for o in offers:
            groups[OFFERS[o['offer_id']].group].add(OFFERS[o['offer_id']].extra.get('bundle', o['offer_id']))
        claim(all(len(g) == 1 for g in groups.values()), 'two of a group')
        for offer in offers:
            self.offer(customer, offer, value)
        for block in value['blocked']:
            self.block(customer, block, value)

    def block(self, customer, block, value):
        """Gates must not close without a reason either."""
        name, gate, at_ms = block['offer_id'], block['gate'], value['effective_at']
        spec = OFFERS[name]
        open_for = [c for c in spec.channels if customer.profile and customer.may_speak(name, c) is None]
        permission = {'consent', 'complaint', 'stop', 'vulnerable', 'life'}
        if gate in permission:
            self.claim(not open_for, f'blocked without reason: {gate}', customer, value)
        elif gate in ('time', 'eligible', 'segment', 'suitable', 'affordable'):
            self.claim(customer.unfit(name, at_ms) == gate, f'blocked without reason: {gate}', customer, value)
        elif gate == 'holdout':
            self.claim(spec.kind == 'marketing' or 'holdout' in spec.extra, 'a service message was held out', customer, value)
        elif gate == 'cool_down':
            late = any(customer.outcomes.get((name, k), -w) + w > at_ms for k, w in spec.cool.items())
            self.claim(late, 'blocked without reason: cool_down', customer, value)
        elif gate == 'fatigue':
            self.claim(customer.tired_at(at_ms) >= TIRED_LIMIT - 1e-9, 'blocked without reason: fatigue', customer, value)
        elif gate == 'quiet_hours':
            until = int(datetime.datetime.fromisoformat(block['reason'].split()[-1].replace('Z', '+00:00')).timestamp() * 1000)
            local = customer.local(until)
            self.claim(customer.is_quiet(at_ms) and (local.hour, local.minute, local.second) == (8, 0, 0) and until - at_ms <= 12 * HOUR,
                       'held until another moment than the end of quiet hours', customer, value)
            customer.held[name] = (value['decision_id'], until)

    def left_open(self, customer, at_ms, record):
        """After an event: nothing may still be open or held that may no longer be said."""
        for name, (_, channel, since) in list(customer.open.items()):
            if at_ms > since + OPEN:
                del customer.open[name]
                continue
            self.claim(at_ms < OFFERS[name].extra.get('until', math.inf), 'an open offer was not withdrawn when its time was over', customer, record)
            if OFFERS[name].kind != 'mandatory':
                self.claim(customer.may_speak(name, channel) is None, 'an open offer was not withdrawn', customer, record)
        for name, (_, until) in list(customer.held.items()):
            channels = [c for c in OFFERS[name].channels if customer.may_speak(name, c) is None]
            self.claim(bool(channels) and at_ms < OFFERS[name].extra.get('until', math.inf), 'a held offer was not withdrawn', customer, record)
            self.claim(until > at_ms, 'a held offer was not released', customer, record)


def check(events, outputs):
    checker, per_customer = Checker(), collections.defaultdict(list)
    for record in outputs:
        if record['topic'] in ('segue.segment-changes', 'segue.life-events', 'segue.offers', 'segue.exposures'):
            per_customer[record['key']].append(record)
    counts, mine = collections.Counter(), collections.defaultdict(list)
    for at_ms, source, event in events:
        mine[event['customer_id']].append((at_ms, source, event, counts[source]))
        counts[source] += 1
    for name, list_ in mine.items():
        customer, records, at = Customer(name), per_customer[name], 0

        def tell(record):
            value = record['value']
            if record['topic'] == 'segue.segment-changes':
                (customer.segments.add if value['transition'] == 'ENTERED' else customer.segments.discard)(value['segment_id'])
            elif record['topic'] == 'segue.life-events':
                (customer.life.add if value['state'] in ('SUSPECTED', 'CONFIRMED') else customer.life.discard)(value['life_event'])
            elif record['topic'] == 'segue.offers':
                checker.decision(customer, value)
            elif value['held_out']:
                customer.out_of.add(value['layer'])

        def same_moment(record, source, offset):
            cause = record['value'].get('cause')
            return cause is not None and (cause['topic'], cause['offset']) == (f'bank.{source}', offset)

        for at_ms, source, event, offset in mine[name]:
            while at < len(records) and 'cause' in records[at]['value'] and records[at]['value']['cause'] is None and \
                    records[at]['value']['effective_at'] <= at_ms or at < len(records) and records[at]['topic'] == 'segue.exposures' and \
                    records[at]['value']['effective_at'] < at_ms:
                tell(records[at])
                at += 1
            customer.take(source, event, at_ms)
            while at < len(records) and (same_moment(records[at], source, offset) or
                                         records[at]['topic'] == 'segue.exposures' and records[at]['value']['effective_at'] == at_ms):
                tell(records[at])
                at += 1
            if customer.profile is not None:
                checker.left_open(customer, at_ms, {'effective_at': at_ms, 'source': source, 'event': event})
        for record in records[at:]:
            tell(record)
    return checker


# ---- experiments: counted here, by the tasks' counters and by `segue report` -------------------------------------------------------------
def recount_experiments(events, outputs):
    """(offer, layer, held out) -> [customers, converted, revenue, squares of it in pounds], by the first exposure."""
    units, sides = {}, collections.defaultdict(lambda: [0, 0, 0, 0.0])
    for record in outputs:
        value = record['value']
        if record['topic'] == 'segue.exposures' and not value['layer'].startswith('variant:'):
            units.setdefault((value['customer_id'], value['offer_id'], value['layer']), [value['held_out'], value['effective_at'], 0, 0])
    for at_ms, source, event in events:
        for layer in ('global', f"offer:{event['offer_id']}") if source == 'offer-outcomes' else ():
            unit = units.get((event['customer_id'], event['offer_id'], layer))
            if unit is not None and unit[1] <= at_ms <= unit[1] + ATTRIBUTION:
                unit[2] |= event['outcome'] == 'ACCEPTED'
                unit[3] += event.get('revenue_minor', 0)
    for (_, offer, layer), (held, _, converted, revenue) in units.items():
        side = sides[offer, layer, held]
        for i, more in enumerate((1, converted, revenue, (revenue / 100) ** 2)):
            side[i] += more
    return dict(sides)


def experiments(segue, events, outputs, folder):
    """What differs, as text."""
    counted = recount_experiments(events, outputs)
    newest = {r['key']: r['value'] for r in outputs if r['topic'] == 'segue.offer-stats' and r['value']['experiment'] is not None}
    told = {(value['offer_id'], s['layer'], s['control']): [s['customers'], s['converted'], s['revenue_minor'], s['revenue_squares']]
            for value in newest.values() for s in value['sides']}
    path = pathlib.Path(folder) / 'report.ndjson'
    path.write_text(''.join(json.dumps(r) + '\n' for r in outputs + [{'source': s, 'event': e} for _, s, e in events if s == 'offer-outcomes']))
    run = subprocess.run([segue, 'report', '--json', '--playbook', pathlib.Path(folder) / 'playbook.yaml', path], capture_output=True, text=True)
    reported = {(e['offer'], e['layer'], side): [e[name], e[f'{name}_converted'], e[f'{name}_revenue_minor']]
                for e in json.loads(run.stdout)['experiments'] for side, name in ((False, 'treated'), (True, 'held_out')) if e[name]}
    close = lambda a, b: len(a) == len(b) and all(math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-6) for x, y in zip(a, b))  # noqa: E731
    wrong = [f'{key}: counted {value}, the tasks say {told.get(key)}' for key, value in counted.items() if not close(value, told.get(key, []))]
    wrong += [f'{key}: counted {value}, the report says {reported.get(key)}' for key, value in counted.items() if not close(value[:3], reported.get(key, []))]
    return wrong + [f'{key}: nobody' for key in (set(told) | set(reported)) - set(counted)], counted


# ---- canaries: a world broken in a known way must be found ------------------------------------------------------------------------------
def without(events, test):
    return [e for e in events if not test(e)]


def canaries(events, outputs):
    """Name, events and outputs: what the engine would have said had it not looked."""
    def edit(change):
        return [change(r) or r for r in outputs]

    def profiles(change):
        return [(t, s, {**e, **change(e)}) if s == 'customer-profiles' else (t, s, e) for t, s, e in events]

    def shifted(record):
        if record['topic'] != 'segue.offers' or not record['value']['offers']:
            return None
        copy = json.loads(json.dumps(record))
        copy['value']['offers'][0]['channel'] = 'PUSH' if copy['value']['offers'][0]['channel'] != 'PUSH' else 'EMAIL'
        return copy

    def no_withdrawal(record):
        return record['topic'] == 'segue.offers' and record['value']['withdrawn']

    yield 'consent ignored', profiles(lambda e: {'consents': [{**c, 'status': 'DENIED'} if c['channel'] == 'EMAIL' else c for c in e['consents']]}), \
        outputs, 'gate:consent'
    yield 'complaint ignored', profiles(lambda e: {'complaint_open': True}), outputs, 'gate:complaint'
    yield 'vulnerability ignored', profiles(lambda e: {'vulnerability': ['SCAM_VICTIM']}), outputs, 'gate:vulnerable'
    yield 'knowledge ignored', profiles(lambda e: {'knowledge': []}), outputs, 'gate:suitable'
    yield 'affordability ignored', profiles(lambda e: {'income_band': 'A'}), outputs, 'gate:affordable'
    yield 'zone ignored', profiles(lambda e: {'timezone': 'Pacific/Honolulu'}), outputs, 'gate:quiet_hours'
    yield 'a decision said twice', events, [r for r in outputs for _ in range(2 if r['topic'] == 'segue.offers' else 1)], 'gate:contact_cap'
    yield 'another channel', events, edit(shifted), 'gate:permission'
    def late(record):
        if record['topic'] != 'segue.offers' or not any(gone['gate'] == 'time' for gone in record['value']['withdrawn']):
            return None
        return {**record, 'value': {**record['value'], 'effective_at': record['value']['effective_at'] + MINUTE}}

    yield 'withdrawals lost', events, without(outputs, no_withdrawal), 'an open offer was not withdrawn'
    yield 'ends of offers lost', events, without(outputs, no_withdrawal), 'an open offer was not withdrawn when its time was over'
    yield 'ends of offers late', events, edit(late), 'withdrawn at another moment than the end of its time'


def found(checker, what):
    if what == 'gate:permission':
        return any(checker.broken[f'gate:{g}'] for g in ('channel', 'consent'))
    return checker.broken[what] > 0


def main():
    segue = sys.argv[1]
    seed = sys.argv[2] if len(sys.argv) > 2 else os.environ.get('SEED', '1')
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 100
    with tempfile.TemporaryDirectory() as folder:
        events = generate(seed, count)
        first = backtest(segue, events, folder)
        events = sorted(events + respond(seed, first), key=lambda e: (e[0], e[2]['customer_id']))
        outputs = backtest(segue, events, folder)
        wrong, sides = experiments(segue, events, outputs, folder)
        lost = [r for r in outputs if r['topic'] != 'segue.exposures' or not r['value']['held_out'] or int(r['value']['customer_id'][1:]) % 4]
        unseen, _ = experiments(segue, events, lost, folder)
    results = [(not wrong, f'experiments are counted alike by tasks, report and recount: {wrong[:3]}', None),
               (any(side[1] for side in sides.values()) and any(key[2] for key in sides), 'somebody converted, somebody was held out', None),
               (bool(unseen), 'canary found: exposures lost', None)]
    checker = check(events, outputs)
    results.append((not checker.broken, f'no decision breaks a gate (seed {seed})', checker))
    decided = [r['value'] for r in outputs if r['topic'] == 'segue.offers']
    gates = collections.Counter(b['gate'] for v in decided for b in v['blocked'])
    wanted = {'time', 'eligible', 'segment', 'consent', 'complaint', 'stop', 'vulnerable', 'life', 'suitable', 'affordable', 'applicable', 'holdout',
              'contact_cap', 'cool_down', 'fatigue', 'quiet_hours', 'arbitration'}
    results.append((wanted <= set(gates), f'every gate was met: missing {sorted(wanted - set(gates))}', None))
    results.append((any(v['withdrawn'] for v in decided), 'something was withdrawn', None))
    for name, broken_events, broken_outputs, what in canaries(events, outputs):
        results.append((found(check(broken_events, broken_outputs), what), f'canary found: {name}', None))
    print(f'1..{len(results)}')
    for number, (good, text, report) in enumerate(results, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {text}")
        for what, times in report.broken.most_common() if report else ():
            print(f'# {what}: {times} times, first {report.first[what]}')
    made = sum(len(v['offers']) + len(v['for_review']) for v in decided)
    print(f"# events: {len(events)}, decisions: {len(decided)}, offers: {made}, withdrawn: {sum(len(v['withdrawn']) for v in decided)}")
    print(f'# blocked: {dict(gates.most_common())}')
    sys.exit(0 if all(r[0] for r in results) else 1)


if __name__ == '__main__':
    main()
