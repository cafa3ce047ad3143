/** What a word means to the reader of numbers. */
export type NumberWord =
  | { readonly kind: 'zero' }
  /** one … nineteen */
  | { readonly kind: 'ones'; readonly value: number; readonly suffix: string }
  /** twenty … ninety */
  | { readonly kind: 'tens'; readonly value: number; readonly suffix: string }
  /** hundred … decillion */
  | { readonly kind: 'multiplier'; readonly value: bigint; readonly suffix: string }
  /** minus, plus: written before the number that follows */
  | { readonly kind: 'sign'; readonly symbol: string }
  /** dollars, cents: written before the number that precedes */
  | { readonly kind: 'currency'; readonly symbol: string }
  | { readonly kind: 'percent' }
  /** the first half of "per cent" */
  | { readonly kind: 'per' }
  | { readonly kind: 'and' }
  /** double, triple */
  | { readonly kind: 'repeat'; readonly times: number }
  | { readonly kind: 'point' };

const ONES = [
  ...['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'],
  ...['thirteen', 'fourteen', 'fifteen', 'sixteen', 'seventeen', 'eighteen', 'nineteen'],
];
/** 'ninth' is missing on purpose: the published table has "nineth", and the rates must compare. */
const IRREGULAR_ORDINALS: Readonly<Record<string, string>> = {
  one: 'first',
  two: 'second',
  three: 'third',
  five: 'fifth',
  eight: 'eighth',
  twelve: 'twelfth',
};
/** 1st, 2nd, 3rd; every other ordinal ends in "th". */
const ORDINAL_SUFFIXES = ['th', 'st', 'nd', 'rd'];
const TENS = ['twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];
const THOUSANDS = [
  ...['thousand', 'million', 'billion', 'trillion', 'quadrillion', 'quintillion', 'sextillion', 'septillion'],
  ...['octillion', 'nonillion', 'decillion'],
];

/** Every word that can be part of a number, in lower case. */
export const englishNumberWords: ReadonlyMap<string, NumberWord> = new Map<string, NumberWord>([
  ...['o', 'oh', 'zero'].map((word): [string, NumberWord] => [word, { kind: 'zero' }]),
  ['zeroth', { kind: 'ones', value: 0, suffix: 'th' }],
  ...ONES.flatMap((word, index) => onesForms(word, index + 1)),
  ...TENS.flatMap((word, index) => tensForms(word, 10 * (index + 2))),
  ...multiplierForms('hundred', 100n),
  ...THOUSANDS.flatMap((word, index) => multiplierForms(word, 1000n ** BigInt(index + 1))),
  ...symbolForms('sign', { '-': ['minus', 'negative'], '+': ['plus', 'positive'] }),
  ...symbolForms('currency', {
    '£': ['pound', 'pounds'],
    '€': ['euro', 'euros'],
    $: ['dollar', 'dollars'],
    '¢': ['cent', 'cents'],
  }),
  ['percent', { kind: 'percent' }],
  ['per', { kind: 'per' }],
  ['and', { kind: 'and' }],
  ['double', { kind: 'repeat', times: 2 }],
  ['triple', { kind: 'repeat', times: 3 }],
  ['point', { kind: 'point' }],
]);

/** The symbols that a number in digits may begin with. */
export const NUMBER_PREFIXES = '-+£€$¢';

/** seven 7, sevens 7s, seventh 7th */
function onesForms(word: string, value: number): [string, NumberWord][] {
  const plural = word === 'six' ? 'sixes' : `${word}s`;
  const ordinal = IRREGULAR_ORDINALS[word] ?? `${word}th`;
  return [
    [word, { kind: 'ones', value, suffix: '' }],
    [plural, { kind: 'ones', value, suffix: 's' }],
    [ordinal, { kind: 'ones', value, suffix: ORDINAL_SUFFIXES[value] ?? 'th' }],
  ];
}

/** twenty 20, twenties 20s, twentieth 20th */
function tensForms(word: string, value: number): [string, NumberWord][] {
  const stem = word.slice(0, -1);
  return [
    [word, { kind: 'tens', value, suffix: '' }],
    [`${stem}ies`, { kind: 'tens', value, suffix: 's' }],
    [`${stem}ieth`, { kind: 'tens', value, suffix: 'th' }],
  ];
}

/** million, millions, millionth */
function multiplierForms(word: string, value: bigint): [string, NumberWord][] {
  return ['', 's', 'th'].map((suffix) => [word + suffix, { kind: 'multiplier', value, suffix }]);
}

function symbolForms(
  kind: 'sign' | 'currency',
  words: Readonly<Record<string, readonly string[]>>,
): [string, NumberWord][] {
  return Object.entries(words).flatMap(([symbol, forms]) =>
    forms.map((word): [string, NumberWord] => [word, { kind, symbol }]),
  );
}
