/**
 * The two receivers of alarms outside of the viewer: a webhook, which gets a POST, and a command,
 * which gets the message on its standard input. `AlarmNotifier` calls them. Opens connections;
 * starts processes, without a shell, which end at the time-out with all that they started.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { MirrorflowError } from '../../../protocol/base/errors.js';
import type { AlarmActions } from '../../../protocol/host/alarm-actions.js';
import type { Deliver, Message } from './delivery-queue.js';

type Webhook = NonNullable<AlarmActions['webhook']>;
type Command = NonNullable<AlarmActions['command']>;

/** What a command needs of the viewer's environment; secrets of the viewer are not in it. */
const PASSED_VARIABLES = ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'TZ'];
/** Longest text of the standard error of a command that is logged. */
const ERRORS_CHARACTERS_MAX = 2_000;

export function webhook({ url, tokenFile }: Webhook, timeoutMs: number): Deliver {
  return async (message, closing) => {
    // Read at each message, so that a new token needs no restart.
    const token = tokenFile === undefined ? undefined : readFileSync(tokenFile, 'utf8').trim();
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'error',
      headers: {
        'Content-Type': 'application/json',
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(message),
      signal: AbortSignal.any([closing, AbortSignal.timeout(timeoutMs)]),
    });
    await response.body?.cancel();
    if (response.ok) return;
    throw new MirrorflowError('REFUSED', `the webhook answered with status ${response.status}`, {
      status: response.status,
    });
  };
}

export function command({ program, arguments: args }: Command, timeoutMs: number): Deliver {
  return (message, closing) =>
    new Promise((resolve, reject) => {
      const child = spawn(program, args, {
        // A process group of its own, so that what it starts ends with it.
        detached: true,
        stdio: ['pipe', 'ignore', 'pipe'],
        env: environmentOf(message),
      });
      let errors = '';
      let timedOut = false;
      const end = (): void => {
        if (child.pid !== undefined) killGroup(child.pid);
      };
      const timer = setTimeout(() => {
        timedOut = true;
        end();
      }, timeoutMs);
      closing.addEventListener('abort', end);
      const finish = (error: Error | undefined): void => {
        clearTimeout(timer);
        closing.removeEventListener('abort', end);
        if (error === undefined) resolve();
        else reject(error);
      };
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        errors = (errors + text).slice(0, ERRORS_CHARACTERS_MAX);
      });
      // A command need not read its input.
      child.stdin.on('error', () => undefined).end(JSON.stringify(message));
      child.on('error', (error) => finish(failure(`cannot run ${program}: ${error.message}`)));
      // Not `close`: a process that it started may keep its standard error open.
      child.on('exit', (status, signal) => {
        child.stderr.destroy();
        if (timedOut) return finish(failure(`${program} did not end within ${timeoutMs} ms and was killed`));
        if (status === 0) return finish(undefined);
        finish(failure(`${program} ended with ${signal ?? `status ${status}`}: ${errors.trim()}`));
      });
      if (closing.aborted) end();
    });
}

function environmentOf(message: Message): NodeJS.ProcessEnv {
  const passed = PASSED_VARIABLES.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const { app, alarm, state } = message;
  return {
    ...Object.fromEntries(passed),
    MIRRORFLOW_ALARM_APP: String(app),
    MIRRORFLOW_ALARM: String(alarm),
    MIRRORFLOW_ALARM_STATE: String(state),
  };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The command has ended.
  }
}

function failure(message: string): MirrorflowError {
  return new MirrorflowError('CHILD_DIED', message.slice(0, ERRORS_CHARACTERS_MAX));
}
