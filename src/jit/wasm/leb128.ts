/** LEB128, the variable-length integers of the WebAssembly binary format: 7 bits a byte, lowest first. */
export function unsignedLeb128(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return bytes;
}

/** The signed form, for i32 and i64 constants: the top bit of the last group is the sign. */
export function signedLeb128(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest < -64 || rest > 63; rest = Math.floor(rest / 128)) bytes.push((rest & 127) | 128);
  bytes.push(rest & 127);
  return bytes;
}
