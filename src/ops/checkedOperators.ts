import { QwenAsrError } from '../error.js';
import { FFT_BINS, FFT_SIZE, melFrameCount } from './logMelShape.js';
import type {
  FeatureMap,
  KvCache,
  OperatorArgs,
  Operators,
  SequenceRows,
  Tensor,
  Weight,
} from './operators.js';

/*
 * What every operator takes for granted about its operands, checked once for all backends, when it is recorded. Neither
 * kernels nor loops look themselves: they would read past the end of whatever is shorter than they were told.
 */

/** `float` is f32 or operand. */
type ExpectedDtype = 'f32' | 'i32' | 'float';

/**
 * Operators that check the shapes, types and counts of all their operands before they are recorded.
 *
 * @throws QwenAsrError `internal`, from each operator, naming operator and operand, what was expected and what was found
 */
export function checkedOperators(ops: Operators): Operators {
  const checked =
    <A>(check: (args: A) => void, record: (args: A) => void) =>
    (args: A): void => {
      check(args);
      record(args);
    };
  return {
    logMel: checked(checkLogMel, ops.logMel),
    chunkMel: checked(checkChunkMel, ops.chunkMel),
    conv2dGelu: checked(checkConv2dGelu, ops.conv2dGelu),
    flattenTime: checked(checkFlattenTime, ops.flattenTime),
    linear: checked(checkLinear, ops.linear),
    swiglu: checked(checkSwiglu, ops.swiglu),
    layerNorm: checked(checkLayerNorm, ops.layerNorm),
    rmsNorm: checked((args: OperatorArgs<'rmsNorm'>) => void checkNorm('rmsNorm', args), ops.rmsNorm),
    windowAttention: checked(checkWindowAttention, ops.windowAttention),
    rotaryToCache: checked(checkRotaryToCache, ops.rotaryToCache),
    cachedAttention: checked(checkCachedAttention, ops.cachedAttention),
    embed: checked(checkEmbed, ops.embed),
    argmaxLinear: checked(checkArgmaxLinear, ops.argmaxLinear),
    probe: (stage, x) => ops.probe(stage, x),
  };
}

/** That the first `chunks` chunks of a feature map are there. @throws QwenAsrError `internal` */
export function checkChunkCount(label: string, chunks: number, of: number): void {
  if (Number.isInteger(chunks) && chunks > 0 && chunks <= of) return;
  throw new QwenAsrError('internal', `${label}: expected 1..${of} chunks, found ${chunks}`);
}

function checkLogMel({ samples, filters, y }: OperatorArgs<'logMel'>): void {
  const { length: rank, 0: count = 0 } = samples.shape;
  if (rank !== 1 || count <= FFT_SIZE / 2)
    fail('logMel', `samples (${samples.label})`, `[more than ${FFT_SIZE / 2}]`, shown(samples.shape));
  checkTensor('logMel', 'samples', samples, 'f32', [count]);
  const bins = filters.shape[0] ?? 0;
  checkTensor('logMel', 'filters', filters, 'f32', [bins, FFT_BINS]);
  checkTensor('logMel', 'y', y, 'f32', [bins, melFrameCount(count)]);
}

function checkChunkMel({ mel, y }: OperatorArgs<'chunkMel'>): void {
  const [bins, frames] = matrixShape('chunkMel', 'mel', mel, 'f32');
  const chunks = Math.ceil(frames / y.width);
  checkMap('chunkMel', 'y', y, { chunks, channels: 1, height: bins, width: y.width });
}

function checkConv2dGelu({ x, weight, bias, y }: OperatorArgs<'conv2dGelu'>): void {
  checkWeight('conv2dGelu', 'weight', weight, [y.channels, x.channels, 3, 3]);
  checkWeight('conv2dGelu', 'bias', bias, [y.channels]);
  const size = { chunks: x.chunks, height: Math.ceil(x.height / 2), width: Math.ceil(x.width / 2) };
  checkMap('conv2dGelu', 'y', y, { ...size, channels: y.channels });
}

function checkFlattenTime({ x, y }: OperatorArgs<'flattenTime'>): void {
  const [rows] = matrixShape('flattenTime', 'y', y, 'float');
  const most = x.chunks * x.width;
  if (rows > most) fail('flattenTime', `y (${y.label})`, `at most ${most} rows`, `${rows}`);
  checkTensor('flattenTime', 'y', y, 'float', [rows, x.channels * x.height]);
}

function checkLinear({ x, weight, y, bias, residual }: OperatorArgs<'linear'>): void {
  const [m, depth] = matrixShape('linear', 'x', x, 'float');
  const n = weight.shape[0] ?? 0;
  checkWeight('linear', 'weight', weight, [n, depth]);
  checkTensor('linear', 'y', y, 'float', [m, n]);
  if (bias !== undefined) checkWeight('linear', 'bias', bias, [n]);
  if (residual !== undefined) checkTensor('linear', 'residual', residual, 'f32', [m, n]);
}

function checkSwiglu({ x, gate, up, y }: OperatorArgs<'swiglu'>): void {
  const [m, depth] = matrixShape('swiglu', 'x', x, 'float');
  const n = gate.shape[0] ?? 0;
  checkWeight('swiglu', 'gate', gate, [n, depth]);
  checkWeight('swiglu', 'up', up, [n, depth]);
  checkTensor('swiglu', 'y', y, 'float', [m, n]);
}

/** @returns the length of a row */
function checkNorm(
  operator: string,
  { x, weight, y }: Pick<OperatorArgs<'rmsNorm'>, 'x' | 'weight' | 'y'>,
): number {
  const [rows, length] = matrixShape(operator, 'x', x, 'f32');
  checkWeight(operator, 'weight', weight, [length]);
  checkTensor(operator, 'y', y, 'float', [rows, length]);
  return length;
}

function checkLayerNorm(args: OperatorArgs<'layerNorm'>): void {
  checkWeight('layerNorm', 'bias', args.bias, [checkNorm('layerNorm', args)]);
}

function checkWindowAttention({ q, k, v, y, heads, windowTokens }: OperatorArgs<'windowAttention'>): void {
  const [tokens, width] = matrixShape('windowAttention', 'q', q, 'float');
  for (const [name, tensor] of Object.entries({ k, v, y }))
    checkTensor('windowAttention', name, tensor, 'float', [tokens, width]);
  checkMultiple('windowAttention', `q (${q.label})`, width, heads);
  checkMultiple('windowAttention', 'windowTokens', windowTokens, 1);
}

function checkRotaryToCache({
  q,
  k,
  v,
  qNorm,
  kNorm,
  cos,
  sin,
  ...args
}: OperatorArgs<'rotaryToCache'>): void {
  const { cache, rows, y } = args;
  const { kvHeads, headDim } = cache;
  const width = checkQueries('rotaryToCache', q, 'f32', args);
  checkTensor('rotaryToCache', 'k', k, 'f32', [rows.count, kvHeads * headDim]);
  checkTensor('rotaryToCache', 'v', v, 'f32', [rows.count, kvHeads * headDim]);
  checkWeight('rotaryToCache', 'qNorm', qNorm, [headDim]);
  checkWeight('rotaryToCache', 'kNorm', kNorm, [headDim]);
  const [positions] = matrixShape('rotaryToCache', 'cos', cos, 'f32');
  checkTensor('rotaryToCache', 'cos', cos, 'f32', [positions, headDim / 2]);
  checkTensor('rotaryToCache', 'sin', sin, 'f32', [positions, headDim / 2]);
  checkTensor('rotaryToCache', 'y', y, 'float', [rows.count, width]);
}

function checkCachedAttention({ q, y, ...args }: OperatorArgs<'cachedAttention'>): void {
  const width = checkQueries('cachedAttention', q, 'float', args);
  checkTensor('cachedAttention', 'y', y, 'float', [args.rows.count, width]);
}

/** Queries over a layer of the cache. @returns the length of a row */
function checkQueries(
  operator: string,
  q: Tensor,
  dtype: ExpectedDtype,
  { cache, layer, rows }: { cache: KvCache; layer: number; rows: SequenceRows },
): number {
  const [count, width] = matrixShape(operator, 'q', q, dtype);
  checkMultiple(operator, `q (${q.label})`, width, cache.kvHeads * cache.headDim);
  if (rows.count !== count) fail(operator, 'rows', `${count}, one a query`, `${rows.count}`);
  checkTensor(operator, 'positions', rows.positions, 'i32', [count]);
  checkTensor(operator, 'sequences', rows.sequences, 'i32', [count]);
  if (rows.kind === 'prefill' && count > cache.capacity)
    fail(operator, 'rows', `at most ${cache.capacity}, the positions of a sequence`, `${count}`);
  const isLayer = Number.isInteger(layer) && layer >= 0 && layer < cache.layers;
  if (!isLayer) fail(operator, 'layer', `one of ${cache.layers}`, `${layer}`);
  return width;
}

function checkEmbed({ ids, table, y }: OperatorArgs<'embed'>): void {
  if (y.shape[0] === 0 && ids.shape[0] === 0) return; // a part of a prompt may be empty
  const [count, width] = matrixShape('embed', 'y', y, 'f32');
  checkTensor('embed', 'ids', ids, 'i32', [count]);
  checkWeight('embed', 'table', table, [table.shape[0] ?? 0, width]);
}

function checkArgmaxLinear({ x, weight, ids, best, logSumExp }: OperatorArgs<'argmaxLinear'>): void {
  const [rows, depth] = matrixShape('argmaxLinear', 'x', x, 'float');
  checkWeight('argmaxLinear', 'weight', weight, [weight.shape[0] ?? 0, depth]);
  checkTensor('argmaxLinear', 'ids', ids, 'i32', [rows]);
  checkTensor('argmaxLinear', 'best', best, 'f32', [rows]);
  checkTensor('argmaxLinear', 'logSumExp', logSumExp, 'f32', [rows]);
}

/** The sizes of a matrix of any, but at least one, row and column. */
function matrixShape(
  operator: string,
  operand: string,
  tensor: Tensor,
  dtype: ExpectedDtype,
): [rows: number, columns: number] {
  const [rows = 0, columns = 0] = tensor.shape;
  if (tensor.shape.length !== 2) fail(operator, named(operand, tensor), 'a matrix', shown(tensor.shape));
  checkTensor(operator, operand, tensor, dtype, [rows, columns]);
  return [rows, columns];
}

function checkTensor(
  operator: string,
  operand: string,
  tensor: Tensor,
  dtype: ExpectedDtype,
  shape: readonly number[],
): void {
  checkShape(operator, named(operand, tensor), tensor.shape, shape);
  const fits = dtype === 'float' ? tensor.dtype !== 'i32' : tensor.dtype === dtype;
  const expected = dtype === 'float' ? 'f32 or operand' : dtype;
  if (!fits) fail(operator, named(operand, tensor), expected, tensor.dtype);
}

function checkWeight(operator: string, operand: string, weight: Weight, shape: readonly number[]): void {
  checkShape(operator, `${operand} (${weight.name})`, weight.shape, shape);
}

function checkShape(
  operator: string,
  operand: string,
  found: readonly number[],
  expected: readonly number[],
): void {
  const isSame = found.length === expected.length && found.every((size, i) => size === expected[i]);
  if (!isSame) fail(operator, operand, shown(expected), shown(found));
  if (found.some((size) => !(size > 0))) fail(operator, operand, 'sizes above 0', shown(found));
}

type MapSize = Pick<FeatureMap, 'chunks' | 'channels' | 'height' | 'width'>;

function checkMap(operator: string, operand: string, map: FeatureMap, expected: MapSize): void {
  const sizes = ({ chunks, channels, height, width }: MapSize) => [chunks, channels, height, width];
  checkShape(operator, `${operand} (${map.label})`, sizes(map), sizes(expected));
}

function checkMultiple(operator: string, what: string, found: number, of: number): void {
  const fits = of > 0 && found > 0 && found % of === 0;
  if (!fits) fail(operator, what, `a multiple of ${of}`, `${found}`);
}

function named(operand: string, tensor: Tensor): string {
  return `${operand} (${tensor.label})`;
}

function shown(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

function fail(operator: string, what: string, expected: string, found: string): never {
  throw new QwenAsrError('internal', `${operator}: ${what}: expected ${expected}, found ${found}`);
}
