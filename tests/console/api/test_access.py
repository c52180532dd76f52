"""Who gets in, and what they may do."""

import asyncio
import os
import socket
import time
from pathlib import Path

import httpx
import pytest

from console.api import tokens
from console.api.server import ApiServer
from console.api.sockets import CannotListen, bind_tcp, bind_unix, open_doors
from console.client.errors import Forbidden, Unauthorized, Unreachable
from console.schema.base import PREFIX, ROLES
from console.schema.service import NewToken
from console.settings.daemon import DaemonSettings, UserSettings
from tests.console.api.rig import Desk, until


async def test_the_socket_knows_its_own_user_as_admin(desk: Desk) -> None:
    me = await desk.socket.me()
    assert (me.role, me.peer, me.token_id) == ("admin", f"uid {os.geteuid()}", None)


async def test_named_users_get_their_role_and_others_none(desk: Desk) -> None:
    uid = os.geteuid()
    desk.api.gatekeeper._users = {uid: UserSettings(name="mira", role="viewer")}
    me = await desk.socket.me()
    assert (me.name, me.role) == ("mira", "viewer")
    with pytest.raises(Forbidden, match="needs the role admin; yours is viewer"):
        await desk.socket.tokens()
    stranger = await desk.api.gatekeeper.caller({"client": ("unix", uid)}, None)
    assert stranger.name == "mira"
    with pytest.raises(Exception, match="user id 4242 is not let in here"):
        await desk.api.gatekeeper.caller({"client": ("unix", 4242)}, f"Bearer {desk.tokens['admin']}")


async def test_a_header_cannot_claim_to_be_a_socket_peer(desk: Desk) -> None:
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        answer = await desk.ask("GET", "/me", role=None, headers={name: "unix"})
        assert answer.status_code == 401


@pytest.mark.parametrize("role", ROLES)
async def test_a_token_has_its_role(desk: Desk, role: str) -> None:
    me = await desk.client(role).me()
    assert me.role == role
    assert me.token_id is not None


async def test_bad_expired_and_revoked_tokens_are_refused_in_words(desk: Desk) -> None:
    made = await desk.socket.create_token(NewToken(name="shift lead", role="operator", days=1))
    assert made.token.startswith(made.prefix)
    assert len(made.token) > 50
    ok = await desk.ask("GET", "/me", role=None, headers={"Authorization": f"bearer {made.token}"})
    assert ok.json()["name"] == "shift lead"
    await desk.socket.revoke_token(made.id)
    cases = {
        f"Bearer {made.token}": "revoked",
        f"Bearer {made.token[:-1]}x": "not known",
        f"Bearer {tokens.make().whole}": "not known",
        "Bearer x": "not known",
        "Basic abc": "no token",
    }
    for header, words in cases.items():
        answer = await desk.ask("GET", "/me", role=None, headers={"Authorization": header})
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert words in answer.json()["detail"]
        assert made.token not in answer.text
    now = time.time()
    await desk.journal.write(
        lambda db: db.execute("UPDATE tokens SET expires_at = ? WHERE role = 'viewer'", (now - 1,))
    )
    with pytest.raises(Unauthorized, match="expired"):
        await desk.client("viewer").me()


async def test_guessing_is_slowed_down_and_locks_nobody_else_out(desk: Desk) -> None:
    """Behind a proxy all have one address: somebody's bad token must not stop the others."""

    async def status(token: str) -> int:
        answer = await desk.ask("GET", "/me", role=None, headers={"Authorization": f"Bearer {token}"})
        if answer.status_code == 429:
            assert 1 <= int(answer.headers["retry-after"]) <= 60
            assert "wait a minute" in answer.json()["detail"]
        return answer.status_code

    assert [await status("nope") for _ in range(12)] == [401] * 10 + [429] * 2
    assert await status(tokens.make().whole) == 429
    assert await status(desk.tokens["admin"]) == 200
    guesses = [desk.tokens["admin"][:-6] + f"{n:06d}" for n in range(11)]
    assert [await status(guess) for guess in guesses] == [401] * 10 + [429]
    assert await status(desk.tokens["admin"]) == 429
    assert await status(desk.tokens["viewer"]) == 200
    assert (await desk.socket.me()).role == "admin"


async def test_health_needs_nobody(desk: Desk) -> None:
    async with httpx.AsyncClient(base_url=desk.url, timeout=60) as http:
        for path in ("/health", f"{PREFIX}/health"):
            answer = await http.get(path)
            assert answer.status_code == 200
            assert answer.json()["ok"] is True
        assert (await http.get(f"{PREFIX}/health/deep")).status_code == 401


async def test_only_a_hash_of_a_token_is_kept(desk: Desk, tmp_path: Path) -> None:
    made = await desk.socket.create_token(NewToken(name="x", role="viewer"))
    await desk.journal.write(lambda db: None)
    secret = made.token.split("_", 2)[2]  # it may hold that sign itself
    assert len(secret) == 43
    for file in (tmp_path / "daemon").iterdir():
        if file.is_file():
            assert secret.encode() not in file.read_bytes()
    assert secret not in desk.api.services.redactor.text(f"token {made.token}")


# Doors ----------------------------------------------------------------------------------------------------------------


def test_the_socket_is_closed_to_others(tmp_path: Path) -> None:
    door = bind_unix(tmp_path / "run" / "portal.sock")
    try:
        assert door.path is not None
        assert (door.path.parent.stat().st_mode & 0o7777, door.path.stat().st_mode & 0o777) == (0o700, 0o600)
    finally:
        door.close()
    assert not (tmp_path / "run" / "portal.sock").exists()
    group = bind_unix(tmp_path / "team" / "portal.sock", group=True)
    try:
        assert group.path is not None
        assert (group.path.parent.stat().st_mode & 0o7777, group.path.stat().st_mode & 0o777) == (0o750, 0o660)
    finally:
        group.close()


def test_a_socket_left_behind_is_replaced_and_a_served_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "portal.sock"
    old = socket.socket(socket.AF_UNIX)
    old.bind(str(path))
    old.close()
    door = bind_unix(path)
    try:
        with pytest.raises(CannotListen, match="another process listens"):
            bind_unix(path)
    finally:
        door.close()


@pytest.mark.parametrize(
    ("name", "words"),
    [("x" * 120 + ".sock", "at most 100"), ("a-file", "not a socket"), ("folder/x.sock", "cannot use the directory")],
)
def test_what_cannot_be_a_socket_is_told_in_words(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "a-file").write_text("x")
    (tmp_path / "folder").write_text("a file where a directory should be")
    with pytest.raises(CannotListen, match=words):
        bind_unix(tmp_path / name)


def test_tcp_beyond_loopback_needs_a_certificate() -> None:
    with pytest.raises(CannotListen, match="not loopback"):
        bind_tcp("0.0.0.0", 0, None, None)


def test_doors_of_the_settings(tmp_path: Path) -> None:
    settings = DaemonSettings.model_validate({"data_dir": tmp_path, "tcp": {"port": 0}})
    doors = open_doors(settings)
    assert [door.address.partition(":")[0] for door in doors] == ["unix", "http"]
    for door in doors:
        door.close()


async def test_stopping_ends_open_streams_at_once(desk: Desk) -> None:
    reading = asyncio.create_task(desk.ask("GET", "/feed", role="viewer"))
    await until(lambda: desk.api.hub.subscribers == 1)
    await desk.api.hub.stop()
    await asyncio.wait_for(reading, 60)
    other = ApiServer(desk.app, [])
    await other.start()
    await other.stop()


async def test_a_daemon_that_is_not_there_is_told_with_what_to_do(tmp_path: Path) -> None:
    from console.client.address import Address
    from console.client.api import ApiClient

    async with ApiClient(Address(socket=tmp_path / "none.sock")) as client:
        with pytest.raises(Unreachable, match="there is no such socket; start it with `portal daemon`"):
            await client.me()
    async with ApiClient(Address(url="http://127.0.0.1:9")) as client:
        with pytest.raises(Unreachable, match="daemon not reachable at http:"):
            await client.me()
