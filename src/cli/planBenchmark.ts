import type { AudioPlan, BenchPlan, CommandCellPlan, ModelCellPlan } from '../bench/plan/benchPlan.js';
import { expandCells } from '../bench/plan/expandCells.js';
import { checkCommand, fillCommand } from '../bench/run/fillCommand.js';
import { type CellFlag, SETTINGS, type Setting } from '../bench/settings.js';
import { QwenAsrError } from '../error.js';
import { parseSyntheticName } from '../model/syntheticName.js';
import { type BENCH_OPTIONS, readSeconds } from './benchOptions.js';
import { checkLanguage } from './checkLanguage.js';
import { checkSegments } from './checkSegments.js';
import { chosenModel } from './chosenModel.js';
import type { OptionValues } from './options.js';
import { planVs } from './planVs.js';
import { CELL_FLAGS } from './settingOptions.js';

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
  const found = models.map((model) => chosenModel(model) ?? model);
  const cells = expandCells(planAudio(values), { ...values, model: distinct(found) });
  checkSegments(values, cells);
  const compared = planCompared(values, cells);
  for (const cell of [...cells, ...compared]) {
    if (cell.kind !== 'model') continue;
    checkLanguage(cell.language, cell.model);
  }
  const isComparison = compared.length > 0;
  return {
    kind: isComparison ? 'comparison' : cells.length > 1 ? 'sweep' : 'benchmark',
    cells: isComparison ? compared : cells,
    runs: values.runs ?? (values.budget === undefined ? (isComparison ? COMPARED_RUNS : DEFAULT_RUNS) : null),
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

/** A of a comparison and all that it is compared with; empty when none was asked for. */
function planCompared(
  values: BenchValues,
  cells: readonly ModelCellPlan[],
): (ModelCellPlan | CommandCellPlan)[] {
  const [base, ...others] = cells;
  const texts = values.vs ?? [];
  const commands = values['vs-cmd'] ?? [];
  if (base === undefined || texts.length + commands.length === 0) return [];
  if (others.length > 0) {
    const option = texts.length > 0 ? '--vs' : '--vs-cmd';
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
  const planned = texts.map((text) => planVs(base, text));
  return [
    nameFirst(base, new Set(planned.flatMap(({ flags }) => flags))),
    ...planned.map(({ cell }) => ({ ...cell, id: unique(cell.label) })),
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

/** A is called by the options that B changes, so that a reader sees both. */
function nameFirst(cell: ModelCellPlan, changed: ReadonlySet<CellFlag>): ModelCellPlan {
  const parts = CELL_FLAGS.filter((flag) => changed.has(flag)).map((flag) => {
    const { option, cell: change }: Setting = SETTINGS[flag];
    const value = change?.shown(cell);
    const name = option?.short === undefined ? `--${flag}` : `-${option.short}`;
    if (option?.several === 'never') return value === true ? name : `without ${name}`;
    return `${name} ${value}`;
  });
  return { ...cell, label: parts.length === 0 ? 'qwen-asr' : parts.join(' ') };
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
