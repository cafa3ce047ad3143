import { DEFAULT_BATCH } from '../../transcribe/transcribeSegments.js';
import type { AudioRecord, BenchResult, CellRecord, ModelRecord } from '../schema/benchResult.js';
import type { EnvironmentRecord, MachineRecord } from '../schema/machineRecord.js';
import type { RunRecord } from '../schema/runRecord.js';
import { STORED_SETTINGS } from '../settings/storedSettings.js';
import type { Fact } from './block.js';
import { formatBytes, formatSeconds } from './figures.js';
import { streamNotes } from './streamTables.js';

/** What all cells of a document have in common: tool, machine, models, audio. */
export function describeDocument(result: BenchResult): Fact[] {
  const { tool, machine, environment, models, audio } = result;
  const commit = tool.commit === null ? '' : ` (commit ${tool.commit.slice(0, 10)})`;
  return [
    ['tool', `${tool.name} ${tool.version}${commit}`],
    ['date', result.createdAt],
    ['command', [tool.name, ...result.commandLine.map(quoteArgument)].join(' ')],
    ['machine', describeMachine(machine)],
    [
      'system',
      [machine.osName, `kernel ${machine.kernel}`, describeRuntime(machine)].filter(Boolean).join(', '),
    ],
    ...(environment === null ? [] : describeEnvironment(environment)),
    ...models.map((model): Fact => ['model', describeModel(model)]),
    ...audio.map((clip): Fact => ['audio', describeAudio(clip)]),
  ];
}

/** `Node v20.20.2`, or what a web page says of its browser. */
function describeRuntime({ node }: MachineRecord): string {
  return /^v\d/.test(node) ? `Node ${node}` : node;
}

/** Processor, cores, instruction sets and memory. */
export function describeMachine(machine: MachineRecord): string {
  const { cpuModel, architecture, physicalCores, logicalCpus, isa, memoryBytes, platform } = machine;
  const cores = physicalCores === null ? '' : `${physicalCores} cores, `;
  return [
    cpuModel ?? 'unknown processor',
    `${cores}${logicalCpus} CPUs`,
    formatBytes(memoryBytes),
    `${platform}-${architecture}`,
    isa.join(' '),
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function describeEnvironment(environment: EnvironmentRecord): Fact[] {
  const { cgroupCpus, cgroupMemoryBytes, container, hypervisor, cpuGovernor, turbo } = environment;
  const parts = [
    `${environment.allowedCpus} CPUs allowed`,
    cgroupCpus === null ? null : `cgroup limit ${cgroupCpus} CPUs`,
    cgroupMemoryBytes === null ? null : `memory limit ${formatBytes(cgroupMemoryBytes)}`,
    container,
    hypervisor,
    cpuGovernor === null ? null : `governor ${cpuGovernor}`,
    turbo === null ? null : `turbo ${turbo ? 'on' : 'off'}`,
    environment.load1 === null ? null : `load ${environment.load1}`,
  ].filter((part) => part !== null);
  const variables = Object.entries(environment.variables).map(([name, value]) => `${name}=${value}`);
  return [
    ['environment', parts.join(', ')],
    ...(variables.length === 0 ? [] : [['variables', variables.join(' ')] as const]),
  ];
}

export function describeModel({ source, synthetic, published, parameters, hash }: ModelRecord): string {
  const facts = [
    published,
    parameters === null ? null : `${(parameters / 1e6).toFixed(0)} M parameters`,
    synthetic ? 'random weights: the text is meaningless' : null,
    hash === null ? null : `hash ${hash.slice(0, 12)}`,
  ].filter((fact) => fact !== null);
  return `${source}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`;
}

function describeAudio({ path, durationMs, hash }: AudioRecord): string {
  const name = `${path ?? 'silence'}, ${formatSeconds(durationMs)}`;
  return hash === null || path === null ? name : `${name}, hash ${hash.slice(0, 12)}`;
}

/** What a cell ran with: `full pipeline, 2 threads, x64 avx512bf16, bf16, clip.wav (11.0 s)`. */
export function describeSettings({ settings }: CellRecord, result: BenchResult): string {
  const clip = result.audio.find(({ id }) => id === settings.audio);
  return [
    ...STORED_SETTINGS.map(({ describe }) => describe?.(settings, result)),
    clip === undefined ? null : `${clip.path ?? 'silence'} (${formatSeconds(clip.durationMs)})`,
  ]
    .filter((part) => part !== null && part !== undefined && part !== '')
    .join(', ');
}

/**
 * What to know when reading a cell's figures, one sentence each: outliers, disturbed runs, drift. What there were too
 * few runs for is said of a single cell only; in a sweep it would be said of every one.
 */
export function cellNotes(cell: CellRecord, { cells }: Pick<BenchResult, 'cells'>): string[] {
  const { runs, settings, summary, drift, error } = cell;
  const outliers = summary?.['total']?.outliers ?? summary?.['encode']?.outliers ?? [];
  const texts = new Set(runs.map((run) => run.tokenHash).filter((hash) => hash !== null));
  const first = summary === null ? undefined : Object.values(summary)[0];
  return [
    ...(runs.length < settings.runs ? [`${runs.length} of ${settings.runs} runs were finished`] : []),
    ...(error === null ? [] : [error]),
    ...(texts.size > 1 ? [`the runs decoded ${texts.size} different token sequences`] : []),
    ...(outliers.length === 0
      ? []
      : [`outliers, kept in every figure: run ${outliers.map(({ index }) => index + 1).join(', ')}`]),
    ...noisyNote(runs),
    ...batchNote(cell),
    ...(cell.steady === false ? ['the warm-up did not become steady'] : []),
    ...(drift?.drifting ? [`the runs drift: ${drift.totalPercent.toFixed(1)} % over the benchmark`] : []),
    ...(cells.length === 1 ? (first?.notes ?? []) : []),
    ...streamNotes(cell, cells.length === 1),
    ...cell.notes,
  ];
}

/**
 * A batch that was never full, because there was not enough memory, or because a larger one than usual was asked for than
 * there were segments.
 */
function batchNote({ runs, settings }: CellRecord): string[] {
  const { batch } = settings;
  const most = Math.max(0, ...runs.flatMap(({ decodeStepRows }) => decodeStepRows ?? []));
  const heard = runs[0]?.segments?.filter(({ heardMs }) => heardMs > 0).length ?? 0;
  if (most === 0 || most >= batch || (heard < batch && batch <= DEFAULT_BATCH)) return [];
  return [`batch ${batch}: no more than ${most} segment(s) were decoded side by side`];
}

/** More disturbed runs than this are counted instead of listed. */
const MOST_LISTED = 3;

function noisyNote(runs: readonly RunRecord[]): string[] {
  const noisy = runs.flatMap(({ interference }, index) =>
    interference?.noisy ? [`${index + 1} (${interference.reasons.join(', ') || 'noisy'})`] : [],
  );
  if (noisy.length === 0) return [];
  if (noisy.length <= MOST_LISTED) return [`disturbed: run ${noisy.join(', ')}`];
  return [`disturbed: ${noisy.length} of ${runs.length} runs, such as ${noisy[0]}`];
}

/** As a shell takes it. */
function quoteArgument(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
