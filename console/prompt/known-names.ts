/**
 * Names for completion: commands, applications, flows and spectra.
 *
 * `prompt-session.ts` passes it to the completion. It queries the host server and app servers and
 * caches the answers for a moment; an error or a time-out yields no names.
 */
import type { CommandContext, NameKind } from '../command.js';
import { withClient, withHost } from '../servers.js';
import type { NameSource } from './completion.js';

/** Two presses of the tab key within this time use the same answer. */
const CACHE_MS = 3_000;
/** A completion after a longer wait would be of no use. */
const ANSWER_TIMEOUT_MS = 1_500;

interface CachedNames {
  readonly untilMs: number;
  readonly names: Promise<readonly string[]>;
}

export function knownNames({ directory, commands, signal }: CommandContext): NameSource {
  const cache = new Map<string, CachedNames>();
  const ask = async (kind: NameKind, app: string | undefined): Promise<readonly string[]> => {
    const connection = {
      directory,
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
    };
    switch (kind) {
      case 'command':
        return commands.map(({ name }) => name);
      case 'application':
        return withHost(connection, async (host) => (await host.applications()).map(({ name }) => name));
      case 'flow':
        return withClient(connection, app, async (client) => (await client.flows()).map(({ flow }) => flow));
      case 'spectrum':
        return withClient(connection, app, async (client) =>
          (await client.mirror()).read((view) => view.list().map(({ name }) => name)),
        );
      default:
        return kind satisfies never;
    }
  };
  return (kind, app) => {
    const key = `${kind} ${app ?? ''}`;
    const cached = cache.get(key);
    if (cached !== undefined && cached.untilMs > performance.now()) return cached.names;
    const names = ask(kind, app).catch(() => []);
    cache.set(key, { untilMs: performance.now() + CACHE_MS, names });
    return names;
  };
}
