"""Single sign-on: CreateSsoToken and the page that takes the token, once and within 60 s (facts/whmcs.md §6.2)."""

import secrets
from datetime import datetime, timedelta

from integrations.sandbox.whmcs.answers import Answer, ApiError, Html
from integrations.sandbox.whmcs.calls import Call
from integrations.sandbox.whmcs.records import Records

LIFETIME = timedelta(seconds=60)
CUSTOM = "sso:custom_redirect"
CLIENT_AREA = "clientarea:"


def create_sso_token(call: Call) -> Answer:
    clientid = _checked_client(call)
    match call.switches.sso:
        case "blocked":
            raise ApiError(f"SSO authentication blocked for client {clientid}")
        case "broken":
            raise ApiError("Token could not be provisioned: invalid_client. client credentials are required")
    token = secrets.token_hex(20)
    kept = {"clientid": clientid, "path": _path(call), "until": (call.now + LIFETIME).isoformat()}
    call.records.tokens.put(token, kept)
    address = Html(f"{call.system_url}/oauth/singlesignon.php?access_token={token}")
    return {"access_token": token, "redirect_url": address}


def _checked_client(call: Call) -> int:
    clientid, userid = call.integer("client_id"), call.integer("user_id")
    if not clientid and not userid:
        raise ApiError("A valid client_id or user_id is required")
    if userid and call.records.clients.get(userid) is None:
        raise ApiError("Invalid user_id")
    client = call.records.clients.get(clientid or userid)
    if client is None:
        raise ApiError("Invalid client_id")
    if userid and clientid and userid != clientid:
        raise ApiError("Invalid user_id for client")
    if not client["single_sign_on"]:
        raise ApiError(f"SSO authentication blocked for client {client['id']}")
    return int(client["id"])


def _path(call: Call) -> str:
    destination = call.text("destination")
    if destination == CUSTOM and call.text("sso_redirect_path"):
        return call.text("sso_redirect_path").lstrip("/")
    if not destination or (destination.startswith(CLIENT_AREA) and call.switches.sso == "all"):
        return "clientarea.php"
    raise ApiError("Invalid destination")


def use_token(records: Records, token: str, now: datetime) -> str | None:
    """Where the token leads, or None when it is unknown, used or too old. Call inside a transaction."""
    kept = records.tokens.get(token)
    if kept is None:
        return None
    records.tokens.delete(token)
    return str(kept["path"]) if now <= datetime.fromisoformat(kept["until"]) else None


ACTIONS = {"CreateSsoToken": create_sso_token}
