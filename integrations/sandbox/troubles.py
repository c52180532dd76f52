"""What the faults that struck, and the switches that were set, may have done to orders."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from integrations.sandbox.expected import Stage, State, Trouble
from integrations.sandbox.faults import Fault, Hit

# These change what billing holds: the order they strike fails with a conflict, at this step. One whose bill is wrong
# must; a module that failed may have been run again by an AcceptOrder that was due anyway.
CONFLICTS = {"price_drift": Stage.BILLING, "ignored_option": Stage.BILLING, "module_fails": Stage.ACCEPT}
# These refuse for good: the order fails, or the integration is paused until a person has looked.
REFUSALS = {
    "salesforce": frozenset({"http_403", "limit_daily", "refuse_login"}),
    "whmcs": frozenset({"role_denied"}),
    "esim": frozenset({"refuse", "expired", "smds_down"}),
}
FOR_ALL = frozenset({"limit_daily", "refuse_login", "role_denied"})  # they stop the integration, not one order
# After these the sender cannot know whether there was an effect.
OUTCOME_UNKNOWN = frozenset({
    "timeout_before", "timeout_after", "hold", "late_effect", "http_500", "http_503", "html", "http_403", "http_429",
    "reset", "truncate", "malformed",
})  # fmt: skip
TRIES = 4  # so many failures of one call may use up the product's tries
STAGE_OF = {"salesforce": Stage.CRM, "whmcs": Stage.ACCEPT, "esim": Stage.CRM}


def troubles(hits: Iterable[Hit], faults: Iterable[Fault], switches: Iterable[Mapping[str, Any]]) -> list[Trouble]:
    """``hits``: what struck; ``faults``: what is set; ``switches``: every WHMCS installation there was, oldest first.

    A fault that the product has to live through by itself (time-outs, 5xx, HTML, lost answers, …) is no trouble: the
    order must be done all the same. Mail is none either: it comes after the order's end.
    """
    struck = [hit for hit in hits if hit.system != "mail"]
    installations = list(switches)
    found = [
        *_conflicts(struck),
        *_refusals(struck),
        *_many(struck),
        *_still_set(fault for fault in faults if fault.system != "mail"),
        *_installed(installations),
        *_unmarked(struck, installations),
    ]
    return list(dict.fromkeys(found))


def mail_troubles(hits: Iterable[Hit]) -> int:
    """How many commands of mail deliveries were struck."""
    return sum(hit.system == "mail" for hit in hits)


def _conflicts(hits: Iterable[Hit]) -> Iterator[Trouble]:
    for hit in hits:
        if hit.kind in CONFLICTS:
            stage = CONFLICTS[hit.kind]
            yield Trouble(hit.kind, State.FAILED, stage, _client(hit), certain=stage is Stage.BILLING)


def _refusals(hits: Iterable[Hit]) -> Iterator[Trouble]:
    for hit in hits:
        if hit.kind in REFUSALS[hit.system]:
            yield from _either(hit.kind, hit.system, None if hit.kind in FOR_ALL else hit)


def _many(hits: Iterable[Hit]) -> Iterator[Trouble]:
    """The same call about the same thing, struck again and again; what is about nothing (a poll) ends no order."""
    found: dict[tuple[str, str, str], list[Hit]] = {}
    for hit in hits:
        about = next((hit.facts[name] for name in ("order", "clientid", "iccid") if hit.facts.get(name)), "")
        found.setdefault((hit.system, hit.operation, about), []).append(hit)
    for (system, _, about), struck in found.items():
        if about and len(struck) >= TRIES:
            yield from _either("many_faults", system, struck[0])


def _still_set(faults: Iterable[Fault]) -> Iterator[Trouble]:
    for fault in faults:
        if fault.used < fault.count:
            yield from _either("fault_still_set", fault.system)


def _installed(installations: Iterable[Mapping[str, Any]]) -> Iterator[Trouble]:
    for switches in installations:
        if switches["price_drift"]:
            yield Trouble("price_drift", State.FAILED, Stage.BILLING)
        if switches["ignore_option"]:
            yield Trouble("ignored_option", State.FAILED, Stage.BILLING)
        if switches["module_failure"]:
            yield Trouble("module_fails", State.FAILED, Stage.ACCEPT)
        if switches["denied"]:
            yield from _either("role_denied", "whmcs")


def _unmarked(hits: Iterable[Hit], installations: Iterable[Mapping[str, Any]]) -> Iterator[Trouble]:
    """Where no marker survives in billing, an unknown outcome waits for a person (rules §3.4)."""
    if not any(s["marker_field"] != "present" for s in installations):
        return
    for hit in hits:
        if hit.system == "whmcs" and hit.operation == "AddOrder" and hit.kind in OUTCOME_UNKNOWN:
            yield Trouble("unmarked", State.PARKED, Stage.BILLING, _client(hit))


def _either(reason: str, system: str, hit: Hit | None = None) -> Iterator[Trouble]:
    """Failed or parked, perhaps before it was even claimed: the order or the client that ``hit`` is about, else any."""
    client, order = (_client(hit), hit.facts.get("order")) if hit else (None, None)
    esim = system == "esim"
    yield Trouble(reason, State.FAILED, STAGE_OF[system], client, order, esim)
    yield Trouble(reason, State.PARKED, STAGE_OF[system], client, order, esim)
    yield Trouble(reason, State.PARKED, Stage.LOAD, client, order, esim)


def _client(hit: Hit) -> int | None:
    text = hit.facts.get("clientid", "")
    return int(text) if text.isdecimal() else None
