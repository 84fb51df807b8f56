# SPDX-License-Identifier: Apache-2.0
"""A build of Segue that lacks one rule of processor/runtime/mutant.h, in a folder of its own."""
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def build_without(folder, rule, *targets):
    """The path of its `segue`. `rule`: a name of mutant.h without MUTANT_. `targets`: what else to build."""
    option = f'-Dc_args=-DSEGUE_WITHOUT=MUTANT_{rule}'
    begin = ['configure'] if (folder / 'build.ninja').exists() else ['setup']
    source = [] if begin == ['configure'] else [str(ROOT)]
    for command in (['meson', *begin, str(folder), *source, option], ['ninja', '-C', str(folder), 'processor/segue', *targets]):
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            raise SystemExit(f'{" ".join(command)}:\n{run.stdout[-2000:]}{run.stderr[-2000:]}')
    return folder / 'processor/segue'
