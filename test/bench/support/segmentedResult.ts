import type { BenchEvent } from '../../../src/bench/record/benchEvent.js';
import type { BenchResult } from '../../../src/bench/schema/benchResult.js';
import type { RunRecord } from '../../../src/bench/schema/runRecord.js';
import { createRandom } from '../../../src/bench/statistics/random.js';
import { build, cellStart, MODEL, sampleRun } from './sampleResults.js';

/** Two recordings, whole and in segments, one by one and side by side, with and without their silence. */
export function segmentedResult(): BenchResult {
  const random = createRandom(4);
  const events: BenchEvent[] = [
    { event: 'model', model: MODEL },
    ...[11, 60].map((seconds, index): BenchEvent => {
      const path = `talk${index}.wav`;
      return { event: 'audio', audio: { id: `a${index}`, path, durationMs: 1000 * seconds, hash: null } };
    }),
  ];
  for (const audio of ['a0', 'a1']) {
    for (const [segmentSeconds, batch, skipSilence] of [
      [null, 1, false],
      [4, 1, false],
      [4, 3, true],
    ] as const) {
      const id = `i=${audio} segment=${segmentSeconds ?? 0} batch=${batch}`;
      const settings = { audio, segmentSeconds, batch, skipSilence, exactTokens: 6, runs: 6 };
      events.push({ event: 'cell', cell: cellStart(id, settings) });
      for (let round = 0; round < 6; round++) {
        const run = sampleRun(random, { round });
        const recorded = segmentSeconds === null ? whole(run) : inSegments(run, batch);
        events.push({ event: 'run', cell: id, run: recorded });
      }
    }
  }
  events.push({ event: 'end', complete: true, accuracy: null });
  return build(events, { kind: 'sweep', commandLine: ['--segment', '0,4', '--batch', '1,3'] });
}

function whole(run: RunRecord): RunRecord {
  return { ...run, decodeStepRows: null, segments: null, phases: { ...run.phases, segmentMs: null } };
}

/** Three segments, of which one is silence; the others decode the run's tokens. */
function inSegments(run: RunRecord, batch: number): RunRecord {
  const segment = { promptTokens: 40, audioTokens: 26, tokens: 20 };
  const silent = { promptTokens: 0, audioTokens: 0, tokens: 0, heardMs: 0 };
  return {
    ...run,
    totalMs: run.totalMs + 2,
    phases: { ...run.phases, segmentMs: 2 },
    decodeStepRows: run.decodeStepsMs.map((_, step) => (step % 2 === 0 ? 1 : Math.min(batch, 2))),
    segments: [
      { startMs: 0, endMs: 4000.0625, heardMs: 2100.5, ...segment },
      { startMs: 4000.0625, endMs: 8000, ...silent },
      { startMs: 8000, endMs: 11_000, heardMs: 3000, ...segment, tokens: (run.tokens ?? 0) - 20 },
    ],
  };
}
