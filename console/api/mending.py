"""What a person needs before resolving or editing: what the unknown call may have made, and the fields of the form."""

from fastapi import APIRouter

from console.api.access import Services
from console.api.detail import Named
from console.api.identity import Operator
from console.api.mask import Masker
from console.api.naming import find_order
from console.api.plans import match_line
from console.engine.commanding.candidates import Candidate
from console.schema import mending as schema

router = APIRouter(tags=["orders"])


@router.get("/orders/{order}/candidates")
async def candidates(caller: Operator, api: Services, order: Named) -> schema.CandidatesView:
    """Everything at the customer that the call of unknown outcome may have made, read now, each beside our order.

    409 where every outcome is known, 503 when the system cannot be read.
    """
    order_id = await find_order(api, order)
    found = await api.services.commander.candidates(order_id, caller.actor)
    mask = api.masker(caller)
    return schema.CandidatesView(
        order_id=order_id, at=api.now(), call_id=found.call.id, operation=found.call.operation,
        words=[mask.text(words) or "" for words in found.words], candidates=[_view(one, mask) for one in found.found],
    )  # fmt: skip


@router.get("/orders/{order}/editable")
async def editable(caller: Operator, api: Services, order: Named) -> schema.EditForm:
    """The fields of the order: which may be edited now from you, and for the others why not or how else.

    409 where nothing may be edited, 503 when Salesforce or WHMCS cannot be read.
    """
    order_id = await find_order(api, order)
    fields = await api.services.commander.edit_form(order_id, caller.actor)
    return schema.EditForm(
        order_id=order_id, at=api.now(),
        fields=[
            schema.EditableField(
                field=one.field, label=one.label, item=one.item, name=one.name, value=one.value,
                choices=list(one.choices), hint=one.hint, why_not=one.why_not, way=one.way,
            )
            for one in fields
        ],
    )  # fmt: skip


def _view(one: Candidate, mask: Masker) -> schema.CandidateView:
    return schema.CandidateView(
        identifier=one.identifier, title=one.title, date=one.date, status=one.status, amount=one.amount, ours=one.ours,
        why_not=mask.text(one.match.why_not) or "", compared=[match_line(line) for line in one.match.compared],
    )  # fmt: skip
