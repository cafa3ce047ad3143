import { englishNumberWords, NUMBER_PREFIXES, type NumberWord } from './englishNumberWords.js';
import { WORD_END, WORD_START } from './plainText.js';

const AND_A_HALF = new RegExp(`${WORD_START}and\\s+a\\s+half${WORD_END}`, 'u');
const SPACED_SUFFIX = new RegExp(`([0-9])\\s+(st|nd|rd|th|s)${WORD_END}`, 'gu');
const WITH_CENTS = new RegExp(`([€£$])([0-9]+) (?:and )?¢([0-9]{1,2})${WORD_END}`, 'gu');
const ONLY_CENTS = new RegExp(`[€£$]0.([0-9]{1,2})${WORD_END}`, 'gu');
const LONE_ONE = new RegExp(`${WORD_START}1(s?)${WORD_END}`, 'gu');
const DIGITS = /^\d+(\.\d+)?$/;

/**
 * Writes numbers in digits, so that "twenty five" and "25" count as the same word, by the rules of Whisper's English
 * normaliser: cardinals, ordinals and decades ("nineteen fifties" → "1950s"), digits read one by one ("nine double
 * one" → "911"), decimals, percent, signs and money ("two dollars and seventy cents" → "$2.70"). A lone 1 is
 * written "one".
 *
 * @param text in lower case, words separated by spaces, without punctuation other than . % $ ¢ € £
 * @example
 * normalizeNumbers('forty three thousand two hundred and sixty'); // '43260'
 */
export function normalizeNumbers(text: string): string {
  const words = separateDigits(halvesAsDecimals(text))
    .split(/\s+/)
    .filter((word) => word !== '');
  return tidyMoney(new NumberReader(words).read().join(' '));
}

/** "three and a half million" → "three point five million"; after anything but a number it stays. */
function halvesAsDecimals(text: string): string {
  const segments = text.split(AND_A_HALF);
  const parts: string[] = [];
  segments.forEach((segment, index) => {
    if (segment.trim() === '') return;
    parts.push(segment);
    if (index === segments.length - 1) return;
    const last = englishNumberWords.get(segment.trim().split(/\s+/).at(-1)!);
    parts.push(isPlainNumber(last) ? 'point five' : 'and a half');
  });
  return parts.join(' ');
}

/** A number word without plural or ordinal ending. */
function isPlainNumber(word: NumberWord | undefined): boolean {
  return isDecimal(word) || (word?.kind === 'multiplier' && word.suffix === '');
}

/** A word that can stand after a decimal point. */
function isDecimal(word: NumberWord | undefined): boolean {
  return word?.kind === 'zero' || ((word?.kind === 'ones' || word?.kind === 'tens') && word.suffix === '');
}

/** "b747" → "b 747", but "10 th" → "10th". */
function separateDigits(text: string): string {
  return text
    .replace(/([a-z])([0-9])/g, '$1 $2')
    .replace(/([0-9])([a-z])/g, '$1 $2')
    .replace(SPACED_SUFFIX, '$1$2');
}

/** "$2 and ¢7" → "$2.07", "$0.36" → "¢36", and a lone 1 in letters. */
function tidyMoney(text: string): string {
  return text
    .replace(WITH_CENTS, (_, currency, whole, cents) => `${currency}${whole}.${cents.padStart(2, '0')}`)
    .replace(ONLY_CENTS, (_, cents) => `¢${Number(cents)}`)
    .replace(LONE_ONE, 'one$1');
}

/** A number being read: a whole number as such, or digits as text once they were named one by one. */
type Value = bigint | string;

/**
 * Reads words from left to right and holds back the number that the latest words form, until a word comes that cannot
 * continue it.
 */
class NumberReader {
  readonly #words: readonly string[];
  readonly #output: string[] = [];
  #value: Value | null = null;
  /** Sign or currency symbol to write before the next output. */
  #prefix = '';
  #position = 0;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  read(): readonly string[] {
    for (; this.#position < this.#words.length; this.#position++) {
      const current = this.#words[this.#position]!;
      const hasPrefix = NUMBER_PREFIXES.includes(current[0]!);
      const digits = hasPrefix ? current.slice(1) : current;
      const word = englishNumberWords.get(current);
      if (DIGITS.test(digits)) this.#readDigits(digits, hasPrefix ? current[0]! : '');
      else if (word === undefined) this.#flushAndWrite(current);
      else this.#readWord(word, current);
    }
    this.#flush();
    return this.#output;
  }

  #readDigits(digits: string, prefix: string): void {
    if (typeof this.#value === 'string' && this.#value.endsWith('.')) {
      this.#value += prefix + digits; // "3 point 14", or the parts of an address
      return;
    }
    this.#flush();
    if (prefix !== '') this.#prefix = prefix;
    const [whole, fraction = ''] = digits.split('.');
    this.#value = /^0*$/.test(fraction) ? BigInt(whole!) : digits;
  }

  #readWord(word: NumberWord, current: string): void {
    switch (word.kind) {
      case 'zero':
        this.#value = `${this.#valueOrNothing()}0`;
        return;
      case 'ones':
        return this.#keepOrFinish(this.#withOnes(word.value), word.suffix);
      case 'tens':
        return this.#keepOrFinish(this.#withTens(word.value), word.suffix);
      case 'multiplier':
        return this.#keepOrFinish(this.#times(word.value), word.suffix);
      case 'sign':
        this.#flush();
        if (this.#nextIsNumber()) this.#prefix = word.symbol;
        else this.#write(current);
        return;
      case 'currency':
        if (this.#value === null) return this.#write(current);
        this.#prefix = word.symbol;
        return this.#flush();
      case 'percent':
        return this.#readPercent(current);
      case 'per':
        if (this.#value === null || this.#next() !== 'cent') return this.#flushAndWrite(current);
        this.#readPercent(current);
        this.#position++;
        return;
      case 'and':
      case 'repeat':
      case 'point':
        if (!this.#nextIsNumber()) return this.#flushAndWrite(current);
        return this.#readJoiner(word, current);
    }
  }

  #readPercent(current: string): void {
    if (this.#value === null) this.#write(current);
    else this.#write(`${this.#value}%`);
  }

  /** "and", "double", "triple" and "point" before a word that may continue a number. */
  #readJoiner(word: NumberWord, current: string): void {
    const next = englishNumberWords.get(this.#next() ?? '');
    if (word.kind === 'and') {
      // After "hundred" and its like the word is only a filler: "two hundred and sixty".
      const previous = englishNumberWords.get(this.#words[this.#position - 1] ?? '');
      if (previous?.kind !== 'multiplier' || previous.suffix !== '') this.#flushAndWrite(current);
    } else if (word.kind === 'repeat') {
      if (next?.kind !== 'zero' && !(next?.kind === 'ones' && next.suffix === '')) {
        return this.#flushAndWrite(current);
      }
      const digit = next.kind === 'zero' ? 0 : next.value;
      this.#value = this.#valueOrNothing() + String(digit).repeat(word.kind === 'repeat' ? word.times : 1);
      this.#position++;
    } else if (isDecimal(next) || DIGITS.test(this.#next() ?? '')) {
      this.#value = `${this.#valueOrNothing()}.`;
    }
  }

  #withOnes(ones: number): Value {
    const value = this.#value;
    if (value === null) return BigInt(ones);
    const previous = englishNumberWords.get(this.#words[this.#position - 1] ?? '');
    const afterOnes = previous?.kind === 'ones' && previous.suffix === '';
    if (typeof value === 'string' || afterOnes) {
      // "two double o thirty five": the digits of thirty are already there, so its last zero gives way.
      const afterTens = previous?.kind === 'tens' && previous.suffix === '';
      return (afterTens && ones < 10 ? String(value).slice(0, -1) : String(value)) + ones;
    }
    return value % (ones < 10 ? 10n : 100n) === 0n ? value + BigInt(ones) : `${value}${ones}`;
  }

  #withTens(tens: number): Value {
    const value = this.#value;
    if (value === null) return BigInt(tens);
    return typeof value !== 'string' && value % 100n === 0n ? value + BigInt(tens) : `${value}${tens}`;
  }

  #times(multiplier: bigint): Value {
    const value = this.#value;
    if (value === null) return multiplier;
    // Only the last three digits are multiplied: "two thousand three hundred" is 2000 + 3 · 100.
    if (typeof value !== 'string') return (value / 1000n) * 1000n + (value % 1000n) * multiplier;
    const product = decimalTimes(value, multiplier);
    if (product !== null) return product;
    this.#flush();
    return multiplier;
  }

  /** A number with an ending is complete; one without may go on. */
  #keepOrFinish(value: Value, suffix: string): void {
    this.#value = value;
    if (suffix !== '') this.#write(`${value}${suffix}`);
  }

  /** The digits so far; a numeric zero counts as none, so that "0 oh" does not become "00". */
  #valueOrNothing(): string {
    return this.#value === null || this.#value === 0n ? '' : String(this.#value);
  }

  #next(): string | undefined {
    return this.#words[this.#position + 1];
  }

  #nextIsNumber(): boolean {
    const next = this.#next();
    return next !== undefined && (englishNumberWords.has(next) || DIGITS.test(next));
  }

  #flushAndWrite(word: string): void {
    this.#flush();
    this.#write(word);
  }

  #flush(): void {
    if (this.#value !== null) this.#write(String(this.#value));
  }

  #write(word: string): void {
    this.#output.push(this.#prefix + word);
    this.#prefix = '';
    this.#value = null;
  }
}

/** decimal · multiplier when that is a whole number, otherwise null; also null for "1.2.3". */
function decimalTimes(decimal: string, multiplier: bigint): bigint | null {
  if (!/^(\d+\.?\d*|\.\d+)$/.test(decimal)) return null;
  const [whole = '', fraction = ''] = decimal.split('.');
  const product = BigInt(whole + fraction) * multiplier;
  const scale = 10n ** BigInt(fraction.length);
  return product % scale === 0n ? product / scale : null;
}
