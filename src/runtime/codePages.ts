import type { Native } from './system/native.js';

const ALIGNMENT = 64;

/**
 * Executable memory under W^X: each batch of functions gets pages of its own, which are written, then made executable
 * and never written again.
 */
export class CodePages {
  private readonly native: Native;
  private readonly mappings: { address: number; byteLength: number }[] = [];

  constructor(native: Native) {
    this.native = native;
  }

  /**
   * Places position-independent functions.
   *
   * @returns the address of each.
   * @throws QwenAsrError `memory` or `unsupported` when the system refuses.
   */
  install(functions: readonly Uint8Array[]): number[] {
    const offsets: number[] = [];
    let end = 0;
    for (const code of functions) {
      const start = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
      offsets.push(start);
      end = start + code.byteLength;
    }
    const { pageBytes } = this.native;
    const byteLength = Math.ceil(end / pageBytes) * pageBytes;
    const address = this.native.reserve(byteLength);
    this.mappings.push({ address, byteLength });
    const pages = new Uint8Array(this.native.view(address, byteLength));
    functions.forEach((code, i) => {
      pages.set(code, offsets[i]);
    });
    this.native.seal(address, byteLength);
    return offsets.map((offset) => address + offset);
  }

  release(): void {
    for (const { address, byteLength } of this.mappings) this.native.release(address, byteLength);
    this.mappings.length = 0;
  }
}
