import type { LinePicture, LinePoint } from '../chart/picture.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import type { Chart } from './block.js';
import { significant } from './figures.js';
import { levelTitle, loadTable, percentileOf } from './loadSection.js';

/** One level is no curve. */
const FEWEST_LEVELS = 2;

/** A picture of a server under load. */
interface LoadPicture {
  /** What stands above it in a terminal. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly picture: LinePicture;
}

/** The pictures of a server under load: what it does in a second, and how long clients wait. */
export function loadPictures(result: BenchResult): LoadPicture[] {
  const cells = result.cells.filter(({ load }) => load != null && load.answered > 0);
  if (cells.length < FEWEST_LEVELS) return [];
  const isOpen = cells.some(({ settings }) => settings.ratePerSecond != null);
  const isRealtime = cells.some(({ settings }) => settings.protocol === 'realtime');
  const xTitle = isOpen ? 'requests a second' : isRealtime ? 'sessions' : 'clients';
  const axes = { kind: 'lines', xTitle, xName: isOpen ? 'rate' : xTitle } as const;
  const offered = line('sent', cells, ({ load }) => load?.offeredAudioRate ?? null, 's of audio a second');
  const rates = {
    ...{ name: 'audio s/s', title: 'Audio a second', yTitle: 'audio s/s' },
    description: `Seconds of audio answered in a second${isOpen ? '; the dashed line is what was sent' : ''}.`,
    lines: [line('', cells, ({ load }) => load?.audioRate ?? null, 's of audio a second')],
    ...(isOpen && { guide: offered }),
  };
  const times = (metric: string, title: string, description: string) => ({
    ...{ name: `ms, ${title.toLowerCase()}`, title, description, yTitle: 'ms' },
    lines: [50, 90, 95, 99].map((percent) =>
      line(`p${percent}`, cells, (cell) => latencyOf(cell, metric, percent), 'ms'),
    ),
  });
  const from = isRealtime ? 'beginning of a recording' : 'request';
  const first = times('first_token', 'Time to the first text', `From the ${from} until its first text.`);
  const end = isRealtime
    ? times('total', 'Delay', 'From the end of speech until its text stands.')
    : times('total', 'Time to the end', 'From the request until its last text.');
  return [...(isRealtime ? [] : [rates]), end, first].flatMap(({ name, title, description, ...lines }) => {
    const drawn = lines.lines.filter(({ points }) => points.length >= FEWEST_LEVELS);
    return drawn.length === 0
      ? []
      : [{ name, title, description, picture: { ...axes, ...lines, lines: drawn } }];
  });
}

function line(
  title: string,
  cells: readonly CellRecord[],
  of: (cell: CellRecord) => number | null,
  unit: string,
): { readonly title: string; readonly points: LinePoint[] } {
  const points = cells.flatMap((cell): LinePoint[] => {
    const { clients, ratePerSecond } = cell.settings;
    const [x, y] = [clients ?? ratePerSecond, of(cell)];
    if (x == null || y === null) return [];
    return [{ x, y, low: null, high: null, title: `${levelTitle(cell)}, ${significant(y)} ${unit}` }];
  });
  return { title, points: points.sort((a, b) => a.x - b.x) };
}

function latencyOf(cell: CellRecord, metric: string, percent: number): number | null {
  return percent === 50 ? (cell.summary?.[metric]?.median ?? null) : percentileOf(cell, metric, percent);
}

/** The charts of a server under load; none for other results. */
export function loadCharts(result: BenchResult): Chart[] {
  return loadPictures(result).map(({ title, description, picture }) => ({
    ...{ title, description, picture },
    table: loadTable(result),
  }));
}
