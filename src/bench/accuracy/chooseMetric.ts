/** Word or character error rate. */
export type Metric = 'wer' | 'cer';

/**
 * Languages written without spaces between words, by ISO 639 code and English name. These are the ones for which
 * Whisper's authors report character error rates (Radford et al. 2022), with Cantonese and Khmer.
 */
const WITHOUT_SPACES: ReadonlySet<string> = new Set([
  ...['zh', 'zho', 'cmn', 'chinese', 'mandarin', 'yue', 'cantonese'],
  ...[
    'ja',
    'jpn',
    'japanese',
    'th',
    'tha',
    'thai',
    'lo',
    'lao',
    'my',
    'mya',
    'burmese',
    'km',
    'khm',
    'khmer',
  ],
]);

const ENGLISH: ReadonlySet<string> = new Set(['en', 'eng', 'english']);

/**
 * The error rate that is customary for a language: characters where words are not separated, words elsewhere (and
 * for languages it does not know). Korean is written with spaces and counts words.
 *
 * @param language ISO 639 code, with or without region ("zh", "zh-CN"), or English name ("Chinese")
 * @example
 * chooseMetric('Japanese'); // 'cer'
 */
export function chooseMetric(language: string | undefined): Metric {
  return WITHOUT_SPACES.has(primaryName(language)) ? 'cer' : 'wer';
}

/** Whether the English normaliser applies. */
export function isEnglish(language: string | undefined): boolean {
  return ENGLISH.has(primaryName(language));
}

function primaryName(language: string | undefined): string {
  return (language ?? '').trim().toLowerCase().split(/[-_]/)[0]!;
}
