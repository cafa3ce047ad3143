import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseInstructionForms } from '../../../src/jit/x64/forms.js';

test('a row without a length stands for every length of its prefix', () => {
  const evex = parseInstructionForms('v{kz}, h/mh : EVEX.66.0F38.W0 33 /r');
  assert.deepEqual(
    evex.map(({ vectorLength, operands }) => [
      vectorLength,
      operands[0]?.register,
      operands[1]?.register,
      operands[1]?.memoryBits,
    ]),
    [
      [0, 'xmm', 'xmm', 64],
      [1, 'ymm', 'xmm', 128],
      [2, 'zmm', 'ymm', 256],
    ],
  );
  assert.equal(parseInstructionForms('v, v/mv : VEX.0F.W0 51 /r').length, 2);
  assert.equal(parseInstructionForms('x, x, x/m32 : VEX.LIG.F3.0F.W0 58 /r').length, 1);
  assert.deepEqual(
    parseInstructionForms('r, mr : 8B /r').map(({ w, operands }) => [w, operands[1]?.memoryBits]),
    [
      [0, 32],
      [1, 64],
    ],
  );
});

test('the order of the operands decides their fields', () => {
  const roles = (row: string) => parseInstructionForms(row)[0]?.roles;
  // As the manual's operand encodings RVM, MVR, VMI, RMV and RVMR say.
  const none = { is4: -1, immediate: -1 };
  assert.deepEqual(roles('v, v, v/mv : VEX.0F.W0 58 /r'), { ...none, reg: 0, vvvv: 1, rm: 2 });
  assert.deepEqual(roles('mv, v, v : VEX.66.0F38.W0 2E /r'), { ...none, rm: 0, vvvv: 1, reg: 2 });
  assert.deepEqual(roles('v, v, uimm8 : VEX.66.0F.W0 72 /6 ib'), {
    ...none,
    reg: -1,
    vvvv: 0,
    rm: 1,
    immediate: 2,
  });
  assert.deepEqual(roles('r32, r32/m32, r32 : VEX.128.F2.0F38.W0 F7 /r'), {
    ...none,
    reg: 0,
    rm: 1,
    vvvv: 2,
  });
  assert.deepEqual(roles('v, v, v/mv, v : VEX.66.0F3A.W0 4A /r /is4'), {
    ...none,
    reg: 0,
    vvvv: 1,
    rm: 2,
    is4: 3,
  });
});

test('malformed rows are refused', () => {
  for (const row of [
    'v, v VEX.0F.W0 58 /r',
    'v, v : VEX.0F.W2 58 /r',
    'v, v : VEX.0G.W0 58 /r',
    'v, v : VEX.0F.W0 5 /r',
    'v, v : VEX.0F.W0 58 /9',
    'v, w : VEX.0F.W0 58 /r',
    'r, r : FF FF FF /r /q',
  ]) {
    assert.throws(() => parseInstructionForms(row), { name: 'QwenAsrError', code: 'internal' }, row);
  }
});
