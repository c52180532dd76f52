"""The ES2+ client of an SM-DP+ (SGP.22 v2 §5.3): mutual TLS, four functions, no read function at all.

What the facts ask for (facts/esim.md §1.1–1.6) and where it stands: trust anchor only in ``tls``; the answer judged by
content in ``wire``; meaning of code pairs in ``pairs``; here the functions, the spelling of ICCIDs and what a reply
must hold before it may be believed. Whether a call may be repeated is the engine's knowledge, not this module's.
"""

import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import httpx

from integrations.errors import CallFailed, ErrorClass, IntegrationError, LoginFailed, System
from integrations.esim.activation import usable_host, usable_token
from integrations.esim.checkdigits import normalise_eid, normalise_iccid
from integrations.esim.progress import Meaning
from integrations.esim.provider import Capability, Confirmed
from integrations.esim.tls import client_context
from integrations.esim.wire import Executed, read_answer, request_body
from integrations.http import Timeouts, check_address, exchange, make_client

BASE_PATH = "/gsma/rsp2/es2plus"
PROBE_ICCID = "0000000000000000000"
_MATCHING_ID = re.compile(r"[-0-9A-Z]+")
_NO_SMDS = frozenset({"8.9/4.2", "8.9/5.1"})
_HANDSHAKE_ALERT = re.compile(
    r"ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_(REQUIRED|UNKNOWN|EXPIRED|REVOKED)|UNSUPPORTED_CERTIFICATE"
    r"|ACCESS_DENIED|HANDSHAKE_FAILURE|PROTOCOL_VERSION|NO_CERTIFICATE)"
)


@dataclass(frozen=True)
class Es2PlusConfig:
    """One SM-DP+.

    ``url`` is its base with or without ``/gsma/rsp2/es2plus``. ``ca_file`` holds the anchor of *its* certificate and
    nothing else. ``pad_iccid`` sends nineteen digits as twenty characters with an F (servers before v2.2 know only
    that form). ``order_by`` "type" where the vendor owns the stock. ``notification_points`` is the vendor's own map for
    the receiver. ``smds_address`` is sent with confirmOrder when the order has an EID. Without any certificate ``url``
    is plain http on this machine: something beside us (a TLS proxy, a simulator) speaks for us.
    """

    url: str
    requester_id: str
    client_cert: Path | None
    client_key: Path | None
    ca_file: Path | None
    fallback_smdp_address: str | None = None
    protocol_version: str = "2.5.0"
    pad_iccid: bool = True
    order_by: Literal["iccid", "type"] = "iccid"
    smds_address: str | None = None
    notification_points: Mapping[int, Meaning] = field(default_factory=dict)
    timeouts: Timeouts = field(default_factory=lambda: Timeouts(read=25.0, total=30.0))


class Es2PlusProvider:
    """An ``EsimProvider`` over ES2+. Nothing is read or connected before the first call.

    ``on_warning`` is told (function, code pair) of an Executed-WithWarning, which is a success.
    """

    name = "es2plus"

    def __init__(self, config: Es2PlusConfig, *, on_warning: Callable[[str, str], None] | None = None) -> None:
        self._config = config
        self._on_warning = on_warning
        self._client: httpx.AsyncClient | None = None
        self._retired: list[httpx.AsyncClient] = []
        self._stamp: tuple[int | None, ...] = ()
        self._base = ""

    @property
    def capabilities(self) -> frozenset[Capability]:
        order = Capability.ORDER_BY_TYPE if self._config.order_by == "type" else Capability.ORDER_BY_ICCID
        return frozenset({order, Capability.CANCEL, Capability.RELEASE_SEPARATE})

    async def close(self) -> None:
        clients = [*self._retired, *([self._client] if self._client else [])]
        self._client, self._retired = None, []
        for client in clients:
            await client.aclose()

    async def download(self, *, iccid: str | None, profile_type: str | None, eid: str | None, call_id: str) -> str:
        """downloadOrder by ICCID, or by profile type where ``order_by`` says so; return the ICCID of the reply.

        By type a repeat takes another profile: an unknown outcome must not be sent again.
        """
        function = "downloadOrder"
        values: dict[str, str | bool] = {}
        if eid:
            values["eid"] = self._eid(function, eid)
        if self._config.order_by == "type":
            if not profile_type:
                raise _unsendable(function, "this provider needs a profile type")
            values["profileType"] = profile_type
        else:
            if not iccid:
                raise _unsendable(function, "this provider needs an ICCID")
            values["iccid"] = self._iccid(function, iccid)
        executed = await self._call(function, values, call_id)
        return self._ordered(executed, asked=values.get("iccid"))

    async def confirm(self, *, iccid: str, matching_id: str, eid: str | None, call_id: str) -> Confirmed:
        """confirmOrder with releaseFlag=false and our own matching id; what the reply says is what counts."""
        function = "confirmOrder"
        if not _MATCHING_ID.fullmatch(matching_id):
            raise _unsendable(function, "a matching id holds digits, capital letters and hyphens")
        values: dict[str, str | bool] = {"iccid": self._iccid(function, iccid)}
        if eid:
            values["eid"] = self._eid(function, eid)
        values |= {"matchingId": matching_id, "releaseFlag": False}
        executed = await self._confirmed(function, values, call_id, announce=bool(eid))
        confirmed = executed.values.get("matchingId", "")
        if not confirmed or not usable_token(confirmed):
            raise _incomplete(function, "the reply holds no usable matching id")
        bound = executed.values.get("eid", "")
        if eid and bound and bound != values["eid"]:
            raise _incomplete(function, "the reply names another EID than the one asked for")
        return Confirmed(confirmed, self._smdp_address(executed))

    async def release(self, *, iccid: str, call_id: str) -> None:
        """releaseProfile; a repeat succeeds."""
        await self._call("releaseProfile", {"iccid": self._iccid("releaseProfile", iccid)}, call_id)

    async def cancel(self, *, iccid: str, eid: str | None, matching_id: str | None, call_id: str) -> None:
        """cancelOrder to Available. ``eid`` and ``matching_id`` are the bound ones, None where none is bound."""
        function = "cancelOrder"
        values: dict[str, str | bool] = {"iccid": self._iccid(function, iccid)}
        if eid:
            values["eid"] = self._eid(function, eid)
        if matching_id:
            values["matchingId"] = matching_id
        values["finalProfileStatusIndicator"] = "Available"
        await self._call(function, values, call_id)

    async def probe(self) -> None:
        """Reach and credentials, proved by the refusal of a call that cannot have an effect.

        ES2+ has no read function; releaseProfile of an ICCID that nobody has is answered "unknown" or "not allowed"
        to a known operator, and 1.1/1.2 to any other.
        """
        try:
            await self._call("releaseProfile", {"iccid": PROBE_ICCID}, "probe", write=False)
        except LoginFailed:
            raise
        except CallFailed as failure:
            if failure.code.startswith(("8.", "failed")):
                return
            if failure.code == "not_es2plus" or failure.http_status in (301, 302, 307, 308, 401, 403, 404, 405):
                said = "something answers at this address, but it does not speak ES2+ to us"
                raise CallFailed(
                    System.ESIM, "probe", ErrorClass.CONFIG, failure.code, said, http_status=failure.http_status
                ) from failure
            raise

    async def _confirmed(
        self, function: str, values: dict[str, str | bool], call_id: str, *, announce: bool
    ) -> Executed:
        """Confirm, at the SM-DS too if configured; an SM-DS that is down must not hold the order up."""
        if not (announce and self._config.smds_address):
            return await self._call(function, values, call_id)
        try:
            return await self._call(function, {**values, "smdsAddress": self._config.smds_address}, call_id)
        except CallFailed as failure:
            if failure.code not in _NO_SMDS:
                raise
            self._warn(function, failure.code)
            return await self._call(function, values, call_id)

    async def _call(
        self, function: str, values: Mapping[str, str | bool], call_id: str, *, write: bool = True
    ) -> Executed:
        config = self._config
        client = self._open()
        request = client.build_request(
            "POST", f"{self._base}/{function}", content=request_body(config.requester_id, call_id, values)
        )
        try:
            done = await exchange(
                client, request, system=System.ESIM, operation=function, write=write, total=config.timeouts.total
            )
        except CallFailed as failure:
            raise _tls_failure(failure) or failure from failure.__cause__
        executed = read_answer(function, done.response, write=write)
        if executed.warning:
            self._warn(function, executed.warning)
        return executed

    def _open(self) -> httpx.AsyncClient:
        """The client, made anew when a certificate file changed: a renewal needs no restart.

        Calls in flight keep the old client, which is closed with the provider. Files that cannot be used (half of a
        renewal) are an error only where no older client is left.
        """
        files = self._config.ca_file, self._config.client_cert, self._config.client_key
        stamp = tuple(_changed_at(path) for path in files)
        if self._client is not None and stamp == self._stamp:
            return self._client
        try:
            fresh = self._made()
        except IntegrationError:
            if self._client is None:
                raise
            return self._client
        if self._client is not None:
            self._retired.append(self._client)
        self._client, self._stamp = fresh, stamp
        return fresh

    def _made(self) -> httpx.AsyncClient:
        config = self._config
        address = check_address(config.url, System.ESIM)
        context = _tls_context(config, address)
        self._base = address.removesuffix(BASE_PATH) + BASE_PATH
        headers = {
            "Content-Type": "application/json",
            "X-Admin-Protocol": f"gsma/rsp/v{config.protocol_version.removeprefix('v')}",
            "User-Agent": "gsma-rsp-portal",
        }
        return make_client(timeouts=config.timeouts, verify=context, headers=headers)

    def _ordered(self, executed: Executed, *, asked: str | bool | None) -> str:
        try:
            got = normalise_iccid(executed.values.get("iccid", ""))
        except ValueError:
            raise _incomplete("downloadOrder", "the reply holds no readable ICCID") from None
        if isinstance(asked, str) and got != normalise_iccid(asked):
            raise _incomplete("downloadOrder", f"the reply names another ICCID: {got}")
        return got

    def _smdp_address(self, executed: Executed) -> str | None:
        """Most servers never return an address; one that cannot stand in an activation code is none."""
        said = executed.values.get("smdpAddress", "").strip()
        return said if said and usable_host(said) else self._config.fallback_smdp_address

    def _iccid(self, function: str, iccid: str) -> str:
        try:
            digits = normalise_iccid(iccid)
        except ValueError as error:
            raise _unsendable(function, str(error)) from None
        return digits + "F" if self._config.pad_iccid and len(digits) == 19 else digits

    def _eid(self, function: str, eid: str) -> str:
        try:
            return normalise_eid(eid)
        except ValueError as error:
            raise _unsendable(function, str(error)) from None

    def _warn(self, function: str, code: str) -> None:
        if self._on_warning is not None:
            self._on_warning(function, code)


def _tls_context(config: Es2PlusConfig, address: str) -> ssl.SSLContext:
    """Mutual TLS; or a context that trusts nobody, for plain http to a loopback address and no certificates at all."""
    certificate, key, anchor = config.client_cert, config.client_key, config.ca_file
    if address.startswith("http://"):
        if certificate is None and key is None:
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        said = "ES2+ with a client certificate needs https: the certificate is what identifies us"
        raise IntegrationError(System.ESIM, "configure", ErrorClass.CONFIG, "bad_address", said)
    if certificate is None or key is None or anchor is None:
        said = "ES2+ over https needs client_cert, client_key and ca_file"
        raise IntegrationError(System.ESIM, "configure", ErrorClass.CONFIG, "file_missing", said)
    return client_context(anchor, certificate, key)


def _changed_at(path: Path | None) -> int | None:
    try:
        return path.stat().st_mtime_ns if path is not None else None
    except OSError:
        return None


def _unsendable(function: str, said: str) -> CallFailed:
    """Our own input would be refused: nothing was sent."""
    return CallFailed(System.ESIM, function, ErrorClass.DATA, "bad_input", said)


def _incomplete(function: str, said: str) -> CallFailed:
    """Executed, but the reply cannot be used: what stands at the SM-DP+ is not known to us."""
    return CallFailed(System.ESIM, function, ErrorClass.OUTCOME_UNKNOWN, "reply_incomplete", said, http_status=200)


def _tls_failure(failure: CallFailed) -> IntegrationError | None:
    """A TLS refusal by either side proves that nothing was executed, and no retry mends it.

    With TLS 1.3 the server judges our certificate after our side is through with the handshake: its alert arrives
    where the answer should be. These alerts exist only for handshakes.
    """
    error: BaseException | None = failure
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            said = f"the server's certificate is not the configured one: {error}"
            return CallFailed(System.ESIM, failure.operation, ErrorClass.CONFIG, "server_certificate", said)
        if isinstance(error, ssl.SSLError) and (alert := _HANDSHAKE_ALERT.search(str(error))):
            return LoginFailed(
                System.ESIM, "client_certificate", f"the server refused our TLS: {alert.group(1).lower()}"
            )
        error = error.__cause__ or error.__context__
    return None
