import re
from decimal import Decimal
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import pytest

from integrations.esim.activation import activation_code, install_links, lpa_text, qr_png
from integrations.mail.service import OutgoingMail, build_message
from integrations.mail.templates import (
    EsimContext,
    EsimProfile,
    Kind,
    Language,
    MailTemplates,
    OrderContext,
    OrderLine,
    Rendered,
    mail_language,
    render,
)
from tests.integrations.mail.test_message import DATE

CODE = activation_code("smdp.example.com", "K3Y-CANARY-0001")


def profile(**changes: Any) -> EsimProfile:
    links = install_links(CODE)
    values: dict[str, Any] = {
        "product_name": "eSIM トラベル 10GB",
        "iccid": "8981040000000000398",
        "smdp_address": "smdp.example.com",
        "activation_code": CODE,
        "ios_link": links.ios,
        "android_link": links.android,
        "qr_png": qr_png(lpa_text(CODE)),
    }
    return EsimProfile(**(values | changes))


def order(**changes: Any) -> OrderContext:
    values: dict[str, Any] = {
        "brand": "アサヒモバイル",
        "customer_name": "小林 恵",
        "order_number": "00010473",
        "lines": (OrderLine("光インターネット", 1, Decimal(5400)), OrderLine("Router", 2)),
        "total": Decimal("5400"),
    }
    return OrderContext(**(values | changes))


def esim(**changes: Any) -> EsimContext:
    values: dict[str, Any] = {
        "brand": "Asahi Mobile",
        "customer_name": "Megumi Kobayashi",
        "order_number": "00010473",
        "profiles": (profile(),),
    }
    return EsimContext(**(values | changes))


def test_order_mail_in_japanese() -> None:
    mail = render("order_provisioned", "ja", order(has_esim=True, support="0120-000-000"))
    assert mail.subject == "【アサヒモバイル】ご注文の開通手続きが完了しました（ご注文番号 00010473）"
    for part in (mail.text, mail.html):
        assert "小林 恵 様" in part
        assert "5,400円" in part
        assert "Router × 2" in part
        assert "別のメール" in part
        assert "0120-000-000" in part
    assert mail.inline == ()
    assert "\n\n\n" not in mail.text


def test_order_mail_in_english() -> None:
    mail = render("order_provisioned", "en", order(brand="Asahi Mobile"))
    assert mail.subject == "Your Asahi Mobile order 00010473 is ready"
    assert "¥5,400" in mail.text
    assert "separate mail" not in mail.text
    assert "Questions?" not in mail.html


@pytest.mark.parametrize("language", ["ja", "en"])
def test_activation_mail(language: Language) -> None:
    mail = render("esim_activation", language, esim(profiles=(profile(), profile(confirmation_code_required=True))))
    for part in (mail.text, mail.html):
        assert "LPA:1$smdp.example.com$K3Y-CANARY-0001" in part
        assert "smdp.example.com" in part
        assert "https://esimsetup.apple.com/" in part
        assert "https://esimsetup.android.com/" in part
        assert "0398" in part
        assert "8981040000000000398" not in part
        assert part.count("確認コード" if language == "ja" else "confirmation code") == 1
    assert [picture.cid for picture in mail.inline] == ["esim-1@portal", "esim-2@portal"]
    assert re.findall(r'src="cid:([^"]+)"', mail.html) == ["esim-1@portal", "esim-2@portal"]
    assert mail.inline[0].data.startswith(b"\x89PNG")
    assert "CANARY" not in mail.subject
    assert "CANARY" not in repr(mail) + repr(profile())


EVIL = "<script>alert(1)</script>\u202eevil\u2066\x1b[31m\r\nBcc: x@y.example {{ 7*7 }}"


@pytest.mark.parametrize("kind", ["order_provisioned", "esim_activation"])
@pytest.mark.parametrize("language", ["ja", "en"])
def test_outside_text_is_stripped_and_escaped(kind: Kind, language: Language) -> None:
    context = (
        order(customer_name=EVIL, brand=EVIL, lines=(OrderLine(EVIL),))
        if kind == "order_provisioned"
        else esim(customer_name=EVIL, brand=EVIL, profiles=(profile(product_name=EVIL),))
    )
    mail = render(kind, language, context)
    assert "<script" not in mail.html
    assert "{{ 7*7 }}" in mail.html
    for part in (mail.subject, mail.text, mail.html):
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x09\x0b-\x1f\x7f]", part)
    assert "\n" not in mail.subject
    assert "Bcc" not in _wire(mail)


class _Balance(HTMLParser):
    VOID = frozenset({"meta", "br", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", ["ja", "en"])
def test_html_is_well_formed(language: Language) -> None:
    templates = MailTemplates()
    for mail in (
        templates.render("order_provisioned", language, order()),
        templates.render("esim_activation", language, esim()),
    ):
        parser = _Balance()
        parser.feed(mail.html)
        assert parser.open == []
        assert f'<html lang="{language}">' in mail.html


def _wire(mail: Rendered) -> Any:
    to_send = OutgoingMail(
        "<a@shop.example>", "s@shop.example", "h@home.example", mail.subject, mail.text, mail.html, mail.inline
    )
    return build_message(to_send, DATE)


def test_a_context_of_the_other_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="EsimContext"):
        render("esim_activation", "ja", order())


def test_languages() -> None:
    assert [mail_language(text) for text in ("japanese", "Japanese ", "", "english", "german")] == [
        "ja", "ja", "ja", "en", "en",
    ]  # fmt: skip


def test_every_kind_has_every_part_in_every_language() -> None:
    names = {entry.name for entry in files("integrations.mail").joinpath("templates").iterdir()}
    for kind in ("order_provisioned", "esim_activation"):
        for language in ("ja", "en"):
            assert {f"{kind}.{language}.{ending}.j2" for ending in ("subject", "txt", "html")} <= names
