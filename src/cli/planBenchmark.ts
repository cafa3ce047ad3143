import type {
  AudioPlan,
  BenchPlan,
  CellPlan,
  CommandCellPlan,
  ModelCellPlan,
} from '../bench/plan/benchPlan.js';
import { changeCell, expandCells } from '../bench/plan/expandCells.js';
import { checkCommandTemplate, fillCommand } from '../bench/run/openCommandCell.js';
import type { Setting } from '../bench/settings/setting.js';
import { type CellFlag, isCut, SETTINGS } from '../bench/settings/settings.js';
import { QwenAsrError } from '../error.js';
import { parseSyntheticName } from '../model/syntheticName.js';
import { type BenchValues, readSeconds } from './benchOptions.js';
import { checkLanguage, chosenModel } from './chosenModel.js';
import { CELL_FLAGS, singleOptions } from './commonOptions.js';
import { parseOptions } from './options.js';

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
  checkStream(values, cells);
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
  checkCommandTemplate(command);
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

const OPTIONS = singleOptions(CELL_FLAGS, '--vs');

/** B of a comparison, and the flags of what it has another value of than A. */
interface VsPlan {
  readonly cell: ModelCellPlan;
  readonly flags: readonly CellFlag[];
}

/**
 * B of a comparison: A with some of its options replaced. Without any it is A again, which shows what the comparison makes
 * of nothing.
 *
 * @param text of `--vs`, for example `-t 1 --precision f32`
 * @throws QwenAsrError `usage`
 */
function planVs(base: ModelCellPlan, text: string): VsPlan {
  const values = readVs(text);
  const label = text.trim() === '' ? 'the same again' : text.trim();
  const flags = CELL_FLAGS.filter((flag) => values[flag] !== undefined);
  const cell = flags.reduce((so, flag) => changeCell(so, SETTINGS[flag].cell, values[flag]), base);
  checkSegments(values, [cell], '--vs: ');
  checkStream(values, [cell], '--vs: ');
  const model = chosenModel(cell.model) ?? cell.model;
  return { cell: { ...cell, model, id: label, label }, flags };
}

function readVs(text: string) {
  try {
    return parseOptions(OPTIONS, shellWords(text, '--vs')).values;
  } catch (error) {
    if (!(error instanceof QwenAsrError) || error.message.startsWith('--vs')) throw error;
    const names = Object.keys(OPTIONS).map((name) => `--${name}`);
    const hint = error.message.startsWith('unknown option') ? ` (--vs takes ${names.join(', ')})` : '';
    const message = error.message.replace(/; -h lists.*/, '');
    throw new QwenAsrError('usage', `--vs: ${message}${hint}`, { cause: error });
  }
}

/** Options on how audio is cut, as they were given. */
interface SegmentValues {
  readonly segment?: readonly number[] | number;
  readonly batch?: readonly number[] | number;
  readonly 'skip-silence'?: true;
  readonly vad?: true;
}

/**
 * Refuses options on cutting that could have no effect: on what the cells do, or without one another.
 *
 * @param place what the message begins with: `--vs: ` for options of the other side
 * @throws QwenAsrError `usage`
 */
function checkSegments(values: SegmentValues, cells: readonly CellPlan[], place = ''): void {
  const models = cells.filter((cell) => cell.kind === 'model');
  const cut = models.some(isCut);
  if (values.batch !== undefined && !cut) {
    throw refusal(place, '--batch', 'segments to decode side by side (--segment)', 'audio that is not cut');
  }
  const asked = [
    ...(cut && values.segment !== undefined ? ['--segment'] : []),
    ...(values['skip-silence'] ? ['--skip-silence'] : []),
    ...(values.vad ? ['--vad'] : []),
  ];
  const [option] = asked;
  if (option !== undefined && models.some(({ mode }) => mode === 'encoder')) {
    throw refusal(place, option, 'the full pipeline (-w 0)', 'the encoder alone (-w 1)');
  }
  const leavesOut = values['skip-silence'] ? '--skip-silence' : values.vad ? '--vad' : null;
  if (leavesOut !== null && models.some(({ audio }) => audio.kind === 'silence')) {
    throw refusal(place, leavesOut, 'recordings (-i)', 'nothing but silence');
  }
}

/** Options that mean nothing for text while it is spoken. */
const OF_WHOLE_RECORDINGS = [
  'tokens',
  'segment',
  'batch',
  'skip-silence',
  'vad',
  'roofline',
  'vs-cmd',
] as const;

/**
 * Refuses options on live text without it, and the others that could have no effect beside it.
 *
 * @throws QwenAsrError `usage`
 */
function checkStream(
  values: { readonly [Name in (typeof OF_WHOLE_RECORDINGS)[number] | 'stream' | 'chunk' | 'pace']?: unknown },
  cells: readonly ModelCellPlan[],
  place = '',
): void {
  const isLive = cells.some(({ stream }) => stream !== null);
  const option = (['chunk', 'pace'] as const).find((name) => values[name] !== undefined);
  if (!isLive && option !== undefined) {
    throw refusal(place, `--${option}`, 'text while it is spoken (--stream)', 'recordings as a whole');
  }
  if (!isLive) return;
  const odd = OF_WHOLE_RECORDINGS.find((name) => values[name] !== undefined);
  if (odd !== undefined) throw refusal(place, `--${odd}`, 'recordings as a whole', '--stream');
  if (cells.some((cell) => cell.stream !== null && (isCut(cell) || cell.skipSilence))) {
    throw refusal(place, '--stream', 'a recording as it is', 'one that is cut');
  }
  if (cells.some(({ mode }) => mode === 'encoder')) {
    throw refusal(place, '--stream', 'the full pipeline (-w 0)', 'the encoder alone (-w 1)');
  }
}

function refusal(place: string, option: string, expected: string, found: string): QwenAsrError {
  return new QwenAsrError('usage', `${place}${option}: expected ${expected}, found ${found}`);
}

/** An unquoted piece, '…' (all as it is), "…" (in which a backslash escapes " and \), or a backslash and what it escapes. */
const PIECE = /[^\s'"\\]+|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/y;

/**
 * Splits a text into words as a POSIX shell does, without its expansions: blanks separate, quotes join.
 *
 * @param option named in the message
 * @throws QwenAsrError `usage` for a quote that is not closed
 * @example
 * shellWords("-t 2 -d 'my models/0.6b'", '--vs'); // ['-t', '2', '-d', 'my models/0.6b']
 */
export function shellWords(text: string, option: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; ) {
    if (/\s/.test(text[at] ?? '')) {
      if (word !== undefined) words.push(word);
      word = undefined;
      at++;
      continue;
    }
    PIECE.lastIndex = at;
    const piece = PIECE.exec(text);
    if (piece === null) {
      throw new QwenAsrError('usage', `${option}: expected closed quotes, found ${JSON.stringify(text)}`);
    }
    const [whole, single, double, escaped] = piece;
    word = (word ?? '') + (single ?? double?.replace(/\\(["\\])/g, '$1') ?? escaped ?? whole);
    at += whole.length;
  }
  if (word !== undefined) words.push(word);
  return words;
}
