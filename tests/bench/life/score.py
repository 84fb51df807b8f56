# SPDX-License-Identifier: Apache-2.0
"""How good a detector of life events is, given the truth.

A detection is (customer, type, moment, confidence). It is judged against the truth of the same customer and type: one
detection to one truth, the earliest first, when it comes in the truth's window: from `early` days before it happened
(people prepare: a baby, a move) to LATE_DAYS after it could be known. What matches nothing is a false alarm, except where
the truth is `implied` (a lost job is also a fallen income): that may be said or not. A false alarm in the window of a decoy
of its type is a decoy hit.
"""
import collections
import datetime
import json

LATE_DAYS = 120
EARLY_DAYS = collections.defaultdict(lambda: 35, {'baby': 150, 'wedding.planned': 60, 'home.purchase': 90, 'separation': 70})
TYPES = ('salary.first job.changed job.lost income.drop pay.rise retirement.approaching retirement.started baby '
         'childcare.started wedding.planned household.joint separation bereavement home.moving home.purchase windfall '
         'debt.stress leaving dormant student.start car.purchase business.started account.reactivated').split()
GOALS = ('job.lost job.changed salary.first retirement.started pay.rise windfall dormant childcare.started '
         'home.moving').split()

Detection = collections.namedtuple('Detection', 'customer type day confidence')
Truth = collections.namedtuple('Truth', 'customer type happened knowable decoy implied')


EPOCH = datetime.date(1970, 1, 1).toordinal()


def day_of(moment):
    """A day's number, of ISO text or of milliseconds since 1970."""
    if isinstance(moment, int):
        return EPOCH + moment // 86400000
    return datetime.date.fromisoformat(moment[:10]).toordinal()


def read_truth(path):
    with open(path, encoding='utf-8') as lines:
        rows = [json.loads(line) for line in lines]
    return [Truth(row['customer_id'], row['life_event'], day_of(row['happened_at']), day_of(row['knowable_at']), row['decoy'],
                  row['implied']) for row in rows]


def in_window(truth, day):
    return truth.happened - EARLY_DAYS[truth.type] <= day <= max(truth.knowable, truth.happened) + LATE_DAYS


def match(detections, truths):
    """detection -> truth (or None) for those of one customer and type."""
    result, free = {}, sorted(truths, key=lambda t: (t.implied, t.happened))
    for detection in sorted(detections, key=lambda d: d.day):
        found = next((t for t in free if in_window(t, detection.day)), None)
        result[detection] = found
        if found is not None and not found.implied:
            free.remove(found)
    return result


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else None


class Score:
    """Counts of one type; of several banks when added up."""

    def __init__(self):
        self.truths = self.hits = self.alarms = self.decoys = self.decoys_hit = 0
        self.delays = []

    def add(self, other):
        for name in ('truths', 'hits', 'alarms', 'decoys', 'decoys_hit'):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.delays += other.delays

    @property
    def precision(self):
        return self.hits / (self.hits + self.alarms) if self.hits + self.alarms else 0.0

    @property
    def recall(self):
        return self.hits / self.truths if self.truths else 0.0

    @property
    def f1(self):
        return 2 * self.precision * self.recall / (self.precision + self.recall) if self.hits else 0.0


def by_customer(items):
    groups = collections.defaultdict(list)
    for item in items:
        groups[item.customer, item.type].append(item)
    return groups


def score(detections, truths):
    """type -> Score."""
    out = {kind: Score() for kind in TYPES}
    real = by_customer(t for t in truths if t.decoy is None)
    decoys = by_customer(t for t in truths if t.decoy is not None)
    found = by_customer(detections)
    for truth in truths:
        if truth.type in out and not truth.implied:
            if truth.decoy is None:
                out[truth.type].truths += 1
            else:
                out[truth.type].decoys += 1
    for (customer, kind), group in found.items():
        if kind not in out:
            continue
        one, hit_decoys = out[kind], set()
        for detection, truth in match(group, real.get((customer, kind), [])).items():
            if truth is None:
                one.alarms += 1
                hit_decoys.update(d for d in decoys.get((customer, kind), []) if in_window(d, detection.day))
            elif not truth.implied:
                one.hits += 1
                one.delays.append(detection.day - truth.knowable)
        one.decoys_hit += len(hit_decoys)
    return out


def judged(messages, truths):
    """(type, confidence, is it true) of each message, suspicions too: true when the customer has that truth in its window. What
    is implied by another truth may be said or not and is left out."""
    real, out = by_customer(t for t in truths if t.decoy is None), []
    for message in messages:
        covering = [t for t in real.get((message.customer, message.type), []) if in_window(t, message.day)]
        if not covering or not all(t.implied for t in covering):
            out.append((message.type, message.confidence, bool(covering)))
    return out


def reliability(messages):
    """Tenths of confidence -> (messages, their mean confidence, how many were true)."""
    bins = collections.defaultdict(list)
    for _, confidence, true in messages:
        bins[min(9, int(confidence * 10 + 1e-9))].append((confidence, true))
    return {tenth: (len(group), sum(c for c, _ in group) / len(group), sum(t for _, t in group))
            for tenth, group in sorted(bins.items())}


def macro_f1(scores):
    judged = [one.f1 for one in scores.values() if one.truths]
    return sum(judged) / len(judged) if judged else 0.0
