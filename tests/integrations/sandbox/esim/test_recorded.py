"""The 34 exchanges recorded against one independent SM-DP+, played again over real mutual TLS (rules §14)."""

import json
from pathlib import Path
from typing import Any

import aiohttp

from tests.integrations.sandbox.esim.conftest import Bench

RECORDED = Path(__file__).parent.parent.parent / "esim" / "samples" / "recorded.json"
HEADER = {"functionRequesterIdentifier": "2.999.4401", "functionCallIdentifier": "FCI-1"}


def exchanges() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(RECORDED.read_text())["exchanges"]
    return found


async def play(bench: Bench, exchange: dict[str, Any]) -> tuple[aiohttp.ClientResponse, bytes]:
    """Send one exchange as it was sent then (what the file tells only in words is chosen by number)."""
    number = exchange["n"]
    request = exchange.get("request", {"header": HEADER, "iccid": "8981990402600000312F"})
    body = request["_raw"] if "_raw" in request else json.dumps(request)
    role = {1: None, 2: "stranger"}.get(number, "client")
    kind = "text/plain" if number == 31 else "application/json"
    async with bench.session(role) as session:
        method = "GET" if number == 32 else "POST"
        sent = None if method == "GET" else body
        url = bench.url(exchange["function"])
        async with session.request(method, url, data=sent, headers={"Content-Type": kind}) as response:
            return response, await response.read()


def shape(document: Any) -> Any:
    """Keys all the way down in the order sent; of the values only status and codes are kept."""
    if not isinstance(document, dict):
        return None
    kept = ("status", "subjectCode", "reasonCode", "subjectIdentifier", "iccid", "eid")
    return [(key, value if key in kept else shape(value)) for key, value in document.items()]


async def test_recorded_exchanges_answer_alike(bench: Bench) -> None:
    played = exchanges()
    assert len(played) == 34
    for exchange in played:
        response, body = await play(bench, exchange)
        told = f"exchange {exchange['n']}"
        if exchange["http"] is not None:
            assert response.status == exchange["http"], told
        if "content_type" in exchange:
            said = response.headers["Content-Type"]
            strict = exchange["content_type"].startswith("application/json")
            assert said == exchange["content_type"] if strict else said.startswith("text/html"), told
            assert response.headers.get("X-Admin-Protocol") == exchange["x_admin_protocol"], told
        if "_raw" in exchange.get("response", {}):
            assert body.startswith(b"<html>"), told
        elif "response" in exchange:
            assert shape(json.loads(body)) == shape(exchange["response"]), told


async def test_our_own_matching_ids_come_back_and_made_ones_differ(bench: Bench) -> None:
    made = []
    for exchange in exchanges():
        _, body = await play(bench, exchange)
        if exchange["function"] == "confirmOrder" and b"matchingId" in body and exchange["http"] == 200:
            answer = json.loads(body)
            if "matchingId" in answer:
                asked = exchange["request"].get("matchingId")
                assert answer["matchingId"] == asked or asked is None
                made.append(answer["matchingId"])
    assert len(made) == 4
    assert len(set(made)) == 3  # one of them was a repeat
