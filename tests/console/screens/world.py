"""A small desk's orders as the daemon would tell them: the data of the mock-ups, with the rules' own states."""

from typing import Any

from console.schema.book import COLUMNS
from console.schema.commands import MatchLine
from console.schema.desk import Approval, Approvals
from console.schema.detail import (
    CallView,
    HistoryItem,
    OrderDetail,
    PossibleCommand,
    RunView,
    SendView,
    StepView,
    TakeView,
)
from console.schema.mending import CandidatesView, CandidateView, EditableField, EditForm
from console.schema.orders import OrderLine
from console.schema.records import Compared, Fetched, Records
from console.schema.said import Say
from console.schema.service import Integration, Integrations, Me

NOW = 1_795_403_071.0  # 2026-11-23 03:04:31 UTC, 12:04:31 in Tokyo
STEPS = ("load", "payment", "esim", "billing", "accept", "crm", "email")
_STATUS = {
    "queued": "Approved", "running": "Provisioning", "retrying": "Provisioning", "parked": "Provisioning", "held": "Approved",
    "failed": "Failed", "done": "Activated", "cancelled": "Cancelled", "none": "Pending Review",
}  # fmt: skip
# number, customer, plan, strip, state, yen, age in seconds, tries, more
ORDERS: tuple[tuple[str, str, str, str, str, int, float, int, dict[str, Any]], ...] = (
    ("00010485", "佐藤 健太郎", "Internet 10G", "", "none", 6930, 841, 0, {}),
    ("00010484", "Emily Clark", "VPN Team", "", "none", 3300, 364, 0, {}),
    ("00010482", "佐藤 健太郎", "Internet 1G", ".......", "queued", 5280, 2, 0, {}),
    ("00010481", "Emily Clark", "SIM 20GB", "vv-v>..", "running", 2178, 3, 1, {"step": "accept"}),
    ("00010480", "田中 花子", "eSIM Travel", "~......", "parked", 2480, 367, 1, {"step": "load", "wait": "condition", "parked": "stock(TRAVEL-5G)", "class": "capacity", "code": "stock_empty", "message": "no free profile of type TRAVEL-5G in stock", "until": NOW + 86000}),
    ("00010479", "鈴木 一郎", "VPN Basic", "vv-vv>.", "running", 550, 12, 1, {"step": "crm"}),
    ("00010478", "高橋 美咲", "Internet 10G", "vv-vv~.", "retrying", 6930, 41, 2, {"step": "crm", "wait": "retry", "class": "transient", "system": "salesforce", "code": "UNABLE_TO_LOCK_ROW", "next_at": NOW + 20}),
    ("00010477", "John Miller", "SIM 20GB", "v~.....", "parked", 2178, 36000, 1, {"step": "payment", "wait": "condition", "parked": "paymethod(2210)", "class": "customer", "code": "no_pay_method", "message": "no valid pay method"}),
    ("00010476", "株式会社みなとみらい通信サービス", "VPN Team", "vv-vx..", "failed", 3300, 10800, 1, {"step": "accept", "error_step": "accept", "class": "conflict", "system": "whmcs", "code": "service_pending", "message": "service 812 is Pending", "owner": "sato", "owner_until": NOW + 3600}),
    ("00010475", "伊藤 さくら", "eSIM 20GB", "vvvvvvv", "done", 2178, 125, 1, {}),
    ("00010474", "Ana Souza", "Internet 1G", "vv-~...", "retrying", 5280, 9, 1, {"step": "billing", "wait": "making_sure", "until": NOW + 890, "class": "outcome_unknown", "unknown": True}),
    ("00010473", "小林 恵", "eSIM Travel", "~......", "parked", 2480, 663, 1, {"step": "load", "wait": "condition", "parked": "stock(TRAVEL-5G)", "class": "capacity"}),
    ("00010472", "渡辺 翔太", "eSIM Travel", "~......", "parked", 2480, 722, 1, {"step": "load", "wait": "condition", "parked": "stock(TRAVEL-5G)", "class": "capacity"}),
    ("00010471", "山本 由美子", "Internet 1G", ".......", "held", 5280, 845, 0, {"code": "four_eyes", "wait_reason": "approved in Salesforce by the one who placed it"}),
    ("00010470", "David Chen", "Internet 10G", "vv-~...", "parked", 6930, 3720, 1, {"step": "billing", "error_step": "billing", "wait": "person", "class": "outcome_unknown", "system": "whmcs", "code": "", "message": "AddOrder timed out after sending", "unknown": True, "wait_reason": "the outcome of whmcs.AddOrder is not known"}),
    ("00010469", "中村 大輔", "SIM 20GB", "vv-vvvv", "done", 2178, 1085, 1, {}),
    ("00010468", "Priya Nair", "VPN Basic", "vv-vvvv", "done", 550, 1145, 1, {}),
    ("00010467", "加藤 真由", "SIM 20GB", "x......", "failed", 2178, 1266, 1, {"step": "load", "error_step": "load", "class": "data", "system": "salesforce", "code": "recipient_changed", "message": "the order's mail address is not the account's"}),
    ("00010466", "吉田 蓮", "Internet 1G", "vv-vvx.", "failed", 5280, 10802, 1, {"step": "crm", "error_step": "crm", "class": "data", "system": "salesforce", "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "FIELD_CUSTOM_VALIDATION_EXCEPTION: number missing"}),
    ("00010465", "Marie Dubois", "eSIM 20GB", "vvvvvvv", "done", 2178, 1450, 1, {}),
    ("00010464", "山田 太郎", "SIM 20GB", "v......", "cancelled", 2178, 7300, 1, {"wait_reason": "the customer asked for it"}),
    ("00010463", "ﾊﾞｽ観光 ｶ)", "SIM 20GB", "vv-vvvv", "done", 2178, 1745, 1, {}),
    ("00010462", "松本 結衣", "Internet 1G", "vv-vvvv", "done", 5280, 1860, 1, {}),
    ("00010461", "Tom \x1b[31mBaker[/red]", "eSIM Travel", "vvvvvvv", "done", 2480, 1990, 2, {}),
    ("00010460", "井上 拓海", "VPN Team", "vv-vvvv", "done", 3300, 2165, 1, {}),
)  # fmt: skip


def order_id(number: str) -> str:
    return f"8015h{int(number):010d}AAA"


def row(entry: tuple[str, str, str, str, str, int, float, int, dict[str, Any]]) -> list[Any]:
    """One order as a row of the book."""
    number, _, plan, strip, state, yen, age, tries, more = entry
    run = int(number) - 10_000 if state != "none" else None
    values: dict[str, Any] = dict.fromkeys(COLUMNS)
    values |= {
        "order_id": order_id(number), "number": number, "account": f"C-00{int(number) % 10_000:04d}", "kind": plan.split()[0].lower(),
        "plan": plan, "amount": yen, "sf": _STATUS[state], "read_at": NOW - age, "run_id": run, "version": 4 if run else None,
        "state": state, "strip": strip, "tries": tries, "attempt": int(bool(run)), "unknown": False, "created": NOW - age if run else None,
        "updated": NOW - age * 0.4,
    }  # fmt: skip
    values |= more
    return [values[name] for name in COLUMNS]


ROWS = [row(entry) for entry in ORDERS]
NAMES = {order_id(entry[0]): entry[1] for entry in ORDERS}
ENTRIES = {order_id(entry[0]): entry for entry in ORDERS}

ME = Me(
    name="mira", role="operator", peer="unix:1000", environment="sandbox", org_id="00D5h0000000001EAA", version="0.0.0",
    time_zone="Asia/Tokyo", seq=100, epoch=1,
)  # fmt: skip
INTEGRATIONS = Integrations(
    integrations=[
        Integration(system="salesforce", state="up", calls=900, errors=2, error_rate=0.002, in_flight=1),
        Integration(system="whmcs", state="up", calls=700, errors=0, error_rate=0.0, in_flight=2),
        Integration(system="esim", state="paused", calls=70, errors=9, error_rate=0.12, in_flight=0, pause_reason="key"),
        Integration(system="mail", state="up", calls=70, errors=0, error_rate=0.0, in_flight=0),
    ],
    pauses=[], events={"phase": "listening"}, holds={}, runs={"running": 2},
)  # fmt: skip

SYSTEM_COMMANDS = [
    PossibleCommand(id="system.pause", title="Pause", possible=True),
    PossibleCommand(id="system.resume", title="Resume", possible=True),
    PossibleCommand(id="system.release_brake", title="Release the brake", possible=False, reason="the brake is not on"),
]


def possible(state: str, unknown: bool) -> list[PossibleCommand]:
    """What an operator may do, for the states these tests use."""
    known = [("order.take", "Take"), ("order.note", "Note")]
    if unknown:
        known = [("order.resolve_is", "Resolve: it is there"), ("order.park", "Park until"), *known]
    elif state in ("failed", "parked", "retrying"):
        known = [("order.retry", "Retry"), ("order.park", "Park until"), ("order.cancel", "Cancel"), *known]
        known += [("order.retry_step", "Retry from step")] if state == "failed" else []
    elif state == "none":
        known = [("order.approve", "Approve"), ("order.reject", "Reject"), *known]
    done = [PossibleCommand(id=command, title=title, possible=True) for command, title in known]
    refused = [
        PossibleCommand(
            id="order.skip",
            title="Skip step",
            possible=False,
            never=True,
            reason="this needs the role supervisor; yours is operator",
        ),
        PossibleCommand(
            id="order.mail_resend",
            title="Send mail again",
            possible=False,
            reason="no mail was made for this order yet",
        ),
    ]
    if unknown:
        refused.append(
            PossibleCommand(
                id="order.retry",
                title="Retry",
                possible=False,
                reason="the outcome of whmcs.AddOrder is not known: resolve it first",
            )
        )
    return [*done, *refused]


def detail(wanted: str) -> OrderDetail:
    """The order with this id or number. Raises KeyError."""
    entry = ENTRIES[wanted if wanted in ENTRIES else order_id(wanted)]
    number, name, _, strip, state, *_ = entry
    line = OrderLine.model_validate({**dict(zip(COLUMNS, row(entry), strict=True)), "customer": name})
    run = _run(entry, line) if state != "none" else None
    calls = _calls(line) if strip.startswith("vv-") else []
    return OrderDetail(
        seq=100, at=NOW, order=line, customer={"name": name, "number": line.account, "phone": "090••••••35", "email": "h••@exa…"},
        read_at=NOW - 8, run=run, calls=calls, history=_history(number, line),
        take=TakeView(actor=line.owner, at=NOW - 60, expires_at=NOW + 3600) if line.owner else None,
        standing=["claimed in Salesforce"] if run else [],
        advice="The far side may have done it. Compare the records there, then resolve: it is there, or it is not. It is never sent again blindly."
        if line.unknown else "Retrying cannot help yet. The run goes on by itself when there is capacity." if state == "parked" else "",
        say=Say(ja="ご注文の手続きを進めております。少々お待ちください。", en="Your order is being processed; please wait a little.", may_promise="an answer by e-mail", must_not_promise="a time of completion"),
        commands=possible(state, line.unknown),
    )  # fmt: skip


_LETTERS = {".": "pending", ">": "running", "~": "waiting", "v": "done", "x": "failed", "-": "not_needed"}


def _run(entry: tuple[str, str, str, str, str, int, float, int, dict[str, Any]], line: OrderLine) -> RunView:
    begun = line.created or NOW
    steps = []
    for i, (name, letter) in enumerate(zip(STEPS, entry[3], strict=True)):
        at = begun + i
        took = 0.25 * (i + 1) if letter in "vx" else None
        steps.append(
            StepView(
                name=name, state=_LETTERS[letter], tries=1 if letter in "v>x~" else 0, started_at=at if letter in "v>x~" else None,
                ended_at=at + took if took else None, seconds=took, output={"ok": True, "step": name} if letter == "v" else None,
            )
        )  # fmt: skip
    return RunView(
        id=line.run_id or 0, state=line.state, version=line.version or 1, step=line.step, wait=line.wait, wait_reason=line.wait_reason,
        until=line.until, next_at=line.next_at, condition=line.parked, tries=line.tries, attempt=1, unknown=line.unknown, source="event",
        error_class=line.error_class, error_system=line.system, error_code=line.code, error_message=line.message, error_step=line.error_step,
        created_at=begun, updated_at=line.updated, started_at=begun, steps=steps,
    )  # fmt: skip


def _calls(line: OrderLine) -> list[CallView]:
    begun = (line.created or NOW) + 3
    run = line.run_id or 0
    claim = _call(
        1,
        run,
        "load",
        "salesforce.claim",
        "keyed",
        "done",
        {"Status": "Provisioning"},
        {"success": True},
        begun,
        ["ok"],
    )
    state = "unknown" if line.unknown else "done"
    sends = ["unknown", "absent"] if line.unknown else ["ok"]
    output = None if line.unknown else {"orderid": 991, "invoiceid": 20991, "serviceids": "812"}
    asked = {
        "clientid": "4417",
        "pid": [31],
        "billingcycle": ["monthly"],
        "paymentmethod": "stripe",
        "noemail": True,
        "notes": "p1:00D5h0000000001:8015h0000010470",
    }
    return [claim, _call(2, run, "billing", "whmcs.AddOrder", "guarded", state, asked, output, begun + 1, sends)]


def _call(
    number: int, run: int, step: str, operation: str, effect: str, state: str, sent: dict[str, Any], got: dict[str, Any] | None,
    at: float, outcomes: list[str],
) -> CallView:  # fmt: skip
    sends = [
        SendView(
            id=number * 10 + i, n=i + 1, kind="send" if i == 0 else "look", run_id=run, at=at + 70 * i, deadline=at + 60, ended_at=at + 70 * i + 0.3,
            seconds=0.3, outcome=outcome, message="no answer in time" if outcome == "unknown" else None,
            evidence={"GetOrders": {"total": 3, "read": 3}, "GetClientsProducts": {"total": 5, "read": 5}} if outcome == "absent" else None,
        )
        for i, outcome in enumerate(outcomes)
    ]  # fmt: skip
    return CallView(
        id=number, run_id=run, step=step, operation=operation, item="", system=operation.split(".")[0], effect=effect, state=state,
        sends_count=len(sends), input=sent, output=got, marker="p1:00D5h0000000001:8015h0000010470", first_at=at, at=at, deadline=at + 60,
        late_until=NOW - 60 if state == "unknown" else None, sends=sends,
    )  # fmt: skip


def _history(number: str, line: OrderLine) -> list[HistoryItem]:
    begun = line.created or NOW - 600
    items = [
        HistoryItem(at=begun - 60, kind="command", actor="sato", what="approve", outcome="done"),
        HistoryItem(at=begun - 1, kind="event", actor="salesforce", what="platform event", outcome="started"),
        HistoryItem(at=begun, kind="feed", actor="engine", what="queued", seq=8_119_380),
        HistoryItem(at=begun + 0.2, kind="feed", actor="engine", what="running at load", seq=8_119_381),
    ]
    if line.state == "parked":
        items.append(
            HistoryItem(
                at=line.updated,
                kind="feed",
                actor="engine",
                what=f"parked at {line.step}: {line.message}",
                seq=8_119_402,
            )
        )
        items.append(HistoryItem(at=line.updated + 5, kind="note", actor="mira", what="asked the provider for stock"))
    return items


def records(wanted: str) -> Records:
    entry = ENTRIES[wanted if wanted in ENTRIES else order_id(wanted)]
    number, name, plan, *_ = entry
    lines = [
        ("order", "order", number, "991", None, ""),
        ("order", "status", "Provisioning", "Pending", None, ""),
        ("customer", "number", "C-004417", "C-004417", True, ""),
        ("customer", "name", name, name, True, ""),
        ("customer", "phone", "+8190••••35", "090••••99", False, "another number"),
        ("item 8025h01", "product", plan, "pid 31", None, ""),
        ("item 8025h01", "cycle", "Monthly", "monthly", True, ""),
        ("item 8025h01", "amount", "¥6,930", "¥6,980", False, ""),
    ]
    return Records(
        order_id=order_id(number), number=number, differences=2,
        fetched=[Fetched(system="salesforce", ok=True, at=NOW - 8), Fetched(system="whmcs", ok=True, at=NOW - 8)],
        lines=[Compared(group=g, field=f, salesforce=s, whmcs=w, same=same, note=n) for g, f, s, w, same, n in lines],
    )  # fmt: skip


def approvals() -> Approvals:
    """The orders that wait for a decision; the larger one is beyond this operator's limit."""
    waiting = [detail(number).order for number in ("00010485", "00010484")]
    return Approvals(
        at=NOW, count=len(waiting), sum_yen=sum(order.amount or 0 for order in waiting),
        approvals=[
            Approval(
                order_id=order.order_id, number=order.number, customer=order.customer, account=order.account, amount=order.amount,
                placed_by="portal", modified_at=NOW - 900, waited=841 if i == 0 else 364, effective_date="2026-11-23",
                why=["¥6,930 is over your limit of ¥5,000; a supervisor may approve it"] if i == 0 else ["waits for a decision"],
                who="supervisors and above: sue" if i == 0 else "operators and above: mira, sato, sue",
                may=i != 0, why_not="¥6,930 is over your limit of ¥5,000; a supervisor may approve it" if i == 0 else "",
            )
            for i, order in enumerate(waiting)
        ],
    )  # fmt: skip


def candidates(wanted: str) -> CandidatesView:
    """What the unknown AddOrder may have made: the one that fits, and one of another order."""
    entry = ENTRIES[wanted if wanted in ENTRIES else order_id(wanted)]
    number, amount = entry[0], entry[5]
    same = [
        MatchLine(field="client", ours="4417", theirs="4417", same=True),
        MatchLine(field="products", ours="1 × product 31", theirs="1 × product 31", same=True),
        MatchLine(field="amount", ours=f"¥{amount:,}", theirs=f"¥{amount:,}", same=True),
        MatchLine(field="status", ours="not cancelled", theirs="Pending", same=True),
        MatchLine(field="belongs to", ours=number, theirs="no other order", same=True),
        MatchLine(field="marker", ours="ours", theirs="none", same=False, deciding=False),
    ]
    other = [line.model_copy() for line in same]
    other[4] = MatchLine(field="belongs to", ours=number, theirs="00010462", same=False)
    return CandidatesView(
        order_id=order_id(number), at=NOW, call_id=2, operation="whmcs.AddOrder",
        words=["client 4417 has 2 orders in WHMCS"],
        candidates=[
            CandidateView(identifier="991", title="WHMCS order 991", date="2026-11-23 11:02:33", status="Pending", amount=amount, compared=same),
            CandidateView(identifier="960", title="WHMCS order 960", date="2026-11-23 10:31:10", status="Active", amount=5280, compared=other, why_not=f"belongs to: ours {number}, theirs 00010462"),
        ],
    )  # fmt: skip


def edit_form(wanted: str) -> EditForm:
    """An operator's form of an eSIM order that waits for stock."""
    entry = ENTRIES[wanted if wanted in ENTRIES else order_id(wanted)]
    item, name = "8025h0000000001AAA", entry[2]
    supervisor = "eid changes what is billed or whose phone gets the line: this needs a supervisor"
    fields = [
        EditableField(field="eid", label="EID", item=item, name=name, value="8904••••••••1235", why_not=supervisor),
        EditableField(field="profile_type", label="profile type", item=item, name=name, value="TRAVEL-5G", choices=["JP-VOICE-25G", "TRAVEL-10G", "TRAVEL-5G"]),
        EditableField(field="language", label="language of mails", value="the client's", choices=["ja", "en"]),
        EditableField(field="price", label="price", way="change the order in Salesforce and have it approved again"),
        EditableField(field="client", label="client", way="change Account.WHMCS_Client_ID__c in Salesforce"),
        EditableField(field="iccid", label="iccid", way="cancel with undo; a new profile is reserved then"),
    ]  # fmt: skip
    return EditForm(order_id=order_id(entry[0]), at=NOW, fields=fields)
