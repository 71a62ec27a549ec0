/**
 * The installation (see `install.ts`) as a program of its own, which the console command
 * `mirrorflow install` runs. Prints one line of JSON: the outcome on standard output, or an error
 * (code and message) on standard error with exit code 1. Writes the unit's file unless `--print` is
 * given.
 */
import { parseArgs } from 'node:util';
import { describeError, isMirrorflowError, MirrorflowError } from '../../protocol/base/errors.js';
import { planInstallation, writeUnit } from './install.js';

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

try {
  const { scope, print, force, config, user, group } = options();
  if (scope !== 'user' && scope !== 'system') {
    throw new MirrorflowError('BAD_OPTION', `--scope is ${JSON.stringify(scope)}; it must be user or system`);
  }
  const installation = planInstallation(
    {
      scope,
      ...(config === undefined ? {} : { configFile: config }),
      ...(user === undefined ? {} : { user }),
      ...(group === undefined ? {} : { group }),
    },
    process.env,
  );
  const outcome = print === true ? 'printed' : writeUnit(installation, { force: force === true });
  process.stdout.write(`${JSON.stringify({ outcome, ...installation })}\n`);
} catch (error) {
  const code = isMirrorflowError(error) ? error.code : 'SYSTEM_ERROR';
  process.stderr.write(`${JSON.stringify({ code, message: describeError(error) })}\n`);
  process.exitCode = 1;
}

function options() {
  try {
    return parseArgs({
      options: { scope: text, print: flag, force: flag, config: text, user: text, group: text },
    }).values;
  } catch (error) {
    throw new MirrorflowError('BAD_OPTION', describeError(error), {}, error);
  }
}
