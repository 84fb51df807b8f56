#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The playbooks in the tree satisfy the JSON Schema that the program prints, as an editor would judge them. usage: by_schema.py SEGUE ROOT
exit 77: python3-jsonschema or python3-yaml is not installed

And one that does not is told of: a misspelt key, a text for a number.
"""
import json
import pathlib
import re
import subprocess
import sys

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f'SKIP: {missing}')
    sys.exit(77)

FILES_MIN = 37
BROKEN = ('features: {often: {cuont: tx}}', 'segments: {s: {stay: {min: [7]}}}', 'nonsense: 1')


class Plain(getattr(yaml, 'CSafeLoader', yaml.SafeLoader)):
    """As the program and editors read: a date is text, and `on` is no boolean."""

    yaml_implicit_resolvers = {first: [(tag, regexp) for tag, regexp in pairs if tag[-9:] != 'timestamp' and tag[-4:] != 'bool']
                               for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()}


Plain.add_implicit_resolver('tag:yaml.org,2002:bool', re.compile('^(true|false)$'), list('tf'))


def main():
    segue, root, wrong = sys.argv[1], pathlib.Path(sys.argv[2]), []
    schema = subprocess.run([segue, 'check', '--schema'], capture_output=True, text=True, check=True).stdout
    judge = jsonschema.Draft202012Validator(json.loads(schema))
    files = sorted(f for name in ('config/playbooks', 'tests/playbooks') for f in (root / name).rglob('*.yaml') if 'broken' not in f.parts)
    for file in files:
        for error in judge.iter_errors(yaml.load(file.read_text(), Plain)):
            wrong.append(f'{file}: {"/".join(map(str, error.path))}: {error.message[:200]}')
    wrong += [f'taken: {text}' for text in BROKEN if judge.is_valid(yaml.load(text, Plain))]
    print('\n'.join(wrong + [f'playbook_files_by_schema: {len(files)}']))
    sys.exit(len(wrong) > 0 or len(files) < FILES_MIN)


main()
