#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What happens, live: rates from /metrics, and the outputs as they are committed.

On a terminal: some lines a second, and under them a status line that is written again and again. Otherwise: fewer
lines, the status every ten seconds. Rare things are shown before frequent ones; everything is counted for the end.

With --logins a customer opens the app every second, and what comes of it is shown with the time from the login, as the app
sends it, to the decision in the hands of a reader of the topic. With --answers customers answer their offers (answers.py)."""
import argparse
import collections
import json
import os
import pathlib
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import answers

LINE = re.compile(r'^(segue_\w+?)(?:\{(.*)\})? (\S+)')
LINES_A_SECOND = 6
LINES_WITHOUT_TERMINAL = 2
STATUS_EVERY = 10
PATIENCE_S = float(os.environ.get('SEGUE_WATCH_PATIENCE_S', '30'))  # with something ended, before it is given up
WAITING_MAX = 50
NAMED_IN_SUMMARY = 6
STEP_COLUMNS = slice(31, 42)
COLOURS = {'entered': '32', 'exited': '33', 'life': '35', 'offer': '36', 'dim': '2', 'bold': '1'}


class Screen:
    """Colour and cutting on a terminal, plain lines elsewhere; NO_COLOR is respected."""

    def __init__(self, out):
        self.out, self.terminal = out, out.isatty()
        self.colour = self.terminal and not os.environ.get('NO_COLOR') and os.environ.get('TERM', 'dumb') != 'dumb'
        self.status_shown = False

    def paint(self, name, text):
        return f'\033[{COLOURS[name]}m{text}\033[0m' if self.colour and name in COLOURS else text

    def cut(self, text):
        width = shutil.get_terminal_size().columns - 1
        return text if not self.terminal or len(text) <= width else text[:max(width - 2, 1)] + '..'

    def line(self, text, colour='', columns=slice(None)):
        """Only `columns` of it are painted."""
        text = self.cut(text)
        begin, end, _ = columns.indices(len(text))
        text = text[:begin] + self.paint(colour, text[begin:end]) + text[end:]
        print(('\r\033[K' if self.status_shown else '') + text, file=self.out, flush=True)
        self.status_shown = False

    def status(self, text):
        """Stays at the bottom of a terminal."""
        print('\r\033[K' + self.paint('bold', self.cut(text)), end='', file=self.out, flush=True)
        self.status_shown = True


def metrics(url):
    """name -> total over all label sets."""
    totals = collections.defaultdict(float)
    with urllib.request.urlopen(url, timeout=2) as answer:
        for line in answer.read().decode().splitlines():
            found = LINE.match(line)
            if found:
                totals[found[1]] += float(found[3])
    return totals


def event_line(event_id, customer, at_s, **event):
    when = time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(at_s)) + f'.{int(at_s * 1000) % 1000:03}Z'
    return json.dumps({'source': 'app-engagement', 'event': {'event_id': event_id, 'customer_id': customer, 'occurred_at': when,
                                                             'channel': 'MOBILE_APP', **event}}) + '\n'


class Feed:
    """What publishes events; any thread may write."""

    def __init__(self, command):
        self.process, self.lock = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True), threading.Lock()

    def write(self, *lines):
        """False: it has ended."""
        try:
            with self.lock:
                self.process.stdin.writelines(lines)
                self.process.stdin.flush()
        except (OSError, ValueError):  # ValueError: closed at the end of the demo
            return False
        return True

    def stop(self):
        try:
            with self.lock:
                self.process.stdin.close()
        except OSError:
            pass
        self.process.wait()


class Answers:
    """What customers do with their offers, back to the bank.

    While a history is fed they are kept until it has been processed: time goes by days a second then, and sources that merge by
    event time (processor/decisions/0007) would wait for every answer."""

    def __init__(self, feed, keep):
        self.feed, self.kept, self.lock = feed, [] if keep else None, threading.Lock()

    def hear(self, kind, value):
        """What was answered."""
        events = answers.to_record(kind, value, time.time())
        with self.lock:
            if self.kept is not None:
                self.kept += events
            elif events:
                self.write(events)
        return [event['event']['outcome'] for event in events]

    def release(self):
        """True: those that were kept have gone out, and more goes at once from now on."""
        with self.lock:
            kept, self.kept = self.kept, None
            return bool(kept) and self.write(sorted(kept, key=lambda event: event['event']['occurred_at']))

    def write(self, events):
        return self.feed.write(*(json.dumps(event) + '\n' for event in events))


class Logins:
    """Customers who asked two days ago what a loan costs, and open the app now."""

    def __init__(self, feed, customers):
        self.feed, self.customers, self.sent, self.took_ms, self.offered = feed, customers, {}, [], 0

    def log_in(self):
        """False: the feed has ended."""
        customer, now = f'L{random.randint(1, self.customers):08}', time.time()
        event_id = f'{customer}-login-{int(now * 1000)}'
        self.sent[event_id] = time.monotonic()
        return self.feed.write(event_line(f'{event_id}-asked', customer, now - 2 * 86400, event='calculator_used', product='LOAN'),
                               event_line(event_id, customer, now, event='login'))

    def answer(self, value):
        """Milliseconds since the login that led to this decision, or None."""
        sent = self.sent.pop((value.get('cause') or {}).get('event_id'), None)
        if sent is None:
            return None
        self.took_ms.append((time.monotonic() - sent) * 1000)
        self.offered += bool(value.get('offers'))
        return self.took_ms[-1]

    def facts(self):
        took = sorted(self.took_ms)
        times = {f'login_to_decision_p{p}_ms': round(took[len(took) * p // 100]) for p in (50, 99)} if took else {}
        return {'logins': len(self.sent) + len(took), 'logins_answered': len(took), 'logins_offered': self.offered, **times}


class Outputs(threading.Thread):
    """Follows `segue tail`, counts what it prints and keeps a few lines of each sort to show."""

    def __init__(self, command, logins=None, customers=None):
        super().__init__(daemon=True)
        self.logins, self.answers = logins, customers
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors='replace')
        self.counts, self.sorts = collections.Counter(), collections.Counter()
        self.waiting, self.lock = collections.defaultdict(collections.deque), threading.Lock()

    def run(self):
        for line in self.process.stdout:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            kind, value = record['topic'].rsplit('.', 1)[-1], record.get('value') or {}
            if kind == 'offers' and not value.get('offers'):
                kind = 'no-offer'
            answered = self.answers.hear(kind, value) if self.answers else []
            took_ms = self.logins.answer(value) if self.logins and kind in ('offers', 'no-offer') else None
            what = describe(kind, value) if took_ms is None else describe_login(value, took_ms)
            with self.lock:
                self.counts[kind] += 1
                self.counts.update('outcomes' for _ in answered)
                self.sorts.update(('outcomes', outcome) for outcome in answered)
                if what:
                    colour, sort, text = what
                    self.sorts[kind, sort] += 1
                    if text and len(self.waiting[kind, sort]) < WAITING_MAX:
                        self.waiting[kind, sort].append((colour, text))

    def take(self, count):
        """Up to `count` lines, one of each sort in turn, the rarest sort first."""
        taken = []
        with self.lock:
            while len(taken) < count and any(self.waiting.values()):
                for sort in sorted(self.waiting, key=self.sorts.get):
                    if self.waiting[sort] and len(taken) < count:
                        taken.append(self.waiting[sort].popleft())
            for queue in self.waiting.values():
                queue.clear()
        return taken

    def stop(self):
        self.process.terminate()
        self.process.wait()


def deciding(transition, proof):
    """The leaf that says most about a change: what excludes; on leaving what no longer holds; else the first that holds."""
    wanted = [lambda p: p['holds']] if transition == 'ENTERED' else [
        lambda p: p['polarity'] == 'EXCLUDING' and p['holds'], lambda p: p['polarity'] == 'INCLUDING' and not p['holds'],
        lambda p: p['holds']]
    return next((p for want in wanted for p in proof if want(p)), None)


def describe(kind, value):
    """(colour, sort, line) of an output; no line: counted, not shown."""
    who = value.get('customer_id', '?')
    when = str(value.get('effective_at', ''))[:16].replace('T', ' ')
    head = f'  {when:16}  {who:9}  '
    if kind == 'segment-changes':
        leaf = deciding(value.get('transition'), value.get('proof') or [])
        word = 'because' if leaf and leaf['holds'] else 'no longer'
        why = f"  {word} {leaf['expr']} ({leaf['value']})" if leaf else ''
        step = value.get('transition', '').lower()
        sort = f"{value.get('segment_id')} {step}"
        return step, sort, f"{head}{step:10}  {value.get('segment_id')}{why}"
    if kind == 'life-events':
        sort = f"{value.get('life_event')} {value.get('state', '').lower()}"
        return 'life', sort, f"{head}life event  {sort} (confidence {value.get('confidence', 0):.2f})"
    if kind == 'offers':
        offer = value['offers'][0]
        return 'offer', offer['offer_id'], f"{head}offer       {offer['offer_id']} by {offer['channel']}, score {offer['score']:.2f}"
    if kind == 'no-offer':
        return '', f"because {value.get('no_offer_reason')}", None
    return None


def describe_login(value, took_ms):
    offers = value.get('offers')
    what = f"{offers[0]['offer_id']} offered by {offers[0]['channel']}" if offers else f"no offer: {value.get('no_offer_reason')}"
    return ('offer' if offers else 'dim', 'after a login', f"  {str(value.get('effective_at', ''))[:16].replace('T', ' '):16}  "
            f"{value.get('customer_id', '?'):9}  login       {what}, {took_ms:.0f} ms later")


def status(totals, rate, counts):
    return (f"{rate:9,.0f} events/s | lag {totals['segue_lag_records']:,.0f} | commits {totals['segue_commits_total']:,.0f}"
            f" | customers {totals['segue_customers']:,.0f} | segment changes {counts['segment-changes']:,}"
            f" | life events {counts['life-events']:,} | offers {counts['offers']:,}")


def alive(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii', errors='replace') as stat:
            return stat.read().rsplit(') ', 1)[1][0] != 'Z'
    except OSError:
        return False


def ended_services(folder):
    """Those that were started and are not there any more, by their pid files."""
    gone = []
    for file in sorted(pathlib.Path(folder).glob('*.pid')) if folder else []:
        pid = file.read_text(encoding='ascii').strip()
        if file.stem != 'segue' and pid.isdigit() and not alive(int(pid)):
            gone.append(f'{file.stem} has ended: see {file.with_suffix(".log")}')
    return gone


class Trouble:
    """What is not there, said once when it goes and once when it comes back."""

    def __init__(self, screen):
        self.screen, self.shown, self.since = screen, [], None

    def note(self, found):
        """Seconds for which something has been missing."""
        for text in found:
            if text not in self.shown:
                self.screen.line(f'  {text}', 'exited')
        if self.shown and not found:
            self.screen.line('  Everything is there again.', 'bold')
        self.since = (self.since or time.time()) if found else None
        self.shown = found
        return time.time() - self.since if found else 0.0


def busy(totals, before):
    return (totals['segue_events_total'] != before['segue_events_total'] or totals['segue_lag_records'] > 0
            or totals['segue_unapplied_cuts'] > 0 or totals['segue_deadline_lag_seconds'] > 0 or totals['segue_tasks_ready'] == 0)


def follow(args, screen, outputs):
    """Show until everything has been read, committed and applied for --until-idle seconds; False: that cannot be."""
    before, last, idle, tick, trouble = collections.defaultdict(float), time.time(), 0.0, 0, Trouble(screen)
    while args.until_idle is None or idle < args.until_idle:
        time.sleep(1)
        tick += 1
        if outputs.logins and not outputs.logins.log_in():
            screen.line('  The feed of logins has ended; what it said is above.', 'bold')
            outputs.logins = None
        found = ended_services(args.services)
        try:
            totals = metrics(args.metrics)
        except OSError as error:
            found.append(f'segue does not answer: {error}' + (f'; see {args.services}/segue.log' if args.services else ''))
        if trouble.note(found) > PATIENCE_S and args.until_idle is not None:
            screen.line('  Not everything could be processed. Start the demo again: it begins anew.', 'exited')
            return False
        if found:
            idle = 0.0
            continue
        now = time.time()
        for colour, text in outputs.take(args.lines or (LINES_A_SECOND if screen.terminal else LINES_WITHOUT_TERMINAL)):
            if text:
                screen.line(text, colour, STEP_COLUMNS)
        text = status(totals, (totals['segue_events_total'] - before['segue_events_total']) / (now - last), outputs.counts)
        if screen.terminal:
            screen.status(text)
        elif tick % args.status_every == 0:
            screen.line(text)
        idle = 0.0 if busy(totals, before) or alive(args.feeder) else idle + now - last
        if idle > 0 and outputs.answers and outputs.answers.release():
            idle = 0.0
        before, last = totals, now
        args.totals = totals
    return True


def summarize(args, screen, outputs, seconds):
    totals = args.totals
    facts = {'events': int(totals['segue_events_total']), 'rejects': int(totals['segue_rejects_total']),
             'commits': int(totals['segue_commits_total']), 'customers': int(totals['segue_customers']), 'seconds': round(seconds, 1)}
    facts.update({kind.replace('-', '_'): count for kind, count in sorted(outputs.counts.items())})
    if outputs.logins:
        facts.update(outputs.logins.facts())
    screen.line('')
    for name, value in facts.items():
        screen.line(f'  {name}: {value}')
        sorts = sorted(((count, sort) for (kind, sort), count in outputs.sorts.items() if kind.replace('-', '_') == name),
                       reverse=True)
        for count, sort in sorts[:NAMED_IN_SUMMARY]:
            screen.line(f'    {count:7,} {sort}', 'dim')
        if len(sorts) > NAMED_IN_SUMMARY:
            screen.line(f'    {sum(c for c, _ in sorts[NAMED_IN_SUMMARY:]):7,} others', 'dim')
    if args.summary:
        with open(args.summary, 'w', encoding='utf-8') as out:
            json.dump(facts, out)


def end_once(number, frame):
    """The first signal ends the look, and the second does not cut the summary short. Ctrl-C reaches us and whoever started us."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def main():
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, end_once)
    parser = argparse.ArgumentParser(description='What happens, live.')
    parser.add_argument('--metrics', required=True, help='URL of the processor')
    parser.add_argument('--feeder', type=int, default=0, help='process that feeds; idle is counted after its end')
    parser.add_argument('--services', help='folder of the pid files of what must run')
    parser.add_argument('--logins', type=int, help='customers L00000001 to L<N>, one of whom opens the app every second')
    parser.add_argument('--answers', action='store_true', help='customers answer the offers and exposures that are printed')
    parser.add_argument('--feed', help='command that publishes the NDJSON on its standard input, for --logins and --answers')
    parser.add_argument('--until-idle', type=float, help='end after so many seconds without work')
    parser.add_argument('--lines', type=int, help=f'shown a second (on a terminal {LINES_A_SECOND}, else {LINES_WITHOUT_TERMINAL})')
    parser.add_argument('--status-every', type=int, default=STATUS_EVERY, help='seconds between two status lines without a terminal')
    parser.add_argument('--summary', help='file for the counts, as JSON')
    parser.add_argument('tail', nargs='+', help='command that prints the outputs')
    args = parser.parse_args()
    args.totals = collections.defaultdict(float)
    feed = Feed(shlex.split(args.feed)) if args.feed else None
    logins, customers = Logins(feed, args.logins) if args.logins else None, Answers(feed, bool(args.feeder)) if args.answers else None
    screen, outputs, begin = Screen(sys.stdout), Outputs(args.tail, logins, customers), time.time()
    outputs.start()
    good = True
    try:
        good = follow(args, screen, outputs)
        time.sleep(1)
    except KeyboardInterrupt:
        good = args.until_idle is None      # what was waited for has not come
    if feed:
        feed.stop()
    outputs.stop()
    summarize(args, screen, outputs, time.time() - begin)
    sys.exit(0 if good else 69)


main()
