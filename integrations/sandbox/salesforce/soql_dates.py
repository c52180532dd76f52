"""SOQL's date literals (TODAY, LAST_N_DAYS:n, …) as half-open ranges of days in the user's time zone.

Weeks start on Sunday and the fiscal year is the calendar year, as in an org nobody changed.
"""

import re
from datetime import date, timedelta

Days = tuple[date, date]

PLAIN = re.compile(
    r"YESTERDAY|TODAY|TOMORROW|(?:LAST|NEXT)_90_DAYS|(?:LAST|THIS|NEXT)_(?:WEEK|MONTH|(?:FISCAL_)?(?:QUARTER|YEAR))"
)
COUNTED = re.compile(
    r"(?P<side>LAST|NEXT)_N_(?P<unit>DAY|WEEK|MONTH|(?:FISCAL_)?(?:QUARTER|YEAR))S"
    r"|N_(?P<ago>DAY|WEEK|MONTH|(?:FISCAL_)?(?:QUARTER|YEAR))S_AGO"
)


def is_range(word: str) -> bool:
    """Whether ``word`` (in capitals) is a date literal without a number."""
    return PLAIN.fullmatch(word) is not None


def is_counted_range(word: str) -> bool:
    """Whether ``word`` (in capitals) is a date literal that wants ":n"."""
    return COUNTED.fullmatch(word) is not None


def date_range(word: str, n: int, today: date) -> Days:
    """First day and the day after the last of a date literal. Raises OverflowError, ValueError beyond the calendar.

    LAST_N_DAYS and LAST_90_DAYS contain today, the other LAST_N_… end before the current week, month, … begins.
    """
    counted = COUNTED.fullmatch(word)
    if counted is None:
        return _plain(word, today)
    if counted["ago"]:
        return _span(counted["ago"], today, -n, -n)
    if counted["side"] == "NEXT":
        return _span(counted["unit"], today, 1, n)
    return _span(counted["unit"], today, -n, 0 if counted["unit"] == "DAY" else -1)


def _plain(word: str, today: date) -> Days:
    day = {"YESTERDAY": -1, "TODAY": 0, "TOMORROW": 1}.get(word)
    if day is not None:
        return _span("DAY", today, day, day)
    side, _, unit = word.partition("_")
    if unit == "90_DAYS":
        return _span("DAY", today, -90, 0) if side == "LAST" else _span("DAY", today, 1, 90)
    n = {"LAST": -1, "THIS": 0, "NEXT": 1}[side]
    return _span(unit, today, n, n)


def _span(unit: str, today: date, first: int, last: int) -> Days:
    """Whole units ``first`` to ``last``, 0 being the current one."""
    match unit.removeprefix("FISCAL_"):
        case "DAY":
            return today + timedelta(days=first), today + timedelta(days=last + 1)
        case "WEEK":
            sunday = today - timedelta(days=(today.weekday() + 1) % 7)
            return sunday + timedelta(weeks=first), sunday + timedelta(weeks=last + 1)
        case "MONTH":
            return _month(today, first), _month(today, last + 1)
        case "QUARTER":
            start = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
            return _month(start, 3 * first), _month(start, 3 * (last + 1))
    return date(today.year + first, 1, 1), date(today.year + last + 1, 1, 1)


def _month(today: date, n: int) -> date:
    months = today.year * 12 + today.month - 1 + n
    return date(months // 12, months % 12 + 1, 1)
