#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The crash table of processor/runtime/README.md: every row names the mutants that show that the simulator exercises it
(`sim mutants` takes each row's rule away and must find a violation), every name is a mutant, every mutant has its row.
usage: crash_table.py ROOT
"""
import pathlib
import re
import sys

ROWS_MIN = 20


def rows(text):
    """The cells of each row of the table whose last column is `mutant`."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith('|') and line.strip('| ').split('|')[-1].strip() == 'mutant':
            break
    for line in lines:
        if not line.startswith('|'):
            return
        if not line.startswith('|--'):
            yield [cell.strip() for cell in line.strip()[1:-1].split('|')]


def main():
    root = pathlib.Path(sys.argv[1])
    table = list(rows((root / 'processor/runtime/README.md').read_text(encoding='utf-8')))
    header = (root / 'processor/runtime/mutant.h').read_text(encoding='utf-8')
    mutants = set(re.findall(r'X\(MUTANT_\w+,\s*"([^"]+)"', header)) - {'none'}
    errors, named = [], set()
    for cells in table:
        names = re.findall(r'`([^`]+)`', cells[-1])
        named.update(names)
        if not names:
            errors.append(f'the row "{cells[0]}" names no mutant')
        errors += [f'the row "{cells[0]}" names `{name}`, which is none' for name in names if name not in mutants]
    errors += [f'no row names the mutant {name}' for name in sorted(mutants - named)]
    if len(table) < ROWS_MIN or not mutants:
        errors.append(f'{len(table)} rows and {len(mutants)} mutants: where are the others?')
    print('\n'.join(errors) or f'{len(table)} rows, {len(mutants)} mutants')
    raise SystemExit(bool(errors))


main()
