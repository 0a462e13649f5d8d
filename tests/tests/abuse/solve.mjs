// Solves challenges of the built-in proof of work as ALTCHA's solvers do, with nothing but PBKDF2: counts up until the
// derived key begins with the published prefix. Run by solver.rs: reads {parameters, signature}, prints
// {"answer": base64, "lazy": [base64, …], "altered": [base64, …]}: what solves it, claims that come without the work, and
// the right solution to a challenge of one's own making.

import { pbkdf2Sync } from "node:crypto";
import { text } from "node:stream/consumers";

const { parameters, signature } = JSON.parse(await text(process.stdin));
const { nonce, salt, cost, keyLength, keyPrefix } = parameters;
const [nonceBytes, saltBytes] = [Buffer.from(nonce, "hex"), Buffer.from(salt, "hex")];

function derive(counter) {
  const password = Buffer.alloc(nonceBytes.length + 4);
  nonceBytes.copy(password);
  password.writeUInt32BE(counter, nonceBytes.length);
  return pbkdf2Sync(password, saltBytes, cost, keyLength, "sha256").toString("hex");
}

const answer = (counter, derivedKey) =>
  btoa(JSON.stringify({ challenge: { parameters, signature }, solution: { counter, derivedKey, time: 1 } }));

let counter = 0;
let key = derive(counter);
while (!key.startsWith(keyPrefix)) key = derive(++counter);

const lazy = [
  answer(0, derive(0)),
  answer(0, keyPrefix.padEnd(64, "0")),
  answer(counter, keyPrefix.padEnd(64, "0")),
  answer(counter, derive(0)),
  answer(0, key),
];
const altered = [{ cost: 1 }, { expiresAt: parameters.expiresAt + 3600 }, { keyPrefix: key.slice(0, 2) },
  { data: { ...parameters.data, level: "heavy" } }, { algorithm: "SHA-256" }, { nonce: salt }];
const forge = (change) =>
  btoa(JSON.stringify({ challenge: { parameters: { ...parameters, ...change }, signature }, solution: { counter, derivedKey: key } }));
console.log(JSON.stringify({ answer: answer(counter, key), lazy, altered: altered.map(forge) }));
