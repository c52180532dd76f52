"""Causes: a fingerprint that is the same for equal failures, and advice in words (rules §7; console §8)."""

import hashlib
import re
from dataclasses import dataclass

from integrations.errors import ErrorClass

_VARIABLE = (
    (re.compile(r"\bp1:[A-Za-z0-9:_.-]+"), "<marker>"),
    (re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "<mail>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?"), "<time>"),
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b(?=[A-Za-z]*\d)[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?\b"), "<id>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "<address>"),
    (re.compile(r"(?<![\w.])[¥$]?\d(?:[\d,]*\d)?(?:\.\d+)?(?!\w|\.\d)"), "<n>"),
)


@dataclass(frozen=True)
class Cause:
    """What went wrong, without what differs from order to order."""

    step: str
    system: str
    code: str
    text: str

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits, equal for equal causes."""
        joined = "\x1f".join((self.step, self.system, self.code, self.text))
        return hashlib.sha256(joined.encode()).hexdigest()[:12]


def generalise(message: str) -> str:
    """A message with ids, numbers, times and addresses taken out."""
    for pattern, word in _VARIABLE:
        message = pattern.sub(word, message)
    return message


def cause_of(step: str, system: str, code: str, message: str) -> Cause:
    """The code alone names the cause where there is one, as it is (8.2.1/3.3 is not 8.2.1/3.5); else the message does."""
    return Cause(step, system, code, "" if code else generalise(message))


_ADVICE: dict[str, str] = {
    "8.2.5/3.7": "No free profile of this type. Import new stock (portal esim import); the run goes on by itself.",
    "stock_empty": "No free profile of this type. Import new stock (portal esim import); the run goes on by itself.",
    "no_pay_method": "The customer has no valid pay method. Ask them to add one; the run goes on by itself.",
    "pay_method_expired": "The customer's card has run out. Ask them to renew it; the run goes on by itself.",
    "bill_differs": "WHMCS would bill something else than was approved. Compare both sides, mend the product in WHMCS or the"
    " order in Salesforce, then cancel with undo or retry.",
    "service_pending": "WHMCS accepted the order but a service is not active. Look at the service's module log in WHMCS,"
    " run its module, then retry.",
    "role_denied": "Our WHMCS API role lacks this action. Add it to the role, then resume the integration.",
    "product_unmapped": "The Salesforce product names no WHMCS product. Set WHMCS_Product_Id__c on it, then retry.",
    "marker_unmapped": "Set whmcs.marker_fields for this product (the id of its marker custom field), then retry.",
    "customer_mismatch": "The WHMCS client does not carry this customer's number. Correct Account.WHMCS_Client_ID__c or the"
    " client's Customer Number, then retry.",
    "order_changed": "The order was changed while it was provisioned. Compare, decide what is right, then retry or cancel.",
    "cancelled_meanwhile": "The order was cancelled in Salesforce while effects stand. Undo them with cancel, or leave them.",
    "no_clear_answer": "The far side never gave an answer that says what it did. See whether it works again, then retry: it is"
    " asked once more, which makes no second effect.",
    "before_start": "It was approved before this daemon began to work here, and may have been provisioned by hand. Look in"
    " WHMCS, then start or cancel it.",
    "four_eyes": "Whoever placed an order may not approve it. Somebody else looks at it, then starts or cancels it.",
    "approved_again": "This order was provisioned before. Nothing is started; make a new order for a new service.",
}
_BY_CLASS: dict[ErrorClass, str] = {
    ErrorClass.TRANSIENT: "Passing trouble outside. It is tried again by itself.",
    ErrorClass.OUTCOME_UNKNOWN: "The far side may have done it. Compare the records there, then resolve: it is there, or it is"
    " not. It is never sent again blindly.",
    ErrorClass.CAPACITY: "Retrying cannot help yet. The run goes on by itself when there is capacity.",
    ErrorClass.CUSTOMER: "The customer must act first. The run goes on by itself when they did.",
    ErrorClass.DATA: "Something in the records is wrong. Correct it where it is kept, then retry.",
    ErrorClass.CONFLICT: "Two records disagree. Compare both sides and decide; nothing is overwritten.",
    ErrorClass.CONFIG: "A setting or permission is missing; portal doctor names it. Resume the integration when it is mended.",
}


def advice(code: str | None, error_class: str | None) -> str:
    """What to do next, in one or two sentences."""
    if code and code in _ADVICE:
        return _ADVICE[code]
    return _BY_CLASS[ErrorClass(error_class)] if error_class else ""
