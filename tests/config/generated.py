#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""config/playbook.schema.json and the tables of config/README.md are what the program prints. usage: generated.py SEGUE ROOT [--write]
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile


def strangers(segue, text):
    """What a playbook that reads every name of the reference is told."""
    table = re.search(r'<!-- keys: names -->\n(.*?)<!-- end -->', text, re.S)[1]
    names = re.findall(r'`((?:tx|app|c|outcome|feedback|score)\.[a-z_]+)`', table)
    lines = ['features:']
    lines += [f"  f{i}: {{count: {name.split('.')[0]}, where: 'has({name})', publish: true}}"
              for i, name in enumerate(names) if not name.startswith('c.')]
    profile = ' || '.join(f'has({name})' for name in names if name.startswith('c.') and name != 'c.consents')
    lines += ['segments:', f"  s: {{purpose: SERVICE, including: {{a: '{profile}'}}}}"]
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, 'names.yaml').write_text('\n'.join(lines))
        run = subprocess.run([segue, 'check', '--playbook', folder], capture_output=True, text=True, check=False)
    return re.findall(r'^error: (.*)', run.stderr, re.M) + ([] if len(names) > 60 else ['names are missing'])


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
    failed += strangers(segue, text)
    readme.write_text(page) if '--write' in sys.argv else None
    for line in failed:
        print('not equal:' if 'schema.json' in line or 'table' in line else 'invalid:', line)
    if failed:
        print('generated.py SEGUE ROOT --write brings files up to date')
    sys.exit(len(failed) > 0)


main()
