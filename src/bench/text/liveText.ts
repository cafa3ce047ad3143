import { printableLine } from '../../printable.js';
import { fitWidth, padEnd, textWidth } from '../../text/textWidth.js';
import type { BackendChoice } from '../../transcribe/types.js';
import {
  CEILING_NAMES,
  type RooflinePoint,
  rateOf,
  rooflineOfRun,
  vectorUnits,
} from '../analysis/roofline.js';
import { metricContext, wholeMetric } from '../analysis/summarizeResult.js';
import { tableBlock } from '../document/block.js';
import { formatThreads } from '../document/figures.js';
import { formatCeiling, formatShare } from '../document/rooflineTable.js';
import { delayTable } from '../document/streamTables.js';
import { phaseOf } from '../phases.js';
import type { BenchPlan, CellPlan, ModelCellPlan, StreamPlan } from '../plan/benchPlan.js';
import { renderText } from '../render/text.js';
import type { CellFacts, CellSession } from '../run/cellSession.js';
import type { MeasuredCell, MeasurementWatcher } from '../run/measurement.js';
import type { BenchResult, CeilingsRecord } from '../schema/benchResult.js';
import type { RunRecord } from '../schema/runRecord.js';
import { runsForMedianInterval } from '../statistics/summarize.js';
import {
  type ClassicCell,
  crowdingNote,
  formatLoading,
  formatMode,
  formatRun,
  formatRunFigures,
  formatSystemInfo,
  formatTable,
  formatWarmup,
} from './classicText.js';

const INDENT = '  ';
const SHARES_INDENT = '            ';
/** Columns that a label keeps on the narrowest terminal. */
const SHORTEST_LABEL = 12;

/** Where the text goes. */
export interface TextOutput {
  readonly out: (text: string) => void;
  /** Messages beside it. */
  readonly err: (text: string) => void;
  /** Logical CPUs allowed to the process. */
  readonly cpus: number;
  /** Of the terminal that `out` is; labels of cells give way to them. */
  readonly columns?: number | undefined;
}

/**
 * The text of a measurement as it goes on: of a single cell the classic lines and nothing else, of several the same
 * lines with the cell in front. What comes after the last run is `formatReport`'s.
 */
export class LiveText implements MeasurementWatcher {
  readonly #plan: BenchPlan;
  readonly #output: TextOutput;
  readonly #single: boolean;
  readonly #told = new Set<string>();
  readonly #sessions = new Map<string, CellSession>();
  readonly #ceilings = new Map<string, CeilingsRecord>();
  #modeShown = false;

  constructor(plan: BenchPlan, output: TextOutput) {
    this.#plan = plan;
    this.#output = output;
    this.#single = plan.cells.length === 1;
  }

  readonly onBackend = (cell: CellPlan, choice: BackendChoice): void => {
    const { name, isa, precision, threadCount, note } = choice;
    const { out, cpus } = this.#output;
    const shown = note ?? crowdingNote(threadCount, cpus);
    if (shown !== null) this.#tellOnce(`note: ${shown}\n`);
    if (cell.kind === 'command') return;
    if (this.#single) out(formatSystemInfo(threadCount, cpus));
    if (this.#single) return out(formatLoading(cell.model));
    out(
      `Loading model from ${printableLine(cell.model)} ... ${formatThreads(threadCount)}, ${name} ${isa}, ${precision}\n`,
    );
  };

  readonly onReady = (cell: MeasuredCell, session: CellSession): void => {
    this.#sessions.set(cell.plan.id, session);
    if (this.#single) this.#output.out(formatMode(this.#classicCell(cell)));
  };

  readonly onCeilings = (ceilings: CeilingsRecord | null): void => {
    // What the measurements after the runs add is the report's to say.
    if (ceilings !== null && this.#ceilings.has(ceilingsKey(ceilings))) return;
    if (ceilings !== null) this.#ceilings.set(ceilingsKey(ceilings), ceilings);
    this.#output.out(`${formatCeilings(ceilings)}${this.#single ? '\n' : ''}`);
  };

  readonly onWarmupStart = (cell: MeasuredCell): void => {
    this.#showMode();
    this.#output.out(
      this.#single
        ? formatWarmup(this.#classicCell(cell))
        : `  warmup ${printableLine(cell.plan.label)} ...\n`,
    );
  };

  readonly onWarmupEnd = ({ steady, warmups, plan }: MeasuredCell): void => {
    if (steady === null) return;
    const name = this.#single ? '' : ` ${printableLine(plan.label)}`;
    const state = steady ? 'steady' : 'not steady';
    this.#output.out(`  warmup${name}: ${state} after ${warmups.length} runs\n`);
  };

  readonly onRun = (cell: MeasuredCell, run: RunRecord): void => {
    this.#showMode();
    this.#output.out(
      this.#single ? formatRun(this.#classicCell(cell), cell.runs.length, run) : this.#runOf(cell, run),
    );
    this.#output.out(this.#sharesOf(cell, run));
  };

  readonly onError = (cell: MeasuredCell, error: Error): void => {
    this.#output.err(`error: ${printableLine(`${cell.plan.label}: ${error.message}`)}\n`);
  };

  /** The classic table of a single cell, from the document: of a resumed measurement it has every run. */
  showTable(result: BenchResult): void {
    const [cell] = result.cells;
    if (!this.#single || cell === undefined) return;
    if (cell.settings.stream === true) {
      const table = renderText(tableBlock(delayTable(cell.streamSummary)), this.#output.columns);
      this.#output.out(table === '' ? '' : `\n${table}`);
      return;
    }
    const { audioDurationMs: durationMs, encoderLayers } = metricContext(cell, result);
    const mode = cell.settings.mode === 'encoder' ? 'encoder' : 'pipeline';
    this.#output.out(formatTable({ mode, durationMs, encoderLayers }, cell.runs));
  }

  /** Before the first runs of several cells. */
  #showMode(): void {
    if (this.#single || this.#modeShown) return;
    this.#modeShown = true;
    const { kind, cells, runs } = this.#plan;
    const rounds = runs === null ? 'timed rounds' : `${runs} round(s)`;
    const names = { sweep: 'sweep', comparison: 'comparison', benchmark: 'benchmark' } as const;
    this.#output.out(`Mode: ${names[kind]}  |  ${cells.length} cells  |  ${rounds}, interleaved\n\n`);
  }

  #runOf({ plan, runs, facts }: MeasuredCell, run: RunRecord): string {
    const of = this.#plan.runs === null ? '' : `/${this.#plan.runs}`;
    const mode = plan.kind === 'model' ? plan.mode : 'pipeline';
    const figures = formatRunFigures({ mode, durationMs: facts?.durationMs ?? Number.NaN }, run);
    const line = `  run ${runs.length}${of}:  ${figures}`;
    const longest = Math.max(...this.#plan.cells.map(({ label }) => textWidth(printableLine(label))));
    const room = (this.#output.columns ?? Number.POSITIVE_INFINITY) - INDENT.length - textWidth(line);
    const width = Math.min(longest, Math.max(room, SHORTEST_LABEL));
    return `${INDENT}${padEnd(fitWidth(printableLine(plan.label), width), width)}${line}\n`;
  }

  #sharesOf({ plan }: MeasuredCell, run: RunRecord): string {
    const session = this.#sessions.get(plan.id);
    const model = session?.facts.model;
    if (session === undefined || model == null) return '';
    const ceilings = this.#ceilings.get(ceilingsKey(model)) ?? null;
    return formatShares(rooflineOfRun(run, session.work(run), ceilings), this.#output.columns);
  }

  #classicCell(cell: MeasuredCell): ClassicCell {
    const plan = cell.plan as ModelCellPlan; // a command is never alone
    return {
      mode: plan.mode,
      runs: this.#plan.runs,
      audioPath: plan.audio.kind === 'file' ? plan.audio.path : null,
      durationMs: cell.facts?.durationMs ?? Number.NaN,
      frames: cell.facts?.frames ?? 0,
      cutting: cell.facts === null ? null : describeCutting(plan, cell.facts),
      live: plan.stream && describeStream(plan.stream),
    };
  }

  #tellOnce(message: string): void {
    if (this.#told.has(message)) return;
    this.#told.add(message);
    this.#output.err(message);
  }
}

/** `live, steps of 2 s, simulated clock` */
function describeStream({ chunkSeconds, pace }: StreamPlan): string {
  return `live, steps of ${chunkSeconds} s, ${pace === 'simulated' ? 'simulated clock' : "the recording's pace"}`;
}

/** `4 segments of 30 s, batch 4, 20 tokens each`; null for audio that is heard as it is. */
function describeCutting(
  { segmentSeconds, batch, skipSilence, vad }: ModelCellPlan,
  { segments, exactTokens }: CellFacts,
): string | null {
  if (segments === null) return null;
  const parts = [
    segmentSeconds === null || vad
      ? null
      : `${segments} segment(s) of about ${segmentSeconds} s, batch ${batch}`,
    vad ? `${segments} segment(s) of speech, batch ${batch}` : null,
    skipSilence ? 'without silence' : null,
    (segmentSeconds === null && !vad) || exactTokens === null ? null : `${exactTokens} tokens each`,
  ];
  return parts.filter((part) => part !== null).join(', ');
}

function ceilingsKey({ threads, backend, isa }: Pick<CeilingsRecord, 'threads' | 'backend' | 'isa'>): string {
  return `${threads} ${backend} ${isa}`;
}

/** `ceilings (2 threads): read 33.1 GB/s  f32 176 GFLOP/s  bf16 427 GFLOP/s  int8 879 GOP/s` */
export function formatCeilings(ceilings: CeilingsRecord | null): string {
  if (ceilings === null) return 'ceilings: not available on the reference backend\n';
  const rates = CEILING_NAMES.flatMap((name) => {
    const rate = rateOf(ceilings, name);
    return rate === null ? [] : [`${name} ${formatCeiling(rate, name)}`];
  });
  const facts = [...rates, ...vectorUnits(ceilings)];
  return `ceilings (${formatThreads(ceilings.threads)}): ${facts.join('  ')}\n`;
}

/** `of the ceilings: conv stem 59 %  encoder 45 %  prefill 51 %  decode 71 %`: what follows a run's line. */
function formatShares(points: readonly RooflinePoint[], columns = Number.POSITIVE_INFINITY): string {
  if (points.length === 0) return '';
  const shares = points.map((point) => {
    const { title, shortTitle = title } = phaseOf(point.phase);
    return `${shortTitle} ${formatShare(point)}`;
  });
  const lines = [`${SHARES_INDENT}of the ceilings:`];
  for (const share of shares) {
    const longer = `${lines.at(-1)}${lines.length === 1 && share === shares[0] ? ' ' : '  '}${share}`;
    if (textWidth(longer) <= columns) lines[lines.length - 1] = longer;
    else lines.push(`${SHARES_INDENT}  ${share}`);
  }
  return `${lines.join('\n')}\n`;
}

/**
 * The last line of a single setting: `median 1812.0 ms, 95 % interval 1788.0 to 1842.0 ms, disturbed: 1 of 10 runs`; of
 * the whole run, or of the encoder where it alone ran.
 *
 * @returns nothing when no run was finished, and for several settings, whose tables say it
 */
export function summaryLine({ kind, cells }: BenchResult): string {
  const [cell] = cells;
  const summary = cell?.summary?.[wholeMetric(cell)];
  if (kind !== 'benchmark' || cell === undefined || summary === undefined) return '';
  const { median, medianInterval } = summary;
  const interval =
    medianInterval === null
      ? `95 % interval from ${runsForMedianInterval()} runs on`
      : `95 % interval ${medianInterval.low.toFixed(1)} to ${medianInterval.high.toFixed(1)} ms`;
  const { runs } = cell;
  const disturbed = runs.filter(({ interference }) => interference?.noisy).length;
  const known = runs.some(({ interference }) => interference !== null);
  const share = known ? `${disturbed} of ${runs.length} runs` : 'not known on this system';
  const what = cell.settings.stream === true ? 'median step' : 'median';
  return `\n${what} ${median.toFixed(1)} ms, ${interval}, disturbed: ${share}\n`;
}
