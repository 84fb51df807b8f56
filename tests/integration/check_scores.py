#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Scores of a model outside, from their topic into the score of an offer. usage: check_scores.py SEGUE WORK_DIR

`bank.scores` carries what a model thinks of each customer, in Avro. Then each logs in, and the decision's terms must show it: P is the newest score by
`scored_at`, whatever came last; a customer of whom the model has said nothing, nothing in the last week, or nothing that is a probability has the playbook's
prior, the decision says so, and an offer whose rule asks for the score is blocked and names it. Answers then move P from where the model put it.
Last another application begins with logins of three days ago: its now follows them, but nobody hears of them before today, so they are offered nothing and
the decisions say why.
"""
import json
import pathlib
import sys
import time

import confluent_kafka.admin

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
import murmur2  # noqa: E402
from stack import Process, Stack  # noqa: E402

DAY, PRIOR, WEIGHT = 86_400_000, 0.05, 20
MISSING = 'missing:f.loan_score_age'
# customer -> scores as (name, value, days ago), in the order in which they are sent; the P that follows; why the certain loan is refused (None: it is not)
CASES = {
    'scored': ([('loan', 0.31, 1)], 0.31, None),
    'scored_twice': ([('loan', 0.31, 3), ('loan', 0.12, 1)], 0.12, 'not_met'),
    'old_one_came_last': ([('loan', 0.44, 1), ('loan', 0.02, 5)], 0.44, None),
    'never_scored': ([], PRIOR, MISSING),
    'scored_by_another': ([('churn', 0.9, 1)], PRIOR, MISSING),
    'scored_long_ago': ([('loan', 0.9, 9)], PRIOR, 'not_met'),
    'no_probability': ([('loan', 7.5, 1)], PRIOR, None),
    'sure': ([('loan', 1.0, 0)], 1.0, None),
    'sure_not': ([('loan', 0.0, 0)], 0.0, 'not_met'),
}


class Bank:
    def __init__(self, stack):
        self.stack, self.path, self.count, self.serial = stack, stack.folder / 'feed.ndjson', 0, 0

    def write(self, events):
        self.path.write_text(''.join(json.dumps({'source': s, 'event': e}) + '\n' for s, e in events))
        self.stack.feed(self.path)
        self.count += len(events)

    def send(self, process, events):
        self.write(events)
        self.stack.wait_done(process, self.count)

    def event(self, source, customer, **fields):
        self.serial += 1
        ident = {} if source in ('customer-profiles', 'scores') else {'event_id': f'e{self.serial}'}
        return source, {'customer_id': customer, **ident, **fields}

    def profile(self, customer, at):
        consents = [{'purpose': 'MARKETING', 'channel': 'IN_APP', 'status': 'GRANTED', 'lawful_basis': 'CONSENT', 'updated_at': at}]
        return self.event('customer-profiles', customer, updated_at=at, birth_date='1980-01-01', income_band='C', complaint_open=False, vulnerability=[],
                          products_held=[], consents=consents)


def application(segue, folder, name, tasks):
    stack = Stack(segue, folder, f'{name}{int(time.time())}', ROOT / 'tests/playbooks/scores', tasks=tasks, clock='live',
                  topics=('app-engagement', 'customer-profiles', 'offer-outcomes', 'scores'))
    stack.create_topics()
    # What is too old is so by the broker's clock, which stands in the journal only if the topic says so.
    ask = confluent_kafka.admin.ConfigResource('topic', f'{stack.name}.journal')
    admin = confluent_kafka.admin.AdminClient({'bootstrap.servers': stack.brokers})
    told = admin.describe_configs([ask])[ask].result(30)
    assert told['message.timestamp.type'].value == 'LogAppendTime', 'the journal keeps its writers\' time'
    return stack


def decisions(stack):
    """customer -> its newest decision."""
    return {customer: value for customer, value, _, _, _ in stack.read('offers')}


def wrong_terms(decided):
    for customer, (_, p, refused) in CASES.items():
        value = decided.get(customer)
        if value is None:
            yield f'{customer}: no decision'
            continue
        offers = {o['offer_id']: o for o in value['offers']}
        blocked = {b['offer_id']: (b['gate'], b['reason']) for b in value['blocked']}
        if p == 0:
            if blocked.get('loan') != ('value', 'worth_nothing'):
                yield f'{customer}: {value}'
        elif 'loan' not in offers or abs(offers['loan']['terms']['p'] - p) > 1e-12 or abs(offers['loan']['score'] - p * 100) > 1e-9:
            yield f'{customer}: P should be {p}: {value}'
        source = 'policy' if p == PRIOR else 'model'
        if 'loan' in offers and offers['loan']['propensity_from'] != source:
            yield f'{customer}: P should be from the {source}: {value}'
        if refused is None and 'certain_loan' not in offers or refused is not None and blocked.get('certain_loan') != ('eligible', refused):
            yield f'{customer}: the certain loan should be {refused or "offered"}: {value}'


def backlog(segue, folder):
    """What is wrong with what a task decides that begins with events of three days ago, when its now is theirs."""
    stack, away = application(segue, folder, 'backlog', 2), [f'away{n}' for n in range(8)]
    bank, process, then = Bank(stack), Process(stack), int(time.time() * 1000) - 3 * DAY
    try:
        bank.write([bank.profile(c, then) for c in away])
        bank.write([bank.event('app-engagement', c, event='login', occurred_at=then + 60_000) for c in away])
        process.start()
        stack.wait_done(process, bank.count)
        decided = decisions(stack)
        bank.send(process, [bank.event('app-engagement', c, event='login', occurred_at=int(time.time() * 1000)) for c in away])
        today = decisions(stack)
        assert process.kill(15) == 0
    finally:
        if process.running():
            process.kill()
    for customer in away:
        value = decided.get(customer, {'offers': [], 'blocked': []})
        old = [b['offer_id'] for b in value['blocked'] if b['gate'] == 'time' and b['reason'].startswith('too_old at 20')]
        if value['offers'] or sorted(old) != ['certain_loan', 'loan']:
            yield f'{customer}: a login of three days ago must be offered nothing, because it is too old: {value}'
        if not today.get(customer, value)['offers']:
            yield f'{customer}: nothing is offered for the login of today: {today.get(customer)}'


def main():
    segue, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    stack = application(segue, folder, 'scores', 2)
    bank, process, now = Bank(stack), Process(stack).start(), int(time.time() * 1000)
    try:
        bank.send(process, [bank.profile(c, now) for c in CASES])
        bank.send(process, [bank.event('scores', c, name=name, value=value, scored_at=now - days * DAY)
                            for c, (scores, _, _) in CASES.items() for name, value, days in scores])
        bank.send(process, [bank.event('app-engagement', c, event='login', occurred_at=int(time.time() * 1000)) for c in CASES])
        decided = decisions(stack)
        wrong = list(wrong_terms(decided))
        if not wrong:
            # All accepted: P begins at the model's word, not at the prior. Then a customer of the same task logs in who was not offered it yet.
            task = murmur2.partition('scored', 2)
            answers = [c for c in ('scored', 'old_one_came_last', 'sure') if murmur2.partition(c, 2) == task]
            bank.send(process, [bank.event('offer-outcomes', c, decision_id=decided[c]['decision_id'], offer_id='loan', variant='default', channel='IN_APP',
                                           outcome='ACCEPTED', occurred_at=int(time.time() * 1000)) for c in answers])
            fresh = next(f'fresh{n}' for n in range(99) if murmur2.partition(f'fresh{n}', 2) == task)
            bank.send(process, [bank.profile(fresh, now), bank.event('scores', fresh, name='loan', value=0.4, scored_at=now)])
            bank.send(process, [bank.event('app-engagement', fresh, event='login', occurred_at=int(time.time() * 1000))])
            p = {o['offer_id']: o['terms']['p'] for o in decisions(stack)[fresh]['offers']}['loan']
            full = (0.4 * WEIGHT + len(answers)) / (WEIGHT + len(answers))
            if abs(p - full) > 1e-12:
                wrong.append(f'after {len(answers)} answers P is {p}, should be {full}')
        wrong = wrong or list(backlog(segue, folder))
        if wrong:
            raise SystemExit('\n'.join(wrong))
        print(f'scores_cases: {len(CASES)}')
        assert process.kill(15) == 0
    finally:
        if process.running():
            process.kill()


main()
