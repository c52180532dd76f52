"""The application: all routes under one prefix, one form of errors, one set of limits."""

from functools import cache

from fastapi import APIRouter, FastAPI

from console import __version__
from console.api import (
    approvals,
    commands,
    desk,
    detail,
    doctor,
    failures,
    feed,
    find,
    health,
    logs,
    mending,
    orders,
    person,
    problems,
    records,
    staff,
    stock,
)  # fmt: skip
from console.api.access import Api
from console.api.contract import make_contract
from console.api.hub import FeedHub
from console.api.identity import Gatekeeper
from console.api.services import ApiServices
from console.api.surroundings import Surroundings
from console.schema.base import PREFIX

ROUTERS = (
    health.open_router, health.router, staff.router, feed.router, orders.router, records.router, detail.router, mending.router, find.router,
    approvals.router, failures.router, person.router, commands.router, desk.router, logs.router, doctor.router, stock.router,
)  # fmt: skip


def create_app(services: ApiServices) -> FastAPI:
    """The staff API of one daemon. Start ``app.state.api.hub`` before serving, stop it before the server."""
    app = FastAPI(
        title="Portal Console", version=__version__, docs_url=None, redoc_url=None, openapi_url=None,
        redirect_slashes=False,
    )  # fmt: skip
    journal, clock = services.engine.journal, services.engine.clock
    hub = FeedHub(journal, services.redactor)
    app.state.api = Api(
        services, hub, Gatekeeper(journal, clock, services.engine.settings.daemon.users), clock.monotonic()
    )
    root = APIRouter(prefix=PREFIX)
    for router in ROUTERS:
        root.include_router(router)
    app.include_router(root)
    app.include_router(health.open_router)
    # Made when it is asked for: it takes longer than the rest of the start.
    app.openapi = cache(lambda: make_contract(app))  # type: ignore[method-assign]  # FastAPI's own way to give another
    problems.install(app)
    app.add_middleware(Surroundings)
    return app
