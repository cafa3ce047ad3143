import { createHash } from 'node:crypto';
import { syntheticFiles } from '../../../src/model/synthesizeModel.js';
import type { SyntheticModelName } from '../../../src/model/syntheticName.js';

/** SHA-256 of all files, never holding one. */
export function hashSyntheticFiles(name: SyntheticModelName): {
  hashes: Record<string, string>;
  totalBytes: number;
} {
  const digests = new Map<string, ReturnType<typeof createHash>>();
  let totalBytes = 0;
  for (const { fileName, bytes } of syntheticFiles(name)) {
    const digest = digests.get(fileName) ?? createHash('sha256');
    digests.set(fileName, digest.update(bytes));
    totalBytes += bytes.length;
  }
  const hashes = Object.fromEntries(
    [...digests].map(([fileName, digest]) => [fileName, digest.digest('hex')]),
  );
  return { hashes, totalBytes };
}
