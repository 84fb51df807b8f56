#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Apache Avro's own test data against our schema parser: schemas to accept and refuse, canonical forms,
fingerprints. usage: avro_share.py SCHEMA_TOOL SOURCE_ROOT

The data is an archive found through SEGUE_SHARED, or ../shared beside the sources; without it: skipped (77)."""
import os
import pathlib
import re
import subprocess
import sys
import tarfile


def cases(archive):
    """Yield (name, schema text, expected): True accept, False refuse, (canonical, fingerprint or None)."""
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            kind = re.search(r'schema_tests/(pass|fail)/', member.name)
            if kind and member.isfile():
                yield member.name, tar.extractfile(member).read(), kind.group(1) == 'pass'
            elif member.name.endswith('.avsc'):
                yield member.name, tar.extractfile(member).read(), True
        text = tar.extractfile('share/test/data/schema-tests.txt').read().decode()
    for number, block in enumerate(re.split(r'^// \d+$', text, flags=re.M)[1:]):
        fields = {}
        for line in re.split(r'^<<', block, flags=re.M)[1:]:
            name, _, value = line.partition(' ')
            key = name.split('\n')[0]
            if key != name:  # here-document: <<INPUT\n...\nINPUT
                value = (name + ' ' + value).split('\n', 1)[1].rsplit('\n' + key, 1)[0]
            fields[key] = value.strip()
        expected = (fields['canonical'], int(fields['fingerprint']) if 'fingerprint' in fields else None)
        yield f'schema-tests.txt {number:03}', fields['INPUT'].encode(), expected


def check(tool, text, expected):
    run = subprocess.run([tool], input=text, capture_output=True)
    if isinstance(expected, bool):
        return (run.returncode == 0) == expected, run.stderr.decode().strip()
    lines = run.stdout.decode().splitlines()
    good = len(lines) == 2 and lines[0] == expected[0] and expected[1] in (None, int(lines[1]))
    return good, f'{lines} {run.stderr.decode()}'


def main():
    tool, root = sys.argv[1], pathlib.Path(sys.argv[2])
    shared = pathlib.Path(os.environ.get('SEGUE_SHARED', root.parent / 'shared'))
    archive = shared / 'data/avro/avro-share-test.tar.xz'
    if not archive.is_file():
        print('1..0 # SKIP no data/avro/avro-share-test.tar.xz: set SEGUE_SHARED to the folder that has it')
        sys.exit(77)
    count = failed = 0
    for name, text, expected in cases(archive):
        good, why = check(tool, text, expected)
        count += 1
        failed += not good
        print(f'{"ok" if good else "not ok"} {count} - {name}' + ('' if good else f'\n# {why}'))
    print(f'1..{count}')
    sys.exit(1 if failed or count < 74 else 0)


main()
