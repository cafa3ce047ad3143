import { KernelBuilder } from '../../../src/jit/builder.js';
import type {
  Address,
  ArithmeticSource,
  Capabilities,
  CompareKind,
  ElementProductKind,
  IntReg,
  KernelCode,
  MemoryElement,
  TileNumber,
  VecReg,
} from '../../../src/jit/ir.js';
import type { Random } from '../../support/random.js';
import { type Region, regions, wildBits } from './kernelMemory.js';
import { LateRegisters } from './lateRegisters.js';

const INT_REGISTERS = 4;
const VEC_REGISTERS = 5;
/** Every integer register stays within ± this, so that no operation on two of them leaves 32 bits. */
const INT_BOUND = 4096;
const MAX_DEPTH = 2;

/**
 * A random kernel of every operation that `capabilities` allow, whose effect on memory is defined bit for bit:
 * parameters are the address of a memory laid out as `regions` say, and two integers within ±4096.
 *
 * What the language leaves open is kept out of sight: sums whose order or fusing matters get small integers, NaNs made
 * by arithmetic are replaced by zero, subnormals too before they are narrowed to bf16. At most about 13 integer and
 * 13 vector registers are alive at once.
 */
export function randomKernel(random: Random, capabilities: Capabilities, name: string): KernelCode {
  const k = new KernelBuilder(name, capabilities);
  new RandomKernel(random, k, new LateRegisters(k, random, false)).write();
  return k.finish();
}

/**
 * A random kernel of little but control, which may read registers that it has not written on every way: what `finish`
 * would refuse is returned all the same.
 */
export function carelessKernel(random: Random, capabilities: Capabilities, name: string): KernelCode {
  const k = new KernelBuilder(name, capabilities);
  new RandomKernel(random, k, new LateRegisters(k, random, true)).writeControl();
  const { lanes, params, body, intCount, vecCount } = k as unknown as KernelCode; // its own parts, unchecked
  return { name, lanes, params, body, intCount, vecCount };
}

class RandomKernel {
  private readonly random: Random;
  private readonly k: KernelBuilder;
  private readonly memory: IntReg;
  private readonly ints: IntReg[];
  private readonly vecs: VecReg[];
  private readonly late: LateRegisters;
  private depth = 0;
  private statements: (() => void)[];

  constructor(random: Random, k: KernelBuilder, late: LateRegisters) {
    this.random = random;
    this.k = k;
    this.late = late;
    this.memory = k.param();
    const params = [k.param(), k.param()];
    this.ints = [...params, ...Array.from({ length: INT_REGISTERS - 2 }, (_, i) => k.intConst(i - 1))];
    this.vecs = Array.from({ length: VEC_REGISTERS }, () => k.load(this.at(regions.wild, 4 * k.lanes)));
    const { pairDot, byteDot, smallByteDot, elementProducts, shiftsBytes, pairMatrix, tiles } =
      k.capabilities;
    this.statements = [
      () => this.intArithmetic(),
      () => this.intArithmetic(),
      () => this.intMemory(),
      () => this.slot(),
      () => this.atomic(),
      () => this.control(),
      () => this.control(),
      () => this.late.touch(this.int(), this.vec()),
      () => this.late.touch(this.int(), this.vec()),
      () => this.vecMovement(),
      () => this.vecLoad(),
      () => this.vecStore(),
      () => this.vecStore(),
      () => this.vecBinary(),
      () => this.vecBinary(),
      () => this.vecUnary(),
      () => this.select(),
      () => this.fma(),
      () => this.reduce(),
      () => this.hints(),
      () => k.dotWords(this.vec(), this.vec(), this.source()),
      () => this.transpose(),
      () => void k.pairSums(this.vec(), this.vec(), this.vec()),
      () => this.transpose4(),
      ...(pairDot ? [() => this.dotPairs()] : []),
      ...(smallByteDot ? [() => this.dotSmallBytes()] : []),
      ...(byteDot ? [() => k.dotBytes(this.vec(), this.vec(), this.arithmeticSource())] : []),
      ...(pairMatrix ? [() => this.matrixPairs()] : []),
      ...(tiles ? [() => this.tileStatement()] : []),
      ...(elementProducts ? [() => this.elementProduct()] : []),
      ...(shiftsBytes
        ? [() => void k.shift('rightInBytes', this.vec(), random.integer(0, 7), this.vec())]
        : []),
    ];
  }

  write(): void {
    this.block(20);
    for (const v of this.vecs) this.k.store(this.at(regions.output, 4 * this.k.lanes), v);
    for (const i of this.ints) this.k.intStore(this.at(regions.output, 4), i, 'i32');
  }

  writeControl(): void {
    const touch = (): void => this.late.touch(this.int(), this.vec());
    this.statements = [() => this.control(), touch, touch];
    this.block(8);
  }

  private block(most: number): void {
    for (let n = this.random.integer(1, most); n > 0; n--) this.pick(this.statements)();
  }

  // ---- choices ----

  private pick<T>(choices: readonly T[]): T {
    return choices[this.random.integer(0, choices.length - 1)]!;
  }

  private int(): IntReg {
    return this.pick(this.ints);
  }

  private vec(): VecReg {
    return this.pick(this.vecs);
  }

  /** A register, or a full vector of the wild or the output region. */
  private source(): VecReg | Address {
    const region = this.pick([regions.wild, regions.output]);
    return this.random.integer(0, 2) === 0 ? this.at(region, 4 * this.k.lanes) : this.vec();
  }

  /** That, or an element for every lane where there are such sources. */
  private arithmeticSource(): ArithmeticSource {
    const { k } = this;
    const isElement = k.capabilities.elementSources && this.random.integer(0, 3) === 0;
    return isElement ? k.element(this.at(this.pick([regions.wild, regions.output]), 4)) : this.source();
  }

  /** One of these places as it is, or as an element for every lane where there are such sources. */
  private vectorOrElement(at: Address): Address | MemoryElement {
    const { k } = this;
    return k.capabilities.elementSources && this.random.integer(0, 1) === 0 ? k.element(at) : at;
  }

  /** A place for `bytes` bytes in the region, with or without an index, multiple of `alignment`. */
  private at(region: Region, bytes: number, alignment = 1): Address {
    const { k, random } = this;
    const isIndexed = random.integer(0, 1) === 0 && region.bytes >= 256 + bytes;
    const room = region.bytes - bytes - (isIndexed ? 256 : 0);
    const offset = region.start + alignment * random.integer(0, Math.floor(room / alignment));
    if (!isIndexed) return this.based(offset);
    const index = k.intOp('and', this.int(), 256 - alignment);
    return k.at(this.memory, offset, index);
  }

  /** The same place from another base, at times: offsets may be negative. */
  private based(offset: number): Address {
    if (this.random.integer(0, 3) !== 0) return this.k.at(this.memory, offset);
    const shift = this.random.integer(0, 8192);
    return this.k.at(this.k.intOp('add', this.memory, shift), offset - shift);
  }

  /** Brings a fresh register into bounds and into the pool. */
  private keepInt(value: IntReg): void {
    const { k } = this;
    const d = this.int();
    if (this.random.integer(0, 2) === 0) k.intOp('and', value, INT_BOUND - 1, d);
    else k.intOp('max', k.intOp('min', value, INT_BOUND, value), -INT_BOUND, d);
  }

  /** In place: NaN → 0. */
  private withoutNaN(v: VecReg): void {
    this.k.select('eq', v, v, v, this.k.vecConst(0), v);
  }

  // ---- integers ----

  private intArithmetic(): void {
    const { k, random } = this;
    const a = this.int();
    const b = random.integer(0, 1) === 0 ? this.int() : random.integer(-INT_BOUND, INT_BOUND);
    const t = k.int();
    switch (random.integer(0, 6)) {
      case 0:
        k.intMove(t, a);
        break;
      case 1:
        k.intConst(random.integer(-(2 ** 31), 2 ** 31 - 1), t);
        break;
      case 2:
        k.intOp('shiftLeft', a, random.integer(0, 18), t);
        break;
      case 3:
        k.intOp('shiftRight', a, random.integer(0, 31), t);
        break;
      case 4: {
        k.intOp('max', a, 0, t);
        const divisor = typeof b === 'number' ? Math.abs(b) + 1 : k.intOp('max', b, 1);
        k.intOp(this.pick(['divide', 'remainder']), t, divisor, t);
        break;
      }
      default:
        k.intOp(this.pick(['add', 'sub', 'mul', 'and', 'min', 'max']), a, b, t);
    }
    this.keepInt(t);
  }

  private intMemory(): void {
    const { k } = this;
    switch (this.random.integer(0, 2)) {
      case 1:
        return this.keepInt(k.intLoad(this.at(regions.wild, 2), 'u16'));
      case 2:
        return this.keepInt(k.intLoad(this.at(regions.ints, 4, 4), 'i32'));
      default:
        return k.intStore(this.at(regions.output, 4), this.intOrConstant(), this.pick(['u16', 'i32']));
    }
  }

  private slot(): void {
    const at = this.at(regions.slots, 8, 8);
    if (this.random.integer(0, 1) === 0) this.k.intStore(at, this.intOrConstant(), 'pointer');
    else this.keepInt(this.k.intLoad(at, 'pointer'));
  }

  private intOrConstant(): IntReg | number {
    return this.random.integer(0, 1) === 0 ? this.int() : this.random.integer(-INT_BOUND, INT_BOUND);
  }

  private atomic(): void {
    const { k } = this;
    const at = this.at(regions.atomics, 4, 4);
    switch (this.random.integer(0, 3)) {
      case 0:
        return this.keepInt(k.atomicAdd(at, this.intOrConstant()));
      case 1:
        return this.keepInt(k.atomicLoad(at));
      case 2:
        return k.atomicStore(at, this.intOrConstant());
      default: {
        const other = k.intOp('add', k.atomicLoad(at), 1); // so that it does not sleep
        k.waitWhile(at, other);
        return k.wakeAll(at);
      }
    }
  }

  // ---- control ----

  private control(): void {
    const { random } = this;
    if (this.depth === MAX_DEPTH) return;
    this.depth++;
    if (random.integer(0, 3) === 0) this.branch();
    else this.repetition();
    this.depth--;
  }

  private repetition(): void {
    const { k, late, random } = this;
    const body = (): void => this.block(5);
    switch (random.integer(0, 2)) {
      case 0: {
        const count = random.integer(-1, 3);
        return late.repeat(count > 0, () => k.loop(count, body));
      }
      case 1: {
        const count = k.intOp('sub', k.intOp('and', this.int(), 3), 1);
        return late.repeat(false, () => k.loop(count, body));
      }
      default: {
        const count = k.intConst(random.integer(0, 3));
        return late.repeat(false, () =>
          k.while('gt', count, 0, () => {
            body();
            k.advance(count, -1);
          }),
        );
      }
    }
  }

  private branch(): void {
    const { k, late, random } = this;
    const compare = this.pick<CompareKind>(['lt', 'le', 'gt', 'ge', 'eq', 'ne']);
    const body = (): void => this.block(5);
    const { whenTrue, whenFalse, join } = late.branches();
    const otherwise = random.integer(0, 1) === 0 ? () => whenFalse(body) : undefined;
    k.if(compare, this.int(), this.intOrConstant(), () => whenTrue(body), otherwise);
    join();
  }

  private hints(): void {
    const { k } = this;
    k.prefetch(this.at(regions.wild, 1), this.pick(['near', 'second', 'once']));
    this.pick([() => k.pause(), () => void k.clock()])(); // what the clock says is nobody's business here
  }

  // ---- vectors ----

  private vecMovement(): void {
    const { k, random } = this;
    const d = this.vec();
    switch (random.integer(0, 4)) {
      case 0:
        return void k.vecMove(d, this.vec());
      case 1:
        return void k.vecBits(wildBits(random), d);
      case 2:
        return void k.vecBits(
          Array.from({ length: k.lanes }, () => wildBits(random)),
          d,
        );
      case 3:
        return void k.broadcastInt(this.int(), d);
      default:
        return void k.shift(this.pick(['left', 'right']), this.vec(), random.integer(0, 31), d);
    }
  }

  private vecLoad(): void {
    const { k } = this;
    const d = this.vec();
    switch (this.random.integer(0, 8)) {
      case 8:
        return void k.loadLow(this.at(regions.wild, 16), d);
      case 0:
        return void k.load(this.at(regions.output, 4 * k.lanes), 'raw', d);
      case 5:
        return void k.load(this.at(regions.wild, k.lanes), 'u8', d);
      case 6:
        return void k.load(this.at(regions.wild, 2 * k.lanes), 'u8Pairs', d);
      case 7:
        return void k.broadcastPair(this.at(regions.wild, 8), d);
      case 3: {
        const [low, high] = k.loadPair(this.at(regions.wild, 4 * k.lanes));
        return void k.vecMove(d, this.pick([low, high]));
      }
      case 1:
        return void k.load(this.at(regions.wild, 2 * k.lanes), 'bf16', d);
      case 2:
        k.load(this.at(regions.wild, 2 * k.lanes), 'f16', d);
        return this.withoutNaN(d);
      default:
        return void k.broadcast(this.at(regions.wild, 4), d);
    }
  }

  private vecStore(): void {
    const { k } = this;
    const a = this.vec();
    switch (this.random.integer(0, 5)) {
      case 4:
        return k.store(this.at(regions.output, k.lanes), a, 'low8');
      case 5:
        return k.store(this.at(regions.output, 2 * k.lanes), a, 'low16');
      case 0:
        return k.storeLow(this.at(regions.output, 4), a, 1);
      case 1:
        return k.storeLow(this.at(regions.output, 16), a, 4);
      case 2: {
        const v = k.vecMove(k.vec(), a);
        this.withoutNaN(v);
        const size = k.vecOp('and', v, k.vecBits(0x7fffffff));
        k.select('ge', size, k.vecBits(0x00800000), v, k.vecConst(0), v); // no subnormals
        return k.store(this.at(regions.output, 2 * k.lanes), v, 'bf16');
      }
      default:
        return k.store(this.at(regions.output, 4 * k.lanes), a);
    }
  }

  private vecBinary(): void {
    const { k } = this;
    const d = this.vec();
    if (this.random.integer(0, 1) === 0) {
      k.vecOp(this.pick(['add', 'sub', 'mul', 'div']), this.vec(), this.arithmeticSource(), d);
      this.withoutNaN(d);
    } else {
      k.vecOp(
        this.pick(['min', 'max', 'and', 'or', 'xor', 'addI32', 'subI32']),
        this.vec(),
        this.arithmeticSource(),
        d,
      );
    }
  }

  private vecUnary(): void {
    const { k } = this;
    const d = this.vec();
    switch (this.random.integer(0, 2)) {
      case 0:
        k.unary('sqrt', this.vec(), d);
        return this.withoutNaN(d);
      case 1: {
        const clamped = k.min(k.max(this.vec(), k.vecConst(-(2 ** 30))), k.vecConst(2 ** 30));
        return void k.unary('toI32', clamped, d);
      }
      default:
        return void k.unary('fromI32', this.vec(), d);
    }
  }

  private select(): void {
    const compare = this.pick(['gt', 'ge', 'eq'] as const);
    this.k.select(compare, this.vec(), this.vec(), this.vec(), this.vec(), this.vec());
  }

  /** A fresh register of small integers. */
  private integral(): VecReg {
    return this.k.load(this.at(regions.integral, 4 * this.k.lanes, 4));
  }

  private fma(): void {
    const { k } = this;
    const [d, a] = [this.integral(), this.integral()];
    k.fma(d, a, this.pick([a, this.vectorOrElement(this.at(regions.integral, 4 * k.lanes, 4))]));
    k.vecMove(this.vec(), d);
  }

  private reduce(): void {
    const { k } = this;
    if (this.random.integer(0, 2) > 0) {
      k.reduce(this.pick(['add', 'max']), this.integral(), this.vec());
    } else {
      const [a, b, c] = [this.integral(), this.integral(), this.integral()];
      k.storeLow(this.at(regions.output, 16), k.reduce4([a, b, c, this.pick([a, this.integral()])]), 4);
    }
  }

  /** A square of any bits, of which half the rows are stored. */
  private transpose(): void {
    const { k } = this;
    const rows = Array.from({ length: k.lanes }, () => k.load(this.at(regions.wild, 4 * k.lanes)));
    k.transpose(rows);
    for (const row of rows) if (this.random.integer(0, 2) > 0) k.vecMove(this.vec(), row);
  }

  private transpose4(): void {
    const { k } = this;
    const rows = [0, 1, 2, 3].map(() => k.vecMove(k.vec(), this.vec()));
    const columns = k.transpose4(rows as [VecReg, VecReg, VecReg, VecReg]);
    k.vecMove(this.vec(), this.pick(columns));
  }

  private dotSmallBytes(): void {
    const { k } = this;
    const b = k.vecOp('and', this.vec(), k.vecBits(0x7f7f7f7f));
    k.dotSmallBytes(this.vec(), this.vec(), b);
  }

  private elementProduct(): void {
    const { k } = this;
    const { byteDot, smallByteDot } = k.capabilities;
    const element = this.random.integer(0, k.lanes - 1);
    const kinds = ['fma', ...(byteDot ? ['dotBytes'] : []), ...(smallByteDot ? ['dotSignedBytes'] : [])];
    const kind = this.pick(kinds as ElementProductKind[]);
    if (kind !== 'fma') return k.elementProduct(kind, this.vec(), this.vec(), this.vec(), element);
    const [d, a] = [this.integral(), this.integral()];
    k.elementProduct('fma', d, a, this.pick([a, d, this.integral()]), element);
    k.vecMove(this.vec(), d);
  }

  private matrixPairs(): void {
    const { k } = this;
    const pairs = (): VecReg => k.load(this.at(regions.integralBf16, 4 * k.lanes, 2));
    const [d, a] = [this.integral(), pairs()];
    k.matrixPairs(d, a, this.pick([a, pairs()]));
    k.vecMove(this.vec(), d);
  }

  /** Tiles of small integers that are multiplied, beside one of any bits that is moved. */
  private tileStatement(): void {
    const { k, random } = this;
    const stride = (least: number, most: number): IntReg =>
      k.intConst(least * random.integer(1, most / least));
    k.withTiles(() => {
      const first = random.integer(0, 7);
      const [d, a, b, copy, empty] = [0, 3, 6, 1, 4].map((i) => ((first + i) % 8) as TileNumber) as [
        TileNumber,
        TileNumber,
        TileNumber,
        TileNumber,
        TileNumber,
      ];
      const read = (tile: TileNumber, region: Region, step: number): void => {
        const strideBytes = stride(step, (region.bytes - 320) / 16);
        k.tileLoad(tile, this.at(region, 15 * ((region.bytes - 320) / 16) + 64, step), strideBytes);
      };
      read(d, regions.integral, 4);
      read(a, regions.integralBf16, 2);
      read(b, regions.integralBf16, 2);
      read(copy, regions.wild, 1);
      k.tileDotPairs(d, a, b);
      if (random.integer(0, 1) === 0) k.tileDotPairs(d, b, a);
      if (random.integer(0, 1) === 0) k.tileZero(copy);
      k.tileStore(
        this.at(regions.output, 15 * 96 + 64),
        random.integer(0, 3) === 0 ? empty : d,
        stride(32, 96),
      );
      k.tileStore(this.at(regions.output, 15 * 96 + 64), copy, stride(32, 96));
    });
  }

  private dotPairs(): void {
    const { k } = this;
    const pairs = (): Address => this.at(regions.integralBf16, 4 * k.lanes, 2);
    const d = this.integral();
    const a = k.load(pairs());
    k.dotPairs(d, a, this.pick([a, this.vectorOrElement(pairs())]));
    k.vecMove(this.vec(), d);
  }
}
