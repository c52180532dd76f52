"""JSON columns: one encoder for all (making one for each value costs more than the encoding)."""

import json

pack = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
unpack = json.loads
