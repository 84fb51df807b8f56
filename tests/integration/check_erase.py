#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Erasure. usage: check_erase.py SEGUE WORK_DIR

Two customers with memberships, a life event, decisions, checkpoints, views. One is erased: no key and no value in Redis may name it any more, the last
word about it in every compacted topic must be a tombstone, and `segue erase` must say by when the last copy is gone. The other one stays.

Then retention and compaction lags are cut to seconds, and while others go on the bytes themselves are searched: every file of Kafka's log (all topics, index and
snapshot files too; nothing is compressed, and before the end of retention the same search must find the customer there), every key and value of Redis, and
Segue's own log and files. All of it must be free of the customer, and of the ids of its events, before the date that the command printed.
"""
import datetime
import json
import pathlib
import re
import sys
import time

import confluent_kafka
import confluent_kafka.admin

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
from stack import Process, Stack, many  # noqa: E402
from wait import until  # noqa: E402

RUN = int(time.time())  # names of this run only: the broker's log may have those of an earlier one
GONE, STAYS, NOBODY = f'customer-gone-{RUN}', f'customer-stays-{RUN}', f'customer-nobody-{RUN}'
SHORT_MS, SOURCES = 1000, ('transactions', 'app-engagement', 'customer-profiles', 'offer-outcomes')


def last_words(stack, topic):
    """key -> value, as a compacted topic ends up."""
    consumer = confluent_kafka.Consumer({'bootstrap.servers': stack.brokers, 'group.id': 'checker', 'enable.auto.commit': False,
                                         'isolation.level': 'read_committed', 'auto.offset.reset': 'earliest',
                                         'enable.partition.eof': True})
    partitions = list(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
    consumer.assign([confluent_kafka.TopicPartition(topic, p, 0) for p in partitions])
    words, open_ends = {}, set(partitions)
    while open_ends:
        message = consumer.poll(10)
        if message.error():
            open_ends.discard(message.partition())
            continue
        headers = {k: v.decode() for k, v in message.headers() or []}
        words[(message.key() or b'').decode()] = (message.value(), headers)
    consumer.close()
    return words


def naming(stack, customer):
    """Keys and values in Redis that name the customer: of every application, not only of this one."""
    name, client = customer.encode(), stack.redis_client()
    keys = list(client.scan_iter('*', count=5000))
    how = {b'hash': 'HGETALL', b'set': 'SMEMBERS', b'string': 'GET'}
    kinds = many(client, [('TYPE', key) for key in keys])
    assert set(kinds) <= {*how, b'none'}, f'a key of a kind that is not searched: {set(kinds)}'
    keys = [(key, kind) for key, kind in zip(keys, kinds) if kind != b'none']
    values = many(client, [(how[kind], key) for key, kind in keys])
    return [key for (key, _), value in zip(keys, values) if name in key or name in repr(value).encode()]


class Bank:
    """Events of now; every id of a customer's event names the customer."""

    def __init__(self, stack):
        self.stack, self.serial, self.count = stack, 0, 0

    def event(self, source, customer, **fields):
        self.serial += 1
        ident = {} if source == 'customer-profiles' else {'event_id': f'{customer}-{self.serial}'}
        return {'source': source, 'event': {'customer_id': customer, **ident, **fields}}

    def life_of(self, customer):
        """A profile, a login that a decision follows, fees that make memberships, a funeral, an answer."""
        now = int(time.time() * 1000)
        consents = [{'purpose': 'MARKETING', 'channel': c, 'status': 'GRANTED', 'lawful_basis': 'CONSENT', 'updated_at': now} for c in ('IN_APP', 'EMAIL')]
        tx = {'account_id': f'account-of-{customer}', 'account_type': 'CURRENT', 'currency': 'GBP', 'direction': 'DEBIT', 'status': 'POSTED',
              'channel': 'ONLINE', 'amount_minor': 500}
        yield self.event('customer-profiles', customer, updated_at=now, birth_date='1980-01-01', complaint_open=False, vulnerability=[],
                         products_held=[], income_band='E', consents=consents)
        yield self.event('app-engagement', customer, occurred_at=now, event='login')
        for kind in ({'kind': 'FEE'}, {'kind': 'FEE'}, {'kind': 'CARD', 'mcc': 7261, 'merchant_name': 'A funeral'}):
            yield self.event('transactions', customer, booked_at=now, **kind, **tx)
        yield self.event('offer-outcomes', customer, occurred_at=now, decision_id='none', offer_id='round_up', channel='IN_APP', outcome='DISMISSED')

    def send(self, customers, wanted=SOURCES):
        path = self.stack.folder / 'events.ndjson'
        events = [event for customer in customers for event in self.life_of(customer) if event['source'] in wanted]
        path.write_text(''.join(json.dumps(event) + '\n' for event in events))
        self.stack.feed(path)
        path.unlink()
        self.count += len(events)


def topics_of(stack):
    admin = confluent_kafka.admin.AdminClient({'bootstrap.servers': stack.brokers})
    return admin, [name for name in admin.list_topics(timeout=10).topics if name.startswith(stack.name + '.')]


def configure(stack, change):
    """`change`: topic, its cleanup policy -> properties to set."""
    admin, topics = topics_of(stack)
    ask = [confluent_kafka.admin.ConfigResource('topic', name) for name in topics]
    policy = {r.name: f.result(10)['cleanup.policy'].value for r, f in admin.describe_configs(ask).items()}
    change_all = [confluent_kafka.admin.ConfigResource('topic', name, incremental_configs=[
        confluent_kafka.admin.ConfigEntry(key, str(value), incremental_operation=confluent_kafka.admin.AlterConfigOpType.SET)
        for key, value in change(name, policy[name]).items()]) for name in topics]
    for future in admin.incremental_alter_configs(change_all).values():
        future.result(10)


def shortened(name, policy):
    out = {'segment.ms': SHORT_MS, 'file.delete.delay.ms': 0}
    if policy == 'compact':
        out.update({'max.compaction.lag.ms': SHORT_MS, 'delete.retention.ms': SHORT_MS, 'min.cleanable.dirty.ratio': 0.01})
    elif not name.endswith('.journal'):  # that one must have no retention: Segue deletes its begin
        out['retention.ms'] = SHORT_MS
    return out


def files_naming(folders, customer):
    """Every file below the folders that has the name in its bytes; those that vanish meanwhile are gone."""
    name, found = customer.encode(), []
    for path in (p for folder in folders for p in folder.rglob('*')):
        try:
            if path.is_file() and name in path.read_bytes():
                found.append(path)
        except FileNotFoundError:
            pass
    return found


def topics_in(paths):
    """Which topics' folders the files are in, without the application's prefix."""
    return {re.sub(r'-\d+(\.[0-9a-f]+-delete)?$', '', p.parent.name).partition('.')[2] for p in paths}


def forgotten(stack, process, bank, log):
    """Retention in seconds: then nothing, anywhere, before the date that was printed."""
    where = [log, stack.folder]
    found = topics_in(files_naming([log], GONE))
    expected = {*(f'in-{s}' for s in SOURCES), 'journal', 'checkpoints', 'segment-changes', 'segment-state', 'life-events', 'offers', 'exposures'}
    assert expected <= found, f'the search is blind to {expected - found}'
    assert not files_naming([stack.folder], GONE), f"Segue's own files name it: {files_naming([stack.folder], GONE)}"
    configure(stack, shortened)
    said = stack.command('erase', '--dry-run', '--config', process.config, GONE).stdout
    date = re.search(r'The last copy .* gone by (\S+)\.', said)
    assert date, said
    gone_by = datetime.datetime.fromisoformat(date[1].replace('Z', '+00:00')).timestamp()
    begin, rounds = time.time(), 0
    while True:
        # Files end, and are cleaned, only where the bank goes on: new customers, in every partition.
        bank.send([f'{STAYS}-{rounds}-{n}' for n in range(16)])
        rounds += 1
        left = files_naming(where, GONE)
        if not left:
            break
        if time.time() > gone_by:
            raise SystemExit('after the date that was printed it is still in:\n' + '\n'.join(map(str, left[:10])) + '\n' + said)
        time.sleep(0.5)
    assert not naming(stack, GONE), 'Redis names it again'
    assert files_naming([log], STAYS), 'the others are gone as well: nothing was shown'
    print(f'erase_topics_searched: {len(topics_of(stack)[1])}')
    print(f'erase_files_searched: {sum(1 for p in log.rglob("*") if p.is_file())}')
    print(f'erase_gone_after_s: {time.time() - begin:.0f}')
    print(f'erase_gone_by_s: {gone_by - begin:.0f}')


def main():
    segue, work = sys.argv[1], pathlib.Path(sys.argv[2])
    log = work / 'kafka/data'
    assert log.is_dir(), f'{log}: the brokers\' log is to be searched there'
    stack = Stack(segue, work, f'erase{RUN}', ROOT / 'tests/playbooks/offers', tasks=2, clock='live', topics=SOURCES)
    stack.checkpoint_interval = stack.journal_keep = '1s'
    stack.create_topics()
    configure(stack, lambda name, policy: {'compression.type': 'uncompressed'})
    bank, process = Bank(stack), Process(stack).start()
    try:
        # One after the other: there is no order between sources, and a decision needs a profile and nothing that stops marketing.
        for wanted in (('customer-profiles',), ('app-engagement',), ('transactions', 'offer-outcomes')):
            bank.send([GONE, STAYS], wanted)
            stack.wait_done(process, bank.count)
        assert naming(stack, GONE) and naming(stack, STAYS)
        until('both have a checkpoint', lambda: {GONE, STAYS} <= {k.partition(':')[2] for k in
                                                                  last_words(stack, stack.topic('checkpoints'))})
        held = stack.command('get', '--subject-access', '--config', process.config, GONE).stdout
        assert GONE in held and 'erase' in held, held
        dry = stack.command('erase', '--dry-run', '--config', process.config, GONE).stdout
        assert naming(stack, GONE), 'a dry run erased'
        assert 'Nothing is known of' not in dry, dry
        nobody = stack.command('erase', '--dry-run', '--config', process.config, NOBODY).stdout
        assert nobody.startswith(f'Nothing is known of {NOBODY}: ') and '\nNothing was erased. From the topics by:\n' in nobody, nobody
        said = stack.command('erase', '--config', process.config, GONE).stdout
        assert 'Erased from Redis' in said and dry.splitlines()[1:4] != [], said
        assert re.search(r'The last copy .*(gone by \d{4}-\d\d-\d\d|never gone for certain)', said), said
        until('nothing in Redis names it', lambda: not naming(stack, GONE))
        until('its checkpoint is a tombstone', lambda: [v for k, (v, _) in last_words(stack, stack.topic('checkpoints')).items()
                                                        if k.endswith(':' + GONE)] == [None])
        words = last_words(stack, stack.topic('checkpoints'))
        assert all(h.get('seq', '').isdigit() for _, h in words.values()), 'a checkpoint without its cut'
        states = last_words(stack, stack.topic('segment-state'))
        assert any(k.startswith(GONE + '|') for k in states), 'it was in no segment: nothing was shown'
        assert all(v is None for k, (v, _) in states.items() if k.startswith(GONE + '|')), 'a membership outlives it'
        assert any(v is not None for k, (v, _) in states.items() if k.startswith(STAYS + '|')) or naming(stack, STAYS)
        assert stack.command('get', '--config', process.config, GONE, check=False).returncode == 1
        assert process.metrics()['segue_customers'] == 1
        print('erase_topics_dated:', len(re.findall(r'^  \S', said, re.M)))
        forgotten(stack, process, bank, log)
        assert process.kill(15) == 0
    finally:
        if process.running():
            process.kill()


main()
