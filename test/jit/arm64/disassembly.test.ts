import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Assembler } from '../../../src/jit/arm64/assembler.js';
import { arm64Capabilities, arm64Features } from '../../../src/jit/arm64/features.js';
import { type InstructionForm, matchOperands } from '../../../src/jit/arm64/forms.js';
import { lowerArm64 } from '../../../src/jit/arm64/lower.js';
import type { Label, Operand } from '../../../src/jit/arm64/operands.js';
import { instructionForms, instructionTable, type Mnemonic } from '../../../src/jit/arm64/table.js';
import type { KernelCode } from '../../../src/jit/ir.js';
import { kernelRegistry } from '../../../src/kernels/registry/kernelRegistry.js';
import { MODEL_SHAPES } from '../../../src/kernels/registry/modelShapes.js';
import {
  adaptKernel,
  joinKernel,
  leaveKernel,
  passKernel,
  workerKernel,
} from '../../../src/runtime/participantKernels.js';
import { walkerKernel } from '../../../src/runtime/walker.js';
import { ARM64_CPUS } from '../../support/emulatedArm64.js';
import { randomIntegers } from '../x64/operandSamples.js';
import { disassemble, disassemblerMissing } from './disassemble.js';
import { disassembledText } from './disassembledText.js';
import { sampleOperands } from './operandSamples.js';

const mnemonics = Object.keys(instructionTable) as Mnemonic[];
const SAMPLES = 40;

test('every table row disassembles to what was asked for', { skip: disassemblerMissing }, () => {
  const { code, expected } = assembleSamples();
  const found = disassemble(code);
  const wrong = expected.flatMap(({ offset, text }) =>
    found.get(offset) === text ? [] : [`expected ${text}, found ${found.get(offset)}`],
  );
  assert.ok(expected.length >= SAMPLES * mnemonics.length);
  assert.deepEqual(wrong.slice(0, 20), [], `${wrong.length} of ${expected.length} differ`);
});

test('every table row is the first choice for some operands', () => {
  const random = randomIntegers(2);
  const label: Label = { type: 'label', name: 'somewhere' };
  for (const mnemonic of mnemonics) {
    const forms = instructionForms(mnemonic);
    const reached = new Set<InstructionForm | undefined>();
    for (const form of forms) {
      for (let turn = 0; turn < SAMPLES; turn++) {
        const operands = sampleOperands(form, turn, random, label);
        reached.add(forms.find((candidate) => matchOperands(candidate, operands)));
      }
    }
    assert.ok(!reached.has(undefined), `${mnemonic}: operands without a form`);
    assert.equal(reached.size, forms.length, `${mnemonic}: forms that are never chosen`);
  }
});

test("no kernel names x18, which is the platform's, or x29, which points to its caller's frame", {
  skip: disassemblerMissing,
}, () => {
  for (const { name } of Object.values(ARM64_CPUS)) {
    const lines = machineCode(name).flatMap((code) => instructionsOf(code));
    assert.ok(lines.length > 10_000, `${lines.length} instructions`);
    assert.deepEqual(lines.filter((line) => /\b[wx](18|29)\b/.test(line)).slice(0, 10), [], name);
    // What would be found if it were there.
    assert.ok(lines.some((line) => /\b[wx]28\b/.test(line)) && lines.some((line) => /\b[wx]17\b/.test(line)));
  }
});

/** All kernels of the runtime and a model's, each once. */
function machineCode(isa: string): Uint8Array[] {
  const features = arm64Features(isa)!;
  const capabilities = arm64Capabilities(features);
  const model = MODEL_SHAPES.find(({ name }) => name === 'demo')!;
  const operand = capabilities.pairDot ? 'bf16' : 'f32';
  const codes = new Map<string, KernelCode>();
  for (const kernel of kernelRegistry) {
    for (const example of kernel.calls({ model, capabilities, operand, threadCount: 2 })) {
      let address = 64;
      const { kernel: used } = example.call(({ length }) => {
        const byteLength = 4 * length;
        address += byteLength;
        return { address: address - byteLength, byteLength };
      });
      if (!codes.has(used.name)) codes.set(used.name, used.emit(capabilities));
    }
  }
  const runtime = [passKernel, joinKernel, workerKernel, leaveKernel, adaptKernel, walkerKernel];
  for (const kernel of runtime) codes.set(kernel.name, kernel(capabilities));
  const waits = { kind: 'osSync', wait: 2 ** 32, wakeAll: 2 ** 33 } as const;
  return [...codes.values()].map((code) => lowerArm64(code, features, waits));
}

/** Up to the last `ret`, behind which constants are. */
function instructionsOf(code: Uint8Array): string[] {
  const lines = [...disassemble(code).values()];
  return lines.slice(0, lines.lastIndexOf('ret') + 1);
}

/** All samples of all forms in one piece of code, and the text that is expected at each offset. */
function assembleSamples(): { code: Uint8Array; expected: { offset: number; text: string }[] } {
  const random = randomIntegers(1);
  const asm = new Assembler('samples');
  const samples: { offset: number; mnemonic: Mnemonic; operands: Operand[] }[] = [];
  const targets = new Map<string, number>();
  const bindHere = (label: Label): void => {
    asm.bind(label);
    targets.set(label.name, asm.length);
  };
  for (const mnemonic of mnemonics) {
    for (const form of instructionForms(mnemonic)) {
      for (let turn = 0; turn < SAMPLES; turn++) {
        const label = asm.label(`target${samples.length}`);
        const operands = sampleOperands(form, turn, random, label);
        if (turn % 2 === 0) bindHere(label);
        for (let i = random(3); i > 0; i--) asm.emit('isb');
        samples.push({ offset: asm.length, mnemonic, operands });
        asm.emit(mnemonic, ...operands);
        if (turn % 2 === 1) bindHere(label);
      }
    }
  }
  const expected = samples.map(({ offset, mnemonic, operands }) => {
    return { offset, text: disassembledText(mnemonic, operands, targets) };
  });
  return { code: asm.finish(), expected };
}
