import codecs

import pytest

from integrations.esim.inventory import parse_inventory

A, B, C = "8981990402600000312", "8981990402600000320", "8981990402600000338"


@pytest.mark.parametrize(
    "text",
    [
        f"{A},DEMO-DATA,B1\n{B},DEMO-DATA,B1\n",
        f"iccid,type,batch\r\n{A},DEMO-DATA,B1\r\n{B},DEMO-DATA,B1",
        f"Batch;Profile Type;ICCID\nB1;DEMO-DATA;{A}F\n\n;;\nB1;DEMO-DATA;{B}F\n",
        f'iccid\ttype\tbatch\n="{A}"\tDEMO-DATA\tB1\n"\'{B}"\tDEMO-DATA\tB1\n',
    ],
)
def test_spellings_of_one_file(text: str) -> None:
    found = parse_inventory(text.encode())
    assert found.errors == ()
    assert [(row.iccid, row.profile_type, row.batch) for row in found.rows] == [
        (A, "DEMO-DATA", "B1"),
        (B, "DEMO-DATA", "B1"),
    ]


@pytest.mark.parametrize(
    "raw",
    [
        f"{A},データ".encode(),
        codecs.BOM_UTF8 + f"{A},データ".encode(),
        f"{A},データ".encode("cp932"),
        f"{A},データ".encode("utf-16"),
    ],
)
def test_encodings(raw: bytes) -> None:
    found = parse_inventory(raw)
    assert found.errors == ()
    assert (found.rows[0].profile_type, found.rows[0].batch) == ("データ", "")


def test_all_mistakes_at_once_with_line_field_and_remedy() -> None:
    text = "\n".join(
        [
            "iccid,type,batch",
            f"{A},DEMO-DATA,",
            "12345,DEMO-DATA,",
            f"{B},,",
            f"{A}F,DEMO-DATA,",
            "8.98199E+18,DEMO-DATA,",
            ",DEMO-DATA,",
            f"{C},DEMO-DATA,B1,more",
            f"{C},{'x' * 81},",
            "8981990402600000346,DE\u200bMO,",
        ]
    )
    found = parse_inventory(text.encode())
    assert [(each.line, each.field) for each in found.errors] == [
        (3, "iccid"), (4, "type"), (5, "iccid"), (6, "iccid"), (7, "iccid"), (8, ""), (9, "type"), (10, "type"),
    ]  # fmt: skip
    assert all(each.problem and each.remedy for each in found.errors)
    assert "stands in line 2 already" in found.errors[2].problem
    assert "rounded by a spreadsheet" in found.errors[3].problem
    assert str(found.errors[0]).startswith('line 3, iccid: "12345" is not an ICCID; give 18 to 20 digits')


def test_a_wrong_check_digit_only_warns() -> None:
    found = parse_inventory(b"8997250230000292199,DEMO-DATA")
    assert (len(found.rows), found.errors) == (1, ())
    assert (found.warnings[0].line, found.warnings[0].field) == (1, "iccid")


def test_line_numbers_count_lines_not_records() -> None:
    found = parse_inventory(f'iccid,type,batch\n{A},DEMO-DATA,"two\nlines"\n\nx,DEMO-DATA,\n'.encode())
    assert [(each.line, each.field) for each in found.errors] == [(2, "batch"), (5, "iccid")]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "no profile"),
        (b"\n\n", "no profile"),
        (b"iccid,type\n", "no profile"),
        (b"PK\x03\x04\x00\x00", "not a text file"),
        (b"\x81\xff\xfe\xfd", "neither UTF-8 nor Shift_JIS"),
        (b"\xff\xfe\x00", "neither UTF-8 nor Shift_JIS"),
        (b'"898', "not readable as CSV"),
        (b"icccid,type\n1,2\n", "no such column"),
        (b"iccid,kind\n1,2\n", "no such column"),
        (b"iccid,iccid,type\n1,2,3\n", "twice"),
        (b"hello,world\n", "no such column"),
    ],
)
def test_whole_file_trouble(raw: bytes, said: str) -> None:
    found = parse_inventory(raw)
    assert any(said in each.problem for each in found.errors), found.errors


def test_the_nearest_column_is_named() -> None:
    found = parse_inventory(b"icccid,type\n1,2\n")
    assert found.errors[0].remedy == 'rename "icccid" to iccid'


def test_columns_that_are_not_ours_are_not_read() -> None:
    found = parse_inventory(f"iccid,type,ki\n{A},DEMO-DATA,0123456789ABCDEF\n".encode())
    assert found.rows[0].batch == ""
    assert [(each.field, each.problem) for each in found.warnings] == [("ki", "unknown column, not read")]


def test_a_big_file_is_quick_enough() -> None:
    lines = "\n".join(f"{8981990402600000000 + n},DEMO-DATA" for n in range(20_000))
    assert len(parse_inventory(lines.encode()).rows) == 20_000
