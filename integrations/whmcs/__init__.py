"""The WHMCS API: encodings on the wire, tolerant reading, the closed list of refusals, whole listings, the client.

Built from public documentation and measurements (facts/whmcs.md); never from WHMCS's own source.
"""
