"""A Salesforce org on loopback: REST, OAuth, SOQL, platform events, with the rules of Orders and price books."""

from integrations.sandbox.salesforce.desk import Desk, OrderLine
from integrations.sandbox.salesforce.server import SalesforceOptions, SalesforceSandbox

__all__ = ["Desk", "OrderLine", "SalesforceOptions", "SalesforceSandbox"]
