#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands between Kafka's clients and a broker, knows Kafka's frames, and does to them what networks do.
usage: kafka_proxy.py LISTEN_PORT BROKER_PORT

Orders, one a line on standard input; what came of them, one a line on standard output:
  hold      the next EndTxn is kept while its client loses the connection and sends it again over another; the kept one is
            released after that client's next transaction has begun. `held`, then `released`
  lose KEY  the next request with that API key (26 EndTxn, 28 TxnOffsetCommit, 0 Produce) arrives, its answer does not. `lost`
  cut       every connection breaks. `cut N`
  stall S   no byte passes for S seconds. `stalled`
"""
import asyncio
import sys

PRODUCE, ADD_PARTITIONS, ADD_OFFSETS, END_TXN = 0, 24, 25, 26
HOLD_SECONDS_MAX = 8
RELEASED_LATE = 'released after the next begin'


class Held:
    """An EndTxn that was kept, and the way to the broker on which it belongs."""

    def __init__(self, writer, frame):
        self.writer, self.frame, self.ended_again = writer, frame, False
        self.transactional_id = transactional_id_of(frame)
        self.begun_again = asyncio.Event()


def transactional_id_of(frame):
    """EndTxn, AddPartitionsToTxn and AddOffsetsToTxn (all below their flexible versions) begin with it, after the header."""
    client_size = max(int.from_bytes(frame[12:14], 'big', signed=True), 0)
    at = 14 + client_size
    return frame[at + 2:at + 2 + int.from_bytes(frame[at:at + 2], 'big')]


def say(words):
    print(words, flush=True)


class Proxy:
    def __init__(self, broker_port):
        self.broker_port, self.connections = broker_port, set()
        self.want_hold, self.want_lost, self.held = False, None, None
        self.open = asyncio.Event()
        self.open.set()

    async def connect(self, reader, writer):
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection('127.0.0.1', self.broker_port)
        except OSError:
            writer.transport.abort()
            return
        connection = Connection(self, reader, writer, upstream_reader, upstream_writer)
        self.connections.add(connection)
        try:
            await asyncio.gather(connection.requests(), connection.answers())
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        self.connections.discard(connection)
        writer.transport.abort()
        if not connection.keep_upstream:
            upstream_writer.transport.abort()

    async def release(self, held):
        """After the next transaction of the same producer has begun; or when none does."""
        try:
            await asyncio.wait_for(held.begun_again.wait(), HOLD_SECONDS_MAX)
            await asyncio.sleep(0.002)
        except asyncio.TimeoutError:
            pass
        try:
            held.writer.write(held.frame)
            await held.writer.drain()
            say(RELEASED_LATE if held.begun_again.is_set() else 'released')
            await asyncio.sleep(0.2)
        except OSError:
            pass
        held.writer.transport.abort()
        self.held = None

    async def orders(self):
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := (await reader.readline()).decode().split():
            if line[0] == 'hold':
                self.want_hold = True
            elif line[0] == 'lose':
                self.want_lost = int(line[1])
            elif line[0] == 'cut':
                say(f'cut {len(self.connections)}')
                for connection in list(self.connections):
                    connection.abort()
            elif line[0] == 'stall':
                self.open.clear()
                await asyncio.sleep(float(line[1]))
                self.open.set()
                say('stalled')


class Connection:
    def __init__(self, proxy, reader, writer, upstream_reader, upstream_writer):
        self.proxy, self.reader, self.writer = proxy, reader, writer
        self.upstream_reader, self.upstream_writer = upstream_reader, upstream_writer
        self.keep_upstream, self.mute = False, False

    def abort(self):
        self.writer.transport.abort()
        if not self.keep_upstream:
            self.upstream_writer.transport.abort()

    async def requests(self):
        proxy = self.proxy
        while True:
            size = await self.reader.readexactly(4)
            frame = size + await self.reader.readexactly(int.from_bytes(size, 'big'))
            await proxy.open.wait()
            key = int.from_bytes(frame[4:6], 'big')
            if key == END_TXN and proxy.want_hold and proxy.held is None:
                proxy.want_hold, self.keep_upstream = False, True
                proxy.held = Held(self.upstream_writer, frame)
                proxy.release_task = asyncio.create_task(proxy.release(proxy.held))
                say('held')
                self.writer.transport.abort()
                raise ValueError('held')
            self.watch_held(key, frame)
            self.upstream_writer.write(frame)
            await self.upstream_writer.drain()
            if key == proxy.want_lost:
                proxy.want_lost, self.mute = None, True
                say('lost')
                await asyncio.sleep(0.1)
                raise ValueError('lost')

    def watch_held(self, key, frame):
        held = self.proxy.held
        if held is None or key not in (END_TXN, ADD_PARTITIONS, ADD_OFFSETS) or \
                transactional_id_of(frame) != held.transactional_id:
            return
        if key == END_TXN:
            held.ended_again = True
        elif held.ended_again:
            held.begun_again.set()

    async def answers(self):
        try:
            while data := await self.upstream_reader.read(65536):
                await self.proxy.open.wait()
                if not self.mute:
                    self.writer.write(data)
                    await self.writer.drain()
        finally:
            if not self.keep_upstream:
                self.writer.transport.abort()


async def main():
    proxy = Proxy(int(sys.argv[2]))
    server = await asyncio.start_server(proxy.connect, '127.0.0.1', int(sys.argv[1]))
    async with server:
        await proxy.orders()


asyncio.run(main())
