#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every reason to halt is known everywhere: in the code, to doctor, to the alarms, in the runbook, and a test drives Segue into it.
usage: halts.py ROOT

runtime/halt.h lists the reasons. Each must be raised by some task_halt in runtime/, judged by commands/doctor_halts.c or named in
its ONLY_THE_PROCESS, have an alert in deploy/alerts.yml and a row with its anchor in deploy/README.md, and a case in
tests/integration/check_halts.py. Besides, every metric that an alert names must exist, and every
runbook link must lead somewhere.
"""
import pathlib
import re
import sys

# Only the process meets them: they depend on a record that is being processed, or on its limits. Doctor asks it (/readyz).
ONLY_THE_PROCESS = {'CUSTOMER_RECORD', 'CHECKPOINT_TOO_LARGE', 'BATCH_TOO_LARGE', 'CUT_TOO_LARGE'}


def anchors(text):
    named = set(re.findall(r'<a id="([\w-]+)"></a>', text))
    heads = {re.sub(r'[^\w -]', '', h).strip().lower().replace(' ', '-') for h in re.findall(r'^#+ (.*)$', text, re.M)}
    return named | heads


def main():
    root = pathlib.Path(sys.argv[1])
    read = lambda path: (root / path).read_text()  # noqa: E731
    names = [n for n in re.findall(r'^\s+HALT_(\w+),$', read('processor/runtime/halt.h'), re.M) if n != 'NONE']
    runtime = ''.join(p.read_text() for p in sorted((root / 'processor/runtime').glob('*.c')) if p.name != 'halt.c')
    raised = set(re.findall(r'task_halt\(\s*worker, task, HALT_(\w+)', runtime))
    judged = set(re.findall(r'HALT_(\w+)', read('processor/commands/doctor_halts.c')))
    alerts, runbook = read('deploy/alerts.yml'), read('deploy/README.md')
    driven, known = read('tests/integration/check_halts.py'), anchors(runbook)
    bad = [] if len(names) > 10 else [f'only {len(names)} reasons found: does this check still understand halt.h?']
    for name in names:
        code = name.lower()
        alert = 'SegueHalt' + code.title().replace('_', '')
        for good, where in ((name in raised, 'raised by nobody in runtime/'),
                            (name in judged or name in ONLY_THE_PROCESS, 'not judged by doctor_halts.c'),
                            (f'- alert: {alert}\n        expr: segue_halted_tasks{{reason="{code}"}} > 0' in alerts, f'no {alert} in alerts.yml'),
                            (f'<a id="{code}"></a>' in runbook, 'no entry in deploy/README.md'),
                            (f"'{code}'" in driven, 'no case in check_halts.py')):
            if not good:
                bad.append(f'{code}: {where}')
    bad += [f'{n.lower()}: task_halt says it, halt.h does not' for n in raised - set(names)]
    bad += [f'{n.lower()}: {w}, though a list here says otherwise' for n, w, s in
            [(n, 'judged by doctor', judged) for n in ONLY_THE_PROCESS] if n in s]
    families = set()
    for path in (root / 'processor').rglob('*.c'):
        families |= {(m[1], m[2]) for m in re.finditer(r'"(segue_\w+)",\s*(?:NULL|"\w+"),\s*"[^"]*",\s*METRIC_(\w+)', path.read_text())}
    exists = {n + end for n, kind in families for end in {'COUNTER': ('_total',), 'GAUGE': ('',),
                                                         'HISTOGRAM': ('_bucket', '_sum', '_count')}[kind]}
    used = set(re.findall(r'\bsegue_\w+', '\n'.join(re.findall(r'expr: (.*)', alerts))))
    bad += [f'alerts.yml: {m} is no metric of ours' for m in sorted(used - exists)]
    bad += [f'alerts.yml: deploy/README.md#{a} leads nowhere' for a in re.findall(r'runbook: deploy/README.md#([\w-]+)', alerts) if a not in known]
    print('\n'.join(bad) or f'{len(names)} reasons to halt, {len(used)} metrics in alerts')
    sys.exit(1 if bad else 0)


main()
