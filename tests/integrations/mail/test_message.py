from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.errors import CallFailed, ErrorClass
from integrations.mail.service import Inline, OutgoingMail, build_message, envelope_address, new_message_id

DATE = datetime(2026, 4, 1, tzinfo=UTC)


def outgoing(**changes: Any) -> OutgoingMail:
    values: dict[str, Any] = {
        "message_id": "<order-1.activation@shop.example>",
        "sender": "Portal 通信 <no-reply@shop.example>",
        "to": "hana@home.example",
        "subject": "件名",
        "text": "text",
    }
    return OutgoingMail(**(values | changes))


def received(mail: OutgoingMail) -> EmailMessage:
    wire = build_message(mail, DATE).as_bytes()
    assert wire.isascii()
    assert max(len(line) for line in wire.split(b"\r\n")) <= 998
    return message_from_bytes(wire, policy=policy.default)


def test_parts_of_a_mail_with_a_picture() -> None:
    picture = Inline("qr-1@portal", "image/png", b"\x89PNG")
    message = received(outgoing(html="<img src='cid:qr-1@portal'>", inline=(picture,), headers={"X-Portal-Kind": "a"}))
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    image = list(message.walk())[-1]
    assert image["Content-ID"] == "<qr-1@portal>"
    assert image.get_content_disposition() == "inline"
    assert image.get_content() == b"\x89PNG"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Portal-Kind"] == "a"
    assert message["Date"] == "Wed, 01 Apr 2026 00:00:00 +0000"


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "a\r\nBcc: evil@example.com"},
        {"subject": "a\nb"},
        {"subject": "a\x00b"},
        {"to": "hana@home.example\r\nBcc: evil@example.com"},
        {"to": "hana@home.example, second@home.example"},
        {"to": "Hana <hana@home.example>"},
        {"to": "hana@@home.example"},
        {"to": "hana"},
        {"to": ""},
        {"to": "花@home.example"},
        {"to": "hana@home.example>"},
        {"message_id": "order-1"},
        {"message_id": "<a b@c>"},
        {"headers": {"X-A": "1\r\nBcc: e@example.com"}},
        {"headers": {"X-A\r\nBcc": "1"}},
        {"html": "x", "inline": (Inline("a>\r\nX: y", "image/png", b""),)},
    ],
)
def test_what_cannot_stand_in_a_header_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(CallFailed) as caught:
        build_message(outgoing(**changes), DATE)
    assert caught.value.error_class is ErrorClass.DATA
    assert "home.example" not in str(caught.value)


@pytest.mark.parametrize("sender", ["", "Shop", "Shop <a@b.example>\r\nBcc: x@y.example"])
def test_an_unusable_sender_is_a_matter_of_settings(sender: str) -> None:
    with pytest.raises(CallFailed) as caught:
        build_message(outgoing(sender=sender), DATE)
    assert caught.value.error_class is ErrorClass.CONFIG


def test_international_domains_are_carried_in_ascii() -> None:
    assert envelope_address("hana@日本語.example") == "hana@xn--wgv71a119e.example"


def test_message_ids() -> None:
    assert new_message_id("801xx-order", "店 <no-reply@shop.example>") == "<801xx-order@shop.example>"
    with pytest.raises(CallFailed):
        new_message_id("a b", "店 <no-reply@shop.example>")


@given(
    st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" ,()<>\"'@【】"), min_size=1, max_size=120)
)
def test_any_subject_and_name_arrive_as_they_were(text: str) -> None:
    message = received(outgoing(subject=text.strip()))
    assert str(message["Subject"]).split() == text.split()


@given(
    st.text(
        st.characters(codec="utf-8", exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"),
        min_size=1,
        max_size=300,
    )
)
def test_any_text_arrives_as_it_was(text: str) -> None:
    assert received(outgoing(text=f"<{text}>")).get_content().replace("\r\n", "\n") == f"<{text}>\n"
