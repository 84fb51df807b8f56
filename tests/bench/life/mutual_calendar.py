# SPDX-License-Identifier: Apache-2.0
"""When an Irish mutual's customers are paid and pay: working days, pay calendars, due days."""
import datetime

DAY = datetime.timedelta(days=1)
HOLIDAYS = {datetime.date.fromisoformat(day) for day in (
    '2024-01-01', '2024-02-05', '2024-03-18', '2024-03-29', '2024-04-01', '2024-05-06', '2024-06-03',
    '2024-08-05', '2024-10-28', '2024-12-25', '2024-12-26', '2024-12-27', '2025-01-01', '2025-02-03',
    '2025-03-17', '2025-04-18', '2025-04-21', '2025-05-05', '2025-06-02', '2025-08-04')}
PER_MONTH = {'last': 1, 'dom': 1, 'nth': 1, 'weekly': 52 / 12, 'fortnight': 26 / 12, 'four': 13 / 12}
STRIDE = {'weekly': 7, 'fortnight': 14, 'four': 28}
EPOCH = datetime.date(2023, 1, 2)               # a Monday; pay phases are counted from it


def works(day):
    """Is it a day on which payments settle?"""
    return day.weekday() < 5 and day not in HOLIDAYS


def settle(day, step):
    """The working day at or before (step -1) or at or after (step 1) `day`."""
    while not works(day):
        day += step * DAY
    return day


def month_end(year, month):
    """The last day of a month."""
    return datetime.date(year + month // 12, month % 12 + 1, 1) - DAY


def in_month(calendar, year, month, step):
    """The one day of a monthly calendar in that month."""
    kind = calendar[0]
    last = month_end(year, month)
    if kind == 'last':
        day = last
    elif kind == 'dom':
        day = last.replace(day=min(calendar[1], last.day))
    else:                                       # nth weekday: ('nth', 3, 3) is the third Thursday
        first = last.replace(day=1)
        day = first + ((calendar[2] - first.weekday()) % 7 + 7 * (calendar[1] - 1)) * DAY
    return settle(day, step)


def days(calendar, start, end, step=-1):
    """Every due day of `calendar` in [start, end], moved to working days."""
    found = []
    if calendar[0] in STRIDE:
        stride = STRIDE[calendar[0]]
        day = EPOCH + (calendar[1] + 7 * calendar[2]) * DAY     # weekday, phase in weeks
        day += ((start - day).days // stride) * stride * DAY
        while day <= end + 7 * DAY:
            moved = settle(day, step)
            if start <= moved <= end:
                found.append(moved)
            day += stride * DAY
        return found
    year, month = start.year, start.month
    while datetime.date(year, month, 1) <= end + 7 * DAY:
        day = in_month(calendar, year, month, step)
        if start <= day <= end:
            found.append(day)
        year, month = year + month // 12, month % 12 + 1
    return found


def pay_calendar(rng):
    """An employer's pay calendar, as common as payroll offices have them."""
    roll = rng.random()
    if roll < 0.34:
        return ('last',)
    if roll < 0.56:
        return ('dom', rng.choice((15, 20, 25, 25, 27, 28)))
    if roll < 0.64:
        return ('nth', rng.choice((3, 4)), rng.choice((3, 4)))
    if roll < 0.80:
        return ('fortnight', rng.choice((2, 3, 4)), rng.randrange(2))
    if roll < 0.89:
        return ('four', rng.choice((3, 4)), rng.randrange(4))
    return ('weekly', rng.choice((3, 4)), 0)
