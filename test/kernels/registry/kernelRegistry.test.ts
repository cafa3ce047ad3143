import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { arm64Capabilities, arm64Features } from '../../../src/jit/arm64/features.js';
import { lowerArm64 } from '../../../src/jit/arm64/lower.js';
import type { Capabilities, Instruction, IntReg, KernelCode } from '../../../src/jit/ir.js';
import { registersUsed } from '../../../src/jit/registerUse.js';
import { isaFeatures, X64_LEVELS, x64Capabilities } from '../../../src/jit/x64/features.js';
import { lowerX64 } from '../../../src/jit/x64/lower.js';
import type { KernelCall } from '../../../src/kernels/kernel.js';
import { matmul } from '../../../src/kernels/matrix/matmul.js';
import type { MatmulSpec } from '../../../src/kernels/matrix/productTile.js';
import {
  type Allocate,
  arrayBytes,
  type ExampleArray,
  type ExampleCall,
  type ExampleContext,
} from '../../../src/kernels/registry/exampleCall.js';
import { kernelRegistry } from '../../../src/kernels/registry/kernelRegistry.js';
import { MODEL_SHAPES } from '../../../src/kernels/registry/modelShapes.js';
import { ARM64_CPUS } from '../../support/emulatedArm64.js';
import { demoModelDir, projectRoot } from '../../support/projectRoot.js';
import { type KernelArray, runCall, type runKernel } from '../support/kernelHarness.js';
import { kernelTargets } from '../support/kernelTargets.js';
import { randomOperand } from '../support/randomOperand.js';

/** Kernels that only measure the machine; they have no reference. */
const UNREGISTERED = ['ceiling', 'readCeiling', 'writeCeiling'];

/** [file, function] of everything in src/kernels that makes a kernel. */
function kernelFunctions(): (readonly [file: string, name: string])[] {
  const folder = join(projectRoot, 'src', 'kernels');
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => {
      const source = readFileSync(join(folder, file), 'utf8');
      const functions = source.matchAll(/^export function (\w+)\((?:[^()]|\([^()]*\))*\): Kernel</gm);
      return [...functions].map((match) => [file, match[1]!] as const);
    });
}

/** A target of physical registers. */
interface MachineLevel {
  readonly level: string;
  readonly capabilities: Capabilities;
  lower(code: KernelCode): Uint8Array;
}

const MACHINE_LEVELS: readonly MachineLevel[] = [
  ...[...X64_LEVELS, 'avx2+avxvnni', 'avx512f+vnni'].map((level) => {
    const features = isaFeatures(level)!;
    return {
      level,
      capabilities: x64Capabilities(features),
      lower: (code: KernelCode) => lowerX64(code, features),
    };
  }),
  ...Object.values(ARM64_CPUS).map(({ name }) => ({
    level: name,
    capabilities: arm64Capabilities(arm64Features(name)!),
    lower: (code: KernelCode) => lowerArm64(code, arm64Features(name)!),
  })),
];

/** Every way in which a registered kernel may be asked for. */
function contexts(): (ExampleContext & MachineLevel)[] {
  return MODEL_SHAPES.flatMap((model) =>
    MACHINE_LEVELS.flatMap((machine) =>
      (machine.capabilities.pairDot ? (['f32', 'bf16'] as const) : (['f32'] as const)).flatMap((operand) =>
        [1, 2, 8].map((threadCount) => ({ ...machine, model, operand, threadCount })),
      ),
    ),
  );
}

test('every kernel is registered, and it or its file has a test', () => {
  const functions = kernelFunctions().filter(([, name]) => !UNREGISTERED.includes(name));
  assert.deepEqual(kernelRegistry.map(({ name }) => name).sort(), functions.map(([, name]) => name).sort());
  for (const [file, name] of functions) {
    const folder = join(projectRoot, 'test', 'kernels', dirname(file));
    const paths = [name, basename(file, '.ts')].map((test) => join(folder, `${test}.test.ts`));
    assert.ok(paths.some(existsSync), `${paths.join(' and ')} are missing`);
  }
});

test('docs/kernels.md has every operation and every kernel', () => {
  const text = readFileSync(join(projectRoot, 'docs', 'kernels.md'), 'utf8');
  const language = readFileSync(join(projectRoot, 'src', 'jit', 'ir.ts'), 'utf8');
  const operations = [...language.matchAll(/readonly op: '(\w+)'/g)].map((match) => match[1]!);
  assert.ok(operations.length > 30);
  const named = new Set([...text.matchAll(/`(\w+)`/g)].map((match) => match[1]!));
  assert.deepEqual(
    [...operations, ...kernelRegistry.map(({ name }) => name)].filter((name) => !named.has(name)),
    [],
  );
});

test('every kernel fits the registers of every level in every model, and a name stands for one code', () => {
  const codes = new Map<string, string>();
  for (const context of contexts()) {
    const { level, capabilities, lower } = context;
    for (const { kernel } of examples(context)) {
      const key = `${level} ${kernel.name}`;
      const code = kernel.emit(capabilities);
      const text = JSON.stringify(code);
      if (!codes.has(key)) assert.ok(lower(code).length > 0, key);
      assert.equal(codes.get(key) ?? text, text, key);
      codes.set(key, text);
    }
  }
  assert.ok(codes.size > 300, `${codes.size} kernels were built`);
});

test('kernels read no argument that they have not declared', () => {
  const offsets = (body: readonly Instruction[], args: IntReg): number[] =>
    body.flatMap((i) => {
      assert.ok(!registersUsed(i).writes.includes(args), 'the address of the arguments stays what it is');
      if (i.op === 'if') return [i.whenTrue, i.whenFalse].flatMap((arm) => offsets(arm, args));
      if (i.op === 'loop' || i.op === 'while') return offsets(i.body, args);
      if (i.op !== 'intLoad') return registersUsed(i).reads.includes(args) ? [Number.NaN] : [];
      return i.from.base === args && i.type === 'pointer' ? [i.from.offset] : [];
    });
  let reads = 0;
  for (const context of contexts()) {
    for (const { kernel, slots } of examples(context)) {
      const { body, params } = kernel.emit(context.capabilities);
      const declared = slots.map((_, slot) => 8 * slot);
      for (const offset of offsets(body, params[0]!)) {
        assert.ok(declared.includes(offset), `${kernel.name} reads argument bytes at ${offset}`);
        reads++;
      }
    }
  }
  assert.ok(reads > 1000, `${reads} arguments`);
});

test('whatever a matrix product is specialised on is in its name', () => {
  const epilogue = {
    bias: false,
    activation: 'none',
    residual: false,
    yDtype: 'f32',
    yStrideBytes: 256,
    residualStrideBytes: 0,
  } as const;
  const spec: MatmulSpec = {
    aDtype: 'f32',
    bDtype: 'f32',
    n: 64,
    segments: 1,
    segmentDepth: 96,
    aSegmentStrideBytes: 0,
    aStrideBytes: 384,
    bStrideBytes: 384,
    indirect: false,
    columnsPerTile: 32,
    panels: false,
    epilogue,
  };
  const changes: Partial<MatmulSpec>[] = [
    {},
    { aDtype: 'bf16' },
    { bDtype: 'bf16' },
    { n: 80 },
    { segments: 3 },
    { segmentDepth: 128 },
    { aSegmentStrideBytes: 64 },
    { aStrideBytes: 512 },
    { bStrideBytes: 512 },
    { indirect: true },
    { columnsPerTile: 16 },
    { panels: true },
    { epilogue: { ...epilogue, bias: true } },
    { epilogue: { ...epilogue, activation: 'gelu' } },
    { epilogue: { ...epilogue, activation: 'swiglu' } },
    { epilogue: { ...epilogue, residual: true, residualStrideBytes: 256 } },
    { epilogue: { ...epilogue, residual: true, residualStrideBytes: 512 } },
    { epilogue: { ...epilogue, yDtype: 'bf16' } },
    { epilogue: { ...epilogue, yStrideBytes: 512 } },
  ];
  const names = changes.map((change) => matmul({ ...spec, ...change }).name);
  assert.equal(new Set(names).size, changes.length);
});

test('every call says what it does and costs', () => {
  for (const context of contexts()) {
    for (const kernel of kernelRegistry) {
      const calls = kernel.calls(context);
      assert.ok(calls.length > 0, kernel.name);
      assert.equal(new Set(calls.map(({ label }) => label)).size, calls.length, `${kernel.name}: labels`);
      for (const example of calls) {
        const where = `${kernel.name}, ${example.label}`;
        const call = example.call(nowhere());
        assert.ok(call.kernel.name.startsWith(kernel.name), `${where}: ${call.kernel.name}`);
        assert.ok(call.tiles > 0 && Number.isInteger(call.tiles), `${where}: ${call.tiles} tiles`);
        assert.ok(example.bytes > 0, `${where}: ${example.bytes} bytes`);
        assert.ok(kernel.limit === 'memory' || example.flops > 0, `${where}: ${example.flops} flops`);
        assert.ok(call.writes.length > 0, `${where}: writes nothing`);
        assert.ok(call.slots.every(Number.isSafeInteger), `${where}: a slot is missing`);
      }
    }
  }
});

test('the sizes of the demo model are those of its files', () => {
  const config = JSON.parse(readFileSync(join(demoModelDir, 'config.json'), 'utf8')).thinker_config;
  const { audio_config: audio, text_config: text } = config;
  const { encoder, decoder } = MODEL_SHAPES.find(({ name }) => name === 'demo')!;
  assert.deepEqual(encoder, {
    dModel: audio.d_model,
    heads: audio.encoder_attention_heads,
    feedForward: audio.encoder_ffn_dim,
    channels: audio.downsample_hidden_size,
    windowTokens: (13 * audio.n_window_infer) / 100,
  });
  assert.deepEqual(decoder, {
    hidden: text.hidden_size,
    intermediate: text.intermediate_size,
    heads: text.num_attention_heads,
    kvHeads: text.num_key_value_heads,
    headDim: text.head_dim,
    vocabulary: text.vocab_size,
  });
});

describe('the calls of the demo model write only what is theirs', async () => {
  const model = MODEL_SHAPES.find(({ name }) => name === 'demo')!;
  for (const target of (await kernelTargets()).filter(({ isSlow }) => !isSlow)) {
    const { capabilities } = target;
    for (const operand of capabilities.pairDot ? (['f32', 'bf16'] as const) : (['f32'] as const)) {
      test(`${operand} on ${target.name}`, { skip: target.missing }, () => {
        const context = { model, capabilities, operand, threadCount: 2 };
        for (const kernel of kernelRegistry)
          for (const call of kernel.calls(context)) runExample(target, call);
      });
    }
  }
});

/** All calls of a context, on memory that is not there. */
function examples(context: ExampleContext): KernelCall[] {
  return kernelRegistry.flatMap((kernel) => kernel.calls(context)).map(({ call }) => call(nowhere()));
}

/** Gives addresses one after another. */
function nowhere(): Allocate {
  let address = 4096;
  return (array) => {
    const memory = { address, byteLength: arrayBytes(array) };
    address += memory.byteLength;
    return memory;
  };
}

/** Runs a call on random numbers; the harness notices what it writes elsewhere. */
function runExample(target: Parameters<typeof runKernel>[0], { call }: ExampleCall): void {
  const arrays: KernelArray[] = [];
  const place = nowhere();
  call((array) => {
    arrays.push(arrayOf(array));
    return place(array);
  });
  runCall(target, arrays, (memory) => {
    let next = 0;
    return call(() => memory[next++]!);
  });
}

function arrayOf({ dtype, length, values }: ExampleArray): KernelArray {
  if (dtype === 'u8') return new Uint8Array(length).fill(0x3c);
  return dtype === 'i32' ? values!.slice() : randomOperand(dtype, length, length);
}
