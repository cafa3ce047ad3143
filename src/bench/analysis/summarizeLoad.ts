import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import type { LoadRecord } from '../schema/figureRecords.js';
import { hasFailed, type RunRecord } from '../schema/runRecord.js';
import { audioRate, loadWindow, requestsOf } from './audioRate.js';

/** Whether a document is of a server under load: its cells are levels then. */
export function isLoadResult({ cells }: Pick<BenchResult, 'cells'>): boolean {
  return cells.some(({ settings }) => settings.endpoint != null);
}

/**
 * What a server did under one level of load; null for other cells.
 *
 * @param firstTexts {@link firstTextsOf} of the document
 */
export function summarizeLoad(cell: CellRecord, firstTexts: ReadonlyMap<number, string>): LoadRecord | null {
  if (cell.settings.endpoint == null) return null;
  const requests = requestsOf(cell.runs);
  const answered = requests.filter(({ run }) => !hasFailed(run));
  const failures: Record<string, number> = {};
  for (const { request } of requests) {
    if (request.failure !== null) failures[request.failure] = (failures[request.failure] ?? 0) + 1;
  }
  const window = loadWindow(cell);
  const windowMs = window === null ? 0 : window.endMs - window.startMs;
  const isRealtime = cell.settings.protocol === 'realtime';
  const offeredMs = requests.reduce((sum, { request }) => sum + request.audioMs, 0);
  return {
    requests: requests.length,
    answered: answered.length,
    failures,
    windowMs,
    audioRate: window === null || isRealtime ? null : audioRate(cell, window),
    offeredAudioRate: windowMs === 0 || isRealtime ? null : offeredMs / windowMs,
    latestMs: requests.reduce((most, { request }) => Math.max(most, request.sentMs - request.intendedMs), 0),
    textChanges: answered.filter(({ run, request }) => run.text !== firstTexts.get(request.recording)).length,
  };
}

/** The text that each recording had first, alone in most measurements, by its index. */
export function firstTextsOf({ cells }: Pick<BenchResult, 'cells'>): ReadonlyMap<number, string> {
  const texts = new Map<number, string>();
  const take = (run: RunRecord): void => {
    const recording = run.request?.recording;
    if (recording === undefined || run.text === null || texts.has(recording)) return;
    texts.set(recording, run.text);
  };
  for (const { warmups, runs } of cells) for (const run of [...warmups, ...runs]) take(run);
  return texts;
}

/** Levels of load along one axis, and where more load stops to bring more. */
export interface Knee {
  readonly kind: 'closed' | 'open';
  /** The cell at the knee; null when no level was kept up with. */
  readonly cell: CellRecord | null;
  /** The levels go beyond it. */
  readonly isPassed: boolean;
}

/** What a level may lack and still count as having reached something. */
const REACHED = 0.95;

/** Fewer levels have no curve. */
const FEWEST_LEVELS = 3;

/**
 * The knee of a load curve. Of clients: the fewest that reach 95 % of the highest rate of audio; beyond it more clients
 * wait longer and get no more. Of arrivals: the highest rate that was kept up with, at which and below which at least 95 %
 * of the audio that was sent in the measured part was also answered in it, and nothing failed.
 *
 * @returns null for fewer than three levels
 */
export function findKnee({ cells }: Pick<BenchResult, 'cells'>): Knee | null {
  const levels = cells.flatMap((cell) => {
    const level = cell.settings.clients ?? cell.settings.ratePerSecond;
    const { load } = cell;
    return level == null || load == null || load.audioRate === null ? [] : [{ cell, level, load }];
  });
  if (levels.length < FEWEST_LEVELS) return null;
  levels.sort((a, b) => a.level - b.level);
  if (levels[0]!.cell.settings.clients != null) {
    const rates = levels.map(({ load }) => load.audioRate ?? 0);
    const index = rates.findIndex((rate) => rate >= REACHED * Math.max(...rates));
    return { kind: 'closed', cell: levels[index]!.cell, isPassed: index < levels.length - 1 };
  }
  const failed = levels.findIndex(
    ({ load }) =>
      (load.audioRate ?? 0) < REACHED * (load.offeredAudioRate ?? 0) || load.answered < load.requests,
  );
  const last = failed < 0 ? levels.length - 1 : failed - 1;
  return { kind: 'open', cell: levels[last]?.cell ?? null, isPassed: failed >= 0 };
}
