#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Follows the tutorial of config/README.md, line by line: the YAML goes into mine/coffee.yaml, `$ ` lines are run, what stands below a command is
what it must print. Step 5 needs a broker and is followed by another test. usage: tutorial.py SEGUE ROOT [--write]  (--write prints what was said)
"""
import pathlib
import re
import subprocess
import sys
import tempfile


def main():
    segue, root = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    page = (root / 'config/README.md').read_text()
    tutorial = page[page.index('## Tutorial'):page.index('A mistake looks like this')]
    failed = commands = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / 'segue').symlink_to(segue)
        (folder / 'config').symlink_to(root / 'config')
        for kind, block in re.findall(r'^```(\w*)\n(.*?)^```$', tutorial, re.S | re.M):
            if kind == 'yaml':
                with open(folder / 'mine/coffee.yaml', 'a') as out:
                    out.write(block)
                continue
            for command, expected in re.findall(r'^\$ (.*)\n((?:(?!\$ ).*\n)*)', block, re.M):
                run = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, timeout=300,
                                     env={'PATH': f'{folder}:/usr/bin:/bin', 'NO_COLOR': '1'})
                commands += 1
                count = re.fullmatch(r'\d+\n', expected) and re.fullmatch(r'[1-9]\d*\n', run.stdout)  # a number is any number
                if (run.stdout != expected and not count) or run.returncode not in (0, 1):
                    failed += 1
                    print(f'$ {command}\nexpected:\n{expected}said (exit {run.returncode}):\n{run.stdout}{run.stderr}')
    print(f'tutorial_commands: {commands}\ntutorial_failed: {failed}')
    sys.exit(failed > 0 or commands < 5)


main()
