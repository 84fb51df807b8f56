#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""House rules that a compiler does not know. usage: tidy.py ROOT"""
import pathlib
import re
import sys

BANNED = {
    r'\bsprintf\s*\(': 'snprintf', r'\bstrcpy\s*\(': 'snprintf or memcpy', r'\bstrcat\s*\(': 'snprintf',
    r'\bstrtok\s*\(': 'memchr', r'\bato[il]l?\s*\(': 'strtoll with a check', r'(?<!_)\brand\s*\(': 'base/random.h',
    r'\bgettimeofday\s*\(': 'clock_gettime', r'\bgmtime\s*\(': 'base/civil.h', r'\blocaltime\w*\s*\(': 'base/zone.h',
}
MARKS = re.compile(r'\b(FIXME|XXX|HACK)\b|TODO(?!\(#)')
TOP = {'processor', 'schemas', 'config', 'tests', 'deploy', 'meson.build', 'README.md', 'LICENSE'}
ALLOC = re.compile(r'\b(malloc|calloc|realloc|free)\s*\(')
ALLOC_LAYERS = ('base/memory.c', 'codec/', 'io/', 'lifesim/', 'commands/', 'playbook/', 'settings/')


FUNCTION_LINES = {'processor': 70, 'tests': 90}     # between the braces; tests: models are one table after another


def long_functions(relative, lines):
    bad, begin, most = [], 0, FUNCTION_LINES[relative.split('/')[0]]
    for number, line in enumerate(lines, 1):
        if line == '{':
            begin = number
        elif line == '}' and begin:
            if number - begin - 1 > most:
                bad.append(f'{relative}:{begin}: a function of {number - begin - 1} lines, at most {most}')
            begin = 0
    return bad


def same_numbers(root):
    """Two branches may each take the next number of a decision."""
    numbers = [path.name[:4] for path in root.joinpath('processor/decisions').glob('*.md')]
    return [f'processor/decisions: {number} is the number of more than one' for number in sorted(set(numbers)) if numbers.count(number) > 1]


def check(root):
    bad = same_numbers(root)
    for entry in root.iterdir():
        if not entry.name.startswith('.') and entry.name not in TOP and not entry.name.startswith('build'):
            bad.append(f'{entry}: not in the agreed top level')
    for path in sorted(root.joinpath('processor').rglob('*.[ch]')) + sorted(root.joinpath('tests').rglob('*.[ch]')):
        relative = str(path.relative_to(root))
        lines = path.read_text().splitlines()
        if not lines or 'SPDX-License-Identifier: Apache-2.0' not in lines[0]:
            bad.append(f'{relative}:1: the first line names the licence (SPDX)')
        if path.suffix == '.c':
            bad += long_functions(relative, lines)
        if len(lines) > 600:
            bad.append(f'{relative}: {len(lines)} lines, at most 600: split it by idea')
        for number, line in enumerate(lines, 1):
            where = f'{relative}:{number}'
            if len(line) > 116:
                bad.append(f'{where}: {len(line)} columns, at most 116')
            if '\t' in line or line != line.rstrip():
                bad.append(f'{where}: tab or trailing space')
            if MARKS.search(line):
                bad.append(f'{where}: write TODO(#issue) or mend it')
            for pattern, instead in BANNED.items():
                if re.search(pattern, line):
                    bad.append(f'{where}: use {instead}')
            if relative.startswith('processor/') and ALLOC.search(line):
                if not any(relative.startswith('processor/' + ok) for ok in ALLOC_LAYERS):
                    bad.append(f'{where}: memory comes from base/memory.h or an arena')
    return bad


def main():
    bad = check(pathlib.Path(sys.argv[1]))
    print('\n'.join(bad))
    sys.exit(1 if bad else 0)


main()
