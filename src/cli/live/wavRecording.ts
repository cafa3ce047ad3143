import { closeSync, openSync, writeSync } from 'node:fs';
import { fileError } from '../../error.js';

const HEADER_BYTES = 44;

/** What programs write that do not know the length yet. */
const UNKNOWN_BYTES = 0xffffffff;

/** A WAV file (16 bits, one channel) that grows while it is heard, and can be read at any moment. */
export class WavRecording {
  readonly #path: string;
  readonly #file: number;
  #bytes = 0;

  /** @throws QwenAsrError `file` when it exists already or cannot be written */
  constructor(path: string, sampleRateHz: number) {
    this.#path = path;
    try {
      this.#file = openSync(path, 'wx');
    } catch (cause) {
      throw fileError(path, cause);
    }
    const header = new DataView(new ArrayBuffer(HEADER_BYTES));
    const text = (at: number, name: string): void => {
      for (const [i, letter] of [...name].entries()) header.setUint8(at + i, letter.charCodeAt(0));
    };
    text(0, 'RIFF');
    header.setUint32(4, UNKNOWN_BYTES, true);
    text(8, 'WAVEfmt ');
    header.setUint32(16, 16, true);
    header.setUint16(20, 1, true); // PCM
    header.setUint16(22, 1, true); // channels
    header.setUint32(24, sampleRateHz, true);
    header.setUint32(28, 2 * sampleRateHz, true);
    header.setUint16(32, 2, true); // bytes of a frame
    header.setUint16(34, 16, true); // bits
    text(36, 'data');
    header.setUint32(40, UNKNOWN_BYTES, true);
    this.#write(header, 0);
  }

  /** @param samples [n] f32; beyond [-1, 1] they are clamped */
  append(samples: Float32Array): void {
    const view = new DataView(new ArrayBuffer(2 * samples.length));
    for (let i = 0; i < samples.length; i++) {
      const value = Math.round(32_768 * samples[i]!);
      view.setInt16(2 * i, Math.max(-32_768, Math.min(32_767, value)), true);
    }
    this.#write(view, HEADER_BYTES + this.#bytes);
    this.#bytes += view.byteLength;
  }

  /** Writes the length that it has come to. */
  close(): void {
    const length = new DataView(new ArrayBuffer(4));
    length.setUint32(0, Math.min(this.#bytes, UNKNOWN_BYTES), true);
    this.#write(length, 40);
    length.setUint32(0, Math.min(HEADER_BYTES - 8 + this.#bytes, UNKNOWN_BYTES), true);
    this.#write(length, 4);
    closeSync(this.#file);
  }

  #write(view: DataView, at: number): void {
    try {
      writeSync(this.#file, view, 0, view.byteLength, at);
    } catch (cause) {
      throw fileError(this.#path, cause);
    }
  }
}
