#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generated expressions: our CEL and cel-go must say the same: the same value, or none.

usage: differential.py CEL_EVALUATE SOURCE_ROOT BUILD [COUNT [SEED]]     exit 77: there is no Go here

Expressions are made by type, so that most of them compile; one in twenty has a part of a wrong type put in. Doubles are compared as numbers.
"""
import os
import pathlib
import random
import shutil
import subprocess
import sys

WORDS = ['""', '"x"', '"y"', '"Ab"', '" c"', '"b\\u00fc"', '"12"', '"-4"', '"2.5"', '"true"', '"zz"', "'a,b,c'"]
INTS = ['0', '1', '2', '-1', '7', '10', '100', '9223372036854775807', '-9223372036854775807', '4611686018427387904']
DOUBLES = ['0.0', '1.0', '2.5', '-1.5', '1e3', '1e300', '0.1', '1e-3']


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.bound = []  # loop variables: (name, type)

    def pick(self, options):
        return self.random.choice(options)

    def make(self, kind, depth):
        if self.random.random() < 0.012:
            kind = self.pick(['int', 'uint', 'double', 'string', 'bool', 'list', 'map'])
        if depth <= 0 or self.random.random() < 0.12:
            return self.leaf(kind)
        return getattr(self, kind)(depth - 1)

    def leaf(self, kind):
        mine = [name for name, of in self.bound if of == kind]
        return self.pick({
            'int': INTS + ['a', 'b'] * 4, 'uint': ['u', 'u', '0u', '1u', '3u', '18446744073709551615u'], 'double': DOUBLES + ['d'] * 3,
            'string': WORDS + ['s'] * 3, 'bool': ['true', 'false', 't'], 'list': ['l', 'l', '[]', '[1, 2, 3]', '[a, b]'],
            'map': ['m', 'm', '{"x": 1}', '{"x": a, "z": b}'], 'time': ['timestamp("2026-03-01T10:00:00Z")', 'timestamp("2024-02-29T23:59:59.5Z")'],
            'span': ['duration("1h")', 'duration("90m")', 'duration("-36h")', 'duration("1.5s")'],
        }[kind] + mine * 3)

    def both(self, kind, depth, operators):
        return f'({self.make(kind, depth)} {self.pick(operators)} {self.make(kind, depth)})'

    def choice(self, kind, depth):
        return f'({self.make("bool", depth)} ? {self.make(kind, depth)} : {self.make(kind, depth)})'

    def loop(self, depth, macro, of):
        name = f'v{len(self.bound)}'
        over = self.make('list', depth)
        self.bound.append((name, 'int'))
        body = self.make(of, depth)
        self.bound.pop()
        return f'{over}.{macro}({name}, {body})'

    def int(self, d):
        return self.pick([
            lambda: self.both('int', d, ['+', '-', '*', '/', '%']), lambda: self.both('int', d, ['+', '-', '*', '/', '%']),
            lambda: f'-({self.make("int", d)})', lambda: self.choice('int', d), lambda: f'size({self.make("string", d)})',
            lambda: f'{self.make("list", d)}.size()', lambda: f'{self.make("list", d)}[{self.make("int", 0)}]',
            lambda: f'{self.make("map", d)}[{self.make("string", 0)}]', lambda: f'int({self.make("double", d)})',
            lambda: f'int({self.make("string", d)})', lambda: f'int({self.make("uint", d)})', lambda: f'm.{self.pick("xyz")}',
            lambda: f'{self.make("string", d)}.indexOf({self.make("string", 0)})',
            lambda: f'math.greatest({self.make("int", d)}, {self.make("int", d)})',
            lambda: f'math.least({self.make("int", d)}, {self.make("int", d)}, {self.make("int", 0)})',
            lambda: f'{self.make("time", d)}.{self.pick(["getFullYear", "getMonth", "getDayOfMonth", "getDayOfWeek", "getHours", "getDayOfYear"])}()',
            lambda: f'{self.make("span", d)}.{self.pick(["getHours", "getMinutes", "getSeconds"])}()',
        ])()

    def uint(self, d):
        return self.pick([lambda: self.both('uint', d, ['+', '-', '*', '/', '%']), lambda: self.choice('uint', d),
                          lambda: f'uint({self.make("int", d)})', lambda: f'uint({self.make("double", d)})'])()

    def double(self, d):
        return self.pick([lambda: self.both('double', d, ['+', '-', '*', '/']), lambda: self.choice('double', d),
                          lambda: f'-({self.make("double", d)})', lambda: f'double({self.make("int", d)})',
                          lambda: f'double({self.make("string", d)})'])()

    def string(self, d):
        return self.pick([
            lambda: f'({self.make("string", d)} + {self.make("string", d)})', lambda: self.choice('string', d),
            lambda: f'string({self.make("int", d)})', lambda: f'string({self.make("bool", d)})', lambda: f'string({self.make("uint", d)})',
            lambda: f'{self.make("string", d)}.{self.pick(["lowerAscii", "upperAscii", "trim"])}()',
            lambda: f'{self.make("string", d)}.replace({self.make("string", 0)}, {self.make("string", 0)})',
            lambda: f'{self.make("string", d)}.substring({self.make("int", 0)})', lambda: f'{self.make("string", d)}.charAt({self.make("int", 0)})',
            lambda: f'{self.make("string", d)}.split(",").join("-")',
        ])()

    def bool(self, d):
        comparable = self.pick(['int', 'int', 'uint', 'double', 'string', 'bool', 'time', 'span'])
        return self.pick([
            lambda: self.both('bool', d, ['&&', '||']), lambda: self.both('bool', d, ['&&', '||']), lambda: f'!({self.make("bool", d)})',
            lambda: self.both(comparable, d, ['==', '!=', '<', '<=', '>', '>=']), lambda: self.both(comparable, d, ['==', '!=', '<', '>']),
            lambda: self.both('list', d, ['==', '!=']), lambda: self.both('map', d, ['==']), lambda: self.choice('bool', d),
            lambda: f'({self.make("int", d)} in {self.make("list", d)})', lambda: f'({self.make("string", d)} in {self.make("map", d)})',
            lambda: f'{self.make("string", d)}.{self.pick(["contains", "startsWith", "endsWith"])}({self.make("string", 0)})',
            lambda: f'{self.make("string", d)}.matches({self.pick(WORDS[1:])})', lambda: f'has(m.{self.pick("xyz")})',
            lambda: self.loop(d, self.pick(['all', 'exists', 'exists_one']), 'bool'),
        ])()

    def list(self, d):
        return self.pick([
            lambda: f'[{self.make("int", d)}, {self.make("int", d)}]', lambda: f'({self.make("list", d)} + {self.make("list", d)})',
            lambda: self.loop(d, 'filter', 'bool'), lambda: self.loop(d, 'map', 'int'), lambda: self.choice('list', d)])()

    def map(self, d):
        return self.pick([lambda: f'{{"x": {self.make("int", d)}}}', lambda: f'{{{self.leaf("string")}: {self.make("int", d)}, "q": 1}}',
                          lambda: self.choice('map', d)])()

    def time(self, d):
        return self.pick([lambda: f'({self.make("time", d)} {self.pick("+-")} {self.make("span", d)})', lambda: self.choice('time', d)])()

    def span(self, d):
        return self.pick([lambda: f'({self.make("time", d)} - {self.make("time", d)})', lambda: self.both('span', d, ['+', '-']),
                          lambda: self.choice('span', d)])()


NO_VALUE = ('error', 'refused')


def same(ours, theirs):
    """A constant part that always fails is refused when it is compiled by ours and is an error when it runs in cel-go: a value in neither."""
    if ours == theirs or (ours in NO_VALUE and theirs in NO_VALUE):
        return True
    if ours.startswith('double ') and theirs.startswith('double '):
        a, b = float(ours[7:]), float(theirs[7:])
        return a == b or (a != a and b != b)
    return False


def run(command, lines):
    result = subprocess.run([command], input='\n'.join(lines) + '\n', capture_output=True, text=True, timeout=600)
    if result.returncode != 0:
        sys.exit(f'{command}: exit {result.returncode}\n{result.stderr[-2000:]}')
    return result.stdout.splitlines()


def main():
    ours, root, build = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 10000
    seed = int(sys.argv[5]) if len(sys.argv) > 5 else 20261125
    if shutil.which('go') is None:
        print('SKIP: no Go toolchain')
        sys.exit(77)
    theirs = build / 'cel_go'
    made = subprocess.run(['go', 'build', '-o', theirs, '.'], cwd=root / 'tests/cel/cel_go', capture_output=True, text=True, timeout=900,
                          env={**os.environ, 'GOFLAGS': '-buildvcs=false'})
    if made.returncode != 0:
        sys.exit('cel-go does not build: ' + made.stderr[-1000:])
    maker = Maker(seed)
    kinds = ['bool', 'bool', 'bool', 'int', 'int', 'string', 'double', 'uint', 'list', 'map', 'time', 'span']
    lines = [maker.make(maker.pick(kinds), maker.pick([2, 3, 3, 4])) for _ in range(count)]
    said, wanted = run(ours, lines), run(theirs, lines)
    wrong = [(line, a, b) for line, a, b in zip(lines, said, wanted) if not same(a, b)]
    for line, a, b in wrong[:40]:
        print(f'{line}\n  ours   {a}\n  cel-go {b}')
    values = sum(w not in NO_VALUE for w in wanted)
    earlier = sum(a != b and a in NO_VALUE and b in NO_VALUE for a, b in zip(said, wanted))
    print(f'cel_differential_expressions: {len(lines)}\ncel_differential_values: {values}\n'
          f'cel_differential_errors: {wanted.count("error")}\ncel_differential_refused: {wanted.count("refused")}\n'
          f'cel_differential_refused_earlier_or_later: {earlier}\n'
          f'cel_differential_differ: {len(wrong)}')
    sys.exit(len(said) != len(lines) or len(wanted) != len(lines) or len(wrong) > 0)


main()
