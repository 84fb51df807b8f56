# SPDX-License-Identifier: Apache-2.0
"""Starts again what ended, at once; counts how it ended; wakes the frozen."""
import signal
import subprocess
import threading
import time

from clock import Clock
from stack import Process

ZOMBIE_SECONDS = 13                 # beyond the session time-out of 10 s
GRACE_SECONDS = 30
EXITS_EXPECTED = {0, 69, 75, -signal.SIGKILL}      # 69: Redis or Kafka was away at its start


class Supervisor(threading.Thread):
    def __init__(self, stack, count, clock_library):
        super().__init__(daemon=True)
        self.stack, self.clock_library, self.clocks = stack, clock_library, []
        self.lock, self.resting, self.exits, self.strange, self.frozen = threading.RLock(), set(), {}, [], {}
        self.kills = self.zombies = 0
        self.stopping = threading.Event()
        self.processes = [self.process(str(i)).start() for i in range(count)]

    def process(self, instance, label=None):
        """One more `segue run`, not started, with a wall clock of its own."""
        process, clock = Process(self.stack, instance, label), Clock(self.stack.folder / f'clock-{label or instance}')
        process.environment = clock.environment(self.clock_library)
        if label is None:
            self.clocks.append(clock)
        return process

    def run(self):
        while not self.stopping.is_set():
            with self.lock:
                self.look()
            time.sleep(0.02)

    def look(self):
        now = time.monotonic()
        for process in self.processes:
            pid = process.child.pid
            if pid in self.frozen and self.frozen[pid][0] <= now:
                process.child.send_signal(signal.SIGCONT)
                self.zombies += self.frozen[pid][1] >= ZOMBIE_SECONDS and process.running()
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
                self.kills += number == signal.SIGKILL

    def freeze(self, process, seconds):
        with self.lock:
            if process.running():
                process.child.send_signal(signal.SIGSTOP)
                self.frozen[process.child.pid] = (time.monotonic() + seconds, seconds)

    def rest(self, process, resting):
        """Not started again while it rests."""
        with self.lock:
            (self.resting.add if resting else self.resting.discard)(process)

    def visit(self, instance, label, seconds, how):
        """A process that is here only for a while; afterwards how it ended counts like the others' ends."""
        process = self.process(instance, label).start()
        time.sleep(seconds)
        self.signal(process, how)
        try:
            process.child.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:       # a broker that is away cannot be told goodbye
            self.signal(process, signal.SIGKILL)
            process.child.wait(GRACE_SECONDS)
        with self.lock:
            self.note_exit(process)

    def stop(self):
        self.stopping.set()
        self.join()
        for process in self.processes:
            if process.running():
                process.child.send_signal(signal.SIGCONT)
                process.kill(signal.SIGTERM)
