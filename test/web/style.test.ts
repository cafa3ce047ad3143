import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../support/projectRoot.js';

const style = readFileSync(join(projectRoot, 'web', 'style.css'), 'utf8');

/** The colours of a scheme, by name. */
function colours(scheme: 'light' | 'dark'): Map<string, string> {
  const [light = '', dark = ''] = style.split('@media (prefers-color-scheme: dark)');
  const text = scheme === 'light' ? light : dark.slice(0, dark.indexOf('* {'));
  return new Map(
    Array.from(text.matchAll(/--(\w[\w-]*): (#[0-9a-f]{6})/g), ([, name, value]) => [name!, value!]),
  );
}

/** WCAG 2.2, relative luminance. */
function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].toSorted((x, y) => x - y) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** On what, and how much contrast WCAG 2.2 level AA asks for: text, and what must be told apart. */
const PAIRS: readonly (readonly [names: readonly string[], on: readonly string[], least: number])[] = [
  [['text', 'muted', 'accent', 'error'], ['background', 'surface'], 4.5],
  [['text'], ['notice'], 4.5],
  [['on-accent'], ['accent'], 4.5],
  [['control-line'], ['background', 'surface'], 3],
  [['mel', 'convStem', 'encoderLayers', 'prefill', 'decode', 'other'], ['surface'], 3],
];

for (const scheme of ['light', 'dark'] as const) {
  test(`${scheme}: text and controls have enough contrast`, () => {
    const colour = colours(scheme);
    for (const [names, grounds, least] of PAIRS) {
      for (const name of names) {
        for (const ground of grounds) {
          const found = contrast(colour.get(name)!, colour.get(ground)!);
          assert.ok(found >= least, `${name} on ${ground}: ${found.toFixed(2)}, expected ${least}`);
        }
      }
    }
  });
}

test('nothing moves: there is nothing to reduce for those who ask for less motion', () => {
  assert.doesNotMatch(style, /animation|transition|scroll-behavior/);
});
