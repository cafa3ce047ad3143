import { type Condition, type Instruction, type KernelCode, unknownCase } from '../ir.js';
import { writeModule } from './binaryFormat.js';
import { Lowering, lowerAtomic, lowerInteger } from './lowering.js';
import { lowerVectorArithmetic } from './lowerVectorArithmetic.js';
import { lowerVectorMovement } from './lowerVectorMovement.js';
import {
  type WasmMemory,
  type WasmModule,
  type WasmTable,
  type WasmTarget,
  type WebAssemblyApi,
  webAssembly,
} from './webAssembly.js';

/** A kernel takes at most this many parameters; see `KernelBuilder.param`. */
const MAX_PARAMETERS = 6;

/** Where kernels run: each thread has its own table, all share the memory. */
export interface WasmEnvironment {
  readonly memory: WasmMemory;
  /** Kernels by kernel pointer, for `call`. */
  readonly table: WasmTable;
  /** The pointer of the module's first kernel; the others follow. 0 is left free as a pointer to nothing. */
  readonly firstPointer: number;
}

/** A kernel that can be run. */
export interface WasmKernel {
  /** What `call` takes to run it; the same on every thread that instantiates the module at the same place. */
  readonly pointer: number;
  /** Runs it on this thread. Arguments are byte offsets in the memory and numbers. */
  readonly run: (...args: number[]) => void;
}

/**
 * Writes several kernels as one WebAssembly module. One module for many kernels keeps their calls of each other cheap.
 *
 * @throws QwenAsrError `internal` when a kernel was built for other capabilities.
 */
export function writeKernelModule(codes: readonly KernelCode[], target: WasmTarget): Uint8Array<ArrayBuffer> {
  const addressType = target.memory64 ? 'i64' : 'i32';
  const kernelTypes = Array.from({ length: MAX_PARAMETERS + 1 }, (_, count) =>
    new Array<'i32' | 'i64'>(count).fill(addressType),
  );
  return writeModule({
    memory: { isShared: target.sharedMemory, addressType },
    importsTable: codes.some(({ body }) => callsKernels(body)),
    types: [...kernelTypes, [addressType, 'i32']],
    waitTypeIndex: kernelTypes.length,
    functions: codes.map((code) => ({
      name: code.name,
      typeIndex: code.params.length,
      body: lowerKernel(code, target),
    })),
  });
}

/**
 * Compiles several kernels into one module, which can be posted to other threads. Synchronous, so on a browser's main
 * thread, where that is limited to small modules, give `writeKernelModule` to `WebAssembly.compile` instead.
 *
 * @example
 * const target = { relaxedSimd: wasmFeatures().relaxedSimd, memory64: false, sharedMemory: false };
 * const memory = createWasmMemory(64 * 1024, target);
 * const table = createKernelTable();
 * const [double] = instantiateKernels(compileKernels([code], target), target, { memory, table, firstPointer: 1 });
 * double?.run(0, 1024, 4);
 */
export function compileKernels(codes: readonly KernelCode[], target: WasmTarget): WasmModule {
  const api = webAssembly();
  return new api.Module(writeKernelModule(codes, target));
}

/**
 * Instantiates the kernels of a module on this thread, enters them in its table, and returns them in order. Workers run
 * this function's source text (see participantSource): it refers to nothing but globals, and binds no function inside it
 * to a name (methods apart), because bundlers that keep names would add calls of their own there.
 */
export function instantiateKernels(
  module: WasmModule,
  target: WasmTarget,
  { memory, table, firstPointer }: WasmEnvironment,
): WasmKernel[] {
  const { WebAssembly: api } = globalThis as unknown as { WebAssembly: WebAssemblyApi };
  const { exports } = new api.Instance(module, {
    env: {
      memory,
      table,
      // `waitWhile`: sleeps while the i32 at an address is as expected, until it is woken.
      wait(address, expected) {
        const byteOffset = typeof address === 'bigint' ? Number(address) : address! >>> 0; // i32 addresses arrive signed
        const word = new Int32Array(memory.buffer, byteOffset, 1);
        if (word.buffer instanceof ArrayBuffer) {
          if (word[0] !== expected) return;
          // Whoever entered the kernel makes an error of this project of it.
          throw new Error('kernel waitWhile: would sleep for ever: the memory is not shared');
        }
        Atomics.wait(word, 0, Number(expected)); // throws on a browser's main thread
      },
      // `clock`: ticks of 1/4 µs, as finely as the runtime tells; a browser that isolates the page: 5 µs.
      clock() {
        return (performance.now() * 4000) % 2 ** 31;
      },
    },
  });
  const functions = Object.entries(exports).sort(([a], [b]) => Number(a) - Number(b));
  const missing = firstPointer + functions.length - table.length;
  if (missing > 0) table.grow(missing);
  return functions.map(([, call], i) => {
    const pointer = firstPointer + i;
    table.set(pointer, call);
    return { pointer, run: target.memory64 ? (...args) => call(...args.map(BigInt)) : call };
  });
}

/** An empty table of kernels. */
export function createKernelTable(): WasmTable {
  const api = webAssembly();
  return new api.Table({ element: 'anyfunc', initial: 1 });
}

function callsKernels(body: readonly Instruction[]): boolean {
  return body.some((i) => {
    if (i.op === 'if') return callsKernels(i.whenTrue) || callsKernels(i.whenFalse);
    return i.op === 'call' || ((i.op === 'loop' || i.op === 'while') && callsKernels(i.body));
  });
}

/**
 * Turns a kernel into the body of a WebAssembly function: registers are locals, and structured control stays as it
 * is. The function's type is the kernel's number of parameters, all of the target's address type.
 *
 * @throws QwenAsrError `internal` when the kernel was built for other capabilities than `wasmCapabilities`.
 */
export function lowerKernel(code: KernelCode, target: WasmTarget): number[] {
  const lowering = new Lowering(code, target);
  if (code.lanes !== 4) throw lowering.error(`expected vectors of 4 lanes, found ${code.lanes}`);
  lowerBody(code.body, lowering);
  return lowering.code.finish();
}

function lowerBody(body: readonly Instruction[], l: Lowering): void {
  for (const instruction of body) lowerInstruction(instruction, l);
}

function lowerInstruction(i: Instruction, l: Lowering): void {
  switch (i.op) {
    case 'loop':
      lowerLoop(i, l);
      break;
    case 'while': // the condition is tested again at the end, so that an iteration has one branch
      pushCondition(i.condition, l);
      l.code.if(() => {
        l.code.repeat(
          () => lowerBody(i.body, l),
          () => pushCondition(i.condition, l),
        );
      });
      break;
    case 'if':
      pushCondition(i.condition, l);
      l.code.if(
        () => lowerBody(i.whenTrue, l),
        i.whenFalse.length === 0 ? undefined : () => lowerBody(i.whenFalse, l),
      );
      break;
    case 'call': // a kernel pointer is an index in the table; the function type's index is its number of parameters
      for (const register of i.args) l.pushInt(register);
      l.pushInt32(i.target);
      l.code.callIndirect(
        i.args.map(() => l.int),
        i.args.length,
      );
      break;
    case 'intConst':
    case 'intMove':
    case 'intBinary':
    case 'intLoad':
    case 'intStore':
      lowerInteger(i, l);
      break;
    case 'vecConst':
    case 'vecMove':
    case 'vecLoad':
    case 'vecLoadPair':
    case 'vecLoadLow':
    case 'vecInterleave':
    case 'vecStore':
    case 'vecStoreLow':
    case 'vecBroadcast':
    case 'vecBroadcastPair':
    case 'vecBroadcastInt':
    case 'vecTranspose':
      lowerVectorMovement(i, l);
      break;
    case 'vecBinary':
    case 'vecFma':
    case 'vecUnary':
    case 'vecShift':
    case 'vecSelect':
    case 'vecReduce':
    case 'vecReduce4':
    case 'vecPairSums':
    case 'dotSmallBytes':
    case 'dotWords':
      lowerVectorArithmetic(i, l);
      break;
    case 'dotPairs':
    case 'dotBytes':
    case 'elementProduct':
    case 'matrixPairs':
    case 'tileConfigure':
    case 'tileRelease':
    case 'tileZero':
    case 'tileLoad':
    case 'tileStore':
    case 'tileDotPairs':
      throw l.error(`${i.op} needs a capability that this target does not offer`);
    case 'atomicAdd':
    case 'atomicLoad':
    case 'atomicStore':
    case 'waitWhile':
    case 'wakeAll':
    case 'clock':
      lowerAtomic(i, l);
      break;
    case 'prefetch': // WebAssembly has no such hints
    case 'pause':
      break;
    default:
      throw unknownCase(i);
  }
}

function lowerLoop(i: Extract<Instruction, { op: 'loop' }>, l: Lowering): void {
  l.withLoopCounter((counter) => {
    l.pushInt(i.count);
    l.code.tee(counter);
    l.pushInt(0);
    l.code.op(`${l.int}.gt_s`);
    l.code.if(() => {
      l.code.repeat(
        () => lowerBody(i.body, l),
        () => {
          l.code.get(counter);
          l.pushInt(1);
          l.code.op(`${l.int}.sub`);
          l.code.tee(counter);
          l.pushInt(0);
          l.code.op(`${l.int}.ne`);
        },
      );
    });
  });
}

/** Pushes the i32 1 where the condition holds, else 0. */
function pushCondition({ compare, a, b }: Condition, l: Lowering): void {
  l.pushInt(a);
  l.pushInt(b);
  const isOrder = compare !== 'eq' && compare !== 'ne';
  l.code.op(isOrder ? `${l.int}.${compare}_s` : `${l.int}.${compare}`);
}
