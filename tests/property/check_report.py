#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`segue report` against a recount. usage: check_report.py SEGUE [SEED]

A generated campaign log: decisions, exposures, withdrawals and outcomes, some of them strays; counted here once more with plain
dictionaries. Then one broken split, which must be called so by the exit code."""
import collections
import datetime
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
DAY, START = 86_400_000, int(datetime.datetime(2026, 1, 5, tzinfo=datetime.timezone.utc).timestamp() * 1000)
OUTCOMES = ('PRESENTED', 'CLICKED', 'ACCEPTED', 'REJECTED', 'DISMISSED', 'EXPIRED', 'COMPLAINED', 'OPTED_OUT')
CHANNELS, HOLDOUT = ('EMAIL', 'PUSH', 'SMS'), 0.10


def campaign(seed, customers, lost=0.0):
    """Lines in order, and what they say."""
    chance, lines = random.Random(seed), []
    truth = {'rows': collections.defaultdict(collections.Counter), 'sides': collections.Counter(), 'converted': collections.Counter(),
             'revenue': collections.Counter(), 'gates': collections.Counter(), 'decisions': 0, 'units': {}}
    for number in range(customers):
        customer, at_ms, held = f'c{number}', START + chance.randrange(60 * DAY), chance.random() < HOLDOUT
        decision, channel, variant = f'd{number}', chance.choice(CHANNELS), chance.choice(('plain', 'bold'))
        base = {'customer_id': customer, 'decision_id': decision, 'effective_at': at_ms}
        if not (held and chance.random() < lost):
            exposure = {**base, 'offer_id': 'card', 'variant': variant, 'layer': 'offer:card', 'channel': channel, 'held_out': held}
            lines.append({'topic': 'segue.exposures', 'value': exposure})
            if chance.random() < 0.1:  # again, elsewhere: the first one counts
                lines.append({'topic': 'segue.exposures', 'value': {**exposure, 'channel': chance.choice(CHANNELS), 'effective_at': at_ms + DAY}})
            if not held:
                lines.append({'topic': 'segue.exposures', 'value': {**exposure, 'layer': 'variant:card'}})
            truth['sides'][held] += 1
            day = datetime.datetime.fromtimestamp(at_ms / 1000, datetime.timezone.utc).date().isoformat()
            truth['units'][customer] = {'held': held, 'channel': channel, 'variant': variant, 'day': day, 'converted': 0, 'revenue': 0}
        offer = {'offer_id': 'card', 'variant': variant, 'channel': channel}
        block = {'offer_id': 'card', 'gate': 'holdout', 'reason': 'offer_holdout'}
        lines.append({'topic': 'segue.offers', 'value': {**base, 'offers': [] if held else [offer], 'for_review': [], 'withdrawn': [],
                                                         'blocked': [block] if held else []}})
        truth['decisions'] += 1
        truth['gates']['holdout'] += held
        row = truth['rows'][channel]
        row['offered'] += not held
        if not held and chance.random() < 0.05:
            lines.append({'topic': 'segue.offers', 'value': {**base, 'decision_id': f'w{number}', 'offers': [], 'for_review': [], 'blocked': [],
                                                             'withdrawn': [{'decision_id': decision, 'offer_id': 'card'}]}})
            row['withdrawn'] += 1
            continue
        converted = 0
        for outcome in chance.sample(OUTCOMES, chance.randrange(3)):
            when, revenue = at_ms + chance.randrange(40 * DAY), chance.randrange(100_000) if outcome == 'ACCEPTED' else 0
            stray = chance.random() < 0.05
            lines.append({'source': 'offer-outcomes', 'event': {
                'event_id': f'{decision}{outcome}', 'customer_id': customer, 'decision_id': 'other' if stray else decision, 'offer_id': 'card',
                'outcome': outcome, 'occurred_at': when, 'revenue_minor': revenue}})
            if not stray and not held:
                row[outcome] += 1
                row['revenue'] += revenue
            if when <= at_ms + 30 * DAY:
                converted |= outcome == 'ACCEPTED'
                truth['revenue'][held] += revenue
                if customer in truth['units']:
                    truth['units'][customer]['revenue'] += revenue
        truth['converted'][held] += converted
        if customer in truth['units']:
            truth['units'][customer]['converted'] = converted
    return lines, truth


def report(segue, lines, folder, *options):
    path = pathlib.Path(folder) / 'lines.ndjson'
    path.write_text(''.join(json.dumps(line) + '\n' for line in lines))
    run = subprocess.run([segue, 'report', '--json', '--playbook', ROOT / 'tests/playbooks/offers', *options, path], capture_output=True, text=True)
    return run.returncode, json.loads(run.stdout)


def text(segue, folder, *options):
    """The lines that were written last, in another form."""
    command = [segue, 'report', '--playbook', ROOT / 'tests/playbooks/offers', *options, pathlib.Path(folder) / 'lines.ndjson']
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def for_people(segue, folder, truth, same):
    """UK formats, a row of sums, written to a file as to a terminal."""
    shown = text(segue, folder, '--by', 'channel')
    offered, accepted, revenue = (sum(row[k] for row in truth['rows'].values()) for k in ('offered', 'ACCEPTED', 'revenue'))
    head = f'offered {offered:,}, withdrawn {sum(row["withdrawn"] for row in truth["rows"].values()):,}, ' \
           f'accepted {accepted:,} ({100 * accepted / offered:.2f}%), revenue £{revenue / 100:,.2f}'
    same('the summary', shown.splitlines()[3], head)
    same('the days', bool(re.fullmatch(r'Offers from 2026-\d\d-\d\d to 2026-\d\d-\d\d', shown.splitlines()[0])), True)
    same('the sum of rows', [line.split()[1] for line in shown.splitlines() if line.startswith('all ')], [f'{offered:,}'])
    by_day = text(segue, folder, '--by', 'day')
    ends = [abs(float(end)) for pair in re.findall(r'\(([-+]\d+\.\d\d) to ([-+]\d+\.\d\d)\)', by_day) for end in pair]
    same('an interval of few is no wider than shares can differ', (max(ends), 100.0 in ends), (100.0, True))
    path = pathlib.Path(folder) / 'report.txt'
    text(segue, folder, '--by', 'channel', '--output', path)
    same('what is in the file', path.read_text(), shown)


def for_programs(segue, folder, said, same):
    """OpenMetrics: the same figures as in JSON."""
    page = text(segue, folder, '--by', 'channel', '--openmetrics')
    series = dict(re.findall(r'^(\w+(?:\{.*\})?) (\S+)$', page, re.M))
    same('the end', page.endswith('# EOF\n'), True)
    for row in said['rows']:
        label = f'by="channel",name="{row["name"]}"'
        same('metric offered', int(series[f'segue_report_offered{{{label}}}']), row['offered'])
        for outcome in OUTCOMES:
            same(f'metric {outcome}', int(series[f'segue_report_outcomes{{{label},outcome="{outcome}"}}']), row[outcome])
        same('metric conversion', round(row['conversion'], 6), float(series[f'segue_report_conversion_ratio{{{label}}}']))
        same('metric opt-out', round(row['OPTED_OUT'] / row['offered'], 6), float(series[f'segue_report_opt_out_ratio{{{label}}}']))
        same('metric complaints', round(row['COMPLAINED'] / row['offered'], 6), float(series[f'segue_report_complaint_ratio{{{label}}}']))
        same('metric revenue', round(100 * float(series[f'segue_report_revenue{{{label},currency="GBP"}}'])), row['revenue_minor'])
    named = set(re.findall(r'segue_report_\w+', (ROOT / 'deploy/alerts-offers.yml').read_text()))
    same('metrics of the alerts', named - {name.partition('{')[0] for name in series}, {'segue_report_layer_split_alarm'})    # see all_offers
    experiment, = said['experiments']
    label = f'offer="{experiment["offer"]}",layer="{experiment["layer"]}"'
    for bound in ('low', 'estimate', 'high'):
        same(f'metric uplift {bound}', float(series[f'segue_report_incremental_conversion{{{label},bound="{bound}"}}']), round(experiment['uplift'][bound], 6))
        same(f'metric gain {bound}', round(float(series[f'segue_report_incremental_revenue{{{label},bound="{bound}"}}']), 2),
             round(experiment['incremental_revenue_minor'][bound] / 100, 2))
    same('metric alarm', series[f'segue_report_split_alarm{{{label}}}'], '0')


def by_parts(segue, lines, folder, truth, same):
    """Incremental figures of each channel, variant and day, and of a segment: each against its own part of the control group."""
    third = {c for c in truth['units'] if int(c[1:]) % 3 == 0}
    enter = [{'topic': 'segue.segment-changes', 'value': {'customer_id': c, 'segment_id': 'third', 'transition': 'ENTERED', 'membership_seq': 1}}
             for c in sorted(third)]
    for by in ('channel', 'variant', 'day', 'segment'):
        parts = collections.defaultdict(lambda: {False: [], True: []})
        for customer, unit in truth['units'].items():
            if by != 'segment' or customer in third:
                parts['third' if by == 'segment' else unit[by]][unit['held']].append(unit)
        _, said = report(segue, enter + lines, folder, '--by', by)
        same(f'parts by {by}', [p['part'] for p in said['parts']], sorted(parts))
        for part in said['parts']:
            treated, held = parts[part['part']][False], parts[part['part']][True]
            name = f"{by} {part['part']}"
            same(f'{name} treated', part['treated'], len(treated))
            same(f'{name} held out', part['held_out'], len(held))
            if not treated or not held:
                same(f'{name} uplift', part['uplift'], None)
                continue
            mean = lambda side, what: sum(unit[what] for unit in side) / len(side)  # noqa: E731
            same(f'{name} uplift', part['uplift']['estimate'], mean(treated, 'converted') - mean(held, 'converted'))
            same(f'{name} revenue', part['incremental_revenue_minor']['estimate'], (mean(treated, 'revenue') - mean(held, 'revenue')) * len(treated))
            same(f'{name} alarm', part['split_alarm'], False)
        page = text(segue, folder, '--by', by, '--openmetrics')
        shown = re.findall(r'^segue_report_part_incremental_revenue\{by="(\w+)",name="([^"]+)",offer="card",layer="offer:card",bound="estimate"\}', page, re.M)
        same(f'metrics by {by}', shown, [(by, p['part']) for p in said['parts'] if p['uplift']])
    lines_of_people = text(segue, folder, '--by', 'segment').splitlines()
    same('a part for people', [' '.join(line.split()[:3]) for line in lines_of_people if line.startswith('  third ')],
         [f"third {sum(1 for c in third if not truth['units'][c]['held']):,} {sum(1 for c in third if truth['units'][c]['held']):,}"])
    page = text(segue, folder, '--by', 'day').splitlines()
    same('days of parts as --from and --to take them', any(re.match(r'  2026-01-05 ', line) for line in page), True)


def in_segment(segue, lines, folder, same):
    """Every third customer is in a segment from the begin: its report is that of their lines alone."""
    mine = lambda line: int((line.get('value') or line['event'])['customer_id'][1:]) % 3 == 0  # noqa: E731
    enter = [{'topic': 'segue.segment-changes', 'value': {'customer_id': c, 'segment_id': 'third', 'transition': 'ENTERED', 'membership_seq': 1}}
             for c in sorted({(line.get('value') or line['event'])['customer_id'] for line in lines if mine(line)})]
    _, whole = report(segue, enter + lines, folder, '--segment', 'third')
    _, alone = report(segue, [line for line in lines if mine(line)], folder)
    same('a segment alone', whole, alone)
    same('and it is not all', 0 < whole['decisions'] < len({json.dumps(line) for line in lines}), True)
    _, by_segment = report(segue, enter + lines, folder, '--by', 'segment')
    same('rows by segment', [(r['name'], r['offered']) for r in by_segment['rows']], [('third', alone['rows'][0]['offered'])])


def in_any_order(segue, lines, folder, same):
    """Topics are read one after the other, or mixed; a producer repeats itself: the report is the same."""
    lines = [line for line in lines if int((line.get('value') or line['event'])['customer_id'][1:]) < 800]
    third = [{'topic': 'segue.segment-changes', 'value': {'customer_id': f'c{c}', 'segment_id': 'third', 'effective_at': START, 'transition': 'ENTERED',
                                                          'membership_seq': 1}} for c in range(0, 800, 3)]
    again = [line for line in lines if 'event' in line][::3]
    shuffled = lines + again + third
    random.Random(5).shuffle(shuffled)
    outcomes_first = sorted(shuffled, key=lambda line: 'value' in line)
    for by in ('channel', 'segment'):
        _, whole = report(segue, third + lines, folder, '--by', by)
        for name, other in (('shuffled', shuffled), ('outcomes first', outcomes_first)):
            _, said = report(segue, other, folder, '--by', by)
            same(f'{name}, by {by}', said, whole)


def wholes_are_whole(segue, folder, same):
    """More parts than there may be series: each experiment as a whole is shown all the same."""
    one = lambda n, offer: {'topic': 'segue.exposures', 'value': {  # noqa: E731
        'customer_id': f'c{n}', 'decision_id': f'd{n}', 'effective_at': START + n * DAY, 'offer_id': offer, 'variant': None, 'layer': f'offer:{offer}',
        'channel': 'PUSH', 'held_out': offer == 'card' and n % 10 == 0}}
    report(segue, [one(n, 'card') for n in range(1100)] + [one(n, 'loan') for n in range(5)], folder)
    page = text(segue, folder, '--by', 'day', '--openmetrics')
    shown = {(family, offer) for family, offer in re.findall(r'^segue_report_(part_)?split_alarm\{.*offer="(\w+)"', page, re.M)}
    same('wholes beyond the limit of parts', {offer for family, offer in shown if not family}, {'card', 'loan'})
    same('parts left out', re.findall(r'^segue_report_rows_left_out (\d+)$', page, re.M), ['105'])


def two_offers(seed, customers):
    """A layer with two offers in it. Whoever takes the loan is not asked for the saver: those who are asked are not alike. Every
    customer has both answers, to be treated and not, so what treatment does is known. Lines, and the customers."""
    chance, lines, people = random.Random(f'two {seed}'), [], []
    for number in range(customers):
        customer, at_ms, held, eager = f'c{number}', START + chance.randrange(40 * DAY), chance.random() < 0.05, chance.random() < 0.3
        expose = lambda offer, when: lines.append({'topic': 'segue.exposures', 'value': {  # noqa: E731
            'customer_id': customer, 'decision_id': f'{customer}-{when}', 'effective_at': when, 'offer_id': offer, 'variant': 'default',
            'layer': 'global', 'channel': 'EMAIL', 'held_out': held}})
        draws = {offer: (chance.random(), chance.randrange(DAY, 35 * DAY), chance.randrange(1, 50_000)) for offer in ('loan', 'saver')}
        later = at_ms + 36 * DAY
        answers = {}
        for side in (False, True):
            sold = {}
            for offer, begin, rate in (('loan', at_ms, 0.05 + 0.1 * eager + (not side) * (0.02 + 0.4 * eager)),
                                       ('saver', later, 0.05 + 0.2 * eager + (not side) * 0.06)):
                draw, after, revenue = draws[offer]
                if draw < rate and not (offer == 'saver' and 'loan' in sold):
                    sold[offer] = (begin + after, revenue)
            answers[side] = sold
        expose('loan', at_ms)
        if 'loan' not in answers[held]:
            expose('saver', later)
        if chance.random() < 0.3:
            expose('loan', at_ms + 31 * DAY)    # again
        for offer, (when, revenue) in answers[held].items():
            lines.append({'source': 'offer-outcomes', 'event': {
                'event_id': f'{customer}{offer}', 'customer_id': customer, 'decision_id': 'unknown', 'offer_id': offer, 'outcome': 'ACCEPTED',
                'occurred_at': when, 'revenue_minor': revenue}})
        people.append((at_ms, held, answers))
    return lines, people


def until(lines, at_ms):
    """What has happened by then."""
    time_of = lambda line: line['value']['effective_at'] if 'value' in line else line['event']['occurred_at']  # noqa: E731
    return [line for line in lines if time_of(line) < at_ms]


def all_offers(segue, folder, same):
    """The layer as a whole: each customer from the first exposure to any of its offers on."""
    lines, people = two_offers(0, 4000)
    code, said = report(segue, lines, folder)
    layer, = said['layers']
    same('the layer', (code, layer['offer'], layer['layer'], layer['split_alarm']), (0, '*', 'global', False))
    for side, name in ((False, 'treated'), (True, 'held_out')):
        mine = [answers[held] for _, held, answers in people if held == side]
        same(f'{name} in the layer', layer[name], len(mine))
        same(f'{name} of the layer who took something', layer[f'{name}_converted'], sum(bool(sold) for sold in mine))
        same(f'revenue of the {name} in the layer', layer[f'{name}_revenue_minor'], sum(r for sold in mine for _, r in sold.values()))
    page = text(segue, folder).splitlines()
    same('the layer for people', [line for line in page if line.startswith('2 offers together, global: ')] != [], True)
    page = text(segue, folder, '--openmetrics')
    same('the layer for programs', re.findall(r'^segue_report_layer_incremental_conversion\{layer="global",bound="estimate"\} (\S+)$', page, re.M),
         [f"{layer['uplift']['estimate']:.6f}"])
    same('its alarm', re.findall(r'^segue_report_layer_split_alarm\{layer="global"\} (\S+)$', page, re.M), ['0'])
    begin = START + 20 * DAY
    later = [held for at_ms, held, _ in people if at_ms >= begin]
    _, said = report(segue, lines, folder, '--from', '2026-01-25')
    first, = (e for e in said['experiments'] if e['offer'] == 'loan')
    for what, it in (('a later exposure', first), ('a later exposure in the layer', said['layers'][0])):
        same(f'{what} is no first one', (it['treated'], it['held_out']), (later.count(False), later.count(True)))
    covered = looks = 0
    for seed in range(1, 11):
        lines, people = two_offers(seed, 1000)
        for day in (60, 110):
            now = START + day * DAY
            there = [answers for at_ms, _, answers in people if at_ms < now]
            bought = [sum(any(when < now for when, _ in answers[side].values()) for answers in there) / len(there) for side in (False, True)]
            _, said = report(segue, until(lines, now), folder)
            for it in said['layers']:
                looks += 1
                covered += it['uplift']['low'] <= bought[0] - bought[1] <= it['uplift']['high']
    print(f'report_layer_looks: {looks}\nreport_layer_covered: {covered}')
    same('intervals that hold', covered >= looks - 1 and looks == 20, True)


def what_cannot_be_answered(segue, lines, folder, same):
    """A question that nothing answers is refused with its reason, and a sum at its end says so."""
    path = pathlib.Path(folder) / 'lines.ndjson'
    ask = lambda *options: subprocess.run([segue, 'report', '--playbook', ROOT / 'tests/playbooks/offers', *options, path],  # noqa: E731
                                          capture_output=True, text=True, check=False)
    path.write_text('\n'.join(map(json.dumps, lines)))
    turned = ask('--from', '2026-02-01', '--to', '2026-01-31')
    same('days the wrong way round', (turned.returncode, '--from is later than --to' in turned.stderr), (64, True))
    member = {'topic': 'segue.segment-changes', 'value': {'customer_id': 'c0', 'segment_id': 'third', 'transition': 'ENTERED', 'membership_seq': 1}}
    path.write_text('\n'.join(map(json.dumps, [member] + lines)))
    known = 'spender'
    strange = ask('--segment', f'{known}s')
    same('a segment that nobody has', (strange.returncode, f'did you mean `{known}`?' in strange.stderr), (64, True))
    same('one that is in the records alone', ask('--segment', 'third').returncode, 0)
    path.write_text('\n'.join(map(json.dumps, lines)))
    without = ask('--segment', known)
    same('a segment without its changes', (without.returncode, 'needs the segment changes' in without.stderr), (64, True))
    without = ask('--by', 'segment')
    same('rows by segment without its changes', (without.returncode, '--by segment needs the segment changes' in without.stderr), (64, True))
    strange = ask('--offer', 'loans')
    same('an offer that is none', (strange.returncode, 'have an offer `loans`; did you mean `loan`?' in strange.stderr), (64, True))
    same('one that is in the playbook alone', ask('--offer', 'loan').returncode, 0)
    same('no word of sums that are whole', ask().stderr, '')
    path.write_text(json.dumps({'topic': 'segue.offers', 'value': {'customer_id': 'c0', 'decision_id': 'd0', 'effective_at': START, 'for_review': [],
                                                                   'withdrawn': [], 'blocked': [], 'offers': [{'offer_id': 'gone'}]}}))
    same('one that is in the records alone', ask('--offer', 'gone').returncode, 0)
    much = [{'source': 'offer-outcomes', 'event': {**line['event'], 'revenue_minor': 9 * 10 ** 18}} if 'event' in line else line for line in lines]
    path.write_text('\n'.join(map(json.dumps, much)))
    same('a sum at its end is said', 'stands at its end' in ask().stderr, True)


def main():
    segue, seed = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else '1'
    wrong = []

    def same(what, said, counted):
        if said != counted and not (isinstance(said, float) and abs(said - counted) < 1e-9 * max(1, abs(counted))):
            wrong.append(f'{what}: says {said}, counted {counted}')

    with tempfile.TemporaryDirectory() as folder:
        folder_too = subprocess.run([segue, 'report', '--playbook', ROOT / 'tests/playbooks/offers', folder], capture_output=True, check=False)
        same('exit code of a folder', folder_too.returncode, 1)
        lines, truth = campaign(seed, 4000)
        code, said = report(segue, lines, folder, '--by', 'channel')
        same('exit code of a sound split', code, 0)
        same('decisions', said['decisions'], truth['decisions'])
        same('gates', said['gates'], dict(truth['gates']))
        same('rows', sorted(r['name'] for r in said['rows']), sorted(CHANNELS))
        for row in said['rows']:
            counted = truth['rows'][row['name']]
            for outcome in OUTCOMES:
                same(f"{row['name']} {outcome}", row[outcome], counted[outcome])
            same(f"{row['name']} offered", row['offered'], counted['offered'])
            same(f"{row['name']} withdrawn", row['withdrawn'], counted['withdrawn'])
            same(f"{row['name']} revenue", row['revenue_minor'], counted['revenue'])
        experiment, = said['experiments']
        sides, converted, revenue = truth['sides'], truth['converted'], truth['revenue']
        same('treated', experiment['treated'], sides[False])
        same('held out', experiment['held_out'], sides[True])
        uplift = converted[False] / sides[False] - converted[True] / sides[True]
        gain = revenue[False] / sides[False] - revenue[True] / sides[True]
        same('uplift', experiment['uplift']['estimate'], uplift)
        same('incremental revenue', round(experiment['incremental_revenue_minor']['estimate']), round(gain * sides[False]))
        same('uplift inside its interval', experiment['uplift']['low'] < uplift < experiment['uplift']['high'], True)
        for_people(segue, folder, truth, same)
        for_programs(segue, folder, said, same)
        by_parts(segue, lines, folder, truth, same)
        in_segment(segue, lines, folder, same)
        what_cannot_be_answered(segue, lines, folder, same)
        wholes_are_whole(segue, folder, same)
        in_any_order(segue, lines, folder, same)
        all_offers(segue, folder, same)
        broken, _ = campaign(seed, 4000, lost=0.4)
        same('exit code of a broken split', report(segue, broken, folder)[0], 1)
        one_day = [line for line in lines if 'value' in line and START + 3 * DAY <= line['value']['effective_at'] < START + 4 * DAY]
        _, said = report(segue, lines, folder, '--from', '2026-01-08', '--to', '2026-01-08', '--by', 'day')
        same('one day', said['decisions'], sum(1 for line in one_day if line['topic'] == 'segue.offers' and not line['value']['withdrawn']))
        same('its name', [r['name'] for r in said['rows']], ['2026-01-08'])
    print(*wrong or ['report: equal to the recount'], sep='\n')
    sys.exit(1 if wrong else 0)


main()
