#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Unpack the cel-spec suite and run it. usage: conformance.py RUNNER SOURCE_ROOT BUILD_DIR

The archive is $SEGUE_SHARED/data/cel/cel-spec-testdata.tar.xz ($SEGUE_SHARED defaults to ../shared beside the
source). Exit 77 (skipped) when it is not there."""
import os
import pathlib
import subprocess
import sys
import tarfile


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
    sys.exit(subprocess.run([runner, '--expected', str(expected)] + sys.argv[4:] + [str(f) for f in files]).returncode)


main()
