import { availableParallelism, cpus, release, totalmem, version } from 'node:os';
import { readSystemFile } from '../meters/systemFile.js';
import { hashMachine } from '../schema/hashes.js';
import type { MachineRecord } from '../schema/machineRecord.js';

/** Reads a file of the system, or null; a test puts another machine in its place. */
export type ReadSystemFile = (path: string) => string | null;

/**
 * The machine that this runs on. Linux tells all of it; elsewhere cores, instruction sets and caches may be unknown.
 *
 * @example
 * captureMachine().cpuModel; // 'AMD EPYC 9R14'
 */
export function captureMachine(read: ReadSystemFile = readSystemFile): MachineRecord {
  const machine = {
    cpuModel: cpus()[0]?.model.trim() || null,
    architecture: process.arch,
    physicalCores: countCores(read),
    logicalCpus: Math.max(cpus().length, availableParallelism()),
    isa: instructionSets(read),
    caches: readCaches(read),
    memoryBytes: totalmem(),
    platform: process.platform,
    osName: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(read('/etc/os-release') ?? '')?.[1] ?? version(),
    kernel: release(),
    node: process.version,
  };
  return { ...machine, hash: hashMachine(machine) };
}

/** CPU flags of Linux behind each level of the engine; the system lists what it has enabled. */
const LEVEL_FLAGS: readonly (readonly [level: string, flags: readonly string[]])[] = [
  ['avx2', ['avx2', 'fma', 'f16c']],
  ['avx512f', ['avx512f', 'avx512bw', 'avx512vl']],
  ['avx512bf16', ['avx512_bf16', 'avx512_vnni']],
];

function instructionSets(read: ReadSystemFile): string[] {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(read('/proc/cpuinfo') ?? '')?.[1]?.split(' ') ?? []);
  return LEVEL_FLAGS.filter(([, needed]) => needed.every((flag) => flags.has(flag))).map(([level]) => level);
}

/** Distinct sets of hyper-threads; null where the system does not tell. */
function countCores(read: ReadSystemFile): number | null {
  const cores = new Set<string>();
  for (let cpu = 0; ; cpu++) {
    const siblings = read(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`);
    if (siblings === null) return cores.size === 0 ? null : cores.size;
    cores.add(siblings.trim());
  }
}

/** What the first CPU sees: its own caches and the one it shares. */
function readCaches(read: ReadSystemFile): MachineRecord['caches'] {
  const sizes = new Map<string, number>();
  for (let index = 0; ; index++) {
    const part = (name: string): string =>
      read(`/sys/devices/system/cpu/cpu0/cache/index${index}/${name}`)?.trim() ?? '';
    const size = /^(\d+)([KM])$/.exec(part('size'));
    if (size === null) break;
    if (part('type') === 'Instruction') continue;
    sizes.set(part('level'), Number(size[1]) * (size[2] === 'K' ? 2 ** 10 : 2 ** 20));
  }
  if (sizes.size === 0) return null;
  const of = (level: string): number | null => sizes.get(level) ?? null;
  return { l1dBytes: of('1'), l2Bytes: of('2'), l3Bytes: of('3') };
}
