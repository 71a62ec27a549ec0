/**
 * The JSON schema of the configuration file, for editors. `npm run docs` writes it to
 * `docs/host.schema.json`, which packages contain. Pure.
 *
 * It accepts what the host server accepts, but for what JSON Schema cannot state: that LOW of
 * `dataPorts` is not above HIGH, that no two applications have one name, and that accounts exist.
 */
import type { JsonSchema } from '../../protocol/rpc/xml-rpc/json-schema.js';
import { CONFIGURATION_KEYS } from './configuration-keys.js';

export function configurationSchema(): JsonSchema & { readonly $schema: string; readonly title: string } {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration of a mirrorflow host server',
    type: 'object',
    properties: Object.fromEntries(
      Object.entries(CONFIGURATION_KEYS).map(([key, { doc, json }]) => [key, { ...json, description: doc }]),
    ),
    additionalProperties: false,
  };
}
