"""The subject/reason pairs of ES2+ in words: what happened, what to do, and what it means for a run.

Source: facts/esim.md §1.5 (table, device-side pairs, subjects and reasons). Codes are strings: "3.10" is not "3.1".
Message texts of a server are never a basis for a decision.
"""

from dataclasses import dataclass

from integrations.errors import ErrorClass

_CONFIG, _CONFLICT, _DATA = ErrorClass.CONFIG, ErrorClass.CONFLICT, ErrorClass.DATA
_CAPACITY, _TRANSIENT = ErrorClass.CAPACITY, ErrorClass.TRANSIENT

OUT_OF_STOCK = "8.2.5/3.7"
NOT_AVAILABLE = "8.2.1/3.3"
INVALID_TRANSITION = "8.2.1/3.5"
MATCHING_ID_IN_USE = "8.2.6/3.3"


@dataclass(frozen=True)
class Pair:
    """One pair. ``error_class`` is for an answer to our own call with status Failed (so: no effect was made)."""

    code: str
    meaning: str
    action: str
    error_class: ErrorClass


def _table(*rows: tuple[str, ErrorClass, str, str]) -> dict[str, Pair]:
    return {code: Pair(code, meaning, action, error_class) for code, error_class, meaning, action in rows}


_OUR_BUG = "Our mistake: report it with the call's input."
_CATALOGUE = "Compare the product's eSIM profile type with the types the provider keeps."
_EID = "Correct the EID: it must be the one the order is bound to."
_SMDS = "The order can go on without an SM-DS address; otherwise try again later."

ORDER_PAIRS = _table(
    ("8.2.1/1.2", _CONFIG, "This operator may not use the ICCID", "Ask who owns this stock and correct the import."),
    ("8.2.1/2.2", _DATA, "The ICCID or the final profile status is missing", _OUR_BUG),
    ("2.1/2.2", _DATA, "Neither ICCID nor profile type was given", _OUR_BUG),
    ("8.2.1/3.3", _CONFLICT, "The ICCID is not available or already downloaded", "Take another ICCID or swap it."),
    ("8.2.1/3.5", _CONFLICT, "The profile is not in a state that allows this", "Compare with our own journal."),
    ("8.2.1/3.9", _DATA, "The ICCID is unknown to the provider", "Check the imported stock against the provider's."),
    ("8.2.1/3.10", _DATA, "The profile is bound to another EID", "Send the EID the order is bound to."),
    ("8.2.5/3.7", _CAPACITY, "No more profiles of this type", "Wait for stock and tell who refills it."),
    ("8.2.5/1.2", _DATA, "The profile type is not allowed for this operator", _CATALOGUE),
    ("8.2.5/3.8", _DATA, "The profile type does not fit the ICCID", _CATALOGUE),
    ("8.2.5/3.9", _DATA, "The profile type is unknown", _CATALOGUE),
    ("8.1.1/2.2", _DATA, "The EID is missing", _EID),
    ("8.1.1/3.9", _DATA, "The EID is unknown", _EID),
    ("8.1.1/3.10", _DATA, "The order is bound to another EID", _EID),
    ("8.2.6/2.1", _DATA, "The matching id is invalid", _OUR_BUG),
    ("8.2.6/2.2", _DATA, "The matching id is missing", _OUR_BUG),
    ("8.2.6/3.3", _CONFLICT, "The matching id is in use by another profile", "Confirm with a new matching id."),
    ("8.2.6/3.10", _DATA, "The profile has another matching id", "Send the matching id the order is bound to."),
    ("8.9/4.2", _TRANSIENT, "The registration at the SM-DS failed", _SMDS),
    ("8.9/5.1", _TRANSIENT, "The SM-DS cannot be reached", _SMDS),
    ("1.1/1.2", _CONFIG, "Our client certificate is missing or unknown", "Check the certificate with the provider."),
    ("1.2.1/2.1", _CONFIG, "The content type was not accepted", "Check what stands between us and the provider."),
    ("1.2.2/2.1", _CONFIG, "The protocol version was not accepted", "Set the protocol version the provider speaks."),
)

_NEW_ORDER = "A new order with a new code is needed."
_SAME_PHONE = "Let the customer try again on the same phone."
_READ_EID = "Compare the EID the customer reads out (*#06#) with the order's."

DEVICE_PAIRS = _table(
    ("8.2.6/3.8", _DATA, "The code was refused: used already, or wrong", "See whether the eSIM is installed already."),
    ("8.1.1/3.8", _DATA, "This phone is not the one the order is bound to", _READ_EID),
    ("8.2/1.2", _DATA, "The profile is not released yet", "Release the profile, then try again."),
    ("8.2/3.7", _DATA, "Another phone has downloaded the profile", _NEW_ORDER),
    ("8.2.7/2.2", _DATA, "The confirmation code is missing", "Tell the customer the confirmation code."),
    ("8.2.7/3.8", _DATA, "The confirmation code was refused", "Tell the customer the confirmation code again."),
    ("8.2.7/6.4", _DATA, "Too many wrong confirmation codes", _NEW_ORDER),
    ("8.8.5/4.10", _DATA, "The order for download has expired", _NEW_ORDER),
    ("8.8.5/6.4", _DATA, "All download attempts are used up", _NEW_ORDER),
    ("8.2.5/4.3", _DATA, "No profile fits this phone", "Check whether the phone supports this eSIM."),
    ("8.1/4.8", _DATA, "The phone's eSIM memory is full", "Delete an unused eSIM on the phone, then try again."),
    ("8.8.5/3.8", _DATA, "The customer declined the download", _NEW_ORDER),
    ("8.2.8/1.2", _DATA, "A policy on the phone forbids the download", "The phone's owner has to allow it."),
    ("8.2.9/3.11", _DATA, "The profile's data differ from what was announced", "Report it to the provider."),
    ("8.2.10/4.2", _DATA, "The phone could not install the profile", _SAME_PHONE),
)

ENDED_PAIRS = frozenset({"8.2.7/6.4", "8.8.5/4.10", "8.8.5/6.4", "8.8.5/3.8"})
"""Device-side pairs after which this order can no longer be downloaded."""

SUBJECTS = {
    "1.1": "requester", "1.2": "provider", "1.3": "protocol", "1.6": "function", "8.1": "eUICC", "8.1.1": "EID",
    "8.1.2": "EUM certificate", "8.1.3": "eUICC certificate", "8.2": "profile", "8.2.1": "ICCID",
    "8.2.5": "profile type", "8.2.6": "matching id", "8.2.7": "confirmation code", "8.2.8": "policy rules",
    "8.2.9": "metadata", "8.2.10": "bound profile package", "8.8": "SM-DP+", "8.8.1": "SM-DP+ address",
    "8.8.5": "download order", "8.9": "SM-DS", "8.9.1": "SM-DS address", "8.9.5": "event record",
    "8.10.1": "transaction id", "8.11.1": "public key",
}  # fmt: skip

REASONS = {
    "1.1": "unknown", "1.2": "not allowed", "2.1": "invalid", "2.2": "mandatory element missing",
    "2.3": "conditional element missing", "3.1": "unsupported", "3.3": "already in use", "3.5": "invalid transition",
    "3.7": "unavailable", "3.8": "refused", "3.9": "unknown", "3.10": "invalid association",
    "3.11": "value has changed", "4.2": "execution error", "4.3": "stopped on warning", "4.8": "insufficient memory",
    "4.10": "time to live expired", "5.1": "inaccessible", "6.1": "verification failed", "6.3": "expired",
    "6.4": "maximum number of attempts exceeded",
}  # fmt: skip


def order_pair(subject: str, reason: str) -> Pair:
    """The pair as an answer to one of our calls. A pair that is in no table is data, requester trouble is config."""
    code = f"{subject}/{reason}"
    if known := ORDER_PAIRS.get(code):
        return known
    error_class = _CONFIG if subject == "1" or subject.startswith("1.") else _DATA
    return Pair(code, _words(subject, reason), "Ask the provider what this pair means.", error_class)


def device_pair(subject: str, reason: str) -> Pair:
    """The pair as a phone or a call-back reports it."""
    code = f"{subject}/{reason}"
    known = DEVICE_PAIRS.get(code) or ORDER_PAIRS.get(code)
    return known or Pair(code, _words(subject, reason), "Ask the provider what this pair means.", _DATA)


def _words(subject: str, reason: str) -> str:
    return f"{SUBJECTS.get(subject, f'subject {subject}')}: {REASONS.get(reason, f'reason {reason}')}"
