import { QwenAsrError } from '../../error.js';
import type { KernelCall, KernelSpec, Memory } from '../../kernels/kernel.js';
import { type AffineBlocks, BLOCK_COLUMNS, blocksFor } from '../../kernels/matrix/formats/affineBlocks.js';
import { packAffine } from '../../kernels/matrix/packAffine.js';
import { packRows } from '../../kernels/matrix/packRows.js';
import type { Arena, ArenaBlock } from '../../runtime/arena.js';
import type { Machine } from '../../runtime/machine.js';
import { integerParameter, widenRange } from '../affineGroups.js';
import { checkScales } from '../nonFinite.js';
import type { AffineParameter, IntegerForm, Parameter, PlainParameter } from '../parameter.js';
import { byteSpans, joinedSpans } from './byteSpans.js';
import { checkMatrixShape } from './checkShapes.js';

/**
 * A look at how far packing is lets go of what has been packed since so many looks before: a tile that began before them
 * may still be read, and brings pages back that nothing else would let go.
 */
const LOOKS = 2;

/** Weights lie together in regions of large pages, of which the last stays untouched from where they end. */
const REGION_BYTES = 64 * 2 ** 20;

/** Packed later: a matrix, where it goes, and how. */
interface WaitingMatrix {
  readonly parameter: Parameter;
  /** Memory of its own that the source is in, not a file's: given back when it is packed. */
  readonly temporary: ArenaBlock | null;
  readonly blocks: AffineBlocks;
  readonly memory: Memory;
}

/** A matrix as a kernel packs it, a tile for every 16 rows. */
interface Packing {
  readonly parameter: Parameter;
  readonly call: KernelCall;
  /** As many rows each as the matrix has; what may be let go afterwards. */
  readonly source: readonly Uint8Array[];
  readonly rows: number;
}

/** Who does the work, and who is told of source bytes that have been read. */
export interface PackOptions {
  /** Calls that touch nothing of each other. @param meanwhile is told now and then how many of their tiles are done */
  readonly runAtOnce: (calls: readonly KernelCall[], meanwhile: (tiles: number) => void) => Promise<void>;
  readonly forget: (bytes: Uint8Array) => void;
}

/** Packs matrices as blocks of integers: memory is given at once, the work is done by all participants later. */
export class BlockPacker {
  private readonly machine: Machine;
  private readonly arena: Arena;
  private readonly waiting: WaitingMatrix[] = [];
  /** Rest of the region that weights lie in. */
  private rest: Memory = { address: 0, byteLength: 0 };

  constructor(machine: Machine, arena: Arena) {
    this.machine = machine;
    this.arena = arena;
  }

  /**
   * @param temporary memory of the packer's from now on, which the parameter's bytes are in
   * @throws QwenAsrError `unsupported` for a shape that the kernels do not multiply; `memory`
   */
  add(
    parameter: Parameter,
    form: IntegerForm,
    temporary: ArenaBlock | null = null,
  ): Memory & { readonly element: AffineBlocks } {
    const { name, shape } = parameter;
    checkMatrixShape(name, shape);
    const [n = 0, depth = 0] = shape;
    if (depth % form.groupSize !== 0) {
      const what = `${name}: expected rows of a multiple of ${form.groupSize}, found ${depth}`;
      throw new QwenAsrError('internal', what);
    }
    // Values of at most as many bits in the same groups are packed as they are; others are rounded anew.
    const stored = parameter.dtype === 'affine' ? integerParameter(parameter, form) : parameter;
    if (stored !== parameter && parameter.dtype === 'affine') checkScales(parameter);
    const scales = stored.dtype === 'affine' ? scaleType(stored) : 'bf16';
    const blocks = blocksFor(this.machine.capabilities, form.bits, form.groupSize, scales);
    const memory = this.allocate(blocks.byteLength(n, depth));
    this.waiting.push({ parameter: stored, temporary, blocks, memory });
    return { element: blocks, ...memory };
  }

  /** What was added since the last time; null where that is nothing. */
  take(): PackingWork | null {
    const matrices = this.waiting.splice(0);
    if (matrices.length === 0) return null;
    const damage = this.arena.allocate(4);
    return new PackingWork(
      matrices.map((matrix) => this.packing(matrix, damage)),
      [damage, ...matrices.flatMap(({ temporary }) => temporary ?? [])],
      this.arena,
    );
  }

  private packing({ parameter, temporary, blocks, memory }: WaitingMatrix, damage: Memory): Packing {
    const [rows = 0, depth = 0] = parameter.shape;
    if (parameter.dtype !== 'affine') {
      const { dtype, bytes } = parameter;
      const call = packRows({ depth, dtype, blocks }).call({ x: this.readable(bytes), y: memory, n: rows });
      return { parameter, call, source: temporary === null ? [bytes] : [], rows };
    }
    const source = [parameter.bytes, ...scalesOf(parameter, blocks)];
    const [words, scales, biases] = source.map((bytes) => this.readable(bytes)) as [Memory, Memory, Memory];
    const kernel = packAffine({ depth, bits: parameter.bits, blocks });
    return {
      parameter,
      call: kernel.call({ words, scales, biases, y: memory, damage, n: rows }),
      source,
      rows,
    };
  }

  private readable(bytes: Uint8Array): Memory {
    return { address: this.machine.place(bytes).address, byteLength: bytes.byteLength };
  }

  /** Memory that is never given back: until the machine is closed. */
  private allocate(byteLength: number): Memory {
    if (this.machine.reserveLarge === undefined) {
      return { address: this.arena.allocate(byteLength).address, byteLength };
    }
    if (this.rest.byteLength < byteLength) {
      this.rest = this.machine.reserveLarge(Math.max(REGION_BYTES, byteLength));
    }
    const { address } = this.rest;
    this.rest = { address: address + byteLength, byteLength: this.rest.byteLength - byteLength };
    return { address, byteLength };
  }
}

/** Matrices that are to be packed, in this order. */
export class PackingWork {
  private readonly packings: readonly Packing[];
  private readonly blocks: readonly [damage: ArenaBlock, ...others: ArenaBlock[]];
  private readonly arena: Arena;

  /** @param blocks are given back in the end; the first becomes 1 where a scale or bias is not finite */
  constructor(packings: readonly Packing[], blocks: PackingWork['blocks'], arena: Arena) {
    this.packings = packings;
    this.blocks = blocks;
    this.arena = arena;
  }

  get kernels(): KernelSpec[] {
    return this.packings.map(({ call }) => call.kernel);
  }

  /**
   * Packs them. To be called once.
   *
   * @throws QwenAsrError `model` for scales that are not finite
   */
  async run({ runAtOnce, forget }: PackOptions): Promise<void> {
    const {
      packings,
      blocks: [damage],
    } = this;
    const damaged = new Int32Array(damage.buffer, damage.bufferOffset, 1);
    damaged[0] = 0;
    const looks: number[] = new Array(LOOKS).fill(0); // tiles that were done
    const forgetPacked = (tiles: number): void => {
      for (const span of packedBy(packings, { from: looks.shift()!, to: tiles })) forget(span);
      looks.push(tiles);
    };
    try {
      await runAtOnce(
        packings.map(({ call }) => call),
        forgetPacked,
      );
      if (damaged[0] !== 0)
        for (const { parameter } of packings) if (parameter.dtype === 'affine') checkScales(parameter);
    } finally {
      // What tiles that ended late have brought back goes, too.
      for (const span of byteSpans(packings.flatMap(({ source }) => source))) forget(span);
      for (const block of this.blocks) this.arena.release(block);
    }
  }
}

/** The rows that tiles `from` … `to` − 1 of all have packed. */
function packedBy(
  packings: readonly Packing[],
  { from, to }: { readonly from: number; readonly to: number },
): Uint8Array[] {
  const spans: Uint8Array[] = [];
  let start = 0; // of the matrix' tiles
  for (const { call, source, rows } of packings) {
    if (start >= to) break;
    const first = Math.max(0, from - start) * BLOCK_COLUMNS;
    const end = Math.min(rows, (to - start) * BLOCK_COLUMNS);
    start += call.tiles;
    if (first >= end) continue;
    for (const bytes of source) {
      const rowBytes = bytes.byteLength / rows;
      spans.push(bytes.subarray(first * rowBytes, end * rowBytes));
    }
  }
  return joinedSpans(spans);
}

/** What blocks hold: both types where they are the same, else f32. */
function scaleType({ scales, biases }: AffineParameter): AffineBlocks['scales'] {
  return scales.dtype === biases.dtype ? scales.dtype : 'f32';
}

function scalesOf({ scales, biases }: AffineParameter, blocks: AffineBlocks): Uint8Array[] {
  return [scales, biases].map((part) => (part.dtype === blocks.scales ? part.bytes : widened(part)));
}

function widened(part: PlainParameter): Uint8Array {
  const count = part.shape.reduce((product, size) => product * size, 1);
  return new Uint8Array(widenRange(part, 0, count).buffer);
}
