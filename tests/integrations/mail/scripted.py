"""An SMTP server that does exactly what a script says at one point of the conversation."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

EHLO = "250-scripted\r\n250 8BITMIME"
USUAL = {
    "greeting": "220 scripted ESMTP",
    "EHLO": EHLO,
    "HELO": "250 scripted",
    "MAIL": "250 OK",
    "RCPT": "250 OK",
    "DATA": "354 go on",
    "message": "250 OK",
    "QUIT": "221 bye",
    "AUTH": "235 OK",
    "STARTTLS": "220 go on",
}
DROP = "drop"
SILENCE = "silence"


@dataclass
class Scripted:
    """``replies`` replace the usual ones by command; DROP closes the connection, SILENCE never answers."""

    replies: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    drop_in_body: bool = False
    commands: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        verb = "greeting"
        while await self._say(verb, reader, writer):
            if verb == "QUIT":
                return
            if verb == "STARTTLS" and self.tls:
                await writer.start_tls(self.tls)
            if verb == "DATA" and self.replies.get("DATA", "354").startswith("354"):
                verb = "message"
                if self.drop_in_body:
                    await reader.read(20)
                    return
                self.bodies.append(await reader.readuntil(b"\r\n.\r\n"))
                continue
            line = (await reader.readline()).decode().rstrip()
            if not line:
                return
            self.commands.append(line)
            verb = line.split()[0].upper()

    async def _say(self, verb: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        reply = self.replies.get(verb, USUAL[verb])
        if reply == DROP:
            return False
        if reply == SILENCE:
            await reader.read()
            return False
        writer.write(reply.encode() + b"\r\n")
        await writer.drain()
        return True


@asynccontextmanager
async def serving(script: Scripted, wrapped: ssl.SSLContext | None = None) -> AsyncIterator[Scripted]:
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0, ssl=wrapped)
    script.port = server.sockets[0].getsockname()[1]
    try:
        yield script
    finally:
        server.close()
        await server.wait_closed()
