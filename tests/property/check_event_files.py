#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same events say the same from NDJSON and from Avro containers; a bad line is told of in the exit code. usage: check_event_files.py SEGUE SCHEMAS

The transactions of a bank of SEED's making are written here as containers of both codecs, by a writer of its own, and `backtest` over them beside the
other sources' NDJSON must say what it says over NDJSON alone. With a line, or a record, that is no event among them `backtest` and `plan` say the rest
and exit with 1; with `--source` a container of another name is read.
"""
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zlib

SYNC, BLOCK = bytes(range(100, 116)), 500
SMALL = 'currency: GBP\nfeatures:\n  often: {count: tx, window: 7d}\n  seen: {count: app, window: 7d}\n' \
        'segments:\n  busy:\n    need: time\n    purpose: MARKETING\n    including: {often: "f.often >= 9 && f.seen > 0"}\n'


def varint(value):
    value, out = (value << 1) ^ (value >> 63), b''
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def encode(schema, value):
    """Of the types that a transaction has."""
    kind = schema['type'] if isinstance(schema, dict) else schema
    if isinstance(kind, list):
        branch = 0 if value is None else 1
        return varint(branch) + (b'' if value is None else encode(kind[1], value))
    if kind == 'record':
        return b''.join(encode(f['type'] if isinstance(f['type'], (dict, list)) else f['type'], value.get(f['name'], f.get('default'))) for f in schema['fields'])
    if isinstance(schema, list):
        return encode({'type': schema}, value)
    if kind == 'enum':
        return varint(schema['symbols'].index(value))
    if kind == 'string':
        return varint(len(value.encode())) + value.encode()
    if isinstance(value, str):  # a time
        value = round(datetime.datetime.fromisoformat(value.replace('Z', '+00:00')).timestamp() * 1000)
    return varint(value)


def container(path, schema, records, codec):
    def text(data):
        return varint(len(data)) + data
    out = b'Obj\x01' + varint(2) + text(b'avro.schema') + text(json.dumps(schema).encode()) + text(b'avro.codec') + text(codec.encode()) + varint(0) + SYNC
    for begin in range(0, len(records), BLOCK):
        part = records[begin:begin + BLOCK]
        data = b''.join(encode(schema, record) for record in part)
        if codec == 'deflate':
            squeeze = zlib.compressobj(wbits=-15)
            data = squeeze.compress(data) + squeeze.flush()
        out += varint(len(part)) + text(data) + SYNC
    path.write_bytes(out)


def main():
    segue, schemas, seed, wrong = sys.argv[1], pathlib.Path(sys.argv[2]), os.environ.get('SEED', '5'), []
    schema = json.loads((schemas / 'transaction/1.avsc').read_text())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        playbook = folder / 'small.yaml'
        playbook.write_text(SMALL)

        def run(command, *arguments):
            options = ['--playbook', playbook] + (['--live', playbook] if command == 'plan' else ['--tasks', '3'])
            done = subprocess.run([segue, command, *options, *arguments], capture_output=True, text=True, check=False)
            return done.returncode, done.stdout.splitlines(), done.stderr

        def expect(what, got, wanted):
            print(f'{what}: {"as wanted" if got == wanted else "WRONG"}')
            if got != wanted:
                wrong.append(f'{what}: {str(got)[:600]}, wanted {str(wanted)[:600]}')

        bank, tx, rest = folder / 'bank.ndjson', folder / 'tx.ndjson', folder / 'rest.ndjson'
        subprocess.run([segue, 'simulate', '--customers', '40', '--days', '50', '--seed', seed, '--out', bank], check=True, capture_output=True)
        lines = bank.read_text().splitlines(keepends=True)
        tx.write_text(''.join(line for line in lines if '"source":"transactions"' in line))
        rest.write_text(''.join(line for line in lines if '"source":"transactions"' not in line))
        records = [json.loads(line)['event'] for line in tx.read_text().splitlines()]
        code, plain, errors = run('backtest', tx, rest)
        assert code == 0 and len(plain) > 20 and len(records) > 2 * BLOCK, (code, len(plain), len(records), errors)
        good = folder / 'null.avro'
        for codec in ('null', 'deflate'):
            path = folder / f'{codec}.avro'
            container(path, schema, records, codec)
            code, said, errors = run('backtest', path, rest)
            expect(f'{codec}: exit code', code, 0)
            expect(f'{codec}: {len(said)} outputs', said, plain)

        other = folder / 'other.avro'
        container(other, {**schema, 'name': 'Booking'}, records, 'deflate')
        code, said, errors = run('backtest', other)
        expect('a name that is no source: exit code', (code, said, '`bank.v1.Booking` is no source' in errors), (1, [], True))
        code, said, errors = run('backtest', '--source', 'transactions', '--events', other, rest)
        expect('with --source', (code, said), (0, plain))

        junk, bad = folder / 'junk.ndjson', folder / 'bad.avro'
        junk.write_text('nothing at all\n' * 3)
        container(bad, schema, [{**records[0], 'amount_minor': -1}], 'null')
        for what, path, count in (('a bad line', junk, 3), ('a bad record', bad, 1)):
            code, said, errors = run('backtest', tx, rest, path)
            expect(f'backtest, {what}', (code, said, f'no event, skipped: {count}\n' in errors), (1, plain, True))
            code, _, errors = run('backtest', path)
            expect(f'backtest, nothing but {what}', (code, f'no event, skipped: {count}\n' in errors), (1, True))
            code, said, errors = run('plan', '--json', tx, rest, path)
            expect(f'plan, {what}', (code, len(said) > 5, f'no event, skipped: {count}\n' in errors), (1, True, True))
        expect('plan, none', run('plan', '--json', good, rest)[0::2], (0, ''))
    print('\n'.join(wrong))
    sys.exit(1 if wrong else 0)


main()
