import type { BenchResult } from '../schema/benchResult.js';

export function formatHtml(results: readonly BenchResult[]): string {
  return String(results.length);
}
