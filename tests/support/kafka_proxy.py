#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands between Kafka's clients and a broker, knows Kafka's frames, and does to them what networks do.
usage: kafka_proxy.py LISTEN_PORT BROKER_PORT

The orders of proxy.py, and:
  hold      the next EndTxn is kept while its client loses the connection and sends it again over another; the kept one is
            released after that client's next transaction has begun. `held TRANSACTIONAL_ID`, then `released ..`
  tear      the same, released when that transaction has its offsets and nothing else; for TORN_SECONDS nothing is added to it
  swallow   the next EndTxn never arrives, and its connection says nothing more. `swallowed`
  lose KEY  the next request with that API key (26 EndTxn, 28 TxnOffsetCommit, 0 Produce) arrives, its answer does not. `lost`
"""
import asyncio

from proxy import Connection, Proxy, say, serve

ADD_PARTITIONS, ADD_OFFSETS, END_TXN, TXN_OFFSET_COMMIT = 24, 25, 26, 28
HOLD_SECONDS_MAX = 8
OFFSETS_SECONDS = 0.05              # until the broker has taken the offsets
TORN_SECONDS = 1                    # for whoever wants to kill its client now
RELEASED_LATE = 'released after the next begin'


class Held:
    """An EndTxn that was kept, and the way to the broker on which it belongs."""

    def __init__(self, writer, frame, tear):
        self.writer, self.frame, self.tear, self.ended_again = writer, frame, tear, False
        self.transactional_id = transactional_id_of(frame)
        self.begun_again, self.offsets_sent, self.over = asyncio.Event(), asyncio.Event(), asyncio.Event()


def transactional_id_of(frame):
    """EndTxn, AddPartitionsToTxn and AddOffsetsToTxn (all below their flexible versions) begin with it, after the header."""
    client_size = max(int.from_bytes(frame[12:14], 'big', signed=True), 0)
    at = 14 + client_size
    return frame[at + 2:at + 2 + int.from_bytes(frame[at:at + 2], 'big')]


class KafkaConnection(Connection):
    async def requests(self):
        proxy = self.proxy
        while True:
            size = await self.reader.readexactly(4)
            frame = size + await self.reader.readexactly(int.from_bytes(size, 'big'))
            await self.gate()
            key = int.from_bytes(frame[4:6], 'big')
            if key == END_TXN and proxy.want_hold and proxy.held is None:
                proxy.held = Held(self.upstream_writer, frame, proxy.want_hold == 'tear')
                proxy.want_hold, self.keep_upstream = None, True
                proxy.release_task = asyncio.create_task(proxy.release(proxy.held))
                say(f'held {proxy.held.transactional_id.decode()}')
                self.writer.transport.abort()
                raise ConnectionError('held')
            if key == END_TXN and proxy.want_swallow:
                proxy.want_swallow, self.half = False, True
                say('swallowed')
                continue
            await self.watch_held(key, frame)
            self.upstream_writer.write(frame)
            await self.upstream_writer.drain()
            if key == proxy.want_lost:
                proxy.want_lost, self.mute = None, True
                say('lost')
                await asyncio.sleep(0.1)
                raise ConnectionError('lost')

    async def watch_held(self, key, frame):
        held = self.proxy.held
        if held is None or key not in (END_TXN, ADD_PARTITIONS, ADD_OFFSETS, TXN_OFFSET_COMMIT) or held.transactional_id not in frame:
            return
        if key == END_TXN:
            held.ended_again = True
        elif key == TXN_OFFSET_COMMIT and held.begun_again.is_set():
            held.offsets_sent.set()
        elif held.ended_again:
            held.begun_again.set()
            if held.tear and held.offsets_sent.is_set():
                await held.over.wait()


class KafkaProxy(Proxy):
    connection_of = KafkaConnection
    want_hold, want_swallow, want_lost, held, release_task = None, False, None, None, None

    async def release(self, held):
        """After the next transaction of the same producer has begun; or when none does."""
        try:
            await asyncio.wait_for((held.offsets_sent if held.tear else held.begun_again).wait(), HOLD_SECONDS_MAX)
            await asyncio.sleep(OFFSETS_SECONDS if held.tear else 0.002)
        except asyncio.TimeoutError:
            pass
        try:
            held.writer.write(held.frame)
            await held.writer.drain()
            say(RELEASED_LATE if held.begun_again.is_set() else 'released')
            await asyncio.sleep(TORN_SECONDS if held.tear else 0.2)
        except OSError:
            pass
        held.writer.transport.abort()
        held.over.set()
        self.held = None

    async def order(self, words):
        if words[0] in ('hold', 'tear'):
            self.want_hold = words[0]
        elif words[0] == 'swallow':
            self.want_swallow = True
        elif words[0] == 'lose':
            self.want_lost = int(words[1])
        else:
            await super().order(words)


serve(KafkaProxy)
