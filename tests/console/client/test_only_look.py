"""A read-only console sends nothing but questions, whatever a screen may call."""

from pathlib import Path

import pytest

from console.client.address import Address
from console.client.api import ApiClient
from console.client.errors import ApiError, OnlyLooking, Unreachable
from console.schema.commands import PlanRequest, SubmitRequest
from console.schema.service import BackupRequest, NewToken, RevealRequest

ORDER = "801000000000001AAA"


async def test_nothing_that_could_change_anything_is_sent(tmp_path: Path) -> None:
    failed: list[str] = []
    async with ApiClient(Address(socket=tmp_path / "nobody.sock")) as client:
        client.connection.only_look = lambda: True
        client.connection.failed = lambda method, path, error: failed.append(f"{method} {path}: {error}")
        changing = (
            lambda: client.submit("order.retry", SubmitRequest(orders=[ORDER], plan_hash="h"), key="k" * 24),
            lambda: client.reveal(RevealRequest(order_id=ORDER, fields=["phone"], reason="asked for it")),
            lambda: client.create_token(NewToken(name="x", role="viewer")),
            lambda: client.revoke_token(1),
            lambda: client.import_profiles(b"", batch="b"),
            lambda: client.backup(str(BackupRequest(file="/x").file)),
        )
        for call in changing:
            with pytest.raises(OnlyLooking):
                await call()
        assert len(failed) == len(changing) and "read-only" in failed[0]
        for ask in (
            lambda: client.me(),
            lambda: client.names([ORDER]),
            lambda: client.plan("order.retry", PlanRequest(orders=[ORDER])),
        ):
            with pytest.raises(Unreachable):  # it would have been sent, had anybody been there
                await ask()


def test_it_is_told_in_words() -> None:
    error: ApiError = OnlyLooking()
    assert str(error) == "this console is read-only: nothing was sent"
