/** Condition codes: the low four bits of the opcodes of jcc, cmovcc and setcc (Intel SDM vol. 1, appendix B). */
export const conditionCodes = {
  o: 0x0,
  no: 0x1,
  b: 0x2,
  ae: 0x3,
  e: 0x4,
  ne: 0x5,
  be: 0x6,
  a: 0x7,
  s: 0x8,
  ns: 0x9,
  p: 0xa,
  np: 0xb,
  l: 0xc,
  ge: 0xd,
  le: 0xe,
  g: 0xf,
} as const;

/** `b ae be a` compare unsigned, `l ge le g` signed. */
export type Condition = keyof typeof conditionCodes;

export type ConditionalMnemonic = `j${Condition}` | `cmov${Condition}` | `set${Condition}`;

/** Table rows of the three families, for all conditions. */
export function conditionalInstructions(): Record<ConditionalMnemonic, readonly string[]> {
  const rows: Partial<Record<ConditionalMnemonic, readonly string[]>> = {};
  for (const [condition, code] of Object.entries(conditionCodes) as [Condition, number][]) {
    const digit = code.toString(16).toUpperCase();
    rows[`j${condition}`] = [`rel8 : 7${digit} rel8`, `rel32 : 0F 8${digit} rel32`];
    rows[`cmov${condition}`] = [`r, r/mr : 0F 4${digit} /r`];
    rows[`set${condition}`] = [`r8/m8 : 0F 9${digit} /0`];
  }
  return rows as Record<ConditionalMnemonic, readonly string[]>;
}
