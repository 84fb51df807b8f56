#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the demo shows of given outputs and metrics. usage: watch.py WATCH_PY"""
import http.server
import json
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import tempfile
import threading

METRICS = """\
segue_events_total 1200
segue_rejects_total{reason="truncated"} 3
segue_commits_total 7
segue_lag_records{task="0"} 0
segue_customers{task="0"} 40
segue_customers{task="1"} 2
segue_tasks_ready 2
segue_unapplied_cuts 0
segue_deadline_lag_seconds{task="0"} 0
"""


def leaf(text, value, holds, polarity='INCLUDING'):
    return {'expr': text, 'value': value, 'holds': holds, 'polarity': polarity}


def change(segment, transition, *proof):
    return {'topic': 'segue.segment-changes', 'value': {
        'customer_id': 'C1', 'segment_id': segment, 'transition': transition, 'effective_at': '2026-01-02T09:30:00Z', 'proof': proof}}


def offers(reason, *made):
    return {'topic': 'segue.offers', 'value': {'customer_id': 'C1', 'effective_at': '2026-01-02T09:30:00Z', 'offers': made, 'no_offer_reason': reason}}


OUTPUTS = [
    change('saver', 'ENTERED', leaf('f.a > 1', '2', True), leaf('f.b > 1', '0', False, 'EXCLUDING')),
    change('young', 'EXITED', leaf('c.employed', 'true', True), leaf('c.age < 30', '30', False)),
    change('calm', 'EXITED', leaf('f.a > 1', '2', True), leaf('f.loud > 5', '6', True, 'EXCLUDING')),
    {'topic': 'segue.life-events', 'value': {'customer_id': 'C2', 'life_event': 'windfall', 'state': 'CONFIRMED', 'confidence': 0.9,
                                             'effective_at': '2026-01-03T00:00:00Z'}},
    offers(None, {'offer_id': 'boost', 'channel': 'IN_APP', 'score': 1.5}),
    offers('consent:not_granted'),
    offers('consent:not_granted'),
]
SHOWN = [
    '2026-01-02 09:30  C1         entered     saver  because f.a > 1 (2)',
    '2026-01-02 09:30  C1         exited      young  no longer c.age < 30 (30)',
    '2026-01-02 09:30  C1         exited      calm  because f.loud > 5 (6)',
    '2026-01-03 00:00  C2         life event  windfall confirmed (confidence 0.90)',
    '2026-01-02 09:30  C1         offer       boost by IN_APP, score 1.50',
    'lag 0 | commits 7 | customers 42 | segment changes 3 | life events 1 | offers 1',
    'because consent:not_granted',
]
FACTS = {'events': 1200, 'rejects': 3, 'commits': 7, 'customers': 42, 'segment_changes': 3, 'life_events': 1, 'offers': 1, 'no_offer': 2}


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(METRICS.encode())

    def log_message(self, *arguments):
        pass


# A feed that writes down what it gets, and a topic on which every login is decided at once.
FEED = 'import sys; out = open(sys.argv[1], "w", buffering=1); [out.write(line) for line in sys.stdin]'
TOPIC = """
import json, sys, time
fed = open(sys.argv[1])
while True:
    event = json.loads(fed.readline() or '{}').get('event', {})
    if event.get('event') == 'login':
        print(json.dumps({'topic': 'segue.offers', 'value': {
            'customer_id': event['customer_id'], 'effective_at': event['occurred_at'], 'cause': {'event_id': event['event_id']},
            'offers': [{'offer_id': 'loan', 'channel': 'IN_APP', 'score': 1}], 'no_offer_reason': None}}), flush=True)
    time.sleep(0 if event else 0.01)
"""


def check_logins(url, folder):
    """Logins are fed, one a second, and shown with what came of them; a service that has ended is told."""
    fed, summary, services = folder / 'fed', folder / 'logins', folder / 'services'
    fed.touch()
    services.mkdir()
    (services / 'kafka.pid').write_text('999999999')
    run = subprocess.run([sys.executable, sys.argv[1], '--metrics', url, '--until-idle', '4', '--summary', summary, '--logins', '9',
                          '--feed', shlex.join([sys.executable, '-c', FEED, str(fed)]), '--', sys.executable, '-c', TOPIC, fed],
                         capture_output=True, text=True, timeout=100)
    facts, failed = json.loads(summary.read_text()), []
    if not facts['logins'] == facts['logins_answered'] == facts['logins_offered'] >= 4 or 'loan offered by IN_APP, ' not in run.stdout:
        failed += [f'logins: {facts}', run.stdout, run.stderr]
    run = subprocess.run([sys.executable, sys.argv[1], '--metrics', url, '--until-idle', '1', '--services', services, '--', 'true'],
                         capture_output=True, text=True, timeout=100, env={**os.environ, 'SEGUE_WATCH_PATIENCE_S': '2'})
    if run.returncode != 69 or run.stdout.count('kafka has ended: see ') != 1:
        failed += [f'an ended service: {run.returncode}', run.stdout, run.stderr]
    return failed


def check_answers(url, folder):
    """Offers are answered once each, by what the contract calls an outcome; who is held out buys more seldom; nobody answers a block."""
    fed, topic, summary, failed = folder / 'answered', folder / 'topic', folder / 'answers', []
    made = [{'decision_id': f'd{n}', 'customer_id': f'C{n}', 'effective_at': '2026-01-02T09:30:00Z'} for n in range(400)]
    offer = {'offer_id': 'boost', 'channel': 'IN_APP', 'variant': 'plain', 'score': 1.5}
    topic.write_text(''.join(json.dumps({'topic': f'segue.{kind}', 'value': value}) + '\n' for one in made for kind, value in (
        ('offers', {**one, 'offers': [offer]}), ('offers', {**one, 'decision_id': one['decision_id'] + 'x', 'offers': []}),
        ('exposures', {**one, **offer, 'layer': 'offer:boost', 'held_out': False}),
        ('exposures', {**one, **offer, 'customer_id': one['customer_id'] + 'h', 'layer': 'offer:boost', 'held_out': True}))))
    subprocess.run([sys.executable, sys.argv[1], '--metrics', url, '--until-idle', '2', '--summary', summary, '--answers', '--feeder', '999999999',
                    '--feed', shlex.join([sys.executable, '-c', FEED, str(fed)]), '--', 'cat', topic], check=True, capture_output=True, timeout=100)
    lines = [json.loads(line) for line in fed.read_text().splitlines()]
    events = [line['event'] for line in lines]
    schema = pathlib.Path(__file__).resolve().parents[2] / 'schemas/offer_outcome/1.avsc'
    symbols = next(f['type']['symbols'] for f in json.loads(schema.read_text())['fields'] if f['name'] == 'outcome')
    held = [e['customer_id'].endswith('h') for e in events]
    counts = {what: sum(e['outcome'] == what and not h for e, h in zip(events, held)) for what in symbols}
    for what, good in (('one source', {line['source'] for line in lines} == {'offer-outcomes'}),
                       ('each once', len({(e['customer_id'], e['event_id']) for e in events}) == len(events)),
                       ('words of the contract', {e['outcome'] for e in events} <= set(symbols)),
                       ('no answer to a block', not any(e['decision_id'].endswith('x') for e in events)),
                       ('most are shown, few accept', 300 < counts['PRESENTED'] < 400 and 10 < counts['ACCEPTED'] < counts['CLICKED']),
                       ('the others buy too', 0 < sum(held) < counts['ACCEPTED']),
                       ('revenue with what was bought', all(('revenue_minor' in e) == (e['outcome'] == 'ACCEPTED') for e in events)),
                       ('after the offer', {e['occurred_at'][:10] for e in events} == {'2026-01-02', '2026-01-03'}),
                       ('counted', json.loads(summary.read_text())['outcomes'] == len(events))):
        failed += [] if good else [f'answers: not {what}: {counts}']
    return failed


def check_interrupted(url):
    """Whoever waits until all is processed learns that it did not come to that; whoever only looks on has seen enough."""
    failed = []
    for words, code, number in ((['--until-idle', '60'], 69, signal.SIGINT), ([], 0, signal.SIGINT), (['--until-idle', '60'], 69, signal.SIGTERM), ([], 0, signal.SIGTERM)):
        run = subprocess.Popen([sys.executable, sys.argv[1], '--metrics', url, '--status-every', '1', *words, '--', 'true'], text=True,
                               stdout=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))  # as deploy/demo starts it
        run.stdout.readline()
        run.send_signal(number)
        said = run.communicate(timeout=100)[0]
        failed += [f'{number.name} with {words}: exit {run.returncode}: {said}'] if run.returncode != code or 'events: ' not in said else []
    return failed


def main():
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        outputs, summary = pathlib.Path(folder, 'outputs'), pathlib.Path(folder, 'summary')
        outputs.write_text(''.join(json.dumps(record) + '\n' for record in OUTPUTS))
        run = subprocess.run([sys.executable, sys.argv[1], '--metrics', f'http://127.0.0.1:{server.server_address[1]}/metrics', '--feeder', '0',
                              '--status-every', '1', '--lines', '9', '--until-idle', '4', '--summary', summary, '--', 'cat', outputs],
                             capture_output=True, text=True, timeout=100)
        facts = json.loads(summary.read_text())
        url = f'http://127.0.0.1:{server.server_address[1]}/metrics'
        failed_others = check_logins(url, pathlib.Path(folder)) + check_answers(url, pathlib.Path(folder)) + check_interrupted(url)
    failed = [f'not shown: {line}' for line in SHOWN if line not in run.stdout]
    failed += [f'{name}: {facts.get(name)}, not {value}' for name, value in FACTS.items() if facts.get(name) != value]
    failed += failed_others
    print('\n'.join(failed + [run.stdout, run.stderr] if failed else ['all is shown']))
    sys.exit(1 if failed else 0)


main()
