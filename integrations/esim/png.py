"""A black and white picture of square modules as PNG (W3C PNG, third edition): one bit a pixel, equal rows told once."""

import zlib
from collections.abc import Sequence
from struct import pack

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_AS_IT_IS, _AS_ABOVE = b"\x00", b"\x02"  # filters: none, and the difference to the row above


def png(rows: Sequence[bytes | bytearray], scale: int, border: int) -> bytes:
    """``rows`` hold 1 for a dark module, 0 for a light one; ``scale`` is pixels a module, ``border`` light modules around."""
    side = (len(rows) + 2 * border) * scale
    width = -(-side // 8)  # bytes a row
    pixels = ("1" * scale, "0" * scale)  # light is 1 in a grey picture
    margin = "1" * (border * scale)
    again = (_AS_ABOVE + bytes(width)) * (scale - 1)

    def line(bits: str) -> bytes:
        return _AS_IT_IS + int(bits.ljust(width * 8, "0"), 2).to_bytes(width, "big")

    blank = line("1" * side) * (border * scale)
    body = b"".join(line(margin + "".join([pixels[module] for module in row]) + margin) + again for row in rows)
    header = pack(">2I5B", side, side, 1, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(blank + body + blank, 9)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(name, content) for name, content in parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    return pack(">I", len(content)) + name + content + pack(">I", zlib.crc32(name + content))
