# SPDX-License-Identifier: Apache-2.0
"""Waiting for what is seen from outside."""
import time


def comes(question, seconds=90, pause=0.1, errors=()):
    """Ask until the answer is yes, and return it. False: it was not within that time. `errors`: exceptions that mean not yet."""
    end = time.time() + seconds
    while True:
        try:
            if answer := question():
                return answer
        except errors:
            pass
        if time.time() > end:
            return False
        time.sleep(pause)


def until(what, question, seconds=90, pause=0.1, errors=()):
    """The same, for what the rest of a check depends on: ends the check when it does not come."""
    answer = comes(question, seconds, pause, errors)
    if not answer:
        raise SystemExit(f'not within {seconds} s: {what}')
    return answer
