/** A chunk to be written; `statedSize` and `padded` lie about it. */
export interface WavChunk {
  readonly id: string;
  readonly body: readonly number[];
  readonly statedSize?: number;
  /** Whether an odd body is followed by a pad byte; default true. */
  readonly padded?: boolean;
}

/** Fields of a `fmt ` chunk; the block size follows from bits and channels unless it is given. */
export interface FmtFields {
  readonly tag?: number;
  readonly channels?: number;
  readonly sampleRateHz?: number;
  readonly bits?: number;
  readonly blockBytes?: number;
  /** Adds the WAVE_FORMAT_EXTENSIBLE part, with `tag` inside the subformat. */
  readonly extensible?: { readonly validBits: number; readonly guidTail?: readonly number[] };
}

const GUID_TAIL = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

/** A WAV file of these chunks. */
export function wavFile(chunks: readonly WavChunk[], magic = 'RIFF', statedSize?: number): Uint8Array {
  const body = chunks.flatMap(({ id, body: bytes, statedSize: stated, padded }) => [
    ...ascii(id),
    ...little(stated ?? bytes.length, 4),
    ...bytes,
    ...(bytes.length % 2 === 1 && padded !== false ? [0] : []),
  ]);
  return Uint8Array.from([
    ...ascii(magic),
    ...little(statedSize ?? body.length + 4, 4),
    ...ascii('WAVE'),
    ...body,
  ]);
}

export function fmtChunk(fields: FmtFields = {}): WavChunk {
  const { tag = 1, channels = 1, sampleRateHz = 16000, bits = 16, extensible } = fields;
  const blockBytes = fields.blockBytes ?? (channels * bits) / 8;
  const plain = [
    ...little(extensible === undefined ? tag : 0xfffe, 2),
    ...little(channels, 2),
    ...little(sampleRateHz, 4),
    ...little(sampleRateHz * blockBytes, 4),
    ...little(blockBytes, 2),
    ...little(bits, 2),
  ];
  if (extensible === undefined) return { id: 'fmt ', body: plain };
  const subformat = [...little(tag, 2), ...(extensible.guidTail ?? GUID_TAIL)];
  return {
    id: 'fmt ',
    body: [...plain, ...little(22, 2), ...little(extensible.validBits, 2), 0, 0, 0, 0, ...subformat],
  };
}

/** A `ds64` chunk with the given data size. */
export function ds64Chunk(dataSize: bigint): WavChunk {
  return { id: 'ds64', body: [...little(0, 8), ...little(dataSize, 8), ...little(0, 8), ...little(0, 4)] };
}

/** A plain file of 16-bit mono samples. */
export function wavOf16Bit(codes: readonly number[], sampleRateHz = 16000): Uint8Array {
  const body = codes.flatMap((code) => little(code, 2));
  return wavFile([fmtChunk({ sampleRateHz }), { id: 'data', body }]);
}

/** Two's complement, least significant byte first; values beyond the range wrap. */
export function little(value: number | bigint, bytes: number): number[] {
  const rest = BigInt.asUintN(8 * bytes, BigInt(value));
  return Array.from({ length: bytes }, (_, i) => Number((rest >> BigInt(8 * i)) & 0xffn));
}

/** IEEE 754 bytes of a number, least significant first. */
export function float(value: number, bits: 32 | 64): number[] {
  const bytes = new Uint8Array(bits === 32 ? Float32Array.of(value).buffer : Float64Array.of(value).buffer);
  return [...bytes];
}

export function ascii(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}
