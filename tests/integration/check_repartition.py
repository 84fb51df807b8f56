#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A source keyed by the account, in three partitions, for eight tasks, while the step between is killed again and again.
usage: check_repartition.py SEGUE WORK_DIR

`segue repartition` is killed at random moments, has to share its partitions with a second one, which is then frozen until it is a
zombie, and `segue run` is killed beside it. What the tasks read must be what the bank wrote, once each, in order per input partition,
bytes, headers and times unchanged; outputs and Redis are recounted from it, and compared with an application that read the same events
keyed by the customer. Garbage becomes a dead letter. What the tasks have read is deleted, and a task that starts after that goes on.
"""
import collections
import io
import json
import pathlib
import random
import re
import signal
import sys
import threading
import time

import confluent_kafka
import fastavro
from confluent_kafka.admin import AdminClient, NewTopic

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'tests/support'), str(ROOT / 'tests/chaos')]
import checker  # noqa: E402
import murmur2  # noqa: E402
from bank import DAY_MS, START_MS, register  # noqa: E402
from follow import Follower, read_all  # noqa: E402
from recount import Outputs, Recount  # noqa: E402
from stack import Process, Stack, free_port  # noqa: E402
from verdict import check, failed  # noqa: E402
from wait import until  # noqa: E402

TASKS, INPUTS, CUSTOMERS, EVENTS, SECONDS = 8, 3, 240, 9000, 14
TIMED_MS = 1700000000000            # Kafka's own time of the records: kept


def accounts(number):
    """Two of each customer; of two customers in three both lie in one input partition, so that their events have an order."""
    first = f'A{number:05}-0'
    if number % 3 == 2:
        return first, f'A{number:05}-1'
    return first, next(a for a in (f'A{number:05}-{n}' for n in range(1, 99)) if murmur2.partition(a, INPUTS) == murmur2.partition(first, INPUTS))


class Bank:
    """Writes the same events twice: keyed by the account for the step, keyed by the customer for the reference."""

    def __init__(self, stack, reference):
        text = (ROOT / 'schemas/transaction/1.avsc').read_text()
        self.stack, self.reference, self.schema = stack, reference, fastavro.parse_schema(json.loads(text))
        self.topic = stack.topic('in-transactions')
        number = register(stack.registry, self.topic + '-value', text)
        register(stack.registry, reference.topic('in-transactions') + '-value', text)
        self.frame, self.chance, self.now_ms = b'\0' + number.to_bytes(4, 'big'), random.Random(5), START_MS
        self.count, self.garbage, self.sent = 0, collections.Counter(), []
        self.producer = confluent_kafka.Producer({'bootstrap.servers': stack.brokers, 'enable.idempotence': True,
                                                  'partitioner': 'murmur2_random', 'linger.ms': 5})

    def put(self, number):
        self.now_ms += 1 + int(self.chance.expovariate(1) * 1000)     # nobody is quiet for days before the end
        self.count += 1
        customer, account = f'C{number:06d}', self.chance.choice(accounts(number))
        out = io.BytesIO(self.frame)
        out.seek(0, io.SEEK_END)
        fastavro.schemaless_writer(out, self.schema, {
            'event_id': f'e{self.count}', 'customer_id': customer, 'booked_at': self.now_ms, 'currency': 'GBP',
            'amount_minor': self.chance.randrange(1, 100000), 'direction': 'DEBIT', 'status': 'POSTED', 'kind': 'CARD', 'account_id': account})
        self.sent.append((customer, out.getvalue(), self.count))
        self.producer.produce(self.topic, out.getvalue(), account, headers=[('trace', str(self.count).encode())],
                              timestamp=TIMED_MS + self.count)
        self.producer.produce(self.reference.topic('in-transactions'), out.getvalue(), customer)
        if self.count % 300 == 150:
            self.bad('bad_framing', b'\x07 not a record', 'A00001-0')
            self.bad('empty', None, 'A00002-0')
            self.bad('truncated', out.getvalue()[:12], account)
        self.producer.poll(0)

    def bad(self, reason, value, key):
        self.garbage[reason] += 1
        self.producer.produce(self.topic, value, key)

    def feed(self, seconds):
        """EVENTS of them, evenly."""
        begin = time.monotonic()
        while self.count < EVENTS:
            while self.count < min(EVENTS, EVENTS * (time.monotonic() - begin) / seconds):
                self.put(self.chance.randrange(CUSTOMERS))
            time.sleep(0.02)

    def finish(self):
        """A last one for everybody, a month later, so that all that waits comes out."""
        self.now_ms += 30 * DAY_MS
        for number in range(CUSTOMERS):
            self.put(number)
        self.producer.flush(60)


class Passed(Recount):
    """What the tasks read, beside what it means."""

    def __init__(self, stack):
        super().__init__(stack)
        self.records, self.order, self.wrong = [], collections.defaultdict(list), []

    def take(self, message):
        headers = dict(message.headers())
        topic, partition, offset = headers['segue_origin'].decode().rsplit('/', 2)
        number = int(headers.get('trace', b'0'))
        self.records.append((message.key().decode(), message.value(), number))
        self.order[int(partition), message.partition()].append(int(offset))
        if message.timestamp()[1] != TIMED_MS + number or not topic.endswith('.in-transactions') or list(headers) != ['trace', 'segue_origin']:
            self.wrong.append((headers, message.timestamp()))
        super().take(message)


class Watcher(threading.Thread):
    """Reads while it comes: what the tasks have read is deleted."""

    def __init__(self, stack, name, taker):
        super().__init__(daemon=True)
        self.follower, self.taker, self.stopping, self.failure = Follower(stack, name, taker), taker, threading.Event(), None

    def run(self):
        try:
            while not self.stopping.is_set():
                self.follower.step(0.05)
        except BaseException as failure:        # told by whoever waits
            self.failure = failure

    def stop(self):
        self.stopping.set()
        self.join()
        if self.failure:
            raise self.failure


def step(stack, instance):
    """A `segue repartition`."""
    port = free_port()
    stack.extra_config = f'repartition:\n  listen: 127.0.0.1:{port}\n'
    process = Process(stack, instance, f'step{instance}', 'repartition')
    process.port = port
    return process


def storm(steps, run, seconds):
    """Kill -9 at random moments; the second step comes in the middle, is frozen, and wakes as a zombie."""
    chance, end, kills, begin = random.Random(9), time.time() + seconds, 0, time.time()
    second = froze = woke = False
    while time.time() < end or not woke:
        time.sleep(chance.uniform(0.2, 1.0))
        at = time.time() - begin
        if not second and at > seconds * 0.25:
            steps[1].start()
            second = True
            time.sleep(3)
        elif second and not froze and at > seconds * 0.25:
            steps[1].child.send_signal(signal.SIGSTOP)
            froze = time.time()
        elif froze and not woke and time.time() > froze + 8:
            steps[1].child.send_signal(signal.SIGCONT)
            woke = True
            time.sleep(1)
        elif kills % 4 == 3:
            run.kill()
            run.start()
            kills += 1
        else:
            steps[0].kill()
            steps[0].start()
            kills += 1
    steps[1].kill()
    return kills


def committed(stack, topic):
    consumer = confluent_kafka.Consumer({'bootstrap.servers': stack.brokers, 'group.id': stack.name, 'isolation.level': 'read_uncommitted'})
    try:
        return {t.partition: t.offset for t in consumer.committed([confluent_kafka.TopicPartition(topic, p) for p in range(TASKS)], timeout=10)}
    finally:
        consumer.close()


def lows(stack, topic):
    consumer = confluent_kafka.Consumer({'bootstrap.servers': stack.brokers, 'group.id': 'checker'})
    try:
        return {p: consumer.get_watermark_offsets(confluent_kafka.TopicPartition(topic, p), timeout=10)[0] for p in range(TASKS)}
    except confluent_kafka.KafkaException:  # a leader is being elected, or silent: asked again
        return dict.fromkeys(range(TASKS), 0)
    finally:
        consumer.close()


def same(outputs):
    """Without the offsets, which are each topic's own."""
    return {c: [o._replace(cause=None) for o in outputs.outputs.texts[c]] for c in outputs.outputs.texts}


def judge_records(bank, passed):
    a, b = collections.Counter(bank.sent), collections.Counter(passed.records)
    lost, doubled = (a - b).total(), (b - a).total()
    print(f'repartition_events: {len(bank.sent)}\nrepartition_lost: {lost}\nrepartition_doubled: {doubled}')
    check('every record once, with its customer as the key, its bytes unchanged', not lost and not doubled, list((a - b) + (b - a))[:2])
    check('headers and times are kept, the origin is told', not passed.wrong, passed.wrong[:2])
    check('the order of each input partition is kept', all(o == sorted(o) for o in passed.order.values()))


def judge_outputs(stack, reference, passed):
    everybody = [f'C{n:06d}' for n in range(CUSTOMERS)]
    ordered = [c for n, c in enumerate(everybody) if n % 3 != 2]        # of others the accounts' events have no order
    outputs = read_all(stack, 'segment-changes', Outputs(stack, explain=everybody))
    lost, doubled, _, wrong = checker.check_outputs(passed.outputs.digests, outputs.outputs.digests)
    views, wanted = stack.views(), reference.views()
    bad = checker.check_views(passed, checker.views_of(stack))
    wrong = [c for c in wrong if c in ordered]
    print(f'repartition_outputs: {sum(map(len, outputs.outputs.digests.values()))}\nrepartition_outputs_lost: {lost}\n'
          f'repartition_outputs_doubled: {doubled}\nrepartition_customers_differing: {len(wrong)}\nrepartition_views_differing: {len(bad)}')
    check('outputs and views are those of what was read', not (lost or doubled or wrong or bad), (wrong + bad)[:3])
    check('no id was used twice', outputs.ids_used_again() == 0)
    other = same(read_all(reference, 'segment-changes', Outputs(reference, explain=everybody)))
    mine = same(outputs)
    differ = [c for c in ordered if mine[c] != other[c]]
    check('outputs are those of a source keyed by the customer', not differ, differ and (mine[differ[0]][:3], other[differ[0]][:3]))
    for view in (*views.values(), *wanted.values()):
        view.pop('f.offset', None)
    differ = [c for c in everybody if views.get(c) != wanted.get(c)]
    check('Redis is that of a source keyed by the customer', not differ, differ and (views.get(differ[0]), wanted.get(differ[0])))


def judge_rejects(stack, bank):
    seen = collections.Counter()
    for _, value, _, _, _ in stack.read('dead-letters'):
        seen[value['reason']] += 1
        if value['topic'] != bank.topic:
            seen['of another topic'] += 1
    check('garbage is a dead letter with its place in the bank\'s topic', seen == bank.garbage, (seen, bank.garbage))


def write_while(bank, done, seconds):
    """The bank goes on writing, faster than anybody looks."""
    end = time.time() + seconds
    while not done.is_set() and time.time() < end:
        for _ in range(5):
            bank.put(1)
        time.sleep(0.005)
    bank.producer.flush(20)


def judge_growth(stack, bank, config):
    """A sample is a sample, though the topic never ends."""
    done = threading.Event()
    writing = threading.Thread(target=write_while, args=[bank, done, 10])
    writing.start()
    said = stack.command('doctor', '--config', config, check=False).stdout
    grew = not done.is_set() and writing.is_alive()
    done.set()
    writing.join()
    sampled = re.search(r'of (\d+) sampled records', said)
    check('doctor ends while the topic grows, with its sample', grew and sampled is not None and int(sampled[1]) <= 50 * min(INPUTS, 4), (grew, said))


def judge_doctor(stack, bank, process):
    said = stack.command('doctor', '--config', process.config, check=False).stdout
    check('doctor: the step, its lag and its cost', 'repartition' in said and '0 records wait; an event costs about' in said, said)
    stack.source_config, stack.extra_config = 'start: earliest', ''
    plain = stack.write_config('plain')
    said = stack.command('doctor', '--config', plain, check=False).stdout
    check('doctor without the step: it is needed, how, and what it costs',
          'is not keyed by the customer' in said and 'sources.transactions.repartition: key' in said and 'bytes in Kafka' in said, said)
    judge_growth(stack, bank, plain)
    run = stack.command('check', '--topics', '--config', plain, check=False)
    check('check --topics says the same', run.returncode == 1 and 'sources.transactions.repartition: key' in run.stdout, run.stdout + run.stderr)
    run = stack.command('repartition', '--config', plain, check=False)
    check('a configuration without it is refused', run.returncode == 78 and 'nothing to do' in run.stderr, run.stderr)


def judge_rest(stack, bank, steps, run):
    """What was read is deleted; a start after that goes on; a stop commits."""
    topic = stack.topic('repartition.transactions')
    until('what the tasks have read is deleted', lambda: all(low > 0 and low >= committed(stack, topic)[p] for p, low in lows(stack, topic).items()))
    check('SIGTERM: run', run.kill(15) == 0)
    run.start()
    bank.put(1)
    bank.producer.flush(20)
    until('a task whose last record was deleted goes on', lambda: run.metrics().get('segue_events_total', 0) == 1)
    check('nothing halted', not any(v for k, v in run.metrics().items() if k == 'segue_halted_tasks'), run.get('/readyz'))
    totals = steps[0].metrics()
    check('metrics: lag, records', totals.get('segue_repartition_lag_records') == 0 and totals.get('segue_repartition_records_total', 0) >= 1, totals)
    status, ready = steps[0].get('/readyz')
    check('/readyz', status == 200 and f'transactions partitions owned: {INPUTS}' in ready, ready)
    check('SIGTERM: repartition', steps[0].kill(15) == 0, steps[0].tail_of_log())


def main():
    segue, work = sys.argv[1], pathlib.Path(sys.argv[2])
    begin, stamp = time.time(), int(time.time())
    stack = Stack(segue, work, f'route{stamp}', ROOT / 'tests/playbooks/chaos', tasks=TASKS)
    reference = Stack(segue, work, f'routeref{stamp}', ROOT / 'tests/playbooks/chaos', tasks=TASKS)
    admin = AdminClient({'bootstrap.servers': stack.brokers})
    for future in admin.create_topics([NewTopic(stack.topic('in-transactions'), INPUTS, 1)]).values():
        future.result(20)
    stack.source_config = 'start: earliest, repartition: key'
    stack.create_topics()
    reference.create_topics()
    bank = Bank(stack, reference)
    stack.extra_config = ''
    run, other = Process(stack), Process(reference)
    # A member that says nothing is dropped after 6 s, the least that brokers allow
    steps = [step(stack, str(i)) for i in range(2)]
    for process in steps:
        path = pathlib.Path(process.config)
        path.write_text(path.read_text().replace('kafka:\n', 'kafka:\n  session.timeout.ms: 6000\n'))
    watcher = Watcher(stack, 'repartition.transactions', Passed(stack))
    try:
        for process in (watcher, run, other, steps[0]):
            process.start()
        feeding = threading.Thread(target=bank.feed, args=[SECONDS])
        feeding.start()
        kills = storm(steps, run, SECONDS)
        feeding.join()
        until('the step has everything back', lambda: f'partitions owned: {INPUTS}' in steps[0].get('/readyz')[1] and
              steps[0].metrics().get('segue_repartition_lag_records') == 0)
        bank.finish()
        until('all has gone through', lambda: watcher.failure or len(watcher.taker.records) >= len(bank.sent))
        time.sleep(0.3)
        watcher.stop()
        ends = dict(watcher.taker.ends)
        topic = stack.topic('repartition.transactions')
        until('the tasks have read all', lambda: all(committed(stack, topic)[p] >= end for p, end in ends.items()))
        until('Redis has all', lambda: run.metrics().get('segue_unapplied_cuts', 1) == 0)
        reference.wait_done(other, len(bank.sent))
        print(f'repartition_kills: {kills}')
        judge_records(bank, watcher.taker)
        judge_outputs(stack, reference, watcher.taker)
        judge_rejects(stack, bank)
        judge_rest(stack, bank, steps, run)
        judge_doctor(stack, bank, steps[0])
    finally:
        for process in (*steps, run, other):
            if process.running():
                process.kill()
    print(f'repartition_took_seconds: {time.time() - begin:.1f}\nrepartition_failed: {len(failed)}')
    sys.exit(1 if failed else 0)


main()
