import { QwenAsrError } from '../error.js';
import type {
  Address,
  ArithmeticSource,
  Capabilities,
  CompareKind,
  Condition,
  ElementProductKind,
  Instruction,
  IntBinaryKind,
  IntLoadType,
  IntOperand,
  IntReg,
  IntStoreType,
  KernelCode,
  MemoryElement,
  PrefetchHint,
  TileNumber,
  VecBinaryKind,
  VecLoadType,
  VecReg,
  VecSource,
  VecStoreType,
  VecUnaryKind,
} from './ir.js';
import { f32Bits } from './numberFormats.js';
import { checkDefiniteAssignment } from './registerUse.js';

/**
 * Writes a kernel body. TypeScript is the macro language: a JavaScript `for` unrolls, a parameter specialises.
 * Methods named after an operation append it; those that return a register allocate one.
 *
 * @example
 * // y[i] = 2·x[i] for n vectors
 * const k = new KernelBuilder('double', capabilities);
 * const [x, y, n] = [k.param(), k.param(), k.param()];
 * const two = k.vecConst(2);
 * k.loop(n, () => {
 *   const v = k.load(k.at(x));
 *   k.store(k.at(y), k.mul(v, two));
 *   k.advance(x, 4 * k.lanes);
 *   k.advance(y, 4 * k.lanes);
 * });
 * const code = k.finish();
 */
export class KernelBuilder {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly lanes: number;
  private readonly params: IntReg[] = [];
  private body: Instruction[] = [];
  private intCount = 0;
  private vecCount = 0;

  constructor(name: string, capabilities: Capabilities) {
    this.name = name;
    this.capabilities = capabilities;
    this.lanes = capabilities.lanes;
  }

  // ---- registers ----

  param(): IntReg {
    if (this.params.length === 6)
      throw new QwenAsrError('internal', `kernel ${this.name}: more than 6 parameters`);
    const register = this.int();
    this.params.push(register);
    return register;
  }

  /** A fresh integer register, without a value. */
  int(): IntReg {
    return { kind: 'int', id: this.intCount++ };
  }

  /** A fresh vector register, without a value. */
  vec(): VecReg {
    return { kind: 'vec', id: this.vecCount++ };
  }

  vecs(count: number): VecReg[] {
    return Array.from({ length: count }, () => this.vec());
  }

  at(base: IntReg, offset = 0, index: IntReg | null = null): Address {
    return { kind: 'address', base, index, offset };
  }

  /** What arithmetic reads there for every lane; needs `elementSources`. */
  element(at: Address): MemoryElement {
    return { kind: 'element', at };
  }

  // ---- integers ----

  intConst(value: number, d = this.int()): IntReg {
    return this.append({ op: 'intConst', d, value }, d);
  }

  intMove(d: IntReg, a: IntReg): IntReg {
    return this.append({ op: 'intMove', d, a }, d);
  }

  intOp(kind: IntBinaryKind, a: IntReg, b: IntOperand, d = this.int()): IntReg {
    return this.append({ op: 'intBinary', kind, d, a, b }, d);
  }

  /** register += amount. */
  advance(register: IntReg, amount: IntOperand): void {
    this.intOp('add', register, amount, register);
  }

  intLoad(from: Address, type: IntLoadType, d = this.int()): IntReg {
    return this.append({ op: 'intLoad', d, from, type }, d);
  }

  intStore(to: Address, a: IntOperand, type: IntStoreType): void {
    this.push({ op: 'intStore', to, a, type });
  }

  // ---- control ----

  loop(count: IntOperand, body: () => void): void {
    this.push({ op: 'loop', count, body: this.block(body) });
  }

  while(compare: CompareKind, a: IntReg, b: IntOperand, body: () => void): void {
    this.push({ op: 'while', condition: { compare, a, b }, body: this.block(body) });
  }

  if(
    compare: CompareKind,
    a: IntReg,
    b: IntOperand,
    whenTrue: () => void,
    whenFalse: () => void = () => {},
  ): void {
    const condition: Condition = { compare, a, b };
    this.push({ op: 'if', condition, whenTrue: this.block(whenTrue), whenFalse: this.block(whenFalse) });
  }

  call(target: IntReg, args: readonly IntReg[]): void {
    this.push({ op: 'call', target, args });
  }

  // ---- vectors: movement ----

  /** A constant f32 in every lane, or one value a lane. */
  vecConst(value: number | readonly number[], d = this.vec()): VecReg {
    const values = typeof value === 'number' ? [value] : value;
    return this.append({ op: 'vecConst', d, bits: values.map(f32Bits) }, d);
  }

  /** A constant 32-bit pattern in every lane, or one pattern a lane. */
  vecBits(bits: number | readonly number[], d = this.vec()): VecReg {
    return this.append({ op: 'vecConst', d, bits: typeof bits === 'number' ? [bits] : bits }, d);
  }

  vecMove(d: VecReg, a: VecReg): VecReg {
    return this.append({ op: 'vecMove', d, a }, d);
  }

  load(from: Address, type: VecLoadType = 'raw', d = this.vec()): VecReg {
    return this.append({ op: 'vecLoad', d, from, type }, d);
  }

  /** 2·lanes bf16 in a row, as two vectors: fewer instructions than two loads where widening takes several. */
  loadPair(from: Address): [VecReg, VecReg] {
    const d: [VecReg, VecReg] = [this.vec(), this.vec()];
    this.push({ op: 'vecLoadPair', d, from });
    return d;
  }

  /** 16 bytes to the first 4 lanes; the others become 0. */
  loadLow(from: Address, d = this.vec()): VecReg {
    return this.append({ op: 'vecLoadLow', d, from }, d);
  }

  /**
   * 4×4 elements of 32 bits in every 128 bits change rows with columns: of four vectors [a0 a1 a2 a3], [b0 …] become
   * [a0 b0 c0 d0], [a1 …]. What was in the four is lost.
   */
  transpose4([a, b, c, d]: readonly [VecReg, VecReg, VecReg, VecReg]): [VecReg, VecReg, VecReg, VecReg] {
    const [t, u] = [this.vec(), this.vec()];
    this.interleave('low', 32, a, b, t); // a0 b0 a1 b1
    this.interleave('high', 32, a, b, u); // a2 b2 a3 b3
    this.interleave('high', 32, c, d, b); // c2 d2 c3 d3
    this.interleave('low', 32, c, d, d); // c0 d0 c1 d1
    this.interleave('low', 64, u, b, c);
    this.interleave('low', 64, t, d, a);
    this.interleave('high', 64, u, b, u);
    this.interleave('high', 64, t, d, b);
    return [a, b, c, u];
  }

  /** In every 128 bits, an element of a half of a and of b in turn. */
  interleave(part: 'low' | 'high', elementBits: 32 | 64, a: VecReg, b: VecReg, d = this.vec()): VecReg {
    return this.append({ op: 'vecInterleave', part, elementBits, d, a, b }, d);
  }

  store(to: Address, a: VecReg, type: VecStoreType = 'raw'): void {
    this.push({ op: 'vecStore', to, a, type });
  }

  storeLow(to: Address, a: VecReg, lanes: 1 | 4): void {
    this.push({ op: 'vecStoreLow', to, a, lanes });
  }

  broadcast(from: Address, d = this.vec()): VecReg {
    return this.append({ op: 'vecBroadcast', d, from }, d);
  }

  /** 8 bytes in memory to every two lanes. */
  broadcastPair(from: Address, d = this.vec()): VecReg {
    return this.append({ op: 'vecBroadcastPair', d, from }, d);
  }

  broadcastInt(a: IntReg, d = this.vec()): VecReg {
    return this.append({ op: 'vecBroadcastInt', d, a }, d);
  }

  // ---- vectors: arithmetic ----

  vecOp(kind: VecBinaryKind, a: VecReg, b: ArithmeticSource, d = this.vec()): VecReg {
    return this.append({ op: 'vecBinary', kind, d, a, b }, d);
  }

  add(a: VecReg, b: ArithmeticSource, d = this.vec()): VecReg {
    return this.vecOp('add', a, b, d);
  }

  sub(a: VecReg, b: ArithmeticSource, d = this.vec()): VecReg {
    return this.vecOp('sub', a, b, d);
  }

  mul(a: VecReg, b: ArithmeticSource, d = this.vec()): VecReg {
    return this.vecOp('mul', a, b, d);
  }

  div(a: VecReg, b: ArithmeticSource, d = this.vec()): VecReg {
    return this.vecOp('div', a, b, d);
  }

  max(a: VecReg, b: ArithmeticSource, d = this.vec()): VecReg {
    return this.vecOp('max', a, b, d);
  }

  min(a: VecReg, b: ArithmeticSource, d = this.vec()): VecReg {
    return this.vecOp('min', a, b, d);
  }

  /** d += a·b. */
  fma(d: VecReg, a: VecReg, b: ArithmeticSource): void {
    this.push({ op: 'vecFma', d, a, b });
  }

  unary(kind: VecUnaryKind, a: VecReg, d = this.vec()): VecReg {
    return this.append({ op: 'vecUnary', kind, d, a }, d);
  }

  shift(kind: 'left' | 'right' | 'rightInBytes', a: VecReg, bits: number, d = this.vec()): VecReg {
    return this.append({ op: 'vecShift', kind, d, a, bits }, d);
  }

  /** (a compare b) ? x : y. */
  select(compare: 'gt' | 'ge' | 'eq', a: VecReg, b: VecReg, x: VecReg, y: VecReg, d = this.vec()): VecReg {
    return this.append({ op: 'vecSelect', compare, d, a, b, x, y }, d);
  }

  reduce(kind: 'add' | 'max', a: VecReg, d = this.vec()): VecReg {
    return this.append({ op: 'vecReduce', kind, d, a }, d);
  }

  reduce4(a: readonly [VecReg, VecReg, VecReg, VecReg], d = this.vec()): VecReg {
    return this.append({ op: 'vecReduce4', d, a }, d);
  }

  /** Rows of a square of `lanes` × `lanes` elements become its columns. */
  transpose(a: readonly VecReg[]): void {
    if (a.length !== this.lanes || new Set(a).size !== a.length) {
      const expected = `expected ${this.lanes} different registers, found ${new Set(a).size} in ${a.length}`;
      throw new QwenAsrError('internal', `kernel ${this.name}, vecTranspose: ${expected}`);
    }
    this.push({ op: 'vecTranspose', a });
  }

  dotPairs(d: VecReg, a: VecReg, b: ArithmeticSource): void {
    this.push({ op: 'dotPairs', d, a, b });
  }

  /** d += a·bᵀ of two rows of 4 bf16 each. */
  matrixPairs(d: VecReg, a: VecReg, b: VecReg): void {
    this.push({ op: 'matrixPairs', d, a, b });
  }

  dotBytes(d: VecReg, a: VecReg, b: ArithmeticSource): void {
    this.push({ op: 'dotBytes', d, a, b });
  }

  dotSmallBytes(d: VecReg, a: VecReg, b: VecSource): void {
    this.push({ op: 'dotSmallBytes', d, a, b });
  }

  /** d += a · the 32 bits `element` of b. */
  elementProduct(kind: ElementProductKind, d: VecReg, a: VecReg, b: VecReg, element: number): void {
    this.push({ op: 'elementProduct', kind, d, a, b, element });
  }

  dotWords(d: VecReg, a: VecReg, b: VecSource): void {
    this.push({ op: 'dotWords', d, a, b });
  }

  /** [a0 + a1, a2 + a3, …, b0 + b1, b2 + b3, …] of i32. */
  pairSums(a: VecReg, b: VecReg, d = this.vec()): VecReg {
    return this.append({ op: 'vecPairSums', d, a, b }, d);
  }

  // ---- tiles ----

  /** All eight tiles, zeroed, for `body`. */
  withTiles(body: () => void): void {
    this.push({ op: 'tileConfigure' });
    body();
    this.push({ op: 'tileRelease' });
  }

  tileZero(d: TileNumber): void {
    this.push({ op: 'tileZero', d });
  }

  tileLoad(d: TileNumber, from: Address, strideBytes: IntReg): void {
    this.push({ op: 'tileLoad', d, from, strideBytes });
  }

  tileStore(to: Address, a: TileNumber, strideBytes: IntReg): void {
    this.push({ op: 'tileStore', to, a, strideBytes });
  }

  /** d += a·b of 16 rows of a, and 16 columns of b, whose rows are pairs of K. */
  tileDotPairs(d: TileNumber, a: TileNumber, b: TileNumber): void {
    if (d === a || d === b || a === b) {
      const found = `expected three different tiles, found ${d}, ${a} and ${b}`;
      throw new QwenAsrError('internal', `kernel ${this.name}, tileDotPairs: ${found}`);
    }
    this.push({ op: 'tileDotPairs', d, a, b });
  }

  // ---- memory hints and threads ----

  prefetch(at: Address, hint: PrefetchHint): void {
    this.push({ op: 'prefetch', at, hint });
  }

  /**
   * What a stream of weights will need, as tuning says; nothing where that is left to the processor. One of several is
   * fetched from near by, to the first cache.
   */
  prefetchStream(base: IntReg, offset: number, streams = 1): void {
    const { prefetchBytes } = this.capabilities.tuning;
    if (prefetchBytes === 0) return;
    const at = this.at(base, offset + prefetchBytes / streams);
    if (streams > 1) this.prefetch(at, 'near');
    else this.prefetchWeights(at);
  }

  /** Weights to where tuning wants them. */
  prefetchWeights(at: Address): void {
    this.prefetch(at, this.capabilities.tuning.prefetchLevel === 2 ? 'second' : 'once');
  }

  atomicAdd(at: Address, value: IntOperand, d = this.int()): IntReg {
    return this.append({ op: 'atomicAdd', d, at, value }, d);
  }

  atomicLoad(at: Address, d = this.int()): IntReg {
    return this.append({ op: 'atomicLoad', d, at }, d);
  }

  atomicStore(at: Address, value: IntOperand): void {
    this.push({ op: 'atomicStore', at, value });
  }

  pause(): void {
    this.push({ op: 'pause' });
  }

  clock(d = this.int()): IntReg {
    return this.append({ op: 'clock', d }, d);
  }

  waitWhile(at: Address, expected: IntReg): void {
    this.push({ op: 'waitWhile', at, expected });
  }

  wakeAll(at: Address): void {
    this.push({ op: 'wakeAll', at });
  }

  /**
   * The finished body.
   *
   * @throws QwenAsrError `internal` when a register may be read before it is written, see checkDefiniteAssignment
   */
  finish(): KernelCode {
    const { name, lanes, params, body, intCount, vecCount } = this;
    const code = { name, lanes, params, body, intCount, vecCount };
    checkDefiniteAssignment(code);
    return code;
  }

  private push(instruction: Instruction): void {
    this.body.push(instruction);
  }

  private append<R>(instruction: Instruction, d: R): R {
    this.body.push(instruction);
    return d;
  }

  private block(record: () => void): Instruction[] {
    const outer = this.body;
    this.body = [];
    record();
    const inner = this.body;
    this.body = outer;
    return inner;
  }
}
