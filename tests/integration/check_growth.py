#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""More tasks, as deploy/README.md says: a second application over the same topic, from four tasks to six. usage: check_growth.py SEGUE WORK_DIR

While the bank goes on writing, the old application works, the new one catches up through `segue repartition`, and from a moment T on its
outputs take the place of the old one's: together they must be the outputs of one application that never changed, and both views of
each customer the same. Then somebody gives the bank's topic more partitions: the old application refuses, the new one goes on.
"""
import datetime
import pathlib
import sys
import threading
import time

from confluent_kafka.admin import AdminClient, NewPartitions

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'tests/support'), str(ROOT / 'tests/chaos')]
from bank import Feeder  # noqa: E402
from follow import read_all  # noqa: E402
from recount import Outputs  # noqa: E402
from stack import Process, Stack, free_port  # noqa: E402
from verdict import check, failed  # noqa: E402
from wait import until  # noqa: E402

OLD, NEW, CUSTOMERS, HALF = 4, 6, 150, 2500
EVERYBODY = [f'C{n:06d}' for n in range(CUSTOMERS)]


def feed(feeder, count):
    for _ in range(count):
        feeder.put(f'C{feeder.chance.randrange(CUSTOMERS):06d}')
        feeder.producer.poll(0)
        if feeder.count % 100 == 0:
            time.sleep(0.02)
    feeder.producer.flush(30)


def outputs(stack):
    """customer -> what was published of it, in order, without the offsets of one topic or another."""
    texts = read_all(stack, 'segment-changes', Outputs(stack, explain=EVERYBODY)).outputs.texts
    return {c: [o._replace(cause=None) for o in texts[c]] for c in EVERYBODY}


def views(stack):
    return {c: {k: v for k, v in view.items() if k != 'f.offset'} for c, view in stack.views().items()}


def processed(stack, process, count):
    """All of that many, and Redis has them."""
    totals = process.metrics()
    return totals.get('segue_events_total') == count and totals.get('segue_unapplied_cuts') == 0


def quick(process):
    """Looks every second whether a topic has grown; the client's default is five minutes."""
    path = pathlib.Path(process.config)
    path.write_text(path.read_text().replace('kafka:\n', 'kafka:\n  topic.metadata.refresh.interval.ms: 1000\n'))
    return process


def exit_code(process, seconds=60):
    process.child.wait(seconds)
    return process.child.returncode


def main():
    segue, work = sys.argv[1], pathlib.Path(sys.argv[2])
    begin, stamp = time.time(), int(time.time())
    old = Stack(segue, work, f'grow{stamp}', ROOT / 'tests/playbooks/chaos', tasks=OLD)
    new = Stack(segue, work, f'grown{stamp}', ROOT / 'tests/playbooks/chaos', tasks=NEW)
    old.create_topics()
    feeder = Feeder(old, 3, CUSTOMERS, 0)
    runs = [quick(Process(old))]
    try:
        runs[0].start()
        feed(feeder, HALF)
        moment = datetime.datetime.fromtimestamp(feeder.now_ms // 1000 + 1, datetime.timezone.utc)   # T, a little ahead
        new.input_of, new.source_config = old.name, 'start: earliest, repartition: partitions'
        new.extra_config = f'live_from: {moment:%Y-%m-%dT%H:%M:%SZ}\nrepartition:\n  listen: 127.0.0.1:{free_port()}\n'
        new.create_topics()
        runs += [quick(Process(new)), quick(Process(new, '0', 'step', 'repartition'))]
        feeder.customers = 172800       # a second between two events from now on: partitions are never days apart
        rest = threading.Thread(target=feed, args=[feeder, HALF])
        rest.start()
        for process in runs[1:]:
            process.start()
        rest.join()
        until('the new application has caught up', lambda: processed(new, runs[1], feeder.count))
        feeder.customers = CUSTOMERS
        feeder.start()                  # only to be stopped
        count = feeder.finish()
        for process, stack in ((runs[0], old), (runs[1], new)):
            until(f'{stack.name} has processed {count}', lambda p=process, s=stack: processed(s, p, count))
        at_ms = int(moment.timestamp() * 1000)
        whole, after = outputs(old), outputs(new)
        wanted = {c: [o for o in whole[c] if o.at >= at_ms] for c in EVERYBODY}
        both = [(c, wanted[c], after[c]) for c in EVERYBODY if wanted[c] != after[c]]
        print(f'growth_events: {count}\ngrowth_outputs_before: {sum(map(len, whole.values())) - sum(map(len, wanted.values()))}\n'
              f'growth_outputs_after: {sum(map(len, after.values()))}\ngrowth_customers_differing: {len(both)}')
        check('old up to T and new from T on: each output once, in order', not both and any(after.values()), both[:1])
        a, b = views(old), views(new)
        check('both views of each customer are the same', a == b and len(a) == CUSTOMERS, [c for c in a if a[c] != b.get(c)][:3])

        admin = AdminClient({'bootstrap.servers': old.brokers})
        for future in admin.create_partitions([NewPartitions(old.topic('in-transactions'), NEW)]).values():
            future.result(20)
        check('the old application leaves when its source grows', exit_code(runs[0]) == 75, runs[0].tail_of_log())
        runs[0].start()
        code = exit_code(runs[0])
        check('and is refused with 78 and both numbers', code == 78 and 'tasks: 4 in the configuration, but the sources have 6 partitions'
              in runs[0].tail_of_log(), runs[0].tail_of_log()[-500:])
        check('the step leaves to look anew', exit_code(runs[2]) == 75, runs[2].tail_of_log())
        runs[2].start()
        more = Feeder(old, 4, CUSTOMERS, 0)         # a producer that knows of all six
        more.now_ms = feeder.now_ms + 1
        feed(more, 300)
        until('the new application has what came after', lambda: processed(new, runs[1], count + 300))
        check('it stayed up all the time', runs[1].running())
        for process in runs[1:]:
            check('SIGTERM', process.kill(15) == 0, process.tail_of_log())
    finally:
        for process in runs:
            if process.running():
                process.kill()
    print(f'growth_took_seconds: {time.time() - begin:.1f}\ngrowth_failed: {len(failed)}')
    sys.exit(1 if failed else 0)


main()
