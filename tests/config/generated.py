#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""config/playbook.schema.json and the tables of config/README.md are what the program prints. usage: generated.py SEGUE ROOT [--write]
"""
import json
import pathlib
import re
import subprocess
import sys


def main():
    segue, root = sys.argv[1], pathlib.Path(sys.argv[2])
    failed = []
    ask = lambda option: subprocess.run([segue, 'check', option], capture_output=True, text=True, check=True).stdout
    schema, text = ask('--schema'), ask('--reference')
    json.loads(schema)
    path = root / 'config/playbook.schema.json'
    if '--write' in sys.argv:
        path.write_text(schema)
    if not path.exists() or path.read_text() != schema:
        failed.append(str(path))
    readme = root / 'config/README.md'
    page = readme.read_text()
    for name, table in re.findall(r'<!-- keys: (\w+) -->\n(.*?)<!-- end -->', text, re.S):
        here = re.search(rf'<!-- keys: {name} -->\n(.*?)<!-- end -->', page, re.S)
        if here and '--write' in sys.argv:
            page = page[:here.start(1)] + table + page[here.end(1):]
        elif not here or here[1] != table:
            failed.append(f'{readme}: table {name}')
    readme.write_text(page) if '--write' in sys.argv else None
    for line in failed:
        print('not equal:' if 'schema.json' in line or 'table' in line else 'invalid:', line)
    if failed:
        print('generated.py SEGUE ROOT --write brings files up to date')
    sys.exit(len(failed) > 0)


main()
