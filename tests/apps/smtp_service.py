"""A mail server and its clients: many at once, mail that is too large, STARTTLS, commands of the server's own.

aiosmtpd's server is a subclass of `StreamReaderProtocol` that finds its commands by their names and changes its
transport itself. The clients are the standard library's, in threads. The arguments are a PEM certificate for localhost,
its key, and the authority that vouches for it. Needs aiosmtpd.
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
import sys
import warnings
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from aiosmtpd.smtp import SMTP, Envelope, Session

MESSAGES = 20
LIMIT = 30_000


class Mailbox:
    """Keeps what arrives."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, int, bool]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(0)
        content, recipients = envelope.content, envelope.rcpt_tos
        assert isinstance(content, bytes)
        self.mails.append((recipients[0], len(content), session.ssl is not None))
        return "250 taken"


class Server(SMTP):
    """A server with a command of its own."""

    async def smtp_COUNT(self, arg: str | None) -> None:
        await self.push(f"250 {len(self.event_handler.mails)} {arg}")


def client(port: int, number: int, context: ssl.SSLContext) -> list[Any]:
    """Sends a mail, over TLS if the number is odd, and one that is too large; returns the server's answers."""
    with smtplib.SMTP("localhost", port, timeout=30) as smtp:
        said: list[Any] = [smtp.ehlo()[0]]
        if number % 2:
            said.append(smtp.starttls(context=context)[0])
        text = f"Subject: {number}\r\n\r\n" + "a line of the mail\r\n" * number
        said.append(smtp.sendmail("from@localhost", [f"{number:02}@localhost"], text))
        smtp.mail("from@localhost")
        smtp.rcpt("nobody@localhost")
        said.append(smtp.data("too large\r\n" * (LIMIT // 5))[0])
        said.append(smtp.docmd("COUNT", "mails")[0])
        return said


async def main(certificate: str, key: str, authority: str) -> None:
    loop = asyncio.get_running_loop()
    print(f"Ran on {type(loop).__module__}.{type(loop).__qualname__}.")
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificate, key)
    theirs = ssl.create_default_context(cafile=authority)
    mailbox = Mailbox()

    def protocol() -> Server:
        return Server(mailbox, hostname="localhost", tls_context=ours, data_size_limit=LIMIT, loop=loop)

    server = await loop.create_server(protocol, "localhost", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        clients = (asyncio.to_thread(client, port, number, theirs) for number in range(MESSAGES))
        answers = await asyncio.gather(*clients)
    for number in range(2):
        print("answers:", answers[number])
    print("all the same:", all(answer == answers[number % 2] for number, answer in enumerate(answers)))
    mails = [
        (f"{n:02}@localhost", len(f"Subject: {n}\r\n\r\n") + 20 * n, n % 2 == 1) for n in range(MESSAGES)
    ]
    print("mails:", sorted(mailbox.mails) == mails)


asyncio.run(main(*sys.argv[1:]))
