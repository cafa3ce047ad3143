import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Job, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { ApiError } from '../apiError.js';
import type { SpoolFile } from '../http/spool.js';
import type { QueueSettings } from '../serveSettings.js';
import { JobSpool } from './jobSpool.js';
import { connectRedis, loadQueuePackages, QUEUE_PREFIX, type RedisHabits } from './queueRedis.js';
import {
  failureOf,
  type JobData,
  type JobProgress,
  type JobResult,
  jobIdOf,
  queueIdOf,
} from './transcriptionJob.js';

/** A job as its client sees it. */
export interface JobView {
  readonly id: string;
  readonly data: JobData;
  readonly status: 'queued' | 'running' | 'completed' | 'failed';
  /** Milliseconds since 1970. */
  readonly createdMs: number;
  readonly finishedMs: number | null;
  readonly progress: JobProgress | null;
  /** Null until it is completed. */
  readonly result: JobResult | null;
  /** Null unless it failed. */
  readonly error: ApiError | null;
}

type QueuedJob = Job<JobData, JobResult>;

/** How often a job is looked at that a request waits for. */
const POLL_MS = 250;

/** How often expired results and forgotten audio are looked for. */
const SWEEP_MS = 10 * 60_000;

/** Before the second attempt, doubled before each further one. */
const RETRY_AFTER_MS = 2000;

/** What of a queue a server is told to open. */
export interface JobQueueOptions extends QueueSettings {
  readonly spoolFolder: string;
  /** Bytes of the audio of all jobs. */
  readonly spoolBytes: number;
  readonly onNote: RedisHabits['onNote'];
}

/**
 * A server's side of a queue: puts jobs there, looks at them and takes them back. While Redis is away all of it is an
 * ApiError 503.
 */
export class JobQueue {
  readonly #options: JobQueueOptions;
  readonly #spool: JobSpool;
  readonly #redis: Redis;
  readonly #queue: Queue<JobData, JobResult>;
  readonly #timer: NodeJS.Timeout;

  private constructor(options: JobQueueOptions, spool: JobSpool, redis: Redis, queue: Queue) {
    this.#options = options;
    this.#spool = spool;
    this.#redis = redis;
    this.#queue = queue;
    const sweep = (): void => void this.#sweep().catch(() => {}); // what is left now is found the next time
    this.#timer = setInterval(sweep, SWEEP_MS).unref();
    sweep();
  }

  /** @throws QwenAsrError `unsupported`, `network`, `file` */
  static async open(options: JobQueueOptions): Promise<JobQueue> {
    const packages = await loadQueuePackages();
    const spool = new JobSpool(options.spoolFolder);
    const redis = await connectRedis(packages, options.url, { waits: false, onNote: options.onNote });
    const queue = new packages.bullmq.Queue(options.name, { connection: redis, prefix: QUEUE_PREFIX });
    queue.on('error', () => {}); // the connection says what there is to say
    return new JobQueue(options, spool, redis, queue);
  }

  /** Whether a recording of that length is one for workers. */
  isForLong(durationMs: number): boolean {
    return durationMs >= this.#options.fromMs;
  }

  /**
   * Puts a job there, unless there is one of that id for the same recording and options, which is as good.
   *
   * @param id undefined: a new one
   * @throws ApiError 400; 409 when that id is another job's; 503
   */
  async add(
    id: string | undefined,
    file: SpoolFile,
    fields: ReadonlyMap<string, readonly string[]>,
  ): Promise<JobView> {
    const ownId = jobIdOf(id);
    const queueId = queueIdOf(ownId);
    await this.find(ownId); // one that has expired makes room
    const hash = await this.#spool.keep(file, queueId, this.#options.spoolBytes);
    // Should the answer of Redis be lost, the job may be there: its audio stays, until the sweep finds that it is not.
    return this.#ask(async () => {
      const data: JobData = { hash, fields: Object.fromEntries(fields) };
      await this.#queue.add('transcription', data, this.#jobOptions(queueId));
      const view = await this.#view(ownId);
      if (view === null || view.status === 'completed' || view.data.hash !== hash) {
        await this.#spool.remove(queueId, hash);
      }
      if (view !== null && isDeepStrictEqual(view.data, data)) return view;
      throw new ApiError(409, 'id: there is another job of that id', { param: 'id', reason: 'job_exists' });
    });
  }

  /** @returns null when there is no such job, or none any more */
  find(id: string): Promise<JobView | null> {
    return this.#ask(() => this.#view(id));
  }

  /**
   * Deletes a job, whatever it is doing. One that is being transcribed is stopped by its worker within a second or two.
   *
   * @returns whether there was one
   */
  delete(id: string): Promise<boolean> {
    return this.#ask(async () => {
      const job = await this.#queue.getJob(queueIdOf(id));
      if (job === undefined || job.data.isDeleted === true) return false;
      await this.#remove(job);
      return true;
    });
  }

  /**
   * Has workers transcribe an upload.
   *
   * @param signal deletes the job
   * @throws ApiError of the job; of the queue when the job cannot be put there; the signal's reason
   */
  async transcribe(
    file: SpoolFile,
    fields: ReadonlyMap<string, readonly string[]>,
    signal: AbortSignal,
  ): Promise<JobResult> {
    const { id } = await this.add(undefined, file, fields);
    try {
      for (;;) {
        signal.throwIfAborted();
        const job = await this.find(id).catch(retryable);
        if (job === null) throw gone();
        if (job?.error) throw job.error;
        if (job?.result) return job.result;
        await setTimeout(POLL_MS, undefined, { signal }).catch(() => {});
      }
    } finally {
      await this.delete(id).catch(() => {}); // else it expires
    }
  }

  /** How many jobs there are, by what they are doing. */
  async counts(): Promise<Readonly<Record<string, number>>> {
    const { waiting, delayed, active, failed } = await this.#queue.getJobCounts(
      'waiting',
      'delayed',
      'active',
      'failed',
    );
    return { queued: (waiting ?? 0) + (delayed ?? 0), running: active ?? 0, failed: failed ?? 0 };
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#queue.close().catch(() => {});
    this.#redis.disconnect();
  }

  #jobOptions(jobId: string) {
    const { attempts, keepMs } = this.#options;
    const kept = { age: Math.ceil(keepMs / 1000) };
    return {
      jobId,
      attempts,
      backoff: { type: 'exponential', delay: RETRY_AFTER_MS },
      removeOnComplete: kept,
      removeOnFail: kept,
      stackTraceLimit: 0, // of no use to others, and it names files
    };
  }

  async #view(id: string): Promise<JobView | null> {
    const queueId = queueIdOf(id);
    // In this order: what a job came to is written together with its state.
    const state = await this.#queue.getJobState(queueId);
    const job = await this.#queue.getJob(queueId);
    if (job === undefined || job.data.isDeleted === true) return null;
    const finishedMs = job.finishedOn ?? null;
    if (finishedMs !== null && finishedMs + this.#options.keepMs < Date.now()) {
      await this.#remove(job);
      return null;
    }
    return {
      id,
      data: job.data,
      status: STATUSES[state] ?? 'queued',
      createdMs: job.timestamp,
      finishedMs,
      progress: typeof job.progress === 'object' ? (job.progress as JobProgress) : null,
      result: state === 'completed' ? job.returnvalue : null,
      error: state === 'failed' ? failureOf(job.failedReason) : null,
    };
  }

  async #remove(job: QueuedJob): Promise<void> {
    const queueId = job.id ?? '';
    try {
      await job.remove();
    } catch (error) {
      // A worker has it: that one removes it.
      if ((await this.#queue.getJobState(queueId)) !== 'active') throw error;
      await job.updateData({ ...job.data, isDeleted: true });
      return;
    }
    await this.#spool.remove(queueId, job.data.hash);
  }

  /** Removes what has expired, and audio that no job needs any more. */
  async #sweep(): Promise<void> {
    for (const state of ['completed', 'failed'] as const) {
      await this.#queue.clean(this.#options.keepMs, 0, state);
    }
    await this.#spool.sweep(async (queueId) => {
      const job = await this.#queue.getJob(queueId);
      return job === undefined ? null : !(await job.isCompleted());
    });
  }

  #checkReachable(): void {
    if (this.#redis.status !== 'ready') throw unreachable();
  }

  async #ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      this.#checkReachable();
      return await work();
    } catch (cause) {
      if (cause instanceof ApiError) throw cause;
      throw unreachable(cause);
    }
  }
}

const STATUSES: Readonly<Record<string, JobView['status']>> = {
  active: 'running',
  completed: 'completed',
  failed: 'failed',
};

function unreachable(cause?: unknown): ApiError {
  return new ApiError(503, 'the queue cannot be reached at the moment', {
    reason: 'queue_unavailable',
    headers: { 'retry-after': '5' },
    cause,
  });
}

/** While Redis is away one waits. */
function retryable(error: unknown): undefined {
  if (error instanceof ApiError && error.reason === 'queue_unavailable') return undefined;
  throw error;
}

function gone(): ApiError {
  return new ApiError(404, 'there is no such job', { reason: 'job_not_found' });
}
