#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The ten lines of playbook in README.md load alone, with nothing to remark, and the page has at most 120 lines. usage: readme.py SEGUE ROOT
"""
import pathlib
import re
import subprocess
import sys
import tempfile


def main():
    page = pathlib.Path(sys.argv[2], 'README.md').read_text()
    lines = re.search(r'^## Ten lines of playbook\n```yaml\n(.*?)^```', page, re.S | re.M)[1]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, 'ten.yaml')
        path.write_text(lines)
        run = subprocess.run([sys.argv[1], 'check', '--playbook', path], capture_output=True, text=True, check=False)
    remarks = re.findall(r'^(?:error|warning): .*', run.stdout + run.stderr, re.M)
    good = run.returncode == 0 and not remarks and len(lines.splitlines()) <= 10 and len(page.splitlines()) <= 120
    print(f'exit {run.returncode}, {len(lines.splitlines())} lines of {len(page.splitlines())}', *remarks, sep='\n')
    sys.exit(not good)


main()
