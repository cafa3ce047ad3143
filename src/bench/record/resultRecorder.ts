import { QwenAsrError } from '../../error.js';
import { summarizeResult } from '../analysis/summarizeResult.js';
import type {
  AudioRecord,
  BenchResult,
  CeilingsRecord,
  CellRecord,
  ErrorRecord,
  ModelRecord,
} from '../schema/benchResult.js';
import type { ComparisonRecord } from '../schema/figureRecords.js';
import type { RunRecord } from '../schema/runRecord.js';
import type { BenchEvent, BenchHeader, CellEnd, CellStart } from './benchEvent.js';

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

/** A cell whose end has not been reported: what an interruption leaves. */
const UNFINISHED: CellEnd = {
  steady: null,
  drift: null,
  accuracy: null,
  complete: false,
  error: null,
  notes: [],
};

interface UnclosedCell {
  start: CellStart;
  readonly warmups: RunRecord[];
  readonly runs: RunRecord[];
  /** Null until it is reported. */
  end: CellEnd | null;
}

/**
 * Puts events together to the document. The same code runs while measuring and when a JSONL file is read, so both
 * give the same result.
 */
export class ResultBuilder {
  readonly #header: BenchHeader;
  readonly #models: ModelRecord[] = [];
  readonly #audio: AudioRecord[] = [];
  readonly #ceilings: CeilingsRecord[] = [];
  readonly #cells = new Map<string, UnclosedCell>();
  readonly #comparisons: ComparisonRecord[] = [];
  readonly #notes: string[] = [];
  #errors: ErrorRecord[] = [];
  #complete = false;
  #ended = false;
  #accuracy: BenchResult['accuracy'] = null;

  constructor(header: BenchHeader) {
    this.#header = header;
  }

  /**
   * @returns whether the event says anything that the document does not say already
   * @throws QwenAsrError `internal` for a run of a cell that was not started
   */
  add(event: BenchEvent): boolean {
    switch (event.event) {
      case 'header':
        return true;
      case 'model':
        return replace(this.#models, event.model, hasSameId);
      case 'audio':
        return replace(this.#audio, event.audio, hasSameId);
      case 'ceilings':
        return replace(this.#ceilings, event.ceilings, isSameMachinery);
      case 'cell':
        return this.#start(event.cell);
      case 'plannedRuns':
        return this.#plan(this.#cell(event.cell), event.runs);
      case 'warmup':
        this.#goOn(event.cell).warmups.push(event.run);
        return true;
      case 'run':
        this.#goOn(event.cell).runs.push(event.run);
        return true;
      case 'cellEnd':
        return this.#end(this.#cell(event.cell), event.outcome);
      case 'comparison':
        return replace(this.#comparisons, event.comparison, isSameQuestion);
      case 'note':
        return replace(this.#notes, event.note, isEqual);
      case 'error':
        return replace(this.#errors, event.error, isEqual);
      case 'end': {
        const isNews =
          !this.#ended || this.#complete !== event.complete || !isEqual(this.#accuracy, event.accuracy);
        this.#ended = true;
        this.#complete = event.complete;
        this.#accuracy = event.accuracy;
        return isNews;
      }
    }
  }

  /**
   * The document as of now, cells without their summaries (`summarizeResult`); `complete` is false until an `end`
   * event says otherwise.
   */
  build(): BenchResult {
    const { schema, version, kind, tool, createdAt, commandLine, machine, environment } = this.#header;
    return {
      ...{ schema, version, kind, tool, createdAt, commandLine },
      complete: this.#complete,
      ...{ machine, environment },
      models: [...this.#models],
      audio: [...this.#audio],
      ceilings: [...this.#ceilings],
      cells: [...this.#cells.values()].map(closeCell),
      comparisons: [...this.#comparisons],
      accuracy: this.#accuracy,
      notes: [...this.#notes],
      errors: [...this.#errors],
    };
  }

  #start(start: CellStart): boolean {
    const known = this.#cells.get(start.id);
    const isKnown = known !== undefined && known.runs.length + known.warmups.length === 0;
    if (isKnown && isEqual(known.start, start)) return false;
    this.#forgetErrors(start.id);
    this.#cells.set(start.id, { start, warmups: [], runs: [], end: null });
    return true;
  }

  #plan(cell: UnclosedCell, runs: number): boolean {
    const isNews = cell.start.settings.runs !== runs;
    cell.start = { ...cell.start, settings: { ...cell.start.settings, runs } };
    return isNews;
  }

  /** A cell that runs again: what its end has said before no longer holds. */
  #goOn(id: string): UnclosedCell {
    const cell = this.#cell(id);
    if (cell.end !== null) this.#forgetErrors(id);
    cell.end = null;
    this.#ended = false;
    return cell;
  }

  #end(cell: UnclosedCell, outcome: CellEnd): boolean {
    const isNews = cell.end === null || !isEqual(cell.end, outcome);
    cell.end = outcome;
    return isNews;
  }

  #forgetErrors(id: string): void {
    this.#errors = this.#errors.filter(({ cell }) => cell !== id);
  }

  #cell(id: string): UnclosedCell {
    const cell = this.#cells.get(id);
    if (cell !== undefined) return cell;
    throw new QwenAsrError(
      'internal',
      `benchmark result: expected a started cell, found ${JSON.stringify(id)}`,
    );
  }
}

function closeCell({ start, warmups, runs, end }: UnclosedCell): CellRecord {
  // What was added later may be missing.
  const { id, settings, setup, frames, work, ...begun } = start;
  const { steady, drift, accuracy, complete, error, notes, ...ended } = end ?? UNFINISHED;
  return {
    ...{ id, settings, setup, frames, ...begun, warmups: [...warmups], runs: [...runs] },
    ...{ steady, drift, summary: null, accuracy, work, complete, error, notes, ...ended },
  };
}

function hasSameId(a: { readonly id: string }, b: { readonly id: string }): boolean {
  return a.id === b.id;
}

function isSameMachinery(a: CeilingsRecord, b: CeilingsRecord): boolean {
  return a.threads === b.threads && a.backend === b.backend && a.isa === b.isa;
}

function isSameQuestion(a: ComparisonRecord, b: ComparisonRecord): boolean {
  return a.a === b.a && a.b === b.b && a.metric === b.metric;
}

/**
 * Adds a record, in place of one that says the same thing of an earlier time: resuming reports it again.
 *
 * @returns whether anything changed
 */
function replace<Item>(records: Item[], record: Item, isSame: (a: Item, b: Item) => boolean): boolean {
  const index = records.findIndex((earlier) => isSame(earlier, record));
  const isNews = index === -1 || !isEqual(records[index], record);
  if (index === -1) records.push(record);
  else records[index] = record;
  return isNews;
}

/** As a file would hold them. */
function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
