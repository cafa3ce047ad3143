import { givenTexts } from '../model/checkArguments.js';
import { endsSpaceless, startsSpaceless } from './wordBoundary.js';

/**
 * What stands between two texts that follow one another: a space, unless the first ends or the second starts in a script
 * that is written without spaces. Nothing is put next to an empty text.
 *
 * The published package joins with nothing at all, which glues the sentences of most languages together.
 *
 * @example
 * textSeparator('Good morning.', 'How are you?'); // ' '
 * textSeparator('早上好。', '你好吗?'); // ''
 */
export function textSeparator(before: string, after: string): '' | ' ' {
  if (before === '' || after === '') return '';
  return endsSpaceless(before) || startsSpaceless(after) ? '' : ' ';
}

/**
 * Joins the texts of consecutive segments of one recording; see {@link textSeparator}.
 *
 * @example
 * joinTexts(['Turn on the light.', '', 'Set a timer.']); // 'Turn on the light. Set a timer.'
 */
export function joinTexts(texts: Iterable<string>): string {
  let joined = '';
  for (const text of givenTexts(texts, 'texts')) joined += textSeparator(joined, text) + text;
  return joined;
}

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
