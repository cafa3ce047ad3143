/**
 * The text of a vocab.json of the published size, as synthetic models have: the 256 bytes in the published order
 * (printable ones first, so that the line break is id 198), the words of the prompt with their published ids, and
 * `t<id>` for all others.
 */
export function placeholderVocabulary(): string {
  const printable = (code: number): boolean =>
    (code > 0x20 && code < 0x7f) || (code > 0xa0 && code !== 0xad && code < 0x100);
  const codes = Array.from({ length: 324 }, (_, code) => code);
  const bytes = [...codes.filter(printable), ...codes.filter((code) => code >= 0x100)];
  const words = new Map([
    [872, 'user'],
    [8948, 'system'],
    [11528, 'language'],
    [77091, 'assistant'],
  ]);
  const entries = Array.from({ length: 151643 }, (_, id) => {
    const code = bytes[id];
    return [code === undefined ? (words.get(id) ?? `t${id}`) : String.fromCharCode(code), id];
  });
  return JSON.stringify(Object.fromEntries(entries));
}
