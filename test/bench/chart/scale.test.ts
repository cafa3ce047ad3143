import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linearScale, logScale, niceTicks } from '../../../src/bench/chart/scale.js';
import { el, embedJson, escapeMarkup } from '../../../src/bench/render/markup.js';
import { Random } from '../../support/random.js';

test('ticks are multiples of 1, 2 or 5 inside the range, not too many', () => {
  assert.deepEqual(niceTicks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(niceTicks(2383, 2428, 5), [2390, 2400, 2410, 2420]);
  const random = new Random(1);
  for (let trial = 0; trial < 1000; trial++) {
    const low = 1000 * (random.uniform() - 0.5);
    const high = low + 10 ** (8 * random.uniform() - 4);
    const count = random.integer(2, 10);
    const ticks = niceTicks(low, high, count);
    assert.ok(ticks.length <= count + 1 && ticks.length >= 1, `${low} … ${high}: ${ticks}`);
    assert.ok(ticks.every((tick) => tick >= low - 1e-9 && tick <= high + 1e-9));
  }
});

test('scales keep order and stay inside their pixels', () => {
  const random = new Random(2);
  for (let trial = 0; trial < 300; trial++) {
    const values = Array.from({ length: random.integer(1, 6) }, () => 10 ** (6 * random.uniform() - 2));
    for (const scale of [
      linearScale(values, 10, 300, 5),
      linearScale(values, 10, 300, 5, { zero: true }),
      logScale(values, 10, 300, 5),
    ]) {
      const sorted = [...values].sort((a, b) => a - b);
      const places = [...sorted, ...scale.ticks].map(scale.at);
      assert.ok(
        places.every((place) => place >= 10 - 1e-6 && place <= 300 + 1e-6),
        String(places),
      );
      sorted.slice(1).forEach((value, index) => {
        assert.ok(scale.at(value) >= scale.at(sorted[index] ?? 0));
      });
    }
  }
});

test('equal values stand in the middle, and zero is where it should be', () => {
  assert.equal(linearScale([7, 7], 0, 100, 5).at(7), 50);
  assert.equal(linearScale([0, 10], 100, 0, 5, { zero: true }).at(0), 100);
  assert.deepEqual(linearScale([0, 0], 0, 100, 5, { zero: true }).ticks[0], 0);
});

test('without padding the data reach from end to end, as the columns of a terminal need it', () => {
  const linear = linearScale([3, 8], 1, 70, 5, { padding: 0 });
  assert.deepEqual([3, 8].map(linear.at), [1, 70]);
  const even = logScale([1, 2, 4, 8], 0, 30, 5, { padding: 0 });
  assert.deepEqual(
    [1, 2, 4, 8].map((value) => Math.round(even.at(value))),
    [0, 10, 20, 30],
  );
  assert.equal(linearScale([5, 5], 0, 10, 5, { padding: 0 }).at(5), 5);
});

test('texts become text, whatever is in them', () => {
  assert.equal(escapeMarkup('<a href="x">&\'\u0000'), '&lt;a href=&quot;x&quot;&gt;&amp;&#39;\ufffd');
  const element = el('p', { title: '"><b>', hidden: true, class: null, x: 1.23456 }, '</p>', el('br', {}), 5);
  assert.equal(element.source, '<p title="&quot;&gt;&lt;b&gt;" hidden x="1.23">&lt;/p&gt;<br>5</p>');
  assert.deepEqual(JSON.parse(embedJson({ a: '</script><!--' }).source), { a: '</script><!--' });
  assert.ok(!embedJson('</script>').source.includes('<'));
});
