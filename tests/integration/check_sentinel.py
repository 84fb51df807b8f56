#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Redis under Sentinel: a primary, a replica, three sentinels, while transactions arrive. usage: check_sentinel.py SEGUE WORK_DIR

The primary is killed and the replica takes over; the dead one comes back as a replica; then a failover by command sends Segue back,
with the old primary alive (Sentinel ends its clients' connections; READONLY on one that stays is test_redis_sentinel's). Afterwards
the oracles of tests/chaos recount outputs, views and the journal.
A name that no sentinel knows must end a start.
"""
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import redis

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'tests/support'), str(ROOT / 'tests/chaos')]
import checker  # noqa: E402
from bank import Feeder  # noqa: E402
from stack import Process, Stack, free_port  # noqa: E402
import wait  # noqa: E402

NAME, TASKS, CUSTOMERS, RATE, SENTINELS = 'bank', 4, 100, 60, 3


class Server:
    def __init__(self, folder, sentinel=False):
        self.port, self.folder, self.sentinel = free_port(), folder, sentinel
        folder.mkdir(parents=True)
        self.child = None

    def start(self, primary):
        """`primary`: its port; one's own: none."""
        config = self.folder / 'redis.conf'
        if not config.exists():
            lines = [f'port {self.port}', 'bind 127.0.0.1', f'dir {self.folder}']
            if self.sentinel:
                lines += [f'sentinel monitor {NAME} 127.0.0.1 {primary} 2', f'sentinel down-after-milliseconds {NAME} 1500',
                          f'sentinel failover-timeout {NAME} 6000']
            else:
                lines += ['save ""', 'appendonly no', 'maxmemory-policy noeviction', 'repl-diskless-sync-delay 0']
                lines += [f'replicaof 127.0.0.1 {primary}'] if primary != self.port else []
            config.write_text('\n'.join(lines) + '\n')
        with open(self.folder / 'log', 'ab') as log:
            self.child = subprocess.Popen(['redis-server', config, *(['--sentinel'] if self.sentinel else [])], stdout=log, stderr=log)
        return self

    def client(self):
        return redis.Redis(host='127.0.0.1', port=self.port, decode_responses=True)

    def role(self):
        return self.client().info('replication')['role']


def until(what, question, seconds=90):
    """Of servers that come and go: one that does not answer is no answer yet."""
    wait.until(what, question, seconds, errors=redis.RedisError)


def goes_on(stack, what):
    mark = stack.committed()
    until(f'work goes on after {what}', lambda: stack.committed() > mark + 100)


def in_redis(process):
    """Cuts committed and in Redis: none waits."""
    return process.metrics().get('segue_unapplied_cuts') == 0 and process.metrics().get('segue_redis_ready', 0) > 0


def failed_over(sentinel, first, second):
    """Ask for it, and again when the others have undone it: a sentinel that has just seen the old primary come back makes it a replica."""
    try:
        sentinel.client().execute_command('SENTINEL', 'FAILOVER', NAME)
    except redis.ResponseError:
        pass
    end = time.time() + 15
    while time.time() < end and (first.role(), second.role()) != ('master', 'slave'):
        time.sleep(0.2)
    return (first.role(), second.role()) == ('master', 'slave')


def storm(stack, process, first, second, sentinels):
    first.child.send_signal(signal.SIGKILL)
    first.child.wait()
    begin = time.time()
    until('the replica takes over', lambda: second.role() == 'master')
    until('cuts are applied there', lambda: in_redis(process))
    print(f'sentinel_failover_seconds: {time.time() - begin:.1f}')
    goes_on(stack, 'the failover')
    first.start(second.port)
    until('the dead one is a replica', lambda: first.role() == 'slave' and
          first.client().info('replication')['master_link_status'] == 'up')
    until('the sentinels see it', lambda: all(s.client().sentinel_master(NAME)['num-slaves'] == 1 for s in sentinels))
    until('a failover by command', lambda: failed_over(sentinels[0], first, second), 150)
    goes_on(stack, 'the failover by command')


def main():
    segue, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder = work / 'sentinel'
    shutil.rmtree(folder, ignore_errors=True)
    first, second = Server(folder / 'first'), Server(folder / 'second')
    sentinels = [Server(folder / f'sentinel{i}', sentinel=True) for i in range(SENTINELS)]
    process = None
    try:
        for server in [first, second, *sentinels]:
            server.start(first.port)
            until('it answers', server.client().ping)
        until('the replica is in step', lambda: second.client().info('replication')['master_link_status'] == 'up')
        until('the sentinels know each other and the replica', lambda: all(
            s.client().sentinel_master(NAME)['num-other-sentinels'] == SENTINELS - 1 and
            s.client().sentinel_master(NAME)['num-slaves'] == 1 for s in sentinels))
        seeds = ','.join(f'127.0.0.1:{s.port}' for s in sentinels)
        stack = Stack(segue, work, f'sentinel{int(time.time())}', ROOT / 'tests/playbooks/chaos', tasks=TASKS, redis_address=seeds)
        stack.create_topics()
        stack.sentinel_master = 'nobody'
        wrong = stack.command('run', '--config', stack.write_config('0'), check=False)
        assert wrong.returncode == 78 and 'watches no primary `nobody`' in wrong.stderr, wrong.stderr[-500:]
        stack.sentinel_master = NAME
        feeder = Feeder(stack, 1, CUSTOMERS, RATE)
        feeder.start()
        process = Process(stack).start()
        until('work has begun', lambda: stack.committed() > 100)
        storm(stack, process, first, second, sentinels)
        events = feeder.finish()
        stack.wait_done(process, events)
        assert 'C000001' in stack.command('get', 'C000001', '--config', stack.write_config('tool')).stdout
        process.kill(signal.SIGTERM)
        stack.redis_address, stack.sentinel_master = f'127.0.0.1:{first.port}', ''   # the checker asks the primary itself
        figures, errors = checker.Evidence.read(stack, stack, []).judge()
        print('\n'.join(f'sentinel_{name}: {value}' for name, value in figures.items() if 'live' not in name))
        assert not errors, errors[:5]
    finally:
        for child in [s.child for s in [first, second, *sentinels]] + ([process.child] if process else []):
            if child is not None and child.poll() is None:
                child.kill()


main()
