import { Assembler } from './assembler.js';
import { mem } from './operands.js';
import { gpr } from './registers.js';

/** Words of an entry: a function's address, its two arguments, and, in the last one, a function in place of 0. */
export const CALL_ENTRY = { function: 0, first: 1, second: 2, last: 3, count: 4 } as const;

const WORD_BYTES = 8;

/**
 * Machine code of f(table): calls the function of each entry with its arguments. An entry without a function is the end:
 * its `last` is jumped to, so that it may free this code and the table.
 */
export function callTableCode(): Uint8Array {
  const asm = new Assembler({ name: 'callTable' });
  const [rax, rbx, rsi, rdi] = [gpr(0), gpr(3), gpr(6), gpr(7)];
  const word = (index: number): ReturnType<typeof mem> => mem(rbx, { disp: WORD_BYTES * index });
  const again = asm.label('again');
  const end = asm.label('end');
  asm.emit('push', rbx); // which aligns the stack, too
  asm.emit('mov', rbx, rdi);
  asm.bind(again);
  asm.emit('mov', rax, word(CALL_ENTRY.function));
  asm.emit('mov', rdi, word(CALL_ENTRY.first));
  asm.emit('mov', rsi, word(CALL_ENTRY.second));
  asm.emit('test', rax, rax);
  asm.emit('je', end);
  asm.emit('call', rax);
  asm.emit('add', rbx, WORD_BYTES * CALL_ENTRY.count);
  asm.emit('jmp', again);
  asm.bind(end);
  asm.emit('mov', rax, word(CALL_ENTRY.last));
  asm.emit('pop', rbx);
  asm.emit('jmp', rax);
  return asm.finish();
}
