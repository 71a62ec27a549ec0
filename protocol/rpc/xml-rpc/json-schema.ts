/**
 * The part of JSON Schema (2020-12) in which a schema states what it accepts, for editors. The
 * schemas of `schema.ts` carry it; the schema of the configuration file is published from it. Types
 * and constants only.
 *
 * `maxLength` counts a character beyond the basic plane as one, the schemas' own check as two.
 */
export interface JsonSchema {
  readonly description?: string;
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object';
  readonly enum?: readonly string[];
  /** A regular expression of ECMAScript, with the flag `u`. */
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: JsonSchema;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false | JsonSchema;
  readonly propertyNames?: JsonSchema;
  readonly maxProperties?: number;
  readonly not?: JsonSchema;
}

/** Accepts nothing: of types that JSON does not have. */
export const NO_JSON: JsonSchema = { not: {} };
