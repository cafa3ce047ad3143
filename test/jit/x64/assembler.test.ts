import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QwenAsrError } from '../../../src/error.js';
import { Assembler } from '../../../src/jit/x64/assembler.js';
import {
  gpr,
  gpr32,
  mask,
  masked,
  mem,
  rax,
  ripLabel,
  rsp,
  xmm,
  ymm,
  zeroMasked,
  zmm,
} from '../../../src/jit/x64/operands.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function fails(body: () => unknown, pattern: RegExp): void {
  assert.throws(body, (error: unknown) => {
    assert.ok(error instanceof QwenAsrError);
    assert.equal(error.code, 'internal');
    assert.match(error.message, pattern);
    return true;
  });
}

test('a jump back is short while the distance fits a byte', () => {
  // 126 bytes of body and 2 of jump are just in reach (-128); one more needs the long form (-(127 + 6)).
  for (const [body, expected] of [
    [0, '75fe'],
    [126, '7580'],
    [127, '0f857bffffff'],
  ] as const) {
    const assembler = new Assembler();
    const top = assembler.label();
    assembler.bind(top);
    for (let i = 0; i < body; i++) assembler.emit('nop');
    assembler.emit('jne', top);
    assert.equal(hex(assembler.finish()), '90'.repeat(body) + expected);
  }
});

test('jumps forward, calls and unconditional jumps reach their labels', () => {
  const assembler = new Assembler();
  const end = assembler.label('end');
  const top = assembler.label('top');
  assembler.emit('jl', end); // 0: 6 bytes
  assembler.bind(top); // 6
  assembler.emit('jmp', end); // 6: 5 bytes
  assembler.emit('call', top); // 11: 5 bytes
  assembler.emit('jmp', top); // 16: 2 bytes
  assembler.bind(end); // 18
  assembler.emit('ret');
  assert.equal(hex(assembler.finish()), '0f8c0c000000' + 'e907000000' + 'e8f6ffffff' + 'ebf4' + 'c3');
});

test('constants are aligned, shared when equal, and addressed past the immediate', () => {
  const assembler = new Assembler();
  const words = assembler.constant(Uint8Array.of(1, 2, 3, 4), 4);
  const vector = assembler.constant(new Uint8Array(16).fill(0xaa), 16);
  assert.equal(assembler.constant(Uint8Array.of(1, 2, 3, 4), 4), words);
  assert.notEqual(assembler.constant(Uint8Array.of(1, 2, 3, 4), 8), words);
  assembler.emit('vbroadcastss', ymm(1), ripLabel(words)); // c4 e2 7d 18 0d + distance: 9 bytes
  assembler.emit('vpshufd', xmm(1), ripLabel(vector), 7); // c5 f9 70 0d + distance + 07: 9 bytes
  assembler.emit('mov', gpr32(0), ripLabel(vector, { disp: 4 })); // 8b 05 + distance: 6 bytes, end 24
  const code = assembler.finish();
  const view = new DataView(code.buffer);
  assert.equal(view.getInt32(5, true) + 9, 24);
  assert.equal(view.getInt32(13, true) + 18, 32);
  assert.equal(view.getInt32(20, true) + 24, 36);
  assert.equal(hex(code.subarray(24)), `01020304${'cc'.repeat(4)}${'aa'.repeat(16)}01020304`);
});

test('a constant keeps its bytes when the caller changes the array', () => {
  const assembler = new Assembler();
  const bytes = Uint8Array.of(5);
  assembler.constant(bytes, 1);
  bytes[0] = 6;
  assert.equal(hex(assembler.finish()), '05');
});

test('align pads with no-ops', () => {
  const assembler = new Assembler();
  assembler.emit('ret');
  assembler.align(8);
  assert.equal(assembler.length, 8);
  assembler.align(8);
  assert.equal(hex(assembler.finish()), `c3${'90'.repeat(7)}`);
});

test('the prefix kind follows the operands', () => {
  const first = (emit: (assembler: Assembler) => void): number => {
    const assembler = new Assembler();
    emit(assembler);
    return assembler.finish()[0] ?? 0;
  };
  assert.equal(
    first((a) => a.emit('vaddps', ymm(1), ymm(2), ymm(3))),
    0xc5,
  );
  assert.equal(
    first((a) => a.emit('vaddps', ymm(1), ymm(2), ymm(8))),
    0xc4,
  );
  const evex = 0x62;
  assert.equal(
    first((a) => a.emit('vaddps', ymm(1), ymm(16), ymm(3))),
    evex,
  );
  assert.equal(
    first((a) => a.emit('vaddps', zmm(1), zmm(2), zmm(3))),
    evex,
  );
  assert.equal(
    first((a) => a.emit('vaddps', masked(ymm(1), mask(1)), ymm(2), ymm(3))),
    evex,
  );
  assert.equal(
    first((a) => a.emit('vaddps', ymm(1), ymm(2), mem(rax, { broadcast: 8 }))),
    evex,
  );
});

test('without EVEX, what only EVEX can express is refused', () => {
  const assembler = new Assembler({ name: 'avx2 kernel', evex: false });
  assembler.emit('vaddps', ymm(1), ymm(2), ymm(15));
  fails(() => assembler.emit('vaddps', ymm(1), ymm(2), ymm(16)), /avx2 kernel: .*vaddps without EVEX.*ymm16/);
  fails(() => assembler.emit('vpmovdw', xmm(1), ymm(2)), /vpmovdw/);
});

test('operands without a table row are refused by name', () => {
  const assembler = new Assembler({ name: 'dot' });
  fails(
    () => assembler.emit('vaddps', zmm(1), ymm(2), mem(gpr(3), { disp: 8, broadcast: 16 })),
    /x64 assembler, dot: .*vaddps, found \(zmm1, ymm2, \[r3\+8\]\{1to16\}\)/,
  );
  fails(() => assembler.emit('vaddps', zmm(1), zmm(2), mem(rax, { broadcast: 8 })), /1to8/);
  fails(() => assembler.emit('vaddps', zmm(1), masked(zmm(2), mask(1)), zmm(3)), /zmm2\{k1\}/);
  fails(() => assembler.emit('vpand', zeroMasked(ymm(1), mask(1)), ymm(2), ymm(3)), /ymm1\{k1\}\{z\}/);
  fails(() => assembler.emit('add', gpr(1), 2 ** 31), /2147483648/);
  fails(() => assembler.emit('add', gpr(1), 0.5), /0\.5/);
  fails(() => assembler.emit('shl', gpr(1), -1), /-1/);
  fails(() => assembler.emit('movabs', gpr(1), 2 ** 60), /movabs/);
  fails(() => assembler.emit('add', mem(rax), 1), /add, found \(\[r0\], 1\)/);
  fails(() => assembler.emit('mov', gpr(1), gpr32(1)), /gpr64\(1\), gpr32\(1\)/);
  assert.equal(assembler.length, 0, 'a refused instruction writes nothing');
});

test('impossible operands and labels are refused', () => {
  fails(() => mem(rax, { index: rsp }), /rsp/);
  fails(() => mem(rax, { disp: 2 ** 31 }), /2147483648/);
  fails(() => masked(zmm(1), mask(0)), /k0/);
  fails(() => zmm(32), /zmm.*0 to 31.*32/);
  fails(() => gpr(-1), /gpr64.*-1/);
  const unbound = new Assembler();
  unbound.emit('jmp', unbound.label('nowhere'));
  fails(() => unbound.finish(), /nowhere/);
  const twice = new Assembler();
  const label = twice.label('here');
  twice.bind(label);
  fails(() => twice.bind(label), /here.*twice/);
  twice.finish();
  fails(() => twice.finish(), /finish/);
});
