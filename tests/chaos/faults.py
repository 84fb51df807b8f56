# SPDX-License-Identifier: Apache-2.0
"""The faults. All chance comes from one seed."""
import random
import resource
import shutil
import signal
import time

from supervisor import ZOMBIE_SECONDS

CLOCK_JUMPS = (-86400, -3600, -61, 0, 0, 61, 3600, 86400, 366 * 86400)
HELD_SECONDS = 10
NO_DESCRIPTOR = 3               # standard input, output and errors are open, and every new one would be above them

# What a long run must have over so many events, and which faults help.
QUOTA_EVENTS = 5000000
QUOTAS = {'kills': 200, 'zombies': 20, 'redis_faults': 40, 'redis_losses': 5, 'broker_restarts': 20, 'held_endtxn': 20}
KIND_OF = {'kills': ('kill', 'kill_all'), 'zombies': ('zombie', 'zombie_with_cuts'), 'redis_losses': ('redis_flush', 'redis_lost'),
           'redis_faults': ('redis_old', 'redis_freeze', 'redis_full', 'redis_failover', 'redis_read_only', 'redis_cut'),
           'broker_restarts': ('broker_kill', 'broker_disk_full'), 'held_endtxn': ('hold', 'tear')}


class Faults:
    def __init__(self, seed, servers, supervisor, stack):
        self.chance, self.servers, self.supervisor, self.stack = random.Random(seed), servers, supervisor, stack
        self.counts = {}
        self.schedule = [self.kill] * 6 + [self.zombie_with_cuts, self.hold] * 2 + [self.lose, self.redis_old, self.redis_failover] * 2 + [
            self.kill_all, self.zombie, self.stumble, self.terminate, self.terminate_in_commit, self.double, self.storm, self.clock,
            self.clock, self.descriptors, self.redis_flush, self.redis_lost, self.redis_freeze, self.redis_full, self.redis_disk_full, self.redis_read_only,
            self.redis_cut, self.redis_half_open, self.redis_slow, self.redis_lose, self.broker_kill, self.broker_kill,
            self.broker_freeze, self.broker_disk_full, self.hold, self.tear, self.swallow, self.cut, self.stall, self.slow, self.half_open]

    def one(self, wanted=()):
        """`wanted`: quotas that are behind; a fault that helps with one of them is chosen."""
        names = [name for quota in wanted for name in KIND_OF[quota]]
        what = getattr(self, self.chance.choice(names)) if names else self.chance.choice(self.schedule)
        if what.__name__ in KIND_OF['zombies'] and self.supervisor.frozen:
            time.sleep(1)                   # somebody must be awake to take its tasks
            return 'nothing'
        self.counts[what.__name__] = self.counts.get(what.__name__, 0) + 1
        what()
        return what.__name__

    def achieved(self):
        """quota -> how many so far."""
        def count(*names):
            return sum(n for name, n in self.counts.items() if name.startswith(names))
        return {'kills': self.supervisor.kills, 'zombies': self.supervisor.zombies, 'redis_faults': count('redis_'),
                'redis_losses': count('redis_flush', 'redis_lost'), 'broker_restarts': count('broker_kill', 'broker_disk_full'),
                'held_endtxn': sum(line.startswith('held') for line in self.servers.kafka_proxy.said)}

    def any_process(self):
        return self.chance.choice(self.supervisor.processes)

    # Segue

    def victims(self):
        """Mostly those that are awake: who is killed in his sleep never wakes as a zombie."""
        frozen = self.supervisor.frozen
        awake = [process for process in self.supervisor.processes if process.child.pid not in frozen]
        return awake if awake and self.chance.random() < 0.8 else self.supervisor.processes

    def kill(self):
        self.supervisor.signal(self.chance.choice(self.victims()), signal.SIGKILL)

    def kill_all(self):
        for process in self.victims():
            self.supervisor.signal(process, signal.SIGKILL)

    def terminate(self):
        self.supervisor.signal(self.any_process(), signal.SIGTERM)

    def terminate_in_commit(self):
        """An EndTxn is on its way and does not arrive; its process is told to stop."""
        proxy = self.servers.kafka_proxy
        before = len(proxy.said)
        proxy.order('hold')
        if proxy.wait_for('held', before, HELD_SECONDS):
            held = next(line for line in proxy.said[before:] if line.startswith('held'))
            for number, process in enumerate(self.supervisor.processes):
                if held.split()[1].endswith(f'-{number}.0'):
                    self.supervisor.signal(process, signal.SIGTERM)

    def zombie(self):
        """Frozen beyond the session time-out; wakes when others have its tasks."""
        self.supervisor.freeze(self.any_process(), ZOMBIE_SECONDS)

    def zombie_with_cuts(self):
        """Redis stands still until committed cuts wait for it; then their process freezes, and wakes when others have gone on."""
        self.servers.master.signal(signal.SIGSTOP)
        time.sleep(self.chance.uniform(0.2, 1.2))
        self.supervisor.freeze(self.any_process(), ZOMBIE_SECONDS)
        self.servers.master.signal(signal.SIGCONT)

    def stumble(self):
        self.supervisor.freeze(self.any_process(), self.chance.uniform(0.2, 4))

    def double(self):
        """A second process under the same name, for a moment."""
        name = str(self.chance.randrange(len(self.supervisor.processes)))
        self.supervisor.visit(name, 'twin', self.chance.uniform(1, 3), signal.SIGKILL)

    def storm(self):
        """A third member comes and goes: a rebalance each time."""
        for _ in range(self.chance.randrange(2, 5)):
            self.supervisor.visit('guest', 'guest', self.chance.uniform(0.3, 2), self.chance.choice([signal.SIGTERM, signal.SIGKILL]))

    def clock(self):
        """The wall clock of one process jumps; some faults later it jumps again."""
        self.chance.choice(self.supervisor.clocks).jump(self.chance.choice(CLOCK_JUMPS))

    def descriptors(self):
        """A process gets no descriptor any more, and all its connections break; then it may have some again."""
        process = self.any_process()
        pid = process.child.pid
        if process.get('/readyz')[0] != 200:
            return                          # a start that lacks them ends with what it was about to open
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        try:
            before = resource.prlimit(pid, resource.RLIMIT_NOFILE, (NO_DESCRIPTOR, hard))
            try:
                self.servers.redis_proxy.order('cut')
                self.servers.kafka_proxy.order('cut')
                time.sleep(self.chance.uniform(0.5, 12))
            finally:
                resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        except ProcessLookupError:
            pass                            # it has ended meanwhile

    # Redis

    def redis_flush(self):
        self.servers.master.client.flushall()

    def redis_lost(self):
        self.servers.master.dump.unlink(missing_ok=True)
        self.servers.restart_redis()

    def redis_old(self):
        """Comes back with what it held some faults ago."""
        if self.servers.old_dump.exists():
            shutil.copy(self.servers.old_dump, self.servers.master.dump)
            self.servers.restart_redis()
        self.servers.keep_dump()

    def redis_freeze(self):
        self.servers.master.signal(signal.SIGSTOP)
        time.sleep(self.chance.uniform(0.5, 6))
        self.servers.master.signal(signal.SIGCONT)

    def redis_full(self):
        self.servers.master.client.config_set('maxmemory', 1)
        time.sleep(self.chance.uniform(0.2, 2))
        self.servers.master.client.config_set('maxmemory', 0)

    def redis_disk_full(self):
        """It cannot save, and refuses to write until it can (MISCONF): where the dump should go is a folder."""
        client, place = self.servers.master.client, self.servers.master.dump
        place.unlink(missing_ok=True)
        place.mkdir()
        client.config_set('save', '3600 1')
        client.bgsave()
        time.sleep(self.chance.uniform(0.5, 3))
        client.config_set('save', '')
        place.rmdir()

    def redis_failover(self):
        """The replica stops following, the master goes on for a while and dies; the replica is the master then, without all that."""
        self.servers.synced()
        self.servers.replica.client.replicaof('NO', 'ONE')
        time.sleep(self.chance.uniform(0.05, 3))
        self.servers.promote()

    def redis_read_only(self):
        """The address moves to the replica (READONLY) before it is the master; half the time it becomes it, else all goes back."""
        servers = self.servers
        servers.synced()
        servers.redis_proxy.ask(f'to {servers.replica.port}', 'to')
        time.sleep(self.chance.uniform(0.2, 3))
        if self.chance.random() < 0.5:
            servers.promote()
        else:
            servers.redis_proxy.ask(f'to {servers.master.port}', 'to')

    def redis_cut(self):
        self.servers.redis_proxy.order('cut')

    def redis_half_open(self):
        self.servers.redis_proxy.order(f'half {self.chance.uniform(1, 15):.1f}')

    def redis_slow(self):
        self.servers.redis_proxy.order(f'delay {self.chance.uniform(0.02, 0.5):.3f} {self.chance.uniform(1, 5):.1f}')

    def redis_lose(self):
        """An EXEC arrives and its answer does not."""
        self.servers.redis_proxy.order('lose')

    # Kafka

    def broker_kill(self):
        self.servers.restart_broker('KILL')

    def broker_disk_full(self):
        self.servers.fill_broker_disk()

    def broker_freeze(self):
        self.servers.signal_broker(signal.SIGSTOP)
        time.sleep(self.chance.uniform(0.5, 12))        # records wait 9 s, transactions 10 s
        self.servers.signal_broker(signal.SIGCONT)

    def hold(self):
        """An EndTxn comes late, into the next transaction; half the time everybody dies before that one ends."""
        proxy = self.servers.kafka_proxy
        before = len(proxy.said)
        proxy.order('hold')
        proxy.wait_for('released', before, HELD_SECONDS)
        if self.chance.random() < 0.5:
            self.kill_all()

    def tear(self):
        """An EndTxn comes late, when the next transaction has its offsets and nothing else, and then everybody dies."""
        proxy = self.servers.kafka_proxy
        before = len(proxy.said)
        proxy.order('tear')
        if proxy.wait_for('released after', before, HELD_SECONDS):
            time.sleep(0.2)
            for process in self.supervisor.processes:
                self.supervisor.signal(process, signal.SIGKILL)

    def lose(self):
        self.servers.kafka_proxy.order(f'lose {self.chance.choice([26, 26, 28, 0])}')

    def swallow(self):
        """An EndTxn never arrives: the broker gives the transaction up, while its process stays a member of the group."""
        self.servers.kafka_proxy.order('swallow')

    def cut(self):
        self.servers.kafka_proxy.order('cut')

    def stall(self):
        self.servers.kafka_proxy.order(f'stall {self.chance.uniform(0.2, 5):.1f}')

    def slow(self):
        self.servers.kafka_proxy.order(f'delay {self.chance.uniform(0.02, 0.3):.3f} {self.chance.uniform(1, 5):.1f}')

    def half_open(self):
        """As when a box between forgets the connections: the broker's answers, and ours, go nowhere."""
        self.servers.kafka_proxy.order(f'half {self.chance.uniform(3, 15):.1f}')
