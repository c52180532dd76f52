"""The org's first rows: its own records, then accounts, products, price books and past orders of the world."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from integrations.sandbox.salesforce.org import Org
from integrations.sandbox.salesforce.rows import TIME_FORMAT
from integrations.sandbox.salesforce.save import Context
from integrations.sandbox.salesforce.users import User
from integrations.sandbox.store import Document
from integrations.sandbox.world import PastOrder, Person, Product, World

PORTAL_BOOK = "Portal"
JAPAN = ZoneInfo("Asia/Tokyo")


def seed_org(org: Org, *, is_sandbox: bool) -> None:
    """The rows that an org has before anybody works in it; brings IsSandbox up to date where they stand already."""
    now = org.db.now()
    first = next(iter(org.users))
    stamp = {
        "IsDeleted": False, "CreatedDate": now, "CreatedById": first, "LastModifiedDate": now,
        "LastModifiedById": first, "SystemModstamp": now,
    }  # fmt: skip
    with org.db.transaction():
        known = org.db.get("Organization", org.id)
        row = known or {"Id": org.id, "Name": "Portal Telecom", "InstanceName": "CS5H", **stamp}
        row = {**row, "OrganizationType": "Enterprise Edition", "TimeZoneSidKey": "Asia/Tokyo", "Country": "JP"}
        org.db.put("Organization", {**row, "IsSandbox": is_sandbox})
        if known:
            return
        for user in org.users.values():
            org.db.put("User", {**_user(user), **stamp})
        statuses = org.db.schema.get("OrderStatus")
        for n, status in enumerate(org.package.order_statuses, 1):
            org.db.put(
                "OrderStatus",
                {
                    "Id": org.db.new_id(statuses), "ApiName": status.name, "MasterLabel": status.name,
                    "StatusCode": status.category, "IsDefault": status.default, "SortOrder": n, **stamp,
                },
            )  # fmt: skip
        standard = org.db.schema.get("Pricebook2")
        row = {"Id": org.db.new_id(standard), "Name": "Standard Price Book", "IsActive": True, "IsStandard": True}
        org.db.put("Pricebook2", {**standard.defaults, **row, **stamp})


def _user(user: User) -> Document:
    return {
        "Id": user.id, "Username": user.username, "FirstName": user.first_name, "LastName": user.last_name,
        "Name": user.name, "Email": user.email, "Alias": user.alias, "IsActive": True, "UserType": "Standard",
        "TimeZoneSidKey": "Asia/Tokyo", "LocaleSidKey": "ja_JP", "LanguageLocaleKey": "ja",
    }  # fmt: skip


def seed_world(org: Org, world: World, actor: User) -> None:
    """The world's rows, in one transaction; nothing if there are accounts already."""
    if len(org.db.table("Account")):
        return
    ctx = Context(actor)
    with org.db.transaction():
        entries = _catalog(org, world, ctx)
        accounts = {person.number: _account(org, person, ctx) for person in world.people}
        products = {product.sku: product for product in world.products}
        for past in world.past_orders:
            _past_order(org, past, accounts[past.person_number], entries, products, ctx)


def _insert(org: Org, name: str, fields: Mapping[str, Any], ctx: Context) -> str:
    return org.saver.insert(org.sobject(name), {key: value for key, value in fields.items() if value != ""}, ctx)


def _account(org: Org, person: Person, ctx: Context) -> str:
    fields = {
        "Name": person.name,
        "SF_Account_No__c": person.number,
        "WHMCS_Client_ID__c": str(person.whmcs_client_id),
        "AccountNumber": person.number,
        "Internet_Eligibility__c": "Eligible",
        "Type": "Customer - Direct",
        "Phone": person.phone,
        "BillingStreet": person.address,
        "BillingCity": person.city,
        "BillingState": person.state,
        "BillingPostalCode": person.postcode,
        "BillingCountry": "Japan",
    }
    return _insert(org, "Account", fields, ctx)


def _catalog(org: Org, world: World, ctx: Context) -> dict[str, str]:
    """Products with their standard and Portal entries, in the order that Salesforce demands; entry ids by SKU."""
    (standard,) = (row["Id"] for row in org.db.rows("Pricebook2") if row.get("IsStandard"))
    portal = _insert(org, "Pricebook2", {"Name": PORTAL_BOOK, "IsActive": True}, ctx)
    entries = {}
    for product in world.products:
        product_id = _insert(org, "Product2", _product(product), ctx)
        price = {"Product2Id": product_id, "UnitPrice": float(product.price), "IsActive": True}
        _insert(org, "PricebookEntry", {"Pricebook2Id": standard, **price}, ctx)
        entries[product.sku] = _insert(org, "PricebookEntry", {"Pricebook2Id": portal, **price}, ctx)
    return entries


def _product(product: Product) -> dict[str, Any]:
    options = [
        {"id": o.id, "name": o.name, "kind": o.kind, "choices": {str(k): v for k, v in o.choices.items()}}
        for o in product.options
    ]
    return {
        "Name": product.name,
        "ProductCode": product.sku,
        "StockKeepingUnit": product.sku,
        "Description": product.name_ja,
        "Family": product.category,
        "IsActive": True,
        "Product2Categories1__c": product.category,
        "Item_Class__c": product.item_class,
        "Portal_Catalog__c": True,
        "Portal_Accessible__c": True,
        "Portal_ConfigOptions_JSON__c": json.dumps(options, ensure_ascii=False) if options else "",
        "WHMCS_Product_Id__c": product.whmcs_pid,
        "Billing_Cycle__c": product.cycle,
        "Display_Order__c": product.display_order,
        "SIM_Form__c": product.sim_form,
        "ESIM_Profile_Type__c": product.profile_type,
        "SIM_Data_Size__c": product.sim_data_size,
        "SIM_Plan_Type__c": product.sim_plan_type,
        "Internet_Plan_Tier__c": product.internet_tier,
        "Internet_Offering_Type__c": product.internet_offering,
        "VPN_Region__c": product.vpn_region,
    }


def _past_order(
    org: Org, past: PastOrder, account: str, entries: Mapping[str, str], products: Mapping[str, Product], ctx: Context
) -> None:
    """An order as it would stand after its days: saved as a draft, then dated back and closed."""
    book = next(row["Id"] for row in org.db.rows("Pricebook2") if row["Name"] == PORTAL_BOOK)
    placed = {"AccountId": account, "EffectiveDate": past.placed_on.isoformat(), "Status": "Draft"}
    key = _insert(org, "Order", {**placed, "Pricebook2Id": book}, ctx)
    for sku in past.skus:
        product = products[sku]
        line = {"OrderId": key, "PricebookEntryId": entries[sku], "Quantity": 1, "UnitPrice": float(product.price)}
        _insert(org, "OrderItem", {**line, "Billing_Cycle__c": product.cycle}, ctx)
    at = datetime.combine(past.placed_on, time(10), JAPAN).astimezone(UTC).strftime(TIME_FORMAT)
    dates = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), at)
    row = {**(org.db.get("Order", key) or {}), **dates, "Status": past.status}
    if past.status == "Activated":
        done = {"StatusCode": "Activated", "ActivatedDate": at, "ActivatedById": ctx.user.id}
        row |= {**done, "Provisioning_Status__c": "Provisioned"}
    org.db.put("Order", row)
    for item in org.db.having("OrderItem", "OrderId", key):
        org.db.put("OrderItem", {**item, **dates})
