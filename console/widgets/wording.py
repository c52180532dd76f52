"""Times, amounts and the one-line note of an order, as people read them."""

from datetime import datetime, tzinfo
from functools import lru_cache

from console.client.rows import BookRow
from console.commands.table import BY_ID
from console.schema.book import NO_RUN
from console.widgets.cells import literal
from console.widgets.glyphs import Glyphs
from console.written import code_words, moment_of

_EXPECTED = {"failed": ("Failed",), "done": ("Activated",), "cancelled": ("Cancelled",)}
_ALARMS = {
    "failed": "orders failed of one cause", "parked": "orders wait for a person of one cause", "held": "orders are held",
    "writeback": "Salesforce refuses a status write", "writeback_late": "status writes are late", "paused": "{} is paused",
    "down": "{} does not work", "stock": "stock of {} is low", "certificate": "the certificate of {} ends soon",
    "clock": "the machine's clock jumped", "clock_skew": "our clock and {}'s differ", "brake": "intake is paused",
    "recovery": "recovery", "ownership": "the org belongs to another journal", "deaf": "events do not arrive",
    "gap": "events may have been missed", "poison": "events led to no order", "door": "an order cannot be taken in",
    "oldest_approved": "an approved order waits too long", "receiver": "nobody listens for eSIM call-backs",
    "disk": "the disk is nearly full", "backup": "no backup could be made", "journal_damaged": "the journal is damaged",
    "quota": "Salesforce's calls of today run out", "heartbeat": "no heartbeat of ours arrives",
}  # fmt: skip
_IN_A_BATCH = {"excluded": "left out", "working": "under way", "waiting": "not begun"}
_TROUBLE = {
    "transient": "passing trouble outside", "outcome_unknown": "outcome unknown", "capacity": "nothing is free now",
    "customer": "the customer has to act", "data": "something recorded is wrong", "conflict": "two records disagree",
    "config": "a setting or right is missing",
}  # fmt: skip
_REPEATED = {
    "keyed": "a repeat makes no second effect", "refusable": "a repeat would be refused",
    "guarded": "repeated only after a look",
}  # fmt: skip
_KNOWN_BY = {
    "answer": "known by its answer", "look": "found by a look", "look for cancel": "found by a look before cancelling",
    "read": "found by reading", "cancel": "undone by cancel", "refusal of the repeat": "known because a repeat was refused",
}  # fmt: skip
_SETTLED = frozenset(("failed", "done", "cancelled"))


def age(seconds: float) -> str:
    """``2s``, ``6m``, ``10h``, ``3d``: at most four cells."""
    if seconds < 0:
        return "0s"
    for unit, size, most in (("s", 1, 100), ("m", 60, 100), ("h", 3600, 48)):
        if seconds < size * most:
            return f"{int(seconds // size)}{unit}"
    return f"{min(int(seconds // 86400), 999)}d"


def took(seconds: float | None) -> str:
    """A duration of work: ``42ms``, ``3.0s``, ``12s``, ``3m``."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    return f"{seconds:.1f}s" if seconds < 10 else age(seconds)


def clock(at: float, zone: tzinfo, *, seconds: bool = True) -> str:
    """The time of day in ``zone``."""
    return _clock(int(at // 1), zone)[: None if seconds else 5]


@lru_cache(maxsize=4096)  # every row of a board says one, whenever it is painted
def _clock(at: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at, zone).strftime("%H:%M:%S")


def moment(at: float, now: float, zone: tzinfo) -> str:
    """Time of day when it is today, else with the date."""
    then, today = datetime.fromtimestamp(at, zone), datetime.fromtimestamp(now, zone).date()
    if then.date() == today:
        return f"{then:%H:%M:%S}"
    return f"{then:%m-%d %H:%M}" if then.year == today.year else f"{then:%Y-%m-%d}"


def amount(yen: int | None, glyphs: Glyphs) -> str:
    return "" if yen is None else f"{glyphs.yen}{yen:,}"


def alarm(cause: str) -> str:
    """What an alarm is about. Its cause names one kind, and after a colon what it is about: a system or product, which
    people read, or a fingerprint, which they do not.
    """
    kind, _, about = cause.partition(":")
    return _ALARMS.get(kind, kind.replace("_", " ")).format(about)


def in_a_batch(state: str) -> str:
    """How an order of an act on many stands, or that act itself."""
    return _IN_A_BATCH.get(state, state.replace("_", " "))


def trouble(error_class: str | None) -> str:
    """What kind of trouble it is."""
    return _TROUBLE.get(error_class or "", (error_class or "").replace("_", " "))


def repeated(effect: str) -> str:
    """What may become of a call that is sent twice; nothing of one that only reads."""
    return _REPEATED.get(effect, "")


def known_by(settled_by: str) -> str:
    """How the outcome of a call came to be known."""
    kind, _, name = settled_by.partition(": ")
    return f"resolved by {name}" if kind == "resolve" and name else _KNOWN_BY.get(settled_by, f"known by {settled_by}")


def done_by(what: str) -> str:
    """The name of a command, as keys and palette have it; else as it came."""
    command = BY_ID.get(what)
    return command.title if command is not None else what


def shown_state(row: BookRow) -> str:
    """The run's state, or what Salesforce says of an order without a run."""
    if row.state != NO_RUN:
        return row.state
    return "review" if row.sf == "Pending Review" else NO_RUN


def disagrees(row: BookRow) -> bool:
    """Did Salesforce, read after the run had settled, say something that does not go with it?"""
    read_since = row.read_at is not None and row.read_at > row.updated
    return row.state in _SETTLED and read_since and row.sf not in _EXPECTED[row.state]


def condition(parked: str, now: float, zone: tzinfo) -> str:
    """What a run waits for; a moment as people read it, not as seconds since 1970."""
    at = moment_of(parked)
    return parked if at is None else moment(at, now, zone)


def note(row: BookRow, now: float, zone: tzinfo) -> str:
    """Why the order stands where it stands, in one line; nothing when it simply moves on."""
    match row.state:
        case "parked" if row.wait == "person":
            said = f"needs a person: {_cause(row)}"
        case "parked":
            said = f"until {condition(row.parked, now, zone)}" if row.parked else row.wait_reason or _cause(row)
        case "retrying" if row.wait == "making_sure":
            until = f" until {clock(row.until, zone, seconds=False)}" if row.until else ""
            said = f"making sure{until}"
        case "retrying":
            again = f"again in {age(row.next_at - now)}: " if row.next_at and row.next_at > now else ""
            said = f"{again}{_cause(row)}"
        case "failed" | "held":
            said = row.wait_reason if row.state == "held" and row.wait_reason else _cause(row)
        case "queued" if row.wait == "lock":
            said = "waits for the customer's other order"
        case "cancelled":
            said = row.wait_reason or ""
        case "none" if row.sf != "Pending Review":
            said = f"Salesforce: {row.sf}"
        case _:
            said = ""
    return literal(said)


def _cause(row: BookRow) -> str:
    return row.message or row.wait_reason or code_words(row.code or row.error_class or "")
