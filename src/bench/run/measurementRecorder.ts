import { type BenchPlan, type CellPlan, runOrder } from '../plan/benchPlan.js';
import type { CellEnd } from '../record/benchEvent.js';
import type { ResultRecorder } from '../record/resultRecorder.js';
import type { BenchResult, CellRecord, CellSettings, ModelRecord } from '../schema/benchResult.js';
import type { RunRecord } from '../schema/runRecord.js';
import { storedSettings } from '../settings/storedSettings.js';
import { testDrift } from '../statistics/driftTest.js';
import { type References, scoreCell, scoreOffline, scoreRecordings } from './accuracy.js';
import type { CellFacts, CellSession } from './cellSession.js';
import { commandDoubt } from './commandTranscript.js';
import { changedByBatch, compareCells } from './comparisons.js';
import type { MeasuredCell, MeasurementEnd, MeasurementWatcher } from './measurement.js';

/** What a recorder knows before anything is loaded. */
export interface RecorderParts {
  readonly plan: BenchPlan;
  readonly recorder: ResultRecorder;
  readonly references: References;
  /** Ids of the audio records that were written, by cell id. */
  readonly audioIds: ReadonlyMap<string, string>;
  /** `hashModel`, by model source. */
  readonly modelHashes: ReadonlyMap<string, string | null>;
  /** Cells that an interrupted measurement has begun: they are not begun again. */
  readonly begun: ReadonlySet<string>;
}

/** Turns a measurement into the events of the result document. */
export class MeasurementRecorder implements MeasurementWatcher {
  readonly #parts: RecorderParts;
  readonly #begun: Set<string>;
  readonly #sessions = new Map<string, CellSession>();
  /** Ids by source, in the order of the plan, so that they last when it is resumed. */
  readonly #modelIds = new Map<string, string>();
  readonly #recordedModels = new Set<string>();

  constructor(parts: RecorderParts) {
    this.#parts = parts;
    for (const cell of parts.plan.cells) {
      if (cell.kind === 'command' || this.#modelIds.has(cell.model)) continue;
      this.#modelIds.set(cell.model, `m${this.#modelIds.size}`);
    }
    this.#begun = new Set(parts.begun);
    const { runs } = parts.plan;
    if (runs === null) return;
    for (const cell of this.#begun) parts.recorder.record({ event: 'plannedRuns', cell, runs });
  }

  readonly onReady: NonNullable<MeasurementWatcher['onReady']> = (cell, session) => {
    this.#sessions.set(cell.plan.id, session);
    const { facts } = session;
    if (facts.model === null || cell.plan.kind === 'command') return;
    const { recorder, modelHashes } = this.#parts;
    const { model: source } = cell.plan;
    const id = this.#modelIds.get(source) ?? '';
    if (this.#recordedModels.has(id)) return;
    this.#recordedModels.add(id);
    const model = recordModel(id, source, facts.model, modelHashes.get(source) ?? null);
    recorder.record({ event: 'model', model });
  };

  readonly onCeilings: NonNullable<MeasurementWatcher['onCeilings']> = (ceilings) => {
    if (ceilings !== null) this.#parts.recorder.record({ event: 'ceilings', ceilings });
  };

  readonly onWarmup: NonNullable<MeasurementWatcher['onWarmup']> = (cell, run) => {
    this.#begin(cell, run);
    this.#parts.recorder.record({ event: 'warmup', cell: cell.plan.id, run });
  };

  readonly onRun: NonNullable<MeasurementWatcher['onRun']> = (cell, run) => {
    this.#begin(cell, run);
    this.#parts.recorder.record({ event: 'run', cell: cell.plan.id, run });
  };

  readonly onError: NonNullable<MeasurementWatcher['onError']> = (cell, error) => {
    this.#begin(cell, null);
    const { recorder } = this.#parts;
    recorder.record({ event: 'error', error: { cell: cell.plan.id, message: error.message } });
  };

  /** Ends every cell that was begun and the document, and returns it. */
  finish(end: MeasurementEnd): BenchResult {
    const { recorder, plan } = this.#parts;
    for (const cell of end.cells) if (this.#begun.has(cell.plan.id)) this.#end(cell, end);
    const { cells } = recorder.unsummarized();
    if (plan.kind === 'comparison') this.#compare(cells);
    if (plan.kind === 'sweep') this.#noteChanges();
    const complete = !end.interrupted && end.cells.every((cell) => isComplete(cell, plan));
    recorder.record({ event: 'end', complete, accuracy: scoreRecordings(cells) });
    return recorder.result();
  }

  /** What a cell has to do in a run is known with its first one. */
  #begin(cell: MeasuredCell, run: RunRecord | null): void {
    const { id } = cell.plan;
    if (this.#begun.has(id)) return;
    this.#begun.add(id);
    const { facts } = cell;
    const work = run === null ? [] : (this.#sessions.get(id)?.work(run) ?? []);
    this.#parts.recorder.record({
      event: 'cell',
      cell: {
        id,
        settings: this.#settings(cell.plan, facts),
        setup: facts?.setup ?? { loadMs: null, audioDecodeMs: null, resampleMs: null, memory: null },
        frames: facts?.frames ?? null,
        work,
        offline: facts?.offline ?? null,
      },
    });
  }

  #settings(cell: CellPlan, facts: CellFacts | null): CellSettings {
    const { plan, audioIds } = this.#parts;
    const hasModel = cell.kind === 'model' && facts?.model != null;
    const modelId = hasModel ? (this.#modelIds.get(cell.model) ?? null) : null;
    return storedSettings({ plan, cell, facts, modelId, audioId: audioIds.get(cell.id) ?? null });
  }

  #end(cell: MeasuredCell, end: MeasurementEnd): void {
    const { plan, recorder, references } = this.#parts;
    const { id, audio } = cell.plan;
    const record = recorder.unsummarized().cells.find((one) => one.id === id);
    if (record === undefined) return;
    const disagreement = disagreementOf(record);
    if (disagreement !== null)
      recorder.record({ event: 'error', error: { cell: id, message: disagreement } });
    const reference = audio.kind === 'file' ? references.get(audio.path) : undefined;
    const outcome: CellEnd = {
      steady: cell.steady ?? record.steady,
      drift: record.runs.length < 3 ? null : testDrift(record.runs.map(({ totalMs }) => totalMs)),
      accuracy: scoreCell(record, reference),
      ...scoreOffline(record, reference),
      complete: !end.interrupted && isComplete(cell, plan),
      error: cell.error?.message ?? null,
      notes: cell.facts?.notes ?? record.notes,
    };
    recorder.record({ event: 'cellEnd', cell: id, outcome });
  }

  #noteChanges(): void {
    const { recorder } = this.#parts;
    for (const note of changedByBatch(recorder.unsummarized())) recorder.record({ event: 'note', note });
  }

  #compare(cells: readonly CellRecord[]): void {
    const { plan, recorder } = this.#parts;
    const [first, ...others] = plan.cells;
    const a = cells.find(({ id }) => id === first?.id);
    if (first === undefined || a === undefined) return;
    // The same in every measurement: rounds of before an interruption had it too.
    const orderOf = runOrder(plan.cells.length);
    others.forEach((plan, index) => {
      const b = cells.find(({ id }) => id === plan.id);
      if (b === undefined) return;
      const aFirst = (round: number): boolean => {
        const order = orderOf(round);
        return order.indexOf(0) < order.indexOf(index + 1);
      };
      const doubt = plan.kind === 'command' ? commandDoubt(a, b) : null;
      if (doubt !== null) recorder.record({ event: 'note', note: `${plan.label}: ${doubt.message}` });
      if (doubt?.noVerdict) return;
      const pair = { a, b, labelA: first.label, labelB: plan.label };
      for (const comparison of compareCells(pair, aFirst))
        recorder.record({ event: 'comparison', comparison });
    });
  }
}

function isComplete(cell: MeasuredCell, plan: BenchPlan): boolean {
  return cell.error === null && (plan.runs === null ? cell.runs.length > 0 : cell.runs.length >= plan.runs);
}

/** Every run of a cell must recognise the same: the arithmetic is the same, and nothing is drawn at random. */
function disagreementOf({ runs, warmups }: CellRecord): string | null {
  const hashes = new Set(
    [...warmups, ...runs].map(({ tokenHash }) => tokenHash).filter((hash) => hash !== null),
  );
  if (hashes.size < 2) return null;
  return `the runs decoded ${hashes.size} different token sequences from the same audio`;
}

function recordModel(
  id: string,
  source: string,
  info: NonNullable<CellFacts['model']>,
  hash: string | null,
): ModelRecord {
  return {
    id,
    // The full name of a synthetic model has its seed.
    source: info.synthetic ? info.source : source,
    synthetic: info.synthetic,
    published: info.published,
    parameters: info.parameters,
    weightBytes: info.weightBytes,
    encoderLayers: info.encoder.layers,
    decoderLayers: info.decoder.layers,
    hash,
  };
}
