"""SOQL text into tokens, and the frame in which Salesforce shows where a query is wrong."""

import re
from dataclasses import dataclass

from integrations.sandbox.salesforce.errors import SalesforceError

TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^'\\]|\\.)*')
      | (?P<datetime>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2}))
      | (?P<date>\d{4}-\d{2}-\d{2})
      | (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
      | (?P<sign><>|!=|<=|>=|[=<>(),:])
      | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\", "_": "_", "%": "%"}


@dataclass(frozen=True)
class Token:
    """``kind`` is a group name of TOKEN; ``text`` as written; ``at`` the offset in the query."""

    kind: str
    text: str
    at: int

    def word(self, *words: str) -> bool:
        """Whether this is one of these keywords (given in capitals)."""
        return self.kind == "name" and self.text.upper() in words


def query_error(code: str, query: str, at: int, message: str) -> SalesforceError:
    """An error with the row of the query it stands in, a caret under the place, and the place in numbers."""
    row = query.count("\n", 0, at)
    start = query.rfind("\n", 0, at) + 1
    line = query[start:].split("\n", 1)[0]
    column = at - start + 1
    frame = f"\n{line}\n{' ' * (column - 1)}^\nERROR at Row:{row + 1}:Column:{column}\n{message}"
    return SalesforceError(code, frame)


def tokens(query: str) -> list[Token]:
    """All tokens, the end last. Raises MALFORMED_QUERY for a character that starts none."""
    found: list[Token] = []
    position = 0
    while True:
        match = TOKEN.match(query, position)
        if match is None:
            at = position + len(query[position:]) - len(query[position:].lstrip())
            raise query_error(
                "MALFORMED_QUERY", query, at, f"line 1:{at} no viable alternative at character '{query[at]}'"
            )
        kind = match.lastgroup or ""
        found.append(Token(kind, match[kind], match.start(kind)))
        if kind == "end":
            return found
        position = match.end()


def unescape(quoted: str, query: str, at: int) -> str:
    """The text of a quoted string. Raises MALFORMED_QUERY for an escape that SOQL does not have."""

    def plain(match: re.Match[str]) -> str:
        sequence = match[1]
        if len(sequence) == 5:
            return chr(int(sequence[1:], 16))
        found = ESCAPED.get(sequence.lower() if sequence.isalpha() else sequence)
        if found is None:
            message = (
                f"Invalid string literal '{quoted[1:-1]}'. Illegal character sequence '\\{sequence}' in string literal."
            )
            raise query_error("MALFORMED_QUERY", query, at, message)
        return found

    return ESCAPE.sub(plain, quoted[1:-1])


def like_pattern(quoted: str) -> re.Pattern[str]:
    r"""A LIKE operand as a pattern: % any run, _ any one character, \% and \_ themselves; case does not count."""
    out: list[str] = []
    body, n = quoted[1:-1], 0
    while n < len(body):
        char = body[n]
        if char == "\\":
            match = ESCAPE.match(body, n)
            sequence = match[1] if match else char
            plain = chr(int(sequence[1:], 16)) if len(sequence) == 5 else ESCAPED.get(sequence, sequence)
            out.append(re.escape(plain))
            n = match.end() if match else n + 1
            continue
        out.append({"%": ".*", "_": "."}.get(char) or re.escape(char))
        n += 1
    return re.compile("".join(out), re.IGNORECASE | re.DOTALL)
