"""What a clerk can say, with the key that copies each sentence, and what may be promised and what not."""

from console.schema.said import Say
from console.widgets.cells import literal
from console.widgets.glyphs import Glyphs
from console.widgets.pieces import Line, flowed

KEYS = {"ja": "J", "en": "K"}
LANGUAGES = {"ja": "Japanese", "en": "English"}


def say_lines(say: Say, width: int, glyphs: Glyphs, *, keys: bool = True) -> list[Line]:
    """``keys``: with the keys that copy."""
    lines: list[Line] = [[("WHAT TO SAY", "strong"), ("  J and K copy it" if keys else "", "muted")]]
    for language, sentence in (("ja", say.ja), ("en", say.en)):
        key = KEYS[language] if keys else " "
        first, *rest = flowed(glyphs.plain(literal(sentence)), "plain", width - 3)
        lines += [[(f"{key}  ", "accent"), *first], *([("   ", "plain"), *line] for line in rest)]
    told = (
        ("May promise", say.may_promise, say.may_promise_ja, "ok"), ("Not", say.must_not_promise, say.must_not_promise_ja, "warn")
    )  # fmt: skip
    for label, english, japanese, tone in told:
        if english:
            lines += flowed(f"{label}: {glyphs.plain(literal(english))}", tone, width, indent="   ")
        if japanese:
            lines += [[("   ", tone), *line] for line in flowed(glyphs.plain(literal(japanese)), tone, width - 3)]
    return lines
