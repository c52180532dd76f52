"""Mails from templates: two kinds, Japanese and English, text and HTML.

All text that comes from outside (names, products) is stripped of control and bidi characters before it is rendered,
and escaped in HTML.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from functools import cache
from typing import Any, Literal, TypeVar

from integrations.errors import plain_text
from integrations.mail.service import Inline

Kind = Literal["order_provisioned", "esim_activation"]
Language = Literal["ja", "en"]
_Context = TypeVar("_Context")
_LIMIT = 500


@dataclass(frozen=True)
class OrderLine:
    """One line of an order; ``amount`` in whole yen for the line, tax excluded, None to leave it out."""

    name: str
    quantity: int = 1
    amount: Decimal | None = None


@dataclass(frozen=True)
class OrderContext:
    """What the "order provisioned" mail tells. ``total`` in yen, tax excluded; ``support``: how to reach support."""

    brand: str
    customer_name: str
    order_number: str
    lines: tuple[OrderLine, ...]
    total: Decimal | None = None
    has_esim: bool = False  # a second mail with the activation follows
    support: str = ""


@dataclass(frozen=True)
class EsimProfile:
    """One line to install. ``activation_code`` is ``1$…`` without LPA:, ``qr_png`` the picture of ``LPA:1$…``."""

    product_name: str
    iccid: str
    smdp_address: str
    activation_code: str = field(repr=False)
    ios_link: str = field(repr=False)
    android_link: str = field(repr=False)
    qr_png: bytes = field(repr=False)
    confirmation_code_required: bool = False

    @property
    def matching_id(self) -> str:
        return [*self.activation_code.split("$"), "", "", ""][2]


@dataclass(frozen=True)
class EsimContext:
    """What the "eSIM activation" mail tells: every eSIM of one order."""

    brand: str
    customer_name: str
    order_number: str
    profiles: tuple[EsimProfile, ...]
    support: str = ""


Context = OrderContext | EsimContext


@dataclass(frozen=True)
class Rendered:
    """A mail without its addresses."""

    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    inline: tuple[Inline, ...] = ()


class MailTemplates:
    """The templates, compiled once."""

    def __init__(self) -> None:
        from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape  # loaded with the first mail

        self._environment = Environment(
            loader=PackageLoader("integrations.mail", "templates"),
            autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["last"] = lambda digits: digits[-4:]

    def render(self, kind: Kind, language: Language, context: Context) -> Rendered:
        """Raises TypeError for a context of another kind of mail."""
        expected = OrderContext if kind == "order_provisioned" else EsimContext
        if not isinstance(context, expected):
            raise TypeError(f"{kind} needs {expected.__name__}, not {type(context).__name__}")
        clean = _cleaned(context)
        pictures = _pictures(clean) if isinstance(clean, EsimContext) else ()
        values = {"mail": clean, "yen": _yen(language), "cids": [picture.cid for picture in pictures]}

        def fill(ending: str) -> str:
            return self._environment.get_template(f"{kind}.{language}.{ending}.j2").render(values)

        return Rendered(plain_text(fill("subject"), 200), fill("txt"), fill("html"), pictures)


def render(kind: Kind, language: Language, context: Context) -> Rendered:
    """Render one mail (see MailTemplates.render)."""
    return _templates().render(kind, language, context)


@cache
def _templates() -> MailTemplates:
    """Compiling them costs more than everything else about a mail."""
    return MailTemplates()


def mail_language(whmcs_language: str) -> Language:
    """The mail language for a WHMCS client language; a client without one gets Japanese, the shop's own."""
    return "ja" if whmcs_language.strip().lower() in ("", "japanese") else "en"


def _cleaned(context: _Context) -> _Context:
    changed = {item.name: _clean(getattr(context, item.name)) for item in fields(context)}  # type: ignore[arg-type]  # each is a dataclass
    return replace(context, **changed)  # type: ignore[type-var]  # the same


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return plain_text(value, _LIMIT)
    if isinstance(value, tuple):
        return tuple(_cleaned(part) for part in value)
    return value


def _pictures(context: EsimContext) -> tuple[Inline, ...]:
    return tuple(
        Inline(f"esim-{number}@portal", "image/png", profile.qr_png)
        for number, profile in enumerate(context.profiles, start=1)
    )


def _yen(language: Language) -> Callable[[Decimal], str]:
    return lambda amount: f"{amount:,.0f}円" if language == "ja" else f"¥{amount:,.0f}"
