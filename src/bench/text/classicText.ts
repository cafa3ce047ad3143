import { printableLine } from '../../printable.js';
import type { BenchmarkMode } from '../plan/benchPlan.js';
import { LIVE_METRICS } from '../schema/metrics.js';
import { isWholeProcess, type RunRecord } from '../schema/runRecord.js';

/*
 * The text of qwen_asr_bench, as its users know it. Formats, in printf's terms: header %-10s%8s%10s%10s; rows
 * %-10s%9.1f%10.1f%10.1f and their unit; rt_factor %-10s%10.2f%10.2f%10.2f; times in run lines %6.0f.
 */

/** What is benchmarked, as far as the lines show it. */
export interface ClassicCell {
  readonly mode: BenchmarkMode;
  /** Null: as many as the time allows. */
  readonly runs: number | null;
  /** Null for silence. */
  readonly audioPath: string | null;
  readonly durationMs: number;
  readonly frames: number;
  /** What the audio is cut into, in words; null for a whole. */
  readonly cutting?: string | null;
  /** How it is spoken, in words; null when all of it is there from the start. */
  readonly live?: string | null;
}

/** First line, before anything is loaded. */
export function formatSystemInfo(threads: number, cpus: number): string {
  return `system_info: n_threads = ${threads} / ${cpus}\n\n`;
}

/** Printed before the model is loaded. */
export function formatLoading(model: string): string {
  return `Loading model from ${printableLine(model)} ...\n`;
}

/** What is about to run. */
export function formatMode({
  mode,
  runs,
  audioPath,
  durationMs,
  frames,
  cutting = null,
  live = null,
}: ClassicCell): string {
  const seconds = `${(durationMs / 1000).toFixed(1)} s`;
  const columns = [
    live ?? (mode === 'encoder' ? 'encoder only' : 'full pipeline'),
    runs === null ? 'timed runs' : `${runs} run(s)`,
    `${mode === 'encoder' ? `${frames} frames (${seconds})` : seconds}  [${printableLine(audioPath ?? 'synthetic silence')}]`,
    ...(cutting === null ? [] : [cutting]),
  ];
  return `Mode: ${columns.join('  |  ')}\n\n`;
}

/** Printed before the warm-up of the full pipeline; that of the encoder alone prints no line. */
export function formatWarmup({ mode }: ClassicCell): string {
  return mode === 'encoder' ? '' : '  warmup ...\n';
}

/** The line of one run; `number` counts from 1. */
export function formatRun(cell: ClassicCell, number: number, run: RunRecord): string {
  const title = `  run ${number}${cell.runs === null ? '' : `/${cell.runs}`}:`;
  return `${title}  ${formatRunFigures(cell, run)}\n`;
}

/** That line without its beginning. */
export function formatRunFigures(
  { mode, durationMs }: Pick<ClassicCell, 'mode' | 'durationMs'>,
  run: RunRecord,
): string {
  const { totalMs, encodeMs, decodeMs, textTokens, audioTokens, commandMs } = run;
  if (mode === 'encoder') return `enc=${wholeMs(encodeMs ?? totalMs)} ms  seq_len=${audioTokens}`;
  if (run.stream != null) return formatLiveFigures(run);
  const parts = [
    isWholeProcess(run) ? null : `total=${wholeMs(totalMs)} ms`,
    // Another engine's command may not tell these.
    encodeMs === null ? null : `enc=${wholeMs(encodeMs)} ms`,
    decodeMs === null ? null : `dec=${wholeMs(decodeMs)} ms`,
    textTokens === null ? null : `tokens=${textTokens}`,
    isWholeProcess(run) ? null : `rt=${(totalMs / durationMs).toFixed(2)}x`,
    commandMs === null ? null : `process=${wholeMs(commandMs)} ms`,
  ];
  return parts.filter((part) => part !== null).join('  ');
}

/** `steps= 12  step=   210 ms  longest=   340 ms  first=  2310 ms  final=   934 ms`: medians but for the longest. */
function formatLiveFigures(run: RunRecord): string {
  const parts = (
    [
      ['step', 'step'],
      ['longest', 'longest_step'],
      ['first', 'first_words'],
      ['final', 'final_delay'],
    ] as const
  ).flatMap(([title, name]) => {
    const ms = LIVE_METRICS.find((metric) => metric.name === name)?.of(run, NO_CONTEXT) ?? null;
    return ms === null ? [] : [`${title}=${wholeMs(ms)} ms`];
  });
  const steps = run.stream?.steps ?? [];
  const late = steps.filter((step) => step.late).length;
  return [
    `steps=${String(steps.length).padStart(3)}`,
    ...parts,
    ...(late === 0 ? [] : [`late=${late}`]),
  ].join('  ');
}

const NO_CONTEXT = { audioDurationMs: Number.NaN, encoderLayers: null };

/** What the table is of. */
export interface ClassicTableCell extends Pick<ClassicCell, 'mode' | 'durationMs'> {
  /** Null when unknown: there is no row for a layer then. */
  readonly encoderLayers: number | null;
}

/** The table over all finished runs; nothing when no run was finished. */
export function formatTable(cell: ClassicTableCell, runs: readonly RunRecord[]): string {
  if (runs.length === 0) return '';
  const header = `${' '.repeat(10)}${'min'.padStart(8)}${'mean'.padStart(10)}${'max'.padStart(10)}`;
  return `\n${[header, ...formatRows(cell, runs)].join('\n')}\n`;
}

function formatRows(
  { mode, durationMs, encoderLayers }: ClassicTableCell,
  runs: readonly RunRecord[],
): string[] {
  const encodeMs = runs.map((run) => run.encodeMs ?? Number.NaN);
  if (mode === 'encoder') {
    return [
      msRow('encode', minMeanMax(encodeMs), 'ms'),
      ...(encoderLayers === null
        ? []
        : [msRow('per layer', minMeanMax(encodeMs.map((ms) => ms / encoderLayers)), 'ms/layer')]),
    ];
  }
  const totalMs = runs.map((run) => run.totalMs);
  const factor = minMeanMax(totalMs.map((ms) => ms / durationMs));
  const factors = [factor.min, factor.mean, factor.max].map((value) => value.toFixed(2).padStart(10));
  return [
    msRow('total', minMeanMax(totalMs), 'ms'),
    msRow('encode', minMeanMax(encodeMs), 'ms'),
    msRow('decode', minMeanMax(runs.map((run) => run.decodeMs ?? Number.NaN)), 'ms'),
    `${'rt_factor'.padEnd(10)}${factors.join('')}  x RT`,
  ];
}

function msRow(title: string, { min, mean, max }: MinMeanMax, unit: string): string {
  const [first, second, third] = [min.toFixed(1), mean.toFixed(1), max.toFixed(1)];
  return `${title.padEnd(10)}${first.padStart(9)}${second.padStart(10)}${third.padStart(10)}  ${unit}`;
}

function wholeMs(ms: number): string {
  return ms.toFixed(0).padStart(6);
}

export interface MinMeanMax {
  readonly min: number;
  readonly mean: number;
  readonly max: number;
}

/** The three figures of the classic table. */
export function minMeanMax(values: readonly number[]): MinMeanMax {
  const sum = values.reduce((total, value) => total + value, 0);
  return { min: Math.min(...values), mean: sum / values.length, max: Math.max(...values) };
}

/** What a benchmark that prints the classic lines says of its runs. */
export interface ClassicFigures {
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
 * @returns null when there are none of the classic lines
 * @example
 * parseClassicLines('  run 1/1:  total=  1842 ms  enc=  1204 ms  dec=   638 ms  tokens=0  rt=0.37x').totalMs; // 1842
 */
export function parseClassicLines(output: string): ClassicFigures | null {
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

/**
 * One line on a backend with more threads than there are CPUs for them; null where each can have one.
 *
 * @param cpus logical CPUs allowed to the process
 */
export function crowdingNote(threadCount: number, cpus: number): string | null {
  if (threadCount <= cpus) return null;
  const available = `more threads (-t) than the ${cpus} ${cpus === 1 ? 'CPU' : 'CPUs'} available`;
  return `${available}: they take turns, and nothing is computed sooner`;
}
