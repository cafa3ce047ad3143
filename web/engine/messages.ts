import type { RunRecord } from '../../src/bench/schema/runRecord.js';
import type {
  AlignerInfo,
  BackendChoice,
  ErrorCode,
  ModelInfo,
  SegmentToken,
  StreamEvent,
  TranscriptSegment,
} from '../../src/browser.js';
import type { HubModel } from './hubStorage.js';

/** Where a model comes from. */
export type ModelSource =
  | { readonly kind: 'address'; readonly url: string }
  | { readonly kind: 'files'; readonly name: string; readonly files: readonly File[] }
  /** What was fetched of the hub into the browser's storage. */
  | { readonly kind: 'stored'; readonly repository: string };

/** Audio for the model. */
export interface Speech {
  /** [n] f32, mono, 16 kHz */
  readonly samples: Float32Array;
  /** '' lets the model tell. */
  readonly language: string;
}

/** A model of the hub, or of a mirror of it. */
export interface HubOrder {
  readonly endpoint: string;
  readonly repository: string;
}

/** What the page asks of the engine's worker; a request with `id` is answered. */
export type EngineRequest =
  | { readonly kind: 'load'; readonly id: number; readonly source: ModelSource; readonly threads: number }
  /** From then on words have times; null: not any more. */
  | {
      readonly kind: 'loadAligner';
      readonly id: number;
      readonly source: ModelSource | null;
      readonly threads: number;
    }
  | ({ readonly kind: 'transcribe' | 'measure'; readonly id: number } & Speech)
  /** What is written to it follows under the same id. */
  | { readonly kind: 'live'; readonly id: number; readonly sampleRateHz: number; readonly language: string }
  | ({ readonly kind: 'lookUp' | 'fetch' | 'forget'; readonly id: number } & HubOrder)
  | LiveInput
  | { readonly kind: 'cancel'; readonly id: number };

/** What goes on in a live transcription; it has no answer of its own. */
export type LiveInput =
  | { readonly kind: 'samples'; readonly id: number; readonly samples: Float32Array<ArrayBuffer> }
  | { readonly kind: 'finish'; readonly id: number };

/** What the worker tells the page. */
export type EngineEvent =
  | {
      readonly kind: 'progress';
      readonly id: number;
      readonly readBytes: number;
      readonly totalBytes: number;
    }
  | { readonly kind: 'backend'; readonly id: number; readonly backend: BackendChoice }
  | { readonly kind: 'token'; readonly id: number; readonly token: SegmentToken }
  | { readonly kind: 'segment'; readonly id: number; readonly segment: TranscriptSegment }
  | { readonly kind: 'heard'; readonly id: number; readonly heard: StreamEvent }
  /** Samples were not taken: too much waits already. */
  | { readonly kind: 'lost'; readonly id: number; readonly message: string }
  | { readonly kind: 'finished'; readonly id: number }
  | { readonly kind: 'lookedUp'; readonly id: number; readonly model: HubModel }
  /** A model is in the browser's storage, or not any more. */
  | { readonly kind: 'stored'; readonly id: number }
  | { readonly kind: 'loaded'; readonly id: number; readonly info: ModelInfo }
  | { readonly kind: 'alignerLoaded'; readonly id: number; readonly info: AlignerInfo | null }
  | { readonly kind: 'transcribed'; readonly id: number; readonly totalMs: number }
  | { readonly kind: 'measured'; readonly id: number; readonly run: RunRecord }
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly code: ErrorCode;
      readonly message: string;
    };
