#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Learn what confidence means. usage: calibrate.py SEGUE WORK_DIR [--banks uk-3-400-560,..] [--keep] [--write]

Runs the retail pack without its `calibration` over train seeds of every bank (so that no bank's habits alone say what 0.9 means), and fits for each life event
how often so much evidence was right: the share in steps of evidence, drawn towards that of all events together where there
are few, made to rise (pool adjacent violators). Prints the lines; --write puts them into the pack. life.py shows on other
seeds whether they hold.
"""
import argparse
import collections
import concurrent.futures
import pathlib
import re
import shutil

import life
import score

PRIOR = 8       # messages of all events together that count beside those of one
STEP = 0.1
BANKS = 'uk-3-400-560,eu-3-400-560,foreign-1-300-560,mutual-1-500-600,highstreet-901-700-600'


def share_of(messages):
    return sum(true for _, true in messages) / max(len(messages), 1)


def rising(points):
    """[(evidence, share, weight)] with shares that never fall: neighbours that do are pooled, and the pool is level from the
    first of them to the last (a line from middle to middle would promise more at its upper end than was ever true there)."""
    pools = []
    for evidence, share, weight in points:
        pools.append([evidence, evidence, share * weight, weight])
        while len(pools) > 1 and pools[-2][2] / pools[-2][3] >= pools[-1][2] / pools[-1][3]:
            first, last = pools[-2], pools.pop()
            pools[-1] = [first[0], last[1], first[2] + last[2], first[3] + last[3]]
    return [(end, s / w) for first, last, s, w in pools for end in sorted({first, last})]


def curve(messages, everybody):
    bins = collections.defaultdict(list)
    for evidence, true in messages:
        bins[int(evidence / STEP + 1e-9)].append((evidence, true))
    points = []
    for place, group in sorted(bins.items()):
        prior = share_of(everybody[place])
        share = (sum(true for _, true in group) + PRIOR * prior) / (len(group) + PRIOR)
        points.append((sum(e for e, _ in group) / len(group), share, len(group)))
    return [(round(evidence, 2), round(min(share, 0.99), 2)) for evidence, share in rising(points)]


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
    everybody = collections.defaultdict(list)
    for group in messages.values():
        for evidence, true in group:
            everybody[int(evidence / STEP + 1e-9)].append((evidence, true))
    curves = {kind: curve(messages[kind], everybody) for kind in score.TYPES if messages[kind]}
    for kind, points in curves.items():
        print(f'{kind}: {len(messages[kind])} messages, {share_of(messages[kind]):.2f} true: {points}')
    if args.write:
        write(source, curves)


if __name__ == '__main__':
    main()
