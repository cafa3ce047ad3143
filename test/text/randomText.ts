import type { Random } from '../support/random.js';

/**
 * Code point ranges that texts are drawn from. All letters, numbers and combining marks in them have been in Unicode
 * since version 9 (2016), so that runtimes and test oracles of different Unicode versions agree on them.
 */
const SCRIPTS: readonly (readonly [number, number])[] = [
  [0x41, 0x5a], // Latin
  [0x61, 0x7a],
  [0xc0, 0x17e],
  [0x1ea0, 0x1ef9], // Vietnamese
  [0x391, 0x3a1], // Greek
  [0x3b1, 0x3ce],
  [0x400, 0x45f], // Cyrillic
  [0x531, 0x556], // Armenian
  [0x5d0, 0x5ea], // Hebrew
  [0x621, 0x63a], // Arabic
  [0x904, 0x939], // Devanagari
  [0x985, 0x98c], // Bengali
  [0xb95, 0xb95], // Tamil
  [0xe01, 0xe30], // Thai
  [0x10d0, 0x10f0], // Georgian
  [0x1200, 0x1248], // Ethiopic
  [0x13a0, 0x13f4], // Cherokee
  [0x1780, 0x17b3], // Khmer
  [0x1100, 0x1112], // Hangul, conjoining
  [0x1161, 0x1175],
  [0x11a8, 0x11c2],
  [0xac00, 0xd7a3], // Hangul, composed
  [0x3041, 0x3094], // Hiragana
  [0x30a1, 0x30fa], // Katakana
  [0x4e00, 0x9fa5], // Han
  [0x20000, 0x2a6d6],
  [0xf900, 0xfa2d], // Han that NFC replaces
  [0x10330, 0x1034a], // Gothic
  [0x1d400, 0x1d454], // mathematical
  [0xff21, 0xff5a], // full-width
];

const NUMBERS: readonly (readonly [number, number])[] = [
  [0x30, 0x39],
  [0x660, 0x669], // Arabic-Indic
  [0x966, 0x96f], // Devanagari
  [0xff10, 0xff19], // full-width
  [0x2150, 0x2188], // number forms
  [0x2460, 0x249b], // circled
  [0xb2, 0xb3], // superscripts
  [0x3021, 0x3029], // Hangzhou
];

const MARKS: readonly (readonly [number, number])[] = [
  [0x300, 0x34e],
  [0x5b0, 0x5b9],
  [0x64b, 0x652],
  [0x93e, 0x94d],
  [0x3099, 0x309a],
  [0x20d0, 0x20dc],
];

const OTHERS: readonly (readonly [number, number])[] = [
  [0x00, 0x08], // controls that are not white space
  [0x0e, 0x1f],
  [0x7f, 0x84],
  [0x86, 0x9f],
  [0x21, 0x2f], // punctuation
  [0x3a, 0x40],
  [0x5b, 0x60],
  [0x7b, 0x7e],
  [0xa1, 0xa9],
  [0x2010, 0x2027],
  [0x20a0, 0x20bd],
  [0x2190, 0x21ff],
  [0x3001, 0x3020],
  [0x1f300, 0x1f5ff],
  [0xe000, 0xe010], // private use
  [0xfffc, 0xfffd],
  [0x10fffe, 0x10ffff], // noncharacters
];

/** White_Space, and characters that look like it or that other definitions of `\s` include. */
const SPACES = [
  ...['\t', '\n', '\v', '\f', '\r', ' ', '\u0085', '\u00a0', '\u1680', '\u2000', '\u2003', '\u200a'],
  ...['\u2028', '\u2029', '\u202f', '\u205f', '\u3000', '\r\n', '\n\n', '   ', '\t\t'],
  ...['\ufeff', '\u200b', '\u180e', '\u2060', '\x1c', '\x1f'],
];

const CONTRACTIONS = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'\u017f", "'x", "'l", "''", '\u2019s'];

const EMOJI = [
  ...['👩‍👩‍👧‍👦', '🏳️‍🌈', '🇩🇪🇪🇸', '👍🏽', '❤️', '🧑🏿‍🚀', '1️⃣', '☎︎', '😀'],
  ...['\u200d', '\ufe0f', '🏻', '\u{e0067}\u{e007f}'],
];

const TYPED_TOKENS = [
  ...['<|im_end|>', '<|im_start|>', '<|endoftext|>', '<asr_text>', '<|audio_pad|>', '<think>', '</think>'],
  ...['<|', '|>', '#version: 0.2', '# ', '##', '#include', '#!/'],
];

const SENTENCES = [
  ...["I'LL say WE'RE done, THEY'VE it's 1,234.50 €.", 'Größe: 20 °C … naïve café'],
  ...['今天天气怎么样？我不知道。', 'こんにちは、世界。ｶﾞ', 'Привет, мир! Ё й', 'مرحبا بالعالم ١٢٣'],
  ...['नमस्ते दुनिया', 'สวัสดีชาวโลก', '안녕하세요 세계', 'Chào buổi sáng', 'def f(x):\n    return x**2  # ok\n'],
  ...['https://example.org/a_b?c=d&e=%20f', 'a\n\n  b\r\n\r\nc \n d'],
];

/** Well-formed text of up to a dozen parts: scripts, numbers, marks, white space, contractions, emoji, typed tokens. */
export function randomText(random: Random, fragments: readonly string[] = []): string {
  const parts = Array.from({ length: random.integer(1, 12) }, () => randomPart(random, fragments));
  const text = parts.join('');
  if (random.integer(0, 9) === 0) return text.normalize('NFD');
  return random.integer(0, 9) === 0 ? text.toUpperCase() : text;
}

function randomPart(random: Random, fragments: readonly string[]): string {
  switch (random.integer(0, 11)) {
    case 0:
      return characters(random, [pick(random, SCRIPTS)], random.integer(1, 8));
    case 1:
      return ` ${characters(random, [pick(random, SCRIPTS)], random.integer(1, 8))}`;
    case 2:
      return (
        characters(random, SCRIPTS, random.integer(1, 4)) + characters(random, MARKS, random.integer(0, 3))
      );
    case 3:
      return characters(random, [pick(random, NUMBERS)], random.integer(1, 4));
    case 4:
      return characters(random, OTHERS, random.integer(1, 4));
    case 5:
      return Array.from({ length: random.integer(1, 4) }, () => pick(random, SPACES)).join('');
    case 6:
      return randomCase(random, pick(random, CONTRACTIONS));
    case 7:
      return pick(random, EMOJI);
    case 8:
      return pick(random, TYPED_TOKENS);
    case 9:
      return pick(random, SENTENCES);
    default:
      return fragments.length === 0 ? ' and ' : pick(random, fragments);
  }
}

function characters(random: Random, ranges: readonly (readonly [number, number])[], count: number): string {
  return Array.from({ length: count }, () => {
    const [first, last] = pick(random, ranges);
    return String.fromCodePoint(random.integer(first, last));
  }).join('');
}

function randomCase(random: Random, text: string): string {
  return Array.from(text, (character) =>
    random.integer(0, 1) === 0 ? character : character.toUpperCase(),
  ).join('');
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.integer(0, items.length - 1)]!;
}
