import { MAIN_PHASES, PHASES } from '../phases.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { LIVE_SAMPLES } from '../schema/metrics.js';
import type { RunRecord } from '../schema/runRecord.js';
import { OLDER_SETTINGS } from '../settings/storedSettings.js';

/** What a column may hold. Arrays are written with spaces between their items. */
export type CsvValue = string | number | boolean | null | readonly (string | number)[];

type CsvRow = Readonly<Record<string, CsvValue>>;

/**
 * Every run as a row (RFC 4180 with line feeds): its figures, the settings of its cell and the hashes that tell
 * whether rows of different files compare. Null is an empty field, an empty text is "".
 */
export function formatCsv(result: BenchResult): string {
  const rows = csvRows(result);
  const columns = Object.keys(rows[0] ?? {});
  const lines = [columns, ...rows.map((row) => columns.map((column) => formatField(row[column] ?? null)))];
  return lines.map((line) => `${line.join(',')}\n`).join('');
}

/** The rows before they are text; all have the same columns. */
export function csvRows(result: BenchResult): CsvRow[] {
  return result.cells.flatMap((cell) => {
    const shared = cellColumns(cell, result);
    const rows = (kind: string, runs: readonly RunRecord[]) =>
      runs.map((run, index): CsvRow => ({ kind, run: index + 1, ...runColumns(run), ...shared }));
    return [...rows('warmup', cell.warmups), ...rows('run', cell.runs)];
  });
}

/** Peaks that a run may tell: the others of its phases are too short to have one. */
const MEMORY_COLUMNS = [...MAIN_PHASES.map(({ id }) => id), 'run'] as const;

/** Phases that older results leave out; their column is there all the same. */
const LATER_PHASES = Object.fromEntries(
  PHASES.flatMap((phase) => ('later' in phase ? [[`${phase.id}Ms`, null]] : [])),
);

const INTERFERENCE_COLUMNS = [
  ...(['stealMs', 'cpuPressure', 'otherCpuMs', 'voluntarySwitches', 'involuntarySwitches'] as const),
  ...(['load1', 'noisy'] as const),
] as const;

const REQUEST_COLUMNS = [
  ...(['client', 'recording', 'audioMs', 'intendedMs', 'sentMs', 'failure', 'status', 'detail'] as const),
] as const;

function prefixed(prefix: string, entries: readonly (readonly [name: string, value: CsvValue])[]): CsvRow {
  return Object.fromEntries(entries.map(([name, value]) => [`${prefix}.${name}`, value]));
}

/** What a live run is summed up by; empty for the others. */
function streamColumns(stream: RunRecord['stream']): CsvRow {
  return prefixed('stream', [
    ...LIVE_SAMPLES.map(({ field, of }) => [field, stream == null ? null : of(stream)] as const),
    ['lateSteps', stream?.steps.filter(({ late }) => late).length ?? null],
    ['louderSteps', stream?.steps.filter(({ floorMoved }) => floorMoved).length ?? null],
    ['revisedTokens', stream?.revisedTokens ?? null],
    ['shownTokens', stream?.shownTokens ?? null],
  ]);
}

function runColumns(run: RunRecord): CsvRow {
  const { phases, interference, memory, startedAt, totalMs, encodeMs, decodeMs, ...rest } = run;
  const { decodeStepsMs, decodeStepRows = null, tokenIds, segments = null, request, stream, ...plain } = rest;
  const peaks = MEMORY_COLUMNS.map((name) => [name, memory?.[name] ?? null] as const);
  return {
    ...{ startedAt, totalMs, encodeMs, decodeMs },
    ...prefixed('phases', Object.entries({ ...LATER_PHASES, ...phases })),
    ...plain,
    decodeStepsMs,
    decodeStepRows,
    segments: segments?.length ?? null,
    tokenIds,
    ...prefixed(
      'interference',
      INTERFERENCE_COLUMNS.map((name) => [name, interference?.[name] ?? null]),
    ),
    'interference.reasons': interference === null ? null : interference.reasons.join('; '),
    ...prefixed('memory', peaks),
    ...prefixed(
      'request',
      REQUEST_COLUMNS.map((name) => [name, request?.[name] ?? null]),
    ),
    ...streamColumns(stream),
  };
}

function cellColumns({ id, settings, setup }: CellRecord, result: BenchResult): CsvRow {
  const model = result.models.find((one) => one.id === settings.model);
  const audio = result.audio.find((one) => one.id === settings.audio);
  const { model: modelId, audio: audioId, runs: plannedRuns, ...chosen } = settings;
  return {
    cell: id,
    ...prefixed('settings', Object.entries({ ...OLDER_SETTINGS, ...chosen, runs: plannedRuns })),
    'model.source': model?.source ?? null,
    'model.hash': model?.hash ?? null,
    'audio.path': audio?.path ?? null,
    'audio.durationMs': audio?.durationMs ?? null,
    'audio.hash': audio?.hash ?? null,
    'setup.loadMs': setup.loadMs,
    'machine.hash': result.machine.hash,
    'tool.version': result.tool.version,
    'tool.commit': result.tool.commit,
  };
}

function formatField(value: CsvValue): string {
  if (value === null) return '';
  if (typeof value === 'object') return value.length === 0 ? '""' : value.join(' ');
  if (typeof value !== 'string') return String(value);
  return value === '' || /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
