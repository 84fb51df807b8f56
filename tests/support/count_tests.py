#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Count what a meson test run did: `passed failed skipped` on stdout, TAP subtests counted one by one.

On stderr: what was skipped and why, and the output of each test that failed. usage: count_tests.py TESTLOG_JSON"""
import json
import re
import sys

OUTPUT_LINES_SHOWN = 40


def reason(text):
    """Why a test was skipped: `skipped: ..` (exit 77) or TAP's `1..0 # SKIP ..`."""
    found = re.search(r'^skipped: (.*)$', text, re.M) or re.search(r'# SKIP\s+(.*)$', text, re.M)
    return found[1] if found else 'it gave no reason'


def show_failure(test):
    output = ((test.get('stdout') or '') + (test.get('stderr') or '')).splitlines()
    wrong = [line for line in output if not line.startswith('ok ')]
    print(f"FAILED: {test['name']} ({test['result'].lower()} after {test['duration']:.1f} s)", file=sys.stderr)
    if len(wrong) > OUTPUT_LINES_SHOWN:
        print(f'    | .. {len(wrong) - OUTPUT_LINES_SHOWN} lines before', file=sys.stderr)
    for line in wrong[-OUTPUT_LINES_SHOWN:]:
        print(f'    | {line}', file=sys.stderr)
    print(f"    again: {' '.join(test['command'])}", file=sys.stderr)


def main():
    passed = failed = skipped = 0
    for line in open(sys.argv[1], encoding='utf-8'):
        test = json.loads(line)
        text = test.get('stdout') or ''
        lines = re.findall(r'^(ok|not ok) \d+', text, re.M)
        good, bad = lines.count('ok'), lines.count('not ok')
        if test['result'] == 'SKIP':
            skipped += 1
            print(f"skipped: {test['name']}: {reason(text)}", file=sys.stderr)
        elif test['result'] in ('OK', 'EXPECTEDFAIL'):
            passed += max(good, 1)
        else:
            passed += good
            failed += max(bad, 1)
            show_failure(test)
    print(passed, failed, skipped)


main()
