import { isObject } from '../../model/modelText.js';

/** The part of JSON Schema 2020-12 that the schemas of this project use. */
export interface JsonSchema {
  readonly $schema?: string;
  readonly $id?: string;
  readonly title?: string;
  readonly description?: string;
  readonly $ref?: string;
  readonly type?: JsonType | readonly JsonType[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly if?: JsonSchema;
  readonly then?: JsonSchema;
  readonly else?: JsonSchema;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
}

type JsonType = 'null' | 'boolean' | 'number' | 'integer' | 'string' | 'array' | 'object';

/** Every keyword that `findViolation` understands or that says nothing about values. */
export const KNOWN_KEYWORDS: ReadonlySet<string> = new Set([
  ...['$schema', '$id', '$defs', 'title', 'description', '$ref', 'type', 'const', 'enum', 'pattern'],
  ...['minimum', 'exclusiveMinimum', 'maximum', 'minLength', 'required', 'properties'],
  ...['additionalProperties', 'items', 'anyOf', 'if', 'then', 'else'],
]);

/**
 * The first thing about a value that a schema does not allow, in words: `cells[0].runs[2].totalMs: expected a number,
 * found "fast"`. Null when there is nothing. Keywords outside {@link KNOWN_KEYWORDS} are not looked at.
 *
 * @param value anything that JSON.parse returns
 * @param path where the value is, for the message; '' for the whole document
 */
export function findViolation(
  value: unknown,
  schema: JsonSchema,
  root: JsonSchema = schema,
  path = '',
): string | null {
  const target = schema.$ref === undefined ? schema : definition(schema.$ref, root);
  return (
    checkValue(value, target, path) ??
    checkMembers(value, target, root, path) ??
    checkBranches(value, target, root, path)
  );
}

function definition(reference: string, root: JsonSchema): JsonSchema {
  return root.$defs?.[reference.replace('#/$defs/', '')] ?? {};
}

/** Keywords about the value itself. */
function checkValue(value: unknown, schema: JsonSchema, path: string): string | null {
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length > 0 && !types.some((type) => hasType(value, type))) {
    return violation(path, `${types.map(withArticle).join(' or ')}`, value);
  }
  if ('const' in schema && value !== schema.const) return violation(path, show(schema.const), value);
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    return violation(path, schema.enum.map(show).join(' or '), value);
  }
  if (typeof value === 'number') {
    if (value < (schema.minimum ?? -Infinity)) return violation(path, `${schema.minimum} or more`, value);
    if (value > (schema.maximum ?? Infinity)) return violation(path, `${schema.maximum} or less`, value);
    if (value <= (schema.exclusiveMinimum ?? -Infinity)) {
      return violation(path, `more than ${schema.exclusiveMinimum}`, value);
    }
  }
  if (typeof value === 'string') {
    if (value.length < (schema.minLength ?? 0)) return violation(path, 'a text that is not empty', value);
    if (schema.pattern !== undefined && !compiled(schema.pattern).test(value)) {
      return violation(path, `a text like ${schema.pattern}`, value);
    }
  }
  return null;
}

/** Keywords about what is inside the value. */
function checkMembers(value: unknown, schema: JsonSchema, root: JsonSchema, path: string): string | null {
  if (Array.isArray(value)) {
    if (schema.items === undefined) return null;
    for (const [index, item] of value.entries()) {
      const found = findViolation(item, schema.items, root, `${path}[${index}]`);
      if (found !== null) return found;
    }
    return null;
  }
  if (!isObject(value)) return null;
  for (const name of schema.required ?? []) {
    if (!Object.hasOwn(value, name)) return `${memberPath(path, name)}: expected a value, found none`;
  }
  for (const [name, member] of Object.entries(value)) {
    const properties = schema.properties ?? {};
    const rule = Object.hasOwn(properties, name) ? properties[name] : schema.additionalProperties;
    const found = rule === undefined ? null : findViolation(member, rule, root, memberPath(path, name));
    if (found !== null) return found;
  }
  return null;
}

/** Keywords that choose between schemas. */
function checkBranches(value: unknown, schema: JsonSchema, root: JsonSchema, path: string): string | null {
  if (schema.anyOf !== undefined) {
    const found = schema.anyOf.map((branch) => findViolation(value, branch, root, path));
    // Most of them are "null or …": what the last one misses says the most.
    if (!found.includes(null)) return found.at(-1) ?? null;
  }
  if (schema.if === undefined) return null;
  const branch = findViolation(value, schema.if, root, path) === null ? schema.then : schema.else;
  return branch === undefined ? null : findViolation(value, branch, root, path);
}

const patterns = new Map<string, RegExp>();

/** A document has the same few patterns thousands of times. */
function compiled(pattern: string): RegExp {
  const known = patterns.get(pattern);
  if (known !== undefined) return known;
  const made = new RegExp(pattern, 'u');
  patterns.set(pattern, made);
  return made;
}

function hasType(value: unknown, type: JsonType): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

function violation(path: string, expected: string, found: unknown): string {
  return `${path === '' ? 'document' : path}: expected ${expected}, found ${show(found)}`;
}

/** `a number`, `an array`. */
export function withArticle(type: JsonType): string {
  if (type === 'null') return type;
  return `${['integer', 'array', 'object'].includes(type) ? 'an' : 'a'} ${type}`;
}

/** A member's path: `runs[0].totalMs`, and `variables["a b"]` for names that are no identifiers. */
function memberPath(path: string, name: string): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}

/** Longest quotation of a wrong value. */
const SHOWN_CHARACTERS = 60;

function show(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (isObject(value)) return 'an object';
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}
