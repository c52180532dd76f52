"""What a typed text may mean, what may be said, and what is masked."""

import itertools

import pytest

from console.api import saying
from console.api.mask import Masker, masked_name
from console.api.reading_text import phone_spellings, readings
from console.api.romaji import spelled
from console.api.saying import say, say_found
from console.observe.redact import Redactor
from console.schema.orders import OrderLine


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("00010480", "number", "10480"),
        ("１０４８０", "number", "10480"),
        ("C-004417", "customer", "c-004417"),
        ("田中　花子", "name", "田中 花子"),
        ("ﾀﾅｶ", "name", "タナカ"),
        ("たなか", "name", "タナカ"),
        ("タナカ", "name", "たなか"),
        ("ＴＡＮＡＫＡ", "name", "tanaka"),
        ("090-1234-5678", "phone", "09012345678"),
        ("+81 90 1234 5678", "phone", "09012345678"),
        ("(03) 1234-5678", "phone", "0312345678"),
        ("０９０ー１２３４ー５６７８", "phone", "09012345678"),
        ("8981100000000000398", "iccid", "8981100000000000398"),
        ("8981 1000 0000 0000 398", "iccid", "8981100000000000398"),
        ("0081 90-1234-5678", "phone", "09012345678"),
        ("電話：090‐1234‐5678", "phone", "09012345678"),
        ("ご注文番号：00010480", "number", "10480"),
        ("#10480", "number", "10480"),
        ("89811000000000003980F", "iccid", "89811000000000003980"),
        ("田中　花子 様", "name", "田中 花子"),
        ("たなか はなこ", "spelling", "tanaka hanako"),
        ("ご注文番号 00010480 田中 花子 様", "number", "10480"),
        ("田中様 (090-1234-5678) <hanako@example.jp>", "phone", "09012345678"),
        ("田中様 (090-1234-5678) <hanako@example.jp>", "email", "hanako@example.jp"),
        ("2291", "whmcs", "2291"),
        ("2291", "client", "2291"),
        ("Hanako@Example.jp", "email", "hanako@example.jp"),
        ("<hanako@example.jp>", "email", "hanako@example.jp"),
        ("mailto:Hanako@example.jp", "email", "hanako@example.jp"),
        ("C−004417", "customer", "c-004417"),  # U+2212, which a Japanese keyboard writes
        ("Ｃー００４４１７", "customer", "c-004417"),
        ("C004417", "customer", "c-004417"),
        ("WHMCS 2291", "whmcs", "2291"),
        ("WHMCS order no. 2291", "whmcs", "2291"),
        ("whmcs client id: 4417", "client", "4417"),
        ("00010480 00010481", "number", "10481"),  # as three pasted lines are
        ("00010480, 00010481", "number", "10480"),
        ("Smith-Jones, Olivia", "name", "smith-jones olivia"),
        ("Tanaka, Hanako", "spelling", "tanaka hanako"),
        ("「田中 花子」", "name", "田中 花子"),
        ("㈱みなと", "name", "株式会社みなと"),
        ("株式会社みなと", "name", "(株)みなと"),
        ("スーパー", "name", "スーパー"),
        ("高木", "name", "髙木"),
        ("髙木", "name", "高木"),
        ("齋藤　隆", "name", "斎藤 隆"),
        ("斉藤", "name", "齋藤"),
        ("渡辺", "name", "渡邉"),
    ],
)
def test_every_spelling_is_understood(text: str, kind: str, value: str) -> None:
    assert (kind, value) in [(reading.kind, reading.value) for reading in readings(text)]


def test_nothing_is_made_of_nothing() -> None:
    assert readings("  　 ") == []
    assert len([reading for reading in readings("斎藤" * 20) if reading.kind == "name"]) < 10, "each form is a question"
    assert "phone" not in [reading.kind for reading in readings("田中 1234567890")]
    assert "name" not in [reading.kind for reading in readings("09012345678")]
    assert "number" not in [reading.kind for reading in readings("03 12345678") + readings("89811 00000 00000 0398")]
    assert not {"whmcs", "client"} & {reading.kind for reading in readings("00010480") + readings("0")}


def test_a_phone_is_asked_for_as_people_write_it() -> None:
    assert {"09012345678", "090-1234-5678", "+819012345678", "+81-90-1234-5678"} <= set(phone_spellings("09012345678"))
    assert "03-1234-5678" in phone_spellings("0312345678")


def _order(**values: object) -> OrderLine:
    base = {"order_id": "x", "number": "00010480", "sf": "Provisioning", "state": "running", "updated": 1.0}
    return OrderLine.model_validate({**base, **values})


@pytest.mark.parametrize(
    ("values", "ja", "en"),
    [
        ({"state": "done", "mail": "sent"}, "完了", "We have sent you a mail"),
        ({"state": "done", "mail": "maybe_sent"}, "あらためて", "we will send it again"),
        ({"state": "done", "mail": "queued"}, "準備ができ次第", "still to be sent"),
        ({"state": "done"}, "完了", "is complete."),
        ({"state": "queued", "wait": "lock"}, "ほかのご注文", "other order"),
        ({"state": "retrying", "wait": "retry", "unknown": True}, "重ねてなさらず", "second time"),
        ({"state": "parked", "wait": "condition", "parked": "stock(A)"}, "在庫", "out of stock"),
        ({"state": "parked", "wait": "condition", "parked": "paymethod(4417)"}, "お支払い方法", "payment method"),
        ({"state": "parked", "wait": "condition", "parked": "after(1775606400.0)"}, "2026年4月8日", "8 April 2026"),
        ({"state": "parked", "wait": "condition", "parked": "after(soon)"}, "ご指定の日", "the day that was asked for"),
        ({"state": "parked", "wait": "person", "unknown": True}, "確認が必要", "look into it"),
        ({"state": "held", "owner": "sato", "owner_until": 9.0}, "ただいま担当の者", "A colleague"),
        ({"state": "held", "owner": "sato", "owner_until": 2.0}, "確認が必要", "look into it"),
        ({"state": "retrying", "wait": "making_sure"}, "確認", "how far your order"),
        ({"state": "retrying", "wait": "retry"}, "自動", "goes on by itself"),
        ({"state": "failed"}, "確認が必要", "look into it"),
        ({"state": "none", "sf": "Pending Review"}, "承って", "checking it now"),
        ({"state": "none", "sf": "Provisioning"}, "確認が必要", "look into it"),
        ({"state": "cancelled"}, "取り消", "cancelled"),
    ],
)
def test_each_state_has_its_sentence(values: dict[str, object], ja: str, en: str) -> None:
    said = say(_order(**values), "Asia/Tokyo", 5.0)
    assert ja in said.ja
    assert en in said.en
    assert "10480" in said.ja
    assert "{" not in said.ja + said.en
    assert said.may_promise
    assert said.must_not_promise


def test_no_sentence_names_a_time_or_says_what_nobody_knows() -> None:
    """Whatever the state: no "soon", and only what is done is called done."""
    states = ["queued", "running", "retrying", "parked", "held", "failed", "done", "cancelled", "none"]
    waits = [None, "person", "making_sure", "condition", "lock", "retry"]
    statuses = ["Draft", "Pending Review", "Approved", "Provisioning", "Failed", "Rejected", "Cancelled", "Activated"]
    for state, wait, sf, unknown in itertools.product(states, waits, statuses, [True, False]):
        said = say(_order(state=state, wait=wait, sf=sf, unknown=unknown), "Asia/Tokyo", 5.0)
        for word in ("まもなく", "すぐに", "本日中", "shortly", "soon ", "immediately", "today", "minutes"):
            assert word not in said.ja + said.en, said
        done = state == "done" or (state == "none" and sf == "Activated")
        assert ("完了しております" in said.ja) == ("is complete" in said.en) == done, said
        assert said.ja.endswith("。")


def test_nothing_found_is_never_said_of_a_partial_search() -> None:
    assert "cannot be asked" in say_found(0, complete=False, accounts=0).en
    assert "cannot find" in say_found(0, complete=True, accounts=0).en
    assert "no order" in say_found(0, complete=True, accounts=1).en
    assert "2 orders" in say_found(2, complete=True, accounts=1).en
    many = say_found(50, complete=True, accounts=1, more=True)
    assert "more than 50 orders" in many.en and "50件以上" in many.ja
    assert "not all" in say_found(0, complete=True, accounts=20, more=True).must_not_promise


def test_what_a_partial_search_found_is_never_said_to_be_all() -> None:
    partial = say_found(15, complete=False, accounts=1)
    assert "at least 15 orders" in partial.en and "15件以上" in partial.ja
    one = say_found(1, complete=False, accounts=1)
    assert "there may be more" in one.en and "ただいま確認できるご注文は1件" in one.ja
    for said in (partial, one):
        assert "not everything" in said.must_not_promise and "すべては検索できていません" in said.must_not_promise_ja
    cut = say_found(50, complete=False, accounts=1, more=True)
    assert "more than 50 orders" in cut.en and "50件以上" in cut.ja
    assert "at least" not in say_found(15, complete=True, accounts=1).en


@pytest.mark.parametrize(
    ("kana", "letters"),
    [
        ("サトウ", "sato"), ("さとう", "sato"), ("Satoh", "sato"), ("ﾜﾀﾅﾍﾞ", "watanabe"), ("ハットリ リョウタ", "hattori ryota"),
        ("オオノ", "ono"), ("シェリー", "sheri"), ("Émile", "emile"), ("田中", ""), ("090", ""),
    ],
)  # fmt: skip
def test_a_reading_in_latin_letters(kana: str, letters: str) -> None:
    assert " ".join(spelled(kana)) == letters


def test_what_may_be_promised_and_what_not_is_said_in_both_languages() -> None:
    every = [words for words in vars(saying).values() if isinstance(words, saying._Words)]
    every += [*saying._DONE.values(), *saying._BY_STATUS.values()]
    assert len(every) > 15
    for words in every:
        assert words.may and words.must_not and words.may_ja.endswith("。") and words.must_not_ja.endswith("。"), (
            words.en
        )
    for told in (
        say_found(2, complete=True, accounts=1),
        *(say_found(0, complete=c, accounts=a) for c, a in ((False, 0), (True, 1), (True, 0))),
    ):
        assert told.must_not_promise and told.must_not_promise_ja


def test_masking_by_role() -> None:
    redactor = Redactor()
    viewer, operator = Masker(redactor, "viewer", ["田中 花子"]), Masker(redactor, "operator", ["田中 花子"])
    assert viewer.name("田中 花子") == "田•• 花••"
    assert masked_name("李") == "••"
    assert operator.name("田中\u202e 花子\x07") == "田中 花子"
    for mask in (viewer, operator):
        assert mask.email("hanako@example.jp") == "h••@exa…"
        assert mask.phone("09012345678") == "090••••••78"
        assert mask.phone("110") == "•••••"
        assert mask.eid("89049032123451234512345678901235") == "8904••••••••••••••••••••••••1235"
    assert "0000" not in (viewer.iccid("8981100000000000398") or "")
    assert operator.iccid("8981100000000000398") == "8981100000000000398"
    text = "花子 of 田中 called 090-1234-5678"
    shown = viewer.text(text) or ""
    assert "花子" not in shown
    assert "田中" not in shown
    assert "5678" not in shown
    assert operator.text(text) == text
    assert operator.text("read out 4111 1111 1111 1111 as paid") == "read out ••••••••••••1111 as paid"
    assert viewer.value({"who": "田中 花子", "n": [1, "花子"]}) == {"who": "•••", "n": [1, "•••"]}
