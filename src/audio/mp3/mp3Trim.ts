import { MP3_HEADER_BYTES, type Mp3FrameHeader } from './mp3Frames.js';

/** What an encoder wrote into the first frame of a file instead of sound. */
export interface Mp3Info {
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
export function readJoinedMp3Info(frame: Uint8Array, header: Mp3FrameHeader): Mp3Info | undefined {
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
export function readMp3Info(frame: Uint8Array, header: Mp3FrameHeader): Mp3Info | undefined {
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
export class Mp3Trim {
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
