"""The command line that does the same as an act on the screen: for the log console, copying, and the docs."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from console.commands.command import Command


def cli_line(
    command: Command,
    orders: Sequence[str] = (),
    arguments: Mapping[str, Any] | None = None,
    reason: str = "",
    *,
    filter_text: str = "",
) -> str:
    """``portal orders retry 00010480 --from esim``; quoted for a shell. ``orders``: numbers or Salesforce ids."""
    words = ["portal", *(command.cli or f"orders {command.verb}").split()]
    given = dict(arguments or {})
    plain = [str(given.pop(a.name)) for a in command.arguments if a.option == "-" and given.get(a.name)]
    words += [*plain, *(["--filter", filter_text] if filter_text else orders)]
    for argument in command.arguments:
        value = given.get(argument.name)
        if value in (None, "", False):
            continue
        words.append(argument.option or f"--{argument.name.replace('_', '-')}")
        if value is not True:
            words.append(str(value))
    if reason:
        words += ["--reason", reason]
    return shlex.join(words)


def typed(command: Command) -> str:
    """``retry``, ``resolve --absent``, ``integrations resume``: what is typed for it, within ``portal orders``."""
    return (command.cli or command.verb).removeprefix("orders ")


def usage(command: Command) -> str:
    """``portal orders retry ORDER --from STEP --reason WHY``: what stands for what is in capitals."""
    words = ["portal", *(command.cli or f"orders {command.verb}").split()]
    words += [a.name.upper() for a in command.arguments if a.option == "-"]
    words += ["ORDER"] if command.context == "order" else []
    for argument in command.arguments:
        if argument.option == "-":
            continue
        option = argument.option or f"--{argument.name.replace('_', '-')}"
        shown = option if argument.kind == "flag" else f"{option} {argument.name.upper()}"
        words.append(shown if argument.required else f"[{shown}]")
    return " ".join([*words, *(["--reason WHY"] if command.reason else [])])
