# SPDX-License-Identifier: Apache-2.0
"""Waiting for what is seen from outside."""
import time


def comes(question, seconds=60, pause=0.1, errors=()):
    """Ask until the answer is yes. False: it was not within that time. `errors`: exceptions that mean not yet."""
    end = time.time() + seconds
    while True:
        try:
            if question():
                return True
        except errors:
            pass
        if time.time() > end:
            return False
        time.sleep(pause)


def until(what, question, seconds=60, pause=0.1, errors=()):
    """The same, for what the rest of a check depends on: ends the check when it does not come."""
    if not comes(question, seconds, pause, errors):
        raise SystemExit(f'not within {seconds} s: {what}')
