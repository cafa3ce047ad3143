import type { Capabilities } from '../../jit/ir.js';
import type { KernelCall, Memory } from '../kernel.js';
import type { OperandDtype } from '../matrix/productPolicy.js';
import type { ModelShapes } from './modelShapes.js';

/** An array that a call works on. */
export interface ExampleArray {
  readonly dtype: OperandDtype | 'i32' | 'u8';
  readonly length: number;
  /** i32: the values. u8: any one value, of which every other type makes a normal number. The others: between −1 and 1. */
  readonly values?: Int32Array;
}

/** Gives memory for an array, with its values where it has some. */
export type Allocate = (array: ExampleArray) => Memory;

/** One whole call of a kernel at sizes that a model brings. */
export interface ExampleCall {
  /** What it does where, for example `q_proj, 157 rows`. */
  readonly label: string;
  /** The call, on memory that `allocate` gives it. */
  call(allocate: Allocate): KernelCall;
  /** Multiplications and additions. */
  readonly flops: number;
  /** What has to be read and written at least: every array (or the part of it that is used) once. */
  readonly bytes: number;
}

/** What the choice of specialisations and tiles depends on. */
export interface ExampleContext {
  readonly model: ModelShapes;
  readonly capabilities: Capabilities;
  /** Of activations. */
  readonly operand: OperandDtype;
  readonly threadCount: number;
}

/** A kernel as benchmarks and tests find it. */
export interface RegisteredKernel {
  /** Of the function that makes it and of its file's test. */
  readonly name: string;
  /** What limits it on a machine, and so what its speed is measured in. */
  readonly limit: 'arithmetic' | 'memory';
  /** Its calls in one model. */
  calls(context: ExampleContext): ExampleCall[];
}

/** Rows of a prompt of 11 s of audio, and its tokens in the encoder. */
export const PROMPT_ROWS = 157;
export const AUDIO_TOKENS = 143;

export const BYTES = { f32: 4, bf16: 2, i32: 4, u8: 1 } as const;

export function f32(length: number): ExampleArray {
  return { dtype: 'f32', length };
}

export function bf16(length: number): ExampleArray {
  return { dtype: 'bf16', length };
}

/** Quantised weights or activations. */
export function u8(length: number): ExampleArray {
  return { dtype: 'u8', length };
}

export function i32(values: Int32Array): ExampleArray {
  return { dtype: 'i32', length: values.length, values };
}

/** Bytes of arrays. */
export function arrayBytes(...arrays: readonly ExampleArray[]): number {
  return arrays.reduce((sum, { dtype, length }) => sum + BYTES[dtype] * length, 0);
}
