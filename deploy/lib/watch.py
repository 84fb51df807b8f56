#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What happens, live: rates from /metrics, and the outputs as they are committed.

usage: watch.py METRICS_URL TAIL_COMMAND.. -- [--until-idle SECONDS] [--summary FILE]

One status line a second on a terminal (one in ten otherwise), one line per life event, offer and, sampled, segment change.
--until-idle: end when every record has been read, committed and applied, and nothing came for so many seconds.
"""
import collections
import json
import re
import subprocess
import sys
import threading
import time
import urllib.request

LINE = re.compile(r'^(segue_\w+?)(?:\{(.*)\})? (\S+)')
SHOWN_PER_SECOND = 6


def metrics(url):
    """name -> total over all label sets, and (name, labels) -> value."""
    totals, series = collections.defaultdict(float), {}
    with urllib.request.urlopen(url, timeout=2) as answer:
        for line in answer.read().decode().splitlines():
            found = LINE.match(line)
            if found:
                totals[found[1]] += float(found[3])
                series[found[1], found[2] or ''] = float(found[3])
    return totals, series


class Outputs(threading.Thread):
    """Follows `segue tail`, counts what it prints and keeps a few lines to show."""

    def __init__(self, command):
        super().__init__(daemon=True)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace")
        self.counts, self.waiting, self.lock = collections.Counter(), collections.deque(), threading.Lock()

    def run(self):
        for line in self.process.stdout:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            kind, value = record['topic'].rsplit('.', 1)[-1], record.get('value') or {}
            with self.lock:
                self.counts[kind] += 1
                text = describe(kind, value)
                if text and len(self.waiting) < 200:
                    self.waiting.append(text)

    def take(self, count):
        with self.lock:
            return [self.waiting.popleft() for _ in range(min(count, len(self.waiting)))]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def describe(kind, value):
    who = value.get('customer_id', '?')
    when = str(value.get('effective_at', ''))[:16].replace('T', ' ')
    if kind == 'segment-changes':
        proof = value.get('proof') or []
        leaf = next((p for p in proof if p.get('holds', True)), proof[0] if proof else None)
        why = f"  because {leaf['expr']} ({leaf['value']})" if leaf else ''
        return f"{when}  {who}  {value.get('transition', '').lower():8} {value.get('segment_id')}{why}"
    if kind == 'life-events':
        return (f"{when}  {who}  life event {value.get('life_event')} {value.get('state', '').lower()}"
                f" (confidence {value.get('confidence', 0):.2f})")
    if kind == 'offers' and value.get('offers'):
        offer = value['offers'][0]
        return f"{when}  {who}  offer {offer['offer_id']} by {offer['channel']}, score {offer['score']:.2f}"
    return None


def status(totals, before, seconds, counts):
    rate = (totals['segue_events_total'] - before['segue_events_total']) / seconds
    return (f"{rate:9,.0f} events/s | lag {totals['segue_lag_records']:,.0f} | commits {totals['segue_commits_total']:,.0f}"
            f" | segment changes {counts['segment-changes']:,}"
            f" | life events {counts['life-events']:,} | offers {counts['offers']:,}")


def main():
    args = sys.argv[1:]
    split = args.index('--')
    url, command, options = args[0], args[1:split], args[split + 1:]
    idle_after = float(options[options.index('--until-idle') + 1]) if '--until-idle' in options else None
    summary = options[options.index('--summary') + 1] if '--summary' in options else None
    terminal, outputs = sys.stdout.isatty(), Outputs(command)
    outputs.start()
    before, begin, idle, tick, first_events = collections.defaultdict(float), time.time(), 0.0, 0, None
    last = begin
    totals = before
    try:
        while idle_after is None or idle < idle_after:
            time.sleep(1)
            tick += 1
            try:
                totals, _ = metrics(url)
            except OSError as error:
                print(f'  no metrics: {error}', flush=True)
                idle = 0
                continue
            now = time.time()
            for text in outputs.take(SHOWN_PER_SECOND):
                print(('\r\033[K' if terminal else '') + '  ' + text, flush=True)
            line = status(totals, before, now - last, outputs.counts)
            if terminal:
                print('\r\033[K' + line, end='', flush=True)
            elif tick % 10 == 0:
                print(line, flush=True)
            busy = totals['segue_events_total'] != before['segue_events_total'] or totals['segue_lag_records'] > 0 \
                or totals['segue_unapplied_cuts'] > 0 or totals['segue_tasks_ready'] == 0
            idle = 0 if busy else idle + now - last
            before, last = totals, now
    except KeyboardInterrupt:
        pass
    time.sleep(1)
    outputs.stop()
    facts = {'events': int(totals['segue_events_total']), 'rejects': int(totals['segue_rejects_total']),
             'commits': int(totals['segue_commits_total']), 'seconds': round(time.time() - begin, 1)}
    facts.update({kind.replace('-', '_'): count for kind, count in sorted(outputs.counts.items())})
    print('\n' if terminal else '', end='')
    print('\n'.join(f'  {name}: {value}' for name, value in facts.items()))
    if summary:
        with open(summary, 'w', encoding='utf-8') as out:
            json.dump(facts, out)


main()
