import { version } from '../../package.json';
import { summarizeCell } from '../../src/bench/analysis/summarizeResult.js';
import { workOfRun, workOfSegments } from '../../src/bench/phases.js';
import { framesOf, segmentSizes } from '../../src/bench/run/segmentedRun.js';
import {
  type AudioRecord,
  BENCH_RESULT_SCHEMA,
  BENCH_RESULT_VERSION,
  type BenchResult,
  type CellRecord,
  type ModelRecord,
} from '../../src/bench/schema/benchResult.js';
import { sha256Hex } from '../../src/bench/schema/machineRecord.js';
import type { RunRecord } from '../../src/bench/schema/runRecord.js';
import { testDrift } from '../../src/bench/statistics/driftTest.js';
import type { ModelInfo } from '../../src/browser.js';
import type { Recording } from '../audio/recording.js';
import { type BrowserEnvironment, browserMachine, browserState } from './environment.js';
import { CUT, isLong } from './measureRun.js';

/** A benchmark of the page, finished or not. */
export interface PageBenchmark {
  /** ISO 8601, UTC: when it began. */
  readonly createdAt: string;
  readonly environment: BrowserEnvironment;
  readonly model: ModelInfo;
  readonly recording: Recording;
  /** '' when the model told it. */
  readonly language: string;
  readonly plannedRuns: number;
  readonly warmups: readonly RunRecord[];
  readonly runs: readonly RunRecord[];
}

/** The document that qwen_asr_bench writes: `compare` and `report` read it as one of their own. */
export async function pageResult(benchmark: PageBenchmark): Promise<BenchResult> {
  const { createdAt, environment, model, recording, plannedRuns, runs } = benchmark;
  const [models, audio] = [[recordOfModel(model)], [recordOfAudio(recording)]];
  const cell = recordOfCell(benchmark);
  return {
    schema: BENCH_RESULT_SCHEMA,
    version: BENCH_RESULT_VERSION,
    kind: 'benchmark',
    tool: { name: 'qwen-asr web page', version, commit: null },
    createdAt,
    commandLine: [],
    complete: runs.length === plannedRuns,
    machine: await browserMachine(environment, model),
    environment: browserState(environment),
    models,
    audio,
    ceilings: [],
    cells: [{ ...cell, summary: summarizeCell(cell, { models, audio }) }],
    comparisons: [],
    accuracy: null,
    notes: [
      `measured in a browser: ${environment.userAgent}`,
      ...(environment.crossOriginIsolated
        ? []
        : ['the page was not cross-origin isolated: one thread computed']),
    ],
    errors: [],
  };
}

function recordOfModel(model: ModelInfo): ModelRecord {
  const { source, synthetic, published, parameters, weightBytes, encoder, decoder } = model;
  return {
    ...{ id: 'm0', source, synthetic, published, parameters, weightBytes },
    encoderLayers: encoder.layers,
    decoderLayers: decoder.layers,
    hash: null,
  };
}

function recordOfAudio({ name, durationMs, samples }: Recording): AudioRecord {
  // f32 as they lie in memory: browsers run on little-endian machines alone.
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  return { id: 'a0', path: name, durationMs, hash: sha256Hex(bytes) };
}

function recordOfCell(benchmark: PageBenchmark): CellRecord {
  const { model, recording, language, plannedRuns, warmups, runs } = benchmark;
  const { threads, backend, isa, precision, loadMs } = model;
  const { samples, decodeMs, resampleMs } = recording;
  const cut = isLong(samples.length) ? CUT : { segmentSeconds: null, batch: 1 };
  return {
    id: 'base',
    settings: {
      ...{ mode: 'pipeline', model: 'm0', audio: 'a0', threads, backend, isa, precision },
      ...{ runs: plannedRuns, warmup: warmups.length, exactTokens: null },
      language: language === '' ? null : language,
      ...cut,
      ...{ skipSilence: false, delayMs: 0, isolated: false, command: null },
    },
    setup: { loadMs, audioDecodeMs: decodeMs, resampleMs, memory: null },
    frames: framesOf(samples.length),
    warmups,
    runs,
    steady: null,
    drift: runs.length < 3 ? null : testDrift(runs.map(({ totalMs }) => totalMs)),
    summary: null,
    accuracy: null,
    work: runs[0] === undefined ? [] : workOf(benchmark, runs[0]),
    complete: runs.length === plannedRuns,
    error: null,
    notes: [],
  };
}

function workOf({ model, recording }: PageBenchmark, run: RunRecord): CellRecord['work'] {
  if (run.segments != null) {
    return workOfSegments(model, segmentSizes(run.segments), run.decodeStepsMs.length);
  }
  const { audioTokens, promptTokens, tokens } = run;
  const frames = framesOf(recording.samples.length);
  return workOfRun(model, { frames, audioTokens: audioTokens ?? 0, promptTokens, tokens });
}
