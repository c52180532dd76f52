"""Billing periods."""

import calendar
from datetime import date


def later(day: date, months: int) -> date:
    """``months`` later; the last day of that month where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
