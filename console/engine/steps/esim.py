"""esim: order and confirm a profile for each eSIM item, still closed; it is released after accept (rules §6 esim)."""

from collections.abc import Mapping
from typing import Any

from console.engine.failures import conflict
from console.engine.looks import Look, Unknown
from console.engine.states import StepState
from console.engine.steps.claim import by_iccid, esim_items
from console.engine.steps.context import Provisioning
from console.engine.steps.plan import PlannedItem
from console.engine.workflow import StepResult
from integrations.errors import CallFailed, ErrorClass, IntegrationError, System
from integrations.esim.activation import new_matching_id
from storage import calls, profiles

ALREADY_TAKEN = ("8.2.1/3.3",)
MATCHING_ID_IN_USE = "8.2.6/3.3"
WRONG_STATE = "8.2.1/3.5"


async def esim(context: Provisioning) -> StepResult:
    """Raises capacity when the provider has no profile, conflict when a profile is not ours."""
    items = esim_items(context)
    if not items:
        return StepResult({}, StepState.NOT_NEEDED)
    done = []
    for item in items:
        iccid = await (_download_ours if by_iccid(context) else _download_any)(context, item)
        await _confirm(context, item, iccid)
        done.append({"item": item.id, "iccid": iccid, "type": item.profile_type, "eid_bound": item.eid is not None})
    context.data["iccids"] = {entry["item"]: entry["iccid"] for entry in done}
    return StepResult({"profiles": done})


def call_id(context: Provisioning, item: PlannedItem, function: str) -> str:
    """functionCallIdentifier: names the call in the provider's log; the same for all repeats."""
    return f"{context.plan.order.number}-{item.id[-6:]}-{function}"


async def _download_ours(context: Provisioning, item: PlannedItem) -> str:
    iccid = str(context.data["iccids"][item.id])

    async def send() -> Mapping[str, Any]:
        got = await context.engine.esim.download(
            iccid=iccid, profile_type=item.profile_type, eid=item.eid, call_id=call_id(context, item, "download")
        )
        if got != iccid:
            raise CallFailed(
                System.ESIM, "downloadOrder", ErrorClass.OUTCOME_UNKNOWN, "other_iccid", f"the provider took {got}"
            )
        return {"iccid": got}

    def proves(error: IntegrationError) -> bool:
        return error.code in ALREADY_TAKEN

    output = await context.calls.refusable(
        System.ESIM, "esim.downloadOrder", send, proves=proves, proved={"iccid": iccid}, item=iccid,
        request={"iccid": iccid, "type": item.profile_type, "eid": item.eid},
    )  # fmt: skip
    _note(context, iccid, "ordered")
    return str(output["iccid"])


async def _download_any(context: Provisioning, item: PlannedItem) -> str:
    """The vendor picks the profile: a repeat takes another one, so an unknown outcome is always a person's (rules §6)."""

    async def send() -> Mapping[str, Any]:
        got = await context.engine.esim.download(
            iccid=None, profile_type=item.profile_type, eid=item.eid, call_id=call_id(context, item, "download")
        )
        return {"iccid": got}

    async def look() -> Look:
        return Unknown("the provider cannot be asked which profile an order by type took", final=True)

    output = await context.calls.guarded(
        System.ESIM, "esim.downloadOrder", send, look, item=item.id, marker=context.item_marker(item),
        request={"type": item.profile_type, "eid": item.eid},
    )  # fmt: skip
    iccid = str(output["iccid"])
    now = context.engine.clock.now()
    owner = await context.ledger.commit(
        lambda db: profiles.adopt(db, iccid, context.order_id, item.id, item.profile_type, now)
    )
    if owner is not None:
        raise conflict("iccid_taken", f"the provider gave an ICCID that order item {owner} has", system="esim")
    _note(context, iccid, "ordered")
    return iccid


async def _confirm(context: Provisioning, item: PlannedItem, iccid: str) -> None:
    """Bind our own matching id, stored before its first use and kept for all repeats (rules §1.4)."""
    for attempt in ("kept", "replaced"):
        matching_id = await _matching_id(context, item, replace=attempt == "replaced")
        try:
            await _confirm_once(context, item, iccid, matching_id)
            _note(context, iccid, "confirmed")
            return
        except CallFailed as error:
            first = not _sent_before(context, iccid)
            if error.code != MATCHING_ID_IN_USE or not first or attempt == "replaced":
                raise


async def _matching_id(context: Provisioning, item: PlannedItem, *, replace: bool) -> str:
    fresh, now = new_matching_id(), context.engine.clock.now()
    return await context.ledger.commit(
        lambda db: profiles.store_matching_id(db, context.order_id, item.id, fresh, now, replace=replace)
    )


async def _confirm_once(context: Provisioning, item: PlannedItem, iccid: str, matching_id: str) -> None:
    repeated = _sent_before(context, iccid)

    async def send() -> Mapping[str, Any]:
        try:
            confirmed = await context.engine.esim.confirm(
                iccid=iccid, matching_id=matching_id, eid=item.eid, call_id=call_id(context, item, "confirm")
            )
        except CallFailed as error:
            if error.code == WRONG_STATE and repeated:  # our own first confirm stands (facts/esim.md §1.6 rule 3)
                return {"iccid": iccid, "confirmed": "by refusal of the repeat"}
            raise
        await context.engine.journal.write(
            lambda db: profiles.store_confirmation(
                db, context.order_id, item.id, confirmed.matching_id, confirmed.smdp_address
            )
        )
        return {"iccid": iccid, "confirmed": True}

    await context.calls.keyed(
        System.ESIM,
        "esim.confirmOrder",
        send,
        item=iccid,
        request={"iccid": iccid, "eid_bound": item.eid is not None},
    )


def _sent_before(context: Provisioning, iccid: str) -> bool:
    """Did an earlier confirm leave with an outcome that is not a refusal?"""

    def query(db: Any) -> bool:
        call = calls.find(db, context.order_id, "esim.confirmOrder", iccid)
        return call is not None and any(o in ("unknown", "interrupted") for o in calls.outcomes(db, call.id))

    return context.engine.journal.peek(query)


def _note(context: Provisioning, iccid: str, state: str) -> None:
    now = context.engine.clock.now()
    context.ledger.later(lambda db: profiles.set_state(db, iccid, state, now, context.order_id))


async def release(context: Provisioning) -> None:
    """Open every confirmed profile; after accept, always its own call. A repeat succeeds."""
    for item in esim_items(context):
        iccid = str(context.data["iccids"][item.id])

        async def send(item: PlannedItem = item, iccid: str = iccid) -> Mapping[str, Any]:
            await context.engine.esim.release(iccid=iccid, call_id=call_id(context, item, "release"))
            return {"iccid": iccid}

        await context.calls.keyed(System.ESIM, "esim.releaseProfile", send, item=iccid, request={"iccid": iccid})
        _note(context, iccid, "released")
