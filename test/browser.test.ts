import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { projectRoot } from './support/projectRoot.js';
import { buildPage } from './web/support/buildPage.js';

/** The compiled sources that belong to this compiled test. */
const compiledSource = join(dirname(dirname(fileURLToPath(import.meta.url))), 'src');

/** What a compiled module refers to: imports, import() and the programs of workers. */
function referencesOf(path: string): string[] {
  const source = readFileSync(path, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
  const patterns = [
    /^(?:import|export)\b[\w\s,{}*$]*?\bfrom\s*['"]([^'"]+)['"]/gm,
    /^import\s*['"]([^'"]+)['"]/gm,
    /(?<!\.)\b(?:import|require)\(\s*['"]([^'"]+)['"]/g,
    /new URL\(\s*['"]([^'"]+)['"]\s*,\s*import\.meta\.url/g,
  ];
  return patterns.flatMap((pattern) => [...source.matchAll(pattern)].map((match) => match[1]!));
}

/** Everything that is loaded with a module, and the references that leave the project. */
function walk(entry: string): { files: string[]; packages: string[] } {
  const files = new Set([entry]);
  const packages: string[] = [];
  for (const file of files) {
    for (const reference of referencesOf(file)) {
      if (reference.startsWith('.')) files.add(join(dirname(file), reference));
      else packages.push(`${relative(compiledSource, file)}: ${reference}`);
    }
  }
  return { files: [...files].map((file) => relative(compiledSource, file)), packages };
}

test('the browser entry needs neither Node nor any package', () => {
  const { files, packages } = walk(join(compiledSource, 'browser.js'));
  assert.deepEqual(packages, []);
  assert.ok(files.includes(join('runtime', 'browserThreads.js')));
  assert.ok(!files.includes(join('runtime', 'native.js')));
});

test('the check sees what the entry for Node needs', () => {
  const { packages } = walk(join(compiledSource, 'index.js'));
  assert.ok(packages.some((line) => line.endsWith(': node:fs/promises')));
  assert.ok(packages.some((line) => line.endsWith(': koffi')));
});

test('the page is bundled without a Node module', () => {
  const built = buildPage();
  try {
    const assets = join(built.folder, 'assets');
    const scripts = readdirSync(assets).filter((name) => name.endsWith('.js'));
    assert.ok(scripts.length >= 2, `page and engine, found ${scripts}`);
    const names = builtinModules.map((name) => name.replace(/^node:/, '')).join('|');
    const imports = new RegExp(`(?:from|import|require)\\s*\\(?\\s*["'\`](?:node:|koffi|(?:${names})["'\`])`);
    for (const script of scripts) {
      const source = readFileSync(join(assets, script), 'utf8');
      assert.doesNotMatch(source, imports, script);
      assert.doesNotMatch(source, /browser-external|["'`]node:[a-z]/, script);
    }
  } finally {
    built.remove();
  }
});

test('bundlers for browsers find the browser entry', () => {
  const { exports } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
  assert.equal(Object.keys(exports['.'])[0], 'browser');
  assert.deepEqual(exports['.'].browser, {
    types: './dist/src/browser.d.ts',
    default: './dist/src/browser.js',
  });
});
