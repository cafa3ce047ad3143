import type { InterpreterState } from './interpreterState.js';
import { type Address, type Instruction, type IntReg, type TileNumber, unknownCase } from './ir.js';
import { bf16Value } from './numberFormats.js';

type Op<Name extends Instruction['op']> = Extract<Instruction, { op: Name }>;

type TileOperation = Op<
  'tileConfigure' | 'tileRelease' | 'tileZero' | 'tileLoad' | 'tileStore' | 'tileDotPairs'
>;

const TILES = 8;
const ROWS = 16;
const ROW_BYTES = 64;
/** Elements of 32 bits in a row: columns of a result, and pairs of bf16. */
const COLUMNS = ROW_BYTES / 4;
const TILE_BYTES = ROWS * ROW_BYTES;

/** The meaning of the operations of tiles. */
export function stepTiles(i: TileOperation, s: InterpreterState): void {
  switch (i.op) {
    case 'tileConfigure':
      if (s.tiles !== null) s.fail('tiles are in use already');
      s.tiles = new Uint8Array(TILES * TILE_BYTES);
      break;
    case 'tileRelease':
      allTiles(s);
      s.tiles = null;
      break;
    case 'tileZero':
      tileOf(s, i.d).fill(0);
      break;
    case 'tileLoad': {
      const tile = tileOf(s, i.d);
      forEachRow(s, i.from, i.strideBytes, (memory, row) => tile.set(memory, row * ROW_BYTES));
      break;
    }
    case 'tileStore': {
      const tile = tileOf(s, i.a);
      forEachRow(s, i.to, i.strideBytes, (memory, row) =>
        memory.set(tile.subarray(row * ROW_BYTES, (row + 1) * ROW_BYTES)),
      );
      break;
    }
    case 'tileDotPairs':
      dotPairs(tileOf(s, i.d), tileOf(s, i.a), tileOf(s, i.b));
      break;
    default:
      throw unknownCase(i);
  }
}

/** A kernel that ends with tiles in use would make every change of threads save them. */
export function checkTilesReleased(s: InterpreterState): void {
  if (s.tiles !== null) s.fail('the kernel ends with tiles in use');
}

function allTiles(s: InterpreterState): Uint8Array {
  return s.tiles ?? s.fail('no tiles are configured');
}

function tileOf(s: InterpreterState, tile: TileNumber): Uint8Array {
  return allTiles(s).subarray(tile * TILE_BYTES, (tile + 1) * TILE_BYTES);
}

/** The rows of a tile in memory, whose distance may be zero or negative. */
function forEachRow(
  s: InterpreterState,
  { base, index, offset }: Address,
  strideBytes: IntReg,
  visit: (memory: Uint8Array, row: number) => void,
): void {
  const stride = s.int(strideBytes);
  for (let row = 0; row < ROWS; row++) {
    const at = s.address({ kind: 'address', base, index, offset: offset + row * stride }, ROW_BYTES);
    visit(new Uint8Array(s.memory.buffer, s.memory.byteOffset + at, ROW_BYTES), row);
  }
}

/**
 * As the manual of TDPBF16PS has it: the even products and the odd ones of an element are added up apart, each step fused
 * and rounded to nearest even, then added to one another and to d; subnormal numbers count as zero, and become it.
 */
function dotPairs(d: Uint8Array, a: Uint8Array, b: Uint8Array): void {
  const [sums, left, right] = [d, a, b].map((tile) => new DataView(tile.buffer, tile.byteOffset, TILE_BYTES));
  const value = (of: DataView, at: number): number => normal(bf16Value(of.getUint16(at, true)));
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) {
      const halves = [0, 1].map((half) => {
        let sum = 0;
        for (let k = 0; k < COLUMNS; k++) {
          const x = value(left!, row * ROW_BYTES + 4 * k + 2 * half);
          sum = normal(sum + x * value(right!, k * ROW_BYTES + 4 * column + 2 * half));
        }
        return sum;
      });
      const at = row * ROW_BYTES + 4 * column;
      const before = normal(sums!.getFloat32(at, true));
      sums!.setFloat32(at, normal(before + normal(halves[0]! + halves[1]!)), true);
    }
  }
}

/** The least normal number of f32 and of bf16. */
const LEAST_NORMAL = 2 ** -126;

/** Rounded to f32; what is subnormal then is zero. */
function normal(value: number): number {
  const rounded = Math.fround(value);
  return Math.abs(rounded) < LEAST_NORMAL ? 0 * Math.sign(rounded) : rounded;
}
