import { givenTexts } from './givenTexts.js';

/**
 * The languages of consecutive segments as one string: joined with commas, without those of silence (''), and each once
 * for as long as it goes on. The published package does the same.
 *
 * @example
 * joinLanguages(['English', 'English', '', 'German', 'English']); // 'English,German,English'
 */
export function joinLanguages(languages: Iterable<string>): string {
  const named: string[] = [];
  for (const language of givenTexts(languages, 'languages')) {
    if (language !== '' && language !== named.at(-1)) named.push(language);
  }
  return named.join(',');
}
