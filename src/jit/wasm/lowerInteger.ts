import type { Instruction } from '../ir.js';
import { unknownCase } from '../unknownCase.js';
import type { PlainInstruction } from './instructionTable.js';
import type { Lowering } from './lowering.js';

type Op<Name extends Instruction['op']> = Extract<Instruction, { op: Name }>;

/** Integer registers, and their loads and stores. */
export function lowerInteger(
  i: Op<'intConst' | 'intMove' | 'intBinary' | 'intLoad' | 'intStore'>,
  l: Lowering,
): void {
  switch (i.op) {
    case 'intConst':
      l.pushInt(i.value);
      l.popInt(i.d);
      break;
    case 'intMove':
      l.pushInt(i.a);
      l.popInt(i.d);
      break;
    case 'intBinary':
      lowerIntBinary(i, l);
      l.popInt(i.d);
      break;
    case 'intLoad':
      lowerIntLoad(i, l);
      break;
    case 'intStore':
      lowerIntStore(i, l);
      break;
    default:
      throw unknownCase(i);
  }
}

function lowerIntBinary({ kind, a, b }: Op<'intBinary'>, l: Lowering): void {
  switch (kind) {
    case 'min':
    case 'max':
      l.pushInt(a);
      l.pushInt(b);
      l.pushInt(a);
      l.pushInt(b);
      l.code.op(kind === 'min' ? `${l.int}.lt_s` : `${l.int}.gt_s`);
      l.code.select(l.int);
      break;
    case 'shiftLeft':
    case 'shiftRight':
      l.pushInt(a);
      l.pushInt(l.shiftCount(b));
      l.code.op(kind === 'shiftLeft' ? `${l.int}.shl` : `${l.int}.shr_s`);
      break;
    default:
      l.pushInt(a);
      l.pushInt(b);
      l.code.op(plainIntInstruction(kind, l.int));
  }
}

function plainIntInstruction(
  kind: 'add' | 'sub' | 'mul' | 'and' | 'divide' | 'remainder',
  int: 'i32' | 'i64',
): PlainInstruction {
  switch (kind) {
    case 'divide': // operands are not negative, and the unsigned form has one special case fewer
      return `${int}.div_u`;
    case 'remainder':
      return `${int}.rem_u`;
    default:
      return `${int}.${kind}`;
  }
}

function lowerIntLoad({ d, from, type }: Op<'intLoad'>, l: Lowering): void {
  switch (type) {
    case 'u16':
      l.load('i32.load16_u', from);
      l.popInt32(d);
      break;
    case 'i32':
      l.load('i32.load', from);
      l.popInt32(d);
      break;
    case 'pointer': // in a 32-bit memory the upper half of the slot says nothing
      l.load(`${l.int}.load`, from);
      l.popInt(d);
      break;
    default:
      throw unknownCase(type);
  }
}

function lowerIntStore({ to, a, type }: Op<'intStore'>, l: Lowering): void {
  switch (type) {
    case 'u16':
      l.access('i32.store16', to, () => l.pushInt32(a));
      break;
    case 'i32':
      l.access('i32.store', to, () => l.pushInt32(a));
      break;
    case 'pointer':
      l.access('i64.store', to, () => {
        l.pushInt(a);
        if (l.int === 'i32') l.code.op('i64.extend_i32_s');
      });
      break;
    default:
      throw unknownCase(type);
  }
}
