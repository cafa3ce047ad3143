import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileError } from '../../error.js';
import { hashSamples } from '../environment/provenance.js';
import type { EndpointPlan } from '../plan/endpointPlan.js';
import { loadBenchmarkAudio } from '../run/cellSession.js';
import { silentWav } from '../run/openCell.js';
import type { AudioRecord } from '../schema/benchResult.js';

/** A recording as requests send it. */
export interface LoadRecording {
  /** Null: silence. */
  readonly path: string | null;
  /** Of the form. */
  readonly name: string;
  /** The file as it is. */
  readonly bytes: Uint8Array;
  /** [samples] f32, 16 kHz mono: what live sessions send. */
  readonly samples: Float32Array;
  readonly durationMs: number;
}

/**
 * Reads all recordings once, or makes the silence.
 *
 * @throws QwenAsrError `file` or `audio`
 */
export async function loadRecordings(
  { recordings, silenceSeconds }: EndpointPlan,
  signal: AbortSignal,
): Promise<LoadRecording[]> {
  if (silenceSeconds !== null) {
    const clip = await loadBenchmarkAudio({ kind: 'silence', seconds: silenceSeconds });
    return [{ ...clip, name: 'silence.wav', bytes: silentWav(clip.samples.length) }];
  }
  const loaded: LoadRecording[] = [];
  for (const path of recordings) {
    const { samples, durationMs } = await loadBenchmarkAudio({ kind: 'file', path }, signal);
    loaded.push({ path, name: basename(path), bytes: readWhole(path), samples, durationMs });
  }
  return loaded;
}

function readWhole(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw fileError(path, cause);
  }
}

/** All recordings as one record of the result. */
export function audioRecordOf(recordings: readonly LoadRecording[]): AudioRecord {
  const [first, ...others] = recordings;
  if (first !== undefined && others.length === 0) {
    return { id: 'a0', path: first.path, durationMs: first.durationMs, hash: hashSamples(first.samples) };
  }
  const samples = new Float32Array(recordings.reduce((sum, one) => sum + one.samples.length, 0));
  let at = 0;
  for (const one of recordings) {
    samples.set(one.samples, at);
    at += one.samples.length;
  }
  return {
    id: 'a0',
    path: `${first?.path} and ${others.length} more`,
    durationMs: recordings.reduce((sum, { durationMs }) => sum + durationMs, 0),
    hash: hashSamples(samples),
    recordings: recordings.map(({ path, durationMs }) => ({ path: path ?? '', durationMs })),
  };
}
