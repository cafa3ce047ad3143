import { SAMPLE_RATE_HZ } from '../../audio/audioClip.js';
import { loadAudio } from '../../audio/openAudio.js';
import type { Ceilings } from '../../ops/operators.js';
import type { BackendChoice, ModelInfo } from '../../transcribe/types.js';
import type { AudioPlan, CellPlan } from '../plan/benchPlan.js';
import type { SetupRecord, WorkRecord } from '../schema/benchResult.js';
import type { RunRecord } from '../schema/runRecord.js';
import type { OfflineText } from '../schema/streamRecord.js';

/** What is known of a cell once it can run. */
export interface CellFacts {
  /** Null for a command. */
  readonly model: ModelInfo | null;
  /** Tokens that every run, of cut audio every segment, is made to decode; null when the model decides. */
  readonly exactTokens: number | null;
  /** Length of its audio. */
  readonly durationMs: number;
  /** Mel frames that go into the encoder; null when unknown. */
  readonly frames: number | null;
  /** What the audio is cut into; null when it is transcribed as a whole. */
  readonly segments: number | null;
  /** Of a live cell what its model makes of the recording as a whole. */
  readonly offline: OfflineText | null;
  readonly setup: SetupRecord;
  /** Things to know when reading the numbers, one sentence each. */
  readonly notes: readonly string[];
}

/** A cell that is ready to run as often as wanted. */
export interface CellSession {
  readonly facts: CellFacts;
  /**
   * One run on the same audio, from the same state as every other.
   *
   * @throws QwenAsrError what the engine throws; `aborted`
   */
  run(): Promise<RunRecord>;
  /** What a run like this one has to do, by phase; empty when unknown. */
  work(run: RunRecord): readonly WorkRecord[];
  /** The machine's limits on the cell's threads; null where the backend is not built for speed. */
  measureCeilings(): Promise<Ceilings | null>;
  close(): Promise<void>;
}

/** Who hears of a cell while it is being made ready. */
export interface OpenCellOptions {
  readonly signal?: AbortSignal | undefined;
  /** As LoadOptions.onBackend. */
  readonly onBackend?: ((choice: BackendChoice) => void) | undefined;
}

/** Makes a cell ready: loads its model, or whatever else it needs. */
export type OpenCell = (plan: CellPlan, options: OpenCellOptions) => Promise<CellSession>;

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
export type AudioOfRun = ReadonlyMap<string, BenchmarkAudio>;

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
