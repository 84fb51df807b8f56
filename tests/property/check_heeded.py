#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What customers say is heeded, once, whenever it comes. usage: check_heeded.py SEGUE

Small histories through `segue backtest`, each with what must follow from it: an opt-out that comes late, an outcome that comes
twice, an opt-out that names no channel, a zone that is mistyped."""
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile

DAY, START = 86_400_000, int(datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.timezone.utc).timestamp() * 1000)
PLAYBOOK = '''currency: GBP
{top}
contact_policy:
  top: 1
offers:
  saver:
    purpose: MARKETING
    product: SAVINGS
    channels: [PUSH, EMAIL]
    on: {{app: [login]}}
    value: 3000
    holdout: 1%
    publish: true
'''
READS = 'late_after: 10d\nfeatures:\n  answers: {count: outcome, publish: true}'


def profile(day=0, **more):
    consents = [{'purpose': 'MARKETING', 'channel': c, 'status': 'GRANTED', 'lawful_basis': 'CONSENT', 'updated_at': START} for c in ('PUSH', 'EMAIL')]
    return 'customer-profiles', {'customer_id': 'c', 'updated_at': START + day * DAY, 'birth_date': '1980-01-01', 'complaint_open': False,
                                 'vulnerability': [], 'products_held': [], 'preferred_channel': 'PUSH', 'consents': consents, **more}


def login(day):
    return 'app-engagement', {'event_id': f'l{day}', 'customer_id': 'c', 'event': 'login', 'occurred_at': int(START + day * DAY)}


def outcome(day, kind, name=None, **more):
    return 'offer-outcomes', {'event_id': name or f'o{day}{kind}', 'customer_id': 'c', 'decision_id': 'x', 'offer_id': 'saver', 'variant': 'default',
                              'outcome': kind, 'occurred_at': int(START + day * DAY), **more}


class Bank:
    def __init__(self, segue, folder):
        self.segue, self.folder, self.wrong = segue, pathlib.Path(folder), []

    def told(self, events, top='', playbook=PLAYBOOK):
        """The values per topic."""
        (self.folder / 'p.yaml').write_text(playbook.format(top=top))
        (self.folder / 'e.ndjson').write_text(''.join(json.dumps({'source': s, 'event': e}) + '\n' for s, e in events))
        run = subprocess.run([self.segue, 'backtest', '--quiet', '--playbook', self.folder / 'p.yaml', '--events', self.folder / 'e.ndjson'],
                             capture_output=True, text=True, check=True)
        assert not run.stderr, run.stderr[:500]
        out = {}
        for line in run.stdout.splitlines():
            record = json.loads(line)
            out.setdefault(record['topic'].removeprefix('segue.'), []).append(record['value'])
        return out

    def same(self, what, said, wanted):
        if said != wanted:
            self.wrong.append(f'{what}: {said}, should be {wanted}')


def last_reason(out):
    newest = out['offers'][-1]
    return newest['no_offer_reason'] if not newest['offers'] else newest['offers'][0]['channel']


def late(bank):
    """An opt-out dated three weeks before the newest outcome."""
    events = [profile(), outcome(21, 'PRESENTED'), outcome(1, 'OPTED_OUT', channel='PUSH'), outcome(1, 'OPTED_OUT', 'again', channel='EMAIL'), login(22)]
    bank.same('a late opt-out', last_reason(bank.told(events, READS)), 'consent:opted_out')
    bank.same('the same in time', last_reason(bank.told(events)), 'consent:opted_out')


def twice(bank):
    """Kafka's producers may repeat themselves: revenue, P and fatigue count an outcome once, whether a feature reads outcomes or not."""
    bought = outcome(2, 'ACCEPTED', channel='PUSH', revenue_minor=700)
    for top in (READS, ''):
        once, again = (bank.told([profile(), login(1), *events], top) for events in ([bought], [bought, bought, outcome(3, 'CLICKED', channel='PUSH'), bought]))
        sides = [[v['sides'][0]['revenue_minor'] for v in out['offer-stats'] if v['experiment']][-1] for out in (once, again)]
        bank.same('revenue of the experiment', sides, [700, 700])
        bank.same('and of the arm', [v['revenue_minor'] for v in again['offer-stats'] if not v['experiment']][-1], 700)


def without_channel(bank):
    """The contract lets an outcome leave the channel out: then the opt-out is of all of them."""
    bank.same('an opt-out that names no channel', last_reason(bank.told([profile(), outcome(1, 'OPTED_OUT'), login(2)])), 'consent:opted_out')
    bank.same('one that names a channel', last_reason(bank.told([profile(), outcome(1, 'OPTED_OUT', channel='EMAIL'), login(2)])), 'PUSH')


def zone(bank):
    """A zone that is mistyped is not the bank's own: nobody knows when it is night there."""
    quiet, policy = PLAYBOOK.replace('  top: 1\n', '  top: 1\n  quiet_hours: {{}}\n'), 'Europe/Lndon'
    for name, wanted in ((policy, 'EMAIL'), ('Europe/London', 'PUSH'), (None, 'PUSH')):
        bank.same(f'zone {name}', last_reason(bank.told([profile(timezone=name), login(1), login(2.1)], playbook=quiet)), wanted)


def main():
    with tempfile.TemporaryDirectory() as folder:
        bank = Bank(sys.argv[1], folder)
        late(bank)
        twice(bank)
        without_channel(bank)
        zone(bank)
    print(*bank.wrong or ['heeded'], sep='\n')
    sys.exit(1 if bank.wrong else 0)


main()
