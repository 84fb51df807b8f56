# SPDX-License-Identifier: Apache-2.0
"""One Segue application on the test servers: its configuration, its processes, its topics seen from outside.

The servers come from tests/run: SEGUE_TEST_BROKERS, SEGUE_TEST_REDIS, SEGUE_TEST_REGISTRY. Every application has its own
topic prefix and Redis key prefix, so several tests can share the servers. Reads topics with confluent-kafka and fastavro,
Redis with redis-py: nothing here shares code with Segue.
"""
import atexit
import io
import json
import os
import pathlib
import random
import re
import signal
import socket
import struct
import subprocess
import time
import urllib.request

import confluent_kafka
import fastavro
import redis
from wait import comes

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINE = re.compile(r'^(segue_\w+?)(?:\{.*\})? (\S+)')

CONFIG = """\
application: {name}
instance: {instance}
playbook: {playbook}
listen: 127.0.0.1:{port}
clock: {clock}
tasks: {tasks}
topics:
  prefix: "{name}."
journal:
  partitions: {journal_partitions}
  keep: {journal_keep}
checkpoint:
  interval: {checkpoint_interval}
workers: {workers}
kafka:
  brokers: {brokers}
registry:
  url: {registry}
  base_path: {base_path}
  auto_register: true
  missing_after: {missing_after}
  cache_dir: {folder}/schemas
redis:
  address: {redis}
  cluster: {cluster}
  sentinel_master: "{sentinel_master}"
  timeout: {redis_timeout}
sources:
{sources}"""


def free_port():
    """Below those that the system gives to connections: it stays free for a process that is ended and started again."""
    while True:
        port = random.SystemRandom().randrange(10000, 25000)
        with socket.socket() as s:
            try:
                s.bind(('127.0.0.1', port))
                return port
            except OSError:
                pass


def server(name):
    value = os.environ.get(name)
    if not value:
        print(f'skipped: {name} is not set; ./tests/run starts the servers and sets it')
        raise SystemExit(77)
    return value


class Process:
    """One `segue run`, or another command that goes on."""

    def __init__(self, stack, instance='0', label=None, word='run'):
        """`label`: of its files, when two run under one name."""
        self.stack, self.port, self.word, label = stack, free_port(), word, label or instance
        self.config = stack.write_config(instance, self.port, label)
        self.log_path = stack.folder / f'{word}-{label}.log'
        self.log = open(self.log_path, 'ab')
        self.child, self.environment = None, {}
        atexit.register(self.leave)

    def leave(self):
        """A check that fails leaves no process behind."""
        if self.running():
            self.child.kill()

    def start(self):
        self.child = subprocess.Popen([self.stack.segue, self.word, '--config', self.config], stdout=self.log, stderr=self.log,
                                      env={**os.environ, **self.environment})
        return self

    def kill(self, how=signal.SIGKILL):
        self.child.send_signal(how)
        return self.child.wait(timeout=60)

    def running(self):
        return self.child is not None and self.child.poll() is None

    def get(self, path):
        try:
            with urllib.request.urlopen(f'http://127.0.0.1:{self.port}{path}', timeout=2) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ''

    def metrics(self):
        totals = {}
        for line in self.get('/metrics')[1].splitlines():
            found = LINE.match(line)
            if found:
                totals[found[1]] = totals.get(found[1], 0) + float(found[2])
        return totals

    def metric(self, series):
        """One series, e.g. segue_dependency_up{name="redis"}; None: no answer, or not there."""
        for line in self.get('/metrics')[1].splitlines():
            if line.startswith(series + ' '):
                return float(line.rpartition(' ')[2])
        return None

    def rss_bytes(self):
        for line in open(f'/proc/{self.child.pid}/status', encoding='ascii'):
            if line.startswith('VmRSS'):
                return int(line.split()[1]) * 1024
        return 0

    def tail_of_log(self):
        return self.log_path.read_text(errors='replace')[-3000:]

    def wait_ready(self, when, seconds=90):
        """Ends the check, with what the process says of itself, when it does not become ready."""
        if not comes(lambda: self.get('/readyz')[0] == 200, seconds):
            state = 'running' if self.running() else f'ended with {self.child.returncode}'
            raise SystemExit(f'not ready within {seconds} s {when}: {state}\n{self.get("/readyz")[1]}\n{self.tail_of_log()}')


# What is not done yet, as a process tells it; the running transaction has the outputs of deadlines that were looked at just now.
WAITING = ('segue_lag_records', 'segue_deadline_lag_seconds', 'segue_transaction_age_seconds', 'segue_unapplied_cuts')


class Stack:
    def __init__(self, segue, folder, name, playbook, tasks=8, clock='stream', workers=1, missing_after='3s',
                 topics=('transactions',), redis_address=None, brokers=None, cluster=False):
        self.segue, self.name, self.playbook, self.tasks = str(segue), name, playbook, tasks
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.brokers, self.clock, self.workers = brokers or server('SEGUE_TEST_BROKERS'), clock, workers
        self.redis_address = redis_address or server('SEGUE_TEST_REDIS')
        self.cluster, self.sentinel_master, self.redis_timeout = cluster, '', '2s'
        self.registry, self.missing_after, self.sources = server('SEGUE_TEST_REGISTRY'), missing_after, topics
        host, _, path = self.registry.partition('://')[2].partition('/')
        self.registry_root, self.registry_path = 'http://' + host, '/' + path
        self.schemas, self.extra_config = {}, ''
        self.segue_brokers = self.brokers      # a test may put a proxy between
        self.journal_keep, self.checkpoint_interval, self.journal_partitions = '1h', '10m', 2
        self.input_of = name                   # whose input topics are read
        self.source_config = 'start: earliest' # of every source

    def topic(self, name):
        return f'{self.name}.{name}'

    def write_config(self, instance='0', port=0, label=None):
        sources = ''.join(f'  {s}: {{topic: {self.input_of}.in-{s}, {self.source_config}}}\n' for s in self.sources)
        path = self.folder / f'segue-{label or instance}.yaml'
        path.write_text(CONFIG.format(name=self.name, instance=f'{self.name}-{instance}', playbook=self.playbook, port=port,
                                      clock=self.clock, tasks=self.tasks, workers=self.workers, brokers=self.segue_brokers,
                                      folder=self.folder, registry=self.registry_root, base_path=self.registry_path, redis=self.redis_address, journal_keep=self.journal_keep, journal_partitions=self.journal_partitions,
                                      checkpoint_interval=self.checkpoint_interval, cluster=str(self.cluster).lower(), sentinel_master=self.sentinel_master,
                                      redis_timeout=self.redis_timeout,
                                      missing_after=self.missing_after, sources=sources) + self.extra_config)
        return str(path)

    def command(self, *words, check=True, stdin=None):
        run = subprocess.run([self.segue, *words], capture_output=True, text=True, stdin=stdin, check=False)
        if check and run.returncode != 0:
            raise SystemExit(f'segue {" ".join(words)} ended with {run.returncode}:\n{run.stdout[-2000:]}{run.stderr[-2000:]}')
        return run

    def create_topics(self):
        self.command('topics', '--create', '--config', self.write_config('tool'))

    def feed(self, *files):
        return self.command('feed', '--config', self.write_config('tool'), *map(str, files))

    def wait_done(self, process, events, seconds=120):
        """Until that many records are processed or rejected in all (by committed offsets), every deadline up to the last of them is
        looked at, and all of it is committed and applied; so long as there is progress, however slow the machine: the end comes
        after `seconds` without any. Deadlines count as progress while some wait, not those of a clock that goes on."""
        end, best = time.time() + seconds, (0, 0)
        while time.time() < end:
            committed, totals = self.committed(), process.metrics()
            done = committed, totals.get('segue_deadlines_total', 0) if totals.get('segue_deadline_lag_seconds') else best[1]
            end, best = (time.time() + seconds, done) if done > best else (end, best)
            if committed >= events and not any(totals.get(name, 1) for name in WAITING):
                return
            if not process.running():
                raise SystemExit(f'segue run ended with {process.child.returncode}:\n{process.tail_of_log()}')
            time.sleep(0.2)
        raise SystemExit(f'no progress for {seconds} s: {self.committed()} of {events} committed\n{process.get("/readyz")[1]}\n'
                         f'{process.tail_of_log()}')

    def committed(self):
        """Sum of the group's committed offsets over all sources."""
        # Not read_committed: that asks for offsets with no transaction pending, and at a steady rate there always is one.
        consumer = confluent_kafka.Consumer({'bootstrap.servers': self.brokers, 'group.id': self.name,
                                             'isolation.level': 'read_uncommitted'})
        wanted = [confluent_kafka.TopicPartition(f'{self.input_of}.in-{s}', p) for s in self.sources for p in range(self.tasks)]
        try:
            return sum(max(t.offset, 0) for t in consumer.committed(wanted, timeout=10))
        except confluent_kafka.KafkaException:
            return 0
        finally:
            consumer.close()

    def schema(self, number):
        if number not in self.schemas:
            with urllib.request.urlopen(f'{self.registry}/schemas/ids/{number}', timeout=10) as answer:
                self.schemas[number] = fastavro.parse_schema(json.loads(json.load(answer)['schema']))
        return self.schemas[number]

    def register(self, subject, schema):
        """-> id"""
        body = json.dumps({'schema': json.dumps(schema)}).encode()
        request = urllib.request.Request(f'{self.registry}/subjects/{subject}/versions', body,
                                         {'Content-Type': 'application/vnd.schemaregistry.v1+json'})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)['id']

    def schema_of(self, name):
        """The only schema registered for a topic."""
        return self.schema(self.schema_id(name))

    def schema_id(self, name):
        with urllib.request.urlopen(f'{self.registry}/subjects/{self.topic(name)}-value/versions/latest', timeout=10) as answer:
            return json.load(answer)['id']

    def read(self, name, isolation='read_committed'):
        """All records of an output topic: (key, value, headers, partition, offset)."""
        for key, raw, headers, partition, offset in self.read_raw(name, isolation):
            value = None
            if raw is not None:
                magic, number = struct.unpack('>bI', raw[:5])
                assert magic == 0, 'Confluent framing expected'
                value = fastavro.schemaless_reader(io.BytesIO(raw[5:]), self.schema(number))
            yield key.decode(), value, {k: (v or b'').decode() for k, v in headers}, partition, offset

    def read_raw(self, name, isolation='read_committed'):
        """The same with keys and values as bytes."""
        consumer = confluent_kafka.Consumer({'bootstrap.servers': self.brokers, 'group.id': 'checker', 'enable.auto.commit': False,
                                             'isolation.level': isolation, 'auto.offset.reset': 'earliest',
                                             'enable.partition.eof': True})
        topic = self.topic(name)
        partitions = list(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        consumer.assign([confluent_kafka.TopicPartition(topic, p, 0) for p in partitions])
        open_ends = set(partitions)
        while open_ends:
            message = consumer.poll(10)
            if message is None:
                raise SystemExit(f'{topic}: no end within 10 s')
            if message.error():
                if message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF:
                    open_ends.discard(message.partition())
                    continue
                raise SystemExit(f'{topic}: {message.error()}')
            yield message.key() or b'', message.value(), message.headers() or [], message.partition(), message.offset()
        consumer.close()

    def redis_client(self):
        host, _, port = self.redis_address.partition(',')[0].rpartition(':')
        if self.cluster:
            return redis.cluster.RedisCluster(host=host, port=int(port), decode_responses=False)
        return redis.Redis(host=host, port=int(port), decode_responses=False)

    def views(self):
        """customer -> {field: text} from every task's view hashes."""
        client = self.redis_client()
        keys = list(client.scan_iter(f'{{{self.name}.*}}v:*', count=5000))
        return {key.decode().split('}v:', 1)[1]: {k.decode(): v.decode() for k, v in view.items()}
                for key, view in zip(keys, many(client, [('HGETALL', key) for key in keys]))}

    def records(self):
        """(task, customer) -> packed state, without the due bucket, which depends on when a cut was made. Customer "": the task's own."""
        client, out = self.redis_client(), {}
        for key in client.scan_iter(f'{{{self.name}.*}}c:*', count=5000):
            value, at = client.get(key), 1
            while value[at] & 0x80:
                at += 1
            task, _, customer = key.decode().rpartition('}c:')
            out[task.rpartition('.')[2], customer] = value[at + 1:]
        return out

    def state(self):
        """Every key of the application with its whole value: what must not differ between two runs."""
        client = self.redis_client()
        keys = list(client.scan_iter(f'{{{self.name}.*}}*', count=5000))
        how = {b'hash': 'HGETALL', b'set': 'SMEMBERS', b'string': 'GET'}
        kinds = many(client, [('TYPE', key) for key in keys])
        values = many(client, [(how[kind], key) for key, kind in zip(keys, kinds)])
        return {key: plain(value) for key, value in zip(keys, values)}


def many(client, commands):
    """The answers of many commands, a thousand per round trip."""
    out = []
    for first in range(0, len(commands), 1000):
        pipeline = client.pipeline(transaction=False)
        for command in commands[first:first + 1000]:
            pipeline.execute_command(*command)
        out += pipeline.execute()
    return out


def plain(value):
    """A hash or a set in order."""
    if isinstance(value, dict):
        return tuple(sorted(value.items()))
    return tuple(sorted(value)) if isinstance(value, set) else value


def normal(value):
    """An output without what may differ between two runs: when it was decided."""
    if isinstance(value, dict):
        return {k: normal(v) for k, v in value.items() if k != 'processed_at'}
    if isinstance(value, list):
        return [normal(v) for v in value]
    if hasattr(value, 'timestamp'):
        return int(value.timestamp() * 1000)
    return value
