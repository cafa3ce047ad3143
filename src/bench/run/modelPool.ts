import { freemem, totalmem } from 'node:os';
import { constrainedMemory, memoryUsage } from 'node:process';
import { weightBytes } from '../../model/modelDirectory.js';
import type { BackendChoice, LoadOptions, SpeechModel } from '../../transcribe/types.js';
import type { ArithmeticChoice } from '../plan/benchPlan.js';

/** What a model is loaded by. */
export interface ModelChoice {
  readonly source: string;
  readonly load: ArithmeticChoice;
}

/** A model of the pool. */
export interface PooledModel {
  readonly model: SpeechModel;
  /** Wall time of loading it. */
  readonly loadMs: number;
  /** It was loaded for this call. */
  readonly fresh: boolean;
}

/** What the pool asks of the world outside. */
export interface PoolDependencies {
  readonly load: (source: string, options: LoadOptions) => Promise<SpeechModel>;
  /** Memory that is available. */
  readonly freeBytes?: () => number;
}

/** Left free beside the weights: activations, caches, and the memory that the ceilings are measured in. */
const SPARE_BYTES = 2 ** 30;

/**
 * The models of a measurement, each loaded once and kept while memory allows. When there is too little for the next
 * one, those that were not used for the longest time are closed, and loaded anew when they are needed again.
 */
export class ModelPool {
  readonly #load: PoolDependencies['load'];
  readonly #freeBytes: () => number;
  /** In the order of their last use. */
  readonly #models = new Map<string, { model: SpeechModel; loadMs: number }>();

  constructor({ load, freeBytes = availableBytes }: PoolDependencies) {
    this.#load = load;
    this.#freeBytes = freeBytes;
  }

  /**
   * The model of a choice; not to be closed by the caller.
   *
   * @throws QwenAsrError what loading throws
   */
  async get(
    { source, load }: ModelChoice,
    options: { signal?: AbortSignal | undefined; onBackend?: ((choice: BackendChoice) => void) | undefined },
  ): Promise<PooledModel> {
    const key = JSON.stringify([source, load.backend, load.isa, load.precision, load.threads]);
    const kept = this.#models.get(key);
    if (kept !== undefined) {
      this.#models.delete(key);
      this.#models.set(key, kept);
      return { ...kept, fresh: false };
    }
    await this.#makeRoom(await weightBytes(source));
    const startMs = performance.now();
    const model = await this.#load(source, {
      ...load,
      ...(options.signal && { signal: options.signal }),
      ...(options.onBackend && { onBackend: options.onBackend }),
    });
    const loaded = { model, loadMs: performance.now() - startMs };
    this.#models.set(key, loaded);
    return { ...loaded, fresh: true };
  }

  async close(): Promise<void> {
    const models = [...this.#models.values()];
    this.#models.clear();
    for (const { model } of models) await model.close();
  }

  async #makeRoom(bytes: number): Promise<void> {
    for (const [key, { model }] of [...this.#models]) {
      if (this.#freeBytes() >= bytes + SPARE_BYTES) return;
      this.#models.delete(key);
      await model.close();
    }
  }
}

/** What the system could give, but no more than what the container's limit leaves. */
function availableBytes(): number {
  const limit = constrainedMemory() ?? 0;
  const limited = limit > 0 && limit < totalmem();
  return limited ? Math.min(freemem(), limit - memoryUsage.rss()) : freemem();
}
