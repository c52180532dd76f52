"""A daemon that goes away before it has answered: a question changed nothing, an act may have been done."""

import asyncio
from pathlib import Path

import pytest

from console.client.address import Address
from console.client.api import ApiClient
from console.client.errors import NoAnswer, NotConfirmed
from console.schema.commands import PlanRequest, SubmitRequest


async def test_only_an_act_without_an_answer_is_in_doubt(tmp_path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    socket = tmp_path / "s"
    server = await asyncio.start_unix_server(hang_up, socket)
    api = ApiClient(Address(socket=socket))
    try:
        with pytest.raises(NoAnswer, match="the daemon did not answer: the connection was lost"):
            await api.me()
        with pytest.raises(NoAnswer):
            await api.plan("order.note", PlanRequest(orders=["1"]))
        with pytest.raises(NotConfirmed, match="sent, not confirmed") as raised:
            await api.submit("order.note", SubmitRequest(orders=["1"], plan_hash="h" * 16), key="k" * 24)
        assert not isinstance(raised.value, NoAnswer)
    finally:
        await api.close()
        server.close()
        await server.wait_closed()
