import type { IntegerForm, Parameter } from './parameter.js';

/*
 * The operator interface: everything the stages (audio, encoder, decoder) ask of a backend, and nothing else.
 *
 *   backend.weight(parameter)          once, at load           -> Weight handles
 *   await backend.placeWeights()       once, after the last    -> they may be used
 *   backend.createScope(label)         once per clip or state  -> Tensors, FeatureMaps, KvCaches
 *   backend.plan(label, build)         once per shape          -> Pass: the operators `build` asked for, recorded
 *   await pass.run()                   as often as wanted
 *
 * `build` records, it does not compute: at every `run()` the operators give what they would give one after another in the
 * recorded order (a backend may overlap those that share no memory), reading tensors as they are then. A stage therefore writes its inputs with `tensor.write`, runs the pass and reads results with `tensor.read`.
 * The reference backend (ops/reference) is the meaning of each operator; other backends must agree with it within
 * their stated bounds.
 */

/** `operand`: the type a backend feeds to its dot products (f32, or bf16 where that is its precision). */
export type ActivationDtype = 'f32' | 'i32' | 'operand';

/** An activation in backend memory. Leading dimension first; rows are contiguous. */
export interface Tensor {
  readonly label: string;
  readonly shape: readonly number[];
  readonly dtype: ActivationDtype;
  /** View of rows [start, end) of the leading dimension; shares memory. */
  rows(start: number, end: number): Tensor;
  /** Copies values in; `operand` tensors round as the backend does. values.length = product(shape). */
  write(values: Float32Array | Int32Array): void;
  /** Copies values out, widened to f32 (i32 tensors: exact below 2^24, use readIntegers otherwise). */
  read(): Float32Array;
  readIntegers(): Int32Array;
}

/** Image-like activation of the conv stem; its memory layout is the backend's own business. */
export interface FeatureMap {
  readonly label: string;
  readonly chunks: number;
  readonly channels: number;
  /** Frequency. */
  readonly height: number;
  /** Time. */
  readonly width: number;
  /** The first `chunks` chunks on the same memory. */
  firstChunks(chunks: number): FeatureMap;
}

/** Keys and values of all decoder layers: logically [layers, sequences, capacity, kvHeads, headDim], twice. */
export interface KvCache {
  readonly layers: number;
  readonly sequences: number;
  /** Positions a sequence can hold. */
  readonly capacity: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** A checkpoint tensor placed where, and as, the backend wants it. */
export interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: Parameter['dtype'];
  /** What a product reads of it, scales and biases of integers included. */
  readonly byteLength: number;
}

/** Which sequence and which position each row of a decoder pass belongs to. */
export interface SequenceRows {
  readonly count: number;
  /** [count] i32. Prefill: consecutive positions of one sequence. Step: any. */
  readonly positions: Tensor;
  /** [count] i32: index into the cache's sequences. A place outside the cache counts as the nearest inside. */
  readonly sequences: Tensor;
  /** `prefill`: one sequence, ascending positions; `step`: one row per sequence. */
  readonly kind: 'prefill' | 'step';
}

interface LinearOptions {
  /** [N] added to every row. */
  readonly bias?: Weight;
  /** Exact (erf) GELU after the bias. */
  readonly activation?: 'gelu';
  /** [M, N] f32 added last; may be `out` itself. */
  readonly residual?: Tensor;
}

/**
 * Shapes: M rows (tokens), K inputs, N outputs. All are row-major. `y` names the output of each operator. Each throws
 * `internal` when it is recorded with operands whose shapes or types do not fit together.
 */
export interface Operators {
  /**
   * Whisper log-mel: y[m, t] = (max(log10(max(Σ_f filters[m,f]·|STFT(x)[t,f]|², 1e-10)), max over y − 8) + 4) / 4.
   * `samples` [n] f32; frames = floor(n/160); centred frames of 400 with reflect padding of 200 and a periodic Hann window.
   * `filters` [128, 201] f32 · `y` [128, frames] f32.
   */
  logMel(args: { samples: Tensor; filters: Tensor; y: Tensor }): void;

  /** Cuts mel [bins, frames] f32 into chunks of y.width frames (the last zero-padded): y has 1 channel, height = bins. */
  chunkMel(args: { mel: Tensor; y: FeatureMap }): void;

  /** 3×3 convolution, stride 2, padding 1, plus bias, then exact GELU. weight [Cout, Cin, 3, 3] (layout `convolution`). */
  conv2dGelu(args: { x: FeatureMap; weight: Weight; bias: Weight; y: FeatureMap }): void;

  /** y[chunk·width + t, c·height + f] = x[chunk, c, f, t]; only the first y.shape[0] rows are written. y operand. */
  flattenTime(args: { x: FeatureMap; y: Tensor }): void;

  /** y[M,N] = act(x[M,K] · weight[N,K]ᵀ + bias) + residual. x operand; y f32 or operand. */
  linear(args: { x: Tensor; weight: Weight; y: Tensor } & LinearOptions): void;

  /** y[M,N] = silu(x·gateᵀ) ⊙ (x·upᵀ). x operand, y operand. */
  swiglu(args: { x: Tensor; gate: Weight; up: Weight; y: Tensor }): void;

  /** Rows normalised to mean 0, variance 1 (biased), times weight plus bias. x f32, y operand. */
  layerNorm(args: { x: Tensor; weight: Weight; bias: Weight; epsilon: number; y: Tensor }): void;

  /** y = x / sqrt(mean(x²) + ε) ⊙ weight, row by row. x f32, y operand. */
  rmsNorm(args: { x: Tensor; weight: Weight; epsilon: number; y: Tensor }): void;

  /**
   * Bidirectional attention in windows of `windowTokens` consecutive rows, scale 1/sqrt(headDim).
   * q, k, v [tokens, heads·headDim] operand; y the same, operand.
   */
  windowAttention(args: {
    q: Tensor;
    k: Tensor;
    v: Tensor;
    heads: number;
    windowTokens: number;
    y: Tensor;
  }): void;

  /**
   * Per-head RMSNorm of q and k, then NeoX (split-half) RoPE at rows.positions; rotated q goes to `y`, k and v are
   * stored in the cache at (layer, rows.sequences, rows.positions).
   * q [rows, heads·headDim] f32 · k, v [rows, kvHeads·headDim] f32 · qNorm, kNorm [headDim]
   * cos, sin [positions, headDim/2] f32 · y [rows, heads·headDim] operand.
   */
  rotaryToCache(args: {
    q: Tensor;
    k: Tensor;
    v: Tensor;
    qNorm: Weight;
    kNorm: Weight;
    epsilon: number;
    cos: Tensor;
    sin: Tensor;
    cache: KvCache;
    layer: number;
    rows: SequenceRows;
    y: Tensor;
  }): void;

  /** Causal grouped-query attention of q [rows, heads·headDim] operand over the cache, up to each row's position. y operand. */
  cachedAttention(args: { q: Tensor; cache: KvCache; layer: number; rows: SequenceRows; y: Tensor }): void;

  /** y[i] = table[ids[i]], widened. ids [M] i32, table [V, H], y [M, H] f32. An id outside the table: its nearest row. */
  embed(args: { ids: Tensor; table: Weight; y: Tensor }): void;

  /**
   * Greedy choice over logits = x·weightᵀ without storing them: ids[i] = argmax (the lowest index among equals),
   * best[i] = its logit, logSumExp[i] = ln Σ exp(logit). x [M, K] operand, weight [V, K], ids [M] i32, the others [M] f32.
   * A NaN logit makes best NaN.
   */
  argmaxLinear(args: { x: Tensor; weight: Weight; ids: Tensor; best: Tensor; logSumExp: Tensor }): void;

  /** Names a point of the data flow. Costs nothing unless the pass was planned with an observer. */
  probe(stage: string, x: Tensor): void;
}

/** What an operator is called with. */
export type OperatorArgs<Name extends keyof Operators> = Parameters<Operators[Name]>[0];

/** Sees the tensors that a pass names with `probe`, in order, as f32 copies. */
export type Observer = (stage: string, values: Float32Array, shape: readonly number[]) => void;

/** A recorded sequence of operators. */
export interface Pass {
  readonly label: string;
  /**
   * Compiles what the pass needs, while other passes run; without this the first run does.
   *
   * @throws QwenAsrError as `run`
   */
  prepare(): Promise<void>;
  /**
   * Runs all operators once. Passes of one backend run one at a time, in the order of their calls.
   * @throws QwenAsrError `aborted` when the signal fires (checked between operators at the latest every tape step).
   */
  run(signal?: AbortSignal): Promise<void>;
}

/** Owner of activations: everything made in a scope is released together. */
export interface Scope {
  tensor(label: string, shape: readonly number[], dtype: ActivationDtype): Tensor;
  /**
   * @param readBy of a map that the first convolution writes: the weight that it alone is multiplied with, so that a backend
   * may write what that one's product reads
   */
  featureMap(
    label: string,
    size: { chunks: number; channels: number; height: number; width: number },
    readBy?: Weight,
  ): FeatureMap;
  kvCache(size: {
    layers: number;
    sequences: number;
    capacity: number;
    kvHeads: number;
    headDim: number;
  }): KvCache;
  release(): void;
}

/** Floating-point types that dot products take. */
export type OperandType = 'f32' | 'bf16';

/** What a product multiplies; integers of 4 bits as bytes. */
export type ProductType = OperandType | 'int8';

/**
 * What a model's products multiply: floating-point numbers of one type, or matrices of 8-bit or mostly of 4-bit integers
 * in affine groups (of `int4`, embedding, head and encoder have 8 bits) and activations that are rounded for them.
 */
export type Precision = (typeof PRECISIONS)[number];

export const PRECISIONS = ['f32', 'bf16', 'int8', 'int4'] as const;

/** Rates that a machine's participants reach together; null where it has no such instruction. */
export interface Ceilings {
  readonly readBytesPerSecond: number;
  readonly f32FlopsPerSecond: number;
  readonly bf16FlopsPerSecond: number | null;
  /** Of the products that 8-bit weights are multiplied by: of bytes, or of 16 bits where there are no others. */
  readonly int8OpsPerSecond: number | null;
  /** Bits of a vector that the units multiply at a time: less than the registers hold where they work in halves. */
  readonly datapathBits?: number | null;
  /** What the machine's kernels are tuned to: `tileRows=6,l1Bytes=49152,…`, as the micro-benchmarks take it. */
  readonly tuning?: string;
}

/** A way to compute: the reference loops, machine code or WebAssembly. */
export interface Backend {
  readonly name: 'reference' | 'x64' | 'arm64' | 'wasm';
  /** Instruction set level actually used, for example `avx512bf16`; `scalar` for the reference. */
  readonly isa: string;
  /** Of activations, attention and cache, and of products with weights that are no integers. */
  readonly precision: OperandType;
  readonly threadCount: number;
  /** What products of many rows multiply with such a weight: its integers, or the numbers that they stand for. */
  manyRows(weight: Weight): ProductType;
  /** Bytes of activations held at the moment. */
  readonly activationBytes: number;
  /**
   * `convolution`: the weight of conv2dGelu, which a backend may store in another order.
   *
   * @param form of a matrix that is held, and multiplied, as integers: a quantised one as it is stored, another rounded
   * as quantizeRows does; of a convolution, whose channels come last then, where the backend gains by it. Without it a quantised matrix becomes the floating-point numbers that it stands for.
   */
  weight(parameter: Parameter, layout?: 'matrix' | 'vector' | 'convolution', form?: IntegerForm): Weight;
  /**
   * Does what `weight` has put off. Weights may be used afterwards; their parameters' bytes are read no more where they
   * are copies.
   *
   * @throws QwenAsrError `memory`; `aborted`
   */
  placeWeights(signal?: AbortSignal): Promise<void>;
  /** Parts of a parameter that are not needed in the near future: where they are a mapped file's, their pages are let go. */
  forget(bytes: Uint8Array): void;
  /** Whether two parameters' bytes are the same. */
  sameBytes(a: Uint8Array, b: Uint8Array): Promise<boolean>;
  createScope(label: string): Scope;
  plan(label: string, build: (ops: Operators) => void, observer?: Observer): Pass;
  /** The machine's own limits on the backend's threads; null for a backend that is not built for speed. */
  measureCeilings(): Promise<Ceilings | null>;
  /** Frees all memory and threads; anything used after it throws `closed`. */
  close(): Promise<void>;
}
