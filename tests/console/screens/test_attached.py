"""A daemon that refuses, misses or is another one: each kind of trouble has its own words and a way on."""

import re
import time
from pathlib import Path

import pytest

from console.app import ConsoleApp
from console.client import errors
from console.client.address import Address
from console.client.api import ApiClient
from console.client.errors import ApiError
from console.schema.problem import Problem
from console.screens import attaching
from console.screens.trouble import way_on
from tests.console.api.rig import Desk
from tests.console.screens.conftest import options_for, until
from tests.console.screens.looking import screen_text, told
from tests.console.screens.test_real import FIRST, fill


def refused(kind: type[errors.Refused], status: int, detail: str, retry_after: float | None = None) -> errors.Refused:
    return kind(
        Problem(
            type=f"urn:portal:problem:{kind.__name__.lower()}",
            title="no",
            status=status,
            detail=detail,
            retry_after=retry_after,
        )
    )


@pytest.mark.parametrize(
    ("error", "said", "way"),
    [
        (errors.Unreachable("here", "nobody answers there; start it with `portal daemon`"), "daemon not reachable at here", "looked for again by itself"),
        (errors.NotConfirmed("here", "no answer in time"), "connection to the daemon was lost", "made again by itself"),
        (errors.BadAnswer("HTTP 200 without a problem document"), "not this daemon", "--server or --env"),
        (refused(errors.Unauthorized, 401, "the token has expired"), "the token has expired", "portal tokens create"),
        (refused(errors.Forbidden, 403, "user 1000 is not named"), "does not let you in", "An admin can change that"),
        (refused(errors.Gone, 410, "row 5 is pruned"), "Events were missed", "read again by itself"),
        (refused(errors.TooMany, 429, "too many failed tries", retry_after=7), "asked less", "in 7 s"),
        (refused(errors.Unavailable, 503, "the disk is full"), "the disk is full", "asked again by itself"),
        (refused(errors.DaemonFailed, 500, "look for 4711 in its log"), "4711", "whoever looks after it"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ApiError) else "",
)  # fmt: skip
def test_each_trouble_has_its_words_and_a_way_on(error: ApiError, said: str, way: str) -> None:
    sentence = way_on(error)
    assert said in sentence and way in sentence


async def test_a_token_that_is_refused_is_read_again_and_the_console_goes_on(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attaching, "AGAIN", 0.3)
    await fill(desk, FIRST, "00000001", "田中 花子")
    token = ["ptl_" + "x" * 40]
    app = ConsoleApp(options_for(lambda: ApiClient(Address(url=desk.url, token=token[0])), tmp_path, wall=time.time))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "portal tokens create" in screen_text(pilot))
        await until(pilot, lambda: "does not accept this token" in told(pilot)[-1])
        assert app.desk.unusable()
        token[0] = desk.tokens["operator"]
        await until(pilot, lambda: "● live" in screen_text(pilot) and "00000001" in screen_text(pilot))
        await until(pilot, lambda: "operator" in screen_text(pilot))
        assert not app.desk.unusable()


async def test_a_token_revoked_while_it_is_used_is_told(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attaching, "LOOK_AROUND", 0.2)
    monkeypatch.setattr(attaching, "WHO_AM_I", 1)
    await fill(desk, FIRST, "00000001", "田中 花子")
    app = ConsoleApp(
        options_for(lambda: ApiClient(Address(url=desk.url, token=desk.tokens["viewer"])), tmp_path, wall=time.time)
    )
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "● live" in screen_text(pilot) and app.desk.session.me is not None)
        row = next(one for one in (await desk.client("admin").tokens()).tokens if one.name == "viewer of the test")
        await desk.client("admin").revoke_token(row.id)
        await until(pilot, lambda: "does not accept this token: this token was revoked. Ask an" in screen_text(pilot))
        assert "00000001" in screen_text(pilot), "what was known stays on the screen"


async def test_the_age_of_what_is_shown_goes_on_when_the_token_is_refused_again_and_again(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attaching, "LOOK_AROUND", 0.2)
    monkeypatch.setattr(attaching, "WHO_AM_I", 1)
    monkeypatch.setattr(attaching, "AGAIN", 0.3)
    token = [desk.tokens["viewer"]]
    app = ConsoleApp(options_for(lambda: ApiClient(Address(url=desk.url, token=token[0])), tmp_path, wall=time.time))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "● live" in screen_text(pilot) and app.desk.session.me is not None)
        first = app.desk.session.live
        token[0] = "ptl_" + "x" * 40
        row = next(one for one in (await desk.client("admin").tokens()).tokens if one.name == "viewer of the test")
        await desk.client("admin").revoke_token(row.id)
        await until(pilot, lambda: app.desk.session.live is not first)
        await until(pilot, lambda: re.search(r"daemon lost ([2-9]|\d\d)s", screen_text(pilot)) is not None)


async def test_a_daemon_that_was_never_heard_is_not_called_lost(tmp_path: Path) -> None:
    app = ConsoleApp(options_for(lambda: ApiClient(Address(socket=tmp_path / "none.sock")), tmp_path, wall=time.time))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "✗ not connected" in screen_text(pilot) and "portal daemon" in screen_text(pilot))
        assert "daemon lost" not in screen_text(pilot)


async def test_names_are_asked_for_again_when_the_role_is_another(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attaching, "LOOK_AROUND", 0.2)
    monkeypatch.setattr(attaching, "WHO_AM_I", 1)
    monkeypatch.setattr(attaching, "AGAIN", 0.3)
    await fill(desk, FIRST, "00000001", "田中 花子")
    token = [desk.tokens["operator"]]
    app = ConsoleApp(options_for(lambda: ApiClient(Address(url=desk.url, token=token[0])), tmp_path, wall=time.time))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "田中 花子" in screen_text(pilot) and app.desk.session.me is not None)
        token[0] = desk.tokens["viewer"]
        row = next(one for one in (await desk.client("admin").tokens()).tokens if one.name == "operator of the test")
        await desk.client("admin").revoke_token(row.id)
        await until(pilot, lambda: "田•• 花••" in (shown := screen_text(pilot)) and "田中 花子" not in shown)


async def test_events_that_were_missed_are_told_and_the_book_is_read_again(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attaching, "LOOK_AROUND", 0.2)
    await fill(desk, FIRST, "00000001", "田中 花子")
    app = ConsoleApp(options_for(lambda: ApiClient(Address(socket=desk.path)), tmp_path, wall=time.time))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "● live" in screen_text(pilot))
        live = app.desk.session.live
        assert live is not None and live.reader is not None
        live.reader.last -= 1  # as if the last event had been lost on the way
        await desk.write_feed(1)
        await until(pilot, lambda: any("the whole book was read again" in line for line in told(pilot)))
        await until(pilot, lambda: "● live" in screen_text(pilot) and live.snapshots == 2)
