#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Learn what confidence means. usage: calibrate.py SEGUE WORK_DIR [--banks uk-3-400-560,..] [--keep] [--write]

Runs the retail pack without its `calibration` over train seeds of every bank (so that no bank's habits alone say what 0.9 means), and fits for each life event
how often so much evidence was right. Prints the lines; --write puts them into the pack. life.py shows on other seeds whether they hold.

1. The share in steps of evidence. Weights are multiples of 0.05, so what does not fade has a step of its own for each set of signs that
   weighs the same; steps of 0.1 had put `part_pension` (0.40: right in 1 of 146) and `reads_about_it` (0.45: in 49 of 64) together.
2. Drawn towards that of all events at this step where there are few. By how much, the messages say: the beta-binomial strength
   under which the shares of the events are likeliest (empirical Bayes: Morris, "Parametric empirical Bayes inference", JASA 1983). Events
   differ (at 0.4 some are nearly always right, some never), so it is about 2 messages. A fixed 8 (an m-estimate: Zadrozny and Elkan,
   ICML 2001) said 0.75 of `student.start` that had been right 15 times of 15.
3. Made to rise: pool adjacent violators (Ayer and others, 1955; for confidence: Zadrozny and Elkan, KDD 2002).
4. At most POINTS_MAX points: the neighbours whose joining costs least (squares, as Ward's) are one.
"""
import argparse
import collections
import concurrent.futures
import math
import pathlib
import re
import shutil

import life
import score

STEP = 0.05
POINTS_MAX = 8  # LIFE_CALIBRATION_MAX
STRENGTHS = (0.5, 1, 2, 4, 8, 16, 32)   # messages of all events together that count beside those of one
BANKS = 'uk-3-1000-560,eu-3-1000-560,foreign-1-600-560,mutual-1-1000-600,highstreet-901-1000-600'


def share_of(messages):
    return sum(true for _, true in messages) / max(len(messages), 1)


def step_of(evidence):
    return int(evidence / STEP + 1e-9)


def by_step(messages):
    steps = collections.defaultdict(list)
    for evidence, true in messages:
        steps[step_of(evidence)].append((evidence, true))
    return steps


def strength(kinds):
    """How many messages of all events together count beside an event's own: the likeliest beta-binomial strength, one for all steps."""
    cells = collections.defaultdict(list)
    for messages in kinds:
        for place, group in by_step(messages).items():
            cells[place].append((sum(true for _, true in group), len(group)))

    def likelihood(size):
        total = 0.0
        for group in cells.values():
            mean = (sum(t for t, _ in group) + 0.5) / (sum(n for _, n in group) + 1)
            a, b = mean * size, (1 - mean) * size
            total += sum(math.lgamma(a + t) + math.lgamma(b + n - t) - math.lgamma(a + b + n) - math.lgamma(a) - math.lgamma(b) +
                         math.lgamma(a + b) for t, n in group)
        return total
    return max(STRENGTHS, key=likelihood)


def joined(left, right):
    return [left[0], right[1], left[2] + right[2], left[3] + right[3]]


def cost(left, right):
    """What is lost in squares when two pools become one."""
    return left[3] * right[3] / (left[3] + right[3]) * (left[2] / left[3] - right[2] / right[3]) ** 2


def ends(pools):
    return [(end, true / weight) for first, last, true, weight in pools for end in sorted({first, last})]


def rising(points):
    """[(evidence, share, weight)] with shares that never fall, at most POINTS_MAX: neighbours that do are pooled, and the pool is level
    from the first of them to the last (a line from middle to middle would promise more at its upper end than was ever true there)."""
    pools = []
    for evidence, share, weight in points:
        pools.append([evidence, evidence, share * weight, weight])
        while len(pools) > 1 and pools[-2][2] / pools[-2][3] >= pools[-1][2] / pools[-1][3]:
            last = pools.pop()
            pools[-1] = joined(pools[-1], last)
    while len(ends(pools)) > POINTS_MAX:
        place = min(range(len(pools) - 1), key=lambda i: cost(pools[i], pools[i + 1]))
        pools[place:place + 2] = [joined(pools[place], pools[place + 1])]
    return ends(pools)


def curve(messages, everybody, prior):
    points = []
    for place, group in sorted(by_step(messages).items()):
        share = (sum(true for _, true in group) + prior * share_of(everybody[place])) / (len(group) + prior)
        points.append((sum(e for e, _ in group) / len(group), share, len(group)))
    return [(round(evidence, 2), round(min(max(share, 0.01), 0.99), 2)) for evidence, share in rising(points)]


def without_calibration(source, target):
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    for path in target.rglob('*.yaml'):
        path.write_text(re.sub(r'(?m)^    calibration:.*\n', '', path.read_text(encoding='utf-8')), encoding='utf-8')
    return target


def write(source, curves):
    """A line before `publish:` of each life event."""
    for path in (source / 'life').glob('*.yaml'):
        text = re.sub(r'(?m)^    calibration:.*\n', '', path.read_text(encoding='utf-8'))
        for kind, points in curves.items():
            line = '    calibration: [' + ', '.join(f'[{e:g}, {s:g}]' for e, s in points) + ']\n'
            head = re.search(rf'(?m)^  {re.escape(kind)}:\n', text)
            if head and points:
                place = text.index('    publish: true\n', head.end())
                text = text[:place] + line + text[place:]
        path.write_text(text, encoding='utf-8')


def judge(bank):
    world, seed, playbook, args = bank
    events, truths = life.simulate(args.segue, args.work, world, seed, args)
    said = score.judged(life.published(args.segue, playbook, events)[1], truths)
    if not args.keep:
        events.unlink()
    return said


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('segue')
    parser.add_argument('work', type=pathlib.Path)
    parser.add_argument('--banks', default=BANKS, help='WORLD-SEED-CUSTOMERS-DAYS,..')
    parser.add_argument('--jobs', type=int, default=2, help='banks at a time')
    parser.add_argument('--keep', action='store_true', help='keep the banks, and use those that are there')
    parser.add_argument('--write', action='store_true', help='into config/playbooks/retail/life')
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    source = life.ROOT / 'config/playbooks/retail'
    bare, messages = without_calibration(source, args.work / 'bare'), collections.defaultdict(list)
    named = [bank.split('-') for bank in args.banks.split(',')]
    playbooks = {world: life.playbook_of(world, bare, args.work) for world, *_ in named}
    banks = [(world, seed, playbooks[world], argparse.Namespace(**vars(args), customers=int(customers), days=int(days)))
             for world, seed, customers, days in named]
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for said in pool.map(judge, banks):
            for kind, evidence, true in said:
                messages[kind].append((evidence, true))
    everybody = by_step(message for group in messages.values() for message in group)
    prior = strength(messages.values())
    print(f'{prior} messages of all events together count beside those of one')
    curves = {kind: curve(messages[kind], everybody, prior) for kind in score.TYPES if messages[kind]}
    for kind, points in curves.items():
        print(f'{kind}: {len(messages[kind])} messages, {share_of(messages[kind]):.2f} true: {points}')
    if args.write:
        write(source, curves)


if __name__ == '__main__':
    main()
