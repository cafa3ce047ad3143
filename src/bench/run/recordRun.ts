import type { Encoding, ModelInfo, Transcript } from '../../transcribe/types.js';
import { hashTokens } from '../schema/hashes.js';
import type { PhaseTimes, RunRecord } from '../schema/runRecord.js';
import { decodeWork } from '../workload.js';
import type { Observed } from './runMeters.js';

const NO_PHASES: PhaseTimes = {
  loadMs: null,
  audioDecodeMs: null,
  resampleMs: null,
  segmentMs: null,
  melMs: null,
  convStemMs: null,
  encoderLayersMs: null,
  prefillMs: null,
  decodeMs: null,
  detokenizeMs: null,
  otherMs: null,
};

/** A run of which nothing is known but its time. */
export const BLANK_RUN: Omit<RunRecord, 'startedAt' | 'totalMs'> = {
  commandMs: null,
  encodeMs: null,
  decodeMs: null,
  phases: NO_PHASES,
  decodeStepsMs: [],
  firstTokenMs: null,
  tokens: null,
  textTokens: null,
  promptTokens: null,
  audioTokens: null,
  tokenHash: null,
  tokenIds: null,
  text: null,
  language: null,
  truncated: null,
  bytesReadPerToken: null,
  interference: null,
  memory: null,
  round: null,
  decodeStepRows: null,
  segments: null,
};

/** A transcribe() call as the result keeps it. */
export function recordTranscript(observed: Observed<Transcript>, model: ModelInfo): RunRecord {
  const { result: transcript, startedAt, totalMs, interference, memory } = observed;
  const { melMs, convStemMs, encoderLayersMs, prefillMs, decodeMs, detokenizeMs } = transcript.timings;
  const named = { melMs, convStemMs, encoderLayersMs, prefillMs, decodeMs, detokenizeMs };
  return {
    ...BLANK_RUN,
    ...{ startedAt, totalMs, interference, memory },
    ...ledgerOf(totalMs, named),
    decodeStepsMs: transcript.timings.decodeStepsMs,
    firstTokenMs: transcript.timings.firstTokenMs,
    tokens: transcript.tokenIds.length,
    textTokens: transcript.textTokenCount,
    promptTokens: transcript.promptTokenCount,
    audioTokens: transcript.audioTokenCount,
    tokenHash: hashTokens(transcript.tokenIds),
    tokenIds: transcript.tokenIds,
    text: transcript.text,
    language: transcript.language === '' ? null : transcript.language,
    truncated: transcript.truncated,
    bytesReadPerToken: bytesPerStep(transcript, model),
  };
}

/** The phases of a pipeline; all but `other` are measured. */
export type PipelinePhases = {
  readonly segmentMs?: number;
} & {
  readonly [Phase in
    | 'melMs'
    | 'convStemMs'
    | 'encoderLayersMs'
    | 'prefillMs'
    | 'decodeMs'
    | 'detokenizeMs']: number;
};

/** The ledger of a run of the pipeline, and the two sums that the text shows. */
export function ledgerOf(
  totalMs: number,
  phases: PipelinePhases,
): Pick<RunRecord, 'encodeMs' | 'decodeMs' | 'phases'> {
  const { melMs, convStemMs, encoderLayersMs, prefillMs, decodeMs } = phases;
  return {
    encodeMs: melMs + convStemMs + encoderLayersMs,
    decodeMs: prefillMs + decodeMs,
    phases: { ...NO_PHASES, ...phases, otherMs: remainder(totalMs, Object.values(phases)) },
  };
}

/** An encode() call as the result keeps it. */
export function recordEncoding(observed: Observed<Encoding>): RunRecord {
  const { result, startedAt, totalMs, interference, memory } = observed;
  const { convStemMs, encoderLayersMs } = result.timings;
  const named = { convStemMs, encoderLayersMs };
  return {
    ...BLANK_RUN,
    ...{ startedAt, totalMs, interference, memory },
    encodeMs: totalMs,
    phases: { ...NO_PHASES, ...named, otherMs: remainder(totalMs, Object.values(named)) },
    audioTokens: result.tokens,
  };
}

/** What no phase was charged with, so that all parts sum to the wall time. */
function remainder(totalMs: number, parts: readonly number[]): number {
  return Math.max(0, totalMs - parts.reduce((sum, ms) => sum + ms, 0));
}

function bytesPerStep({ promptTokenCount, tokenIds }: Transcript, model: ModelInfo): number | null {
  const steps = tokenIds.length - 1; // prefill makes the first token
  return steps < 1 ? null : decodeWork(model, promptTokenCount, steps).bytes / steps;
}
