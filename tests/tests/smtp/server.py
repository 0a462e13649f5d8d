"""A mail server by aiosmtpd whose answers the recipient scripts. Says what it took in lines of JSON on stdout.

rcpt.550.5.1.1@…  answers RCPT with 550 5.1.1      data.451.4.3.0@…  answers the message so
grey@…            once 450 4.7.1, as Postgrey      cut.rcpt@…        hangs up instead of answering RCPT
cut.dot@…         hangs up after the last dot      taken.cut@…       the same, but keeps the message
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

USER, PASSWORD = b"tiffin", b"Secret of the server"


def scripted(address, when):
    words = address.rsplit("@", 1)[0].split(".", 2)
    return f"{words[1]} {words[2]} scripted for <{address}>" if words[0] == when and len(words) == 3 else None


class Handler:
    def __init__(self):
        self.seen = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("cut.rcpt@"):
            server.transport.abort()
            return "250 nobody hears this"
        # Postgrey knows a sender without its extension.
        if address.startswith("grey"):
            key = (envelope.mail_from.split("+")[0], address)
            if key not in self.seen:
                self.seen.add(key)
                return "450 4.7.1 Greylisted, come back"
        refusal = scripted(address, "rcpt")
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):
        to = envelope.rcpt_tos[0]
        if refusal := scripted(to, "data"):
            return refusal
        if not to.startswith("cut.dot@"):
            tell(server, session, envelope)
        if to.startswith(("cut.dot@", "taken.cut@")):
            server.transport.abort()
        return "250 2.0.0 Ok: queued"


def tell(server, session, envelope):
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    parts = {
        part.get_content_type(): part.get_content().replace("\r\n", "\n").rstrip("\n")
        for part in message.walk()
        if not part.is_multipart()
    }
    tls = server.transport.get_extra_info("ssl_object")
    defects = [repr(defect) for part in message.walk() for defect in part.defects]
    print(
        json.dumps({
            "helo": session.host_name,
            "tls": tls.version() if tls else None,
            "user": session.auth_data.decode() if session.auth_data else None,
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "type": message.get_content_type(),
            "headers": {name.lower(): str(value) for name, value in message.items()},
            "parts": parts,
            "defects": defects,
        }),
        flush=True,
    )


def authenticate(server, session, envelope, mechanism, data):
    is_right = data.login == USER and data.password == PASSWORD
    return AuthResult(success=is_right, handled=False, auth_data=data.login)


def main(port, certificate, key, kind):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    options = {"authenticator": authenticate, "auth_required": True}
    if kind == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    elif kind == "implicit":
        # Its own rule for AUTH knows of STARTTLS alone.
        options |= {"ssl_context": context, "auth_require_tls": False}
    else:
        options = {}
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    controller = Controller(Handler(), hostname="127.0.0.1", port=int(port), ready_timeout=30, **options)
    controller.start()
    print(json.dumps({"ready": True}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
