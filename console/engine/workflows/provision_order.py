"""provision_order: an approved order is made ready in every system (rules §6)."""

from console.engine.calls import CallMaker
from console.engine.ledger import Ledger
from console.engine.services import Engine
from console.engine.steps.accept import accept
from console.engine.steps.billing import billing
from console.engine.steps.cancel import cancel
from console.engine.steps.context import Provisioning
from console.engine.steps.crm import crm
from console.engine.steps.email import email, queue_mails
from console.engine.steps.esim import esim
from console.engine.steps.load import load
from console.engine.steps.payment import payment
from console.engine.workflow import StepDefinition, Workflow
from storage.runs import Run

NAME = "provision_order"
SKIPPABLE = frozenset({"payment", "email"})


def _context(engine: Engine, run: Run, ledger: Ledger, calls: CallMaker) -> Provisioning:
    return Provisioning(engine, run, ledger, calls, data=dict(run.state_data))


PROVISION_ORDER: Workflow[Provisioning] = Workflow(
    name=NAME,
    steps=(
        StepDefinition("load", load, again=True),
        StepDefinition("payment", payment),
        StepDefinition("esim", esim),
        StepDefinition("billing", billing),
        StepDefinition("accept", accept),
        StepDefinition("crm", crm),
        StepDefinition("email", email),
    ),
    context=_context,
    finish=queue_mails,
    cancel=cancel,
)
