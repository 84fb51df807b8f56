#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counters by previous outcome, through the engine. usage: check_campaign.py SEGUE [SEED [CUSTOMERS]]

A campaign log as banks have them (the base rates are those published for the bank marketing data of Moro, Cortez and Rita, 2014: of those who
accepted the last campaign 65 % accept this one, of those who refused it 13 %, of the others 9 %). Six monthly waves; the log of each wave is what customers
did with the decisions that `segue backtest` made in it. Then everything is counted once more here, from the log alone, and must be equal: the counters
that the tasks wrote to segue.offer-stats, per variant, channel and context (the previous outcome); the context and P of every single decision,
from the counters of its task as they stood. Outcomes that come twice, later than the attribution window, or name no decision are in the log.
"""
import collections
import datetime
import json
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
import murmur2  # noqa: E402

DAY, START = 86_400_000, int(datetime.datetime(2026, 1, 5, 12, tzinfo=datetime.timezone.utc).timestamp() * 1000)
WAVES, EVERY, TASKS, ATTRIBUTION = 6, 30, 4, 20 * DAY
RATES = {'bought': 0.65, 'refused': 0.13, 'other': 0.09}
PRIOR = (1.0, 20.0)
COUNTED = ('presented', 'clicked', 'accepted', 'rejected', 'complained', 'opted_out', 'revenue_minor')
COLUMN = {'PRESENTED': 'presented', 'CLICKED': 'clicked', 'ACCEPTED': 'accepted', 'REJECTED': 'rejected', 'DISMISSED': 'rejected',
          'COMPLAINED': 'complained', 'OPTED_OUT': 'opted_out'}
NAME = {'ACCEPTED': 'bought', 'REJECTED': 'refused'}


def people(chance, count):
    for number in range(count):
        channels = chance.choice((('PHONE',), ('EMAIL',), ('PHONE', 'EMAIL')))
        yield {'customer_id': f'c{number}', 'updated_at': START, 'birth_date': '1980-01-01', 'complaint_open': False, 'vulnerability': [],
               'products_held': [], 'preferred_channel': chance.choice(channels),
               'consents': [{'purpose': 'MARKETING', 'channel': c, 'status': 'GRANTED', 'lawful_basis': 'CONSENT', 'updated_at': START} for c in channels]}


def wave_of(number, seed, count):
    """Everybody is called once a wave, at a moment of their own."""
    for customer in range(count):
        chance = random.Random(f'{seed}/{number}/{customer}')
        at_ms = START + (1 + EVERY * number) * DAY + chance.randrange(5 * DAY)
        yield at_ms, 'app-engagement', {'event_id': f'call{number}-{customer}', 'customer_id': f'c{customer}', 'event': 'campaign', 'occurred_at': at_ms}


def answers(seed, decision, said_before):
    """What this customer does with the decision."""
    offer, at_ms = decision['offers'][0], decision['effective_at']
    chance = random.Random(f"{seed}/{decision['decision_id']}")
    out = []

    def answer(outcome, after, revenue=0, decision_id=decision['decision_id']):
        out.append((at_ms + after, 'offer-outcomes', {
            'event_id': f"{decision['decision_id']}-{len(out)}", 'customer_id': decision['customer_id'], 'decision_id': decision_id,
            'offer_id': offer['offer_id'], 'variant': offer['variant'], 'channel': offer['channel'], 'outcome': outcome, 'occurred_at': at_ms + after,
            'revenue_minor': revenue}))

    if chance.random() < 0.9:
        answer('PRESENTED', 60_000)
        if chance.random() < 0.1:
            answer('PRESENTED', 90_000)  # the app says it twice
    late = DAY * chance.choices((1, 15, 22), (80, 10, 10))[0]
    accepts = chance.random() < RATES[NAME.get(said_before, 'other')]
    if accepts:
        answer('ACCEPTED', late, chance.randrange(1000, 90_000))
    elif chance.random() < 0.7:
        answer(chance.choices(('REJECTED', 'DISMISSED', 'COMPLAINED', 'OPTED_OUT'), (85, 13, 1, 1))[0], late)
    if chance.random() < 0.03:
        answer('CLICKED', late + 60_000, decision_id='somebody else')
    return out


def backtest(segue, events, folder):
    path = pathlib.Path(folder) / 'events.ndjson'
    path.write_text(''.join(json.dumps({'source': s, 'event': e}) + '\n' for _, s, e in events))
    run = subprocess.run([segue, 'backtest', '--quiet', '--playbook', ROOT / 'tests/playbooks/campaign', '--tasks', str(TASKS), '--events', path],
                         check=True, capture_output=True, text=True)
    assert not run.stderr, run.stderr[:500]
    return [json.loads(line) for line in run.stdout.splitlines()]


def in_order(events):
    return sorted(events, key=lambda e: (e[0], e[2].get('event_id', '')))


def last_answer(events, customer, before_ms):
    said = [e['outcome'] for t, s, e in events if s == 'offer-outcomes' and e['customer_id'] == customer and t < before_ms and e['outcome'] in NAME]
    return said[-1] if said else None


def campaign(segue, seed, count, folder):
    """Wave after wave: decide, answer, decide again. What was decided before stays as it is, because a replay says the same."""
    events = [(START, 'customer-profiles', p) for p in people(random.Random(seed), count)]
    for number in range(WAVES):
        events = in_order(events + list(wave_of(number, seed, count)))
        outputs = backtest(segue, events, folder)
        begin = START + EVERY * number * DAY
        mine = collections.defaultdict(list)
        for event in events:
            mine[event[2]['customer_id']].append(event)
        new = []
        for record in outputs:
            value = record['value']
            if record['topic'] == 'segue.offers' and value['offers'] and value['effective_at'] >= begin:
                new += answers(seed, value, last_answer(mine[value['customer_id']], value['customer_id'], value['effective_at']))
        events = in_order(events + new)
    return events, backtest(segue, events, folder)


class Recount:
    """One pass over the log: the counters per task and arm, and what each decision must have said."""

    def __init__(self):
        self.counts = collections.defaultdict(collections.Counter)  # (task, variant, channel, context) -> columns
        self.said, self.open, self.wrong, self.checked = {}, {}, [], 0
        self.last = {}  # (customer, outcome) -> when it last came

    def p(self, task, channel, context):
        """The offer's rate on the channel from the prior, then the context's from that."""
        total, here = list(PRIOR), [0.0, 0.0]
        for (t, _, c, x), row in self.counts.items():
            if (t, c) == (task, channel):
                pair = (row['accepted'], max(row['presented'], row['accepted']))
                total = [a + b for a, b in zip(total, pair)]
                here = [a + b for a, b in zip(here, pair)] if x == context else here
        return (total[0] / total[1] * PRIOR[1] + here[0]) / (PRIOR[1] + here[1])

    def outcome(self, task, at_ms, event):
        decision = self.open.get(event['customer_id'])
        ours = decision is not None and decision['id'] == event['decision_id']
        context = decision['context'] if ours else 'other'
        row = self.counts[task, event['variant'], event['channel'], context]
        if event['outcome'] in NAME:
            self.said[event['customer_id']] = event['outcome']
        before, shown = self.last.get((event['customer_id'], event['outcome'])), self.last.get((event['customer_id'], 'PRESENTED'))
        self.last[event['customer_id'], event['outcome']] = at_ms
        shown = max((t for t in (shown, decision and decision['at_ms']) if t is not None), default=None)
        stands = before is None or at_ms > before + ATTRIBUTION
        if not ours and not (stands and shown is not None and at_ms <= shown + ATTRIBUTION):
            return  # somebody else's: only after an offer that may have led to it, and once
        if ours:
            if event['outcome'] in decision['heard'] or at_ms > decision['at_ms'] + ATTRIBUTION:
                return
            if event['outcome'] == 'ACCEPTED' and 'PRESENTED' not in decision['heard']:
                row['presented'] += 1
                decision['heard'].add('PRESENTED')
            decision['heard'].add(event['outcome'])
        row[COLUMN[event['outcome']]] += 1
        row['revenue_minor'] += event.get('revenue_minor') or 0

    def decision(self, task, value):
        offer = value['offers'][0]
        context = NAME.get(self.said.get(value['customer_id']), 'other')
        p = self.p(task, offer['channel'], context)
        self.checked += 1
        if offer['context'] != context or abs(offer['terms']['p'] - p) > 1e-12:
            self.wrong.append(f"{value['customer_id']} at {value['effective_at']}: {offer['context']}, P {offer['terms']['p']}; recounted {context}, {p}")
        self.open[value['customer_id']] = {'id': value['decision_id'], 'context': context, 'at_ms': value['effective_at'], 'heard': set()}


def recount(events, outputs):
    decided = {(v['customer_id'], v['effective_at']): v for v in (r['value'] for r in outputs if r['topic'] == 'segue.offers') if v['offers']}
    out = Recount()
    for at_ms, source, event in events:
        task = murmur2.partition(event['customer_id'], TASKS)
        if source == 'offer-outcomes':
            out.outcome(task, at_ms, event)
        elif source == 'app-engagement' and (event['customer_id'], at_ms) in decided:
            out.decision(task, decided[event['customer_id'], at_ms])
    return out


def main():
    segue, seed = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else '1'
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 250
    with tempfile.TemporaryDirectory() as folder:
        events, outputs = campaign(segue, seed, count, folder)
    mine = recount(events, outputs)
    theirs = {}
    for record in outputs:
        value = record['value']
        if record['topic'] == 'segue.offer-stats':
            theirs[value['task'], value['variant'], value['channel'], value['context']] = {c: value[c] for c in COUNTED}
    wrong = mine.wrong[:5]
    ours = {key: {c: row[c] for c in COUNTED} for key, row in mine.counts.items() if any(row.values())}
    for key in sorted(set(theirs) | set(ours)):
        if theirs.get(key) != ours.get(key):
            wrong.append(f'{key}: says {theirs.get(key)}, recounted {ours.get(key)}')
    by_context = collections.defaultdict(collections.Counter)
    for (_, _, _, context), row in ours.items():
        by_context[context].update(row)
    if set(by_context) != set(RATES) or mine.checked < WAVES * count * 0.8:
        wrong.append(f'contexts {sorted(by_context)}, decisions {mine.checked}')
    print(*wrong, sep='\n')
    for context, row in sorted(by_context.items()):
        print(f"campaign_{context}: {row['accepted']} of {row['presented']} ({row['accepted'] / row['presented']:.1%})")
    print(f'campaign_decisions_recomputed: {mine.checked}\ncampaign_counters_recomputed: {len(ours)}')
    sys.exit(1 if wrong else 0)


main()
