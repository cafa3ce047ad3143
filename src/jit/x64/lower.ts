import { QwenAsrError } from '../../error.js';
import { allocateRegisters, usedIntegers } from '../allocate.js';
import type { Address, Instruction, IntReg, KernelCode } from '../ir.js';
import { FUTEX, type SystemWaits } from '../systemWaits.js';
import { Assembler } from './assembler.js';
import { type CpuFeatures, X64_PRESETS, type X64Level, x64Capabilities } from './features.js';
import { CONDITION, INT_POOL, RAX, X64Lowering } from './lowering.js';
import {
  ARGUMENTS,
  jumpUnless,
  lowerAtomicAdd,
  lowerAtomicLoad,
  lowerAtomicStore,
  lowerCall,
  lowerClock,
  lowerIntBinary,
  lowerIntConst,
  lowerIntLoad,
  lowerIntMove,
  lowerIntStore,
  lowerPrefetch,
} from './lowerScalar.js';
import {
  lowerDotSmallBytes,
  lowerDotWords,
  lowerVecBinary,
  lowerVecBroadcast,
  lowerVecBroadcastInt,
  lowerVecConst,
  lowerVecInterleave,
  lowerVecLoad,
  lowerVecLoadPair,
  lowerVecPairSums,
  lowerVecReduce,
  lowerVecReduce4,
  lowerVecSelect,
  lowerVecStore,
  lowerVecStoreLow,
  lowerVecTranspose,
  lowerVecUnary,
  vectorTemporaries,
} from './lowerVector.js';
import { lowerWaitWhile, lowerWakeAll } from './lowerWaits.js';
import { gpr, type MemoryOperand, mem, ripLabel, tmm, xmm } from './operands.js';

/**
 * Machine code of a kernel, by one calling convention on all systems: arguments as System V has them (rdi, rsi, rdx, rcx,
 * r8, r9), every integer register kept except rax and rdx, vector registers destroyed. Where the platform's convention is
 * another one, what calls it from outside goes through a gate. Position-independent; its address must be a multiple of 64.
 *
 * @example
 * const bytes = lowerX64(kernelCode, 'avx2');
 *
 * @param target a level, which stands for its features, or other features
 * @param waits how it sleeps and wakes, if it does
 */
export function lowerX64(
  code: KernelCode,
  target: X64Level | CpuFeatures,
  waits: SystemWaits = FUTEX,
): Uint8Array {
  const features = typeof target === 'string' ? X64_PRESETS[target] : target;
  const vecPool = Array.from({ length: x64Capabilities(features).vecRegisters }, (_, index) => index);
  const allocation = allocateRegisters(code, { int: INT_POOL, vec: vecPool }, (instruction) =>
    vectorTemporaries(instruction, features),
  );
  const asm = new Assembler({ name: code.name, evex: features.avx512 });
  const l = new X64Lowering(asm, features, allocation, waits);
  const saved = usedIntegers(allocation);
  for (const physical of saved) asm.emit('push', gpr(physical));
  // Through the stack, so that no parameter overwrites another on its way to its register.
  const incoming = ARGUMENTS.slice(0, code.params.length);
  for (const physical of incoming) asm.emit('push', gpr(physical));
  for (const parameter of [...code.params].reverse()) asm.emit('pop', l.int(parameter));
  lowerBody(l, code.body);
  for (const physical of saved.reverse()) asm.emit('pop', gpr(physical));
  asm.emit('vzeroupper');
  asm.emit('ret');
  return asm.finish();
}

function lowerBody(l: X64Lowering, body: readonly Instruction[]): void {
  for (const instruction of body) lowerInstruction(l, instruction);
}

function lowerInstruction(l: X64Lowering, i: Instruction): void {
  switch (i.op) {
    case 'intConst':
      return lowerIntConst(l, i);
    case 'intMove':
      return lowerIntMove(l, i);
    case 'intBinary':
      return lowerIntBinary(l, i);
    case 'intLoad':
      return lowerIntLoad(l, i);
    case 'intStore':
      return lowerIntStore(l, i);
    case 'loop':
      return lowerLoop(l, i);
    case 'while':
      return lowerWhile(l, i);
    case 'if':
      return lowerIf(l, i);
    case 'call':
      return lowerCall(l, i);
    case 'vecConst':
      return lowerVecConst(l, i);
    case 'vecMove':
      return l.asm.emit('vmovaps', l.vec(i.d), l.vec(i.a));
    case 'vecLoad':
      return lowerVecLoad(l, i);
    case 'vecLoadPair':
      return lowerVecLoadPair(l, i);
    case 'vecLoadLow':
      return l.asm.emit('vmovups', xmm(l.vecNumber(i.d)), l.address(i.from));
    case 'vecInterleave':
      return lowerVecInterleave(l, i);
    case 'vecStore':
      return lowerVecStore(l, i);
    case 'vecStoreLow':
      return lowerVecStoreLow(l, i);
    case 'vecBroadcast':
      return lowerVecBroadcast(l, i);
    case 'vecBroadcastPair':
      return l.asm.emit('vpbroadcastq', l.vec(i.d), l.address(i.from));
    case 'vecBroadcastInt':
      return lowerVecBroadcastInt(l, i);
    case 'vecBinary':
      return lowerVecBinary(l, i);
    case 'vecFma':
      return l.asm.emit('vfmadd231ps', l.vec(i.d), l.vec(i.a), l.source(i.b));
    case 'vecUnary':
      return lowerVecUnary(l, i);
    case 'vecShift':
      if (i.kind === 'rightInBytes') throw notOffered('vecShift of bytes');
      return l.asm.emit(i.kind === 'left' ? 'vpslld' : 'vpsrld', l.vec(i.d), l.vec(i.a), i.bits);
    case 'vecSelect':
      return lowerVecSelect(l, i);
    case 'vecReduce':
      return lowerVecReduce(l, i);
    case 'vecReduce4':
      return lowerVecReduce4(l, i);
    case 'dotPairs':
      return l.asm.emit('vdpbf16ps', l.vec(i.d), l.vec(i.a), l.source(i.b));
    case 'dotBytes':
      return l.asm.emit(l.wide ? 'vpdpbusd' : '{vex} vpdpbusd', l.vec(i.d), l.vec(i.a), l.source(i.b));
    case 'dotSmallBytes':
      return lowerDotSmallBytes(l, i);
    case 'elementProduct':
    case 'matrixPairs':
      throw notOffered(i.op);
    case 'dotWords':
      return lowerDotWords(l, i);
    case 'vecTranspose':
      return lowerVecTranspose(l, i);
    case 'vecPairSums':
      return lowerVecPairSums(l, i);
    case 'tileConfigure':
      return lowerTileConfigure(l);
    case 'tileRelease':
      return l.asm.emit('tilerelease');
    case 'tileZero':
      return l.asm.emit('tilezero', tmm(i.d));
    case 'tileLoad':
      return l.asm.emit('tileloadd', tmm(i.d), tileAddress(l, i.from, i.strideBytes));
    case 'tileStore':
      return l.asm.emit('tilestored', tileAddress(l, i.to, i.strideBytes), tmm(i.a));
    case 'tileDotPairs':
      return l.asm.emit('tdpbf16ps', tmm(i.d), tmm(i.a), tmm(i.b));
    case 'prefetch':
      return lowerPrefetch(l, i);
    case 'atomicAdd':
      return lowerAtomicAdd(l, i);
    case 'atomicLoad':
      return lowerAtomicLoad(l, i);
    case 'atomicStore':
      return lowerAtomicStore(l, i);
    case 'pause':
      return l.asm.emit('pause');
    case 'clock':
      return lowerClock(l, i);
    case 'waitWhile':
      return lowerWaitWhile(l, i);
    case 'wakeAll':
      return lowerWakeAll(l, i);
  }
}

function notOffered(operation: string): QwenAsrError {
  return new QwenAsrError('internal', `x64: ${operation} needs a capability that no level offers`);
}

function lowerLoop(l: X64Lowering, i: Extract<Instruction, { op: 'loop' }>): void {
  const { asm } = l;
  const counter = l.loopCounter(i);
  const top = asm.label('loop');
  const end = asm.label('loopEnd');
  if (typeof i.count === 'number') {
    if (i.count <= 0) return;
    asm.emit('mov', counter, i.count);
  } else {
    asm.emit('mov', counter, l.int(i.count));
    asm.emit('cmp', counter, 0);
    asm.emit('jle', end);
  }
  asm.bind(top);
  lowerBody(l, i.body);
  asm.emit('sub', counter, 1);
  asm.emit('jne', top);
  asm.bind(end);
}

/** The test stands at the end, so that an iteration costs one jump. */
function lowerWhile(l: X64Lowering, i: Extract<Instruction, { op: 'while' }>): void {
  const { asm } = l;
  const top = asm.label('while');
  const end = asm.label('whileEnd');
  jumpUnless(l, i.condition, end);
  asm.bind(top);
  lowerBody(l, i.body);
  const rax = gpr(RAX);
  asm.emit('mov', rax, l.int(i.condition.a));
  asm.emit('cmp', rax, typeof i.condition.b === 'number' ? i.condition.b : l.int(i.condition.b));
  asm.emit(`j${CONDITION[i.condition.compare]}`, top);
  asm.bind(end);
}

function lowerIf(l: X64Lowering, i: Extract<Instruction, { op: 'if' }>): void {
  const { asm } = l;
  const otherwise = asm.label('else');
  const end = asm.label('endIf');
  jumpUnless(l, i.condition, otherwise);
  lowerBody(l, i.whenTrue);
  if (i.whenFalse.length > 0) asm.emit('jmp', end);
  asm.bind(otherwise);
  lowerBody(l, i.whenFalse);
  asm.bind(end);
}

/** What LDTILECFG loads, by the Intel manual, volume 1, 18.2: the palette, bytes of a row and rows of each of eight tiles. */
const CONFIGURATION_BYTES = 64;
const PALETTE = 1;
const ROW_BYTES_OFFSET = 16; // of u16
const ROWS_OFFSET = 48; // of u8

/** Eight tiles of 16 rows of 64 bytes. */
function lowerTileConfigure(l: X64Lowering): void {
  const configuration = new Uint8Array(CONFIGURATION_BYTES);
  configuration[0] = PALETTE;
  for (let tile = 0; tile < 8; tile++) {
    configuration[ROW_BYTES_OFFSET + 2 * tile] = 64;
    configuration[ROWS_OFFSET + tile] = 16;
  }
  l.asm.emit('ldtilecfg', ripLabel(l.asm.constant(configuration, CONFIGURATION_BYTES)));
}

/** The rows of a tile: their distance takes the place of an index, which is added to the base first. */
function tileAddress(l: X64Lowering, at: Address, strideBytes: IntReg): MemoryOperand {
  const stride = { index: l.int(strideBytes) };
  if (at.index === null) return mem(l.int(at.base), { ...stride, disp: at.offset });
  l.asm.emit('lea', gpr(RAX), l.address(at));
  return mem(gpr(RAX), stride);
}
