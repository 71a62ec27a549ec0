/**
 * Reads the configuration file of the host server. Called by `options.ts`, with `configuration.ts`
 * for its text. Reads the file.
 */
import { readFileSync, statSync } from 'node:fs';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { describeUnreadable } from '../../protocol/base/files/unreadable.js';
import { parseConfiguration, type Configuration } from './configuration.js';
import type { OptionProblems } from './option-problems.js';

const CONFIGURATION_BYTES_MAX = 1024 * 1024;

/** The keys that are valid; the others are problems. Throws BAD_CONFIGURATION: no such file. */
export function readConfiguration(file: string, problems: OptionProblems): Configuration {
  const result = parseConfiguration(readConfigurationText(file));
  if (result.kind === 'configuration') return result.configuration;
  for (const { key, message } of result.problems) problems.refuseValue(key, message);
  return result.sound;
}

function readConfigurationText(file: string): string {
  try {
    const { size } = statSync(file);
    if (size > CONFIGURATION_BYTES_MAX) {
      throw new Error(`it has ${size} bytes, more than ${CONFIGURATION_BYTES_MAX}`);
    }
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw new MirrorflowError(
      'BAD_CONFIGURATION',
      `the configuration ${file} cannot be read: ${describeUnreadable(thrown)}`,
      { file },
      thrown,
    );
  }
}
