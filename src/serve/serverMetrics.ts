import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { TranscriptionBatch } from '../transcribe/types.js';
import type { Admission } from './engine/admission.js';
import type { Spool } from './http/spool.js';
import type { JobQueue } from './jobs/jobQueue.js';

const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

/** What a server tells Prometheus. No label holds anything that a client wrote. */
export class ServerMetrics {
  readonly registry = new Registry();
  /** By route and status. */
  readonly requests = this.#counter('requests_total', 'Requests by route and status', ['route', 'status']);
  readonly audioSeconds = this.#counter('audio_seconds_total', 'Audio that was transcribed');
  readonly tokens = this.#counter('tokens_total', 'Tokens that were generated');
  readonly requestSeconds = this.#seconds('request_seconds', 'From the first byte to the last', ['route']);
  readonly firstTextSeconds = this.#seconds(
    'first_text_seconds',
    'From the end of the body to the first text',
    [],
  );
  readonly stepSeconds = this.#seconds('decode_step_seconds', 'Decode steps', []);
  readonly stepRows = new Histogram({
    name: 'qwen_asr_decode_step_rows',
    help: 'Segments that a decode step gave a token to',
    buckets: [1, 2, 4, 8, 16, 32, 64],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  onDecodeStep(ms: number, rows: number): void {
    this.stepSeconds.observe(ms / 1000);
    this.stepRows.observe(rows);
    this.tokens.inc(rows);
  }

  /** Gauges of what is going on. */
  watch(batch: TranscriptionBatch, admission: Admission, spool: Spool): void {
    this.#gauge('requests_in_flight', 'Requests that are being worked on or wait', () => admission.count);
    this.#gauge('segments_decoding', 'Segments in the batch', () => batch.load.decoding);
    this.#gauge('segments_joining', 'Segments that are being encoded', () => batch.load.joining);
    this.#gauge('spool_bytes', 'Uploads that lie in the spool', () => spool.bytes);
  }

  /** What the queue holds; nothing while Redis is away. */
  watchJobs(jobs: Pick<JobQueue, 'counts'>): void {
    new Gauge({
      name: 'qwen_asr_jobs',
      help: 'Jobs of the queue by what they are doing',
      labelNames: ['state'],
      registers: [this.registry],
      async collect() {
        this.reset();
        const counts = await jobs.counts().catch(() => ({}));
        for (const [state, count] of Object.entries(counts)) this.set({ state }, count);
      },
    });
  }

  #counter<Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []) {
    return new Counter({ name: `qwen_asr_${name}`, help, labelNames, registers: [this.registry] });
  }

  #seconds<Label extends string>(name: string, help: string, labelNames: readonly Label[]) {
    const histogram = { name: `qwen_asr_${name}`, help, labelNames, buckets: SECONDS };
    return new Histogram({ ...histogram, registers: [this.registry] });
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name: `qwen_asr_${name}`,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }
}
