#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""State spread over a real Redis Cluster, three primaries and three replicas on loopback: a primary dies and its replica takes
over, the dead one comes back, slots move from one node to another, all while transactions arrive. usage: check_cluster.py SEGUE WORK_DIR

Afterwards the oracles of tests/chaos recount outputs, views and the journal.
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

NODES, TASKS, CUSTOMERS, RATE = 6, 8, 500, 300


class Node:
    def __init__(self, folder):
        self.port, self.folder = free_port(), folder
        folder.mkdir(parents=True)
        self.child = None

    def start(self):
        with open(self.folder / 'log', 'ab') as log:
            self.child = subprocess.Popen(
                ['redis-server', '--port', str(self.port), '--bind', '127.0.0.1', '--dir', self.folder, '--save', '', '--appendonly',
                 'no', '--cluster-enabled', 'yes', '--cluster-port', str(free_port()), '--cluster-node-timeout', '1500',
                 '--cluster-config-file', 'nodes.conf', '--repl-diskless-sync-delay', '0', '--maxmemory-policy', 'noeviction'],
                stdout=log, stderr=log)
        return self

    def client(self):
        return redis.Redis(host='127.0.0.1', port=self.port, decode_responses=True)


def until(what, question, seconds=60):
    """Of servers that come and go: one that does not answer is no answer yet."""
    wait.until(what, question, seconds, errors=redis.RedisError)


def tool(*words):
    run = subprocess.run(['redis-cli', '--cluster', *map(str, words)], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise SystemExit(f'redis-cli --cluster {words}: {run.stdout[-1500:]}{run.stderr[-500:]}')


def whole(node):
    return node.client().cluster('info')['cluster_state'] == 'ok'


def primary_of(nodes, key):
    """The running node that holds the key's slot."""
    slot = nodes[0].client().cluster('keyslot', key)
    for node in nodes:
        if node.child.poll() is None and node.client().info('replication')['role'] == 'master':
            for line, facts in node.client().cluster('nodes').items():
                if 'myself' in facts['flags'] and any(int(s[0]) <= slot <= int(s[-1]) for s in facts['slots'] if s[0].isdigit()):
                    return node
    return None


def move_slots(nodes, source, target, count):
    me, other = source.client().cluster('myid'), target.client().cluster('myid')
    tool('reshard', f'127.0.0.1:{source.port}', '--cluster-from', me, '--cluster-to', other, '--cluster-slots', count, '--cluster-yes')
    until('the cluster is whole after moving slots', lambda: all(whole(n) for n in nodes))


def committed_beyond(stack, mark):
    return lambda: stack.committed() > mark


def storm(stack, nodes):
    """Each trouble, and that work goes on after it."""
    head = f'{{{stack.name}.0}}head'
    victim = primary_of(nodes, head)
    victim.child.send_signal(signal.SIGKILL)
    victim.child.wait()
    begin = time.time()
    until('a replica takes over', lambda: primary_of([n for n in nodes if n is not victim], head) is not None)
    print(f'cluster_failover_seconds: {time.time() - begin:.1f}')
    mark = stack.committed()
    until('work goes on after the failover', committed_beyond(stack, mark + 500))
    victim.start()
    until('the dead node is a replica', lambda: victim.client().info('replication')['role'] == 'slave')

    source = primary_of(nodes, head)
    target = next(n for n in nodes if n is not source and n.client().info('replication')['role'] == 'master')
    begin = time.time()
    move_slots(nodes, source, target, 5400)
    print(f'cluster_slots_moved_seconds: {time.time() - begin:.1f}')
    assert primary_of(nodes, head) is not source, 'the slot of task 0 should have moved'
    mark = stack.committed()
    until('work goes on after slots have moved', committed_beyond(stack, mark + 500))


def main():
    segue, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder = work / 'cluster'
    shutil.rmtree(folder, ignore_errors=True)
    nodes = [Node(folder / str(i)).start() for i in range(NODES)]
    process = None
    try:
        for node in nodes:
            until('a node answers', node.client().ping)
        tool('create', *[f'127.0.0.1:{n.port}' for n in nodes], '--cluster-replicas', 1, '--cluster-yes')
        until('the cluster is whole', lambda: all(whole(n) for n in nodes))
        seeds = ','.join(f'127.0.0.1:{n.port}' for n in nodes)
        stack = Stack(segue, work, f'cluster{int(time.time())}', ROOT / 'tests/playbooks/chaos', tasks=TASKS, redis_address=seeds,
                      cluster=True)
        stack.create_topics()
        feeder = Feeder(stack, 1, CUSTOMERS, RATE)
        feeder.start()
        process = Process(stack).start()
        until('work has begun', committed_beyond(stack, 500))
        storm(stack, nodes)
        events = feeder.finish()
        stack.wait_done(process, events)
        customer = 'C000001'
        assert customer in stack.command('get', customer, '--config', stack.write_config('tool')).stdout
        process.kill(signal.SIGTERM)
        evidence = checker.Evidence.read(stack, stack, [])
        figures, errors = evidence.judge()
        print('\n'.join(f'cluster_{name}: {value}' for name, value in figures.items() if 'live' not in name))
        used = sum(n.client().dbsize() > 0 for n in nodes if n.client().info('replication')['role'] == 'master')
        print(f'cluster_nodes_with_state: {used}')
        assert used > 1 and not errors, errors[:5]
    finally:
        for child in [n.child for n in nodes] + ([process.child] if process else []):
            if child.poll() is None:
                child.kill()


main()
