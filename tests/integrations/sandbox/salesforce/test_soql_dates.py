from datetime import date

import pytest

from integrations.sandbox.salesforce.soql_dates import date_range, is_counted_range, is_range

MONDAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("word", "n", "first", "after"),
    [
        ("YESTERDAY", 0, "2026-11-22", "2026-11-23"),
        ("TODAY", 0, "2026-11-23", "2026-11-24"),
        ("TOMORROW", 0, "2026-11-24", "2026-11-25"),
        ("LAST_90_DAYS", 0, "2026-08-25", "2026-11-24"),
        ("NEXT_90_DAYS", 0, "2026-11-24", "2027-02-22"),
        ("LAST_WEEK", 0, "2026-11-15", "2026-11-22"),
        ("THIS_WEEK", 0, "2026-11-22", "2026-11-29"),
        ("NEXT_WEEK", 0, "2026-11-29", "2026-12-06"),
        ("LAST_MONTH", 0, "2026-10-01", "2026-11-01"),
        ("NEXT_MONTH", 0, "2026-12-01", "2027-01-01"),
        ("THIS_QUARTER", 0, "2026-10-01", "2027-01-01"),
        ("LAST_FISCAL_QUARTER", 0, "2026-07-01", "2026-10-01"),
        ("LAST_YEAR", 0, "2025-01-01", "2026-01-01"),
        ("LAST_N_DAYS", 7, "2026-11-16", "2026-11-24"),
        ("NEXT_N_DAYS", 7, "2026-11-24", "2026-12-01"),
        ("N_DAYS_AGO", 7, "2026-11-16", "2026-11-17"),
        ("LAST_N_WEEKS", 2, "2026-11-08", "2026-11-22"),
        ("LAST_N_MONTHS", 12, "2025-11-01", "2026-11-01"),
        ("N_MONTHS_AGO", 11, "2025-12-01", "2026-01-01"),
        ("NEXT_N_QUARTERS", 1, "2027-01-01", "2027-04-01"),
        ("N_YEARS_AGO", 1, "2025-01-01", "2026-01-01"),
        ("LAST_N_FISCAL_YEARS", 2, "2024-01-01", "2026-01-01"),
    ],
)
def test_ranges(word: str, n: int, first: str, after: str) -> None:
    assert (is_counted_range(word) if n else is_range(word)) is True
    assert date_range(word, n, MONDAY) == (date.fromisoformat(first), date.fromisoformat(after))


def test_other_words_are_none() -> None:
    assert not is_range("LAST_N_DAYS") and not is_counted_range("TODAY") and not is_range("SOMEDAY")
