#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generated expressions: our CEL and cel-go must say the same: the same value, or none.

usage: differential.py CEL_EVALUATE SOURCE_ROOT BUILD [COUNT [SEED..]]     exit 77: there is no Go here, or its modules cannot be had

Expressions are made by type, so that most of them compile; one in twenty has a part of a wrong type put in. Doubles are compared as numbers.
Left out: an element of a list of nobody knows what (`[].map(v, -v)`, `-([][0])`), whose negation cel-go 0.21 and 0.22 refuse though both overloads fit;
and `indexOf` of an empty text, which is an error in 0.21 (-1 in 0.22 and in the specification's suite; 0.21 is the last that Debian 12's Go builds).
"""
import collections
import os
import pathlib
import random
import shutil
import subprocess
import sys

WORDS = ['""', '"x"', '"y"', '"Ab"', '" c"', '"b\\u00fc"', '"12"', '"-4"', '"2.5"', '"true"', '"zz"', "'a,b,c'"]
INTS = ['0', '1', '2', '-1', '7', '10', '100', '9223372036854775807', '-9223372036854775807', '4611686018427387904']
SEEDS = [20261125, 2, 3, 4, 5]
DOUBLES = ['0.0', '1.0', '2.5', '-1.5', '1e3', '1e300', '0.1', '1e-3']


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.bound = []  # loop variables: (name, type)
        self.elements = 0  # above 0: within a list whose elements are looked at

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
        if kind == 'list' and self.elements > 0:
            return self.pick(['l', 'l', '[1, 2, 3]', '[a, b]'])
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

    def elements_of(self, depth):
        self.elements += 1
        made = self.make('list', depth)
        self.elements -= 1
        return made

    def loop(self, depth, macro, of):
        name = f'v{len(self.bound)}'
        over = self.elements_of(depth)
        self.bound.append((name, 'int'))
        body = self.make(of, depth)
        self.bound.pop()
        return f'{over}.{macro}({name}, {body})'

    def int(self, d):
        return self.pick([
            lambda: self.both('int', d, ['+', '-', '*', '/', '%']), lambda: self.both('int', d, ['+', '-', '*', '/', '%']),
            lambda: f'-({self.make("int", d)})', lambda: self.choice('int', d), lambda: f'size({self.make("string", d)})',
            lambda: f'{self.make("list", d)}.size()', lambda: f'{self.elements_of(d)}[{self.make("int", 0)}]',
            lambda: f'{self.make("map", d)}[{self.make("string", 0)}]', lambda: f'int({self.make("double", d)})',
            lambda: f'int({self.make("string", d)})', lambda: f'int({self.make("uint", d)})', lambda: f'm.{self.pick("xyz")}',
            lambda: f'({self.make("string", d)} + "b").indexOf({self.make("string", 0)})',
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
# One look at a line: what it is called, or None when the two differ.
EARLY, STRICTER = 'early', 'stricter'


def verdict(line, ours, theirs):
    """`early`: a part that reads nothing always fails, which ours says when it compiles and cel-go when it runs. `stricter`: of three or more
    arguments cel-go makes a list of anything before it looks for numbers, ours looks at each argument's type. A refusal is else no error."""
    if ours == theirs:
        return 'same'
    if (ours, theirs) == ('early error', 'error'):
        return EARLY
    if (ours, theirs) == ('refused', 'error') and ('math.least(' in line or 'math.greatest(' in line):
        return STRICTER
    if ours.startswith('double ') and theirs.startswith('double '):
        a, b = float(ours[7:]), float(theirs[7:])
        return 'same' if a == b or (a != a and b != b) else None
    return None


def run(command, lines):
    result = subprocess.run([command], input='\n'.join(lines) + '\n', capture_output=True, text=True, timeout=600)
    if result.returncode != 0:
        sys.exit(f'{command}: exit {result.returncode}\n{result.stderr[-2000:]}')
    return result.stdout.splitlines()


def build(root, to):
    """cel-go's side; None: it cannot be had here."""
    folder, environment = root / 'tests/cel/cel_go', {**os.environ, 'GOFLAGS': '-buildvcs=false'}
    if shutil.which('go') is None:
        return None
    if subprocess.run(['go', 'mod', 'download'], cwd=folder, capture_output=True, timeout=300, env=environment, check=False).returncode != 0:
        return None
    made = subprocess.run(['go', 'build', '-o', to, '.'], cwd=folder, capture_output=True, text=True, timeout=900, env=environment, check=False)
    if made.returncode != 0:
        sys.exit('cel-go does not build: ' + made.stderr[-1000:])
    return to


def compare(ours, theirs, count, seed):
    """-> counts by verdict and of cel-go's answers"""
    maker = Maker(seed)
    kinds = ['bool', 'bool', 'bool', 'int', 'int', 'string', 'double', 'uint', 'list', 'map', 'time', 'span']
    lines = [maker.make(maker.pick(kinds), maker.pick([2, 3, 3, 4])) for _ in range(count)]
    said, wanted = run(ours, lines), run(theirs, lines)
    if not len(said) == len(wanted) == len(lines):
        sys.exit(f'{len(lines)} lines, {len(said)} answers of ours, {len(wanted)} of cel-go')
    seen = collections.Counter(w if w in NO_VALUE else 'value' for w in wanted)
    for line, a, b in zip(lines, said, wanted):
        what = verdict(line, a, b)
        seen[what or 'differ'] += 1
        if what is None:
            print(f'seed {seed}: {line}\n  ours   {a}\n  cel-go {b}')
    return seen


def main():
    ours, root = sys.argv[1], pathlib.Path(sys.argv[2])
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 10000
    seeds = [int(seed) for seed in sys.argv[5:]] or SEEDS
    theirs = build(root, pathlib.Path(sys.argv[3]).resolve() / 'cel_go')
    if theirs is None:
        print('SKIP: no Go toolchain, or no way to its modules')
        sys.exit(77)
    seen = sum((compare(ours, theirs, count, seed) for seed in seeds), collections.Counter())
    for name, of in (('seeds', len(seeds)), ('expressions', count * len(seeds)), ('values', seen['value']), ('errors', seen['error']),
                     ('refused', seen['refused']), ('refused_early', seen[EARLY]), ('refused_stricter', seen[STRICTER]), ('differ', seen['differ'])):
        print(f'cel_differential_{name}: {of}')
    sys.exit(seen['differ'] > 0)


main()
