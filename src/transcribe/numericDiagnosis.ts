import { QwenAsrError } from '../error.js';
import type { Observer } from '../ops/operators.js';

/** How an attempt is watched when it is made a second time. */
export interface Watch {
  readonly observer: Observer;
  /** Fires when the culprit is found, or when the caller's own signal does. */
  readonly signal: AbortSignal;
}

/**
 * Makes an attempt; when it ends with `numeric`, makes it again with every probe on and names the first stage that
 * holds a NaN or an infinity. Healthy runs pay only for the cheap checks inside the attempt.
 *
 * @param attempt the run; with a watch, it passes observer and signal on to every stage
 * @throws QwenAsrError `numeric` that names the stage, or whatever else the attempt throws
 */
export async function withNumericDiagnosis<T>(
  signal: AbortSignal | undefined,
  attempt: (watch?: Watch) => Promise<T>,
): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof QwenAsrError && error.code === 'numeric')) throw error;
    const culprit = await findCulprit(signal, attempt);
    if (signal?.aborted) throw new QwenAsrError('aborted', 'stopped by the caller’s signal');
    throw culprit ?? error;
  }
}

async function findCulprit(
  signal: AbortSignal | undefined,
  attempt: (watch: Watch) => Promise<unknown>,
): Promise<QwenAsrError | undefined> {
  const found = new AbortController();
  let culprit: QwenAsrError | undefined;
  const observer: Observer = (stage, values, shape) => {
    if (culprit !== undefined || allFinite(values)) return;
    culprit = nonFinite(stage, values, shape);
    found.abort();
  };
  const either = signal === undefined ? found.signal : AbortSignal.any([found.signal, signal]);
  try {
    await attempt({ observer, signal: either });
  } catch (error) {
    if (error instanceof QwenAsrError && (error.code === 'aborted' || error.code === 'numeric'))
      return culprit;
    throw error;
  }
  return culprit;
}

/** Throws `numeric` unless all values are finite. */
export function checkFinite(stage: string, values: Float32Array, shape: readonly number[]): void {
  if (!allFinite(values)) throw nonFinite(stage, values, shape);
}

/** One sum instead of a test per value: f32 values cannot overflow an f64 sum, and NaN and infinities survive it. */
function allFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return Number.isFinite(sum);
}

function nonFinite(stage: string, values: Float32Array, shape: readonly number[]): QwenAsrError {
  const index = values.findIndex((value) => !Number.isFinite(value));
  const width = shape.at(-1) ?? 1;
  const place = `row ${Math.floor(index / width)}, column ${index % width}`;
  return new QwenAsrError(
    'numeric',
    `${stageName(stage)}: expected finite values, found ${values[index]} at ${place} of [${shape.join(', ')}]`,
  );
}

/** What people call the probes. */
function stageName(probe: string): string {
  const layer = /^(enc|dec|step)_layer(\d+)$/.exec(probe);
  if (layer !== null) {
    const stack = layer[1] === 'enc' ? 'encoder' : 'decoder';
    return `${stack} layer ${layer[2]}${layer[1] === 'step' ? ' (decode step)' : ''}`;
  }
  return STAGE_NAMES[probe] ?? probe;
}

const STAGE_NAMES: Readonly<Record<string, string>> = {
  mel: 'log-mel',
  stem: 'conv stem',
  encoder: 'encoder output',
  embeddings: 'prompt embeddings',
  first_logits: 'logits',
  step_embeddings: 'token embedding (decode step)',
  step_best_logits: 'logits (decode step)',
};
