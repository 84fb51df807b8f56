# SPDX-License-Identifier: Apache-2.0
"""Recounts tests/playbooks/chaos from the input topic and compares everything that Segue wrote. Shares no code with Segue.

Oracles: outputs (lost, doubled, differing), views, record bytes and due buckets (against an application left in peace over the
same topic), the journal's chain of cuts, and what a reader saw in Redis while it happened (always the state after one cut).
"""
import array
import collections
import copy

from follow import read_all
from journal import Journal
from recount import Outputs, Recount, digest, values_of

CANARY_READS = 20000                # enough for a damage to be noticed
EXPLAINED = 3
TOPICS = ('in-transactions', 'segment-changes', 'journal')


def check_outputs(wanted, outputs):
    """(lost, doubled, differing, customers with any of it)"""
    lost = doubled = differing = 0
    wrong = []
    for customer in sorted(set(wanted) | set(outputs)):
        a, b = wanted.get(customer, ()), outputs.get(customer, ())
        if a == b:
            continue
        want, have = collections.Counter(a), collections.Counter(b)
        missing, extra = want - have, have - want
        again = sum(n for o, n in extra.items() if o in want)
        lost += max(missing.total() - (extra.total() - again), 0)
        doubled += again
        differing += max(extra.total() - again, 1 if not missing and not extra else 0)
        wrong.append(customer)
    return lost, doubled, differing, wrong


def check_views(recount, views):
    """views: customer -> the numbers in it."""
    return [f'view of {c}: {views.get(c)}, should be {recount.view(c)}' for c in recount.past if views.get(c) != recount.view(c)]


def check_state(calm, storm):
    """Record, view and due keys byte for byte; the head is each application's own."""
    def ours(state, name):
        prefix = b'{%s.' % name.encode()
        return {key[len(prefix):]: value for key, value in state.items() if not key.endswith(b'}head')}
    a, b = ours(*calm), ours(*storm)
    return [f'{key}: {b.get(key)}, undisturbed {a.get(key)}'[:600] for key in sorted(set(a) | set(b)) if a.get(key) != b.get(key)]


def check_seen(seen, cuts, recount):
    """Whenever the head said READY, Redis was the state after exactly that cut. (errors, samples that could be judged)"""
    ends = {task: {cut.seq: cut.to for cut in chain} for task, chain in cuts.items()}
    first = {task: chain[0].seq for task, chain in cuts.items() if chain}
    errors, judged = [], 0
    for task, seq, customer, values in seen:
        end = ends.get(task, {}).get(seq)
        if end is None:
            if task in first and seq >= first[task]:
                errors.append(f'task {task}: the head said cut {seq}, which was never committed')
            continue
        judged += 1
        if values != recount.view_at(customer, end):
            errors.append(f'task {task} cut {seq}: {customer} was {values}, should be {recount.view_at(customer, end)}')
    return errors, judged


def views_of(stack):
    return {customer: values_of(view) for customer, view in stack.views().items()}


class Evidence:
    """All that is compared, in memory, so that it can be damaged on purpose."""

    def __init__(self, stack, recount, outputs, journal, calm, seen):
        """`calm`: the application left in peace."""
        self.recount, self.wanted, self.journal = recount, recount.outputs.digests, journal
        self.outputs, self.cuts, self.ids_used_again = outputs.outputs.digests, journal.cuts, outputs.ids_used_again()
        self.views = views_of(stack)
        self.calm, self.storm, self.seen = (calm.state(), calm.name), (stack.state(), stack.name), seen

    @classmethod
    def read(cls, stack, calm, seen):
        takers = (Recount(stack), Outputs(stack), Journal())
        return cls(stack, *[read_all(stack, name, taker) for name, taker in zip(TOPICS, takers)], calm, seen)

    def judge(self):
        """figure -> value; and what is wrong."""
        lost, doubled, differing, self.wrong = check_outputs(self.wanted, self.outputs)
        errors = [f'outputs of {customer} are wrong' for customer in self.wrong]
        if self.ids_used_again and not doubled:
            errors.append(f'{self.ids_used_again} ids were used more than once')
        views = check_views(self.recount, self.views)
        state = check_state(self.calm, self.storm)
        journal = self.journal.check(self.recount.ends)
        seen, judged = check_seen(self.seen, self.cuts, self.recount)
        figures = {'outputs': sum(map(len, self.outputs.values())), 'outputs_lost': lost, 'outputs_doubled': doubled,
                   'outputs_differing': differing, 'views': len(self.views), 'views_differing': len(views),
                   'keys': len(self.storm[0]), 'keys_differing': len(state), 'cuts': sum(map(len, self.cuts.values())),
                   'cuts_wrong': len(journal), 'journal_gaps': len(self.journal.begins), 'live_reads': judged, 'live_reads_wrong': len(seen)}
        return figures, errors + views + state + journal + seen

    def canaries(self):
        """Each damage must be noticed. (those that were not, all)"""
        damages = (lose_output, double_output, swap_outputs, change_output, change_view, drop_record, change_due, lose_cut,
                   double_cut, torn_read, uncommitted_read)
        missed = []
        for damage in damages:
            hurt = copy.copy(self)
            hurt.journal = copy.copy(self.journal)
            hurt.outputs, hurt.views, hurt.cuts = dict(self.outputs), dict(self.views), dict(self.cuts)
            hurt.journal.cuts = hurt.cuts
            hurt.storm, hurt.seen = (dict(self.storm[0]), self.storm[1]), self.seen[:CANARY_READS]
            damage(hurt)
            if not hurt.judge()[1]:
                missed.append(damage.__name__)
        return missed, len(damages)


def explain(stack, customers):
    """Reads inputs and outputs again, and says where the first difference of some customers lies."""
    some = customers[:EXPLAINED]
    wanted = read_all(stack, TOPICS[0], Recount(stack, some)).outputs.texts
    had = read_all(stack, TOPICS[1], Outputs(stack, explain=some)).outputs.texts
    for customer in some:
        a, b = wanted[customer], had[customer]
        place = next((i for i, pair in enumerate(zip(a, b)) if pair[0] != pair[1]), min(len(a), len(b)))
        yield f'{customer}: from output {place} of {len(a)} on it is {b[place:place + 3]}, should be {a[place:place + 3]}'


def judge(stack, recount, outputs, journal, calm, seen):
    """What chaos.py wants to know: figures, errors, canaries missed, canaries."""
    evidence = Evidence(stack, recount, outputs, journal, calm, seen)
    figures, errors = evidence.judge()
    if evidence.wrong:
        errors = [*explain(stack, evidence.wrong), *errors]
    return (figures, errors, *(evidence.canaries() if not errors else ([], 0)))


def some_customer(hurt):
    return max(hurt.outputs, key=lambda customer: len(hurt.outputs[customer]))


def change_outputs(hurt, change):
    customer = some_customer(hurt)
    hurt.outputs[customer] = array.array('Q', change(list(hurt.outputs[customer])))


def lose_output(hurt):
    change_outputs(hurt, lambda some: some[:3] + some[4:])


def double_output(hurt):
    change_outputs(hurt, lambda some: some[:3] + some[2:])


def swap_outputs(hurt):
    change_outputs(hurt, lambda some: [some[1], some[0], *some[2:]])


def change_output(hurt):
    change_outputs(hurt, lambda some: [digest(('another total',)), *some[1:]])


def change_view(hurt):
    customer = some_customer(hurt)
    hurt.views[customer] = (0, *hurt.views[customer][1:])


def drop_record(hurt):
    del hurt.storm[0][next(key for key in hurt.storm[0] if b'}c:' in key)]


def change_due(hurt):
    key = next(key for key in hurt.storm[0] if b'}due:' in key)
    hurt.storm[0][key] = hurt.storm[0][key][1:]


def lose_cut(hurt):
    task = next(iter(hurt.cuts))
    hurt.cuts[task] = hurt.cuts[task][:2] + hurt.cuts[task][3:]


def double_cut(hurt):
    task = next(iter(hurt.cuts))
    hurt.cuts[task] = hurt.cuts[task][:2] + hurt.cuts[task][1:]


def torn_read(hurt):
    """The customer's view of one cut beside the head of another."""
    for place, (task, _, customer, values) in enumerate(hurt.seen):
        for cut in hurt.cuts.get(task, []):
            if values != hurt.recount.view_at(customer, cut.to):
                hurt.seen[place] = (task, cut.seq, customer, values)
                return


def uncommitted_read(hurt):
    task = next(iter(hurt.cuts))
    hurt.seen.append((task, hurt.cuts[task][-1].seq + 1, some_customer(hurt), ()))
