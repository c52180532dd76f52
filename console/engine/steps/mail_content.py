"""What a mail says, gathered from the order and from the activation data at the moment of sending."""

from decimal import Decimal
from typing import cast

from console.engine.failures import data_error
from console.engine.services import Engine
from console.engine.steps.email import ACTIVATION_MAIL
from integrations.esim.activation import activation_code, install_links, lpa_text, qr_png
from integrations.mail.templates import EsimContext, EsimProfile, Language, OrderContext, OrderLine, Rendered, render
from integrations.salesforce.models import OrderBundle
from storage import profiles
from storage.mail import MailRow


def content_of(engine: Engine, row: MailRow, bundle: OrderBundle) -> Rendered:
    """Raises data ``activation_missing`` when an eSIM of the order has no activation data here."""
    language = cast("Language", row.language)
    settings = engine.settings.mail
    brand = settings.brand or settings.sender.partition("<")[0].strip() or settings.sender
    name = bundle.account.name if bundle.account else ""
    if row.kind == ACTIVATION_MAIL:
        shown = tuple(_profile(engine, bundle, item.id, item.product_name) for item in bundle.items if item.is_esim)
        context = EsimContext(
            brand=brand, customer_name=name, order_number=bundle.order.number, profiles=shown, support=settings.support
        )
        return render("esim_activation", language, context)
    lines = tuple(
        OrderLine(item.product_name, int(item.quantity), (item.unit_price or Decimal(0)) * item.quantity)
        for item in bundle.items
    )
    total = sum((line.amount or Decimal(0) for line in lines), Decimal(0))
    order = OrderContext(
        brand=brand, customer_name=name, order_number=bundle.order.number, lines=lines, total=total,
        has_esim=any(item.is_esim for item in bundle.items), support=settings.support,
    )  # fmt: skip
    return render("order_provisioned", language, order)


def _profile(engine: Engine, bundle: OrderBundle, item_id: str, product_name: str) -> EsimProfile:
    kept = engine.journal.peek(lambda db: profiles.activation(db, bundle.order.id, item_id))
    rows = engine.journal.peek(lambda db: profiles.of_order(db, bundle.order.id))
    iccid = next((row.iccid for row in rows if row.order_item_id == item_id), None)
    host = (kept.smdp_address if kept else None) or engine.settings.esim.fallback_smdp_address
    if kept is None or iccid is None or not host:
        raise data_error("activation_missing", f"{product_name}: no activation data is kept here", system="esim")
    code = activation_code(host, kept.matching_id)
    links = install_links(code)
    return EsimProfile(
        product_name=product_name, iccid=iccid, smdp_address=host, activation_code=code,
        ios_link=links.ios, android_link=links.android, qr_png=qr_png(lpa_text(code)),
    )  # fmt: skip
