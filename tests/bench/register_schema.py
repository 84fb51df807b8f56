#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Gives the benchmark's schema the id that its load carries. usage: register_schema.py REGISTRY ID TXN_JAVA

Registries count ids from 1 on, so ID - 1 small schemas go first. The schema's text is the constant SCHEMA of TXN_JAVA.
"""
import json
import pathlib
import re
import sys
import urllib.request


def schema_of(java):
    """The pieces of the string constant, put together."""
    constant = re.search(r'String SCHEMA\s*=(.*?);\s*\n', java, re.S)[1]
    schema = ''.join(json.loads(piece) for piece in re.findall(r'"(?:[^"\\]|\\.)*"', constant))
    json.loads(schema)
    return schema


def register(registry, subject, schema):
    request = urllib.request.Request(f'{registry}/subjects/{subject}/versions', json.dumps({'schema': schema}).encode(),
                                     {'Content-Type': 'application/json'})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)['id']


def main():
    registry, wanted, java = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3]).read_text(encoding='utf-8')
    for i in range(1, wanted):
        register(registry, f'taken-{i}', json.dumps({'type': 'fixed', 'name': f'Taken{i}', 'size': i}))
    number = register(registry, 'bench.transactions-value', schema_of(java))
    if number != wanted:
        raise SystemExit(f'the registry gave id {number}, not {wanted}: it must be empty at first')


main()
