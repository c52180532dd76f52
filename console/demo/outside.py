"""The sandbox's control API: what people, the warehouse and bad luck do in the demo. The product never sees it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from console.demo.processes import DemoFailed


@dataclass(frozen=True)
class Placed:
    """One order; ``kind`` is the sandbox's word for what was ordered."""

    id: str
    number: str
    kind: str
    customer: str


class Outside:
    """One sandbox, named by the ``sandbox.json`` in its folder. Close it."""

    def __init__(self, folder: Path) -> None:
        self._http = httpx.AsyncClient(base_url=_control_url(folder), timeout=30.0, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def place(self, kind: str, customer: str = "") -> Placed:
        found = await self._ask("POST", "/orders", {"count": 1, "kinds": [kind], "customer": customer})
        order = found["orders"][0]
        return Placed(order["id"], order["number"], order["kind"], order["customer"])

    async def approve(self, order: Placed) -> None:
        await self._ask("POST", "/approve", {"ids": [order.id]})

    async def set_fault(self, system: str, operation: str, kind: str, options: Mapping[str, Any]) -> int:
        body = {"system": system, "operation": operation, "kind": kind, "options": dict(options)}
        return int((await self._ask("POST", "/faults", body))["id"])

    async def used_faults(self) -> dict[int, int]:
        """Fault → how often it struck."""
        return {fault["id"]: fault["used"] for fault in await self._ask("GET", "/faults")}

    async def clear_faults(self) -> None:
        await self._ask("DELETE", "/faults")

    async def give_card(self, customer: str) -> None:
        await self._ask("POST", "/paymethods", {"client": customer, "kind": "card"})

    async def refill(self, profile_type: str, count: int) -> bytes:
        """New profiles at the provider; the file for ``portal esim import``."""
        return str((await self._ask("POST", "/stock", {"type": profile_type, "count": count}))["csv"]).encode()

    async def verdict(self, states: Mapping[str, str], mended: Sequence[str] = ()) -> dict[str, Any]:
        body = {"states": dict(states), "acts": {"mended": list(mended)}}
        found: dict[str, Any] = await self._ask("POST", "/compare", body)
        return found

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        response = await self._http.request(method, path, json=body)
        if not response.is_success:
            raise DemoFailed(f"the sandbox refuses {method} {path}: {response.text[:300]}")
        return response.json()


def _control_url(folder: Path) -> str:
    return str(json.loads((folder / "sandbox.json").read_text(encoding="utf-8"))["control_url"])
