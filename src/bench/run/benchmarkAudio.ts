import { SAMPLE_RATE_HZ } from '../../audio/audioClip.js';
import { loadAudio } from '../../audio/openAudio.js';
import type { AudioPlan } from '../plan/benchPlan.js';

/** Audio that every run of a cell hears. */
export interface BenchmarkAudio {
  /** The file, or null for silence. */
  readonly path: string | null;
  /** [samples] f32, 16 kHz mono. */
  readonly samples: Float32Array;
  readonly durationMs: number;
  /** Milliseconds spent reading and decoding the file, and resampling it; 0 for silence. */
  readonly decodeMs: number;
  readonly resampleMs: number;
  /** What was wrong with the file and could be coped with: it may be half a recording that is measured. */
  readonly notes: readonly string[];
}

/** By {@link audioKey}, every recording once. */
export type LoadedAudio = ReadonlyMap<string, BenchmarkAudio>;

/** Tells recordings apart. */
export function audioKey(plan: AudioPlan): string {
  return plan.kind === 'file' ? `file ${plan.path}` : `silence ${plan.seconds}`;
}

/**
 * Reads the file, once, or makes the silence.
 *
 * @throws QwenAsrError `file` or `audio` when the file cannot be read.
 */
export async function loadBenchmarkAudio(plan: AudioPlan, signal?: AbortSignal): Promise<BenchmarkAudio> {
  if (plan.kind === 'silence') {
    const samples = new Float32Array(Math.round(plan.seconds * SAMPLE_RATE_HZ));
    return {
      path: null,
      samples,
      durationMs: (1000 * samples.length) / SAMPLE_RATE_HZ,
      decodeMs: 0,
      resampleMs: 0,
      notes: [],
    };
  }
  const clip = await loadAudio(plan.path, signal === undefined ? {} : { signal });
  const { samples, durationMs, decodeMs, resampleMs, notes } = clip;
  return { path: plan.path, samples, durationMs, decodeMs, resampleMs, notes };
}
