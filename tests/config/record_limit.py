#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`segue check` says which part of a record to make smaller. usage: record_limit.py SEGUE

Features of 400 days are added until a customer's record may be too large: first by the ids of events alone, and a smaller `remember`
mends that; then by the features themselves.
"""
import pathlib
import re
import subprocess
import sys
import tempfile


def said(segue, folder, features, remember=32):
    path = pathlib.Path(folder, 'p.yaml')
    path.write_text(f'remember: {{transactions: {remember}}}\nfeatures:\n' + ''.join(
        f"  f{i}: {{count: tx, where: 'tx.amount_minor > {i}', window: 400d, publish: true}}\n" for i in range(features)))
    run = subprocess.run([segue, 'check', '--playbook', path], capture_output=True, text=True, env={'NO_COLOR': '1'})
    found = re.search(r'a customer may need \d+ bytes.*', run.stdout + run.stderr, re.S)
    if (run.returncode != 0) != bool(found):
        sys.exit(run.stderr)
    return ' '.join(found[0].split()) if found else ''


def main():
    segue = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        texts = [said(segue, folder, features) for features in range(26, 34)]
        first = next(i for i, text in enumerate(texts) if text)
        ids = [i for i, text in enumerate(texts) if 'write a smaller `remember`' in text]
        good = (first > 0 and ids == [first] and all('the largest part is f.f' in text for text in texts[first + 1:])
                and said(segue, folder, 26 + first, 2) == '')
    print('\n'.join(texts))
    sys.exit(0 if good else 1)


main()
