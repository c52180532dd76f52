"""Settings → clients of the outside systems. Nothing is connected here. Imported by the daemon's start only: 1 s."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from console.settings.model import Settings
from integrations.errors import System
from integrations.esim.es2plus import Es2PlusConfig, Es2PlusProvider
from integrations.esim.progress import vendor_points
from integrations.http import Timeouts
from integrations.mail.smtp import SmtpConfig, SmtpTransport
from integrations.salesforce.client import SalesforceClient
from integrations.salesforce.config import ClientCredentials, JwtBearer, SalesforceConfig
from integrations.whmcs.client import WhmcsClient
from integrations.whmcs.config import WhmcsConfig


@dataclass(frozen=True)
class Clients:
    """One of each, made from the settings."""

    salesforce: SalesforceClient
    whmcs: WhmcsClient
    esim: Es2PlusProvider
    mail: SmtpTransport

    async def close(self) -> None:
        await self.salesforce.close()
        await self.whmcs.close()
        await self.esim.close()


def make_clients(
    settings: Settings, now: Callable[[], datetime], server_date: Callable[[str, datetime], None]
) -> Clients:
    """``server_date`` gets (system, Date header). Raises IntegrationError (config) for addresses that may not be used."""
    return Clients(
        salesforce=SalesforceClient(
            salesforce_config(settings), now=now, on_server_date=lambda date: server_date(System.SALESFORCE, date)
        ),
        whmcs=WhmcsClient(whmcs_config(settings), on_server_date=lambda date: server_date(System.WHMCS, date)),
        esim=Es2PlusProvider(esim_config(settings)),
        mail=SmtpTransport(smtp_config(settings), now=now),
    )


def salesforce_config(settings: Settings) -> SalesforceConfig:
    chosen = settings.salesforce
    total = chosen.timeout
    auth: ClientCredentials | JwtBearer
    if chosen.private_key.get_secret_value():
        audience = chosen.audience or chosen.login_url
        auth = JwtBearer(chosen.client_id, chosen.username, chosen.private_key.get_secret_value(), audience)
    else:
        auth = ClientCredentials(chosen.client_id, chosen.client_secret.get_secret_value())
    return SalesforceConfig(
        login_url=chosen.login_url, auth=auth, api_version=chosen.api_version, org_id=chosen.org_id or None,
        timeouts=Timeouts(connect=min(5.0, total), read=min(30.0, total), write=min(30.0, total), total=total), workers=chosen.workers, ca_file=chosen.ca_file, trust_env=chosen.trust_env,
    )  # fmt: skip


def whmcs_config(settings: Settings) -> WhmcsConfig:
    chosen = settings.whmcs
    read, write = chosen.read_timeout, chosen.write_timeout
    return WhmcsConfig(
        url=chosen.url, identifier=chosen.identifier, secret=chosen.secret.get_secret_value(),
        access_key=chosen.access_key.get_secret_value() or None,
        read_timeouts=Timeouts(connect=min(5.0, read), read=read, write=read, total=read),
        write_timeouts=Timeouts(connect=min(5.0, write), read=write, write=write, total=write),
        ca_file=chosen.ca_file, trust_env=chosen.trust_env,
    )  # fmt: skip


def esim_config(settings: Settings) -> Es2PlusConfig:
    chosen = settings.esim
    return Es2PlusConfig(
        url=chosen.url, requester_id=chosen.requester_id, client_cert=chosen.client_cert, client_key=chosen.client_key,
        ca_file=chosen.ca_file or chosen.client_cert, fallback_smdp_address=chosen.fallback_smdp_address or None,
        protocol_version=chosen.protocol_version.removeprefix("v"), pad_iccid=chosen.pad_iccid, order_by=chosen.order_by,
        notification_points=vendor_points(chosen.notification_points),
        timeouts=Timeouts(read=chosen.timeout, total=chosen.timeout),
    )  # fmt: skip


def smtp_config(settings: Settings) -> SmtpConfig:
    chosen = settings.mail
    return SmtpConfig(
        host=chosen.host, port=chosen.port, security=chosen.security, username=chosen.username,
        password=chosen.password.get_secret_value(), ca_file=chosen.ca_file, timeout=chosen.timeout,
        answer_timeout=chosen.answer_timeout,
    )  # fmt: skip
