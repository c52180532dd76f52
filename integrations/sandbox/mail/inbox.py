"""What was received: one row for each acceptance, so that a mail sent twice is there twice."""

import email
import email.policy
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

from integrations.sandbox.store import Store

TABLE = "mail"


class Inbox:
    """The mails in the store, in the order they were accepted."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._mails = store.table(TABLE)

    def keep(self, sender: str, recipients: Sequence[str], content: bytes) -> None:
        """Take responsibility for one message: durable when this returns."""
        with self._store.transaction():
            number = self._store.next_number(TABLE)
            row = {"n": number, "received_at": datetime.now(UTC).isoformat(), "from": sender, "to": list(recipients)}
            self._mails.put(str(number), row | _read(content))

    def rows(self) -> list[dict[str, Any]]:
        """Everything of every mail; pictures as their size and SHA-256."""
        return self._mails.values()


def message_facts(recipients: Sequence[str], content: bytes) -> dict[str, str]:
    """What the traffic log and faults know of a message."""
    message = _parsed(content)
    return {"to": ",".join(recipients), "message_id": str(message["Message-ID"] or "")}


def _parsed(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


def _read(content: bytes) -> dict[str, Any]:
    message = _parsed(content)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    return {
        "message_id": str(message["Message-ID"] or ""),
        "subject": str(message["Subject"] or ""),
        "headers": {name: str(value) for name, value in message.items()},
        "text": text.get_content().replace("\r\n", "\n") if text else "",
        "html": html.get_content().replace("\r\n", "\n") if html else "",
        "inline": [_picture(part) for part in message.walk() if part.get_content_maintype() == "image"],
        "size": len(content),
    }


def _picture(part: EmailMessage) -> dict[str, Any]:
    data = part.get_content()
    return {
        "cid": str(part["Content-ID"] or "").strip("<>"),
        "type": part.get_content_type(),
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
