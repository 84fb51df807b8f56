#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Life events against the truth. usage: life.py SEGUE WORK_DIR [--seeds 101,102] [--customers N] [--days N] [--playbook DIR]
                                                [--train] [--misses TYPE] [--markdown FILE] [--readme]

Simulates banks (both worlds of LifeSim, foreign.py, mutual.py, highstreet.py, coastal.py and prairie.py, seeds that no threshold was chosen on), runs `segue backtest` with the retail playbook
over them, and scores what it said: per type and in the mean, beside a naive detector. README.md says how it is judged.
Exits 1 when a goal is missed.
"""
import argparse
import concurrent.futures
import io
import json
import pathlib
import re
import shutil
import subprocess
import sys

import baseline
import coastal
import foreign
import highstreet
import mutual
import prairie
import score

ROOT = pathlib.Path(__file__).resolve().parents[3]
WORLDS = {'uk': ('GBP', 'Europe/London'), 'eu': ('EUR', 'Europe/Berlin'), 'foreign': ('EUR', 'Europe/Dublin'), 'mutual': ('EUR', 'Europe/Dublin'),
          'highstreet': ('GBP', 'Europe/London'), 'coastal': ('AUD', 'Australia/Sydney'),
          'prairie': ('CAD', 'America/Winnipeg')}
OTHERS = {'foreign': foreign, 'mutual': mutual, 'highstreet': highstreet, 'coastal': coastal,
          'prairie': prairie}  # not LifeSim's: no goal is held against them; on coastal and prairie no curve is learned either
HELD_OUT, TRAIN = '305,306,307', '1,2,3,4'
ENOUGH, HONEST = 100, 0.15  # of so many messages the share that is true lies within that of the confidence


def simulate(segue, folder, world, seed, args):
    name = f'{world}-{seed}-{args.customers}-{args.days}'
    bank, truth = folder / f'{name}.ndjson', folder / f'{name}.truth'
    if args.keep and bank.exists() and truth.exists():
        return bank, score.read_truth(truth)
    if world in OTHERS:
        OTHERS[world].write(bank, truth, seed, args.customers, args.days)
        return bank, score.read_truth(truth)
    subprocess.run([segue, 'simulate', '--world', world, '--seed', seed, '--customers', str(args.customers), '--days',
                    str(args.days), '--start', '2025-01-01', '--life-events', '0.35', '--decoys', '0.3', '--out', bank, '--truth',
                    truth], check=True, stderr=subprocess.DEVNULL)
    return bank, score.read_truth(truth)


def playbook_of(world, source, folder):
    """The playbook for that world: its currency and time zone. Segments and offers stay away: no life event reads them."""
    target = folder / f'playbook-{world}'
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns('segments', 'offers'))
    currency, zone = WORLDS[world]
    for path in target.glob('*.yaml'):
        text = re.sub(r'(?m)^currency: \w+', f'currency: {currency}', path.read_text(encoding='utf-8'))
        path.write_text(re.sub(r'(?m)^zone: \S+', f'zone: {zone}', text), encoding='utf-8')
    return target


def published(segue, playbook, bank):
    """(confirmed, every message that says suspected or confirmed) as Detections."""
    run = subprocess.run([segue, 'backtest', '--playbook', playbook, '--events', bank], check=True, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True)
    confirmed, said = [], []
    for line in run.stdout.splitlines():
        if '"segue.life-events"' not in line:
            continue
        value = json.loads(line)['value']
        if value['life_event'] not in score.TYPES or value['state'] not in ('SUSPECTED', 'CONFIRMED'):
            continue
        found = score.Detection(value['customer_id'], value['life_event'], score.day_of(value['effective_at']), value['confidence'])
        said.append(found)
        if value['state'] == 'CONFIRMED':
            confirmed.append(found)
    return confirmed, said


def run_bank(task):
    """The truth of one bank, what the pack confirmed and said in all, what the naive detector said."""
    world, seed, playbook, args = task
    bank, truths = simulate(args.segue, args.work, world, seed, args)
    confirmed, said = published(args.segue, playbook, bank)
    naive = [] if args.misses or args.no_baseline else baseline.detect(bank)
    if not args.keep:
        bank.unlink()
    return truths, confirmed, said, naive


def table(title, scores, customers, months, out):
    print(f'\n{title}', file=out)
    print('| type | truths | precision | recall | F1 | median delay | p90 delay | false alarms /1000/month | decoys hit |', file=out)
    print('|---|---|---|---|---|---|---|---|---|', file=out)
    rest = [kind for kind, one in scores.items() if not one.truths + one.decoys]
    for kind, one in scores.items():
        if kind in rest:
            continue
        middle, tail = score.percentile(one.delays, 0.5), score.percentile(one.delays, 0.9)
        delays = f'{middle} d | {tail} d' if middle is not None else '- | -'
        alarms = one.alarms / customers * 1000 / months
        print(f'| {kind} | {one.truths} | {one.precision:.2f} | {one.recall:.2f} | {one.f1:.2f} | {delays} | {alarms:.2f} | '
              f'{one.decoys_hit}/{one.decoys} |', file=out)
    hits, decoys = sum(s.decoys_hit for s in scores.values()), sum(s.decoys for s in scores.values())
    print(f'\nmacro F1 {score.macro_f1(scores):.3f}, decoys hit {hits} of {decoys}', file=out)
    if rest:
        alarms = ', '.join(f'{kind} {scores[kind].alarms / customers * 1000 / months:.2f}' for kind in rest if scores[kind].alarms)
        print(f'\nSaid of what never happens there, /1000/month: {alarms or "nothing"}.', file=out)
    return hits / max(decoys, 1)


def reliability(title, messages, out):
    """The table of what was said with which confidence and how often it was true; what is missed of the goal."""
    print(f'\n### {title}\n| confidence | published | said on average | true | share |\n|---|---|---|---|---|', file=out)
    bad, worst = [], 0.0
    for tenth, (count, mean, true) in score.reliability(messages).items():
        print(f'| {tenth / 10:.1f} to {tenth / 10 + 0.1:.1f} | {count} | {mean:.2f} | {true} | {true / count:.2f} |', file=out)
        if count >= ENOUGH:
            worst = max(worst, abs(true / count - mean))
            if abs(true / count - mean) > HONEST:
                bad.append(f'confidence {mean:.2f} was true in {true / count:.2f} of {count}')
    print(f'life_reliability_worst{title.partition(",")[2].replace(" ", "_")}: {worst:.3f}')
    return bad


def between(path, text):
    """Replace what stands between the markers."""
    old = path.read_text(encoding='utf-8')
    head, _, rest = old.partition('<!-- figures -->\n')
    path.write_text(f'{head}<!-- figures -->\n{text}<!-- end -->{rest.partition("<!-- end -->")[2]}', encoding='utf-8')


def short_table(per_world, thousand_months):
    """Of each type what a reader of its page wants: both worlds in one row."""
    out = ['', '| event | ' + ' | '.join(f'{w}: precision / recall / F1, median delay, false alarms' for w in per_world) + ' |',
           '|---' * (1 + len(per_world)) + '|']
    for kind in score.TYPES:
        cells = []
        for one in (scores[kind] for scores in per_world.values()):
            middle = score.percentile(one.delays, 0.5)
            if not one.truths:
                cells.append('-')
                continue
            cells.append(f'{one.precision:.2f} / {one.recall:.2f} / {one.f1:.2f}, {"-" if middle is None else middle} d, '
                         f'{one.alarms / thousand_months:.2f}')
        out.append(f'| `{kind}` | ' + ' | '.join(cells) + ' |')
    return '\n'.join(out) + '\n'


def show_misses(kind, truths, confirmed):
    print('--', kind)
    real = score.by_customer(t for t in truths if t.decoy is None and t.type == kind)
    decoys = score.by_customer(t for t in truths if t.decoy)
    found = score.by_customer(d for d in confirmed if d.type == kind)
    stories = {t.customer: t for t in truths if not t.implied}
    for key, group in real.items():
        if not found.get(key):
            print('missed', [(t.customer, t.happened - score.day_of('2025-01-01'), t.implied) for t in group])
    for key, group in found.items():
        for detection, truth in score.match(group, real.get(key, [])).items():
            if truth is None:
                story = stories.get(key[0])
                print('false', key[0], detection.day - score.day_of('2025-01-01'), round(detection.confidence, 2),
                      story and (story.type, story.decoy, story.happened - score.day_of('2025-01-01')), bool(decoys.get(key)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('segue')
    parser.add_argument('work', type=pathlib.Path)
    parser.add_argument('--seeds', default=HELD_OUT)
    parser.add_argument('--train', action='store_true', help='the seeds on which thresholds may be chosen')
    parser.add_argument('--customers', type=int, default=1500)
    parser.add_argument('--days', type=int, default=600)
    parser.add_argument('--jobs', type=int, default=2, help='banks at a time')
    parser.add_argument('--playbook', type=pathlib.Path, default=ROOT / 'config/playbooks/retail')
    parser.add_argument('--keep', action='store_true', help='keep the banks, and use those that are there')
    parser.add_argument('--no-baseline', action='store_true')
    parser.add_argument('--worlds', default=','.join(WORLDS))
    parser.add_argument('--misses', metavar='TYPE', help='list what was missed and what was said wrongly')
    parser.add_argument('--readme', action='store_true', help='put the figures into the leaderboard and the page of the pack')
    parser.add_argument('--markdown', type=pathlib.Path, help='write the tables there')
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    out = io.StringIO() if args.readme else open(args.markdown, 'w', encoding='utf-8') if args.markdown else sys.stdout
    bad, messages, both, per_world = [], {}, {kind: score.Score() for kind in score.TYPES}, {}
    seeds = (TRAIN if args.train else args.seeds).split(',')
    pool = concurrent.futures.ProcessPoolExecutor(args.jobs)
    worlds = args.worlds.split(',')
    playbooks = {world: playbook_of(world, args.playbook, args.work) for world in worlds}
    runs = {world: [pool.submit(run_bank, (world, seed, playbooks[world], args)) for seed in seeds] for world in worlds}
    for world in worlds:
        ours = {kind: score.Score() for kind in score.TYPES}
        naive = {kind: score.Score() for kind in score.TYPES}
        for truths, confirmed, said, naive_said in (run.result() for run in runs[world]):
            for kind in args.misses.split(',') if args.misses else []:
                show_misses(kind, truths, confirmed)
            for kind, one in score.score(confirmed, truths).items():
                ours[kind].add(one)
                if world not in OTHERS:
                    both[kind].add(one)
            messages.setdefault(f'Reliability, {world}' if world in OTHERS else 'Reliability', []).extend(score.judged(said, truths))
            for kind, one in score.score(naive_said, truths).items():
                naive[kind].add(one)
        per_world[world] = ours
        customers, months = args.customers * len(seeds), args.days / 30.4
        share = table(f'### World {world}: the retail playbook', ours, customers, months, out)
        print(f'life_macro_f1_{world}: {score.macro_f1(ours):.3f}')
        if not args.misses and not args.no_baseline:
            table(f'### World {world}: the naive detector', naive, customers, months, out)
            print(f'life_macro_f1_{world}_naive: {score.macro_f1(naive):.3f}')
        print(f'life_decoys_hit_{world}: {share:.3f}')
        if world in OTHERS:
            continue
        bad += [f'{world} {kind} F1 {ours[kind].f1:.2f}' for kind in score.GOALS if ours[kind].truths and ours[kind].f1 < 0.85]
        bad += [f'{world} {kind} median delay {score.percentile(ours[kind].delays, 0.5)}' for kind in score.GOALS
                if (score.percentile(ours[kind].delays, 0.5) or 0) > 35]
        bad += [f'{world} {kind} F1 {one.f1:.2f}' for kind, one in ours.items() if one.truths and one.f1 < 0.6]
        bad += [f'{world} decoys {share:.3f}'] if share > 0.05 else []
    pool.shutdown()      # at exit its pipes may be gone before it is told
    for title, said in messages.items():
        missed = reliability(title, said, out)
        bad += missed if title == 'Reliability' else []
    if args.readme:
        head = f'Seeds {args.seeds}, {args.customers} customers each, {args.days} days.\n'
        between(pathlib.Path(__file__).parent / 'README.md', head + out.getvalue())
        between(ROOT / 'config/playbooks/retail/life/README.md', head + short_table(per_world, args.customers * len(seeds) * args.days / 30400))
        subprocess.run([sys.executable, ROOT / 'tests/config/life_pages.py', ROOT / 'config/playbooks/retail/life', '--write'], check=True)
    for kind, one in both.items():
        print(f'life_f1_{kind}: {one.f1:.2f}')
    print(f'life_macro_f1: {score.macro_f1(both):.3f}')
    for line in bad:
        print(f'goal missed: {line}')
    sys.exit(1 if bad else 0)


if __name__ == '__main__':
    main()
