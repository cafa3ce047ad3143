export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** A JSON Schema in which every object schema with named properties forbids all others. */
export function closeObjects(node: Json): Json {
  if (Array.isArray(node)) return node.map(closeObjects);
  if (typeof node !== 'object' || node === null) return node;
  const closed = Object.fromEntries(
    Object.entries(node).map(([name, value]) => [
      name,
      // The branches only narrow objects that are described in full elsewhere.
      ['if', 'then', 'else'].includes(name) ? value : closeObjects(value),
    ]),
  );
  return 'properties' in closed && closed['type'] === 'object'
    ? { ...closed, additionalProperties: false }
    : closed;
}
