import type { PhaseName } from '../phases.js';
import {
  accuracyRecord,
  comparisonRecord,
  corpusAccuracyRecord,
  driftRecord,
  loadRecord,
  summaryRecord,
} from './figureRecords.js';
import { environmentRecord, machineRecord, SHA256 } from './machineRecord.js';
import { memoryRecord, runRecord, UTC_TIME } from './runRecord.js';
import {
  amount,
  constant,
  count,
  either,
  enumOf,
  flag,
  list,
  named,
  number,
  object,
  optional,
  orNull,
  record,
  type Shape,
  schemaOf,
  text,
  type ValueOf,
} from './shape.js';
import { offlineRecord } from './streamRecord.js';

/*
 * The one document that qwen_asr_bench writes, whatever it measured: these descriptions are where its types, its JSON
 * Schema (schemas/bench-result-v1.schema.json), its validation and the tables of docs/bench-schema.md come from. Within
 * a version fields are only ever added, so a reader of version 1 ignores what it does not know; a new word in an
 * enumerated field or another meaning raises the version.
 */

export const BENCH_RESULT_SCHEMA = 'qwen-asr-bench-result';
export const BENCH_RESULT_VERSION = 1;

const toolRecord = record('tool', 'The program that wrote the document.', {
  name: text(),
  version: text(),
  commit: orNull(
    text('commit of the checkout it ran from; null: an installed package', { pattern: '^[0-9a-f]{40,64}$' }),
  ),
});
export interface ToolRecord extends ValueOf<typeof toolRecord> {}

export const modelRecord = record('model', undefined, {
  id: text('named by settings.model, for example `m0`'),
  source: text('as the user wrote it: a directory, or `synthetic:SIZE:SEED`'),
  synthetic: flag('random weights: the text is meaningless'),
  published: orNull(text('name of the published model with these shapes')),
  parameters: orNull(count()),
  weightBytes: orNull(count()),
  encoderLayers: orNull(count()),
  decoderLayers: orNull(count()),
  /** `hashModel`. */
  hash: orNull(
    text('SHA-256 of name, size and 64 pieces of every safetensors file, or of the synthetic name', SHA256),
  ),
});
export interface ModelRecord extends ValueOf<typeof modelRecord> {}

export const audioRecord = record('audio', undefined, {
  id: text('named by settings.audio, for example `a0`'),
  path: orNull(text('null: silence')),
  durationMs: number(undefined, { exclusiveMinimum: 0 }),
  /** `hashSamples`. */
  hash: orNull(
    text(
      'SHA-256 of the 16 kHz mono samples as little-endian f32, of several recordings one after the other',
      SHA256,
    ),
  ),
  recordings: optional(
    list(
      object({ path: text(), durationMs: number(undefined, { exclusiveMinimum: 0 }) }),
      'of audio that is several recordings, which requests take in turn; path is then what was asked for, durationMs their sum',
    ),
  ),
});
export interface AudioRecord extends ValueOf<typeof audioRecord> {}

/** Null where the processor has no such instruction. */
const ceilingRates = {
  readBytesPerSecond: amount(),
  f32FlopsPerSecond: amount(),
  bf16FlopsPerSecond: orNull(amount()),
  int8OpsPerSecond: orNull(amount()),
  datapathBits: optional(
    orNull(number('bits that the vector units multiply at a time; absent in older files')),
  ),
  tuning: optional(text('what kernels were tuned to, for example `tileRows=6,l1Bytes=49152`')),
};
const ceilingSample = object(ceilingRates);
/** What the machine itself reaches. */
export interface CeilingRates extends ValueOf<typeof ceilingSample> {}

export const ceilingsRecord = record(
  'ceilings',
  'What the machine reaches on these threads when nothing else limits it.',
  {
    threads: count(),
    backend: text(),
    isa: text(),
    ...ceilingRates,
    samples: optional(
      list(
        ceilingSample,
        'every measurement, before and after the runs; the rates beside it are their medians',
      ),
    ),
  },
);
/** The same measured on these threads: the medians of `samples`. */
export interface CeilingsRecord extends ValueOf<typeof ceilingsRecord> {}

const settingsRecord = record('settings', 'Everything that was chosen for a cell, as resolved.', {
  mode: enumOf(
    ['pipeline', 'encoder', 'command'],
    'command: another engine, of which only the outside is known, or a server (endpoint)',
  ),
  model: orNull(text('id in models; null for a command')),
  audio: orNull(text('id in audio')),
  threads: orNull(count('null where a command does not tell, as in the next three')),
  backend: orNull(text()),
  isa: orNull(text()),
  precision: orNull(text()),
  runs: count('measured runs asked for'),
  warmup: either(constant('auto'), count()),
  exactTokens: orNull(
    count('tokens that every run, of cut audio every segment, was made to decode; null: the model decided'),
  ),
  language: orNull(text()),
  segmentSeconds: orNull(amount('length that segments aim at; null: the audio was not cut')),
  batch: count('segments decoded side by side at most; 1 when the audio was not cut'),
  skipSilence: optional(flag('silence was left out; absent in older files: it was not')),
  vad: optional(flag('all but speech was left out; absent in older files: it was not')),
  delayMs: amount('pause between runs'),
  isolated: flag('the cell had a process of its own'),
  command: orNull(text('command line of another engine')),
  stream: optional(flag('transcribed while it is spoken; absent in older files: it was not')),
  chunkSeconds: optional(orNull(amount('audio from one live step to the next; null: not live'))),
  pace: optional(
    orNull(enumOf(['simulated', 'recording'], 'the clock that the recording was spoken by; null: not live')),
  ),
  endpoint: optional(orNull(text('address of a server; it and what follows are null for other cells'))),
  protocol: optional(
    orNull(enumOf(['requests', 'realtime'], 'whole recordings, or live sessions at the pace of speech')),
  ),
  requestModel: optional(orNull(text('what requests ask for as model'))),
  clients: optional(orNull(count('a closed loop: each sends again once it has been answered'))),
  ratePerSecond: optional(
    orNull(amount('an open loop: requests a second on the mean, whatever was answered')),
  ),
  durationMs: optional(orNull(amount('measured part'))),
  rampMs: optional(orNull(amount('load before it, whose requests are warm-ups'))),
  timeoutMs: optional(orNull(amount())),
  seed: optional(orNull(count('of the arrivals'))),
  streamed: optional(orNull(flag('text was asked for while it is recognised'))),
  maxDelayMs: optional(orNull(amount('p95 of the delay that live sessions were to hold'))),
});
/** Everything that was chosen for a cell. Two cells may be compared when these agree. */
export interface CellSettings extends ValueOf<typeof settingsRecord> {}

const setupRecord = record('setup', 'What was done once, before the first run.', {
  loadMs: orNull(amount()),
  audioDecodeMs: orNull(amount()),
  resampleMs: orNull(amount()),
  memory: orNull(memoryRecord),
});
export interface SetupRecord extends ValueOf<typeof setupRecord> {}

/** What one run of a phase has to do: its place on the roofline is this and the phase's time. */
export interface WorkRecord {
  readonly phase: PhaseName;
  readonly flops: number | null;
  readonly bytes: number | null;
  /** The ceiling of its arithmetic. */
  readonly arithmetic: 'f32' | 'bf16' | 'int8';
}

const workRecord = record('work', 'What one run of a phase has to do.', {
  phase: text('a phase without its Ms') as Shape<PhaseName>,
  flops: orNull(amount()),
  bytes: orNull(amount()),
  arithmetic: enumOf(['f32', 'bf16', 'int8'], 'which ceiling its arithmetic has'),
}) satisfies Shape<WorkRecord>;

/** What is known of a cell before its first run. */
export const cellStartRecord = object({
  id: text('unique in the document: the axes that vary, such as `t=2 s=5`, or `base`', { minLength: 1 }),
  settings: settingsRecord,
  setup: setupRecord,
  frames: orNull(count('mel frames that go into the encoder')),
  work: list(workRecord, 'arithmetic and memory traffic of one run, by phase; empty when unknown'),
  offline: optional(orNull(offlineRecord)),
});

/** What is known of it after its last. */
export const cellEndRecord = object({
  steady: orNull(flag('the warm-up reached a steady state; null: it was not asked to')),
  drift: orNull(driftRecord),
  accuracy: orNull(accuracyRecord),
  complete: flag('all planned runs were made'),
  error: orNull(text('why there are fewer, in one line')),
  notes: list(text()),
  offlineAccuracy: optional(orNull(accuracyRecord, 'of the offline text')),
  agreement: optional(
    orNull(accuracyRecord, 'the live text against the offline one, which is its `reference`'),
  ),
});

const streamSummaryRecord = named(
  summaryRecord,
  'every segment, word and step of all runs summed up: first_words, commit_delay, final_delay, step; null: not live',
);

const cellRecord = record('cell', 'One setting and its runs.', {
  ...cellStartRecord.fields,
  warmups: list(runRecord),
  runs: list(runRecord, 'the measured runs in their order, every one'),
  summary: orNull(named(summaryRecord), 'by metric: total, encode, decode, rt_factor…'),
  streamSummary: optional(orNull(streamSummaryRecord)),
  ...cellEndRecord.fields,
  load: optional(orNull(loadRecord, 'of a server under load; computed from the runs')),
});
/** One setting and its runs. */
export interface CellRecord extends ValueOf<typeof cellRecord> {}

const setRecord = record('set', 'Recordings that were measured with one setting.', {
  cells: list(text(), 'ids in cells, one a recording'),
  audioMs: number('sum over the recordings', { exclusiveMinimum: 0 }),
  totalsMs: list(amount(), 'sum over the recordings, for each round that all of them have run'),
  accuracy: list(
    corpusAccuracyRecord,
    'of those with a reference text: one score for languages counted in words, one for those counted in characters',
  ),
  summary: named(summaryRecord, 'total, and rt_factor: total ÷ audio'),
  streamSummary: optional(orNull(streamSummaryRecord)),
  offlineAccuracy: optional(list(corpusAccuracyRecord, 'as accuracy, of the offline texts')),
  agreement: optional(list(corpusAccuracyRecord, 'the live texts against the offline ones')),
});
/** Recordings that were measured with one setting. */
export interface SetRecord extends ValueOf<typeof setRecord> {}

export const errorRecord = record('error', undefined, {
  cell: orNull(text('the cell it happened in; null: in none')),
  message: text(),
});
export interface ErrorRecord extends ValueOf<typeof errorRecord> {}

/** What is known before anything is measured. */
export const headerRecord = object({
  schema: constant(BENCH_RESULT_SCHEMA),
  version: constant(BENCH_RESULT_VERSION),
  kind: enumOf(['benchmark', 'sweep', 'comparison', 'ceilings'], 'what was asked for'),
  tool: toolRecord,
  createdAt: text('UTC: when the measurement began', UTC_TIME),
  commandLine: list(text(), "arguments after the program's name"),
  machine: machineRecord,
  environment: orNull(environmentRecord),
});

export const benchResultRecord = record(
  'result',
  'A field that could not be measured is null. Times are milliseconds, sizes are bytes. Within a version fields are only added, so readers ignore what they do not know; a new word in an enumerated field or another meaning raises the version.',
  {
    ...headerRecord.fields,
    complete: flag('false: ended early; what is here was finished all the same'),
    models: list(modelRecord),
    audio: list(audioRecord),
    ceilings: list(ceilingsRecord),
    cells: list(cellRecord),
    comparisons: list(comparisonRecord),
    sets: optional(list(setRecord, 'several recordings with one setting together; computed from the cells')),
    accuracy: orNull(
      corpusAccuracyRecord,
      'all recordings with a reference, each by its first cell; null for fewer than two, or when their metrics differ',
    ),
    notes: list(text(), 'things to know when reading the numbers, one sentence each'),
    errors: list(errorRecord),
  },
);

/** The whole document. */
export interface BenchResult extends ValueOf<typeof benchResultRecord> {}

/** The formal description of the document, JSON Schema 2020-12. */
export const benchResultSchema = schemaOf(benchResultRecord, {
  $id: 'urn:qwen-asr:bench-result:1',
  title: 'Result of qwen_asr_bench, version 1',
});
