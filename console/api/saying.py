"""What a clerk may say to the customer about an order, in Japanese and English: from its state alone, never guessed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from console.schema.orders import OrderLine
from console.schema.said import Say

NO_TIME = "No time may be promised."
NOT_DONE = "Do not say that it is done, or that it will not be billed."


@dataclass(frozen=True)
class _Words:
    ja: str
    en: str
    may: str = ""
    must_not: str = ""


_REVIEW = _Words(
    "ご注文{n}は受け付けております。ただいま内容を確認しております。",
    "Your order {n} has been received and is being checked.",
    "That we are checking it.",
    "Do not promise that it will be approved.",
)
_APPROVED = _Words(
    "ご注文{n}は承認され、まもなく手続きを開始いたします。",
    "Your order {n} is approved and will be set up shortly.",
    "That it is approved.",
    NO_TIME,
)
_BY_STATUS = {
    "Draft": _Words(
        "ご注文{n}はまだ確定しておりません。", "Your order {n} has not been placed yet.", "", "Do not promise anything."
    ),
    "Pending Review": _REVIEW,
    "Approved": _APPROVED,
    "Rejected": _Words(
        "ご注文{n}は誠に恐れ入りますがお受けできませんでした。",
        "We are sorry, we could not accept your order {n}.",
        "That nothing is billed for it.",
        "Do not give the reason before you have read it in the history.",
    ),
    "Cancelled": _Words(
        "ご注文{n}は取り消されております。", "Your order {n} has been cancelled.", "", "Do not promise a refund."
    ),
    "Activated": _Words("ご注文{n}の手続きは完了しております。", "Your order {n} is complete.", "That it is done.", ""),
}
_DONE = {
    "sent": _Words(
        "ご注文{n}の手続きは完了しております。ご案内のメールをお送りしております。",
        "Your order {n} is complete. We have sent you a mail with the details.",
        "That it is done, and that the mail was sent.",
        "Do not read activation codes out on the phone.",
    ),
    "waiting": _Words(
        "ご注文{n}の手続きは完了しております。ご案内のメールはまもなくお送りいたします。",
        "Your order {n} is complete. The mail with the details will follow shortly.",
        "That it is done.",
        "Do not say that the mail was sent.",
    ),
    "trouble": _Words(
        "ご注文{n}の手続きは完了しております。メールが届いていない場合は、あらためてお送りいたします。",
        "Your order {n} is complete. If the mail has not reached you, we will send it again.",
        "That it is done; that the mail can be sent again.",
        "Do not say that the mail arrived.",
    ),
}
_GOING = _Words(
    "ご注文{n}はただいま手続きを進めております。完了しましたらメールでお知らせいたします。",
    "Your order {n} is being set up now. We will send you a mail when it is done.",
    "That it is being worked on.",
    NO_TIME,
)
_AGAIN = _Words(
    "ご注文{n}は手続き中です。少しお時間をいただいておりますが、自動的に続けております。",
    "Your order {n} is being set up. It takes a little longer and goes on by itself.",
    "That it goes on by itself.",
    NO_TIME,
)
_SURE = _Words(
    "ご注文{n}は現在、手続きの状況を確認しております。確認が取れ次第ご連絡いたします。",
    "We are checking the state of your order {n} and will contact you when we know.",
    "That we are checking and will get back.",
    NOT_DONE,
)
_STOCK = _Words(
    "ご注文{n}は承っております。ただいま準備のための在庫を手配しており、整い次第自動的に手続きを進めます。",
    "We have your order {n}. We are waiting for new stock; it goes on by itself when it arrives.",
    "That the order stands and goes on by itself.",
    NO_TIME,
)
_PAY = _Words(
    "ご注文{n}は、有効なお支払い方法のご登録をお待ちしております。マイページでご登録いただくと自動的に手続きが進みます。",
    "Your order {n} waits for a valid payment method. Please add one in your account; it then goes on by itself.",
    "That it goes on by itself once a payment method is there.",
    "Never take card numbers on the phone.",
)
_LATER = _Words(
    "ご注文{n}は{until}からの開始予定です。", "Your order {n} is to begin on {until}.", "The day named.", ""
)
_PARKED = _Words(
    "ご注文{n}は承っております。ただいま手続きをお待ちいただいております。再開しましたら自動的に進みます。",
    "We have your order {n}. It is waiting at the moment and goes on by itself.",
    "That the order stands.",
    NO_TIME,
)
_PERSON = _Words(
    "ご注文{n}は担当者が確認しております。確認が取れ次第ご連絡いたします。",
    "A colleague is looking into your order {n}. We will contact you when we know more.",
    "That somebody looks at it.",
    f"{NOT_DONE} {NO_TIME}",
)
_CANCELLED = _Words(
    "ご注文{n}は取り消されております。", "Your order {n} has been cancelled.", "", "Do not promise a refund."
)


def say(order: OrderLine, zone: str) -> Say:
    """``zone``: the install's, for dates in the sentence."""
    words, until = _words(order), ""
    if order.until is not None or order.parked is not None:
        until = _day(order, zone)
    number = order.number.lstrip("0") or order.number
    return Say(
        ja=words.ja.format(n=f"（{number}）", until=until or "予定日"),
        en=words.en.format(n=number, until=until or "the planned day"),
        may_promise=words.may,
        must_not_promise=words.must_not,
    )


def _words(order: OrderLine) -> _Words:
    match order.state:
        case "done":
            return _DONE[_mail(order.mail)]
        case "cancelled":
            return _CANCELLED
        case "queued" | "running":
            return _GOING
        case "retrying":
            return _SURE if order.wait == "making_sure" else _AGAIN
        case "parked":
            return _parked(order)
        case "held" | "failed":
            return _PERSON
    return _BY_STATUS.get(order.sf, _PERSON)


def _mail(state: str | None) -> str:
    if state == "sent":
        return "sent"
    return "trouble" if state in ("maybe_sent", "failed", "held") else "waiting"


def _parked(order: OrderLine) -> _Words:
    if order.wait == "person" or order.unknown:
        return _PERSON
    kind = (order.parked or "").partition("(")[0]
    return {"stock": _STOCK, "paymethod": _PAY, "after": _LATER}.get(kind, _PARKED)


def _day(order: OrderLine, zone: str) -> str:
    """The day of ``after(<seconds>)``."""
    kind, _, argument = (order.parked or "").partition("(")
    if kind != "after":
        return ""
    try:
        moment = datetime.fromtimestamp(float(argument.rstrip(")")), ZoneInfo(zone))
    except (ValueError, OverflowError):
        return ""
    return f"{moment:%Y-%m-%d}"


def say_found(orders: Sequence[OrderLine], *, complete: bool, accounts: int) -> Say:
    """What to say about the result of a search as a whole."""
    if len(orders) == 1:
        return Say(ja="ご注文を1件確認いたしました。", en="I have found your order.")
    if orders:
        count = len(orders)
        return Say(ja=f"ご注文が{count}件ございます。ご注文番号か商品名をお聞かせください。",
                   en=f"There are {count} orders. Which one do you mean: its number, or the product?")  # fmt: skip
    if not complete:
        return Say(
            ja="ただいま確認できないシステムがございます。恐れ入りますが、少々お時間をください。",
            en="One of our systems cannot be asked right now. Please give me a moment.",
            must_not_promise="Do not say that there is no order: not everything could be searched.",
        )
    if accounts:
        return Say(
            ja="お客様のご登録は確認できましたが、ご注文は見当たりません。ご注文番号をお聞かせいただけますか。",
            en="I can see your account, but no order. Could you tell me the order number?",
        )
    return Say(
        ja="ご登録が見当たりません。ご注文番号、お客様番号、またはお電話番号をもう一度お聞かせください。",
        en="I cannot find it. Could you tell me the order number, customer number or phone number again?",
    )
