"""The style sheet of the console: what was parsed stays parsed as long as the theme is the same one."""

from textual.css.stylesheet import Stylesheet


class KeptStylesheet(Stylesheet):
    """Textual parses all sources anew, those of its own widgets too, three times for each screen that is new to it."""

    def set_variables(self, variables: dict[str, str]) -> None:
        """Other values void what was parsed."""
        if variables != self._variables:
            super().set_variables(variables)
            self._require_parse = True

    def reparse(self) -> None:
        """Parse what is new, or everything when the variables changed. Raises StylesheetParseError."""
        if self._require_parse:
            self.parse()
