/** A growing run of machine-code bytes, little-endian. */
export class CodeBuffer {
  #bytes = new Uint8Array(4096);
  #length = 0;

  /** Bytes written so far: the offset of the next one. */
  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  int32(value: number): void {
    this.#reserve(4);
    this.patchInt32(this.#length, value);
    this.#length += 4;
  }

  int64(value: bigint): void {
    this.int32(Number(BigInt.asIntN(32, value)));
    this.int32(Number(BigInt.asIntN(32, value >> 32n)));
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  patchByte(offset: number, value: number): void {
    this.#bytes[offset] = value;
  }

  patchInt32(offset: number, value: number): void {
    for (let i = 0; i < 4; i++) this.#bytes[offset + i] = value >> (8 * i);
  }

  /** A copy of what was written. */
  toBytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}
