/** What the web process was told: options win over the environment. */
import { readFileSync, statSync } from 'node:fs';
import yargs from 'yargs';
import { parseAddress, type AddressOf } from '../../protocol/address.js';
import type { Environment } from '../../protocol/directories.js';
import { describeError, MirrorflowError } from '../../protocol/errors.js';

export interface WebOptions {
  readonly listen: AddressOf<'tcp'>;
  readonly orAnyPort: boolean;
  readonly names: readonly string[];
  readonly secret: string | undefined;
  readonly directory: string | undefined;
  readonly endWithStdin: boolean;
}

export const DEFAULT_WEB_PORT = 7391;
const SECRET_BYTES = { min: 8, max: 1_024 };
const OTHERS_MAY = 0o007;

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

/** The text of the file without the line end. Throws BAD_OPTION when others may read it, or it is too short to be one. */
function readSecret(file: string): string {
  let secret: string;
  try {
    const { mode, size } = statSync(file);
    if ((mode & OTHERS_MAY) !== 0) throw new Error('others may read or write it; chmod 600 it');
    if (size > SECRET_BYTES.max) throw new Error(`it has more than ${SECRET_BYTES.max} bytes`);
    secret = readFileSync(file, 'utf8').trimEnd();
  } catch (error) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `the secret file ${file} cannot be used: ${describeError(error)}`,
      { file },
      error,
    );
  }
  if (Buffer.byteLength(secret) >= SECRET_BYTES.min) return secret;
  throw new MirrorflowError(
    'BAD_OPTION',
    `the secret in ${file} is too short: it must have ${SECRET_BYTES.min} bytes at least`,
    { file },
  );
}
