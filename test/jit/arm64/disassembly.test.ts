import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Assembler } from '../../../src/jit/arm64/assembler.js';
import { type InstructionForm, matchOperands } from '../../../src/jit/arm64/forms.js';
import type { Label, Operand } from '../../../src/jit/arm64/operands.js';
import { instructionForms, instructionTable, type Mnemonic } from '../../../src/jit/arm64/table.js';
import { randomIntegers } from '../x64/operandSamples.js';
import { disassembledText } from './disassembledText.js';
import { sampleOperands } from './operandSamples.js';

const mnemonics = Object.keys(instructionTable) as Mnemonic[];
const SAMPLES = 40;
const objdump = 'aarch64-linux-gnu-objdump';
const hasObjdump = spawnSync(objdump, ['--version']).status === 0;

test('every table row disassembles to what was asked for', (context) => {
  if (!hasObjdump) return context.skip(`${objdump} (binutils-aarch64-linux-gnu) is not installed`);
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

/** Text by offset, without comments. */
function disassemble(code: Uint8Array): Map<number, string> {
  const folder = mkdtempSync(join(tmpdir(), 'arm64-'));
  try {
    const file = join(folder, 'code.bin');
    writeFileSync(file, code);
    const options = ['-D', '-b', 'binary', '-m', 'aarch64', '-M', 'no-aliases', file];
    const result = spawnSync(objdump, options, { encoding: 'utf8', maxBuffer: 1 << 26 });
    assert.equal(result.status, 0, result.stderr);
    const lines = new Map<number, string>();
    for (const line of result.stdout.split('\n')) {
      const [offset, , ...parts] = line.split('\t');
      if (offset === undefined || parts.length === 0) continue;
      const text = parts.join(' ').replace(/\s*\/\/.*/, '');
      lines.set(Number.parseInt(offset, 16), text.trim().replace(/\s+/g, ' '));
    }
    return lines;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
