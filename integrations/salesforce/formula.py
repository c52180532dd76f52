"""The part of Salesforce's formula language that our validation rules and our Flow use: parse once, evaluate often.

Functions: AND OR NOT ISNEW ISCHANGED PRIORVALUE ISPICKVAL ISBLANK TEXT CASESAFEID BLANKVALUE. Operators: = == <> !=
< <= > >= && || & (concatenation). Values: field paths (``Status``, ``Order.Status``, ``{!$Record.Id}``),
``$Permission.Name``, strings, numbers, TRUE, FALSE, NULL. Anything else is refused when the formula is parsed, never
when it is evaluated: what the sandbox accepts it also enforces.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from integrations.salesforce.ids import to18

Value = str | Decimal | bool | None


class FormulaError(ValueError):
    """The text is not a formula of the supported subset; says what and at which character."""


class Scope(Protocol):
    """What a formula looks at: one record before and after the change, and who changes it."""

    @property
    def is_new(self) -> bool: ...
    def value(self, path: str) -> Any: ...
    def prior(self, path: str) -> Any: ...
    def permitted(self, permission: str) -> bool: ...


@dataclass(frozen=True)
class RecordScope:
    """A Scope over plain rows. ``old`` is None for an insert; ``parents`` maps a relationship ("Order") to its row."""

    new: Mapping[str, Any]
    old: Mapping[str, Any] | None = None
    permissions: frozenset[str] = frozenset()
    parents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def is_new(self) -> bool:
        return self.old is None

    def value(self, path: str) -> Any:
        parent, _, name = path.rpartition(".")
        return self.parents[parent].get(name) if parent else self.new.get(name)

    def prior(self, path: str) -> Any:
        if self.old is None or "." in path:
            return self.value(path)
        return self.old.get(path)

    def permitted(self, permission: str) -> bool:
        return permission in self.permissions


@dataclass(frozen=True)
class Literal:
    value: Value


@dataclass(frozen=True)
class Field:
    path: str


@dataclass(frozen=True)
class Permission:
    name: str


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True)
class Operation:
    operator: str
    left: "Node"
    right: "Node"


Node = Literal | Field | Permission | Call | Operation


@dataclass(frozen=True)
class Formula:
    """A parsed formula."""

    text: str
    root: Node

    def evaluate(self, scope: Scope) -> Value:
        return _evaluate(self.root, scope)

    def holds(self, scope: Scope) -> bool:
        """The value of a validation rule's condition: True means the change is refused."""
        return _truth(self.evaluate(scope))

    @property
    def fields(self) -> frozenset[str]:
        """Every field path the formula reads."""
        return frozenset(node.path for node in _walk(self.root) if isinstance(node, Field))

    @property
    def permissions(self) -> frozenset[str]:
        """Every custom permission the formula asks for."""
        return frozenset(node.name for node in _walk(self.root) if isinstance(node, Permission))

    @property
    def picklist_values(self) -> frozenset[tuple[str, str]]:
        """Every (field path, value) that ISPICKVAL compares."""
        found: set[tuple[str, str]] = set()
        for node in _walk(self.root):
            if isinstance(node, Call) and node.function == "ISPICKVAL":
                paths = [inner.path for inner in _walk(node.arguments[0]) if isinstance(inner, Field)]
                found.update((path, str(_constant(node.arguments[1]))) for path in paths)
        return frozenset(found)


_TOKEN = re.compile(
    r"""\s*(?:/\*.*?\*/\s*)*(?:
        (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<merge>\{!\s*[$A-Za-z_][\w$.]*\s*\})
      | (?P<name>[$A-Za-z_][\w$]*(?:\.[A-Za-z_]\w*)*)
      | (?P<sign><>|!=|==|<=|>=|&&|\|\||[=<>&(),])
      | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ARITY = {
    "AND": (1, 99),
    "OR": (1, 99),
    "NOT": (1, 1),
    "ISNEW": (0, 0),
    "ISCHANGED": (1, 1),
    "PRIORVALUE": (1, 1),
    "ISPICKVAL": (2, 2),
    "ISBLANK": (1, 1),
    "TEXT": (1, 1),
    "CASESAFEID": (1, 1),
    "BLANKVALUE": (2, 2),
}
_NEEDS_FIELD = ("ISCHANGED", "PRIORVALUE")
_CONSTANTS: dict[str, Value] = {"TRUE": True, "FALSE": False, "NULL": None}
_LEVELS = (("||",), ("&&",), ("=", "==", "<>", "!=", "<", "<=", ">", ">="), ("&",))


def parse(text: str) -> Formula:
    """Parse a formula. Raises FormulaError."""
    parser = _Parser(text)
    root = parser.level(0)
    parser.expect("end")
    return Formula(text, root)


class _Parser:
    """Recursive descent over ``_LEVELS`` (loosest first); every operator is left-associative."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.kind, self.word, self.start, self.position = "", "", 0, 0
        self.advance()

    def advance(self) -> None:
        match = _TOKEN.match(self.text, self.position)
        if match is None:
            raise FormulaError(f"unexpected text at character {self.position}: {self.text[self.position :][:20]!r}")
        self.kind = match.lastgroup or ""
        self.word, self.start, self.position = match[self.kind], match.start(self.kind), match.end()

    def expect(self, kind: str, word: str = "") -> str:
        found = self.word
        if self.kind != kind or (word and found != word):
            raise FormulaError(f"expected {word or kind} at character {self.start}, found {found or 'the end'!r}")
        if kind != "end":
            self.advance()
        return found

    def level(self, depth: int) -> Node:
        if depth == len(_LEVELS):
            return self.primary()
        node = self.level(depth + 1)
        while self.kind == "sign" and self.word in _LEVELS[depth]:
            operator = self.expect("sign")
            node = Operation(operator, node, self.level(depth + 1))
        return node

    def primary(self) -> Node:
        match self.kind:
            case "string":
                return Literal(re.sub(r"\\(.)", r"\1", self.expect("string")[1:-1]))
            case "number":
                return Literal(Decimal(self.expect("number")))
            case "merge":
                return Field(self.expect("merge")[2:-1].strip().removeprefix("$Record."))
            case "name":
                return self.named()
        self.expect("sign", "(")
        node = self.level(0)
        self.expect("sign", ")")
        return node

    def named(self) -> Node:
        at, name = self.start, self.expect("name")
        if self.kind == "sign" and self.word == "(":
            return self.call(name.upper(), at)
        if name.upper() in _CONSTANTS:
            return Literal(_CONSTANTS[name.upper()])
        if name.startswith("$Permission."):
            return Permission(name.removeprefix("$Permission."))
        if name.startswith("$"):
            raise FormulaError(f"{name} at character {at} is not supported")
        return Field(name)

    def call(self, function: str, at: int) -> Node:
        if function not in _ARITY:
            raise FormulaError(f"the function {function} at character {at} is not supported")
        self.expect("sign", "(")
        arguments: list[Node] = []
        while not (self.kind == "sign" and self.word == ")"):
            if arguments:
                self.expect("sign", ",")
            arguments.append(self.level(0))
        self.expect("sign", ")")
        least, most = _ARITY[function]
        if not least <= len(arguments) <= most:
            raise FormulaError(f"{function} at character {at} has {len(arguments)} arguments")
        if function in _NEEDS_FIELD and not isinstance(arguments[0], Field):
            raise FormulaError(f"{function} at character {at} needs a field")
        if function == "ISPICKVAL" and not isinstance(arguments[1], Literal):
            raise FormulaError(f"ISPICKVAL at character {at} needs a literal value")
        return Call(function, tuple(arguments))


def _walk(node: Node) -> Iterator[Node]:
    yield node
    children: tuple[Node, ...] = ()
    if isinstance(node, Call):
        children = node.arguments
    elif isinstance(node, Operation):
        children = (node.left, node.right)
    for child in children:
        yield from _walk(child)


def _evaluate(node: Node, scope: Scope) -> Value:
    match node:
        case Literal(value):
            return value
        case Field(path):
            return _plain(scope.value(path))
        case Permission(name):
            return scope.permitted(name)
        case Operation(operator, left, right):
            return _operate(operator, left, right, scope)
        case Call(function, arguments):
            return _call(function, arguments, scope)


def _call(function: str, arguments: tuple[Node, ...], scope: Scope) -> Value:
    match function:
        case "AND":
            return all(_truth(_evaluate(argument, scope)) for argument in arguments)
        case "OR":
            return any(_truth(_evaluate(argument, scope)) for argument in arguments)
        case "NOT":
            return not _truth(_evaluate(arguments[0], scope))
        case "ISNEW":
            return scope.is_new
        case "ISCHANGED":
            path = _path(arguments[0])
            return not scope.is_new and not _equal(_plain(scope.value(path)), _plain(scope.prior(path)))
        case "PRIORVALUE":
            return _plain(scope.prior(_path(arguments[0])))
        case "BLANKVALUE":
            value = _evaluate(arguments[0], scope)
            return _evaluate(arguments[1], scope) if value in (None, "") else value
        case "ISPICKVAL":
            return _equal(_evaluate(arguments[0], scope), _constant(arguments[1]))
    value = _evaluate(arguments[0], scope)
    if function == "ISBLANK":
        return value in (None, "")
    return _full_id(value) if function == "CASESAFEID" else _text(value)


def _operate(operator: str, left: Node, right: Node, scope: Scope) -> Value:
    if operator == "&&":
        return _truth(_evaluate(left, scope)) and _truth(_evaluate(right, scope))
    if operator == "||":
        return _truth(_evaluate(left, scope)) or _truth(_evaluate(right, scope))
    a, b = _evaluate(left, scope), _evaluate(right, scope)
    if operator == "&":
        return _text(a) + _text(b)
    if operator in ("=", "=="):
        return _equal(a, b)
    if operator in ("<>", "!="):
        return not _equal(a, b)
    return _compare(operator, a, b)


def _compare(operator: str, a: Value, b: Value) -> bool:
    if a is None or b is None:
        return False
    ordered: dict[str, Callable[[Any, Any], bool]] = {
        "<": lambda x, y: x < y,
        "<=": lambda x, y: x <= y,
        ">": lambda x, y: x > y,
        ">=": lambda x, y: x >= y,
    }
    if type(a) is not type(b):
        raise FormulaError(f"cannot compare {_text(a)!r} with {_text(b)!r}")
    return ordered[operator](a, b)


def _plain(value: Any) -> Value:
    """A stored value as the formula sees it: numbers are Decimal, dates ISO text."""
    if value is None or isinstance(value, (bool, str, Decimal)):
        return value
    if isinstance(value, (int, float)):
        return Decimal(str(value))
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise FormulaError(f"a formula cannot read a {type(value).__name__}")


def _equal(a: Value, b: Value) -> bool:
    """Null and the empty text are the same to a formula."""
    return (a if a != "" else None) == (b if b != "" else None)


def _truth(value: Value) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    raise FormulaError(f"{_text(value)!r} is not true or false")


def _text(value: Value) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, bool):
        return "true" if value else "false"
    return value or ""


def _full_id(value: Value) -> str:
    text = _text(value)
    return to18(text) if len(text) == 15 else text


def _path(node: Node) -> str:
    if not isinstance(node, Field):
        raise FormulaError("a field is needed here")
    return node.path


def _constant(node: Node) -> Value:
    if not isinstance(node, Literal):
        raise FormulaError("a literal is needed here")
    return node.value
