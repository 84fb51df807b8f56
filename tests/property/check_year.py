#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A year of customers, recounted: every entry, exit and absence, with its moment, against tests/playbooks/year, stated here a second time.

usage: check_year.py SEGUE [CUSTOMERS [SEED]]

Nothing may be missing, nothing more than there is, and effective_at must be equal to the millisecond; lateness is that of effective_at
(integration/check_absence.py measures it on a running system). Shares no code with the engine. A canary: with a
rule of the recount changed (a stay of 25 days is 26) the check must fail.
"""
import bisect
import collections
import datetime
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import zoneinfo

LONDON = zoneinfo.ZoneInfo('Europe/London')
UTC = datetime.timezone.utc
DAY = 86400000
START = datetime.datetime(2026, 1, 1, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)
END_MS = START_MS + 366 * DAY


def midnight(day):
    """The first millisecond of a local day, days since 1970."""
    date = datetime.date(1970, 1, 1) + datetime.timedelta(days=day)
    return int(datetime.datetime(date.year, date.month, date.day, tzinfo=LONDON).timestamp() * 1000)


FIRST_DAY = START_MS // DAY - 400
MIDNIGHTS = [midnight(FIRST_DAY + i) for i in range(900)]


def local_day(ms):
    return FIRST_DAY + bisect.bisect_right(MIDNIGHTS, ms) - 1


# ---- the world ----

class Customer:
    def __init__(self, number, rng):
        self.id = f'c{number}'
        self.joined = START_MS + rng.randrange(30 * DAY)
        self.birth = datetime.date(2026, 1, 1) - datetime.timedelta(days=rng.choice([rng.randrange(6200, 6600), rng.randrange(3000, 25000)]))
        self.since = datetime.date(2026, 1, 1) - datetime.timedelta(days=rng.randrange(0, 120))
        self.times = []
        at = self.joined
        while True:
            at += int(rng.expovariate(1) * rng.choice([1, 4, 4, 12, 40]) * DAY) + 1
            if at >= END_MS - 90 * DAY and rng.random() < 0.5 or at >= END_MS:
                break
            self.times.append(at)


def write_events(customers, path):
    events = []
    for c in customers:
        events.append((c.joined, 0, {'source': 'customer-profiles', 'event': {
            'customer_id': c.id, 'updated_at': c.joined, 'birth_date': str(c.birth), 'relationship_since': str(c.since), 'timezone': 'Europe/London'}}))
        events += [(t, 1, transaction(c.id, i, t)) for i, t in enumerate(c.times)]
    events.append((END_MS, 2, transaction('clock', 0, END_MS)))  # the clock moves on to the end for everybody
    events.sort(key=lambda e: (e[0], e[1]))
    with open(path, 'w') as out:
        for _, _, event in events:
            out.write(json.dumps(event) + '\n')
    return len(events)


def transaction(customer, number, at):
    return {'source': 'transactions', 'event': {'event_id': f'{customer}-{number}', 'customer_id': customer, 'booked_at': at, 'amount_minor': 100,
                                                'currency': 'GBP', 'direction': 'DEBIT', 'kind': 'CARD'}}


# ---- the rules, a second time ----

class Membership:
    def __init__(self, entry, leave=None, dwell=0, minimum=0, longest=0, cool=0):
        self.entry, self.leave = entry, leave  # of a moment's facts: True, False, None (not known)
        self.dwell, self.minimum, self.longest, self.cool = dwell, minimum, longest, cool
        self.entered = self.since = self.exited = None
        self.spent = False

    def look(self, now, facts):
        if self.entered is not None:
            expired = self.longest and now >= self.entered + self.longest
            entry = self.entry(facts)
            leave = self.leave(facts) if self.leave else (None if entry is None else not entry)
            if not expired and (now < self.entered + self.minimum or leave is not True):
                return None
            self.entered = self.since = None
            self.exited, self.spent = now, entry is True
            return 'EXITED'
        entry = self.entry(facts)
        if entry is None:
            return None
        if not entry:
            self.since, self.spent = None, False
            return None
        if self.spent:
            return None
        self.since = now if self.since is None else self.since
        if now < self.since + self.dwell or (self.exited is not None and now < self.exited + self.cool):
            return None
        self.entered, self.since = now, None
        return 'ENTERED'

    def timers(self):
        if self.entered is not None:
            yield self.entered + self.minimum
            if self.longest:
                yield self.entered + self.longest
        elif self.since is not None:
            yield max(self.since + self.dwell, (self.exited or 0) + self.cool)


def age(birth, day):
    today = datetime.date(1970, 1, 1) + datetime.timedelta(days=day)
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))


def recount(c, longest=25):
    segments = {
        'adult': Membership(lambda f: f['age'] >= 18),
        'busy': Membership(lambda f: f['n'] >= 4, lambda f: f['n'] < 2),
        'idle': Membership(lambda f: None if f['quiet'] is None else f['quiet'] >= 20, minimum=5 * DAY),
        'missed': Membership(lambda f: f['gone'], longest=40 * DAY),
        'newcomer': Membership(lambda f: f['tenure'] < 90),
        'settled': Membership(lambda f: f['n'] >= 1, dwell=10 * DAY, cool=15 * DAY),
        'visitor': Membership(lambda f: f['n'] >= 1, longest=longest * DAY, cool=7 * DAY),
    }
    since_day = (c.since - datetime.date(1970, 1, 1)).days
    days = []  # of the transactions so far
    last, gone, said = None, False, []

    def look(now, event):
        nonlocal gone
        today = local_day(now)
        quiet = today - days[-1] if days else None
        if gone and quiet is not None and quiet < 1:
            gone = False
            said.append(('gone', 'EXPIRED', now))
        elif not gone and last is not None and now > last + 60 * DAY:
            gone = True
            said.append(('gone', 'CONFIRMED', now))
        facts = {'n': len(days) - bisect.bisect_right(days, today - 30), 'quiet': quiet, 'gone': gone, 'age': age(c.birth, today),
                 'tenure': today - since_day}
        for name, membership in segments.items():
            change = membership.look(now, facts)
            if change:
                said.append((name, change, now))

    now, index = c.joined, 0
    look(now, True)
    while True:
        timers = [t for m in segments.values() for t in m.timers()] + ([last + 60 * DAY + 1] if last is not None else [])
        timers.append(MIDNIGHTS[local_day(now) - FIRST_DAY + 1])
        alone = min(t for t in timers if t > now)
        event = c.times[index] if index < len(c.times) else END_MS
        if min(alone, event) >= END_MS:
            return said
        if alone <= event:
            now = alone
            look(now, False)
        if event <= alone:
            now, last = event, event
            days.append(local_day(event))
            index += 1
            look(now, True)


# ---- the comparison ----

def run_segue(segue, playbook, path, events):
    said, alone = collections.defaultdict(list), 0
    with subprocess.Popen([segue, 'backtest', '--playbook', playbook, '--events', path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as run:
        for line in run.stdout:
            kind = 'segment_id' if '"segue.v1.SegmentChanged"' in line else 'life_event' if '"segue.v1.LifeEventDetected"' in line else None
            value = json.loads(line)['value'] if kind else None
            if value and value['customer_id'] != 'clock' and value['effective_at'] < END_MS:
                said[value['customer_id']].append((value[kind], value['transition' if kind == 'segment_id' else 'state'], value['effective_at']))
                alone += value['origin'] == 'TIMER'
        summary = run.stderr.read()
    if run.returncode != 0 or f'events: {events}\n' not in summary:
        sys.exit(f'segue backtest: exit {run.returncode}, {events} events given\n{summary}')
    return said, alone


def compare(customers, said, longest=25):
    missing = wrong = early = total = 0
    for c in customers:
        want, got = collections.Counter(recount(c, longest)), collections.Counter(said[c.id])
        lacking, extra = want - got, got - want
        total += sum(want.values())
        missing += sum(lacking.values())
        wrong += sum(extra.values())
        early += sum(any((name, change) == (n, ch) and at < other for n, ch, other in lacking) for name, change, at in extra)
        if (lacking or extra) and longest == 25 and missing + wrong < 20:
            print(f'{c.id}: lacks {sorted(lacking, key=lambda x: x[2])}\n  has {sorted(extra, key=lambda x: x[2])}')
    return total, missing, wrong, early


def lateness(customers, said):
    """Milliseconds from each moment to the effective_at that was told for it, sorted; the n-th of a kind is that of the n-th."""
    late = []
    for c in customers:
        moments = collections.defaultdict(lambda: ([], []))
        for side, changes in enumerate((recount(c), said[c.id])):
            for name, change, at in changes:
                moments[name, change][side].append(at)
        late += [told - due for due_all, told_all in moments.values() for due, told in zip(sorted(due_all), sorted(told_all))]
    return sorted(late)


def main():
    segue = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    customers = [Customer(i, rng) for i in range(count)]
    playbook = pathlib.Path(__file__).resolve().parent.parent / 'playbooks/year'
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / 'events.ndjson'
        events = write_events(customers, path)
        said, alone = run_segue(segue, playbook, path, events)
    total, missing, wrong, early = compare(customers, said)
    late = lateness(customers, said)
    canary = compare(customers[:100], said, longest=26)
    print(f'year_customers: {count}\nyear_events: {events}\nyear_changes: {total}\nyear_changes_with_no_event: {alone}\nyear_missing: {missing}\n'
          f'year_too_many: {wrong}\nyear_early: {early}\nyear_lateness_p50_ms: {late[len(late) // 2]}\n'
          f'year_lateness_p99_ms: {late[int(len(late) * 0.99)]}\nyear_lateness_max_ms: {late[-1]}\nyear_canary_differences: {canary[1] + canary[2]}')
    sys.exit(missing + wrong > 0 or alone == 0 or canary[1] + canary[2] == 0)


main()
