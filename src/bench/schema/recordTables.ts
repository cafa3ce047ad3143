import type { JsonSchema } from './jsonSchema.js';
import { type RecordShape, recordsIn, type Shape } from './shape.js';

/**
 * The fields of a document and of every record in it as Markdown: a heading, what the record is, and a table.
 *
 * @example
 * recordTables(benchResultRecord).split('\n')[0]; // '### `result`'
 */
export function recordTables(document: Shape<unknown>): string {
  return recordsIn(document)
    .filter(({ schema }) => schema.properties !== undefined)
    .map(recordTable)
    .join('\n');
}

/** Around the tables in a page of the documentation. */
const [BEGIN, END] = [
  '<!-- The tables below are written by `npm run schema`. -->',
  '<!-- Here they end. -->',
];

/** The page with these tables in place of those that it has. */
export function insertTables(page: string, document: Shape<unknown>): string {
  const [before, rest = ''] = page.split(BEGIN);
  const after = rest.slice(rest.indexOf(END) + END.length);
  return `${before}${BEGIN}\n\n${recordTables(document)}\n${END}${after}`;
}

function recordTable({ name, schema, fields }: RecordShape): string {
  const rows = Object.entries(fields).map(([field, { schema: of, isOptional }]) => {
    const later = isOptional ? ', added later' : '';
    return `| \`${field}\` | ${typeText(of)}${later} | ${cellText(of.description ?? '')} |`;
  });
  const about = schema.description === undefined ? '' : `${schema.description}\n\n`;
  return `### \`${name}\`\n\n${about}| field | value | |\n|---|---|---|\n${rows.join('\n')}\n`;
}

/** `number or null`, `list of run`. */
function typeText(schema: JsonSchema): string {
  const { $ref, type, items, anyOf, additionalProperties, properties } = schema;
  if ($ref !== undefined) {
    const name = $ref.replace('#/$defs/', '');
    return `[\`${name}\`](#${name.toLowerCase()})`;
  }
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((word) => `\`${word}\``).join(', ');
  if (anyOf !== undefined) {
    // What it is comes before its absence.
    const parts = anyOf.map(typeText).sort((a, b) => Number(a === 'null') - Number(b === 'null'));
    return parts.join(' or ');
  }
  if (items !== undefined) return `list of ${typeText(items)}`;
  if (additionalProperties !== undefined) return `by name: ${typeText(additionalProperties)}`;
  if (properties !== undefined) {
    return `object of ${Object.keys(properties)
      .map((name) => `\`${name}\``)
      .join(', ')}`;
  }
  return [type ?? 'as the kind says'].flat().join(' or ');
}

function cellText(text: string): string {
  return text.replaceAll('|', '\\|');
}
