#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One task's answers teach another. usage: check_offer_stats.py SEGUE WORK_DIR

Two tasks, live clock. Customers of task 0 answer an offer, more often than the playbook's prior thinks. Then a customer of task 1 logs in:
the propensity in that decision must be the prior and all answers of task 0 together, although task 1 has seen none of them. Then the process is
killed: the next decision of task 1 is as well informed, because what was read stands in the task's record. At the end /metrics has as many customers on
each side of each experiment as the topic of exposures. Prints the time from the login's append to
the committed offer, as p50 and p99 over many logins.
"""
import collections
import json
import pathlib
import re
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
import murmur2  # noqa: E402
from stack import Process, Stack  # noqa: E402

SHOWN, ACCEPTED, PRIOR = 200, 80, (1, 20)
LOGINS = 300


def customers(task):
    number = 0
    while True:
        name = f'c{number}'
        if murmur2.partition(name, 2) == task:
            yield name
        number += 1


class Feed:
    """Events of now, in a file each time."""
    def __init__(self, stack, folder):
        self.stack, self.path, self.count, self.serial = stack, pathlib.Path(folder) / 'feed.ndjson', 0, 0

    def send(self, events):
        self.path.write_text(''.join(json.dumps({'source': s, 'event': e}) + '\n' for s, e in events))
        self.stack.feed(self.path)
        self.count += len(events)

    def ident(self, customer):
        self.serial += 1
        return {'event_id': f'e{self.serial}', 'customer_id': customer}

    def profile(self, customer):
        now = int(time.time() * 1000)
        consents = [{'purpose': 'MARKETING', 'channel': 'IN_APP', 'status': 'GRANTED', 'lawful_basis': 'CONSENT', 'updated_at': now}]
        return 'customer-profiles', {'customer_id': customer, 'updated_at': now, 'birth_date': '1980-01-01', 'complaint_open': False,
                                     'vulnerability': [], 'products_held': [], 'preferred_channel': 'IN_APP', 'consents': consents}

    def login(self, customer):
        return 'app-engagement', {**self.ident(customer), 'event': 'login', 'occurred_at': int(time.time() * 1000)}

    def outcome(self, customer, kind):
        return 'offer-outcomes', {**self.ident(customer), 'decision_id': 'earlier', 'offer_id': 'round_up', 'variant': 'default', 'channel': 'IN_APP',
                                  'outcome': kind, 'occurred_at': int(time.time() * 1000), 'revenue_minor': 1234 if kind == 'ACCEPTED' else 0}


def offers_of(stack):
    """customer -> (p, milliseconds from the login to the append) of round_up."""
    out = {}
    for customer, value, _, _, _ in stack.read('offers'):
        for offer in value['offers']:
            if offer['offer_id'] == 'round_up':
                out[customer] = offer['terms']['p'], (value['processed_at'] - value['cause']['time']).total_seconds() * 1000
    return out


def figures(process):
    """series -> value of what /metrics says of offers."""
    return {name: float(value) for name, value in re.findall(r'^(segue_offer_\w+\{.*\}) (\S+)$', process.get('/metrics')[1], re.M)}


def shows_figures(process):
    """None, or what the metrics of round_up fail to show of the answers so far."""
    arm = 'offer="round_up",variant="default",channel="IN_APP"'
    expected = {f'segue_offer_outcomes{{{arm},outcome="PRESENTED"}}': SHOWN, f'segue_offer_outcomes{{{arm},outcome="ACCEPTED"}}': ACCEPTED,
                f'segue_offer_outcomes{{{arm},outcome="COMPLAINED"}}': 2, f'segue_offer_outcomes{{{arm},outcome="OPTED_OUT"}}': 4,
                f'segue_offer_revenue{{{arm},currency="GBP"}}': ACCEPTED * 12.34, 'segue_offer_conversion_ratio{offer="round_up"}': ACCEPTED / SHOWN,
                'segue_offer_complaint_ratio{offer="round_up"}': 2 / SHOWN, 'segue_offer_opt_out_ratio{offer="round_up"}': 4 / SHOWN}
    seen = figures(process)
    wrong = [f'{name}: {seen.get(name)}, should be {value}' for name, value in expected.items() if abs(seen.get(name, -1) - value) > 1e-6]
    alerts = set(re.findall(r'segue_offer_\w+', (ROOT / 'deploy/alerts-offers.yml').read_text()))
    return wrong + [f'an alert about {name}, which is no metric' for name in alerts - {name.partition('{')[0] for name in seen}]


def sides_differ(stack, process):
    """Customers per side of each experiment: the topic's, and those that /metrics says otherwise."""
    sides = collections.defaultdict(set)
    for customer, value, _, _, _ in stack.read('exposures'):
        if not value['layer'].startswith('variant:'):
            sides[value['offer_id'], value['layer'], 'held_out' if value['held_out'] else 'treated'].add(customer)
    name = 'segue_offer_experiment_customers{{offer="{}",layer="{}",side="{}"}}'
    seen = figures(process)
    return len(sides), [f'{side}: {len(who)} exposed, {seen.get(name.format(*side))} in the metrics' for side, who in sides.items()
                        if seen.get(name.format(*side)) != len(who)]


def wait_for(what, seconds=60, why=lambda: ''):
    end = time.time() + seconds
    while time.time() < end:
        found = what()
        if found:
            return found
        time.sleep(0.5)
    raise SystemExit(f'not within {seconds} s {why()}')


def main():
    segue, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    stack = Stack(segue, folder, f'stats{int(time.time())}', ROOT / 'tests/playbooks/offers', tasks=2, clock='live',
                  topics=('transactions', 'app-engagement', 'customer-profiles', 'offer-outcomes'))
    stack.create_topics()
    feed, process = Feed(stack, folder), Process(stack)
    of0, of1 = customers(0), customers(1)
    process.start()
    answered = [next(of0) for _ in range(SHOWN)]
    feed.send([feed.outcome(c, kind) for n, c in enumerate(answered) for kind in ['PRESENTED'] + ['ACCEPTED'] * (n < ACCEPTED)])
    feed.send([feed.outcome(c, kind) for c, kind in zip(answered, ['COMPLAINED'] * 2 + ['OPTED_OUT'] * 4)])
    stack.wait_done(process, feed.count)
    offer = (PRIOR[0] + ACCEPTED) / (PRIOR[1] + SHOWN)  # on this channel, then in this customer's context, which saw them all
    full = (offer * PRIOR[1] + ACCEPTED) / (PRIOR[1] + SHOWN)
    wrong = []

    def ask():
        """A customer of task 1 whom no control group holds; the propensity of round_up for her."""
        for _ in range(8):
            customer = next(of1)
            feed.send([feed.profile(customer), feed.login(customer)])
            stack.wait_done(process, feed.count)
            if customer in offers_of(stack):
                return offers_of(stack)[customer][0]
        raise SystemExit('nobody was offered anything')

    def learned():
        p = ask()
        return p if abs(p - full) < 0.02 else None

    p = wait_for(learned)
    print(f'propensity in task 1 after answers in task 0: {p:.4f} (expected {full:.4f}, by the prior alone {PRIOR[0] / PRIOR[1]:.4f})')
    wait_for(lambda: not shows_figures(process), why=lambda: shows_figures(process))
    print(f'offer_series: {len(figures(process))}')
    process.kill()
    process.start()
    p = ask()
    if abs(p - full) > 0.02:
        wrong.append(f'after a restart the propensity is {p:.4f}')
    many = [next(of1) for _ in range(LOGINS)]
    feed.send([feed.profile(c) for c in many])
    stack.wait_done(process, feed.count)
    for first in range(0, LOGINS, 10):
        feed.send([feed.login(c) for c in many[first:first + 10]])
    stack.wait_done(process, feed.count)
    late = sorted(ms for c, (_, ms) in offers_of(stack).items() if c in set(many))
    if len(late) < LOGINS * 0.8:
        wrong.append(f'{len(late)} of {LOGINS} logins led to an offer')
    print(f'login to decision: p50 {late[len(late) // 2]:.0f} ms, p99 {late[int(len(late) * 0.99)]:.0f} ms, {len(late)} offers')
    # The customers of this check are asked for round_up alone, and only the global layer holds it back: two sides.
    wait_for(lambda: sides_differ(stack, process) == (2, []), why=lambda: sides_differ(stack, process))
    print('experiment_sides: 2')
    process.kill()
    print(*wrong or ['1 passed, 0 failed'], sep='\n')
    sys.exit(1 if wrong else 0)


main()
