import { QwenAsrError } from '../../error.js';
import type { KernelCall, Memory } from '../../kernels/kernel.js';
import {
  type AffineBlocks,
  BLOCK_COLUMNS,
  blocksFor,
  COLUMN_ALIGNMENT,
} from '../../kernels/matrix/formats/affineBlocks.js';
import { packAffine } from '../../kernels/matrix/packAffine.js';
import { packRows } from '../../kernels/matrix/packRows.js';
import type { Arena, ArenaBlock } from '../../runtime/arena.js';
import type { Machine } from '../../runtime/machine.js';
import { integerParameter, widenRange } from '../affineGroups.js';
import { checkScales } from '../nonFinite.js';
import type { AffineParameter, IntegerForm, Parameter, PlainParameter } from '../parameter.js';
import { checkMatrixShape } from './checkShapes.js';

/** Source bytes of a piece, which are let go once they are packed. */
const PIECE_BYTES = 4 * 2 ** 20;

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

/** Rows of a matrix that are packed by one call, and what may be let go afterwards. */
interface Piece {
  readonly call: KernelCall;
  readonly source: readonly Uint8Array[];
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

  /**
   * Packs all that was added, the first first.
   *
   * @throws QwenAsrError `model` for scales that are not finite
   */
  async run({ runAtOnce, forget }: PackOptions): Promise<void> {
    const matrices = this.waiting.splice(0);
    if (matrices.length === 0) return;
    const damage = this.arena.allocate(4);
    const damaged = new Int32Array(damage.buffer, damage.bufferOffset, 1);
    damaged[0] = 0;
    const pieces = matrices.flatMap((matrix) => [...this.pieces(matrix, damage)]);
    let forgotten = 0; // pieces
    let tiles = 0; // of these
    // Tiles are taken in this order, so that at most those that a thread is at are not done yet: it reads their pages anew.
    const forgetPacked = (done: number): void => {
      for (; forgotten < pieces.length; forgotten++) {
        const { call, source } = pieces[forgotten]!;
        if (tiles + call.tiles > done) break;
        tiles += call.tiles;
        source.forEach(forget);
      }
    };
    try {
      await runAtOnce(
        pieces.map(({ call }) => call),
        forgetPacked,
      );
      if (damaged[0] !== 0)
        for (const { parameter } of matrices) if (parameter.dtype === 'affine') checkScales(parameter);
      forgetPacked(Number.POSITIVE_INFINITY);
    } finally {
      this.arena.release(damage);
      for (const { temporary } of matrices) if (temporary !== null) this.arena.release(temporary);
    }
  }

  private *pieces({ parameter, temporary, blocks, memory }: WaitingMatrix, damage: Memory): Generator<Piece> {
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
        const source = temporary === null ? [part(bytes)] : [];
        yield { call: packRows({ depth, dtype, blocks }).call({ x, y, n: rows }), source };
        continue;
      }
      const source = [parameter.bytes, ...scalesOf(parameter, blocks)].map(part);
      const [words, scales, biases] = source.map((bytes) => this.readable(bytes)) as [Memory, Memory, Memory];
      const call = packAffine({ depth, bits: parameter.bits, blocks }).call({
        words,
        scales,
        biases,
        y,
        damage,
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
