import type { BenchmarkResult } from './benchmarkResult.js';
import { minMeanMax } from './minMeanMax.js';

/** Where and by what a benchmark was run. */
export interface BenchmarkSetting {
  /** Version of qwen-asr. */
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  /** Logical CPUs allowed to the process. */
  readonly cpus: number;
}

/** Name and version of the document; a reader that knows neither must refuse it. */
export const BENCH_SCHEMA = { schema: 'qwen-asr-bench', version: 1 } as const;

/**
 * The result as data: everything the text says, and every run with all its parts. Fields may be added within a
 * version; a change of meaning raises it.
 *
 * @example
 * process.stdout.write(formatJson(result, setting));
 */
export function formatJson(result: BenchmarkResult, setting: BenchmarkSetting): string {
  const { mode, runs, audioPath, durationMs, model, notes, interrupted } = result;
  const document = {
    ...BENCH_SCHEMA,
    setting,
    model,
    audio: { path: audioPath, durationMs },
    mode,
    plannedRuns: runs,
    interrupted,
    notes,
    ...modeFields(result),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function modeFields(result: BenchmarkResult): object {
  if (result.mode === 'encoder') {
    const encodeMs = result.samples.map((run) => run.encodeMs);
    const layers = result.model.encoder.layers;
    return {
      frames: result.frames,
      runs: result.samples,
      summary: summarize({ encodeMs, perLayerMs: encodeMs.map((ms) => ms / layers) }),
    };
  }
  const totalMs = result.samples.map((run) => run.totalMs);
  return {
    exactTokens: result.exactTokens,
    runs: result.samples,
    summary: summarize({
      totalMs,
      encodeMs: result.samples.map((run) => run.encodeMs),
      decodeMs: result.samples.map((run) => run.decodeMs),
      realTimeFactor: totalMs.map((ms) => ms / result.durationMs),
    }),
  };
}

/** Null when an interruption left no run to summarise. */
function summarize(columns: Readonly<Record<string, readonly number[]>>): object | null {
  const entries = Object.entries(columns);
  if (entries.some(([, values]) => values.length === 0)) return null;
  return Object.fromEntries(entries.map(([name, values]) => [name, minMeanMax(values)]));
}
