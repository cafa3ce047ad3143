import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  contains,
  isaFeatures,
  X64_LEVELS,
  type X64Level,
  x64Capabilities,
} from '../../../src/jit/x64/features.js';
import { lowerX64 } from '../../../src/jit/x64/lower.js';
import { CodePages } from '../../../src/runtime/codePages.js';
import { detectCpuFeatures, detectX64Levels } from '../../../src/runtime/cpuFeatures.js';
import { loadNative } from '../../../src/runtime/system/loadNative.js';
import type { Native } from '../../../src/runtime/system/native.js';
import { checkEdgeKernels } from '../support/checkEdgeKernels.js';
import { checkRandomKernels } from '../support/checkRandomKernels.js';
import {
  aliasKernel,
  assertAllOperations,
  checkAgainstInterpreter,
  checkCalls,
  checkNarrowedNaNs,
  fullKernel,
  type PlaceKernels,
} from '../support/loweringChecks.js';
import { x64KernelTarget } from '../support/x64KernelTarget.js';

const native = await loadNative();
const levels = typeof native === 'string' ? [] : detectX64Levels(native);

for (const level of X64_LEVELS) {
  const capabilities = x64Capabilities(level);
  const missing = typeof native === 'string' ? native : !levels.includes(level) && `this CPU has no ${level}`;

  test(`every operation does on ${level} with special values what the interpreter does`, {
    skip: missing,
  }, () => {
    if (typeof native === 'string') return;
    assert.ok(checkEdgeKernels(x64KernelTarget(native, level), capabilities) > 500_000);
  });

  test(`400 random kernels do on ${level} what the interpreter does`, { skip: missing }, () => {
    if (typeof native === 'string') return;
    const seen = checkRandomKernels(x64KernelTarget(native, level), capabilities, { seed: 1, count: 400 });
    assertAllOperations(seen, capabilities);
  });

  test(`integer operations on ${level} may write an operand`, { skip: missing }, () => {
    if (typeof native === 'string') return;
    checkAgainstInterpreter(x64KernelTarget(native, level), aliasKernel(capabilities), 4096);
  });

  test(`every integer register holds its value across a call on ${level}`, { skip: missing }, () => {
    if (typeof native === 'string') return;
    checkCalls(placeKernels(native, level), capabilities);
  });

  test(`every register of ${level} can be alive at once`, { skip: missing }, () => {
    if (typeof native === 'string') return;
    checkAgainstInterpreter(x64KernelTarget(native, level), fullKernel(capabilities), 4096);
  });

  test(`a NaN stays a NaN when ${level} narrows it to bf16`, { skip: missing }, () => {
    if (typeof native === 'string') return;
    checkNarrowedNaNs(x64KernelTarget(native, level), capabilities);
  });
}

for (const isa of ['avx2+avxvnni', 'avx512f+vnni']) {
  const features = isaFeatures(isa)!;
  const found = typeof native === 'string' ? null : detectCpuFeatures(native);
  const missing = found === null ? String(native) : !contains(found, features) && `this CPU has no ${isa}`;

  test(`dot products of bytes do on ${isa} what the interpreter does`, { skip: missing }, () => {
    if (typeof native === 'string') return;
    const capabilities = x64Capabilities(features);
    const seen = checkRandomKernels(x64KernelTarget(native, features), capabilities, { seed: 2, count: 100 });
    assert.ok(seen.has('dotBytes') && !seen.has('dotPairs'));
  });
}

function placeKernels(native: Native, level: X64Level): PlaceKernels {
  return (codes) => {
    const pages = new CodePages(native);
    const addresses = pages.install(codes.map((code) => lowerX64(code, level)));
    const address = native.reserve(4096);
    return {
      addresses,
      memory: { address, bytes: new Uint8Array(native.view(address, 4096)) },
      run: (index, args) => native.functionAt(addresses[index]!, args.length).call(...args),
    };
  };
}
