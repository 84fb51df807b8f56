#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `segue check` says of every broken playbook, to the letter: place, line, caret, mend.

usage: broken.py SEGUE FOLDER          compare FOLDER/NAME.yaml with FOLDER/NAME.txt
       broken.py SEGUE FOLDER --write  write the .txt files; read the difference before you commit it
"""
import difflib
import pathlib
import re
import subprocess
import sys


def said(segue, path):
    run = subprocess.run([segue, 'check', '--playbook', path.name], cwd=path.parent, capture_output=True, text=True, timeout=60,
                         env={'NO_COLOR': '1'})
    return run.returncode, run.stderr


def main():
    segue, folder = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    write = '--write' in sys.argv
    files = sorted(folder.glob('*.yaml'))
    print(f'1..{len(files)}')
    failed = 0
    for number, path in enumerate(files, 1):
        expected = path.with_suffix('.txt')
        code, text = said(segue, path)
        if write:
            expected.write_text(text)
        # An error without a place helps nobody; only of an empty file is there nothing to point at.
        placed = re.search(r'^ *--> \S+:\d+:\d+$', text, re.M) or path.stem == 'empty_file'
        good = code == 78 and placed and expected.exists() and expected.read_text() == text
        failed += not good
        print(f'{"ok" if good else "not ok"} {number} - {path.stem}')
        if not good:
            before = expected.read_text().splitlines() if expected.exists() else []
            print(f'# exit {code}')
            for line in difflib.unified_diff(before, text.splitlines(), 'expected', 'said', lineterm=''):
                print('# ' + line)
    sys.exit(failed > 0)


main()
