/** A host server as the child of a command that stays: same terminal, same end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { programPath } from '../../protocol/base/installation.js';
import { ownChildEnvironment } from '../../protocol/host/process-kit/environment.js';

/**
 * Resolves when it has ended as it was asked to; throws START_FAILED with its exit otherwise, of
 * which it has told the cause.
 */
export async function hostInForeground(args: readonly string[], signal: AbortSignal): Promise<void> {
  const child = spawn(process.execPath, [programPath('host-server'), ...args], {
    // A group of its own: Ctrl-C reaches it once, through this command.
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: ownChildEnvironment(process.env),
  });
  const end = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', end, { once: true });
  const [code, killedBy] = (await once(child, 'exit')) as [number | null, string | null];
  signal.removeEventListener('abort', end);
  if (code === 0) return;
  throw new MirrorflowError('START_FAILED', `the host server ended with ${killedBy ?? `exit code ${code}`}`);
}
