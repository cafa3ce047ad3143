import { Assembler } from '../../jit/x64/assembler.js';
import { gpr, mem, type Register, rax, rbx, rsp } from '../../jit/x64/operands.js';

/** Words of an entry: a function's address and its three arguments. */
export const CALL_ENTRY_WORDS = 4;

const WORD_BYTES = 8;

/** How a platform's functions take their arguments. */
export interface CallingConvention {
  /** The registers of the first three. */
  readonly arguments: readonly [Register<'gpr64'>, Register<'gpr64'>, Register<'gpr64'>];
  /** Stack that a caller leaves to its callee. */
  readonly shadowBytes: number;
}

/** rdi, rsi, rdx. */
export const SYSTEM_V: CallingConvention = { arguments: [gpr(7), gpr(6), gpr(2)], shadowBytes: 0 };

/** rcx, rdx, r8. */
export const MICROSOFT: CallingConvention = { arguments: [gpr(1), gpr(2), gpr(8)], shadowBytes: 32 };

/**
 * Machine code of f(table), itself such a function: calls the function of each entry with its arguments. An entry
 * without a function stands before the last one, which is jumped to, so that it may free this code and the table.
 */
export function callTableCode({ arguments: registers, shadowBytes }: CallingConvention): Uint8Array {
  const asm = new Assembler({ name: 'callTable' });
  const again = asm.label('again');
  const last = asm.label('last');
  const load = (): void => {
    for (const [i, register] of [rax, ...registers].entries()) {
      asm.emit('mov', register, mem(rbx, { disp: WORD_BYTES * i }));
    }
    asm.emit('add', rbx, WORD_BYTES * CALL_ENTRY_WORDS);
  };
  asm.emit('push', rbx); // which aligns the stack, too
  asm.emit('sub', rsp, shadowBytes);
  asm.emit('mov', rbx, registers[0]);
  asm.bind(again);
  load();
  asm.emit('test', rax, rax);
  asm.emit('je', last);
  asm.emit('call', rax);
  asm.emit('jmp', again);
  asm.bind(last);
  load();
  asm.emit('add', rsp, shadowBytes);
  asm.emit('pop', rbx);
  asm.emit('jmp', rax);
  return asm.finish();
}
