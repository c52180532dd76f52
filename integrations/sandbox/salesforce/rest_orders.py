"""``/commerce/sale/order``: Place Order, an order with its products in one body."""

from collections.abc import Mapping
from typing import Any

from integrations.sandbox.salesforce.calls import Answer, Request
from integrations.sandbox.salesforce.errors import SalesforceError, method_not_allowed, not_found
from integrations.sandbox.salesforce.org import Org

ITEM_FIELDS = ("Id", "OrderItemNumber", "PricebookEntryId", "Product2Id", "Quantity", "UnitPrice", "TotalPrice")


class PlaceOrderResource:
    """Create one order (POST), read it with its products (GET), add products (PATCH)."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def handle(self, request: Request) -> Answer:
        order = self._org.sobject("Order")
        match request.method, request.path[3:]:
            case "POST", ():
                fields, items = self._body(request)
                with self._org.db.transaction():
                    key = self._org.saver.insert(order, fields, request.ctx)
                    self._add(request, key, items)
                return Answer(201, self._shown(request, key))
            case "PATCH", (given,):
                key = str(self._org.saver.live(order, given)["Id"])
                fields, items = self._body(request)
                with self._org.db.transaction():
                    if fields:
                        self._org.saver.update(order, key, fields, request.ctx)
                    self._add(request, key, items)
                return Answer(200, self._shown(request, key))
            case "GET", (given,):
                return Answer(200, self._shown(request, str(self._org.saver.live(order, given)["Id"])))
            case _, (() | (_,)):
                raise method_not_allowed(request.method, "GET,POST,PATCH")
        raise not_found()

    def _body(self, request: Request) -> tuple[dict[str, Any], list[Mapping[str, Any]]]:
        orders = request.object_body().get("order")
        if not isinstance(orders, list) or len(orders) != 1 or not isinstance(orders[0], dict):
            raise SalesforceError("INVALID_INPUT", "Exactly one order must be given")
        fields = {name: value for name, value in orders[0].items() if name.lower() not in ("orderitems", "id")}
        fields.pop("attributes", None)
        nested = [value for name, value in orders[0].items() if name.lower() == "orderitems"]
        items = nested[0].get("records", []) if nested and isinstance(nested[0], dict) else []
        if not all(isinstance(item, dict) for item in items):
            raise SalesforceError("INVALID_INPUT", "OrderItems.records must be a list of objects")
        return fields, items

    def _add(self, request: Request, order_id: str, items: list[Mapping[str, Any]]) -> None:
        sobject = self._org.sobject("OrderItem")
        for item in items:
            self._org.saver.insert(sobject, {**item, "OrderId": order_id}, request.ctx)

    def _shown(self, request: Request, order_id: str) -> dict[str, Any]:
        items = self._org.db.having("OrderItem", "OrderId", order_id)
        below = [
            {**_head(request, "OrderItem", item["Id"]), **{name: item.get(name) for name in ITEM_FIELDS}}
            for item in items
        ]
        nested = {"totalSize": len(below), "done": True, "records": below}
        record = {**_head(request, "Order", order_id), "Id": order_id, "OrderItems": nested}
        return {"totalSize": 1, "done": True, "records": [record]}


def _head(request: Request, name: str, key: str) -> dict[str, Any]:
    return {"attributes": {"type": name, "url": f"{request.base}/sobjects/{name}/{key}"}}
