import type { Instruction } from '../ir.js';
import { unknownCase } from '../unknownCase.js';
import type { Lowering } from './lowering.js';
import { CLOCK_FUNCTION, WAIT_FUNCTION } from './moduleWriter.js';

type Atomic = Extract<
  Instruction,
  { op: 'atomicAdd' | 'atomicLoad' | 'atomicStore' | 'waitWhile' | 'wakeAll' | 'clock' }
>;

/** Sequentially consistent i32 operations, sleeping, waking and the time. */
export function lowerAtomic(i: Atomic, l: Lowering): void {
  switch (i.op) {
    case 'atomicAdd':
      l.access('i32.atomic.rmw.add', i.at, () => l.pushInt32(i.value));
      l.popInt32(i.d);
      break;
    case 'atomicLoad':
      l.load('i32.atomic.load', i.at);
      l.popInt32(i.d);
      break;
    case 'atomicStore':
      l.access('i32.atomic.store', i.at, () => l.pushInt32(i.value));
      break;
    case 'waitWhile':
      l.pushAddress(i.at);
      l.pushInt32(i.expected);
      l.code.call([l.int, 'i32'], WAIT_FUNCTION);
      break;
    case 'wakeAll':
      l.access('memory.atomic.notify', i.at, () => l.code.i32(-1)); // at most 2^32 − 1 threads: all
      l.code.drop('i32');
      break;
    case 'clock':
      l.code.call([], CLOCK_FUNCTION, 'i32');
      l.popInt32(i.d);
      break;
    default:
      throw unknownCase(i);
  }
}
