#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares every customer of Segue's Redis with the benchmark's reference.

usage: customer_values.py SEGUE CONFIG REFERENCE_DIR

`segue get --json -` reads the records; their features are put together into the 300 bytes that the reference keeps per
customer (its README describes them). Prints one JSON line; exit 1 when a customer differs, is missing or is too many.
"""
import datetime
import json
import pathlib
import struct
import subprocess
import sys

ID_SIZE, VALUE_SIZE, DAYS = 11, 300, 7
SEGMENTS = ('frequent', 'high_value', 'traveller')
EPOCH = datetime.datetime(1970, 1, 1)


def milliseconds(text):
    return (datetime.datetime.strptime(text, '%Y-%m-%dT%H:%M:%S.%fZ' if '.' in text else '%Y-%m-%dT%H:%M:%SZ') - EPOCH) \
        // datetime.timedelta(milliseconds=1)


def value_of(customer):
    """The 300 bytes. A day's figure is the difference of two windows that end at the customer's newest day."""
    f = customer['features']
    number = {name: f[name] or 0 for name in f if not isinstance(f[name], str)}
    countries = [f[f'country_{i}'] for i in range(1, 5) if f[f'country_{i}'] is not None]
    bits = sum(1 << i for i, name in enumerate(SEGMENTS) if name in customer['segments'])
    out = struct.pack('<8B8s', 1, bits, len(countries), number['max_country_count'], number['countries'], 0, 0, 0,
                      ''.join(countries).encode())
    out += struct.pack('<13q', number['total'], number['late'], milliseconds(f['last_ts']), number['first_day'], number['balance'],
                       number['count_7d'], number['count_30d'], number['debit_30d'], number['credit_30d'],
                       number['g4_30d'], number['g5_30d'], number['g6_30d'], number['days_since_first'])
    for age in range(DAYS):
        out += struct.pack('<3q', *(number[f'{kind}_{age + 1}d'] - (number[f'{kind}_{age}d'] if age else 0)
                                    for kind in ('count', 'debit', 'credit')))
    return out + struct.pack('<iq', number['partition'], number['offset'])


def differences(found, expected):
    """Names of the fields that differ, with both values."""
    names = ['version', 'segments', 'countries_kept', 'max_country_count', 'distinct', *['zero'] * 3, 'countries', 'total', 'late',
             'last_ts', 'first_day', 'balance', 'count_7d', 'count_30d', 'debit_30d', 'credit_30d', 'g4_30d', 'g5_30d', 'g6_30d',
             'days_since_first', *(f'day-{age}_{kind}' for age in range(DAYS) for kind in ('count', 'debit', 'credit')),
             'partition', 'offset']
    both = zip(names, struct.unpack('<8B8s34qiq', found), struct.unpack('<8B8s34qiq', expected))
    return {name: [str(a), str(b)] for name, a, b in both if a != b}


def main():
    segue, config, reference = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    data = (reference / 'state.bin').read_bytes()
    size = ID_SIZE + VALUE_SIZE
    expected = {data[i:i + ID_SIZE].decode(): data[i + ID_SIZE:i + size] for i in range(0, len(data), size)}
    run = subprocess.run([segue, 'get', '--config', config, '--json', '-'], input='\n'.join(expected) + '\n', text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    wrong, seen, examples = 0, 0, {}
    for line in run.stdout.splitlines():
        customer = json.loads(line)
        seen += 1
        found, wanted = value_of(customer), expected[customer['customer']]
        if found != wanted:
            wrong += 1
            if len(examples) < 5:
                examples[customer['customer']] = differences(found, wanted)
    missing = len(expected) - seen
    print(json.dumps({'customers': len(expected), 'wrong': wrong, 'missing': missing, 'examples (found, expected)': examples}))
    sys.exit(0 if wrong == 0 and missing == 0 else 1)


main()
