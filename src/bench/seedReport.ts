import type { BenchmarkResult } from './benchmarkResult.js';
import { type MinMeanMax, minMeanMax } from './minMeanMax.js';

/*
 * The text of qwen_asr_bench, as its users know it. Formats, in printf's terms: header %-10s%8s%10s%10s; rows
 * %-10s%9.1f%10.1f%10.1f and their unit; rt_factor %-10s%10.2f%10.2f%10.2f; times in run lines %6.0f.
 */

/** First line, before anything is loaded. */
export function formatSystemInfo(threads: number, cpus: number): string {
  return `system_info: n_threads = ${threads} / ${cpus}\n\n`;
}

/** Printed before the model is loaded. */
export function formatLoading(model: string): string {
  return `Loading model from ${model} ...\n`;
}

/** What is about to run. The warm-up of the encoder alone prints no line. */
export function formatMode(result: BenchmarkResult): string {
  const seconds = `${(result.durationMs / 1000).toFixed(1)} s`;
  const columns = [
    result.mode === 'encoder' ? 'encoder only' : 'full pipeline',
    `${result.runs} run(s)`,
    `${result.mode === 'encoder' ? `${result.frames} frames (${seconds})` : seconds}  [${result.audioPath ?? 'synthetic silence'}]`,
  ];
  return `Mode: ${columns.join('  |  ')}\n\n${result.mode === 'encoder' ? '' : '  warmup ...\n'}`;
}

/** The line of the run that ended last. */
export function formatRun(result: BenchmarkResult): string {
  const title = `  run ${result.samples.length}/${result.runs}:`;
  if (result.mode === 'encoder') {
    const run = result.samples.at(-1);
    return run === undefined ? '' : `${title}  enc=${wholeMs(run.encodeMs)} ms  seq_len=${run.tokens}\n`;
  }
  const run = result.samples.at(-1);
  if (run === undefined) return '';
  const times = `total=${wholeMs(run.totalMs)} ms  enc=${wholeMs(run.encodeMs)} ms  dec=${wholeMs(run.decodeMs)} ms`;
  const realTimeFactor = (run.totalMs / result.durationMs).toFixed(2);
  return `${title}  ${times}  tokens=${run.tokens}  rt=${realTimeFactor}x\n`;
}

/** The table over all finished runs, and the notes; nothing when no run was finished. */
export function formatSummary(result: BenchmarkResult): string {
  if (result.samples.length === 0) return '';
  const header = `${' '.repeat(10)}${'min'.padStart(8)}${'mean'.padStart(10)}${'max'.padStart(10)}`;
  const notes = result.notes.map((note) => `note: ${note}\n`);
  return `\n${[header, ...formatRows(result)].join('\n')}\n${notes.length > 0 ? '\n' : ''}${notes.join('')}`;
}

function formatRows(result: BenchmarkResult): string[] {
  if (result.mode === 'encoder') {
    const encodeMs = result.samples.map((run) => run.encodeMs);
    const layers = result.model.encoder.layers;
    return [
      msRow('encode', minMeanMax(encodeMs), 'ms'),
      msRow('per layer', minMeanMax(encodeMs.map((ms) => ms / layers)), 'ms/layer'),
    ];
  }
  const totalMs = result.samples.map((run) => run.totalMs);
  const factor = minMeanMax(totalMs.map((ms) => ms / result.durationMs));
  const factors = [factor.min, factor.mean, factor.max].map((value) => value.toFixed(2).padStart(10));
  return [
    msRow('total', minMeanMax(totalMs), 'ms'),
    msRow('encode', minMeanMax(result.samples.map((run) => run.encodeMs)), 'ms'),
    msRow('decode', minMeanMax(result.samples.map((run) => run.decodeMs)), 'ms'),
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
