#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Another playbook planned, applied and rolled back over the live customers of two processes, one killed in the middle: the plan foretells who moves,
also where a feature starts empty, who must leave leaves once, who may stay stays, features keep their values, and the control topic says begin and complete.
usage: check_change.py SEGUE WORK_DIR
"""
import collections
import json
import pathlib
import random
import re
import sys
import time

import confluent_kafka

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
from murmur2 import partition as partition_of  # noqa: E402
from stack import Process, Stack  # noqa: E402

TASKS, CUSTOMERS, START, DAY, RATE = 4, 6000, 1767225600000, 86400000, 1500
BEFORE, AFTER = ROOT / 'tests/playbooks/change/before', ROOT / 'tests/playbooks/change/after'


def make_events(path):
    chance, events = random.Random(7), []
    for customer in range(CUSTOMERS):
        for _ in range(chance.randint(1, 30)):
            events.append((START + chance.randint(0, 28 * DAY), customer, chance.randint(100, 12000)))
    events.sort()
    with open(path, 'w', encoding='utf-8') as out:
        for number, (at, customer, amount) in enumerate(events):
            out.write(json.dumps({'source': 'transactions', 'event': {
                'event_id': f'e{number}', 'customer_id': f'K{customer:06}', 'account_id': 'a', 'account_type': 'CURRENT', 'booked_at': at,
                'amount_minor': amount, 'currency': 'GBP', 'direction': 'DEBIT', 'status': 'POSTED', 'kind': 'CARD', 'channel': 'POS'}}) + '\n')
    return events


def spent_lately(events):
    """customer -> minor units in the last 7 days, as of the newest event of the customer's task."""
    now, spent = collections.defaultdict(int), collections.Counter()
    for at, customer, _ in events:
        task = partition_of(f'K{customer:06}', TASKS)
        now[task] = max(now[task], at)
    for at, customer, amount in events:
        if at // DAY > now[partition_of(f'K{customer:06}', TASKS)] // DAY - 7:
            spent[f'K{customer:06}'] += amount
    return spent


def changes_after(stack, seen):
    """RULE_CHANGE transitions that came since: segment -> Counter of (customer, transition)."""
    out = collections.defaultdict(collections.Counter)
    for customer, value, _, partition, offset in stack.read('segment-changes'):
        if offset >= seen.get(partition, 0):
            if value['origin'] != 'RULE_CHANGE':
                raise SystemExit(f'a change of origin {value["origin"]} while nothing came in: {customer} {value}')
            out[value['segment_id']][customer, value['transition']] += 1
    return out


def net(moves):
    """Without those who came in and went out again: the sweep looks at each moment since a customer was last seen."""
    return collections.Counter({(c, t): n for (c, t), n in moves.items() if moves[c, {'ENTERED': 'EXITED', 'EXITED': 'ENTERED'}[t]] == 0})


def positions(stack, topic):
    ends = {}
    for _, _, _, partition, offset in stack.read_raw(topic):
        ends[partition] = offset + 1
    return ends


def markers(stack):
    return [(v['definition_id'], v['task'], v['what'], v['definition_hash']) for _, v, _, _, _ in stack.read('control')]


def wait_complete(stack, processes, count):
    end = time.time() + 90
    while time.time() < end:
        if sum(m[0] == 'playbook' and m[2] == 'complete' for m in markers(stack)) >= count:
            return
        for process in processes:
            if not process.running():
                raise SystemExit(f'segue run ended:\n{process.tail_of_log()}')
        time.sleep(0.3)
    told = '\n'.join(f'{p.get("/readyz")}\n{p.tail_of_log()}' for p in processes)
    raise SystemExit(f'no sweep was complete within 90 s: {markers(stack)}\n{told}')


def expect(what, found, wanted):
    if found != wanted:
        both = (list((found - wanted).items())[:3], list((wanted - found).items())[:3])
        raise SystemExit(f'{what}: {sum(found.values())} found, {sum(wanted.values())} wanted; too many {both[0]}, missing {both[1]}')
    print(f'{what}: {sum(found.values())}')


def plan(stack, playbook):
    path = stack.folder / f'plan-{playbook.name}.json'
    stack.command('plan', '--config', stack.write_config('tool'), '--playbook', str(playbook), '--out', str(path), '--tasks', str(TASKS),
                  '--events', str(stack.folder / 'events.ndjson'))
    return path


def check_foretold(path, said, but=()):
    """Of every segment `but` these as many enter and leave as the plan said."""
    foretold, found = collections.Counter(), collections.Counter()
    for row in json.loads(path.read_text())['segments']:
        if row['id'] in but:
            continue
        foretold[row['id'], 'ENTERED'], foretold[row['id'], 'EXITED'] = row['enter'], row['leave']
    for segment, moves in said.items():
        for (_, transition), count in net(moves).items():
            found[segment, transition] += count
    expect('moves that the plan foretold', +found, +foretold)


def apply(stack, path, check=True):
    return stack.command('apply', '--config', stack.write_config('tool'), str(path), check=check)


def follow_advice(stack, said):
    """What `apply` says to type next ends by itself; of a topic that is not there `tail` says which there are."""
    words = said.partition('its progress: segue ')[2].split()
    if words[0] != 'tail' or '--once' not in words:
        raise SystemExit(f'it would never end: {said}')
    stack.command(*words)
    for name, near in (('nosuchtopic', '.'), ('ofers', '; did you mean `offers`?\n ')):
        wrong = stack.command('tail', '--config', stack.write_config('tool'), name, check=False)
        wanted = f'segue tail: `{name}` is no name that Segue has{near} It has segment-changes,'
        if wrong.returncode != 78 or wanted not in wrong.stderr or f', {stack.input_of}.in-transactions' not in wrong.stderr:
            raise SystemExit(f'tail {name}: exit {wrong.returncode}, without `{wanted}`: {wrong.stderr}')


class Audience:
    """A consumer that marks and sweeps: whoever moves because of a rule waits until the task's sweep of that segment is complete, and moves then."""

    def __init__(self):
        self.open, self.waiting, self.members, self.seen = {}, collections.defaultdict(list), collections.defaultdict(set), {}

    def move(self, segment, customer, transition):
        (self.members[segment].add if transition == 'ENTERED' else self.members[segment].discard)(customer)

    def take(self, stack):
        """What came since the last time; at one moment `begin` stands before changes and `complete` behind them."""
        news = []
        for topic, order in (('control', 0), ('segment-changes', 1)):
            for key, value, _, partition, offset in stack.read(topic):
                if offset >= self.seen.get((topic, partition), 0):
                    self.seen[topic, partition] = offset + 1
                    late = topic == 'control' and value['what'] == 'complete'
                    news.append((value['processed_at'], 2 if late else order, offset, topic, value['customer_id'] if order else key, value))
        for _, _, _, topic, who, value in sorted(news, key=lambda n: n[:3]):
            if topic == 'segment-changes':
                self.change(who, value)
            elif value['what'] == 'begin':
                if self.open.setdefault((who, value['task']), value['definition_hash']) != value['definition_hash']:
                    raise SystemExit(f'a sweep within a sweep: {value}')
            else:
                if self.open.pop((who, value['task']), None) != value['definition_hash']:
                    raise SystemExit(f'complete of what did not begin: {value}')
                for change in self.waiting.pop((who, value['task']), []):
                    self.move(who, *change)

    def change(self, customer, value):
        where = value['segment_id'], partition_of(customer, TASKS)
        if value['origin'] == 'RULE_CHANGE' and where not in self.open:
            raise SystemExit(f'a move by a rule outside begin and complete: {value}')
        if where in self.open:
            self.waiting[where].append((customer, value['transition']))
        else:
            self.move(where[0], customer, value['transition'])


def check_audience(stack, audience):
    """The consumer's segments are those of the views, member by member, and nobody is left in one that is gone."""
    audience.take(stack)
    shown = collections.defaultdict(set)
    for customer, view in stack.views().items():
        for field in view:
            if field.startswith('seg.'):
                shown[field[4:]].add(customer)
    if audience.open or {s: m for s, m in audience.members.items() if m} != shown:
        raise SystemExit(f'a consumer that marks and sweeps: {({s: len(m) for s, m in audience.members.items()})}, open {audience.open}, '
                         f'shown {({s: len(m) for s, m in shown.items()})}')
    print(f'a consumer that marks and sweeps has: {({s: len(m) for s, m in sorted(shown.items())})}')


def sweep_seconds(stack, before):
    """Of the sweep whose markers stand behind `before`: from the first begin to the last complete, all tasks."""
    times = [v['processed_at'].timestamp() for _, v, _, p, o in stack.read('control') if o >= before.get(p, 0)]
    return max(times) - min(times)


def written_by(stack):
    """`get` and `why` answer by the playbook that is applied, whatever the files of the configuration say, and name it when they cannot know."""
    stack.playbook = BEFORE
    customer = next(c for c, v in stack.views().items() if 'seg.frequent' in v)
    config = stack.write_config('tool')
    why = stack.command('why', '--config', config, customer, 'frequent')
    known = json.loads(stack.command('get', '--config', config, '--json', customer).stdout)
    if not why.stdout.startswith('IN since') or 'frequent' not in known['segments'] or 'leaving' in known['segments'] or why.stderr:
        raise SystemExit(f'not by the applied playbook: {why.stdout}{why.stderr}{known}')
    stack.playbook, stack.segue_brokers = AFTER, '127.0.0.1:1'   # the files are what runs: Kafka is not asked
    why = stack.command('why', '--config', stack.write_config('tool'), customer, 'frequent')
    stack.playbook, stack.segue_brokers = BEFORE, stack.brokers
    if not why.stdout.startswith('IN since'):
        raise SystemExit(f'with Kafka away: {why.stdout}{why.stderr}')
    print('get and why: by the playbook that is applied')


def what_if(stack):
    """`why-not`, and both words with an event that has not come: one more transaction counts one more; another customer's, or none, is refused."""
    config = stack.write_config('tool')
    customer, count = next((c, int(v['f.tx_count'])) for c, v in stack.views().items() if int(v['f.tx_count']) < 19)  # not in with one more
    *_, line = [line for line in (stack.folder / 'events.ndjson').read_text().splitlines() if f'"{customer}"' in line]
    event, files = json.loads(line), {}
    for name, change in (('own', {}), ('foreign', {'customer_id': customer + 'x'})):
        files[name] = stack.folder / f'what-if-{name}.ndjson'
        files[name].write_text(json.dumps({**event, 'event': {**event['event'], 'event_id': 'what-if', **change}}) + '\n')
    files['several'] = stack.folder / 'what-if-several.ndjson'
    files['several'].write_text(files['own'].read_text() * 2)
    files['bad'] = stack.folder / 'what-if-bad.ndjson'
    files['bad'].write_text('no event\n')
    files['absent'] = stack.folder / 'what-if-absent.ndjson'
    for word, path, code, wanted in (('why-not', None, 0, f'(it is {count})'), ('why-not', 'own', 0, f'(it is {count + 1})'),
                                     ('why', 'own', 0, f'{count + 1} against 20'), ('why', 'foreign', 1, 'the event is of another customer'),
                                     ('why', 'several', 1, 'several events'), ('why', 'several', 1, f'{count + 1} against 20'),
                                     ('why', 'bad', 1, 'there is no event in'), ('why-not', 'absent', 1, 'No such file')):
        at = ['--at-event', str(files[path])] if path else []
        said = stack.command(word, '--config', config, *at, customer, 'frequent', check=False)
        if said.returncode != code or wanted not in said.stdout + said.stderr or (code != 0 and f'segue {word}: ' not in said.stderr):
            raise SystemExit(f'{word} with {path}: exit {said.returncode}, without `{wanted}`: {said.stdout}{said.stderr}')
    said = stack.command('why-not', '--config', config, customer, 'frequnet', check=False)
    if (said.returncode, said.stderr) != (1, 'segue why-not: the playbook has no segment, life event or offer `frequnet`; did you mean `frequent`?\n'):
        raise SystemExit(f'why-not of no name: exit {said.returncode}: {said.stderr}')
    print('why-not, and --at-event: nine answers')


def written_by_others(stack):
    """Nothing is applied yet and the files were edited: an answer by them, and a word of it."""
    stack.playbook = AFTER
    customer = next(iter(stack.views()))
    why = stack.command('why', '--config', stack.write_config('tool'), customer, 'frequent')
    stack.playbook = BEFORE
    if 'was written under playbook' not in why.stderr or 'which nobody has applied' not in why.stderr:
        raise SystemExit(f'not said which playbook answers: {why.stdout}{why.stderr}')
    print('get and why: edited files are named as such')


def applied_by_another_version(stack):
    """What is live was applied by a version that hashes definitions otherwise: the next plan is one against it."""
    *_, (key, value, _, partition, _) = stack.read_raw('playbook')
    record = json.loads(value)
    record['playbook_hash'] = f'{int(record["playbook_hash"], 16) ^ 1:016x}'
    producer = confluent_kafka.Producer({'bootstrap.servers': stack.brokers})
    producer.produce(stack.topic('playbook'), json.dumps(record), key, partition)
    if producer.flush(10) > 0:
        raise SystemExit('the record of another version was not taken')
    said = apply(stack, plan(stack, AFTER), check=False)
    if said.returncode != 0:
        raise SystemExit(f'a plan against what another version applied: {said.returncode} {said.stdout} {said.stderr}')
    print('a plan against what another version applied: taken')


def check_taken(processes, hash_text):
    """Every process took the playbook up, and has looked at customers of its own under it."""
    for process in processes:
        log = process.log_path.read_text(errors='replace')
        begun = {int(task) for task in re.findall(r'code=sweep_begins .*?task=(\d+) playbook=' + hash_text, log)}
        if not begun or len(begun) == TASKS:
            raise SystemExit(f'{process.log_path.name}: swept {begun} under {hash_text}, wanted some tasks of {TASKS}\n{process.tail_of_log()}')
    print(f'processes that took the playbook up: {len(processes)}')


def kill_in_sweep(process):
    """Twice killed in the middle."""
    for _ in range(2):
        end = time.time() + 60
        while process.metrics().get('segue_deadlines_total', 0) < 300 and time.time() < end:
            time.sleep(0.005)
        process.kill()
        process.start()


def main():
    stack = Stack(sys.argv[1], sys.argv[2], 'change', BEFORE, tasks=TASKS)
    stack.extra_config = f'sweep: {{rate: {RATE}}}\n'
    audience = Audience()
    stack.create_topics()
    events = make_events(stack.folder / 'events.ndjson')
    stack.feed(stack.folder / 'events.ndjson')
    process, second = Process(stack).start(), Process(stack, '1').start()
    for one in (process, second):
        stack.wait_done(one, len(events))
        if one.metrics().get('segue_tasks_ready', 0) != TASKS / 2:
            raise SystemExit(f'tasks are not shared: {one.get("/readyz")}')
    before = stack.views()
    if markers(stack):
        raise SystemExit('a first start swept')
    members = {s: {c for c, v in before.items() if f'seg.{s}' in v} for s in ('spender', 'regular', 'leaving', 'big')}
    print(f'customers: {len(before)}\nmembers before: {({s: len(m) for s, m in members.items()})}')

    check_audience(stack, audience)
    written_by_others(stack)
    seen = positions(stack, 'segment-changes')
    forward = plan(stack, AFTER)
    follow_advice(stack, apply(stack, forward).stdout)
    kill_in_sweep(process)
    wait_complete(stack, (process, second), TASKS)
    check_taken((process, second), json.loads(forward.read_text())['new'])
    after, said = stack.views(), changes_after(stack, seen)
    expect('left the retired segment', said['leaving'], collections.Counter((c, 'EXITED') for c in members['leaving']))
    expect('left the changed segment', said['spender'],
           collections.Counter((c, 'EXITED') for c in members['spender'] if int(before[c]['f.spend_30d']) < 90000))
    expect('entered the new segment', said['frequent'],
           collections.Counter((c, 'ENTERED') for c, v in before.items() if int(v['f.tx_count']) >= 20))
    expect('moved in the unchanged segment', said['regular'], collections.Counter())
    lately = spent_lately(events)
    expect('entered by a new window over days that were kept', net(said['lately']),
           collections.Counter((c, 'ENTERED') for c in before if lately[c] >= 30000))
    expect('left since their feature starts empty', said['big'], collections.Counter((c, 'EXITED') for c in members['big']))
    for customer, view in after.items():
        wanted = {k: v for k, v in before[customer].items() if k[:2] == 'f.'} | {'f.large': '0', 'f.spend_7d': str(lately[customer])}
        if {k: v for k, v in view.items() if k[:2] == 'f.'} != wanted:
            raise SystemExit(f'{customer}: features are not as they were: {before[customer]} -> {view}, wanted {wanted}')
        if 'seg.leaving' in view:
            raise SystemExit(f'{customer}: still shown in a retired segment: {view}')
    state = {}
    for key, value, _, _, _ in stack.read('segment-state'):
        state[key] = value
    left = [k for k, v in state.items() if k.endswith('|leaving') and v is not None]
    expect('states of the retired segment without tombstone', collections.Counter(left), collections.Counter())
    said_markers = collections.Counter((m[0], m[1], m[2]) for m in markers(stack))
    expect('markers', said_markers, collections.Counter((d, t, w) for d in ('spender', 'frequent', 'lately', 'big', 'leaving', 'playbook')
                                                        for t in range(TASKS) for w in ('begin', 'complete')))

    check_foretold(forward, said)
    check_audience(stack, audience)
    written_by(stack)
    what_if(stack)
    stale = apply(stack, stack.folder / 'plan-after.json', check=False)
    if 'live already' not in stale.stdout:
        raise SystemExit(f'applying twice: {stale.returncode} {stale.stdout} {stale.stderr}')

    seen, children = positions(stack, 'segment-changes'), (process.child.pid, second.child.pid)
    back_plan, told = plan(stack, BEFORE), positions(stack, 'control')
    apply(stack, back_plan)
    wait_complete(stack, (process, second), 2 * TASKS)
    check_taken((process, second), json.loads(back_plan.read_text())['new'])
    if not process.running() or not second.running() or (process.child.pid, second.child.pid) != children:
        raise SystemExit('the processes did not take up the playbook by themselves')
    refused = apply(stack, forward, check=False)
    if refused.returncode != 1 or 'is live now' not in refused.stderr:
        raise SystemExit(f'a plan against another playbook was not refused: {refused.returncode} {refused.stdout} {refused.stderr}')
    print('a plan against another playbook: refused')
    check_audience(stack, audience)
    took, least = sweep_seconds(stack, told), CUSTOMERS / RATE - 1
    if took < least:
        raise SystemExit(f'{CUSTOMERS} customers in {took:.1f} s: faster than {RATE} a second')
    print(f'sweep_seconds at {RATE} a second: {took:.1f}')
    said = changes_after(stack, seen)
    expect('back in the segment that was retired', said['leaving'], collections.Counter((c, 'ENTERED') for c in members['leaving']))
    expect('back in the segment that was changed', said['spender'],
           collections.Counter((c, 'ENTERED') for c in members['spender'] if int(before[c]['f.spend_30d']) < 90000))
    expect('left the segment that is retired by being left out', said['frequent'],
           collections.Counter((c, 'EXITED') for c, v in before.items() if int(v['f.tx_count']) >= 20))
    expect('in again without what their feature had', said['big'], collections.Counter())
    check_foretold(back_plan, said, but=['big'])   # the plan's live customers have all of the sample in f.large, these begin with the first apply
    back = stack.views()
    process.kill(15)
    second.kill(15)
    since = {c for (c, _) in list(said['leaving']) + list(said['spender'])}   # in again, so since later

    def shown(customer, view):
        return {k: v if k[:2] == 'f.' or customer not in since else 'in' for k, v in view.items() if k not in ('f.large', 'seg.big')}

    differ = [c for c in before if shown(c, back[c]) != shown(c, before[c])]
    if differ:
        raise SystemExit(f'{len(differ)} views are not what they were: {differ[0]}: {before[differ[0]]} -> {back[differ[0]]}')
    if any(v['f.large'] != '0' or 'seg.big' in v for v in back.values()):
        raise SystemExit('what was not kept came back')
    print('views after rolling back: as before')
    applied_by_another_version(stack)


main()
