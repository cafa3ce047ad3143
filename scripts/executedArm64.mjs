// What an emulated arm64 processor executes of a call's first tile, in order: for modelArm64.mjs. QEMU logs every block of
// instructions that it runs, and once what each consists of.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BYTES } from '../dist/src/kernels/registry/exampleCall.js';
import { EmulatedArm64 } from '../dist/test/support/emulatedArm64.js';

/** Before the arrays of a call: what a kernel may write on, and its arguments. */
const SCRATCH_BYTES = 2 ** 20;
const ARRAYS_OFFSET = SCRATCH_BYTES + 2 ** 16;
const CACHE_LINE_BYTES = 64;

/** A block that is met for the first time, line by line, or one that is executed; addresses in hexadecimal. */
const LOG = /^IN:[^\n]*\n((?:0x.*\n)+)|^Trace \d+: \S+ \[[0-9a-f]+\/([0-9a-f]+)\//gm;

/**
 * What was executed of a call's first tile, in order: `count` instructions from `offset` in the code on.
 *
 * @param makeCall of an ExampleCall
 * @param lower machine code of the kernel
 */
export function executedBlocks(makeCall, lower) {
  const folder = mkdtempSync(join(tmpdir(), 'arm64-'));
  try {
    const log = join(folder, 'log');
    const cpu = new EmulatedArm64('max', ['-D', log, '-d', 'in_asm,exec,nochain']);
    const { kernel, slots } = placeCall(cpu, makeCall);
    const code = lower(kernel);
    const [entry] = cpu.place([code]);
    const args = cpu.address + SCRATCH_BYTES;
    new BigInt64Array(cpu.bytes.buffer, cpu.bytes.byteOffset + SCRATCH_BYTES, slots.length).set(slots);
    cpu.call(entry, [args, 0, cpu.address]);
    return readLog(readFileSync(log, 'latin1'))
      .map(({ address, count }) => ({ offset: address - entry, count }))
      .filter(({ offset }) => offset >= 0 && offset < code.length);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The call with its arrays one after another in the emulated memory: zeros, but for tables. */
function placeCall(cpu, makeCall) {
  let next = ARRAYS_OFFSET;
  const { kernel, slots } = makeCall(({ dtype, length, values }) => {
    const [at, byteLength] = [next, BYTES[dtype] * length];
    next += Math.ceil(byteLength / CACHE_LINE_BYTES) * CACHE_LINE_BYTES;
    if (next > cpu.bytes.length) throw new Error(`expected arrays of at most ${cpu.bytes.length} bytes`);
    if (values) new Int32Array(cpu.bytes.buffer, cpu.bytes.byteOffset + at, length).set(values);
    return { address: cpu.address + at, byteLength };
  });
  return { kernel, slots: slots.map(BigInt) };
}

/** The blocks that were executed: their addresses, and how many instructions they have. */
function readLog(text) {
  const counts = new Map();
  const blocks = [];
  for (const [, lines, executed] of text.matchAll(LOG)) {
    if (lines !== undefined) counts.set(Number.parseInt(lines, 16), lines.trimEnd().split('\n').length);
    else blocks.push({ address: Number.parseInt(executed, 16) });
  }
  return blocks.map(({ address }) => ({ address, count: counts.get(address) }));
}
