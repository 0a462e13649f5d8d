// Verifies deliveries as the sample in docs/API.md does: a list of {key, headers, body} in, a list of booleans out.

import { createHmac, createPublicKey, timingSafeEqual, verify } from "node:crypto";
import { readFileSync } from "node:fs";

export function isGenuine(key, headers, body, now = Date.now() / 1000) {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures } = headers;
  if (!(Math.abs(now - Number(timestamp)) <= 300)) return false;
  const content = Buffer.from(`${id}.${timestamp}.${body}`);
  return signatures.split(" ").some((signature) => {
    const [version, text] = signature.split(",");
    const given = Buffer.from(text ?? "", "base64");
    if (version === "v1" && key.startsWith("whsec_")) {
      const ours = createHmac("sha256", Buffer.from(key.slice(6), "base64")).update(content).digest();
      return given.length === ours.length && timingSafeEqual(given, ours);
    }
    if (version === "v1a" && key.startsWith("whpk_")) {
      const x = Buffer.from(key.slice(5), "base64").toString("base64url");
      const publicKey = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
      return verify(null, content, publicKey, given);
    }
    return false;
  });
}

const questions = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(questions.map(({ key, headers, body }) => isGenuine(key, headers, body))));
