import { findKnee } from '../analysis/summarizeLoad.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { FAILURES, type FailureKind } from '../schema/runRecord.js';
import type { Percentile, Summary } from '../statistics/summarize.js';
import { type Block, type FigureTable, noteBlock, tableBlock } from './block.js';
import { significant } from './figures.js';

/* What is said of a server under load: a table of its levels, and how to read it. */

/** The levels with their figures, and what to know of them. */
export function loadSection(result: BenchResult): Block[] {
  return [...tableBlock(loadTable(result)), ...noteBlock(loadNotes(result))];
}

/** Percentiles that a level may have beside the median. */
const TAILS = [90, 95, 99] as const;

/** All measured levels in one table, a row each. */
export function loadTable(result: BenchResult): FigureTable {
  const cells = result.cells.filter(({ runs }) => runs.length > 0);
  const tails = TAILS.filter((percent) =>
    cells.some((cell) => percentileOf(cell, 'total', percent) !== null),
  );
  const isOpen = cells.some(({ settings }) => settings.ratePerSecond != null);
  const isRealtime = cells.some(({ settings }) => settings.protocol === 'realtime');
  const hasFirst = cells.some(({ summary }) => summary?.['first_token'] !== undefined);
  const columns = ['p50', ...tails.map((percent) => `p${percent}`)];
  const end = isRealtime ? 'delay' : 'end';
  const rows = cells.map((cell) => {
    const { settings, load } = cell;
    const level = settings.clients ?? settings.ratePerSecond;
    const rate = (value: number | null | undefined) => (value == null ? '–' : significant(value));
    return [
      String(level ?? '–'),
      String(load?.answered ?? 0),
      String((load?.requests ?? 0) - (load?.answered ?? 0)),
      ...(isRealtime ? [] : [rate(load?.audioRate)]),
      ...(isOpen ? [rate(load?.offeredAudioRate)] : []),
      ...(hasFirst ? latencies(cell, 'first_token', tails) : []),
      ...latencies(cell, 'total', tails),
    ];
  });
  const axis = isOpen ? 'requests /s' : isRealtime ? 'sessions' : 'clients';
  return {
    header: [
      ...[axis, isRealtime ? 'spoken' : 'answered', 'failed'],
      ...(isRealtime ? [] : ['audio s/s']),
      ...(isOpen ? ['sent audio s/s'] : []),
      ...(hasFirst ? columns.map((column) => `first text ${column} ms`) : []),
      ...columns.map((column) => `${end} ${column} ms`),
    ],
    rows,
  };
}

function latencies(cell: CellRecord, metric: string, tails: readonly number[]): string[] {
  const median = cell.summary?.[metric]?.median;
  const values = [median ?? null, ...tails.map((percent) => percentileOf(cell, metric, percent))];
  return values.map((value) => (value === null ? '–' : significant(value)));
}

/** A percentile of a metric; null where there are too few answers for it. */
export function percentileOf(cell: CellRecord, metric: string, percent: number): number | null {
  const entry = entryOf(cell.summary?.[metric], percent);
  return entry?.supported ? entry.value : null;
}

function entryOf(summary: Summary | undefined, percent: number): Percentile | undefined {
  return summary?.percentiles.find((entry) => entry.percent === percent);
}

/** Later than this, the client was too busy to send in time. */
const LATE_MS = 20;

/** How to read the figures, one sentence each. */
export function loadNotes(result: BenchResult): string[] {
  const cells = result.cells.filter(({ settings }) => settings.endpoint != null);
  const isOpen = cells.some(({ settings }) => settings.ratePerSecond != null);
  const isRealtime = cells.some(({ settings }) => settings.protocol === 'realtime');
  return [
    ...kneeNotes(result),
    ...heldNotes(cells),
    isRealtime ? PACE : isOpen ? OPEN_LOOP : CLOSED_LOOP,
    ...missingPercentiles(cells),
    ...cells.flatMap(failureNote),
    ...cells.flatMap(textNote),
    ...cells.flatMap(lateNote),
  ];
}

const CLOSED_LOOP =
  'closed loop: a client that waits sends nothing, so what a stall would have cost others is not in these percentiles (coordinated omission); --rate sends all the same';
const OPEN_LOOP =
  'open loop: times count from when a request was to be sent, so a stall counts for all that arrive in it (no coordinated omission)';

const PACE =
  'live sessions speak at the pace of the recordings, whatever was answered; the delay counts from the last speech of a recording until its whole text stands, the pause by which the server sees its end included';

/** How many live sessions hold the delay that they were to hold. */
function heldNotes(cells: readonly CellRecord[]): string[] {
  const [goalMs] = cells.flatMap(({ settings }) => settings.maxDelayMs ?? []);
  if (goalMs === undefined) return [];
  const levels = cells.toSorted((a, b) => (a.settings.clients ?? 0) - (b.settings.clients ?? 0));
  const told = levels.map((cell) => ({ cell, delayMs: percentileOf(cell, 'total', 95) }));
  const isHeld = ({ cell, delayMs }: (typeof told)[number]): boolean =>
    delayMs !== null && delayMs <= goalMs && cell.load?.answered === cell.load?.requests;
  const broken = told.findIndex((level) => level.delayMs !== null && !isHeld(level));
  const before = broken < 0 ? told : told.slice(0, broken);
  const held = before.filter(isHeld).at(-1);
  const goal = `a p95 delay of ${significant(goalMs / 1000)} s`;
  if (held === undefined) {
    return [
      broken < 0
        ? `${goal}: too few segments to tell`
        : `not held by ${levelTitle(told[broken]!.cell)}: ${goal}`,
    ];
  }
  const more = broken < 0 ? '; more may, too' : `; not by ${levelTitle(told[broken]!.cell)}`;
  return [`held by ${levelTitle(held.cell)}: ${goal}${more}`];
}

function kneeNotes(result: BenchResult): string[] {
  const knee = findKnee(result);
  if (knee === null) return [];
  if (knee.cell === null) return ['knee: none of these rates was kept up with'];
  const level = levelTitle(knee.cell);
  const rate = significant(knee.cell.load?.audioRate ?? 0);
  if (knee.kind === 'open') {
    const more = knee.isPassed ? '' : '; higher rates may be, too';
    return [`knee at ${level}: the highest rate that was kept up with, ${rate} s of audio a second${more}`];
  }
  const more = knee.isPassed ? 'more clients wait longer and get no more' : 'more clients may bring more';
  return [`knee at ${level}: ${rate} s of audio a second, at least 95 % of the most; ${more}`];
}

/** `4 clients`, `2.5 requests a second` */
export function levelTitle({ settings }: CellRecord): string {
  const { clients, ratePerSecond, protocol } = settings;
  const unit = protocol === 'realtime' ? 'session' : 'client';
  return clients == null
    ? `${ratePerSecond} requests a second`
    : `${clients} ${unit}${clients === 1 ? '' : 's'}`;
}

function missingPercentiles(cells: readonly CellRecord[]): string[] {
  const missing = TAILS.flatMap((percent) => {
    const entries = cells.map(({ summary }) => entryOf(summary?.['total'], percent));
    const entry = entries.find((one) => one?.supported === false);
    return entry === undefined || entry.supported ? [] : [entry];
  });
  const [first, ...others] = missing;
  if (first === undefined) return [];
  const more = others.map(({ percent, runsNeeded }) => `, p${percent} ${runsNeeded}`).join('');
  return [
    `p${first.percent} needs ${first.runsNeeded} answers of a level${more}: where one is left out there were fewer`,
  ];
}

function failureNote(cell: CellRecord): string[] {
  const { load, runs } = cell;
  if (load == null || load.answered === load.requests) return [];
  const kinds = Object.entries(load.failures).map(([kind, count]) => {
    const said = runs.find(({ request }) => request?.failure === kind)?.request?.detail;
    const detail = said == null || said === '' ? '' : ` (${said})`;
    return `${count} ${FAILURES[kind as FailureKind] ?? kind}${detail}`;
  });
  return [
    `${levelTitle(cell)}: ${load.requests - load.answered} of ${load.requests} failed: ${kinds.join(', ')}`,
  ];
}

function textNote(cell: CellRecord): string[] {
  const { load } = cell;
  if (load?.textChanges == null || load.textChanges === 0) return [];
  return [
    `${levelTitle(cell)}: ${load.textChanges} of ${load.answered} answers have another text than the recording had first`,
  ];
}

function lateNote(cell: CellRecord): string[] {
  const late = cell.load?.latestMs ?? 0;
  if (late <= LATE_MS) return [];
  return [
    `${levelTitle(cell)}: some were sent up to ${significant(late)} ms after their time, because the client was busy; that counts, too`,
  ];
}
