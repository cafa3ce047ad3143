import { QwenAsrError } from '../../error.js';
import { type Memory, SCRATCH_BYTES } from '../../kernels/kernel.js';
import { Arena } from '../../runtime/arena.js';
import { Conductor } from '../../runtime/conductor.js';
import type { Machine } from '../../runtime/machine.js';
import { checkedOperators } from '../checkedOperators.js';
import type {
  Backend,
  Ceilings,
  Observer,
  OperandType,
  Operators,
  Pass,
  ProductType,
  Scope,
  Weight,
} from '../operators.js';
import { checkParameterBytes, type IntegerForm, type Parameter } from '../parameter.js';
import { byteSpans } from './byteSpans.js';
import { CompiledPass, KernelLibrary, type PassQueue, type Probe } from './compiledPass.js';
import { CompiledScope } from './compiledScope.js';
import { type CompiledWeight, WeightPlacer } from './compiledWeight.js';
import { type CeilingSource, measureCeilings } from './measureCeilings.js';
import { recordOperators } from './recordOperators.js';
import { manyRows } from './recordProducts.js';
import { compareOnAll, runAtOnce } from './runAtOnce.js';
import { TapeRecorder } from './tapeRecorder.js';

/**
 * Freed memory that stays for the next pass. What the conv stem leaves (0.6B: 35 MB) would lie beside the decoder's, and
 * making it anew takes some milliseconds a clip.
 */
const KEEP_BYTES = 8 * 2 ** 20;

export interface CompiledOptions {
  readonly machine: Machine;
  /** `bf16` needs a machine with `pairDot`. */
  readonly precision: OperandType;
  /** Memory is taken from the machine in regions of at least this size. */
  readonly regionBytes: number;
  /** Comes before every pass; what it throws is the pass's error. */
  readonly beforePass?: () => void;
  /** Told of bytes of parameters that are not needed in the near future. */
  readonly forget?: (bytes: Uint8Array) => void;
}

/**
 * The backend of generated kernels: operators are recorded as kernel calls on tapes, which the machine's participants
 * walk together. Works the same on every machine.
 *
 * @throws QwenAsrError `unsupported` for a precision that the machine has no dot product for; `memory`
 */
export function createCompiledBackend(options: CompiledOptions): Backend {
  return new CompiledBackend(options);
}

class CompiledBackend implements Backend, PassQueue, CeilingSource {
  readonly name: 'x64' | 'arm64' | 'wasm';
  readonly isa: string;
  readonly precision: OperandType;
  readonly threadCount: number;
  readonly machine: Machine;
  readonly arena: Arena;
  readonly conductor: Conductor;
  readonly library: KernelLibrary;
  private readonly placer: WeightPlacer;
  private readonly options: CompiledOptions;
  /** Parameters that have been copied since weights were last packed. */
  private readonly copied: Uint8Array[] = [];
  private last: Promise<void> = Promise.resolve();
  private closing: Promise<void> | null = null;

  constructor(options: CompiledOptions) {
    const { machine, precision, regionBytes } = options;
    if (precision === 'bf16' && !machine.capabilities.pairDot) {
      throw new QwenAsrError(
        'unsupported',
        `precision bf16: ${machine.isa} has no bf16 dot product, use f32`,
      );
    }
    this.machine = machine;
    this.options = options;
    this.name = machine.name;
    this.isa = machine.isa;
    this.precision = precision;
    this.arena = new Arena(machine, { regionBytes, keepBytes: KEEP_BYTES });
    this.conductor = new Conductor(machine, SCRATCH_BYTES);
    this.threadCount = machine.threadCount; // known once the conductor has started them
    this.library = new KernelLibrary(machine);
    this.placer = new WeightPlacer(machine, this.arena, precision);
  }

  get largestWeight(): Memory | null {
    return this.placer.largestInPlace;
  }

  manyRows(weight: Weight): ProductType {
    return manyRows(weight as CompiledWeight, this.machine.capabilities, this.precision);
  }

  get activationBytes(): number {
    return this.arena.usedBytes;
  }

  weight(
    parameter: Parameter,
    layout: 'matrix' | 'vector' | 'convolution' = 'matrix',
    form?: IntegerForm,
  ): Weight {
    this.checkOpen(parameter.name);
    checkParameterBytes(parameter);
    const isVector = parameter.shape.length === 1;
    const weight = this.placer.place(parameter, isVector ? 'vector' : layout, form);
    if (isVector || layout === 'convolution') this.copied.push(parameter.bytes);
    return weight;
  }

  placeWeights(signal?: AbortSignal): Promise<void> {
    // The small ones lie between the others, many to a large page.
    for (const span of byteSpans(this.copied.splice(0))) this.forget(span);
    const work = this.placer.packer.take();
    if (work === null) return this.enqueue('weights', async () => {});
    // While what was enqueued before runs: its threads shall not wait for the compiler.
    const compiled = this.library.resolve(work.kernels);
    compiled.catch(() => {});
    return this.enqueue('weights', async () => {
      await compiled;
      await work.run({
        runAtOnce: (calls, meanwhile) => runAtOnce(this, calls, { signal, meanwhile }),
        forget: (bytes) => this.forget(bytes),
      });
    });
  }

  forget(bytes: Uint8Array): void {
    this.options.forget?.(bytes);
  }

  async sameBytes(a: Uint8Array, b: Uint8Array): Promise<boolean> {
    let isSame = false;
    await this.enqueue('comparison', async () => {
      isSame = await compareOnAll(this, { a, b }, (bytes) => this.forget(bytes));
    });
    return isSame;
  }

  createScope(label: string): Scope {
    this.checkOpen(label);
    const arithmetic = { operand: this.precision, capabilities: this.machine.capabilities };
    return new CompiledScope(label, this.arena, arithmetic, () => this.checkOpen(label));
  }

  plan(label: string, build: (ops: Operators) => void, observer?: Observer): Pass {
    this.checkOpen(label);
    const { capabilities, threadCount } = this.machine;
    const recorder = new TapeRecorder(capabilities, this.precision, threadCount);
    const probes: Probe[] = [];
    build(checkedOperators(recordOperators(recorder, observer === undefined ? null : probes)));
    const { conductor, library } = this;
    return new CompiledPass(label, recorder, { conductor, library, queue: this }, probes, observer);
  }

  /** Runs work after everything that was enqueued before, whether that succeeded or not. */
  enqueue(label: string, work: () => Promise<void>): Promise<void> {
    const done = this.last.then(() => {
      this.checkOpen(label);
      this.options.beforePass?.();
      return work();
    });
    this.last = done.catch(() => {});
    return done;
  }

  async measureCeilings(): Promise<Ceilings> {
    let found: Ceilings | undefined;
    await this.enqueue('ceilings', async () => {
      found = await measureCeilings(this);
    });
    return found!;
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    this.conductor.interrupt();
    await this.last;
    await this.conductor.close();
  }

  private checkOpen(what: string): void {
    if (this.closing !== null) throw new QwenAsrError('closed', `${what}: the model is closed`);
  }
}
