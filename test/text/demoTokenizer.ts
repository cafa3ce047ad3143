import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTokenizer } from '../../src/text/readTokenizer.js';
import { demoModelDir } from '../support/projectRoot.js';

const read = (name: string): string => readFileSync(join(demoModelDir, name), 'utf8');

/** Texts of the demo model's tokenizer files. */
export const demoFiles = {
  vocabJson: read('vocab.json'),
  mergesTxt: read('merges.txt'),
  tokenizerConfigJson: read('tokenizer_config.json'),
};

/** The demo model's tokenizer: 1959 vocabulary entries, eight added tokens. */
export const demoTokenizer = readTokenizer(demoFiles);
