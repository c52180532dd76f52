"""What a board keeps of its list: saved views, and files with exactly what is filtered."""

from textual import work

from console.client.views import ViewError
from console.screens.acting import ActingScreen
from console.screens.desk import Desk
from console.screens.exporting import export_orders
from console.screens.listing import Listing
from console.screens.views import NameView, ViewList
from console.widgets.filterbar import FilterBar


class KeepingScreen(ActingScreen):
    """A screen with a list and the line that filters it."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.listing = Listing(desk.session, desk.view)
        self._bar = FilterBar(self.listing.filter, id="filter")

    def _list_anew(self) -> None:
        """Another filter or another order of rows."""
        raise NotImplementedError

    def _show_sort(self) -> None:
        """Say by which column the rows are ordered."""
        raise NotImplementedError

    def _summarise(self) -> None:
        """Say how much is listed."""
        raise NotImplementedError

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_views(self) -> None:
        """Choose a saved view."""
        view = await self.app.push_screen_wait(ViewList(self.desk.views, self.desk.glyphs, self.listing.name))
        if view is None:
            return
        self.listing.use_view(view)
        self._show_sort()
        self._bar.put(view.filter)
        self._list_anew()

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_save_view(self) -> None:
        """Keep the filter and the order of rows under a name."""
        listing = self.listing
        name = await self.app.push_screen_wait(NameView(self.desk.glyphs, listing.filter, listing.name))
        if name is None:
            return
        try:
            sort = f"-{listing.sort.name}" if listing.sort.descending else listing.sort.name
            view = self.desk.views.save(name, listing.filter, sort)
        except ViewError as error:
            self.tell(f"The view was not saved: {error}", "error")
            return
        listing.name = view.name
        self.tell(f"Saved as {view.name}: v lists it, and so does portal orders list --view")
        self._summarise()

    @work(group="export", exclusive=True, exit_on_error=False)
    async def action_export(self) -> None:
        """Write exactly what is filtered into a new file, masked as a viewer sees it."""
        sort = self.listing.sort
        await export_orders(self, self.listing.filter, f"-{sort.name}" if sort.descending else sort.name)
