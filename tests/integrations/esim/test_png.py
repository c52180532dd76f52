"""Our picture of a QR code holds the pixels that segno's own writer makes, which knows every form of PNG."""

import io
import zlib
from struct import unpack

import pytest
import segno

from integrations.esim.png import png


def _pixels(picture: bytes) -> tuple[int, list[str]]:
    """The width and each row as text of 0 and 1, of a PNG of one bit a pixel."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    at, packed, width = 8, b"", 0
    while at < len(picture):
        length, name = unpack(">I4s", picture[at : at + 8])
        content = picture[at + 8 : at + 8 + length]
        assert unpack(">I", picture[at + 8 + length : at + 12 + length]) == (zlib.crc32(name + content),)
        if name == b"IHDR":
            width = unpack(">I", content[:4])[0]
            assert content[8:] == bytes([1, 0, 0, 0, 0])
        packed += content if name == b"IDAT" else b""
        at += 12 + length
    stride, rows = -(-width // 8), [b""]
    for line in range(0, len(raw := zlib.decompress(packed)), stride + 1):
        kind, row = raw[line], raw[line + 1 : line + 1 + stride]
        assert kind in (0, 2)
        rows.append(row if kind == 0 else bytes((a + b) % 256 for a, b in zip(row, rows[-1], strict=True)))
    return width, [f"{int.from_bytes(row, 'big'):0{stride * 8}b}"[:width] for row in rows[1:]]


@pytest.mark.parametrize(("text", "scale", "border"), [("x", 1, 0), ("LPA:1$smdp.example.com$K2", 6, 4), ("LPA", 5, 2)])
def test_the_pixels_are_the_symbols(text: str, scale: int, border: int) -> None:
    symbol = segno.make_qr(text)
    expected = io.BytesIO()
    symbol.save(expected, kind="png", scale=scale, border=border)
    ours = png(symbol.matrix, scale, border)
    assert _pixels(ours) == _pixels(expected.getvalue())
    assert len(_pixels(ours)[1]) == (len(symbol.matrix) + 2 * border) * scale
