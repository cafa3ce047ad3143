import { QwenAsrError } from '../error.js';
import { describeArgument } from '../model/describe.js';

/**
 * The texts of a caller, who may have no type checker. One text by itself would be taken for a list of letters.
 *
 * @param what names the argument in messages
 * @throws QwenAsrError `usage` for what is no list, or holds something else
 */
export function* givenTexts(texts: Iterable<string>, what: string): Generator<string, void, undefined> {
  if (typeof texts !== 'object' || texts === null || !(Symbol.iterator in texts)) {
    throw new QwenAsrError('usage', `${what}: expected texts, found ${describeArgument(texts)}`);
  }
  for (const text of texts) {
    if (typeof text !== 'string') {
      throw new QwenAsrError('usage', `${what}: expected texts, found ${describeArgument(text)} among them`);
    }
    yield text;
  }
}
