"""Access tokens for an event transport, taken from the token source that the REST client uses as well."""

import asyncio
from typing import Generic, Protocol, TypeVar


class Tokens(Protocol):
    """An asynchronous, caching source of access tokens."""

    async def token(self) -> tuple[str, str]:
        """(access token, instance url); from the cache while the token is believed good. Raises IntegrationError."""

    async def invalidate(self, access_token: str) -> None:
        """Say that Salesforce refused ``access_token``; a newer one that is cached by now stays."""


class IssuedToken(Protocol):
    """What a blocking source hands out."""

    @property
    def access_token(self) -> str: ...

    @property
    def instance_url(self) -> str: ...


Issued = TypeVar("Issued", bound=IssuedToken)


class BlockingTokens(Protocol[Issued]):
    """A token source whose calls may block on a lock and on the network."""

    def get(self) -> Issued: ...

    def invalidate(self, token: Issued, /) -> None: ...


class ThreadedTokens(Generic[Issued]):
    """Tokens over a blocking source; its calls run in threads so that the event loop never waits for them."""

    def __init__(self, source: BlockingTokens[Issued]) -> None:
        self._source = source
        self._issued: Issued | None = None

    async def token(self) -> tuple[str, str]:
        issued = await asyncio.to_thread(self._source.get)
        self._issued = issued
        return issued.access_token, issued.instance_url

    async def invalidate(self, access_token: str) -> None:
        issued = self._issued
        if issued is not None and issued.access_token == access_token:
            await asyncio.to_thread(self._source.invalidate, issued)
