import { Assembler } from '../../jit/x64/assembler.js';
import { gpr, mem, rax, rbx, rcx, rdi, rsi, rsp, xmm } from '../../jit/x64/operands.js';

/** Vector registers whose lower halves Microsoft's convention has a function keep. */
const KEPT_VECTORS = [6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const VECTOR_BYTES = 16;
/** With the two registers pushed before it and the return address, a multiple of 16. */
const FRAME_BYTES = VECTOR_BYTES * KEPT_VECTORS.length + 8;
/** From the stack pointer within the frame to the fifth argument: two registers, the return address, shadow space. */
const STACK_ARGUMENTS = FRAME_BYTES + 2 * 8 + 8 + 32;

const [rdx, r8, r9] = [gpr(2), gpr(8), gpr(9)];

/** What a thread is started with: a function, its argument, and a word that becomes 1 when the function has returned. */
export const THREAD_SLOT = { entry: 0, argument: 8, left: 16, byteLength: 24 } as const;

/**
 * Machine code between the calling convention of 64-bit Windows and that of generated code (`lowerX64`), which takes its
 * arguments elsewhere and keeps other registers.
 *
 * @param entry `short`: gate(function, up to three arguments), all in registers; `long`: gate(function, six arguments),
 * of which a caller with fewer might have nothing on its stack; `slot`: gate(THREAD_SLOT), as threads are started
 */
export function windowsGateCode(entry: 'short' | 'long' | 'slot'): Uint8Array {
  const asm = new Assembler({ name: 'windowsGate' });
  asm.emit('push', rdi);
  asm.emit('push', rsi);
  asm.emit('sub', rsp, FRAME_BYTES);
  // Without VEX: the first function that is called asks whether there is AVX.
  for (const [i, vector] of KEPT_VECTORS.entries()) {
    asm.emit('movups', mem(rsp, { disp: VECTOR_BYTES * i }), xmm(vector));
  }
  if (entry === 'slot') {
    asm.emit('push', rcx);
    asm.emit('mov', rdx, mem(rcx, { disp: THREAD_SLOT.argument }));
    asm.emit('mov', rcx, mem(rcx, { disp: THREAD_SLOT.entry }));
  }
  asm.emit('mov', rax, rcx);
  asm.emit('mov', rdi, rdx);
  asm.emit('mov', rsi, r8);
  asm.emit('mov', rdx, r9);
  for (const [i, register] of (entry === 'long' ? [rcx, r8, r9] : []).entries()) {
    asm.emit('mov', register, mem(rsp, { disp: STACK_ARGUMENTS + 8 * i }));
  }
  asm.emit('call', rax);
  if (entry === 'slot') {
    asm.emit('pop', rcx);
    asm.emit('mov', mem(rcx, { disp: THREAD_SLOT.left, bits: 32 }), 1);
  }
  for (const [i, vector] of KEPT_VECTORS.entries()) {
    asm.emit('movups', xmm(vector), mem(rsp, { disp: VECTOR_BYTES * i }));
  }
  asm.emit('add', rsp, FRAME_BYTES);
  asm.emit('pop', rsi);
  asm.emit('pop', rdi);
  asm.emit('ret');
  return asm.finish();
}

/**
 * Machine code of f(THREAD_SLOT) by the system's convention: returns when the thread has left generated code. It may be on
 * its way out then: a thread that ends another one must not wait for more, as both need locks of the system for that.
 *
 * @param sleep address of Sleep(milliseconds)
 */
export function awaitLeftCode(sleep: number): Uint8Array {
  const asm = new Assembler({ name: 'awaitLeft' });
  const again = asm.label('again');
  const left = asm.label('left');
  asm.emit('push', rbx);
  asm.emit('sub', rsp, 32);
  asm.emit('mov', rbx, rcx);
  asm.bind(again);
  asm.emit('cmp', mem(rbx, { disp: THREAD_SLOT.left, bits: 32 }), 0);
  asm.emit('jne', left);
  asm.emit('mov', rcx, 1);
  asm.emit('movabs', rax, BigInt(sleep));
  asm.emit('call', rax);
  asm.emit('jmp', again);
  asm.bind(left);
  asm.emit('add', rsp, 32);
  asm.emit('pop', rbx);
  asm.emit('ret');
  return asm.finish();
}
