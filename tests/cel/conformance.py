#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Unpack the cel-spec suite, run it, and hold processor/cel/README.md to what came out: its table per file and its sum.
usage: conformance.py RUNNER SOURCE_ROOT BUILD_DIR

The archive is $SEGUE_SHARED/data/cel/cel-spec-testdata.tar.xz ($SEGUE_SHARED defaults to ../shared beside the
source). Exit 77 (skipped) when it is not there."""
import os
import pathlib
import re
import subprocess
import sys
import tarfile


def published(page, said):
    """What the page says otherwise than the run. A line of the run: `basic: 43/43/43` (passed, free of protobuf, all)."""
    ran = {name: tuple(map(int, counts)) for name, *counts in re.findall(r'^(\w+): (\d+)/(\d+)/(\d+)$', said, re.M)}
    rows = {name: tuple(map(int, counts)) for name, *counts in re.findall(r'^\| (\w+) \| (\d+) \| (\d+) \| (\d+) \|$', page, re.M)}
    wrong = [f'{name}: the page has {rows.get(name)}, the run {ran.get(name)}' for name in sorted(ran.keys() | rows.keys())
             if rows.get(name) != ran.get(name)]
    passed, free = (sum(counts[i] for counts in ran.values()) for i in (0, 1))
    if f'**{passed:,} of {free:,}**' not in page or not ran:
        wrong.append(f'the page does not say **{passed:,} of {free:,}**')
    return wrong


def main():
    runner, source, build = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    shared = pathlib.Path(os.environ.get('SEGUE_SHARED', source.parent / 'shared'))
    archive = shared / 'data' / 'cel' / 'cel-spec-testdata.tar.xz'
    if not archive.exists():
        print(f'skipped: {archive} is not there; set SEGUE_SHARED')
        sys.exit(77)
    data = build / 'cel-spec'
    if not data.exists():
        with tarfile.open(archive) as tar:
            for member in tar.getmembers():
                if not member.isfile() or '..' in member.name or member.name.startswith('/'):
                    continue
                tar.extract(member, data)
    files = sorted(data.rglob('*.textproto'))
    expected = source / 'tests' / 'cel' / 'expected_failures.txt'
    run = subprocess.run([runner, '--expected', str(expected)] + sys.argv[4:] + [str(f) for f in files], stdout=subprocess.PIPE, text=True)
    print(run.stdout, end='')
    wrong = published((source / 'processor/cel/README.md').read_text(), run.stdout) if run.returncode == 0 else []
    for line in wrong:
        print('processor/cel/README.md:', line)
    sys.exit(run.returncode or len(wrong) > 0)


main()
