"""``--view``: a saved filter by its name."""

from typing import TYPE_CHECKING

from console.cli.exits import Exit, Failure

if TYPE_CHECKING:
    from console.client.views import View, Views


def own_views() -> "Views":
    """The views of whoever runs this, the same in the console and on the command line."""
    from platformdirs import user_state_path

    from console.client.views import Views

    return Views(user_state_path("portal") / "views.json")


def chosen_view(name: str | None, filter_: str) -> "View":
    """The view of that name; without a name, the filter that was typed. Raises Failure."""
    from console.client.query import QueryError, parse
    from console.client.views import View, ViewError

    if name is None:
        try:
            parse(filter_)
        except QueryError as error:
            raise Failure(f"filter: {error}", Exit.USAGE) from error
        return View("", filter_)
    if filter_:
        raise Failure("--view and FILTER exclude each other: a view is a filter", Exit.USAGE)
    try:
        return own_views().get(name)
    except ViewError as error:
        raise Failure(str(error), Exit.USAGE) from error
