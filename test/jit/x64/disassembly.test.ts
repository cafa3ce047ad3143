import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Assembler } from '../../../src/jit/x64/assembler.js';
import { type InstructionForm, matchOperands } from '../../../src/jit/x64/forms.js';
import type { Label, Operand } from '../../../src/jit/x64/operands.js';
import { instructionForms, instructionTable, type Mnemonic } from '../../../src/jit/x64/table.js';
import { intelText } from './intelText.js';
import { randomIntegers, sampleCount, sampleOperands } from './operandSamples.js';

const mnemonics = Object.keys(instructionTable) as Mnemonic[];
const hasObjdump = spawnSync('objdump', ['--version']).status === 0;

test('every table row disassembles to what was asked for', (context) => {
  if (!hasObjdump && process.env['CI'] !== 'true') return context.skip('objdump (binutils) is not installed');
  assert.ok(hasObjdump, 'objdump (binutils) is required when CI=true');
  const { code, expected } = assembleSamples();
  const found = disassemble(code, expected.length);
  const wrong: string[] = [];
  for (const [offset, text] of expected) {
    if (found.get(offset) !== text) wrong.push(`expected ${text}, found ${found.get(offset)}`);
  }
  assert.ok(expected.length > 20_000, `only ${expected.length} instructions were checked`);
  assert.deepEqual(wrong.slice(0, 20), [], `${wrong.length} of ${expected.length} differ`);
});

test('every table row is the first choice for some operands', () => {
  const random = randomIntegers(2);
  const label: Label = { type: 'label', name: 'somewhere' };
  for (const mnemonic of mnemonics) {
    const forms = instructionForms(mnemonic);
    const reached = new Set<InstructionForm | undefined>();
    for (const form of forms) {
      for (let turn = 0; turn < sampleCount(form); turn++) {
        const operands = sampleOperands(form, turn, random, label);
        reached.add(forms.find((candidate) => matchOperands(candidate, operands, () => turn % 2 === 0)));
      }
    }
    assert.ok(!reached.has(undefined), `${mnemonic}: operands without a form`);
    assert.equal(reached.size, forms.length, `${mnemonic}: forms that are never chosen`);
  }
});

/** All samples of all forms in one piece of code, with the text expected at each offset. */
function assembleSamples(): { code: Uint8Array; expected: [offset: number, text: string][] } {
  const random = randomIntegers(1);
  const assembler = new Assembler({ name: 'samples' });
  const constant = assembler.constant(new Uint8Array(64), 64);
  const samples: { offset: number; mnemonic: Mnemonic; operands: Operand[]; form: InstructionForm }[] = [];
  const targets = new Map<string, number>();
  for (const mnemonic of mnemonics) {
    for (const form of instructionForms(mnemonic)) {
      for (let turn = 0; turn < sampleCount(form); turn++) {
        const isJump = form.operands[0]?.relativeBits !== undefined && form.operands[0].relativeBits > 0;
        const label = isJump ? assembler.label(`target${samples.length}`) : constant;
        const operands = sampleOperands(form, turn, random, label);
        if (isJump && turn % 2 === 0) bindHere(assembler, label, targets);
        for (let i = random(isJump ? 150 : 1); i > 0; i--) assembler.emit('nop');
        samples.push({ offset: assembler.length, mnemonic, operands, form });
        assembler.emit(mnemonic, ...operands);
        if (isJump && turn % 2 === 1) bindHere(assembler, label, targets);
      }
    }
  }
  const code = assembler.finish();
  targets.set(constant.name, code.length - 64);
  const expected = samples.map(({ offset, mnemonic, operands, form }): [number, string] => {
    return [offset, resolveLabels(intelText(mnemonic, operands, form.operands), targets)];
  });
  return { code, expected };
}

function bindHere(assembler: Assembler, label: Label, targets: Map<string, number>): void {
  assembler.bind(label);
  targets.set(label.name, assembler.length);
}

/** `<name+disp>` becomes the address, as the disassembler shows it. */
function resolveLabels(text: string, targets: ReadonlyMap<string, number>): string {
  return text.replace(/<(\w+?)(?:\+(\d+))?>/, (_, name: string, disp = '0') => {
    return `0x${((targets.get(name) ?? Number.NaN) + Number(disp)).toString(16)}`;
  });
}

/**
 * Text by offset; `[rip+0x12] # 0x34` becomes the address 0x34. A leading `{evex}` only tells that an assembler would
 * need the hint to choose this encoding.
 */
function disassemble(code: Uint8Array, count: number): Map<number, string> {
  const folder = mkdtempSync(join(tmpdir(), 'x64-'));
  try {
    const file = join(folder, 'code.bin');
    writeFileSync(file, code);
    const options = ['-D', '-b', 'binary', '-m', 'i386:x86-64', '-M', 'intel', '--insn-width=16', file];
    const result = spawnSync('objdump', options, { encoding: 'utf8', maxBuffer: count * 400 + 1_000_000 });
    assert.equal(result.status, 0, result.stderr);
    const lines = new Map<number, string>();
    for (const line of result.stdout.split('\n')) {
      const [offset, , text] = line.split('\t');
      if (offset === undefined || text === undefined) continue;
      const plain = text
        .replace(/\[rip[^\]]*\](.*?)\s*# (0x[0-9a-f]+)/, '$2$1')
        .replace(/^\{evex\}/, '')
        .trim();
      lines.set(Number.parseInt(offset, 16), plain.replace(/\s+/g, ' '));
    }
    return lines;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
