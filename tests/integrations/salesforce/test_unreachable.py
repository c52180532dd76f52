"""A person who cannot reach the org reads what is wrong, not how requests keeps its connections."""

import socket

import pytest

from integrations.errors import CallFailed, ErrorClass
from tests.integrations.salesforce.scripted import ScriptedOrg, client_for


async def said_by(url: str) -> str:
    client = client_for(url)
    try:
        with pytest.raises(CallFailed) as caught:
            await client.limits()
    finally:
        await client.close()
    assert (caught.value.error_class, caught.value.code) == (ErrorClass.TRANSIENT, "unreachable")
    assert "Pool" not in str(caught.value) and "oauth2" not in str(caught.value)
    return str(caught.value)


async def test_nobody_listens() -> None:
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))  # so that nobody else does
        assert "Connection refused" in await said_by(f"http://127.0.0.1:{kept.getsockname()[1]}")


async def test_no_tls_there(org: ScriptedOrg) -> None:
    assert "SSL" in await said_by(org.url.replace("http://", "https://"))
