"""ES2+ without TLS of our own: only to this machine, and only without certificates; what speaks there does the TLS."""

from pathlib import Path

import pytest
from aiohttp import web

from integrations.errors import ErrorClass
from integrations.esim.es2plus import Es2PlusConfig, Es2PlusProvider
from tests.integrations.esim.conftest import FIRST, failure


def config(url: str, certificate: Path | None = None) -> Es2PlusConfig:
    return Es2PlusConfig(url, "2.999.1", certificate, certificate, certificate)


async def test_a_proxy_on_this_machine_is_asked_over_plain_http() -> None:
    asked: list[dict[str, object]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(await request.json())
        done = {"functionExecutionStatus": {"status": "Executed-Success"}}
        return web.json_response({"iccid": FIRST, "header": asked[-1]["header"] | done})  # type: ignore[operator]  # echoed

    app = web.Application()
    app.router.add_post("/gsma/rsp2/es2plus/downloadOrder", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    provider = Es2PlusProvider(config(f"http://localhost:{runner.addresses[0][1]}"))
    try:
        assert await provider.download(iccid=FIRST, profile_type=None, eid=None, call_id="c") == FIRST
    finally:
        await provider.close()
        await runner.cleanup()
    assert len(asked) == 1


@pytest.mark.parametrize("url", ["http://192.0.2.1", "https://localhost"])
async def test_elsewhere_the_certificates_are_needed(url: str) -> None:
    provider = Es2PlusProvider(config(url))
    refused = await failure(provider.download(iccid=FIRST, profile_type=None, eid=None, call_id="c"))
    assert (refused.error_class, refused.code) == (
        ErrorClass.CONFIG,
        "bad_address" if url.startswith("http:") else "file_missing",
    )


async def test_a_certificate_is_never_left_unused(tmp_path: Path) -> None:
    provider = Es2PlusProvider(config("http://localhost:1", tmp_path / "our.pem"))
    refused = await failure(provider.download(iccid=FIRST, profile_type=None, eid=None, call_id="c"))
    assert (refused.error_class, refused.code) == (ErrorClass.CONFIG, "bad_address")
