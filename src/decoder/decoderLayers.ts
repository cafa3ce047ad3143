import type { DecoderConfig } from '../model/config.js';
import type { DecoderLayerWeights, DecoderWeights } from '../model/weights.js';
import type { KvCache, Operators, Scope, SequenceRows, Tensor } from '../ops/operators.js';

/** What every pass of one session works on. */
export interface DecoderContext {
  readonly config: DecoderConfig;
  readonly weights: DecoderWeights;
  readonly cache: KvCache;
  /** [capacity, headDim/2] f32 */
  readonly cos: Tensor;
  readonly sin: Tensor;
}

/** The rows of one pass and their intermediate values, shared by all layers. */
export interface DecoderBuffers {
  /** [rows, hidden] f32: the residual stream. */
  readonly stream: Tensor;
  /** [rows, hidden] operand */
  readonly normed: Tensor;
  /** [rows, heads·headDim] f32 */
  readonly q: Tensor;
  /** [rows, kvHeads·headDim] f32, as v. */
  readonly k: Tensor;
  readonly v: Tensor;
  /** [rows, heads·headDim] operand, as attended. */
  readonly rotated: Tensor;
  readonly attended: Tensor;
  /** [rows, intermediate] operand */
  readonly gated: Tensor;
}

/** Buffers of a pass of `rows` rows. */
export function decoderBuffers(scope: Scope, config: DecoderConfig, rows: number): DecoderBuffers {
  const { hidden, heads, kvHeads, headDim, intermediate } = config;
  const make = (label: string, width: number, dtype: 'f32' | 'operand') =>
    scope.tensor(`decoder ${label}`, [rows, width], dtype);
  return {
    stream: make('stream', hidden, 'f32'),
    normed: make('normed', hidden, 'operand'),
    q: make('q', heads * headDim, 'f32'),
    k: make('k', kvHeads * headDim, 'f32'),
    v: make('v', kvHeads * headDim, 'f32'),
    rotated: make('rotated', heads * headDim, 'operand'),
    attended: make('attended', heads * headDim, 'operand'),
    gated: make('gated', intermediate, 'operand'),
  };
}

/** How much of a pass is computed and how its probes are called. */
export interface LayerOptions {
  /** Of how many of the last rows the result is wanted: in the last layer the others go no further than their keys and values. */
  readonly wantedRows: number;
  /** Layer n is probed as `<probePrefix>n`. */
  readonly probePrefix: string;
}

/**
 * Records all layers over buffers.stream, which is overwritten. The rows are those of one pass, or several prompts one
 * after the other, which share the products:
 *
 *   x ─ input_layernorm ─ q, k, v ─ head norms, RoPE, cache ─ causal attention ─ o_proj ─ + x     (layers times)
 *     ─ post_attention_layernorm ─ silu(gate)·up ─ down_proj ─ + x
 */
export function recordDecoderLayers(
  ops: Operators,
  context: DecoderContext,
  buffers: DecoderBuffers,
  sequences: SequenceRows | readonly SequenceRows[],
  options: LayerOptions,
): void {
  const { layers } = context.weights;
  const all = 'count' in sequences ? [sequences] : sequences;
  for (const [index, layer] of layers.entries()) {
    recordKeysAndQueries(ops, context, layer, index, buffers, all);
    const isLast = index === layers.length - 1;
    if (isLast && options.wantedRows === 0) return;
    const narrow = isLast && all.length === 1 && options.wantedRows < all[0]!.count;
    const outBuffers = narrow ? lastRows(buffers, all[0]!.count, options.wantedRows) : buffers;
    const outRows = narrow ? [lastSequenceRows(all[0]!, options.wantedRows)] : all;
    recordAttentionAndMlp(ops, context, layer, index, outBuffers, outRows);
    ops.probe(`${options.probePrefix}${index}`, outBuffers.stream);
  }
}

function recordKeysAndQueries(
  ops: Operators,
  { config, cache, cos, sin }: DecoderContext,
  layer: DecoderLayerWeights,
  index: number,
  { stream, normed, q, k, v, rotated }: DecoderBuffers,
  sequences: readonly SequenceRows[],
): void {
  const epsilon = config.rmsNormEpsilon;
  ops.rmsNorm({ x: stream, weight: layer.inputLayernorm, epsilon, y: normed });
  ops.linear({ x: normed, weight: layer.qProj, y: q });
  ops.linear({ x: normed, weight: layer.kProj, y: k });
  ops.linear({ x: normed, weight: layer.vProj, y: v });
  const norms = { qNorm: layer.qNorm, kNorm: layer.kNorm, epsilon };
  eachSequence(sequences, (rows, of) => {
    const own = { q: of(q), k: of(k), v: of(v), y: of(rotated) };
    ops.rotaryToCache({ ...own, ...norms, cos, sin, cache, layer: index, rows });
  });
}

function recordAttentionAndMlp(
  ops: Operators,
  { config, cache }: DecoderContext,
  layer: DecoderLayerWeights,
  index: number,
  { stream, normed, rotated, attended, gated }: AttentionBuffers,
  sequences: readonly SequenceRows[],
): void {
  const epsilon = config.rmsNormEpsilon;
  eachSequence(sequences, (rows, of) =>
    ops.cachedAttention({ q: of(rotated), cache, layer: index, rows, y: of(attended) }),
  );
  ops.linear({ x: attended, weight: layer.oProj, residual: stream, y: stream });
  ops.rmsNorm({ x: stream, weight: layer.postAttentionLayernorm, epsilon, y: normed });
  ops.swiglu({ x: normed, gate: layer.gateProj, up: layer.upProj, y: gated });
  ops.linear({ x: gated, weight: layer.downProj, residual: stream, y: stream });
}

/** Records what prompts do each by itself; `of` gives a prompt's rows of a buffer in which they follow one another. */
function eachSequence(
  sequences: readonly SequenceRows[],
  record: (rows: SequenceRows, of: (buffer: Tensor) => Tensor) => void,
): void {
  let start = 0;
  for (const rows of sequences) {
    const [from, to] = [start, start + rows.count];
    record(rows, (buffer) => buffer.rows(from, to));
    start = to;
  }
}

type AttentionBuffers = Pick<DecoderBuffers, 'stream' | 'normed' | 'rotated' | 'attended' | 'gated'>;

function lastRows(buffers: DecoderBuffers, count: number, wanted: number): AttentionBuffers {
  const last = (tensor: Tensor): Tensor => tensor.rows(count - wanted, count);
  return {
    stream: last(buffers.stream),
    normed: last(buffers.normed),
    rotated: last(buffers.rotated),
    attended: last(buffers.attended),
    gated: last(buffers.gated),
  };
}

/** The last row of a prefill looks at the cache exactly as a step of its sequence does. */
function lastSequenceRows(rows: SequenceRows, wanted: number): SequenceRows {
  const { count, positions, sequences } = rows;
  return {
    count: wanted,
    positions: positions.rows(count - wanted, count),
    sequences: sequences.rows(count - wanted, count),
    kind: wanted === 1 ? 'step' : rows.kind,
  };
}

/** The greedy choice for one row. */
export interface Choice {
  readonly id: number;
  /** The chosen token's logit, the highest of all; NaN when any logit is NaN. */
  readonly logit: number;
  /** ln of the chosen token's probability. */
  readonly logProbability: number;
}

/** Where a pass leaves its choices, one a row. */
export interface ChoiceTensors {
  /** [rows] i32 */
  readonly ids: Tensor;
  /** [rows] f32 */
  readonly best: Tensor;
  /** [rows] f32 */
  readonly logSumExp: Tensor;
}

/** Tensors for the choices of `rows` rows. */
export function choiceTensors(scope: Scope, rows: number): ChoiceTensors {
  return {
    ids: scope.tensor('chosen ids', [rows], 'i32'),
    best: scope.tensor('best logits', [rows], 'f32'),
    logSumExp: scope.tensor('log-sum-exp', [rows], 'f32'),
  };
}

/** Records final norm and greedy choice over `stream` [rows, hidden] f32; `normed` the same, operand. */
export function recordDecoderHead(
  ops: Operators,
  { config, weights }: DecoderContext,
  { stream, normed }: { stream: Tensor; normed: Tensor },
  choices: ChoiceTensors,
): void {
  ops.rmsNorm({ x: stream, weight: weights.norm, epsilon: config.rmsNormEpsilon, y: normed });
  ops.argmaxLinear({ x: normed, weight: weights.lmHead, ...choices });
}

/** The choices of the pass that has just run. */
export function readChoices({ ids, best, logSumExp }: ChoiceTensors): Choice[] {
  const logits = best.read();
  const sums = logSumExp.read();
  return Array.from(ids.readIntegers(), (id, row) => {
    const logit = logits[row]!;
    return { id, logit, logProbability: logit - sums[row]! };
  });
}
