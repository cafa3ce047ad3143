import { isUtf8 } from 'node:buffer';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { pathLabel } from '../audio/fileSource.js';
import { fileError, QwenAsrError } from '../error.js';

/** A recording to transcribe. */
export interface InputRecording {
  /** As the user wrote it, or below a directory that the user wrote; `-` is standard input. */
  readonly input: string;
  /** What its output file is called below the output directory, with the recording's own extension. */
  readonly name: string;
  /** Its path where that is no UTF-8, which no text can hold; `input` and `name` then have its bytes written out. */
  readonly bytes?: Buffer;
}

/** What the inputs on a command line stand for. */
export interface Inputs {
  readonly recordings: readonly InputRecording[];
  /** Inputs that stand for no recording. */
  readonly failures: readonly { readonly input: string; readonly error: QwenAsrError }[];
  /** Whether more than one recording was asked for, even if only one was found. */
  readonly several: boolean;
}

/** Names that recordings have in a directory; a file that is named itself may be called anything. */
const EXTENSIONS = new Set(
  `wav wave bwf rf64 w64 aif aiff aifc caf au snd flac mp1 mp2 mp3 mpa mpga ogg oga ogx opus spx m4a m4b m4p m4r aac adts
  loas latm ac3 eac3 ec3 dts dtshd thd truehd mlp mka weba wma xwma asf ra rm rmvb amr awb 3ga ape wv tak tta ofr mpc shn
  gsm vox voc sph nist ircam avr hcom sln g722 g723 g726 g729 qcp dss ds2 dsf dff dvf msv aa aax oma aa3 at3 adx xa vqf
  8svx svx paf pvf sds sd2 sox mp4 m4v mov qt webm mkv mk3d avi divx wmv flv f4v f4a f4b mpg mpeg mpe mpv m1v m2v m1a m2a
  vob evo ts tp trp m2t m2ts mts mod tod 3gp 3gpp 3g2 3gp2 ogv ogm mxf gxf nut nsv wtv dv mj2 ismv isma`
    .split(/\s+/)
    .map((name) => `.${name}`),
);
/** Those that files of quite another kind have too, sources of programs above all; the content of theirs decides. */
const AMBIGUOUS = new Set(['.ts', '.mts', '.mod']);

/** ISO/IEC 13818-1: packets of a transport stream, which may have a time in front, and the start code of a pack. */
const TS_SYNC = 0x47;
const TS_PACKET_BYTES = 188;
const TS_TIME_BYTES = 4;
const PACK_START = [0, 0, 1, 0xba];

/** What bytes that are no UTF-8 become where Node makes a text of them. */
const REPLACEMENT = '\ufffd';

/**
 * Finds the recordings that paths stand for: a file is one, a directory stands for all below it, in the order of their
 * names, hidden ones excepted. Links to files count, links to directories are not followed. The shells of Windows leave
 * patterns (`*.wav`) to programs.
 */
export async function findInputs(
  given: readonly string[],
  platform: NodeJS.Platform = process.platform,
): Promise<Inputs> {
  const paths = platform === 'win32' ? (await Promise.all(given.map(expandPattern))).flat() : given;
  const recordings: InputRecording[] = [];
  const failures: { input: string; error: QwenAsrError }[] = [];
  let several = paths.length > 1;
  for (const [at, path] of paths.entries()) {
    try {
      const earlier = paths.slice(0, at).filter((other) => other === path).length;
      if (path === '-' && earlier > 0) {
        throw new QwenAsrError(
          'usage',
          'standard input: expected once, found again; it can be read once only',
        );
      }
      const found = path.includes(REPLACEMENT) ? await originalPath(path, earlier) : path;
      const isDirectory = path !== '-' && (await stat(found)).isDirectory();
      several ||= isDirectory;
      if (isDirectory) {
        const below = await recordingsBelow(found);
        recordings.push(...below.recordings);
        failures.push(...below.failures);
      } else recordings.push(single(found));
    } catch (cause) {
      failures.push({ input: path, error: inputError(path, cause) });
    }
  }
  return { recordings, failures, several };
}

/**
 * The names that `*` and `?` in the last part of a path stand for, in their order; without either, or any such name, the
 * path as it is: no file of Windows has one of them.
 */
async function expandPattern(path: string): Promise<string[]> {
  const start = path.search(/[^/\\]*$/);
  const pattern = path.slice(start);
  if (!/[*?]/.test(pattern)) return [path];
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const matches = new RegExp(`^${expression}$`, 'i');
  const names = await readdir(path.slice(0, start) || '.').catch(() => []);
  const found = names.filter((name) => matches.test(name) && !name.startsWith('.')).sort();
  return found.length === 0 ? [path] : found.map((name) => path.slice(0, start) + name);
}

function single(path: string | Buffer): InputRecording {
  if (path === '-') return { input: path, name: 'standard-input' };
  const input = pathLabel(path);
  return { input, name: basename(input), ...(typeof path !== 'string' && { bytes: path }) };
}

/**
 * The path behind an argument that lost bytes which are no UTF-8: the one of the files there whose name loses to the
 * same.
 *
 * @param earlier which of them, in their order: a shell that lists them all gives the same argument several times.
 */
async function originalPath(path: string, earlier: number): Promise<string | Buffer> {
  let found: Buffer[] = [Buffer.from(path.startsWith('/') ? '/' : '')];
  for (const part of path.split('/').filter((name) => name !== '')) {
    const next: Buffer[] = [];
    for (const folder of found) {
      const isLost = part.includes(REPLACEMENT);
      const names = isLost
        ? await readdir(folder.length === 0 ? '.' : folder, 'buffer')
        : [Buffer.from(part)];
      const same = names.filter((name) => name.toString() === part).sort(Buffer.compare);
      next.push(...same.map((name) => within(folder, name)));
    }
    found = next;
  }
  return found[Math.min(earlier, found.length - 1)] ?? path;
}

function within(folder: Buffer, name: Buffer): Buffer {
  const separator = folder.length === 0 || folder.at(-1) === 0x2f ? '' : '/';
  return Buffer.concat([folder, Buffer.from(separator), name]);
}

/** A file below a directory; `name` is its path from there. */
interface FoundFile {
  readonly name: string;
  readonly path: Buffer;
}

/** What is below a directory, in the order of names, and what of it cannot be read. */
async function recordingsBelow(directory: string | Buffer): Promise<Pick<Inputs, 'recordings' | 'failures'>> {
  const input = pathLabel(directory);
  const { files, failures } = await filesBelow(Buffer.from(directory), input, '');
  if (files.length + failures.length === 0) {
    throw new QwenAsrError('file', `${input}: no recordings in this directory`);
  }
  files.sort((a, b) => (a.name < b.name ? -1 : 1));
  const recordings = files.map(({ name, path }) => ({
    input: join(input, name),
    name,
    ...(!isUtf8(path) && { bytes: path }),
  }));
  return { recordings, failures };
}

/** One folder after the other: some versions of Node follow links when they are asked for all at once, in circles too. */
async function filesBelow(
  folder: Buffer,
  directory: string,
  below: string,
): Promise<{ files: FoundFile[]; failures: Inputs['failures'][number][] }> {
  const files: FoundFile[] = [];
  const failures: Inputs['failures'][number][] = [];
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: 'buffer' })) {
    const path = within(folder, entry.name);
    const label = pathLabel(entry.name);
    const name = join(below, label);
    if (label.startsWith('.')) continue;
    if (entry.isDirectory()) {
      try {
        const inside = await filesBelow(path, directory, name);
        files.push(...inside.files);
        failures.push(...inside.failures);
      } catch (cause) {
        const input = join(directory, name);
        failures.push({ input, error: inputError(input, cause) });
      }
    } else if ((entry.isFile() || entry.isSymbolicLink()) && (await isRecording(path, label))) {
      files.push({ name, path });
    }
  }
  return { files, failures };
}

async function isRecording(path: Buffer, label: string): Promise<boolean> {
  const extension = extname(label).toLowerCase();
  return EXTENSIONS.has(extension) && (!AMBIGUOUS.has(extension) || (await isMpeg(path)));
}

/** Whether a file is an MPEG transport stream (with or without a time in front of each packet) or program stream. */
async function isMpeg(path: Buffer): Promise<boolean> {
  const head = new Uint8Array(TS_PACKET_BYTES + 2 * TS_TIME_BYTES + 1);
  try {
    const file = await open(path);
    await file.read(head, 0, head.length, 0).finally(() => file.close());
  } catch {
    return true; // its error comes where it is read
  }
  const isTransport = head[0] === TS_SYNC && head[TS_PACKET_BYTES] === TS_SYNC;
  const isTimed = head[TS_TIME_BYTES] === TS_SYNC && head[TS_PACKET_BYTES + 2 * TS_TIME_BYTES] === TS_SYNC;
  return isTransport || isTimed || PACK_START.every((byte, i) => head[i] === byte);
}

function inputError(path: string, cause: unknown): QwenAsrError {
  if (path === '') return new QwenAsrError('usage', 'input: expected a file or a directory, found ""');
  return fileError(path, cause);
}
