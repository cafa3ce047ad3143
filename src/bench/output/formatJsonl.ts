import type { BenchEvent } from '../record/benchEvent.js';
import { resultEvents } from '../record/benchEvent.js';
import type { BenchResult } from '../schema/benchResult.js';

/** The document as JSONL: an event a line, the header first. */
export function formatJsonl(result: BenchResult): string {
  return resultEvents(result).map(formatEvent).join('');
}

/** One line of it. */
export function formatEvent(event: BenchEvent): string {
  return `${JSON.stringify(event)}\n`;
}
