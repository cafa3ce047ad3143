// The tokenizer with the published Qwen3 vocabulary, against the library that the published models are used with.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTokenizer } from '../../src/text/readTokenizer.js';
import { preTokenize } from '../../src/text/tokenizer.js';
import { bytesOfPiece } from '../../src/text/vocabulary.js';
import { Random } from '../support/random.js';
import { newLetters } from './newLetters.js';
import { loadQwenOracle } from './qwenOracle.js';
import { randomText } from './randomText.js';

const STRINGS = 24_000;
const BATCH = 1000;

/** Characters that are probed together, for speed. */
const PROBE_BLOCK = 64;

const oracle = loadQwenOracle();

if (typeof oracle === 'string') {
  // A missing oracle is an error where it must have been installed.
  if (process.env['CI'] === 'true') test('the tokenizer oracle is installed', () => assert.fail(oracle));
  else test('comparison with the published tokenizer', { skip: oracle }, () => undefined);
} else {
  const { tokenizerJson, create } = oracle;
  const file = JSON.parse(tokenizerJson);
  const vocabulary: Record<string, number> = file.model.vocab;
  const merges: readonly [string, string][] = file.model.merges;
  const ours = readTokenizer({
    vocabJson: JSON.stringify(vocabulary),
    mergesTxt: `#version: 0.2\n${merges.map(([left, right]) => `${left} ${right}`).join('\n')}\n`,
  });
  /** Without added tokens the library treats typed ones as plain text, as this project does. */
  const plain = create((original) => ({ ...original, added_tokens: [] }));
  const encodePlain = async (texts: readonly string[]): Promise<number[][]> =>
    (await plain.encodeBatch(texts, { addSpecialTokens: false })).map((encoding) => [...encoding.getIds()]);

  test('the vocabulary is the published one', () => {
    assert.equal(Object.keys(vocabulary).length, 151643);
    assert.equal(merges.length, 151387);
    assert.deepEqual([vocabulary['system'], vocabulary['user'], vocabulary['Ċ']], [8948, 872, 198]);
    assert.deepEqual([vocabulary['language'], vocabulary['assistant']], [11528, 77091]);
  });

  test(`${STRINGS} generated texts encode to the same ids and decode to their NFC`, async () => {
    const random = new Random(10);
    const fragments = readablePieces(Object.keys(vocabulary));
    for (let done = 0; done < STRINGS; done += BATCH) {
      const texts = Array.from({ length: BATCH }, () => randomText(random, fragments));
      const expected = await encodePlain(texts);
      texts.forEach((text, i) => {
        const ids = ours.encode(text);
        assert.deepEqual(ids, expected[i], JSON.stringify(text));
        assert.equal(ours.decode(ids), text.normalize('NFC'));
      });
    }
  });

  test('every vocabulary entry that is text encodes to the same ids', async () => {
    const texts = readablePieces(Object.keys(vocabulary));
    assert.ok(texts.length > 150_000);
    const expected = await encodePlain(texts);
    texts.forEach((text, i) => {
      assert.deepEqual(ours.encode(text), expected[i], JSON.stringify(text));
    });
  });

  test('merges that begin with # are merges', async () => {
    const texts = merges
      .filter(([left]) => left.startsWith('#'))
      .map((pair) => Buffer.from(bytesOfPiece(pair.join(''))).toString('utf8'));
    assert.ok(texts.length > 50);
    assert.deepEqual(
      texts.map((text) => ours.encode(text)),
      await encodePlain(texts),
    );
  });

  test('ids in any order decode to the same text', async () => {
    const random = new Random(11);
    const published = create();
    const tokenizer = readTokenizer({ tokenizerJson });
    const lists = Array.from({ length: 4000 }, () =>
      // Low ids are single bytes; the last 26 are added tokens, special and other.
      Array.from({ length: random.integer(0, 20) }, () => {
        const [first, last] = [
          [0, 255],
          [0, 151642],
          [151643, 151668],
        ][random.integer(0, 2)] as [number, number];
        return random.integer(first, last);
      }),
    );
    const expected = await published.decodeBatch(lists, true);
    lists.forEach((ids, i) => {
      assert.equal(tokenizer.decode(ids), expected[i], ids.join(' '));
    });
  });

  test('tokenizer.json gives the same tokenizer as vocab.json and merges.txt', () => {
    const random = new Random(12);
    const tokenizer = readTokenizer({ tokenizerJson });
    for (let i = 0; i < 1000; i++) {
      const text = randomText(random);
      assert.deepEqual(tokenizer.encode(text), ours.encode(text));
    }
  });

  test('every character is cut as the library cuts it, but for letters newer than its Unicode version', () => {
    const pattern = create((original) => ({
      ...original,
      // The published pattern alone, so that the words stay readable.
      pre_tokenizer: (original['pre_tokenizer'] as typeof file.pre_tokenizer).pretokenizers[0],
    })).getPreTokenizer();
    const differs = (codes: readonly number[]): boolean => {
      const probe = codes.map((code) => probeText(String.fromCodePoint(code))).join('');
      const words = pattern.preTokenizeString(probe).map(([word]) => word);
      return words.join('\0') !== preTokenize(probe).join('\0');
    };
    const differing: number[] = [];
    const probed = Array.from({ length: 0x110000 }, (_, code) => code).filter(isProbed);
    for (let first = 0; first < probed.length; first += PROBE_BLOCK) {
      const codes = probed.slice(first, first + PROBE_BLOCK);
      if (differs(codes)) differing.push(...codes.filter((code) => differs([code])));
    }
    const isNew = (code: number): boolean =>
      newLetters.some(([first, last]) => code >= first && code <= last);
    assert.deepEqual(
      differing.filter((code) => !isNew(code)),
      [],
    );
  });

  test('marks newer than the library are ordered by the standard', () => {
    // The library's normaliser has the combining classes of an older Unicode version, so randomText has only old
    // marks. U+07FD (Unicode 11) is of class 220 and belongs before U+0301 of class 230.
    assert.deepEqual(ours.encode('x\u0301\u07fd'), ours.encode('x\u07fd\u0301'));
    assert.equal(ours.decode(ours.encode('x\u0301\u07fd')), 'x\u07fd\u0301');
  });
}

/** Texts of those entries that are whole UTF-8. */
function readablePieces(pieces: readonly string[]): string[] {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return pieces.flatMap((piece) => {
    try {
      return [decoder.decode(bytesOfPiece(piece))];
    } catch {
      return [];
    }
  });
}

/**
 * All of the planes that hold characters, but for surrogates and the ideographs beyond the first 256 of plane 2 and
 * of the CJK block, which are all alike; one in a thousand of the rest.
 */
function isProbed(code: number): boolean {
  if (code >= 0xd800 && code <= 0xdfff) return false;
  const alike = (code >= 0x4f00 && code <= 0x9f00) || (code >= 0x20100 && code <= 0x2a600) || code >= 0x33500;
  const tags = code >= 0xe0000 && code <= 0xe01ff;
  return !alike || tags || code % 997 === 0;
}

/** Tells letters, numbers, white space, line breaks, letters of contractions and all others apart. */
function probeText(character: string): string {
  return `a${character}a!${character}${character}! ${character}'${character}b ${character}\n1`;
}
