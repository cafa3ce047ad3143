import { QwenAsrError } from '../../error.js';
import { loadModel } from '../../transcribe/loadModel.js';
import { gitCommit, hashModel, hashSamples, type ModelHashes } from '../environment/provenance.js';
import { RunMeters } from '../meters/runMeters.js';
import type { BenchPlan, CellPlan } from '../plan/benchPlan.js';
import type { BenchEvent } from '../record/benchEvent.js';
import { newHeader } from '../record/newHeader.js';
import { type EventSink, ResultRecorder } from '../record/resultRecorder.js';
import type { BenchResult } from '../schema/benchResult.js';
import type { References } from './accuracy.js';
import {
  type AudioOfRun,
  audioKey,
  type BenchmarkAudio,
  loadBenchmarkAudio,
  type OpenCell,
} from './cellSession.js';
import type { FinishedPart } from './finishedPart.js';
import { joinWatchers, type MeasurementEnd, type MeasurementWatcher, measureCells } from './measurement.js';
import { MeasurementRecorder } from './measurementRecorder.js';
import { openCell } from './openCell.js';
import { ModelPool } from './openModelCell.js';

/** What a measurement is given beside its plan. */
export interface RunPlanOptions {
  /** The arguments after the program's name. */
  readonly commandLine: readonly string[];
  /** Version of qwen-asr. */
  readonly version: string;
  readonly references: References;
  /** Hear of every event at once, as a JSONL file does. */
  readonly sinks: readonly EventSink[];
  readonly watchers: readonly MeasurementWatcher[];
  readonly signal?: AbortSignal | undefined;
  /** An interrupted measurement to go on from. */
  readonly finished?: FinishedPart | undefined;
  /** Stands in for loading models and starting processes, in tests. */
  readonly open?: OpenCell | undefined;
}

/** What became of a measurement. */
export interface PlanOutcome {
  readonly result: BenchResult;
  readonly end: MeasurementEnd;
}

/**
 * Carries out a plan: reads the audio, measures every cell, and puts the result together.
 *
 * @throws QwenAsrError `file` or `audio` before anything is measured; what models and commands throw
 */
export async function runPlan(plan: BenchPlan, options: RunPlanOptions): Promise<PlanOutcome> {
  const { signal, finished, references } = options;
  const audio = await loadAudio(plan, signal);
  const modelHashes = await hashModels(plan);
  const { version } = options;
  finished?.check({ plan, audio, models: modelHashes, tool: { version, commit: gitCommit() } });
  const header = finished?.header ?? newHeader(plan.kind, options);
  const recorder = new ResultRecorder(header, options.sinks, finished?.events);
  const recording = new MeasurementRecorder({
    plan,
    recorder,
    references,
    audioIds: recordAudio(plan, audio, (event) => recorder.record(event)),
    modelHashes,
    begun: finished?.begun ?? new Set(),
  });
  const pool = new ModelPool({ load: loadModel });
  const meters = new RunMeters();
  try {
    const open =
      options.open ?? openCell({ plan, pool, meters, audio: (cell) => loadedAudioOf(cell, audio) });
    const watcher = joinWatchers([recording, ...options.watchers], signal);
    const end = await measureCells(goingOn(plan, finished), open, watcher, finished?.runs);
    return { result: recording.finish(end), end };
  } finally {
    await pool.close();
    meters.close();
  }
}

/** A measurement that only time has ended, and ended, is not begun again. */
function goingOn(plan: BenchPlan, finished: FinishedPart | undefined): BenchPlan {
  if (plan.runs !== null || finished?.complete !== true) return plan;
  return { ...plan, runs: Math.min(...[...finished.runs.values()].map(({ length }) => length)) };
}

async function loadAudio(plan: BenchPlan, signal: AbortSignal | undefined): Promise<AudioOfRun> {
  const audio = new Map<string, BenchmarkAudio>();
  for (const cell of plan.cells) {
    const key = audioKey(cell.audio);
    if (!audio.has(key)) audio.set(key, await loadBenchmarkAudio(cell.audio, signal));
  }
  return audio;
}

function loadedAudioOf(cell: CellPlan, audio: AudioOfRun): BenchmarkAudio {
  const found = audio.get(audioKey(cell.audio));
  if (found === undefined) throw new QwenAsrError('internal', `${cell.id}: its audio was not loaded`);
  return found;
}

/** Records every recording; returns their ids by cell. */
function recordAudio(
  plan: BenchPlan,
  audio: AudioOfRun,
  record: (event: BenchEvent) => void,
): ReadonlyMap<string, string> {
  const ids = new Map<string, string>();
  for (const [key, { path, durationMs, samples }] of audio) {
    const id = `a${ids.size}`;
    ids.set(key, id);
    record({ event: 'audio', audio: { id, path, durationMs, hash: hashSamples(samples) } });
  }
  return new Map(plan.cells.map((cell) => [cell.id, ids.get(audioKey(cell.audio)) ?? '']));
}

async function hashModels(plan: BenchPlan): Promise<ModelHashes> {
  const hashes = new Map<string, string | null>();
  for (const cell of plan.cells) {
    if (cell.kind === 'model' && !hashes.has(cell.model)) hashes.set(cell.model, await hashModel(cell.model));
  }
  return hashes;
}
