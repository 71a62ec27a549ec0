/**
 * Reads the text of the host server's configuration file: strict JSON. The whole file is checked,
 * so that one error message lists every problem. Called by `options.ts`. Pure, except that accounts
 * are looked up: text in, configuration or problems out.
 */
import type { ApplicationOptions } from '../../protocol/rpc/contract/shapes.js';
import { describeError } from '../../protocol/base/errors.js';
import { describeValue, isStruct } from '../../protocol/rpc/xml-rpc/values.js';
import { CONFIGURATION_KEYS, type ConfigurationKey } from './configuration-keys.js';
import type { Refuse } from './configuration-readers.js';

type Keys = typeof CONFIGURATION_KEYS;
type ValueOf<K> = K extends ConfigurationKey<infer T> ? T : never;

/** The keys that are given, each in the form that its reader returns. */
export type Configuration = {
  readonly [K in keyof Keys]?: ValueOf<Keys[K]>;
} & { readonly applications: readonly ApplicationOptions[] };

/** One problem of the file. */
export interface ConfigurationProblem {
  /** `applications[1].port`; empty for the file as a whole. */
  readonly key: string;
  /** The value and what is allowed. */
  readonly message: string;
}

export type ConfigurationResult =
  | { readonly kind: 'configuration'; readonly configuration: Configuration }
  | {
      readonly kind: 'problems';
      readonly problems: readonly ConfigurationProblem[];
      /** The keys without a problem. */
      readonly sound: Configuration;
    };

const KEYS = Object.entries<ConfigurationKey<unknown>>(CONFIGURATION_KEYS);
/** The keys of mirrorflow; `$schema` is for editors. */
const KEY_LIST = KEYS.map(([key]) => key)
  .filter((key) => !key.startsWith('$'))
  .join(', ');

export function parseConfiguration(text: string): ConfigurationResult {
  const problems: ConfigurationProblem[] = [];
  const refuse = (key: string, message: string): void => void problems.push({ key, message });
  const root = readJson(text, refuse);
  if (root === undefined) return { kind: 'problems', problems, sound: { applications: [] } };
  for (const key of Object.keys(root)) {
    if (!KEYS.some(([known]) => known === key)) {
      refuse(key.slice(0, 80), `is not known; the keys are ${KEY_LIST}`);
    }
  }
  const given = KEYS.filter(([key]) => Object.hasOwn(root, key));
  const read = given.map(([key, { read }]) => [key, read(root[key], key, refuse)] as const);
  const sound = read.filter(([, value]) => value !== undefined);
  const values = Object.fromEntries(sound) as Partial<Configuration>;
  const configuration = { applications: [], ...values };
  return problems.length > 0
    ? { kind: 'problems', problems, sound: configuration }
    : { kind: 'configuration', configuration };
}

type Root = { readonly [key: string]: unknown };

function readJson(text: string, refuse: Refuse): Root | undefined {
  let root: unknown;
  try {
    // Some editors put a byte order mark in front, which JSON does not allow.
    root = JSON.parse(text.startsWith('\u{FEFF}') ? text.slice(1) : text);
  } catch (thrown) {
    refuse('', `is not JSON: ${describeError(thrown)}; comments and trailing commas are not allowed`);
    return undefined;
  }
  if (isStruct(root)) return root;
  refuse('', `must be an object with the keys ${KEY_LIST}, and is ${describeValue(root)}`);
  return undefined;
}
