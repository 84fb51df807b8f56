#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A learned curve says what was true. usage: check_calibration.py

Laws of tests/bench/life/calibrate.py over drawn messages whose truth is known: a curve rises and has at most as many points as the
engine reads (LIFE_CALIBRATION_MAX), an event that is right wherever others are wrong is not drawn towards them, events that are
alike lend each other more, and at every step what is said lies within 0.15 of what is true (a share that rises evenly over 15 steps
is the worst: 8 points make four steps of it). SEED= draws others.
"""
import os
import pathlib
import random
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/bench/life'))
import calibrate  # noqa: E402

STEPS = [0.3 + 0.05 * i for i in range(15)]


def said(draw, share, count):
    """count messages at each step, true as often as share(evidence) says."""
    return [(evidence, draw.random() < share(evidence)) for evidence in STEPS for _ in range(count)]


def at(curve, evidence):
    for (left, low), (right, high) in zip(curve, curve[1:]):
        if left <= evidence <= right:
            return low + (high - low) * (evidence - left) / max(right - left, 1e-9)
    return curve[0][1] if evidence < curve[0][0] else curve[-1][1]


def check(law, holds):
    print('ok' if holds else 'BROKEN', law)
    return not holds


def main():
    draw = random.Random(int(os.environ.get('SEED', '1')))
    shares = {'never': lambda e: 0.0, 'always': lambda e: 1.0, 'late': lambda e: 0.05 if e < 0.7 else 0.95, 'slow': lambda e: e}
    differ = {kind: said(draw, share, 400) for kind, share in shares.items()}
    differ['seldom told'] = [(0.6, True)] * 6
    alike = [said(draw, lambda e: e, 40) for _ in range(12)]
    strength = calibrate.strength(differ.values())
    everybody = calibrate.by_step(m for group in differ.values() for m in group)
    curves = {kind: calibrate.curve(group, everybody, strength) for kind, group in differ.items()}
    limit = int(re.search(r'LIFE_CALIBRATION_MAX = (\d+)', (ROOT / 'processor/life/life.h').read_text(encoding='utf-8'))[1])
    broken = check('a curve rises', all(a[0] < b[0] and a[1] <= b[1] for c in curves.values() for a, b in zip(c, c[1:])))
    broken += check('as many points as the engine reads', all(len(c) <= limit for c in curves.values()))
    broken += check('no confidence of 0 or 1', all(0 < share < 1 for c in curves.values() for _, share in c))
    broken += check('six of six among others that are wrong is no even chance', at(curves['seldom told'], 0.6) >= 0.8)
    broken += check('events that are alike lend each other more', calibrate.strength(alike) >= 8 * strength)
    worst = max(abs(at(curves[kind], e) - share(e)) for kind, share in shares.items() for e in STEPS)
    broken += check(f'what is said is what is true to within 0.15 ({worst:.2f})', worst <= 0.15)
    sys.exit(1 if broken else 0)


if __name__ == '__main__':
    main()
