import type { BenchResult } from '../schema/benchResult.js';
import type { BenchEvent, BenchHeader } from './benchEvent.js';
import { ResultBuilder } from './resultBuilder.js';
import { summarizeResult } from './summarizeResult.js';

/** Hears of every event as it happens; a JSONL file is one. */
export type EventSink = (event: BenchEvent) => void;

/**
 * What a benchmark tells its results to, between runs. Every event goes to the sinks at once and into the document;
 * one that the document of a resumed measurement has already said is not said again.
 *
 * @example
 * const recorder = new ResultRecorder(header, [(event) => process.stdout.write(formatEvent(event))]);
 * recorder.record({ event: 'cell', cell });
 * recorder.record({ event: 'run', cell: cell.id, run });
 * recorder.record({ event: 'end', complete: true, accuracy: null });
 * const document = recorder.result();
 */
export class ResultRecorder {
  readonly #builder: ResultBuilder;
  readonly #sinks: readonly EventSink[];

  /** @param finished events of an interrupted measurement to go on with; the sinks have them already */
  constructor(header: BenchHeader, sinks: readonly EventSink[], finished?: readonly BenchEvent[]) {
    this.#builder = new ResultBuilder(header);
    this.#sinks = sinks;
    if (finished === undefined) this.record({ event: 'header', ...header });
    for (const event of finished ?? []) this.#builder.add(event);
  }

  record(event: BenchEvent): void {
    if (!this.#builder.add(event)) return;
    for (const sink of this.#sinks) sink(event);
  }

  /** The document as of now, cells without their summaries, which take a while to compute. */
  unsummarized(): BenchResult {
    return this.#builder.build();
  }

  /** The document as of now. */
  result(): BenchResult {
    return summarizeResult(this.#builder.build());
  }
}
