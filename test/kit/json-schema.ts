/**
 * Whether a JSON schema accepts a value, as an editor decides it, for the keywords that the schemas
 * of the project use; any other keyword is an error. Source: JSON Schema 2020-12, validation.
 */
type Json = Readonly<Record<string, unknown>>;
type Keyword = (argument: never, value: unknown, schema: Json) => boolean;

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  integer: (value) => Number.isInteger(value),
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  boolean: (value) => typeof value === 'boolean',
  array: (value) => Array.isArray(value),
  object: isObject,
};

/** A keyword about values of one type accepts every value of another type. */
const KEYWORDS: Readonly<Record<string, Keyword>> = {
  $schema: () => true,
  title: () => true,
  description: () => true,
  type: (type: string, value) => TYPES[type]?.(value) === true,
  enum: (allowed: unknown[], value) => allowed.includes(value),
  pattern: (pattern: string, value) => typeof value !== 'string' || new RegExp(pattern, 'u').test(value),
  maxLength: (length: number, value) => typeof value !== 'string' || Array.from(value).length <= length,
  minimum: (least: number, value) => typeof value !== 'number' || value >= least,
  maximum: (most: number, value) => typeof value !== 'number' || value <= most,
  items: (item: Json, value) => !Array.isArray(value) || value.every((one) => accepts(item, one)),
  maxItems: (most: number, value) => !Array.isArray(value) || value.length <= most,
  properties: (members: Record<string, Json>, value) =>
    !isObject(value) ||
    Object.entries(members).every(
      ([name, member]) => !Object.hasOwn(value, name) || accepts(member, value[name]),
    ),
  required: (names: string[], value) => !isObject(value) || names.every((name) => Object.hasOwn(value, name)),
  additionalProperties: (member: false | Json, value, { properties = {} }) =>
    !isObject(value) ||
    Object.keys(value)
      .filter((name) => !Object.hasOwn(properties as object, name))
      .every((name) => member !== false && accepts(member, value[name])),
  propertyNames: (names: Json, value) =>
    !isObject(value) || Object.keys(value).every((name) => accepts(names, name)),
  maxProperties: (most: number, value) => !isObject(value) || Object.keys(value).length <= most,
  not: (schema: Json, value) => !accepts(schema, value),
};

export function accepts(schema: object, value: unknown): boolean {
  return Object.entries(schema).every(([name, argument]) => {
    const keyword = KEYWORDS[name];
    if (keyword === undefined) throw new Error(`the schema has the keyword ${name}, which is not known here`);
    return keyword(argument as never, value, schema as Json);
  });
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
