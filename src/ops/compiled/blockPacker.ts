import { QwenAsrError } from '../../error.js';
import type { KernelCall, Memory } from '../../kernels/kernel.js';
import {
  type AffineBlocks,
  BLOCK_COLUMNS,
  blocksFor,
  COLUMN_ALIGNMENT,
} from '../../kernels/matrix/formats/affineBlocks.js';
import { packAffine, packRows } from '../../kernels/matrix/packBlocks.js';
import type { Arena } from '../../runtime/arena.js';
import type { Machine } from '../../runtime/machine.js';
import { integerParameter, widenRange } from '../affineGroups.js';
import type { AffineParameter, IntegerForm, Parameter, PlainParameter } from '../parameter.js';
import { checkMatrixShape } from './checkShapes.js';

/** Source bytes that are packed at a time; they are let go while the next are. Twice as many lie in memory twice. */
const PIECE_BYTES = 4 * 2 ** 20;

/** Weights lie together in regions of large pages, of which the last stays untouched from where they end. */
const REGION_BYTES = 64 * 2 ** 20;

/** Rows of a weight that are packed by one call, and what may be let go afterwards. */
interface Piece {
  readonly call: KernelCall;
  readonly source: readonly Uint8Array[];
}

/** Who does the work, and who is told of source bytes that have been read. */
export interface PackOptions {
  /** Calls that touch nothing of each other. @param meanwhile is done here while they run */
  readonly runAtOnce: (calls: readonly KernelCall[], meanwhile: () => void) => Promise<void>;
  readonly forget: (bytes: Uint8Array) => void;
}

/** Packs matrices as blocks of integers: memory is given at once, the work is done by all participants later. */
export class BlockPacker {
  private readonly machine: Machine;
  private readonly arena: Arena;
  private readonly waiting: (() => Generator<Piece>)[] = [];
  /** Rest of the region that weights lie in. */
  private rest: Memory = { address: 0, byteLength: 0 };

  constructor(machine: Machine, arena: Arena) {
    this.machine = machine;
    this.arena = arena;
  }

  /** @throws QwenAsrError `unsupported` for a shape that the kernels do not multiply; `memory` */
  add(parameter: Parameter, form: IntegerForm): Memory & { readonly element: AffineBlocks } {
    const { name, shape } = parameter;
    checkMatrixShape(name, shape);
    const [n = 0, depth = 0] = shape;
    if (depth % form.groupSize !== 0) {
      const what = `${name}: expected rows of a multiple of ${form.groupSize}, found ${depth}`;
      throw new QwenAsrError('internal', what);
    }
    // Values of at most as many bits in the same groups are packed as they are; others are rounded anew.
    const stored = parameter.dtype === 'affine' ? integerParameter(parameter, form) : parameter;
    const scales = stored.dtype === 'affine' ? scaleType(stored) : 'bf16';
    const blocks = blocksFor(this.machine.capabilities, form.bits, form.groupSize, scales);
    const memory = this.allocate(blocks.byteLength(n, depth));
    this.waiting.push(() => this.pieces(stored, blocks, memory));
    return { element: blocks, ...memory };
  }

  /** Packs all that was added. */
  async run({ runAtOnce, forget }: PackOptions): Promise<void> {
    const pieces = this.waiting.splice(0).flatMap((make) => [...make()]);
    let next = 0;
    let packed: Piece[] = [];
    const forgetPacked = (): void => {
      for (const bytes of packed.flatMap(({ source }) => source)) forget(bytes);
    };
    while (next < pieces.length) {
      const together: Piece[] = [];
      for (let bytes = 0; next < pieces.length && bytes < PIECE_BYTES; next++) {
        const piece = pieces[next]!;
        together.push(piece);
        bytes += piece.source.reduce((sum, { byteLength }) => sum + byteLength, 0);
      }
      await runAtOnce(
        together.map(({ call }) => call),
        forgetPacked,
      );
      packed = together;
    }
    forgetPacked();
  }

  private *pieces(parameter: Parameter, blocks: AffineBlocks, memory: Memory): Generator<Piece> {
    const [n = 0, depth = 0] = parameter.shape;
    const rowBytes = parameter.bytes.byteLength / n;
    const rowsAtOnce = Math.max(1, Math.floor(PIECE_BYTES / rowBytes / COLUMN_ALIGNMENT)) * COLUMN_ALIGNMENT;
    for (let row = 0; row < n; row += rowsAtOnce) {
      const rows = Math.min(rowsAtOnce, n - row);
      const y = {
        address: memory.address + (row / BLOCK_COLUMNS) * blocks.blockBytes(depth),
        byteLength: blocks.byteLength(rows, depth),
      };
      const part = (bytes: Uint8Array): Uint8Array => rowsOf(bytes, n, row, rows);
      if (parameter.dtype !== 'affine') {
        const { dtype, bytes } = parameter;
        const x = this.readable(part(bytes));
        yield { call: packRows({ depth, dtype, blocks }).call({ x, y, n: rows }), source: [part(bytes)] };
        continue;
      }
      const source = [parameter.bytes, ...scalesOf(parameter, blocks)].map(part);
      const [words, scales, biases] = source.map((bytes) => this.readable(bytes)) as [Memory, Memory, Memory];
      const call = packAffine({ depth, bits: parameter.bits, blocks }).call({
        words,
        scales,
        biases,
        y,
        n: rows,
      });
      yield { call, source };
    }
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

function rowsOf(bytes: Uint8Array, n: number, row: number, rows: number): Uint8Array {
  const rowBytes = bytes.byteLength / n;
  return bytes.subarray(row * rowBytes, (row + rows) * rowBytes);
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
