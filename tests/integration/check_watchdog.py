#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A worker that makes no turn: the watchdog ends the process with 75, to be started again; a start later
everything is processed once. usage: check_watchdog.py SEGUE WORK_DIR

One thread is held as a debugger would hold it; all others of the process go on.
"""
import ctypes
import os
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
from stack import Process, Stack  # noqa: E402

PTRACE_ATTACH, WALL = 16, 0x40000000
AGAIN = 75
EVENTS = 300
LINE = ('{{"source":"transactions","event":{{"event_id":"e{0}","customer_id":"W{1:03}","account_id":"a","account_type":"CURRENT",'
        '"booked_at":"2026-01-01T00:00:00Z","amount_minor":100,"currency":"GBP","direction":"DEBIT","status":"POSTED","kind":"CARD"}}}}\n')


def worker_thread(pid):
    for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
        if (task / 'comm').read_text().strip() == 'worker-0':
            return int(task.name)
    raise SystemExit('no thread worker-0')


def hold(thread):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    if libc.ptrace(PTRACE_ATTACH, thread, None, None) != 0:
        print(f'skipped: no thread may be held here ({os.strerror(ctypes.get_errno())})')
        sys.exit(77)
    os.waitpid(thread, WALL)


def exit_code(process, thread, seconds):
    """Of the process; None: it still runs. Who holds a thread must also bury it."""
    end = time.time() + seconds
    while time.time() < end:
        try:
            os.waitpid(thread, WALL | os.WNOHANG)
        except ChildProcessError:
            pass
        if not process.running():
            return process.child.returncode
        time.sleep(0.1)
    return None


def main():
    segue, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    stack = Stack(segue, work, 'watchdog', ROOT / 'config/playbooks/retail', tasks=4)
    stack.extra_config = 'watchdog: 2s\n'
    events = stack.folder / 'events.ndjson'
    events.write_text(''.join(LINE.format(i, i % 50) for i in range(EVENTS)))
    stack.create_topics()
    process = Process(stack).start()
    end = time.time() + 60
    while process.get('/readyz')[0] != 200:
        assert time.time() < end, f'not ready within 60 s\n{process.tail_of_log()}'
        time.sleep(0.2)
    assert process.get('/healthz')[0] == 200
    thread = worker_thread(process.child.pid)
    hold(thread)
    stack.feed(events)
    code = exit_code(process, thread, 60)
    assert code == AGAIN, f'exit code {code}\n{process.tail_of_log()}'
    assert 'code=watchdog' in process.tail_of_log()
    print('watchdog_ended_it: 1')
    process.start()
    stack.wait_done(process, EVENTS)
    assert process.kill(15) == 0
    assert process.log_path.read_text().count('code=watchdog') == 1


main()
