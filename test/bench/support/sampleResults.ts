import type { PhaseTimes } from '../../../src/bench/phases.js';
import type { BenchEvent, BenchHeader, CellStart } from '../../../src/bench/record/benchEvent.js';
import { ResultRecorder } from '../../../src/bench/record/resultRecorder.js';
import type { BenchResult, CellSettings, ModelRecord } from '../../../src/bench/schema/benchResult.js';
import type { ComparisonRecord } from '../../../src/bench/schema/figureRecords.js';
import { hashMachine, hashTokens, type MachineRecord } from '../../../src/bench/schema/machineRecord.js';
import type { RunRecord } from '../../../src/bench/schema/runRecord.js';
import { comparePaired } from '../../../src/bench/statistics/comparePaired.js';
import { createRandom, type Random } from '../../../src/bench/statistics/random.js';

/*
 * Results that look like real ones, made up from a seed: every field of the format occurs in them, and every nullable
 * one both with and without a value.
 */

const BARE_MACHINE: Omit<MachineRecord, 'hash'> = {
  cpuModel: 'AMD EPYC 9R14',
  architecture: 'x64',
  physicalCores: 4,
  logicalCpus: 8,
  isa: ['avx2', 'avx512f', 'avx512bf16', 'avx512vnni'],
  caches: { l1dBytes: 32768, l2Bytes: 1_048_576, l3Bytes: 33_554_432 },
  memoryBytes: 33_285_996_544,
  platform: 'linux',
  osName: 'Debian GNU/Linux 12 (bookworm)',
  kernel: '6.1.0-28-amd64',
  node: 'v20.20.2',
};

export const MACHINE: MachineRecord = { ...BARE_MACHINE, hash: hashMachine(BARE_MACHINE) };

export const HEADER: BenchHeader = {
  schema: 'qwen-asr-bench-result',
  version: 1,
  kind: 'benchmark',
  tool: { name: 'qwen_asr_bench', version: '0.1.0', commit: '0123456789abcdef0123456789abcdef01234567' },
  createdAt: '2026-03-01T12:00:00.000Z',
  commandLine: ['-d', 'qwen3-asr-0.6b', '-i', 'clip.wav', '-n', '20'],
  machine: MACHINE,
  environment: {
    allowedCpus: 8,
    cgroupCpus: 4.5,
    cgroupMemoryBytes: null,
    container: 'docker',
    hypervisor: 'kvm',
    cpuGovernor: 'performance',
    turbo: null,
    simultaneousMultithreading: true,
    transparentHugePages: 'madvise',
    numaNodes: 1,
    nice: 0,
    load1: 0.42,
    freeMemoryBytes: 20_000_000_000,
    variables: { NODE_OPTIONS: '--max-old-space-size=4096' },
  },
};

export const MODEL: ModelRecord = {
  id: 'm0',
  source: 'qwen3-asr-0.6b',
  synthetic: false,
  published: 'Qwen3-ASR-0.6B',
  parameters: 938_001_664,
  weightBytes: 1_876_003_328,
  encoderLayers: 18,
  decoderLayers: 28,
  hash: 'a'.repeat(64),
};

const SETTINGS: CellSettings = {
  mode: 'pipeline',
  model: 'm0',
  audio: 'a0',
  threads: 2,
  backend: 'x64',
  isa: 'avx512bf16',
  precision: 'bf16',
  runs: 20,
  warmup: 'auto',
  exactTokens: null,
  language: null,
  segmentSeconds: null,
  batch: 1,
  delayMs: 0,
  isolated: false,
  command: null,
};

const TOKEN_IDS = [
  11528,
  6364,
  151704,
  ...Array.from({ length: 30 }, (_, index) => 1000 + 37 * index),
  151645,
];

/** How fast the imagined machine is. */
export interface RunShape {
  readonly audioSeconds?: number;
  readonly threads?: number;
  /** Multiplies every time. */
  readonly factor?: number;
  readonly round?: number | null;
  readonly atSeconds?: number;
}

/** One run with noise of 2 %, now and then one that was held up. */
export function sampleRun(random: Random, shape: RunShape = {}): RunRecord {
  const { audioSeconds = 11, threads = 2, factor = 1, round = null, atSeconds = 0 } = shape;
  const held = random.uniform() < 0.06;
  const noise = () => factor * Math.exp(0.02 * random.normal()) * (held ? 1.25 : 1);
  const parallel = 1 / (0.08 + 0.92 / threads);
  const tokens = TOKEN_IDS.length;
  const decodeStepsMs = Array.from({ length: tokens - 1 }, () => (68 / parallel ** 0.6) * noise());
  const phases: PhaseTimes = {
    loadMs: null,
    audioDecodeMs: null,
    resampleMs: null,
    melMs: ((1.1 * audioSeconds) / parallel) * noise(),
    convStemMs: ((11 * audioSeconds) / parallel) * noise(),
    encoderLayersMs: ((70 * audioSeconds) / parallel) * noise(),
    prefillMs: ((15 + 60 * audioSeconds) / parallel) * noise(),
    decodeMs: sum(decodeStepsMs),
    detokenizeMs: 0.2 * noise(),
    otherMs: 1.1 * noise(),
  };
  const encodeMs = sum([phases.melMs, phases.convStemMs, phases.encoderLayersMs]);
  const decodeMs = sum([phases.prefillMs, phases.decodeMs]);
  return {
    startedAt: new Date(Date.UTC(2026, 2, 1, 12, 0, atSeconds)).toISOString(),
    totalMs: sum(Object.values(phases)),
    commandMs: null,
    encodeMs,
    decodeMs,
    phases,
    decodeStepsMs,
    firstTokenMs: encodeMs + (phases.prefillMs ?? 0),
    tokens,
    textTokens: tokens - 4,
    promptTokens: 15 + 13 * audioSeconds,
    audioTokens: 13 * audioSeconds,
    tokenHash: hashTokens(TOKEN_IDS),
    tokenIds: TOKEN_IDS,
    text: 'Ask not what "your" country can do,\nfür dich; 你好 — <b>&amp;</b></script>.',
    language: 'English',
    truncated: false,
    bytesReadPerToken: 1_192_099_840,
    interference: {
      stealMs: held ? 120 : 0,
      cpuPressure: held ? 0.12 : 0.01,
      otherCpuMs: held ? 90 : 0,
      voluntarySwitches: 12,
      involuntarySwitches: held ? 40 : 2,
      load1: 1.9,
      noisy: held,
      reasons: held ? ['steal 4.1 %'] : [],
    },
    memory: { mel: 900_000_000, encoderLayers: 1_500_000_000, decode: 2_100_000_000, run: 2_100_000_000 },
    round,
  };
}

/** What an external command tells: nothing but its times. */
export function outsideRun(totalMs: number, round: number | null): RunRecord {
  const none = { loadMs: null, audioDecodeMs: null, resampleMs: null, melMs: null, convStemMs: null };
  const later = { encoderLayersMs: null, prefillMs: null, decodeMs: null, detokenizeMs: null, otherMs: null };
  return {
    startedAt: '2026-03-01T12:00:00Z',
    totalMs,
    commandMs: totalMs,
    encodeMs: null,
    decodeMs: null,
    phases: { ...none, ...later },
    decodeStepsMs: [],
    firstTokenMs: null,
    tokens: null,
    textTokens: null,
    promptTokens: null,
    audioTokens: null,
    tokenHash: null,
    tokenIds: null,
    text: null,
    language: null,
    truncated: null,
    bytesReadPerToken: null,
    interference: null,
    memory: null,
    round,
  };
}

export function cellStart(id: string, settings: Partial<CellSettings> = {}): CellStart {
  return {
    id,
    settings: { ...SETTINGS, ...settings },
    setup: { loadMs: 412.5, audioDecodeMs: 3.25, resampleMs: null, memory: { load: 800_000_000 } },
    frames: 1100,
    work: [
      { phase: 'mel', flops: null, bytes: null, arithmetic: 'f32' },
      { phase: 'convStem', flops: 1.6e10, bytes: 9e7, arithmetic: 'bf16' },
      { phase: 'encoderLayers', flops: 1.1e11, bytes: 7.3e8, arithmetic: 'bf16' },
      { phase: 'prefill', flops: 1.4e11, bytes: 1.2e9, arithmetic: 'bf16' },
      { phase: 'decode', flops: 3.9e10, bytes: 3.9e10, arithmetic: 'bf16' },
    ],
  };
}

function cellEvents(start: CellStart, runs: number, random: Random, shape: RunShape = {}): BenchEvent[] {
  const run = (index: number) =>
    sampleRun(random, { ...shape, atSeconds: 2 * index, threads: start.settings.threads ?? 1 });
  return [
    { event: 'cell', cell: start },
    ...Array.from({ length: 3 }, (_, i): BenchEvent => ({ event: 'warmup', cell: start.id, run: run(i) })),
    ...Array.from(
      { length: runs },
      (_, i): BenchEvent => ({ event: 'run', cell: start.id, run: run(3 + i) }),
    ),
    {
      event: 'cellEnd',
      cell: start.id,
      outcome: {
        steady: true,
        drift: { tau: 0.1, pValue: 0.4, method: 'exact', slopePerRun: 1, totalPercent: 1, drifting: false },
        accuracy: null,
        complete: true,
        error: null,
        notes: [],
      },
    },
  ];
}

/** The events of one benchmark of `runs` runs. */
export function benchmarkEvents(runs = 20, seed = 1, factor = 1): BenchEvent[] {
  const random = createRandom(seed);
  return [
    { event: 'header', ...HEADER },
    { event: 'model', model: MODEL },
    {
      event: 'audio',
      audio: { id: 'a0', path: 'clip.wav', durationMs: 11_000, hash: 'b'.repeat(64) },
    },
    {
      event: 'ceilings',
      ceilings: {
        threads: 2,
        backend: 'x64',
        isa: 'avx512bf16',
        readBytesPerSecond: 33e9,
        f32FlopsPerSecond: 176e9,
        bf16FlopsPerSecond: 427e9,
        int8OpsPerSecond: null,
      },
    },
    ...cellEvents(cellStart('base', { runs }), runs, random, { factor }),
    { event: 'note', note: 'one run was disturbed' },
    { event: 'end', complete: true, accuracy: null },
  ];
}

export function build(events: readonly BenchEvent[], header: Partial<BenchHeader> = {}): BenchResult {
  const recorder = new ResultRecorder({ ...HEADER, ...header }, []);
  for (const event of events) recorder.record(event);
  return recorder.result();
}

/** One setting, with a reference text. */
export function benchmarkResult(runs = 20, seed = 1, factor = 1): BenchResult {
  return build(benchmarkEvents(runs, seed, factor));
}

/** Threads 1, 2, 4, 8 by audio of 5, 10, 20 and 40 seconds. */
export function sweepResult(): BenchResult {
  const random = createRandom(2);
  const lengths = [5, 10, 20, 40];
  const events: BenchEvent[] = [
    { event: 'model', model: MODEL },
    ...lengths.map(
      (seconds): BenchEvent => ({
        event: 'audio',
        audio: { id: `a${seconds}`, path: null, durationMs: 1000 * seconds, hash: null },
      }),
    ),
  ];
  for (const threads of [1, 2, 4, 8]) {
    for (const audioSeconds of lengths) {
      const settings = { threads, audio: `a${audioSeconds}`, runs: 8 };
      const start = cellStart(`t=${threads} s=${audioSeconds}`, settings);
      events.push(...cellEvents(start, 8, random, { audioSeconds }));
    }
  }
  events.push({ event: 'end', complete: true, accuracy: null });
  return build(events, { kind: 'sweep', commandLine: ['-t', '1,2,4,8', '-s', '5-40*2', '-n', '8'] });
}

/** Two sides in interleaved rounds, B 3 % slower, and a third that is another engine's command. */
export function comparisonResult(count = 20): BenchResult {
  const random = createRandom(3);
  const rounds = Array.from({ length: count }, (_, round) => round);
  const sideA = rounds.map((round) => sampleRun(random, { round }));
  const sideB = rounds.map((round) => sampleRun(random, { round, factor: 1.03 }));
  const outside = rounds.map((round) => outsideRun(3000 * Math.exp(0.02 * random.normal()), round));
  const compared = (b: string, metric: string, a: number[], other: number[]): ComparisonRecord => ({
    design: 'paired',
    ...{ a: 'A', b, labelA: '--precision bf16', labelB: b === 'B' ? '--precision f32' : 'other-engine' },
    ...{ metric, sameTokens: b === 'B' ? true : null },
    orders: rounds.map((round) => (round % 2 === 0 ? 'ab' : 'ba')),
    outcome: comparePaired(a, other),
  });
  const of = (runs: RunRecord[], pick: (run: RunRecord) => number | null) =>
    runs.map((run) => pick(run) ?? 0);
  const cell = (id: string, settings: Partial<CellSettings>, runs: RunRecord[]): BenchEvent[] => [
    { event: 'cell', cell: cellStart(id, settings) },
    ...runs.map((run): BenchEvent => ({ event: 'run', cell: id, run })),
    {
      event: 'cellEnd',
      cell: id,
      outcome: { steady: null, drift: null, accuracy: null, complete: true, error: null, notes: ['a note'] },
    },
  ];
  return build(
    [
      ...benchmarkEvents(1).slice(1, 3),
      ...cell('A', {}, sideA),
      ...cell('B', { precision: 'f32' }, sideB),
      ...cell(
        'C',
        {
          mode: 'command',
          model: null,
          threads: null,
          backend: null,
          isa: null,
          precision: null,
          command: 'other-engine clip.wav',
        },
        outside,
      ),
      ...(['totalMs', 'encodeMs', 'decodeMs'] as const).map(
        (field): BenchEvent => ({
          event: 'comparison',
          comparison: compared(
            'B',
            field.slice(0, -2),
            of(sideA, (run) => run[field]),
            of(sideB, (run) => run[field]),
          ),
        }),
      ),
      {
        event: 'comparison',
        comparison: compared(
          'C',
          'total',
          of(sideA, (run) => run.totalMs),
          of(outside, (run) => run.totalMs),
        ),
      },
      { event: 'end', complete: true, accuracy: null },
    ],
    { kind: 'comparison', environment: null },
  );
}

function sum(values: readonly (number | null)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}
