// Not from browser.ts: Vite 8.3 leaves a worker's worker out that the page's bundle refers to without needing it.
import { decodeInBrowser } from '../../src/audio/decodeInBrowser.js';

/** Something to transcribe. */
export interface Recording {
  readonly name: string;
  /** [n] f32, mono, 16 kHz */
  readonly samples: Float32Array;
  readonly durationMs: number;
  /** Milliseconds that decoding and resampling it took. */
  readonly decodeMs: number;
  readonly resampleMs: number;
}

/** @throws QwenAsrError `audio` for what cannot be decoded */
export async function decodeRecording(blob: Blob, name: string): Promise<Recording> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const { samples, durationMs, decodeMs, resampleMs } = await decodeInBrowser(bytes, name);
  return { name, samples, durationMs, decodeMs, resampleMs };
}
