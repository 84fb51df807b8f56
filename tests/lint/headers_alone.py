#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every header compiles by itself. usage: headers_alone.py PROCESSOR_DIR CC.. (two words with a compiler cache)"""
import pathlib
import subprocess
import sys


def main():
    root, cc, bad = pathlib.Path(sys.argv[1]), sys.argv[2:], 0
    for header in sorted(root.rglob('*.h')):
        run = subprocess.run([*cc, '-std=c17', '-D_GNU_SOURCE', '-fsyntax-only', '-Wall', '-Wextra', f'-I{root}',
                              '-x', 'c', '-include', str(header), '/dev/null'], capture_output=True, text=True)
        if run.returncode:
            bad += 1
            print(f'{header}:\n{run.stderr}')
    sys.exit(1 if bad else 0)


main()
