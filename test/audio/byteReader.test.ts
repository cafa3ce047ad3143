import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteReader, bytesInMemory } from '../../src/audio/byteReader.js';
import { Random } from '../support/random.js';

test('whatever the pieces, the bytes come in their order', async () => {
  const random = new Random(1);
  for (let round = 0; round < 50; round++) {
    const whole = Uint8Array.from({ length: random.integer(0, 300_000) }, (_, i) => (i * 7919) >> 8);
    const reader = new ByteReader(pieces(whole, random));
    let at = 0;
    while (at < whole.length) {
      const wanted = random.integer(1, 100_000);
      const present = await reader.fill(wanted);
      assert.ok(present >= Math.min(wanted, whole.length - at));
      assert.deepEqual(reader.bytes, whole.subarray(at, at + present));
      const step = random.integer(0, present);
      if (random.uniform() < 0.3) {
        await reader.discard(present + step);
        at = Math.min(whole.length, at + present + step);
      } else {
        reader.skip(step);
        at += step;
      }
      assert.equal(reader.position, at);
    }
    assert.equal(await reader.fill(1), 0);
  }
});

/** The bytes in pieces that share their memory, as a file's do. */
async function* pieces(whole: Uint8Array, random: Random): AsyncGenerator<Uint8Array> {
  const shared = new Uint8Array(70_000);
  for (let at = 0; at < whole.length; ) {
    const piece = whole.subarray(at, at + random.integer(1, shared.length));
    shared.set(piece);
    yield shared.subarray(0, piece.length);
    at += piece.length;
  }
}

test('closing lets go of the source', async () => {
  let closed = false;
  async function* source() {
    try {
      for (;;) yield new Uint8Array(10);
    } finally {
      closed = true;
    }
  }
  const reader = new ByteReader(source());
  await reader.fill(25);
  await reader.close();
  assert.equal(closed, true);
  assert.equal(await reader.fill(1000), 30);
});

test('bytes in memory can be read again', async () => {
  const source = bytesInMemory(new Uint8Array(200_000).fill(7), 'clip');
  for (let round = 0; round < 2; round++) {
    const reader = new ByteReader(source.pieces());
    assert.equal(await reader.fill(200_001), 200_000);
    assert.ok(reader.bytes.every((byte) => byte === 7));
  }
  assert.equal(source.totalBytes, 200_000);
});
