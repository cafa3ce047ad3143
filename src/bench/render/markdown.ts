import { type Block, type FigureTable, type Note, type TableBlock, wordColumns } from '../document/block.js';
import { markdownOutline } from '../document/sections.js';
import type { BenchResult } from '../schema/benchResult.js';

/** The document for an issue or a CI summary: the figures first, the surroundings folded away. */
export function formatMarkdown(result: BenchResult): string {
  return renderMarkdown(markdownOutline(result));
}

/** Blocks in GitHub's dialect; what only pages can show is left out. */
export function renderMarkdown(blocks: readonly Block[]): string {
  const parts: string[] = [];
  let open: string | undefined;
  for (const block of blocks) {
    const source = sourceOf(block);
    if (source === '') continue;
    if (open !== undefined && block.fold !== open) parts.push('</details>');
    if (block.fold !== undefined && block.fold !== open) {
      parts.push(`<details><summary>${escapeMarkdown(block.fold)}</summary>`);
    }
    open = block.fold;
    parts.push(source);
  }
  if (open !== undefined) parts.push('</details>');
  return `${parts.join('\n\n')}\n`;
}

function sourceOf(block: Block): string {
  switch (block.kind) {
    case 'heading': {
      const detail = block.detail === undefined ? '' : `: ${escapeMarkdown(block.detail)}`;
      const text = escapeMarkdown(block.text);
      if (block.level === 3) return `**${text}**${detail}`;
      // Inside a word an underscore means nothing, and readers know a result by its first words.
      return `### ${block.level === 1 ? text.replaceAll('\\_', '_') : text}${detail}`;
    }
    case 'table':
      return titled(block, markdownTable(block.table));
    case 'notes':
      return block.notes.map((note) => `- ${escapeMarkdown(noteText(note))}`).join('\n');
    case 'facts':
      return block.facts.map(([label, text]) => `- ${label}: ${codeSpan(text)}`).join('\n');
    default:
      return '';
  }
}

/** In a list a bare note needs no name. */
function noteText({ label, text }: Note): string {
  return label === null || label === 'note' ? text : `${label}: ${text}`;
}

function titled({ title, detail }: TableBlock, source: string): string {
  if (title === undefined) return source;
  const line = `${title[0]?.toUpperCase()}${title.slice(1)}:${detail === undefined ? '' : ` ${detail}`}`;
  return `${escapeMarkdown(line)}\n\n${source}`;
}

/** A table of GitHub's dialect: words to the left, figures to the right. */
function markdownTable(table: FigureTable): string {
  const { header, rows } = table;
  const line = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(' | ')} |`;
  const rule = wordColumns(table).map((words) => (words ? '---' : '---:'));
  return [line(header), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

/** Text that Markdown shows as it is, on one line. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/[\\`*_{}[\]<>|#~]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replace(/\s+/g, ' ');
}

/** In backquotes, as many as the text needs. */
function codeSpan(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const pad = longest > 0 ? ' ' : '';
  return `${fence}${pad}${text.replace(/\s+/g, ' ')}${pad}${fence}`;
}
