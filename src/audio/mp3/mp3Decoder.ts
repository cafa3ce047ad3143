import { QwenAsrError } from '../../error.js';
import type { AudioBlock, AudioDecoder } from '../audioDecoder.js';
import type { ByteReader } from '../byteReader.js';
import { Damage } from '../damage.js';
import { MixMeter } from '../mixMeter.js';
import { compilePackageWasm, fromOptionalPackage, instantiateWasm } from '../packageWasm.js';
import { type Mp3Frame, mp3Frames } from './mp3Frames.js';
import { Mp3Trim, readJoinedMp3Info, readMp3Info } from './mp3Trim.js';

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
