import { QwenAsrError } from '../../error.js';
import { CodeBuffer, encodeInstruction, type Fixup } from './encode.js';
import { type InstructionForm, matchOperands } from './forms.js';
import { type Label, type Operand, operandText } from './operands.js';
import { instructionForms, type Mnemonic } from './table.js';

export interface AssemblerOptions {
  /** Name of the routine, for error messages. */
  readonly name?: string;
  /** False for code that must run without AVX-512: then only VEX and legacy forms are used. Default true. */
  readonly evex?: boolean;
}

interface Constant {
  readonly label: Label;
  readonly bytes: Uint8Array;
  readonly alignment: number;
}

const int3 = 0xcc;

/**
 * Assembles x86-64 machine code, position-independent. Operands stand in Intel order, destination first; the shortest
 * prefix kind that can express them is chosen (VEX before EVEX).
 *
 * @example
 * const assembler = new Assembler();
 * const next = assembler.label('next');
 * assembler.bind(next);
 * assembler.emit('vfmadd231ps', zmm(0), zmm(1), mem(gpr(7), { disp: 64, broadcast: 16 }));
 * assembler.emit('sub', gpr(1), 1);
 * assembler.emit('jne', next);
 * assembler.emit('ret');
 * const code = assembler.finish();
 */
export class Assembler {
  readonly #name: string;
  readonly #evex: boolean;
  readonly #code = new CodeBuffer();
  readonly #offsets = new Map<Label, number>();
  readonly #fixups: Fixup[] = [];
  readonly #constants = new Map<string, Constant>();
  readonly #isNear = (label: Label): boolean => this.#reaches(label);
  #finished = false;

  constructor(options: AssemblerOptions = {}) {
    this.#name = options.name ?? 'code';
    this.#evex = options.evex ?? true;
  }

  /** Bytes of code so far. */
  get length(): number {
    return this.#code.length;
  }

  /**
   * Appends one instruction.
   *
   * @throws QwenAsrError `internal` where the table has no form for these operands.
   */
  emit(mnemonic: Mnemonic, ...operands: readonly Operand[]): void {
    const form = this.#findForm(mnemonic, operands);
    const fixup = encodeInstruction(form, operands, this.#code);
    if (fixup !== null) this.#fixups.push(fixup);
  }

  /** A new label, to be bound once; jumps to it may come before or after. */
  label(name = `label${this.#offsets.size}`): Label {
    return { type: 'label', name };
  }

  /** Puts `label` at the next instruction. */
  bind(label: Label): void {
    if (this.#offsets.has(label))
      throw this.#error(`expected label ${label.name} to be bound once, found twice`);
    this.#offsets.set(label, this.#code.length);
  }

  /** Pads with no-ops so that the next instruction starts at a multiple of `alignment` bytes. */
  align(alignment: number): void {
    while (this.#code.length % alignment !== 0) this.emit('nop');
  }

  /**
   * A constant placed after the code, for `ripLabel`. Equal constants share one place. `alignment` is a power of two
   * and relative to the start of the code, which must be loaded at least as aligned.
   */
  constant(bytes: Uint8Array, alignment: number): Label {
    const key = `${alignment}:${bytes.join(',')}`;
    let constant = this.#constants.get(key);
    if (constant === undefined) {
      constant = { label: this.label(`constant${this.#constants.size}`), bytes: bytes.slice(), alignment };
      this.#constants.set(key, constant);
    }
    return constant.label;
  }

  /**
   * Places the constants, fills in all distances and returns code and constants.
   *
   * @throws QwenAsrError `internal` for a label that was used but never bound, and for a second call.
   */
  finish(): Uint8Array {
    if (this.#finished) throw this.#error('expected one call of finish, found a second');
    this.#finished = true;
    for (const { label, bytes, alignment } of this.#constants.values()) {
      while (this.#code.length % alignment !== 0) this.#code.byte(int3);
      this.bind(label);
      this.#code.append(bytes);
    }
    for (const fixup of this.#fixups) this.#patch(fixup);
    return this.#code.toBytes();
  }

  #findForm(mnemonic: Mnemonic, operands: readonly Operand[]): InstructionForm {
    for (const form of instructionForms(mnemonic)) {
      if (form.prefix === 'evex' && !this.#evex) continue;
      if (matchOperands(form, operands, this.#isNear)) return form;
    }
    const found = operands.map(operandText).join(', ');
    const level = this.#evex ? '' : ' without EVEX';
    throw this.#error(`expected operands of a known form of ${mnemonic}${level}, found (${found})`);
  }

  /** Whether a jump with a one-byte distance (two bytes long) can go back to `label` from here. */
  #reaches(label: Label): boolean {
    const target = this.#offsets.get(label);
    return target !== undefined && target - (this.#code.length + 2) >= -128;
  }

  #patch(fixup: Fixup): void {
    const target = this.#offsets.get(fixup.label);
    if (target === undefined)
      throw this.#error(`expected label ${fixup.label.name} to be bound, found it unbound`);
    const distance = target + fixup.addend - fixup.end;
    if (fixup.bytes === 1) this.#code.patchByte(fixup.offset, distance);
    else this.#code.patchInt32(fixup.offset, distance);
  }

  #error(message: string): QwenAsrError {
    return new QwenAsrError('internal', `x64 assembler, ${this.#name}: ${message}`);
  }
}
