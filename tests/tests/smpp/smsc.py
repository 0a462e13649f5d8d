"""An SMSC of smpp.twisted3, Jasmin's SMPP stack: smsc.py PORT OPTIONS. Takes messages as OPTIONS say, and writes a line of
JSON for each thing that happens. The protocol is the library's, and texts are read by the codec gsm0338."""
import json
import sys

import gsm0338
from smpp.pdu import pdu_types
from smpp.pdu.operations import DeliverSM
from smpp.pdu.pdu_types import CommandStatus, EsmClass, EsmClassMode, EsmClassType, MessageState
from smpp.twisted.config import SMPPServerConfig
from smpp.twisted.protocol import DataHandlerResponse
from smpp.twisted.server import SMPPServerFactory
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet import reactor, task
from zope.interface import implementer

OPTIONS = json.loads(sys.argv[2])
CUT_EVERY, RECEIPTS = OPTIONS.get("cut_every", 0), OPTIONS.get("receipts", "tlv")
counts = {"taken": 0, "second": 0, "in_second": 0}


def say(**line):
    print(json.dumps(line), flush=True)


def read(pdu):
    octets, part = pdu.params["short_message"] or pdu.params.get("message_payload"), None
    if b"\x05\x00\x03" == octets[:3]:
        part, octets = list(octets[3:6]), octets[6:]
    elif "sar_total_segments" in pdu.params:
        part = [pdu.params[name] for name in ("sar_msg_ref_num", "sar_total_segments", "sar_segment_seqnum")]
    is_ucs2 = pdu.params["data_coding"].schemeData == pdu_types.DataCodingDefault.UCS2
    text = octets.decode("utf-16-be") if is_ucs2 else gsm0338.Codec().decode(octets)[0]
    return {"text": text, "part": part, "coding": 8 if is_ucs2 else 0}


def told(smpp, pdu, id):
    receipt = {
        "source_addr": pdu.params["destination_addr"],
        "destination_addr": pdu.params["source_addr"],
        "esm_class": EsmClass(EsmClassMode.DEFAULT, EsmClassType.SMSC_DELIVERY_RECEIPT),
        "short_message": b"",
    }
    if RECEIPTS == "tlv":
        receipt |= {"receipted_message_id": id.encode(), "message_state": MessageState.DELIVERED}
    else:
        receipt["short_message"] = f"id:{id} sub:001 dlvrd:001 submit date:2611211200 done date:2611211201 stat:DELIVRD err:000 text:x".encode()

    def answered(result):
        say(event="receipt", id=id, status=0)

    def refused(failure):
        say(event="receipt", id=id, status=0x64)
        reactor.callLater(0.1, told, smpp, pdu, id)

    if smpp.isBound():
        smpp.sendDataRequest(DeliverSM(**receipt)).addCallbacks(answered, refused)


def handle(system_id, smpp, pdu):
    if pdu.id != pdu_types.CommandId.submit_sm:
        return CommandStatus.ESME_RINVCMDID
    now = int(reactor.seconds())
    counts["in_second"] = counts["in_second"] + 1 if counts["second"] == now else 1
    counts["second"] = now
    if 0 < OPTIONS.get("throttle_per_s", 0) < counts["in_second"]:
        say(event="throttled")
        return CommandStatus.ESME_RTHROTTLED
    counts["taken"] += 1
    id = f"{0x7F000000 + counts['taken']:08x}"
    address = lambda name: pdu.params[name].decode()
    say(event="taken", id=id, to=address("destination_addr"), **{"from": address("source_addr")}, **read(pdu),
        reference=pdu.params.get("user_message_reference"))
    if CUT_EVERY and counts["taken"] % CUT_EVERY == 0:
        say(event="cut")
        smpp.transport.abortConnection()
        return CommandStatus.ESME_ROK
    receipts = pdu.params["registered_delivery"].receipt
    if RECEIPTS != "none" and receipts == pdu_types.RegisteredDeliveryReceipt.SMSC_DELIVERY_RECEIPT_REQUESTED:
        reactor.callLater(OPTIONS.get("receipt_ms", 0) / 1000, told, smpp, pdu, id)
    return task.deferLater(reactor, OPTIONS.get("answer_ms", 0) / 1000,
                           lambda: DataHandlerResponse(status=CommandStatus.ESME_ROK, message_id=id.encode()))


@implementer(IRealm)
class Realm:
    def requestAvatar(self, avatar, mind, *interfaces):
        return "SMPP", avatar, lambda: None


class Passwords(InMemoryUsernamePasswordDatabaseDontUse):
    def requestAvatarId(self, credentials):
        credentials.username, credentials.password = credentials.username.encode(), credentials.password.encode()
        return super().requestAvatarId(credentials)


config = SMPPServerConfig(msgHandler=handle, systems={"tiffin": {"max_bindings": 16}})
portal = Portal(Realm())
portal.registerChecker(Passwords(tiffin=b"secret08"))
reactor.listenTCP(int(sys.argv[1]), SMPPServerFactory(config, auth_portal=portal), interface="127.0.0.1")
reactor.callWhenRunning(say, event="up")
reactor.run()
