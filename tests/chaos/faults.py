# SPDX-License-Identifier: Apache-2.0
"""The faults, and the supervisor that starts again whatever ended. All chance comes from one seed."""
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

import redis

from stack import Process, free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
ZOMBIE_SECONDS = 13                 # beyond the session time-out of 10 s
EXITS_EXPECTED = {0, 69, 75, -signal.SIGKILL}      # 69: Redis or Kafka was away at its start


def services(words, work):
    script = f'. {ROOT}/deploy/lib/steps.sh; . {ROOT}/deploy/lib/services.sh; {words}'
    subprocess.run(['bash', '-c', script], check=True, stdout=subprocess.DEVNULL, env={**os.environ, 'W': str(work)})


def port_of(address):
    return address.rpartition(':')[2]


class Servers:
    """The broker behind its proxy, and Redis."""

    def __init__(self, work, brokers, redis_address):
        self.work, self.kafka_port, self.redis_port = work, port_of(brokers), port_of(redis_address)
        self.proxy_port = free_port()
        self.proxied = f'127.0.0.1:{self.proxy_port}'
        self.said, self.proxy = [], None
        self.client = redis.Redis(host='127.0.0.1', port=int(self.redis_port), retry=None, socket_timeout=60)
        self.dump = work / 'redis/dump.rdb'
        self.restart_broker('TERM')
        broker_side = str(int(self.kafka_port) + 2)
        self.proxy = subprocess.Popen([sys.executable, ROOT / 'tests/support/kafka_proxy.py', self.proxied.rpartition(':')[2],
                                       broker_side], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=lambda: self.said.extend(line.strip() for line in self.proxy.stdout), daemon=True).start()

    def restart_broker(self, how):
        services(f'stop_service "$W/kafka.pid" {how}; start_kafka "$W" {self.kafka_port} {self.proxy_port}', self.work)

    def restart_redis(self):
        services(f'stop_service "$W/redis.pid" KILL; start_redis "$W" {self.redis_port}', self.work)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                self.client.ping()
                return
            except redis.RedisError:       # it loads the dump
                time.sleep(0.05)

    def pid(self, name):
        return int((self.work / f'{name}.pid').read_text())

    def order(self, words):
        self.proxy.stdin.write(words + '\n')
        self.proxy.stdin.flush()

    def stop(self):
        """The broker stays; nobody else uses its second listener."""
        self.proxy.kill()
        self.proxy.wait()


class Supervisor(threading.Thread):
    """Starts again what ended, at once; counts how it ended; wakes the frozen."""

    def __init__(self, stack, count):
        super().__init__(daemon=True)
        self.processes = [Process(stack, str(i)).start() for i in range(count)]
        self.lock, self.resting, self.exits, self.strange, self.frozen = threading.RLock(), set(), {}, [], {}
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            with self.lock:
                self.look()
            time.sleep(0.02)

    def look(self):
        now = time.monotonic()
        for process in self.processes:
            pid = process.child.pid
            if pid in self.frozen and self.frozen[pid] <= now:
                process.child.send_signal(signal.SIGCONT)
                del self.frozen[pid]
            if not process.running() and process not in self.resting:
                self.note_exit(process)
                process.start()

    def note_exit(self, process):
        code = process.child.returncode
        self.frozen.pop(process.child.pid, None)
        self.exits[code] = self.exits.get(code, 0) + 1
        if code not in EXITS_EXPECTED:
            self.strange.append(f'ended with {code}:\n{process.tail_of_log()[-1500:]}')

    def signal(self, process, number):
        with self.lock:
            if process.running():
                process.child.send_signal(number)

    def freeze(self, process, seconds):
        with self.lock:
            if process.running():
                process.child.send_signal(signal.SIGSTOP)
                self.frozen[process.child.pid] = time.monotonic() + seconds

    def rest(self, process, resting):
        """Not started again while it rests."""
        with self.lock:
            (self.resting.add if resting else self.resting.discard)(process)

    def stop(self):
        self.stopping.set()
        self.join()
        for process in self.processes:
            if process.running():
                process.child.send_signal(signal.SIGCONT)
                process.kill(signal.SIGTERM)


class Faults:
    def __init__(self, seed, servers, supervisor, stack):
        self.chance, self.servers, self.supervisor, self.stack = random.Random(seed), servers, supervisor, stack
        self.counts, self.old_dump, self.later = {}, None, []
        self.schedule = [self.kill] * 6 + [self.zombie_with_cuts, self.hold] * 2 + [
            self.kill_all, self.zombie, self.stumble, self.terminate, self.double, self.redis_flush, self.redis_lost, self.redis_old,
            self.redis_old, self.redis_freeze, self.redis_full, self.redis_cut, self.broker_kill, self.broker_freeze, self.hold,
            self.lose, self.lose, self.cut, self.stall]

    def one(self):
        what = self.chance.choice(self.schedule)
        self.counts[what.__name__] = self.counts.get(what.__name__, 0) + 1
        what()
        return what.__name__

    def any_process(self):
        return self.chance.choice(self.supervisor.processes)

    def kill(self):
        self.supervisor.signal(self.any_process(), signal.SIGKILL)

    def kill_all(self):
        for process in self.supervisor.processes:
            self.supervisor.signal(process, signal.SIGKILL)

    def terminate(self):
        self.supervisor.signal(self.any_process(), signal.SIGTERM)

    def zombie(self):
        """Frozen beyond the session time-out; wakes when others have its tasks."""
        self.supervisor.freeze(self.any_process(), ZOMBIE_SECONDS)

    def zombie_with_cuts(self):
        """Redis stands still until committed cuts wait for it; then their process freezes, and wakes when others have gone on."""
        redis_pid = self.servers.pid('redis')
        os.kill(redis_pid, signal.SIGSTOP)
        time.sleep(self.chance.uniform(0.2, 1.2))
        self.supervisor.freeze(self.any_process(), ZOMBIE_SECONDS)
        os.kill(redis_pid, signal.SIGCONT)

    def stumble(self):
        self.supervisor.freeze(self.any_process(), self.chance.uniform(0.2, 4))

    def double(self):
        """A second process under the same name, for a moment."""
        twin = Process(self.stack, str(self.chance.randrange(len(self.supervisor.processes))), 'twin').start()
        time.sleep(self.chance.uniform(1, 3))
        if twin.running():
            twin.kill()
        with self.supervisor.lock:
            self.supervisor.note_exit(twin)

    def redis_flush(self):
        self.servers.client.flushall()

    def redis_lost(self):
        self.servers.dump.unlink(missing_ok=True)
        self.servers.restart_redis()

    def redis_old(self):
        """Comes back with what it held some faults ago."""
        if self.old_dump:
            shutil.copy(self.old_dump, self.servers.dump)
            self.servers.restart_redis()
        self.servers.client.save()
        self.old_dump = self.servers.work / 'redis/old.rdb'
        shutil.copy(self.servers.dump, self.old_dump)
        self.servers.dump.unlink()

    def redis_freeze(self):
        pid = self.servers.pid('redis')
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self.chance.uniform(0.5, 6))
        os.kill(pid, signal.SIGCONT)

    def redis_full(self):
        self.servers.client.config_set('maxmemory', 1)
        time.sleep(self.chance.uniform(0.2, 2))
        self.servers.client.config_set('maxmemory', 0)

    def redis_cut(self):
        self.servers.client.client_kill_filter(_type='normal', skipme=True)

    def broker_kill(self):
        self.servers.restart_broker('KILL')

    def broker_freeze(self):
        pid = self.servers.pid('kafka')
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self.chance.uniform(0.5, 8))
        os.kill(pid, signal.SIGCONT)

    def hold(self):
        """An EndTxn comes late, into the next transaction; half the time everybody dies before that one ends."""
        said, before, end = self.servers.said, len(self.servers.said), time.monotonic() + 10
        self.servers.order('hold')
        while not any(line.startswith('released') for line in said[before:]) and time.monotonic() < end:
            time.sleep(0.001)
        if self.chance.random() < 0.5:
            self.kill_all()

    def lose(self):
        self.servers.order(f'lose {self.chance.choice([26, 26, 28, 0])}')

    def cut(self):
        self.servers.order('cut')

    def stall(self):
        self.servers.order(f'stall {self.chance.uniform(0.2, 5):.1f}')
