import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import {
  amount,
  count,
  flag,
  list,
  named,
  number,
  object,
  orNull,
  record,
  text,
  type ValueOf,
} from './shape.js';

/** SHA-256 in hexadecimal digits. */
export const SHA256 = { pattern: '^[0-9a-f]{64}$' } as const;

const cacheBytes = orNull(count());

export const machineRecord = record('machine', 'Decides whether two results may be compared.', {
  cpuModel: orNull(text()),
  architecture: text("Node's name: x64, arm64"),
  physicalCores: orNull(count()),
  logicalCpus: count(),
  /** For example `avx2`, `avx512f`, `avx512bf16`; in any order. */
  isa: list(text(), 'instruction set levels and extensions'),
  caches: orNull(object({ l1dBytes: cacheBytes, l2Bytes: cacheBytes, l3Bytes: cacheBytes })),
  memoryBytes: count(),
  platform: text("Node's name: linux, darwin, win32"),
  osName: orNull(text('name and version as the system gives them: `Debian GNU/Linux 12 (bookworm)`')),
  kernel: text(),
  node: text('`v20.20.2`; of a web page its browser, `Chromium 156`'),
  /** `hashMachine` of the fields above that do not change when software is updated. */
  hash: text(
    'SHA-256 over what does not change when software is updated: equal on machines of the same kind',
    SHA256,
  ),
});

/** The machine, as far as it decides whether two results may be compared. */
export interface MachineRecord extends ValueOf<typeof machineRecord> {}

export const environmentRecord = record(
  'environment',
  'The state of the machine; what could not be read is null.',
  {
    allowedCpus: count('logical CPUs allowed to the process'),
    cgroupCpus: orNull(amount('CPUs worth of time; null: no limit')),
    cgroupMemoryBytes: orNull(count()),
    container: orNull(text('`docker`, `podman`, `kubernetes`, `lxc`…; null: none was recognised')),
    hypervisor: orNull(text('`kvm`, `vmware`…; null: bare metal, or unknown')),
    cpuGovernor: orNull(text()),
    turbo: orNull(flag()),
    simultaneousMultithreading: orNull(flag()),
    transparentHugePages: orNull(text()),
    numaNodes: orNull(count()),
    nice: orNull(number()),
    load1: orNull(amount('load average over one minute')),
    freeMemoryBytes: orNull(count()),
    variables: named(text(), 'environment variables that change how Node or the engine runs'),
  },
);

/** The state the machine was in. Linux knows most of it; what cannot be read is null. */
export interface EnvironmentRecord extends ValueOf<typeof environmentRecord> {}

/**
 * Identifies a sequence of token ids: SHA-256, hex, of the ids in decimal with a comma between them. Two runs with
 * equal hashes decoded the same tokens.
 *
 * @example
 * hashTokens([151704, 9707, 13]); // the SHA-256 of '151704,9707,13'
 */
export function hashTokens(tokenIds: readonly number[]): string {
  return hashText(tokenIds.join(','));
}

const GIBIBYTE = 2 ** 30;

/**
 * Identifies the kind of machine: SHA-256, hex, of its processor, cores, instruction sets, memory in whole GiB and
 * platform. Neither Node nor the kernel take part: updating them does not make another machine.
 */
export function hashMachine(machine: Omit<MachineRecord, 'hash'>): string {
  const { cpuModel, architecture, physicalCores, logicalCpus, isa, memoryBytes, platform } = machine;
  const memoryGibibytes = Math.round(memoryBytes / GIBIBYTE);
  return hashText(
    JSON.stringify([
      cpuModel,
      architecture,
      physicalCores,
      logicalCpus,
      [...isa].sort(),
      memoryGibibytes,
      platform,
    ]),
  );
}

function hashText(text: string): string {
  return sha256Hex(new TextEncoder().encode(text));
}

/**
 * SHA-256 where Node's own is missing too: browsers have one for pages from https addresses and from the same computer
 * only, and give its result later.
 *
 * @returns the hash in 64 hexadecimal digits
 * @example
 * sha256Hex(new TextEncoder().encode('abc')); // 'ba7816bf…'
 */
export function sha256Hex(bytes: Uint8Array): string {
  return bytesToHex(sha256(bytes));
}
