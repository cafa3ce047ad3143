import { scoreTranscript } from '../../../src/bench/accuracy/scoreTranscript.js';
import type { BenchEvent } from '../../../src/bench/record/benchEvent.js';
import type { BenchResult } from '../../../src/bench/schema/benchResult.js';
import type { RunRecord } from '../../../src/bench/schema/runRecord.js';
import { createRandom, type Random } from '../../../src/bench/statistics/random.js';
import { recordStream } from '../../../src/bench/stream/recordStream.js';
import type { StreamEvent } from '../../../src/transcribe/live/streamTypes.js';
import { build, cellStart, MODEL, sampleRun } from './sampleResults.js';

const TEXT = 'Alpha beta gamma delta epsilon zeta.';

/** An event of a stream, of which only what a test is about is given. */
export function liveEvent(event: Partial<StreamEvent>): StreamEvent {
  return {
    ...{ committed: '', tentative: '', audioMs: 0, segment: 0, segmentStartMs: 0, language: 'English' },
    ...{ segmentText: null, speechEndMs: null, lagging: false, behindMs: 0, stepMs: 0, figures: null },
    ...event,
  };
}

/** What a step costs, of which only what a test is about is given. */
export function liveFigures(
  figures: Partial<NonNullable<StreamEvent['figures']>> = {},
): NonNullable<StreamEvent['figures']> {
  return {
    ...{ melMs: 1, convStemMs: 2, encoderLayersMs: 4, prefillMs: 8, decodeMs: 16, audioTokens: 26 },
    ...{ encodedTokens: 26, prefilledTokens: 40, draftTokens: 5, acceptedTokens: 3, decodedTokens: 6 },
    floorMoved: false,
    ...figures,
  };
}

/** Two segments of 6 s, each three steps of 2 s. */
function liveRun(random: Random, round: number, chunkSeconds: number): RunRecord {
  const heard = [0, 1].flatMap((segment) =>
    [1, 2, 3].map((step) => {
      const segmentStartMs = 7000 * segment;
      const audioMs = segmentStartMs + 1000 * chunkSeconds * step;
      const stepMs = 40 * Math.exp(0.1 * random.normal());
      const ends = step === 3;
      const event = liveEvent({
        ...{ segment, segmentStartMs, audioMs, stepMs, lagging: step === 2 && segment === 1 },
        committed: ends ? `${segment === 0 ? '' : ' '}${TEXT}` : '',
        tentative: ends ? '' : 'Alpha beta gamma',
        segmentText: ends ? TEXT : null,
        speechEndMs: ends ? audioMs - 300 : null,
        figures: liveFigures({ floorMoved: step === 2 }),
      });
      return { atMs: audioMs + stepMs, event };
    }),
  );
  const { startedAt, interference, memory } = sampleRun(random, { round });
  const observed = { result: heard, startedAt, totalMs: 400, interference, memory };
  return { ...recordStream(observed, { chunkSeconds, pace: 'simulated' }, false), round };
}

/** Two recordings that are transcribed live, in steps of 1 and of 2 s, with texts of the whole. */
export function liveResult(): BenchResult {
  const random = createRandom(5);
  const events: BenchEvent[] = [
    { event: 'model', model: MODEL },
    ...[0, 1].map((index): BenchEvent => {
      const path = `talk${index}.wav`;
      return { event: 'audio', audio: { id: `a${index}`, path, durationMs: 14_000, hash: null } };
    }),
  ];
  for (const audio of ['a0', 'a1']) {
    for (const chunkSeconds of [1, 2]) {
      const id = `i=${audio} chunk=${chunkSeconds}`;
      const settings = { audio, runs: 6, stream: true, chunkSeconds, pace: 'simulated' } as const;
      const offline = { text: `${TEXT} Alpha beta gamma delta epsilon zita.`, language: 'English' };
      events.push({ event: 'cell', cell: { ...cellStart(id, settings), work: [], offline } });
      for (let round = 0; round < 6; round++) {
        events.push({ event: 'run', cell: id, run: liveRun(random, round, chunkSeconds) });
      }
      const score = (reference: string, text: string) => ({
        ...scoreTranscript(reference, text, { language: 'English' }),
        reference: 'talk.txt',
        language: 'English',
      });
      events.push({
        event: 'cellEnd',
        cell: id,
        outcome: {
          ...{ steady: null, drift: null, complete: true, error: null, notes: [] },
          accuracy: score(`${TEXT} ${TEXT}`, `${TEXT} ${TEXT}`),
          offlineAccuracy: score(`${TEXT} ${TEXT}`, offline.text),
          agreement: { ...score(offline.text, `${TEXT} ${TEXT}`), reference: 'offline' },
        },
      });
    }
  }
  events.push({ event: 'end', complete: true, accuracy: null });
  return build(events, { kind: 'sweep', commandLine: ['--stream', '--chunk', '1,2'] });
}
