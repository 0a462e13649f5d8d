// An SMSC of node-smpp (npm `smpp`): smsc.mjs PORT OPTIONS. Takes messages as OPTIONS say, and writes a line of JSON for each
// thing that happens. The protocol, and the reading of texts, are the library's.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(process.env.SMPP_REQUIRE_FROM);
const smpp = require("smpp");
const options = JSON.parse(process.argv[3]);
const { cut_every = 0, throttle_per_s = 0, receipts = "tlv", receipt_first = false, state = "DELIVRD" } = options;
const STATES = { DELIVRD: 2, UNDELIV: 5 };
const messages = new Map();
let count = 0, second = 0, inSecond = 0, written = 0;

const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

function texts(pdu) {
    const { short_message: short, message_payload: payload } = pdu;
    const body = payload && (payload.message ?? payload) || short.message || short;
    const decoded = typeof body === "string" ? body : smpp.encodings[pdu.data_coding === 8 ? "UCS2" : "ASCII"].decode(body);
    const udh = short.udh && [...short.udh[0]];
    const part = udh ? [udh[2], udh[3], udh[4]]
        : pdu.sar_total_segments ? [pdu.sar_msg_ref_num, pdu.sar_total_segments, pdu.sar_segment_seqnum] : null;
    return { text: decoded, part };
}

function receipt(session, pdu, id) {
    if (receipts === "none" || !(pdu.registered_delivery & 1)) return;
    const shown = receipts === "text_decimal" ? String(parseInt(id, 16)) : id;
    const told = { esm_class: 4, source_addr: pdu.destination_addr, destination_addr: pdu.source_addr };
    if (receipts === "tlv" || receipts === "reference") Object.assign(told, { message_state: STATES[state], short_message: "" });
    if (receipts === "tlv") told.receipted_message_id = shown;
    if (receipts === "reference") told.user_message_reference = pdu.user_message_reference;
    if (receipts.startsWith("text")) {
        const error = state === "DELIVRD" ? "000" : "027";
        told.short_message = `id:${shown} sub:001 dlvrd:001 submit date:2611211200 done date:2611211201 stat:${state} err:${error} text:x`;
    }
    const tell = () => session.deliver_sm(told, (answer) => {
        say({ event: "receipt", id, status: answer.command_status });
        if (answer.command_status === 0x64) setTimeout(tell, 100);
    });
    tell();
}

const tls = options.key ? { key: readFileSync(options.key), cert: readFileSync(options.cert) } : {};
const server = smpp.createServer(tls, (session) => {
    const bind = (pdu) => {
        if (pdu.system_id !== "tiffin" || pdu.password !== "secret08") {
            session.send(pdu.response({ command_status: smpp.ESME_RBINDFAIL }));
            return session.close();
        }
        say({ event: "bound", kind: pdu.command });
        session.send(pdu.response({ system_id: "node-smpp" }));
    };
    for (const kind of ["bind_transceiver", "bind_transmitter", "bind_receiver"]) session.on(kind, bind);
    session.on("error", (error) => say({ event: "error", error: String(error) }));
    session.on("enquire_link", (pdu) => session.send(pdu.response()));
    session.on("unbind", (pdu) => { say({ event: "unbound" }); session.send(pdu.response()); session.close(); });
    session.on("query_sm", (pdu) => {
        const known = messages.has(pdu.message_id);
        session.send(pdu.response({ message_id: pdu.message_id, message_state: 2, command_status: known ? 0 : smpp.ESME_RQUERYFAIL }));
    });
    session.on("submit_sm", (pdu) => {
        const now = Math.floor(Date.now() / 1000);
        [second, inSecond] = second === now ? [second, inSecond + 1] : [now, 1];
        if (throttle_per_s && inSecond > throttle_per_s) {
            say({ event: "throttled" });
            return session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
        }
        if (options.silent) return say({ event: "ignored" });
        const id = (0x7f000000 + ++count).toString(16).toUpperCase();
        messages.set(id, pdu);
        const other = Object.fromEntries(["0x1400", "0x1401"].filter((tag) => pdu[tag]).map((tag) => [tag, pdu[tag].toString()]));
        say({
            event: "taken", id, to: pdu.destination_addr, from: pdu.source_addr, coding: pdu.data_coding, ...texts(pdu), ...other,
            ton: [pdu.source_addr_ton, pdu.source_addr_npi, pdu.dest_addr_ton, pdu.dest_addr_npi],
            reference: pdu.user_message_reference,
        });
        if (cut_every && ++written % cut_every === 0) return say({ event: "cut" }), session.destroy();
        const answer = () => session.send(pdu.response({ message_id: id }));
        if (receipt_first) return receipt(session, pdu, id), setTimeout(answer, 50);
        setTimeout(() => { answer(); setTimeout(() => receipt(session, pdu, id), options.receipt_ms ?? 0); }, options.answer_ms ?? 0);
    });
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => say({ event: "up" }));
