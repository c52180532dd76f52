"""The application: all routes under one prefix, one form of errors, one set of limits."""

from fastapi import APIRouter, FastAPI

from console import __version__
from console.api import commands, detail, feed, orders, problems
from console.api.access import Api
from console.api.hub import FeedHub
from console.api.identity import Gatekeeper
from console.api.services import ApiServices
from console.api.surroundings import Surroundings
from console.schema.base import PREFIX

ROUTERS = (feed.router, orders.router, detail.router, commands.router)


def create_app(services: ApiServices) -> FastAPI:
    """The staff API of one daemon. Start ``app.state.api.hub`` before serving, stop it before the server."""
    app = FastAPI(
        title="Portal Console", version=__version__, docs_url=None, redoc_url=None, openapi_url=None,
        redirect_slashes=False,
    )  # fmt: skip
    journal, clock = services.engine.journal, services.engine.clock
    hub = FeedHub(journal, services.redactor)
    app.state.api = Api(services, hub, Gatekeeper(journal, clock, services.engine.settings.daemon.users))
    root = APIRouter(prefix=PREFIX)
    for router in ROUTERS:
        root.include_router(router)
    app.include_router(root)
    problems.install(app)
    app.add_middleware(Surroundings)
    return app
