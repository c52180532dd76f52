"""SOQL, parsed by recursive descent. Every refusal is MALFORMED_QUERY with its place in the query."""

from integrations.sandbox.salesforce.errors import SalesforceError
from integrations.sandbox.salesforce.soql_ast import (
    And,
    Call,
    Comparison,
    Condition,
    Literal,
    Not,
    Or,
    OrderBy,
    Path,
    Query,
    Selected,
    SubQuery,
)
from integrations.sandbox.salesforce.soql_dates import is_counted_range, is_range
from integrations.sandbox.salesforce.soql_lexer import Token, query_error, tokens, unescape

AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
PASSING = frozenset({"TOLABEL", "FORMAT", "CONVERTCURRENCY"})
DATE_PARTS = frozenset({"CALENDAR_YEAR", "CALENDAR_MONTH", "DAY_IN_MONTH", "DAY_ONLY", "HOUR_IN_DAY"})
FUNCTIONS = AGGREGATES | PASSING | DATE_PARTS | {"FIELDS"}
RESERVED = frozenset(
    {
        "SELECT", "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "USING", "WITH", "AND", "OR",
        "NOT", "IN", "LIKE", "NULLS", "ASC", "DESC", "BY", "ALL", "UPDATE",
    }
)  # fmt: skip
OPERATORS = {"=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def parse(text: str) -> Query:
    """Parse one query. Raises SalesforceError MALFORMED_QUERY."""
    if not text.strip():
        raise SalesforceError("MALFORMED_QUERY", "A query string has to be specified")
    parser = _Parser(text)
    query = parser.query()
    if parser.now.kind != "end":
        raise parser.unexpected()
    return query


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.position = 0

    @property
    def now(self) -> Token:
        return self.tokens[self.position]

    @property
    def next(self) -> Token:
        return self.tokens[min(self.position + 1, len(self.tokens) - 1)]

    def unexpected(self) -> SalesforceError:
        shown = self.now.text or "<EOF>"
        return query_error("MALFORMED_QUERY", self.text, self.now.at, f"unexpected token: '{shown}'")

    def take(self) -> Token:
        token = self.now
        self.position += 1
        return token

    def sign(self, text: str) -> bool:
        if self.now.kind == "sign" and self.now.text == text:
            self.position += 1
            return True
        return False

    def need_sign(self, text: str) -> None:
        if not self.sign(text):
            raise self.unexpected()

    def word(self, *words: str) -> bool:
        if self.now.word(*words):
            self.position += 1
            return True
        return False

    def need_word(self, word: str) -> None:
        if not self.word(word):
            raise self.unexpected()

    def name(self) -> Token:
        if self.now.kind != "name" or self.now.text.upper() in RESERVED:
            raise self.unexpected()
        return self.take()

    def number(self) -> int:
        if self.now.kind != "number" or not self.now.text.isdigit():
            raise self.unexpected()
        return int(self.take().text)

    def query(self) -> Query:
        self.need_word("SELECT")
        selected = [self.selected()]
        while self.sign(","):
            selected.append(self.selected())
        self.need_word("FROM")
        if self.now.kind != "name":
            raise self.unexpected()
        source = self.take()  # "Order" is a word of the language and an object
        alias = self.name().text if self.now.kind == "name" and self.now.text.upper() not in RESERVED else None
        if self.word("USING"):
            self.need_word("SCOPE")
            self.name()
        where = self.condition() if self.word("WHERE") else None
        if self.word("WITH"):
            self.name()
        group_by = self.grouping() if self.word("GROUP") else ()
        having = self.condition() if self.word("HAVING") else None
        order_by = self.ordering() if self.word("ORDER") else ()
        limit = self.number() if self.word("LIMIT") else None
        offset_at = self.now.at
        offset = self.number() if self.word("OFFSET") else 0
        while self.word("FOR"):
            self.need_one("VIEW", "REFERENCE", "UPDATE")
        all_rows = self.word("ALL")
        if all_rows:
            self.need_word("ROWS")
        return Query(
            self.text, tuple(selected), source.text, source.at, alias, where, group_by, having, order_by, limit,
            offset, offset_at, all_rows,
        )  # fmt: skip

    def need_one(self, *words: str) -> None:
        if not self.word(*words):
            raise self.unexpected()

    def selected(self) -> Selected:
        at = self.now.at
        if self.sign("("):
            query = self.query()
            self.need_sign(")")
            return SubQuery(query, at)
        found = self.operand()
        if self.now.kind == "name" and self.now.text.upper() not in RESERVED:
            alias = self.take().text
            if isinstance(found, Call):
                return Call(found.function, found.argument, found.at, alias, found.text)
            return Path(found.parts, found.at, alias)
        return found

    def operand(self) -> Path | Call:
        """A field path or a function of one."""
        token = self.name()
        if not self.sign("("):
            return Path(tuple(token.text.split(".")), token.at)
        function = token.text.upper()
        if function not in FUNCTIONS:
            raise query_error("MALFORMED_QUERY", self.text, token.at, f"unexpected token: '{token.text}'")
        argument: Path | None = None
        if function == "FIELDS" and self.now.word("ALL", "STANDARD", "CUSTOM"):
            group = self.take()
            argument = Path((group.text,), group.at)
        elif not (self.now.kind == "sign" and self.now.text == ")"):
            inner = self.operand()
            argument = inner if isinstance(inner, Path) else inner.argument
        self.need_sign(")")
        if argument is None and function != "COUNT":
            raise query_error("MALFORMED_QUERY", self.text, token.at, f"unexpected token: '{token.text}'")
        shown = f"{token.text}({'.'.join(argument.parts) if argument else ''})"
        return Call(function, argument, token.at, None, shown)

    def grouping(self) -> tuple[Path | Call, ...]:
        self.need_word("BY")
        found = [self.operand()]
        while self.sign(","):
            found.append(self.operand())
        return tuple(found)

    def ordering(self) -> tuple[OrderBy, ...]:
        self.need_word("BY")
        found = [self.order_key()]
        while self.sign(","):
            found.append(self.order_key())
        return tuple(found)

    def order_key(self) -> OrderBy:
        key = self.operand()
        descending = self.direction()
        nulls_last = False
        if self.word("NULLS"):
            nulls_last = self.word("LAST")
            if not nulls_last:
                self.need_word("FIRST")
        return OrderBy(key, descending, nulls_last)

    def direction(self) -> bool:
        return not self.word("ASC") and self.word("DESC")

    def condition(self) -> Condition:
        """Terms joined by AND or by OR; mixing the two needs parentheses, as in Salesforce."""
        first = self.term()
        for word, join in (("AND", And), ("OR", Or)):
            if self.now.word(word):
                terms = [first]
                while self.word(word):
                    terms.append(self.term())
                if self.now.word("AND", "OR"):
                    raise self.unexpected()
                return join(tuple(terms))
        return first

    def term(self) -> Condition:
        if self.word("NOT"):
            return Not(self.term())
        if self.sign("("):
            inner = self.condition()
            self.need_sign(")")
            return inner
        return self.comparison()

    def comparison(self) -> Comparison:
        left = self.operand()
        at = self.now.at
        if self.word("LIKE"):
            return Comparison(left, "LIKE", self.literal(), at)
        negated = self.word("NOT")
        if self.word("IN"):
            return Comparison(left, "NOT IN" if negated else "IN", self.members(), at)
        if negated or self.now.kind != "sign" or self.now.text not in OPERATORS:
            raise self.unexpected()
        return Comparison(left, OPERATORS[self.take().text], self.literal(), at)

    def members(self) -> tuple[Literal, ...] | Query:
        self.need_sign("(")
        if self.now.word("SELECT"):
            query = self.query()
            self.need_sign(")")
            return query
        found = [self.literal()]
        while self.sign(","):
            found.append(self.literal())
        self.need_sign(")")
        return tuple(found)

    def literal(self) -> Literal:
        token = self.now
        match token.kind:
            case "string":
                self.take()
                return Literal("string", unescape(token.text, self.text, token.at), token.text, token.at)
            case "number":
                self.take()
                return Literal("number", float(token.text), token.text, token.at)
            case "date" | "datetime":
                self.take()
                return Literal(token.kind, token.text, token.text, token.at)
            case "name":
                return self.named_literal()
        raise self.unexpected()

    def named_literal(self) -> Literal:
        token = self.take()
        word = token.text.upper()
        if word in ("TRUE", "FALSE"):
            return Literal("bool", word == "TRUE", token.text, token.at)
        if word == "NULL":
            return Literal("null", None, token.text, token.at)
        if is_range(word):
            return Literal("range", (word, 0), token.text, token.at)
        if is_counted_range(word) and self.sign(":"):
            return Literal("range", (word, self.number()), token.text, token.at)
        self.position -= 1
        raise self.unexpected()
