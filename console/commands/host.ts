/**
 * `mirrorflow host`: shows, starts or stops the host server of this machine or user.
 *
 * The host server is the daemon that starts and watches the app servers of this host. Starting it
 * spawns a process and writes its log file below the runtime directory. Stopping it also ends its
 * applications, unless `--keep`.
 */
import path from 'node:path';
import type { HostInfo } from '../../client-lib/index.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { command, type CommandContext } from '../command.js';
import type { Output } from '../output.js';
import { formatDuration } from '../../plotting/numbers.js';
import { withHost } from '../servers.js';

const ACTIONS = ['status', 'start', 'stop', 'check'] as const;
const STOP_TIMEOUT_MS = 10_000;

interface StartOptions {
  readonly foreground: boolean | undefined;
  readonly args: readonly string[];
}

export const hostCommand = command({
  name: 'host',
  summary: 'show the host server that runs; start or stop it',
  positionals: {
    action: {
      type: 'string',
      choices: ACTIONS,
      default: 'status',
      describe:
        'status: show it; start: start it in the background; stop: stop it and its applications; check: check a configuration file',
    },
    file: { type: 'string', describe: 'check: the configuration file', completes: 'file' },
  },
  options: {
    foreground: {
      type: 'boolean',
      describe: 'start: stay in the foreground, with the log on standard error',
    },
    config: { type: 'string', describe: 'start: configuration file, JSON', completes: 'file' },
    listen: {
      type: 'string',
      describe: 'start, check: address of XML-RPC over HTTP, such as tcp://127.0.0.1:0',
    },
    'flow-dir': { type: 'string', describe: 'start, check: directory of the flow files', completes: 'file' },
    'host-name': { type: 'string', describe: 'start, check: name of this host on its network' },
    peer: {
      type: 'string',
      describe: 'start, check: address of another host server, such as tcp://daq:7390',
    },
    'secret-file': {
      type: 'string',
      describe: 'start, check: file with the shared secret of the hosts',
      completes: 'file',
    },
    everything: { type: 'boolean', describe: 'stop: stop all applications too (the default)' },
    keep: {
      type: 'boolean',
      describe: 'stop: keep the applications running; the next host server adopts them',
    },
  },
  examples: [
    ['host', 'show it; exit code 3 when none runs'],
    ['host start --config lab.json', 'start one; success when one runs already'],
    [
      'host start --listen tcp://0.0.0.0:7390 --secret-file lab.secret --peer tcp://daq:7390',
      'one of several hosts',
    ],
    ['host check lab.json', 'report every mistake in it; exit code 2 when there is one'],
    [
      'host check lab.json --secret-file lab.secret',
      'with an option that the service unit gives beside the file',
    ],
    ['host stop --keep', 'stop only the host server; data keep moving'],
  ],
  async run(context, values) {
    const { action, file, foreground, config } = values;
    if (file !== undefined && action !== 'check') {
      throw new MirrorflowError('BAD_OPTION', `host ${action} takes no further word ${JSON.stringify(file)}`);
    }
    const options = serverOptions(values);
    switch (action) {
      case 'start':
        return start(context, {
          foreground,
          args: [...(config === undefined ? [] : ['--config', path.resolve(config)]), ...options],
        });
      case 'stop':
        if (values.everything === true && values.keep === true) {
          throw new MirrorflowError(
            'BAD_OPTION',
            '--everything and --keep exclude each other: give one of them',
          );
        }
        return stop(context, values.keep !== true);
      case 'check':
        return checkFile(context, file ?? config, options);
      case 'status':
        return showHost(context.output, await withHost(context, (host) => host.info()));
      default:
        return action satisfies never;
    }
  },
});

/** The options of the host server beside its configuration file. */
function serverOptions(values: {
  readonly listen: string | undefined;
  readonly 'flow-dir': string | undefined;
  readonly 'host-name': string | undefined;
  readonly peer: string | undefined;
  readonly 'secret-file': string | undefined;
}): string[] {
  const secretFile = values['secret-file'];
  const given = {
    '--listen': values.listen,
    '--flow-dir': values['flow-dir'],
    '--host-name': values['host-name'],
    '--peer': values.peer,
    '--secret-file': secretFile === undefined ? undefined : path.resolve(secretFile),
  };
  return Object.entries(given).flatMap(([option, value]) => (value === undefined ? [] : [option, value]));
}

async function start(context: CommandContext, { foreground, args }: StartOptions): Promise<void> {
  const { directory, env, output, signal } = context;
  const { hostInForeground, launchHost, runningHost } = await import('../host-process/launch.js');
  const running = await runningHost(directory);
  if (running !== undefined) {
    output.note('a host server runs already');
    return showHost(output, running);
  }
  if (foreground === true) {
    return hostInForeground(
      [...(directory === undefined ? [] : ['--directory', directory]), ...args],
      signal,
    );
  }
  const launched = await launchHost({ directory, env, args, signal });
  showHost(output, launched.info);
  output.note(`its log is ${launched.logFile}`);
}

async function checkFile(
  { output, env }: CommandContext,
  file: string | undefined,
  options: readonly string[],
): Promise<void> {
  if (file === undefined) {
    throw new MirrorflowError('BAD_OPTION', 'host check needs a FILE: mirrorflow host check lab.json');
  }
  const { checkConfiguration } = await import('../host-process/check-configuration.js');
  const checked = path.resolve(file);
  await checkConfiguration(['--config', checked, ...options], env);
  if (output.json) output.value({ file: checked, valid: true });
  else output.lines([`${checked} is valid`]);
}

async function stop(context: CommandContext, everything: boolean): Promise<void> {
  const { output, signal } = context;
  const { hostExited, hostIdentity } = await import('../host-process/launch.js');
  const { directory, identity, runningBefore } = await withHost(context, async (host) => {
    const applications = await host.applications();
    const identity = hostIdentity(await host.info());
    await host.quit(everything);
    return {
      directory: host.directory,
      identity,
      runningBefore: applications.filter(({ state }) => state === 'running').map(({ name }) => name),
    };
  });
  if (!(await hostExited(directory, identity, STOP_TIMEOUT_MS, signal))) {
    throw new MirrorflowError(
      'TIMED_OUT',
      `the host server in ${directory} accepted the request and still runs after ${STOP_TIMEOUT_MS} ms`,
    );
  }
  if (output.json) {
    return output.value({ stopped: true, directory, applications: everything ? runningBefore : [] });
  }
  const names = runningBefore.length === 0 ? 'no applications' : runningBefore.join(', ');
  output.lines([
    everything
      ? `The host server in ${directory} has stopped, and with it: ${names}.`
      : `The host server in ${directory} has stopped. Still running: ${names}.`,
  ]);
}

function showHost(output: Output, info: HostInfo): void {
  if (output.json) return output.value(info);
  output.table(
    [
      { header: 'host' },
      { header: 'pid' },
      { header: 'uptime', align: 'right' },
      { header: 'directory' },
      { header: 'flow files' },
      { header: 'xml-rpc' },
      { header: 'version' },
    ],
    [
      [
        info.host,
        String(info.pid),
        formatDuration(Date.now() - info.startedAt.getTime()),
        info.directory,
        info.flowDirectory,
        info.port === 0 ? undefined : `port ${info.port}`,
        info.version,
      ],
    ],
    '',
  );
}
