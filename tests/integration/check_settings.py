#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keys of segue.yaml that change what `segue run` does, each seen from outside. usage: check_settings.py SEGUE WORK_DIR

  redis.address               what it waits for at the start is said
  start: earliest | latest | TIME     whose records count, and only at the first start
  commit.records, .size               how much one cut holds, by the journal
  apply.queue                         committed cuts that wait while Redis answers nothing
  stale_after                         absences wait while nobody's record of the source comes
"""
import collections
import json
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'tests/support'), str(ROOT / 'tests/chaos')]
import wait  # noqa: E402
from bank import Feeder  # noqa: E402
from journal import Journal  # noqa: E402
from servers import ProxyProcess  # noqa: E402
from services import services  # noqa: E402
from stack import Process, Stack, free_port  # noqa: E402

CHAOS, EVENTS, CUSTOMERS, PATIENCE_S = ROOT / 'tests/playbooks/chaos', 60000, 1000, 120
QUIET = """\
features:
  paid: {last: event.time}
life_events:
  gone.quiet:
    about: nothing has come for a minute
    absent: {feature: f.paid, for: 1m}
"""
COUNT = """\
features:
  paid: {count: tx, currency: any, publish: true}
"""
STALLS, STALL_S = 4, 1                  # a stall may hit a read that everything waits for; then less comes together
HELD_S, STALE_S = 3, 2                  # how long the absences are due already before anybody is heard again; stale_after

Message = collections.namedtuple('Message', 'value partition')


def playbook(work, name, text):
    path = work / f'{name}.yaml'
    path.write_text(text, encoding='utf-8')
    return path


def until(question, what):
    return wait.until(what, question, PATIENCE_S, 0.05)


def pay(stack, customers, booked_at=None):
    """One transaction each."""
    path = stack.folder / 'events.ndjson'
    with open(path, 'w', encoding='utf-8') as out:
        for name in customers:
            event = {'event_id': f'{name}-{time.time_ns()}', 'customer_id': name, 'account_id': 'a', 'account_type': 'CURRENT',
                     'booked_at': booked_at or int(time.time() * 1000), 'amount_minor': 100, 'currency': 'GBP', 'direction': 'DEBIT',
                     'status': 'POSTED', 'kind': 'CARD', 'channel': 'POS'}
            out.write(json.dumps({'source': 'transactions', 'event': event}) + '\n')
    stack.feed(path)


def another(stack, name, source_config='start: earliest', extra=''):
    """One more application over the same input."""
    made = Stack(stack.segue, stack.folder.parent, f'{stack.name}{name}', stack.playbook, tasks=stack.tasks, clock=stack.clock)
    made.input_of, made.source_config, made.extra_config = stack.input_of, source_config, extra
    made.journal_partitions = stack.journal_partitions
    made.create_topics()
    return made


def known(stack):
    return {customer for _, customer in stack.records() if customer}


def lives(process, stack):
    return process.get('/readyz')[0] == 200 and process.metrics().get('segue_lag_records') == 0


def check_start(segue, work, run):
    first = Stack(segue, work, f'start{run}', CHAOS, tasks=2, clock='live')
    first.create_topics()
    old, new, newest = ([f'{word}{n}' for n in range(20)] for word in ('old', 'new', 'newest'))
    pay(first, old)
    time.sleep(1.1)                     # TIME has whole seconds
    moment = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time()))
    pay(first, new)
    wanted = {'earliest': {*old, *new, *newest}, 'latest': set(newest), moment: {*new, *newest}}
    runs = {start: another(first, f'n{number}', f'start: {start}') for number, start in enumerate(wanted)}
    processes = {start: Process(stack).start() for start, stack in runs.items()}
    for start, process in processes.items():
        until(lambda p=process, s=start: lives(p, runs[s]), f'start: {start}')
    pay(first, newest)
    for start, stack in runs.items():
        until(lambda s=stack, w=wanted[start]: known(s) >= w, f'start: {start}, who came last')
        assert known(stack) == wanted[start], (start, sorted(known(stack) ^ wanted[start]))
        assert processes[start].kill(15) == 0
    again = runs['latest']              # it has been here before: what came meanwhile is not passed by
    pay(first, ['meanwhile'])
    process = Process(again).start()
    until(lambda: 'meanwhile' in known(again), 'start: latest, a second time')
    assert process.kill(15) == 0
    print('settings_starts_seen: 4')


def cuts_of(stack, extra, events):
    """The chain of the only task's cuts, when all the input was there before."""
    process = Process(stack).start()
    stack.wait_done(process, events)
    assert process.kill(15) == 0
    journal = Journal()
    for _, value, _, partition, _ in stack.read_raw('journal'):
        journal.take(Message(lambda v=value: v, lambda p=partition: p))
    assert not journal.check({0: events}), journal.check({0: events})[:3]
    cuts = [cut for cut in journal.cuts[0] if cut.events]
    assert sum(cut.events for cut in cuts) == events, extra
    return cuts


def check_commit(segue, work, run):
    first = Stack(segue, work, f'commit{run}', CHAOS, tasks=1)
    first.journal_partitions = 1
    first.create_topics()
    feeder = Feeder(first, run, CUSTOMERS, 0)
    for number in range(EVENTS):
        feeder.put(f'C{number % CUSTOMERS:06d}')
        feeder.producer.poll(0)
    while feeder.producer.flush(60):
        pass
    sizes = [len(key) + len(value) for key, value, *_ in first.read_raw('in-transactions')]
    runs = {'records': 'commit: {records: 500}', 'size': 'commit: {size: 64KiB}'}
    cuts = {name: cuts_of(another(first, name, extra=extra + '\n'), extra, EVENTS) for name, extra in runs.items()}
    assert max(cut.events for cut in cuts['records']) <= 500, 'commit.records'
    most = max(sum(sizes[max(cut.start, 0):cut.to]) for cut in cuts['size'])
    assert most <= 64 * 1024 + max(sizes) and len(cuts['size']) >= sum(sizes) // (64 * 1024 + max(sizes)), ('commit.size', most)
    print(f'settings_cuts_records_500: {len(cuts["records"])}\nsettings_cuts_size_64KiB: {len(cuts["size"])}')


def check_apply_queue(segue, work, run, queue):
    stack = Stack(segue, work, f'queue{queue}-{run}', playbook(work, 'count', COUNT), tasks=1, clock='live')
    stack.journal_partitions = 1
    proxy = ProxyProcess('redis_proxy.py', int(stack.redis_address.rpartition(':')[2]))
    stack.redis_address, stack.extra_config = proxy.address, f'apply: {{queue: {queue}}}\n'
    stack.create_topics()
    process, feeder = Process(stack).start(), Feeder(stack, run, 20, 400)
    feeder.start()
    try:
        until(lambda: process.metrics().get('segue_events_total', 0) > 400, 'the first events')
        most = 0
        for _ in range(STALLS):
            proxy.order(f'stall {STALL_S}')
            end = time.time() + STALL_S + 0.5
            while time.time() < end:
                most = max(most, process.metrics().get('segue_unapplied_cuts', 0))
        assert most == queue, f'apply.queue {queue}: {most} cuts waited for Redis'
        stack.wait_done(process, feeder.finish())
        assert process.kill(15) == 0
    finally:
        proxy.stop()
    print(f'settings_apply_queue_{queue}_waited: {most:.0f}')


def check_stale_after(segue, work, run):
    stack = Stack(segue, work, f'stale{run}', playbook(work, 'quiet', QUIET), tasks=2, clock='live')
    stack.source_config = f'start: earliest, stale_after: {STALE_S}s'
    stack.create_topics()
    careful, silent = Process(stack).start(), f'segue_source_silent{{topic="{stack.name}.in-transactions"}}'
    other = another(stack, 'never')                 # the same without: it tells of everybody when he is due
    plain = Process(other).start()
    some = [f'c{n}' for n in range(50)]
    pay(stack, some, int(time.time() * 1000) - 60000 + 1000 * (STALE_S + 4))
    until(lambda: careful.metric(silent) == stack.tasks, 'nobody is heard')
    until(lambda: len(list(other.read('life-events'))) == len(some), 'the absences of the application that does not wait')
    time.sleep(HELD_S)
    assert not list(stack.read('life-events')), 'an absence was told while its source was silent'

    def told_at_last():
        pay(stack, ['somebody'])            # again and again: a slow machine may need longer than stale_after
        told = [key for key, *_ in stack.read('life-events') if key in some]
        return len(told) >= len(some) and told

    told = until(told_at_last, 'the absences, once somebody is heard')
    assert sorted(told) == sorted(some), 'each once'
    for process in (careful, plain):
        assert process.kill(15) == 0
    print(f'settings_absences_held: {len(told)}')


def check_redis_away(segue, work, run):
    """Who starts it before Redis hears what it waits for, once; it goes on when Redis comes."""
    stack = Stack(segue, work, f'away{run}', CHAOS, tasks=2)
    stack.create_topics()
    port = free_port()
    stack.redis_address = f'127.0.0.1:{port}'
    process = Process(stack).start()
    said = lambda: process.log_path.read_text().count('msg="waiting for Redis; ')  # noqa: E731
    until(said, 'what it waits for')
    try:
        services(f'start_redis "$W" {port}', stack.folder)
        until(lambda: lives(process, stack), 'Redis has come')
        assert said() == 1, process.log_path.read_text()
        assert process.kill(15) == 0
    finally:
        services('stop_service "$W/redis.pid"', stack.folder)
    print('settings_redis_awaited: 1')


def main():
    segue, work, run = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(time.time())
    check_redis_away(segue, work, run)
    check_start(segue, work, run)
    check_commit(segue, work, run)
    for queue in (1, 4):
        check_apply_queue(segue, work, run, queue)
    check_stale_after(segue, work, run)


main()
