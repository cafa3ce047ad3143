import type { AudioPlan, BenchPlan, CommandCellPlan, ModelCellPlan } from '../bench/plan/benchPlan.js';
import { expandCells } from '../bench/plan/expandCells.js';
import { checkCommand, fillCommand } from '../bench/run/fillCommand.js';
import { QwenAsrError } from '../error.js';
import { parseSyntheticName } from '../model/syntheticName.js';
import { isAutomatic } from '../text/languages.js';
import { type BENCH_OPTIONS, readSeconds } from './benchOptions.js';
import { checkLanguage } from './checkLanguage.js';
import { checkModelSource } from './checkModelSource.js';
import { checkSegments } from './checkSegments.js';
import type { OptionValues } from './options.js';
import { planRival } from './planRival.js';

type BenchValues = OptionValues<typeof BENCH_OPTIONS>;

/** The classic number of runs. */
const DEFAULT_RUNS = 5;
/** Five pairs have no interval, six the widest. */
const COMPARED_RUNS = 10;

/**
 * What a command line asks for, checked as far as that is possible before anything is loaded.
 *
 * @param models what -d names, at least one
 * @throws QwenAsrError `usage` or `file`
 */
export function planBenchmark(values: BenchValues, models: readonly string[]): BenchPlan {
  const cells = expandCells({
    models: distinct(models),
    modes: (values.what ?? ['0']).map((what) => (what === '1' ? 'encoder' : 'pipeline')),
    backends: values.backend ?? [undefined],
    isas: values.isa ?? [undefined],
    precisions: values.precision ?? [undefined],
    threads: values.threads ?? [undefined],
    audio: planAudio(values),
    exactTokens: values.tokens ?? [undefined],
    segmentSeconds: (values.segment ?? [0]).map((seconds) => (seconds === 0 ? null : seconds)),
    batches: values.batch ?? [undefined],
    language: values.language === undefined || isAutomatic(values.language) ? undefined : values.language,
    skipSilence: values['skip-silence'] === true,
  });
  checkSegments(values, cells);
  const rivals = planRivals(values, cells);
  for (const cell of [...cells, ...rivals]) {
    if (cell.kind !== 'model') continue;
    checkModelSource(cell.model);
    checkLanguage(cell.language, cell.model);
  }
  const compared = rivals.length > 0;
  const [first] = cells;
  return {
    kind: compared ? 'comparison' : cells.length > 1 ? 'sweep' : 'benchmark',
    cells: compared && first !== undefined ? [nameFirst(first, values), ...rivals] : cells,
    runs: values.runs ?? (values.budget === undefined ? (compared ? COMPARED_RUNS : DEFAULT_RUNS) : null),
    warmup: values.warmup ?? 1,
    delayMs: values.delay ?? 0,
    budgetMs: values.budget ?? null,
    isolated: values.isolate === true,
    roofline: values.roofline === true,
  };
}

function planAudio({ input, seconds }: BenchValues): AudioPlan[] {
  if (input !== undefined) return distinct(input).map((path) => ({ kind: 'file', path }));
  return readSeconds(seconds ?? '5', '-s').map((seconds) => ({ kind: 'silence', seconds }));
}

function planRivals(
  values: BenchValues,
  cells: readonly ModelCellPlan[],
): (ModelCellPlan | CommandCellPlan)[] {
  const [base, ...others] = cells;
  const settings = values.vs ?? [];
  const commands = values['vs-cmd'] ?? [];
  if (base === undefined || settings.length + commands.length === 0) return [];
  if (others.length > 0) {
    const option = settings.length > 0 ? '--vs' : '--vs-cmd';
    throw new QwenAsrError(
      'usage',
      `${option}: expected one setting to compare with, found a sweep of ${cells.length}`,
    );
  }
  const ids = new Set(['base']);
  const unique = (text: string): string => {
    let id = text;
    for (let number = 2; ids.has(id); number++) id = `${text} #${number}`;
    ids.add(id);
    return id;
  };
  return [
    ...settings.map((text) => {
      const rival = planRival(base, text);
      return { ...rival, id: unique(rival.label) };
    }),
    ...commands.map((command) => planCommand(base, command, unique)),
  ];
}

function planCommand(
  { model, audio, load }: ModelCellPlan,
  command: string,
  unique: (text: string) => string,
): CommandCellPlan {
  checkCommand(command);
  if (command.includes('{model}') && parseSyntheticName(model) !== null) {
    throw new QwenAsrError('usage', `--vs-cmd: expected a model directory for {model}, found ${model}`);
  }
  if (command.includes('{audio}') && audio.kind === 'file' && audio.path === '-') {
    throw new QwenAsrError('usage', '--vs-cmd: expected a file for {audio}, found standard input');
  }
  // Names that cannot stand where the command has them are an error before anything is loaded.
  fillCommand(command, { audio: audio.kind === 'file' ? audio.path : 'silence.wav', model, threads: 1 });
  const label = programOf(command);
  return { kind: 'command', id: unique(label), label, command, audio, model, threads: load.threads };
}

/** The name of the program that a command starts, without its folder and quotes. */
function programOf(command: string): string {
  const found = /^\s*(?:(['"])(?<quoted>.*?)\1|(?<bare>\S+))/.exec(command)?.groups;
  const path = found?.['quoted'] ?? found?.['bare'] ?? '';
  return path.split('/').at(-1) || command;
}

/** Called by the options that the other side changes, so that a reader sees both. */
function nameFirst(cell: ModelCellPlan, values: BenchValues): ModelCellPlan {
  const texts = values.vs ?? [];
  const { load, model, exactTokens, segmentSeconds, batch, skipSilence } = cell;
  const named: readonly (readonly [pattern: RegExp, text: string])[] = [
    [/(^|\s)(-d|--model)/, `-d ${model}`],
    [/(^|\s)(-t|--threads)/, `-t ${load.threads ?? 'auto'}`],
    [/--backend/, `--backend ${load.backend ?? 'auto'}`],
    [/--precision/, `--precision ${load.precision ?? 'auto'}`],
    [/--isa/, `--isa ${load.isa ?? 'auto'}`],
    [/--tokens/, `--tokens ${exactTokens ?? 'auto'}`],
    [/--segment/, `--segment ${segmentSeconds ?? 0}`],
    [/--batch/, `--batch ${batch}`],
    [/--skip-silence/, skipSilence ? '--skip-silence' : 'without --skip-silence'],
  ];
  const parts = named.filter(([pattern]) => texts.some((text) => pattern.test(text))).map(([, text]) => text);
  return { ...cell, label: parts.length === 0 ? 'qwen-asr' : parts.join(' ') };
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
