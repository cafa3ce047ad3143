import type { JsonSchema } from './jsonSchema.js';

/*
 * Descriptions of stored values from which everything else follows: the TypeScript type (`ValueOf`), the JSON Schema
 * (`schemaOf`), validation (`findViolation` of that schema) and the tables of the documentation (`recordTables`).
 */

/** A description of values of one type. */
export interface Shape<out Value> {
  /** Of the value itself; records inside it are `$ref`s. */
  readonly schema: JsonSchema;
  /** A record's name, its schema and its fields; null for what has no name of its own. */
  readonly record: RecordShape | null;
  /** The shapes that the schema refers to. */
  readonly parts: readonly Shape<unknown>[];
  /** The field may be missing: files of earlier versions do not have it. */
  readonly isOptional?: boolean;
  /** Never set: it carries the type. */
  readonly value?: Value;
}

/** An object with a name of its own. */
export interface RecordShape {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly fields: Fields;
}

/** The fields of an object. */
export type Fields = Readonly<Record<string, Shape<unknown>>>;

/** Of a field that may be missing. */
export interface OptionalShape<out Value> extends Shape<Value> {
  readonly isOptional: true;
}

/** The type that a shape describes. */
export type ValueOf<Described> = Described extends Shape<infer Value> ? Value : never;

type ObjectOf<F extends Fields> = Flat<
  {
    readonly [Name in keyof F as F[Name] extends OptionalShape<unknown> ? never : Name]: ValueOf<F[Name]>;
  } & {
    readonly [Name in keyof F as F[Name] extends OptionalShape<unknown> ? Name : never]?: ValueOf<F[Name]>;
  }
>;
type Flat<Type> = { [Name in keyof Type]: Type[Name] };

type Limits = Pick<JsonSchema, 'minimum' | 'exclusiveMinimum' | 'maximum'>;

function plain<Value>(schema: JsonSchema, description: string | undefined): Shape<Value> {
  return { schema: withDescription(schema, description), record: null, parts: [] };
}

function withDescription(schema: JsonSchema, description: string | undefined): JsonSchema {
  return description === undefined ? schema : { ...schema, description };
}

export function text(
  description?: string,
  options: Pick<JsonSchema, 'pattern' | 'minLength'> = {},
): Shape<string> {
  return plain({ type: 'string', ...options }, description);
}

export function flag(description?: string): Shape<boolean> {
  return plain({ type: 'boolean' }, description);
}

/** Any number. */
export function number(description?: string, limits: Limits = {}): Shape<number> {
  return plain({ type: 'number', ...limits }, description);
}

/** A time, a size or a rate: a number that is not negative. */
export function amount(description?: string, limits: Limits = {}): Shape<number> {
  return number(description, { minimum: 0, ...limits });
}

/** An integer that is not negative. */
export function count(description?: string, limits: Limits = {}): Shape<number> {
  return plain({ type: 'integer', minimum: 0, ...limits }, description);
}

export function constant<const Value extends string | number>(value: Value): Shape<Value> {
  return plain({ const: value }, undefined);
}

/** One of these words. */
export function enumOf<const Word extends string>(words: readonly Word[], description?: string): Shape<Word> {
  return plain({ enum: words }, description);
}

export function list<Item>(item: Shape<Item>, description?: string): Shape<readonly Item[]> {
  const schema = withDescription({ type: 'array', items: item.schema }, description);
  return { schema, record: null, parts: [item] };
}

/** An object whose members have names that the schema does not fix. */
export function named<Item>(item: Shape<Item>, description?: string): Shape<Readonly<Record<string, Item>>> {
  const schema = withDescription({ type: 'object', additionalProperties: item.schema }, description);
  return { schema, record: null, parts: [item] };
}

/** Either; of the second the messages about wrong values speak. */
export function either<First, Second>(
  first: Shape<First>,
  second: Shape<Second>,
  description?: string,
): Shape<First | Second> {
  const schema = withDescription({ anyOf: [first.schema, second.schema] }, description);
  return { schema, record: null, parts: [first, second] };
}

/** Null where it could not be measured, or there is none. */
export function orNull<Value>(shape: Shape<Value>, description?: string): Shape<Value | null> {
  const { type, items, properties, additionalProperties } = shape.schema;
  if (typeof type === 'string' && !items && !properties && !additionalProperties) {
    const schema = withDescription({ ...shape.schema, type: [type, 'null'] }, description);
    return { ...shape, schema } as Shape<Value | null>;
  }
  const { description: own, ...inner } = shape.schema;
  return either(plain<null>({ type: 'null' }, undefined), { ...shape, schema: inner }, description ?? own);
}

/** For fields that were added later. */
export function optional<Value>(shape: Shape<Value>): OptionalShape<Value> {
  return { ...shape, isOptional: true };
}

/** An object without a name, and its fields. */
export interface ObjectShape<F extends Fields> extends Shape<ObjectOf<F>> {
  readonly fields: F;
}

/** An object without a name: its fields stand where it is used. */
export function object<const F extends Fields>(fields: F, description?: string): ObjectShape<F> {
  return { schema: objectSchema(fields, description), record: null, parts: Object.values(fields), fields };
}

/** An object with a name, to which other shapes refer. */
export function record<const F extends Fields>(
  name: string,
  description: string | undefined,
  fields: F,
): Shape<ObjectOf<F>> {
  return referTo({ name, schema: objectSchema(fields, description), fields });
}

/** The same for fields that loop over a table: what type they make only the caller knows. */
export function recordOf<Value>(name: string, description: string | undefined, fields: Fields): Shape<Value> {
  return referTo({ name, schema: objectSchema(fields, description), fields });
}

/** A shape under a name of its own. */
export function defined<Value>(name: string, { schema, parts }: Shape<Value>): Shape<Value> {
  return { ...referTo<Value>({ name, schema, fields: {} }), parts };
}

function referTo<Value>(target: RecordShape): Shape<Value> {
  return {
    schema: { $ref: `#/$defs/${target.name}` },
    record: target,
    parts: Object.values(target.fields),
  };
}

function objectSchema(fields: Fields, description: string | undefined): JsonSchema {
  return {
    ...withDescription({ type: 'object' }, description),
    required: requiredOf(fields),
    properties: schemasOf(fields),
  };
}

function requiredOf(fields: Fields): string[] {
  return Object.keys(fields).filter((name) => fields[name]?.isOptional !== true);
}

function schemasOf(fields: Fields): Record<string, JsonSchema> {
  return Object.fromEntries(Object.entries(fields).map(([name, { schema }]) => [name, schema]));
}

type Case<Value extends string | boolean, F extends Fields> = readonly [value: Value, fields: F];
type CaseOf<Tag extends string, Value, Shared extends Fields, Own extends Fields> = Flat<
  { readonly [Name in Tag]: Value } & ObjectOf<Shared> & ObjectOf<Own>
>;

/** A record of two kinds: `tag` tells which, and each has fields of its own beside the shared ones. */
export function variants<
  const Tag extends string,
  const First extends string | boolean,
  const Second extends string | boolean,
  const Shared extends Fields,
  const A extends Fields,
  const B extends Fields,
>(
  name: string,
  description: string | undefined,
  tag: Tag,
  shared: Shared,
  [first, a]: Case<First, A>,
  [second, b]: Case<Second, B>,
): Shape<CaseOf<Tag, First, Shared, A> | CaseOf<Tag, Second, Shared, B>> {
  const kind = typeof first === 'string' ? { enum: [first, second] } : { type: 'boolean' as const };
  // What both have in shapes of their own stands in the branches alone.
  const own: Record<string, JsonSchema> = { ...schemasOf(a), ...schemasOf(b) };
  for (const both of Object.keys(a).filter((field) => field in b)) own[both] = {};
  const branch = (fields: Fields): JsonSchema => {
    const properties = Object.entries(schemasOf(fields)).filter(([field]) => field in a && field in b);
    const required = requiredOf(fields);
    return properties.length === 0 ? { required } : { required, properties: Object.fromEntries(properties) };
  };
  const schema: JsonSchema = {
    ...withDescription({ type: 'object' }, description),
    required: [tag, ...requiredOf(shared)],
    properties: { [tag]: kind, ...schemasOf(shared), ...own },
    if: { properties: { [tag]: { const: first } } },
    // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so
    then: branch(a),
    else: branch(b),
  };
  const fields: Fields = { [tag]: plain(kind, undefined), ...shared, ...a, ...b };
  return {
    ...referTo<never>({ name, schema, fields }),
    parts: [...Object.values({ ...shared, ...a }), ...Object.values(b)],
  };
}

/**
 * The JSON Schema of a document: that of its shape, with every record inside it as a definition.
 *
 * @param head `$id` and `title`
 */
export function schemaOf(shape: Shape<unknown>, head: Pick<JsonSchema, '$id' | 'title'>): JsonSchema {
  const definitions = Object.fromEntries(recordsIn(shape).map(({ name, schema }) => [name, schema]));
  const { [shape.record?.name ?? '']: document = shape.schema, ...$defs } = definitions;
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...head, ...document, $defs };
}

/** The records of a shape, itself first if it is one, each before those that it refers to. */
export function recordsIn(shape: Shape<unknown>, found: RecordShape[] = []): RecordShape[] {
  if (shape.record !== null) {
    if (found.includes(shape.record)) return found;
    found.push(shape.record);
  }
  for (const part of shape.parts) recordsIn(part, found);
  return found;
}
