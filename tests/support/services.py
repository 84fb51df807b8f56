# SPDX-License-Identifier: Apache-2.0
"""The functions of deploy/lib/services.sh, from Python."""
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def services(words, work):
    """Run `words` in a shell that has them; `work` is its $W. What goes wrong is an exception."""
    script = f'. {ROOT}/deploy/lib/steps.sh; . {ROOT}/deploy/lib/services.sh; {words}'
    subprocess.run(['bash', '-c', script], check=True, stdout=subprocess.DEVNULL, env={**os.environ, 'W': str(work)})
