import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Assembler } from '../../../src/jit/arm64/assembler.js';
import { parseInstructionForm } from '../../../src/jit/arm64/forms.js';
import { d, mem, q, SP, v, XZR, x } from '../../../src/jit/arm64/operands.js';

/** Little-endian words, as the manual writes them. */
function words(code: Uint8Array): string[] {
  const view = new DataView(code.buffer, code.byteOffset);
  return Array.from({ length: code.length / 4 }, (_, i) => view.getUint32(4 * i, true).toString(16));
}

function fails(body: () => unknown, pattern: RegExp): void {
  assert.throws(body, { name: 'QwenAsrError', code: 'internal', message: pattern });
}

test('instructions have the words of the manual', () => {
  const asm = new Assembler();
  asm.emit('ret'); // the words are those that GNU as 2.40 makes
  asm.emit('add', x(0), x(1), x(2));
  asm.emit('sub', SP, SP, 16);
  asm.emit('fmla', v(0, '4s'), v(1, '4s'), v(2, '4s'));
  asm.emit('ldr', q(3), mem(x(4), 32));
  assert.deepEqual(words(asm.finish()).slice(0, 5), [
    'd65f03c0',
    '8b020020',
    'd10043ff',
    '4e22cc20',
    '3dc00883',
  ]);
});

test('branches go back and forth, and constants lie behind the code, once', () => {
  const asm = new Assembler();
  const [top, end] = [asm.label('top'), asm.label('end')];
  asm.bind(top);
  asm.emit('b', end); // 8 bytes ahead
  asm.emit('b', top); // 4 bytes back
  asm.bind(end);
  const constant = asm.constant([1, 2, 3, 4]);
  assert.equal(asm.constant([1, 2, 3, 4]), constant);
  asm.emit('ldr', q(0), constant); // from 8 to 16
  assert.deepEqual(words(asm.finish()), ['14000002', '17ffffff', '9c000040', '0', '1', '2', '3', '4']);
});

test('operands without a table row are refused by name', () => {
  const asm = new Assembler('dot');
  fails(() => asm.emit('add', x(0), x(1), 4097), /arm64 assembler, dot: .*add, found \(x0, x1, 4097\)/);
  fails(() => asm.emit('ldr', q(0), mem(x(1), 8)), /ldr, found \(q0, \[x1, #8\]\)/);
  fails(() => asm.emit('fadd', v(0, '4s'), v(1, '8h'), v(2, '4s')), /v1\.8h/);
  fails(() => asm.emit('ldr', d(0), mem(XZR)), /x31/);
  fails(() => asm.emit('csel', x(0), x(1), x(2), 'less'), /less/);
  fails(() => asm.emit('ubfm', x(0), x(1), 64, 0), /64/);
  fails(() => v(32, '4s'), /0 to 31, found 32/);
  assert.equal(asm.length, 0, 'a refused instruction writes nothing');
});

test('labels are bound once, and within reach', () => {
  const unbound = new Assembler();
  unbound.emit('b', unbound.label('nowhere'));
  fails(() => unbound.finish(), /nowhere/);
  const twice = new Assembler();
  const here = twice.label('here');
  twice.bind(here);
  fails(() => twice.bind(here), /here.*twice/);
  const far = new Assembler();
  const top = far.label('top');
  far.bind(top);
  for (let i = 0; i < 2 ** 18; i++) far.emit('isb');
  far.emit('cbz', x(0), top);
  fails(() => far.finish(), /top is out of reach, -262144 instructions/);
});

test('malformed rows are refused', () => {
  for (const row of [
    'Xd, Xn 1111',
    'Xd : 1',
    'Xd, Xn : 10011010110 mmmmm 000010 nnnnn ddddd', // an operand is missing
    'Xd, Xn, Xm : 10011010110 00000 000010 nnnnn ddddd', // a field is missing
    '#i+1 : 11010100000 iiiiiiiiiiiiiiii 00001',
  ]) {
    fails(() => parseInstructionForm(row), /arm64 instruction table/);
  }
});
