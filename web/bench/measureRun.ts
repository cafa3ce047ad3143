import type { Observed } from '../../src/bench/meters/runMeters.js';
import { recordTranscript } from '../../src/bench/run/recordRun.js';
import { recordSegments, transcribeInSegments } from '../../src/bench/run/segmentedRun.js';
import type { RunRecord } from '../../src/bench/schema/runRecord.js';
import type { SpeechModel, TranscribeOptions } from '../../src/browser.js';

/** Longer recordings are cut, as transcribeLong does it. */
const WHOLE_SAMPLES = 60 * 16_000;

/** What that cuts them into, and how many of them it decodes side by side. */
export const CUT = { segmentSeconds: 30, batch: 4 } as const;

/** @param sampleCount at 16 kHz */
export function isLong(sampleCount: number): boolean {
  return sampleCount > WHOLE_SAMPLES;
}

/**
 * One measured transcription, as qwen_asr_bench records it.
 *
 * @param samples [n] f32, mono, 16 kHz
 * @throws QwenAsrError as SpeechModel.transcribe
 */
export async function measureRun(
  model: SpeechModel,
  samples: Float32Array,
  options: TranscribeOptions,
): Promise<RunRecord> {
  if (!isLong(samples.length)) {
    return recordTranscript(await observe(() => model.transcribe(samples, options).result), model.info);
  }
  const { segmentSeconds, batch } = CUT;
  const run = () =>
    transcribeInSegments(model, samples, { segmentMs: 1000 * segmentSeconds }, { ...options, batch });
  return recordSegments(await observe(run), model.info);
}

async function observe<Result>(run: () => Promise<Result>): Promise<Observed<Result>> {
  const startedAt = new Date().toISOString();
  const startMs = performance.now();
  const result = await run();
  return { result, startedAt, totalMs: performance.now() - startMs, interference: null, memory: null };
}
