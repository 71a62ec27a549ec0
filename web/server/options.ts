/** What the web process was told: options win over the environment. */
import yargs from 'yargs';
import { parseAddress, type AddressOf } from '../../protocol/base/address.js';
import type { Environment } from '../../protocol/base/paths.js';
import { describeError, MirrorflowError } from '../../protocol/base/errors.js';
import { readSecret, type Secret } from '../../protocol/rpc/security/secret.js';

export interface WebOptions {
  readonly listen: AddressOf<'tcp'>;
  readonly orAnyPort: boolean;
  readonly names: readonly string[];
  readonly secret: Secret | undefined;
  readonly directory: string | undefined;
  readonly endWithStdin: boolean;
}

export const DEFAULT_WEB_PORT = 7391;

/** Undefined when help or version was asked for and printed. Throws BAD_OPTION or BAD_ADDRESS. */
export async function readWebOptions(
  args: readonly string[],
  env: Environment,
  version: string,
): Promise<WebOptions | undefined> {
  let printed = '';
  const parser = commandLine(version);
  const given = await parser.parseAsync([...args], {}, (_error, _given, output) => {
    printed = output;
  });
  if (given['help'] === true || given['version'] === true) {
    process.stdout.write(`${printed}\n`);
    return undefined;
  }
  const secretFile = given.secretFile ?? (env['MIRRORFLOW_SECRET_FILE'] || undefined);
  return {
    listen: parseAddress(given.listen, { schemes: ['tcp'], listening: true }),
    orAnyPort: given.orAnyPort,
    names: given.name.map((name) => name.toLowerCase()),
    secret: secretFile === undefined ? undefined : readSecret(secretFile),
    directory: given.directory,
    endWithStdin: given.endWithStdin,
  };
}

function commandLine(version: string) {
  return yargs()
    .scriptName('mirrorflow-web')
    .usage('$0 [options]\n\nServes the spectra of this host to browsers.')
    .version(version)
    .help()
    .strict()
    .exitProcess(false)
    .wrap(110)
    .option('listen', {
      type: 'string',
      requiresArg: true,
      default: `tcp://127.0.0.1:${DEFAULT_WEB_PORT}`,
      describe:
        'address it is served on; beyond this machine only with --secret-file. Port 0 is any free one',
    })
    .option('or-any-port', {
      type: 'boolean',
      default: false,
      describe: 'take any free port when that one is taken',
    })
    .option('name', {
      type: 'string',
      array: true,
      requiresArg: true,
      default: [] as string[],
      describe: 'a name of this host that browsers may use besides its own, as often as there are names',
    })
    .option('secret-file', {
      type: 'string',
      requiresArg: true,
      describe: 'file with the shared secret, which nobody else may read; also MIRRORFLOW_SECRET_FILE',
    })
    .option('directory', {
      type: 'string',
      requiresArg: true,
      describe: 'runtime directory of the host server',
    })
    .option('end-with-stdin', {
      type: 'boolean',
      default: false,
      describe:
        'end when standard input ends: a parent that holds its other end takes it along, however it dies',
    })
    .check(({ _: words }) => {
      if (words.length > 0) throw new Error(`unexpected argument: ${words.join(' ')}`);
      return true;
    })
    .fail((message: string | null, error: Error | undefined) => {
      throw new MirrorflowError('BAD_OPTION', message ?? describeError(error), {}, error);
    });
}
