import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlacBits, flacFrameChecksum, flacHeaderChecksum } from '../../../src/audio/flac/flacBits.js';
import { Random } from '../../support/random.js';

/** A reader of a string of 0s and 1s. */
function bitsOf(text: string): FlacBits {
  const padded = text.padEnd(Math.ceil(text.length / 8) * 8, '0');
  return new FlacBits(
    Uint8Array.from(padded.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2)),
    0,
  );
}

/** Two's complement or plain digits of a number. */
function digits(value: number, count: number): string {
  if (count === 0) return '';
  return BigInt.asUintN(count, BigInt(value)).toString(2).padStart(count, '0');
}

function riceCode(value: number, low: number): string {
  const folded = value >= 0 ? 2 * value : -2 * value - 1;
  return `${'0'.repeat(Math.floor(folded / 2 ** low))}1${digits(folded % 2 ** low, low)}`;
}

test('fields of every width at every place', () => {
  const random = new Random(1);
  for (let round = 0; round < 300; round++) {
    let text = '';
    const expected: (readonly [kind: string, width: number, value: number])[] = [];
    for (let field = 0; field < 50; field++) {
      const width = random.integer(0, 33);
      const value = Math.floor(random.uniform() * 2 ** width);
      const kind = ['unsigned', 'signed', 'unary', 'rice'][random.integer(0, 3)]!;
      if (kind === 'unsigned') expected.push([kind, width, value]);
      else if (kind === 'signed') expected.push([kind, width, width === 0 ? 0 : value - 2 ** (width - 1)]);
      else if (kind === 'unary') expected.push([kind, 0, random.integer(0, 80)]);
      else expected.push([kind, width % 15, random.integer(0, 200) * (width % 15) - 100]);
      const [, size, number] = expected.at(-1)!;
      text +=
        kind === 'unary'
          ? `${'0'.repeat(number)}1`
          : kind === 'rice'
            ? riceCode(number, size)
            : digits(number, size);
    }
    const bits = bitsOf(text);
    for (const [kind, width, value] of expected) {
      const found =
        kind === 'unsigned'
          ? bits.unsigned(width)
          : kind === 'signed'
            ? bits.signed(width)
            : kind === 'unary'
              ? bits.unary()
              : bits.rice(width);
      assert.equal(found, value, `${kind} of ${width}`);
    }
    assert.equal(bits.exhausted, false);
  }
});

test('past the end there are zeros, and it says so', () => {
  const bits = bitsOf('10110000');
  assert.equal(bits.unsigned(8), 0b10110000);
  assert.equal(bits.exhausted, false);
  assert.equal(bits.unsigned(5), 0);
  assert.equal(bits.exhausted, true);
  const zeros = new FlacBits(new Uint8Array(1000), 0);
  zeros.unary();
  assert.equal(zeros.exhausted, true);
});

test('the next whole byte', () => {
  const bits = bitsOf('110000000000000011111111');
  assert.equal(bits.alignToByte(), 0);
  bits.unsigned(1);
  assert.equal(bits.alignToByte(), 1);
  bits.unsigned(8);
  assert.equal(bits.alignToByte(), 2);
  assert.equal(bits.unsigned(8), 255);
});

// The usual check values of these two checksums (CRC-8/SMBUS and CRC-16/UMTS): those of the digits 1 to 9.
const checkDigits = new TextEncoder().encode('123456789');

test('the checksum of a header', () => {
  assert.equal(flacHeaderChecksum(checkDigits, 0, 9), 0xf4);
  assert.equal(flacHeaderChecksum(checkDigits, 3, 3), 0);
});

test('the checksum of a frame', () => {
  assert.equal(flacFrameChecksum(checkDigits, 0, 9), 0xfee8);
  const withinMore = Uint8Array.from([7, 7, ...checkDigits, 7]);
  assert.equal(flacFrameChecksum(withinMore, 2, 11), 0xfee8);
});
