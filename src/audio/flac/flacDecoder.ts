import { QwenAsrError } from '../../error.js';
import type { AudioBlock, AudioDecoder } from '../audioClip.js';
import type { ByteReader } from '../byteReader.js';
import { Damage } from '../damage.js';
import { MixMeter } from '../mixMeter.js';
import { playerTagBytes } from '../playerTag.js';
import { FlacFrameDecoder } from './flacFrame.js';
import { FLAC_MARK, type FlacStreamInfo, readFlacFrameHeader, readFlacStreamInfo } from './flacHeaders.js';

/** Bytes looked at for a frame at first, and at most: four times the largest frame without compression. */
const FIRST_WINDOW = 65_536;
const LAST_WINDOW = 2 ** 23;

/**
 * Decodes FLAC (RFC 9639): up to 8 channels of 4 to 32 bits, exactly, in any number of streams that were joined, of any
 * rate each. Frames that fail their checksum are left out and noted; a file that was cut short yields the frames that are
 * there.
 *
 * @throws QwenAsrError `audio` without a valid STREAMINFO; from `decode` when there is no intact frame.
 */
export async function openFlac(reader: ByteReader, label: string): Promise<AudioDecoder> {
  const info = await readFlacStreamInfo(reader, label);
  const decoder = new FlacDecoder(reader, info, label);
  return {
    sampleRateHz: info.sampleRateHz,
    sampleCount: null, // what STREAMINFO claims is only known to be true at the end
    notes: decoder.notes,
    decode: () => decoder.decode(),
  };
}

class FlacDecoder {
  readonly notes: string[] = [];
  readonly #reader: ByteReader;
  readonly #label: string;
  readonly #damage: Damage;
  /** The stream that the reader stands in, and its samples so far. */
  #info: FlacStreamInfo;
  #decoded = 0;
  /** Of all streams. */
  #heardSeconds = 0;
  #missingSeconds = 0;

  constructor(reader: ByteReader, info: FlacStreamInfo, label: string) {
    this.#reader = reader;
    this.#info = info;
    this.#label = label;
    this.#damage = new Damage(label);
  }

  async *decode(): AsyncGenerator<AudioBlock, void, undefined> {
    const meter = new MixMeter(this.#label);
    yield* this.#frames(new FlacFrameDecoder(meter));
    this.#endStream();
    if (this.#heardSeconds === 0) {
      throw new QwenAsrError('audio', `${this.#label}: expected FLAC frames, found no intact one`);
    }
    this.notes.push(...this.#damage.notes(this.#heardSeconds, 'FLAC'));
    if (this.#missingSeconds > 0) {
      const expected = (this.#heardSeconds + this.#missingSeconds).toFixed(1);
      this.notes.push(`${this.#label}: ${this.#heardSeconds.toFixed(1)} s of ${expected} s are there`);
    }
    this.notes.push(...meter.notes());
  }

  async *#frames(frames: FlacFrameDecoder): AsyncGenerator<AudioBlock, void, undefined> {
    const reader = this.#reader;
    const damage = this.#damage;
    let inSync = true;
    let unexplained = false; // whether bytes were skipped that no damaged frame accounts for
    for (let window = FIRST_WINDOW; (await reader.fill(window)) > 0; ) {
      const bytes = reader.bytes;
      const header = readFlacFrameHeader(bytes, 0, this.#info);
      const frame = header === undefined ? undefined : frames.decode(bytes, header);
      if (header !== undefined && typeof frame === 'object') {
        if (unexplained) damage.add();
        damage.heard();
        inSync = true;
        unexplained = false;
        reader.skip(frame.frameBytes);
        this.#decoded += frame.mono.length;
        this.#heardSeconds += frame.mono.length / header.sampleRateHz;
        yield { samples: frame.mono, sampleRateHz: header.sampleRateHz };
        continue;
      }
      const moreMayCome = bytes.length >= window;
      if (frame === 'short' && moreMayCome && window < LAST_WINDOW) {
        window *= 2;
        continue;
      }
      window = FIRST_WINDOW;
      if (await this.#readJoint()) {
        if (unexplained) damage.add();
        inSync = true;
        unexplained = false;
        continue;
      }
      if (frame === undefined) unexplained ||= inSync;
      else if (frame === 'damaged' || moreMayCome) damage.add();
      inSync = false;
      const next = nextSync(bytes);
      if (unexplained) damage.skip(bytes.subarray(0, next));
      reader.skip(next);
    }
  }

  /** Reads what joined files have between their frames, tags and the metadata of another stream. */
  async #readJoint(): Promise<boolean> {
    const { bytes } = this.#reader;
    const tag = playerTagBytes(bytes);
    if (tag > 0) await this.#reader.discard(tag);
    if (tag > 0 || bytes.length < FLAC_MARK.length || !hasMark(bytes, 0)) return tag > 0;
    try {
      const info = await readFlacStreamInfo(this.#reader, this.#label);
      this.#endStream();
      this.#info = info;
    } catch (error) {
      if (!(error instanceof QwenAsrError) || error.code !== 'audio') throw error;
      this.#damage.add();
    }
    return true;
  }

  #endStream(): void {
    const { sampleCount, sampleRateHz } = this.#info;
    const expected = sampleCount ?? 0;
    if (this.#decoded < expected) this.#missingSeconds += (expected - this.#decoded) / sampleRateHz;
    this.#decoded = 0;
  }
}

/** Where the next header or stream may begin, after the first byte. */
function nextSync(bytes: Uint8Array): number {
  for (let at = 1; at < bytes.length; at++) {
    if (bytes[at] === FLAC_MARK[0] && hasMark(bytes, at)) return at;
    if (bytes[at] !== 0xff) continue;
    if (at + 1 === bytes.length || (bytes[at + 1]! & 0xfe) === 0xf8) return at;
  }
  return bytes.length;
}

/** Whether a stream begins at `at`, as far as the bytes go. */
function hasMark(bytes: Uint8Array, at: number): boolean {
  return FLAC_MARK.every((byte, i) => at + i >= bytes.length || bytes[at + i] === byte);
}
