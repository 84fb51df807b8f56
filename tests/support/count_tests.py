#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Count what a meson test run did: prints `passed failed skipped`, TAP subtests counted one by one."""
import json
import re
import sys

passed = failed = skipped = 0
for line in open(sys.argv[1], encoding='utf-8'):
    test = json.loads(line)
    lines = re.findall(r'^(ok|not ok) \d+', test.get('stdout') or '', re.M)
    good, bad = lines.count('ok'), lines.count('not ok')
    if test['result'] == 'SKIP':
        skipped += 1
    elif test['result'] in ('OK', 'EXPECTEDFAIL'):
        passed += max(good, 1)
    else:
        passed += good
        failed += max(bad, 1)
print(passed, failed, skipped)
