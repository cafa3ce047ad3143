import { KernelBuilder } from '../jit/builder.js';
import type { KernelCode, VecReg } from '../jit/ir.js';
import { type CpuFeatures, X64_PRESETS, x64Capabilities } from '../jit/x64/features.js';
import { lowerX64 } from '../jit/x64/lower.js';
import type { CpuFindings, ProbeTimes } from '../jit/x64/tuning.js';
import { CodePages } from './codePages.js';
import { describeCpu } from './cpuFeatures.js';
import type { Native } from './system/native.js';

/** Vector operations of a run: 40 µs on a core that does two a cycle at 3 GHz, so that most runs are not interrupted. */
const OPERATIONS = 240_000;

/** The shortest of so many runs counts: with four kinds of operations about 2 ms. */
const ROUNDS = 7;

/** Products of a loop's turn: as many as the register tile of a matrix product has sums. */
const PRODUCTS = { wide: 24, narrow: 12 } as const;
/** Vectors of weights in such a tile's step. */
const WIDENED = 4;

const known = new WeakMap<Native, Map<string, CpuFindings>>();

/**
 * What tuning follows from, measured once in a process. Kinds of operations take turns, and the shortest run of each
 * counts, so that what else the machine does, and a clock that rises meanwhile, disturb little; the bounds in
 * `tuning.ts` leave room for the rest. Findings change the speed of kernels and the order of their sums, nothing else.
 *
 * @param features what kernels will use of this CPU, which has them
 * @throws QwenAsrError `unsupported` when no memory can be made executable
 */
export function probeCpu(native: Native, features: CpuFeatures): CpuFindings {
  const findings = known.get(native) ?? new Map<string, CpuFindings>();
  known.set(native, findings);
  const key = `${features.avx512} ${features.bf16}`;
  let found = findings.get(key);
  if (found === undefined) {
    found = { ...describeCpu(native), times: measure(native, features) };
    findings.set(key, found);
  }
  return found;
}

function measure(native: Native, features: CpuFeatures): ProbeTimes | null {
  const { avx512, bf16 } = features;
  const half = X64_PRESETS.avx2;
  const kinds = [
    lowerX64(repeated(features, 'fma'), features),
    lowerX64(repeated(features, 'fmaWidening'), features),
    avx512 ? lowerX64(repeated(half, 'fma'), half) : null,
    bf16 ? lowerX64(repeated(features, 'pairs'), features) : null,
  ];
  const pages = new CodePages(native);
  const memory = native.reserve(4096);
  try {
    const runs = kinds.map((code) => {
      if (code === null) return null;
      const [address] = pages.install([code]) as [number];
      return native.functionAt(address, 1);
    });
    const times = kinds.map((code) => (code === null ? null : Number.POSITIVE_INFINITY));
    for (let round = 0; round < ROUNDS; round++) {
      runs.forEach((run, i) => {
        const startMs = performance.now();
        run?.call(memory);
        times[i] = run === null ? null : Math.min(times[i]!, performance.now() - startMs);
      });
    }
    const [fma, fmaWidening, fmaHalf, pairs] = times as [number, number, number | null, number | null];
    // A clock that stands still says nothing.
    return Math.min(fma, fmaWidening, fmaHalf ?? fma, pairs ?? fma) > 0
      ? { fma, fmaWidening, fmaHalf, pairs }
      : null;
  } finally {
    native.release(memory, 4096);
    pages.release();
  }
}

/** kernel(memory): OPERATIONS products; the sums are stored, so that nobody can say that they are unused. */
function repeated(features: CpuFeatures, kind: 'fma' | 'fmaWidening' | 'pairs'): KernelCode {
  const capabilities = x64Capabilities(features);
  const k = new KernelBuilder(`probe.${kind}`, capabilities);
  const memory = k.param();
  const count = PRODUCTS[features.avx512 ? 'wide' : 'narrow'];
  const sums = Array.from({ length: count }, () => k.vecConst(0));
  const operand = k.vecBits(0x01010101); // small and normal in every type
  const product = (sum: VecReg): void =>
    kind === 'pairs' ? k.dotPairs(sum, operand, operand) : k.fma(sum, operand, operand);
  k.loop(OPERATIONS / count, () => {
    sums.forEach((sum, i) => {
      if (kind === 'fmaWidening' && i % (count / WIDENED) === 0) k.load(k.at(memory, 64 * i), 'bf16');
      product(sum);
    });
  });
  sums.forEach((sum, i) => {
    k.store(k.at(memory, 64 * i), sum);
  });
  return k.finish();
}
