"""Provisioning modules: ModuleCreate, Suspend, Unsuspend, Terminate, ChangePackage (facts/whmcs.md §6.4).

A module checks no state: run twice, it provisions twice. Every run is kept, so that doubles can be counted.
"""

from integrations.sandbox.store import Document
from integrations.sandbox.whmcs.answers import Answer, ApiError
from integrations.sandbox.whmcs.calls import Call

AFTER = {"Create": "Active", "Suspend": "Suspended", "Unsuspend": "Active", "Terminate": "Terminated"}


def run_module(call: Call, service: Document, command: str) -> str:
    """Run one command of the service's module; '' or the module's error text. The run is kept either way."""
    problem = _failure(call, service) if command == "Create" else ""
    run = {
        "id": call.records.number("module_run"), "serviceid": service["id"], "command": command, "ok": not problem,
    }  # fmt: skip
    call.records.module_runs.put(run)
    return problem


def _failure(call: Call, service: Document) -> str:
    """Why the module fails for this service: the switch's positions, or the fault's ``item`` (from 1, none: all)."""
    if service["place"] in call.switches.module_failure:
        return call.switches.module_message
    if call.fault and call.fault.kind == "module_fails":
        item = call.fault.options.get("item")
        if item is None or int(item) == service["place"]:
            return str(call.fault.options.get("message", call.switches.module_message))
    return ""


def _service(call: Call) -> Document:
    number = call.integer("serviceid") or call.integer("accountid")
    if not number:
        raise ApiError("Service ID is required")
    service = call.records.services.get(number)
    if service is None:
        raise ApiError("Service ID not found")
    product = call.records.products.get(service["pid"])
    if product is None or not product["module"]:
        raise ApiError("Service not assigned to a module")
    return service


def _run(call: Call, command: str, **values: str) -> Answer:
    service = _service(call)
    problem = run_module(call, service, command)
    if problem:
        raise ApiError(problem)
    status = AFTER.get(command, service["status"])
    call.records.services.change(service, status=status, lastupdate=call.stamp, **values)
    return {}


def module_create(call: Call) -> Answer:
    return _run(call, "Create")


def module_suspend(call: Call) -> Answer:
    return _run(call, "Suspend", suspensionreason=call.text("suspendreason"))


def module_unsuspend(call: Call) -> Answer:
    return _run(call, "Unsuspend", suspensionreason="")


def module_terminate(call: Call) -> Answer:
    return _run(call, "Terminate")


def module_change_package(call: Call) -> Answer:
    return _run(call, "ChangePackage")


ACTIONS = {
    "ModuleChangePackage": module_change_package,
    "ModuleCreate": module_create,
    "ModuleSuspend": module_suspend,
    "ModuleTerminate": module_terminate,
    "ModuleUnsuspend": module_unsuspend,
}
