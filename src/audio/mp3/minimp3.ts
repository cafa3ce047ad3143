import type { MixMeter } from '../mixMeter.js';
import { fromOptionalPackage } from '../optionalPackage.js';
import { compilePackageWasm, instantiateWasm } from '../packageWasm.js';
import type { Mp3Frame } from './mp3Frames.js';

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
export class Minimp3 {
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
