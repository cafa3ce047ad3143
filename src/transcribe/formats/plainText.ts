import { textSeparator } from '../../text/joinTexts.js';
import type { TranscriptWriter } from './transcriptFormat.js';

/** The text in one line, unless the model itself breaks lines. */
export function plainText(): TranscriptWriter {
  // What decides about the space before the next segment: the end of the last text that was not empty.
  let before = '';
  return {
    begin: () => '',
    segment: ({ text }) => {
      const piece = textSeparator(before, text) + text;
      if (text !== '') before = text;
      return piece;
    },
    end: () => '\n',
  };
}
