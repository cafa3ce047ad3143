import { QwenAsrError } from '../error.js';
import type { Backend, OperandType, Precision } from '../ops/operators.js';
import { type IntegerForm, type Parameter, storedParts } from '../ops/parameter.js';
import { sameBytes } from '../ops/sameBytes.js';
import { canonicalName, ModelTensors, type UnsupportedTensor } from './modelTensors.js';
import { repeatsEmbedding } from './repeatedHead.js';
import { WeightForms } from './weightForms.js';
import { holding } from './weights.js';

/** A weight file whose parts are read when they are needed. */
export interface FileInParts {
  readonly byteLength: number;
  /** Fills `into` with the file's bytes from `start` on. @throws QwenAsrError `file`, `aborted` */
  read(start: number, into: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Where a tensor's bytes lie that is not in memory. */
export interface TensorSource {
  readonly file: FileInParts;
  readonly start: number;
  readonly byteLength: number;
}

/** Memory that a backend's kernels read. */
export interface ReservedPlace {
  readonly buffer: ArrayBufferLike;
  /** A multiple of 64. */
  readonly byteOffset: number;
  release(): void;
}

/** For backends whose memory never shrinks: what becomes a packed copy passes through a small part of it. */
export interface StagingOptions {
  readonly precision: Precision | 'auto';
  /** What the backend multiplies where there are no integers. */
  readonly operand: OperandType;
  /** @throws QwenAsrError `memory` */
  readonly reserve: (byteLength: number) => ReservedPlace;
}

/** Tensors as files list them. */
export interface ListedTensors {
  readonly source: string;
  readonly parameters: readonly Parameter[];
  readonly unsupported: readonly UnsupportedTensor[];
  /** By the bytes of a parameter or of its scales. Those of matrices are an empty array. */
  readonly sources: ReadonlyMap<Uint8Array, TensorSource>;
}

/** A matrix at its place in memory, before its bytes are there. */
interface StagedMatrix {
  readonly parameter: Parameter;
  readonly form: IntegerForm;
  readonly reads: readonly { readonly from: TensorSource; readonly into: Uint8Array }[];
  /** What nobody needs any more once it is packed. */
  readonly released: ReservedPlace | null;
}

/** Matrices that are read, packed and let go one at a time: their `bytes` mean something only meanwhile. */
export class StagedWeights {
  readonly #matrices: readonly StagedMatrix[];

  constructor(matrices: readonly StagedMatrix[]) {
    this.#matrices = matrices;
  }

  /**
   * Places them in a backend, which knows them by their bytes afterwards. To be called once.
   *
   * @throws QwenAsrError `file`, `memory`, `unsupported`, `aborted`
   */
  async placeIn(backend: Pick<Backend, 'weight' | 'placeWeights'>, signal?: AbortSignal): Promise<void> {
    for (const { parameter, form, reads, released } of this.#matrices) {
      if (signal?.aborted) throw new QwenAsrError('aborted', `${parameter.name}: loading was aborted`);
      for (const { from, into } of reads) await from.file.read(from.start, into);
      backend.weight(parameter, 'matrix', form);
      await backend.placeWeights(signal);
      released?.release();
    }
  }
}

/**
 * Decides which matrices are packed. The largest, of most models the embedding, comes first and alone, so that copies of
 * the others lie where it was; these share a stretch of memory. Everything else is read to stay.
 */
export async function stageTensors(
  listed: ListedTensors,
  options: StagingOptions,
): Promise<{ readonly tensors: ModelTensors; readonly staged: StagedWeights }> {
  const { source, parameters, unsupported, sources } = listed;
  const known = new ModelTensors(source, parameters, unsupported);
  const repeated = await repeatedHead(known, sources);
  const packed = packedMatrices(known, listed, options).filter(({ parameter }) => parameter !== repeated);
  const regions = packed.slice(0, 2).map(({ byteLength }) => options.reserve(byteLength));
  const matrices = new Map(
    packed.map(({ parameter, form }, i): [Parameter, StagedMatrix] => {
      const region = regions[Math.min(i, 1)]!;
      const released = i === 0 || i === packed.length - 1 ? region : null;
      return [parameter, { form, released, ...stage(parameter, region, sources) }];
    }),
  );
  const embedding = matrices.get(known.byName.get(EMBEDDING)!)?.parameter;
  const placed: Parameter[] = [];
  for (const parameter of parameters) {
    if (parameter === repeated && embedding !== undefined)
      placed.push({ ...embedding, name: parameter.name });
    else placed.push(matrices.get(parameter)?.parameter ?? (await readToStay(parameter, options, sources)));
  }
  return {
    tensors: new ModelTensors(source, placed, unsupported, true),
    staged: new StagedWeights([...matrices.values()]),
  };
}

const EMBEDDING = 'model.embed_tokens.weight';

const ALIGNMENT = 64;

/** With the bytes that each takes while it is staged, the largest first. */
function packedMatrices(
  known: ModelTensors,
  { parameters, sources }: ListedTensors,
  { precision, operand }: StagingOptions,
): { readonly parameter: Parameter; readonly form: IntegerForm; readonly byteLength: number }[] {
  const forms = new WeightForms(known, precision, operand);
  const held = (name: string, parameter: Parameter) => ({ parameter, form: forms.of(name, parameter) });
  const formOf = (parameter: Parameter): IntegerForm | undefined => {
    const name = canonicalName(parameter.name, known.layout);
    if (name === null || !sources.has(parameter.bytes)) return undefined;
    const half = held(name, parameter);
    // One kernel multiplies gate and up: those that are not held alike are widened, see loadDecoderWeights.
    const otherName = name.replace(/\b(gate|up)_proj\b/, (found) =>
      found === 'up_proj' ? 'gate_proj' : 'up_proj',
    );
    const other = known.byName.get(otherName);
    const isAlike = other === undefined || holding(half) === holding(held(otherName, other));
    return isAlike ? half.form : undefined;
  };
  const bytesOf = (parameter: Parameter): number =>
    storedParts(parameter).reduce((sum, { bytes }) => sum + aligned(sources.get(bytes)!.byteLength), 0);
  return parameters
    .flatMap((parameter) => {
      const form = formOf(parameter);
      return form === undefined ? [] : [{ parameter, form, byteLength: bytesOf(parameter) }];
    })
    .sort((a, b) => b.byteLength - a.byteLength);
}

function aligned(byteLength: number): number {
  return Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT;
}

/** A parameter whose bytes lie in the region, and what has to be read for that. */
function stage(
  parameter: Parameter,
  { buffer, byteOffset }: ReservedPlace,
  sources: ListedTensors['sources'],
): Pick<StagedMatrix, 'parameter' | 'reads'> {
  let at = byteOffset;
  const reads = storedParts(parameter).map(({ bytes }) => {
    const from = sources.get(bytes)!;
    const into = new Uint8Array(buffer, at, from.byteLength);
    at += aligned(from.byteLength);
    return { from, into };
  });
  const [bytes, scales, biases] = reads.map(({ into }) => into);
  if (parameter.dtype !== 'affine') return { parameter: { ...parameter, bytes: bytes! }, reads };
  const parts = {
    scales: { ...parameter.scales, bytes: scales! },
    biases: { ...parameter.biases, bytes: biases! },
  };
  return { parameter: { ...parameter, bytes: bytes!, ...parts }, reads };
}

async function readToStay(
  parameter: Parameter,
  { reserve }: StagingOptions,
  sources: ListedTensors['sources'],
): Promise<Parameter> {
  const from = sources.get(parameter.bytes);
  if (from === undefined) return parameter;
  const { buffer, byteOffset } = reserve(from.byteLength);
  const bytes = new Uint8Array(buffer, byteOffset, from.byteLength);
  await from.file.read(from.start, bytes);
  return { ...parameter, bytes };
}

/** Compared at a time. */
const PIECE_BYTES = 2 ** 23;

/** The head where its file holds the embedding's bytes once more, as the published 0.6B's does. */
async function repeatedHead(
  known: ModelTensors,
  sources: ListedTensors['sources'],
): Promise<Parameter | undefined> {
  const isRepeated = await repeatsEmbedding(known, async (...arrays) => {
    const [a, b] = arrays.map((bytes) => sources.get(bytes));
    return a !== undefined && b !== undefined && sameSources(a, b);
  });
  return isRepeated ? known.byName.get('lm_head.weight') : undefined;
}

async function sameSources(a: TensorSource, b: TensorSource): Promise<boolean> {
  if (a.byteLength !== b.byteLength) return false;
  const pieces = [a, b].map((from) => ({
    from,
    piece: new Uint8Array(Math.min(PIECE_BYTES, from.byteLength)),
  }));
  for (let at = 0; at < a.byteLength; at += PIECE_BYTES) {
    const [x, y] = pieces.map(({ piece }) => piece.subarray(0, a.byteLength - at)) as [
      Uint8Array,
      Uint8Array,
    ];
    await a.file.read(a.start + at, x);
    await b.file.read(b.start + at, y);
    if (!sameBytes(x, y)) return false;
  }
  return true;
}
