from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from console.engine.ownership import HOLD, Owned
from integrations.errors import CallFailed, ErrorClass, System
from integrations.salesforce.models import ApiUsage, JournalRow, OrderRef
from storage import desk, inbox, outbox, profiles, runs
from storage.inbox import Incoming
from tests.console.engine.keeping import House, house

MINUTE = 60.0
DAY = 86_400.0
CHANNEL = "/event/OrderProvisionRequested__e"
ORDER = "801000000000001AAA"


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    own = {
        "PORTAL_ESIM__LOW_WATER": '{"travel": 2}', "PORTAL_ESIM__CLIENT_CERT": str(tmp_path / "own.pem"),
        "PORTAL_DAEMON__TCP__PORT": "0", "PORTAL_DAEMON__TCP__CERT": str(tmp_path / "api.pem"),
        "PORTAL_DAEMON__TCP__KEY": str(tmp_path / "api.key"),
    }  # fmt: skip
    certificate(tmp_path / "own.pem", days=100)
    certificate(tmp_path / "api.pem", days=100)
    async with house(tmp_path, **own) as made:
        await made.journal.write(
            lambda db: profiles.add(db, [(f"898100000000000000{n}", "travel") for n in range(3)], "b", 1.0)
        )
        yield made


def certificate(path: Path, *, days: float) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "portal")])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = (
        built.serial_number(1).not_valid_before(now - timedelta(days=400)).not_valid_after(now + timedelta(days=days))
    )
    path.write_bytes(built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))


async def test_all_is_well(home: House) -> None:
    assert await home.after(0) == {}
    assert await home.after(15) == {}


async def test_runs_that_need_a_person_until_no_order_stands_so(home: House) -> None:
    alarms = home.parts.engine.alarms
    run_id = await home.run(state="failed", fingerprint="3fa9", workflow="send_mail")
    await alarms.raise_("failed:3fa9", "order 101: failed at billing")
    await alarms.raise_("parked:77aa", "order 102: parked")
    assert set(await home.after(15)) == {"failed:3fa9"}
    await home.journal.write(lambda db: runs.change(db, run_id, home.clock.now(), state="done"))
    assert await home.after(15) == {}


async def test_held_orders_wait_for_a_person_too(home: House) -> None:
    one = await home.run(ORDER, state="held", error_code="four_eyes")
    await home.run("801000000000002AAA", state="held", error_code="observing")
    alarms = await home.after(15)
    assert alarms == {
        "held:four_eyes": "1 order(s) are held, approved by the person who placed them: somebody else must start them"
    }
    await home.journal.write(lambda db: runs.change(db, one, home.clock.now(), state="queued"))
    assert "held:four_eyes" not in await home.after(15)


async def test_an_approved_order_that_waits_in_the_queue(home: House) -> None:
    run_id = await home.run()
    assert await home.after(14 * MINUTE) == {}
    assert "has waited for 16 minutes" in (await home.after(2 * MINUTE))["oldest_approved"]
    home.restart()
    assert "oldest_approved" in await home.after(15)
    await home.journal.write(lambda db: runs.change(db, run_id, home.clock.now(), state="running", started_at=1.0))
    assert await home.after(15) == {}


async def test_an_event_that_does_not_get_through_the_door(home: House) -> None:
    row = Incoming(CHANNEL, "7", "uuid-1", ORDER, "key", {}, home.clock.now())
    await home.journal.write(lambda db: inbox.append(db, "00D", "cometd", [row]))
    assert "oldest_approved" in await home.after(16 * MINUTE)
    await home.run(started_at=1.0)
    assert await home.after(15) == {}, "the poll brought it in meanwhile"


def ref(order: str, home: House, *, minutes: float, status: str = "Approved") -> OrderRef:
    at = datetime.fromtimestamp(home.clock.now() - minutes * MINUTE, UTC)
    return OrderRef.model_validate(
        {
            "Id": order,
            "OrderNumber": "00000101",
            "Status": status,
            "LastModifiedDate": at.isoformat(),
            "AccountId": None,
        }
    )


async def test_an_order_that_salesforce_shows_approved_and_nothing_began_with(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The door cannot read it, whatever the reason: the list alone knows of it."""
    found = [ref(ORDER, home, minutes=14)]

    async def list_orders(statuses: object, **_: object) -> list[OrderRef]:
        return found

    async def admit(order_id: str, **_: object) -> None:
        raise CallFailed(System.SALESFORCE, "composite", ErrorClass.DATA, "unreadable_row", "a row cannot be read")

    salesforce = home.parts.engine.salesforce
    monkeypatch.setattr(salesforce, "list_orders", list_orders)
    monkeypatch.setattr(home.parts.door, "admit", admit)
    await home.parts.poll.once()
    assert await home.after(0) == {}
    assert "has waited for 16 minutes" in (await home.after(2 * MINUTE))["oldest_approved"]
    found.clear()
    await home.parts.poll.once()
    assert await home.after(15) == {}


async def test_a_gap_until_a_later_poll_has_read_everything(home: House) -> None:
    await home.journal.write(lambda db: inbox.gap(db, "00D", "cometd", CHANNEL, "400 replay id", home.clock.now()))
    await home.parts.engine.alarms.raise_("gap", "events may have been missed", severity="critical")
    assert set(await home.after(15)) == {"gap"}
    await home.journal.write(lambda db: inbox.reconcile_gaps(db, home.clock.now(), home.clock.now()))
    assert await home.after(15) == {}


async def test_the_brake_and_pauses_whoever_pulled_them(home: House) -> None:
    """A brake that an event's admission pulled stops the poll too: nobody else would raise the alarm."""
    await home.journal.write(lambda db: home.parts.brake.pull(db, home.clock.now(), "201 new orders within an hour"))
    await home.journal.write(lambda db: desk.pause(db, "whmcs", "otto", "maintenance", home.clock.now()))
    await home.journal.write(lambda db: desk.pause(db, "product:21", "otto", "wrong price", home.clock.now()))
    assert await home.after(15) == {
        "brake": "intake is paused by engine: 201 new orders within an hour",
        "paused:whmcs": "whmcs is paused by otto: maintenance",
        "paused:product:21": "product:21 is paused by otto: wrong price",
    }
    for subject in ("intake", "whmcs", "product:21"):
        await home.journal.write(lambda db, subject=subject: desk.resume(db, subject))  # type: ignore[misc]
    assert await home.after(15) == {}


async def test_a_system_that_is_silent_for_long(home: House) -> None:
    gate = home.parts.engine.gates[System.WHMCS]
    for _ in range(5):
        gate.note(CallFailed(System.WHMCS, "GetOrders", ErrorClass.TRANSIENT, "timeout", "no answer in time"))
    assert gate.state == "broken"
    assert await home.after(15) == {}
    assert await home.after(9 * MINUTE) == {}
    assert "no answer in time" in (await home.after(2 * MINUTE))["down:whmcs"]
    gate.breaker.succeeded()
    assert await home.after(15) == {}
    home.unreached = "salesforce login: invalid_client"
    await home.after(15)
    assert "invalid_client" in (await home.after(11 * MINUTE))["down:salesforce"]


async def test_stock_below_low_water(home: House) -> None:
    one = await home.journal.write(lambda db: profiles.reserve(db, ORDER, "802A", "travel", None, 1.0))
    two = await home.journal.write(lambda db: profiles.reserve(db, ORDER, "802B", "travel", None, 1.0))
    assert one
    assert two
    assert await home.after(15) == {"stock:travel": "1 free profiles of type travel (low water is 2)"}
    await home.journal.write(lambda db: profiles.free(db, one, 1.0, ORDER, usable=True))
    assert await home.after(15) == {}


async def test_certificates_21_days_before_their_end_and_renewed_without_a_restart(home: House, tmp_path: Path) -> None:
    await home.after(0)
    alarms = await home.after(80 * DAY)
    assert {cause for cause in alarms if cause.startswith("certificate:")} == {
        "certificate:esim.client_cert", "certificate:daemon.tcp.cert",
    }  # fmt: skip
    assert "runs out in 20 days" in alarms["certificate:esim.client_cert"]
    certificate(tmp_path / "own.pem", days=400)
    (tmp_path / "api.pem").write_text("not a certificate")
    alarms = await home.after(3601)
    assert "certificate:esim.client_cert" not in alarms
    assert "cannot be read" in alarms["certificate:daemon.tcp.cert"]


async def test_the_clock_and_the_org_until_they_are_well_again(home: House) -> None:
    alarms, parts = home.parts.engine.alarms, home.parts
    await alarms.raise_("clock", "the machine's clock jumped by +120 s", severity="critical")
    await alarms.raise_("clock_skew:whmcs", "our clock and whmcs's differ by +70 s")
    parts.engine.holds.set("clock_skew:whmcs", "they differ")
    row = JournalRow.model_validate(
        {"Id": "a01000000000001AAA", "Generation__c": 3, "Journal_Id__c": "other", "Seen_At__c": None}
    )
    await parts.ownership.lose(row)
    assert set(await home.after(15)) == {"clock", "clock_skew:whmcs", "ownership"}
    parts.engine.holds.lift("clock_skew:whmcs")
    assert set(await home.after(15)) == {"clock", "ownership"}
    parts.engine.holds.lift(HOLD)
    assert "ownership" in await home.after(15), "nobody says yet that it is ours"
    parts.ownership.owned = Owned(4, False, 0)
    assert set(await home.after(3601)) == set()


async def test_a_status_write_that_salesforce_refuses(home: House) -> None:
    await home.journal.write(lambda db: outbox.put(db, ORDER, {"Status": "Failed"}, home.clock.now()))
    await home.journal.write(lambda db: outbox.give_up(db, ORDER, "refused", home.clock.now()))
    await home.parts.engine.alarms.raise_("writeback:FIELD_CUSTOM_VALIDATION_EXCEPTION", "Salesforce refuses")
    assert "writeback:FIELD_CUSTOM_VALIDATION_EXCEPTION" in await home.after(15)
    await home.journal.write(lambda db: outbox.drop(db, ORDER))
    assert await home.after(15) == {}


async def test_a_status_write_that_never_arrives(home: House) -> None:
    """Nothing is refused, it is tried and tried: after a quarter of an hour a person is told, also after a restart."""
    journal, now = home.journal, home.clock.now()
    await journal.write(lambda db: outbox.put(db, ORDER, {"Status": "Failed"}, now))
    for _ in range(14):
        at = home.clock.now() + MINUTE
        assert "writeback_late" not in await home.after(MINUTE)
        await journal.write(lambda db, at=at: outbox.again(db, ORDER, at, "no answer", at, clear=False))  # type: ignore[misc]
    await journal.write(lambda db: outbox.put(db, ORDER, {"Status": "Cancelled"}, home.clock.now()))
    alarms = await home.after(2 * MINUTE)
    assert alarms["writeback_late"] == f"a status write to Salesforce has not arrived for 16 minutes (order {ORDER})"
    await journal.write(lambda db: outbox.settle(db, ORDER, 2, home.clock.now()))
    assert "writeback_late" not in await home.after(15)


async def test_the_quota_with_its_figures(home: House) -> None:
    home.usage = ApiUsage(used=13_501, total=15_000)
    assert (await home.after(15))["quota"].startswith(
        "Salesforce: 13,501 of 15,000 API calls of 24 h are used (10.0 % left)"
    )
    home.usage = ApiUsage(used=13_400, total=15_000)
    assert "quota" in await home.after(15), "a little more than a tenth does not end it"
    home.usage = ApiUsage(used=9_000, total=15_000)
    assert await home.after(15) == {}
