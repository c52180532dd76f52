"""The ES2+ server: mutual TLS, headers, the envelope and its quirks, faults (facts/esim.md §1.1, §1.2, §6).

Quirks as measured: "header" comes last, v2.1.0 comes back whatever was sent, an undecodable request is answered by an
HTML page under 500 (without the protocol header when not even JSON), a wrong content type by JSON labelled text/html.
A missing or unknown client certificate is refused after the handshake, as Failed 1.1/1.2.
"""

import hashlib
import json
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from integrations.errors import System
from integrations.esim.tls import key_pin
from integrations.sandbox.esim.certificates import Certificates, ensure_certificates
from integrations.sandbox.esim.phone import Phones
from integrations.sandbox.esim.smdp import Malformed, Refused, Smdp
from integrations.sandbox.faults import HTTP_KINDS, Fault, Faults, spoil
from integrations.sandbox.store import Document, Store
from integrations.sandbox.traffic import Traffic, write_out
from integrations.sandbox.world import Profile, World

BASE = "/gsma/rsp2/es2plus"
REQUESTER_ID = "2.999.4401"
BODY_LIMIT = 64 * 1024
_PAGE = "<html><body>server error</body></html>"
_PROTOCOL = {"X-Admin-Protocol": "gsma/rsp/v2.1.0"}
_OWN_KINDS: Mapping[str, frozenset[str]] = {
    "downloadOrder": frozenset({"pool_empty", "with_warning", "expired", "refuse"}),
    "confirmOrder": frozenset({"smds_down", "with_warning", "expired", "refuse"}),
    "cancelOrder": frozenset({"smds_down", "with_warning", "expired", "refuse"}),
    "releaseProfile": frozenset({"smds_down", "with_warning", "expired", "refuse"}),
}


class EsimSandbox:
    """An SM-DP+ with a stock of profiles and phones that can take them.

    Fault kinds besides the HTTP ones: ``pool_empty`` (8.2.5/3.7 on downloadOrder), ``smds_down`` (8.9/5.1 on the other
    three), ``with_warning`` (done, Executed-WithWarning 8.9/4.2), ``expired`` (not done), ``refuse`` (Failed with the
    option ``pair``, e.g. "8.2.1/1.2"). Facts a fault's ``where`` can name: iccid, call_id, profile_type, eid, smds.
    ``gives_address`` makes confirmOrder return smdpAddress.
    """

    def __init__(
        self,
        store: Store,
        faults: Faults,
        traffic: Traffic,
        cert_dir: Path,
        *,
        gives_address: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._faults = faults
        self._traffic = traffic
        self._cert_dir = cert_dir
        self._now = now
        self._calls = store.table("esim.calls")
        self.smdp = Smdp(store, now, gives_address)
        self.phones = Phones(self.smdp, cert_dir, now)
        self._functions: dict[str, Callable[[dict[str, Any]], dict[str, str]]] = {
            "downloadOrder": self.smdp.download_order,
            "confirmOrder": self.smdp.confirm_order,
            "cancelOrder": self.smdp.cancel_order,
            "releaseProfile": self.smdp.release_profile,
        }
        self._operators: frozenset[str] = frozenset()
        self._certificates: Certificates | None = None
        self._runner: web.AppRunner | None = None
        self._address = ""

    def load(self, world: World) -> None:
        """Fill the stock from the world, if it is empty."""
        if not self.smdp.profiles():
            self.smdp.stock(world.profiles)

    def add_stock(self, profiles: tuple[Profile, ...]) -> None:
        """Refill: profiles whose ICCID is new become Available."""
        self.smdp.stock(profiles)

    async def start(self, host: str, port: int) -> None:
        """Listen; certificates are made on the first start. ``port`` 0 takes a free one."""
        certificates = ensure_certificates(self._cert_dir, self._now)
        self._certificates = certificates
        self._operators = frozenset({_fingerprint(_der(certificates.operator.certificate))})
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(certificates.ca)
        context.load_cert_chain(certificates.server.certificate, certificates.server.key)
        app = web.Application(client_max_size=BODY_LIMIT)
        app.router.add_post(BASE + "/{function}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port, ssl_context=context).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self._address = f"https://{host}:{runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close the port; requests in hand get a second. Call ``Faults.close`` first to free held ones."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def endpoint(self) -> dict[str, Any]:
        """Everything a client and a call-back listener need to know (goes into sandbox.json)."""
        if self._certificates is None:
            raise RuntimeError("the eSIM sandbox is not started")
        files = self._certificates
        return {
            "url": self._address,
            "requester_id": REQUESTER_ID,
            "fallback_smdp_address": "smdp.sandbox.example.com",
            "ca_file": str(files.ca),
            "client_cert": str(files.operator.certificate),
            "client_key": str(files.operator.key),
            "stranger_cert": str(files.stranger.certificate),
            "stranger_key": str(files.stranger.key),
            "foreign_cert": str(files.foreign.certificate),
            "foreign_key": str(files.foreign.key),
            "callback_cert": str(files.callback.certificate),
            "callback_key": str(files.callback.key),
            "callback_pin": key_pin(_der(files.callback.certificate)),
            "receiver_cert": str(files.receiver.certificate),
            "receiver_key": str(files.receiver.key),
            "receiver_client_ca": str(files.ca),
        }

    def world(self) -> dict[str, Any]:
        """``profiles``: what stands; ``calls``: per function how often it was executed, refused, or undecodable.

        ``ordered``, ``confirmed``, ``released``, ``cancelled`` of a profile count effects, so that a repeat that
        answered without one does not show.
        """
        return {
            "profiles": [_shown(profile) for profile in self.smdp.profiles()],
            "calls": [{"function": name, **counts} for name, counts in self._calls.items()],
        }

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        function = request.match_info["function"]
        if function not in self._functions:
            return web.Response(status=404, text=_PAGE, content_type="text/html")
        body = _decoded(await request.read())
        facts = self._facts(body)
        entry = self._traffic.asked(System.ESIM, function, facts)
        fault = self._faults.take(System.ESIM, function, facts, HTTP_KINDS | _OWN_KINDS[function])
        entry.fault = fault.kind if fault else None
        own = fault if fault and fault.kind not in HTTP_KINDS else None
        spoiling = None if own else fault

        refusal = self._refused_at_the_door(request)  # now: at a late effect the connection may be gone

        def effect() -> web.Response:
            return refusal or self._execute(function, body, own)

        return await write_out(request, entry, await spoil(spoiling, self._faults, request, effect))

    def _facts(self, body: dict[str, Any] | None) -> dict[str, str]:
        """ICCID (digits) and call identifier, and what else a fault may be tied to."""
        values = body or {}
        header = values.get("header")
        iccid = str(values.get("iccid", "")).rstrip("F")
        stocked = self.smdp.profile(iccid)
        return {
            "iccid": iccid,
            "call_id": str(header.get("functionCallIdentifier", "")) if isinstance(header, dict) else "",
            "profile_type": str(values.get("profileType") or (stocked["profile_type"] if stocked else "")),
            "eid": str(values.get("eid") or ""),
            "smds": str(values.get("smdsAddress") or ""),
        }

    def _refused_at_the_door(self, request: web.Request) -> web.Response | None:
        """Certificate, content type, protocol version: before anything of the body counts."""
        tls: ssl.SSLObject | None = request.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls else None
        if not certificate:
            return _reply(_failed("1.1", "1.2", "client certificate needed"))
        if _fingerprint(certificate) not in self._operators:
            return _reply(_failed("1.1", "1.2", "client certificate unknown"))
        if request.content_type != "application/json":
            return _mislabelled(_failed("1.2.1", "2.1", "content type refused"))
        if not request.headers.get("X-Admin-Protocol", "").startswith("gsma/rsp/v"):
            return _mislabelled(_failed("1.2.2", "2.1", "X-Admin-Protocol refused"))
        return None

    def _execute(self, function: str, body: dict[str, Any] | None, fault: Fault | None) -> web.Response:
        if body is None:
            self._count(function, "malformed")
            return web.Response(status=500, text=_PAGE, content_type="text/html")
        try:
            with self._store.transaction():
                values, status = self._effect(function, body, fault)
                self._count(function, "executed" if "Executed" in str(status["status"]) else "expired")
        except Refused as refused:
            self._count(function, "failed")
            return _reply(_failed(refused.subject, refused.reason, refused.message, refused.identifier))
        except Malformed:
            self._count(function, "malformed")
            return web.Response(status=500, text=_PAGE, content_type="text/html", headers=_PROTOCOL)
        return _reply({**values, "header": {"functionExecutionStatus": status}})

    def _effect(
        self, function: str, body: dict[str, Any], fault: Fault | None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """The reply's keys and the execution status, with the fault's own answer where one is set."""
        _check_header(body)
        options = fault.options if fault else {}
        match fault.kind if fault else "":
            case "pool_empty":
                raise Refused("8.2.5", "3.7", "no more profiles of this type")
            case "smds_down":
                raise Refused("8.9", "5.1", "SM-DS not reachable")
            case "refuse":
                subject, _, reason = str(options.get("pair", "8.2.1/3.5")).partition("/")
                raise Refused(subject, reason, "refused on demand")
            case "expired":
                return {}, {"status": "Expired", "statusCodeData": _codes("1.6", "6.3", "not executed in time")}
            case "with_warning":
                values = self._functions[function](body)
                warning = _codes("8.9", "4.2", "event registration incomplete")
                return values, {"status": "Executed-WithWarning", "statusCodeData": warning}
        return self._functions[function](body), {"status": "Executed-Success"}

    def _count(self, function: str, outcome: str) -> None:
        with self._store.transaction():
            counts = self._calls.get(function) or {"executed": 0, "failed": 0, "expired": 0, "malformed": 0}
            self._calls.put(function, {**counts, outcome: counts[outcome] + 1})


def _decoded(raw: bytes) -> dict[str, Any] | None:
    """The request as a JSON object, or None. Half a surrogate pair, which JSON can spell, is not text."""
    try:
        document = json.loads(raw)
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _check_header(body: dict[str, Any]) -> None:
    header = body.get("header")
    for key in ("functionRequesterIdentifier", "functionCallIdentifier"):
        if not isinstance(header, dict) or not isinstance(header.get(key), str) or not header[key]:
            raise Malformed(key)


def _codes(subject: str, reason: str, message: str, identifier: str | None = None) -> dict[str, str]:
    codes = {"subjectCode": subject, "reasonCode": reason}
    if identifier:
        codes["subjectIdentifier"] = identifier
    return {**codes, "message": message}


def _failed(subject: str, reason: str, message: str, identifier: str | None = None) -> dict[str, Any]:
    codes = _codes(subject, reason, message, identifier)
    return {"header": {"functionExecutionStatus": {"status": "Failed", "statusCodeData": codes}}}


def _reply(document: Mapping[str, Any]) -> web.Response:
    headers = {"Content-Type": "application/json;charset=UTF-8", **_PROTOCOL}
    return web.Response(body=json.dumps(document).encode(), headers=headers)


def _mislabelled(document: Mapping[str, Any]) -> web.Response:
    return web.Response(text=json.dumps(document), content_type="text/html")


def _fingerprint(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()


def _der(path: Path) -> bytes:
    return x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER)


def _shown(profile: Document) -> dict[str, Any]:
    """A profile without its secrets: of matching id and confirmation code only whether there is one."""
    kept = ("iccid", "profile_type", "state", "since", "eid", "ordered", "confirmed", "released", "cancelled")
    phone = {
        "phone_eid": profile["phone_eid"],
        "phone_state": profile["phone_state"],
        "downloads": profile["downloads"],
    }
    return {**{key: profile[key] for key in kept}, "matching_id": bool(profile["matching_id"]), **phone}
