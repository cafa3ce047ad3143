import { spawnSync } from 'node:child_process';
import type { WindowsTopology } from './windowsTopology.js';

/** What macOS tells of its processors; of NUMA nodes nothing. */
export interface DarwinTopology extends Omit<WindowsTopology, 'allowedCores' | 'numaNodes'> {
  /** Performance cores of Apple silicon; of Intel all cores. */
  readonly fastCores: number;
  readonly numaNodes: null;
}

/** Names of sysctl(8): `perflevel0` are the fast cores, where there are two kinds. */
const NAMES = [
  'hw.physicalcpu',
  'hw.logicalcpu',
  'hw.perflevel0.physicalcpu',
  ...['l1dcachesize', 'l2cachesize', 'l3cachesize'].flatMap((name) => [
    `hw.${name}`,
    `hw.perflevel0.${name}`,
  ]),
];

/**
 * Reads what sysctl prints, a line `name: value` for each name that this machine knows.
 *
 * @returns null where not even the cores are told
 */
export function parseDarwinTopology(answer: string): DarwinTopology | null {
  const values = new Map(
    [...answer.matchAll(/^(hw\.\S+): (\d+)$/gm)].map(([, name, value]) => [name!, Number(value)]),
  );
  const of = (name: string): number | null => values.get(`hw.${name}`) || null;
  const cores = of('physicalcpu');
  if (cores === null) return null;
  const fastCores = of('perflevel0.physicalcpu');
  // Of Apple silicon the plain names are those of the slow cores.
  const cacheOf = (name: string): number | null => of(fastCores === null ? name : `perflevel0.${name}`);
  return {
    cores,
    fastCores: fastCores ?? cores,
    simultaneousMultithreading: (of('logicalcpu') ?? cores) > cores,
    numaNodes: null,
    caches: {
      l1dBytes: cacheOf('l1dcachesize'),
      l2Bytes: cacheOf('l2cachesize'),
      l3Bytes: cacheOf('l3cachesize'),
    },
  };
}

let known: DarwinTopology | null | undefined;

/** What this system tells, without any package; null where it is not macOS. */
export function darwinTopology(): DarwinTopology | null {
  known ??= process.platform === 'darwin' ? readTopology() : null;
  return known;
}

function readTopology(): DarwinTopology | null {
  const { stdout } = spawnSync('/usr/sbin/sysctl', NAMES, { encoding: 'utf8', timeout: 5000 });
  return parseDarwinTopology(stdout ?? '');
}
