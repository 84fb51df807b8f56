#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A playbook is changed in mid-stream, process by process, and rolled back, with kills in between.
usage: check_upgrade.py SEGUE WORK_DIR [OLD_SEGUE]

The new playbook adds a feature and a segment, the rollback drops them, and they come once more. What both have must go on as if nothing
had happened: nothing lost or doubled, the same values. Both have an offer with a cap, a control group and variants, so that ledgers and
sides of experiments are in the records, and end in the middle of it all: whoever forgets a contact makes one offer too many. OLD_SEGUE: the program of another release, which runs wherever the old playbook
does, so that the binary is upgraded, rolled back and upgraded again with it.
"""
import collections
import json
import pathlib
import shutil
import signal
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'tests/support'), str(ROOT / 'tests/chaos')]
import checker  # noqa: E402
from bank import START_MS, Feeder  # noqa: E402
from follow import read_all  # noqa: E402
from journal import Journal  # noqa: E402
from recount import Output, Outputs, Past, Recount  # noqa: E402
from stack import Process, Stack  # noqa: E402

TASKS, CUSTOMERS, RATE, CAP = 8, 500, 300, 6
OFFERS = f"""
contact_policy: {{holdout: 20%, publish_no_offer: true}}

offers:
  hello:
    purpose: MARKETING
    product: SAVINGS
    channels: [EMAIL]
    eligible: 'c.age >= 18'
    on: {{segments: [odd]}}
    contact: {{cap: {CAP}/365d, repeat_after: 1ms}}
    value: 100
    holdout: 10%
    variants: {{plain: 1, bold: 1}}
"""
EXTRA = """
  dear: {max: tx.amount_minor, currency: any, window: all, publish: true}

segments:
  spender:
    purpose: SERVICE
    including: {dear: 'f.dear >= 50000'}
"""


def edited(folder):
    """The old one with a feature and a segment more."""
    text = (ROOT / 'tests/playbooks/chaos/chaos.yaml').read_text()
    head, segments = (text + OFFERS).split('\nsegments:\n')
    old, new = folder / 'old', folder / 'new'
    for path in (old, new):
        path.mkdir(parents=True)
    (old / 'playbook.yaml').write_text(text + OFFERS)
    (new / 'playbook.yaml').write_text(head + EXTRA + segments)
    return old, new


def feed_profiles(stack):
    """Older than every event: with clock stream they are taken in first."""
    consent = {'purpose': 'MARKETING', 'channel': 'EMAIL', 'status': 'GRANTED', 'lawful_basis': 'CONSENT', 'updated_at': START_MS - 1}
    path = stack.folder / 'profiles.ndjson'
    path.write_text(''.join(json.dumps({'source': 'customer-profiles', 'event': {
        'customer_id': f'C{number:06d}', 'updated_at': START_MS - 1, 'birth_date': '1980-01-01', 'complaint_open': False, 'vulnerability': [],
        'products_held': [], 'consents': [consent]}}) + '\n' for number in range(CUSTOMERS)))
    stack.feed(path)


def recount_of(stack):
    """Whoever has a profile and no transaction yet is quiet, and says so with the profile."""
    recount = Recount(stack)
    for customer, _, _, _, offset in stack.read_raw('in-customer-profiles'):
        past = recount.past[customer.decode()] = Past()
        past.seq, past.quiet = 1, True
        recount.outputs.add(customer.decode(), Output('quiet', 'ENTERED', START_MS - 1, 1, offset, None))
    return read_all(stack, 'in-transactions', recount)


def check_offers(stack, recount):
    """Each entry into `odd` is one decision; of those not held out, the first CAP are offered. (what is wrong, offers, held out)"""
    made, decided, held, ids, wrong = collections.Counter(), collections.Counter(), {}, collections.Counter(), []
    for customer, value, headers, _, _ in stack.read('exposures'):
        ids[headers['ce_id']] += 1
        if not value['layer'].startswith('variant:'):
            held.setdefault((customer, value['layer']), set()).add(value['held_out'])
    for customer, value, headers, _, _ in stack.read('offers'):
        ids[headers['ce_id']] += 1
        decided[customer] += not value['withdrawn']
        made[customer] += len(value['offers'])
    wrong += [f'{what} was on both sides' for what, sides in held.items() if len(sides) > 1]
    out = {customer for (customer, _), sides in held.items() if True in sides}
    for customer, past in recount.past.items():
        entries = (len(past.offsets) + 1) // 2
        wanted = (entries, 0 if customer in out else min(entries, CAP))
        if (decided[customer], made[customer]) != wanted:
            wrong.append(f'{customer}: {decided[customer]} decisions, {made[customer]} offers; should be {wanted}')
    wrong += [f'{ident} came {count} times' for ident, count in ids.items() if count > 1]
    return wrong, made.total(), len(out)


class Roll:
    """Processes that are restarted one after the other under another playbook."""

    def __init__(self, stack, count):
        self.stack, self.count, self.processes = stack, count, []

    def to(self, playbook, how, segue):
        self.stack.playbook, self.stack.segue = playbook, str(segue)
        for i in range(self.count):
            if self.processes[i:]:
                self.processes[i].kill(how)
                self.processes[i] = Process(self.stack, str(i)).start()
            else:
                self.processes.append(Process(self.stack, str(i)).start())
            self.go_on(500)

    def go_on(self, more):
        """Work goes on with whatever is running now."""
        mark, end = self.stack.committed(), time.time() + 60
        while self.stack.committed() < mark + more:
            for process in self.processes:
                if not process.running():
                    raise SystemExit(f'ended with {process.child.returncode}: {process.tail_of_log()}')
            if time.time() > end:
                raise SystemExit(f'no progress within 60 s: {[p.get("/readyz")[1] for p in self.processes]}\n'
                                 f'{self.processes[-1].tail_of_log()}')
            time.sleep(0.1)


def main():
    segue, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    old_segue = pathlib.Path(sys.argv[3]) if sys.argv[3:] else segue
    folder = work / 'upgrade'
    shutil.rmtree(folder, ignore_errors=True)
    old, new = edited(folder)
    stack = Stack(segue, work, f'upgrade{int(time.time())}', old, tasks=TASKS, topics=('transactions', 'customer-profiles'))
    stack.extra_config = 'merge_wait: 0s\n'      # profiles are all there; none is waited for
    stack.create_topics()
    feed_profiles(stack)
    feeder = Feeder(stack, 1, CUSTOMERS, RATE)
    feeder.start()
    roll = Roll(stack, 2)
    try:
        roll.to(old, None, old_segue)
        roll.go_on(1500)
        roll.to(new, signal.SIGTERM, segue)
        roll.go_on(1500)
        roll.to(old, signal.SIGKILL, old_segue)
        roll.go_on(1500)
        roll.to(new, signal.SIGKILL, segue)
        events = feeder.finish()
        stack.wait_done(roll.processes[0], events + CUSTOMERS)
    finally:
        for process in roll.processes:
            if process.running():
                process.kill()
    recount = recount_of(stack)
    outputs = read_all(stack, 'segment-changes', Outputs(stack, skip={'spender'}))
    both, spenders = outputs.outputs.digests, outputs.skipped
    lost, doubled, differing, wrong = checker.check_outputs(recount.outputs.digests, both)
    views = checker.check_views(recount, checker.views_of(stack))
    broken = read_all(stack, 'journal', Journal()).check(recount.ends)
    broken += [f'{n} ids were used more than once' for n in [outputs.ids_used_again()] if n]
    misjudged, offers, held_out = check_offers(stack, recount)
    print(f'upgrade_offers: {offers}\nupgrade_held_out: {held_out}\nupgrade_offers_wrong: {len(misjudged)}')
    print(f'upgrade_events: {events}\nupgrade_outputs: {sum(map(len, both.values()))}\nupgrade_outputs_lost: {lost}\n'
          f'upgrade_outputs_doubled: {doubled}\nupgrade_outputs_differing: {differing}\nupgrade_views_differing: {len(views)}\n'
          f'upgrade_cuts_wrong: {len(broken)}\nupgrade_outputs_of_new_segment: {spenders}')
    assert offers > CUSTOMERS and 0 < held_out < CUSTOMERS, (offers, held_out)
    assert spenders and not wrong + views + broken + misjudged, (wrong + views + broken + misjudged)[:5]


main()
