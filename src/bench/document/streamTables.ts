import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { LIVE_SAMPLES } from '../schema/metrics.js';
import type { LiveStepRecord } from '../schema/streamRecord.js';
import { median } from '../statistics/descriptive.js';
import { runsForPercentile, type Summary } from '../statistics/summarize.js';
import type { FigureTable } from './block.js';
import { significant } from './figures.js';

/* What the readers of live text see, and what the steps behind it cost. */

type StreamSummary = Readonly<Record<string, Summary>>;

/** The delays of a live cell and the times of its steps, over all of its runs; tails where there are values enough. */
export function delayTable(summary: StreamSummary | null | undefined): FigureTable | null {
  if (summary == null) return null;
  const rows = LIVE_SAMPLES.flatMap(({ name, title }) => {
    const of = summary[name];
    if (of === undefined) return [];
    const tails = of.percentiles.map((entry) => (entry.supported ? significant(entry.value) : '–'));
    return [[`${title} ms`, significant(of.median), ...tails, significant(of.max), String(of.runs)]];
  });
  const [first] = Object.values(summary);
  const percents = first?.percentiles.map(({ percent }) => `p${percent}`) ?? [];
  return { header: ['', 'p50', ...percents, 'max', 'of'], rows };
}

/** How much slower a machine could be, and how much of what is shown changes again; nothing without a step. */
export function headroomSentence({ runs, settings }: CellRecord): string[] {
  const streams = runs.flatMap(({ stream }) => stream ?? []);
  const steps = stepsOf(runs);
  if (steps.length === 0) return [];
  const longestMs = Math.max(...steps.map(({ stepMs }) => stepMs));
  const chunkMs = 1000 * (settings.chunkSeconds ?? 0);
  const headroom = `head-room ${significant(chunkMs / longestMs)} x: the longest step took ${significant(longestMs)} of ${significant(chunkMs)} ms`;
  const revised = sum(streams.map(({ revisedTokens }) => revisedTokens));
  const shown = sum(streams.map(({ shownTokens }) => shownTokens));
  if (revised === null || shown === null || shown === 0) return [headroom];
  return [`${headroom}; revised ${significant((100 * revised) / shown)} % of ${shown} tokens`];
}

/** Null when one of them is not known. */
function sum(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>(
    (total, value) => (total === null || value === null ? null : total + value),
    0,
  );
}

/**
 * What to know of a live cell's figures, one sentence each.
 *
 * @param alone there is no other, so that there is room for more
 */
export function streamNotes({ runs, streamSummary, settings }: CellRecord, alone: boolean): string[] {
  if (settings.stream !== true || runs.length === 0) return [];
  const steps = stepsOf(runs);
  if (steps.length === 0) return ['no speech was found, so no step was made'];
  const late = steps.filter((step) => step.late).length;
  const lateNote = `${late} of ${steps.length} steps came late and took more audio: the machine is too slow for its chunks`;
  return [
    ...(late === 0 ? [] : [lateNote]),
    ...(alone ? [...louderNote(steps), ...tailNote(streamSummary)] : []),
  ];
}

function louderNote(steps: readonly LiveStepRecord[]): string[] {
  const louder = steps.filter(({ floorMoved }) => floorMoved);
  if (louder.length === 0) return [];
  const longestMs = Math.max(...louder.map(({ stepMs }) => stepMs));
  return [
    `in ${louder.length} of ${steps.length} steps the segment became louder and was computed anew, in at most ${significant(longestMs)} ms`,
  ];
}

/** Which tails there are too few values for. */
function tailNote(summary: StreamSummary | null | undefined): string[] {
  const unsupported = Object.values(summary ?? {}).flatMap(({ percentiles }) =>
    percentiles.flatMap((entry) => (entry.supported ? [] : [entry.percent])),
  );
  const percents = [...new Set(unsupported)].sort((a, b) => a - b);
  if (percents.length === 0) return [];
  return [percents.map((percent) => `p${percent} needs ${runsForPercentile(percent)} values`).join(', ')];
}

function stepsOf(runs: CellRecord['runs']): LiveStepRecord[] {
  return runs.flatMap(({ stream }) => stream?.steps ?? []);
}

/** Steps over about as much of a segment, and what they take in the median. */
export interface StepsAt {
  readonly seconds: number;
  readonly count: number;
  readonly stepMs: number;
  readonly of: (value: (step: LiveStepRecord) => number) => number;
}

/**
 * The steps of a cell by the length of the segment that they are over, in whole chunks: those in which it became louder by
 * themselves.
 */
export function stepsByLength({ runs }: CellRecord, louder: boolean): StepsAt[] {
  const groups = new Map<number, LiveStepRecord[]>();
  for (const { stream } of runs) {
    for (const step of stream?.steps ?? []) {
      if (step.floorMoved !== louder || step.late || step.ends) continue;
      const seconds = step.heardMs / 1000;
      groups.set(seconds, [...(groups.get(seconds) ?? []), step]);
    }
  }
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([seconds, steps]) => {
      const of: StepsAt['of'] = (value) => median(steps.map(value));
      return { seconds, count: steps.length, stepMs: of(({ stepMs }) => stepMs), of };
    });
}

/** What a step costs by the length of its segment: medians; null without a step. */
export function stepTable(cell: CellRecord): FigureTable | null {
  const rows = [false, true].flatMap((louder) =>
    stepsByLength(cell, louder).map(({ seconds, count, stepMs, of }) => [
      `${significant(seconds)} s${louder ? ', louder' : ''}`,
      String(count),
      significant(stepMs),
      significant(of(({ convStemMs, encoderLayersMs }) => convStemMs + encoderLayersMs)),
      significant(of(({ prefillMs }) => prefillMs)),
      significant(of(({ decodeMs }) => decodeMs)),
      ...[
        of((step) => step.encodedTokens),
        of((step) => step.prefilledTokens),
        of((step) => step.decodedTokens),
      ].map((tokens) => String(Math.round(tokens))),
    ]),
  );
  if (rows.length === 0) return null;
  const header = ['segment', 'steps', 'step ms', 'encode ms', 'prefill ms', 'decode ms'];
  return { header: [...header, 'encoded', 'prefilled', 'decoded'], rows };
}

/** Delays of recordings with one setting, all together; empty where nothing is live. */
export function setDelayTables(
  result: BenchResult,
  titleOf: (set: { readonly cells: readonly string[] }) => string,
): { readonly title: string; readonly table: FigureTable }[] {
  return (result.sets ?? []).flatMap((set) => {
    const table = delayTable(set.streamSummary);
    return table === null ? [] : [{ title: titleOf(set), table }];
  });
}
