#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands between Redis's clients and whichever node is the master now. usage: redis_proxy.py LISTEN_PORT REDIS_PORT

The orders of proxy.py, and:
  lose      the next EXEC arrives, its answer does not. `lost`
"""
import asyncio

from proxy import Connection, Proxy, say, serve


class RedisConnection(Connection):
    async def sent(self, data):
        if self.proxy.want_lost and b'$4\r\nEXEC\r\n' in data:
            self.proxy.want_lost, self.mute = False, True
            say('lost')
            await asyncio.sleep(0.1)
            raise ConnectionError('lost')


class RedisProxy(Proxy):
    connection_of = RedisConnection
    want_lost = False

    async def order(self, words):
        if words[0] == 'lose':
            self.want_lost = True
        else:
            await super().order(words)


serve(RedisProxy)
