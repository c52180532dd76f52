"""What a clerk may say to the customer about an order, in Japanese and English: from its state alone, never guessed.

No sentence names a time, and none says that somebody does what nobody has been seen to do.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from console.schema.orders import OrderLine
from console.schema.said import Say

NO_TIME = "Do not name a time."
NOT_DONE = "Do not say that it is done, that it failed, or that it will not be billed."
NO_TIME_JA = "時期は約束しないでください。"
NOT_DONE_JA = "完了した、失敗した、請求されない、とは言わないでください。"
NOT_ALL = "Do not say that this is all there is: not everything could be searched."
NOT_ALL_JA = "これですべてとは言わないでください。すべては検索できていません。"
BACK = "That we get back to them: take the order or leave a note, so that somebody does."
BACK_JA = "あらためてご連絡すること。そのために注文を引き受けるか、メモを残してください。"


@dataclass(frozen=True)
class _Words:
    """``may`` and ``must_not`` are for the clerk, who reads either language."""

    ja: str
    en: str
    may: str = ""
    must_not: str = ""
    may_ja: str = ""
    must_not_ja: str = ""

    def say(self, **values: str) -> Say:
        return Say(
            ja=self.ja.format(**values), en=self.en.format(**values),
            may_promise=self.may, must_not_promise=self.must_not, may_promise_ja=self.may_ja, must_not_promise_ja=self.must_not_ja,
        )  # fmt: skip


_REVIEW = _Words(
    "ご注文（{n}）は承っております。ただいま内容を確認しておりますので、今しばらくお待ちください。",
    "We have received your order {n} and are checking it now.",
    "That the order has come in and is being checked.",
    f"Do not promise that it will be approved. {NO_TIME}",
    "ご注文を承り、内容を確認していること。",
    f"承認されるとは約束しないでください。{NO_TIME_JA}",
)
_CANCELLED = _Words(
    "ご注文（{n}）は、お取り消しとなっております。",
    "Your order {n} has been cancelled.",
    "That nothing more is done for this order.",
    "Do not promise a refund, and do not name who cancelled it before you have read the history.",
    "このご注文について、これ以上のお手続きはないこと。",
    "返金は約束しないでください。履歴を読む前に、誰が取り消したかを言わないでください。",
)
_DONE = {
    "sent": _Words(
        "ご注文（{n}）のお手続きは完了しております。ご登録のメールアドレスへご案内をお送りしておりますので、ご確認をお願いいたします。",
        "Your order {n} is complete. We have sent you a mail with the details; please have a look at it.",
        "That it is done, and that the mail was sent.",
        "Do not say that the mail arrived. Do not read activation codes out on the phone.",
        "お手続きが完了し、メールをお送りしたこと。",
        "メールが届いたとは言わないでください。アクティベーションコードを電話で読み上げないでください。",
    ),
    "waiting": _Words(
        "ご注文（{n}）のお手続きは完了しております。ご案内のメールは、準備ができ次第お送りいたします。",
        "Your order {n} is complete. The mail with the details is still to be sent.",
        "That it is done, and that a mail follows.",
        f"Do not say that the mail was sent. {NO_TIME}",
        "お手続きが完了し、このあとメールをお送りすること。",
        f"メールを送ったとは言わないでください。{NO_TIME_JA}",
    ),
    "trouble": _Words(
        "ご注文（{n}）のお手続きは完了しております。ご案内のメールが届いていないようでしたら、あらためてお送りいたします。",
        "Your order {n} is complete. If the mail with the details has not reached you, we will send it again.",
        "That it is done; that the mail can be sent again (then do send it).",
        "Do not say that the mail was sent or arrived. Do not read activation codes out on the phone.",
        "お手続きが完了したこと。メールを再送できること（その場合は必ず再送してください）。",
        "メールを送った、または届いたとは言わないでください。アクティベーションコードを電話で読み上げないでください。",
    ),
    "none": _Words(
        "ご注文（{n}）のお手続きは完了しております。",
        "Your order {n} is complete.",
        "That it is done.",
        "Do not promise a mail: none is on its way.",
        "お手続きが完了していること。",
        "メールは約束しないでください。送信の予定はありません。",
    ),
}
_BY_STATUS = {
    "Draft": _Words(
        "ご注文（{n}）は、まだ確定しておりません。",
        "Your order {n} has not been placed yet.",
        "That it is not placed yet.",
        "Do not promise that it can be set up as it stands.",
        "ご注文がまだ確定していないこと。",
        "このままでお手続きできるとは約束しないでください。",
    ),
    "Pending Review": _REVIEW,
    "Approved": _Words(
        "ご注文（{n}）は内容の確認が済み、これからお手続きに入ります。",
        "Your order {n} has been approved and is about to be set up.",
        "That it is approved.",
        NO_TIME,
        "内容の確認が済んでいること。",
        NO_TIME_JA,
    ),
    "Rejected": _Words(
        "誠に申し訳ございませんが、ご注文（{n}）はお受けすることができませんでした。",
        "We are sorry, we could not accept your order {n}.",
        "That this order will not be set up.",
        "Do not give a reason before you have read it in the history.",
        "このご注文はお手続きしないこと。",
        "履歴を読む前に、理由を言わないでください。",
    ),
    "Cancelled": _CANCELLED,
    "Activated": _DONE["none"],
}
_GOING = _Words(
    "ご注文（{n}）は、ただいまお手続きを進めております。完了いたしましたら、メールでお知らせいたします。",
    "Your order {n} is being set up now. We will send you a mail when it is done.",
    "That it is being worked on, and that a mail tells when it is done.",
    NO_TIME,
    "お手続きを進めていること。完了したらメールでお知らせすること。",
    NO_TIME_JA,
)
_LOCK = _Words(
    "ご注文（{n}）は、お客様のほかのご注文に続いて、順にお手続きいたします。",
    "Your order {n} is set up right after your other order; we do them one after the other.",
    "That it follows the customer's other order.",
    NO_TIME,
    "お客様のほかのご注文に続いてお手続きすること。",
    NO_TIME_JA,
)
_AGAIN = _Words(
    "ご注文（{n}）は、お手続きに少々お時間をいただいております。処理は自動で続いておりますので、お客様のお手続きは不要でございます。",
    "Your order {n} is taking a little longer. It goes on by itself, and there is nothing you need to do.",
    "That it goes on by itself.",
    NO_TIME,
    "お手続きが自動で続くこと。",
    NO_TIME_JA,
)
_SURE = _Words(
    "ご注文（{n}）は、お手続きの状況を確認しております。恐れ入りますが、同じご注文を重ねてなさらず、今しばらくお待ちください。",
    "We are checking how far your order {n} has got. Please do not place it a second time meanwhile.",
    "That we are checking.",
    f"{NOT_DONE} {NO_TIME}",
    "状況を確認していること。",
    f"{NOT_DONE_JA}{NO_TIME_JA}",
)
_STOCK = _Words(
    "ご注文（{n}）は承っております。ただいま在庫がなく、確保でき次第、自動でお手続きを進めます。",
    "We have your order {n}. It is out of stock at the moment; it goes on by itself when there is stock again.",
    "That the order stands and goes on by itself.",
    f"Do not say that new stock is on its way. {NO_TIME}",
    "ご注文は有効で、自動でお手続きが進むこと。",
    f"入荷の予定があるとは言わないでください。{NO_TIME_JA}",
)
_PAY = _Words(
    "ご注文（{n}）は、有効なお支払い方法のご登録をお待ちしております。マイページでご登録いただきますと、自動でお手続きが進みます。",
    "Your order {n} waits for a valid payment method. Please add one in your account; it then goes on by itself.",
    "That it goes on by itself once a payment method is there.",
    "Never take card numbers on the phone or by mail.",
    "お支払い方法が登録されれば、自動でお手続きが進むこと。",
    "カード番号を電話やメールで受け取らないでください。",
)
_LATER = _Words(
    "ご注文（{n}）は、{until_ja}にお手続きを開始する予定でございます。",
    "Your order {n} is to be started on {until_en}.",
    "The day on which it is started.",
    "Do not promise that it is finished on that day.",
    "お手続きを開始する日。",
    "その日に完了するとは約束しないでください。",
)
_PARKED = _Words(
    "ご注文（{n}）は承っております。ただいまお手続きをお待ちいただいておりますが、準備が整い次第、自動で再開いたします。",
    "We have your order {n}. It is waiting at the moment and goes on by itself when it can.",
    "That the order stands.",
    NO_TIME,
    "ご注文が有効であること。",
    NO_TIME_JA,
)
_PERSON = _Words(
    "ご注文（{n}）には、こちらで確認が必要な点がございます。担当の者が確認のうえ、あらためてご連絡いたします。",
    "There is something about your order {n} that we have to check. We will look into it and get back to you.",
    BACK,
    f"{NOT_DONE} {NO_TIME}",
    BACK_JA,
    f"{NOT_DONE_JA}{NO_TIME_JA}",
)
_TAKEN = _Words(
    "ご注文（{n}）は、ただいま担当の者が確認しております。確認が取れ次第、あらためてご連絡いたします。",
    "A colleague is looking into your order {n} and will get back to you.",
    "That somebody looks at it: who took it is named on the order.",
    f"{NOT_DONE} {NO_TIME}",
    "担当の者が確認していること（誰が引き受けたかは注文に表示されています）。",
    f"{NOT_DONE_JA}{NO_TIME_JA}",
)


def say(order: OrderLine, zone: str, now: float) -> Say:
    """``zone``: the install's, for dates in the sentence. ``now``: whether somebody has it in hand still."""
    words, day = _words(order, now), _day(order, zone)
    number = order.number.lstrip("0") or order.number
    until_ja = f"{day.year}年{day.month}月{day.day}日" if day is not None else "ご指定の日"
    until_en = f"{day.day} {day:%B %Y}" if day is not None else "the day that was asked for"
    return words.say(n=number, until_ja=until_ja, until_en=until_en)


def say_of_status(number: str, status: str) -> Say:
    """For an order that only Salesforce knows."""
    words = _BY_STATUS.get(status, _PERSON)
    shown = number.lstrip("0") or number
    return words.say(n=shown)


def _words(order: OrderLine, now: float) -> _Words:
    match order.state:
        case "done":
            return _DONE[_mail(order.mail)]
        case "cancelled":
            return _CANCELLED
        case "queued" if order.wait == "lock":
            return _LOCK
        case "queued" | "running":
            return _GOING
        case "retrying":
            return _SURE if order.wait == "making_sure" or order.unknown else _AGAIN
        case "parked" if order.wait != "person" and not order.unknown:
            return _parked(order)
        case "parked" | "held" | "failed":
            return _TAKEN if order.owner and (order.owner_until or 0.0) > now else _PERSON
    return _BY_STATUS.get(order.sf, _PERSON)


def _mail(state: str | None) -> str:
    if state in (None, "none", "sent"):
        return state or "none"
    return "trouble" if state in ("maybe_sent", "failed", "held") else "waiting"


def _parked(order: OrderLine) -> _Words:
    kind = (order.parked or "").partition("(")[0]
    return {"stock": _STOCK, "paymethod": _PAY, "after": _LATER}.get(kind, _PARKED)


def _day(order: OrderLine, zone: str) -> datetime | None:
    """The day of ``after(<seconds>)``."""
    kind, _, argument = (order.parked or "").partition("(")
    if kind != "after":
        return None
    try:
        return datetime.fromtimestamp(float(argument.rstrip(")")), ZoneInfo(zone))
    except (ValueError, OverflowError):
        return None


def say_found(orders: int, *, complete: bool, accounts: int, more: bool = False) -> Say:
    """What to say about the result of a search as a whole. ``more``: there are more orders or customers than were taken."""
    if orders == 1 and not more:
        if complete:
            return Say(ja="ご注文を1件確認いたしました。", en="I have found your order.")
        return Say(
            ja="ただいま確認できるご注文は1件でございます。", en="I can see one order at the moment; there may be more.",
            must_not_promise=NOT_ALL, must_not_promise_ja=NOT_ALL_JA,
        )  # fmt: skip
    if orders:
        count = f"more than {orders}" if more else str(orders) if complete else f"at least {orders}"
        return Say(
            ja=f"ご注文が{orders}件{'以上' * (more or not complete)}ございます。ご注文番号、または商品名をお聞かせいただけますでしょうか。",
            en=f"There are {count} orders. Which one do you mean: its number, or the product?",
            must_not_promise="Do not read out other orders before you know that it is the customer who asks."
            + f" {NOT_ALL}" * (not complete),
            must_not_promise_ja="お問い合わせのご本人と確認できるまで、ほかのご注文を読み上げないでください。"
            + NOT_ALL_JA * (not complete),
        )
    if not complete:
        return Say(
            ja="ただいま一部のシステムで確認ができない状況でございます。恐れ入りますが、少々お時間をいただけますでしょうか。",
            en="One of our systems cannot be asked right now. Please give me a moment.",
            must_not_promise="Do not say that there is no order: not everything could be searched.",
            must_not_promise_ja="ご注文がないとは言わないでください。すべては検索できていません。",
        )
    if more:
        return Say(
            ja="該当するお客様が多数いらっしゃいます。ご注文番号、またはお電話番号をお聞かせいただけますでしょうか。",
            en="There are many customers of that name. Could you tell me the order number or the phone number?",
            must_not_promise="Do not say that there is no order: not all of these customers were looked at.",
            must_not_promise_ja="ご注文がないとは言わないでください。該当するお客様すべては確認していません。",
        )
    if accounts:
        return Say(
            ja="お客様のご登録は確認できましたが、ご注文が見当たりません。ご注文番号をお聞かせいただけますでしょうか。",
            en="I can see your account, but no order. Could you tell me the order number?",
            must_not_promise="Do not say that no order was placed.",
            must_not_promise_ja="ご注文をいただいていないとは言わないでください。",
        )
    return Say(
        ja="恐れ入りますが、ご登録が見当たりませんでした。ご注文番号、お客様番号、またはお電話番号をもう一度お聞かせいただけますでしょうか。",
        en="I cannot find it. Could you tell me the order number, customer number or phone number again?",
        must_not_promise="Do not say that no order was placed.",
        must_not_promise_ja="ご注文をいただいていないとは言わないでください。",
    )
