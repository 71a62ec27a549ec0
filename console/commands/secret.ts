/**
 * `mirrorflow secret`: exchanges the shared secret of the hosts without a gap.
 *
 * Works on the file of the secret only; running servers notice the changed file.
 */
import path from 'node:path';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { command } from '../command.js';

export const secretCommand = command({
  name: 'secret',
  summary: 'exchange the shared secret of the hosts without a gap',
  positionals: {
    action: {
      type: 'string',
      choices: ['rotate'] as const,
      demandOption: true,
      describe: 'rotate: put a new secret in front of the present one, or finish such an exchange',
    },
  },
  options: {
    'secret-file': {
      type: 'string',
      describe: 'file with the shared secret (MIRRORFLOW_SECRET_FILE)',
      completes: 'file',
    },
    new: { type: 'string', describe: 'file with the new secret, the same on every host', completes: 'file' },
    finish: { type: 'boolean', describe: 'remove the old secret, when every host has the new one' },
  },
  examples: [
    [
      'secret rotate --secret-file lab.secret --new new.secret',
      'on every host: accept both, prove the new one',
    ],
    ['secret rotate --secret-file lab.secret --finish', 'then on every host: accept the new one alone'],
  ],
  async run({ output, env }, { 'secret-file': given, new: newFile, finish }) {
    const stated = given ?? (env['MIRRORFLOW_SECRET_FILE'] || undefined);
    if (stated === undefined) {
      throw new MirrorflowError('BAD_OPTION', 'name the file of the secret: give --secret-file');
    }
    if ((newFile === undefined) === (finish !== true)) {
      throw new MirrorflowError('BAD_OPTION', 'give either --new FILE, or --finish');
    }
    const file = path.resolve(stated);
    const { beginExchange, finishExchange } = await import('../../protocol/rpc/security/secret-exchange.js');
    if (newFile === undefined) finishExchange(file);
    else beginExchange(file, path.resolve(newFile));
    const accepted = newFile === undefined ? 1 : 2;
    if (output.json) output.value({ file, accepted });
    else if (accepted === 1) output.lines([`${file} has the new secret alone; the old one is refused`]);
    else {
      output.lines([
        `${file} has the new secret and the old one; both are accepted`,
        'do the same on every host, then run there: mirrorflow secret rotate --finish',
      ]);
    }
  },
});
