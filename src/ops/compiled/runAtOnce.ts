import { COMPARED_BYTES, compareBytes } from '../../kernels/compareBytes.js';
import type { KernelCall } from '../../kernels/kernel.js';
import { ENTRY } from '../../runtime/tapeLayout.js';
import { sameBytes } from '../sameBytes.js';
import type { CeilingBench } from './fixedWork.js';

/** Between two looks at how far calls are: what is let go then interrupts every core that runs them. */
const MEANWHILE_MS = 2;

/**
 * Runs calls that touch nothing of each other, once.
 *
 * @param meanwhile is told on this thread, while they run, how many of their tiles are done
 * @throws QwenAsrError `aborted`
 */
export async function runAtOnce(
  { arena, conductor, library }: CeilingBench,
  calls: readonly KernelCall[],
  {
    signal,
    meanwhile,
  }: { readonly signal: AbortSignal | undefined; readonly meanwhile: (tiles: number) => void },
): Promise<void> {
  const kernels = await library.resolve(calls.map(({ kernel }) => kernel));
  const slots = calls.map((call) => call.slots.length);
  const args = arena.allocate(8 * slots.reduce((sum, count) => sum + count, 0));
  const region = arena.allocate(calls.length * ENTRY.byteLength);
  let timer: ReturnType<typeof setInterval> | undefined;
  try {
    let offset = 0;
    const entries = calls.map((call, i) => {
      const values = new BigInt64Array(args.buffer, args.bufferOffset + offset, call.slots.length);
      values.set(call.slots.map(BigInt));
      const entry = { kernel: kernels[i]!, args: args.address + offset, tiles: call.tiles };
      offset += 8 * call.slots.length;
      return entry;
    });
    const running = conductor.run(conductor.writeTape(region, [entries]), signal);
    timer = setInterval(() => meanwhile(conductor.completedTiles), MEANWHILE_MS);
    await running;
  } finally {
    clearInterval(timer);
    arena.release(args);
    arena.release(region);
  }
}

/**
 * Whether two arrays that kernels can read hold the same bytes, found by all participants.
 *
 * @param seen is told of bytes of `b` that have been looked at
 */
export async function compareOnAll(
  bench: CeilingBench,
  { a, b }: { readonly a: Uint8Array; readonly b: Uint8Array },
  seen: (bytes: Uint8Array) => void,
): Promise<boolean> {
  if (a.byteLength !== b.byteLength) return false;
  if (a.buffer === b.buffer && a.byteOffset === b.byteOffset) return true;
  const byteLength = Math.floor(a.byteLength / COMPARED_BYTES) * COMPARED_BYTES;
  if (!sameBytes(a.subarray(byteLength), b.subarray(byteLength))) return false;
  if (byteLength === 0) return true;
  const block = bench.arena.allocate(4);
  const found = new Int32Array(block.buffer, block.bufferOffset, 1);
  found[0] = 0;
  const memory = (bytes: Uint8Array) => ({ address: bench.machine.place(bytes).address, byteLength });
  const call = compareBytes().call({ a: memory(a), b: memory(b), difference: block });
  let end = 0; // of what has been seen
  const note = (tiles: number): void => {
    seen(b.subarray(end, tiles * COMPARED_BYTES));
    end = tiles * COMPARED_BYTES;
  };
  try {
    await runAtOnce(bench, [call], { signal: undefined, meanwhile: note });
    seen(b.subarray(end));
    return found[0] === 0;
  } finally {
    bench.arena.release(block);
  }
}
