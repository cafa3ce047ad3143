import { Tokenizer } from '../../../src/text/tokenizer.js';
import type { TextModel } from '../../../src/transcribe/textModel.js';

/** Bytes that stand for themselves in the byte alphabet of GPT-2, and the others. */
const PRINTED = [...range(33, 127), ...range(161, 173), ...range(174, 256)];
const OTHERS = range(0, 256).filter((byte) => !PRINTED.includes(byte));

/** Id of `<asr_text>`. */
export const ASR_TEXT = 256;

/** A vocabulary of bytes and nothing else: every character but ASCII takes several tokens. */
export const byteTokenizer = Tokenizer.create({
  vocab: Object.fromEntries(
    range(0, 256).map((byte) => [
      String.fromCodePoint(PRINTED.includes(byte) ? byte : 256 + OTHERS.indexOf(byte)),
      byte,
    ]),
  ),
  merges: '',
  addedTokens: [{ id: ASR_TEXT, content: '<asr_text>', special: false }],
});

/** As much of a model's text as live transcription asks for. */
export const byteText = {
  tokenizer: byteTokenizer,
  promptIds: { asrText: ASR_TEXT },
  languages: ['German'],
  encode: (text: string) => byteTokenizer.encode(text),
} as unknown as TextModel;

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}
