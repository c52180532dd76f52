"""Serialised fields for requests, written by phpserialize (the reference of facts/whmcs.md §4)."""

import base64
from collections.abc import Mapping
from typing import Any

import phpserialize


def packed(values: Mapping[int, Any]) -> str:
    return base64.b64encode(phpserialize.dumps(values)).decode()
