import { printableLine } from '../../printable.js';
import { type MinMeanMax, minMeanMax } from '../minMeanMax.js';
import type { BenchmarkMode } from '../plan/benchPlan.js';
import { isWholeProcess, type RunRecord } from '../schema/runRecord.js';

/*
 * The text of qwen_asr_bench, as its users know it. Formats, in printf's terms: header %-10s%8s%10s%10s; rows
 * %-10s%9.1f%10.1f%10.1f and their unit; rt_factor %-10s%10.2f%10.2f%10.2f; times in run lines %6.0f.
 */

/** What is benchmarked, as far as the lines show it. */
export interface SeedSubject {
  readonly mode: BenchmarkMode;
  /** Null: as many as the time allows. */
  readonly runs: number | null;
  /** Null for silence. */
  readonly audioPath: string | null;
  readonly durationMs: number;
  readonly frames: number;
  /** What the audio is cut into, in words; null for a whole. */
  readonly cutting?: string | null;
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
}: SeedSubject): string {
  const seconds = `${(durationMs / 1000).toFixed(1)} s`;
  const columns = [
    mode === 'encoder' ? 'encoder only' : 'full pipeline',
    runs === null ? 'timed runs' : `${runs} run(s)`,
    `${mode === 'encoder' ? `${frames} frames (${seconds})` : seconds}  [${printableLine(audioPath ?? 'synthetic silence')}]`,
    ...(cutting === null ? [] : [cutting]),
  ];
  return `Mode: ${columns.join('  |  ')}\n\n`;
}

/** Printed before the warm-up of the full pipeline; that of the encoder alone prints no line. */
export function formatWarmup({ mode }: SeedSubject): string {
  return mode === 'encoder' ? '' : '  warmup ...\n';
}

/** The line of one run; `number` counts from 1. */
export function formatRun(subject: SeedSubject, number: number, run: RunRecord): string {
  const title = `  run ${number}${subject.runs === null ? '' : `/${subject.runs}`}:`;
  return `${title}  ${formatRunFigures(subject, run)}\n`;
}

/** That line without its beginning. */
export function formatRunFigures(
  { mode, durationMs }: Pick<SeedSubject, 'mode' | 'durationMs'>,
  run: RunRecord,
): string {
  const { totalMs, encodeMs, decodeMs, textTokens, audioTokens, commandMs } = run;
  if (mode === 'encoder') return `enc=${wholeMs(encodeMs ?? totalMs)} ms  seq_len=${audioTokens}`;
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

/** What the table is of. */
export interface TableSubject extends Pick<SeedSubject, 'mode' | 'durationMs'> {
  /** Null when unknown: there is no row for a layer then. */
  readonly encoderLayers: number | null;
}

/** The table over all finished runs; nothing when no run was finished. */
export function formatTable(subject: TableSubject, runs: readonly RunRecord[]): string {
  if (runs.length === 0) return '';
  const header = `${' '.repeat(10)}${'min'.padStart(8)}${'mean'.padStart(10)}${'max'.padStart(10)}`;
  return `\n${[header, ...formatRows(subject, runs)].join('\n')}\n`;
}

function formatRows({ mode, durationMs, encoderLayers }: TableSubject, runs: readonly RunRecord[]): string[] {
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
