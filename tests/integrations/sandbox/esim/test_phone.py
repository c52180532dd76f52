"""Phones take profiles and tell about it: the sandbox's call-backs into the product's real listener."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integrations.esim.activation import activation_code, lpa_text
from integrations.esim.progress import Meaning, ProgressEvent, Shown, ShownState, fold
from integrations.esim.receiver import ProgressReceiver, ReceiverConfig
from integrations.sandbox.esim.notifier import Dialect, Listener
from integrations.sandbox.esim.phone import PhoneError, Phones, VendorPoints
from tests.integrations.sandbox.esim.conftest import STOCK, Bench

ICCID = STOCK[0].iccid
EID, OTHER_EID = "89999031415926535897932384626466", "89999027182818284590452353602823"
CODE = lpa_text(activation_code("smdp.example.com", "M1"))
VENDOR = {5: Meaning.DELETED, 101: Meaning.ENABLED, 102: Meaning.DISABLED}
DIALECTS = [
    Dialect(),
    Dialect(string_ids=True, epoch_times=True, constant_call_id=True, padded_iccid=False, without_eid=True),
    Dialect(copies=3),
    Dialect(reverse=True, constant_call_id=True),
    Dialect(reverse=True, copies=2, string_ids=True, epoch_times=True),
]


class Desk:
    """A released profile, the phones, and what the portal's listener stored."""

    def __init__(self, bench: Bench) -> None:
        self.smdp, self.phones = bench.sandbox.smdp, bench.sandbox.phones
        self.stored: list[ProgressEvent] = []
        known = bench.sandbox.endpoint()
        config = ReceiverConfig(
            host="127.0.0.1",
            port=0,
            certificate=Path(known["receiver_cert"]),
            key=Path(known["receiver_key"]),
            client_ca=Path(known["receiver_client_ca"]),
            sender="smdp-1",
            pinned_key=known["callback_pin"],
            points=VENDOR,
        )
        self.receiver = ProgressReceiver(config, self._store, now=lambda: datetime.now(UTC))
        self.ca_file = Path(known["ca_file"])

    async def _store(self, event: ProgressEvent) -> None:
        self.stored.append(event)

    def listen(self) -> None:
        self.phones.notifier.listener = Listener(f"https://127.0.0.1:{self.receiver.port}", self.ca_file)

    def release(self, eid: str | None = None, confirmation_code: str | None = None) -> None:
        bound = {"eid": eid} if eid else {}
        code = {"confirmationCode": confirmation_code} if confirmation_code else {}
        self.smdp.download_order({"iccid": ICCID, **bound})
        self.smdp.confirm_order({"iccid": ICCID, "matchingId": "M1", "releaseFlag": True, **bound, **code})

    def shown(self) -> Shown:
        return fold(self.stored)

    def state(self) -> str:
        profile = self.smdp.profile(ICCID)
        assert profile
        return str(profile["state"])


@pytest.fixture
async def desk(bench: Bench) -> AsyncIterator[Desk]:
    made = Desk(bench)
    await made.receiver.start()
    made.listen()
    yield made
    await made.receiver.stop()


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_whole_life_in_every_dialect(desk: Desk, dialect: Dialect) -> None:
    desk.release()
    desk.phones.notifier.dialect = dialect
    outcome = await desk.phones.install(CODE, EID)
    assert (outcome.state, outcome.pair) == ("Installed", "")
    assert {sent.status for sent in outcome.sent} == {204}
    assert len(outcome.sent) == 3 * dialect.copies
    assert desk.shown().state is ShownState.INSTALLED
    assert desk.shown().downloads == 1
    await desk.phones.enable(ICCID)
    assert desk.shown().state is ShownState.ENABLED
    await desk.phones.delete(ICCID)
    assert desk.shown().state is ShownState.DELETED
    assert desk.shown().eid == (None if dialect.without_eid else EID)
    assert desk.state() == "Installed"


async def test_disable_and_another_vendors_numbers(desk: Desk) -> None:
    desk.release()
    desk.phones.vendor_points = VendorPoints(enabled=6, disabled=7, deleted=8)
    await desk.phones.install(CODE, EID)
    await desk.phones.disable(ICCID)
    assert desk.shown().state is ShownState.INSTALLED  # 7 is not in this listener's map
    assert (desk.stored[-1].point, desk.stored[-1].meaning) == (7, Meaning.UNKNOWN)


async def test_wrong_eid(desk: Desk) -> None:
    desk.release(eid=EID)
    assert (await desk.phones.install(CODE, OTHER_EID)).pair == "8.1.1/3.8"
    assert (desk.shown().state, desk.state()) == (ShownState.NOT_SEEN, "Released")
    assert desk.shown().problem is not None
    assert (await desk.phones.install(CODE, EID)).pair == ""


async def test_confirmation_codes_and_their_limit(desk: Desk) -> None:
    desk.release(confirmation_code="40719326")
    assert (await desk.phones.install(CODE, EID)).pair == "8.2.7/2.2"
    given = [(await desk.phones.install(CODE, EID, confirmation_code="00000000")).pair for _ in range(3)]
    assert given == ["8.2.7/3.8", "8.2.7/3.8", "8.2.7/6.4"]
    assert (desk.shown().state, desk.state()) == (ShownState.ENDED, "Error")
    assert (await desk.phones.install(CODE, EID, confirmation_code="40719326")).pair == "8.2.6/3.8"


async def test_the_right_confirmation_code(desk: Desk) -> None:
    desk.release(confirmation_code="40719326")
    outcome = await desk.phones.install(CODE, EID, confirmation_code="40719326")
    assert [sent.point for sent in outcome.sent] == [1, 2, 3, 4]


async def test_interrupted_then_again_on_the_same_phone_only(desk: Desk) -> None:
    desk.release()
    assert (await desk.phones.install(CODE, EID, interrupted=True)).state == "Downloaded"
    assert desk.shown().state is ShownState.DOWNLOADED
    assert (await desk.phones.install(CODE, OTHER_EID)).pair == "8.2/3.7"
    assert (await desk.phones.install(CODE, EID)).state == "Installed"
    assert (await desk.phones.install(CODE, EID)).pair == "8.2.6/3.8"


async def test_downloads_run_out(desk: Desk) -> None:
    desk.release()
    pairs = [(await desk.phones.download(CODE, EID)).pair for _ in range(7)]
    assert pairs == [""] * 5 + ["8.8.5/6.4"] * 2
    assert desk.state() == "Error"


async def test_declined_by_the_customer(desk: Desk) -> None:
    desk.release()
    await desk.phones.decline(CODE, EID)
    assert (desk.shown().state, desk.state()) == (ShownState.ENDED, "Error")


async def test_not_released_and_unknown_codes(desk: Desk) -> None:
    with pytest.raises(PhoneError):
        await desk.phones.install(CODE, EID)
    desk.smdp.download_order({"iccid": ICCID})
    desk.smdp.confirm_order({"iccid": ICCID, "matchingId": "M1", "releaseFlag": False})
    assert (await desk.phones.install(CODE, EID)).pair == "8.2/1.2"
    with pytest.raises(PhoneError):
        await desk.phones.enable(ICCID)


async def test_on_a_phone_cancel_is_refused(desk: Desk) -> None:
    desk.release()
    await desk.phones.install(CODE, EID)
    with pytest.raises(Exception, match=r"8\.2\.1/3\.3"):
        desk.smdp.cancel_order({"iccid": ICCID, "finalProfileStatusIndicator": "Available"})


async def test_a_listener_that_is_down_is_reported_not_raised(desk: Desk) -> None:
    desk.release()
    await desk.receiver.stop()
    outcome = await desk.phones.install(CODE, EID)
    assert outcome.state == "Installed"
    assert {sent.status for sent in outcome.sent} == {None}
    await desk.receiver.start()


async def test_without_a_listener_nothing_is_sent(bench: Bench) -> None:
    smdp, phones = bench.sandbox.smdp, bench.sandbox.phones
    assert isinstance(phones, Phones)
    smdp.download_order({"iccid": ICCID})
    smdp.confirm_order({"iccid": ICCID, "matchingId": "M1", "releaseFlag": True})
    assert (await phones.install(CODE, EID)).sent == ()
