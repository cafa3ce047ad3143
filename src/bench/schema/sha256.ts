import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';

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
