"""Park until: a condition as people write it, and periods."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from console.commands.running import CONDITIONS
from console.commands.words import SYSTEMS
from console.engine.clock import as_datetime
from console.engine.commanding.errors import BadArgument

_CALL = re.compile(r"(?P<kind>[a-z]+)\s*\((?P<argument>[^()]*)\)\s*(?:>\s*0)?")
_SPACED = re.compile(r"(?P<kind>after|stock|up|paymethod)\s+(?P<argument>\S.*)")
_PERIOD = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
KINDS = ("stock", "paymethod", "up", "after")


@dataclass(frozen=True)
class Until:
    """``argument`` of ``after`` is seconds since 1970, as text: that is how parked runs keep it."""

    kind: str
    argument: str


def parse_period(text: str, field: str) -> float:
    """ "24h" in seconds. Raises BadArgument."""
    found = _PERIOD.fullmatch(text.strip().casefold())
    if not found:
        raise BadArgument(field, f"{text[:40]!r} is not a period", "write 30m, 24h or 14d")
    return float(found[1]) * _UNITS[found[2]]


def parse_until(text: str, now: float, zone: str) -> Until:
    """Raises BadArgument; ``now`` and ``zone`` place a clock time such as after(09:00)."""
    found = _CALL.fullmatch(text.strip()) or _SPACED.fullmatch(text.strip())
    if not found or found["kind"] not in KINDS:
        raise BadArgument("until", f"{text[:60]!r} is not a condition", f"write one of {CONDITIONS}")
    kind, argument = found["kind"], found["argument"].strip()
    if kind == "after":
        return Until(kind, str(_moment(argument, now, ZoneInfo(zone))))
    if kind == "up" and argument not in SYSTEMS:
        raise BadArgument("until", f"there is no system {argument[:40]!r}", f"one of {', '.join(SYSTEMS)}")
    if kind == "paymethod" and argument and not (argument.isascii() and argument.isdigit()):
        raise BadArgument("until", f"{argument[:40]!r} is not a WHMCS client id", "leave it empty for the order's own")
    if kind == "stock" and not argument:
        raise BadArgument("until", "stock needs a profile type", "write stock(TYPE)")
    return Until(kind, argument)


def _moment(text: str, now: float, zone: ZoneInfo) -> float:
    """A time of day (the next such), a date, a date and time, or a period from now."""
    here = as_datetime(now).astimezone(zone)
    if _PERIOD.fullmatch(text.casefold()):
        return now + parse_period(text, "until")
    try:
        if re.fullmatch(r"\d{1,2}:\d\d", text):
            moment = datetime.combine(here.date(), time.fromisoformat(text.zfill(5)), zone)
            return (moment if moment > here else moment + timedelta(days=1)).timestamp()
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadArgument("until", f"{text[:40]!r} is not a time", "write 09:00, 2026-12-01T09:00 or 2h") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    if moment.timestamp() <= now:
        raise BadArgument("until", f"{text[:40]} is past", "give a time to come")
    return moment.timestamp()
