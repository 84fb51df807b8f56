# SPDX-License-Identifier: Apache-2.0
"""What the customers of the demo answer to their offers, as the bank's channels would report it.

The rates are made up. They are drawn from hashes of the decision's names, so an offer has one answer however often it is read:
most are shown, some of those clicked, a few accepted, and now and then somebody wants to hear no more. Each variant appeals more
or less, so there is something to learn; and who is held out of an experiment buys too, more seldom, so there is something to
compare with. An answer is dated hours or a day after the offer, but never after now."""
import datetime
import hashlib

PRESENTED, CLICKED, ACCEPTED, REJECTED, DISMISSED, OPTED_OUT, COMPLAINED = 0.85, 0.35, 0.10, 0.15, 0.20, 0.004, 0.002
ANYWAY = 0.03   # bought by who is held out
HOUR, DAY = 3600, 86400


def draw(*names):
    """From 0 to 1, the same for the same names."""
    return int.from_bytes(hashlib.sha256('|'.join(names).encode()).digest()[:6], 'big') / 2 ** 48


def outcome(value, offer, what, at_s, revenue_minor=None):
    when = datetime.datetime.fromtimestamp(at_s, datetime.timezone.utc).isoformat(timespec='milliseconds')
    event = {'event_id': f"{value['decision_id']}-{offer['offer_id']}-{what}", 'customer_id': value['customer_id'],
             'decision_id': value['decision_id'], 'offer_id': offer['offer_id'], 'variant': offer.get('variant'),
             'channel': offer.get('channel'), 'outcome': what, 'occurred_at': when.replace('+00:00', 'Z')}
    if revenue_minor is not None:
        event['revenue_minor'] = revenue_minor
    return {'source': 'offer-outcomes', 'event': event}


def revenue(decision, offer):
    return 2000 + int(13000 * draw(decision, offer, 'revenue'))


def to_offer(value, offer, made_s, now_s):
    """Of one offer of a decision."""
    decision, name = value['decision_id'], offer['offer_id']
    chance = lambda what: draw(decision, name, what)  # noqa: E731
    appeal = 0.6 + 0.8 * draw(name, offer.get('variant') or '')
    if chance('PRESENTED') >= PRESENTED:
        return []
    said = [('PRESENTED', 2 * HOUR, None)]
    if chance('CLICKED') < CLICKED * appeal:
        said.append(('CLICKED', 2 * HOUR + 60, None))
    answer, at = chance('answer'), 0
    for what, rate in (('ACCEPTED', ACCEPTED * appeal), ('REJECTED', REJECTED), ('DISMISSED', DISMISSED),
                       ('OPTED_OUT', OPTED_OUT), ('COMPLAINED', COMPLAINED)):
        at += rate
        if answer < at:
            said.append((what, DAY, revenue(decision, name) if what == 'ACCEPTED' else None))
            break
    return [outcome(value, offer, what, min(made_s + after, now_s), minor) for what, after, minor in said]


def to_record(kind, value, now_s):
    """Events of bank.offer-outcomes that follow from a record of segue.offers or segue.exposures."""
    made = value.get('effective_at')
    if not made or kind not in ('offers', 'exposures'):
        return []
    made_s = datetime.datetime.fromisoformat(made.replace('Z', '+00:00')).timestamp()
    if kind == 'offers':
        return [event for offer in value.get('offers') or [] for event in to_offer(value, offer, made_s, now_s)]
    customer, offer = value['customer_id'], value['offer_id']
    if not value.get('held_out') or draw(customer, offer, 'anyway') >= ANYWAY:
        return []
    return [outcome(value, {'offer_id': offer}, 'ACCEPTED', min(made_s + DAY, now_s), revenue(customer, offer))]
