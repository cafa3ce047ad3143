import type { BenchResult } from '../schema/benchResult.js';
import { type Child, el, embedJson, Markup } from './markup.js';
import { reportSections } from './reportSections.js';
import { reportStyle } from './reportStyle.js';

/** A result and what to call it. */
export interface ReportPart {
  readonly name: string;
  readonly result: BenchResult;
}

/** The page may run its own script and style and load nothing at all. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** Hands out the embedded data as a file. */
const SCRIPT = `
for (const button of document.querySelectorAll('[data-download]')) {
  button.addEventListener('click', () => {
    const data = document.getElementById('data').textContent;
    const parts = JSON.parse(data);
    const content = JSON.stringify(parts.length === 1 ? parts[0] : parts, null, 2);
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([content], { type: 'application/json' }));
    link.download = 'qwen-asr-bench.json';
    link.click();
    URL.revokeObjectURL(link.href);
  });
}`;

/**
 * Results as one HTML file that needs nothing else: no network, no fonts, no libraries. Charts are SVG and have their
 * data as tables; the results themselves are embedded.
 */
export function formatHtml(parts: readonly ReportPart[]): string {
  const title = `qwen_asr_bench: ${parts.map(({ name }) => name).join(', ')}`;
  const head = el(
    'head',
    {},
    el('meta', { charset: 'utf-8' }),
    el('meta', { 'http-equiv': 'Content-Security-Policy', content: POLICY }),
    el('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    el('meta', { name: 'color-scheme', content: 'light dark' }),
    el('title', {}, title),
    el('style', {}, new Markup(reportStyle())),
  );
  const body = el(
    'body',
    {},
    el('main', {}, ...parts.flatMap((part, index) => section(part, index))),
    el('script', { type: 'application/json', id: 'data' }, embedJson(parts.map(({ result }) => result))),
    el('script', {}, new Markup(SCRIPT)),
  );
  return `<!DOCTYPE html>\n${el('html', { lang: 'en' }, head, body).source}\n`;
}

function section({ name, result }: ReportPart, index: number): Child[] {
  const date = result.createdAt.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC');
  const { machine, tool } = result;
  return [
    el(index === 0 ? 'h1' : 'h2', { class: 'part' }, `${TITLES[result.kind]}: ${name}`),
    el(
      'p',
      { class: 'lead' },
      `${tool.name} ${tool.version}, ${date}, ${machine.cpuModel ?? machine.architecture}`,
    ),
    reportSections(result),
  ];
}

const TITLES: Readonly<Record<BenchResult['kind'], string>> = {
  benchmark: 'Benchmark',
  sweep: 'Sweep',
  comparison: 'Comparison',
  ceilings: 'Ceilings',
};
