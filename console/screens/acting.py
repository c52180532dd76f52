"""Commands on a screen: from the key to the plan, the confirmation, the submit and the words afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from console.client.errors import ApiError, ChangedMeanwhile, NotPossible, Refused
from console.commands.command import Command
from console.commands.table import BY_ID
from console.commands.words import Scope
from console.schema.commands import Plan, PlanRequest, SubmitRequest, Submitted
from console.schema.detail import PossibleCommand
from console.screens.base import LiveScreen
from console.screens.submitting import Act, Target
from console.widgets.confirm import PlanDialog
from console.widgets.inline import InlineConfirm
from console.widgets.ordertable import OrderTable
from console.widgets.planning import Agreed, Asked, Planning
from console.widgets.story import change_since
from console.widgets.wording import clock

if TYPE_CHECKING:
    from console.screens.edit import EditScreen
    from console.screens.resolve import ResolveScreen

AFRESH = "afresh"  # the worker that asks whether a command is possible by now


class ActingScreen(LiveScreen):
    """Give ``targets`` and ``known_commands`` where orders are; ``action_act`` does the rest, for the system too."""

    def targets(self) -> Mapping[str, str]:
        """Order id → number of what a command would act on now."""
        return {}

    def known_commands(self) -> Sequence[PossibleCommand]:
        """What the daemon said is possible for the one target; empty when it was not asked."""
        return ()

    def chosen_filter(self) -> str:
        """The filter that a command is for where it means more orders than ``targets`` names; "" everywhere else."""
        return ""

    def prefilled(self, command: Command) -> Mapping[str, str]:
        """Values of arguments that this screen knows."""
        return {}

    def has_orders(self) -> bool:
        """Is an order in hand, or are some marked? Takes none in hand by asking."""
        table = next(iter(self.query(OrderTable)), None)
        return bool(table.marks or table.in_hand) if table is not None else bool(self.targets())

    def possible(self, command_id: str) -> PossibleCommand | None:
        """What the daemon said of this command; None when it was not asked."""
        known = self.desk.session.system_commands if _of_system(BY_ID[command_id]) else self.known_commands()
        return next((one for one in known if one.id == command_id), None)

    async def possible_now(self, command_id: str, order_id: str) -> PossibleCommand | None:
        """Ask the daemon again; raises ApiError."""
        answer = await self.desk.session.api.possible(order_id)
        return next((one for one in answer if one.id == command_id), None)

    def action_act(self, command_id: str) -> None:
        """Begin a command; why it is not possible is said in the daemon's words. Resolving and editing one order have
        screens of their own."""
        command, known = BY_ID[command_id], self.possible(command_id)
        if known is None or not known.possible or self.desk.unusable() or not self._opens_own(command):
            self.begin(command, self.prefilled(command))

    def _opens_own(self, command: Command) -> bool:
        """Open the command's own screen, where it has one for the one order in hand."""
        own, targets = _own_screen(command.id), () if _of_system(command) else tuple(self.targets())
        if own is None or isinstance(self, own) or len(targets) != 1:
            return False
        self.app.push_screen(own(self.desk, targets[0]))
        return True

    def action_undo(self) -> None:
        """Cancel's plan with the undo calls listed; there is no other undo."""
        self.begin(BY_ID["order.cancel"], {"undo": "yes"})

    def begin(self, command: Command, prefilled: Mapping[str, str]) -> None:
        """Ask for what is to be known, show the daemon's plan, and submit what was agreed to."""
        known = self.possible(command.id) if _of_system(command) or len(self.targets()) == 1 else None
        if known is None or known.possible or known.never or self.desk.unusable():
            self._begin(command, prefilled, known)
        else:
            # That was read a moment ago: what stood in the way, a pause or somebody's act, may be over by now.
            self.run_worker(self._begin_afresh(command, prefilled), group=AFRESH, exclusive=True, exit_on_error=False)

    async def _begin_afresh(self, command: Command, prefilled: Mapping[str, str]) -> None:
        """Begin by what is possible now, unless the person went elsewhere meanwhile."""
        targets = () if _of_system(command) else tuple(self.targets())
        try:
            if targets:
                known = await self.possible_now(command.id, targets[0])
            else:
                await self.desk.session.ask_system_commands()
                known = self.possible(command.id)
        except ApiError as error:
            self.notify(f"{command.title}: {error}", severity="error", markup=False)
            return
        if not self.is_current or (targets and tuple(self.targets()) != targets):
            return
        if known is None or not known.possible or not self._opens_own(command):
            self._begin(command, prefilled, known)

    def _begin(self, command: Command, prefilled: Mapping[str, str], known: PossibleCommand | None) -> None:
        """``known``: what the daemon said of it for the one target; None where it was not asked."""
        targets = {} if _of_system(command) else self.targets()
        if not targets and not _of_system(command):
            self.notify("No order is in hand.", severity="warning", markup=False)
            return
        refusal = self.desk.unusable() or (known.reason if known is not None and not known.possible else "")
        if not refusal and not self.desk.session.may(command.role):
            refusal = f"this needs the role {command.role}; yours is {self.desk.session.role}"
        if refusal:
            self.notify(f"{command.title}: {refusal}", severity="warning", markup=False)
        elif not self.desk.asking:
            self.desk.asking = True
            # The application's worker: an act that was sent goes on when its screen is left.
            filter_ = "" if _of_system(command) else self.chosen_filter()
            asked = self._asking(command, targets, prefilled, filter_, known)
            self.app.run_worker(self._act(asked), group="act", exit_on_error=False)

    async def _act(self, asked: Asked) -> None:
        """Ask, submit, and ask again with what was typed when something changed meanwhile: not while another question
        stands there, whose ⏎ it would take."""
        while True:
            try:
                async with self.desk.question:
                    agreed = await self._ask(asked)
            finally:
                self.desk.asking = False
            if agreed is None:
                return
            try:
                await self._submit(asked, agreed)
            except (ChangedMeanwhile, NotPossible) as error:
                notice = _changes(error, asked.targets, self.desk.session.zone)
                given = {name: "yes" if value is True else str(value) for name, value in agreed.arguments.items()}
                asked = replace(asked, notice=notice, reason=agreed.reason, prefilled=given)
                continue
            except ApiError as error:
                self.tell(f"{asked.command.title}: {error}", "error")
            return

    def _asking(
        self, command: Command, targets: Mapping[str, str], prefilled: Mapping[str, str], filter_: str,
        known: PossibleCommand | None,
    ) -> Asked:  # fmt: skip
        me = self.desk.session.me
        return Asked(
            command=command, targets=targets, prefilled=prefilled, choices=known.choices if known is not None else {},
            environment=me.environment if me is not None else "", production=me is not None and me.production,
            filter=filter_,
        )  # fmt: skip

    async def _ask(self, asked: Asked) -> Agreed | None:
        """On one line what is harmless and about one order, in a dialog everything else."""
        if asked.command.on_one_line and len(asked.targets) == 1 and not (asked.notice or asked.filter):
            answer = await self.app.push_screen_wait(InlineConfirm(asked, self.desk.glyphs, self._planning(asked)))
            if answer != "dialog":
                return answer
        return await self.app.push_screen_wait(PlanDialog(asked, self.desk.glyphs, self._planning(asked)))

    def _planning(self, asked: Asked) -> Planning:
        session = self.desk.session
        targets = asked.targets

        async def plan(arguments: Mapping[str, Any]) -> Plan:
            return await session.api.plan(asked.command.id, _request(asked, arguments))

        def versions() -> dict[str, int | None]:
            return {order_id: row.version if (row := session.book.get(order_id)) else None for order_id in targets}

        async def changed(order_id: str, since: float) -> str:
            return change_since(await session.api.order(order_id), since, session.zone)

        return Planning(plan, session.name, versions, self.desk.unusable, changed)

    async def _submit(self, asked: Asked, agreed: Agreed) -> None:
        command = asked.command
        planned = {order.order_id: order for order in agreed.plan.orders if order.included}
        act = Act(
            command=command.id,
            title=command.title,
            targets=[Target(order_id, order.number, order.version) for order_id, order in planned.items()],
            request=SubmitRequest(
                **_request(asked, agreed.arguments).model_dump(),
                plan_hash=agreed.plan.hash,
                reason=agreed.reason,
                pace=agreed.pace,
                stop_after=agreed.stop_after,
            ),
            key=self.desk.session.new_key(),
        )
        self.note_changes(planned.keys())
        answer = await self.desk.submissions.submit(act)
        if answer is not None:
            self.tell(_said(act, answer), "warning" if answer.outcome == "unknown" else "information")
        if answer is not None and answer.batch_id is not None:
            await self.app.run_action(f"app.batch('{answer.batch_id}')")


def _request(asked: Asked, arguments: Mapping[str, Any]) -> PlanRequest:
    """By filter where the act is meant so, else by ids."""
    if asked.filter:
        return PlanRequest(filter=asked.filter, arguments=dict(arguments))
    return PlanRequest(orders=list(asked.targets), arguments=dict(arguments))


def _own_screen(command_id: str) -> "type[ResolveScreen | EditScreen] | None":
    from console.screens.edit import EditScreen
    from console.screens.resolve import ResolveScreen

    own: dict[str, type[ResolveScreen | EditScreen]] = {"order.resolve_is": ResolveScreen, "order.edit": EditScreen}
    return own.get(command_id)


def _of_system(command: Command) -> bool:
    return Scope.SYSTEM in command.scope


def _said(act: Act, answer: Submitted) -> str:
    words = {
        "done": "done",
        "requested": "requested",
        "unknown": "sent to the outside, its outcome is not known yet",
        "running": f"runs as batch {answer.batch_id}",
    }
    said = answer.message or words.get(answer.outcome, answer.outcome)
    number = act.targets[0].number if len(act.targets) == 1 else ""
    if number and said.startswith(number):  # it stands in front already
        said = "it" + said.removeprefix(number)
    return f"{act.said}: {said.removeprefix('it: ')}"


def _changes(error: Refused, targets: Mapping[str, str], zone: tzinfo) -> str:
    """What happened between plan and submit, by whom and when."""
    changes = error.problem.changes
    said = [] if any(change.what and change.what in str(error) for change in changes) else [str(error)]
    for change in changes:
        by = f" by {change.by}" if change.by else ""
        at = f" at {clock(change.at, zone)}" if change.at else ""
        state = f" (now {change.state})" if change.state else ""
        number = change.number or targets.get(change.order_id, change.order_id)
        said.append(f"{number}: {change.what or 'changed'}{by}{at}{state}")
    return " ".join(said)
