import { QwenAsrError } from '../../error.js';
import { encodeInstruction, type Fixup, placed } from './encode.js';
import { matchOperands } from './forms.js';
import { type Label, type Operand, operandText } from './operands.js';
import { instructionForms, type Mnemonic } from './table.js';

interface Constant {
  readonly label: Label;
  readonly bytes: Uint8Array;
}

const INSTRUCTION_BYTES = 4;

/** Constants are 16 bytes each, and lie at multiples of that. */
const CONSTANT_BYTES = 16;

/**
 * Assembles arm64 machine code, position-independent. Operands stand in the manual's order, destination first; the first
 * form of the table that can express them is taken.
 *
 * @example
 * const asm = new Assembler('sum');
 * const next = asm.label('next');
 * asm.bind(next);
 * asm.emit('ldr', q(1), memPost(x(0), 16));
 * asm.emit('fadd', v(0, '4s'), v(0, '4s'), v(1, '4s'));
 * asm.emit('subs', x(1), x(1), 1);
 * asm.emit('b.', 'ne', next);
 * asm.emit('ret');
 * const code = asm.finish();
 */
export class Assembler {
  readonly #name: string;
  readonly #words: number[] = [];
  readonly #offsets = new Map<Label, number>();
  readonly #fixups: Fixup[] = [];
  readonly #constants = new Map<string, Constant>();
  #finished = false;

  constructor(name = 'code') {
    this.#name = name;
  }

  /** Bytes of code so far. */
  get length(): number {
    return INSTRUCTION_BYTES * this.#words.length;
  }

  /**
   * Appends one instruction.
   *
   * @throws QwenAsrError `internal` where the table has no form for these operands
   */
  emit(mnemonic: Mnemonic, ...operands: readonly Operand[]): void {
    const form = instructionForms(mnemonic).find((candidate) => matchOperands(candidate, operands));
    if (form === undefined) {
      const found = operands.map(operandText).join(', ');
      throw this.#error(`expected operands of a known form of ${mnemonic}, found (${found})`);
    }
    const { word, target } = encodeInstruction(form, operands);
    if (target !== null) this.#fixups.push({ ...target, offset: this.length });
    this.#words.push(word);
  }

  /** A new label, to be bound once; branches to it may come before or after. */
  label(name = `label${this.#offsets.size}`): Label {
    return { type: 'label', name };
  }

  /** Puts `label` at the next instruction. */
  bind(label: Label): void {
    if (this.#offsets.has(label))
      throw this.#error(`expected label ${label.name} to be bound once, found twice`);
    this.#offsets.set(label, this.length);
  }

  /** A constant of four words placed after the code, for `ldr` of a label. Equal ones share one place. */
  constant(words: readonly number[]): Label {
    const key = words.map((word) => word >>> 0).join();
    let constant = this.#constants.get(key);
    if (constant === undefined) {
      const bytes = new Uint8Array(Uint32Array.from(words).buffer);
      if (bytes.length !== CONSTANT_BYTES) throw this.#error(`expected 4 words, found ${words.length}`);
      constant = { label: this.label(`constant${this.#constants.size}`), bytes };
      this.#constants.set(key, constant);
    }
    return constant.label;
  }

  /**
   * Places the constants, fills in all distances and returns code and constants.
   *
   * @throws QwenAsrError `internal` for a label that was never bound or is out of reach, and for a second call
   */
  finish(): Uint8Array {
    if (this.#finished) throw this.#error('expected one call of finish, found a second');
    this.#finished = true;
    const start = Math.ceil(this.length / CONSTANT_BYTES) * CONSTANT_BYTES;
    [...this.#constants.values()].forEach(({ label }, i) => {
      this.#offsets.set(label, start + CONSTANT_BYTES * i);
    });
    for (const fixup of this.#fixups) this.#patch(fixup);
    const bytes = new Uint8Array(start + CONSTANT_BYTES * this.#constants.size);
    bytes.set(new Uint8Array(Uint32Array.from(this.#words).buffer));
    for (const { label, bytes: value } of this.#constants.values())
      bytes.set(value, this.#offsets.get(label)!);
    return bytes;
  }

  #patch({ label, offset, field }: Fixup): void {
    const target = this.#offsets.get(label);
    if (target === undefined) throw this.#error(`expected label ${label.name} to be bound, found it unbound`);
    const distance = (target - offset) / INSTRUCTION_BYTES;
    if (Math.abs(distance) >= 2 ** (field.length - 1))
      throw this.#error(`label ${label.name} is out of reach, ${distance} instructions away`);
    const at = offset / INSTRUCTION_BYTES;
    this.#words[at] = this.#words[at]! | placed(field, distance);
  }

  #error(message: string): QwenAsrError {
    return new QwenAsrError('internal', `arm64 assembler, ${this.#name}: ${message}`);
  }
}
