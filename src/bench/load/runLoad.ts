import { setMaxListeners } from 'node:events';
import { isIP } from 'node:net';
import { QwenAsrError } from '../../error.js';
import type { EndpointCellPlan, EndpointPlan } from '../plan/endpointPlan.js';
import { newHeader } from '../record/newHeader.js';
import { type EventSink, ResultRecorder } from '../record/resultRecorder.js';
import { type References, scoreAnswers } from '../run/accuracy.js';
import type { FinishedPart } from '../run/finishedPart.js';
import { BLANK_RUN } from '../run/recordRun.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { FAILURES, type RunRecord } from '../schema/runRecord.js';
import { finishedLevels, kindOfLoad, levelSettings } from './finishedLevels.js';
import { audioRecordOf, type LoadRecording, loadRecordings } from './loadRecordings.js';
import type { LiveWanted } from './realtimeClient.js';
import {
  type EarlyEnd,
  type EndedRequest,
  type LevelRun,
  type Outcome,
  REAL_CLOCK,
  runLevel,
} from './runLevel.js';
import { type Endpoint, TranscriptionClient, transcriptionForm } from './transcriptionClient.js';

/** What the measurement of an endpoint is given beside its plan. */
export interface RunLoadOptions {
  /** The arguments after the program's name. */
  readonly commandLine: readonly string[];
  /** Version of qwen-asr. */
  readonly version: string;
  /** Sent with every request; null: none. */
  readonly key: string | null;
  readonly references: References;
  readonly sinks: readonly EventSink[];
  readonly signal: AbortSignal;
  readonly watcher: LoadWatcher;
  /** An interrupted measurement to go on from; null: there is none. */
  readonly finished: FinishedPart | null;
}

/** Who watches. */
export interface LoadWatcher {
  /** The endpoint has answered: what will be measured. */
  readonly onReady?: (plan: EndpointPlan, recordings: readonly LoadRecording[]) => void;
  readonly onLevelEnd?: (cell: CellRecord, result: BenchResult) => void;
}

/** What requests ask for where the endpoint lists no models. */
const USUAL_MODEL = 'whisper-1';

/** Recordings that are sent alone before the load: their texts are what those under load are held to. */
const MOST_ALONE = 16;

/**
 * Measures an endpoint: asks whether it is there, sends recordings alone, then puts every level of load on it, one after
 * the other.
 *
 * @throws QwenAsrError `file` or `audio` for recordings; `compare` when what was interrupted was another measurement;
 * `network` when the endpoint does not answer the first request
 */
export async function runLoad(plan: EndpointPlan, options: RunLoadOptions): Promise<BenchResult> {
  const { sinks, watcher, signal, finished } = options;
  setMaxListeners(0, signal); // every request under way has one
  const recordings = await loadRecordings(plan, signal);
  const audio = audioRecordOf(recordings);
  const header = newHeader(kindOfLoad(plan), options);
  const recorder = new ResultRecorder(finished?.header ?? header, sinks, finished?.events);
  const doneOf = (one: EndpointPlan): ReadonlySet<string> =>
    finished === null ? new Set() : finishedLevels(finished, one, audio, header.tool);
  if (doneOf(plan).size === plan.levels.length) return recorder.result();
  const endpoint = { base: new URL(`${plan.endpoint}/`), key: options.key, timeoutMs: plan.timeoutMs };
  const client = new TranscriptionClient(endpoint);
  try {
    const model = plan.model ?? (await client.firstModel(signal)) ?? USUAL_MODEL;
    const resolved = { ...plan, model };
    const done = doneOf(resolved);
    recorder.record({ event: 'audio', audio });
    const wanted = { model, language: plan.language, streamed: plan.streamed };
    const bodies = recordings.map((recording) => transcriptionForm(recording, wanted));
    const send = (number: number): Promise<Outcome> =>
      client.transcribe(bodies[number % bodies.length]!, signal);
    const load = new LoadMeasurement(resolved, options, recordings, recorder, done);
    const isLive = plan.levels.some(({ protocol }) => protocol === 'realtime');
    // They are the first level's.
    const alone = isLive || done.has(plan.levels[0]?.id ?? '') ? [] : await load.sendAlone(send);
    watcher.onReady?.(resolved, recordings);
    await load.run(isLive ? await liveLevels(endpoint, wanted, recordings) : requestLevels(send), alone);
    return recorder.result();
  } finally {
    client.close();
  }
}

type Send = (number: number) => Promise<Outcome>;

/** What a level is carried out with. */
type RunOneLevel = (
  plan: EndpointPlan,
  cell: EndpointCellPlan,
  options: Pick<LevelRun, 'onRequest' | 'signal'>,
) => Promise<EarlyEnd>;

function requestLevels(send: Send): RunOneLevel {
  return ({ seed, rampMs, durationMs, requests }, { level }, options) =>
    runLevel({ ...{ level, seed, rampMs, durationMs, requests, send }, ...options, clock: REAL_CLOCK });
}

/** WebSockets are loaded by nothing else. */
async function liveLevels(
  endpoint: Endpoint,
  wanted: LiveWanted,
  recordings: readonly LoadRecording[],
): Promise<RunOneLevel> {
  const { runLiveLevel } = await import('./runLiveLevel.js');
  return ({ rampMs, durationMs }, { level }, options) => {
    const sessions = level.kind === 'closed' ? level.clients : 1;
    return runLiveLevel({ ...{ sessions, endpoint, wanted, recordings, rampMs, durationMs }, ...options });
  };
}

class LoadMeasurement {
  readonly #plan: EndpointPlan;
  readonly #options: RunLoadOptions;
  readonly #recordings: readonly LoadRecording[];
  readonly #recorder: ResultRecorder;
  readonly #done: ReadonlySet<string>;

  /** @param done ids of levels that were measured before */
  constructor(
    plan: EndpointPlan,
    options: RunLoadOptions,
    recordings: readonly LoadRecording[],
    recorder: ResultRecorder,
    done: ReadonlySet<string>,
  ) {
    this.#plan = plan;
    this.#options = options;
    this.#recordings = recordings;
    this.#recorder = recorder;
    this.#done = done;
  }

  /**
   * Every recording once, nothing beside it.
   *
   * @throws QwenAsrError `network` for the first that is not answered
   */
  async sendAlone(send: Send): Promise<RunRecord[]> {
    const runs: RunRecord[] = [];
    for (const number of this.#recordings.slice(0, MOST_ALONE).keys()) {
      const sentMs = performance.now();
      const outcome = await send(number);
      const endMs = performance.now();
      this.#options.signal.throwIfAborted();
      if (outcome.failure !== null) throw unanswered(this.#plan, this.#recordings[number]!, outcome);
      // Before the level: its times are below zero.
      const times = { intendedMs: sentMs - endMs, sentMs: sentMs - endMs, endMs: 0 };
      runs.push(this.#runOf({ number, client: null, ...times, outcome }, Date.now()));
    }
    return runs;
  }

  async run(runOne: RunOneLevel, alone: readonly RunRecord[]): Promise<void> {
    const { signal } = this.#options;
    let isComplete = true;
    for (const [index, level] of this.#plan.levels.entries()) {
      if (signal.aborted) break;
      if (this.#done.has(level.id)) continue;
      const end = await this.#runLevel(level, runOne, index === 0 ? alone : []);
      isComplete &&= end === null;
      // A server that is gone does not come back for the next level.
      if (end === 'gone') break;
    }
    this.#noteMachine();
    this.#recorder.record({ event: 'end', complete: isComplete && !signal.aborted, accuracy: null });
  }

  async #runLevel(
    level: EndpointCellPlan,
    runOne: RunOneLevel,
    alone: readonly RunRecord[],
  ): Promise<EarlyEnd> {
    const { watcher, signal } = this.#options;
    const { id } = level;
    this.#begin(level);
    for (const run of alone) this.#recorder.record({ event: 'warmup', cell: id, run });
    const startedAt = Date.now();
    const onRequest = (ended: EndedRequest): void => {
      const event = ended.intendedMs < this.#plan.rampMs ? 'warmup' : 'run';
      this.#recorder.record({ event, cell: id, run: this.#runOf(ended, startedAt) });
    };
    const end = await runOne(this.#plan, level, { onRequest, signal });
    this.#end(level, end);
    const result = this.#recorder.result();
    const cell = result.cells.find((one) => one.id === id);
    if (cell !== undefined) watcher.onLevelEnd?.(cell, result);
    return end;
  }

  #begin(cell: EndpointCellPlan): void {
    this.#recorder.record({
      event: 'cell',
      cell: {
        id: cell.id,
        settings: levelSettings(this.#plan, cell),
        setup: { loadMs: null, audioDecodeMs: null, resampleMs: null, memory: null },
        frames: null,
        work: [],
      },
    });
  }

  #end({ id }: EndpointCellPlan, end: EarlyEnd): void {
    const record = this.#recorder.unsummarized().cells.find((cell) => cell.id === id);
    const error = end === 'gone' ? `${this.#plan.endpoint}: nobody answers any more` : null;
    if (error !== null) this.#recorder.record({ event: 'error', error: { cell: id, message: error } });
    const answers = (record?.runs ?? []).map((run) => ({
      path: this.#recordings[run.request?.recording ?? 0]?.path ?? null,
      text: run.text,
      language: run.language,
    }));
    const accuracy = scoreAnswers(answers, this.#plan.language, this.#options.references);
    this.#recorder.record({
      event: 'cellEnd',
      cell: id,
      outcome: { steady: null, drift: null, accuracy, complete: end === null, error, notes: [] },
    });
  }

  #noteMachine(): void {
    const { hostname } = new URL(this.#plan.endpoint);
    const isHere =
      hostname === 'localhost' ||
      hostname === '[::1]' ||
      (isIP(hostname) === 4 && hostname.startsWith('127.'));
    if (!isHere) return;
    this.#recorder.record({
      event: 'note',
      note: 'the endpoint is on this machine: it shares the processors with the clients',
    });
  }

  #runOf(ended: EndedRequest, startedAt: number): RunRecord {
    const recording = ended.number % this.#recordings.length;
    return recordRequest(ended, {
      recording,
      audioMs: this.#recordings[recording]?.durationMs ?? 0,
      startedAt,
    });
  }
}

/**
 * A request as the result keeps it: its times count from when it was to be sent.
 *
 * @param of which recording it sent, and the wall clock at the beginning of its level
 */
export function recordRequest(
  { client, intendedMs, sentMs, endMs, outcome }: EndedRequest,
  of: { readonly recording: number; readonly audioMs: number; readonly startedAt: number },
): RunRecord {
  const { failure } = outcome;
  const { recording, audioMs, startedAt } = of;
  const run: RunRecord = {
    ...BLANK_RUN,
    startedAt: new Date(startedAt + intendedMs).toISOString(),
    totalMs: endMs - intendedMs,
    request: {
      ...{ client, recording, audioMs, intendedMs, sentMs, failure },
      status: failure === null ? 200 : outcome.status,
      detail: failure === null ? null : outcome.detail,
    },
  };
  if (failure !== null) return run;
  const { text, language, firstTextMs } = outcome;
  const firstTokenMs = firstTextMs === null ? null : sentMs + firstTextMs - intendedMs;
  return { ...run, text, language, firstTokenMs };
}

function unanswered(
  { endpoint }: EndpointPlan,
  { name }: LoadRecording,
  { failure, detail }: Extract<Outcome, { readonly detail: string }>,
): QwenAsrError {
  return new QwenAsrError(
    'network',
    `${endpoint}: expected a transcription of ${name}, found ${FAILURES[failure]}: ${detail}`,
  );
}
