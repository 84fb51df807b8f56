# SPDX-License-Identifier: Apache-2.0
"""What goes in: transactions at a steady rate, through a broker that comes and goes. From a seed, event times always rising."""
import io
import json
import pathlib
import random
import threading
import time
import urllib.request

import confluent_kafka
import fastavro

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_MS = 1262304000000            # 2010-01-01: many events, and none of them in the future, whatever the clocks say
GAP_DAYS = 2                        # between two transactions of a customer, on average: one gap in thirty leaves it quiet
DAY_MS = 86400000


def register(registry, subject, schema):
    body = json.dumps({'schema': schema}).encode()
    request = urllib.request.Request(f'{registry}/subjects/{subject}/versions', body,
                                     {'Content-Type': 'application/vnd.schemaregistry.v1+json'})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)['id']


class Feeder(threading.Thread):
    """Feeds until told to stop. An idempotent producer that never gives up; what counts is what stands in the topic."""

    def __init__(self, stack, seed, customers, rate, bursts=False):
        super().__init__(daemon=True)
        text = (ROOT / 'schemas/transaction/1.avsc').read_text()
        self.topic, self.rate, self.customers, self.bursts = stack.topic('in-transactions'), rate, customers, bursts
        self.schema = fastavro.parse_schema(json.loads(text))
        self.frame = b'\0' + register(stack.registry, self.topic + '-value', text).to_bytes(4, 'big')
        self.chance, self.count, self.now_ms, self.failed = random.Random(seed), 0, START_MS, None
        self.stopping = threading.Event()
        self.producer = confluent_kafka.Producer({
            'bootstrap.servers': stack.brokers, 'enable.idempotence': True, 'partitioner': 'murmur2_random', 'linger.ms': 5,
            'message.timeout.ms': 600000, 'log_level': 2, 'queue.buffering.max.messages': 1000000})

    def put(self, customer):
        self.now_ms += 1 + int(self.chance.expovariate(1) * GAP_DAYS * DAY_MS / self.customers)
        self.count += 1
        out = io.BytesIO(self.frame)
        out.seek(0, io.SEEK_END)
        fastavro.schemaless_writer(out, self.schema, {
            'event_id': f'e{self.count}', 'customer_id': customer, 'booked_at': self.now_ms, 'currency': 'GBP',
            'amount_minor': self.chance.randrange(1, 100000), 'direction': 'DEBIT', 'status': 'POSTED', 'kind': 'CARD'})
        self.producer.produce(self.topic, out.getvalue(), customer, on_delivery=self.delivered)

    def delivered(self, error, _message):
        if error is not None:
            self.failed = error

    def due(self, seconds):
        """How many there should be by now. In bursts: for two seconds of ten three times as many, else half as many."""
        if not self.bursts:
            return seconds * self.rate
        tens, rest = divmod(seconds, 10)
        return self.rate * (tens * 10 + min(rest, 2) * 3 + max(rest - 2, 0) * 0.5)

    def run(self):
        begin = time.monotonic()
        while not self.stopping.is_set():
            while self.count < self.due(time.monotonic() - begin) and len(self.producer) < 500000:
                self.put(f'C{self.chance.randrange(self.customers):06d}')
            self.producer.poll(0.02)

    def finish(self):
        """Stop; a last transaction for everybody, a month later, so that all that waits has to come out."""
        self.stopping.set()
        self.join()
        self.now_ms += 30 * DAY_MS
        for number in range(self.customers):
            self.put(f'C{number:06d}')
        while self.producer.flush(60):
            pass
        if self.failed:
            raise SystemExit(f'the feeder itself lost a record: {self.failed}')
        return self.count
