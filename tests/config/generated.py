#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""config/playbook.schema.json and the tables of config/README.md are what the program prints, and the playbooks in the tree satisfy the schema.

usage: generated.py SEGUE ROOT [--write]
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
    try:
        import jsonschema
        import yaml
    except ImportError:
        print('# jsonschema or yaml is not installed: the playbooks were not validated')
    else:
        class Plain(yaml.SafeLoader):  # as the program and editors read: a date is text, and `on` is no boolean
            yaml_implicit_resolvers = {first: [(tag, regexp) for tag, regexp in pairs if tag[-9:] != 'timestamp' and tag[-4:] != 'bool']
                                       for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()}
        Plain.add_implicit_resolver('tag:yaml.org,2002:bool', re.compile('^(true|false)$'), list('tf'))
        judge = jsonschema.Draft202012Validator(json.loads(schema))
        folders = [root / 'config/playbooks', root / 'tests/playbooks/berka', root / 'tests/playbooks/year']
        for file in sorted(f for folder in folders for f in folder.rglob('*.yaml')):
            for error in judge.iter_errors(yaml.load(file.read_text(), Plain)):
                failed.append(f'{file}: {"/".join(map(str, error.path))}: {error.message[:200]}')
    for line in failed:
        print('not equal:' if 'schema.json' in line or 'table' in line else 'invalid:', line)
    if failed:
        print('generated.py SEGUE ROOT --write brings files up to date')
    sys.exit(len(failed) > 0)


main()
