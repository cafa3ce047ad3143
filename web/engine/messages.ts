import type { BackendChoice, ErrorCode, ModelInfo, TokenEvent, Transcript } from '../../src/browser.js';

/** Where a model comes from. */
export type ModelSource =
  | { readonly kind: 'address'; readonly url: string }
  | { readonly kind: 'files'; readonly name: string; readonly files: readonly File[] };

/** What the page asks of the engine's worker; a request with `id` is answered. */
export type EngineRequest =
  | { readonly kind: 'load'; readonly id: number; readonly source: ModelSource; readonly threads: number }
  | {
      readonly kind: 'transcribe';
      readonly id: number;
      /** [n] f32, mono, 16 kHz */
      readonly samples: Float32Array;
      /** '' lets the model tell. */
      readonly language: string;
    }
  | { readonly kind: 'cancel'; readonly id: number };

/** What the worker tells the page. */
export type EngineEvent =
  | {
      readonly kind: 'progress';
      readonly id: number;
      readonly readBytes: number;
      readonly totalBytes: number;
    }
  | { readonly kind: 'backend'; readonly id: number; readonly backend: BackendChoice }
  | { readonly kind: 'token'; readonly id: number; readonly token: TokenEvent }
  | { readonly kind: 'loaded'; readonly id: number; readonly info: ModelInfo }
  | { readonly kind: 'transcribed'; readonly id: number; readonly transcript: Transcript }
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly code: ErrorCode;
      readonly message: string;
    };
