"""A mail to one person, the interface of what sends it, and its wire form."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Protocol

from integrations.errors import CallFailed, ErrorClass, System

# 7bit: no server needs 8BITMIME then. Python's own default for Japanese text would be 8bit.
POLICY = SMTP.clone(cte_type="7bit")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+>")
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN = re.compile(r"(?=.{1,253}$)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Inline:
    """A picture inside the HTML part, referred to as ``cid:…``. ``cid`` has no angle brackets."""

    cid: str
    content_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class OutgoingMail:
    """One mail to one recipient.

    ``message_id`` with angle brackets, the same for every sending of one mail. ``sender`` may carry a name:
    ``Acme <no-reply@acme.example>``; ``to`` is a bare address. ``headers`` are further ones (Reply-To, X-…).
    """

    message_id: str
    sender: str
    to: str
    subject: str
    text: str = field(repr=False)
    html: str = field(default="", repr=False)
    inline: tuple[Inline, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


class MailTransport(Protocol):
    """Whatever takes a mail over."""

    async def send(self, mail: OutgoingMail) -> None:
        """Return only when the other side took responsibility.

        Raises CallFailed: OUTCOME_UNKNOWN when it may have done so, any other class when it certainly did not.
        """

    async def probe(self) -> None:
        """Connect and log in without sending anything (doctor). Raises IntegrationError."""


def build_message(mail: OutgoingMail, date: datetime) -> EmailMessage:
    """The MIME message: text, HTML beside it, pictures with the HTML.

    Raises CallFailed of class data for anything that cannot stand in a header (CR, LF, other control characters) and
    for an address that SMTP without extensions cannot carry.
    """
    message = EmailMessage(policy=POLICY)
    message["Message-ID"] = _checked(mail.message_id, "Message-ID", _MESSAGE_ID)
    message["Date"] = format_datetime(date)
    message["From"] = parse_sender(mail.sender)
    message["To"] = Address(addr_spec=envelope_address(mail.to))
    message["Subject"] = _checked(mail.subject, "Subject")
    message["Auto-Submitted"] = "auto-generated"
    for name, value in mail.headers.items():
        message[_checked(name, "header name", re.compile(r"[A-Za-z0-9-]+"))] = _checked(value, name)
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
        _add_pictures(message, mail.inline)
    return message


def _add_pictures(message: EmailMessage, pictures: tuple[Inline, ...]) -> None:
    page = message.get_payload(1)
    assert isinstance(page, EmailMessage)
    for picture in pictures:
        main, _, sub = picture.content_type.partition("/")
        cid = _checked(picture.cid, "Content-ID", re.compile(r"[A-Za-z0-9.-]+(@[A-Za-z0-9.-]+)?"))
        name = f"{cid.partition('@')[0]}.{sub}"
        page.add_related(picture.data, main, sub, cid=f"<{cid}>", disposition="inline", filename=name)


def parse_sender(text: str) -> Address:
    """``Name <local@domain>`` or ``local@domain``, from the settings: raises CallFailed of class config."""
    try:
        name, spec = parseaddr(_checked(text, "sender"))
        return Address(display_name=name, addr_spec=envelope_address(spec))
    except CallFailed as error:
        raise CallFailed(
            System.MAIL, "message", ErrorClass.CONFIG, "sender_unusable", "mail.sender is not an address"
        ) from error


def envelope_address(text: str) -> str:
    """The address as SMTP carries it, an international domain in its ASCII form. Raises CallFailed of class data."""
    local, at, domain = text.strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        domain = ""
    if not (at and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain)):
        raise _unusable("address_unusable", "the address cannot be used in a mail")
    return f"{local}@{domain}"


def new_message_id(token: str, sender: str) -> str:
    """``<token@domain of the sender>``; ``token`` must be unique and is public: it may not be secret."""
    return _checked(f"<{token}@{parse_sender(sender).domain}>", "Message-ID", _MESSAGE_ID)


def _checked(value: str, name: str, form: re.Pattern[str] | None = None) -> str:
    if _CONTROL.search(value) or (form and not form.fullmatch(value)):
        raise _unusable("header_unusable", f"{name} holds characters that a mail header cannot carry")
    return value


def _unusable(code: str, message: str) -> CallFailed:
    return CallFailed(System.MAIL, "message", ErrorClass.DATA, code, message)
