"""A small SMPP 3.4 server that takes every message, and tells half a second later that it arrived where a submit asks
for it: smsc.py PORT COUNTS."""
import asyncio
import struct
import sys
import time

PORT, COUNTS = int(sys.argv[1]), sys.argv[2]
taken = told = 0


def pdu(command, status, sequence, body=b""):
    return struct.pack(">IIII", 16 + len(body), command, status, sequence) + body


def cstrings(body, at, count):
    found = []
    for _ in range(count):
        end = body.index(0, at)
        found.append(body[at:end])
        at = end + 1
    return found, at


def receipt(source, destination, message_id, sequence):
    text = b"id:%s sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:" % message_id
    body = b"\0\1\1" + destination + b"\0\1\1" + source + b"\0\x04\0\0\0\0\0\0\0\0" + bytes([len(text)]) + text
    return pdu(0x05, 0, sequence, body)


async def serve(reader, writer):
    global taken, told
    sequence = 0

    def tell(source, destination, message_id):
        global told
        nonlocal sequence
        sequence += 1
        told += 1
        if not writer.is_closing():
            writer.write(receipt(source, destination, message_id, sequence))

    try:
        while True:
            length, command, _, number = struct.unpack(">IIII", await reader.readexactly(16))
            body = await reader.readexactly(length - 16)
            if command in (0x01, 0x02, 0x09):
                writer.write(pdu(command | 0x80000000, 0, number, b"sim\0"))
            elif command == 0x15:
                writer.write(pdu(0x80000015, 0, number))
            elif command == 0x06:
                writer.write(pdu(0x80000006, 0, number))
                return
            elif command == 0x04:
                taken += 1
                message_id = b"%08x" % taken
                writer.write(pdu(0x80000004, 0, number, message_id + b"\0"))
                _, at = cstrings(body, 0, 1)
                (source,), at = cstrings(body, at + 2, 1)
                (destination,), at = cstrings(body, at + 2, 1)
                _, at = cstrings(body, at + 3, 2)
                if body[at] & 1:
                    asyncio.get_running_loop().call_later(0.5, tell, source, destination, message_id)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def count():
    with open(COUNTS, "a", buffering=1) as out:
        while True:
            out.write(f"{time.time():.3f} {taken} {told}\n")
            await asyncio.sleep(0.5)


async def main():
    await asyncio.start_server(serve, "127.0.0.1", PORT)
    await count()


asyncio.run(main())
