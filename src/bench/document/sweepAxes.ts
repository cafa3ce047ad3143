import { basename } from 'node:path';
import type { BenchResult, CellRecord, SetRecord } from '../schema/benchResult.js';
import { STORED_SETTINGS, settingOf } from '../settings/storedSettings.js';

/** A setting that differs between the cells of a sweep. */
export interface SweepAxis {
  readonly name: string;
  readonly numeric: boolean;
  /** Of a chart along it. */
  readonly title: string;
  readonly of: (cell: CellRecord) => string | number | null;
  readonly show: (value: string | number | null) => string;
}

/** One line of a plot: cells that differ in one numeric axis alone, by its value. */
export interface SweepSeries {
  /** What the other axes have: `precision bf16, 10 s`; '' when nothing else varies. */
  readonly title: string;
  readonly points: readonly { readonly x: number; readonly cell: CellRecord }[];
}

/** In the order they are shown; an axis that is not here comes last. */
const AXIS_ORDER: readonly string[] = [
  ...['model', 'backend', 'isa', 'precision', 'mode', 'audio', 'threads', 'seconds', 'tokens', 'segment'],
  'batch',
];

/** All settings that can be swept, in the order they are shown. */
function possibleAxes(result: BenchResult): SweepAxis[] {
  const axes = STORED_SETTINGS.flatMap((setting): SweepAxis[] => {
    if (setting.axis === undefined) return [];
    const { name, numeric, title = name, of, show } = setting.axis;
    // An axis that does not say how to find its values is the setting itself: a word or a number.
    const stored = ({ settings }: CellRecord) => settingOf(setting, settings) as string | number | null;
    return [{ name, numeric, title, show, of: of === undefined ? stored : (cell) => of(cell, result) }];
  });
  const rank = ({ name }: SweepAxis): number =>
    (AXIS_ORDER.indexOf(name) + AXIS_ORDER.length + 1) % (AXIS_ORDER.length + 1);
  return [...axes, ...recordingAxes(result)].sort((a, b) => rank(a) - rank(b));
}

/** What is heard, by its name and by its length. */
function recordingAxes({ audio }: BenchResult): SweepAxis[] {
  const shortName = nameShortener(audio.flatMap(({ path }) => (path === null ? [] : [path])));
  const clip = (cell: CellRecord) => audio.find(({ id }) => id === cell.settings.audio);
  return [
    {
      name: 'audio',
      numeric: false,
      title: 'audio',
      of: (cell) => shortName(clip(cell)?.path ?? 'silence'),
      show: String,
    },
    {
      name: 'seconds',
      numeric: true,
      title: 'seconds of audio',
      of: (cell) => seconds(clip(cell)?.durationMs),
      show: (value) => `${value} s`,
    },
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
    const title = others.map(({ of, show }) => show(of(cell))).join(', ');
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
  return (cell) => axes.map(({ of, show }) => show(of(cell))).join(', ');
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
    return first === undefined ? '' : axes.map(({ of, show }) => show(of(first))).join(', ');
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
