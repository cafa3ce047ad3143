import { joinLanguages } from '../../text/joinTexts.js';
import { timedPieces } from '../../transcribe/formats/timedPieces.js';
import type { StreamEvent } from '../../transcribe/live/streamTypes.js';
import type { Observed } from '../meters/runMeters.js';
import type { StreamPlan } from '../plan/benchPlan.js';
import { BLANK_RUN, ledgerOf, type TimedPhases } from '../run/recordRun.js';
import type { RunRecord } from '../schema/runRecord.js';
import type { LiveSegmentRecord, LiveStepRecord, StreamRecord } from '../schema/streamRecord.js';
import type { HeardEvent } from './playRecording.js';

/**
 * A live run as the result keeps it. On the simulated clock all of its wall time is work: what is not of a step is voice
 * activity, counted as segmentation. By the world's clock `other` has the waiting.
 *
 * @param isMeasured random weights: tokens that are said otherwise mean nothing
 */
export function recordStream(
  observed: Observed<readonly HeardEvent[]>,
  { chunkSeconds, pace }: StreamPlan,
  isMeasured: boolean,
): RunRecord {
  const { result: heard, startedAt, totalMs, interference, memory } = observed;
  const steps = heard.flatMap(stepOf);
  const segments = segmentsOf(heard);
  const records = segments
    .flatMap(segmentOf)
    // Random words may come at any time.
    .map((segment) => (isMeasured ? { ...segment, firstWordsMs: null } : segment));
  const sum = (of: (step: LiveStepRecord) => number): number =>
    steps.reduce((total, step) => total + of(step), 0);
  const timed: TimedPhases = {
    ...(pace === 'simulated' && { segmentMs: Math.max(0, totalMs - sum(({ stepMs }) => stepMs)) }),
    melMs: sum(({ melMs }) => melMs),
    convStemMs: sum(({ convStemMs }) => convStemMs),
    encoderLayersMs: sum(({ encoderLayersMs }) => encoderLayersMs),
    prefillMs: sum(({ prefillMs }) => prefillMs),
    decodeMs: sum(({ decodeMs }) => decodeMs),
  };
  const decodedTokens = sum((step) => step.decodedTokens);
  const revisedTokens = sum((step) => step.draftTokens - step.acceptedTokens);
  const language = joinLanguages(records.map((segment) => segment.language ?? ''));
  const stream: StreamRecord = {
    chunkMs: 1000 * chunkSeconds,
    steps,
    segments: records,
    commitDelaysMs: isMeasured ? [] : segments.flatMap(commitDelays),
    revisedTokens: isMeasured ? null : revisedTokens,
    shownTokens: isMeasured ? null : decodedTokens,
  };
  return {
    ...BLANK_RUN,
    ...{ startedAt, totalMs, interference, memory },
    ...ledgerOf(totalMs, timed),
    tokens: decodedTokens,
    text: heard.map(({ event }) => event.committed).join(''),
    language: language === '' ? null : language,
    stream,
  };
}

function stepOf({ atMs, event }: HeardEvent): LiveStepRecord[] {
  const { audioMs, segmentStartMs, stepMs, figures, lagging, segmentText } = event;
  if (figures === null) return [];
  const { melMs, convStemMs, encoderLayersMs, prefillMs, decodeMs, encodedTokens, prefilledTokens } = figures;
  const { draftTokens, acceptedTokens, decodedTokens, floorMoved } = figures;
  return [
    {
      ...{ atMs, audioMs, heardMs: audioMs - segmentStartMs, stepMs },
      ...{ melMs, convStemMs, encoderLayersMs, prefillMs, decodeMs },
      ...{ encodedTokens, prefilledTokens, draftTokens, acceptedTokens, decodedTokens, floorMoved },
      late: lagging,
      ends: segmentText !== null,
    },
  ];
}

/** The events of each segment, in their order. */
function segmentsOf(heard: readonly HeardEvent[]): HeardEvent[][] {
  const segments = new Map<number, HeardEvent[]>();
  for (const one of heard) {
    const { segment } = one.event;
    segments.set(segment, [...(segments.get(segment) ?? []), one]);
  }
  return [...segments.values()];
}

function isShown({ committed, tentative }: StreamEvent): boolean {
  return (committed + tentative).trim() !== '';
}

function segmentOf(heard: readonly HeardEvent[]): LiveSegmentRecord[] {
  const last = heard.at(-1);
  if (last?.event.speechEndMs == null) return [];
  const { segmentStartMs, audioMs, speechEndMs, segmentText, language } = last.event;
  const first = heard.find(({ event }) => isShown(event));
  return [
    {
      startMs: segmentStartMs,
      endMs: audioMs,
      speechEndMs,
      firstWordsMs: first === undefined ? null : first.atMs - segmentStartMs,
      finalMs: last.atMs - speechEndMs,
      text: segmentText ?? '',
      language: language === '' ? null : language,
    },
  ];
}

/** For each word of a segment how long after it was spoken it stood for good. */
function commitDelays(heard: readonly HeardEvent[]): number[] {
  const [segment] = segmentOf(heard);
  if (segment === undefined) return [];
  const { text, startMs, speechEndMs: endMs } = segment;
  let standing = 0;
  const commits = heard.map(({ atMs, event }) => {
    // The first piece may begin with what separates it from the segment before.
    standing += standing === 0 ? event.committed.trimStart().length : event.committed.length;
    return { atMs, standing };
  });
  let end = 0;
  return timedPieces({ text, startMs, endMs }, '', Number.MAX_SAFE_INTEGER).flatMap((piece) => {
    end = text.indexOf(piece.text, end) + piece.text.length;
    const commit = commits.find((one) => one.standing >= end);
    return commit === undefined ? [] : [commit.atMs - piece.endMs];
  });
}
