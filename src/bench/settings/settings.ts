import { PRECISIONS } from '../../ops/operators.js';
import { isAutomatic } from '../../text/languages.js';
import { DEFAULT_BATCH, MAX_BATCH } from '../../transcribe/transcribeSegments.js';
import { formatThreads } from '../document/figures.js';
import { type ArithmeticChoice, type ModelCellPlan, PACES, type StreamPlan } from '../plan/benchPlan.js';
import type { CellFacts } from '../run/cellSession.js';
import { LOAD_SETTINGS } from './loadSettings.js';
import {
  anyText,
  decimalNumber,
  durationMs,
  oneOf,
  segmentSeconds,
  wholeNumber,
  wordOr,
} from './optionValues.js';
import type { CellChange, CellContext, Setting, SettingOption, SettingValue } from './setting.js';

const FURTHER = 'Further options';
const MEASURING = 'Measuring';

/** Every run is kept until the end: more would need gigabytes, and weeks. */
const MAX_RUNS = 100_000;

const asIs = (value: string | number | null): string => String(value);

/** Its audio becomes segments, which can be decoded side by side. */
export function isCut({
  segmentSeconds: seconds,
  vad,
}: Pick<ModelCellPlan, 'segmentSeconds' | 'vad'>): boolean {
  return seconds !== null || vad;
}

/** The published algorithm's steps. */
const DEFAULT_STREAM: StreamPlan = { chunkSeconds: 2, pace: 'simulated' };

/** A setting of live transcriptions, which is null for all others. */
function ofStream<Name extends keyof StreamPlan>(name: Name) {
  const value = ofModel<StreamPlan[Name] | null>(({ stream }) => stream?.[name] ?? null, null);
  return {
    stored: value,
    older: null,
    compared: true,
    resumed: { name: name === 'pace' ? 'pace' : 'chunk', wanted: value },
    cell: {
      id: name === 'pace' ? 'pace' : 'chunk',
      put: (given: StreamPlan[Name], { stream }: ModelCellPlan) => ({
        stream: stream && { ...stream, [name]: given },
      }),
      shown: ({ stream }: ModelCellPlan) => stream?.[name] ?? null,
      applies: ({ stream }: ModelCellPlan) => stream !== null,
    },
  } as const;
}

/** A value of cells that run this engine, and what stands there for a command. */
function ofModel<Value>(of: (cell: ModelCellPlan, facts: CellFacts | null) => Value, otherwise: Value) {
  return ({ cell, facts }: Pick<CellContext, 'cell'> & Partial<CellContext>): Value =>
    cell.kind === 'model' ? of(cell, facts ?? null) : otherwise;
}

/** What a model is loaded with: it has been resolved when the cell is ready, else only what was asked for is known. */
function arithmetic<Name extends keyof ArithmeticChoice>(name: Name) {
  const asked = ({ load }: ModelCellPlan) =>
    load[name] === 'auto' || load[name] === 'native' ? undefined : load[name];
  return {
    key: name,
    stored: ofModel<SettingValue>((cell, facts) => facts?.model?.[name] ?? asked(cell) ?? null, null),
    resumed: { name, wanted: ofModel<SettingValue | undefined>(asked, undefined) },
    cell: {
      id: name === 'threads' ? 't' : name,
      put: (value: ArithmeticChoice[Name] | undefined, { load }: ModelCellPlan) =>
        value === undefined ? {} : { load: { ...load, [name]: value } },
      shown: ({ load }: ModelCellPlan) => load[name] ?? 'auto',
    },
    compared: true,
  } as const;
}

/**
 * The settings of a cell, in the order of the help. A new one has its entry here, a field in what results
 * store (`settingsRecord`), one in the plan of a cell if it changes what runs do, and the code that obeys it; expansion, ids, `--vs`, `--resume`, comparing, describing, CSV, sweeps, charts and the completion of
 * shells are loops over this table.
 */
export const SETTINGS = {
  model: {
    key: 'model',
    option: {
      short: 'd',
      placeholder: 'DIR',
      section: 'Required',
      help: ['Model directory (*.safetensors + vocab.json)'],
      read: anyText,
      several: 'repeated',
    },
    cell: { id: 'd', put: (model: string) => ({ model }), shown: ({ model }) => model },
    stored: ({ modelId }) => modelId,
    axis: {
      name: 'model',
      numeric: false,
      of: ({ settings }, { models }) => models.find(({ id }) => id === settings.model)?.source ?? null,
      show: asIs,
    },
    // Said where there are several.
    describe: ({ model }, { models }) =>
      models.length > 1 ? (models.find(({ id }) => id === model)?.source ?? null) : null,
  },
  threads: {
    ...arithmetic('threads'),
    option: {
      short: 't',
      placeholder: 'N',
      section: 'Options',
      help: ['Number of threads (default: auto)'],
      read: wholeNumber(1),
      several: 'numbers',
    },
    axis: {
      name: 'threads',
      numeric: true,
      show: (value) => (value === 1 ? '1 thread' : `${value} threads`),
    },
    describe: ({ threads }) => (threads === null ? null : formatThreads(threads)),
  },
  runs: {
    key: 'runs',
    option: {
      short: 'n',
      placeholder: 'N',
      section: 'Options',
      help: ['Number of benchmark runs (default: 5)'],
      read: wholeNumber(1, MAX_RUNS),
      several: 'once',
    },
    stored: ({ plan }) => plan.runs ?? 0,
  },
  audio: { key: 'audio', stored: ({ audioId }) => audioId },
  what: {
    key: 'mode',
    option: {
      short: 'w',
      placeholder: 'N',
      section: 'Options',
      help: [
        'What to benchmark:',
        '  0 (default) — full pipeline (encode + decode)',
        '  1           — encoder only',
      ],
      read: oneOf(['0', '1']),
      several: 'words',
    },
    cell: {
      id: 'w',
      put: (what: '0' | '1') => ({ mode: what === '1' ? 'encoder' : 'pipeline' }),
      shown: ({ mode }) => (mode === 'encoder' ? 1 : 0),
    },
    stored: ofModel<SettingValue>(({ mode }) => mode, 'command'),
    compared: true,
    resumed: { name: 'mode', wanted: ofModel<SettingValue | undefined>(({ mode }) => mode, undefined) },
    axis: { name: 'mode', numeric: false, show: asIs },
    // Of a server the number of clients says it.
    describe: ({ mode, endpoint }) =>
      endpoint == null
        ? { pipeline: 'full pipeline', encoder: 'encoder only', command: 'command' }[mode]
        : null,
  },
  tokens: {
    key: 'exactTokens',
    option: {
      placeholder: 'N',
      section: FURTHER,
      help: ['Decode exactly N tokens in every run (segment), whatever the model says'],
      read: wholeNumber(1),
      several: 'numbers',
    },
    cell: {
      id: 'tokens',
      put: (exactTokens: number) => ({ exactTokens }),
      shown: ({ exactTokens }) => exactTokens ?? 'auto',
    },
    stored: ({ facts }) => facts?.exactTokens ?? null,
    compared: true,
    resumed: { name: 'tokens', wanted: ofModel(({ exactTokens }) => exactTokens, undefined) },
    axis: { name: 'tokens', numeric: true, show: (value) => `${value} tokens` },
    describe: ({ exactTokens, segmentSeconds: seconds }) =>
      exactTokens === null ? null : `${exactTokens} tokens${seconds === null ? '' : ' a segment'}`,
  },
  segment: {
    key: 'segmentSeconds',
    option: {
      placeholder: 'SECONDS',
      section: FURTHER,
      help: ['Split at quiet points into segments of this length; 0 (default): never'],
      read: segmentSeconds,
      several: 'numbers',
    },
    cell: {
      id: 'segment',
      put: (seconds: number, cell) =>
        seconds === 0
          ? { segmentSeconds: null, batch: cell.vad ? cell.batch : 1 }
          : { segmentSeconds: seconds, batch: isCut(cell) ? cell.batch : DEFAULT_BATCH },
      shown: ({ segmentSeconds: seconds }) => seconds ?? 0,
    },
    stored: ofModel<SettingValue>(({ segmentSeconds: seconds }) => seconds, null),
    compared: true,
    resumed: {
      name: 'segment',
      wanted: ofModel<SettingValue | undefined>(({ segmentSeconds: seconds }) => seconds, undefined),
      show: (seconds) => String(seconds ?? 'never'),
    },
    axis: {
      name: 'segment',
      numeric: true,
      title: 'seconds of a segment',
      show: (seconds) => (seconds === null ? 'not cut' : `segments of ${seconds} s`),
    },
    describe: ({ segmentSeconds: seconds, batch }) =>
      seconds === null ? null : `segments of ${seconds} s, batch ${batch}`,
  },
  batch: {
    key: 'batch',
    option: {
      placeholder: 'N',
      section: FURTHER,
      help: ['Segments decoded side by side (default: 4)'],
      read: wholeNumber(1, MAX_BATCH),
      several: 'numbers',
    },
    cell: {
      id: 'batch',
      put: (batch: number) => ({ batch }),
      shown: ({ batch }) => batch,
      applies: isCut,
    },
    stored: ofModel(({ batch }) => batch, 1),
    compared: true,
    resumed: { name: 'batch', wanted: ofModel<number | undefined>(({ batch }) => batch, undefined) },
    axis: { name: 'batch', numeric: true, show: (batch) => `batch ${batch}` },
  },
  'skip-silence': {
    key: 'skipSilence',
    option: {
      placeholder: '',
      section: FURTHER,
      help: ['Leave out silence: 1 s or more below -60 dBFS'],
      read: anyText,
      several: 'never',
    },
    cell: {
      id: 'skip-silence',
      put: (skipSilence: true) => ({ skipSilence }),
      shown: ({ skipSilence }) => skipSilence,
    },
    stored: ofModel(({ skipSilence }) => skipSilence, false),
    older: false,
    compared: true,
    resumed: {
      name: 'skip-silence',
      wanted: ofModel<boolean | undefined>(({ skipSilence }) => skipSilence, undefined),
    },
    describe: ({ skipSilence }) => (skipSilence ? 'without silence' : null),
  },
  vad: {
    key: 'vad',
    option: {
      placeholder: '',
      section: FURTHER,
      help: [
        'Leave out all but speech (voice activity): segments begin and end at pauses, 30 s long at most, or as --segment says',
      ],
      read: anyText,
      several: 'never',
    },
    cell: {
      id: 'vad',
      put: (vad: true, cell) => ({ vad, batch: isCut(cell) ? cell.batch : DEFAULT_BATCH }),
      shown: ({ vad }) => vad,
    },
    stored: ofModel(({ vad }) => vad, false),
    older: false,
    compared: true,
    resumed: { name: 'vad', wanted: ofModel<boolean | undefined>(({ vad }) => vad, undefined) },
    describe: ({ vad, segmentSeconds: seconds, batch }) =>
      vad === true ? `speech alone${seconds === null ? `, batch ${batch}` : ''}` : null,
  },
  stream: {
    key: 'stream',
    option: {
      placeholder: '',
      section: FURTHER,
      help: ['Live: text while the audio is spoken, in steps, with the delays that its reader sees'],
      read: anyText,
      several: 'never',
    },
    cell: {
      id: 'stream',
      put: (_: true) => ({ stream: DEFAULT_STREAM }),
      shown: ({ stream }) => stream !== null,
    },
    stored: ofModel(({ stream }) => stream !== null, false),
    older: false,
    compared: true,
    resumed: {
      name: 'stream',
      wanted: ofModel<boolean | undefined>(({ stream }) => stream !== null, undefined),
    },
    describe: ({ stream, pace }) =>
      stream === true ? `live (${pace === 'simulated' ? 'simulated clock' : "the recording's pace"})` : null,
  },
  chunk: {
    key: 'chunkSeconds',
    ...ofStream('chunkSeconds'),
    option: {
      placeholder: 'SECONDS',
      section: FURTHER,
      help: ['Audio from one live step to the next, 0.5 to 30 (default: 2)'],
      read: decimalNumber(0.5, 30, 'seconds'),
      several: 'numbers',
    },
    axis: {
      name: 'chunk',
      numeric: true,
      title: 'seconds of a step',
      show: (seconds) => `chunk ${seconds} s`,
    },
    describe: ({ chunkSeconds }) => (chunkSeconds == null ? null : `steps of ${chunkSeconds} s`),
  },
  pace: {
    key: 'pace',
    ...ofStream('pace'),
    option: {
      placeholder: 'CLOCK',
      section: FURTHER,
      help: [
        'simulated (default): live audio waits for nobody, but no time is spent waiting for it; recording: it comes as it was spoken',
      ],
      read: oneOf(PACES),
      several: 'words',
    },
    axis: { name: 'pace', numeric: false, show: asIs },
  },
  language: {
    key: 'language',
    option: {
      placeholder: 'NAME',
      section: FURTHER,
      help: ['Language spoken, by name, code or locale (default: auto, recognised)'],
      read: anyText,
      several: 'once',
    },
    cell: {
      id: 'language',
      put: (language: string) => ({ language: isAutomatic(language) ? undefined : language }),
      shown: ({ language }) => language ?? 'auto',
    },
    stored: ({ cell, endpoint }) => (cell.kind === 'model' ? cell : endpoint)?.language ?? null,
    compared: true,
    resumed: {
      name: 'language',
      wanted: ofModel<SettingValue | undefined>(({ language }) => language ?? null, undefined),
    },
  },
  backend: {
    ...arithmetic('backend'),
    option: {
      placeholder: 'NAME',
      section: FURTHER,
      help: [
        'How to compute: auto (default), native (machine code, also where auto leaves it off), reference, x64, arm64 or wasm',
      ],
      read: oneOf(['auto', 'native', 'reference', 'x64', 'arm64', 'wasm']),
      several: 'words',
    },
    axis: { name: 'backend', numeric: false, show: asIs },
    describe: ({ backend, isa }) => [backend, isa].filter(Boolean).join(' '),
  },
  precision: {
    ...arithmetic('precision'),
    option: {
      placeholder: 'NAME',
      section: FURTHER,
      help: ['What products multiply: auto (default), f32, bf16, int8 or int4'],
      read: oneOf(['auto', ...PRECISIONS]),
      several: 'words',
    },
    axis: { name: 'precision', numeric: false, show: asIs },
    describe: ({ precision }) => precision,
  },
  isa: {
    ...arithmetic('isa'),
    option: {
      placeholder: 'LEVEL',
      section: FURTHER,
      help: [
        'Instruction set (default: the best): avx2, avx512f, avx512bf16, amx, avx2+avxvnni, avx512f+vnni, wasm, …',
      ],
      read: anyText,
      several: 'words',
    },
    axis: { name: 'isa', numeric: false, show: asIs },
  },
  warmup: {
    key: 'warmup',
    option: {
      placeholder: 'N',
      section: MEASURING,
      help: ['Runs before the measured ones (default: 1); auto: until they are steady'],
      read: wordOr('auto', wholeNumber(0, MAX_RUNS)),
      several: 'once',
    },
    stored: ({ plan }) => plan.warmup,
    resumed: { name: 'warm-up', wanted: ({ plan }) => plan.warmup },
  },
  delay: {
    key: 'delayMs',
    option: {
      placeholder: 'TIME',
      section: MEASURING,
      help: ['Pause before every run, such as 500ms or 2s'],
      read: durationMs,
      several: 'once',
    },
    stored: ({ plan }) => plan.delayMs,
    resumed: { name: 'delay', wanted: ({ plan }) => plan.delayMs, show: (ms) => `${ms} ms` },
  },
  isolate: {
    key: 'isolated',
    option: {
      placeholder: '',
      section: MEASURING,
      help: ['A process of its own for every setting'],
      read: anyText,
      several: 'never',
    },
    stored: ({ plan, cell }) => plan.isolated && cell.kind === 'model',
    resumed: { name: 'isolation', wanted: ({ plan, cell }) => plan.isolated && cell.kind === 'model' },
  },
  command: {
    key: 'command',
    stored: ({ cell }) => (cell.kind === 'command' ? cell.command : null),
    compared: true,
    resumed: { name: 'command', wanted: ({ cell }) => (cell.kind === 'command' ? cell.command : undefined) },
    describe: ({ command }) => command,
  },
  ...LOAD_SETTINGS,
} as const satisfies Readonly<Record<string, Setting>>;

/** The table, with what is known of each entry. */
export type SettingTable = typeof SETTINGS;

/** Settings of the table by name, which is the long flag. */
export type SettingName = keyof SettingTable;

/** Settings that a flag names. */
export type SettingFlag = {
  [Name in SettingName]: SettingTable[Name] extends { readonly option: SettingOption } ? Name : never;
}[SettingName];

/** Settings that decide what a cell does, rather than how it is measured. */
export type CellFlag = {
  [Name in SettingName]: SettingTable[Name] extends { readonly cell: CellChange } ? Name : never;
}[SettingName];

/** Every setting with its name. */
export const ALL_SETTINGS: readonly (readonly [name: SettingName, setting: Setting])[] = Object.entries(
  SETTINGS,
) as [SettingName, Setting][];
