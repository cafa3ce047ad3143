// Not from browser.ts: Vite 8.3 leaves a worker's worker out that the page's bundle refers to without needing it.
import { decodeInBrowser } from '../../src/audio/decodeInBrowser.js';

/** Something to transcribe. */
export interface Recording {
  readonly name: string;
  /** [n] f32, mono, 16 kHz */
  readonly samples: Float32Array;
  readonly durationMs: number;
}

/** @throws QwenAsrError `audio` for what cannot be decoded */
export async function decodeRecording(blob: Blob, name: string): Promise<Recording> {
  const { samples, durationMs } = await decodeInBrowser(new Uint8Array(await blob.arrayBuffer()), name);
  return { name, samples, durationMs };
}
