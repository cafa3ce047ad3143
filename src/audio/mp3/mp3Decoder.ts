import { QwenAsrError } from '../../error.js';
import type { AudioBlock, AudioDecoder } from '../audioClip.js';
import type { ByteReader } from '../byteReader.js';
import { Damage } from '../damage.js';
import { MixMeter } from '../mixMeter.js';
import { compilePackageWasm, fromOptionalPackage, instantiateWasm } from '../packageWasm.js';
import { MP3_HEADER_BYTES, type Mp3Frame, type Mp3FrameHeader, mp3Frames } from './mp3Frames.js';

/**
 * Decodes MP3 (MPEG-1, -2 and -2.5 layer III), all but the free bit rate, in any number of files that were joined, of any
 * rate each. What the encoder put in front of each and behind it is cut off where the file says how much that is.
 *
 * @throws QwenAsrError `audio` when there is no frame; `unsupported` without the package minimp3-wasm.
 */
export async function openMp3(reader: ByteReader, label: string): Promise<AudioDecoder> {
  const damage = new Damage(label);
  const meter = new MixMeter(label);
  const frames = mp3Frames(reader, damage);
  const first = await frames.next();
  if (first.done === true) throw new QwenAsrError('audio', `${label}: expected MP3 frames, found none`);
  const info = readMp3Info(first.value.bytes, first.value.header);
  const decoder = await Minimp3.create(label, meter);
  // The first frame's bytes are valid until the second is asked for.
  const head = info === undefined ? decoder.decode(first.value) : new Float32Array(0);
  const notes: string[] = [];
  let { sampleRateHz } = first.value.header;
  let trim = new Mp3Trim(info);
  /** Of the recordings before the last, in seconds. */
  let keptBefore = 0;
  let missingBefore = 0;
  return { sampleRateHz, sampleCount: null, notes, decode };

  async function* decode(): AsyncGenerator<AudioBlock, void, undefined> {
    yield { samples: trim.apply(head), sampleRateHz };
    for await (const frame of frames) {
      const isInfo = beginRecording(frame);
      if (!isInfo) yield { samples: trim.apply(decodeFrame(frame)), sampleRateHz };
    }
    const kept = keptBefore + trim.kept / sampleRateHz;
    const missing = missingBefore + trim.missing / sampleRateHz;
    if (kept === 0) throw new QwenAsrError('audio', `${label}: expected MP3 frames, found no samples`);
    notes.push(...damage.notes(kept, 'MP3'));
    if (missing > 0) {
      notes.push(`${label}: ${kept.toFixed(1)} s of ${(kept + missing).toFixed(1)} s are there`);
    } else if (damage.isCut) notes.push(`${label}: the end of the recording is missing`);
    notes.push(...meter.notes());
  }

  /** Where another recording begins, in an information frame or at another rate; returns whether the frame is such a one. */
  function beginRecording({ header, bytes }: Mp3Frame): boolean {
    const joined = readJoinedMp3Info(bytes, header);
    if (joined === undefined && header.sampleRateHz === sampleRateHz) return false;
    keptBefore += trim.kept / sampleRateHz;
    missingBefore += trim.missing / sampleRateHz;
    decoder.reset();
    trim = new Mp3Trim(joined);
    ({ sampleRateHz } = header);
    return joined !== undefined;
  }

  function decodeFrame(frame: Mp3Frame): Float32Array {
    try {
      return decoder.decode(frame);
    } catch (cause) {
      throw new QwenAsrError('audio', `${label}: minimp3 failed: ${String(cause)}`, { cause });
    }
  }
}

/**
 * What minimp3-wasm exports. It was made to be given a whole file, of which it keeps all bytes and all samples; given
 * one frame after another instead it keeps its state between them and never more than one frame's memory.
 */
interface Minimp3Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  decoder_init(): void;
  decoder_set_mp3_data_size(bytes: number): void;
  decoder_mp3_data_offset(): number;
  /** Of the samples, which lie behind the bytes: i16, interleaved. */
  decoder_pcm_data_offset(): number;
  /** Decodes as many seconds, all when negative. */
  decoder_decode(seconds: number): void;
}

const PACKAGE = { name: 'minimp3-wasm', purpose: 'MP3' };
const FULL_SCALE = 32_768;

/** Decodes MP3 frames with minimp3 (public domain), compiled to WebAssembly by the package minimp3-wasm. */
class Minimp3 {
  readonly #wasm: Minimp3Exports;

  readonly #meter: MixMeter;

  private constructor(wasm: Minimp3Exports, meter: MixMeter) {
    this.#wasm = wasm;
    this.#meter = meter;
    wasm.decoder_init();
  }

  /** @throws QwenAsrError `unsupported` when the package is not installed. */
  static async create(label: string, meter: MixMeter): Promise<Minimp3> {
    const { exports } = await fromOptionalPackage(PACKAGE, label, async () =>
      instantiateWasm(await compilePackageWasm('minimp3-wasm/dist/decoder.opt.wasm'), {}),
    );
    return new Minimp3(exports as Minimp3Exports, meter);
  }

  /** Forgets the frames so far: another recording begins. */
  reset(): void {
    this.#wasm.decoder_init();
  }

  /**
   * Decodes the next frame. One that rests on an earlier frame which is missing gives zeros.
   *
   * @returns [frameSamples] f32, mean of the channels.
   */
  decode({ header, bytes }: Mp3Frame): Float32Array {
    const { channels, frameSamples, sampleRateHz } = header;
    const wasm = this.#wasm;
    wasm.decoder_set_mp3_data_size(bytes.length);
    new Uint8Array(wasm.memory.buffer).set(bytes, wasm.decoder_mp3_data_offset());
    const [start, length] = [wasm.decoder_pcm_data_offset(), frameSamples * channels * 2];
    new Uint8Array(wasm.memory.buffer, start, length).fill(0);
    wasm.decoder_decode(-1);
    // A copy, as the samples may begin at an odd address.
    const pcm = new Int16Array(wasm.memory.buffer.slice(start, start + length));
    const mono = new Float32Array(frameSamples);
    if (channels === 1) {
      for (let i = 0; i < frameSamples; i++) mono[i] = pcm[i]! / FULL_SCALE;
      return mono;
    }
    let squares = 0;
    for (let i = 0; i < frameSamples; i++) {
      const [left, right] = [pcm[2 * i]!, pcm[2 * i + 1]!];
      mono[i] = (left + right) / (2 * FULL_SCALE);
      squares += left * left + right * right;
    }
    this.#meter.compare(mono, squares / FULL_SCALE ** 2, channels, sampleRateHz);
    return mono;
  }
}

/** What an encoder wrote into the first frame of a file instead of sound. */
interface Mp3Info {
  /** Samples that encoder and decoder put in front of the recording, as far as they are known. */
  readonly leadingSamples: number;
  /** Samples of the recording, or null when unknown. */
  readonly sampleCount: number | null;
}

/** Samples by which every layer III decoder delays: 528 in the hybrid filter bank, and 1 by convention. */
const DECODER_DELAY = 529;

/** What is known without such a frame. */
const UNKNOWN: Mp3Info = { leadingSamples: DECODER_DELAY, sampleCount: null };

/** Flags of a Xing header, which say what follows, and the bytes of each; the frame count comes first. */
const FRAMES_FLAG = 1;
const FIELD_BYTES = [4, 4, 100, 4];
/** Offset of delay and padding, 12 bits each, behind the name of the encoder. */
const GAPS_OFFSET = 21;
/** Where Fraunhofer's encoders put their header. */
const VBRI_OFFSET = 36;

/**
 * The header of a recording that was joined to the one before, as readMp3Info reads it: it is in a frame of silence.
 */
function readJoinedMp3Info(frame: Uint8Array, header: Mp3FrameHeader): Mp3Info | undefined {
  const sideInfo = frame.subarray(MP3_HEADER_BYTES, MP3_HEADER_BYTES + header.sideInfoBytes);
  return sideInfo.every((byte) => byte === 0) ? readMp3Info(frame, header) : undefined;
}

/**
 * Reads the header that LAME, libavcodec and others hide in a first frame of silence (Xing's, with LAME's extension), so
 * that the recording gets its exact length and begins where it began.
 *
 * @param frame the first frame.
 * @returns undefined when the frame is one of sound.
 */
function readMp3Info(frame: Uint8Array, header: Mp3FrameHeader): Mp3Info | undefined {
  if (textAt(frame, VBRI_OFFSET) === 'VBRI') return UNKNOWN;
  const at = MP3_HEADER_BYTES + header.sideInfoBytes;
  const mark = textAt(frame, at);
  if (mark !== 'Xing' && mark !== 'Info') return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (at + 8 > frame.length) return UNKNOWN;
  const flags = view.getUint32(at + 4);
  const encoder = FIELD_BYTES.reduce((end, bytes, i) => end + ((flags >> i) & 1) * bytes, at + 8);
  if ((flags & FRAMES_FLAG) === 0 || encoder + GAPS_OFFSET + 3 > frame.length) return UNKNOWN;
  const frames = view.getUint32(at + 8);
  const gaps = (view.getUint16(encoder + GAPS_OFFSET) << 8) | view.getUint8(encoder + GAPS_OFFSET + 2);
  const [delay, padding] = [gaps >> 12, gaps & 0xfff];
  const sampleCount = frames * header.frameSamples - delay - padding;
  if (gaps === 0 || sampleCount <= 0) return UNKNOWN;
  return { leadingSamples: delay + DECODER_DELAY, sampleCount };
}

function textAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

/** The most that can follow a recording: LAME's largest padding, the decoder's delay, one frame. */
const MAX_TAIL = 4095 + DECODER_DELAY + 1152;

/** Cuts off what encoder and decoder put before and behind a recording. */
class Mp3Trim {
  /** Samples of the recording so far. */
  kept = 0;
  #leading: number;
  /** Samples of the recording; infinite when unknown. */
  #sampleCount: number;
  #tail: Float32Array[] = [];
  #tailSamples = 0;

  constructor(info: Mp3Info | undefined) {
    this.#leading = info?.leadingSamples ?? DECODER_DELAY;
    this.#sampleCount = info?.sampleCount ?? Number.POSITIVE_INFINITY;
  }

  /** Samples that the file announced and that have not come. */
  get missing(): number {
    return Number.isFinite(this.#sampleCount) ? this.#sampleCount - this.kept : 0;
  }

  /**
   * What of a frame's samples belongs to the recording. Where more follows its announced end than padding (files that
   * were joined), the announcement is dropped and everything belongs to it.
   */
  apply(samples: Float32Array): Float32Array {
    const skipped = Math.min(this.#leading, samples.length);
    this.#leading -= skipped;
    const room = this.#sampleCount - this.kept;
    const inside = samples.subarray(skipped, Math.min(samples.length, skipped + room));
    this.kept += inside.length;
    const outside = samples.subarray(skipped + inside.length);
    if (outside.length === 0) return inside;
    this.#tail.push(outside);
    this.#tailSamples += outside.length;
    return this.#tailSamples <= MAX_TAIL ? inside : this.#releaseTail(inside);
  }

  #releaseTail(inside: Float32Array): Float32Array {
    const all = new Float32Array(inside.length + this.#tailSamples);
    all.set(inside);
    let at = inside.length;
    for (const piece of this.#tail) {
      all.set(piece, at);
      at += piece.length;
    }
    this.kept += this.#tailSamples;
    this.#tail = [];
    this.#sampleCount = Number.POSITIVE_INFINITY;
    return all;
  }
}
