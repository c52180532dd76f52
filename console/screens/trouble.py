"""What went wrong with the daemon, each kind in its own words and with a way on."""

from console.client import errors
from console.client.errors import ApiError

AGAIN = 15.0  # seconds after which a daemon that did not accept us is asked again


def way_on(error: ApiError) -> str:
    """A sentence or two fit to be shown: what it is, and what a person can do, or what happens by itself."""
    match error:
        case errors.Unreachable():
            return f"{error}. It is looked for again by itself."
        case errors.NotConfirmed():
            return f"The connection to the daemon was lost ({error.address}). It is made again by itself."
        case errors.BadAnswer():
            return (
                f"What answers there is not this daemon, or one of another version: {error}. Check --server or --env."
            )
        case errors.Unauthorized():
            reason = str(error).partition(":")[0]  # what follows is the way on at the command line
            return (
                f"The daemon does not accept this token: {reason}. Ask an admin for a new one (`portal tokens create --role ROLE"
                f" --name NAME` on the daemon's machine); the file of --token-file is read again every {AGAIN:.0f} s."
            )
        case errors.Forbidden():
            return f"The daemon does not let you in: {error}. An admin can change that; it is asked again every {AGAIN:.0f} s."
        case errors.Gone():
            return f"Events were missed ({error}); the whole book is read again by itself."
        case errors.TooMany():
            wait = error.problem.retry_after
            return f"The daemon wants to be asked less: {error}. It is asked again {f'in {wait:.0f} s' if wait else 'soon'}."
        case errors.Unavailable():
            return f"The daemon cannot do that now: {error}. It is asked again by itself."
        case errors.DaemonFailed():
            return f"The daemon failed at this: {error}. Tell whoever looks after it."
    return str(error)
