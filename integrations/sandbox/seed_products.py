"""What the sandbox's portal sells: Internet, SIM and eSIM, VPN, with their one-time fees as products of their own.

A price is the only amount of a product: WHMCS knows no set-up fee here, so that the approved line and the bill can be
compared yen by yen (design/rules.md §6).
"""

from decimal import Decimal

from integrations.sandbox.world import Option, Product

FREE = Decimal(0)

ACCESS = Option(11, "Access method", {101: "IPoE, hired router", 102: "IPoE, own router", 103: "PPPoE"})
HOME_PHONE = Option(12, "Home phone", {111: "No", 112: "Yes"})
STATIC_IPS = Option(13, "Static IPv4 addresses", {}, kind="quantity")
VOICE_MAIL = Option(21, "Voice mail", {201: "No", 202: "Yes"})
NETWORK = Option(22, "Network", {211: "4G", 212: "5G"})
TRAVEL_ZONE = Option(23, "Travel zone", {221: "Asia", 222: "Europe", 223: "World"})
VPN_EXIT = Option(31, "Exit country", {301: "Japan", 302: "United States", 303: "United Kingdom"})
VPN_SEATS = Option(32, "Extra seats", {}, kind="quantity")

PRODUCTS = (
    Product(
        "INT-HOME-1G", "Internet Home 1G", "光インターネット ホーム 1G", "Internet", "Service", 101, 1101,
        Decimal(5200), FREE, "monthly", options=(ACCESS, HOME_PHONE),
        internet_tier="Silver", internet_offering="Home 1G", display_order=10,
    ),
    Product(
        "INT-HOME-10G", "Internet Home 10G", "光インターネット ホーム 10G", "Internet", "Service", 102, 1102,
        Decimal(6480), FREE, "monthly", options=(ACCESS, HOME_PHONE, STATIC_IPS),
        internet_tier="Platinum", internet_offering="Home 10G",
        display_order=20,
    ),
    Product(
        "INT-INSTALL", "Internet Installation", "インターネット開通工事", "Internet", "Installation", 103, 1103,
        Decimal(20000), FREE, "onetime", module="", display_order=30,
    ),
    Product(
        "SIM-25G", "SIM Voice 25GB", "音声SIM 25GB", "SIM", "Service", 201, 1201, Decimal(2980), FREE, "monthly",
        sim_form="Physical", options=(VOICE_MAIL, NETWORK), sim_data_size="25GB", sim_plan_type="DataSmsVoice",
        display_order=110,
    ),
    Product(
        "ESIM-25G", "eSIM Voice 25GB", "音声eSIM 25GB", "SIM", "Service", 202, 1202, Decimal(2980), FREE, "monthly",
        sim_form="eSIM", profile_type="JP-VOICE-25G", iccid_field_id=2202, options=(VOICE_MAIL, NETWORK),
        sim_data_size="25GB", sim_plan_type="DataSmsVoice", display_order=120,
    ),
    Product(
        "ESIM-TRAVEL-10G", "eSIM Travel 10GB", "トラベルeSIM 10GB", "SIM", "Service", 203, 1203, Decimal(3300), FREE,
        "onetime", sim_form="eSIM", profile_type="TRAVEL-10G", iccid_field_id=2203, options=(TRAVEL_ZONE,),
        sim_data_size="10GB", sim_plan_type="DataOnly", display_order=130,
    ),
    Product(
        "SIM-ACTIVATION", "SIM Activation Fee", "SIM事務手数料", "SIM", "Activation", 204, 1204, Decimal(3000), FREE,
        "onetime", module="", display_order=140,
    ),
    Product(
        "VPN-BASIC", "VPN Basic", "VPNベーシック", "VPN", "Service", 301, 1301, Decimal(980), FREE, "monthly",
        options=(VPN_EXIT,), vpn_region="JP", display_order=210,
    ),
    Product(
        "VPN-TEAM", "VPN Team", "VPNチーム", "VPN", "Service", 302, 1302, Decimal(48000), FREE, "annually",
        options=(VPN_EXIT, VPN_SEATS), vpn_region="US", display_order=220,
    ),
    Product(
        "VPN-ACTIVATION", "VPN Activation Fee", "VPN初期設定費用", "VPN", "Activation", 303, 1303, Decimal(1500), FREE,
        "onetime", module="", display_order=230,
    ),
)  # fmt: skip

PROFILE_TYPES = tuple(sorted({product.profile_type for product in PRODUCTS if product.profile_type}))
