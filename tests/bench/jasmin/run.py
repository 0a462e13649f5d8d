"""Jasmin beside Tiffin: what it keeps up with, with and without receipts. run.py [SECONDS]; writes target/bench/jasmin.json.

Everything runs on two cores, in a temporary folder: a venv with PyPI's jasmin, its own Redis and RabbitMQ, the SMPP server
beside this file. It is helped: sockets get TCP_NODELAY, without which its receipts crawl, and the fault that loses them is mended.
A rate is kept up with where all that was offered is accepted and sent, and told of."""
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SECONDS = int(sys.argv[1]) if len(sys.argv) > 1 else 15
REDIS, AMQP, SMPP, SINK = 16379, 15772, 22775, 22780
RATES = {False: [150, 250, 350, 450, 550, 650], True: [20, 50, 100, 150, 200]}
NODELAY = """
import socket
from twisted.internet import tcp
for cls in (tcp.Client, tcp.Server):
    def wrap(made):
        def connected(self, *a, **k):
            made(self, *a, **k)
            self.setTcpNoDelay(True)
        return connected
    name = "_connectDone" if cls is tcp.Client else "__init__"
    setattr(cls, name, wrap(getattr(cls, name)))
"""
CONFIG = """[smpp-server]
bind = 127.0.0.1
port = 12775
[smpp-server-pb]
bind = 127.0.0.1
[client-management]
bind = 127.0.0.1
[router]
bind = 127.0.0.1
[http-api]
bind = 127.0.0.1
[jcli]
bind = 127.0.0.1
[amqp-broker]
host = 127.0.0.1
port = {amqp}
vhost = /
spec = {spec}
[redis-client]
host = 127.0.0.1
port = {redis}
"""
CONNECTOR = """smppccm -a
cid sim1
host 127.0.0.1
port {smpp}
username sim
password sim
submit_throughput 0
bind transceiver
ok
smppccm -1 sim1
group -a
gid g1
ok
user -a
username foo
password bar
gid g1
uid u1
ok
mtrouter -a
type defaultroute
connector smppc(sim1)
rate 0.0
ok
persist
"""


def venv(work):
    """Installs once, and lets the sockets of Twisted send at once."""
    home = Path(os.environ.get("JASMIN_VENV", work / "venv"))
    if not (home / "bin/jasmind.py").exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([home / "bin/pip", "install", "--quiet", "jasmin"], check=True)
    site = next(home.glob("lib/python3*/site-packages"))
    (site / "tiffin_nodelay.py").write_text(NODELAY)
    # 0.11.1 asks the request for its response, and loses every receipt of a message of one part.
    listeners = site / "jasmin/managers/listeners.py"
    listeners.write_text(listeners.read_text().replace("_pdu.response", "r.response"))
    return home, site


def start(children, log, *command, env=None):
    child = subprocess.Popen([str(part) for part in command], stdout=open(log, "ab"), stderr=subprocess.STDOUT,
                             stdin=subprocess.DEVNULL, env=env)
    children.append(child)
    return child


def until_listening(port, seconds=60):
    deadline = time.time() + seconds
    while time.time() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise SystemExit(f"nobody listens on {port}")


def console(text):
    """Jasmin's jCli, a line at a time: it loses what comes faster."""
    with socket.create_connection(("127.0.0.1", 8990)) as jcli:
        jcli.settimeout(0.4)
        for line in ["jcliadmin", "jclipwd", *text.splitlines(), "quit"]:
            jcli.sendall(line.encode() + b"\r\n")
            try:
                while jcli.recv(4096):
                    pass
            except TimeoutError:
                pass


async def sink(counts):
    async def serve(reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length:" in head else 0
            if b"DELIVRD" in await reader.readexactly(length):
                counts["receipts"] += 1
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nACK/Jasmin")
            await writer.drain()
        finally:
            writer.close()
    return await asyncio.start_server(serve, "127.0.0.1", SINK)


async def offer(rate, receipts):
    """Submits at a steady pace over ten connections. How many were accepted."""
    accepted, number, begun = 0, 0, time.monotonic()
    query = {"username": "foo", "password": "bar", "from": "OTP", "content": "code 123456"}
    if receipts:
        query |= {"dlr": "yes", "dlr-level": 3, "dlr-method": "POST", "dlr-url": f"http://127.0.0.1:{SINK}/"}
    text = urllib.parse.urlencode(query)

    async def client():
        nonlocal accepted, number
        reader, writer = await asyncio.open_connection("127.0.0.1", 1401)
        while time.monotonic() < begun + SECONDS:
            number += 1
            mine = number
            await asyncio.sleep(max(0, begun + mine / rate - time.monotonic()))
            writer.write(f"GET /send?{text}&to=9198{mine:08} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
            # Its replies are chunked.
            accepted += b"Success" in await reader.readuntil(b"\r\n0\r\n\r\n")
        writer.close()

    await asyncio.gather(*(client() for _ in range(10)))
    return accepted


def taken(counts):
    return int(counts.read_text().split("\n")[-2].split()[1])


def drain(counts, seconds=60):
    """Waits until what was accepted is sent."""
    before = -1
    while taken(counts) != before and seconds > 0:
        before = taken(counts)
        time.sleep(2)
        seconds -= 2


async def measure(counts, receipts):
    heard, rows = {"receipts": 0}, []
    server = await sink(heard)
    for rate in RATES[receipts]:
        before, receipts_before = taken(counts), heard["receipts"]
        accepted = await offer(rate, receipts)
        await asyncio.sleep(1.2 if receipts else 0.6)
        sent, told = taken(counts) - before, heard["receipts"] - receipts_before
        rows.append({"offered": rate, "accepted": accepted / SECONDS, "sent": sent / SECONDS, "receipts": told / SECONDS})
        print(("with" if receipts else "without"), rows[-1], flush=True)
        if accepted < 0.95 * rate * SECONDS or sent < 0.95 * accepted or (receipts and told < 0.95 * accepted):
            break
    server.close()
    return rows


def main():
    os.sched_setaffinity(0, {0, 1})
    work = Path(tempfile.mkdtemp(prefix="tiffin-jasmin-"))
    home, site = venv(work)
    root, children, result = work / "root", [], {}
    for folder in ["etc/jasmin/store", "etc/jasmin/resource", "var/log/jasmin"]:
        (root / folder).mkdir(parents=True)
    spec = site / "txamqp/specs/standard/amqp0-9-1.stripped.xml"
    (root / "etc/jasmin/jasmin.cfg").write_text(CONFIG.format(amqp=AMQP, redis=REDIS, spec=spec))
    env = os.environ | {"ROOT_PATH": str(root), "CONFIG_PATH": f"{root}/etc/jasmin/", "LOG_PATH": f"{root}/var/log/jasmin"}
    try:
        start(children, work / "redis.log", ROOT / "scripts/serve/redis.sh", work / "redis", REDIS)
        start(children, work / "rabbitmq.log", ROOT / "scripts/serve/rabbitmq.sh", work / "rabbitmq", AMQP)
        until_listening(REDIS), until_listening(AMQP)
        run = "import sys, runpy, tiffin_nodelay; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
        start(children, work / "jasmin.log", home / "bin/python", "-c", run, home / "bin/jasmind.py",
              "--enable-dlr-lookup", "--enable-dlr-thrower", "-u", "jcliadmin", "-p", "jclipwd", env=env)
        until_listening(8990), until_listening(1401)
        counts = work / "counts"
        start(children, work / "smsc.log", sys.executable, HERE / "smsc.py", SMPP, counts)
        until_listening(SMPP)
        console(CONNECTOR.format(smpp=SMPP))
        time.sleep(12)
        for receipts in (True, False):
            name = "with_receipts" if receipts else "without_receipts"
            result[name] = asyncio.run(measure(counts, receipts))
            drain(counts)
        result["load"] = " ".join(f"{load:.1f}" for load in os.getloadavg())
        out = ROOT / "target/bench"
        out.mkdir(parents=True, exist_ok=True)
        (out / "jasmin.json").write_text(json.dumps(result, indent=2))
        print(json.dumps(result, indent=2))
    finally:
        for child in reversed(children):
            child.send_signal(signal.SIGTERM)
            child.wait(30)


main()
