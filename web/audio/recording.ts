// Not from browser.ts: Vite 8.3 leaves a worker's worker out that the page's bundle refers to without needing it.
import { decodeInBrowser } from '../../src/audio/decodeInBrowser.js';
import { isRiffMark } from '../../src/audio/riffChunk.js';
import type { RecordingFacts } from '../../src/transcribe/formats/recordingTranscript.js';
import { openMicrophone } from './openMicrophone.js';

/** Something to transcribe. */
export interface Recording {
  readonly name: string;
  /** [n] f32, mono, 16 kHz */
  readonly samples: Float32Array;
  readonly durationMs: number;
  /** Milliseconds that decoding and resampling it took. */
  readonly decodeMs: number;
  readonly resampleMs: number;
  readonly format: RecordingFacts['format'];
}

/** @throws QwenAsrError `audio` for what cannot be decoded */
export async function decodeRecording(blob: Blob, name: string): Promise<Recording> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const { samples, durationMs, decodeMs, resampleMs } = await decodeInBrowser(bytes, name);
  const format = isRiffMark(String.fromCharCode(...bytes.subarray(0, 4))) ? 'wav' : 'browser';
  return { name, samples, durationMs, decodeMs, resampleMs, format };
}

/** A recording in progress. */
export interface MicrophoneRecording {
  /** Ends it and gives the sound. */
  stop(): Promise<Blob>;
}

/**
 * Records the visitor's microphone, after asking.
 *
 * @throws Error in plain words when there is none or the visitor says no
 */
export async function recordMicrophone(): Promise<MicrophoneRecording> {
  const stream = await openMicrophone();
  const recorder = new MediaRecorder(stream);
  const pieces: Blob[] = [];
  recorder.ondataavailable = ({ data }) => pieces.push(data);
  recorder.start();
  return {
    stop: () =>
      new Promise((resolve) => {
        recorder.onstop = () => {
          for (const track of stream.getTracks()) track.stop();
          resolve(new Blob(pieces, { type: recorder.mimeType }));
        };
        recorder.stop();
      }),
  };
}
