#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every alert fires when it should and is quiet when it should, by Prometheus' own tool. usage: alerts.py ROOT [PROMTOOL]

Each rule of deploy/alerts*.yml has a line in CASES (the reasons to halt are all of one form) with the series that make it fire and those
that must not. Needs promtool (Debian's package prometheus; ./tests/run fetches it); without it the test is skipped."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HOUR = 60
OFFERS_STEP = 15             # minutes: what is about offers looks at days
TASK = '{task="0"}'
OFFERS = 'segue_outputs_total{topic="offers"}'
COMES_BACK = 'segue_offer_outcomes{offer="a",variant="b",channel="EMAIL",outcome="CLICKED"}'


def slow(below):
    """A hundred commits a minute, `below` of them within a second."""
    return {'segue_commit_seconds_bucket{le="1"}': f'0+{below}x60', 'segue_commit_seconds_bucket{le="2"}': '0+100x60',
            'segue_commit_seconds_bucket{le="+Inf"}': '0+100x60'}


def redis_behind(applied, state):
    return {'segue_task_committed_cut' + TASK: '100+5x30', 'segue_task_applied_cut' + TASK: f'{applied}+5x30',
            'segue_task_state' + TASK: f'{state}x30'}


# alert, minute, does it fire?, series -> values, one a step (promtool's notation: a+bxn, or axn for n more)
CASES = [
    ('SegueDown', 10, True, {'up{job="segue"}': '1x3 0x10'}),
    ('SegueDown', 4, False, {'up{job="segue"}': '1x3 0x10'}),
    ('SegueTaskNotLive', 6, True, {'segue_task_state' + TASK: '3x10'}),
    ('SegueTaskNotLive', 6, False, {'segue_task_state' + TASK: '1x3 2x10'}),
    ('SegueTaskNobodys', 6, True, {'segue_task_state{task="0",instance="a"}': '0x10', 'segue_task_state{task="0",instance="b"}': '2x1 0x10'}),
    ('SegueTaskNobodys', 6, False, {'segue_task_state{task="0",instance="a"}': '0x10', 'segue_task_state{task="0",instance="b"}': '4x10'}),
    ('SegueLagRises', 30, True, {'segue_lag_records' + TASK: '20000+60x60'}),
    ('SegueLagRises', 30, False, {'segue_lag_records' + TASK: '90000-60x60'}),
    ('SegueLagRises', 30, False, {'segue_lag_records' + TASK: '0+60x60'}),
    ('SegueRedisBehind', 5, True, redis_behind(90, 2)),
    ('SegueRedisBehind', 5, False, redis_behind(97, 2)),
    ('SegueRedisBehind', 5, False, redis_behind(90, 3)),
    ('SegueDependencyAway', 5, True, {'segue_dependency_up{name="kafka"}': '0x10'}),
    ('SegueDependencyAway', 5, False, {'segue_dependency_up{name="redis"}': '0 1x10'}),
    ('SegueCommitSlow', 30, True, slow(98)),
    ('SegueCommitSlow', 30, False, slow(100)),
    ('SegueTransactionHangs', 1, True, {'segue_transaction_age_seconds': '6x3'}),
    ('SegueTransactionHangs', 1, False, {'segue_transaction_age_seconds': '4x3'}),
    ('SegueCommitsFail', 15, True, {'segue_commit_failures_total': '0+2x20'}),
    ('SegueCommitsFail', 15, False, {'segue_commit_failures_total': '7x20'}),
    ('SegueRejects', 20, True, {'segue_rejects_total{reason="future"}': '0+2x30', 'segue_events_total': '0+100x30'}),
    ('SegueRejects', 20, False, {'segue_rejects_total{reason="future"}': '0+1x30', 'segue_events_total': '0+200x30'}),
    ('SegueJournalGrows', 8 * HOUR, True, {'segue_task_low_cut' + TASK: '5x600', 'segue_task_committed_cut' + TASK: '10+9x600'}),
    ('SegueJournalGrows', 8 * HOUR, False, {'segue_task_low_cut' + TASK: '5+9x600', 'segue_task_committed_cut' + TASK: '10+9x600'}),
    ('SegueJournalGrows', 20, False, {'segue_task_low_cut' + TASK: '5x600', 'segue_task_committed_cut' + TASK: '10+9x600'}),
    ('SegueRebuilds', 10, True, {'segue_rebuilds_total': '0x5 1x10'}),
    ('SegueRebuilds', 10, False, {'segue_rebuilds_total': '3x20'}),
    ('SegueDeadlinesLate', 20, True, {'segue_deadline_lag_seconds' + TASK: '301x40'}),
    ('SegueDeadlinesLate', 20, False, {'segue_deadline_lag_seconds' + TASK: '299x40'}),
    ('SegueDeadlinesLate', 20, False, {'segue_deadline_lag_seconds' + TASK: '0x8 900x4 0x40'}),
    ('SegueSchemasFull', 10, True, {'segue_schemas_full': '1x20'}),
    ('SegueSchemasFull', 10, False, {'segue_schemas_full': '0x20'}),
    ('SegueClockHeld', 10, True, {'segue_clock_held': '2x20'}),
    ('SegueClockHeld', 10, False, {'segue_clock_held': '0x20'}),
    ('SegueEventsUnsure', 20, True, {'segue_events_unsure_total{topic="bank.transactions"}': '0+2x30', 'segue_events_total': '0+1000x30'}),
    ('SegueEventsUnsure', 20, False, {'segue_events_unsure_total{topic="bank.transactions"}': '7x30', 'segue_events_total': '0+1000x30'}),
    ('SegueEventsUnsure', 20, True, {'segue_events_unsure_total{topic="bank.transactions",instance="a"}': '0+2x30',
                                     'segue_events_unsure_total{topic="bank.transactions",instance="b"}': '0+2x30',
                                     'segue_events_total{instance="a"}': '0+1500x30', 'segue_events_total{instance="b"}': '0+1500x30'}),
    ('SegueSourceSilent', 10, True, {'segue_source_silent{topic="bank.transactions"}': '1x20'}),
    ('SegueSourceSilent', 10, False, {'segue_source_silent{topic="bank.transactions"}': '0x20'}),
    ('SegueRepartitionHalted', 1, True, {'segue_repartition_halted{source="transactions",reason="input_gone"}': '1x3'}),
    ('SegueRepartitionHalted', 1, False, {'segue_repartition_halted{source="transactions",reason="input_gone"}': '0x3'}),
    ('SegueRepartitionLag', 20, True, {'segue_repartition_lag_records{source="transactions",partition="0"}': '0+2000x30'}),
    ('SegueRepartitionLag', 20, False, {'segue_repartition_lag_records{source="transactions",partition="0"}': '60000-2000x30'}),
]
CASES_OFFERS = [
    ('SegueOfferComplaints', 30, True, {'segue_offer_complaint_ratio{offer="a",instance="x"}': '0.01x10'}),
    ('SegueOfferComplaints', 30, False, {'segue_offer_complaint_ratio{offer="a",instance="x"}': '0.004x10'}),
    ('SegueOfferOptOuts', 30, True, {'segue_offer_opt_out_ratio{offer="a",instance="x"}': '0.03x10'}),
    ('SegueOfferOptOuts', 30, False, {'segue_offer_opt_out_ratio{offer="a",instance="x"}': '0.01x10'}),
    ('SegueOfferSilent', 27 * HOUR, True, {OFFERS: '0+15x120', COMES_BACK: '7x120'}),
    ('SegueOfferSilent', 27 * HOUR, False, {OFFERS: '0+15x120', COMES_BACK: '7x60 8x60'}),
    ('SegueOfferSilent', 20 * HOUR, False, {OFFERS: '0+15x120', COMES_BACK: '7x120'}),
    ('SegueSplitBroken', 30, True, {'segue_offer_split_alarm{offer="a",layer="holdout",instance="x"}': '1x5'}),
    ('SegueSplitBroken', 30, False, {'segue_offer_split_alarm{offer="a",layer="holdout",instance="x"}': '0x5'}),
    ('SegueOfferLosesMoney', 90, True, {'segue_offer_incremental_revenue{offer="a",layer="holdout",bound="high",instance="x"}': '-3x10'}),
    ('SegueOfferLosesMoney', 90, False, {'segue_offer_incremental_revenue{offer="a",layer="holdout",bound="high",instance="x"}': '3x10',
                                         'segue_offer_incremental_revenue{offer="a",layer="holdout",bound="low",instance="x"}': '-3x10'}),
    ('SegueSplitOfPartBroken', 15, True, {'segue_report_part_split_alarm{offer="a",layer="holdout",by="channel",name="EMAIL"}': '1x5'}),
    ('SegueSplitOfPartBroken', 15, False, {'segue_report_part_split_alarm{offer="a",layer="holdout",by="channel",name="EMAIL"}': '0x5'}),
    ('SegueSplitOfLayerBroken', 15, True, {'segue_report_layer_split_alarm{layer="global"}': '1x5'}),
    ('SegueSplitOfLayerBroken', 15, False, {'segue_report_layer_split_alarm{layer="global"}': '0x5'}),
    ('SegueReportStale', 49 * HOUR, True, {'segue_report_last_timestamp_seconds': '0x200'}),
    ('SegueReportStale', 47 * HOUR, False, {'segue_report_last_timestamp_seconds': '0x200'}),
]


def as_test(step, alert, minute, fires, series):
    query = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) > 0'
    return {'name': f'{alert} is {"raised" if fires else "quiet"} after {minute} minutes of {json.dumps(series)}', 'interval': f'{step}m',
            'input_series': [{'series': name, 'values': values} for name, values in series.items()],
            'promql_expr_test': [{'expr': query, 'eval_time': f'{minute}m', 'exp_samples': [{'labels': '{}', 'value': 1}] if fires else []}]}


def run(tool, rules, step, cases):
    """What promtool has against it; empty: nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, 'tests.yml')
        path.write_text(json.dumps({'rule_files': [str(rules)], 'evaluation_interval': f'{step}m', 'tests': [as_test(step, *c) for c in cases]}))
        runs = [subprocess.run([tool, *words], capture_output=True, text=True, check=False)
                for words in (['check', 'rules', rules], ['test', 'rules', path])]
    return ''.join(r.stdout + r.stderr for r in runs if r.returncode != 0)


def main():
    deploy = pathlib.Path(sys.argv[1]).resolve() / 'deploy'
    tool = sys.argv[2] if len(sys.argv) > 2 else shutil.which('promtool')
    halts = re.findall(r'alert: (SegueHalt\w+)\n\s+expr: (segue_halted_tasks\S+) > 0', (deploy / 'alerts.yml').read_text())
    cases = CASES + [(alert, 1, fires, {series: '1x3' if fires else '0x3'}) for alert, series in halts for fires in (True, False)]
    bad = []
    for rules, step, of in (deploy / 'alerts.yml', 1, cases), (deploy / 'alerts-offers.yml', OFFERS_STEP, CASES_OFFERS):
        names = set(re.findall(r'- alert: (\w+)', rules.read_text()))
        bad += [f'{name}: no case makes it {how}' for how, kind in (('fire', True), ('stay quiet', False))
                for name in sorted(names - {c[0] for c in of if c[2] is kind})]
        bad += [run(tool, rules, step, of)] if tool else []
        print(f'{rules.name}: {len(names)} alerts, {len(of)} cases')
    bad = [line for line in bad if line]
    print('\n'.join(bad))
    if not tool:
        print('skipped: promtool is not installed (Debian: prometheus)')
    sys.exit(1 if bad else 0 if tool else 77)


main()
