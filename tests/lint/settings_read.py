#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Refuse a setting that nobody reads: a key that is parsed, documented and then ignored is a lie.
usage: settings_read.py PROCESSOR_DIR

A key of the table in settings/settings.c names its member of struct settings; so do the members of struct settings_source.
Each must be read (`settings->member`, `source->member`, ..) in some .c file outside settings/ and playbook/. The playbook's own scalars
(struct playbook, set from YAML in playbook/load.c) must be read outside playbook/.
"""
import pathlib
import re
import sys

KEY = re.compile(r'\b(?:TEXT|PATH|BOOL|INTEGER|SIZE|TIMESPAN|WORD)\(\s*"([^"]+)",\s*([\w.]+),')
TIME = re.compile(r'\{"([^"]+)", FORM_TIME, AT\(([\w.]+)\)')
MEMBER = re.compile(r'^\s*(?:const )?[\w ]+?[ *](\w+);', re.M)
# What the settings layer turns into another member that is read.
FOLDED = {'salt': 'salt_hash'}


def body_of(text, struct):
    return text.split(f'struct {struct} {{', 1)[1].split('\n};', 1)[0]


def without_comments(text):
    return re.sub(r'/\*.*?\*/', '', text, flags=re.S)


def main():
    root = pathlib.Path(sys.argv[1])
    table = (root / 'settings' / 'settings.c').read_text()
    header = without_comments((root / 'settings' / 'settings.h').read_text())
    playbook = without_comments((root / 'playbook' / 'playbook.h').read_text())
    wanted = [(key, FOLDED.get(member, member), 'settings') for key, member in KEY.findall(table) + TIME.findall(table)]
    wanted += [(f'sources.X.{m}', m, 'settings') for m in MEMBER.findall(body_of(header, 'settings_source'))]
    wanted += [(f'playbook {m}', m, 'playbook') for m in MEMBER.findall(body_of(playbook, 'playbook')) if m.endswith('_ms')]
    if len(wanted) < 40:
        sys.exit(f'only {len(wanted)} settings found: does this check still understand settings.c?')
    readers = {p: without_comments(p.read_text()) for p in root.rglob('*.c')}
    bad = []
    for key, member, layer in wanted:
        read = re.compile(r'(?:->|\.)' + re.escape(member) + r'\b(?!\s*=[^=])')
        if layer == 'playbook':
            read = re.compile(r'\bplaybook(?:->|\.)' + re.escape(member) + r'\b')
        if not any(read.search(text) for path, text in readers.items() if path.relative_to(root).parts[0] not in ('settings', 'playbook')):
            bad.append(f'{key}: parsed, but nothing reads `{member}`')
    print('\n'.join(bad) or f'{len(wanted)} settings, all read')
    sys.exit(1 if bad else 0)


main()
