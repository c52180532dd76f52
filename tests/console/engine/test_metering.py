"""What whoever counts is told: every exchange of a run and every event, by names alone."""

from datetime import UTC, datetime

from console.engine.intake import JournalInbox
from console.observe.metrics import Metrics
from integrations.salesforce.events import RawEvent
from tests.console.engine.plant import Plant
from tests.console.observe.test_metrics import samples

CHANNEL = "/event/OrderProvisionRequested__e"


async def test_every_exchange_of_a_run_is_counted(plant: Plant) -> None:
    plant.engine.meter = metrics = Metrics()
    plant.fault("whmcs", "GetInvoice", "http_503")
    run = await plant.provision("vpn")
    found = samples(metrics)
    assert run.order_id is not None and run.order_id not in metrics.render().decode()
    assert found["portal_calls_total", "whmcs,ok,whmcs.AddOrder"] == 1
    assert found["portal_calls_total", "whmcs,transient,whmcs.GetInvoice"] == 1
    assert found["portal_calls_total", "salesforce,ok,salesforce.claim"] == 1
    assert found["portal_call_seconds_count", "whmcs,whmcs.GetInvoice"] == 2


async def test_events_are_counted_with_their_lag(plant: Plant) -> None:
    plant.engine.meter = metrics = Metrics()
    received = datetime(2026, 11, 23, 9, 0, 5, tzinfo=UTC)
    payload = {"OrderId__c": plant.place(), "CreatedDate": "2026-11-23T09:00:01.000Z"}
    good = RawEvent(CHANNEL, "1", "u1", payload, received)
    bad = RawEvent(CHANNEL, "2", "u2", {"OrderId__c": "x"}, received)
    inbox = JournalInbox(plant.engine, "cometd")
    assert await inbox.append([good]) == 1
    assert await inbox.append([good, bad]) == 1
    found = samples(metrics)
    outcomes = {label: found["portal_events_total", label] for label in ("new", "duplicate", "poison")}
    assert outcomes == {"new": 1, "duplicate": 1, "poison": 1}
    assert found["portal_event_lag_seconds_sum", ""] == 4.0
