/**
 * Names for the completion, asked of the servers and remembered for a moment. What cannot be had is
 * no name.
 */
import type { CommandContext, NameKind } from '../command.js';
import { withClient, withHost } from '../servers.js';
import type { NameSource } from './completion.js';

/** The time between two presses of the tab key. */
const REMEMBERED_MS = 3_000;
/** Longer nobody waits for a completion. */
const PATIENCE_MS = 1_500;

interface Remembered {
  readonly untilMs: number;
  readonly names: Promise<readonly string[]>;
}

export function knownNames({ directory, commands, signal }: CommandContext): NameSource {
  const remembered = new Map<string, Remembered>();
  const ask = async (kind: NameKind, app: string | undefined): Promise<readonly string[]> => {
    const where = { directory, signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]) };
    switch (kind) {
      case 'command':
        return commands.map(({ name }) => name);
      case 'application':
        return withHost(where, async (host) => (await host.applications()).map(({ name }) => name));
      case 'flow':
        return withClient(where, app, async (client) => (await client.flows()).map(({ flow }) => flow));
      case 'spectrum':
        return withClient(where, app, async (client) =>
          (await client.mirror()).read((view) => view.list().map(({ name }) => name)),
        );
      default:
        return kind satisfies never;
    }
  };
  return (kind, app) => {
    const key = `${kind} ${app ?? ''}`;
    const known = remembered.get(key);
    if (known !== undefined && known.untilMs > performance.now()) return known.names;
    const names = ask(kind, app).catch(() => []);
    remembered.set(key, { untilMs: performance.now() + REMEMBERED_MS, names });
    return names;
  };
}
