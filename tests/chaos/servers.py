# SPDX-License-Identifier: Apache-2.0
"""The servers that faults strike: one broker, a Redis with a replica, and a proxy before each of the two."""
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import threading
import time

import redis

from services import services
from stack import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
SYNC_SECONDS = 60
BROKER_MINUTES = 3


def port_of(address):
    return address.rpartition(':')[2]


def pid_in(folder, name):
    return int((folder / f'{name}.pid').read_text())


class ProxyProcess:
    """One proxy of tests/support; what it says is kept, line by line."""

    def __init__(self, script, server_port):
        self.port, self.said = free_port(), []
        self.address = f'127.0.0.1:{self.port}'
        self.child = subprocess.Popen([sys.executable, ROOT / 'tests/support' / script, str(self.port), str(server_port)],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=lambda: self.said.extend(line.strip() for line in self.child.stdout), daemon=True).start()

    def order(self, words):
        self.child.stdin.write(words + '\n')
        self.child.stdin.flush()

    def wait_for(self, word, before, seconds):
        """Whether it said a line that begins so, after its first `before` lines."""
        end = time.monotonic() + seconds
        while not any(line.startswith(word) for line in self.said[before:]):
            if time.monotonic() > end:
                return False
            time.sleep(0.001)
        return True

    def ask(self, words, answer):
        before = len(self.said)
        self.order(words)
        if not self.wait_for(answer, before, 30):
            raise SystemExit(f'the proxy did not answer {words}')

    def stop(self):
        self.child.kill()
        self.child.wait()


class RedisNode:
    """One redis-server; keeps nothing on disk but what a fault tells it to."""

    def __init__(self, folder, port):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port, self.dump = folder, int(port), folder / 'redis/dump.rdb'
        self.client = redis.Redis(host='127.0.0.1', port=self.port, retry=None, socket_timeout=60)

    def start(self):
        services(f'start_redis "$W" {self.port} --repl-diskless-sync-delay 0', self.folder)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                self.client.ping()
                return
            except redis.RedisError:       # it loads the dump
                time.sleep(0.05)

    def kill(self):
        services('stop_service "$W/redis.pid" KILL', self.folder)

    def signal(self, number):
        os.kill(pid_in(self.folder, 'redis'), number)


class Servers:
    """The broker behind its proxy; the Redis that is master now behind another, its replica beside it."""

    def __init__(self, work, brokers, redis_address):
        self.work, self.kafka_port = work, port_of(brokers)
        self.master, self.replica = RedisNode(work, port_of(redis_address)), RedisNode(work / 'replica', free_port())
        self.old_dump = work / 'old.rdb'
        self.old_dump.unlink(missing_ok=True)
        self.replica.kill()                 # of a run before that was cut short
        self.replica.start()
        self.follow()
        self.kafka_proxy = ProxyProcess('kafka_proxy.py', int(self.kafka_port) + 2)
        self.redis_proxy = ProxyProcess('redis_proxy.py', self.master.port)
        self.restart_broker('TERM')

    def restart_broker(self, how):
        """`how`: the signal that ends it. A machine that others load as well may need more than one minute to start it."""
        start = f'start_kafka "$W" {self.kafka_port} {self.kafka_proxy.port}'
        services(f'stop_service "$W/kafka.pid" {how}; {" || ".join([start] * BROKER_MINUTES)}', self.work)

    def signal_broker(self, number):
        os.kill(pid_in(self.work, 'kafka'), number)

    def fill_broker_disk(self):
        """Every file has the size it may have: the broker's next write fails, and it ends. It comes back with room."""
        pid = pid_in(self.work, 'kafka')
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        end = time.monotonic() + 10
        while pathlib.Path(f'/proc/{pid}').exists() and 'Z' not in state_of(pid) and time.monotonic() < end:
            time.sleep(0.05)
        self.restart_broker('KILL')

    def restart_redis(self):
        self.master.kill()
        self.master.start()

    def follow(self):
        """The replica copies the master from now on."""
        self.replica.client.replicaof('127.0.0.1', self.master.port)
        self.synced()

    def synced(self):
        end = time.monotonic() + SYNC_SECONDS
        while self.replica.client.info('replication').get('master_link_status') != 'up':
            if time.monotonic() > end:
                raise SystemExit('the replica does not follow')
            time.sleep(0.05)

    def promote(self):
        """The replica is the master now; the one before is dead, and comes back empty as its replica."""
        self.replica.client.replicaof('NO', 'ONE')
        self.master.kill()
        self.master, self.replica = self.replica, self.master
        self.redis_proxy.ask(f'to {self.master.port}', 'to')
        self.replica.dump.unlink(missing_ok=True)
        self.replica.start()
        self.follow()

    def keep_dump(self):
        end = time.monotonic() + SYNC_SECONDS
        while True:
            try:
                self.master.client.save()
                break
            except redis.ResponseError:     # it saves for its replica just now
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        shutil.move(self.master.dump, self.old_dump)

    def stop(self):
        """The broker stays, and the Redis that was there before; nobody else uses the broker's second listener."""
        self.kafka_proxy.stop()
        self.redis_proxy.stop()
        for node in (self.master, self.replica):
            if node.folder != self.work:
                node.kill()
            else:
                node.client.replicaof('NO', 'ONE')


def state_of(pid):
    try:
        return pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    except OSError:
        return 'Z'
