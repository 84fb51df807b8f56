# SPDX-License-Identifier: Apache-2.0
"""New South Wales' days: bank holidays, school holidays, seasons of spending, and when something that recurs falls due."""
import datetime
import functools
import zoneinfo

ZONE = zoneinfo.ZoneInfo('Australia/Sydney')
START = datetime.date(2025, 1, 1).toordinal()
HOLIDAYS = {datetime.date.fromisoformat(text).toordinal() for text in (
    '2024-12-25 2024-12-26 2025-01-01 2025-01-27 2025-04-18 2025-04-21 2025-04-25 2025-06-09 2025-10-06 2025-12-25 2025-12-26 '
    '2026-01-01 2026-01-26 2026-04-03 2026-04-06 2026-04-27 2026-06-08 2026-10-05 2026-12-25 2026-12-28 2027-01-01 2027-01-26 '
    '2027-03-26 2027-03-29 2027-04-26 2027-06-14 2027-10-04 2027-12-27 2027-12-28').split()}
SCHOOL_HOLIDAYS = [(datetime.date.fromisoformat(a).toordinal(), datetime.date.fromisoformat(b).toordinal()) for a, b in (
    ('2025-01-01', '2025-02-05'), ('2025-04-12', '2025-04-29'), ('2025-07-05', '2025-07-21'), ('2025-09-27', '2025-10-13'),
    ('2025-12-20', '2026-02-01'), ('2026-04-03', '2026-04-21'), ('2026-07-04', '2026-07-20'), ('2026-09-26', '2026-10-12'))]
# A coastal town: the year's peak is December and the summer holidays, winter is quiet.
OF_MONTH = {1: 1.04, 2: 0.93, 3: 0.97, 4: 1.02, 5: 0.96, 6: 0.95, 7: 0.98, 8: 0.95, 9: 1.0, 10: 1.0, 11: 1.05, 12: 1.28}
STEP = {'weekly': 7, 'fortnightly': 14, 'fourweekly': 28}
MONTHS = {'monthly': 1, 'lastday': 1, 'quarterly': 3, 'yearly': 12}


def date(day):
    return datetime.date.fromordinal(day)


@functools.lru_cache(maxsize=None)
def midnight(day):
    """Milliseconds since 1970 of a local day's begin."""
    at = date(day)
    return int(datetime.datetime(at.year, at.month, at.day, tzinfo=ZONE).timestamp()) * 1000


@functools.lru_cache(maxsize=None)
def business(day):
    return date(day).weekday() < 5 and day not in HOLIDAYS


def earlier(day):
    while not business(day):
        day -= 1
    return day


def later(day):
    while not business(day):
        day += 1
    return day


@functools.lru_cache(maxsize=None)
def season(day):
    return OF_MONTH[date(day).month]


def of_month(month_number, day_of_month):
    """month_number counts from the year 0; a 31st is the month's last day where there is none."""
    year, month = divmod(month_number, 12)
    following = datetime.date(year + (month == 11), (month + 1) % 12 + 1, 1).toordinal()
    return min(datetime.date(year, month + 1, 1).toordinal() + day_of_month - 1, following - 1)


def month_number(day):
    at = date(day)
    return at.year * 12 + at.month - 1


def due(every, anchor, begin, end):
    """The days in [begin, end) on which it falls due, before any shift. `anchor`: of weeks any due day, of months the day of the
    month, plus 100 for each month by which a quarter or year is moved."""
    if every in STEP:
        step = STEP[every]
        day = begin + (anchor - begin) % step
        while day < end:
            yield day
            day += step
        return
    for number in range(month_number(begin), month_number(end) + 1):
        if (number - anchor // 100) % MONTHS[every]:
            continue
        day = of_month(number, 31 if every == 'lastday' else anchor % 100)
        if begin <= day < end:
            yield day


def school_holidays(begin, end):
    return [(a, b) for a, b in SCHOOL_HOLIDAYS if a >= begin and b <= end]
