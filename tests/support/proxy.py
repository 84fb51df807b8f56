# SPDX-License-Identifier: Apache-2.0
"""Stands between clients and a server and does to their connections what networks do. What knows the protocol builds on it.

Orders, one a line on standard input; what came of them, one a line on standard output:
  cut       every connection breaks. `cut N`
  stall S   no byte passes for S seconds. `stalled`
  delay T S every piece of data comes T seconds late, for S seconds. `delayed`
  half S    today's connections carry nothing more, either way, and stay open; after S seconds they break. `half N`
  to PORT   the server is another one now: every connection breaks. `to PORT`
"""
import asyncio
import sys


def say(words):
    print(words, flush=True)


class Connection:
    def __init__(self, proxy, reader, writer, upstream_reader, upstream_writer):
        self.proxy, self.reader, self.writer = proxy, reader, writer
        self.upstream_reader, self.upstream_writer = upstream_reader, upstream_writer
        self.keep_upstream, self.mute, self.half, self.gone = False, False, False, asyncio.Event()

    def abort(self):
        self.gone.set()
        self.writer.transport.abort()
        if not self.keep_upstream:
            self.upstream_writer.transport.abort()

    async def gate(self):
        """Where bytes wait."""
        await self.proxy.open.wait()
        if self.proxy.delay_seconds:
            await asyncio.sleep(self.proxy.delay_seconds)
        if self.half:
            await self.gone.wait()
            raise ConnectionError('half open')

    async def requests(self):
        while data := await self.reader.read(65536):
            await self.gate()
            self.upstream_writer.write(data)
            await self.upstream_writer.drain()
            await self.sent(data)
        raise ConnectionError('closed')

    async def sent(self, data):
        """For those who look at what went by."""

    async def answers(self):
        try:
            while data := await self.upstream_reader.read(65536):
                await self.gate()
                if not self.mute:
                    self.writer.write(data)
                    await self.writer.drain()
        finally:
            if not self.keep_upstream:
                self.writer.transport.abort()


class Proxy:
    connection_of = Connection

    def __init__(self, server_port):
        self.server_port, self.connections, self.delay_seconds = server_port, set(), 0
        self.open = asyncio.Event()
        self.open.set()

    async def connect(self, reader, writer):
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection('127.0.0.1', self.server_port)
        except OSError:
            writer.transport.abort()
            return
        connection = self.connection_of(self, reader, writer, upstream_reader, upstream_writer)
        self.connections.add(connection)
        try:
            await asyncio.gather(connection.requests(), connection.answers())
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        self.connections.discard(connection)
        connection.abort()

    def cut(self):
        for connection in list(self.connections):
            connection.abort()

    async def half_open(self, seconds):
        mine = list(self.connections)
        for connection in mine:
            connection.half = True
        say(f'half {len(mine)}')
        await asyncio.sleep(seconds)
        for connection in mine:
            connection.abort()

    async def order(self, words):
        name, numbers = words[0], [float(word) for word in words[1:]]
        if name == 'cut':
            say(f'cut {len(self.connections)}')
            self.cut()
        elif name == 'stall':
            self.open.clear()
            await asyncio.sleep(numbers[0])
            self.open.set()
            say('stalled')
        elif name == 'delay':
            self.delay_seconds = numbers[0]
            await asyncio.sleep(numbers[1])
            self.delay_seconds = 0
            say('delayed')
        elif name == 'half':
            await self.half_open(numbers[0])
        elif name == 'to':
            self.server_port = int(numbers[0])
            self.cut()
            say(f'to {self.server_port}')
        else:
            say(f'no order {name}')

    async def orders(self):
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        tasks = set()
        while words := (await reader.readline()).decode().split():
            task = asyncio.create_task(self.order(words))
            tasks.add(task)
            task.add_done_callback(tasks.discard)


def serve(proxy_of):
    """Until standard input ends. Arguments: LISTEN_PORT SERVER_PORT"""
    async def main():
        proxy = proxy_of(int(sys.argv[2]))
        async with await asyncio.start_server(proxy.connect, '127.0.0.1', int(sys.argv[1])):
            await proxy.orders()
    asyncio.run(main())
