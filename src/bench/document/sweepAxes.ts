import { basename } from 'node:path';
import type { BenchResult, CellRecord, SetRecord } from '../schema/benchResult.js';

/** A setting that differs between the cells of a sweep. */
export interface SweepAxis {
  readonly name: string;
  readonly numeric: boolean;
  readonly of: (cell: CellRecord) => string | number | null;
}

/** One line of a plot: cells that differ in one numeric axis alone, by its value. */
export interface SweepSeries {
  /** What the other axes have: `precision bf16, 10 s`; '' when nothing else varies. */
  readonly title: string;
  readonly points: readonly { readonly x: number; readonly cell: CellRecord }[];
}

/** All settings that can be swept, in the order they are shown. */
function possibleAxes({ models, audio }: BenchResult): SweepAxis[] {
  const shortName = nameShortener(audio.flatMap(({ path }) => (path === null ? [] : [path])));
  const clip = (cell: CellRecord) => audio.find(({ id }) => id === cell.settings.audio);
  return [
    {
      name: 'model',
      numeric: false,
      of: ({ settings }) => models.find(({ id }) => id === settings.model)?.source ?? null,
    },
    { name: 'backend', numeric: false, of: ({ settings }) => settings.backend },
    { name: 'isa', numeric: false, of: ({ settings }) => settings.isa },
    { name: 'precision', numeric: false, of: ({ settings }) => settings.precision },
    { name: 'mode', numeric: false, of: ({ settings }) => settings.mode },
    { name: 'audio', numeric: false, of: (cell) => shortName(clip(cell)?.path ?? 'silence') },
    { name: 'threads', numeric: true, of: ({ settings }) => settings.threads },
    { name: 'seconds', numeric: true, of: (cell) => seconds(clip(cell)?.durationMs) },
    { name: 'tokens', numeric: true, of: ({ settings }) => settings.exactTokens },
    { name: 'segment', numeric: true, of: ({ settings }) => settings.segmentSeconds },
    { name: 'batch', numeric: true, of: ({ settings }) => settings.batch },
  ];
}

/** Recordings are told apart by their names; where folders do it, the whole path does. */
function nameShortener(paths: readonly string[]): (path: string) => string {
  const names = new Set(paths.map((path) => basename(path)));
  return names.size === paths.length ? (path) => basename(path) : (path) => path;
}

function seconds(durationMs: number | undefined): number | null {
  return durationMs === undefined ? null : Number((durationMs / 1000).toFixed(3));
}

/** The axes along which the measured cells of a result differ. */
export function sweepAxes(result: BenchResult): SweepAxis[] {
  const cells = result.cells.filter((cell) => cell.runs.length > 0);
  return possibleAxes(result).filter((axis) => new Set(cells.map(axis.of)).size > 1);
}

/**
 * The numeric axes that lines can be drawn along. One that another decides is left out: random weights decode more
 * tokens the longer the audio is, and a line along the tokens would be the line along the seconds again.
 */
export function lineAxes(result: BenchResult): SweepAxis[] {
  return withoutDecided(
    sweepAxes(result).filter((axis) => axis.numeric),
    result,
  );
}

/** The measured cells as lines along one numeric axis, each in ascending order; lines of a single cell are left out. */
export function sweepSeries(result: BenchResult, axis: SweepAxis): SweepSeries[] {
  const others = otherAxes(axis, result);
  const groups = new Map<string, { x: number; cell: CellRecord }[]>();
  for (const cell of result.cells) {
    const x = axis.of(cell);
    if (typeof x !== 'number' || cell.runs.length === 0) continue;
    const title = others.map(({ name, of }) => describe(name, of(cell))).join(', ');
    groups.set(title, [...(groups.get(title) ?? []), { x, cell }]);
  }
  return [...groups]
    .map(([title, points]) => ({ title, points: points.sort((a, b) => a.x - b.x) }))
    .filter(({ points }) => new Set(points.map(({ x }) => x)).size > 1);
}

/** What to call a cell: of a sweep what varies (`timer-en.wav, 2 threads`), of a comparison its side, else its id. */
export function cellTitles(result: BenchResult): (cell: CellRecord) => string {
  const labels = comparedLabels(result);
  if (labels.size > 0) return ({ id }) => labels.get(id) ?? id;
  const axes = withoutDecided(sweepAxes(result), result);
  if (result.kind !== 'sweep' || axes.length === 0) return ({ id }) => id;
  return (cell) => axes.map(({ name, of }) => describe(name, of(cell))).join(', ');
}

/** Axes that differ from recording to recording. */
export const RECORDING_AXES: ReadonlySet<string> = new Set(['audio', 'seconds']);

/** What to call a set of recordings beside others: what varies between the sets; '' when nothing does. */
export function setTitles(
  result: BenchResult,
  sets: readonly Pick<SetRecord, 'cells'>[],
): (set: Pick<SetRecord, 'cells'>) => string {
  const cellsOf = ({ cells }: Pick<SetRecord, 'cells'>) =>
    result.cells.filter(({ id }) => cells.includes(id));
  const axes = withoutDecided(sweepAxes(result), result).filter(
    ({ name, of }) =>
      !RECORDING_AXES.has(name) &&
      sets.every((set) => new Set(cellsOf(set).map((cell) => of(cell))).size === 1),
  );
  return (set) => {
    const [first] = cellsOf(set);
    return first === undefined ? '' : axes.map(({ name, of }) => describe(name, of(first))).join(', ');
  };
}

/** What comparisons call their sides, by cell: `base` is the setting of the command line, which has a better name. */
function comparedLabels({ kind, comparisons }: BenchResult): ReadonlyMap<string, string> {
  if (kind !== 'comparison') return new Map();
  return new Map(
    comparisons.flatMap(({ a, b, labelA, labelB }) => [[a, labelA] as const, [b, labelB] as const]),
  );
}

/** The axes that tell the lines apart, without those that another of them decides anyway. */
function otherAxes(axis: SweepAxis, result: BenchResult): SweepAxis[] {
  const others = sweepAxes(result).filter((one) => one.name !== axis.name && !decides(axis, one, result));
  return withoutDecided(others, result);
}

function withoutDecided(axes: readonly SweepAxis[], result: BenchResult): SweepAxis[] {
  return axes.filter((one, index) => !axes.slice(0, index).some((before) => decides(before, one, result)));
}

/**
 * Whether one axis fixes the value of another in every cell. Such an axis must not split the lines along the first:
 * recordings of different lengths also have different names.
 */
function decides(axis: SweepAxis, other: SweepAxis, { cells }: BenchResult): boolean {
  const values = new Map<string | number | null, string | number | null>();
  return cells
    .filter((cell) => cell.runs.length > 0)
    .every((cell) => {
      const [from, to] = [axis.of(cell), other.of(cell)];
      if (!values.has(from)) values.set(from, to);
      return values.get(from) === to;
    });
}

function describe(name: string, value: string | number | null): string {
  if (name === 'seconds') return `${value} s`;
  if (name === 'segment') return value === null ? 'not cut' : `segments of ${value} s`;
  if (name === 'batch') return `batch ${value}`;
  if (typeof value === 'string') return value;
  return value === 1 && name === 'threads' ? '1 thread' : `${value} ${name}`;
}
