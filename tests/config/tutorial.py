#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Follows the tutorial of config/README.md, line by line: the YAML goes into mine/coffee.yaml, `$ ` lines are run, what stands below a command is
what it must print. Step 5 needs a bank that runs: tests/integration/check_tutorial.py follows the page to its end. usage: tutorial.py SEGUE ROOT
"""
import pathlib
import re
import subprocess
import sys
import tempfile

LIVE = '**5. Make it live.**'


def tutorial_of(root):
    """(what needs no server, step 5)"""
    page = (root / 'config/README.md').read_text()
    page = page[page.index('## Tutorial'):page.index('**Editors**')]
    return page[:page.index(LIVE)], page[page.index(LIVE):]


def as_shape(text):
    """Hashes and dates are those of the day on which the page was written; columns are as wide as they are. Every other figure is as it stands there."""
    text = re.sub(r'\b[0-9a-f]{16}\b', 'HASH', text)
    return re.sub(r'[ ]+', ' ', re.sub(r'\b\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z?)?', 'DATE', text))


class Reader:
    """Somebody with a folder, a shell and the page."""

    def __init__(self, segue, root, folder, home=None):
        self.folder, self.commands, self.wrong = folder, 0, []
        self.environment = {'PATH': f'{folder}:/usr/bin:/bin', 'NO_COLOR': '1', 'HOME': str(home or folder)}
        (folder / 'segue').symlink_to(segue)
        (folder / 'config').symlink_to(root / 'config')

    def follow(self, text, shape=lambda said: said):
        for kind, block in re.findall(r'^```(\w*)\n(.*?)^```$', text, re.S | re.M):
            if kind == 'yaml':
                with open(self.folder / 'mine/coffee.yaml', 'a') as out:
                    out.write(block)
                continue
            for command, expected in re.findall(r'^\$ (.*)\n((?:(?!\$ ).*\n)*)', block, re.M):
                run = subprocess.run(command, shell=True, cwd=self.folder, capture_output=True, text=True, timeout=300, env=self.environment)
                self.commands += 1
                if shape(run.stdout) != shape(expected) or run.returncode not in (0, 1):
                    self.wrong.append(f'$ {command}\nexpected:\n{expected}said (exit {run.returncode}):\n{run.stdout}{run.stderr}')


def main():
    segue, root = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    with tempfile.TemporaryDirectory() as name:
        reader = Reader(segue, root, pathlib.Path(name))
        reader.follow(tutorial_of(root)[0])
    print('\n'.join(reader.wrong + [f'tutorial_commands: {reader.commands}', f'tutorial_failed: {len(reader.wrong)}']))
    sys.exit(len(reader.wrong) > 0 or reader.commands < 5)


if __name__ == '__main__':
    main()
