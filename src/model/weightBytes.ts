import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { syntheticFileList } from './syntheticFiles.js';
import { parseSyntheticName } from './syntheticName.js';

/**
 * Bytes of a model's weight files, for backends that must make room before they read them; 0 for a directory that
 * cannot be read, which its reader will complain about.
 */
export async function weightBytes(source: string): Promise<number> {
  const synthetic = parseSyntheticName(source);
  if (synthetic !== null) return syntheticFileList(synthetic.size).totalBytes;
  try {
    const names = (await readdir(source)).filter((name) => name.endsWith('.safetensors'));
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(source, name))).size));
    return sizes.reduce((sum, size) => sum + size, 0);
  } catch {
    return 0;
  }
}
