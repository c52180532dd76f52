"""Services, their records and their modules (facts/whmcs.md §6.4)."""

from typing import Any

from tests.integrations.sandbox.whmcs.conftest import (
    CARD,
    ESIM,
    FIBRE,
    ICCID_FIELD,
    LINES_OPTION,
    MARKER_OF,
    ROUTER,
    SPEED_OPTION,
    Wire,
)
from tests.integrations.sandbox.whmcs.packing import packed


async def added(wire: Wire, pid: int, **form: Any) -> int:
    answer = await wire.ok("AddOrder", clientid=CARD, paymentmethod="stripe", **{"pid[]": pid}, **form)
    return int(answer["serviceids"])


async def read(wire: Wire, number: int) -> Any:
    answer = await wire.ok("GetClientsProducts", serviceid=number)
    assert answer["totalresults"] == 1
    return answer["products"]["product"][0]


async def test_services_are_filtered_and_the_filters_echoed(wire: Wire) -> None:
    number = await added(wire, ESIM, **{"domain[]": "sim.example"})
    answer = await wire.ok("GetClientsProducts", clientid=CARD, pid=ESIM, domain="sim.example")
    assert [row["id"] for row in answer["products"]["product"]] == [number]
    echoed = {key: answer[key] for key in ("clientid", "serviceid", "pid", "domain")}
    assert echoed == {"clientid": str(CARD), "serviceid": None, "pid": str(ESIM), "domain": "sim.example"}
    assert (await wire.ok("GetClientsProducts", clientid=CARD))["totalresults"] == 3
    assert (await wire.ok("GetClientsProducts", clientid=999))["totalresults"] == 0
    assert (await wire.ok("GetClientsProducts", serviceid=number, clientid=999))["totalresults"] == 0


async def test_an_update_changes_the_record_only(wire: Wire) -> None:
    number = await added(wire, ESIM, **{"customfields[]": packed({MARKER_OF[ESIM]: "p1:x"})})
    changed = await wire.ok(
        "UpdateClientProduct", serviceid=number, customfields=packed({ICCID_FIELD: "89810000"}), notes="first",
        status="Active", nextduedate="2026-03-01", recurringamount="99.5",
    )  # fmt: skip
    assert changed["serviceid"] == str(number)
    row = await read(wire, number)
    fields = {field["name"]: field["value"] for field in row["customfields"]["customfield"]}
    assert fields == {"Portal Order Ref": "p1:x", "ICCID": "89810000"}
    assert (row["notes"], row["status"], row["nextduedate"]) == ("first", "Active", "2026-03-01")
    assert (row["recurringamount"], row["lastupdate"]) == ("99.50", "2026-01-31 12:00:00")
    assert wire.sandbox.world()["module_runs"] == []


async def test_notes_are_replaced_and_emptied_by_unset_only(wire: Wire) -> None:
    number = await added(wire, ESIM)
    await wire.ok("UpdateClientProduct", serviceid=number, notes="first")
    await wire.ok("UpdateClientProduct", serviceid=number, notes="second")
    await wire.ok("UpdateClientProduct", serviceid=number, notes="")
    assert (await read(wire, number))["notes"] == "second"
    await wire.ok("UpdateClientProduct", serviceid=number, **{"unset[]": "notes"})
    assert (await read(wire, number))["notes"] == ""


async def test_options_are_changed_by_choice_or_quantity(wire: Wire) -> None:
    number = await added(wire, FIBRE)
    options = packed({SPEED_OPTION: 712, LINES_OPTION: {"optionid": LINES_OPTION, "qty": 4}})
    await wire.ok("UpdateClientProduct", serviceid=number, configoptions=options)
    rows = (await read(wire, number))["configoptions"]["configoption"]
    assert [(row["type"], row["value"]) for row in rows] == [("dropdown", "10 Gbps"), ("quantity", "4")]


async def test_fields_sent_as_an_array_are_refused(wire: Wire) -> None:
    number = await added(wire, ESIM)
    form = {f"customfields[{ICCID_FIELD}]": "8981"}
    message = await wire.refused("UpdateClientProduct", serviceid=number, **form)
    assert message.startswith("You did not provide required custom field value for")
    assert await wire.refused("UpdateClientProduct", serviceid=1) == "Service ID Not Found"


async def test_modules_run_without_looking_at_the_state(wire: Wire) -> None:
    number = await added(wire, ESIM)
    await wire.ok("ModuleCreate", serviceid=number)
    await wire.ok("ModuleCreate", accountid=number)
    assert wire.sandbox.world()["counts"]["creates"][f"{CARD}/{ESIM}"] == 2
    states = []
    for action in ("ModuleSuspend", "ModuleUnsuspend", "ModuleChangePackage", "ModuleTerminate"):
        await wire.ok(action, serviceid=number, suspendreason="late")
        row = await read(wire, number)
        states.append((row["status"], row["suspensionreason"]))
    assert states == [("Suspended", "late"), ("Active", ""), ("Active", ""), ("Terminated", "")]


async def test_documented_refusals_of_modules(wire: Wire) -> None:
    assert await wire.refused("ModuleCreate") == "Service ID is required"
    assert await wire.refused("ModuleSuspend", serviceid=1) == "Service ID not found"
    assert await wire.refused("ModuleCreate", serviceid=await added(wire, ROUTER)) == "Service not assigned to a module"


async def test_there_are_no_addons_and_no_domains(wire: Wire) -> None:
    assert (await wire.ok("GetClientsAddons", clientid=CARD))["totalresults"] == 0
    assert (await wire.ok("GetClientsDomains", clientid=CARD))["totalresults"] == 0
