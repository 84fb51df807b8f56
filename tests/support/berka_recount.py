# SPDX-License-Identifier: Apache-2.0
"""What Segue must know of every Berka account at the end, recounted the plain way from the NDJSON. Shares no code with it."""
import collections
import datetime
import json

import murmur2

QUIET = ('INTEREST', 'FEE')


def load(path):
    """customer -> its events in order."""
    customers = collections.defaultdict(list)
    for line in open(path, encoding='utf-8'):
        event = json.loads(line)['event']
        event['day'] = datetime.date.fromisoformat(event['booked_at'][:10]).toordinal()
        customers[event['customer_id']].append(event)
    return customers


def task_today(customers, tasks):
    """The day of each task's newest event: windows end there (clock: stream)."""
    today = collections.defaultdict(int)
    for customer, events in customers.items():
        task = murmur2.partition(customer, tasks)
        today[task] = max(today[task], max(e['day'] for e in events))
    return today


def features(events, today):
    """Feature name -> value; None: nothing known."""
    def window(days):
        return [e for e in events if today - days < e['day'] <= today]

    def total(chosen, direction):
        return sum(e['amount_minor'] for e in chosen if e['direction'] == direction)

    month, quarter = window(30), window(90)
    active = [e for e in events if e['kind'] not in QUIET]
    return {
        'tx_count': len(events),
        'credit_total': total(events, 'CREDIT'),
        'debit_total': total(events, 'DEBIT'),
        'largest': max(e['amount_minor'] for e in events),
        'smallest': min(e['amount_minor'] for e in events),
        'balance': events[-1]['balance_after_minor'],
        'count_30d': len(month),
        'credit_30d': total(month, 'CREDIT'),
        'debit_90d': total(quarter, 'DEBIT'),
        'payers_90d': len({e['counterparty_id'] for e in quarter if 'counterparty_id' in e and e['direction'] == 'DEBIT'}),
        'days_quiet': today - active[-1]['day'] if active else None,
    }
