import { createRequire } from 'node:module';
import type { Koffi } from './native.js';

/** What Windows tells of its processors. */
export interface WindowsTopology {
  /** Cores that this process may use at least one logical processor of. */
  readonly allowedCores: number;
  readonly cores: number;
  /** Whether a core has more than one logical processor. */
  readonly simultaneousMultithreading: boolean;
  readonly numaNodes: number;
  /** Of data, seen by the first processor; null where there is none of the level. */
  readonly caches: {
    readonly l1dBytes: number | null;
    readonly l2Bytes: number | null;
    readonly l3Bytes: number | null;
  };
}

/** Kinds of records, LOGICAL_PROCESSOR_RELATIONSHIP of winnt.h. */
const CORE = 0;
const NUMA_NODE = 1;
const CACHE = 2;
const ALL = 0xffff;
const INSTRUCTION_CACHE = 1;

/** Offsets in SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX and what it holds. */
const SIZE = 4;
const CORE_FLAGS = 8;
const CORE_MASK = { groups: 30, first: 32 };
const CACHE_LEVEL = 8;
const CACHE_BYTES = 12;
const CACHE_TYPE = 16;
const CACHE_MASK = 40;
const GROUP = { byteLength: 16, number: 8 };

/**
 * Reads the records of GetLogicalProcessorInformationEx.
 *
 * @param affinity processors that the process may use, of the first group; 0: all, as Windows says of a process in several
 */
export function parseTopology(records: Uint8Array, affinity: bigint): WindowsTopology {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  const sizes = new Map<number, number>();
  let [cores, allowedCores, numaNodes, threaded] = [0, 0, 0, 0];
  for (let at = 0; at + SIZE < records.byteLength; at += view.getUint32(at + SIZE, true)) {
    const kind = view.getUint32(at, true);
    if (kind === CORE) {
      cores++;
      threaded += view.getUint8(at + CORE_FLAGS) & 1;
      allowedCores += isAllowed(view, at, affinity) ? 1 : 0;
    } else if (kind === NUMA_NODE) numaNodes++;
    else if (kind === CACHE && view.getUint32(at + CACHE_TYPE, true) !== INSTRUCTION_CACHE) {
      const isFirst =
        groupAt(view, at + CACHE_MASK) === 0 && (view.getBigUint64(at + CACHE_MASK, true) & 1n) === 1n;
      if (isFirst) sizes.set(view.getUint8(at + CACHE_LEVEL), view.getUint32(at + CACHE_BYTES, true));
    }
  }
  const of = (level: number): number | null => sizes.get(level) ?? null;
  const caches = { l1dBytes: of(1), l2Bytes: of(2), l3Bytes: of(3) };
  return { cores, allowedCores, simultaneousMultithreading: threaded > 0, numaNodes, caches };
}

function isAllowed(view: DataView, core: number, affinity: bigint): boolean {
  if (affinity === 0n) return true;
  const groups = view.getUint16(core + CORE_MASK.groups, true);
  return Array.from({ length: groups }, (_, i) => core + CORE_MASK.first + i * GROUP.byteLength).some(
    (at) => groupAt(view, at) === 0 && (view.getBigUint64(at, true) & affinity) !== 0n,
  );
}

/** Processors come in groups of up to 64. */
function groupAt(view: DataView, mask: number): number {
  return view.getUint16(mask + GROUP.number, true);
}

let known: WindowsTopology | null | undefined;

/** What this system tells; null where it is not Windows or the optional package koffi is missing. */
export function windowsTopology(): WindowsTopology | null {
  known ??= process.platform === 'win32' ? readTopology() : null;
  return known;
}

function readTopology(): WindowsTopology | null {
  try {
    const koffi: Koffi = createRequire(import.meta.url)('koffi');
    const kernel32 = koffi.load('kernel32.dll');
    const processorInformation = kernel32.func('GetLogicalProcessorInformationEx', 'int', [
      'uint32_t',
      'void *',
      'void *',
    ]);
    const processAffinity = kernel32.func('GetProcessAffinityMask', 'int', ['intptr_t', 'void *', 'void *']);
    const length = new Uint32Array(1);
    processorInformation(ALL, null, length); // fails, and says how much it needs
    const records = new Uint8Array(length[0]!);
    if (processorInformation(ALL, records, length) === 0) return null;
    const [affinity, system] = [new BigUint64Array(1), new BigUint64Array(1)];
    processAffinity(-1, affinity, system); // -1: this process
    return parseTopology(records.subarray(0, length[0]), affinity[0]!);
  } catch {
    return null;
  }
}
