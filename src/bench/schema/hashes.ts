import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { MachineRecord } from './machineRecord.js';

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
