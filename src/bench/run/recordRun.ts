import type { Encoding, ModelInfo, Transcript } from '../../transcribe/types.js';
import type { Observed } from '../meters/runMeters.js';
import { PHASES, type Phase, type PhaseName, type PhaseTimes } from '../phases.js';
import { hashTokens } from '../schema/machineRecord.js';
import type { RunRecord } from '../schema/runRecord.js';
import { decodeWork } from '../workload.js';

const NO_PHASES = Object.fromEntries(PHASES.map(({ id }) => [`${id}Ms`, null])) as unknown as PhaseTimes;

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
  request: null,
  stream: null,
};

/** A transcribe() call as the result keeps it. */
export function recordTranscript(observed: Observed<Transcript>, model: ModelInfo): RunRecord {
  const { result: transcript, startedAt, totalMs, interference, memory } = observed;
  return {
    ...BLANK_RUN,
    ...{ startedAt, totalMs, interference, memory },
    ...ledgerOf(totalMs, transcript.timings),
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

/** What was timed of a run; whatever else is there is no phase. */
export type TimedPhases = { readonly [Id in PhaseName as `${Id}Ms`]?: number };

/** The ledger of a run of the pipeline, and the two sums that the text shows. */
export function ledgerOf(
  totalMs: number,
  timed: TimedPhases,
): Pick<RunRecord, 'encodeMs' | 'decodeMs' | 'phases'> {
  // `other` is what no phase was charged with, so that all parts sum to the wall time.
  const charged = PHASES.filter(({ id }) => id !== 'other' && timed[`${id}Ms`] !== undefined);
  const sum = (phases: readonly Phase[]): number =>
    phases.reduce((total, { id }) => total + (timed[`${id}Ms`] ?? 0), 0);
  return {
    encodeMs: sum(charged.filter(({ part }) => part === 'encode')),
    decodeMs: sum(charged.filter(({ part }) => part === 'decode')),
    phases: {
      ...NO_PHASES,
      ...Object.fromEntries(charged.map(({ id }) => [`${id}Ms`, timed[`${id}Ms`]])),
      otherMs: Math.max(0, totalMs - sum(charged)),
    },
  };
}

/** An encode() call as the result keeps it. */
export function recordEncoding(observed: Observed<Encoding>): RunRecord {
  const { result, startedAt, totalMs, interference, memory } = observed;
  return {
    ...BLANK_RUN,
    ...{ startedAt, totalMs, interference, memory },
    phases: ledgerOf(totalMs, result.timings).phases,
    encodeMs: totalMs,
    audioTokens: result.tokens,
  };
}

function bytesPerStep({ promptTokenCount, tokenIds }: Transcript, model: ModelInfo): number | null {
  const steps = tokenIds.length - 1; // prefill makes the first token
  return steps < 1 ? null : decodeWork(model, promptTokenCount, steps).bytes / steps;
}
