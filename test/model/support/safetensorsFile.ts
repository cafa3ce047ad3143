/** A tensor to be written; `bytes` must have the length that shape and dtype say, unless a test wants otherwise. */
export interface FileTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Header text (or any text in its place) and data as a safetensors file. */
export function assembleFile(headerText: string, data: Uint8Array, headerLength?: bigint): Uint8Array {
  const header = Buffer.from(headerText, 'utf8');
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(headerLength ?? BigInt(header.length));
  return new Uint8Array(Buffer.concat([prefix, header, data]));
}

/** A well-formed file; `padding` spaces after the header move the data, for example to an odd offset. */
export function safetensorsFile(tensors: readonly FileTensor[], padding = 0): Uint8Array {
  let offset = 0;
  const entries = tensors.map(({ name, dtype, shape, bytes }) => {
    const begin = offset;
    offset += bytes.length;
    return `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, offset] })}`;
  });
  const data = Buffer.concat(tensors.map((tensor) => tensor.bytes));
  return assembleFile(`{${entries.join(',')}}${' '.repeat(padding)}`, data);
}
