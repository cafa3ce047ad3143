import type { MachineRecord } from './machineRecord.js';
import { sha256Hex } from './sha256.js';

/**
 * Identifies a sequence of token ids: SHA-256, hex, of the ids in decimal with a comma between them. Two runs with
 * equal hashes decoded the same tokens.
 *
 * @example
 * hashTokens([151704, 9707, 13]); // the SHA-256 of '151704,9707,13'
 */
export function hashTokens(tokenIds: readonly number[]): string {
  return sha256(tokenIds.join(','));
}

const GIBIBYTE = 2 ** 30;

/**
 * Identifies the kind of machine: SHA-256, hex, of its processor, cores, instruction sets, memory in whole GiB and
 * platform. Neither Node nor the kernel take part: updating them does not make another machine.
 */
export function hashMachine(machine: Omit<MachineRecord, 'hash'>): string {
  const { cpuModel, architecture, physicalCores, logicalCpus, isa, memoryBytes, platform } = machine;
  const memoryGibibytes = Math.round(memoryBytes / GIBIBYTE);
  return sha256(
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

function sha256(text: string): string {
  return sha256Hex(new TextEncoder().encode(text));
}
