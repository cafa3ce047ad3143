import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSyntheticName } from '../../model/syntheticName.js';
import { readSystemFile } from '../meters/systemFile.js';
import type { ReadSystemFile } from './captureMachine.js';

/**
 * The commit that is checked out where a file lies, read from Git's own files (gitrepository-layout(5)).
 *
 * @param from a file in the checkout; default: this one
 * @returns null outside of a checkout, as in an installed package
 */
export function gitCommit(
  from: string = fileURLToPath(import.meta.url),
  read: ReadSystemFile = readSystemFile,
): string | null {
  for (let folder = dirname(from); ; folder = dirname(folder)) {
    const head = readHead(folder, read);
    if (head !== null) return head;
    // An installed package belongs to nobody's checkout, wherever it was installed.
    if (folder === dirname(folder) || folder.endsWith('node_modules')) return null;
  }
}

function readHead(folder: string, read: ReadSystemFile): string | null {
  // In a worktree .git is a file that names the real directory, and branches are kept in the common one.
  const link = /^gitdir: (.*)$/m.exec(read(join(folder, '.git')) ?? '')?.[1];
  const git = link === undefined ? join(folder, '.git') : isAbsolute(link) ? link : join(folder, link);
  const head = read(join(git, 'HEAD'))?.trim();
  if (head === undefined) return null;
  const branch = /^ref: (.*)$/.exec(head)?.[1];
  if (branch === undefined) return commitId(head);
  const common = join(git, read(join(git, 'commondir'))?.trim() ?? '.');
  const loose = read(join(git, branch)) ?? read(join(common, branch));
  if (loose !== null) return commitId(loose.trim());
  const packed = (read(join(common, 'packed-refs')) ?? '').split('\n');
  return commitId(packed.find((line) => line.endsWith(` ${branch}`))?.split(' ')[0] ?? '');
}

function commitId(text: string): string | null {
  return /^[0-9a-f]{40,64}$/.test(text) ? text : null;
}

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

/**
 * Identifies audio by what the model hears of it.
 *
 * @param samples [n] f32, 16 kHz mono
 * @returns SHA-256, hex, of the samples as little-endian f32
 */
export function hashSamples(samples: Float32Array): string {
  const bytes = new DataView(new ArrayBuffer(samples.length * 4));
  samples.forEach((sample, index) => {
    bytes.setFloat32(index * 4, sample, true);
  });
  // Node's own: an hour of audio is 230 MB.
  return createHash('sha256').update(new Uint8Array(bytes.buffer)).digest('hex');
}
