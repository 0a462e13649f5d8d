// Times the first call and the later ones of the wasm that is named on the command line.
import { readFileSync } from "node:fs";

const module = new WebAssembly.Module(readFileSync(process.argv[2]));
const { exports: wasm } = new WebAssembly.Instance(module, {});

function time(number, times) {
  const bytes = new TextEncoder().encode(number);
  new Uint8Array(wasm.memory.buffer, wasm.text(), 16).set(bytes);
  const start = process.hrtime.bigint();
  wasm.run(bytes.length, times);
  return Number(process.hrtime.bigint() - start);
}

const numbers = ["+919876543210", "+12025550123", "+18765550123", "+447400123456", "+4915123456789", "+8821612345678"];
const first = time(numbers[0], 1);
const rounds = 200_000;
for (const number of numbers) time(number, rounds);
const warm = numbers.map((number) => time(number, rounds) / rounds);
console.log(`first call ${(first / 1000).toFixed(0)} µs; then ${warm.map((ns) => ns.toFixed(0)).join(", ")} ns a number`);
