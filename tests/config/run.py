#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every bad_*.yaml must be refused with the message beside it. usage: run.py SEGUE FOLDER

bad_settings_*.yaml are configurations, the others playbooks. The first line of bad_X.expect is `LINE:COLUMN[: MESSAGE]` (or just
a part of the message), the second, if any, a part of the mend.
"""
import json
import pathlib
import re
import subprocess
import sys


def fits(want, mend, error):
    place = re.match(r'(\d+):(\d+)(?:: (.*))?$', want)
    if place and (error['line'], error['column']) != (int(place[1]), int(place[2])):
        return False
    message = place[3] or '' if place else want
    return message in error['message'] and mend in error['mend']


def main():
    segue, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    failed = 0
    files = sorted(folder.glob('bad_*.yaml'))
    print(f'1..{len(files)}')
    for number, path in enumerate(files, 1):
        want, _, mend = path.with_suffix('.expect').read_text().strip().partition('\n')
        option = '--config' if path.name.startswith('bad_settings') else '--playbook'
        run = subprocess.run([segue, 'check', '--json', option, path], capture_output=True, text=True, timeout=60)
        try:
            errors = [d for d in json.loads(run.stdout)['diagnostics'] if d['level'] == 'error']
        except ValueError:
            errors = []
        good = run.returncode == 78 and any(fits(want, mend.strip(), error) for error in errors)
        failed += not good
        print(f'{"ok" if good else "not ok"} {number} - {path.stem}')
        if not good:
            print(f'# exit {run.returncode}; wanted {want!r} {mend.strip()!r}')
            for error in errors:
                print(f'# got {error["line"]}:{error["column"]}: {error["message"]} | {error["mend"]}')
            print('# ' + run.stderr.strip()[:300].replace('\n', '\n# '))
    sys.exit(failed > 0)


main()
