import type { BenchResult, CellRecord } from '../schema/benchResult.js';

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
    { name: 'audio', numeric: false, of: (cell) => clip(cell)?.path ?? 'silence' },
    { name: 'threads', numeric: true, of: ({ settings }) => settings.threads },
    { name: 'seconds', numeric: true, of: (cell) => seconds(clip(cell)?.durationMs) },
    { name: 'tokens', numeric: true, of: ({ settings }) => settings.exactTokens },
    { name: 'batch', numeric: true, of: ({ settings }) => settings.batch },
    { name: 'segment', numeric: true, of: ({ settings }) => settings.segmentSeconds },
  ];
}

function seconds(durationMs: number | undefined): number | null {
  return durationMs === undefined ? null : durationMs / 1000;
}

/** The axes along which the measured cells of a result differ. */
export function sweepAxes(result: BenchResult): SweepAxis[] {
  const cells = result.cells.filter((cell) => cell.runs.length > 0);
  return possibleAxes(result).filter((axis) => new Set(cells.map(axis.of)).size > 1);
}

/** The measured cells as lines along one numeric axis, each in ascending order; lines of a single cell are left out. */
export function sweepSeries(result: BenchResult, axis: SweepAxis): SweepSeries[] {
  const others = sweepAxes(result).filter(
    ({ name }) => name !== axis.name && !follows(name, axis.name, result),
  );
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

/** Different recordings have different lengths: their names must not split the line along the lengths. */
function follows(name: string, along: string, { audio }: BenchResult): boolean {
  if (along !== 'seconds' || name !== 'audio') return false;
  return new Set(audio.map(({ durationMs }) => durationMs)).size === audio.length;
}

function describe(name: string, value: string | number | null): string {
  if (name === 'seconds') return `${value} s`;
  if (typeof value === 'string') return value;
  return value === 1 && name === 'threads' ? '1 thread' : `${value} ${name}`;
}
