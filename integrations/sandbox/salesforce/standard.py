"""The standard objects and fields, as the published object reference has them (facts §7); data, hardly any logic."""

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.sandbox.salesforce.schema import Field, PickValue, SObject


def text(name: str, label: str, length: int, kind: str = "string", **flags: Any) -> Field:
    return Field(name, label, kind, length=length, **flags)


def area(name: str, label: str, length: int = 32000) -> Field:
    return Field(name, label, "textarea", length=length, long=True)


def pick(name: str, label: str, values: Sequence[str], default: str = "", **flags: Any) -> Field:
    choices = tuple(PickValue(value, value == default, value) for value in values)
    return Field(name, label, "picklist", length=255, picklist=choices, **flags)


def flag(name: str, label: str, default: bool = False, **flags: Any) -> Field:
    return Field(name, label, "boolean", default=default, **flags)


def money(name: str, label: str, **flags: Any) -> Field:
    return Field(name, label, "currency", precision=18, scale=2, **flags)


def number(name: str, label: str, precision: int = 18, scale: int = 2, **flags: Any) -> Field:
    return Field(name, label, "double", precision=precision, scale=scale, **flags)


def day(name: str, label: str, **flags: Any) -> Field:
    return Field(name, label, "date", **flags)


def moment(name: str, label: str, **flags: Any) -> Field:
    return Field(name, label, "datetime", **flags)


def ref(name: str, label: str, to: str, way: str | None, children: str | None = None, **flags: Any) -> Field:
    return Field(name, label, "reference", length=18, reference_to=(to,), relationship=way, children=children, **flags)


FIXED: dict[str, Any] = {"createable": False, "updateable": False}
NUMBERED: dict[str, Any] = {**FIXED, "auto_number": True, "name_field": True, "id_lookup": True}
COMPUTED: dict[str, Any] = {**FIXED, "calculated": True}


def system_fields(owned: bool) -> tuple[Field, ...]:
    """What every row has; ``owned`` adds the owner."""
    owner = (ref("OwnerId", "Owner ID", "User", "Owner"),) if owned else ()
    return (
        *owner,
        flag("IsDeleted", "Deleted", **FIXED),
        moment("CreatedDate", "Created Date", **FIXED),
        ref("CreatedById", "Created By ID", "User", "CreatedBy", **FIXED),
        moment("LastModifiedDate", "Last Modified Date", **FIXED),
        ref("LastModifiedById", "Last Modified By ID", "User", "LastModifiedBy", **FIXED),
        moment("SystemModstamp", "System Modstamp", **FIXED),
    )


ID = Field("Id", "Record ID", "id", length=18, id_lookup=True, **FIXED)


def _address(prefix: str, label: str) -> tuple[Field, ...]:
    return (
        text(f"{prefix}Street", f"{label} Street", 255, "textarea"),
        text(f"{prefix}City", f"{label} City", 40),
        text(f"{prefix}State", f"{label} State/Province", 80),
        text(f"{prefix}PostalCode", f"{label} Zip/Postal Code", 20),
        text(f"{prefix}Country", f"{label} Country", 80),
    )


ACCOUNT = (
    text("Name", "Account Name", 255, required=True, name_field=True),
    pick("Type", "Account Type", ("Prospect", "Customer - Direct", "Customer - Channel", "Other")),
    ref("ParentId", "Parent Account ID", "Account", "Parent", "ChildAccounts"),
    *_address("Billing", "Billing"),
    *_address("Shipping", "Shipping"),
    text("Phone", "Account Phone", 40, "phone"),
    text("Fax", "Account Fax", 40, "phone"),
    text("AccountNumber", "Account Number", 40),
    text("Website", "Website", 255, "url"),
    pick("Industry", "Industry", ("Communications", "Education", "Retail", "Technology", "Other")),
    Field("NumberOfEmployees", "Employees", "int", precision=8),
    area("Description", "Account Description"),
    pick("AccountSource", "Account Source", ("Web", "Phone Inquiry", "Other")),
    text("Site", "Account Site", 80),
)

CONTACT = (
    ref("AccountId", "Account ID", "Account", "Account", "Contacts"),
    text("LastName", "Last Name", 80, required=True),
    text("FirstName", "First Name", 40),
    text("Name", "Full Name", 121, name_field=True, **COMPUTED),
    *_address("Mailing", "Mailing"),
    text("Phone", "Business Phone", 40, "phone"),
    text("MobilePhone", "Mobile Phone", 40, "phone"),
    text("Email", "Email", 80, "email", id_lookup=True),
    text("Title", "Title", 128),
    area("Description", "Contact Description"),
)

ORDER = (
    ref("ContractId", "Contract ID", "Contract", None),
    ref("AccountId", "Account ID", "Account", "Account", "Orders", required=True),
    ref("Pricebook2Id", "Price Book ID", "Pricebook2", "Pricebook2", "Orders"),
    ref("OriginalOrderId", "Order ID", "Order", "OriginalOrder", "Orders"),
    day("EffectiveDate", "Order Start Date", required=True),
    day("EndDate", "Order End Date"),
    flag("IsReductionOrder", "Reduction Order"),
    Field("Status", "Status", "picklist", length=255, required=True, restricted=True, id_lookup=True),
    area("Description", "Description"),
    ref("CustomerAuthorizedById", "Customer Authorized By ID", "Contact", "CustomerAuthorizedBy"),
    ref("CompanyAuthorizedById", "Company Authorized By ID", "User", "CompanyAuthorizedBy"),
    pick("Type", "Order Type", ()),
    *_address("Billing", "Billing"),
    *_address("Shipping", "Shipping"),
    text("Name", "Order Name", 80),
    day("PoDate", "PO Date"),
    text("PoNumber", "PO Number", 80),
    text("OrderReferenceNumber", "Order Reference Number", 80),
    moment("ActivatedDate", "Activated Date", **FIXED),
    ref("ActivatedById", "Activated By ID", "User", "ActivatedBy", **FIXED),
    pick("StatusCode", "Status Category", ("Draft", "Activated"), **FIXED),
    text("OrderNumber", "Order Number", 30, **NUMBERED),
    money("TotalAmount", "Order Amount", **COMPUTED),
)

ORDER_ITEM = (
    ref("Product2Id", "Product ID", "Product2", "Product2", "OrderItems", updateable=False),
    ref("OrderId", "Order ID", "Order", "Order", "OrderItems", required=True, updateable=False, cascade=True),
    ref(
        "PricebookEntryId", "Price Book Entry ID", "PricebookEntry", "PricebookEntry", "OrderItems",
        required=True, updateable=False,
    ),
    ref("OriginalOrderItemId", "Order Product ID", "OrderItem", "OriginalOrderItem", "ChildOrderItems"),
    number("AvailableQuantity", "Available Quantity", **COMPUTED),
    number("Quantity", "Quantity", required=True),
    money("UnitPrice", "Unit Price", required=True),
    money("ListPrice", "List Price", updateable=False),
    money("TotalPrice", "Total Price", **COMPUTED),
    day("ServiceDate", "Start Date"),
    day("EndDate", "End Date"),
    text("Description", "Line Description", 255),
    text("OrderItemNumber", "Order Product Number", 30, **NUMBERED),
)  # fmt: skip

PRODUCT = (
    text("Name", "Product Name", 255, required=True, name_field=True),
    text("ProductCode", "Product Code", 255),
    area("Description", "Product Description", 4000),
    flag("IsActive", "Active"),
    pick("Family", "Product Family", ("None",)),
    text("ExternalId", "External ID", 255),
    text("DisplayUrl", "Display URL", 1000, "url"),
    pick("QuantityUnitOfMeasure", "Quantity Unit Of Measure", ("Each",)),
    flag("IsArchived", "Archived", **FIXED),
    text("StockKeepingUnit", "Product SKU", 180),
)

PRICEBOOK_ENTRY = (
    text("Name", "Product Name", 255, name_field=True, **COMPUTED),
    ref("Pricebook2Id", "Price Book ID", "Pricebook2", "Pricebook2", "PricebookEntries", required=True,
        updateable=False),
    ref("Product2Id", "Product ID", "Product2", "Product2", "PricebookEntries", required=True, updateable=False),
    money("UnitPrice", "List Price", required=True),
    flag("IsActive", "Active"),
    flag("UseStandardPrice", "Use Standard Price"),
    text("ProductCode", "Product Code", 255, **COMPUTED),
    flag("IsArchived", "Archived", **FIXED),
)  # fmt: skip

PRICEBOOK = (
    text("Name", "Price Book Name", 255, required=True, name_field=True),
    flag("IsActive", "Active"),
    flag("IsArchived", "Archived", **FIXED),
    text("Description", "Description", 255),
    flag("IsStandard", "Is Standard Price Book", **FIXED),
)

CASE = (
    text("CaseNumber", "Case Number", 30, **NUMBERED),
    ref("ContactId", "Contact ID", "Contact", "Contact", "Cases"),
    ref("AccountId", "Account ID", "Account", "Account", "Cases"),
    ref("ParentId", "Parent Case ID", "Case", "Parent", "Cases"),
    text("SuppliedName", "Name", 80),
    text("SuppliedEmail", "Email Address", 80, "email"),
    text("SuppliedPhone", "Phone", 40),
    pick("Type", "Case Type", ("Problem", "Feature Request", "Question")),
    pick("Status", "Status", ("New", "Working", "Escalated", "Closed"), "New", id_lookup=True),
    pick("Reason", "Case Reason", ("Installation", "Billing", "Other")),
    pick("Origin", "Case Origin", ("Phone", "Email", "Web")),
    text("Subject", "Subject", 255),
    pick("Priority", "Priority", ("High", "Medium", "Low"), "Medium"),
    area("Description", "Description"),
)

USER = (
    text("Username", "Username", 80, required=True, id_lookup=True),
    text("LastName", "Last Name", 80, required=True),
    text("FirstName", "First Name", 40),
    text("Name", "Full Name", 121, name_field=True, **COMPUTED),
    text("Email", "Email", 128, "email", required=True),
    text("Alias", "Alias", 8, required=True),
    flag("IsActive", "Active", True),
    pick("UserType", "User Type", ("Standard",), "Standard"),
    text("TimeZoneSidKey", "Time Zone", 40),
    text("LocaleSidKey", "Locale", 40),
    text("LanguageLocaleKey", "Language", 40),
)

ORGANIZATION = (
    text("Name", "Name", 80, required=True, name_field=True),
    text("InstanceName", "Instance Name", 5, **FIXED),
    flag("IsSandbox", "Is Sandbox", **FIXED),
    pick("OrganizationType", "Edition", ("Enterprise Edition",), **FIXED),
    text("NamespacePrefix", "Namespace Prefix", 15, **FIXED),
    moment("TrialExpirationDate", "Trial Expiration Date", **FIXED),
    text("LanguageLocaleKey", "Language", 40),
    text("DefaultLocaleSidKey", "Locale", 40),
    text("TimeZoneSidKey", "Time Zone", 40),
    text("Country", "Country", 80),
)

ORDER_STATUS = (
    text("ApiName", "API Name", 255, **FIXED),
    text("MasterLabel", "Label", 255, name_field=True, **FIXED),
    pick("StatusCode", "Status Category", ("Draft", "Activated"), **FIXED),
    flag("IsDefault", "Default", **FIXED),
    Field("SortOrder", "Sort Order", "int", precision=9, **FIXED),
)

CLOSED: dict[str, Any] = {"createable": False, "updateable": False, "deletable": False}

# name, label, plural, key prefix, fields, has an owner, what may be done
STANDARD: tuple[tuple[str, str, str, str, tuple[Field, ...], bool, Mapping[str, Any]], ...] = (
    ("Account", "Account", "Accounts", "001", ACCOUNT, True, {}),
    ("Contact", "Contact", "Contacts", "003", CONTACT, True, {}),
    ("Case", "Case", "Cases", "500", CASE, True, {}),
    ("Order", "Order", "Orders", "801", ORDER, True, {}),
    ("OrderItem", "Order Product", "Order Products", "802", ORDER_ITEM, False, {}),
    ("OrderStatus", "Order Status Value", "Order Status Value", "0Os", ORDER_STATUS, False, CLOSED),
    ("Organization", "Organization", "Organizations", "00D", ORGANIZATION, False, CLOSED),
    ("Pricebook2", "Price Book", "Price Books", "01s", PRICEBOOK, False, {}),
    ("PricebookEntry", "Price Book Entry", "Price Book Entries", "01u", PRICEBOOK_ENTRY, False, {"deletable": False}),
    ("Product2", "Product", "Products", "01t", PRODUCT, False, {}),
    ("User", "User", "Users", "005", USER, False, CLOSED),
)


def standard_objects(
    custom_fields: Mapping[str, Sequence[Field]], order_statuses: Sequence[PickValue]
) -> list[SObject]:
    """The standard objects with the package's fields added and Order.Status filled with the package's values."""
    found = []
    for name, label, plural, prefix, fields, owned, rights in STANDARD:
        own = [_with_statuses(f, order_statuses) if (name, f.name) == ("Order", "Status") else f for f in fields]
        every = (ID, *own, *system_fields(owned), *custom_fields.get(name, ()))
        found.append(SObject(name, label, plural, prefix, every, **rights))
    return found


def _with_statuses(status: Field, values: Sequence[PickValue]) -> Field:
    return Field(
        status.name, status.label, status.type, length=status.length, required=True, restricted=True,
        picklist=tuple(values), id_lookup=True,
    )  # fmt: skip
