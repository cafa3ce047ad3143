// What LLVM's models of arm64 processors say about the inner loops of the kernels, on a machine that has none of them:
//   npm run build && node scripts/modelArm64.mjs [matmul|matvec …] [--model 0.6b] [--cpu neoverse-n1,…] [--features neon+…]
// Every line is a modelled figure: no cache misses, no memory bandwidth, branches always predicted. Needs llvm-mca
// (LLVM 19; LLVM_MCA names another one) and aarch64-linux-gnu-objdump.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { arm64Capabilities, arm64Features } from '../dist/src/jit/arm64/features.js';
import { lowerArm64 } from '../dist/src/jit/arm64/lower.js';
import { kernelRegistry } from '../dist/src/kernels/registry/kernelRegistry.js';
import { MODEL_SHAPES } from '../dist/src/kernels/registry/modelShapes.js';

/** Processors that LLVM has models of, the features that kernels use there, and vector products a cycle (their guides). */
const CPUS = {
  'neoverse-n1': { features: 'neon+lse+dotprod', products: 2 },
  'neoverse-v1': { features: 'neon+lse+dotprod+bf16+i8mm', products: 4 },
  'neoverse-n2': { features: 'neon+lse+dotprod+bf16+i8mm', products: 2 },
  'neoverse-v2': { features: 'neon+lse+dotprod+bf16+i8mm', products: 4 },
  'cortex-a55': { features: 'neon+lse+dotprod', products: 1 },
  'apple-m1': { features: 'neon+lse+dotprod', products: 4 },
};

const PRODUCTS = /^(fmla|bfdot|bfmmla|sdot|udot|usdot|smmla|usmmla|smull2?|smlal2?)$/;
const ITERATIONS = 100;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: '0.6b' },
    cpu: { type: 'string', default: Object.keys(CPUS).join() },
    features: { type: 'string' },
  },
});
const wanted = positionals.length > 0 ? positionals : ['matmul', 'matvec'];
const model = MODEL_SHAPES.find(({ name }) => name === options.model);
const mca = process.env.LLVM_MCA ?? 'llvm-mca-19';

for (const cpu of options.cpu.split(',')) {
  const { features: own, products } = CPUS[cpu];
  const name = options.features ?? own;
  const features = arm64Features(name);
  const capabilities = arm64Capabilities(features);
  console.log(`\n${cpu}, ${name}: modelled by ${mca}`);
  const operands = features.bf16 ? ['bf16', 'f32'] : ['f32'];
  for (const operand of operands) {
    const context = { model, capabilities, operand, threadCount: 2 };
    const seen = new Set();
    for (const kernel of kernelRegistry.filter(({ name }) => wanted.includes(name))) {
      for (const { label, call } of kernel.calls(context)) {
        const { kernel: made } = call(() => ({ address: 0, byteLength: 0 }));
        const loop = productLoop(lowerArm64(made.emit(capabilities), features));
        if (loop === null || seen.has(loop.text)) continue;
        seen.add(loop.text);
        report(`${kernel.name} ${label}, ${operand}`, loop, cpu, products);
      }
    }
  }
}

/** Cycles of an iteration, and the share of the products that the processor could make in them. */
function report(label, { text, count, length }, cpu, products) {
  const cycles = cyclesOf(text, cpu);
  const share = count / products / cycles;
  const figures = `${String(length).padStart(4)} instructions ${String(count).padStart(3)} products`;
  console.log(
    `  ${label.padEnd(52)} ${figures} ${cycles.toFixed(1).padStart(6)} cycles ${(100 * share).toFixed(0).padStart(4)} %`,
  );
}

function cyclesOf(text, cpu) {
  const extra = cpu.startsWith('neoverse-n1') || cpu === 'cortex-a55' ? [] : ['-mattr=+bf16,+i8mm'];
  const result = spawnSync(mca, ['-march=aarch64', `-mcpu=${cpu}`, ...extra, `-iterations=${ITERATIONS}`], {
    input: text,
    encoding: 'utf8',
  });
  if (result.status !== 0) throw new Error(`${mca}: ${result.error ?? result.stderr}`);
  return Number(/^Total Cycles:\s+(\d+)/m.exec(result.stdout)[1]) / ITERATIONS;
}

/** The innermost loop with most products, as text without its branch; null: none. */
function productLoop(code) {
  const lines = disassemble(code);
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
    const count = body.filter((text) => PRODUCTS.test(text.split(' ')[0])).length;
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
