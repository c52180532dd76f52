"""The stale_read fault: a list as it was before the last order."""

from integrations.sandbox.store import Document
from integrations.sandbox.whmcs.calls import Call


def without_newest(call: Call, documents: list[Document], order_key: str) -> list[Document]:
    """``documents`` without those of the newest order (option ``orders``: of the newest n) among them."""
    if call.fault_kind() != "stale_read" or not call.fault:
        return documents
    numbers = sorted({int(document[order_key]) for document in documents}, reverse=True)
    hidden = set(numbers[: int(call.fault.options.get("orders", 1))])
    return [document for document in documents if int(document[order_key]) not in hidden]
