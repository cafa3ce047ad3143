import { QwenAsrError } from '../error.js';
import {
  type ByteSearch,
  endOfChunk,
  isRiffMark,
  type RiffChunk,
  readRiffChunk,
  readRiffMark,
  searchBytes,
  shifted,
} from './riffChunk.js';
import { type ForeignSamples, readWavFormat, type WavFormat } from './wavFormat.js';

/** Where the samples of a WAV file are and how they are written. */
export interface WavHeader extends WavFormat {
  /** First byte of the samples. */
  readonly dataOffset: number;
  /** Bytes of samples present in the file: whole frames, at least one. */
  readonly dataBytes: number;
  /** Bytes of samples that the file says it holds, or null where its writer could not know that. */
  readonly claimedBytes: number | null;
  /** What lies behind the samples and is neither read nor a known kind of tag. */
  readonly unread: UnreadTail;
}

/** Sound that is not read, in seconds, and bytes that are no sound or cannot be told. */
interface UnreadTail {
  readonly seconds: number;
  readonly bytes: number;
}

/** The samples of a file, before its end has been looked at. */
interface WavSamples extends WavFormat {
  readonly data: RiffChunk;
}

/** What writers to a pipe put where they cannot know the size; RF64 does so too and tells it in a `ds64` chunk. */
const UNKNOWN_SIZE = 0xffffffff;
/** Such writers also put 2^31 less a header; a claim so near to the limits of the format is no length. */
const UNBELIEVABLE_SIZE = 0x7fff0000;
const RIFF_HEADER_BYTES = 12;
/** Longest part of a `fmt ` chunk that is looked at, that of WAVEFORMATEXTENSIBLE. */
const FORMAT_BYTES = 40;
/** Offset of the data size in a `ds64` chunk (EBU Tech 3306). */
const DS64_DATA_SIZE = 8;
/** Sizes have 32 bits: those of longer files are what is left of them. */
const WRAP_BYTES = 2 ** 32;
/** Chunks looked at: a file can hold a chunk in every eight of its bytes. */
const MAX_CHUNKS = 100_000;
/** Chunks that are known behind the samples, by name, even where the end of the file cuts them short. */
const TRAILING_CHUNKS =
  /^(data|LIST|id3 |ID3 |bext|iXML|cue |smpl|fact|fmt |JUNK|junk|PAD |FLLR|PEAK|inst|acid|_PMX|DISP|cart|axml|chna|afsp|levl|plst|minf|elm1|umid)$/;
/** Tags of other formats that are appended to WAV files too: no sound, and nothing is missing without them. */
const TAGS = /^(TAG|ID3|APETAGEX)/;
/** Files of other kinds that were appended: they would be heard as noise. */
const OTHER_FILES = /^(OggS|fLaC|PK|%PDF|.PNG|ftyp)/;

/**
 * Finds format and samples of a WAV file (RIFF, RF64, BW64, or big-endian RIFX).
 *
 * Chunks may come in any order and number, with or without the pad byte after an odd size; the first `fmt ` and the
 * first `data` count. A data chunk that claims more than the file holds (a recording cut short) yields the whole frames
 * that are there, and so does one of size 0 or 0xFFFFFFFF with samples behind it (a writer to a pipe), one whose size
 * wrapped at 4 GiB, and one that is followed by bytes which are no chunk (a recorder that died before it wrote the size).
 * The RIFF chunk's own size is not used, for the same reasons. Time is linear in the number of chunks; nothing is copied.
 *
 * @param bytes the file.
 * @param label names the file in errors.
 * @throws QwenAsrError `audio`: not a WAV file, a sample format that is not supported, or no samples.
 * @example
 * const { sampleRateHz, channels, dataOffset, dataBytes } = parseWavHeader(bytes, 'clip.wav');
 */
export function parseWavHeader(bytes: Uint8Array, label: string): WavHeader {
  const found = searchBytes(findWav(bytes.length, label), bytes);
  if (!('foreign' in found)) return found;
  throw new QwenAsrError(
    'audio',
    `${label}: expected PCM or float samples, found ${found.foreign}; convert it first`,
  );
}

/**
 * The search that parseWavHeader makes, for files that are not in memory.
 *
 * @returns what the samples are where they are not read here.
 */
export function* findWav(fileBytes: number, label: string): ByteSearch<WavHeader | ForeignSamples> {
  const samples = yield* findSamples(fileBytes, label);
  if ('foreign' in samples) return samples;
  const { data, ...format } = samples;
  const rest = Math.max(0, fileBytes - data.start);
  const isUnknown = data.size === UNKNOWN_SIZE;
  const tail = isUnknown ? NO_TAIL : yield* readTail(samples, fileBytes);
  const dataBytes = isUnknown || tail.isSamples ? rest : Math.min(data.size, rest);
  const partialFrame = dataBytes % format.frameBytes;
  if (dataBytes === partialFrame) {
    throw new QwenAsrError('audio', `${label}: expected samples in the "data" chunk, found none`);
  }
  const isClaim = data.size !== 0 && !(data.size >= UNBELIEVABLE_SIZE && data.size <= UNKNOWN_SIZE);
  return {
    ...format,
    dataOffset: data.start,
    dataBytes: dataBytes - partialFrame,
    claimedBytes: isClaim ? data.size : null,
    unread: { seconds: tail.seconds, bytes: tail.bytes },
  };
}

/** Finds the first `fmt ` and the first `data` chunk. */
function* findSamples(fileBytes: number, label: string): ByteSearch<WavSamples | ForeignSamples> {
  const littleEndian = yield* readRiffMark(label);
  let format: WavFormat | undefined;
  let data: RiffChunk | undefined;
  let dataSize64: number | undefined;
  let at = RIFF_HEADER_BYTES;
  for (let count = 0; count < MAX_CHUNKS && (format === undefined || data === undefined); count++) {
    const chunk = yield* readRiffChunk(at, littleEndian);
    if (chunk === undefined) break;
    const { id, start, size } = chunk;
    if (id === 'ds64') dataSize64 ??= yield* readDs64(chunk, littleEndian);
    if (id === 'fmt ' && format === undefined) {
      const bytes = yield { at: start, length: Math.min(size, FORMAT_BYTES) };
      const found = readWavFormat(bytes, label, littleEndian);
      if ('foreign' in found && !littleEndian) throw foreignRifx(found, label);
      if ('foreign' in found) return found;
      format = found;
    }
    const whole = id === 'data' ? { ...chunk, size: trueSize(chunk, fileBytes, dataSize64) } : chunk;
    if (id === 'data') data ??= whole;
    at = yield* endOfChunk(whole, littleEndian);
  }
  if (format === undefined) throw new QwenAsrError('audio', `${label}: expected a "fmt " chunk, found none`);
  if (data === undefined) throw new QwenAsrError('audio', `${label}: expected a "data" chunk, found none`);
  return { ...format, data };
}

/** Other programs take the samples of such files for little-endian ones: they would be heard as noise. */
function foreignRifx({ foreign }: ForeignSamples, label: string): QwenAsrError {
  return new QwenAsrError('audio', `${label}: expected PCM or float samples, found RIFX with ${foreign}`);
}

/** The size that 32 bits could not hold: told in 64, or that which the file's length leaves. */
function trueSize({ start, size }: RiffChunk, fileBytes: number, dataSize64 = 0): number {
  if (size === UNKNOWN_SIZE) return dataSize64 > 0 ? dataSize64 : size;
  const beyond = fileBytes - start - size;
  return beyond < WRAP_BYTES ? size : size + Math.floor(beyond / WRAP_BYTES) * WRAP_BYTES;
}

function* readDs64({ start, size }: RiffChunk, littleEndian: boolean): ByteSearch<number | undefined> {
  const bytes = yield { at: start + DS64_DATA_SIZE, length: 8 };
  if (size < DS64_DATA_SIZE + 8 || bytes.length < 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  return Number(view.getBigUint64(0, littleEndian));
}

/** What lies behind a data chunk; `isSamples`: more of its samples. */
interface Tail extends UnreadTail {
  readonly isSamples: boolean;
}

const NO_TAIL: Tail = { isSamples: false, seconds: 0, bytes: 0 };

/** Walks through what follows the samples: chunks, other WAV files, tags, or bytes that are none of these. */
function* readTail({ data, ...format }: WavSamples, fileBytes: number): ByteSearch<Tail> {
  let { littleEndian } = format;
  let at = data.size === 0 ? data.start : yield* endOfChunk(data, littleEndian);
  let seconds = 0;
  for (let count = 0; at < fileBytes && count < MAX_CHUNKS; count++) {
    const chunk = yield* readRiffChunk(at, littleEndian);
    if (chunk === undefined) return { ...NO_TAIL, isSamples: data.size === 0 && count === 0, seconds };
    if (isRiffMark(chunk.id)) {
      const joined = yield* readJoined(at, fileBytes);
      if (joined === undefined) return { isSamples: false, seconds, bytes: fileBytes - at };
      seconds += joined.seconds;
      ({ at, littleEndian } = joined);
      continue;
    }
    if (!isChunk(chunk, fileBytes)) {
      const begin = String.fromCharCode(...(yield { at, length: 8 }));
      const bytes = fileBytes - at;
      if (TAGS.test(begin)) break;
      const isOther = count > 0 || OTHER_FILES.test(begin);
      return isOther ? { isSamples: false, seconds, bytes } : { ...NO_TAIL, isSamples: true };
    }
    if (chunk.id === 'data') seconds += secondsOf(Math.min(chunk.size, fileBytes - chunk.start), format);
    at = yield* endOfChunk(chunk, littleEndian);
  }
  return { isSamples: false, seconds, bytes: 0 };
}

/** The length of a WAV file that begins at `at` in another, and where its samples end; undefined for one without. */
function* readJoined(
  at: number,
  fileBytes: number,
): ByteSearch<{ seconds: number; at: number; littleEndian: boolean } | undefined> {
  try {
    const samples = yield* shifted(findSamples(fileBytes - at, ''), at);
    if ('foreign' in samples) return undefined;
    const { data, littleEndian } = samples;
    const start = at + data.start;
    const isUnknown = data.size === 0 || data.size === UNKNOWN_SIZE;
    const present = isUnknown ? fileBytes - start : Math.min(data.size, fileBytes - start);
    const end = yield* endOfChunk({ ...data, start, size: present }, littleEndian);
    return { seconds: secondsOf(present, samples), at: end, littleEndian };
  } catch (error) {
    if (error instanceof QwenAsrError) return undefined;
    throw error;
  }
}

function isChunk({ id, start, size }: RiffChunk, fileBytes: number): boolean {
  return TRAILING_CHUNKS.test(id) || (/^[ -~]{4}$/.test(id) && start + size <= fileBytes);
}

function secondsOf(bytes: number, { frameBytes, sampleRateHz }: WavFormat): number {
  return Math.max(0, bytes) / frameBytes / sampleRateHz;
}

/** Shortest difference that is told, in seconds: less is padding, or a header that was rounded. */
const LEAST_SECONDS = 0.01;
/** Bytes of no known kind behind the samples that are told. */
const LEAST_BYTES = 256;

/**
 * Says where a WAV file and its header differ in length: what is missing, what was read beyond it, and what was not read.
 * Partial frames do not count.
 */
export function wavNotes(header: WavHeader, label: string): string[] {
  const { claimedBytes, dataBytes, unread, frameBytes, sampleRateHz } = header;
  const seconds = (bytes: number): number => bytes / frameBytes / sampleRateHz;
  const [read, claimed] = [seconds(dataBytes), seconds(claimedBytes ?? dataBytes)];
  const notes: string[] = [];
  if (claimedBytes !== null && claimedBytes - dataBytes >= frameBytes) {
    notes.push(`${label}: ${read.toFixed(1)} s of ${claimed.toFixed(1)} s are there`);
  }
  if (read - claimed >= LEAST_SECONDS) {
    const found = `the file holds ${read.toFixed(2)} s, and all of it was read`;
    notes.push(`${label}: the header says ${claimed.toFixed(2)} s; ${found}`);
  }
  if (unread.seconds >= LEAST_SECONDS) {
    const found = `${unread.seconds.toFixed(2)} s that follow were not (files that were joined, or a second "data" chunk)`;
    notes.push(`${label}: the first ${read.toFixed(2)} s were read; ${found}`);
  }
  if (unread.bytes >= LEAST_BYTES) {
    notes.push(`${label}: ${unread.bytes} bytes behind its ${read.toFixed(2)} s were not read`);
  }
  return notes;
}
