"""Plans as the API shows them."""

from console.api.mask import Masker
from console.engine.commanding.plans import Compared, Plan, PlanItem
from console.schema import commands as schema


def plan_view(plan: Plan, mask: Masker) -> schema.Plan:
    return schema.Plan(
        command=plan.command, title=plan.title, hash=plan.hash, at=plan.at, count=len(plan.doing),
        excluded=len(plan.excluded), orders=[_item(item, mask) for item in plan.items], lines=_texts(plan.words, mask),
        refusal=mask.text(plan.refusal), sum_yen=plan.amount_sum, largest_yen=plan.amount_largest, risk=plan.risk,
        needs_reason=plan.needs_reason, bulk=plan.bulk, arguments=dict(plan.arguments),
    )  # fmt: skip


def _item(item: PlanItem, mask: Masker) -> schema.PlannedOrder:
    return schema.PlannedOrder(
        order_id=item.order_id, number=item.number, included=item.will_do, why_not=mask.text(item.reason) or "",
        status=item.status, run_id=item.run_id, version=item.run_version, state=item.run_state, amount=item.amount,
        owner=item.taken_by, lines=_texts(item.words, mask), warnings=_texts(item.warnings, mask),
        effects=[schema.EffectLine(what=e.what, undo=e.undo, why=e.why) for e in item.effects],
        compared=[match_line(line) for line in item.compared],
    )  # fmt: skip


def match_line(line: Compared) -> schema.MatchLine:
    return schema.MatchLine(
        field=line.field, ours=line.ours, theirs=line.theirs, same=line.same, deciding=line.deciding
    )


def _texts(texts: tuple[str, ...], mask: Masker) -> list[str]:
    return [shown for text in texts if (shown := mask.text(text))]
