// Times every kernel at the sizes of a model, on every instruction set level of this machine, x86-64 or arm64:
//   npm run microbench -- [kernel …] [--model 0.6b|1.7b|demo] [--threads 1] [--level avx2|avx512f|avx512bf16|amx|neon+…|wasm]
//   [--ms 300]: how long each call is measured; the median of its rounds counts
//   [--tuning tileRows=4,prefetchBytes=2048]: values of `Tuning` in place of the level's own
import { parseArgs } from 'node:util';
import { wasmCapabilities } from '../dist/src/jit/wasm/webAssembly.js';
import { SCRATCH_BYTES } from '../dist/src/kernels/kernel.js';
import { BYTES } from '../dist/src/kernels/registry/exampleCall.js';
import { kernelRegistry } from '../dist/src/kernels/registry/kernelRegistry.js';
import { MODEL_SHAPES } from '../dist/src/kernels/registry/modelShapes.js';
import { Arena } from '../dist/src/runtime/arena.js';
import { Conductor } from '../dist/src/runtime/conductor.js';
import { detectX64Levels } from '../dist/src/runtime/cpuFeatures.js';
import { NativeMachine } from '../dist/src/runtime/nativeMachine.js';
import { enableRelaxedSimd } from '../dist/src/runtime/nodeThreads.js';
import { findProcessor, multipliesPairs } from '../dist/src/runtime/processor.js';
import { loadNative } from '../dist/src/runtime/system/loadNative.js';
import { ENTRY } from '../dist/src/runtime/tapeLayout.js';
import { WasmMachine } from '../dist/src/runtime/wasmMachine.js';

/** A call is repeated over copies of its arrays that no cache holds together, as a model's layers follow each other. */
const COPIES_BYTES = { arithmetic: 64 * 2 ** 20, memory: 256 * 2 ** 20 };
const MAX_COPIES = 64;
const MIN_ROUNDS = 3;

/** Numbers between −1 and 1, as f32 and cut off to bf16; a prime number of them. */
const f32 = Float32Array.from({ length: 65521 }, (_, i) => Math.sin(i * i));
const PATTERNS = { f32, bf16: new Uint16Array(f32.buffer).filter((_, i) => i % 2 === 1) };

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: '0.6b' },
    threads: { type: 'string', default: '1' },
    level: { type: 'string' },
    ms: { type: 'string', default: '300' },
    tuning: { type: 'string', default: '' },
  },
});
const model = MODEL_SHAPES.find(({ name }) => name === options.model) ?? fail(`no model ${options.model}`);
const kernels = kernelRegistry.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
if (kernels.length === 0) fail(`no kernel ${wanted.join(', ')}`);
const threadCount = Number(options.threads);
const tuning = readTuning(options.tuning);
enableRelaxedSimd();
const native = await loadNative();
const found = [...machineLevels(), 'wasm'];
const levels = found.filter((level) => (options.level ?? level) === level);
if (levels.length === 0) fail(`found ${found.join(', ')} here, not ${options.level}`);

console.log(`${model.name}, ${threadCount} thread${threadCount === 1 ? '' : 's'}`);
for (const level of levels) {
  const operand = multipliesPairs(level) ? 'bf16' : 'f32';
  console.log(`\n${level}, ${operand}`);
  for (const kernel of kernels) await timeKernel(kernel, level, operand);
}

/** What machine code can be made for here. */
function machineLevels() {
  if (typeof native === 'string') return [];
  if (process.arch === 'x64') return detectX64Levels(native);
  const processor = findProcessor(native);
  return typeof processor === 'string' ? [] : processor.isas;
}

/** One machine a kernel, so that its memory goes back at once. */
async function timeKernel(kernel, level, operand) {
  const machine =
    level === 'wasm'
      ? new WasmMachine({ started: { threads: [], refusal: null }, weightBytes: 0, tuning })
      : new NativeMachine(native, level, threadCount, tuning);
  const arena = new Arena(machine, { regionBytes: 2 ** 26, keepBytes: 0 });
  const conductor = new Conductor(machine, SCRATCH_BYTES);
  const context = { model, capabilities: machine.capabilities, operand, threadCount };
  for (const call of kernel.calls(context)) {
    const blocks = [];
    const allocate = (byteLength) => {
      const block = arena.allocate(byteLength);
      blocks.push(block);
      return block;
    };
    const { tape, copies } = writeTape(call, COPIES_BYTES[kernel.limit], { machine, conductor, allocate });
    const microseconds = ((await medianMs(conductor, tape)) * 1000) / copies;
    for (const block of blocks) arena.release(block);
    const rate =
      kernel.limit === 'arithmetic'
        ? `${(call.flops / microseconds / 1000).toFixed(1).padStart(8)} GFLOP/s`
        : `${(call.bytes / microseconds / 1000).toFixed(1).padStart(8)} GB/s   `;
    const name = `${kernel.name} ${call.label}`;
    console.log(`  ${name.padEnd(46)} ${microseconds.toFixed(1).padStart(10)} µs ${rate}`);
  }
  await conductor.close();
}

/** The call, once for each copy of its arrays. */
function writeTape({ call }, copiesBytes, { machine, conductor, allocate }) {
  let bytes = 0;
  call((array) => {
    bytes += BYTES[array.dtype] * array.length;
    return { address: 0, byteLength: 0 };
  });
  const copies = Math.max(2, Math.min(MAX_COPIES, Math.floor(copiesBytes / bytes)));
  const calls = Array.from({ length: copies }, () =>
    call((array) => {
      const byteLength = BYTES[array.dtype] * array.length;
      return { address: fill(allocate(byteLength), array), byteLength };
    }),
  );
  const [kernel] = machine.install([calls[0].kernel.emit(machine.capabilities)]);
  const groups = calls.map(({ slots, tiles }) => {
    const args = allocate(8 * slots.length);
    new BigInt64Array(args.buffer, args.bufferOffset, slots.length).set(slots.map(BigInt));
    return [{ kernel, args: args.address, tiles }]; // one after another
  });
  return { tape: conductor.writeTape(allocate(ENTRY.byteLength * copies), groups), copies };
}

async function medianMs(conductor, tape) {
  await conductor.run(tape);
  const times = [];
  for (
    const endMs = performance.now() + Number(options.ms);
    times.length < MIN_ROUNDS || performance.now() < endMs;
  ) {
    const startMs = performance.now();
    await conductor.run(tape);
    times.push(performance.now() - startMs);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}

/** Random-looking numbers, or an array's own values. @returns the block's address */
function fill(block, { dtype, length, values }) {
  const at = [block.buffer, block.bufferOffset, length];
  if (dtype === 'i32') {
    new Int32Array(...at).set(values);
    return block.address;
  }
  if (dtype === 'u8') {
    new Uint8Array(...at).fill(0x3c);
    return block.address;
  }
  const array = dtype === 'f32' ? new Float32Array(...at) : new Uint16Array(...at);
  const pattern = PATTERNS[dtype].subarray(0, length);
  array.set(pattern);
  // Doubling what is there already is the fastest way to fill memory from JavaScript.
  for (let done = pattern.length; done < length; done *= 2)
    array.copyWithin(done, 0, Math.min(done, length - done));
  return block.address;
}

/** `name=number,…` of the fields that `Tuning` has. */
function readTuning(text) {
  const known = Object.keys(wasmCapabilities().tuning);
  const pairs = text === '' ? [] : text.split(',').map((pair) => pair.split('='));
  for (const [name, value] of pairs) {
    if (!known.includes(name)) fail(`expected one of ${known.join(', ')} in --tuning, found ${name}`);
    if (!/^\d+$/.test(value)) fail(`expected a number for ${name} in --tuning, found ${value}`);
  }
  return Object.fromEntries(pairs.map(([name, value]) => [name, Number(value)]));
}

function fail(message) {
  console.error(`error: ${message}`);
  process.exit(1);
}
