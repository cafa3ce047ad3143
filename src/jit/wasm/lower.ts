import type { Condition, Instruction, KernelCode } from '../ir.js';
import { unknownCase } from '../unknownCase.js';
import { lowerAtomic } from './lowerAtomic.js';
import { lowerInteger } from './lowerInteger.js';
import { Lowering } from './lowering.js';
import { lowerVectorArithmetic } from './lowerVectorArithmetic.js';
import { lowerVectorMovement } from './lowerVectorMovement.js';
import type { WasmTarget } from './wasmTarget.js';

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
    case 'vecStore':
    case 'vecStoreLow':
    case 'vecBroadcast':
    case 'vecBroadcastInt':
      lowerVectorMovement(i, l);
      break;
    case 'vecBinary':
    case 'vecFma':
    case 'vecUnary':
    case 'vecShift':
    case 'vecSelect':
    case 'vecReduce':
    case 'vecReduce4':
      lowerVectorArithmetic(i, l);
      break;
    case 'dotPairs':
    case 'dotBytes':
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
