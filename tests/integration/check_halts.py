#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every reason to halt, on the real servers. usage: check_halts.py SEGUE WORK_DIR

Four applications work, stop, and are then broken: one with a task for each reason, one whose journal gets more partitions, one whose
input topic is made anew, one whose limits.commit is less than a record leads to and than a checkpoint is. `segue doctor` must name each
reason before anything is started (those that the servers show) and after. Then they start: each broken task halts with its reason in
metric, log line and /readyz, and the task that nobody broke goes on. Where the runbook's answer is a setting or `segue rebuild`, it is tried.
"""
import io
import pathlib
import re
import sys
import time

import confluent_kafka
import xxhash
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'tests/support'), str(ROOT / 'tests/chaos')]
import murmur2  # noqa: E402
from bank import Feeder  # noqa: E402
from stack import Process, Stack  # noqa: E402
from verdict import check, failed  # noqa: E402
from wait import comes, until  # noqa: E402

HEALTHY = 'healthy'
# A task each, in this order.
BROKEN = ['offset_foreign', 'offset_differs', 'kafka_behind', 'cut_missing', 'journal_not_cut', 'cut_newer', 'head_of_another',
          'task_record', 'customer_record', 'checkpoint_newer', 'checkpoint_unreadable', 'input_gone', HEALTHY]
OTHERS = ['journal_of_another', 'journal_begins_late', 'input_replaced']
LARGE = ['batch_too_large', 'checkpoint_too_large', 'cut_too_large', HEALTHY]
ONLY_THE_PROCESS = {'customer_record', 'batch_too_large', 'checkpoint_too_large', 'cut_too_large'}
CHAOS = ROOT / 'tests/playbooks/chaos'
# With its twelfth event a customer enters all of them: each tells of it with its rule as written, 5.2 MB in all.
LARGE_SEGMENTS, LARGE_FILES, LARGE_RULE, LARGE_EVENTS = 96, 6, 54000, 12
LARGE_PIECE = 600000            # of a cut: two of them are more than limits.commit
LARGE_FIELDS = 1300             # of a view, 511 bytes each: more than half of limits.commit
CUT_SALT = 0x5e60e


class Application:
    def __init__(self, segue, work, name, tasks, journal, interval, playbook=CHAOS, config=''):
        self.stack = Stack(segue, work, name, playbook, tasks=tasks)
        self.stack.extra_config = config
        self.stack.journal_partitions, self.stack.checkpoint_interval = journal, interval
        self.stack.create_topics()
        self.tasks, self.fed = tasks, 0
        self.feeder = Feeder(self.stack, 1, 100, 100)
        self.admin = AdminClient({'bootstrap.servers': self.stack.brokers})
        self.redis = self.stack.redis_client()
        self.process = Process(self.stack)
        self.input = self.stack.topic('in-transactions')

    def customer(self, task):
        return next(c for c in (f'C{n:06d}' for n in range(10000)) if murmur2.partition(c, self.tasks) == task)

    def feed(self, tasks, count=3):
        for task in tasks:
            for _ in range(count):
                self.feeder.put(self.customer(task))
                self.fed += 1
        self.feeder.producer.flush(30)

    def work(self):
        self.feed(range(self.tasks))
        self.process.start()
        self.stack.wait_done(self.process, self.fed)

    def committed(self):
        """Partition -> (offset, metadata), from the coordinator's own topic: the client shows metadata with what lies behind it."""
        number = 0
        for letter in self.stack.name:
            number = number * 31 + ord(letter) & 0xffffffff
        number = min(number, 0x100000000 - number) & 0x7fffffff  # of an int in Java its absolute value, 0 of the least
        consumer = confluent_kafka.Consumer({'bootstrap.servers': self.stack.brokers, 'group.id': 'checker', 'enable.partition.eof': True,
                                             'isolation.level': 'read_committed', 'auto.offset.reset': 'earliest'})
        count = len(consumer.list_topics('__consumer_offsets', timeout=10).topics['__consumer_offsets'].partitions)
        partition = confluent_kafka.TopicPartition('__consumer_offsets', number % count, 0)
        end = self.end_of(partition.topic, partition.partition)
        consumer.assign([partition])
        out = {}
        # Where commits never cease there is no end of the partition: what came after we asked is not waited for. But
        # a transaction of somebody else may be open there, and all behind it cannot be read before that ends.
        give_up = time.time() + 120
        while (message := consumer.poll(1)) is None or message.offset() < end:
            assert time.time() < give_up, f'{partition.topic} {partition.partition} is not read to {end}: a transaction stays open'
            if message is None:
                continue
            if message.error():
                assert message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF, message.error()
                continue
            key, value = io.BytesIO(message.key()), message.value()
            if int.from_bytes(key.read(2), 'big') > 1 or text(key) != self.stack.name or text(key) != self.input:
                continue
            out[int.from_bytes(key.read(4), 'big')] = value and (int.from_bytes(value[2:10], 'big'), text(io.BytesIO(value[14:])))
        consumer.close()
        assert out, f'{partition.topic} {partition.partition} has nothing of {self.stack.name}'
        return out

    def commit(self, offsets):
        """Somebody's hand: a transaction is not asked for its membership."""
        producer = confluent_kafka.Producer({'bootstrap.servers': self.stack.brokers, 'transactional.id': f'{self.stack.name}-hand'})
        consumer = confluent_kafka.Consumer({'bootstrap.servers': self.stack.brokers, 'group.id': self.stack.name})
        producer.init_transactions(20)
        producer.begin_transaction()
        producer.send_offsets_to_transaction([confluent_kafka.TopicPartition(self.input, p, offset, metadata)
                                              for p, (offset, metadata) in offsets.items()], consumer.consumer_group_metadata(), 20)
        producer.commit_transaction(20)
        consumer.close()

    def produce(self, topic, partition, value, key=None, headers=None):
        producer = confluent_kafka.Producer({'bootstrap.servers': self.stack.brokers})
        producer.produce(topic, value, key, partition, headers=headers or [])
        producer.flush(20)

    def delete_before(self, topic, partition, offset):
        for future in self.admin.delete_records([confluent_kafka.TopicPartition(topic, partition, offset)]).values():
            future.result(20)

    def end_of(self, topic, partition):
        """With what is not committed yet."""
        consumer = confluent_kafka.Consumer({'bootstrap.servers': self.stack.brokers, 'group.id': 'checker', 'isolation.level': 'read_uncommitted'})
        try:
            return consumer.get_watermark_offsets(confluent_kafka.TopicPartition(topic, partition), timeout=10, cached=False)[1]
        finally:
            consumer.close()

    def key(self, task, rest):
        return f'{{{self.stack.name}.{task}}}{rest}'

    def doctor(self):
        """Reason -> tasks, as doctor sees them."""
        run = self.stack.command('doctor', '--config', self.process.config, check=False)
        return {code: [int(t) for t in tasks.split(', ')]
                for code, tasks in re.findall(r'FAIL  halt +(\w+): task ([\d, ]+):', run.stdout)}

    def halted(self):
        return {code: float(value) for code, value in
                re.findall(r'^segue_halted_tasks\{reason="(\w+)"\} (\S+)', self.process.get('/metrics')[1], re.M) if float(value)}


def text(stream):
    return stream.read(int.from_bytes(stream.read(2), 'big')).decode()


def place(metadata, name):
    return int(re.search(rf'{name}=(-?\d+)', metadata)[1])


def newer_version(app, task):
    """The task's last cut once more, from a version that nobody knows yet."""
    last = [value for _, value, _, partition, _ in app.stack.read_raw('journal') if partition == task][-1]
    head, piece = last[:36], bytearray(last[36:-8])
    piece[0] = 99
    whole = head + bytes(piece)
    return whole + xxhash.xxh3_64_intdigest(whole, CUT_SALT).to_bytes(8, 'little')


def larger_cut(app, task):
    """Two parts of three of a cut as another process would write it that has a higher limits.commit."""
    last = [value for _, value, _, partition, _ in app.stack.read_raw('journal') if partition == task][-1]
    for part in range(2):
        piece = last[36:-8] + bytes(LARGE_PIECE)
        whole = (last[:5] + part.to_bytes(3, 'little') + last[8:28] + (3).to_bytes(4, 'little') +
                 len(piece).to_bytes(4, 'little') + piece)
        yield whole + xxhash.xxh3_64_intdigest(whole, CUT_SALT).to_bytes(8, 'little')


def large_playbook(folder):
    """chaos.yaml and LARGE_SEGMENTS more, whose rules are long (a file has a limit of 1 MiB)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'chaos.yaml').write_text((CHAOS / 'chaos.yaml').read_text())
    rule = f"{{purpose: SERVICE, evaluate: on_event, including: {{many: 'f.events >={' ' * LARGE_RULE}{LARGE_EVENTS}'}}, exit_when: 'f.events < 1'}}"
    for part in range(LARGE_FILES):
        lines = ''.join(f'  large{number}: {rule}\n' for number in range(part, LARGE_SEGMENTS, LARGE_FILES))
        (folder / f'large{part}.yaml').write_text('segments:\n' + lines)
    return folder


def varuint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def take_varuint(stream):
    number = shift = 0
    while (byte := stream.read(1)[0]) > 127:
        number |= (byte & 127) << shift
        shift += 7
    return number | byte << shift


def larger_checkpoint(value):
    """The same customer with LARGE_FIELDS more fields in his view, as of a time when that much was published."""
    stream = io.BytesIO(value[:-8])
    stream.read(2)                              # version, flags
    stream.read(take_varuint(stream))           # id
    take_varuint(stream)                        # due bucket
    stream.read(take_varuint(stream))           # record
    kept = value[:stream.tell()]
    count, view = take_varuint(stream), stream.read(take_varuint(stream))
    for number in range(LARGE_FIELDS):
        name = f'field{number}'.encode()
        view += b'\0' + varuint(len(name)) + name + varuint(511) + b'x' * 511
    whole = kept + varuint(count + LARGE_FIELDS) + varuint(len(view)) + view
    return whole + xxhash.xxh3_64_intdigest(whole, CUT_SALT).to_bytes(8, 'little')


def break_limits(app):
    """limits.commit is 1 MiB, a transaction's part for one task; it has four."""
    number = {code: task for task, code in enumerate(LARGE)}
    for value in larger_cut(app, number['cut_too_large']):
        app.produce(app.stack.topic('journal'), number['cut_too_large'], value)
    app.feed([number['batch_too_large']], LARGE_EVENTS)
    task = number['checkpoint_too_large']
    key = f'{task}:{app.customer(task)}'
    value, headers = [(value, headers) for name, value, headers, _, _ in app.stack.read_raw('checkpoints') if name == key.encode()][-1]
    app.produce(app.stack.topic('checkpoints'), task, larger_checkpoint(value), key, headers)
    app.redis.delete(app.key(task, 'head'))


def raise_limits(app):
    """The runbook's answer to all of them."""
    check('SIGTERM', app.process.kill(15) == 0)
    app.process.config = app.stack.write_config('0', app.process.port)
    app.process.start()
    app.stack.wait_done(app.process, app.fed)
    check('limits.commit was raised: nothing is halted', app.halted() == {} and app.doctor() == {}, app.process.tail_of_log())
    view = app.redis.hgetall(app.key(1, 'v:' + app.customer(1)))
    check('limits.commit was raised: the large checkpoint is in Redis', len(view) > LARGE_FIELDS, len(view))
    entered = [value for _, value, _, _, _ in app.stack.read_raw('segment-changes') if b' ' * LARGE_RULE in value]
    check('limits.commit was raised: what the record led to is there once', len(entered) == LARGE_SEGMENTS, len(entered))


def break_tasks(app, before):
    """`before`: what was committed some cuts ago."""
    number = {code: task for task, code in enumerate(BROKEN)}
    now = app.committed()
    journal, checkpoints = app.stack.topic('journal'), app.stack.topic('checkpoints')
    task = number['cut_missing']
    app.delete_before(journal, task, place(now[task][1], 'previous_at'))
    app.commit({number['offset_foreign']: (now[number['offset_foreign']][0], 'by hand'),
                number['offset_differs']: (now[number['offset_differs']][0] - 1, now[number['offset_differs']][1]),
                number['kafka_behind']: before[number['kafka_behind']],
                task: before[task]})
    app.produce(journal, number['journal_not_cut'], b'not a cut')
    app.produce(journal, number['cut_newer'], newer_version(app, number['cut_newer']))
    app.redis.set(app.key(number['head_of_another'], 'head'), b'something else')
    app.redis.set(app.key(number['task_record'], 'c:'), b'something else')
    task = number['customer_record']
    app.redis.set(app.key(task, 'c:' + app.customer(task)), b'something else')
    for code, value, seq in (('checkpoint_newer', None, b'999999'), ('checkpoint_unreadable', b'something else', b'1')):
        task = number[code]
        app.produce(checkpoints, task, value, f'{task}:{app.customer(task)}', [('seq', seq)])
        app.redis.delete(app.key(task, 'head'))
    task = number['input_gone']
    app.feed([task])
    app.delete_before(app.input, task, app.end_of(app.input, task) - 1)
    task = number[HEALTHY]      # quiet for longer than retention: the record before the next one is gone, and nothing is lost
    app.delete_before(app.input, task, app.end_of(app.input, task))


def judge(app, wanted, later=()):
    """`wanted`: reason -> tasks. `later`: the same, seen by doctor at once, by the process only after two minutes."""
    first = app.doctor()
    check(f'{app.stack.name}: doctor sees it in the servers',
          first == {c: t for c, t in [*wanted.items(), *later] if c not in ONLY_THE_PROCESS}, first)
    app.process.start()
    healthy = [t for t in range(app.tasks) if not any(t in tasks for tasks in wanted.values())]
    if 'customer_record' in wanted:
        app.feed(wanted['customer_record'])
    everybody = {c: float(len(t)) for c, t in wanted.items()}
    good = comes(lambda: app.halted() == everybody)
    check(f'{app.stack.name}: segue_halted_tasks', good, f'{app.halted()}\n{app.process.tail_of_log()}')
    status, ready = app.process.get('/readyz')
    log = app.process.log_path.read_text()
    second = app.doctor()
    for code, tasks in wanted.items():
        for task in tasks:
            check(f'{code}: /readyz', status == 503 and f'task {task}: halted: {code}: ' in ready, ready)
            line = re.search(rf'code=task_halted .* task={task} halt={code} runbook=deploy/README.md#{code} why="(.*)"', log)
            check(f'{code}: the log says what happened and what to do', line is not None, log[-2000:])
            check(f'{code}: doctor', task in second.get(code, []), second)
            print('      ', line and line[1])
    if healthy and not later:
        mark = app.committed()[healthy[0]][0]
        app.feed(healthy)
        check('a task that nobody broke goes on', comes(lambda: app.committed()[healthy[0]][0] == mark + 3), ready)


def main():
    segue, work = sys.argv[1], pathlib.Path(sys.argv[2])
    begin, stamp = time.time(), int(time.time())
    apps = [Application(segue, work, f'halts{stamp}', len(BROKEN), len(BROKEN), '1s'),
            Application(segue, work, f'haltj{stamp}', 2, 1, '10m'), Application(segue, work, f'halti{stamp}', 2, 2, '10m'),
            Application(segue, work, f'haltl{stamp}', len(LARGE), len(LARGE), '1s', large_playbook(work / f'haltl{stamp}-playbook'),
                        'limits:\n  commit: 1MiB\n')]
    try:
        for app in apps:
            app.work()
        main_app, journal, inputs, limits = apps
        before = main_app.committed()
        for app in apps:
            app.feed(range(app.tasks))
            app.stack.wait_done(app.process, app.fed)
        until('every task has been checkpointed, some cuts on', lambda: all(
            place(meta, 'low') > 1 and place(meta, 'n') > place(before[p][1], 'n') + 2 for p, (_, meta) in main_app.committed().items()))
        until('checkpoints of the one with little room', lambda: all(place(meta, 'low') > 1 for _, meta in limits.committed().values()))
        for app in apps:
            check('SIGTERM', app.process.kill(15) == 0)
        break_tasks(main_app, before)
        break_limits(limits)
        for future in journal.admin.create_partitions([NewPartitions(journal.stack.topic('journal'), 2)]).values():
            future.result(20)
        inputs.delete_before(inputs.stack.topic('journal'), 0, place(inputs.committed()[0][1], 'previous_at') + 1)
        inputs.redis.delete(inputs.key(0, 'head'))
        for future in inputs.admin.delete_topics([inputs.input]).values():
            future.result(20)
        time.sleep(1)
        for future in inputs.admin.create_topics([NewTopic(inputs.input, 2, 1)]).values():
            future.result(20)
        inputs.feed(range(2), 7)
        judge(main_app, {code: [task] for task, code in enumerate(BROKEN) if code != HEALTHY})
        judge(journal, {'journal_of_another': [0]}, [('cut_missing', [1])])
        judge(inputs, {'journal_begins_late': [0], 'input_replaced': [1]})
        judge(limits, {code: [task] for task, code in enumerate(LARGE) if code != HEALTHY})
        limits.stack.extra_config = ''
        raise_limits(limits)
        lost = BROKEN.index('input_gone')
        main_app.stack.command('rebuild', '--task', str(lost), '--config', main_app.process.config)
        check('input_gone: rebuild goes on with what is left', comes(
            lambda: 'input_gone' not in main_app.halted() and main_app.committed()[lost][0] == main_app.end_of(main_app.input, lost)),
            main_app.process.get('/readyz')[1])
    finally:
        for app in apps:
            if app.process.running():
                app.process.kill()
    print(f'halts_reasons: {len(BROKEN) - 1 + len(OTHERS) + len(LARGE) - 1}\nhalts_took_seconds: {time.time() - begin:.1f}\nhalts_failed: {len(failed)}')
    sys.exit(1 if failed else 0)


main()
