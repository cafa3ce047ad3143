import { hannWindow } from '../../ops/logMelShape.js';
import { type RealFft, realFft } from '../../ops/reference/logMel.js';

/** Samples that a probability is for: 32 ms at 16 kHz. */
export const VAD_FRAME_SAMPLES = 512;

/** Of the frame before, put in front of it. */
const CONTEXT_SAMPLES = 64;

/** Samples mirrored behind a frame, so that its last ones are in the middle of a spectrum too. */
const MIRRORED_SAMPLES = 64;

/** The spectra of a frame: 256 samples each under a Hann window, 128 apart. */
const FFT_SIZE = 256;
const HOP_SAMPLES = 128;
const SPECTRA = 4;
const BINS = FFT_SIZE / 2 + 1;

/** Size of the recurrent layer; its weights hold the rows of its gates in this order: input, forget, cell, output. */
const UNITS = 128;

/** Four convolutions over time, each of three taps between a step of zeros at either end, then rectified. */
const CONVOLUTIONS = [
  { inputs: BINS, outputs: 128, stride: 1, steps: SPECTRA },
  { inputs: 128, outputs: 64, stride: 2, steps: 4 },
  { inputs: 64, outputs: 64, stride: 2, steps: 2 },
  { inputs: 64, outputs: 128, stride: 1, steps: 1 },
] as const;
const TAPS = 3;

/** Rows [rows, length] f32 and what is added to their products [rows] f32; rows a multiple of 4, length even. */
interface Affine {
  readonly rows: Float32Array;
  readonly bias: Float32Array;
}

/** The weights of Silero VAD, arranged for its loops; every stream may use the same. */
export interface SileroWeights {
  /** Rows [outputs, taps · paddedInputs]. */
  readonly convolutions: readonly Affine[];
  /** Rows [4 · 128, 256]: of the features, then of the hidden state. */
  readonly recurrent: Affine;
  /** [128] f32 */
  readonly output: Float32Array;
  readonly outputBias: number;
}

let loading: Promise<SileroWeights> | undefined;

/** The weights, which are read when they are first asked for: 1 MB that most programs never need. */
export function loadSileroWeights(): Promise<SileroWeights> {
  loading ??= import('./sileroWeights.js').then(({ SILERO_WEIGHTS }) => arrange(SILERO_WEIGHTS));
  return loading;
}

/**
 * The voice activity detector of Silero, version 6, for 16 kHz: how probable it is that somebody speaks, every 32 ms of a
 * stream. Each answer rests on all that came before. Within 1e-4 of the published model in onnxruntime.
 *
 * @example
 * const vad = new SileroVad(await loadSileroWeights());
 * for (let at = 0; at + 512 <= samples.length; at += 512) console.log(at / 16000, vad.probability(samples.subarray(at)));
 */
export class SileroVad {
  readonly #weights: SileroWeights;
  readonly #spectrum: Spectrum = new Spectrum();
  /** [steps + 2, paddedInputs] f32 of each convolution; the first and the last row stay zero. */
  readonly #inputs = CONVOLUTIONS.map(
    ({ inputs, steps }) => new Float32Array((steps + TAPS - 1) * padded(inputs)),
  );
  /** [256] f32: the features of the frame, then the hidden state after the frame before. */
  readonly #recurrentInput = new Float32Array(2 * UNITS);
  readonly #hidden = this.#recurrentInput.subarray(UNITS);
  readonly #cell = new Float32Array(UNITS);
  readonly #gates = new Float32Array(4 * UNITS);

  constructor(weights: SileroWeights) {
    this.#weights = weights;
  }

  /**
   * @param frame [≥ 512] f32, of which the first 512 follow the frame before.
   * @returns the probability of speech in them, 0 to 1.
   */
  probability(frame: Float32Array): number {
    this.#spectrum.write(frame, this.#inputs[0]!);
    CONVOLUTIONS.forEach((shape, layer) => {
      const next = this.#inputs[layer + 1];
      const target = next?.subarray(shape.outputs) ?? this.#recurrentInput;
      convolve(this.#weights.convolutions[layer]!, shape, this.#inputs[layer]!, target);
    });
    this.#updateState();
    const { output, outputBias } = this.#weights;
    let sum = outputBias;
    for (let i = 0; i < UNITS; i++) sum += output[i]! * Math.max(0, this.#hidden[i]!);
    return sigmoid(sum);
  }

  /** One step of the recurrent layer (long short-term memory). */
  #updateState(): void {
    const gates = this.#gates;
    multiply(this.#weights.recurrent, this.#recurrentInput, 0, 2 * UNITS, gates, 0);
    for (let i = 0; i < UNITS; i++) {
      const added = sigmoid(gates[i]!) * Math.tanh(gates[2 * UNITS + i]!);
      const cell = sigmoid(gates[UNITS + i]!) * this.#cell[i]! + added;
      this.#cell[i] = cell;
      this.#hidden[i] = sigmoid(gates[3 * UNITS + i]!) * Math.tanh(cell);
    }
  }
}

/** Magnitudes of the spectra of frames that follow one another. */
class Spectrum {
  readonly #samples = new Float32Array(CONTEXT_SAMPLES + VAD_FRAME_SAMPLES + MIRRORED_SAMPLES);
  readonly #window: Float64Array = hannWindow(FFT_SIZE);
  readonly #transform: RealFft = realFft(FFT_SIZE);
  readonly #windowed = new Float64Array(FFT_SIZE);
  readonly #re = new Float64Array(BINS);
  readonly #im = new Float64Array(BINS);

  /**
   * @param frame [≥ 512] f32
   * @param target [1 + 4, padded(129)] f32: the rows from the second on are written
   */
  write(frame: Float32Array, target: Float32Array): void {
    const samples = this.#samples;
    const end = CONTEXT_SAMPLES + VAD_FRAME_SAMPLES;
    samples.copyWithin(0, end - CONTEXT_SAMPLES, end);
    samples.set(frame.subarray(0, VAD_FRAME_SAMPLES), CONTEXT_SAMPLES);
    for (let i = 0; i < MIRRORED_SAMPLES; i++) samples[end + i] = samples[end - 2 - i]!;
    for (let step = 0; step < SPECTRA; step++) {
      for (let n = 0; n < FFT_SIZE; n++) {
        this.#windowed[n] = samples[step * HOP_SAMPLES + n]! * this.#window[n]!;
      }
      this.#transform(this.#windowed, this.#re, this.#im);
      const row = (1 + step) * padded(BINS);
      for (let k = 0; k < BINS; k++) target[row + k] = Math.sqrt(this.#re[k]! ** 2 + this.#im[k]! ** 2);
    }
  }
}

type ConvolutionShape = (typeof CONVOLUTIONS)[number];

/**
 * @param x [steps + 2, paddedInputs] f32, whose first and last row are zero and left out
 * @param y [≥ ceil(steps / stride), outputs] f32
 */
function convolve(weights: Affine, shape: ConvolutionShape, x: Float32Array, y: Float32Array): void {
  const { inputs, outputs, stride, steps } = shape;
  const width = padded(inputs);
  for (let step = 0; step < steps; step += stride) {
    const from = step === 0 ? width : 0;
    const to = step === steps - 1 ? (TAPS - 1) * width : TAPS * width;
    const at = (step / stride) * outputs;
    multiply(weights, x.subarray(step * width), from, to, y, at);
    for (let i = at; i < at + outputs; i++) y[i] = Math.max(0, y[i]!);
  }
}

/**
 * The products of all rows with x, both from `from` to `to` (even numbers), and the bias. Four rows by two columns at a
 * time keep the most sums apart that V8 holds in registers.
 *
 * @param x [≥ to] f32
 * @param y [≥ at + rows] f32, written from `at` on
 */
function multiply(
  { rows, bias }: Affine,
  x: Float32Array,
  from: number,
  to: number,
  y: Float32Array,
  at: number,
): void {
  const count = bias.length;
  const length = rows.length / count;
  for (let row = 0; row < count; row += 4) {
    const a = row * length;
    const b = a + length;
    const c = b + length;
    const d = c + length;
    let [a0, b0, c0, d0, a1, b1, c1, d1] = [0, 0, 0, 0, 0, 0, 0, 0];
    for (let k = from; k < to; k += 2) {
      const x0 = x[k]!;
      const x1 = x[k + 1]!;
      a0 += rows[a + k]! * x0;
      b0 += rows[b + k]! * x0;
      c0 += rows[c + k]! * x0;
      d0 += rows[d + k]! * x0;
      a1 += rows[a + k + 1]! * x1;
      b1 += rows[b + k + 1]! * x1;
      c1 += rows[c + k + 1]! * x1;
      d1 += rows[d + k + 1]! * x1;
    }
    y[at + row] = a0 + a1 + bias[row]!;
    y[at + row + 1] = b0 + b1 + bias[row + 1]!;
    y[at + row + 2] = c0 + c1 + bias[row + 2]!;
    y[at + row + 3] = d0 + d1 + bias[row + 3]!;
  }
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** Inputs of a step in memory: an even number of them. */
function padded(inputs: number): number {
  return inputs + (inputs % 2);
}

function arrange(published: Readonly<Record<string, string>>): SileroWeights {
  const values = (name: string): Float32Array => fromBase64(published[name]!);
  const convolutions = CONVOLUTIONS.map(({ inputs, outputs }, layer) => ({
    rows: tapsFirst(values(`encoder.${layer}.reparam_conv.weight`), inputs, outputs),
    bias: values(`encoder.${layer}.reparam_conv.bias`),
  }));
  const hiddenBias = values('decoder.rnn.bias_hh');
  const recurrent = {
    rows: sideBySide(values('decoder.rnn.weight_ih'), values('decoder.rnn.weight_hh')),
    bias: values('decoder.rnn.bias_ih').map((value, i) => value + hiddenBias[i]!),
  };
  const output = values('decoder.decoder.2.weight');
  return { convolutions, recurrent, output, outputBias: values('decoder.decoder.2.bias')[0]! };
}

/** Little-endian f32, as every machine that this runs on has them. */
function fromBase64(text: string): Float32Array {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length); // `from` with a function takes many times as long
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return new Float32Array(bytes.buffer);
}

/** [outputs, inputs, taps] f32 as [outputs, taps, padded(inputs)]. */
function tapsFirst(weight: Float32Array, inputs: number, outputs: number): Float32Array {
  const width = padded(inputs);
  const arranged = new Float32Array(outputs * TAPS * width);
  for (let row = 0; row < outputs; row++) {
    for (let tap = 0; tap < TAPS; tap++) {
      for (let input = 0; input < inputs; input++) {
        arranged[(row * TAPS + tap) * width + input] = weight[(row * inputs + input) * TAPS + tap]!;
      }
    }
  }
  return arranged;
}

/** The rows [512, 128] f32 of two matrices, each pair in a row. */
function sideBySide(left: Float32Array, right: Float32Array): Float32Array {
  const rows = new Float32Array(left.length + right.length);
  for (let row = 0; row < left.length / UNITS; row++) {
    rows.set(left.subarray(row * UNITS, (row + 1) * UNITS), 2 * row * UNITS);
    rows.set(right.subarray(row * UNITS, (row + 1) * UNITS), (2 * row + 1) * UNITS);
  }
  return rows;
}
