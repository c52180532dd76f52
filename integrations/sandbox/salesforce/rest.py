"""The REST resources below /services/data/vNN.0: which path leads where, and which versions there are."""

from collections.abc import Callable
from typing import Any

from integrations.sandbox.salesforce.calls import Answer, Request
from integrations.sandbox.salesforce.errors import SalesforceError, method_not_allowed, not_found
from integrations.sandbox.salesforce.org import Org
from integrations.sandbox.salesforce.rest_bulk import CollectionsResource, TreeResource
from integrations.sandbox.salesforce.rest_composite import CompositeResource
from integrations.sandbox.salesforce.rest_orders import PlaceOrderResource
from integrations.sandbox.salesforce.rest_query import QueryResource
from integrations.sandbox.salesforce.rest_rows import RowsResource

OLDEST, NEWEST = 31, 67
SEASONS = ("Summer", "Winter", "Spring")
FIRST_SUMMER = 14  # v31.0 is Summer '14; three releases a year


def versions() -> list[dict[str, str]]:
    """``GET /services/data``: every supported version, oldest first."""
    found = []
    for n in range(OLDEST, NEWEST + 1):
        turns, season = divmod(n - OLDEST, len(SEASONS))
        year = FIRST_SUMMER + turns + (season > 0)
        label = f"{SEASONS[season]} '{year}"
        found.append({"label": label, "url": f"/services/data/v{n}.0", "version": f"{n}.0"})
    return found


def check_version(version: str) -> None:
    """Raises 410 for a retired version, NOT_FOUND for one that never was."""
    number, _, minor = version.partition(".")
    if minor != "0" or not number.isdigit() or int(number) > NEWEST:
        raise not_found()
    if int(number) < OLDEST:
        raise SalesforceError("GONE", f"API version {version} has been retired.", http=410)


class Rest:
    """Answers requests, each refusal as SalesforceError. Runs inside the caller's transaction."""

    def __init__(self, org: Org) -> None:
        self._org = org
        rows = RowsResource(org)
        composite = CompositeResource(org, self.dispatch)
        query = QueryResource(org)
        self._resources: dict[str, Callable[[Request], Answer]] = {
            "sobjects": rows.handle,
            "query": query.handle,
            "queryall": query.handle,
            "limits": self._limits,
            "composite": composite.composite,
            "composite/batch": composite.batch,
            "composite/graph": composite.graph,
            "composite/sobjects": CollectionsResource(org, rows).handle,
            "composite/tree": TreeResource(org).handle,
            "commerce/sale/order": PlaceOrderResource(org).handle,
        }

    def dispatch(self, request: Request) -> Answer:
        """Answer one request or sub-request."""
        check_version(request.version)
        if not request.path:
            return Answer(200, self._index(request))
        for length in (3, 2, 1):
            handler = self._resources.get("/".join(request.path[:length]).lower())
            if handler is not None:
                return handler(request)
        raise not_found()

    def _index(self, request: Request) -> dict[str, str]:
        names = ("sobjects", "query", "queryAll", "limits", "composite", "commerce")
        return {name: f"{request.base}/{name}" for name in names} | {
            "identity": f"/id/{self._org.id}/{request.ctx.user.id}"
        }

    def _limits(self, request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            raise method_not_allowed(request.method, "HEAD,GET")
        usage = self._org.usage
        published = self._org.bus.retained_count
        figures: dict[str, tuple[int, int]] = {
            "ConcurrentAsyncGetReportInstances": (200, 200),
            "DailyApiRequests": (usage.limit, usage.limit - usage.used),
            "DailyAsyncApexExecutions": (250_000, 250_000),
            "DailyBulkV2QueryJobs": (10_000, 10_000),
            "DailyDeliveredPlatformEvents": (25_000, max(25_000 - published, 0)),
            "DailyStreamingApiEvents": (50_000, 50_000),
            "DataStorageMB": (1024, 1000),
            "FileStorageMB": (1024, 1024),
            "HourlyPublishedPlatformEvents": (250_000, max(250_000 - published, 0)),
            "MonthlyPlatformEventsUsageEntitlement": (0, 0),
            "StreamingApiConcurrentClients": (2_000, 2_000),
        }
        body: dict[str, Any] = {name: {"Max": most, "Remaining": left} for name, (most, left) in figures.items()}
        return Answer(200, body)
