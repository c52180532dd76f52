"""Errors of workers: Textual gives them to nobody but the node that ran the worker, and there they would be lost."""

from textual.message_pump import MessagePump
from textual.worker import Worker, WorkerState


class Attended(MessagePump):
    """For every screen and dialog that runs workers: an error that one ended in goes to the application, which says it."""

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR:
            self.app.post_message(Worker.StateChanged(event.worker, event.state))
