/** What a benchmark that prints the seed's lines says of its runs. */
export interface SeedFigures {
  /** Means over the runs it printed; null for what it does not print. */
  readonly totalMs: number | null;
  readonly encodeMs: number | null;
  readonly decodeMs: number | null;
  /** Text tokens; null when its runs disagree, or do not say. */
  readonly tokens: number | null;
}

/** `run 1/5:  total=  1842 ms  enc=  1204 ms  dec=   638 ms  tokens=0  rt=0.37x`, with any blanks. */
const RUN_LINE = /^\s*run\s+\d+\s*\/\s*\d+\s*:(.*)$/gim;
/** `total   1788.0  1812.0  1842.0  ms`: minimum, mean and maximum. */
const ROW = /^\s*(total|encode|decode)\s+[\d.]+\s+([\d.]+)\s+[\d.]+\s+ms\s*$/gim;

/**
 * Reads the figures from the output of a command, standard output and standard error together. The table's means have
 * a decimal more than the run lines, so they are preferred.
 *
 * @returns null when there are none of the seed's lines
 * @example
 * parseSeedLines('  run 1/1:  total=  1842 ms  enc=  1204 ms  dec=   638 ms  tokens=0  rt=0.37x').totalMs; // 1842
 */
export function parseSeedLines(output: string): SeedFigures | null {
  const runs = [...output.matchAll(RUN_LINE)].map(([, figures = '']) => figures);
  const rows = new Map(
    [...output.matchAll(ROW)].map(([, name = '', mean]) => [name.toLowerCase(), Number(mean)]),
  );
  if (runs.length === 0 && rows.size === 0) return null;
  const tokens = new Set(runs.map((run) => numberIn(run, 'tokens')));
  return {
    totalMs: rows.get('total') ?? meanOf(runs, 'total'),
    encodeMs: rows.get('encode') ?? meanOf(runs, 'enc'),
    decodeMs: rows.get('decode') ?? meanOf(runs, 'dec'),
    tokens: tokens.size === 1 ? ([...tokens][0] ?? null) : null,
  };
}

function meanOf(runs: readonly string[], name: string): number | null {
  const values = runs.map((run) => numberIn(run, name)).filter((value) => value !== null);
  if (values.length === 0 || values.length < runs.length) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function numberIn(run: string, name: string): number | null {
  const value = new RegExp(`\\b${name}\\s*=\\s*(\\d+(?:\\.\\d+)?)`, 'i').exec(run)?.[1];
  return value === undefined ? null : Number(value);
}
