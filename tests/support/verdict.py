# SPDX-License-Identifier: Apache-2.0
"""What a check finds, a line each; the check goes on and fails at its end."""
failed = []


def check(what, good, shown=''):
    """`shown`: what was there instead."""
    print('ok  ' if good else 'FAIL', what, '' if good else shown, flush=True)
    if not good:
        failed.append(what)
