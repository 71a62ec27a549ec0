/**
 * The command line of the host server: its options, their help texts and the rules of the parser.
 * Called by `options.ts`, which reads the values. Pure: parses text; `options.ts` prints.
 */
import yargs from 'yargs';
import { describeError, MirrorflowError } from '../protocol/base/errors.js';
import { DEFAULT_PORT } from './control/listen-address.js';

const EPILOGUE = `Environment: MIRRORFLOW_DIR, MIRRORFLOW_FLOW_DIR, MIRRORFLOW_PORT and MIRRORFLOW_WEB, in place of their options.

Ending: SIGTERM and SIGINT stop the host server and its applications. After SIGHUP, host.quit(false) or a crash
the applications continue, and the next host server of the same directory adopts them.

Exit codes: 0 ended as requested, 1 could not start, 2 bad option or configuration, 3 already running.`;

/** A parser whose errors are BAD_OPTION. */
export function commandLine(version: string) {
  return yargs()
    .scriptName('mirrorflow-host-server')
    .locale('en')
    .usage('$0 [options]\n\nStarts, watches and finds the applications of this machine or user.')
    .version(version)
    .help()
    .epilogue(EPILOGUE)
    .strict()
    .exitProcess(false)
    .wrap(110)
    .middleware(keepLast, true)
    .option('config', { type: 'string', requiresArg: true, describe: 'configuration file, JSON' })
    .option('check', {
      type: 'boolean',
      describe: 'check the options and the configuration file, and start nothing',
    })
    .option('directory', { type: 'string', requiresArg: true, describe: 'runtime directory' })
    .option('flow-dir', { type: 'string', requiresArg: true, describe: 'directory of the flow files' })
    .option('listen', {
      type: 'string',
      requiresArg: true,
      describe: `address of XML-RPC over HTTP and of other hosts, tcp://127.0.0.1:${DEFAULT_PORT}; port 0 is any free one, tls:// needs a certificate`,
    })
    .option('host-name', {
      type: 'string',
      requiresArg: true,
      describe: 'name of this host on its network; default: that of the machine',
    })
    .option('peer', {
      type: 'string',
      array: true,
      requiresArg: true,
      describe: `address of another host server, tcp://HOST:${DEFAULT_PORT} or tls://HOST:${DEFAULT_PORT}; repeatable`,
    })
    .option('discover', {
      type: 'boolean',
      describe: 'discover other hosts on the local network, and announce this one (DNS-SD)',
    })
    .option('data-ports', {
      type: 'string',
      requiresArg: true,
      describe: 'ports for data to other hosts, LOW-HIGH; default: any free ones',
    })
    .option('integrity', {
      choices: ['on', 'off'] as const,
      describe:
        'off: data between hosts without TLS carry no MAC, where both hosts say so; a program on the line can then change them',
    })
    .option('web', {
      type: 'string',
      requiresArg: true,
      describe: `address of the web viewer, or off; tcp://127.0.0.1:${DEFAULT_PORT + 1}. Beyond this machine it needs MIRRORFLOW_SECRET_FILE`,
    })
    .option('nats', {
      type: 'string',
      requiresArg: true,
      describe:
        'address of a NATS server over which this host meets other sites, nats://HOST:4222/PREFIX, or off',
    })
    .option('nats-credentials', {
      type: 'string',
      requiresArg: true,
      describe: 'file of credentials for the NATS server, readable by owner and group only',
    })
    .option('secret-file', {
      type: 'string',
      requiresArg: true,
      describe:
        'file with the shared secret of the hosts, readable by owner and group only; also MIRRORFLOW_SECRET_FILE',
    })
    .option('tls-cert', {
      type: 'string',
      requiresArg: true,
      describe: 'certificate of this host, PEM; also MIRRORFLOW_TLS_CERT',
    })
    .option('tls-key', {
      type: 'string',
      requiresArg: true,
      describe:
        'private key of the certificate, PEM, readable by owner and group only; also MIRRORFLOW_TLS_KEY',
    })
    .option('tls-ca', {
      type: 'string',
      requiresArg: true,
      describe: 'certificates of the authorities that sign for other hosts, PEM; also MIRRORFLOW_TLS_CA',
    })
    .option('scope', {
      choices: ['user', 'machine'] as const,
      default: 'user' as const,
      describe: 'run for this user or for the whole machine',
    })
    .option('log-level', {
      choices: ['debug', 'info', 'warn', 'error'] as const,
      describe: 'lowest level that is logged',
    })
    .option('log-format', { choices: ['json', 'text'] as const, describe: 'format of the log' })
    .option('app-server', {
      type: 'string',
      requiresArg: true,
      describe: 'program of the app servers, for tests',
      hidden: true,
    })
    .check(({ _: words }) => {
      if (words.length > 0) throw new Error(`unexpected argument: ${words.join(' ')}`);
      return true;
    })
    .fail((message: string | null, error: Error | undefined) => {
      throw new MirrorflowError('BAD_OPTION', message ?? describeError(error), {}, error);
    });
}

/** A repeated option counts once, with its last value, except for `--peer`. */
function keepLast(given: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(given)) {
    if (Array.isArray(value) && key !== 'peer' && key !== '_') given[key] = value.at(-1);
  }
}
