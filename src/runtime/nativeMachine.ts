import { QwenAsrError } from '../error.js';
import { KernelBuilder } from '../jit/builder.js';
import type { Capabilities, KernelCode, Tuning } from '../jit/ir.js';
import { CodePages } from './codePages.js';
import { type CodeTarget, openCodeTarget } from './codeTarget.js';
import type { Machine, MemoryRange, Placed, Region, WorkerKernels } from './machine.js';
import type { Native, NativeFunction } from './system/native.js';

/** Small arrays live in V8's moving heap, where their address does not last. */
const OFF_HEAP_BYTES = 1024;

/** Runs kernels as machine code, on the calling thread's pool and on threads of its own. */
export class NativeMachine implements Machine {
  readonly name: CodeTarget['architecture'];
  readonly isa: string;
  readonly capabilities;
  readonly datapathBits: number | null;
  private readonly native: Native;
  private readonly target: CodeTarget;
  private readonly code: CodePages;
  private readonly regions = new Set<MemoryRange>();
  private readonly threads: number[] = [];
  private readonly entries = new Map<number, NativeFunction>();
  /** Large pages that are given memory ahead of their use, until somebody takes them. */
  private ahead: MemoryRange | null = null;
  /** The thread that does so. */
  private touching: Promise<void> = Promise.resolve();
  private participants: number;
  private refused: string | null = null;

  /**
   * @param isa features of x86-64 or of arm64, by their name
   * @param tuning replaces what follows from the CPU, as micro-benchmarks do
   */
  constructor(native: Native, isa: string, threadCount: number, tuning: Partial<Tuning> = {}) {
    this.native = native;
    this.target = openCodeTarget(native, isa, tuning);
    this.name = this.target.architecture;
    this.isa = isa;
    this.participants = threadCount;
    this.datapathBits = this.target.datapathBits;
    this.capabilities = this.target.capabilities;
    this.code = new CodePages(native);
  }

  get threadCount(): number {
    return this.participants;
  }

  get refusal(): string | null {
    return this.refused;
  }

  reserve(byteLength: number): Region {
    const address = this.native.reserve(byteLength);
    const region = { address, byteLength, bufferOffset: 0, buffer: this.native.view(address, byteLength) };
    this.regions.add(region);
    return region;
  }

  /**
   * Gives the next `reserveLarge` memory of so many bytes that a thread is touching meanwhile: clearing it takes as long as
   * packing weights into it, and until weights are found one core has nothing to do.
   */
  touchAhead(byteLength: number): void {
    if (byteLength === 0 || this.ahead !== null) return;
    this.ahead = this.reserveLarge(byteLength);
    const [touch] = this.install([touchKernel(this.capabilities, this.native.pageBytes)]) as [number];
    const pages = Math.floor(byteLength / this.native.pageBytes);
    this.touching = this.enter(touch, this.ahead.address, pages);
    this.touching.catch(() => {}); // who uses the memory touches it then
  }

  reserveLarge(byteLength: number): MemoryRange {
    const { ahead } = this;
    if (ahead !== null && ahead.byteLength >= byteLength) {
      this.ahead = null;
      return ahead;
    }
    const region = { address: this.native.reserve(byteLength, true), byteLength };
    this.regions.add(region);
    return region;
  }

  release(region: MemoryRange): void {
    if (this.regions.delete(region)) this.native.release(region.address, region.byteLength);
  }

  discard(region: Region, offset: number, byteLength: number): void {
    if (!this.regions.has(region)) return; // closed: somebody else's memory may lie there
    // Whole pages only: the ends share theirs with neighbours.
    const { pageBytes } = this.native;
    const start = Math.ceil((region.address + offset) / pageBytes) * pageBytes;
    const end = Math.floor((region.address + offset + byteLength) / pageBytes) * pageBytes;
    if (start < end) this.native.discard(start, end - start);
  }

  place(bytes: Uint8Array): Placed {
    if (bytes.buffer.byteLength >= OFF_HEAP_BYTES)
      return { address: this.native.addressOf(bytes), copiedBytes: 0 };
    const region = this.reserve(Math.max(64, bytes.byteLength));
    new Uint8Array(region.buffer).set(bytes);
    return { address: region.address, copiedBytes: bytes.byteLength };
  }

  install(kernels: readonly KernelCode[]): number[] {
    return this.code.install(kernels.map((code) => this.target.lower(code)));
  }

  enter(kernel: number, ...args: number[]): Promise<void> {
    let entry = this.entries.get(kernel);
    if (entry === undefined) {
      entry = this.native.functionAt(kernel, args.length);
      this.entries.set(kernel, entry);
    }
    return entry.callAsync(...args);
  }

  /** Those not wanted sleep on, until a participant that walks the tape calls them. */
  wake(epoch: number, wanted: number): void {
    if (wanted > 1) this.native.wakeAll(epoch);
  }

  startWorkers({ loop, leave }: WorkerKernels, selves: readonly number[]): void {
    if (this.threads.length > 0) throw new QwenAsrError('internal', 'workers were started before');
    for (const self of selves) {
      const thread = this.native.startThread(loop, self, leave);
      if (typeof thread === 'string') {
        this.refused = thread;
        break;
      }
      this.threads.push(thread);
    }
    this.participants = 1 + this.threads.length;
  }

  /** The workers must have been told to leave. */
  async close(): Promise<void> {
    for (const thread of this.threads.splice(0)) this.native.joinThread(thread);
    await this.touching.catch(() => {});
    for (const region of [...this.regions]) this.release(region);
    this.code.release();
  }
}

/** touch(address, pages): has the system give memory to pages, whose contents stay, whoever writes them meanwhile. */
function touchKernel(capabilities: Capabilities, pageBytes: number): KernelCode {
  const k = new KernelBuilder('touch', capabilities);
  const page = k.param();
  k.loop(k.param(), () => {
    k.atomicAdd(k.at(page), 0);
    k.advance(page, pageBytes);
  });
  return k.finish();
}
