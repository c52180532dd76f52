"""``portal orders`` and what belongs to it, as processes against a daemon that works on a sandbox."""

import csv
import io
import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.console.cli.conftest import Desk, Here
from tests.console.cli.processes import PORTAL, WAIT, environment

pytestmark = pytest.mark.slow


def place(desk: Desk, *, approve: bool) -> str:
    """A new order in the sandbox's Salesforce, of a customer who can pay; its number."""
    (placed,) = desk.sandbox.control("POST", "/orders", {"count": 1})["orders"]
    desk.sandbox.control("POST", "/paymethods", {"client": placed["client"], "kind": "card"})
    if approve:
        desk.sandbox.control("POST", "/approve", {"ids": [placed["id"]]})
    return str(placed["number"])


def state_of(desk: Desk, number: str) -> str:
    found = desk("orders", "list", f"number:{number}", "--json")
    return str(json.loads(found.out)[0]["state"]) if found.code == 0 else "unknown here"


def wait_for_state(desk: Desk, number: str, *states: str) -> str:
    deadline = time.monotonic() + WAIT
    while (state := state_of(desk, number)) not in states:
        assert time.monotonic() < deadline, f"{number} is {state}"
        time.sleep(0.1)
    return state


def wait_until_well(desk: Desk, *arguments: str) -> None:
    """Until the verb says that all is well."""
    deadline = time.monotonic() + WAIT
    while (ended := desk(*arguments)).code != 0:
        assert time.monotonic() < deadline, ended
        time.sleep(0.1)


def stocked(desk: Desk) -> None:
    """Profiles in stock, imported as an operator would; the second time nothing is new."""
    file = str(desk.sandbox.folder / "esim-stock.csv")
    done = desk.json("esim", "import", file)
    assert done["added"] or done["known"]
    assert sum(done["counts"].values()) > 0


def test_an_order_from_approval_to_done(desk: Desk) -> None:
    stocked(desk)
    number = place(desk, approve=False)
    shown = desk("orders", "approvals")
    assert shown.code == 0 and number in shown.out
    plan = desk("orders", "approve", number, "--plan")
    assert plan.code == 0 and "¥" in plan.out
    unasked = desk("orders", "approve", number)
    assert unasked.code == 2 and "--yes" in unasked.err
    assert desk("orders", "approve", number, "--yes", "--reason", "address checked").code == 0
    wait_for_state(desk, number, "done", "parked", "failed")
    again = desk("orders", "approve", number, "--yes")
    assert again.code == 4 and number in again.err

    page = desk("orders", "show", number, "--calls", "--records")
    assert page.code == 0
    for words in ("Salesforce id", "salesforce.claim", "Can be done now", "Say (ja)", "Say (en)"):
        assert words in page.out
    detail = desk.json("orders", "show", number.lstrip("0"))
    assert detail["order"]["number"] == number
    audit = desk.json("audit", f"order:{number.lstrip('0')}", "outcome:done", "since:1h")
    approved = next(row for row in audit if row["command"] == "order.approve")
    assert (approved["outcome"], approved["reason"]) == ("done", "address checked")
    assert approved["ended_at"] >= approved["at"]
    assert desk("audit", "who:nobody").code == 1 and "did you mean outcome" in desk("audit", "outcom:done").err


def test_rejecting_needs_a_reason_and_cannot_be_repeated(desk: Desk) -> None:
    number = place(desk, approve=False)
    without = desk("orders", "reject", number, "--yes")
    assert without.code == 2 and "--reason" in without.err
    assert desk("orders", "reject", number, "--yes", "-r", "wrong plan").code == 0
    assert desk("orders", "reject", number, "--yes", "-r", "wrong plan").code == 4


def test_lists_in_every_form_agree(desk: Desk) -> None:
    number = place(desk, approve=True)
    wait_for_state(desk, number, "done", "parked", "failed")
    rows = desk.json("orders", "list", f"number:{number}")
    table = desk("orders", "list", f"number:{number}")
    cells = list(csv.DictReader(io.StringIO(desk("orders", "list", f"number:{number}", "--csv").out)))
    assert [row["number"] for row in rows] == [row["number"] for row in cells] == [number]
    assert number in table.out and rows[0]["state"] in table.out
    assert cells[0]["customer"] == rows[0]["customer"]


def test_find_answers_in_words_for_the_customer(desk: Desk) -> None:
    number = place(desk, approve=True)
    wait_for_state(desk, number, "done", "parked", "failed")
    account = desk.json("orders", "list", f"number:{number}")[0]["account"]
    found = desk("orders", "find", account)
    assert found.code == 0
    assert number in found.out and f"Say about {number} (ja)" in found.out and f"Say about {number} (en)" in found.out
    in_review = place(desk, approve=False)
    only_there = desk("orders", "find", in_review.lstrip("0"))
    assert only_there.code == 0 and in_review in only_there.out, "in Salesforce only is found all the same"
    listed = json.loads(desk("orders", "find", in_review.lstrip("0"), "--json").out)["elsewhere"]
    (row,) = csv.DictReader(io.StringIO(desk("orders", "find", in_review.lstrip("0"), "--csv").out))
    assert [row["order_id"]] == [one["order_id"] for one in listed]
    assert (row["number"], row["sf"], row["state"]) == (in_review, "Pending Review", "none")
    assert row["matched"] == "Salesforce" and row["amount"] == str(listed[0]["amount"])
    nothing = desk("orders", "find", "C-999999")
    assert nothing.code == 1 and "Say (en)" in nothing.out


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        (("orders", "show", "nix"), {6}),
        (("orders", "show", "x" * 10_000), {6}),
        (("orders", "show", "a/../b"), {6}),
        (("orders", "show", "'; DROP TABLE orders; --"), {6}),
        (("orders", "show", "🎉"), {6}),
        (("orders", "find", "O\"Brien ' 🎉 \x1b[2J"), {1}),
        (("orders", "find", "x" * 10_000), {2}),
        (("orders", "list", "state:gone"), {2}),
        (("orders", "list", "stat:failed"), {2}),
        (("orders", "list", "x" * 10_000), {2}),
        (("orders", "list", 'cause:"open'), {2}),
        (("orders", "list", "--view", "hand ovr"), {2}),
        (("orders", "list", "--view", "Hand-over", "state:failed"), {2}),
        (("orders", "list", "--view", "hand-over"), {0, 1}),
        (("orders", "list", "owner:@me | noted<12h | state:parked until<12h"), {0, 1}),
        (("orders", "retry", "nix", "--yes"), {6}),
        (("orders", "retry", "--yes"), {2}),
        (("orders", "retry", "1", "--filter", "state:failed", "--yes"), {2}),
        (("orders", "park", "nix", "--until", "stok(x)"), {2, 6}),
        (("orders", "resolve", "1"), {2}),
        (("orders", "cancel", "1", "--undo", "--leave-as-is"), {2}),
        (("orders", "note", "1"), {2}),
        (("mail", "resend", "nix", "--yes", "-r", "x"), {6}),
        (("batches", "show", "nix"), {6}),
        (("tokens", "revoke", "4711"), {6}),
        (("tokens", "create", "--name", "x", "--role", "king"), {2}),
        (("integrations", "pause", "fax", "--yes", "-r", "x"), {2}),
        (("brake", "release", "--yes", "-r", "x"), {4}),
        (("recovery", "end", "--yes", "-r", "x"), {4}),
        (("esim", "import", "/nowhere.csv"), {6}),
    ],
)
def test_nonsense_is_answered_in_one_sentence(desk: Desk, arguments: tuple[str, ...], codes: set[int]) -> None:
    ended = desk(*arguments)
    assert ended.code in codes, ended
    assert ended.err.strip() or ended.out.strip()
    assert len(ended.err) < 1500
    assert "Traceback" not in ended.err and "\x1b" not in ended.err + ended.out


def test_what_people_and_systems_wrote_never_steers_the_terminal(desk: Desk) -> None:
    number = place(desk, approve=False)
    wait_for_state(desk, number, "none", "unknown here")
    evil = "\x1b[2J[red]call back\x07\u202eevil\u2066 =1+1"
    assert desk("orders", "note", number, "--text", evil).code == 0
    for arguments in (("orders", "show", number), ("orders", "show", number, "--json"), ("audit", "--csv")):
        ended = desk(*arguments)
        assert not set(ended.out + ended.err) & set("\x1b\x07\u202e\u2066")
    assert "[red]call back" in desk("orders", "show", number).out


def test_a_stock_file_with_mistakes_names_every_line(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "stock.csv"
    file.write_text("iccid,type\n123,A\n8981000000000000001,\n=cmd(),B\n")
    ended = desk("esim", "import", str(file))
    assert ended.code == 2
    for line in ("line 2", "line 3", "line 4"):
        assert line in ended.err
    assert "iccid" in ended.err and "type" in ended.err


def test_many_orders_at_once_with_a_result_each(desk: Desk) -> None:
    numbers = [place(desk, approve=False) for _ in range(3)]
    done = desk("orders", "reject", *numbers, "999999", "--yes", "-r", "test", "--pace", "50")
    assert done.code == 6  # one that is not there: nothing is done to the others
    done = desk("orders", "reject", *numbers, "--yes", "-r", "test", "--pace", "50")
    assert done.code == 0, done
    assert all(number in done.out for number in numbers)
    batch = desk.json("batches", "list")[0]
    assert batch["command"] == "order.reject" and batch["counts"] == {"done": 3}
    again = desk("orders", "reject", *numbers, "--yes", "-r", "test")
    assert again.code == 4
    shown = desk("batches", "show", batch["id"], "--csv")
    assert [row["number"] for row in csv.DictReader(io.StringIO(shown.out))] == numbers


def test_pausing_parks_and_resuming_lets_go_on(desk: Desk) -> None:
    stocked(desk)
    planned = desk("integrations", "pause", "whmcs", "--plan").out.splitlines()
    assert planned == ["Pause", "  whmcs: runs that need it park and burn no tries; calls under way end"]
    assert desk("integrations", "pause", "whmcs", "--yes", "-r", "maintenance").code == 0
    try:
        waits = list(csv.DictReader(io.StringIO(desk("orders", "person", "--csv").out)))
        assert "integrations resume" in [row["next_acts"] for row in waits], "acts are named as they are typed"
        whole = json.loads(desk("orders", "person", "--json").out)
        assert ["system.resume"] in [row["next_acts"] for row in whole]
        listed = desk("integrations", "list")
        assert listed.code == 1 and "maintenance" in listed.out
        number = place(desk, approve=True)
        wait_for_state(desk, number, "parked")
    finally:
        assert desk("integrations", "resume", "whmcs", "--yes").code == 0
    wait_for_state(desk, number, "done", "parked", "failed")
    wait_until_well(desk, "integrations", "list")


def test_watching_until_all_is_over(desk: Desk) -> None:
    stocked(desk)
    number = place(desk, approve=True)
    wait_for_state(desk, number, "queued", "running", "retrying", "parked", "done", "failed")
    ended = desk("orders", "watch", number, "--until-over", "--json")
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert lines and lines[-1]["number"] == number
    assert (lines[-1]["state"] == "done") == (ended.code == 0)


def test_watching_shows_what_happens_meanwhile(desk: Desk) -> None:
    stocked(desk)
    process = subprocess.Popen(
        [*PORTAL, "orders", "watch", "--json", "--config", desk.sandbox.config], cwd=desk.sandbox.folder,
        env=environment(desk.sandbox.folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    assert process.stdout is not None
    try:
        number = place(desk, approve=True)
        states = []
        for line in process.stdout:
            row = json.loads(line)
            if row["number"] == number:
                states.append(row["state"])
            if states and states[-1] in ("done", "parked", "failed"):
                break
    finally:
        process.terminate()
        process.communicate(timeout=WAIT)
    assert states[-1] in ("done", "parked", "failed")


def test_whoever_may_not_is_refused_and_tokens_are_made_over_the_socket(desk: Desk, tmp_path: Path) -> None:
    token = tmp_path / "token"
    made = desk("tokens", "create", "--name", "mira", "--role", "viewer", "--out", str(token))
    assert made.code == 0 and token.stat().st_mode & 0o777 == 0o600
    secret = token.read_text().strip()
    assert secret not in made.out + made.err
    listed = desk.json("tokens", "list")
    mine = next(row for row in listed if row["name"] == "mira")
    assert secret.startswith(mine["prefix"]) and secret not in json.dumps(listed)
    assert desk("tokens", "create", "--name", "x", "--role", "viewer", "--out", str(token)).code == 2
    nowhere = desk(
        "tokens", "create", "--name", "nowhere", "--role", "viewer", "--out", str(tmp_path / "none" / "token")
    )
    assert nowhere.code == 1
    assert "cannot be written: No such file or directory; no token was made" in nowhere.err
    full = desk("tokens", "create", "--name", "full", "--role", "viewer", "--out", "/dev/full")
    assert full.code == 2 and "/dev/full exists already" in full.err
    assert "nowhere" not in json.dumps(desk.json("tokens", "list"))
    assert desk("tokens", "revoke", str(mine["id"])).code == 0
    assert desk("tokens", "revoke", str(mine["id"])).code in (0, 5, 6)


def test_a_daemon_that_is_not_there(here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (("orders", "list"), ("orders", "retry", "1", "--yes")):
        ended = here(*arguments, "--server", f"unix:{tmp_path}/none.sock")
        assert ended.code == 3 and "not reachable" in ended.err
    plain = here("orders", "list", "--server", "http://198.51.100.7")
    assert plain.code == 2 and "https" in plain.err
    monkeypatch.setenv("PORTAL_TOKEN", "not a\ttoken")
    assert here("orders", "list", "--server", "https://127.0.0.1:9").code == 2


def test_health_events_and_doctor(desk: Desk) -> None:
    number = place(desk, approve=True)
    wait_for_state(desk, number, "done", "parked", "failed")
    wait_until_well(desk, "health")
    deadline = time.monotonic() + WAIT
    while number not in {event["number"] for event in desk.json("events", "list")}:  # the poll may have been faster
        assert time.monotonic() < deadline, desk("events", "list")
        time.sleep(0.1)
    wait_until_well(desk, "events", "gaps")
    assert desk("events", "poison").code == 0
    doctor = desk("doctor")
    assert doctor.code == 0, doctor
    for name in ("journal", "Salesforce fields", "WHMCS", "eSIM provider", "mail server", "clock"):
        assert name in doctor.out


def test_doctor_names_what_is_missing(desk: Desk) -> None:
    desk.sandbox.control("POST", "/switches", {"whmcs": {"denied": ["AcceptOrder"]}})
    try:
        doctor = desk("doctor", "--json")
    finally:
        desk.sandbox.control("POST", "/switches", {"whmcs": {"denied": []}})
    found = {row["check"]: row for row in json.loads(doctor.out)}
    assert found["WHMCS"]["state"] == "bad" and doctor.code == 1
    assert "AcceptOrder" in found["WHMCS"]["detail"]
    assert found["mail server"]["state"] == "ok"
