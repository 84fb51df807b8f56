#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the starter playbook promises to hold at least, each definition with tests, each named segment with an exit of its own. usage: starter.py SEGUE RETAIL_DIR"""
import json
import pathlib
import re
import subprocess
import sys

LEAST = {
    'segments': ('frequent_traveller', 'dormant_saver', 'high_value', 'digitally_active', 'growing_savings'),
    'life_events': ('salary.stopped', 'account.dormant', 'windfall'),
    'offers': ('premium_travel_card', 'savings_boost', 'reactivation'),
}
FEATURES, COUNTS = 12, {'segments': 25, 'life_events': 20, 'offers': 15}
# What the text of a definition must say.
SAYS = {'segments': ('exit_when:',), 'life_events': (), 'offers': ('purpose: MARKETING', 'eligible:', 'contact:', 'cap:', 'value:')}
ABSENCES = ('salary.stopped', 'account.dormant')

WINDOWS = ('sent_1d', '24h'), ('spend_30d', '30d'), ('balance', 'all')  # as the files write them


def definition(texts, name):
    """The lines under `  NAME:` in whichever file has them."""
    return next((m[1] for m in (re.search(rf'^  {re.escape(name)}:\n((?:    .*\n|\n)+)', text, re.M) for text in texts) if m), '')


def main():
    segue, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    run = subprocess.run([segue, 'check', '--playbook', folder, '--json'], check=True, capture_output=True, text=True)
    plan = json.loads(run.stdout)['plan']
    said = subprocess.run([segue, 'check', '--playbook', folder], check=True, capture_output=True, text=True).stdout
    texts = [path.read_text() for path in sorted(folder.rglob('*.yaml'))]
    failed = [] if len(plan['features']) >= FEATURES else [f'only {len(plan["features"])} features']
    failed += [f'{name} is not told as written' for name, window in WINDOWS if not re.search(rf'^{name} +\w+ +{window} ', said, re.M)]
    for kind, names in LEAST.items():
        have = {entry['id'] for entry in plan[kind]}
        failed += [] if len(have) >= COUNTS[kind] else [f'{kind}: only {len(have)}']
        failed += [f'{name}: no tests' for name in sorted(have) if '    tests:' not in definition(texts, name)]
        for name in names:
            failed += [] if name in have else [f'{kind}: no {name}']
            failed += [f'{name}: no {word}' for word in SAYS[kind] if word not in definition(texts, name)]
    failed += [f'{name}: no absence' for name in ABSENCES if 'absent:' not in definition(texts, name)]
    print('\n'.join(failed))
    sys.exit(1 if failed else 0)


main()
