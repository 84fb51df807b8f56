#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every offer of the starter pack has a section in the page beside it, and tests both ways. usage: pack_pages.py PACK"""
import pathlib
import re
import sys

pack = pathlib.Path(sys.argv[1])
page = (pack / 'README.md').read_text()
sections = set(re.findall(r'^### (\w+)$', page, re.M))
offers, wrong = {}, []
for path in sorted(pack.glob('*.yaml')):
    text = path.read_text().partition('\noffers:\n')[2]
    for name, body in re.findall(r'^  (\w+):\n((?:    .*\n|\n)*)', text, re.M):
        offers[name] = re.findall(r'^        expect: (.*)$', body, re.M)
for name, expects in offers.items():
    if name not in sections:
        wrong.append(f'{name}: no section in README.md')
    if len(expects) < 3 or 'offered' not in expects or not any('blocked' in e for e in expects):
        wrong.append(f'{name}: wants three tests, one offered and one blocked')
wrong += [f'{name}: in README.md, in no file' for name in sorted(sections - set(offers))]
if len(offers) < 15:
    wrong.append(f'{len(offers)} offers, at least 15')
print(*wrong, sep='\n')
sys.exit(1 if wrong else 0)
