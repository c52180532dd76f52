"""What the daemon finds at the small desk of ``world``."""

from console.api.saying import say, say_found, say_of_status
from console.schema.orders import FindAnswer, FoundAccount, FoundOrder, Looked, OutsideOrder
from tests.console.screens import world

PHONE = "+81 90-1234-5635"
ZONE = "Asia/Tokyo"


def _hit(number: str, by: str) -> FoundOrder:
    line = world.detail(number).order
    return FoundOrder(order=line, matched=by, say=say(line, ZONE, world.NOW))


def found(text: str, *, whmcs_down: bool = False) -> FindAnswer:
    """A customer with three orders by her phone; one order by its number; else nothing."""
    plain = text.replace("-", "").replace(" ", "").lstrip("0")
    hits: list[FoundOrder] = []
    accounts: list[FoundAccount] = []
    elsewhere: list[OutsideOrder] = []
    kind = "order number"
    if plain in ("+819012345635", "9012345635", "田中花子"):
        kind = "name" if "田" in plain else "phone"
        hits = [_hit("00010480", kind), _hit("00010475", "customer")]
        elsewhere = [
            OutsideOrder(
                order_id="8015h0000010499AAA", number="00010499", sf="Pending Review", effective_date="2026-11-25", amount=5280,
                customer="田中 花子", say=say_of_status("00010499", "Pending Review"),
            )
        ]  # fmt: skip
        accounts = [
            FoundAccount(
                account_id="0015h00000044170AA", name="田中 花子", number="C-004417", client_id="4417", orders=elsewhere,
                client_status="" if whmcs_down else "Active", found_in=["Salesforce", *([] if whmcs_down else ["WHMCS"])],
            )
        ]  # fmt: skip
    elif plain.isdigit() and world.order_id(plain) in world.NAMES:
        hits = [_hit(plain, kind)]
    elif not plain.isdigit():
        kind = "name"
    looked = [
        Looked(place="orders known here", ok=True, found=len(hits)), Looked(place="Salesforce accounts", ok=True, found=len(accounts)),
        Looked(place="Salesforce orders", ok=True, found=len(hits) + len(elsewhere)),
        Looked(place="WHMCS clients", ok=not whmcs_down, found=len(accounts), note="WHMCS does not answer; tried again in 20 s" if whmcs_down else ""),
    ]  # fmt: skip
    count = len(hits) + len(elsewhere)
    return FindAnswer(
        text=text, read_as=[kind], orders=hits, accounts=accounts, looked=looked, elsewhere=elsewhere, complete=not whmcs_down,
        say=say_found(count, complete=not whmcs_down, accounts=len(accounts)), at=world.NOW,
    )  # fmt: skip
