"""Filters as a shell hands them over: words, whose quotation marks the shell has eaten."""

import re
from collections.abc import Sequence

MINUS = "−"
_NEGATED = re.compile(r"-(?=[a-z]{2,}[:=<>]|[^\x00-\x7f])")


def protected(arguments: Sequence[str]) -> list[str]:
    """argv whose negated filter terms (``-kind:vpn``) no longer look like short options; ``joined`` undoes it."""
    return [_NEGATED.sub(MINUS, argument, count=1) if _NEGATED.match(argument) else argument for argument in arguments]


def joined(words: Sequence[str] | None) -> str:
    """One filter of the words: ``['state:failed', 'cause:no profile']`` → ``state:failed cause:"no profile"``.

    A single word is a whole filter, as ``--filter`` would have it.
    """
    given = [f"-{word[1:]}" if word.startswith(MINUS) else word for word in words or ()]
    if len(given) == 1:
        return given[0]
    return " ".join(_quoted(word) for word in given)


def _quoted(word: str) -> str:
    if not any(character.isspace() for character in word) or '"' in word:
        return word
    term = re.match(r"(-?)([a-z]+(?::|[<>]=?|=))?", word)
    assert term is not None, "every part of it may be empty"
    return f'{term.group()}"{word[term.end() :]}"'
