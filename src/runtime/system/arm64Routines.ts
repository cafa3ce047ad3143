import { Assembler } from '../../jit/arm64/assembler.js';
import { mem, memPost, memPre, SP, XZR, x } from '../../jit/arm64/operands.js';

/*
 * What the runtime needs of arm64 beside kernels.
 */

/** Where CTR_EL0 has the shortest lines of the caches (Arm ARM, D19.2): log2 of their 4-byte words. */
const DATA_LINE = { low: 16, high: 19 };
const INSTRUCTION_LINE = { low: 0, high: 3 };

/**
 * Machine code of f(start, end): makes what was written to these bytes visible as instructions, on all processors (Arm ARM,
 * B2.4.4): the data is cleaned to where instructions are fetched from, then the old instructions are forgotten. Other
 * threads see the new ones after their next `isb`, which kernels that call others begin with, or system call.
 */
export function flushCodeCode(): Uint8Array {
  const asm = new Assembler('flushCode');
  const [start, end, word, lineBytes, at] = [x(0), x(1), x(2), x(3), x(4)];
  const eachLine = (operation: 'dc' | 'ic', field: typeof DATA_LINE): void => {
    const next = asm.label();
    asm.emit('mrs', lineBytes, 'ctr_el0');
    asm.emit('ubfm', lineBytes, lineBytes, field.low, field.high);
    asm.emit('lslv', lineBytes, word, lineBytes);
    asm.emit('orr', at, XZR, start);
    asm.bind(next);
    asm.emit(operation, operation === 'dc' ? 'cvau' : 'ivau', at);
    asm.emit('add', at, at, lineBytes);
    asm.emit('subs', XZR, at, end);
    asm.emit('b.', 'cc', next); // unsigned: less
    asm.emit('dsb', 'ish');
  };
  asm.emit('movz', word, 4, 0);
  eachLine('dc', DATA_LINE);
  eachLine('ic', INSTRUCTION_LINE);
  asm.emit('isb');
  asm.emit('ret');
  return asm.finish();
}

/**
 * Machine code of f(table), for LastCalls: calls the function of each entry with its three arguments. An entry without a
 * function stands before the last one, which is jumped to, so that it may free this code and the table.
 */
export function arm64CallTableCode(): Uint8Array {
  const asm = new Assembler('callTable');
  const [again, last] = [asm.label('again'), asm.label('last')];
  const [table, target] = [x(19), x(16)];
  const load = (): void => {
    asm.emit('ldp', target, x(0), mem(table));
    asm.emit('ldp', x(1), x(2), mem(table, 16));
    asm.emit('add', table, table, 32);
  };
  asm.emit('stp', table, x(30), memPre(SP, -16));
  asm.emit('orr', table, XZR, x(0));
  asm.bind(again);
  load();
  asm.emit('cbz', target, last);
  asm.emit('blr', target);
  asm.emit('b', again);
  asm.bind(last);
  load();
  asm.emit('ldp', table, x(30), memPost(SP, 16));
  asm.emit('br', target);
  return asm.finish();
}
