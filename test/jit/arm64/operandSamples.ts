import type { InstructionForm, OperandPattern } from '../../../src/jit/arm64/forms.js';
import {
  type Arrangement,
  d,
  type Label,
  mem,
  memIndexed,
  memPost,
  memPre,
  type Operand,
  q,
  type Scalar,
  SP,
  s,
  v,
  w,
  x,
} from '../../../src/jit/arm64/operands.js';

const files: Record<string, (index: number) => Scalar> = { x, w, q, d, s };

/** Conditions as objdump names them; `al` and `nv` are none. */
const conditions = 'eq ne cs cc mi pl vs vc hi ls ge lt gt le'.split(' ');

/** Operands for a form: the ends of every field's range in the first turns, then random ones. */
export function sampleOperands(
  form: InstructionForm,
  turn: number,
  random: (bound: number) => number,
  label: Label,
): Operand[] {
  return form.operands.map((pattern) => sampleOperand(pattern, turn, random, label));
}

function sampleOperand(
  pattern: OperandPattern,
  turn: number,
  random: (bound: number) => number,
  label: Label,
): Operand {
  const register = (): number => (turn === 0 ? 30 : random(31));
  switch (pattern.kind) {
    case 'label':
      return label;
    case 'word':
      return pattern.text;
    case 'condition':
      return conditions[random(conditions.length)]!;
    case 'immediate':
      return sampleValue(pattern.immediate, turn, random);
    case 'register': {
      if (pattern.isSp && turn === 1) return SP;
      const index = turn === 2 && !pattern.isSp ? 31 : register();
      return files[pattern.type]!(index);
    }
    case 'vector': {
      const element = pattern.element === null ? null : random(2 ** pattern.element.length);
      return v(turn === 1 ? 31 : register(), pattern.arrangement as Arrangement, element);
    }
    case 'memory': {
      const base = pattern.isSp && turn % 8 === 1 ? SP : x(register());
      if (pattern.index !== null) return memIndexed(x(register()), x(register()));
      const offset = pattern.offset === null ? 0 : sampleValue(pattern.offset, turn, random);
      return { offset: mem, pre: memPre, post: memPost }[pattern.mode](base, offset);
    }
  }
}

type Immediate = Extract<OperandPattern, { kind: 'immediate' }>['immediate'];

function sampleValue(immediate: Immediate, turn: number, random: (bound: number) => number): number {
  const { field, scale, isSigned, from } = immediate;
  const count = 2 ** field.length;
  const least = isSigned ? -count / 2 : 0;
  const units = [least, least + count - 1][turn] ?? least + random(count);
  return from === null ? units * scale : from - units;
}
