from prometheus_client.parser import text_string_to_metric_families

from console.observe.metrics import Metrics


def samples(metrics: Metrics) -> dict[tuple[str, str], float]:
    text = metrics.render().decode()
    return {
        (sample.name, ",".join(value for _, value in sorted(sample.labels.items(), reverse=True))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_is_counted() -> None:
    metrics = Metrics()
    metrics.call_finished("whmcs", "AddOrder", "ok", 0.3)
    metrics.call_finished("whmcs", "AddOrder", "outcome_unknown", 61)
    metrics.runs({"running": 2, "parked": 1})
    metrics.runs({"parked": 3})
    metrics.queue_depth("mail", 4)
    metrics.feed_at(812)
    metrics.event_taken("new", 0.2)
    metrics.event_taken("duplicate")
    metrics.integration("esim", up=False)
    found = samples(metrics)
    assert found["portal_calls_total", "whmcs,ok,AddOrder"] == 1
    assert found["portal_calls_total", "whmcs,outcome_unknown,AddOrder"] == 1
    assert found["portal_call_seconds_count", "whmcs,AddOrder"] == 2
    assert found["portal_runs", "running"] == 0
    assert found["portal_runs", "parked"] == 3
    assert found["portal_queue_depth", "mail"] == 4
    assert found["portal_feed_seq", ""] == 812
    assert found["portal_events_total", "duplicate"] == 1
    assert found["portal_event_lag_seconds_count", ""] == 1
    assert found["portal_integration_up", "esim"] == 0
    assert found["process_resident_memory_bytes", ""] > 0


def test_two_daemons_in_one_process_do_not_meet() -> None:
    first, second = Metrics(), Metrics()
    first.feed_at(1)
    assert samples(second)["portal_feed_seq", ""] == 0
