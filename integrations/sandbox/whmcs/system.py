"""The installation itself: health probes, version, settings, mails on request (facts/whmcs.md §6.6)."""

from integrations.sandbox.whmcs.answers import Answer, ApiError, Html
from integrations.sandbox.whmcs.calls import Call
from integrations.sandbox.whmcs.phpvalues import unserialised

FULL_VERSION = {"8.13": ("8.13.1", "8.13.1-release.1"), "9.0": ("9.0.0", "9.0.0-release.1")}
CUSTOM_TYPES = ("general", "product", "domain", "invoice", "support", "affiliate")
SERVICE_TEMPLATES = ("Product Welcome Email", "Service Suspension Notification", "Service Unsuspension Notification")
INVOICE_TEMPLATES = ("Invoice Created", "Invoice Payment Reminder", "Invoice Payment Confirmation")
CLIENT_TEMPLATES = ("Client Signup Email", "Credit Card Expiring Soon")


def get_admin_details(call: Call) -> Answer:
    version, canonical = FULL_VERSION[call.switches.version]
    return {
        "adminid": 1, "name": "Site Admin", "notes": "", "signature": "",
        "allowedpermissions": "List Clients,View Orders,Add New Order,List Invoices,API Access",
        "departments": ",1,",
        "whmcs": {"version": version, "canonicalversion": canonical},
    }  # fmt: skip


def whmcs_details(call: Call) -> Answer:
    version, canonical = FULL_VERSION[call.switches.version]
    return {"whmcs": {"version": version, "canonicalversion": canonical}}


def get_health_status(call: Call) -> Answer:
    """The documented answer is bare; newer installs add their checks."""
    if call.switches.version == "8.13":
        return {}
    ok = {"name": "database", "type": "Database", "severityLevel": "success", "body": "The database is up to date."}
    return {"checks": {"success": [ok], "warning": [], "danger": []}}


def get_configuration_value(call: Call) -> Answer:
    setting = call.text("setting")
    if not setting:
        raise ApiError("Parameter setting is required")
    known = {"SystemURL": f"{call.system_url}/", "CompanyName": "Sandbox Telecom", "Charset": "utf-8"}
    if setting not in known:
        raise ApiError("Invalid name for parameter setting")
    return {"setting": setting, "value": Html(known[setting])}


def send_email(call: Call) -> Answer:
    """messagename with id, or a custom message; each mail is counted. The order mail cannot be sent this way."""
    template = call.text("messagename")
    if not template and not call.text("customtype"):
        raise ApiError("You must provide either an existing email template name or a custom message type")
    if not template:
        template = _custom(call)
    elif template not in (*SERVICE_TEMPLATES, *INVOICE_TEMPLATES, *CLIENT_TEMPLATES):
        raise ApiError("Email Template not found")
    if call.text("customvars") and not unserialised(call.text("customvars")):
        raise ApiError("The custom variables you provided are invalid.")
    if not call.integer("id"):
        raise ApiError("A related ID is required")
    clientid = _related_client(call, template)
    if not clientid:
        raise ApiError("Sending Failed. Please see documentation.")
    call.mail(template, clientid, call.integer("id"))
    return {}


def _custom(call: Call) -> str:
    kind = call.text("customtype")
    if kind not in CUSTOM_TYPES:
        raise ApiError("Invalid message type provided")
    if not call.text("customsubject"):
        raise ApiError("A subject is required for a custom message")
    if not call.text("custommessage"):
        raise ApiError("A message body is required for a custom message")
    return f"custom {kind}"


def _related_client(call: Call, template: str) -> int:
    """The client whom ``id`` means: a service's, an invoice's or the client itself, by the template's type; 0 if none."""
    number = call.integer("id")
    if template in SERVICE_TEMPLATES or template == "custom product":
        service = call.records.services.get(number)
        return int(service["clientid"]) if service else 0
    if template in INVOICE_TEMPLATES or template == "custom invoice":
        invoice = call.records.invoices.get(number)
        return int(invoice["userid"]) if invoice else 0
    return number if call.records.clients.get(number) else 0


ACTIONS = {
    "GetAdminDetails": get_admin_details,
    "GetConfigurationValue": get_configuration_value,
    "GetHealthStatus": get_health_status,
    "SendEmail": send_email,
    "WhmcsDetails": whmcs_details,
}
