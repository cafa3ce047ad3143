/**
 * Reads test pairs, a line each: `text → expected`, under headings that begin with `# `. An empty expectation may be
 * left out after the arrow.
 */
export function normalizationPairs(table: string): Map<string, [text: string, expected: string][]> {
  const groups = new Map<string, [string, string][]>();
  let group: [string, string][] = [];
  for (const line of table.split('\n')) {
    if (line.startsWith('# ')) {
      group = [];
      groups.set(line.slice(2), group);
    } else if (line !== '') {
      const arrow = line.indexOf(' →');
      if (arrow === -1) throw new Error(`no arrow in "${line}"`);
      group.push([line.slice(0, arrow), line.slice(arrow + 2).trim()]);
    }
  }
  return groups;
}
