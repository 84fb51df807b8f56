#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a newcomer types wrong at a command line is answered with the command, the word, and what to write. No server is asked. usage: mistakes.py SEGUE ROOT
"""
import pathlib
import socket
import subprocess
import sys
import tempfile

# arguments, exit code, what stderr says
MISTAKES = [
    ('chekc', 64, 'segue: no command `chekc`; did you mean `check`?'),
    *[(f'{command} --playbok x', 64, f"segue {command}: unrecognized option '--playbok'\nusage: segue {command.removesuffix('-not')}")
      for command in ('check', 'test', 'backtest', 'plan', 'simulate', 'feed', 'topics', 'report', 'tail', 'get', 'why', 'why-not', 'doctor', 'run')],
    ('check --config', 64, "segue check: option '--config' requires an argument\n"),
    *[(f'{command} --playbook config', 78, "error: config is no playbook: this file in it is of something else\n  --> config/segue.yaml:3:1\n  |\n3 | application: segue\n"
       "  | ^^^^^^^^^^^ name the playbook's own folder: config/playbooks/retail\n1 error, 0 warnings\n") for command in ('check', 'test')],
    ('report --from 01/12/2026 x', 64, 'segue report: --from takes a day, as 2026-11-25, not `01/12/2026`\n'),
    ('report --to 2026-13-01 x', 64, 'segue report: --to takes a day, as 2026-11-25, not `2026-13-01`\n'),
    ('report --by week x', 64, 'segue report: --by takes offer, variant, channel, day or segment, not `week`\n'),
    ('report', 64, 'segue report: which file? `-` is standard input; --help says more\n'),
    ('report none.ndjson', 1, 'segue report: none.ndjson: No such file or directory\n'),
    ('topics --config good.yaml --acls segue', 64, 'segue topics: --acls takes a principal, as User:segue, not `segue`\n'),
    ('get --config good.yaml L00000001', 69, 'cannot connect: Connection refused\n  `segue doctor` looks at Kafka, the registry and Redis'),
]


def main():
    segue, root = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    wrong = 0
    print(f'1..{len(MISTAKES)}')
    with tempfile.TemporaryDirectory() as folder, socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))  # nobody listens, and nobody else can
        pathlib.Path(folder, 'config').symlink_to(root / 'config')
        pathlib.Path(folder, 'good.yaml').write_text(f'playbook: config/playbooks/retail\nredis: {{address: "127.0.0.1:{taken.getsockname()[1]}"}}\n')
        for number, (words, code, said) in enumerate(MISTAKES, 1):
            run = subprocess.run([segue, *words.split()], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
            good = run.returncode == code and said in run.stderr and not run.stdout
            wrong += not good
            print(f'{"ok" if good else "not ok"} {number} - segue {words}')
            if not good:
                print(f'# exit {run.returncode}, wanted {code}: {said!r}\n# {run.stderr[:300]!r}')
    sys.exit(wrong > 0)


main()
