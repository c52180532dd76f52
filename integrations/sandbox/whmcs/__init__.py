"""A local WHMCS: the documented API of an installation, its quirks as switches, its failures on demand.

Built from public documentation and field reports only (facts/whmcs.md); nothing of WHMCS's own code is in it.
"""

from integrations.sandbox.whmcs.server import WhmcsSandbox
from integrations.sandbox.whmcs.switches import Switches

__all__ = ["Switches", "WhmcsSandbox"]
