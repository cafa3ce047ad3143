import type { ModelInfo } from '../../src/browser.js';
import type { BenchRun } from './benchRun.js';
import type { BrowserEnvironment } from './environment.js';

/** What the page lets its visitor download. Times are milliseconds with all their digits. */
export interface BenchDocument {
  readonly schema: 'qwen-asr-browser-benchmark';
  readonly version: 1;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly environment: BrowserEnvironment;
  readonly model: ModelInfo;
  readonly audio: { readonly name: string; readonly durationMs: number };
  /** Asked for; fewer were made when it was stopped. */
  readonly plannedRuns: number;
  /** One uncounted warm-up came first. */
  readonly runs: readonly BenchRun[];
}
