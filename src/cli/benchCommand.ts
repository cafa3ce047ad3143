import { availableParallelism } from 'node:os';
import { defaultBaselineDir, planBaseline, saveBaseline } from '../bench/compare/baselines.js';
import { checkWritable, openOutputs } from '../bench/output/outputs.js';
import { type AudioPlan, type BenchPlan, formatPlan } from '../bench/plan/benchPlan.js';
import type { EventSink } from '../bench/record/resultRecorder.js';
import { formatPlots, formatReport, formatText } from '../bench/render/text.js';
import { findReferences, type References } from '../bench/run/accuracy.js';
import { changedTokens } from '../bench/run/comparisons.js';
import type { FinishedPart } from '../bench/run/finishedPart.js';
import { type PlanOutcome, runPlan } from '../bench/run/runPlan.js';
import type { BenchResult } from '../bench/schema/benchResult.js';
import { LiveText, summaryLine } from '../bench/text/liveText.js';
import { QwenAsrError } from '../error.js';
import { printableDocument, printableText } from '../printable.js';
import { BENCH_OPTIONS, type BenchValues, benchUsage } from './benchOptions.js';
import { BenchProgress } from './benchProgress.js';
import { checkOutputs, exportedFiles, modelFiles, recordingFiles } from './checkOutputs.js';
import { chosenModel } from './chosenModel.js';
import { answersStandard, version } from './commonOptions.js';
import { findInputs } from './inputRecordings.js';
import { parseOptions } from './options.js';
import { planBenchmark } from './planBenchmark.js';
import { measureIntoFile } from './resumedFile.js';
import { type CommandContext, EXIT, type ExitCode } from './runCommand.js';
import { outputColumns, terminalColumns, terminalStyle } from './terminalScreen.js';

/** qwen_asr_bench without a sub-command: measures the engine on silence or on recordings. */
export async function benchCommand(context: CommandContext): Promise<ExitCode> {
  const { values: given } = parseOptions(BENCH_OPTIONS, context.args);
  if (answersStandard(given, benchUsage, context)) return EXIT.ok;
  const models = given.model ?? defaultModels();
  if (models.length === 0) {
    context.err(
      `error: -d: expected a model directory, found none\n\n${benchUsage(context.errIsTerminal ? terminalColumns() : undefined)}`,
    );
    return EXIT.error;
  }
  const values = given.input === undefined ? given : { ...given, input: await recordingsOf(given.input) };
  const plan = planBenchmark(values, models);
  const references = planReferences(values, plan);
  const format = values.json ? 'json' : (values.format ?? 'text');
  const baseline =
    values.save === undefined
      ? null
      : planBaseline(values.save, values['baseline-dir'] ?? defaultBaselineDir());
  checkFiles(values, plan, references, baseline);
  const outputs = openOutputs({ format, exports: values.export ?? [], out: context.out });
  // With another format stdout holds the data alone.
  const text = format === 'text' ? context.out : context.err;
  if (values['dry-run']) {
    text(formatPlan(plan));
    return EXIT.ok;
  }
  // A verdict and files are wanted even when nobody reads the text any more.
  const outlives = [values.export, values.save, values.resume, values.vs, values['vs-cmd']];
  if (outlives.some((value) => value !== undefined)) context.outliveReader?.();
  noteTokens(values, plan, context);
  const { result, end } = await measure(values, plan, references, { ...context, out: text }, outputs.sinks);
  outputs.finish(result);
  if (baseline !== null) saveBaseline(baseline, result);
  return exitCodeOf(result, end.interrupted);
}

/** What is measured without -d: nothing where there is no model. */
function defaultModels(): string[] {
  const model = chosenModel(undefined);
  return model === null ? [] : [model];
}

/** The recordings that -i names: a directory stands for all below it. */
export async function recordingsOf(paths: readonly string[]): Promise<string[]> {
  const { recordings, failures } = await findInputs(paths);
  const [failure] = failures;
  if (failure !== undefined) throw failure.error;
  const odd = recordings.find(({ bytes }) => bytes !== undefined);
  if (odd !== undefined) {
    const expected = 'expected a name in UTF-8, as results name their recordings';
    throw new QwenAsrError('file', `${odd.input}: ${expected}; rename the file`);
  }
  return recordings.map(({ input }) => input);
}

/** Refuses to write over what is read, and into one file twice. */
function checkFiles(
  { export: exports = [], resume }: BenchValues,
  { cells }: BenchPlan,
  references: References,
  baseline: string | null,
): void {
  const recordings = new Set(
    cells
      .map(({ audio }) => audio)
      .filter(isFile)
      .map(({ path }) => path),
  );
  const models = new Set(cells.map(({ model }) => model));
  if (resume !== undefined) checkWritable(resume);
  checkOutputs(
    [
      ...exportedFiles(exports.map((path) => ({ path }))),
      ...(resume === undefined ? [] : [{ path: resume, label: `--resume ${resume}` }]),
      ...(baseline === null ? [] : [{ path: baseline, label: `the baseline ${baseline}` }]),
    ],
    [
      ...recordingFiles([...recordings]),
      ...[...models].flatMap(modelFiles),
      ...[...references.values()].map(({ path }) => ({ path, label: `the reference ${path}` })),
    ],
  );
}

function measure(
  values: BenchValues,
  plan: BenchPlan,
  references: References,
  context: CommandContext,
  sinks: readonly EventSink[],
): Promise<PlanOutcome> {
  return measureIntoFile(values.resume, sinks, (resumed) =>
    measureAll(values, plan, references, context, resumed),
  );
}

async function measureAll(
  values: BenchValues,
  plan: BenchPlan,
  references: References,
  context: CommandContext,
  { finished, sinks }: { readonly finished: FinishedPart | null; readonly sinks: readonly EventSink[] },
): Promise<PlanOutcome> {
  const { resume } = values;
  const progress = new BenchProgress(plan, context, finished?.runs);
  const clearing = (write: (text: string) => void) => (text: string) => {
    progress.clear();
    write(printableText(text));
  };
  const [out, err] = [clearing(context.out), clearing(context.err)];
  const live = new LiveText(plan, {
    out,
    err,
    cpus: availableParallelism(),
    columns: outputColumns(context),
  });
  try {
    const outcome = await runPlan(plan, {
      commandLine: context.args,
      version: version(),
      references,
      sinks,
      watchers: [live, progress],
      signal: context.signal,
      ...(finished !== null && { finished }),
    });
    progress.clear();
    if (
      finished !== null &&
      countRuns(finished.runs.values()) === countRuns(outcome.result.cells.map(({ runs }) => runs))
    )
      err(`note: --resume ${resume}: nothing was left to measure; these are the runs that are there\n`);
    live.showTable(outcome.result);
    showReport(values, printableDocument(outcome.result), context);
    if (outcome.end.interrupted) context.err(`note: ${interruption(plan, outcome, context.signal)}\n`);
    return outcome;
  } finally {
    progress.clear();
  }
}

/** `stopped by SIGINT after 256 of 400 runs` */
function interruption({ runs, cells }: BenchPlan, { end }: PlanOutcome, { reason }: AbortSignal): string {
  const finished = end.cells.reduce((sum, cell) => sum + cell.runs.length, 0);
  const planned = runs === null ? '' : ` of ${runs * cells.length}`;
  const cause = reason instanceof QwenAsrError ? reason.message : 'stopped';
  return `${cause} after ${finished}${planned} runs`;
}

function countRuns(cells: Iterable<readonly unknown[]>): number {
  let count = 0;
  for (const runs of cells) count += runs.length;
  return count;
}

/** What comes after the runs. The classic output has no more than its table. */
function showReport(values: BenchValues, result: BenchResult, context: CommandContext): void {
  const { out, err } = context;
  const extended = ['warmup', 'roofline', 'ref', 'budget', 'isolate', 'delay'] as const;
  const doubts = result.kind !== 'benchmark' || extended.some((name) => values[name] !== undefined);
  // The details have them too.
  const shown = doubts && values.details === undefined;
  const columns = outputColumns(context);
  out(formatReport(result, shown, columns) + summaryLine(result));
  if (values.details) out(`\n${formatText(result, columns)}`);
  if (values.plot) out(formatPlots(result, terminalStyle(context)));
  for (const { cell, message } of result.errors) {
    // A cell that failed was named when it did.
    if (result.cells.find(({ id }) => id === cell)?.error === message) continue;
    err(`error: ${cell === null || result.kind === 'benchmark' ? '' : `${cell}: `}${message}\n`);
  }
}

function planReferences(values: BenchValues, plan: BenchPlan): References {
  if (values.ref === undefined) return new Map();
  if (plan.cells.every((cell) => cell.kind === 'model' && cell.mode === 'encoder')) {
    throw new QwenAsrError(
      'usage',
      '--ref: expected a transcript to compare, found the encoder alone (-w 1)',
    );
  }
  const files = plan.cells.map(({ audio }) => audio).filter(isFile);
  return findReferences(values.ref, [...new Set(files.map(({ path }) => path))]);
}

function isFile(audio: AudioPlan): audio is Extract<AudioPlan, { kind: 'file' }> {
  return audio.kind === 'file';
}

function noteTokens({ tokens }: BenchValues, { cells }: BenchPlan, { err }: CommandContext): void {
  const encoderOnly = cells.every((cell) => cell.kind === 'model' && cell.mode === 'encoder');
  if (tokens !== undefined && encoderOnly) err('note: --tokens has no effect on the encoder (-w 1)\n');
}

/** An interruption has an exit code of its own, which the caller sets. */
function exitCodeOf(result: BenchResult, interrupted: boolean): ExitCode {
  if (interrupted) return EXIT.ok;
  if (result.errors.length > 0) return EXIT.error;
  return changedTokens(result).length > 0 ? EXIT.compare : EXIT.ok;
}
