import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import type { Job, Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Aligner, SpeechModel } from '../../transcribe/types.js';
import { ApiError } from '../apiError.js';
import { openAdmittedMemory } from '../engine/admittedMemory.js';
import { openUpload, type RecordingSettings, type UploadEngine } from '../engine/transcribeUpload.js';
import { answerRecording } from '../openai/answerRecording.js';
import { checkWords, readTranscriptionRequest } from '../openai/transcriptionRequest.js';
import { JobSpool } from './jobSpool.js';
import { connectRedis, loadQueuePackages, QUEUE_PREFIX, type QueuePackages } from './queueRedis.js';
import {
  failureOf,
  failureText,
  type JobData,
  type JobProgress,
  type JobResult,
  mayRetry,
} from './transcriptionJob.js';

/** What a worker takes jobs from, and how it works on them. */
export interface WorkerSettings extends RecordingSettings {
  /** Redis: `redis://host:6379`. */
  readonly url: string;
  /** The queue's name. */
  readonly name: string;
  /** The folder that it shares with the servers. */
  readonly spoolFolder: string;
  /** Jobs at a time. */
  readonly jobs: number;
  /** Segments decoded side by side, of all of them. */
  readonly sequences: number;
  /** What they may take beside the model; null: half of what is free at the start. */
  readonly memoryBytes: number | null;
  /** A worker that has not been heard of for so long has lost its jobs to another. */
  readonly lockMs: number;
  /** How long jobs may go on after the worker was told to stop. */
  readonly drainTimeoutMs: number;
}

/** A worker that works. */
export interface OpenedWorker {
  /**
   * Takes no more jobs, waits for those it has, as long as the settings allow, then gives them back to the queue.
   *
   * @returns how many were given back
   */
  drain(): Promise<number>;
}

type QueuedJob = Job<JobData, JobResult>;

/** How often a job may lose its worker before it is held to be the cause. */
const MAX_STALLED_COUNT = 5;

/** How often a worker looks whether one of its jobs was deleted. */
const WATCH_MS = 1000;

/** For telling Redis that a job is given back, once it is time to stop. */
const GIVE_BACK_MS = 5000;

/** Reasons to stop a job that are none of the job's own. */
const DELETED = 'deleted';
const LOCK_LOST = 'another worker has the job';

/**
 * Takes jobs from a queue until it is told to stop.
 *
 * @param aligner what tells when words are spoken; the caller's to close
 * @throws QwenAsrError `unsupported`, `network`, `file`, `memory`
 */
export async function openWorker(
  model: SpeechModel,
  settings: WorkerSettings,
  aligner: Aligner | null,
  onNote: (note: string) => void,
): Promise<OpenedWorker> {
  const packages = await loadQueuePackages();
  const spool = new JobSpool(settings.spoolFolder);
  const redis = await connectRedis(packages, settings.url, { waits: true, onNote });
  try {
    const { sequences, memoryBytes } = settings;
    const { batch, note } = await openAdmittedMemory(model, { sequences, memoryBytes, sessions: 0 });
    if (note !== null) onNote(note);
    const engine = { batch, model: model.info, aligner, settings };
    return new JobWorker({ packages, redis, spool, engine, settings });
  } catch (error) {
    redis.disconnect();
    throw error;
  }
}

/** What a worker works with. */
interface WorkerParts {
  readonly packages: QueuePackages;
  readonly redis: Redis;
  readonly spool: JobSpool;
  readonly engine: UploadEngine;
  readonly settings: WorkerSettings;
}

class JobWorker implements OpenedWorker {
  readonly #parts: WorkerParts;
  readonly #queue: Queue<JobData, JobResult>;
  readonly #worker: Worker<JobData, JobResult>;
  readonly #stopping = new AbortController();
  /** Ids of the jobs that it has. */
  readonly #running = new Set<string>();

  constructor(parts: WorkerParts) {
    const { bullmq } = parts.packages;
    const { name, jobs, lockMs } = parts.settings;
    const connection = { connection: parts.redis, prefix: QUEUE_PREFIX };
    this.#parts = parts;
    setMaxListeners(0, this.#stopping.signal); // every job listens
    this.#queue = new bullmq.Queue(name, connection);
    this.#worker = new bullmq.Worker(name, (job, token, signal) => this.#work(job, token, signal), {
      ...connection,
      name: `${hostname()}:${process.pid}`,
      concurrency: jobs,
      lockDuration: lockMs,
      stalledInterval: lockMs,
      maxStalledCount: MAX_STALLED_COUNT,
    });
    this.#queue.on('error', () => {}); // the connection says what there is to say
    this.#worker.on('error', () => {});
    this.#worker.on('lockRenewalFailed', (ids) => {
      for (const id of ids) this.#worker.cancelJob(id, LOCK_LOST);
    });
    const settled = (job: QueuedJob | undefined): void => {
      if (job !== undefined) void this.#clear(job).catch(() => {}); // the servers sweep
    };
    this.#worker.on('completed', settled).on('failed', settled);
  }

  async drain(): Promise<number> {
    const { settings, redis, engine } = this.#parts;
    const closed = this.#worker.close();
    const late = await Promise.race([
      closed.then(() => 0),
      afterMs(settings.drainTimeoutMs).then(() => this.#running.size),
    ]);
    this.#stopping.abort();
    // Without Redis nothing can be given back: other workers take the jobs when their locks have expired.
    await Promise.race([closed, afterMs(GIVE_BACK_MS)]);
    await this.#queue.close().catch(() => {});
    redis.disconnect();
    await engine.batch.close();
    return late;
  }

  async #work(job: QueuedJob, token = '', signal = new AbortController().signal): Promise<JobResult> {
    const { bullmq } = this.#parts.packages;
    const id = job.id ?? '';
    const timer = setInterval(() => void this.#stopIfDeleted(id), WATCH_MS);
    this.#running.add(id);
    try {
      return await this.#transcribe(job, AbortSignal.any([signal, this.#stopping.signal]));
    } catch (error) {
      if (signal.aborted) throw new bullmq.UnrecoverableError(String(signal.reason));
      if (this.#stopping.signal.aborted) {
        await job.moveToWait(token);
        throw new bullmq.WaitingError();
      }
      const text = failureText(error);
      throw mayRetry(error) ? new Error(text) : new bullmq.UnrecoverableError(text);
    } finally {
      clearInterval(timer);
      this.#running.delete(id);
    }
  }

  async #transcribe(job: QueuedJob, stop: AbortSignal): Promise<JobResult> {
    const { id = '', data } = job;
    const { spool, engine, settings } = this.#parts;
    const late = AbortSignal.timeout(settings.totalTimeoutMs);
    const signal = AbortSignal.any([stop, late]);
    try {
      await spool.check(id, data.hash, signal);
      const request = readTranscriptionRequest(new Map(Object.entries(data.fields)));
      checkWords(request, engine.aligner);
      const opened = await openUpload(engine, spool.path(id, data.hash), signal);
      const { durationMs } = opened.audio;
      const onProgress = (doneMs: number): void => {
        const progress: JobProgress = { doneMs, durationMs };
        void job.updateProgress(progress).catch(() => {}); // of no further use
      };
      const { type, body, headers } = await answerRecording(engine, opened, request, { signal, onProgress });
      return { type, body, headers };
    } catch (error) {
      if (!late.aborted || stop.aborted) throw error;
      throw new ApiError(504, `the job was not done after ${settings.totalTimeoutMs / 1000} s`, {
        reason: 'timeout',
      });
    }
  }

  async #stopIfDeleted(id: string): Promise<void> {
    const job = await this.#queue.getJob(id);
    if (job?.data.isDeleted === true) this.#worker.cancelJob(id, DELETED);
  }

  /** Removes the audio of a job whose outcome is stored; all of a job that was deleted. */
  async #clear({ id = '' }: QueuedJob): Promise<void> {
    const job = await this.#queue.getJob(id);
    const state = await this.#queue.getJobState(id);
    if (job === undefined || (state !== 'completed' && state !== 'failed')) return;
    if (job.data.isDeleted === true) await job.remove();
    // What failed through no fault of its recording can be tried again by hand, as long as it is kept.
    else if (state === 'failed' && failureOf(job.failedReason).status >= 500) return;
    await this.#parts.spool.remove(id, job.data.hash);
  }
}

function afterMs(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
