"""What a user may see and write, as the package's permission sets say (option ``permissions`` of the sandbox)."""

from integrations.salesforce.package import PermissionSet
from integrations.sandbox.salesforce.schema import Field, SObject

GOVERNED_BY = {"OrderItem": "Order", "PricebookEntry": "Pricebook2"}
OPEN_TO_ALL = frozenset({"User", "Organization", "OrderStatus"})


class Access:
    """The rights of one permission set. Standard and required fields come with their object."""

    def __init__(self, granted: PermissionSet) -> None:
        self._granted = granted

    def may(self, verb: str, sobject: SObject) -> bool:
        """``verb``: create, read, edit or delete. Rights on a child object come from its parent's."""
        if sobject.name in OPEN_TO_ALL:
            return verb == "read"
        governing = GOVERNED_BY.get(sobject.name)
        if governing and verb in ("create", "delete"):
            verb = "edit"  # lines are part of their order
        return verb in self._granted.objects.get(governing or sobject.name, frozenset())

    def reads(self, sobject: SObject, field: Field) -> bool:
        return self._open(sobject, field) or self._granted.fields.get(f"{sobject.name}.{field.name}", (False, False))[0]

    def edits(self, sobject: SObject, field: Field) -> bool:
        return self._open(sobject, field) or self._granted.fields.get(f"{sobject.name}.{field.name}", (False, False))[1]

    def _open(self, sobject: SObject, field: Field) -> bool:
        return not field.custom or field.required or sobject.event
