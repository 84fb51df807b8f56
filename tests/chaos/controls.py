#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Negative controls of chaos.py: builds without one rule of the protocol, each under the faults that it cannot survive.
usage: controls.py BUILD_DIR WORK_DIR [MUTANT ..]

Each must be found out: by the checker, or by the claim that halts a task because Kafka and Redis, or journal and offsets, contradict each
other. A run that fails for any other reason says so and counts as not caught. Whether a fault hits the moment is chance, so each rule has
some attempts, with seeds of their own. Prints a line per rule; 1 if one got through.
"""
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/support'))
from without import build_without  # noqa: E402

ATTEMPTS = 3

# mutant: minutes of one attempt, the faults that need its rule
PLANS = {
    'NO_REINIT': (3, 'tear'),
    'NO_WATCH': (4, 'zombie_with_cuts'),
    'NO_RECLAIM': (3, 'swallow'),
    'REDIS_FIRST': (3, 'kill,kill_all'),
}
SIGNS = re.compile(r"^(C\d+: from output|outputs of C|view of C|b'|task \d+:? (cut|the (last cut|head))|task \d+: halted|"
                   r'ts=.* code=task_halted .*(torn|lost committed data|the committed offset))')


def attempt(segue, work, minutes, faults, seed):
    """(what gave it away, what else went wrong), as lines."""
    run = subprocess.run([sys.executable, ROOT / 'tests/chaos/chaos.py', segue, work, '--minutes', str(minutes), '--seed', str(seed),
                          '--faults', faults, '--no-figures'], capture_output=True, text=True, check=False)
    (work / 'control.out').write_text(run.stdout + run.stderr)
    lines = run.stderr.splitlines() if run.returncode else []
    return [line for line in lines if SIGNS.search(line)], lines


def main():
    folder, work, chosen = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:] or list(PLANS)
    missed = 0
    for mutant in chosen:
        minutes, faults = PLANS[mutant]
        segue, begin, signs, lines = build_without(folder, mutant, 'tests/chaos/libclock_jump.so'), time.time(), [], []
        for seed in range(1, ATTEMPTS + 1):
            signs, lines = attempt(segue, work, minutes, faults, seed)
            if signs:
                break
        missed += not signs
        print(f'control_{mutant.lower()}: {"caught" if signs else "missed"}\n'
              f'control_{mutant.lower()}_seconds: {time.time() - begin:.0f}')
        print('\n'.join(f'# {line[:240]}' for line in (signs[:3] or lines[-10:])), flush=True)
    raise SystemExit(missed > 0)


main()
