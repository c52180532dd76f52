"""Contrast of both themes, computed by the formula of WCAG 2: every pair of colours that carries text has 4.5 or more."""

import itertools

import pytest
from textual.color import Color
from textual.theme import Theme

from console.theme import DARK, THEMES, TONES

AA = 4.5
GROUNDS = ("background", "surface", "panel", "cursor-row", "cursor-row-blurred", "mark-row")
BADGES = ("badge_production", "badge_sandbox")


def luminance(color: Color) -> float:
    def linear(part: int) -> float:
        share = part / 255
        return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)

    return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b)


def contrast(one: Color, other: Color) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def colors(theme: Theme) -> dict[str, Color]:
    known = {**theme.to_color_system().generate(), **theme.variables}
    return {name: Color.parse(value) for name, value in known.items() if value.startswith("#")}


def test_the_formula_gives_what_the_standard_says() -> None:
    assert contrast(Color.parse("#ffffff"), Color.parse("#000000")) == pytest.approx(21.0)
    assert contrast(Color.parse("#767676"), Color.parse("#ffffff")) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_tone_can_be_read_on_every_ground(theme: Theme) -> None:
    known = colors(theme)
    tones = [f"tone-{tone}" for tone in TONES if tone not in BADGES]
    texts = [*tones, "text-muted", "foreground-muted", "foreground", "footer-key-foreground"]
    weak = {
        (text, ground): round(contrast(known[text], known[ground]), 2)
        for text, ground in itertools.product(texts, GROUNDS)
        if contrast(known[text], known[ground]) < AA
    }
    assert not weak


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_badges_can_be_read(theme: Theme) -> None:
    known = colors(theme)
    for badge in ("badge-production", "badge-sandbox"):
        assert contrast(known[badge], known[f"{badge}-text"]) >= AA


def test_a_weak_colour_would_be_found() -> None:
    weak = Theme(
        "weak", primary=DARK.primary, background=DARK.background, variables={**DARK.variables, "tone-muted": "#404a58"}
    )
    known = colors(weak)
    assert contrast(known["tone-muted"], known["background"]) < AA


def test_both_themes_have_the_same_variables() -> None:
    names = [set(theme.variables) for theme in THEMES]
    assert names[0] == names[1]
    assert {f"tone-{tone}" for tone in TONES if tone not in BADGES} <= names[0]
