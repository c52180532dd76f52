"""The daemon's table of commands is the registry, seen from both sides."""

from pathlib import Path

from console.commands import table
from console.commands.words import Role, Scope
from console.engine.commanding.acts import ACTS
from console.schema.base import ROLES
from tests.console.api.rig import open_desk


async def test_the_daemon_tells_exactly_the_registry_to_every_role(tmp_path: Path) -> None:
    desk = await open_desk(tmp_path)
    try:
        for role in ROLES:
            told = {info.id: info for info in await desk.client(role).commands()}
            assert set(told) == set(table.BY_ID), role
            for command in table.COMMANDS:
                info = told[command.id]
                assert (info.verb, info.title, info.description, info.keys, info.group, info.role, info.risk) == (
                    command.verb, command.title, command.description, command.keys, command.group, command.role, command.risk,
                )  # fmt: skip
                assert info.needs_reason == command.reason
                assert info.allowed == Role(role).at_least(command.role)
                assert info.scope == [str(one.name).lower() for one in Scope if one in command.scope]
                assert [(a.name, a.kind, a.required) for a in info.arguments] == [
                    (a.name, a.kind, a.required) for a in command.arguments
                ]
            system = {known.id for known in await desk.client(role).possible_for_system()}
            assert system == {command.id for command in table.for_system()}
        assert {act.id for act in ACTS} == set(table.BY_ID)
    finally:
        await desk.close()
