"""The first moments of a dialog: what is pressed in them was meant for what stood there before."""

from time import monotonic

SECONDS = 0.5  # a live list pushes dialogs under moving fingers


class Grace:
    """``held``: a key that stays ignored for as long as it repeats: the one that led here, or the one that says yes."""

    def __init__(self, held: str) -> None:
        self._held = held
        self._until = float("inf")  # until ``start``: a dialog that does not stand yet is answered by nothing

    def start(self) -> None:
        self._until = monotonic() + SECONDS

    def ignores(self, key: str = "") -> bool:
        """Are keys and clicks still ignored? ``key``: the character that was just pressed."""
        if monotonic() >= self._until:
            return False
        if key and key == self._held:
            self.start()
        return True
