// What LLVM's models of arm64 processors say about the inner loops of the kernels, on a machine that has none of them:
//   npm run build && node scripts/modelArm64.mjs [matmul|matvec …] [--model 0.6b] [--cpu neoverse-n1,…] [--features neon+…]
//   [--label 'encoder q_proj']: calls whose label has these words
//   [--executed]: also what an emulator executes of each call's first tile, and the model's opinion of all of that
// Every line is a modelled figure: no cache misses, no memory bandwidth, branches always predicted. Needs llvm-mca
// (LLVM 19; LLVM_MCA names another one), aarch64-linux-gnu-objdump, and with --executed qemu-aarch64.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { arm64Capabilities, arm64Features } from '../dist/src/jit/arm64/features.js';
import { lowerArm64 } from '../dist/src/jit/arm64/lower.js';
import { kernelRegistry } from '../dist/src/kernels/registry/kernelRegistry.js';
import { MODEL_SHAPES } from '../dist/src/kernels/registry/modelShapes.js';
import { executedBlocks } from './executedArm64.mjs';

/**
 * Processors that LLVM has models of, the features that kernels use there, and vector products a cycle (their guides). What
 * it calls Apple's M1 is its model of 2013's Cyclone, which makes two of f32 and three of integers where an M1 makes four.
 */
const CPUS = {
  'neoverse-n1': { features: 'neon+lse+dotprod', products: 2 },
  'neoverse-v1': { features: 'neon+lse+dotprod+bf16+i8mm', products: 4 },
  'neoverse-n2': { features: 'neon+lse+dotprod+bf16+i8mm', products: 2 },
  'neoverse-v2': { features: 'neon+lse+dotprod+bf16+i8mm', products: 4 },
  'cortex-a55': { features: 'neon+lse+dotprod', products: 1 },
  'apple-m1': { features: 'neon+lse+dotprod', products: 2, dots: 3 },
};

const PRODUCTS = /^(fmla|bfdot|bfmmla|sdot|udot|usdot|smmla|usmmla|smull2?|smlal2?)$/;
const BRANCHES = /^(b|b\.\w+|cbn?z|ret)\b/;
const ITERATIONS = 100;
/** Instructions, for which llvm-mca takes some 20 s. */
const MOST_MODELLED = 400_000;
/** Participants, as servers have them: what tiles follow from. */
const THREADS = 16;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: '0.6b' },
    cpu: { type: 'string', default: Object.keys(CPUS).join() },
    features: { type: 'string' },
    label: { type: 'string', default: '' },
    executed: { type: 'boolean', default: false },
  },
});
const wanted = positionals.length > 0 ? positionals : ['matmul', 'matvec'];
const model = MODEL_SHAPES.find(({ name }) => name === options.model);
const mca = process.env.LLVM_MCA ?? 'llvm-mca-19';

for (const cpu of options.cpu.split(',')) {
  const { features: own, products, dots = products } = CPUS[cpu];
  const name = options.features ?? own;
  const features = arm64Features(name);
  const capabilities = arm64Capabilities(features);
  console.log(`\n${cpu}, ${name}: modelled by ${mca}`);
  const operands = features.bf16 ? ['bf16', 'f32'] : ['f32'];
  for (const operand of operands) {
    const context = { model, capabilities, operand, threadCount: THREADS };
    const seen = new Set();
    for (const kernel of kernelRegistry.filter(({ name }) => wanted.includes(name))) {
      for (const { label, call } of kernel
        .calls(context)
        .filter(({ label }) => label.includes(options.label))) {
        const { kernel: made } = call(() => ({ address: 0, byteLength: 0 }));
        const lines = disassemble(lowerArm64(made.emit(capabilities), features));
        const loop = productLoop(lines);
        if (loop === null || seen.has(loop.text)) continue;
        seen.add(loop.text);
        const most = /^(sdot|usdot)/m.test(loop.text) ? dots : products;
        report(`${kernel.name} ${label}, ${operand}`, loop, cpu, most);
        if (options.executed) reportExecuted(call, lines, { cpu, products: most, features, capabilities });
      }
    }
  }
}

/** Cycles of an iteration, and the share of the products that the processor could make in them. */
function report(label, { text, count, length }, cpu, products) {
  const cycles = cyclesOf(text, cpu, ITERATIONS);
  const figures = `${String(length).padStart(4)} instructions ${String(count).padStart(3)} products`;
  const share = percent(count / products / cycles);
  console.log(`  ${label.padEnd(52)} ${figures} ${cycles.toFixed(1).padStart(6)} cycles ${share}`);
}

/** The same of all that the first tile executes: packing, ends of groups and what follows the product included. */
function reportExecuted(call, lines, { cpu, products, features, capabilities }) {
  const lower = (kernel) => lowerArm64(kernel.emit(capabilities), features);
  const textsOf = ({ offset, count }) => lines.slice(offset / 4, offset / 4 + count).map(({ text }) => text);
  const blocks = executedBlocks(call, lower);
  const length = sum(blocks, ({ count }) => count);
  const count = sum(blocks, (block) => textsOf(block).filter(isProduct).length);
  const ratio = (length / count).toFixed(2);
  const isShort = length <= MOST_MODELLED;
  const straight = () =>
    blocks
      .flatMap(textsOf)
      .filter((text) => !BRANCHES.test(text))
      .join('\n');
  const share = isShort ? percent(count / products / cyclesOf(straight(), cpu, 1)) : '(too many to model)';
  console.log(`    its first tile: ${length} instructions executed, ${ratio} a product ${share}`);
}

function sum(items, amountOf) {
  return items.reduce((total, item) => total + amountOf(item), 0);
}

function percent(share) {
  return `${(100 * share).toFixed(0).padStart(4)} %`;
}

function isProduct(text) {
  return PRODUCTS.test(text.split(' ')[0]);
}

function cyclesOf(text, cpu, iterations) {
  const extra = cpu.startsWith('neoverse-n1') || cpu === 'cortex-a55' ? [] : ['-mattr=+bf16,+i8mm'];
  const result = spawnSync(mca, ['-march=aarch64', `-mcpu=${cpu}`, ...extra, `-iterations=${iterations}`], {
    input: text,
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  if (result.status !== 0) throw new Error(`${mca}: ${result.error ?? result.stderr}`);
  return Number(/^Total Cycles:\s+(\d+)/m.exec(result.stdout)[1]) / iterations;
}

/** The innermost loop with most products, as text without its branch; null: none. */
function productLoop(lines) {
  const loops = lines.flatMap(({ offset, text }, end) => {
    const target = /^b\.\S+ 0x([0-9a-f]+)/.exec(text)?.[1];
    const start =
      target === undefined ? -1 : lines.findIndex((line) => line.offset === Number.parseInt(target, 16));
    return start >= 0 && start < end && Number.parseInt(target, 16) < offset ? [{ start, end }] : [];
  });
  const innermost = loops.filter(
    ({ start, end }) => !loops.some((other) => other.start >= start && other.end < end),
  );
  const candidates = innermost.map(({ start, end }) => {
    const body = lines.slice(start, end).map(({ text }) => text);
    const count = body.filter(isProduct).length;
    return { text: body.join('\n'), count, length: body.length + 1 };
  });
  // What follows a product (SwiGLU, GELU) has polynomials of many products, and conversions.
  const products = candidates.filter(({ text }) => !/^(fdiv|fsqrt|fcvtns)/m.test(text));
  const [best] = products.sort((a, b) => b.count - a.count);
  return best === undefined || best.count === 0 ? null : best;
}

function disassemble(code) {
  const folder = mkdtempSync(join(tmpdir(), 'arm64-'));
  try {
    const file = join(folder, 'code.bin');
    writeFileSync(file, code);
    const args = ['-D', '-b', 'binary', '-m', 'aarch64', file];
    const result = spawnSync('aarch64-linux-gnu-objdump', args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
    if (result.status !== 0) throw new Error(`objdump: ${result.error ?? result.stderr}`);
    return result.stdout.split('\n').flatMap((line) => {
      const [offset, , ...parts] = line.split('\t');
      if (parts.length === 0) return [];
      return [{ offset: Number.parseInt(offset, 16), text: parts.join(' ').replace(/\s*(\/\/|<).*/, '') }];
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
