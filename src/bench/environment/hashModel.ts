import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSyntheticName } from '../../model/syntheticName.js';

/** Of every file so many pieces are looked at, evenly spaced, the first and the last bytes included. */
const PIECES = 64;
const PIECE_BYTES = 4096;

/** {@link hashModel} by source. */
export type ModelHashes = ReadonlyMap<string, string | null>;

/**
 * Identifies a model without reading gigabytes: SHA-256, hex, of name, size and 64 pieces of 4 KB of every
 * `*.safetensors` file in name order (the first piece holds names, shapes and places of the tensors), or of the name of
 * a synthetic model. Two trainings of one architecture differ in every piece.
 *
 * @returns null when the files cannot be read
 */
export async function hashModel(source: string): Promise<string | null> {
  const hash = createHash('sha256');
  const synthetic = parseSyntheticName(source);
  if (synthetic !== null) return hash.update(`synthetic:${synthetic.size}:${synthetic.seed}`).digest('hex');
  try {
    const names = (await readdir(source)).filter((name) => name.endsWith('.safetensors')).sort();
    for (const name of names) await addFile(hash, join(source, name), name);
    return names.length === 0 ? null : hash.digest('hex');
  } catch {
    return null;
  }
}

async function addFile(hash: Hash, path: string, name: string): Promise<void> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    hash.update(`${name}\n${size}\n`);
    const last = Math.max(0, size - PIECE_BYTES);
    for (let piece = 0; piece < PIECES; piece++) {
      hash.update(await readPiece(file, Math.floor((last * piece) / (PIECES - 1))));
    }
  } finally {
    await file.close();
  }
}

async function readPiece(file: FileHandle, position: number): Promise<Uint8Array> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(PIECE_BYTES), 0, PIECE_BYTES, position);
  return buffer.subarray(0, bytesRead);
}
