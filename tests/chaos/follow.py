# SPDX-License-Identifier: Apache-2.0
"""Reads topics to their end, now or while they grow, and gives each record to whoever takes it."""
import time

import confluent_kafka

AT_A_TIME = 2000
STUCK_SECONDS = 120


class Follower:
    """One topic. Brokers may come and go meanwhile."""

    def __init__(self, stack, name, taker):
        self.topic, self.taker, self.gaps = stack.topic(name), taker, 0
        self.consumer = confluent_kafka.Consumer({
            'bootstrap.servers': stack.brokers, 'group.id': 'checker', 'enable.auto.commit': False, 'log_level': 2,
            'isolation.level': 'read_committed', 'auto.offset.reset': 'error', 'enable.partition.eof': True,
            'queued.max.messages.kbytes': 65536})
        self.partitions = list(self.consumer.list_topics(self.topic, timeout=30).topics[self.topic].partitions)
        self.ended, self.next = dict.fromkeys(self.partitions, -1), dict.fromkeys(self.partitions, 0)
        self.consumer.assign([self.place(p, 0) for p in self.partitions])

    def place(self, partition, offset):
        return confluent_kafka.TopicPartition(self.topic, partition, offset)

    def step(self, seconds):
        """Takes what is there; how much that was."""
        messages = self.consumer.consume(AT_A_TIME, seconds)
        for message in messages:
            code = message.error() and message.error().code()
            if not code:
                self.next[message.partition()] = message.offset() + 1
                self.taker.take(message)
            elif code == confluent_kafka.KafkaError._PARTITION_EOF:
                self.ended[message.partition()] = message.offset()
            elif code in (confluent_kafka.KafkaError._AUTO_OFFSET_RESET, confluent_kafka.KafkaError.OFFSET_OUT_OF_RANGE):
                self.skip(message.partition())
        return len(messages)

    def skip(self, partition):
        """The client gave up its place: go on there (a broker that did not answer is reason enough for it), or, when that was
        deleted before we came (the journal's beginning), where the log begins now."""
        place, (low, high) = self.next[partition], self.consumer.get_watermark_offsets(self.place(partition, 0), timeout=60)
        if place > high:
            raise SystemExit(f'{self.topic}[{partition}] was read up to {place} and ends at {high} now: committed records are gone')
        if place < low:
            self.gaps += 1
            self.taker.gap(partition)
        self.consumer.incremental_unassign([self.place(partition, 0)])
        self.consumer.incremental_assign([self.place(partition, max(place, low))])

    def finish(self):
        """To the end as it is now; no transaction is open."""
        ends = {p: self.consumer.get_watermark_offsets(self.place(p, 0), timeout=30) for p in self.partitions}
        moved = time.monotonic()
        while any(high > low and self.ended[p] < high for p, (low, high) in ends.items()):
            if self.step(0.2):
                moved = time.monotonic()
            elif time.monotonic() > moved + STUCK_SECONDS:
                raise SystemExit(f'{self.topic}: at {self.ended}, the ends are {ends}, and nothing more for {STUCK_SECONDS} s')
        self.consumer.close()
        return self.taker


def read_all(stack, name, taker):
    return Follower(stack, name, taker).finish()


def follow(pipe, stack, takers, judge):
    """A process of its own: follows while others strike, and when it is told what else there is to know, judges."""
    followers = [Follower(stack, name, taker) for name, taker in takers]
    while not pipe.poll():
        for follower in followers:
            follower.step(0.05)
    told = pipe.recv()
    pipe.send(judge(stack, *[follower.finish() for follower in followers], *told))
