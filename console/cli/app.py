"""The tree of verbs. Importing their modules costs nothing but typer: each loads what it needs when it runs."""

import typer

from console.cli import (
    backup,
    daemon,
    demo,
    desk,
    doctor,
    esim,
    events,
    integrations,
    mail,
    orders,
    sandbox,
    settings,
    tokens,
    window,
)
from console.cli.root import make_root

GROUPS = {
    "orders": orders.app, "mail": mail.app, "esim": esim.app, "events": events.app, "integrations": integrations.app,
    "brake": integrations.brake, "recovery": integrations.recovery, "batches": desk.batches, "settings": settings.app,
    "tokens": tokens.app,
}  # fmt: skip


def make_app() -> typer.Typer:
    """All verbs."""
    app = make_root()
    app.command("demo")(demo.demo)
    app.command("console")(window.console)
    app.command("daemon")(daemon.daemon)
    app.command("sandbox")(sandbox.sandbox)
    for name, group in GROUPS.items():
        app.add_typer(group, name=name)
    desk.register(app)
    app.command("doctor")(doctor.doctor)
    app.command("backup")(backup.backup)
    app.command("restore")(backup.restore)
    return app
